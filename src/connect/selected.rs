//! What is selected beneath a live field: data that a plan carries, for sources that ask for no more than that.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::sdl::{FieldSource, LiveBinding, Model, SourceType};

/// Fields by concrete type; a type may stand here more than once.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    pub types: Vec<(Arc<str>, Vec<SelectedField>)>,
}

/// One field of an object.
#[derive(Clone, Debug)]
pub struct SelectedField {
    pub name: Arc<str>,
    /// Coerced, defaults filled in.
    pub arguments: Arc<Map<String, Value>>,
    /// Of its objects, or of those of its pages.
    pub below: Arc<Selected>,
    /// Of a connection: whether anything but its `totalCount` is selected.
    pub rows: bool,
    /// Of a connection: whether `totalCount` is selected.
    pub total: bool,
}

impl Selected {
    /// The fields that are selected on a concrete type.
    pub fn of<'s>(&'s self, type_name: &str) -> impl Iterator<Item = &'s SelectedField> {
        let own = self.types.iter();
        let own = own.filter(move |(name, _)| **name == *type_name);
        own.flat_map(|(_, fields)| fields)
    }
}

/// Whether what is selected beneath a field changes what an upstream is asked for it.
pub fn is_selective(model: &Model, owner: &str, binding: &LiveBinding) -> bool {
    selective(model, owner, binding, 4)
}

/// Paths of suppliers may lead over fields that are supplied themselves, but not far.
fn selective(model: &Model, owner: &str, binding: &LiveBinding, depth: u8) -> bool {
    let is_graph = |source: usize| {
        let source = model.sources.get(source);
        source.is_some_and(|source| source.kind == SourceType::Graphql)
    };
    let own = binding.connect.as_ref();
    own.is_some_and(|connect| is_graph(connect.source))
        || binding.suppliers.iter().any(|supplier| {
            let Some(first) = supplier.along.first() else {
                let connect = model
                    .types
                    .get(&supplier.type_name)
                    .and_then(|ty| ty.connect.as_ref());
                return connect.is_some_and(|connect| is_graph(connect.source));
            };
            let owner = model.types.get(owner);
            let field = owner.and_then(|owner| Some((owner, owner.fields.get(first)?)));
            match field.map(|(owner, field)| (owner, &field.source)) {
                Some((owner, FieldSource::Live(binding))) if depth > 0 => {
                    selective(model, &owner.name, binding, depth - 1)
                }
                // A list within the object: it comes with it.
                Some((_, FieldSource::Value(_))) => true,
                _ => false,
            }
        })
}
