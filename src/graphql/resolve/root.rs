//! What the engine answers at the root.

use serde_json::{Map, Value, json};

use super::Resolver;
use crate::catalog::EntityRef;
use crate::graph::{Direction, Edge, Filter, Ix};
use crate::graphql::error::FieldError;
use crate::graphql::filter::plain_path;
use crate::graphql::found::FOUND;
use crate::graphql::input::shorten;
use crate::graphql::place::Place;
use crate::graphql::plan::{FieldId, Op, Selection, SelectionId, Shape};
use crate::graphql::writer::{Null, Writer};
use crate::ingest::{SourceState, SourceStatus};
use crate::sdl::{KindId, Model, RelationId};

/// `impact` shows at most this many entities.
const IMPACT: usize = 10_000;
/// Values of a facet that does not say how many.
const FACET_VALUES: usize = 100;

impl<'r> Writer<'r> {
    pub(crate) fn of_root(
        &self,
        resolver: Resolver,
        via: &[RelationId],
        field: FieldId,
    ) -> Result<Value, FieldError> {
        let arguments = self.scene.arguments(field)?;
        let values = &arguments.values;
        Ok(match resolver {
            Resolver::Entity => self.by_ref(values.get("ref"), "ref")?,
            Resolver::EntitiesByRef => each(values.get("refs"), |entity_ref| {
                self.by_ref(Some(entity_ref), "refs")
            })?,
            Resolver::Facets => {
                let set = match self.scene.filtered(field, arguments) {
                    Some(filtered) => filtered.clone(),
                    None => self.scene.snapshot.select(&Filter::All),
                };
                let first = self.facet_values(field)?;
                each(values.get("by"), |by| self.facet(&set, by, first))?
            }
            Resolver::Impact => self.impact(via, values)?,
            Resolver::Sources => self.scene.catalog.sources().iter().map(source).collect(),
            Resolver::RelationTypes => relation_types(self.scene.model),
            Resolver::Callboard => json!({ "version": env!("CARGO_PKG_VERSION") }),
            Resolver::Connectors => self.connectors(),
            Resolver::Explain => self.explain(values.get("ref"))?,
            _ => Value::Null,
        })
    }

    /// `facets` of what a search found, whose entities the request keeps.
    pub(crate) fn found_facets(&self, field: FieldId, found: &Value) -> Result<Value, FieldError> {
        let arguments = self.scene.arguments(field)?;
        let number = found.get(FOUND).and_then(Value::as_u64);
        let number = number.and_then(|number| usize::try_from(number).ok());
        let set = number.and_then(|number| self.scene.scope.kept_set(number));
        let set = set.unwrap_or_default();
        let first = self.facet_values(field)?;
        each(arguments.values.get("by"), |by| self.facet(&set, by, first))
    }

    /// `node(id:)`.
    pub(crate) fn by_id(&mut self, field: FieldId, place: &Place<'_>) -> Result<(), Null> {
        let arguments = self.scene.arguments(field);
        let arguments = arguments.map_err(|error| self.fail(&error, place))?;
        match arguments.values.get("id") {
            Some(id) => self.object_by_id(id, field, place),
            None => self.null(field, place),
        }
    }

    /// `nodes(ids:)`.
    pub(crate) fn by_ids(&mut self, field: FieldId, place: &Place<'_>) -> Result<(), Null> {
        let arguments = self.scene.arguments(field);
        let arguments = arguments.map_err(|error| self.fail(&error, place))?;
        let ids = arguments.values.get("ids").and_then(Value::as_array);
        let ids = ids.into_iter().flatten();
        self.list(ids, true, place, |writer, id, place| {
            writer.object_by_id(id, field, place)
        })
    }

    /// `component(ref:)`.
    pub(crate) fn singular(
        &mut self,
        kind: KindId,
        selection: SelectionId,
        field: FieldId,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let name = &self.scene.model.kind_of(kind).kind;
        let found = self.scene.arguments(field).and_then(|arguments| {
            let entity_ref = reference(arguments.values.get("ref"), Some(name), "ref")?;
            Ok(self.scene.find(entity_ref.as_str()))
        });
        match found {
            Ok(Some(ix)) if self.scene.snapshot.kind(ix) == Some(kind) => {
                self.entity(selection, ix, place)
            }
            Ok(_) => self.null(field, place),
            Err(error) => Err(self.fail(&error, place)),
        }
    }

    fn by_ref(&self, entity_ref: Option<&Value>, argument: &str) -> Result<Value, FieldError> {
        let entity_ref = reference(entity_ref, None, argument)?;
        Ok(match self.scene.find(entity_ref.as_str()) {
            Some(ix) => ix.0.into(),
            None => Value::Null,
        })
    }

    /// How many values the selection below asks of each facet.
    fn facet_values(&self, field: FieldId) -> Result<usize, FieldError> {
        let plan = self.scene.plan;
        let Shape::Object(selection) = plan.field(field).shape else {
            return Ok(FACET_VALUES);
        };
        let Selection::One(object) = plan.selection(selection) else {
            return Ok(FACET_VALUES);
        };
        let items = plan.object(*object).iter();
        let asked = items
            .filter(|item| matches!(item.op, Op::Value(_)))
            .filter_map(|item| {
                let arguments = self.scene.arguments(item.field).ok()?;
                arguments.values.get("first")?.as_i64()
            });
        let asked: Vec<i64> = asked.collect();
        match asked.iter().find(|first| **first < 0) {
            Some(first) => Err(FieldError::input(format!(
                "`first` is {first}; it must not be negative"
            ))),
            None => {
                let most = asked.into_iter().max();
                Ok(most
                    .and_then(|first| usize::try_from(first).ok())
                    .unwrap_or(FACET_VALUES))
            }
        }
    }

    fn facet(
        &self,
        set: &roaring::RoaringBitmap,
        by: &Value,
        first: usize,
    ) -> Result<Value, FieldError> {
        let snapshot = self.scene.snapshot;
        let name = by.as_str().unwrap_or_default();
        let Some(values) = snapshot.facet(set, &plain_path(name), first) else {
            return Err(FieldError::input(format!(
                "`by`: there is no field and no descriptor path `{name}`, such as `kind`, `spec.type` or `relations.ownedBy`"
            )));
        };
        let values: Vec<Value> = values
            .into_iter()
            .map(|value| {
                let label = match value.entity {
                    Some(ix) => self.label(ix),
                    None => value.value.as_ref().into(),
                };
                json!({
                    "value": *value.value,
                    "label": label,
                    "count": value.count,
                    "entity": value.entity.map(|ix| ix.0),
                })
            })
            .collect();
        Ok(json!({ "name": name, "values": values }))
    }

    /// How a person would call an entity.
    fn label(&self, ix: Ix) -> Value {
        let snapshot = self.scene.snapshot;
        let descriptor = snapshot.descriptor(ix);
        let member = |name: &str| descriptor.get("metadata")?.get(name)?.as_str();
        match member("title").or_else(|| member("name")) {
            Some(label) => label.into(),
            None => snapshot.entity_ref(ix).into(),
        }
    }

    fn impact(&self, via: &[RelationId], values: &Map<String, Value>) -> Result<Value, FieldError> {
        let snapshot = self.scene.snapshot;
        let mut start = Vec::new();
        for entity_ref in values
            .get("of")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let entity_ref = reference(Some(entity_ref), None, "of")?;
            match self.scene.find(entity_ref.as_str()) {
                Some(ix) => start.push(ix),
                None => {
                    return Err(FieldError::input(format!(
                        "`of`: there is no entity `{entity_ref}`"
                    )));
                }
            }
        }
        let direction = match values.get("direction").and_then(Value::as_str) {
            Some("DEPENDENCIES") => Direction::Out,
            _ => Direction::In,
        };
        let types = self.relation_types(values.get("types"))?;
        let types = types.unwrap_or_else(|| via.to_vec());
        let depth = match values.get("maxDepth") {
            None | Some(Value::Null) => 5,
            Some(depth) => depth
                .as_u64()
                .and_then(|depth| u32::try_from(depth).ok())
                .ok_or_else(|| {
                    let depth = shorten(depth);
                    FieldError::input(format!("`maxDepth` is {depth}; it must not be negative"))
                })?,
        };
        let impact = snapshot.impact(&start, direction, &types, depth, IMPACT);
        let nodes: Vec<Value> = impact
            .reached
            .iter()
            .map(|reached| {
                json!({
                    "entity": reached.entity.0,
                    "degree": reached.degree,
                    "path": self.way(&impact, direction, reached.entity),
                })
            })
            .collect();
        let edges = impact.edges.iter();
        let edges: Vec<Value> = edges
            .map(|(source, edge)| self.relation_value(*source, *edge))
            .collect();
        Ok(json!({ "nodes": nodes, "edges": edges, "truncated": impact.truncated }))
    }

    /// One shortest way from the start to a reached entity, as the relations stand.
    fn way(&self, impact: &crate::graph::Impact, direction: Direction, to: Ix) -> Value {
        let mut way = Vec::new();
        let mut next = to;
        while let Some(reached) = impact.reached.iter().find(|reached| reached.entity == next) {
            let (before, relation) = reached.via;
            let (source, target) = match direction {
                Direction::Out => (before, next),
                Direction::In => (next, before),
            };
            way.push(self.relation_value(source, Edge { relation, target }));
            next = before;
        }
        way.reverse();
        Value::Array(way)
    }

    /// Relation types by name; `None` if none are given.
    pub(crate) fn relation_types(
        &self,
        names: Option<&Value>,
    ) -> Result<Option<Vec<RelationId>>, FieldError> {
        let Some(names) = names.and_then(Value::as_array) else {
            return Ok(None);
        };
        names
            .iter()
            .map(|name| self.relation_type(name.as_str().unwrap_or_default()))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    pub(crate) fn relation_type(&self, name: &str) -> Result<RelationId, FieldError> {
        let known = &self.scene.model.relation_by_name;
        known.get(name).copied().ok_or_else(|| {
            let names = known.keys().map(|name| &**name);
            let hint = match crate::diagnostic::closest(name, names) {
                Some(close) => format!("; did you mean `{close}`?"),
                None => String::new(),
            };
            FieldError::input(format!("there is no relation type `{name}`{hint}"))
        })
    }

    pub(crate) fn all_relation_types(&self) -> Vec<RelationId> {
        (0_u16..)
            .zip(&self.scene.model.relations)
            .map(|(position, _)| RelationId(position))
            .collect()
    }
}

/// Each item of a list argument, in order.
fn each(
    items: Option<&Value>,
    answer: impl FnMut(&Value) -> Result<Value, FieldError>,
) -> Result<Value, FieldError> {
    let items = items.and_then(Value::as_array).map(Vec::as_slice);
    items.unwrap_or_default().iter().map(answer).collect()
}

/// An `EntityRef` argument.
pub(crate) fn reference(
    value: Option<&Value>,
    default_kind: Option<&str>,
    argument: &str,
) -> Result<EntityRef, FieldError> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    EntityRef::parse(text, default_kind, "default").map_err(|error| {
        FieldError::input(format!(
            "`{argument}`: `{text}` is no entity reference `kind:namespace/name`: {error}"
        ))
    })
}

/// Pairs stand as the model declares them, so a client sees which of the two is the forward one.
fn relation_types(model: &Model) -> Value {
    let types = model.relations_declared.iter().map(|id| {
        let relation = model.relation(*id);
        let inverse = relation.inverse.map(|id| &*model.relation(id).name);
        json!({ "type": *relation.name, "inverse": inverse })
    });
    types.collect()
}

fn source(status: &SourceStatus) -> Value {
    let state = match status.state {
        SourceState::Waiting => "WAITING",
        SourceState::Reading => "READING",
        SourceState::Ready => "READY",
        SourceState::Failing => "FAILING",
    };
    json!({
        "name": *status.name,
        "type": status.kind,
        "target": *status.target,
        "state": state,
        "entities": status.entities,
        "files": status.files,
        "problems": status.problems,
        "lastReadAt": status.last_read_at.map(|at| at.to_string()),
        "lastError": status.last_error.as_deref(),
        "lastErrorAt": status.last_error_at.map(|at| at.to_string()),
    })
}
