//! All edges as one list, by the source's ref, relation type, and the target's name and ref, with pages.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::cursor::Position;
use super::index::Entry;
use super::order::name_in;
use super::value::Key;
use super::{BadCursor, Edge, Ix, Snapshot, Window};
use crate::sdl::RelationId;

/// Which edges are wanted; `None` is any. Edges of what does not exist never are: nothing could be said of where they come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct EdgeFilter {
    pub relation: Option<RelationId>,
    pub source: Option<Ix>,
    pub target: Option<Ix>,
}

/// A page of edges, each with its source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdgePage {
    pub items: Vec<(Ix, Edge)>,
    pub has_next: bool,
    pub has_previous: bool,
}

/// So many sources are sorted; more are met in the order of all refs.
const FEW_SOURCES: u64 = if cfg!(test) { 3 } else { 4_096 };

/// Names the order in cursors.
const ORDER: &str = "edges";

/// Where an edge stands: the source's ref, the relation type, the target's name and ref.
type Place<'a> = (&'a str, RelationId, &'a str, &'a str);

fn place<'a>(source: &'a str, relation: RelationId, target: &'a str) -> Place<'a> {
    (source, relation, name_in(target), target)
}

impl Snapshot {
    /// How many edges there are.
    pub fn edge_count(&self, filter: &EdgeFilter) -> u64 {
        match (filter.source, filter.target) {
            (Some(source), _) => self.edges_of(source, filter).count() as u64,
            (None, Some(target)) => {
                let edges = self.edges_to(target, filter).iter();
                edges.filter(|edge| self.exists(edge.target)).count() as u64
            }
            (None, None) => match filter.relation {
                Some(relation) => self.count_of_type(relation),
                None => {
                    let all = 0..self.model.relations.len();
                    all.map(|at| self.count_of_type(RelationId(at as u16)))
                        .sum()
                }
            },
        }
    }

    fn count_of_type(&self, relation: RelationId) -> u64 {
        let missing = self.edges.sources(relation) - &*self.alive;
        let of_missing = missing.iter().map(|ix| self.edges.out_along(ix, relation));
        let n_missing: usize = of_missing.map(<[Edge]>::len).sum();
        self.edges.count(relation).saturating_sub(n_missing as u64)
    }

    /// A page of edges, dangling ones too.
    pub fn edge_page(
        &self,
        filter: &EdgeFilter,
        window: &Window<'_>,
    ) -> Result<EdgePage, BadCursor> {
        let decode =
            |cursor: Option<&str>| cursor.map(|cursor| self.decode_edge(cursor)).transpose();
        let (after, before) = (decode(window.after)?, decode(window.before)?);
        let backward = window.first.is_none() && window.last.is_some();
        let (near, far) = if backward {
            (&before, &after)
        } else {
            (&after, &before)
        };
        let n = if backward { window.last } else { window.first };
        let n = n.unwrap_or(usize::MAX);
        let mut items = self.take_edges(filter, near.as_ref(), backward, n.saturating_add(1));
        let mut more = items.len() > n;
        items.truncate(n);
        if let Some(far) = far {
            let inside = items.partition_point(|item| {
                let order = self.compare_edge(item, far);
                if backward {
                    order.is_gt()
                } else {
                    order.is_lt()
                }
            });
            more |= inside < items.len();
            items.truncate(inside);
        }
        let behind = near.as_ref().is_some_and(|near| {
            let first = self.take_edges(filter, None, backward, 1);
            let first = first.first().map(|item| self.compare_edge(item, near));
            first.is_some_and(|order| {
                if backward {
                    order.is_ge()
                } else {
                    order.is_le()
                }
            })
        });
        if backward {
            items.reverse();
        }
        let (has_next, has_previous) = if backward {
            (behind, more)
        } else {
            (more, behind)
        };
        Ok(EdgePage {
            items,
            has_next,
            has_previous,
        })
    }

    /// The cursor of an edge: its place in the order, which it keeps while edges come and go.
    pub fn edge_cursor(&self, source: Ix, edge: &Edge) -> String {
        let relation = self.model.relation(edge.relation).name.as_ref();
        let position = Position {
            keys: vec![
                Some(Key::Text(self.entity_ref(source).to_owned())),
                Some(Key::Text(relation.to_owned())),
            ],
            entity_ref: self.entity_ref(edge.target).to_owned(),
        };
        position.encode(ORDER)
    }

    fn decode_edge(&self, cursor: &str) -> Result<(String, RelationId, String), BadCursor> {
        let position = Position::decode(cursor, ORDER, 2)?;
        let [Some(Key::Text(source)), Some(Key::Text(relation))] = position.keys.as_slice() else {
            return Err(BadCursor);
        };
        let relation = self.model.relation_by_name.get(relation.as_str());
        let relation = relation.copied().ok_or(BadCursor)?;
        Ok((source.clone(), relation, position.entity_ref))
    }

    fn compare_edge(
        &self,
        item: &(Ix, Edge),
        (source, relation, target): &(String, RelationId, String),
    ) -> Ordering {
        self.place(item).cmp(&place(source, *relation, target))
    }

    fn place(&self, item: &(Ix, Edge)) -> Place<'_> {
        let (source, edge) = item;
        let target = self.entity_ref(edge.target);
        place(self.entity_ref(*source), edge.relation, target)
    }

    fn take_edges(
        &self,
        filter: &EdgeFilter,
        near: Option<&(String, RelationId, String)>,
        backward: bool,
        n: usize,
    ) -> Vec<(Ix, Edge)> {
        match (filter.source, filter.target) {
            (Some(source), _) => {
                let edges = self.edges_of(source, filter);
                let items = edges.map(|edge| (source, *edge));
                self.beyond(items, near, backward, n)
            }
            (None, Some(target)) => {
                let edges = self.edges_to(target, filter).iter();
                let edges = edges.filter(|edge| self.exists(edge.target));
                let turned = edges.map(|edge| (edge.target, Edge { target, ..*edge }));
                if filter.relation.is_some() {
                    return self.beyond(turned, near, backward, n);
                }
                // Edges of several types lie by type, then source.
                let mut items: Vec<_> = turned.collect();
                items.sort_unstable_by(|left, right| self.place(left).cmp(&self.place(right)));
                self.beyond(items.into_iter(), near, backward, n)
            }
            (None, None) => self.take_of_all(filter, near, backward, n),
        }
    }

    /// The first `n` of sorted `items` that are beyond `near`, or the last, which come first then.
    fn beyond(
        &self,
        items: impl DoubleEndedIterator<Item = (Ix, Edge)>,
        near: Option<&(String, RelationId, String)>,
        backward: bool,
        n: usize,
    ) -> Vec<(Ix, Edge)> {
        let is_beyond = |item: &(Ix, Edge)| self.is_beyond(item, near, backward);
        match backward {
            true => items.rev().filter(is_beyond).take(n).collect(),
            false => items.filter(is_beyond).take(n).collect(),
        }
    }

    fn is_beyond(
        &self,
        item: &(Ix, Edge),
        near: Option<&(String, RelationId, String)>,
        backward: bool,
    ) -> bool {
        near.is_none_or(|near| {
            let order = self.compare_edge(item, near);
            if backward {
                order.is_lt()
            } else {
                order.is_gt()
            }
        })
    }

    /// Source by source, in the order of their refs, until there are enough.
    fn take_of_all(
        &self,
        filter: &EdgeFilter,
        near: Option<&(String, RelationId, String)>,
        backward: bool,
        n: usize,
    ) -> Vec<(Ix, Edge)> {
        let edges_of = |ix: u32| {
            self.edges_of(Ix(ix), filter)
                .map(move |edge| (Ix(ix), *edge))
        };
        let is_beyond = |item: &(Ix, Edge)| self.is_beyond(item, near, backward);
        let sources = match filter.relation {
            Some(relation) => Cow::Owned(self.edges.sources(relation) & &*self.alive),
            None => Cow::Borrowed(&*self.alive),
        };
        if sources.len() <= FEW_SOURCES {
            let mut sources: Vec<u32> = sources.iter().collect();
            sources.sort_unstable_by_key(|ix| self.entity_ref(Ix(*ix)));
            return match backward {
                true => {
                    let items = sources.into_iter().rev().flat_map(|ix| edges_of(ix).rev());
                    items.filter(is_beyond).take(n).collect()
                }
                false => {
                    let items = sources.into_iter().flat_map(edges_of);
                    items.filter(is_beyond).take(n).collect()
                }
            };
        }
        let key = near.map(|near| Key::Text(near.0.clone()));
        let texts = self.texts();
        let own = |entry: &Entry| entry.within(&sources);
        match backward {
            true => {
                let entries = self.refs.descending(key.as_ref(), texts);
                let items = entries.flat_map(own).flat_map(|ix| edges_of(ix).rev());
                items.filter(is_beyond).take(n).collect()
            }
            false => {
                let entries = self.refs.ascending(key.as_ref(), texts);
                let items = entries.flat_map(own).flat_map(edges_of);
                items.filter(is_beyond).take(n).collect()
            }
        }
    }

    /// From a source, in order.
    fn edges_of<'a>(
        &'a self,
        source: Ix,
        filter: &EdgeFilter,
    ) -> impl DoubleEndedIterator<Item = &'a Edge> + use<'a> {
        let edges = match filter.relation {
            _ if !self.exists(source) => &[],
            Some(relation) => self.edges.out_along(source.0, relation),
            None => self.edges.out(source.0),
        };
        let target = filter.target;
        edges
            .iter()
            .filter(move |edge| target.is_none_or(|own| own == edge.target))
    }

    /// To a target, by type and source, each with its source as `target`.
    fn edges_to(&self, target: Ix, filter: &EdgeFilter) -> &[Edge] {
        match filter.relation {
            Some(relation) => self.edges.back_along(target.0, relation),
            None => self.edges.back(target.0),
        }
    }
}
