//! Walks along relations: closures, impact, shortest paths.
//!
//! Only entities that exist are reached and passed through; a walk may start at something that is only referred to.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::{Direction, Edge, Impact, Ix, Reached, Snapshot};
use crate::sdl::RelationId;

impl Snapshot {
    /// Existing entities that an entity has this relation to.
    pub fn targets(&self, ix: Ix, relation: RelationId) -> RoaringBitmap {
        let edges = self.edges.out_along(ix.0, relation).iter();
        self.existing(edges.map(|edge| edge.target.0).collect())
    }

    /// Existing entities reached from `start` by any number of steps along the first types of `via`, in any mix, and one last step along its last type; with one type alone by one or more steps along that.
    pub fn closure(&self, start: Ix, via: &[RelationId]) -> RoaringBitmap {
        self.closure_in_order(start, via)
            .iter()
            .map(|ix| ix.0)
            .collect()
    }

    /// As [`Snapshot::closure`], nearest first.
    pub fn closure_in_order(&self, start: Ix, via: &[RelationId]) -> Vec<Ix> {
        match via {
            [] => Vec::new(),
            [only] => self.spread(vec![start.0], &[*only], u32::MAX),
            [spreading @ .., last] => {
                let mut from = vec![start];
                let reached = self.spread(vec![start.0], spreading, u32::MAX);
                from.extend(reached.into_iter().filter(|ix| *ix != start));
                self.step(&from, &[*last], &mut RoaringBitmap::new())
            }
        }
    }

    /// Existing entities reached by one step along the first type of `via` and any number of steps along the others, nearest first.
    pub fn ascent(&self, start: Ix, via: &[RelationId]) -> Vec<Ix> {
        let Some((first, spreading)) = via.split_first() else {
            return Vec::new();
        };
        let mut found = self.step(&[start], &[*first], &mut RoaringBitmap::new());
        let seeds: RoaringBitmap = found.iter().map(|ix| ix.0).collect();
        let further = self.spread(found.iter().map(|ix| ix.0).collect(), spreading, u32::MAX);
        found.extend(further.into_iter().filter(|ix| !seeds.contains(ix.0)));
        found
    }

    /// Existing entities within `depth` steps along any of `types`, nearest first, without the start.
    pub fn reach(&self, start: Ix, types: &[RelationId], depth: u32) -> Vec<Ix> {
        let mut found = self.spread(vec![start.0], types, depth);
        found.retain(|ix| *ix != start);
        found
    }

    /// What is reached from `starts` by at least one step, in order of distance; a start is among it if a cycle leads back.
    fn spread(&self, starts: Vec<u32>, types: &[RelationId], depth: u32) -> Vec<Ix> {
        let mut seen = RoaringBitmap::new();
        let mut found = Vec::new();
        let mut frontier: Vec<Ix> = starts.into_iter().map(Ix).collect();
        let mut left = depth;
        while !frontier.is_empty() && left > 0 {
            left -= 1;
            frontier = self.step(&frontier, types, &mut seen);
            found.extend_from_slice(&frontier);
        }
        found
    }

    /// Existing entities one step from `from` that are not in `seen`, which they enter.
    fn step(&self, from: &[Ix], types: &[RelationId], seen: &mut RoaringBitmap) -> Vec<Ix> {
        let mut found = Vec::new();
        for ix in from {
            for relation in types {
                for edge in self.edges.out_along(ix.0, *relation) {
                    if self.exists(edge.target) && seen.insert(edge.target.0) {
                        found.push(edge.target);
                    }
                }
            }
        }
        found
    }

    /// Existing entities within `max_depth` steps along `types`, breadth first; at most `limit` of them.
    pub fn impact(
        &self,
        start: &[Ix],
        direction: Direction,
        types: &[RelationId],
        max_depth: u32,
        limit: usize,
    ) -> Impact {
        let mut impact = Impact::default();
        let mut seen: RoaringBitmap = start.iter().map(|ix| ix.0).collect();
        let mut frontier: Vec<Ix> = start.to_vec();
        frontier.sort_unstable_by_key(|ix| self.entity_ref(*ix));
        frontier.dedup();
        for degree in 1.. {
            if frontier.is_empty() || impact.truncated {
                break;
            }
            let mut next = self.impact_step(&frontier, direction, types, degree, &seen);
            if degree > max_depth {
                impact.truncated = !next.is_empty();
                break;
            }
            let room = limit - impact.reached.len();
            impact.truncated = next.len() > room;
            next.truncate(room);
            frontier = next.iter().map(|reached| reached.entity).collect();
            seen.extend(frontier.iter().map(|ix| ix.0));
            impact.reached.append(&mut next);
        }
        for source in &seen {
            let edges = types
                .iter()
                .flat_map(|own| self.edges.out_along(source, *own));
            let inside = edges.filter(|edge| seen.contains(edge.target.0));
            impact.edges.extend(inside.map(|edge| (Ix(source), *edge)));
        }
        impact
    }

    /// One level, in the order of refs.
    fn impact_step(
        &self,
        frontier: &[Ix],
        direction: Direction,
        types: &[RelationId],
        degree: u32,
        seen: &RoaringBitmap,
    ) -> Vec<Reached> {
        let mut level: Vec<Reached> = Vec::new();
        let mut here = RoaringBitmap::new();
        for from in frontier {
            for relation in types {
                let edges = match direction {
                    Direction::Out => self.edges.out_along(from.0, *relation),
                    Direction::In => self.edges.back_along(from.0, *relation),
                };
                for edge in edges {
                    let to = edge.target;
                    if !seen.contains(to.0) && self.exists(to) && here.insert(to.0) {
                        level.push(Reached {
                            entity: to,
                            degree,
                            via: (*from, *relation),
                        });
                    }
                }
            }
        }
        level.sort_unstable_by_key(|reached| self.entity_ref(reached.entity));
        level
    }

    /// A shortest path along `types` (either way counts as the type in that direction), without the start.
    ///
    /// Searched from both ends at once, so that it visits the square root of what one end would.
    pub fn path(
        &self,
        from: Ix,
        to: Ix,
        types: &[RelationId],
        max_depth: u32,
    ) -> Option<Vec<Edge>> {
        if from == to {
            return Some(Vec::new());
        }
        let mut ahead = Ball::around(from);
        let mut behind = Ball::around(to);
        for _ in 0..max_depth {
            let forward = ahead.frontier.len() <= behind.frontier.len();
            let meeting = if forward {
                ahead.grow(
                    &behind,
                    |ix, relation| self.edges.out_along(ix, relation),
                    types,
                    self,
                )
            } else {
                behind.grow(
                    &ahead,
                    |ix, relation| self.edges.back_along(ix, relation),
                    types,
                    self,
                )
            };
            if let Some(meeting) = meeting {
                return Some(joined(&ahead, &behind, meeting));
            }
            if ahead.frontier.is_empty() || behind.frontier.is_empty() {
                return None;
            }
        }
        None
    }
}

/// What is known around one end of a path.
struct Ball {
    /// By entity: the one nearer to the end, and the type of the edge between them; nothing for the end itself.
    nearer: HashMap<u32, Option<(u32, RelationId)>>,
    frontier: Vec<u32>,
}

impl Ball {
    fn around(end: Ix) -> Self {
        Self {
            nearer: HashMap::from([(end.0, None)]),
            frontier: vec![end.0],
        }
    }

    /// One step outwards; an entity that the other ball has too ends the search.
    fn grow<'a>(
        &mut self,
        other: &Self,
        edges: impl Fn(u32, RelationId) -> &'a [Edge],
        types: &[RelationId],
        snapshot: &Snapshot,
    ) -> Option<u32> {
        let mut next = Vec::new();
        for at in std::mem::take(&mut self.frontier) {
            for relation in types {
                for edge in edges(at, *relation) {
                    let to = edge.target.0;
                    let meets = other.nearer.contains_key(&to);
                    if self.nearer.contains_key(&to) || !(meets || snapshot.exists(edge.target)) {
                        continue;
                    }
                    self.nearer.insert(to, Some((at, *relation)));
                    if meets {
                        return Some(to);
                    }
                    next.push(to);
                }
            }
        }
        self.frontier = next;
        None
    }
}

fn joined(ahead: &Ball, behind: &Ball, meeting: u32) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut at = meeting;
    while let Some(Some((nearer, relation))) = ahead.nearer.get(&at) {
        edges.push(Edge {
            relation: *relation,
            target: Ix(at),
        });
        at = *nearer;
    }
    edges.reverse();
    at = meeting;
    while let Some(Some((nearer, relation))) = behind.nearer.get(&at) {
        edges.push(Edge {
            relation: *relation,
            target: Ix(*nearer),
        });
        at = *nearer;
    }
    edges
}
