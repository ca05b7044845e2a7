//! The questions of `examples/queries`, asked of the demo company; and what is in the store alone, asked of a catalog that changes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use insta::{assert_snapshot, glob};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use callboard::apis::Shelf;
use callboard::app::folders;
use callboard::app::indexing::{Definitions, index_once};
use callboard::cache::{self, Cache};
use callboard::clock::{Budget, Clock};
use callboard::config::Config;
use callboard::connect::example::{Example, Settings};
use callboard::connect::{LiveSource, Runtime};
use callboard::egress::{self, Egress};
use callboard::graphql::{Engine, Limits, Outcome, Request};
use callboard::ingest::{Ingest, IngestOptions};
use callboard::sdl::Model;
use callboard::search::{self, Search};
use callboard::simulate::{Options, Simulated};
use callboard::store::Store;
use callboard::tasks::{self, Tasks};
use callboard::telemetry::metrics::Metrics;
use tempfile::TempDir;

use crate::support::catalog::{Catalog, component, model, source};
use crate::support::engine::pretty;

mod ids;
mod readmes;

async fn ask(engine: &Engine, query: &str, variables: Value) -> (String, Outcome) {
    let mut request = Request::new(query);
    request.variables = variables.as_object().cloned();
    let budget = Budget::of(Duration::from_secs(10));
    let response = engine.execute(&request, budget).await;
    let json: Value = serde_json::from_slice(&response.body).unwrap();
    (pretty(&json), response.outcome)
}

fn engine_over(ingest: &Ingest) -> Engine {
    Engine::new(
        model(),
        Arc::clone(ingest.catalog()),
        ingest.store().clone(),
        Limits::default(),
    )
}

/// The demo company, with upstreams that are made from the examples of the built-in connectors, as in `callboard demo`.
struct Company {
    engine: Engine,
    model: Arc<Model>,
    /// That of the server and of the upstreams.
    clock: Clock,
    upstreams: Vec<(Arc<str>, Simulated)>,
    _ingest: Ingest,
    _folder: TempDir,
}

async fn company() -> Company {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folders = folders::built_in();
    let files = folders.iter().flat_map(|folder| &folder.sdl);
    let files: Vec<(&str, &str)> = files.map(|file| (&*file.path, &*file.text)).collect();
    let model = crate::support::engine::model(&files);
    let clock = Clock::fixed("2026-01-01T12:00:00Z".parse().unwrap());
    let tasks = Tasks::new();
    let (mut upstreams, mut configured) = (Vec::new(), Vec::new());
    for folder in &folders {
        let examples = folder.examples.iter();
        let examples = examples.filter_map(|file| Example::parse(&file.path, &file.text).0);
        let examples: Vec<Example> = examples.collect();
        let options = Options {
            clock: clock.clone(),
            ..Options::default()
        };
        let upstream = Simulated::start(&model, &folder.name, &examples, options, &tasks);
        let upstream = upstream.await.unwrap();
        let mut settings = Settings::default();
        examples
            .iter()
            .for_each(|example| settings.merge(&example.settings));
        let settings = upstream.lead(&model, &settings).unwrap();
        configured.push(settings.configuration(&folder.name));
        upstreams.push((Arc::clone(&folder.name), upstream));
    }
    let metrics = Metrics::default();
    let (config, _) = Config::parse(None, Path::new("."), &|_| None);
    let settings = cache::Settings::from(&config.unwrap().cache);
    let cache = Cache::open(settings, clock.clone(), metrics.cache().clone(), &tasks).await;
    let egress = Egress::new(egress::Settings {
        clock: clock.clone(),
        ..egress::Settings::default()
    });
    let egress = egress.unwrap();
    let runtime = Runtime::new(Arc::clone(&model), &configured, cache, &egress, tasks);
    let live: Arc<dyn LiveSource> = Arc::new(runtime);
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("callboard.db");
    let store = Store::open(url.to_str().unwrap()).await.unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let sources = [source(&examples, "demo", "catalog")];
    let options = IngestOptions::default();
    let still = Clock::fixed(clock.now());
    let ingest = Ingest::open(store, Arc::clone(&model), &sources, options, still)
        .await
        .unwrap();
    ingest.read_all(&CancellationToken::new()).await.unwrap();
    let catalog = Arc::clone(ingest.catalog());
    let store = ingest.store().clone();
    let search = Search::new(search::Place::Folder(folder.path().join("search")));
    let (index, indexed) = (search.clone(), Arc::clone(&catalog));
    let definitions = Definitions(Shelf::usual(store.clone()));
    let indexing = move || index_once(&index, &indexed, definitions);
    let indexed = tasks::blocking("the search index", indexing).await;
    indexed.unwrap().unwrap();
    let engine = Engine::with_live(Arc::clone(&model), catalog, store, Limits::default(), live);
    Company {
        engine: engine.with_search(search),
        model,
        clock,
        upstreams,
        _ingest: ingest,
        _folder: folder,
    }
}

impl Company {
    /// Requests to each upstream since the last look.
    fn requests(&self) -> Vec<String> {
        let each = self.upstreams.iter().flat_map(|(name, upstream)| {
            let requests = upstream.requests().into_iter();
            let all: Vec<String> = requests
                .map(|(what, n)| format!("{name} {what}: {n}"))
                .collect();
            upstream.forget();
            all
        });
        each.collect()
    }
}

/// One question from review to production: what it costs, and that nothing of it is missing.
#[tokio::test]
async fn a_change_is_followed_in_one_request() {
    let company = company().await;
    let query = include_str!("../../examples/queries/from-review-to-production.graphql");
    let (answer, outcome) = ask(&company.engine, query, Value::Null).await;
    assert_eq!(outcome, Outcome::Ok, "{answer}");
    assert!(
        !answer.contains("null") && !answer.contains("[]"),
        "{answer}"
    );
    assert_snapshot!(company.requests().join("\n"), @r#"
    github GET /repos/{$slug | segments}/compare/{$this.commitOid}...{$merged}: 3
    github GET /repos/{$this.repository.full_name | segments}/actions/runs/{$this.id}/jobs: 2
    github GET /repos/{$this.repository.nameWithOwner | segments}/actions/runs: 1
    github query node: 1
    github query repository: 2
    gitlab GET /api/v4/projects/{$this.project_id}/merge_requests/{$this.iid}: 1
    "#);
    let again = ask(&company.engine, query, Value::Null).await;
    assert_eq!(again.0, answer);
    assert_eq!(company.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn the_demo_company_answers() {
    let company = company().await;
    let mut files = Vec::new();
    glob!("../../examples/queries", "*.graphql", |path| files
        .push(path.to_owned()));
    for path in files {
        let query = std::fs::read_to_string(&path).unwrap();
        let (answer, outcome) = ask(&company.engine, &query, Value::Null).await;
        assert_eq!(outcome, Outcome::Ok, "{}: {answer}", path.display());
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        insta::with_settings!({ prepend_module_to_snapshot => false, description => query }, {
            assert_snapshot!(name, answer);
        });
    }
}

/// A definition that is too large for the snapshot.
fn api(name: &str, definition: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: {name}\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition: '{definition}'\n"
    )
}

#[tokio::test]
async fn large_texts_come_from_the_store() {
    let large = "x".repeat(20_000);
    let catalog = Catalog::new(&[
        ("a/catalog-info.yaml", &api("a", &large)),
        ("b/catalog-info.yaml", &api("b", "small")),
        ("c/catalog-info.yaml", &api("c", &large)),
    ])
    .await;
    catalog.read().await;
    let engine = engine_over(&catalog.ingest);
    let query = "{ apis { nodes { name definition { raw again: raw } descriptor } } api(ref: \"a\") { definition { raw } } }";
    let (answer, outcome) = ask(&engine, query, Value::Null).await;
    assert_eq!(outcome, Outcome::Ok);
    assert_snapshot!(answer.replace(&large, "<large>"), @r#"
    {
      "data": {
        "apis": {
          "nodes": [
            {
              "name": "a",
              "definition": {
                "raw": "<large>",
                "again": "<large>"
              },
              "descriptor": {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "API",
                "metadata": {"name":"a"},
                "spec": {
                  "type": "openapi",
                  "lifecycle": "production",
                  "owner": "team",
                  "definition": "<large>"
                }
              }
            },
            {
              "name": "b",
              "definition": {"raw":"small","again":"small"},
              "descriptor": {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "API",
                "metadata": {"name":"b"},
                "spec": {"type":"openapi","lifecycle":"production","owner":"team","definition":"small"}
              }
            },
            {
              "name": "c",
              "definition": {
                "raw": "<large>",
                "again": "<large>"
              },
              "descriptor": {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "API",
                "metadata": {"name":"c"},
                "spec": {
                  "type": "openapi",
                  "lifecycle": "production",
                  "owner": "team",
                  "definition": "<large>"
                }
              }
            }
          ]
        },
        "api": {
          "definition": {
            "raw": "<large>"
          }
        }
      }
    }
    "#);
}

#[tokio::test]
async fn changes_and_history_come_from_the_store() {
    let catalog = Catalog::new(&[("a/catalog-info.yaml", &component("a"))]).await;
    catalog.read().await;
    catalog.write(
        "a/catalog-info.yaml",
        &component("a").replace("service", "website"),
    );
    catalog.write("b/catalog-info.yaml", &component("b"));
    catalog.read().await;
    catalog.remove("b/catalog-info.yaml");
    catalog.read().await;
    let engine = engine_over(&catalog.ingest);
    let query = "query($after: String) { changes(sinceRevision: 0, first: 2, after: $after) { nodes { revision operation ref before after at source entity { name } } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
    let (first, _) = ask(&engine, query, Value::Null).await;
    assert_snapshot!(first, @r#"
    {
      "data": {
        "changes": {
          "nodes": [
            {
              "revision": 1,
              "operation": "CREATED",
              "ref": "component:default/a",
              "before": null,
              "after": {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Component",
                "metadata": {"name":"a"},
                "spec": {"type":"service","lifecycle":"production","owner":"team"}
              },
              "at": "2026-01-01T00:00:01Z",
              "source": "catalog",
              "entity": {"name":"a"}
            },
            {
              "revision": 2,
              "operation": "UPDATED",
              "ref": "component:default/a",
              "before": {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Component",
                "metadata": {"name":"a"},
                "spec": {"type":"service","lifecycle":"production","owner":"team"}
              },
              "after": {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Component",
                "metadata": {"name":"a"},
                "spec": {"type":"website","lifecycle":"production","owner":"team"}
              },
              "at": "2026-01-01T00:00:02Z",
              "source": "catalog",
              "entity": {"name":"a"}
            }
          ],
          "pageInfo": {"hasNextPage":true,"hasPreviousPage":false,"endCursor":"2.0"}
        }
      }
    }
    "#);
    let first: Value = serde_json::from_str(&first).unwrap();
    let after = &first["data"]["changes"]["pageInfo"]["endCursor"];
    let (second, _) = ask(&engine, query, json!({ "after": after })).await;
    assert_snapshot!(second, @r#"
    {
      "data": {
        "changes": {
          "nodes": [
            {
              "revision": 2,
              "operation": "CREATED",
              "ref": "component:default/b",
              "before": null,
              "after": {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Component",
                "metadata": {"name":"b"},
                "spec": {"type":"service","lifecycle":"production","owner":"team"}
              },
              "at": "2026-01-01T00:00:02Z",
              "source": "catalog",
              "entity": null
            },
            {
              "revision": 3,
              "operation": "REMOVED",
              "ref": "component:default/b",
              "before": {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Component",
                "metadata": {"name":"b"},
                "spec": {"type":"service","lifecycle":"production","owner":"team"}
              },
              "after": null,
              "at": "2026-01-01T00:00:03Z",
              "source": "catalog",
              "entity": null
            }
          ],
          "pageInfo": {"hasNextPage":false,"hasPreviousPage":true,"endCursor":"3.0"}
        }
      }
    }
    "#);
    let query = "{ component(ref: \"a\") { history { nodes { operation at entity { __typename } } edges { cursor } } first: history(first: 1) { nodes { revision } pageInfo { hasNextPage } } } later: changes(since: \"2026-01-01T00:00:03Z\") { nodes { operation ref } } }";
    assert_snapshot!(ask(&engine, query, Value::Null).await.0, @r#"
    {
      "data": {
        "component": {
          "history": {
            "nodes": [
              {"operation":"UPDATED","at":"2026-01-01T00:00:02Z","entity":{"__typename":"Component"}},
              {"operation":"CREATED","at":"2026-01-01T00:00:01Z","entity":{"__typename":"Component"}}
            ],
            "edges": [{"cursor":"2.0"},{"cursor":"1.0"}]
          },
          "first": {"nodes":[{"revision":2}],"pageInfo":{"hasNextPage":true}}
        },
        "later": {"nodes":[{"operation":"REMOVED","ref":"component:default/b"}]}
      }
    }
    "#);
    let both = "{ component(ref: \"a\") { name } changes(sinceRevision: 0, since: \"2026-01-01T00:00:00Z\") { nodes { ref } } }";
    assert_snapshot!(ask(&engine, both, Value::Null).await.0, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "give either `since` or `sinceRevision`",
          "locations": [{"line":1,"column":32}],
          "path": ["changes"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    let odd = "{ changes(sinceRevision: 0, after: \"x\") { nodes { ref } } }";
    assert_snapshot!(ask(&engine, odd, Value::Null).await.0, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "the cursor does not belong to this connection: take one from a page of the same field in the same order",
          "locations": [{"line":1,"column":3}],
          "path": ["changes"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    let count = "{ changes(sinceRevision: 0) { totalCount } }";
    assert_snapshot!(ask(&engine, count, Value::Null).await.0, @r#"{"data":{"changes":{"totalCount":4}}}"#);
}

#[tokio::test]
async fn changes_that_are_gone_are_an_error_of_their_own() {
    let definition = "openapi: 3.0.0";
    let catalog = Catalog::new(&[
        ("a/catalog-info.yaml", &component("a")),
        ("b/catalog-info.yaml", &api("a", definition)),
    ])
    .await;
    catalog.read().await;
    catalog.write(
        "a/catalog-info.yaml",
        &component("a").replace("service", "website"),
    );
    catalog.read().await;
    let now = catalog.clock.now();
    catalog.store().expire(now).await.unwrap();
    let engine = engine_over(&catalog.ingest);
    let query = "{ changes(sinceRevision: 0) { nodes { ref } } }";
    assert_snapshot!(ask(&engine, query, Value::Null).await.0, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "changes are kept from revision 2 on; 0 is older",
          "locations": [{"line":1,"column":3}],
          "path": ["changes"],
          "extensions": {"code":"HISTORY_EXPIRED","oldestRevision":2}
        }
      ]
    }
    "#);
    // The same of a definition at that revision, which costs that field alone.
    let query = "{ api(ref: \"a\") { name definition { diff(revision: 0) { breaking } } } }";
    assert_snapshot!(ask(&engine, query, Value::Null).await.0, @r#"
    {
      "data": {"api":{"name":"a","definition":{"diff":null}}},
      "errors": [
        {
          "message": "changes are kept from revision 2 on; 0 is older",
          "locations": [{"line":1,"column":37}],
          "path": ["api","definition","diff"],
          "extensions": {"code":"HISTORY_EXPIRED","oldestRevision":2}
        }
      ]
    }
    "#);
    // A time is covered if nothing at it or behind it is gone.
    let query = "query($since: DateTime!) { changes(since: $since) { nodes { ref } } }";
    let gone = serde_json::json!({ "since": "2025-01-01T00:00:00Z" });
    assert_snapshot!(ask(&engine, query, gone).await.0, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "changes are kept from revision 2 on; 2025-01-01T00:00:00Z is older",
          "locations": [{"line":1,"column":28}],
          "path": ["changes"],
          "extensions": {"code":"HISTORY_EXPIRED","oldestRevision":2}
        }
      ]
    }
    "#);
    let kept = serde_json::json!({ "since": now.to_string() });
    assert_snapshot!(ask(&engine, query, kept).await.0, @r#"{"data":{"changes":{"nodes":[{"ref":"component:default/a"}]}}}"#);
}

#[tokio::test]
async fn changes_are_paged_from_both_ends() {
    let files: Vec<_> = ["a", "b", "c", "d", "e"]
        .map(|name| (format!("{name}/catalog-info.yaml"), component(name)))
        .into();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    let catalog = Catalog::new(&files).await;
    catalog.read().await;
    for lifecycle in ["one", "two", "three"] {
        let text = component("a").replace("service", lifecycle);
        catalog.write("a/catalog-info.yaml", &text);
        catalog.read().await;
    }
    let engine = engine_over(&catalog.ingest);
    let fields = "edges { cursor node { revision ref } } pageInfo { hasNextPage hasPreviousPage }";
    let changes = format!(
        "query($first: Int, $after: String, $last: Int, $before: String) {{ page: changes(sinceRevision: 0, first: $first, after: $after, last: $last, before: $before) {{ {fields} }} }}"
    );
    let history = format!(
        "query($first: Int, $after: String, $last: Int, $before: String) {{ entity(ref: \"component:default/a\") {{ page: history(first: $first, after: $after, last: $last, before: $before) {{ {fields} }} }} }}"
    );
    for query in [changes, history] {
        let page = async |variables: Value| {
            let answer: Value =
                serde_json::from_str(&ask(&engine, &query, variables).await.0).unwrap();
            let data = &answer["data"];
            let page = data.get("page").unwrap_or(&data["entity"]["page"]);
            assert!(page.is_object(), "{answer}");
            page.clone()
        };
        let all = page(serde_json::json!({ "first": 100 })).await;
        let all = all["edges"].as_array().unwrap().clone();
        assert!(all.len() >= 4, "{all:?}");
        let (mut forwards, mut after) = (Vec::new(), Value::Null);
        let (mut backwards, mut before) = (Vec::new(), Value::Null);
        for round in 0.. {
            let next = page(serde_json::json!({ "first": 2, "after": after })).await;
            let edges = next["edges"].as_array().unwrap();
            forwards.extend(edges.iter().cloned());
            after = edges.last().unwrap()["cursor"].clone();
            let former = page(serde_json::json!({ "last": 2, "before": before })).await;
            let edges = former["edges"].as_array().unwrap();
            backwards.splice(0..0, edges.iter().cloned());
            before = edges.first().unwrap()["cursor"].clone();
            assert_eq!(next["pageInfo"]["hasPreviousPage"], round > 0);
            assert_eq!(former["pageInfo"]["hasNextPage"], round > 0);
            let more = next["pageInfo"]["hasNextPage"].as_bool().unwrap();
            assert_eq!(former["pageInfo"]["hasPreviousPage"], more);
            if !more {
                break;
            }
        }
        assert_eq!(forwards, all);
        assert_eq!(backwards, all);
        let (first, last) = (&all[0]["cursor"], &all[all.len() - 1]["cursor"]);
        let within = page(serde_json::json!({ "last": 100, "after": first, "before": last })).await;
        assert_eq!(within["edges"].as_array().unwrap(), &all[1..all.len() - 1]);
    }
}
