//! All edges as one list, by the source's ref, relation type and target's ref, with pages.

use std::cmp::Ordering;

use super::cursor::Position;
use super::index::Entry;
use super::value::Key;
use super::{BadCursor, Edge, Ix, Snapshot, Window};
use crate::sdl::RelationId;

/// Which edges are wanted; `None` is any.
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

/// Names the order in cursors.
const ORDER: &str = "edges";

/// Where an edge stands: the source's ref, the relation type, the target's ref.
type Place<'a> = (&'a str, RelationId, &'a str);

impl Snapshot {
    /// How many edges there are.
    pub fn edge_count(&self, filter: &EdgeFilter) -> u64 {
        match filter {
            EdgeFilter {
                relation: Some(relation),
                source: None,
                target: None,
            } => self.edges.count(*relation),
            EdgeFilter {
                relation: None,
                source: None,
                target: None,
            } => {
                let all = 0..self.model.relations.len();
                all.map(|at| self.edges.count(RelationId(at as u16))).sum()
            }
            filter => self.edges_at_ends(filter).len() as u64,
        }
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

    fn compare_edge(&self, item: &(Ix, Edge), place: &(String, RelationId, String)) -> Ordering {
        self.place(item)
            .cmp(&(place.0.as_str(), place.1, place.2.as_str()))
    }

    fn place(&self, item: &(Ix, Edge)) -> Place<'_> {
        let (source, edge) = item;
        (
            self.entity_ref(*source),
            edge.relation,
            self.entity_ref(edge.target),
        )
    }

    fn take_edges(
        &self,
        filter: &EdgeFilter,
        near: Option<&(String, RelationId, String)>,
        backward: bool,
        n: usize,
    ) -> Vec<(Ix, Edge)> {
        let wanted = |item: &(Ix, Edge)| {
            near.is_none_or(|near| {
                let order = self.compare_edge(item, near);
                if backward {
                    order.is_lt()
                } else {
                    order.is_gt()
                }
            })
        };
        if filter.source.is_some() || filter.target.is_some() {
            let mut items = self.edges_at_ends(filter);
            items.retain(wanted);
            if backward {
                items.reverse();
            }
            items.truncate(n);
            return items;
        }
        let key = near.map(|near| Key::Text(near.0.clone()));
        let own = |ix: u32| {
            let edges = match filter.relation {
                Some(relation) => self.edges.out_along(ix, relation),
                None => self.edges.out(ix),
            };
            edges.iter().map(move |edge| (Ix(ix), *edge))
        };
        let sources = filter.relation.map(|relation| self.edges.sources(relation));
        let has = |ix: &u32| sources.is_none_or(|sources| sources.contains(*ix));
        let texts = self.texts();
        if backward {
            let refs = self
                .refs
                .descending(key.as_ref(), texts)
                .flat_map(Entry::all)
                .filter(has);
            refs.flat_map(|ix| own(ix).rev())
                .filter(wanted)
                .take(n)
                .collect()
        } else {
            let refs = self
                .refs
                .ascending(key.as_ref(), texts)
                .flat_map(Entry::all)
                .filter(has);
            refs.flat_map(own).filter(wanted).take(n).collect()
        }
    }

    /// In order, for a filter that names an end.
    fn edges_at_ends(&self, filter: &EdgeFilter) -> Vec<(Ix, Edge)> {
        let of_type = |edge: &Edge| filter.relation.is_none_or(|own| own == edge.relation);
        let mut items: Vec<(Ix, Edge)> = match (filter.source, filter.target) {
            (Some(source), target) => {
                let edges = self.edges.out(source.0).iter();
                let edges = edges.filter(|edge| target.is_none_or(|own| own == edge.target));
                edges.map(|edge| (source, *edge)).collect()
            }
            (None, Some(target)) => {
                let edges = self.edges.back(target.0).iter();
                let turned = edges.map(|edge| (edge.target, Edge { target, ..*edge }));
                turned.collect()
            }
            (None, None) => Vec::new(),
        };
        items.retain(|(_, edge)| of_type(edge));
        if filter.source.is_none() {
            items.sort_unstable_by(|left, right| self.place(left).cmp(&self.place(right)));
        }
        items
    }
}
