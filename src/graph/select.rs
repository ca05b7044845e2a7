//! Filters to sets of entities.
//!
//! Negations are taken of the whole answer: `Ne` matches what does not match `Eq`, entities without a value included.

use std::borrow::Cow;

use roaring::RoaringBitmap;

use super::paths::PathIndex;
use super::{Filter, Ix, Predicate, Snapshot};
use crate::sdl::{ColumnId, RelationId};

/// What a descriptor path begins with that is read from the relations instead.
const RELATIONS: &str = "relations.";

type Set<'a> = Cow<'a, RoaringBitmap>;

impl Snapshot {
    /// The entities for which `filter` holds.
    pub fn select(&self, filter: &Filter) -> RoaringBitmap {
        self.evaluate(filter).into_owned()
    }

    /// [`Snapshot::select`], borrowed where an index has the set as it is.
    pub fn matching(&self, filter: &Filter) -> Cow<'_, RoaringBitmap> {
        self.evaluate(filter)
    }

    /// How many entities `filter` holds for.
    pub fn count(&self, filter: &Filter) -> u64 {
        self.evaluate(filter).len()
    }

    /// Entities with this value at a descriptor path, ignoring case.
    pub fn lookup(&self, path: &str, value: &str) -> RoaringBitmap {
        self.select_path(path, &Predicate::Eq(value.into()))
    }

    fn evaluate(&self, filter: &Filter) -> Set<'_> {
        match filter {
            Filter::All => Cow::Borrowed(&*self.alive),
            Filter::And(parts) => self.intersection(parts),
            Filter::Or(parts) => {
                let mut parts = parts.iter().map(|part| self.evaluate(part));
                let first = parts.next().unwrap_or_default();
                parts.fold(first, |all, part| Cow::Owned(all.into_owned() | &*part))
            }
            Filter::Not(part) => Cow::Owned(&*self.alive - &*self.evaluate(part)),
            Filter::Kind(kinds) => match kinds.as_slice() {
                [kind] => {
                    let at = kind.map_or(self.model.kinds.len(), |kind| usize::from(kind.0));
                    self.kinds
                        .get(at)
                        .map_or_else(Cow::default, |own| Cow::Borrowed(&**own))
                }
                kinds => Cow::Owned(self.of_kinds(kinds)),
            },
            Filter::Column(columns, predicate) => match self.held(columns, predicate) {
                Some(held) => Cow::Borrowed(held),
                None => Cow::Owned(self.select_columns(columns, predicate)),
            },
            Filter::Path(path, predicate) => Cow::Owned(self.select_path(path, predicate)),
            Filter::Relation(relation, predicate) => {
                Cow::Owned(self.select_relation(*relation, None, predicate))
            }
            Filter::RelationTo {
                relation,
                begin,
                predicate,
            } => Cow::Owned(self.select_relation(*relation, Some(begin), predicate)),
            Filter::AnyRelation { relation, to } => {
                let to = to.as_ref().map(|to| self.lookup_ref(to.as_str()));
                Cow::Owned(self.select_any_relation(relation.as_deref(), to))
            }
            // A renamed entity is meant by its old ref as well, and what is missing may still own things.
            Filter::Within { of, via } => match self
                .find(of.as_str())
                .or_else(|| self.lookup_ref(of.as_str()))
            {
                Some(of) => Cow::Owned(self.closure(of, via)),
                None => Cow::default(),
            },
        }
    }

    fn intersection(&self, parts: &[Filter]) -> Set<'_> {
        let mut all: Option<Set<'_>> = None;
        for part in parts {
            // Nothing is left to narrow.
            if all.as_ref().is_some_and(|all| all.is_empty()) {
                break;
            }
            let part = self.evaluate(part);
            all = Some(match all {
                None => part,
                Some(Cow::Owned(all)) => Cow::Owned(all & &*part),
                Some(Cow::Borrowed(all)) => match part {
                    Cow::Owned(part) => Cow::Owned(part & all),
                    Cow::Borrowed(part) => Cow::Owned(all & part),
                },
            });
        }
        all.unwrap_or(Cow::Borrowed(&self.alive))
    }

    /// The opposite of a predicate that is a negation.
    fn negated(predicate: &Predicate) -> Option<Predicate> {
        match predicate {
            Predicate::Ne(value) => Some(Predicate::Eq(value.clone())),
            Predicate::Exists(false) => Some(Predicate::Exists(true)),
            _ => None,
        }
    }

    /// What an index holds as a set already.
    fn held(&self, columns: &[ColumnId], predicate: &Predicate) -> Option<&RoaringBitmap> {
        let ([column], Predicate::Eq(value)) = (columns, predicate) else {
            return None;
        };
        // The index of refs knows what is only referred to as well.
        if self.layout.engine[usize::from(column.0)].is_some() {
            return None;
        }
        self.column_index(*column)?.held(value, self.texts())
    }

    fn select_columns(&self, columns: &[ColumnId], predicate: &Predicate) -> RoaringBitmap {
        if let Some(opposite) = Self::negated(predicate) {
            return &*self.alive - self.select_columns(columns, &opposite);
        }
        let mut found = RoaringBitmap::new();
        for column in columns {
            let Some(index) = self.column_index(*column) else {
                continue;
            };
            let own = index.select(predicate, &self.alive, self.texts());
            // The index of refs knows what is only referred to as well.
            let own = if self.layout.engine[usize::from(column.0)].is_some() {
                own & &*self.alive
            } else {
                own
            };
            found = if found.is_empty() { own } else { found | own };
        }
        found
    }

    fn select_path(&self, path: &str, predicate: &Predicate) -> RoaringBitmap {
        if let Some(opposite) = Self::negated(predicate) {
            return &*self.alive - self.select_path(path, &opposite);
        }
        if let Some(relation) = path.strip_prefix(RELATIONS) {
            return match self.model.relation_by_name.get(relation) {
                Some(relation) => self.select_relation(*relation, None, predicate),
                None => RoaringBitmap::new(),
            };
        }
        let texts = self.texts();
        if let Some((column, stray)) = self.path_column(path) {
            return self.select_columns(&[column], predicate)
                | stray.select(predicate, &self.alive, texts);
        }
        self.path_index(path).select(predicate, &self.alive, texts)
    }

    /// The column for a path, and the values of entities whose kind does not have it.
    pub(super) fn path_column(&self, path: &str) -> Option<(ColumnId, &PathIndex)> {
        let column = self.layout.column_at(path)?;
        let paths = &self.layout.paths;
        let at = paths.iter().position(|(known, _)| **known == *path)?;
        Some((column, self.strays.get(at)?))
    }

    /// The index of a path that is no column.
    pub(super) fn path_index(&self, path: &str) -> std::sync::Arc<PathIndex> {
        self.lineage
            .index(path, self.generation, &self.alive, self.texts(), |ix| {
                self.alive.contains(ix).then(|| self.descriptor(Ix(ix)))
            })
    }

    /// `begin`: how the refs begin of the targets that count; `None` if all do.
    fn select_relation(
        &self,
        relation: RelationId,
        begin: Option<&[String]>,
        predicate: &Predicate,
    ) -> RoaringBitmap {
        if let Some(opposite) = Self::negated(predicate) {
            return &*self.alive - self.select_relation(relation, begin, &opposite);
        }
        let texts = self.texts();
        let mut sources = Vec::new();
        let mut add = |target: u32| {
            let edges = self.edges.back_along(target, relation);
            sources.extend(edges.iter().map(|edge| edge.target.0));
        };
        match (predicate, begin) {
            (Predicate::Exists(true), None) => {
                return self.edges.sources(relation) & &*self.alive;
            }
            (Predicate::Exists(true), Some(begin)) => {
                for begin in begin {
                    let starts = Predicate::StartsWith(begin.clone());
                    let targets = self.refs.select(&starts, &self.alive, texts);
                    targets.into_iter().for_each(&mut add);
                }
            }
            (predicate, begin) => {
                let counts = |target: &u32| {
                    let entity_ref = self.entity_ref(Ix(*target));
                    begin.is_none_or(|begin| begin.iter().any(|own| entity_ref.starts_with(&**own)))
                };
                let targets = self.refs.select(predicate, &self.alive, texts);
                targets.into_iter().filter(counts).for_each(&mut add);
            }
        }
        self.existing(sources)
    }

    fn select_any_relation(&self, relation: Option<&str>, to: Option<Option<Ix>>) -> RoaringBitmap {
        let relation = match relation {
            None => None,
            Some(name) => match self.model.relation_by_name.get(name) {
                None => return RoaringBitmap::new(),
                known => known.copied(),
            },
        };
        match to {
            Some(None) => RoaringBitmap::new(),
            Some(Some(to)) => {
                let edges = match relation {
                    Some(relation) => self.edges.back_along(to.0, relation),
                    None => self.edges.back(to.0),
                };
                self.existing(edges.iter().map(|edge| edge.target.0).collect())
            }
            None => match relation {
                Some(relation) => self.edges.sources(relation) & &*self.alive,
                None => {
                    (0..self.model.relations.len())
                        .map(|at| self.edges.sources(RelationId(at as u16)))
                        .fold(RoaringBitmap::new(), |all, own| all | own)
                        & &*self.alive
                }
            },
        }
    }

    /// Those of `indexes` that are entities.
    pub(super) fn existing(&self, mut indexes: Vec<u32>) -> RoaringBitmap {
        indexes.sort_unstable();
        indexes.dedup();
        indexes.retain(|ix| self.exists(Ix(*ix)));
        RoaringBitmap::from_sorted_iter(indexes).unwrap_or_default()
    }
}
