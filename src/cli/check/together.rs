//! What can be said only of all files together: refs that are claimed twice, references that lead nowhere.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::catalog::{Entity, EntityRef, Reading, Reference};
use crate::cli::report::Item;
use crate::diagnostic::{Diagnostic, Position, Severity, Span, closest};

/// How many candidates are compared in one check, for "did you mean": beyond it the help is left out.
const MAX_COMPARISONS: usize = 200_000;

/// The refs of all files and the references between them.
#[derive(Default)]
pub(super) struct Together {
    claims: HashMap<EntityRef, (Arc<str>, u32)>,
    /// Refs of documents that gave no entity: what leads to them is not lost.
    broken: HashSet<EntityRef>,
    references: Vec<Placed>,
    items: Vec<Item>,
}

struct Placed {
    file: Arc<str>,
    source: EntityRef,
    reference: Reference,
}

impl Together {
    /// Takes in one file.
    pub(super) fn add(&mut self, file: &Arc<str>, reading: &mut Reading) {
        let failed = reading.failed.iter();
        self.broken
            .extend(failed.filter_map(|failed| failed.entity_ref.clone()));
        let mut by_document = HashMap::new();
        for entity in &reading.entities {
            by_document.insert(entity.document, &entity.entity_ref);
            match self.claims.entry(entity.entity_ref.clone()) {
                Entry::Vacant(vacant) => {
                    vacant.insert((Arc::clone(file), entity.line));
                }
                Entry::Occupied(first) => self.items.push(duplicate(file, entity, first.get())),
            }
        }
        for reference in reading.references.drain(..) {
            if let Some(source) = by_document.get(&reference.document) {
                self.references.push(Placed {
                    file: Arc::clone(file),
                    source: (*source).clone(),
                    reference,
                });
            }
        }
    }

    /// What is wrong with all of it.
    pub(super) fn finish(mut self) -> Vec<Item> {
        let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
        for entity_ref in self.claims.keys() {
            let of_kind = names.entry(entity_ref.kind()).or_default();
            of_kind.push(entity_ref.as_str());
        }
        let mut comparisons = 0;
        for placed in &self.references {
            let target = &placed.reference.target;
            if self.claims.contains_key(target) || self.broken.contains(target) {
                continue;
            }
            let candidates = names.get(target.kind()).map_or(&[][..], Vec::as_slice);
            comparisons += candidates.len();
            let near = match comparisons <= MAX_COMPARISONS {
                true => closest(target.as_str(), candidates.iter().copied()),
                false => None,
            };
            self.items
                .push(dangling(placed, !candidates.is_empty(), near));
        }
        self.items
    }
}

/// An error: one of the two documents is not served.
fn duplicate(file: &Arc<str>, entity: &Entity, first: &(Arc<str>, u32)) -> Item {
    let start = Position {
        line: entity.line,
        column: 1,
    };
    let message = format!(
        "`{}` is described already, in `{}` on line {}",
        entity.entity_ref, first.0, first.1
    );
    let problem = Diagnostic::error("duplicate-ref", Arc::clone(file), message)
        .at(Span { start, end: start })
        .hint("remove one of the two, or give it another name or namespace");
    Item {
        diagnostic: problem,
        document: Some(entity.document),
        field: Some("metadata.name".to_owned()),
        entity_ref: Some(entity.entity_ref.to_string()),
    }
}

/// A warning where entities of that kind were checked, so that this one could be expected among them; else worth knowing only, because teams and systems usually live in another repository.
fn dangling(placed: &Placed, expected: bool, near: Option<&str>) -> Item {
    let reference = &placed.reference;
    let message = format!("nothing that was checked is `{}`", reference.target);
    let mut problem = Diagnostic::warning("dangling-reference", Arc::clone(&placed.file), message);
    if !expected {
        problem.severity = Severity::Info;
    }
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "the relation is kept, and leads there once something describes it".to_owned(),
    };
    Item {
        diagnostic: problem.at(reference.span).hint(hint),
        document: Some(reference.document),
        field: Some(reference.field.to_string()),
        entity_ref: Some(placed.source.to_string()),
    }
}
