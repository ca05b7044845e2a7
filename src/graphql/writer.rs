//! The plan over one snapshot, straight into bytes.
//!
//! Nothing here waits and nothing is allocated per field.
//! A value that is missing where it must not be cuts the bytes back to the nearest place where null may stand; a value that must be fetched leaves a hole.

mod ahead;
mod connection;
pub(crate) mod leaf;
mod live;
mod selected;
mod value;
mod way;

use std::cell::OnceCell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;
use serde_json::Value;

pub(crate) use connection::{Connection, PageRows, bad_cursor};
pub(crate) use live::Origin;

use super::arguments::Arguments;
use super::error::{Code, Errors, FieldError};
use super::hole::{Holes, NewHole, PathId, Segment, SourceId};
use super::input;
use super::introspection::Introspection;
use super::place::Place;
use super::plan::{FieldArguments, FieldId, Item, ObjectId, Op, OpenArguments, Plan, SelectionId};
use super::variables::Given;
use crate::clock::Budget;
use crate::connect::{LiveField, LiveObject, LiveSource, Parent, Scope, Sight};
use crate::graph::{Edge, Ix, Row, Snapshot, Written};
use crate::ingest::Catalog;
use crate::sdl::{ColumnId, Model};

/// The value is null where null must not stand; the error is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Null;

/// Bytes that are set aside for an answer before it is written: at least, and at most.
const SMALLEST: usize = 512;
const LARGEST: usize = 256 * 1024;
/// Objects between two looks at the clock.
const CLOCK_EVERY: u32 = 256;

/// What is known once per request and field of the document.
#[derive(Debug, Default)]
pub(crate) struct FieldState {
    arguments: OnceLock<Result<Arguments, FieldError>>,
    /// What the filter lets through.
    filtered: OnceLock<RoaringBitmap>,
    /// What the source of the field is asked.
    pub(super) asked: OnceLock<Arc<LiveField>>,
}

/// All that one request reads.
pub(crate) struct Scene<'r> {
    pub(crate) model: &'r Model,
    pub(crate) catalog: &'r Catalog,
    pub(crate) snapshot: &'r Snapshot,
    pub(crate) plan: &'r Plan,
    pub(crate) given: &'r Given,
    pub(crate) introspection: Option<&'r Introspection>,
    pub(crate) states: Vec<FieldState>,
    pub(crate) response_bytes: usize,
    pub(crate) budget: Budget,
    /// Who answers live fields.
    pub(crate) live: Option<&'r dyn LiveSource>,
    /// What goes with everything that sources are asked.
    pub(crate) scope: Arc<Scope>,
    pub(crate) request_id: Option<&'r str>,
    /// Leave upstream failures out of `errors`.
    pub(crate) faults_in_data: bool,
    /// Whether fields at the root wait for each other.
    pub(crate) serial: bool,
}

/// An object while its members are written.
#[derive(Clone, Copy)]
pub(crate) enum Object<'o> {
    Root,
    Entity(Ix, &'o EntityState<'o>),
    /// An object in JSON, and the entity whose descriptor it is within, if it is.
    Value(&'o Value, Option<Ix>),
    /// An object that was fetched; the JSON is all of it, or an object within.
    Live(&'o LiveObject, &'o Value),
    /// A `Relation`: its source and the edge.
    Relation(Ix, Edge),
    Connection(&'o Connection<'o>),
    /// One position of a connection.
    Edge(&'o Connection<'o>, usize),
}

/// What is at hand of an entity while its members are written.
pub(crate) struct EntityState<'o> {
    row: Row<'o>,
    /// Once a member needed it.
    pub(crate) descriptor: OnceCell<Value>,
}

/// One pass over the plan, into one buffer.
pub(crate) struct Writer<'r> {
    pub(crate) scene: &'r Scene<'r>,
    pub(crate) out: Vec<u8>,
    pub(crate) errors: Errors,
    pub(crate) holes: Holes,
    /// The hole that is being filled.
    pub(crate) outer: Option<usize>,
    /// Bytes of this request in other buffers.
    pub(crate) written: usize,
    objects: u32,
    /// What is written now was read ahead, with a page around it.
    ahead: bool,
    looked_up: Vec<value::LookedUp<'r>>,
    /// Why writing came to an early end.
    pub(crate) stopped: Option<FieldError>,
}

impl<'r> Scene<'r> {
    /// The arguments of a field; understood at first use.
    pub(crate) fn arguments(&'r self, field: FieldId) -> Result<&'r Arguments, FieldError> {
        static NONE: std::sync::LazyLock<Arguments> = std::sync::LazyLock::new(Arguments::default);
        let arguments = match &self.plan.field(field).arguments {
            FieldArguments::None => return Ok(&NONE),
            FieldArguments::Folded(arguments) => arguments,
            FieldArguments::Open(open) => {
                let read = || self.read_arguments(open);
                self.state(field).arguments.get_or_init(read)
            }
        };
        arguments.as_ref().map_err(Clone::clone)
    }

    fn read_arguments(&self, open: &OpenArguments) -> Result<Arguments, FieldError> {
        let variables = |name: &str| self.given.get(name).cloned();
        let schema = &self.model.schema;
        let mut arguments = open.folded.clone();
        for (definition, given) in &open.open {
            let value = input::argument(schema, definition, Some(&given.value), &variables);
            match value.map_err(FieldError::input)? {
                Some(value) => arguments.values.insert(definition.name.to_string(), value),
                None => arguments.values.shift_remove(definition.name.as_str()),
            };
        }
        let changed = open.open.iter().map(|(definition, _)| &*definition.name);
        open.meaning.read_again(self.model, arguments, changed)
    }

    pub(super) fn state(&'r self, field: FieldId) -> &'r FieldState {
        // The plan has a slot for every field that has something to keep.
        let slot = self.plan.field(field).slot.unwrap_or_default();
        &self.states[slot]
    }

    /// The entities that the field's filter lets through; `None` without a filter.
    pub(crate) fn filtered(
        &'r self,
        field: FieldId,
        arguments: &'r Arguments,
    ) -> Option<&'r RoaringBitmap> {
        let filter = arguments.filter.as_ref()?;
        let state = &self.state(field).filtered;
        Some(state.get_or_init(|| self.snapshot.select(filter)))
    }

    /// An entity that exists, by a canonical ref or by one of its previous refs.
    pub(crate) fn find(&self, entity_ref: &str) -> Option<Ix> {
        let found = self.snapshot.find(entity_ref)?;
        self.snapshot.exists(found).then_some(found)
    }
}

impl<'r> Writer<'r> {
    pub(crate) fn new(scene: &'r Scene<'r>) -> Self {
        let last = scene.plan.answered.load(Ordering::Relaxed);
        Self {
            scene,
            out: Vec::with_capacity(last.clamp(SMALLEST, LARGEST) + SMALLEST),
            errors: Errors::new(scene.faults_in_data),
            holes: Holes::default(),
            outer: None,
            written: 0,
            objects: 0,
            ahead: false,
            looked_up: Vec::new(),
            stopped: None,
        }
    }

    /// The whole operation.
    pub(crate) fn root(&mut self) -> Result<(), Null> {
        let base = Place::base(PathId::ROOT, None);
        self.object(self.scene.plan.root, Object::Root, &base)
    }

    /// An object's members between braces.
    pub(crate) fn object(
        &mut self,
        object: ObjectId,
        this: Object<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        self.pace()?;
        self.out.push(b'{');
        for item in self.scene.plan.object(object) {
            self.out.extend_from_slice(&item.key);
            match (&item.op, this) {
                (Op::Bytes(bytes), _) => self.out.extend_from_slice(bytes),
                (Op::Column { column, non_null }, Object::Entity(_, state)) => {
                    self.column(item, state.row, *column, *non_null, place)?;
                }
                _ => self.member(item, this, place)?,
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    /// An entity by its concrete type; `Null` if its type may not stand there.
    pub(crate) fn entity(
        &mut self,
        selection: SelectionId,
        ix: Ix,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let selection = self.scene.plan.selection(selection);
        let row = self.scene.snapshot.row(ix);
        match selection.for_kind(row.kind()) {
            Some(object) => {
                let state = EntityState {
                    row,
                    descriptor: OnceCell::new(),
                };
                self.object(object, Object::Entity(ix, &state), place)
            }
            None => Err(self.fail(
                &FieldError::new(Code::BadValue, "an entity of another kind stands here"),
                place,
            )),
        }
    }

    fn column(
        &mut self,
        item: &Item,
        row: Row<'_>,
        column: ColumnId,
        non_null: bool,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        match row.write(column, &mut self.out) {
            Written::Value => Ok(()),
            Written::Null if !non_null => Ok(()),
            Written::Null => {
                let place = Place::below(place, Segment::Field(item.field), None);
                Err(self.fail(&missing(self.scene.plan, item.field), &place))
            }
            Written::Text(marker) => {
                let text = match marker.starts_with(crate::graph::TEXT_MARKER) {
                    true => marker.to_owned(),
                    false => crate::graph::text_marker(marker, 0),
                };
                let place = Place::below(place, Segment::Field(item.field), None);
                let parent = Parent::Texts(Value::String(text).into());
                self.hole(item.field, SourceId::Texts, parent, !non_null, &place);
                Ok(())
            }
        }
    }

    /// A member that is more than bytes or a column.
    fn member(&mut self, item: &'r Item, this: Object<'_>, before: &Place<'_>) -> Result<(), Null> {
        let nullable = !self.scene.plan.field(item.field).ty.non_null;
        let start = self.out.len();
        let place = Place::below(
            before,
            Segment::Field(item.field),
            nullable.then_some(start),
        )
        .of(match this {
            Object::Live(object, value) => Some((object, value)),
            _ => None,
        });
        self.guarded(nullable, &place, |writer| {
            writer.operation(item, this, &place)
        })
    }

    /// Writes what may fail; null in its place where null may stand.
    pub(crate) fn guarded(
        &mut self,
        nullable: bool,
        place: &Place<'_>,
        write: impl FnOnce(&mut Self) -> Result<(), Null>,
    ) -> Result<(), Null> {
        let start = self.out.len();
        let holes = self.holes.len();
        match write(self) {
            Ok(()) => {
                place.close(&mut self.holes, self.out.len());
                Ok(())
            }
            Err(Null) => {
                self.out.truncate(start);
                self.holes.truncate(holes);
                if !nullable {
                    return Err(Null);
                }
                self.out.extend_from_slice(b"null");
                Ok(())
            }
        }
    }

    fn operation(
        &mut self,
        item: &'r Item,
        this: Object<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let field = item.field;
        match (&item.op, this) {
            (
                Op::Relation {
                    relation,
                    targets,
                    selection,
                },
                Object::Entity(ix, _),
            ) => match self.scene.snapshot.first_target(ix, *relation, targets) {
                Some(target) => self.entity(*selection, target, place),
                None => self.null(field, place),
            },
            (Op::Connection(connection), _) => self.connection(connection, field, this, place),
            (Op::Part(part), Object::Connection(connection)) => {
                self.connection_part(*part, field, connection, place)
            }
            (Op::Part(part), Object::Edge(connection, position)) => {
                self.edge_part(*part, field, connection, position, place)
            }
            (Op::Part(_), Object::Value(value, _)) => {
                let name = &*self.scene.plan.field(field).name;
                let found = value.get(name).unwrap_or(&Value::Null);
                self.complete(found, field, Origin::Catalog, place)
            }
            (Op::Value(value), Object::Relation(source, edge)) => {
                self.relation_member(value, field, source, edge, place)
            }
            (Op::Value(value), _) => self.value_member(value, field, this, place),
            (Op::Singular { kind, selection }, _) => self.singular(*kind, *selection, field, place),
            (Op::Resolve { resolver, via }, _) => self.resolve(*resolver, via, field, this, place),
            (Op::Lookup(lookup), _) => self.lookup(lookup, field, this, place),
            (Op::Live(source), _) => self.live(*source, field, this, place),
            (
                Op::LiveId {
                    type_name,
                    identity,
                },
                Object::Live(object, value),
            ) => {
                let id = object.id(type_name, identity, value);
                if let (Some(id), Some(live)) = (&id, self.scene.live) {
                    let sight = Sight {
                        id,
                        type_name,
                        object,
                        value,
                    };
                    let mut way = || self.way_to(place, object);
                    live.shown(&self.scene.scope, &sight, &mut way);
                }
                self.complete(&id.into(), field, Origin::Object(object), place)
            }
            (Op::Introspection, _) => {
                let key = &self.scene.plan.field(field).key;
                let written = match self.scene.introspection {
                    Some(introspection) => introspection.write(key, &mut self.out),
                    None => Introspection::default().write(key, &mut self.out),
                };
                written.map_err(|error| self.fail(&error, place))
            }
            (
                Op::Bytes(_)
                | Op::Column { .. }
                | Op::Relation { .. }
                | Op::LiveId { .. }
                | Op::Part(_),
                _,
            ) => {
                let message = "the plan does not fit the object";
                Err(self.fail(&FieldError::new(Code::Internal, message), place))
            }
        }
    }

    /// Null as the value of a field: an error where it must not be.
    pub(crate) fn null(&mut self, field: FieldId, place: &Place<'_>) -> Result<(), Null> {
        if self.scene.plan.field(field).ty.non_null {
            let error = missing(self.scene.plan, field);
            return Err(self.fail(&error, place));
        }
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    /// Leaves a hole where the writer is.
    pub(crate) fn hole(
        &mut self,
        field: FieldId,
        source: SourceId,
        parent: Parent,
        nullable: bool,
        place: &Place<'_>,
    ) {
        let path = place.keep(&mut self.holes);
        let span = match nullable {
            true => None,
            false => place.span(&mut self.holes),
        };
        self.holes.push(NewHole {
            position: self.out.len(),
            field,
            path,
            source,
            parent,
            nullable,
            span,
            outer: self.outer,
        });
    }

    /// Records an error; the value is null.
    pub(crate) fn fail(&mut self, error: &FieldError, place: &Place<'_>) -> Null {
        if self.stopped.is_none() {
            let steps = place.steps(self.scene.plan, &self.holes);
            let locations = match place.field() {
                Some(field) => &*self.scene.plan.field(field).locations,
                None => &[],
            };
            self.errors.field(error, locations, &steps);
        }
        Null
    }

    /// Now and then: is there still time, and is the answer still of a size.
    fn pace(&mut self) -> Result<(), Null> {
        self.objects = self.objects.wrapping_add(1);
        if self.stopped.is_some() {
            return Err(Null);
        }
        let limit = self.scene.response_bytes;
        if self.out.len() + self.written > limit {
            self.stopped = Some(FieldError::new(
                Code::LimitExceeded,
                format!("the answer exceeds the limit `responseSize` of {limit}"),
            ));
            return Err(Null);
        }
        if self.objects.is_multiple_of(CLOCK_EVERY) && self.scene.budget.is_over() {
            self.stopped = Some(FieldError::new(
                Code::Timeout,
                "the request's time was over before its answer was written",
            ));
            return Err(Null);
        }
        Ok(())
    }
}

/// There is no value where there must be one.
fn missing(plan: &Plan, field: FieldId) -> FieldError {
    let field = plan.field(field);
    FieldError::new(
        Code::BadValue,
        format!("`{}.{}` has no value", field.type_name, field.name),
    )
}
