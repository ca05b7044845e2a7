//! Members that are read out of JSON: the descriptor of an entity, or the object around them.

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::Value;

use super::{Null, Object, Origin, Writer};
use crate::connect::LiveObject;
use crate::graph::{Edge, Ix};
use crate::graphql::error::{self, FieldError};
use crate::graphql::hole::Segment;
use crate::graphql::input::shorten;
use crate::graphql::place::Place;
use crate::graphql::plan::{FieldId, ObjectId, Selection, SelectionId, Shape, ValueOp};
use crate::sdl::LookupBinding;
use crate::sdl::expr::{Expr, Scope, member};

/// What a `@lookup` found for a value: many objects of a page lead to the same few entities.
pub(super) struct LookedUp<'r> {
    lookup: &'r LookupBinding,
    value: Value,
    found: Value,
}

/// So many are remembered while an answer is written; going through more would take longer than it saves.
const LOOKED_UP: usize = 16;

impl<'r> Writer<'r> {
    pub(super) fn value_member(
        &mut self,
        op: &'r ValueOp,
        field: FieldId,
        this: Object<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let (object, around) = match this {
            Object::Live(object, _) => (Some(object), None),
            Object::Entity(ix, _) | Object::Value(_, Some(ix)) => (None, Some(ix)),
            _ => (None, None),
        };
        let Some(this) = self.json_of(this) else {
            return self.null(field, place);
        };
        let found = match (&op.key, object) {
            (Some(key), _) => {
                let found = this.as_object().and_then(|members| member(members, key));
                let found = found.unwrap_or(&Value::Null);
                if op.plain && self.plain_leaf(found, field) {
                    return Ok(());
                }
                Cow::Borrowed(found)
            }
            (None, None) => evaluate(&op.binding.at, this),
            (None, Some(object)) => self.read(&op.binding.at, op, object, this, field),
        };
        let found = match (&*found, &op.binding.default, object) {
            (Value::Null, Some(default), None) => evaluate(default, this),
            (Value::Null, Some(default), Some(object)) => {
                self.read(default, op, object, this, field)
            }
            _ => found,
        };
        if let Some(fault) = LiveObject::fault_of(&found) {
            return Err(self.fail(&FieldError::from(&fault), place));
        }
        let found = match op.binding.cases.is_empty() && op.binding.otherwise.is_none() {
            true => found,
            false => Cow::Owned(translate(&found, op)),
        };
        let origin = match (object, around) {
            (Some(object), _) => Origin::Object(object),
            (None, Some(ix)) => Origin::Descriptor(ix),
            (None, None) => Origin::Catalog,
        };
        match (op.connection, object) {
            (Some(members), Some(object)) => self.embedded(members, &found, field, object, place),
            _ => self.complete(&found, field, origin, place),
        }
    }

    /// An expression on an object that was fetched; what it met of a wrong type is counted.
    fn read<'v>(
        &self,
        expr: &'v Expr,
        op: &ValueOp,
        object: &'v LiveObject,
        this: &'v Value,
        field: FieldId,
    ) -> Cow<'v, Value> {
        let mismatches = Cell::new(0);
        let args = match op.reads_args {
            true => self.scene.arguments(field).ok(),
            false => None,
        };
        let found = match args {
            None => object.evaluate(expr, this, None, &mismatches),
            Some(args) => {
                let args = Value::Object(args.values.clone());
                let found = object.evaluate(expr, this, Some(&args), &mismatches);
                Cow::Owned(found.into_owned())
            }
        };
        if mismatches.get() > 0 {
            self.count_misfit(&object.origin.connector, field);
        }
        found
    }

    /// The JSON that expressions on `this` read.
    pub(crate) fn json_of<'o>(&self, this: Object<'o>) -> Option<&'o Value> {
        match this {
            Object::Value(value, _) | Object::Live(_, value) => Some(value),
            Object::Entity(ix, state) => Some(
                state
                    .descriptor
                    .get_or_init(|| self.scene.snapshot.descriptor(ix)),
            ),
            Object::Root | Object::Relation(..) | Object::Connection(_) | Object::Edge(..) => None,
        }
    }

    /// A member of a `Relation`; what the engine has at hand is written without a value being made of it.
    pub(super) fn relation_member(
        &mut self,
        op: &'r ValueOp,
        field: FieldId,
        source: Ix,
        edge: Edge,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let scene = self.scene;
        match (op.key.as_deref(), &scene.plan.field(field).shape) {
            (Some("type"), Shape::String) => {
                error::string(&scene.model.relation(edge.relation).name, &mut self.out);
                Ok(())
            }
            (Some("targetRef"), Shape::Any) => {
                error::string(scene.snapshot.entity_ref(edge.target), &mut self.out);
                Ok(())
            }
            (Some(end @ ("source" | "target")), Shape::Entity(selection)) => {
                let ix = if end == "source" { source } else { edge.target };
                match scene.snapshot.exists(ix) {
                    true => self.entity(*selection, ix, place),
                    false => self.null(field, place),
                }
            }
            _ => {
                let value = self.relation_value(source, edge);
                self.value_member(op, field, Object::Value(&value, None), place)
            }
        }
    }

    /// `CompleteValue` of the specification for a value in JSON.
    pub(crate) fn complete(
        &mut self,
        value: &Value,
        field: FieldId,
        origin: Origin<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let definition = self.scene.plan.field(field);
        let Some(item_non_null) = definition.ty.list else {
            return self.complete_one(value, !definition.ty.non_null, field, origin, place);
        };
        match value {
            Value::Null => self.null(field, place),
            Value::Array(items) => {
                // A list that takes `first` is cut to it.
                let first = self.scene.arguments(field).ok().and_then(|arguments| {
                    let first = arguments.values.get("first")?.as_u64()?;
                    usize::try_from(first).ok()
                });
                let items = items.iter().take(first.unwrap_or(usize::MAX));
                self.list(items, !item_non_null, place, |writer, item, place| {
                    writer.complete_one(item, !item_non_null, field, origin, place)
                })
            }
            other => {
                let message = || format!("{} is no list", shorten(other));
                Err(self.misfit(message, field, origin, place))
            }
        }
    }

    /// Items between brackets, each at its place.
    pub(crate) fn list<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        nullable: bool,
        place: &Place<'_>,
        mut write: impl FnMut(&mut Self, T, &Place<'_>) -> Result<(), Null>,
    ) -> Result<(), Null> {
        self.out.push(b'[');
        for (position, item) in (0_u32..).zip(items) {
            if position > 0 {
                self.out.push(b',');
            }
            let start = nullable.then_some(self.out.len());
            let place = Place::below(place, Segment::Index(position), start);
            self.guarded(nullable, &place, |writer| write(writer, item, &place))?;
        }
        self.out.push(b']');
        Ok(())
    }

    pub(crate) fn complete_one(
        &mut self,
        value: &Value,
        nullable: bool,
        field: FieldId,
        origin: Origin<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let plan = self.scene.plan;
        match (&plan.field(field).shape, value) {
            (Shape::Entity(selection), value) => match self.referred(value) {
                Some(ix) => self.entity(*selection, ix, place),
                None => match beside_entities(plan.selection(*selection), value) {
                    Some(object) => self.object(object, Object::Value(value, None), place),
                    None => self.nothing(nullable, field, origin, place),
                },
            },
            (_, Value::Null) => self.nothing(nullable, field, origin, place),
            (_, Value::Object(_)) if let Some(fault) = LiveObject::fault_of(value) => {
                Err(self.fail(&FieldError::from(&fault), place))
            }
            (Shape::Object(selection), value) => {
                self.tagged(*selection, value, field, origin, place)
            }
            (shape, value) => self.leaf(value, shape, nullable, field, origin, place),
        }
    }

    /// The entity that a value refers to: by index, as our own resolvers write it, or by ref.
    fn referred(&self, value: &Value) -> Option<Ix> {
        match value {
            Value::Number(number) => {
                let ix = Ix(u32::try_from(number.as_u64()?).ok()?);
                self.scene.snapshot.exists(ix).then_some(ix)
            }
            Value::String(entity_ref) => self.scene.find(entity_ref),
            _ => None,
        }
    }

    pub(super) fn nothing(
        &mut self,
        nullable: bool,
        field: FieldId,
        origin: Origin<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        if nullable {
            self.out.extend_from_slice(b"null");
            return Ok(());
        }
        let planned = self.scene.plan.field(field);
        let message = || format!("`{}.{}` has no value", planned.type_name, planned.name);
        Err(self.misfit(message, field, origin, place))
    }

    /// An object that is no entity, by its concrete type.
    fn tagged(
        &mut self,
        selection: SelectionId,
        value: &Value,
        field: FieldId,
        origin: Origin<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let object = match self.scene.plan.selection(selection) {
            Selection::One(object) => Some(*object),
            Selection::Tagged(objects) => {
                let name = value.get("__typename").and_then(Value::as_str);
                name.and_then(|name| objects.iter().find(|(known, _)| **known == *name))
                    .map(|(_, object)| *object)
            }
            Selection::Entities(..) => None,
        };
        match (object, origin) {
            // Nothing can be read from it.
            (Some(_), Origin::Object(_)) if !value.is_object() => {
                Err(self.misfit(String::new, field, origin, place))
            }
            (Some(object), Origin::Object(around)) => {
                self.object(object, Object::Live(around, value), place)
            }
            (Some(object), Origin::Descriptor(ix)) => {
                self.object(object, Object::Value(value, Some(ix)), place)
            }
            (Some(object), Origin::Catalog | Origin::Upstream(_)) => {
                self.object(object, Object::Value(value, None), place)
            }
            (None, _) => {
                let message = || "the object's type is not known".to_owned();
                Err(self.misfit(message, field, origin, place))
            }
        }
    }

    /// `@lookup`: the entities that have this value.
    pub(super) fn lookup(
        &mut self,
        lookup: &'r LookupBinding,
        field: FieldId,
        this: Object<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let mismatches = Cell::new(0);
        let value = match (this, self.json_of(this)) {
            (Object::Live(object, this), _) => {
                object.evaluate(&lookup.value, this, None, &mismatches)
            }
            (_, Some(this)) => evaluate(&lookup.value, this),
            (_, None) => return self.null(field, place),
        };
        let is_it =
            |known: &&LookedUp<'_>| std::ptr::eq(known.lookup, lookup) && known.value == *value;
        if let Some(known) = self.looked_up.iter().find(is_it) {
            let found = known.found.clone();
            return self.complete(&found, field, Origin::Catalog, place);
        }
        let found = self.look_up(lookup, &value);
        if self.looked_up.len() < LOOKED_UP {
            self.looked_up.push(LookedUp {
                lookup,
                value: value.into_owned(),
                found: found.clone(),
            });
        }
        self.complete(&found, field, Origin::Catalog, place)
    }

    /// The entities, as our own resolvers write them.
    fn look_up(&self, lookup: &LookupBinding, value: &Value) -> Value {
        let scene = self.scene;
        let values = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut found: Vec<Ix> = Vec::new();
        'paths: for path in &lookup.by {
            for text in values.iter().filter_map(compared) {
                let all = scene.snapshot.lookup(path, &text);
                let all = all.iter().map(Ix);
                found.extend(
                    all.filter(|ix| {
                        lookup.kind.is_none() || scene.snapshot.kind(*ix) == lookup.kind
                    }),
                );
                // One is found by the first that leads anywhere; many by all.
                if !lookup.list && !found.is_empty() {
                    break 'paths;
                }
            }
        }
        found.sort_by_key(|ix| scene.snapshot.entity_ref(*ix));
        found.dedup();
        match lookup.list {
            true => found.iter().map(|ix| Value::from(ix.0)).collect(),
            false => found.first().map_or(Value::Null, |ix| ix.0.into()),
        }
    }
}

/// What is written of an object that is no entity, where entities stand as well.
fn beside_entities(selection: &Selection, value: &Value) -> Option<ObjectId> {
    let name = value.get("__typename")?.as_str()?;
    selection.for_live(name)
}

/// What a value is compared by; `None` for what cannot be.
fn compared(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(_) | Value::Bool(_) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn evaluate<'v>(expr: &'v Expr, this: &'v Value) -> Cow<'v, Value> {
    expr.eval(&Scope {
        this: Some(this),
        ..Scope::default()
    })
}

/// Words of the descriptor to enum values, in lists as well.
fn translate(value: &Value, op: &ValueOp) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| translate(item, op)).collect(),
        Value::String(word) => {
            let cases = op.binding.cases.iter();
            let known = cases.clone().find(|(from, _)| **from == **word);
            match (known, &op.binding.otherwise) {
                (Some((_, to)), _) => Value::from(&**to),
                (None, Some(otherwise)) => Value::from(&**otherwise),
                (None, None) => value.clone(),
            }
        }
        other => other.clone(),
    }
}
