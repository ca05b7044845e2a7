//! Operations of APIs as documents: definitions are read once per version, and not kept.

use std::sync::Arc;

use serde_json::Value;
use tokio::runtime::Handle;

use super::weight;
use crate::apis::{Operation, PlacedText, Shelf, place};
use crate::graph::{Ix, Snapshot};
use crate::graphql::operation_node;
use crate::sdl::KindId;
use crate::search::{Document, Text};
use crate::store::Store;

/// Where texts of definitions are, and who reads them.
#[derive(Clone, Debug)]
pub struct Definitions {
    pub store: Store,
    pub shelf: Shelf,
}

impl Definitions {
    /// Every entity of a kind that has definitions.
    pub(super) fn all(snapshot: &Snapshot) -> Vec<Ix> {
        let kinds = place::kinds(snapshot.model()).into_iter().map(Some);
        let kinds: Vec<Option<KindId>> = kinds.collect();
        snapshot.of_kinds(&kinds).iter().map(Ix).collect()
    }

    /// The operations of an entity; on a thread that may wait.
    pub(super) fn documents(&self, snapshot: &Snapshot, ix: Ix, handle: &Handle) -> Vec<Document> {
        let mut documents = Vec::new();
        for place in place::of_entity(snapshot, ix) {
            let Some(text) = self.text(&place.text, handle) else {
                continue;
            };
            let definition = self.shelf.read_now(&text, place.hint.as_deref());
            let each = definition.operations.iter();
            documents.extend(each.map(|operation| document(operation, snapshot, ix)));
        }
        documents
    }

    fn text(&self, text: &PlacedText, handle: &Handle) -> Option<Arc<str>> {
        let hash = match text {
            PlacedText::Here(text) => return Some(Arc::from(&**text)),
            PlacedText::Stored(hash) => hash.to_string(),
        };
        match handle.block_on(self.store.texts(std::slice::from_ref(&hash))) {
            Ok(mut texts) => texts.remove(&hash),
            Err(error) => {
                tracing::warn!(%error, "a definition cannot be loaded for the search index: {error}");
                None
            }
        }
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
