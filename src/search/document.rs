//! What can be found: documents, in bundles that are replaced as a whole.
//!
//! A bundle is all that one group has of one entity: the entity itself, the sections of its docs, the operations of its definition.
//! Whoever makes documents says which version of its input they were made from, so that what is there already is not made again.

use std::sync::Arc;

use serde_json::Value;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    Entities,
    Docs,
    Operations,
}

impl Group {
    pub const ALL: [Self; 3] = [Self::Entities, Self::Docs, Self::Operations];

    /// As the graph calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entities => "ENTITIES",
            Self::Docs => "DOCS",
            Self::Operations => "OPERATIONS",
        }
    }

    pub(super) fn number(self) -> u64 {
        match self {
            Self::Entities => 0,
            Self::Docs => 1,
            Self::Operations => 2,
        }
    }

    pub(super) fn numbered(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.number() == number)
    }
}

/// One thing that can be found.
#[derive(Clone, Debug)]
pub struct Document {
    /// The id of its node: the same after a restart and on every replica.
    pub id: Box<str>,
    /// What it is called, and how a person would call it: whoever writes exactly that finds it first.
    pub name: Box<str>,
    pub title: Option<Box<str>>,
    /// All its texts, name and title among them.
    pub texts: Vec<Text>,
    /// What its score is multiplied by: 1 for most, less for what is on its way out.
    pub rank: f32,
    /// What is shown of it: members by field name, with `__typename`. `None` for an entity, which the catalog has.
    pub node: Option<Value>,
}

/// A text of a document.
#[derive(Clone, Debug)]
pub struct Text {
    /// The field of the graph that shows it.
    pub field: Arc<str>,
    /// How much a match counts, from `@search`.
    pub weight: f32,
    pub text: String,
}

/// All documents of one group that belong to one entity.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The id of the entity.
    pub entity: Box<str>,
    pub group: Group,
    /// Of what the documents were made from: equal versions mean equal documents.
    pub version: u64,
    pub documents: Vec<Document>,
}
