//! Random catalogs and random queries, the same for the same seed.

use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use serde_json::{Value, json};

use callboard::catalog::{EntityRef, relations};
use callboard::graph::{Origin, Record};
use callboard::sdl::Model;

use super::Variables;
use super::naive::World;
use crate::support::engine::at;

/// xorshift: small, and the same everywhere.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    /// True in one of `n` cases.
    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }
}

const KINDS: &[&str] = &[
    "Component",
    "Component",
    "Component",
    "API",
    "System",
    "Domain",
    "Resource",
    "Group",
    "Group",
    "User",
    "Template",
    "Location",
    "Robot",
];

/// Entities that refer to each other, and to some that are not there; some hold nested values of wrong types.
pub(super) fn random_records(model: &Arc<Model>, random: &mut Random) -> Vec<Record> {
    let names: Vec<(&str, String)> = (0..40)
        .map(|number| (*random.pick(KINDS), format!("n{number}")))
        .collect();
    names
        .iter()
        .map(|(kind, name)| record(model, random, kind, name, &names))
        .collect()
}

fn record(
    model: &Arc<Model>,
    random: &mut Random,
    kind: &str,
    name: &str,
    names: &[(&str, String)],
) -> Record {
    let descriptor = json!({
        "apiVersion": "backstage.io/v1alpha1",
        "kind": kind,
        "metadata": metadata(random, name),
        "spec": spec(random, kind, names),
    });
    let entity_ref = EntityRef::new(kind, "default", name);
    let kind = model.kind(kind);
    Record {
        id: format!("id-{name}").into(),
        kind,
        relations: relations(model, &entity_ref, kind, &descriptor),
        entity_ref,
        descriptor,
        origin: Origin {
            source: "file-1".into(),
            file: "catalog.yaml".into(),
            line: 1,
            revision: 1,
            url: None,
            claims: Vec::new(),
        },
        created_at: at(),
        updated_at: at(),
        previous_refs: Vec::new(),
    }
}

fn metadata(random: &mut Random, name: &str) -> Value {
    let mut metadata = json!({ "name": name });
    if random.one_in(2) {
        metadata["title"] = format!("Title of {name}").into();
    }
    if random.one_in(2) {
        metadata["tags"] = json!(["a", "b\"\\ü\n"]);
    }
    if random.one_in(3) {
        metadata["labels"] = json!({ "tier": "gold", "size": "x" });
    }
    if random.one_in(2) {
        metadata["annotations"] = json!({ "a/one": "1", "a/two": "2", "slack.com/channel": "c" });
    }
    if random.one_in(2) {
        let mut link = json!({ "type": *random.pick(&["runbook", "slack", "x"]), "title": "T" });
        // A link without its URL, which the schema says there always is.
        if !random.one_in(8) {
            link["url"] = "https://acme.test/".into();
        }
        metadata["links"] = json!([link]);
    }
    metadata
}

fn spec(random: &mut Random, kind: &str, names: &[(&str, String)]) -> Value {
    let refer = |kinds: &[&str], random: &mut Random| -> Value {
        let fitting: Vec<_> = names
            .iter()
            .filter(|(kind, _)| kinds.contains(kind))
            .collect();
        match fitting.is_empty() || random.one_in(8) {
            true => "gone".into(),
            false => {
                let (kind, name) = random.pick(&fitting);
                format!("{}:{name}", kind.to_lowercase()).into()
            }
        }
    };
    let mut spec = json!({ "type": *random.pick(&["service", "library"]) });
    match kind {
        "Group" => {
            spec["children"] = json!([]);
            spec["parent"] = refer(&["Group"], random);
            spec["profile"] = json!({ "displayName": "D", "email": *random.pick(&[json!("e"), json!(7), json!({})]) });
        }
        "User" => spec["memberOf"] = json!([refer(&["Group"], random), refer(&["Group"], random)]),
        "Location" => spec["targets"] = json!(["./a.yaml"]),
        "Template" => {
            spec["owner"] = refer(&["Group"], random);
            spec["steps"] = json!([{ "id": "s", "action": "a", "if": true, "input": { "x": [1, 2.5, null] } }, { "name": random.below(3) }]);
        }
        _ => {
            spec["lifecycle"] = (*random.pick(&["production", "experimental"])).into();
            spec["owner"] = refer(&["Group", "User"], random);
            spec["system"] = refer(&["System"], random);
            spec["domain"] = refer(&["Domain"], random);
            spec["dependsOn"] = json!([
                refer(&["Component", "Resource", "API"], random),
                refer(&["Component", "Resource"], random)
            ]);
            spec["providesApis"] = json!([refer(&["API"], random)]);
            spec["consumesApis"] = json!([refer(&["API"], random)]);
            spec["definition"] = "openapi".into();
        }
    }
    spec
}

/// Fields that the naive resolver does not know.
const UNKNOWN: &[&str] = &[
    "facets",
    "relations",
    "impact",
    "problems",
    "sources",
    "relationTypes",
    "changes",
    "history",
    "live",
    "callboard",
    "connectors",
    "explain",
    "path",
    "source",
    "runbook",
    "descriptor",
    "cursor",
    "startCursor",
    "endCursor",
    "relation",
    // What is in the text of a definition.
    "format",
    "formatVersion",
    "operations",
    "search",
    "suggest",
    "externalSearch",
    "servers",
    "schemas",
    "diff",
    "providedOperations",
    "consumedOperations",
    // Live fields: there are no upstreams here.
    "repository",
    "pullRequests",
    "ciRuns",
    "deployments",
    "releases",
    "incidents",
    "onCall",
    "issues",
];

struct Generator<'g> {
    schema: &'g Schema,
    world: &'g World<'g>,
    random: &'g mut Random,
    aliases: usize,
    variables: Variables,
    declared: Vec<String>,
    fragments: Vec<String>,
}

/// A document, probably valid, with its variables.
pub(super) fn random_query(
    schema: &Schema,
    world: &World<'_>,
    random: &mut Random,
) -> (String, Variables) {
    let mut generator = Generator {
        schema,
        world,
        random,
        aliases: 0,
        variables: Variables::new(),
        declared: Vec::new(),
        fragments: Vec::new(),
    };
    let root = generator.selection("Query", 0);
    let declared = match generator.declared.is_empty() {
        true => String::new(),
        false => format!("({})", generator.declared.join(", ")),
    };
    let text = format!("query Q{declared} {root} {}", generator.fragments.join(" "));
    (text, generator.variables)
}

impl Generator<'_> {
    fn selection(&mut self, type_name: &str, depth: usize) -> String {
        let fields: Vec<FieldDefinition> = match self.schema.types.get(type_name) {
            Some(ExtendedType::Object(object)) => definitions(object.fields.values()),
            Some(ExtendedType::Interface(interface)) => definitions(interface.fields.values()),
            _ => Vec::new(),
        };
        let mut parts = Vec::new();
        for _ in 0..1 + self.random.below(4) {
            if fields.is_empty() || self.random.one_in(8) {
                parts.push("__typename".to_owned());
                continue;
            }
            let field = self.random.pick(&fields).clone();
            if UNKNOWN.contains(&field.name.as_str()) {
                continue;
            }
            if let Some(part) = self.field(&field, depth) {
                parts.push(part);
            }
        }
        if self.random.one_in(3)
            && let Some(part) = self.fragment(type_name, depth)
        {
            parts.push(part);
        }
        if parts.is_empty() {
            parts.push("__typename".to_owned());
        }
        format!("{{ {} }}", parts.join(" "))
    }

    fn field(&mut self, field: &FieldDefinition, depth: usize) -> Option<String> {
        let named = field.ty.inner_named_type();
        let composite = matches!(
            self.schema.types.get(named),
            Some(ExtendedType::Object(_) | ExtendedType::Interface(_))
        );
        if composite && depth >= 7 {
            return None;
        }
        let arguments = self.arguments(field);
        let mut text = String::new();
        if !arguments.is_empty() || self.random.one_in(5) {
            self.aliases += 1;
            text.push_str(&format!("a{}: ", self.aliases));
        }
        text.push_str(&field.name);
        text.push_str(&arguments);
        text.push_str(&self.directive());
        if composite {
            text.push(' ');
            text.push_str(&self.selection(named, depth + 1));
        }
        Some(text)
    }

    fn fragment(&mut self, type_name: &str, depth: usize) -> Option<String> {
        if depth >= 7 {
            return None;
        }
        let overlapping: Vec<&str> = match self.schema.types.get(type_name) {
            Some(ExtendedType::Interface(_)) => self
                .schema
                .types
                .keys()
                .map(|name| name.as_str())
                .filter(|name| {
                    self.schema.is_subtype(type_name, name)
                        || self.schema.is_subtype(name, type_name)
                })
                .chain([type_name])
                .collect(),
            _ => vec![type_name],
        };
        let on = (*self.random.pick(&overlapping)).to_owned();
        let directive = self.directive();
        let selection = self.selection(&on, depth + 1);
        if self.random.one_in(3) {
            let name = format!("F{}", self.fragments.len());
            self.fragments
                .push(format!("fragment {name} on {on} {selection}"));
            return Some(format!("...{name}{directive} ...{name}"));
        }
        Some(format!("... on {on}{directive} {selection}"))
    }

    fn directive(&mut self) -> String {
        if !self.random.one_in(8) {
            return String::new();
        }
        let name = *self.random.pick(&["skip", "include"]);
        if self.random.one_in(2) {
            return format!(" @{name}(if: {})", self.random.one_in(2));
        }
        let value = self.random.one_in(2);
        format!(" @{name}(if: {})", self.variable("Boolean!", value.into()))
    }

    fn variable(&mut self, ty: &str, value: Value) -> String {
        let name = format!("v{}", self.declared.len());
        self.declared.push(format!("${name}: {ty}"));
        self.variables.insert(name.clone(), value);
        format!("${name}")
    }

    fn arguments(&mut self, field: &FieldDefinition) -> String {
        let mut given = Vec::new();
        let mut sized = false;
        for argument in &field.arguments {
            let required = argument.is_required();
            if !required && !self.random.one_in(3) {
                continue;
            }
            let name = argument.name.as_str();
            if matches!(name, "first" | "last") {
                if sized {
                    continue;
                }
                sized = true;
            }
            if let Some(value) = self.argument(name, &argument.ty, &field.ty) {
                let value = match self.random.one_in(3) {
                    true => self.variable(&argument.ty.to_string(), value),
                    false => literal(&value),
                };
                given.push(format!("{name}: {value}"));
            }
        }
        match given.is_empty() {
            true => String::new(),
            false => format!("({})", given.join(", ")),
        }
    }

    fn argument(&mut self, name: &str, ty: &Type, of: &Type) -> Option<Value> {
        let some_ref = |random: &mut Random, world: &World<'_>| -> Value {
            match random.one_in(10) {
                true => "component:gone".into(),
                false => random.pick(&world.refs()).as_str().into(),
            }
        };
        Some(match (name, ty.inner_named_type().as_str()) {
            ("refs", _) => json!([
                some_ref(self.random, self.world),
                some_ref(self.random, self.world)
            ]),
            ("ref", _) => {
                let fitting = self.world.refs_of(of.inner_named_type());
                match fitting.is_empty() || self.random.one_in(4) {
                    true => some_ref(self.random, self.world),
                    false => self.random.pick(&fitting).as_str().into(),
                }
            }
            ("id", _) => format!("id-n{}", self.random.below(45)).into(),
            ("ids", _) => json!([format!("id-n{}", self.random.below(45)), "none"]),
            ("first" | "last", _) => match self.random.one_in(12) {
                true => (-1).into(),
                false => self.random.below(6).into(),
            },
            ("after" | "before", _) if self.random.one_in(3) => {
                let cursors = self.world.cursors();
                (*self.random.pick(&cursors)).into()
            }
            ("depth", _) => (1 + self.random.below(3)).into(),
            ("transitive", _) => self.random.one_in(2).into(),
            ("prefix", _) => "a/".into(),
            ("key", _) => (*self.random.pick(&["a/one", "none"])).into(),
            ("type", "String") => (*self.random.pick(&["runbook", "slack"])).into(),
            ("filter", _) => self.filter(),
            _ => return None,
        })
    }

    fn filter(&mut self) -> Value {
        let leaf = match self.random.below(4) {
            0 => json!({ "name": { "contains": format!("{}", self.random.below(10)) } }),
            1 => json!({ "title": { "exists": self.random.one_in(2) } }),
            2 => json!({ "name": { "in": ["n1", "N2", "n3", "n4", "n5"] } }),
            _ => json!({ "name": { "startsWith": "N1" } }),
        };
        match self.random.below(4) {
            0 => json!({ "not": leaf }),
            1 => json!({ "or": [leaf, { "name": { "eq": "N7" } }] }),
            _ => leaf,
        }
    }
}

fn definitions<'f>(
    fields: impl Iterator<Item = &'f apollo_compiler::schema::Component<FieldDefinition>>,
) -> Vec<FieldDefinition> {
    fields.map(|field| (***field).clone()).collect()
}

/// JSON as a GraphQL literal; no enum values are in it.
fn literal(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name}: {}", literal(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}
