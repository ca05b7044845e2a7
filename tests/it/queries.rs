//! The questions of `examples/queries`, asked of the demo company; and what is in the store alone, asked of a catalog that changes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use insta::{assert_snapshot, glob};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use callboard::clock::{Budget, Clock};
use callboard::graphql::{Engine, Limits, Outcome, Request};
use callboard::ingest::{Ingest, IngestOptions};
use callboard::store::Store;

use crate::support::catalog::{Catalog, component, model, source};
use crate::support::engine::pretty;

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

#[tokio::test]
async fn the_demo_company_answers() {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("callboard.db");
    let store = Store::open(url.to_str().unwrap()).await.unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let sources = [source(&examples, "demo", "catalog")];
    let clock = Clock::fixed("2026-01-01T12:00:00Z".parse().unwrap());
    let options = IngestOptions::default();
    let ingest = Ingest::open(store, model(), &sources, options, clock)
        .await
        .unwrap();
    ingest.read_all(&CancellationToken::new()).await.unwrap();
    let engine = engine_over(&ingest);
    let mut files = Vec::new();
    glob!("../../examples/queries", "*.graphql", |path| files
        .push(path.to_owned()));
    for path in files {
        let query = std::fs::read_to_string(&path).unwrap();
        let (answer, outcome) = ask(&engine, &query, Value::Null).await;
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
          "message": "the cursor does not belong to this connection",
          "locations": [{"line":1,"column":3}],
          "path": ["changes"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    let back = "{ changes(sinceRevision: 0, last: 1) { nodes { ref } } }";
    assert_snapshot!(ask(&engine, back, Value::Null).await.0, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "changes are read forwards only; use `first` and `after`",
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
    let catalog = Catalog::new(&[("a/catalog-info.yaml", &component("a"))]).await;
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
    let query = "{ changes(since: \"2025-01-01T00:00:00Z\") { nodes { ref } } }";
    assert_snapshot!(ask(&engine, query, Value::Null).await.0, @r#"{"data":{"changes":{"nodes":[{"ref":"component:default/a"}]}}}"#);
}
