//! API definitions in the graph: operations, servers, schemas, problems, and what changed between two.

mod bundle;
mod corpus;
mod diff;
mod kept;

use callboard::apis::{self, Definition};
use callboard::graphql::Limits;
use serde_json::json;

use crate::support::engine::{TestEngine, model, snapshot};

const CATALOG: &str = r##"
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: payments }
spec:
  type: openapi
  lifecycle: production
  owner: team
  definition: |
    openapi: 3.1.0
    info: { title: Payments, version: 2.4.0, description: Takes money. }
    servers: [{ url: 'https://pay.example.org/v2', description: live }]
    paths:
      /payments:
        get:
          operationId: listPayments
          summary: All payments
          tags: [payments]
          responses: { 200: { description: ok, content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Payment' } } } } } }
      /payments/{id}/refund:
        post:
          operationId: refund
          deprecated: true
          requestBody: { $ref: '#/components/requestBodies/Refund' }
          responses: { '201': { $ref: '#/components/responses/Refunded' }, default: { description: no } }
    components:
      schemas:
        Payment: { type: object, description: Money that came. }
        Refund: { type: object }
      requestBodies: { Refund: { content: { application/json: { schema: { $ref: '#/components/schemas/Refund' } } } } }
      responses: { Refunded: { description: ok, content: { application/json: { schema: { $ref: '#/components/schemas/Payment' } } } } }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: shop }
spec: { type: service, lifecycle: production, owner: team, consumesApis: [payments] }
"##;

async fn engine(yaml: &str) -> TestEngine {
    TestEngine::new(snapshot(&model(&[]), yaml), Limits::default(), None).await
}

#[tokio::test]
async fn a_definition_is_read_when_it_is_selected() {
    let engine = engine(CATALOG).await;
    let answer = engine
        .text(
            "{ api(ref: \"payments\") { definition {
                format formatVersion version title description
                servers { url description protocol } schemas { name kind description } problems { code message line column }
                operations { totalCount nodes { id kind method path name summary tags deprecated request response api { name } } }
                first: operations(first: 1) { edges { cursor node { path } } pageInfo { hasNextPage } }
                posted: operations(filter: { method: { eq: \"post\" } }) { nodes { path } }
            } } }",
            json!({}),
        )
        .await;
    insta::assert_snapshot!(answer, @r#"
    {
      "data": {
        "api": {
          "definition": {
            "format": "OPENAPI",
            "formatVersion": "3.1.0",
            "version": "2.4.0",
            "title": "Payments",
            "description": "Takes money.",
            "servers": [{"url":"https://pay.example.org/v2","description":"live","protocol":"https"}],
            "schemas": [
              {"name":"Payment","kind":"object","description":"Money that came."},
              {"name":"Refund","kind":"object","description":null}
            ],
            "problems": [],
            "operations": {
              "totalCount": 2,
              "nodes": [
                {
                  "id": "id-payments.o6e0cb15f5293f5f299c3",
                  "kind": "HTTP",
                  "method": "GET",
                  "path": "/payments",
                  "name": "listPayments",
                  "summary": "All payments",
                  "tags": ["payments"],
                  "deprecated": false,
                  "request": [],
                  "response": ["[Payment!]"],
                  "api": {"name":"payments"}
                },
                {
                  "id": "id-payments.oe1dbd55124cb2266dc92",
                  "kind": "HTTP",
                  "method": "POST",
                  "path": "/payments/{id}/refund",
                  "name": "refund",
                  "summary": null,
                  "tags": [],
                  "deprecated": true,
                  "request": ["Refund"],
                  "response": ["Payment"],
                  "api": {"name":"payments"}
                }
              ]
            },
            "first": {
              "edges": [
                {
                  "cursor": "6170693a64656661756c742f7061796d656e74731f3030303030301f474554202f7061796d656e7473",
                  "node": {"path":"/payments"}
                }
              ],
              "pageInfo": {"hasNextPage":true}
            },
            "posted": {"nodes":[{"path":"/payments/{id}/refund"}]}
          }
        }
      }
    }
    "#);
}

#[tokio::test]
async fn an_operation_is_found_by_its_id() {
    let engine = engine(CATALOG).await;
    let ids = engine
        .json(
            "{ api(ref: \"payments\") { definition { operations { nodes { id } } } } }",
            json!({}),
        )
        .await
        .0;
    let nodes = &ids["data"]["api"]["definition"]["operations"]["nodes"];
    let ids = [
        &nodes[1]["id"],
        &json!("id-payments.o00000000000000000000"),
        &json!("x.o0"),
    ];
    let answer = engine
        .text(
            "query ($ids: [ID!]!, $id: ID!) {
                nodes(ids: $ids) { __typename id ... on APIOperation { path api { ref } } }
                node(id: $id) { ... on APIOperation { method } }
            }",
            json!({ "ids": ids, "id": ids[0] }),
        )
        .await;
    insta::assert_snapshot!(answer, @r#"
    {
      "data": {
        "nodes": [
          {
            "__typename": "APIOperation",
            "id": "id-payments.oe1dbd55124cb2266dc92",
            "path": "/payments/{id}/refund",
            "api": {"ref":"api:default/payments"}
          },
          null,
          null
        ],
        "node": {"method":"POST"}
      }
    }
    "#);
}

#[tokio::test]
async fn operations_are_listed_under_who_uses_them() {
    let engine = engine(CATALOG).await;
    let answer = engine
        .text(
            "{ component(ref: \"shop\") {
                consumedOperations(filter: { text: \"REFUND\" }) { totalCount nodes { method path } }
                providedOperations { totalCount }
            } }",
            json!({}),
        )
        .await;
    insta::assert_snapshot!(answer, @r#"
    {
      "data": {
        "component": {
          "consumedOperations": {"totalCount":1,"nodes":[{"method":"POST","path":"/payments/{id}/refund"}]},
          "providedOperations": {"totalCount":0}
        }
      }
    }
    "#);
}

#[tokio::test]
async fn a_text_is_shown_in_another_notation() {
    let yaml = CATALOG.replace("openapi: 3.1.0\n", "openapi: 3.1.0 # new\n");
    let engine = engine(&yaml).await;
    let query = "query ($as: RawFormat) { api(ref: \"payments\") { definition { raw(as: $as) } } }";
    let raw = async |notation: &str| {
        let answer = engine.json(query, json!({ "as": notation })).await.0;
        answer["data"]["api"]["definition"]["raw"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        raw("AS_WRITTEN")
            .await
            .starts_with("openapi: 3.1.0 # new\n")
    );
    assert!(
        raw("JSON")
            .await
            .starts_with("{\n  \"openapi\": \"3.1.0\",")
    );
    assert!(raw("YAML").await.contains("\n  title: Payments\n"));
}

/// What is read of a definition, on few lines.
fn shown(definition: &Definition) -> String {
    let mut out = String::new();
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or("-").to_owned();
    out.push_str(&format!(
        "{} {}: {} {}\n",
        definition.format.map_or("-", |format| format.as_str()),
        text(&definition.format_version),
        text(&definition.title),
        text(&definition.version),
    ));
    for server in &definition.servers {
        out.push_str(&format!(
            "server {} {} {} {}\n",
            text(&server.url),
            text(&server.name),
            text(&server.protocol),
            text(&server.description),
        ));
    }
    for operation in &definition.operations {
        let flags = if operation.deprecated {
            " deprecated"
        } else {
            ""
        };
        out.push_str(&format!(
            "{} [{}] {}({}) -> {}{flags}\n  name {}, channel {}, tags {}, summary {}\n",
            operation.kind.as_str(),
            operation.key,
            operation.action.map_or("", |action| action.as_str()),
            operation.request.join(", "),
            operation.response.join(", "),
            text(&operation.name),
            text(&operation.channel),
            operation.tags.join(", "),
            text(&operation.summary),
        ));
    }
    for schema in &definition.schemas {
        out.push_str(&format!(
            "schema {} {} {}\n",
            schema.name,
            text(&schema.kind),
            text(&schema.description)
        ));
    }
    for problem in &definition.problems {
        let at = problem.at.map_or((0, 0), |at| (at.line, at.column));
        out.push_str(&format!(
            "{}:{}: {}[{}]: {}\n",
            at.0,
            at.1,
            problem.severity.as_str(),
            problem.code,
            problem.message
        ));
    }
    out
}

#[test]
fn every_format_is_read() {
    let mut files = Vec::new();
    insta::glob!("../apis", "*.*", |path| files.push(path.to_owned()));
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, shown(&apis::read(&text, None)));
        });
    }
}

#[tokio::test]
async fn two_definitions_are_compared_in_the_graph() {
    let other = CATALOG
        .split("---")
        .next()
        .unwrap()
        .replace("name: payments }", "name: payments-three }")
        .replace("version: 2.4.0", "version: 3.0.0")
        .replace("/refund:", "/refunds:");
    let engine = engine(&format!("{CATALOG}---{other}")).await;
    let query = "query ($to: EntityRef, $revision: Revision) { api(ref: \"payments\") { definition { diff(to: $to, revision: $revision) {
        breaking fromVersion toVersion changes { kind path description breaking }
    } } } }";
    insta::assert_snapshot!(engine.text(query, json!({ "to": "api:payments-three" })).await, @r#"
    {
      "data": {
        "api": {
          "definition": {
            "diff": {
              "breaking": true,
              "fromVersion": "2.4.0",
              "toVersion": "3.0.0",
              "changes": [
                {"kind":"REMOVED","path":"POST /payments/{id}/refund","description":"removed","breaking":true},
                {"kind":"ADDED","path":"POST /payments/{id}/refunds","description":"added","breaking":false}
              ]
            }
          }
        }
      }
    }
    "#);
    insta::assert_snapshot!(engine.text(query, json!({})).await, @r#"
    {
      "data": {"api":{"definition":{"diff":null}}},
      "errors": [
        {
          "message": "give either `to` or `revision`",
          "locations": [{"line":1,"column":83}],
          "path": ["api","definition","diff"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    insta::assert_snapshot!(engine.text(query, json!({ "to": "api:nobody" })).await, @r#"
    {
      "data": {"api":{"definition":{"diff":null}}},
      "errors": [
        {
          "message": "`to`: there is no definition of `api:default/nobody`",
          "locations": [{"line":1,"column":83}],
          "path": ["api","definition","diff"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
}

/// Operations of many paths, each with a body that refers to itself.
fn many(n_operations: usize) -> String {
    let mut text = "openapi: 3.1.0\ninfo: { title: Many, version: 1.0.0 }\ncomponents: { schemas: { Tree: { type: object, properties: { left: { $ref: '#/components/schemas/Tree' } } } } }\npaths:\n".to_owned();
    for number in 0..n_operations {
        text.push_str(&format!(
            "  /things/{number}: {{ get: {{ responses: {{ 200: {{ description: ok, content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Tree' }} }} }} }} }} }} }}\n"
        ));
    }
    text
}

#[test]
fn ten_thousand_operations_are_read() {
    let definition = apis::read(&many(10_000), None);
    assert_eq!(definition.operations.len(), 10_000);
    assert_eq!(definition.problems, []);
}
