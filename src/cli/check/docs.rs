//! Docs beside the descriptors that are checked: what the server would say of them.
//!
//! Only those that a descriptor names a folder for; docs of another entity are checked with that one.

use std::sync::Arc;

use super::find::File;
use crate::catalog::Entity;
use crate::cli::report::Item;
use crate::diagnostic::{Diagnostic, Position, Span};
use crate::docs;
use crate::sdl::Model;

/// What is wrong with the docs that the descriptors of a file name.
pub(super) fn check(model: &Model, file: &File, entities: &[Entity]) -> Vec<Item> {
    let mut items = Vec::new();
    for entity in entities {
        let Some(reference) = docs::said(model, &entity.descriptor) else {
            continue;
        };
        if reference.entity.is_some() {
            continue;
        }
        let place = &file.start.place;
        let folder = place.name(file.folder()).unwrap_or_default();
        let found = docs::examine(&place.root, &folder, &reference);
        let (problems, trouble) = match found {
            Ok(problems) => (problems, None),
            Err(mut trouble) => (std::mem::take(&mut trouble.files), Some(trouble)),
        };
        for mut problem in problems {
            problem.file = file.start.shown(&place.root.join(&*problem.file));
            items.push(item(problem, entity, None));
        }
        if let Some(trouble) = trouble {
            let start = Position {
                line: entity.line,
                column: 1,
            };
            let key = docs::key_of(model, &entity.descriptor, &trouble.subject);
            let problem =
                Diagnostic::warning(trouble.code, Arc::clone(&file.shown), trouble.message)
                    .at(Span { start, end: start })
                    .hint(trouble.hint);
            items.push(item(problem, entity, key.map(|path| path.join("."))));
        }
    }
    items
}

fn item(diagnostic: Diagnostic, entity: &Entity, field: Option<String>) -> Item {
    Item {
        diagnostic,
        document: field.as_ref().map(|_| entity.document),
        field,
        entity_ref: Some(entity.entity_ref.to_string()),
    }
}
