//! A catalog from YAML, without a database: what the files of a source come to, as one snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use callboard::catalog::{self, EntityRef, NoSubstitutions, Relation};
use callboard::clock::Budget;
use callboard::connect::LiveSource;
use callboard::diagnostic::Diagnostic;
use callboard::graph::{Origin, ProblemRecord, Record, Snapshot};
use callboard::graphql::{Engine, Limits, Outcome, Request};
use callboard::ingest::Catalog;
use callboard::sdl::{self, Model, SdlFile};
use callboard::store::Store;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

/// The built-in schema and `more`.
pub(crate) fn model(more: &[(&str, &str)]) -> Arc<Model> {
    let mut files = sdl::core_files();
    files.extend(more.iter().map(|(path, text)| SdlFile {
        path: (*path).into(),
        text: (*text).to_owned(),
        connector: path.strip_prefix("connectors/").map(|path| {
            let (connector, _) = path.split_once('/').unwrap();
            connector.into()
        }),
    }));
    let (model, problems) = sdl::load(&files);
    let problems: Vec<String> = problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(Diagnostic::to_string)
        .collect();
    match model {
        Some(model) => Arc::new(model),
        None => panic!("the schema does not load:\n{}", problems.join("\n")),
    }
}

/// When everything in these catalogs happened.
pub(crate) fn at() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// What the documents of `yaml` come to.
pub(crate) fn snapshot(model: &Arc<Model>, yaml: &str) -> Snapshot {
    let reading = catalog::read(model, yaml.as_bytes(), &NoSubstitutions);
    let mut relations: BTreeMap<EntityRef, Vec<Relation>> = BTreeMap::new();
    for entity in &reading.entities {
        for relation in
            catalog::relations(model, &entity.entity_ref, entity.kind, &entity.descriptor)
        {
            relations
                .entry(relation.source.clone())
                .or_default()
                .push(relation);
        }
    }
    let records: Vec<Record> = reading
        .entities
        .iter()
        .map(|entity| Record {
            id: format!("id-{}", entity.entity_ref.name()).into(),
            entity_ref: entity.entity_ref.clone(),
            kind: entity.kind,
            descriptor: entity.descriptor.clone(),
            relations: relations.remove(&entity.entity_ref).unwrap_or_default(),
            origin: Origin {
                source: "file-1".into(),
                file: "catalog.yaml".into(),
                line: entity.line,
                revision: 1,
                url: None,
                claims: Vec::new(),
            },
            created_at: at(),
            updated_at: at(),
            previous_refs: Vec::new(),
        })
        .collect();
    let problems = reading
        .problems
        .iter()
        .map(|problem| ProblemRecord {
            severity: problem.severity,
            code: problem.code.into(),
            message: problem.message.as_str().into(),
            hint: problem.hint.as_deref().map(Into::into),
            field: problem.field.as_deref().map(Into::into),
            source: "file-1".into(),
            file: "catalog.yaml".into(),
            line: problem.span.map(|span| span.start.line),
            column: problem.span.map(|span| span.start.column),
            entity_ref: problem.entity_ref.clone(),
            seen_at: at(),
        })
        .collect();
    Snapshot::build(Arc::clone(model), 1, records.into_iter(), problems)
}

/// An engine over a catalog, and where its time ends.
pub(crate) struct TestEngine {
    pub(crate) engine: Engine,
    _folder: TempDir,
    pub(crate) time: Duration,
    /// Whether requests come from this machine, as it were.
    pub(crate) may_act: bool,
}

impl TestEngine {
    /// Over `snapshot`, with live fields answered by `live`.
    pub(crate) async fn new(
        snapshot: Snapshot,
        limits: Limits,
        live: Option<Arc<dyn LiveSource>>,
    ) -> Self {
        let model = Arc::clone(snapshot.model());
        let catalog = Arc::new(Catalog::new(snapshot));
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("catalog.db");
        let store = Store::open(file.to_str().unwrap()).await.unwrap();
        let engine = match live {
            Some(live) => Engine::with_live(model, catalog, store, limits, live),
            None => Engine::new(model, catalog, store, limits),
        };
        Self {
            engine,
            _folder: folder,
            time: Duration::from_secs(10),
            may_act: false,
        }
    }

    /// The response, in JSON.
    pub(crate) async fn json(&self, query: &str, variables: Value) -> (Value, Outcome) {
        let mut request = Request::new(query);
        request.variables = variables.as_object().cloned();
        request.may_act = self.may_act;
        let response = self.engine.execute(&request, Budget::of(self.time)).await;
        let text = String::from_utf8(response.body).unwrap();
        match serde_json::from_str(&text) {
            Ok(json) => (json, response.outcome),
            Err(error) => panic!("the response is no JSON: {error}\n{text}"),
        }
    }

    /// The response as text.
    pub(crate) async fn text(&self, query: &str, variables: Value) -> String {
        let (json, _) = self.json(query, variables).await;
        pretty(&json)
    }
}

/// JSON with what fits on a line on one line.
pub(crate) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    indented(value, 0, &mut text);
    text
}

fn indented(value: &Value, indent: usize, out: &mut String) {
    let short = value.to_string();
    let members: Vec<(String, &Value)> = match value {
        Value::Array(items) => items.iter().map(|item| (String::new(), item)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (format!("{key:?}: "), value))
            .collect(),
        _ => Vec::new(),
    };
    if members.is_empty() || short.len() + indent <= 110 {
        out.push_str(&short);
        return;
    }
    let (open, close) = if value.is_array() {
        ('[', ']')
    } else {
        ('{', '}')
    };
    out.push(open);
    for (position, (key, value)) in members.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        out.push_str(&format!("{comma}\n{:1$}{key}", "", indent + 2));
        indented(value, indent + 2, out);
    }
    out.push_str(&format!("\n{:indent$}{close}", ""));
}
