//! The seam for values that the snapshot does not hold.
//!
//! The writer goes through the plan once and writes all that the snapshot knows, and of live fields what its source has [ready](crate::connect::LiveSource::ready).
//! A field whose value must be fetched leaves a **hole**: a position in the bytes, the path to it, and the nearest span around it that may become null.
//!
//! - All holes of one field of the document, left by one pass of the writer, form a [`Group`](crate::connect::Group). A pass is over before anything is fetched, so a group is complete without a timer, and its batch is exact.
//! - All groups that become ready in the same poll are handed to their source in one call of [`LiveSource::fetch`](crate::connect::LiveSource::fetch); the source answers each with a future of its own, so groups with different parents never wait for each other.
//! - What a group brings is written by the same writer into bytes of its own, and that pass may leave the next holes. Nothing is moved: the pieces are put together at the end.
//! - A failed hole becomes null, with an error at its path; where the field is non-null, the span around it does, or else the hole that the span would be part of.
//!
//! It is used by large texts, by the change log, and by live fields (`@connect`, `@supplies`), for which an engine is given one source with [`Engine::with_live`](super::Engine::with_live).
//!
//! What it is not: a cache, a budget, a retry. A source has those behind it.

use super::error::Step;
use super::plan::{FieldId, Plan};
use crate::connect::{LiveObject, Parent};
use crate::graph::Part;

/// Who answers a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum SourceId {
    /// Large texts, by hash.
    Texts,
    /// The change log.
    Changes,
    /// What the engine was given for live fields.
    Live,
    /// The same, for objects that are asked for by their ids.
    Nodes,
    /// API definitions and what is in them.
    Definitions,
    /// Docs and what is in them.
    Docs,
    /// Things that belong to entities, asked for by their ids.
    PartNodes(Part),
    /// What became of live fields: told when nothing else is under way.
    States,
    /// The search index.
    Search,
}

/// Nothing: no parent, no span.
const NONE: u32 = u32::MAX;

/// One step of a path, as the plan knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Segment {
    Field(FieldId),
    Index(u32),
}

/// A path kept beyond the writer's stack: its last step and the path before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathId(u32);

impl PathId {
    pub(crate) const ROOT: Self = Self(NONE);
}

/// A stretch of bytes that may become null as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpanId(u32);

/// A stretch of a buffer, with the holes in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) buffer: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The holes in it: from, to.
    pub(crate) holes: (usize, usize),
}

#[derive(Debug)]
pub(crate) struct Hole {
    pub(crate) position: usize,
    pub(crate) field: FieldId,
    pub(crate) path: PathId,
    pub(crate) source: SourceId,
    pub(crate) parent: Parent,
    /// Whether null may stand here.
    pub(crate) nullable: bool,
    /// The nearest span around it, within its piece.
    span: Option<SpanId>,
    /// The hole whose piece it is in.
    pub(crate) outer: Option<usize>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    Null,
    Filled(Piece),
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    null: bool,
}

/// The holes of one request.
#[derive(Debug, Default)]
pub(crate) struct Holes {
    holes: Vec<Hole>,
    spans: Vec<Span>,
    paths: Vec<(PathId, Segment)>,
    /// What fields on the way to holes were asked of, where those were live objects; in the order of their paths.
    asked_of: Vec<(PathId, LiveObject)>,
    /// Whether anything around holes has become null.
    nulls: bool,
    /// Whether the whole answer has.
    root_null: bool,
}

/// What a new hole is told about its place.
pub(crate) struct NewHole {
    pub(crate) position: usize,
    pub(crate) field: FieldId,
    pub(crate) path: PathId,
    pub(crate) source: SourceId,
    pub(crate) parent: Parent,
    pub(crate) nullable: bool,
    pub(crate) span: Option<SpanId>,
    pub(crate) outer: Option<usize>,
}

impl Holes {
    pub(crate) fn len(&self) -> usize {
        self.holes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.holes.is_empty()
    }

    pub(crate) fn get(&self, hole: usize) -> &Hole {
        &self.holes[hole]
    }

    pub(crate) fn push(&mut self, hole: NewHole) {
        self.holes.push(Hole {
            position: hole.position,
            field: hole.field,
            path: hole.path,
            source: hole.source,
            parent: hole.parent,
            nullable: hole.nullable,
            span: hole.span,
            outer: hole.outer,
            state: State::Open,
        });
    }

    /// Forgets the holes from `length` on: their bytes were cut back.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.holes.truncate(length);
    }

    pub(crate) fn path(&mut self, before: PathId, step: Segment) -> PathId {
        let id = PathId(u32::try_from(self.paths.len()).unwrap_or(NONE));
        self.paths.push((before, step));
        id
    }

    /// The step at the end of a path, and the path before it.
    pub(crate) fn last(&self, path: PathId) -> Option<(PathId, Segment)> {
        self.paths.get(path.0 as usize).copied()
    }

    /// The field at the end of a path is one of `object`.
    pub(crate) fn asked_of(&mut self, path: PathId, object: LiveObject) {
        self.asked_of.push((path, object));
    }

    pub(crate) fn object_at(&self, path: PathId) -> Option<&LiveObject> {
        let found = self
            .asked_of
            .binary_search_by_key(&path.0, |(path, _)| path.0);
        self.asked_of.get(found.ok()?).map(|(_, object)| object)
    }

    /// The steps of a path, outermost first.
    pub(crate) fn steps<'p>(&self, plan: &'p Plan, path: PathId) -> Vec<Step<'p>> {
        let mut steps = Vec::new();
        let mut next = path;
        while let Some((before, segment)) = self.paths.get(next.0 as usize) {
            steps.push(segment.step(plan));
            next = *before;
        }
        steps.reverse();
        steps
    }

    pub(crate) fn open_span(&mut self, start: usize) -> SpanId {
        let id = SpanId(u32::try_from(self.spans.len()).unwrap_or(NONE));
        self.spans.push(Span {
            start,
            end: start,
            null: false,
        });
        id
    }

    pub(crate) fn close_span(&mut self, span: SpanId, end: usize) {
        if let Some(span) = self.spans.get_mut(span.0 as usize) {
            span.end = end;
        }
    }

    pub(crate) fn fill(&mut self, hole: usize, piece: Piece) {
        self.holes[hole].state = State::Filled(piece);
    }

    /// A hole that cannot be filled: null stands there, or at the nearest place around it where null may.
    pub(crate) fn fail(&mut self, hole: usize) {
        let mut hole = hole;
        loop {
            self.nulls = true;
            let failed = &mut self.holes[hole];
            if failed.nullable {
                failed.state = State::Null;
                return;
            }
            if let Some(span) = failed.span {
                if let Some(span) = self.spans.get_mut(span.0 as usize) {
                    span.null = true;
                }
                return;
            }
            match failed.outer {
                Some(outer) => hole = outer,
                None => {
                    self.root_null = true;
                    return;
                }
            }
        }
    }

    /// Whether nothing came for the hole yet.
    pub(crate) fn is_open(&self, hole: usize) -> bool {
        matches!(self.holes[hole].state, State::Open)
    }

    /// Whether what is around the hole has become null already, so that nobody would see its value.
    pub(crate) fn is_lost(&self, hole: usize) -> bool {
        if !self.nulls {
            return false;
        }
        let mut next = Some(hole);
        while let Some(hole) = next {
            let position = self.holes[hole].position;
            let outer = self.holes[hole].outer;
            let (from, to) = match outer.map(|outer| self.holes[outer].state) {
                Some(State::Null) => return true,
                Some(State::Filled(piece)) => piece.holes,
                Some(State::Open) | None => (0, self.holes.len()),
            };
            let lost = self
                .null_spans(from, to, outer)
                .iter()
                .any(|span| span.start <= position && position < span.end);
            if lost {
                return true;
            }
            next = outer;
        }
        self.root_null
    }

    /// Spans that became null among the holes of one piece, outermost first where they begin together.
    fn null_spans(&self, from: usize, to: usize, outer: Option<usize>) -> Vec<Span> {
        let mut spans: Vec<Span> = self.holes[from..to]
            .iter()
            .filter(|hole| hole.outer == outer)
            .filter_map(|hole| self.spans.get(hole.span?.0 as usize).copied())
            .filter(|span| span.null)
            .collect();
        spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        spans
    }

    /// Puts the pieces together; false if the whole of it is null.
    pub(crate) fn assemble(&self, buffers: &[Vec<u8>], root: Piece, out: &mut Vec<u8>) -> bool {
        if self.root_null {
            return false;
        }
        self.append(buffers, root, None, out);
        true
    }

    fn append(&self, buffers: &[Vec<u8>], piece: Piece, outer: Option<usize>, out: &mut Vec<u8>) {
        let bytes = &buffers[piece.buffer as usize];
        let (from, to) = piece.holes;
        let mut nulls = match self.nulls {
            true => self.null_spans(from, to, outer),
            false => Vec::new(),
        }
        .into_iter()
        .peekable();
        let mut done = piece.start;
        for index in from..to {
            let hole = &self.holes[index];
            if hole.outer != outer {
                continue;
            }
            while let Some(span) = nulls.next_if(|span| span.start <= hole.position) {
                if span.start >= done {
                    out.extend_from_slice(&bytes[done..span.start]);
                    out.extend_from_slice(b"null");
                    done = span.end;
                }
            }
            if hole.position < done {
                continue;
            }
            out.extend_from_slice(&bytes[done..hole.position]);
            done = hole.position;
            match hole.state {
                // Most have no holes in them.
                State::Filled(piece) if piece.holes.0 == piece.holes.1 => {
                    let bytes = &buffers[piece.buffer as usize];
                    out.extend_from_slice(&bytes[piece.start..piece.end]);
                }
                State::Filled(piece) => self.append(buffers, piece, Some(index), out),
                State::Null | State::Open => out.extend_from_slice(b"null"),
            }
        }
        out.extend_from_slice(&bytes[done..piece.end]);
    }
}

impl Segment {
    pub(crate) fn step(self, plan: &Plan) -> Step<'_> {
        match self {
            Self::Field(field) => Step::Key(&plan.field(field).key),
            Self::Index(index) => Step::Index(index),
        }
    }
}
