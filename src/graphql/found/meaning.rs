//! What `name:value` in a query means: any field of an entity that holds values or leads somewhere, by the name that the graph gives it.

use std::collections::HashSet;
use std::sync::Arc;

use roaring::RoaringBitmap;
use serde_json::Value;

use crate::catalog::EntityRef;
use crate::graph::{Filter, Ix, Predicate, Snapshot};
use crate::sdl::{ColumnId, FieldSource, RelationBinding, Targets};
use crate::search::{Entities, Meaning};

/// The names that a snapshot's Model has.
pub(super) struct Names<'s> {
    snapshot: &'s Arc<Snapshot>,
}

/// No names: all is words.
pub(super) struct Nothing;

impl<'s> Names<'s> {
    pub(super) fn new(snapshot: &'s Arc<Snapshot>) -> Self {
        Self { snapshot }
    }

    /// Columns of this name; `tag` means `tags` as well.
    fn columns(&self, name: &str) -> Vec<ColumnId> {
        let by_name = &self.snapshot.model().column_by_name;
        let found = by_name.iter().filter(|(known, _)| is_called(known, name));
        found.flat_map(|(_, columns)| columns).copied().collect()
    }

    fn relations(&self, name: &str) -> Vec<RelationBinding> {
        let types = self.snapshot.model().types.values();
        let of_entities = types.filter(|ty| ty.kind.is_some());
        let mut seen = HashSet::new();
        of_entities
            .flat_map(|ty| &ty.fields)
            .filter(|(known, _)| is_called(known, name))
            .filter_map(|(_, field)| match &field.source {
                FieldSource::Relation(binding) => Some(binding),
                _ => None,
            })
            .filter(|binding| seen.insert(binding.relation))
            .cloned()
            .collect()
    }

    /// Entities that a relation may lead to and that somebody calls so: by reference, by name or by title.
    fn called(&self, binding: &RelationBinding, value: &str) -> Vec<Ix> {
        let snapshot = self.snapshot;
        let model = snapshot.model();
        let kinds: Vec<_> = match &binding.targets {
            Targets::Any => (0..)
                .zip(&model.kinds)
                .map(|(id, _)| crate::sdl::KindId(id))
                .collect(),
            Targets::Kinds(kinds) => kinds.to_vec(),
        };
        let mut found: Vec<Ix> = kinds
            .iter()
            .filter_map(|kind| {
                let kind = &model.kind_of(*kind).kind;
                let written = EntityRef::parse(value, Some(kind), "default").ok()?;
                snapshot.find(written.as_str())
            })
            .collect();
        if found.is_empty() {
            let value = value.to_lowercase();
            let ending = format!("/{value}");
            let kinds: Vec<_> = kinds.into_iter().map(Some).collect();
            let all = snapshot.of_kinds(&kinds);
            let is_called = |ix: &Ix| {
                snapshot.entity_ref(*ix).ends_with(&ending)
                    || snapshot.label(*ix).to_lowercase() == value
            };
            found.extend(all.iter().map(Ix).filter(is_called));
        }
        found
    }
}

fn is_called(known: &str, name: &str) -> bool {
    known.eq_ignore_ascii_case(name)
        || known
            .strip_suffix('s')
            .is_some_and(|one| one.eq_ignore_ascii_case(name))
}

impl Meaning for Names<'_> {
    fn is_field(&self, name: &str) -> bool {
        !self.columns(name).is_empty() || !self.relations(name).is_empty()
    }

    fn entities(&self, name: &str, value: &str) -> RoaringBitmap {
        let snapshot = self.snapshot;
        let mut found = RoaringBitmap::new();
        for column in self.columns(name) {
            let predicate = match snapshot.model().column(column).list {
                true => Predicate::Contains(value.to_owned()),
                false => Predicate::Eq(value.into()),
            };
            found |= snapshot.select(&Filter::Column(vec![column], predicate));
        }
        for binding in self.relations(name) {
            let targets = self.called(&binding, value);
            let refs = targets.into_iter();
            let refs = refs.map(|ix| Value::from(snapshot.entity_ref(ix)));
            let predicate = Predicate::In(refs.collect());
            found |= snapshot.select(&Filter::Relation(binding.relation, predicate));
        }
        found
    }
}

impl Entities for Names<'_> {
    fn lineage(&self) -> u64 {
        self.snapshot.lineage()
    }

    fn each(&self, visit: &mut dyn FnMut(u32, &str)) {
        for ix in self.snapshot.all() {
            visit(ix, self.snapshot.id(Ix(ix)));
        }
    }

    fn id(&self, entity: u32) -> Option<&str> {
        let ix = Ix(entity);
        self.snapshot.exists(ix).then(|| self.snapshot.id(ix))
    }
}

impl Meaning for Nothing {
    fn is_field(&self, _name: &str) -> bool {
        false
    }

    fn entities(&self, _name: &str, _value: &str) -> RoaringBitmap {
        RoaringBitmap::new()
    }
}
