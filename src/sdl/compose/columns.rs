//! Columns: the leaf values of kinds that are extracted once per entity.

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::Name;
use indexmap::IndexMap;

use super::Composer;
use crate::sdl::model::{
    Column, ColumnId, ColumnSource, EngineValue, Field, FieldSource, GENERIC_ENTITY, Leaf,
    TypeShape,
};

/// The columns of a composition and who has them.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) all: Vec<Column>,
    pub(super) generic: Vec<(ColumnId, ColumnSource)>,
    by_type: HashMap<Name, IndexMap<Name, (ColumnId, Option<ColumnSource>)>>,
}

/// What makes two fields of different kinds one column.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    name: Name,
    leaf: Leaf,
    list: bool,
}

impl Columns {
    /// The column of a field, on a kind or on an interface of kinds.
    pub(super) fn of_field(&self, type_name: &str, field: &str) -> Option<ColumnId> {
        let (id, _) = self.by_type.get(type_name)?.get(field)?;
        Some(*id)
    }

    /// The columns of a kind with their sources.
    pub(super) fn of_type(&self, type_name: &str) -> Vec<(ColumnId, ColumnSource)> {
        let columns = self.by_type.get(type_name).into_iter().flatten();
        columns
            .filter_map(|(_, (id, source))| Some((*id, source.clone()?)))
            .collect()
    }

    /// The columns of a type by field name.
    pub(super) fn fields_of(&self, type_name: &str) -> impl Iterator<Item = (&Name, ColumnId)> {
        let columns = self.by_type.get(type_name).into_iter().flatten();
        columns.map(|(name, (id, _))| (name, *id))
    }

    pub(super) fn get(&self, id: ColumnId) -> &Column {
        &self.all[usize::from(id.0)]
    }

    pub(super) fn by_name(&self) -> HashMap<Arc<str>, Vec<ColumnId>> {
        let mut by_name: HashMap<Arc<str>, Vec<ColumnId>> = HashMap::new();
        for (position, column) in (0..).zip(&self.all) {
            let ids = by_name.entry(Arc::clone(&column.name)).or_default();
            ids.push(ColumnId(position));
        }
        by_name
    }
}

impl Composer<'_> {
    /// Finds the columns of all kinds, of [`GENERIC_ENTITY`], and of the interfaces of kinds.
    pub(super) fn make_columns(&mut self) -> Columns {
        let mut columns = Columns::default();
        let mut keys: IndexMap<Key, ColumnId> = IndexMap::new();
        let mut owners: Vec<Name> = self.kinds.keys().cloned().collect();
        let generic = self.declared.types.get(GENERIC_ENTITY);
        owners.extend(generic.map(|decl| decl.name.clone()));
        for owner in &owners {
            for (field, source) in self.column_fields(owner) {
                let id = columns.intern(&mut keys, &field);
                columns.note(id, &field, &source);
                columns
                    .by_type
                    .entry(owner.clone())
                    .or_default()
                    .insert(field_name(&field), (id, Some(source)));
            }
        }
        columns.generic = columns.of_type(GENERIC_ENTITY);
        for decl in self.declared.types.values() {
            if !decl.is_interface() || !self.is_entity(&decl.name) {
                continue;
            }
            for (field, _) in self.column_fields(&decl.name) {
                if let Some(key) = key(&field)
                    && let Some(id) = keys.get(&key)
                {
                    let fields = columns.by_type.entry(decl.name.clone()).or_default();
                    fields.insert(key.name, (*id, None));
                }
            }
        }
        columns
    }

    /// The fields of a type that are columns, with the source of each.
    fn column_fields(&self, type_name: &Name) -> Vec<(Field, ColumnSource)> {
        let fields = self.bound.get(type_name).into_iter().flatten();
        let decl = self.declared.types.get(type_name);
        fields
            .filter(|(name, _)| {
                let field = decl.and_then(|decl| decl.fields.get(*name));
                field.is_some_and(|field| field.def.arguments.is_empty())
            })
            .filter_map(|(_, field)| Some((field.clone(), column_source(field)?)))
            .collect()
    }
}

impl Columns {
    fn intern(&mut self, keys: &mut IndexMap<Key, ColumnId>, field: &Field) -> ColumnId {
        let next = ColumnId(u16::try_from(self.all.len()).unwrap_or(u16::MAX));
        let Some(key) = key(field) else {
            return next;
        };
        if let Some(id) = keys.get(&key) {
            return *id;
        }
        self.all.push(Column {
            name: Arc::clone(&field.name),
            leaf: key.leaf,
            list: key.list,
            orderable: !key.list,
            path: None,
            search: None,
        });
        keys.insert(key, next);
        next
    }

    /// Adds what one kind says of a column to what others said.
    fn note(&mut self, id: ColumnId, field: &Field, source: &ColumnSource) {
        let path = match source {
            ColumnSource::Value(binding) if binding.cases.is_empty() => {
                binding.at.as_plain_path().map(|path| path.join("."))
            }
            ColumnSource::Value(_) | ColumnSource::Engine(_) => None,
        };
        let first = !self
            .by_type
            .values()
            .flatten()
            .any(|(_, (known, _))| *known == id);
        let column = &mut self.all[usize::from(id.0)];
        if first {
            column.path = path.map(Into::into);
        } else if column.path.as_deref() != path.as_deref() {
            column.path = None;
        }
        let weight = |search: &Option<crate::sdl::model::Search>| {
            search.as_ref().map_or(0.0, |search| search.weight)
        };
        if weight(&field.search) > weight(&column.search) {
            column.search.clone_from(&field.search);
        }
    }
}

fn field_name(field: &Field) -> Name {
    super::generated(&field.name)
}

fn key(field: &Field) -> Option<Key> {
    let TypeShape::Leaf(leaf) = field.ty.shape else {
        return None;
    };
    Some(Key {
        name: field_name(field),
        leaf,
        list: field.ty.list.is_some(),
    })
}

/// `None`: not a column.
fn column_source(field: &Field) -> Option<ColumnSource> {
    match (field.ty.shape, &field.source) {
        (TypeShape::Leaf(Leaf::Json), _) => None,
        (TypeShape::Leaf(_), FieldSource::Value(binding)) => {
            Some(ColumnSource::Value(binding.clone()))
        }
        (TypeShape::Leaf(_), FieldSource::Resolver(binding)) => {
            engine_value(&binding.name).map(ColumnSource::Engine)
        }
        _ => None,
    }
}

fn engine_value(resolver: &str) -> Option<EngineValue> {
    Some(match resolver {
        "id" => EngineValue::Id,
        "ref" => EngineValue::Ref,
        "createdAt" => EngineValue::CreatedAt,
        "updatedAt" => EngineValue::UpdatedAt,
        _ => return None,
    })
}
