//! Sections of docs as documents: pages are read when a file of their docs has changed, and not kept.

use std::sync::Arc;

use super::weight;
use crate::docs::Library;
use crate::graph::{Ix, Snapshot};
use crate::graphql::{FoundSection, docs_sections};
use crate::search::{Document, Text};

/// The docs of entities, and who has some.
#[derive(Clone, Debug)]
pub(super) struct Sections(pub(super) Arc<Library>);

impl Sections {
    /// Every entity that says that it has docs.
    pub(super) fn named(&self, snapshot: &Snapshot) -> Vec<Ix> {
        self.0.named(snapshot)
    }

    /// Of the files that an entity's own docs are made of; none where there are none, or another entity has them.
    pub(super) fn version(&self, snapshot: &Snapshot, ix: Ix) -> Option<u64> {
        let docs = self.0.of(snapshot, ix).ok().flatten()?;
        // 0 is what an index has of nothing.
        (docs.owner == ix).then(|| docs.site.fingerprint().max(1))
    }

    pub(super) fn documents(&self, snapshot: &Snapshot, ix: Ix) -> Vec<Document> {
        let (_, sections) = docs_sections(&self.0, snapshot, ix).unwrap_or_default();
        sections.into_iter().map(document).collect()
    }
}

fn document(section: FoundSection) -> Document {
    let mut texts = Vec::new();
    let mut add = |field: &str, weight: f32, text: String| {
        if !text.is_empty() {
            texts.push(Text {
                field: field.into(),
                weight,
                text,
            });
        }
    };
    add("title", weight::TITLE, section.title.clone());
    add("page", weight::AROUND, section.page);
    add("docs", weight::COMMON, section.docs);
    add("text", weight::TEXT, section.text);
    Document {
        id: section.id.into(),
        name: section.title.clone().into(),
        title: Some(section.title.into()),
        texts,
        rank: 1.0,
        node: Some(section.node),
    }
}
