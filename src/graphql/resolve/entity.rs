//! What the engine tells of one entity beyond its declared fields.

use serde_json::{Map, Value, json};

use super::Resolver;
use crate::connect::Parent;
use crate::diagnostic::Severity;
use crate::graph::{Edge, Ix, ProblemRecord};
use crate::graphql::error::FieldError;
use crate::graphql::hole::SourceId;
use crate::graphql::place::Place;
use crate::graphql::plan::FieldId;
use crate::graphql::resolve::root::reference;
use crate::graphql::writer::leaf::holds_text;
use crate::graphql::writer::{Null, Object, Origin, Writer};
use crate::sdl::RelationId;

/// `path` looks no further than this.
const PATH_DEPTH: u32 = 32;

impl<'r> Writer<'r> {
    /// Writes what `resolver` answers.
    pub(crate) fn resolve(
        &mut self,
        resolver: Resolver,
        via: &[RelationId],
        field: FieldId,
        this: Object<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        match resolver {
            Resolver::Node => return self.by_id(field, place),
            Resolver::Nodes => return self.by_ids(field, place),
            Resolver::Runbook => {
                if let Object::Entity(ix, _) = this {
                    return self.runbook(via, field, ix, this, place);
                }
            }
            _ => {}
        }
        let value = match this {
            Object::Entity(ix, _) if resolver == Resolver::Descriptor => {
                return self.descriptor(ix, field, this, place);
            }
            Object::Entity(ix, _) => self.of_entity(resolver, field, ix, this),
            Object::Live(object, _) => Ok(self.of_live(resolver, object)),
            Object::Value(found, _) if resolver == Resolver::FoundFacets => {
                self.found_facets(field, found)
            }
            Object::Root
            | Object::Value(..)
            | Object::Relation(..)
            | Object::Connection(_)
            | Object::Edge(..) => self.of_root(resolver, via, field),
        };
        match value {
            Ok(value) => self.complete(&value, field, Origin::Catalog, place),
            Err(error) => Err(self.fail(&error, place)),
        }
    }

    fn of_entity(
        &mut self,
        resolver: Resolver,
        field: FieldId,
        ix: Ix,
        this: Object<'_>,
    ) -> Result<Value, FieldError> {
        let arguments = &self.scene.arguments(field)?.values;
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let snapshot = self.scene.snapshot;
        Ok(match resolver {
            Resolver::PreviousRefs => {
                let previous = snapshot.previous_refs(ix).iter();
                previous
                    .map(|previous| Value::from(previous.as_str()))
                    .collect()
            }
            Resolver::Annotations => {
                let prefix = text("prefix").unwrap_or_default();
                self.annotations(this)
                    .into_iter()
                    .flatten()
                    .filter(|(key, value)| key.starts_with(prefix) && !value.is_null())
                    .map(|(key, value)| json!({ "key": key, "value": value }))
                    .collect()
            }
            Resolver::Annotation => self
                .annotations(this)
                .and_then(|annotations| annotations.get(text("key")?))
                .cloned()
                .unwrap_or_default(),
            Resolver::Links => links(self.json_of(this))
                .filter(|link| match text("type") {
                    Some(wanted) => link.get("type").and_then(Value::as_str) == Some(wanted),
                    None => true,
                })
                .cloned()
                .collect(),
            Resolver::Source => self.origin(ix),
            Resolver::Problems => {
                let own = snapshot.entity_ref(ix);
                let claims = self.scene.catalog.claims();
                let docs = self.scene.catalog.docs_problems();
                let of_own = |claim: &&ProblemRecord| {
                    let about = claim.entity_ref.as_ref();
                    about.is_some_and(|about| about.as_str() == own)
                };
                let definitions = self.scene.catalog.definitions();
                let definitions = definitions.iter().filter(of_own).map(problem);
                let claims = claims.iter().chain(&*docs).filter(of_own).map(problem);
                let claims = claims.chain(definitions);
                let problems = snapshot.problems_of(own).into_iter().map(problem);
                let dangling = self.scene.catalog.dangling_of(snapshot, ix);
                let dangling = dangling.iter().map(problem);
                problems.chain(claims).chain(dangling).collect()
            }
            Resolver::Path => self.path(field, ix)?,
            _ => Value::Null,
        })
    }

    fn annotations<'o>(&self, this: Object<'o>) -> Option<&'o Map<String, Value>> {
        self.json_of(this)?
            .get("metadata")?
            .get("annotations")?
            .as_object()
    }

    /// The first link of type `runbook`: its own, else the page of its docs, else of the entities that `via` leads to, in its order.
    fn runbook(
        &mut self,
        via: &[RelationId],
        field: FieldId,
        ix: Ix,
        this: Object<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let runbook = |descriptor: Option<&Value>| {
            let mut links = links(descriptor);
            links
                .find(|link| link.get("type").and_then(Value::as_str) == Some("runbook"))
                .cloned()
        };
        if let Some(own) = runbook(self.json_of(this)) {
            return self.complete(&own, field, Origin::Catalog, place);
        }
        let snapshot = self.scene.snapshot;
        let edges = snapshot.edges(ix);
        let of_others = via
            .iter()
            .flat_map(|relation| edges.iter().filter(move |edge| edge.relation == *relation))
            .filter(|edge| snapshot.exists(edge.target))
            .find_map(|edge| runbook(Some(&snapshot.descriptor(edge.target))))
            .unwrap_or_default();
        if !self.scene.catalog.library().is_named(snapshot, ix) {
            return self.complete(&of_others, field, Origin::Catalog, place);
        }
        let nullable = !self.scene.plan.field(field).ty.non_null;
        let parent = crate::graphql::docs::runbook_parent(snapshot.entity_ref(ix), &of_others);
        self.hole(field, SourceId::Docs, parent, nullable, place);
        Ok(())
    }

    fn origin(&self, ix: Ix) -> Value {
        let Some(origin) = self.scene.snapshot.origin(ix) else {
            return Value::Null;
        };
        let claims: Vec<Value> = origin
            .claims
            .iter()
            .map(
                |claim| json!({ "source": *claim.source, "file": *claim.file, "line": claim.line }),
            )
            .collect();
        json!({
            "name": *origin.source,
            "file": *origin.file,
            "line": origin.line,
            "revision": origin.revision,
            "url": origin.url.as_deref(),
            "claims": claims,
        })
    }

    fn path(&self, field: FieldId, ix: Ix) -> Result<Value, FieldError> {
        let arguments = &self.scene.arguments(field)?.values;
        let snapshot = self.scene.snapshot;
        let to = reference(arguments.get("to"), None, "to")?;
        let types = self.relation_types(arguments.get("types"))?;
        let types = types.unwrap_or_else(|| self.all_relation_types());
        let found = match self.scene.find(to.as_str()) {
            Some(to) => snapshot.path(ix, to, &types, PATH_DEPTH),
            None => None,
        };
        Ok(match found {
            None => Value::Null,
            Some(edges) => {
                let mut source = ix;
                let mut path = Vec::with_capacity(edges.len());
                for edge in edges {
                    path.push(self.relation_value(source, edge));
                    source = edge.target;
                }
                Value::Array(path)
            }
        })
    }

    /// A `Relation`, as its fields read it.
    pub(crate) fn relation_value(&self, source: Ix, edge: Edge) -> Value {
        let snapshot = self.scene.snapshot;
        json!({
            "type": *self.scene.model.relation(edge.relation).name,
            "source": source.0,
            "targetRef": snapshot.entity_ref(edge.target),
            "target": edge.target.0,
        })
    }

    fn descriptor(
        &mut self,
        ix: Ix,
        field: FieldId,
        this: Object<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        match self.json_of(this) {
            Some(descriptor) if holds_text(descriptor) => {
                let parent = Parent::Texts(self.scene.snapshot.descriptor(ix).into());
                self.hole(field, SourceId::Texts, parent, false, place);
                Ok(())
            }
            Some(descriptor) => self.complete(descriptor, field, Origin::Catalog, place),
            None => self.null(field, place),
        }
    }
}

fn links(descriptor: Option<&Value>) -> impl Iterator<Item = &Value> {
    descriptor
        .and_then(|descriptor| descriptor.get("metadata")?.get("links")?.as_array())
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter(|link| link.is_object())
}

/// A `Problem`, as its fields read it.
pub(crate) fn problem(problem: &ProblemRecord) -> Value {
    json!({
        "severity": severity(problem.severity),
        "code": *problem.code,
        "message": *problem.message,
        "hint": problem.hint.as_deref(),
        "field": problem.field.as_deref(),
        "file": *problem.file,
        "line": problem.line,
        "column": problem.column,
        "entityRef": problem.entity_ref.as_ref().map(|known| known.as_str().to_owned()),
        "seenAt": problem.seen_at.to_string(),
    })
}

pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
    }
}
