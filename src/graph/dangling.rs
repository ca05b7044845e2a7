//! References that lead to nothing, as problems.
//!
//! Derived from one state whenever somebody asks, and stored nowhere: when something describes the target, the next state says nothing of it any more.
//! What an index knows of targets leads straight to them, so that a catalog without any costs nothing to ask.

use std::collections::HashMap;

use jiff::Timestamp;
use roaring::RoaringBitmap;

use super::{Edge, Ix, ProblemRecord, Snapshot};
use crate::catalog::{self, EntityRef};
use crate::diagnostic::{Severity, closest};
use crate::sdl::{KindId, RelationId};

/// The code of these problems.
pub const DANGLING: &str = "dangling-reference";
/// How many refs are compared for "did you mean" in one list: beyond it the help is left out.
const MAX_COMPARISONS: u64 = 20_000;

/// What is said of one list.
struct Telling<'s> {
    snapshot: &'s Snapshot,
    comparisons: u64,
    /// By target: how bad it is, and what to do.
    known: HashMap<u32, (Severity, String)>,
}

impl Snapshot {
    /// Whatever leads to nothing, at most `most` of it; each at the line where its document begins.
    pub fn dangling(&self, most: usize) -> Vec<ProblemRecord> {
        let mut telling = Telling::of(self);
        let same = |one: &(Ix, Edge), other: &(Ix, Edge)| one.0 == other.0;
        self.dangling_edges(most)
            .chunk_by(same)
            .flat_map(|own| telling.of_entity(own[0].0, own.iter().map(|(_, edge)| *edge)))
            .collect()
    }

    /// The same as edges, each with its source and in the order of sources; no descriptor is unpacked for them.
    pub fn dangling_edges(&self, most: usize) -> Vec<(Ix, Edge)> {
        let mut missing = RoaringBitmap::new();
        for at in 0..self.model.relations.len() {
            let targets = self.edges.targets(RelationId(at as u16));
            if !targets.is_subset(&self.alive) {
                missing |= targets - &*self.alive;
            }
        }
        let mut by_source: Vec<(Ix, Edge)> = Vec::new();
        for target in missing {
            if self.is_awaited(target) {
                continue;
            }
            let back = self.edges.back(target).iter();
            let back = back.filter(|edge| self.exists(edge.target));
            by_source.extend(back.map(|edge| {
                let target = Ix(target);
                (edge.target, Edge { target, ..*edge })
            }));
            if by_source.len() >= most {
                break;
            }
        }
        by_source.sort_unstable();
        by_source.truncate(most);
        by_source
    }

    /// The same of one entity.
    pub fn dangling_of(&self, ix: Ix) -> Vec<ProblemRecord> {
        let lost = |edge: &&Edge| !self.exists(edge.target) && !self.is_awaited(edge.target.0);
        let mut edges = self.edges.out(ix.0).iter().filter(lost).copied().peekable();
        if !self.exists(ix) || edges.peek().is_none() {
            return Vec::new();
        }
        Telling::of(self).of_entity(ix, edges)
    }

    /// Whether a document of this ref is there and broken: then that is the problem.
    fn is_awaited(&self, target: u32) -> bool {
        self.problems.knows(self.entity_ref(Ix(target)))
    }
}

impl<'s> Telling<'s> {
    fn of(snapshot: &'s Snapshot) -> Self {
        Self {
            snapshot,
            comparisons: 0,
            known: HashMap::new(),
        }
    }

    fn of_entity(&mut self, ix: Ix, edges: impl Iterator<Item = Edge>) -> Vec<ProblemRecord> {
        let snapshot = self.snapshot;
        let (Some(origin), Some(kind)) = (snapshot.origin(ix), snapshot.kind(ix)) else {
            return Vec::new();
        };
        let own = EntityRef::from_canonical(snapshot.entity_ref(ix));
        let descriptor = snapshot.descriptor(ix);
        let stated = catalog::stated(&snapshot.model, &own, kind, &descriptor);
        let mut problems = Vec::new();
        for edge in edges {
            let target = snapshot.entity_ref(edge.target);
            let of_edge = stated.iter().filter(|stated| {
                stated.relation == edge.relation && stated.target.as_str() == target
            });
            let (severity, hint) = self.told(edge.target);
            problems.extend(of_edge.map(|stated| ProblemRecord {
                severity,
                code: DANGLING.into(),
                message: format!("nothing in the catalog is `{target}`").into(),
                hint: Some(hint.as_str().into()),
                field: Some(stated.field.as_str().into()),
                source: origin.source.clone(),
                file: origin.file.clone(),
                line: Some(origin.line),
                column: None,
                entity_ref: Some(own.clone()),
                seen_at: snapshot.updated_at(ix),
            }));
        }
        problems
    }

    /// A warning where there are entities of that kind, so that this one could be expected among them; else worth knowing only.
    fn told(&mut self, target: Ix) -> (Severity, String) {
        if let Some(known) = self.known.get(&target.0) {
            return known.clone();
        }
        let snapshot = self.snapshot;
        let wanted = snapshot.entity_ref(target);
        let kind_name = wanted.split_once(':').map_or("", |(kind, _)| kind);
        let kind = snapshot.model.kind_by_name.get(kind_name).copied();
        let others = snapshot.of_kind(kind);
        let severity = match others.is_empty() || !self.has_any(kind, kind_name) {
            true => Severity::Info,
            false => Severity::Warning,
        };
        self.comparisons += others.len();
        let near = match self.comparisons <= MAX_COMPARISONS {
            true => closest(wanted, others.iter().map(|ix| snapshot.entity_ref(Ix(ix)))),
            false => None,
        };
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "the relation is kept, and leads there once something describes it".to_owned(),
        };
        self.known.insert(target.0, (severity, hint.clone()));
        (severity, hint)
    }

    /// Kinds that no schema declares lie together.
    fn has_any(&self, kind: Option<KindId>, name: &str) -> bool {
        kind.is_some() || {
            let undeclared = self.snapshot.of_kind(None).iter();
            let mut refs = undeclared.map(|ix| self.snapshot.entity_ref(Ix(ix)));
            refs.any(|other| other.split_once(':').is_some_and(|(kind, _)| kind == name))
        }
    }
}

impl Snapshot {
    /// When an entity was changed last.
    pub fn updated_at(&self, ix: Ix) -> Timestamp {
        let columns = self.model.column_by_name.get("updatedAt");
        let mut columns = columns.into_iter().flatten();
        let found = columns.find_map(|column| self.column(ix, *column).as_str()?.parse().ok());
        found.unwrap_or_default()
    }
}
