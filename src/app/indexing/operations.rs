//! Operations of APIs as documents: what is in definitions, each looked at once per version of its entity.

use serde_json::Value;
use tokio::runtime::Handle;

use super::weight;
use crate::apis::{Operation, Shelf, Unread, place};
use crate::graph::{Ix, Snapshot};
use crate::graphql::operation_node;
use crate::sdl::KindId;
use crate::search::{Document, Text};

/// Who reads definitions.
#[derive(Clone, Debug)]
pub struct Definitions(pub Shelf);

impl Definitions {
    /// Every entity of a kind that has definitions.
    pub(super) fn all(snapshot: &Snapshot) -> Vec<Ix> {
        let kinds = place::kinds(snapshot.model()).into_iter().map(Some);
        let kinds: Vec<Option<KindId>> = kinds.collect();
        snapshot.of_kinds(&kinds).iter().map(Ix).collect()
    }

    /// Whether an entity is of a kind that has definitions.
    pub(super) fn may_have(snapshot: &Snapshot, ix: Ix) -> bool {
        let kind = snapshot.kind(ix);
        kind.is_some_and(|kind| !place::fields(snapshot.model(), kind).is_empty())
    }

    /// The operations of an entity, `None` where its definition cannot be had; on a thread that may wait.
    pub(super) fn documents(
        &self,
        snapshot: &Snapshot,
        ix: Ix,
        handle: &Handle,
    ) -> Option<Vec<Document>> {
        let mut documents = Vec::new();
        for place in place::of_entity(snapshot, ix) {
            let definition = match handle.block_on(self.0.look(&place)) {
                Ok(definition) => definition,
                // The next change is there already.
                Err(Unread::Gone | Unread::Ends) => return None,
                Err(Unread::Store(error)) => {
                    tracing::warn!(%error, "a definition cannot be loaded for the search index: {error}");
                    return None;
                }
            };
            let each = definition.operations.iter();
            documents.extend(each.map(|operation| document(operation, snapshot, ix)));
        }
        Some(documents)
    }

    /// All of them were looked at; on a thread that may wait.
    pub(super) fn settle(&self, handle: &Handle) {
        handle.block_on(self.0.settle());
    }
}

fn document(operation: &Operation, snapshot: &Snapshot, ix: Ix) -> Document {
    let mut texts = Vec::new();
    let mut add = |field: &str, weight: f32, text: &str| {
        if !text.is_empty() {
            texts.push(Text {
                field: field.into(),
                weight,
                text: text.to_owned(),
            });
        }
    };
    let named = [
        ("path", &operation.path),
        ("channel", &operation.channel),
        ("rpc", &operation.rpc),
        ("field", &operation.field),
        ("name", &operation.name),
    ];
    for (field, text) in named {
        add(field, weight::NAME, text.as_deref().unwrap_or_default());
    }
    add(
        "summary",
        weight::TITLE,
        operation.summary.as_deref().unwrap_or_default(),
    );
    for tag in &operation.tags {
        add("tags", weight::AROUND, tag);
    }
    add(
        "description",
        weight::TEXT,
        operation.description.as_deref().unwrap_or_default(),
    );
    add(
        "method",
        weight::COMMON,
        operation.method.as_deref().unwrap_or_default(),
    );
    let node = operation_node(operation, snapshot, ix);
    Document {
        id: node
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .into(),
        name: operation.key.clone(),
        title: operation.summary.clone().or_else(|| operation.name.clone()),
        texts,
        rank: if operation.deprecated {
            super::DEMOTED
        } else {
            1.0
        },
        node: Some(node),
    }
}
