//! Where the writer is: a path that lives on its stack and costs nothing until somebody asks for it.

use std::cell::Cell;

use serde_json::Value;

use super::error::Step;
use super::hole::{Holes, PathId, Segment, SpanId};
use super::plan::{FieldId, Plan};
use crate::connect::LiveObject;

/// One step of the way down, linked to the one before.
#[derive(Debug)]
pub(crate) struct Place<'p> {
    before: Option<&'p Place<'p>>,
    /// Of a base: the field that is written there.
    field: Option<FieldId>,
    segment: Option<Segment>,
    /// Of a field of a live object: the object, and its JSON or that of an object within.
    this: Option<(&'p LiveObject, &'p Value)>,
    /// The same path in [`Holes`], once a hole needed it.
    kept: Cell<Option<PathId>>,
    /// Where the value begins, if null may stand for it.
    nullable_from: Option<usize>,
    span: Cell<Option<SpanId>>,
}

impl<'p> Place<'p> {
    /// Where a pass of the writer begins.
    pub(crate) fn base(path: PathId, field: Option<FieldId>) -> Self {
        Self {
            before: None,
            field,
            segment: None,
            this: None,
            kept: Cell::new(Some(path)),
            nullable_from: None,
            span: Cell::new(None),
        }
    }

    /// A step further; `nullable_from` is where the value begins, if null may stand for it.
    pub(crate) fn below(
        before: &'p Place<'p>,
        segment: Segment,
        nullable_from: Option<usize>,
    ) -> Self {
        Self {
            before: Some(before),
            field: None,
            segment: Some(segment),
            this: None,
            kept: Cell::new(None),
            nullable_from,
            span: Cell::new(None),
        }
    }

    /// The same, a field of a live object.
    pub(crate) fn of(self, this: Option<(&'p LiveObject, &'p Value)>) -> Self {
        Self { this, ..self }
    }

    /// The object whose field is written here.
    pub(crate) fn object(&self) -> Option<LiveObject> {
        let (object, value) = self.this?;
        Some(match std::ptr::eq(object.value(), value) {
            true => object.clone(),
            false => object.within(value.clone()),
        })
    }

    /// The place around it.
    pub(crate) fn before(&self) -> Option<&Self> {
        self.before
    }

    /// Where a pass began: the path to there.
    pub(crate) fn path(&self) -> Option<PathId> {
        self.kept.get()
    }

    pub(crate) fn segment(&self) -> Option<Segment> {
        self.segment
    }

    /// The path, kept.
    pub(crate) fn keep(&self, holes: &mut Holes) -> PathId {
        if let Some(path) = self.kept.get() {
            return path;
        }
        let before = match self.before {
            Some(before) => before.keep_around(holes),
            None => PathId::ROOT,
        };
        let path = match self.segment {
            Some(segment) => holes.path(before, segment),
            None => before,
        };
        self.kept.set(Some(path));
        path
    }

    /// The same for a place around a hole: what its field was asked of is not known from the hole.
    fn keep_around(&self, holes: &mut Holes) -> PathId {
        if let Some(path) = self.kept.get() {
            return path;
        }
        let path = self.keep(holes);
        if let Some(object) = self.object() {
            holes.asked_of(path, object);
        }
        path
    }

    /// The nearest stretch that may become null, from here outwards.
    pub(crate) fn span(&self, holes: &mut Holes) -> Option<SpanId> {
        match (self.span.get(), self.nullable_from) {
            (Some(span), _) => Some(span),
            (None, Some(start)) => {
                let span = holes.open_span(start);
                self.span.set(Some(span));
                Some(span)
            }
            (None, None) => self.before?.span(holes),
        }
    }

    /// The value is written: its end is known.
    pub(crate) fn close(&self, holes: &mut Holes, end: usize) {
        if let Some(span) = self.span.get() {
            holes.close_span(span, end);
        }
    }

    /// The field of the document that the place belongs to.
    pub(crate) fn field(&self) -> Option<FieldId> {
        match self.segment {
            Some(Segment::Field(field)) => Some(field),
            Some(Segment::Index(_)) => self.before?.field(),
            None => self.field,
        }
    }

    /// The steps, outermost first.
    pub(crate) fn steps<'s>(&self, plan: &'s Plan, holes: &Holes) -> Vec<Step<'s>> {
        let mut steps = match (self.before, self.kept.get()) {
            (Some(before), _) => before.steps(plan, holes),
            (None, Some(path)) => holes.steps(plan, path),
            (None, None) => Vec::new(),
        };
        steps.extend(self.segment.map(|segment| segment.step(plan)));
        steps
    }
}
