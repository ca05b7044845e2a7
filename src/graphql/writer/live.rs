//! Live fields: what their source has ready is written at once, the rest leaves holes; and what came is written here.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::{Connection, Null, Object, Scene, Writer};
use crate::connect::{Answer, Fetched, Item, LiveField, LiveObject, Parent};
use crate::graph::{Ix, PartId};
use crate::graphql::error::{Code, FieldError};
use crate::graphql::hole::SourceId;
use crate::graphql::place::Place;
use crate::graphql::plan::{FieldArguments, FieldId, Selection, Shape};
use crate::graphql::resolve::Resolver;

/// Where a value comes from, for what is within it and for errors.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'o> {
    /// The catalog, or the engine itself.
    Catalog,
    /// The descriptor of this entity.
    Descriptor(Ix),
    /// An upstream of this connector.
    Upstream(&'o str),
    /// The same, and the value is within this object.
    Object(&'o LiveObject),
}

impl<'o> Origin<'o> {
    /// The connector whose upstream gave the value.
    pub(super) fn connector(self) -> Option<&'o str> {
        match self {
            Self::Catalog | Self::Descriptor(_) => None,
            Self::Upstream(connector) => Some(connector),
            Self::Object(object) => Some(&object.origin.connector),
        }
    }
}

impl<'r> Scene<'r> {
    /// What the source of a live field is asked: made once for all its parents.
    pub(crate) fn asked(&'r self, field: FieldId) -> Result<Cow<'r, Arc<LiveField>>, FieldError> {
        let arguments = self.arguments(field)?;
        let planned = self.plan.field(field);
        let make = || {
            let live = planned.live.as_ref();
            Arc::new(LiveField {
                type_name: Arc::clone(&planned.type_name),
                name: Arc::clone(&planned.name),
                arguments: Arc::new(arguments.values.clone()),
                total: live.is_some_and(|live| live.total),
                cursors: live.is_some_and(|live| live.cursors),
                selected: live.filter(|live| live.selective).map(|live| {
                    let selected = || super::selected::selected(self, planned);
                    match live.open {
                        true => selected(),
                        false => live.selected.get_or_init(selected).clone(),
                    }
                }),
                binding: live.and_then(|live| live.binding.clone()),
                resolver: live.map_or("", |live| live.resolver),
                via: live.map(|live| Arc::clone(&live.via)).unwrap_or_default(),
                ..LiveField::default()
            })
        };
        let kept = match (&planned.arguments, &planned.live) {
            (FieldArguments::Open(_), _) => &self.state(field).asked,
            (_, Some(live)) if live.open => &self.state(field).asked,
            (_, Some(live)) => &live.asked,
            (_, None) => return Ok(Cow::Owned(make())),
        };
        // Borrowed: a count that all threads change would be asked for once per parent.
        Ok(Cow::Borrowed(kept.get_or_init(make)))
    }
}

impl Scene<'_> {
    /// What the source is asked for objects by their ids.
    pub(crate) fn asked_by_id(&self, field: FieldId) -> Arc<LiveField> {
        let planned = self.plan.field(field);
        Arc::new(LiveField {
            type_name: Arc::clone(&planned.type_name),
            name: Arc::clone(&planned.name),
            selected: Some(super::selected::selected(self, planned)),
            ..LiveField::default()
        })
    }
}

impl Writer<'_> {
    /// Writes a live field that is ready; else it leaves a hole.
    pub(super) fn live(
        &mut self,
        source: SourceId,
        field: FieldId,
        this: Object<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let parent = match this {
            Object::Entity(ix, _) => Parent::Entity(ix),
            Object::Live(object, value) => {
                Parent::Live(match std::ptr::eq(object.value(), value) {
                    true => object.clone(),
                    false => object.within(value.clone()),
                })
            }
            Object::Value(value, None) => Parent::Object(value.clone().into()),
            Object::Value(value, Some(ix)) => Parent::Within(ix, value.clone().into()),
            Object::Relation(source, edge) => {
                Parent::Object(self.relation_value(source, edge).into())
            }
            Object::Root | Object::Connection(_) | Object::Edge(..) => Parent::Root,
        };
        if source == SourceId::Live
            && let Some(live) = self.scene.live
        {
            let asked = self.scene.asked(field);
            let asked = asked.map_err(|error| self.fail(&error, place))?;
            if let Some(answer) = live.ready(&self.scene.scope, &asked, &parent) {
                return self.answer(&answer, field, place);
            }
        }
        let nullable = !self.scene.plan.field(field).ty.non_null;
        self.hole(field, source, parent, nullable, place);
        Ok(())
    }

    /// Writes what a source brought, and says what went wrong beside it.
    pub(crate) fn answer(
        &mut self,
        answer: &Answer,
        field: FieldId,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let partial = !answer.is_null();
        for fault in &answer.faults {
            let error = FieldError::from(fault);
            let error = match partial {
                true => error.with("partial", true),
                false => error,
            };
            // It is the value that says whether the field is null.
            let Null = self.fail(&error, place);
        }
        if !partial && !answer.faults.is_empty() {
            if self.scene.plan.field(field).ty.non_null {
                return Err(Null);
            }
            self.out.extend_from_slice(b"null");
            return Ok(());
        }
        match &answer.fetched {
            Fetched::Value(value) => {
                let scene = self.scene;
                let live = scene.plan.field(field).live.as_ref();
                let connect = live.and_then(|live| live.binding.as_ref()?.connect.as_ref());
                let origin = match connect {
                    Some(connect) => Origin::Upstream(&connect.connector),
                    None => Origin::Catalog,
                };
                self.complete(value, field, origin, place)
            }
            // A list that is no connection comes as one value.
            Fetched::Live(object) if self.scene.plan.field(field).ty.list.is_some() => {
                self.complete(object.value(), field, Origin::Object(object), place)
            }
            Fetched::Live(object) => {
                let nullable = !self.scene.plan.field(field).ty.non_null;
                self.live_object(object, nullable, field, place)
            }
            Fetched::Page(page) => {
                let connection = Connection::of_page(page);
                let planned = self.scene.plan.field(field).live.as_ref();
                match planned.and_then(|live| live.connection) {
                    Some(object) => self.object(object, Object::Connection(&connection), place),
                    None => {
                        let message = "the source gave a page where there is no connection";
                        Err(self.fail(&FieldError::new(Code::Internal, message), place))
                    }
                }
            }
        }
    }

    /// An object by its id: an entity at once, anything else of whoever showed it.
    pub(crate) fn object_by_id(
        &mut self,
        id: &Value,
        field: FieldId,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let text = id.as_str().unwrap_or_default();
        let found = self.scene.snapshot.find_id(text);
        let source = match (found, &self.scene.plan.field(field).shape) {
            (Some(ix), Shape::Entity(selection)) => return self.entity(*selection, ix, place),
            (None, _) if self.scene.live.is_some() && LiveObject::is_id(id) => SourceId::Nodes,
            (None, _) => match PartId::read(text) {
                Some(part) => SourceId::PartNodes(part.part),
                None => return self.nothing(true, field, Origin::Catalog, place),
            },
            _ => return self.nothing(true, field, Origin::Catalog, place),
        };
        let parent = Parent::Object(id.clone().into());
        self.hole(field, source, parent, true, place);
        Ok(())
    }

    /// An object that was asked for by its id.
    pub(crate) fn found(
        &mut self,
        object: &LiveObject,
        field: FieldId,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let plan = self.scene.plan;
        let known = match plan.field(field).shape {
            Shape::Entity(selection) | Shape::Object(selection) => {
                plan.selection(selection).for_live(&object.origin.type_name)
            }
            _ => None,
        };
        match known {
            Some(known) => self.object(known, Object::Live(object, object.value()), place),
            None => self.nothing(true, field, Origin::Catalog, place),
        }
    }

    pub(super) fn item(
        &mut self,
        item: &Item,
        nullable: bool,
        field: FieldId,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        match item {
            Item::Value(value) => self.complete_one(value, nullable, field, Origin::Catalog, place),
            Item::Live(object) => self.live_object(object, nullable, field, place),
        }
    }

    /// An object of a live type, by its concrete type.
    fn live_object(
        &mut self,
        object: &LiveObject,
        nullable: bool,
        field: FieldId,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let value = object.value();
        let Shape::Object(selection) = &self.scene.plan.field(field).shape else {
            return self.complete_one(value, nullable, field, Origin::Object(object), place);
        };
        if value.is_null() {
            return self.nothing(nullable, field, Origin::Object(object), place);
        }
        if !value.is_object() {
            return Err(self.misfit(String::new, field, Origin::Object(object), place));
        }
        let known = match self.scene.plan.selection(*selection) {
            Selection::One(known) => Some(*known),
            Selection::Tagged(objects) => objects
                .iter()
                .find(|(name, _)| **name == *object.origin.type_name)
                .map(|(_, known)| *known),
            Selection::Entities(..) => None,
        };
        match known {
            Some(known) => self.object(known, Object::Live(object, value), place),
            None => {
                let message = "the type of the object is not known";
                Err(self.fail(&FieldError::new(Code::Internal, message), place))
            }
        }
    }

    /// What the engine knows of an object that was fetched.
    pub(crate) fn of_live(&self, resolver: Resolver, object: &LiveObject) -> Value {
        match resolver {
            Resolver::FetchedAt => object.fetched_at.to_string().into(),
            Resolver::Stale => object.stale.into(),
            Resolver::Provider => (*object.origin.connector).into(),
            _ => Value::Null,
        }
    }

    /// A value that does not fit its field: what it is is not said of upstreams' values.
    pub(super) fn misfit(
        &mut self,
        of_catalog: impl FnOnce() -> String,
        field: FieldId,
        origin: Origin<'_>,
        place: &Place<'_>,
    ) -> Null {
        let Some(connector) = origin.connector() else {
            return self.fail(&FieldError::new(Code::BadValue, of_catalog()), place);
        };
        let planned = self.scene.plan.field(field);
        self.count_misfit(connector, field);
        let message = format!(
            "`{connector}` gave something for `{}.{}` that is no `{}`",
            planned.type_name, planned.name, planned.ty.named
        );
        let error = FieldError::new(Code::Live("UPSTREAM_BAD_SHAPE"), message);
        self.fail(&error.with("connector", connector), place)
    }

    pub(super) fn count_misfit(&self, connector: &str, field: FieldId) {
        let planned = self.scene.plan.field(field);
        if let Some(live) = self.scene.live {
            live.misfit(connector, &planned.type_name, &planned.name);
        }
    }
}
