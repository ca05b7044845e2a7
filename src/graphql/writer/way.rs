//! How an object was come by that is shown with its id: the fields of the document from its entity on.
//!
//! Read off the path that the writer is on, and only when somebody wants to know.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Writer;
use crate::connect::{Crossed, LiveObject, Parent, Stage, Way};
use crate::graphql::hole::{PathId, Segment, SourceId};
use crate::graphql::place::Place;
use crate::graphql::plan::FieldId;
use crate::sdl::{FieldSource, GENERIC_ENTITY, Generated};

/// A live list has at most so many on a page.
const WIDEST: usize = 100;

/// One step from the root to the object.
enum Trodden {
    /// A field, and the live object that it was asked of.
    Field(FieldId, Option<LiveObject>),
    /// An object that was asked for by its id.
    Node(Arc<Value>),
}

impl Writer<'_> {
    /// From the entity of `object`, or from the root, to where it stands; `None` where another way leads to it.
    pub(super) fn way_to(&self, place: &Place<'_>, object: &LiveObject) -> Option<Way> {
        let entity = object.entity;
        let entity = entity.map(|entity| self.scene.snapshot.entity_ref(entity));
        let mut way = Way::default();
        let mut trodden = self.trodden(place);
        // The field that shows the id.
        trodden.pop();
        for step in trodden {
            match step {
                Trodden::Node(id) => way = self.known_way(&id)?,
                Trodden::Field(field, asked_of) => {
                    self.step((field, asked_of.as_ref()), entity, &mut way)?;
                }
            }
        }
        (!way.stages.is_empty()).then_some(way)
    }

    /// The way to an object that was asked for by its id.
    fn known_way(&self, id: &Value) -> Option<Way> {
        Some((*self.scene.live?.way(id.as_str()?)?).clone())
    }

    /// One field further; `entity` is the last one on the way.
    fn step(
        &self,
        (field, asked_of): (FieldId, Option<&LiveObject>),
        entity: Option<&str>,
        way: &mut Way,
    ) -> Option<()> {
        let planned = self.scene.plan.field(field);
        let model = self.scene.model;
        let owner = model.types.get(&planned.type_name)?;
        let is_entity = owner.kind.is_some() || *owner.name == *GENERIC_ENTITY;
        let is_root = model.is_query(&owner.name);
        match &owner.fields.get(&planned.name)?.source {
            FieldSource::Live(_) => {
                if is_entity {
                    *way = Way {
                        entity_ref: Some(entity?.into()),
                        stages: Vec::new(),
                    };
                } else if is_root {
                    *way = Way::default();
                } else if way.stages.is_empty() {
                    return None;
                }
                if let (Some(before), Some(parent)) = (way.stages.last_mut(), asked_of) {
                    let identity = owner.identity.as_ref();
                    let id = identity
                        .and_then(|identity| parent.id(&owner.name, identity, parent.value()));
                    before.id = id.map(Into::into);
                }
                way.stages.push(Stage {
                    field: self.crossed(field)?,
                    within: Vec::new(),
                    id: None,
                });
            }
            FieldSource::Value(_) => {
                let crossed = self.crossed(field)?;
                match way.stages.last_mut() {
                    Some(stage) => stage.within.push(crossed),
                    None => return None,
                }
            }
            FieldSource::Generated(
                Generated::ConnectionNodes | Generated::ConnectionEdges | Generated::EdgeNode,
            ) => {}
            // Back into the catalog, or from one entity to the next.
            _ => way.stages.clear(),
        }
        Some(())
    }

    fn crossed(&self, field: FieldId) -> Option<Crossed> {
        let planned = self.scene.plan.field(field);
        let arguments = self.scene.arguments(field).ok()?.values.clone();
        let widest = self.widest(&planned.type_name, &planned.name, &arguments);
        Some(Crossed {
            type_name: Arc::clone(&planned.type_name),
            name: Arc::clone(&planned.name),
            widest: (widest != arguments).then(|| Arc::new(widest)),
            arguments: Arc::new(arguments),
        })
    }

    /// What may be left out is left out, and a page is as long as it may be.
    fn widest(
        &self,
        type_name: &str,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Map<String, Value> {
        let definition = self.scene.model.schema.type_field(type_name, name);
        let definitions = definition.map(|definition| definition.arguments.iter());
        let mut widest = Map::new();
        for definition in definitions.into_iter().flatten() {
            let name = definition.name.as_str();
            if name == "first" {
                widest.insert(name.to_owned(), WIDEST.into());
            } else if definition.is_required() || definition.default_value.is_some() {
                let given = arguments.get(name).cloned();
                widest.extend(given.map(|given| (name.to_owned(), given)));
            }
        }
        widest
    }

    /// The way from the root to where the writer is.
    fn trodden(&self, place: &Place<'_>) -> Vec<Trodden> {
        let mut steps = Vec::new();
        let mut at = Some(place);
        while let Some(place) = at {
            if let Some(Segment::Field(field)) = place.segment() {
                steps.push(Trodden::Field(field, place.object()));
            }
            if let (None, Some(base)) = (place.before(), place.path()) {
                self.trodden_before(base, &mut steps);
            }
            at = place.before();
        }
        steps.reverse();
        steps
    }

    /// The same of what was written before, from the holes that it left.
    fn trodden_before(&self, base: PathId, steps: &mut Vec<Trodden>) {
        let mut hole = self.outer;
        let mut path = base;
        while let Some((before, segment)) = self.holes.last(path) {
            let filled = hole.map(|hole| self.holes.get(hole));
            let filled = filled.filter(|hole| hole.path == path);
            let mut asked_of = self.holes.object_at(path).cloned();
            if let Some(filled) = filled {
                hole = filled.outer;
                match (&filled.parent, filled.source) {
                    (Parent::Object(id), SourceId::Nodes) => {
                        steps.push(Trodden::Node(Arc::clone(id)));
                        return;
                    }
                    (Parent::Live(object), _) => asked_of = Some(object.clone()),
                    _ => {}
                }
            }
            if let Segment::Field(field) = segment {
                steps.push(Trodden::Field(field, asked_of));
            }
            path = before;
        }
    }
}
