//! A resolver as one would write it in an afternoon: by field name, over plain descriptors, with no index and no plan.

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;
use serde_json::{Value, json};

use callboard::catalog::EntityRef;
use callboard::graph::{Ix, Record, Snapshot};
use callboard::sdl::Model;

/// The catalog as maps.
pub(super) struct World<'w> {
    model: &'w Model,
    snapshot: &'w Snapshot,
    records: BTreeMap<String, &'w Record>,
    /// Source to type and target.
    edges: BTreeMap<String, BTreeSet<(String, String)>>,
    /// Cursors in the default order, in which our engine makes them.
    cursors: BTreeMap<String, String>,
}

impl<'w> World<'w> {
    pub(super) fn new(model: &'w Model, snapshot: &'w Snapshot, records: &'w [Record]) -> Self {
        let mut edges: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
        for relation in records.iter().flat_map(|record| &record.relations) {
            let name = model.relation(relation.relation).name.to_string();
            edges
                .entry(relation.source.to_string())
                .or_default()
                .insert((name, relation.target.to_string()));
        }
        let records: BTreeMap<String, &Record> = records
            .iter()
            .map(|record| (record.entity_ref.to_string(), record))
            .collect();
        let cursors = records
            .keys()
            .map(|entity_ref| {
                let ix: Ix = snapshot.find(entity_ref).unwrap();
                (snapshot.cursor(ix, &[]), entity_ref.clone())
            })
            .collect();
        Self {
            model,
            snapshot,
            records,
            edges,
            cursors,
        }
    }

    pub(super) fn refs(&self) -> Vec<&String> {
        self.records.keys().collect()
    }

    pub(super) fn refs_of(&self, type_name: &str) -> Vec<&String> {
        let refs = self.records.keys();
        refs.filter(|entity_ref| fits(self, type_name, entity_ref))
            .collect()
    }

    pub(super) fn cursors(&self) -> Vec<&str> {
        self.cursors.keys().map(String::as_str).collect()
    }

    fn targets(&self, source: &str, relation: &str) -> Vec<String> {
        let edges = self.edges.get(source).into_iter().flatten();
        edges
            .filter(|(name, target)| name == relation && self.records.contains_key(target))
            .map(|(_, target)| target.clone())
            .collect()
    }

    fn type_name(&self, entity_ref: &str) -> &str {
        match self.records[entity_ref].kind {
            Some(kind) => &self.model.kind_of(kind).type_name,
            None => "GenericEntity",
        }
    }

    /// Steps of any length over `relations`, at most `depth`; without the start unless it is reached again by another way.
    fn walk(&self, start: &str, relations: &[&str], depth: usize) -> BTreeSet<String> {
        let mut seen = BTreeSet::from([start.to_owned()]);
        let mut front = vec![start.to_owned()];
        for _ in 0..depth {
            let mut next = Vec::new();
            for source in &front {
                for relation in relations {
                    for target in self.targets(source, relation) {
                        if seen.insert(target.clone()) {
                            next.push(target);
                        }
                    }
                }
            }
            front = next;
        }
        seen
    }

    /// The entities from which one last step along `last` is taken.
    fn closure(&self, start: &str, steps: &[&str], last: &str) -> BTreeSet<String> {
        let reached = self.walk(start, steps, 100);
        let ends = reached.iter().flat_map(|source| self.targets(source, last));
        ends.collect()
    }
}

/// What a field is asked of.
pub(super) enum Object<'o> {
    Root(&'o World<'o>),
    Entity(&'o World<'o>, String),
    Json(&'o World<'o>, String, Value),
    Connection(&'o World<'o>, String, Page),
    Edge(&'o World<'o>, String, String),
}

#[derive(Clone)]
pub(super) struct Page {
    items: Vec<String>,
    total: usize,
    next: bool,
    previous: bool,
}

type Resolved<'a> = Result<ResolvedValue<'a>, FieldError>;

impl<'o> Object<'o> {
    pub(super) fn root(world: &'o World<'o>) -> Self {
        Self::Root(world)
    }
}

impl ObjectValue for Object<'_> {
    fn type_name(&self) -> &str {
        match self {
            Self::Root(_) => "Query",
            Self::Entity(world, entity_ref) => world.type_name(entity_ref),
            Self::Json(_, name, _) | Self::Connection(_, name, _) | Self::Edge(_, name, _) => name,
        }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let name = info.field_name();
        match self {
            Self::Root(world) => root(world, name, info),
            Self::Entity(world, entity_ref) => entity(world, entity_ref, name, info),
            Self::Json(world, type_name, value) => {
                let found = match (type_name.as_str(), name) {
                    ("APIDefinition", "raw") => value.clone(),
                    _ => value.get(name).cloned().unwrap_or_default(),
                };
                json_value(world, &found, info)
            }
            Self::Connection(world, type_name, page) => {
                let edge = type_name.replace("Connection", "Edge");
                Ok(match name {
                    "totalCount" => leaf(page.total),
                    "nodes" => entities(world, page.items.clone()),
                    "edges" => ResolvedValue::list(page.items.iter().map(move |item| {
                        ResolvedValue::object(Object::Edge(world, edge.clone(), item.clone()))
                    })),
                    "pageInfo" => ResolvedValue::object(Object::Json(
                        world,
                        "PageInfo".to_owned(),
                        json!({ "hasNextPage": page.next, "hasPreviousPage": page.previous }),
                    )),
                    _ => return Err(self.unknown_field_error(info)),
                })
            }
            Self::Edge(world, _, item) => match name {
                "node" => Ok(one(world, Some(item.clone()))),
                _ => Err(self.unknown_field_error(info)),
            },
        }
    }
}

fn leaf<'a>(value: impl Into<Value>) -> ResolvedValue<'a> {
    ResolvedValue::leaf(JsonValue::from(value.into()))
}

fn one<'a>(world: &'a World<'a>, entity_ref: Option<String>) -> ResolvedValue<'a> {
    ResolvedValue::nullable_object(entity_ref.map(|entity_ref| Object::Entity(world, entity_ref)))
}

fn entities<'a>(world: &'a World<'a>, refs: Vec<String>) -> ResolvedValue<'a> {
    ResolvedValue::list(refs.into_iter().map(move |item| one(world, Some(item))))
}

fn argument(info: &ResolveInfo<'_>, name: &str) -> Value {
    let value = info.arguments().get(name);
    value.map_or(Value::Null, |value| serde_json::to_value(value).unwrap())
}

fn canonical(value: &Value) -> String {
    EntityRef::parse(value.as_str().unwrap(), Some("?"), "default")
        .unwrap()
        .to_string()
}

fn root<'a>(world: &'a World<'a>, name: &str, info: &ResolveInfo<'_>) -> Resolved<'a> {
    let known = |entity_ref: String| {
        world
            .records
            .contains_key(&entity_ref)
            .then_some(entity_ref)
    };
    let by_id = |id: &Value| {
        let mut records = world.records.iter();
        let found = records.find(|(_, record)| id.as_str() == Some(&record.id));
        found.map(|(entity_ref, _)| entity_ref.clone())
    };
    match name {
        "entity" => Ok(one(world, known(canonical(&argument(info, "ref"))))),
        "entitiesByRef" => {
            let refs = argument(info, "refs").as_array().unwrap().clone();
            Ok(ResolvedValue::list(refs.into_iter().map(
                move |entity_ref| one(world, known(canonical(&entity_ref))),
            )))
        }
        "node" => Ok(one(world, by_id(&argument(info, "id")))),
        "nodes" => {
            let ids: Vec<_> = argument(info, "ids")
                .as_array()
                .unwrap()
                .iter()
                .map(by_id)
                .collect();
            Ok(ResolvedValue::list(
                ids.into_iter().map(move |id| one(world, id)),
            ))
        }
        _ => {
            let ty = info.field_definition().ty.inner_named_type().as_str();
            match ty.strip_suffix("Connection") {
                Some(node) => {
                    let all = world.records.keys().filter(|entity_ref| {
                        node == "Entity" || world.type_name(entity_ref) == node
                    });
                    page(world, ty, all.cloned().collect(), info)
                }
                None => {
                    let entity_ref = known(canonical(&argument(info, "ref")));
                    let fitting = entity_ref.filter(|found| world.type_name(found) == ty);
                    Ok(one(world, fitting))
                }
            }
        }
    }
}

/// Field name to relation type, for relations of one target and of many.
const RELATIONS: &[(&str, &str)] = &[
    ("owner", "ownedBy"),
    ("system", "partOf"),
    ("domain", "partOf"),
    ("subcomponentOf", "partOf"),
    ("subdomainOf", "partOf"),
    ("parent", "childOf"),
    ("subcomponents", "hasPart"),
    ("subdomains", "hasPart"),
    ("components", "hasPart"),
    ("apis", "hasPart"),
    ("resources", "hasPart"),
    ("systems", "hasPart"),
    ("providesApis", "providesApi"),
    ("consumesApis", "consumesApi"),
    ("providers", "apiProvidedBy"),
    ("consumers", "apiConsumedBy"),
    ("dependsOn", "dependsOn"),
    ("dependencyOf", "dependencyOf"),
    ("children", "parentOf"),
    ("directMembers", "hasMember"),
    ("directGroups", "memberOf"),
];

fn entity<'a>(
    world: &'a World<'a>,
    this: &str,
    name: &str,
    info: &ResolveInfo<'_>,
) -> Resolved<'a> {
    let ty = info.field_definition().ty.inner_named_type().as_str();
    if let Some((_, relation)) = RELATIONS.iter().find(|(field, _)| *field == name) {
        let targets = world.targets(this, relation);
        if ty.ends_with("Connection") {
            return page(world, ty, targets.into_iter().collect(), info);
        }
        let first = targets.into_iter().find(|target| fits(world, ty, target));
        return Ok(one(world, first));
    }
    let record = world.records[this];
    let transitive = argument(info, "transitive") != json!(false);
    let depth = argument(info, "depth").as_u64().unwrap_or(1) as usize;
    let reach = |relations: &[&str]| {
        let mut reached = world.walk(this, relations, depth);
        reached.remove(this);
        reached
    };
    let set: BTreeSet<String> = match name {
        "members" if transitive => world.closure(this, &["parentOf"], "hasMember"),
        "members" => world.targets(this, "hasMember").into_iter().collect(),
        "owns" if transitive => world.closure(this, &["parentOf"], "ownerOf"),
        "owns" => world.targets(this, "ownerOf").into_iter().collect(),
        "ancestors" => world.closure(this, &["childOf"], "childOf"),
        "descendants" => world.closure(this, &["parentOf"], "parentOf"),
        "memberOf" => {
            let direct: BTreeSet<String> = world.targets(this, "memberOf").into_iter().collect();
            let above = direct
                .iter()
                .flat_map(|group| world.closure(group, &["childOf"], "childOf"));
            match transitive {
                true => direct.iter().cloned().chain(above).collect(),
                false => direct.clone(),
            }
        }
        "dependents" => reach(&["dependencyOf", "apiConsumedBy", "hasPart", "providesApi"]),
        "dependencies" => reach(&["dependsOn", "consumesApi", "partOf", "apiProvidedBy"]),
        _ => return json_value(world, &member(world, record, name, info), info),
    };
    page(world, ty, set, info)
}

/// A value out of the descriptor.
fn member(world: &World<'_>, record: &Record, name: &str, info: &ResolveInfo<'_>) -> Value {
    let descriptor = &record.descriptor;
    let metadata = &descriptor["metadata"];
    let pairs = |value: &Value, prefix: &str| -> Value {
        let members = value.as_object().into_iter().flatten();
        members
            .filter(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| json!({ "key": key, "value": value }))
            .collect()
    };
    let links = |wanted: &Value| -> Vec<Value> {
        let links = metadata["links"].as_array().into_iter().flatten();
        let fitting = links.filter(|link| wanted.is_null() || link["type"] == *wanted);
        fitting.cloned().collect()
    };
    let ix = world.snapshot.find(record.entity_ref.as_str()).unwrap();
    match name {
        "id" => world.snapshot.id(ix).into(),
        "ref" => record.entity_ref.as_str().into(),
        "previousRefs" => json!([]),
        "kind" => descriptor["kind"].clone(),
        "namespace" => "default".into(),
        "name" | "title" | "description" => metadata[name].clone(),
        "tags" => match &metadata["tags"] {
            Value::Null => json!([]),
            tags => tags.clone(),
        },
        "labels" => pairs(&metadata["labels"], ""),
        "annotations" => {
            let prefix = argument(info, "prefix");
            pairs(
                &metadata["annotations"],
                prefix.as_str().unwrap_or_default(),
            )
        }
        "annotation" => {
            let key = argument(info, "key");
            metadata["annotations"]
                .get(key.as_str().unwrap())
                .cloned()
                .unwrap_or_default()
        }
        "links" => links(&argument(info, "type")).into(),
        "createdAt" | "updatedAt" => record.created_at.to_string().into(),
        "contact" => {
            let slack = links(&"slack".into())
                .first()
                .map(|link| link["url"].clone());
            json!({
                "email": descriptor["spec"]["profile"]["email"],
                "slack": match &metadata["annotations"]["slack.com/channel"] {
                    Value::Null => slack.unwrap_or_default(),
                    channel => channel.clone(),
                },
            })
        }
        "spec" => descriptor["spec"].clone(),
        _ => descriptor["spec"].get(name).cloned().unwrap_or_default(),
    }
}

fn json_value<'a>(world: &'a World<'a>, value: &Value, info: &ResolveInfo<'_>) -> Resolved<'a> {
    let ty = &info.field_definition().ty;
    let named = ty.inner_named_type().to_string();
    let object = info.schema().get_object(&named).is_some();
    match value {
        Value::Array(items) if ty.is_list() => {
            let items: Vec<Value> = items.clone();
            Ok(ResolvedValue::list(
                items
                    .into_iter()
                    .map(move |item| single(world, &item, &named, object)),
            ))
        }
        value => Ok(single(world, value, &named, object)),
    }
}

fn single<'a>(world: &'a World<'a>, value: &Value, named: &str, object: bool) -> ResolvedValue<'a> {
    match (value, named) {
        (Value::Null, _) => ResolvedValue::null(),
        (value, _) if object => {
            ResolvedValue::object(Object::Json(world, named.to_owned(), value.clone()))
        }
        // As JavaScript's implementation has it: scalars become strings.
        (Value::Number(_) | Value::Bool(_), "String" | "ID") => leaf(value.to_string()),
        (value, _) => leaf(value.clone()),
    }
}

fn fits(world: &World<'_>, named: &str, entity_ref: &str) -> bool {
    let type_name = world.type_name(entity_ref);
    named == type_name || world.model.schema.is_subtype(named, type_name)
}

/// Sorted, filtered, cut.
fn page<'a>(
    world: &'a World<'a>,
    connection: &str,
    set: BTreeSet<String>,
    info: &ResolveInfo<'_>,
) -> Resolved<'a> {
    let node = connection.strip_suffix("Connection").unwrap();
    let filter = argument(info, "filter");
    let mut items: Vec<String> = set
        .into_iter()
        .filter(|item| fits(world, node, item) && holds(world, item, &filter))
        .collect();
    items.sort_by_key(|item| {
        let name = &world.records[item].descriptor["metadata"]["name"];
        (name.as_str().unwrap().to_owned(), item.clone())
    });
    let total = items.len();
    let size = |name: &str| match argument(info, name).as_i64() {
        Some(size) if size < 0 => Err(FieldError {
            message: "negative".to_owned(),
        }),
        size => Ok(size.map(|size| size as usize)),
    };
    let (first, last) = (size("first")?, size("last")?);
    let position = |item: &String| {
        let name = world.records[item].descriptor["metadata"]["name"].as_str();
        (name.unwrap().to_owned(), item.clone())
    };
    let bound = |name: &str| {
        let cursor = argument(info, name);
        cursor
            .as_str()
            .map(|cursor| position(&world.cursors[cursor]))
    };
    let mut start = 0;
    let mut end = total;
    if let Some(after) = bound("after") {
        start = items.iter().filter(|item| position(item) <= after).count();
    }
    if let Some(before) = bound("before") {
        end = items.iter().filter(|item| position(item) < before).count();
    }
    // Something follows `before` also where `after` lies behind it and nothing is between them.
    let until = end;
    end = end.max(start);
    let first = first.or(if last.is_none() { Some(50) } else { None });
    if let Some(first) = first {
        end = end.min(start + first);
    }
    if let Some(last) = last {
        start = start.max(end.saturating_sub(last));
    }
    Ok(ResolvedValue::object(Object::Connection(
        world,
        connection.to_owned(),
        Page {
            items: items[start..end].to_vec(),
            total,
            next: end.min(until) < total,
            previous: start > 0,
        },
    )))
}

fn holds(world: &World<'_>, item: &str, filter: &Value) -> bool {
    let metadata = &world.records[item].descriptor["metadata"];
    let Some(filter) = filter.as_object() else {
        return true;
    };
    filter.iter().all(|(field, test)| match field.as_str() {
        "not" => !holds(world, item, test),
        "or" => test
            .as_array()
            .unwrap()
            .iter()
            .any(|test| holds(world, item, test)),
        field => {
            let value = metadata[field].as_str().map(str::to_lowercase);
            test.as_object().unwrap().iter().all(|(operator, operand)| {
                let lower = |operand: &Value| operand.as_str().unwrap().to_lowercase();
                match (operator.as_str(), &value) {
                    ("exists", value) => *operand == json!(value.is_some()),
                    (_, None) => false,
                    ("eq", Some(value)) => *value == lower(operand),
                    ("contains", Some(value)) => value.contains(&lower(operand)),
                    ("startsWith", Some(value)) => value.starts_with(&lower(operand)),
                    ("in", Some(value)) => operand
                        .as_array()
                        .unwrap()
                        .iter()
                        .any(|one| *value == lower(one)),
                    (other, _) => panic!("the generator made `{other}`"),
                }
            })
        }
    })
}
