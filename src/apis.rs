//! API definitions: from a text to operations, servers, schemas and problems. Home of `protox_parse`.
//!
//! | file | what it reads |
//! | --- | --- |
//! | `sniff` | which format a text is in |
//! | `tree` `pointer` | YAML and JSON with positions, and what `$ref` points to in them |
//! | `openapi` `asyncapi` `schema` | OpenAPI 2 and 3, AsyncAPI 2 and 3, and the names of types in them |
//! | `graphql` `protobuf` `lines` | the other two, and where in their texts something is |
//! | `diff` | what changed between two definitions, and whether it breaks clients |
//! | `notation` | a text as JSON, or as YAML |
//! | `place` | where entities keep definitions, by the schema |
//! | `told` | problems at the files that their authors edit |
//! | `shelf` `packed` | what was read: in memory, in the store, and as bytes |
//!
//! Broken input is data: what is readable is served, and everything wrong is a [`Problem`] with its line and column.
//! So nothing here is a validator: what the formats demand and no reader needs is not asked for.
//!
//! Architecture invariant: readers do no I/O and look at no clock, so the same text gives the same [`Definition`]; only the shelf knows the store.

mod asyncapi;
mod definition;
mod diff;
mod graphql;
mod lines;
pub mod notation;
mod openapi;
mod packed;
pub mod place;
mod pointer;
mod protobuf;
mod schema;
mod shelf;
mod sniff;
mod told;
mod tree;

pub use definition::{
    Action, Definition, Format, Operation, OperationKind, Problem, Schema, Server, TypeNames,
};

pub use diff::{Change, ChangeKind, Incomparable, diff};
pub use packed::{READER, pack, unpack};
pub use place::{Place, PlacedText};
pub use shelf::{Key, Read, Shelf, Unread};
pub use told::{placed, told};

use crate::catalog;
use sniff::Sniffed;

/// Every code that a [`Problem`] may have, with what it means, sorted.
pub const CODES: &[(&str, &str)] = &[
    (
        "definition-format",
        "an API definition is in no format, or of no version, that is known",
    ),
    (
        "definition-limit",
        "an API definition is larger or deeper than what is read",
    ),
    (
        "definition-reference",
        "a reference within an API definition leads to nothing, or to another file",
    ),
    (
        "definition-shape",
        "something in an API definition is not what its format has there",
    ),
    ("definition-syntax", "an API definition cannot be read"),
];

/// Reads a definition; `hint` is what its author calls the format, such as `openapi`.
pub fn read(text: &str, hint: Option<&str>) -> Definition {
    let read = match sniff::sniff(text, hint) {
        Sniffed::Tree => tree::read(text, hint),
        Sniffed::Graphql => graphql::read(text),
        Sniffed::Protobuf => protobuf::read(text),
        Sniffed::Unknown => Definition::unknown(hint),
    };
    Definition {
        is_bundled: catalog::is_bundled(text),
        ..read
    }
}

fn over(size: usize, limit: usize, setting: &str) -> String {
    format!("the definition has {size} bytes, and the limit `{setting}` is {limit}")
}

/// What [`read`] gives for a text that is larger than somebody is willing to read.
pub fn too_large(size: usize, limit: usize, setting: &str) -> Definition {
    let problem = Problem::error("definition-limit", over(size, limit, setting))
        .hint("split the definition, or raise the limit");
    Definition {
        problems: vec![problem],
        ..Definition::default()
    }
}
