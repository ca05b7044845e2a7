//! Queries in, JSON out, over a small catalog.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::{Value, json};

use callboard::graphql::{Code, Limits, Outcome};

use crate::support::engine::{TestEngine, model, snapshot};

pub(crate) const CATALOG: &str = r#"
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: pay
  title: Payments
  description: Takes money
  tags: [java, money]
  labels: { tier: gold }
  annotations: { backstage.io/techdocs-ref: dir:., github.com/project-slug: acme/pay }
  links:
    - { url: https://acme.test/run, type: runbook, title: Runbook }
    - { url: https://acme.test/board, type: dashboard }
spec:
  type: service
  lifecycle: production
  owner: platform
  system: orders
  dependsOn: [component:lib, resource:db, component:gone]
  providesApis: [pay-api]
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: lib, tags: [java] }
spec: { type: library, lifecycle: experimental, owner: user:ann }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: web, namespace: shop }
spec: { type: website, lifecycle: production, owner: group:default/shop, consumesApis: [default/pay-api], dependsOn: [component:default/pay] }
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: pay-api }
spec: { type: openapi, lifecycle: production, owner: platform, system: orders, definition: "openapi: 3.1.0" }
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: { name: db }
spec: { type: database, owner: platform }
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata:
  name: orders
  links: [{ url: https://acme.test/orders, type: runbook }]
spec: { owner: platform }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: company }
spec: { type: company, children: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: platform
  annotations: { slack.com/channel: "platform" }
spec: { type: team, parent: company, children: [], profile: { displayName: The Platform, email: p@acme.test } }
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: { name: shop }
spec: { type: team, parent: company, children: [], members: [bob] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: ann }
spec: { profile: { displayName: Ann }, memberOf: [platform] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: bob }
spec: { memberOf: [] }
---
apiVersion: acme.test/v1
kind: Robot
metadata: { name: r2 }
spec: { wheels: 3 }
---
apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: { name: new-service }
spec:
  type: service
  owner: platform
  parameters: [{ title: One }]
  steps:
    - { id: fetch, action: "fetch:template", input: { url: ./skeleton }, if: true }
    - { action: "catalog:register" }
"#;

pub(crate) async fn engine() -> TestEngine {
    let model = model(&[]);
    TestEngine::new(snapshot(&model, CATALOG), Limits::default(), None).await
}

#[tokio::test]
async fn an_entity_by_its_ref() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    assert_snapshot!(check("{ component(ref: \"pay\") { id ref kind namespace name title description tags type lifecycle createdAt } }").await, @r#"
    {
      "data": {
        "component": {
          "id": "id-pay",
          "ref": "component:default/pay",
          "kind": "Component",
          "namespace": "default",
          "name": "pay",
          "title": "Payments",
          "description": "Takes money",
          "tags": ["java","money"],
          "type": "service",
          "lifecycle": "production",
          "createdAt": "2026-03-01T12:00:00Z"
        }
      }
    }
    "#);
    assert_snapshot!(check("{ component(ref: \"Component:Default/PAY\") { name } api(ref: \"component:pay\") { name } entity(ref: \"group:platform\") { __typename name } none: entity(ref: \"group:none\") { name } }").await, @r#"{"data":{"component":{"name":"pay"},"api":null,"entity":{"__typename":"Group","name":"platform"},"none":null}}"#);
    assert_snapshot!(check("{ entity(ref: \"pay\") { name } }").await, @r#"
    {
      "data": {"entity":null},
      "errors": [
        {
          "message": "`ref`: `pay` is no entity reference `kind:namespace/name`: the reference names no kind, and there is no default here",
          "locations": [{"line":1,"column":3}],
          "path": ["entity"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("{ entity(ref: \"robot:r2\") { __typename kind ... on GenericEntity { spec } } }").await, @r#"{"data":{"entity":{"__typename":"GenericEntity","kind":"Robot","spec":{"wheels":3}}}}"#);
    assert_snapshot!(check("{ entitiesByRef(refs: [\"user:bob\", \"user:nobody\", \"api:pay-api\"]) { ref } }").await, @r#"{"data":{"entitiesByRef":[{"ref":"user:default/bob"},null,{"ref":"api:default/pay-api"}]}}"#);
    assert_snapshot!(check("{ node(id: \"id-pay\") { __typename id ... on Entity { ref } } none: node(id: \"?\") { id } nodes(ids: [\"id-bob\", \"none\"]) { id } }").await, @r#"
    {
      "data": {
        "node": {"__typename":"Component","id":"id-pay","ref":"component:default/pay"},
        "none": null,
        "nodes": [{"id":"id-bob"},null]
      }
    }
    "#);
}

#[tokio::test]
async fn relations_and_nested_objects() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    assert_snapshot!(check("{ component(ref: \"pay\") { owner { __typename name ... on Group { profile { displayName email picture } } contact { email slack } } system { name domain { name } } } }").await, @r#"
    {
      "data": {
        "component": {
          "owner": {
            "__typename": "Group",
            "name": "platform",
            "profile": {"displayName":"The Platform","email":"p@acme.test","picture":null},
            "contact": {"email":"p@acme.test","slack":"platform"}
          },
          "system": {"name":"orders","domain":null}
        }
      }
    }
    "#);
    assert_snapshot!(check("{ component(ref: \"pay\") { dependsOn { totalCount nodes { ref } edges { cursor relation { type targetRef source { name } target { name } } node { __typename } } } } }").await, @r#"
    {
      "data": {
        "component": {
          "dependsOn": {
            "totalCount": 2,
            "nodes": [{"ref":"resource:default/db"},{"ref":"component:default/lib"}],
            "edges": [
              {
                "cursor": "WyJuYW1lKyIsIj1kYiIsInJlc291cmNlOmRlZmF1bHQvZGIiXQ",
                "relation": {
                  "type": "dependsOn",
                  "targetRef": "resource:default/db",
                  "source": {"name":"pay"},
                  "target": {"name":"db"}
                },
                "node": {"__typename":"Resource"}
              },
              {
                "cursor": "WyJuYW1lKyIsIj1saWIiLCJjb21wb25lbnQ6ZGVmYXVsdC9saWIiXQ",
                "relation": {
                  "type": "dependsOn",
                  "targetRef": "component:default/lib",
                  "source": {"name":"pay"},
                  "target": {"name":"lib"}
                },
                "node": {"__typename":"Component"}
              }
            ]
          }
        }
      }
    }
    "#);
    assert_snapshot!(check("{ component(ref: \"pay\") { relations { totalCount nodes { type targetRef target { name } source { name } } } depends: relations(type: \"dependsOn\", first: 1) { nodes { targetRef } pageInfo { hasNextPage } } } }").await, @r#"
    {
      "data": {
        "component": {
          "relations": {
            "totalCount": 7,
            "nodes": [
              {
                "type": "dependencyOf",
                "targetRef": "component:shop/web",
                "target": {"name":"web"},
                "source": {"name":"pay"}
              },
              {
                "type": "dependsOn",
                "targetRef": "resource:default/db",
                "target": {"name":"db"},
                "source": {"name":"pay"}
              },
              {"type":"dependsOn","targetRef":"component:default/gone","target":null,"source":{"name":"pay"}},
              {
                "type": "dependsOn",
                "targetRef": "component:default/lib",
                "target": {"name":"lib"},
                "source": {"name":"pay"}
              },
              {
                "type": "ownedBy",
                "targetRef": "group:default/platform",
                "target": {"name":"platform"},
                "source": {"name":"pay"}
              },
              {
                "type": "partOf",
                "targetRef": "system:default/orders",
                "target": {"name":"orders"},
                "source": {"name":"pay"}
              },
              {
                "type": "providesApi",
                "targetRef": "api:default/pay-api",
                "target": {"name":"pay-api"},
                "source": {"name":"pay"}
              }
            ]
          },
          "depends": {"nodes":[{"targetRef":"resource:default/db"}],"pageInfo":{"hasNextPage":true}}
        }
      }
    }
    "#);
    assert_snapshot!(check("{ system(ref: \"orders\") { components { nodes { name } } apis { nodes { name definition { raw } } } } template(ref: \"new-service\") { parameters steps { id name action input if each } } }").await, @r#"
    {
      "data": {
        "system": {
          "components": {"nodes":[{"name":"pay"}]},
          "apis": {"nodes":[{"name":"pay-api","definition":{"raw":"openapi: 3.1.0"}}]}
        },
        "template": {
          "parameters": [{"title":"One"}],
          "steps": [
            {
              "id": "fetch",
              "name": null,
              "action": "fetch:template",
              "input": {"url":"./skeleton"},
              "if": true,
              "each": null
            },
            {"id":null,"name":null,"action":"catalog:register","input":null,"if":null,"each":null}
          ]
        }
      }
    }
    "#);
    assert_snapshot!(check("{ api(ref: \"pay-api\") { providers { nodes { name } } consumers { nodes { ref } } } }").await, @r#"{"data":{"api":{"providers":{"nodes":[{"name":"pay"}]},"consumers":{"nodes":[{"ref":"component:shop/web"}]}}}}"#);
}

#[tokio::test]
async fn what_the_engine_knows_of_an_entity() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    assert_snapshot!(check("{ component(ref: \"pay\") { labels { key value } annotations { key } git: annotations(prefix: \"github.com/\") { key value } annotation(key: \"github.com/project-slug\") none: annotation(key: \"x\") links(type: \"dashboard\") { url title icon type } runbook { url } previousRefs } }").await, @r#"
    {
      "data": {
        "component": {
          "labels": [{"key":"tier","value":"gold"}],
          "annotations": [{"key":"backstage.io/techdocs-ref"},{"key":"github.com/project-slug"}],
          "git": [{"key":"github.com/project-slug","value":"acme/pay"}],
          "annotation": "acme/pay",
          "none": null,
          "links": [{"url":"https://acme.test/board","title":null,"icon":null,"type":"dashboard"}],
          "runbook": {"url":"https://acme.test/run"},
          "previousRefs": []
        }
      }
    }
    "#);
    assert_snapshot!(check("{ api(ref: \"pay-api\") { runbook { url } } component(ref: \"lib\") { runbook { url } descriptor } }").await, @r#"
    {
      "data": {
        "api": {"runbook":{"url":"https://acme.test/orders"}},
        "component": {
          "runbook": null,
          "descriptor": {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {"name":"lib","tags":["java"]},
            "spec": {"type":"library","lifecycle":"experimental","owner":"user:ann"}
          }
        }
      }
    }
    "#);
    assert_snapshot!(check("{ component(ref: \"pay\") { source { name file line revision url claims { file } } problems { code } } }").await, @r#"
    {
      "data": {
        "component": {
          "source": {"name":"file-1","file":"catalog.yaml","line":2,"revision":1,"url":null,"claims":[]},
          "problems": [{"code":"dangling-reference"}]
        }
      }
    }
    "#);
    assert_snapshot!(check("{ component(ref: \"pay\") { dependencies(depth: 1) { nodes { ref } } all: dependencies(depth: 9) { nodes { ref } } dependents { nodes { ref } } path(to: \"user:ann\", types: [\"dependsOn\", \"ownedBy\"]) { type source { name } target { name } } no: path(to: \"user:bob\", types: [\"dependsOn\"]) { type } } }").await, @r#"
    {
      "data": {
        "component": {
          "dependencies": {
            "nodes": [{"ref":"resource:default/db"},{"ref":"component:default/lib"},{"ref":"system:default/orders"}]
          },
          "all": {
            "nodes": [{"ref":"resource:default/db"},{"ref":"component:default/lib"},{"ref":"system:default/orders"}]
          },
          "dependents": {"nodes":[{"ref":"api:default/pay-api"},{"ref":"component:shop/web"}]},
          "path": [
            {"type":"dependsOn","source":{"name":"pay"},"target":{"name":"lib"}},
            {"type":"ownedBy","source":{"name":"lib"},"target":{"name":"ann"}}
          ],
          "no": null
        }
      }
    }
    "#);
}

#[tokio::test]
async fn groups_and_their_people() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    assert_snapshot!(check("{ group(ref: \"company\") { parent { name } children { nodes { name } } members { nodes { name } } all: members(transitive: true) { totalCount nodes { name } } descendants { nodes { name } } owns { nodes { ref } } everything: owns(transitive: true) { nodes { ref } } } }").await, @r#"
    {
      "data": {
        "group": {
          "parent": null,
          "children": {"nodes":[{"name":"platform"},{"name":"shop"}]},
          "members": {"nodes":[]},
          "all": {"totalCount":2,"nodes":[{"name":"ann"},{"name":"bob"}]},
          "descendants": {"nodes":[{"name":"platform"},{"name":"shop"}]},
          "owns": {"nodes":[]},
          "everything": {
            "nodes": [
              {"ref":"resource:default/db"},
              {"ref":"template:default/new-service"},
              {"ref":"system:default/orders"},
              {"ref":"component:default/pay"},
              {"ref":"api:default/pay-api"},
              {"ref":"component:shop/web"}
            ]
          }
        }
      }
    }
    "#);
    assert_snapshot!(check("{ user(ref: \"ann\") { directGroups { nodes { name } } memberOf { nodes { name } } all: memberOf(transitive: true) { nodes { name } } owns { nodes { ref } } } group(ref: \"shop\") { ancestors { nodes { name } } directMembers { nodes { name } } } }").await, @r#"
    {
      "data": {
        "user": {
          "directGroups": {"nodes":[{"name":"platform"}]},
          "memberOf": {"nodes":[{"name":"platform"}]},
          "all": {"nodes":[{"name":"company"},{"name":"platform"}]},
          "owns": {"nodes":[{"ref":"component:default/lib"}]}
        },
        "group": {"ancestors":{"nodes":[{"name":"company"}]},"directMembers":{"nodes":[{"name":"bob"}]}}
      }
    }
    "#);
}

#[tokio::test]
async fn filters_by_every_operator() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    let names = async |filter: &str| {
        let query = format!("{{ components(filter: {filter}) {{ nodes {{ name }} }} }}");
        let (json, _) = engine.json(&query, Value::Null).await;
        match json["data"]["components"]["nodes"].as_array() {
            Some(nodes) => nodes
                .iter()
                .map(|node| node["name"].as_str().unwrap())
                .collect::<Vec<_>>()
                .join(" "),
            None => json.to_string(),
        }
    };
    assert_eq!(names("{}").await, "lib pay web");
    assert_eq!(names("{ type: { eq: \"SERVICE\" } }").await, "pay");
    assert_eq!(names("{ type: { ne: \"service\" } }").await, "lib web");
    assert_eq!(
        names("{ type: { in: [\"service\", \"library\"] } }").await,
        "lib pay"
    );
    assert_eq!(names("{ type: { in: [] } }").await, "");
    assert_eq!(names("{ name: { startsWith: \"P\" } }").await, "pay");
    assert_eq!(names("{ name: { contains: \"a\" } }").await, "pay");
    assert_eq!(names("{ tags: { contains: \"money\" } }").await, "pay");
    assert_eq!(names("{ title: { exists: false } }").await, "lib web");
    // Both read `partOf`; each counts only what it shows.
    assert_eq!(names("{ system: { exists: true } }").await, "pay");
    assert_eq!(names("{ subcomponentOf: { exists: true } }").await, "");
    assert_eq!(
        names("{ subcomponentOf: { exists: false } }").await,
        "lib pay web"
    );
    assert_eq!(
        names("{ title: { exists: true }, type: null }").await,
        "pay"
    );
    assert_eq!(names("{ name: { lt: \"pay\" } }").await, "lib");
    assert_eq!(names("{ name: { gt: \"lib\", lt: \"web\" } }").await, "pay");
    assert_eq!(names("{ owner: { eq: \"group:platform\" } }").await, "pay");
    assert_eq!(
        names("{ owner: { within: \"group:company\" } }").await,
        "pay web"
    );
    assert_eq!(
        names("{ relation: { type: \"dependsOn\", to: \"component:pay\" } }").await,
        "web"
    );
    assert_eq!(
        names("{ where: [{ path: \"spec.type\", eq: \"website\" }] }").await,
        "web"
    );
    // As a problem's `field` writes it, and without quotes.
    for slug in ["'github.com/project-slug'", "github.com/project-slug"] {
        let path = format!("metadata.annotations.{slug}");
        assert_eq!(
            names(&format!(
                "{{ where: [{{ path: \"{path}\", eq: \"acme/pay\" }}] }}"
            ))
            .await,
            "pay"
        );
        let facets = check(&format!(
            "{{ facets(by: [\"{path}\"]) {{ name values {{ value }} }} }}"
        ))
        .await;
        assert!(
            facets.contains(&path) && facets.contains("acme/pay"),
            "{facets}"
        );
    }
    assert_eq!(
        names("{ or: [{ name: { eq: \"lib\" } }, { name: { eq: \"web\" } }] }").await,
        "lib web"
    );
    assert_eq!(
        names(
            "{ and: [{ lifecycle: { eq: \"production\" } }, { not: { name: { eq: \"web\" } } }] }"
        )
        .await,
        "pay"
    );
    assert_snapshot!(names("{ owner: { eq: \"platform\" } }").await, @r#"{"data":null,"errors":[{"message":"`filter.owner`: \"platform\" is no reference with a kind, such as `group:default/platform`: the reference names no kind, and there is no default here","locations":[{"line":1,"column":3}],"path":["components"],"extensions":{"code":"BAD_USER_INPUT"}}]}"#);
    let query = "{ entities(filter: { kind: { in: [\"robot\", \"USER\"] } }) { nodes { ref } } }";
    assert_snapshot!(check(query).await, @r#"
    {
      "data": {"entities":{"nodes":[{"ref":"user:default/ann"},{"ref":"user:default/bob"},{"ref":"robot:default/r2"}]}}
    }
    "#);
}

#[tokio::test]
async fn pages_forwards_and_backwards() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let query = "query($after: String) { entities(first: 4, after: $after) { nodes { ref } pageInfo { hasNextPage hasPreviousPage endCursor } } }";
        let (json, _) = engine.json(query, json!({ "after": after })).await;
        let page = &json["data"]["entities"];
        let nodes = page["nodes"].as_array().unwrap();
        seen.extend(
            nodes
                .iter()
                .map(|node| node["ref"].as_str().unwrap().to_owned()),
        );
        assert_eq!(
            page["pageInfo"]["hasPreviousPage"],
            json!(after != Value::Null)
        );
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    let mut back = Vec::new();
    let mut before = Value::Null;
    loop {
        let query = "query($before: String) { entities(last: 4, before: $before) { nodes { ref } pageInfo { hasPreviousPage startCursor } } }";
        let (json, _) = engine.json(query, json!({ "before": before })).await;
        let page = &json["data"]["entities"];
        let nodes = page["nodes"].as_array().unwrap();
        back.splice(
            0..0,
            nodes
                .iter()
                .map(|node| node["ref"].as_str().unwrap().to_owned()),
        );
        before = page["pageInfo"]["startCursor"].clone();
        if page["pageInfo"]["hasPreviousPage"] == json!(false) {
            break;
        }
    }
    assert_eq!(seen, back);
    assert_eq!(seen.len(), 13);
    assert_snapshot!(check("{ entities(first: 2, orderBy: [{ field: KIND, direction: DESC }, { field: NAME }]) { totalCount nodes { ref } } }").await, @r#"{"data":{"entities":{"totalCount":13,"nodes":[{"ref":"user:default/ann"},{"ref":"user:default/bob"}]}}}"#);
    assert_snapshot!(check("{ a: entities(first: -1) { totalCount } b: entities(first: 1001) { totalCount } c: entities(first: 1, last: 1) { totalCount } d: entities(after: \"x\") { nodes { ref } } e: entities(first: 0) { nodes { ref } } }").await, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "`first` is -1; it must be from 0 to 1000",
          "locations": [{"line":1,"column":3}],
          "path": ["a"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn relations_and_problems_page_by_key() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let query = "query($after: String) { relations(first: 7, after: $after) { nodes { type source { ref } targetRef } totalCount pageInfo { hasNextPage endCursor } } }";
        let (json, _) = engine.json(query, json!({ "after": after })).await;
        let page = &json["data"]["relations"];
        seen.extend(
            page["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(Value::to_string),
        );
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            assert_eq!(page["totalCount"], json!(seen.len()));
            break;
        }
    }
    let n_seen = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), n_seen);
    assert_snapshot!(check("{ relations(type: \"dependsOn\", target: \"component:gone\") { nodes { source { ref } targetRef target { ref } } } }").await, @r#"
    {
      "data": {
        "relations": {"nodes":[{"source":{"ref":"component:default/pay"},"targetRef":"component:default/gone","target":null}]}
      }
    }
    "#);
    assert_snapshot!(check("{ relations(type: \"dependson\") { totalCount } }").await, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "there is no relation type `dependson`; did you mean `dependsOn`?",
          "locations": [{"line":1,"column":3}],
          "path": ["relations"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("{ problems { totalCount nodes { severity code file line field entityRef seenAt } } }").await, @r#"
    {
      "data": {
        "problems": {
          "totalCount": 2,
          "nodes": [
            {
              "severity": "WARNING",
              "code": "dangling-reference",
              "file": "catalog.yaml",
              "line": 2,
              "field": "spec.dependsOn[2]",
              "entityRef": "component:default/pay",
              "seenAt": "2026-03-01T12:00:00Z"
            },
            {
              "severity": "INFO",
              "code": "undeclared-kind",
              "file": "catalog.yaml",
              "line": 77,
              "field": "kind",
              "entityRef": "robot:default/r2",
              "seenAt": "2026-03-01T12:00:00Z"
            }
          ]
        }
      }
    }
    "#);
}

/// Whatever of a kind is a relation, an enum, a text or a list of these can be counted by the name of its field.
#[tokio::test]
async fn facets_by_the_names_of_fields() {
    use callboard::sdl::{FieldSource, Leaf, TypeShape};
    let engine = engine().await;
    let (model, _) = callboard::sdl::load(&callboard::sdl::core_files());
    let model = model.unwrap();
    let mut names: Vec<&str> = Vec::new();
    for kind in &model.kinds {
        for (name, field) in &model.types[&kind.type_name].fields {
            let counted = match (&field.source, field.ty.shape) {
                (FieldSource::Relation(_), _) => true,
                (FieldSource::Value(_), TypeShape::Leaf(leaf)) => leaf != Leaf::Json,
                _ => false,
            };
            names.extend(counted.then_some(&**name));
        }
    }
    for wanted in ["owner", "dependsOn", "presence", "type", "tags", "targets"] {
        assert!(names.contains(&wanted), "{wanted}");
    }
    let by = serde_json::to_string(&names).unwrap();
    let answer = engine
        .text(&format!("{{ facets(by: {by}) {{ name }} }}"), Value::Null)
        .await;
    assert!(!answer.contains("errors"), "{answer}");

    let check = async |query: &str| engine.text(query, Value::Null).await;
    // The field is counted as it is shown: `components` has no APIs, although both are parts of a system.
    assert_snapshot!(check("{ facets(by: [\"owner\", \"components\", \"apis\", \"relations.hasPart\"]) { name values { value label count entity { __typename } } } }").await, @r#"
    {
      "data": {
        "facets": [
          {
            "name": "owner",
            "values": [
              {"value":"group:default/platform","label":"platform","count":5,"entity":{"__typename":"Group"}},
              {"value":"group:default/shop","label":"shop","count":1,"entity":{"__typename":"Group"}},
              {"value":"user:default/ann","label":"ann","count":1,"entity":{"__typename":"User"}}
            ]
          },
          {
            "name": "components",
            "values": [{"value":"component:default/pay","label":"Payments","count":1,"entity":{"__typename":"Component"}}]
          },
          {
            "name": "apis",
            "values": [{"value":"api:default/pay-api","label":"pay-api","count":1,"entity":{"__typename":"API"}}]
          },
          {
            "name": "relations.hasPart",
            "values": [
              {"value":"api:default/pay-api","label":"pay-api","count":1,"entity":{"__typename":"API"}},
              {"value":"component:default/pay","label":"Payments","count":1,"entity":{"__typename":"Component"}}
            ]
          }
        ]
      }
    }
    "#);
    assert_snapshot!(check("{ facets(by: [\"owner\"], filter: { kind: { eq: \"component\" } }) { values(first: 1) { value count } } }").await, @r#"{"data":{"facets":[{"values":[{"value":"group:default/platform","count":1}]}]}}"#);
}

#[tokio::test]
async fn facets_and_impact() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    assert_snapshot!(check("{ facets(by: [\"kind\", \"metadata.tags\", \"spec.type\"], filter: { kind: { eq: \"component\" } }) { name values(first: 2) { value label count } } }").await, @r#"
    {
      "data": {
        "facets": [
          {"name":"kind","values":[{"value":"Component","label":"Component","count":3}]},
          {
            "name": "metadata.tags",
            "values": [{"value":"java","label":"java","count":2},{"value":"money","label":"money","count":1}]
          },
          {
            "name": "spec.type",
            "values": [{"value":"library","label":"library","count":1},{"value":"service","label":"service","count":1}]
          }
        ]
      }
    }
    "#);
    assert_snapshot!(check("{ facets(by: [\"relations.ownedBy\"]) { values { value label count entity { name } } } }").await, @r#"
    {
      "data": {
        "facets": [
          {
            "values": [
              {"value":"group:default/platform","label":"platform","count":5,"entity":{"name":"platform"}},
              {"value":"group:default/shop","label":"shop","count":1,"entity":{"name":"shop"}},
              {"value":"user:default/ann","label":"ann","count":1,"entity":{"name":"ann"}}
            ]
          }
        ]
      }
    }
    "#);
    assert_snapshot!(check("{ facets(by: [\"kind\"]) { values(first: -1) { value } } }").await, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "`first` is -1; it must not be negative",
          "locations": [{"line":1,"column":3}],
          "path": ["facets"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("{ facets(by: [\"nonsense\"]) { name } }").await, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "`by`: there is no field and no descriptor path `nonsense`, such as `kind`, `spec.type` or `relations.ownedBy`",
          "locations": [{"line":1,"column":3}],
          "path": ["facets"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("{ impact(of: [\"component:lib\"], maxDepth: 2) { truncated nodes { entity { ref } degree path { type source { ref } target { ref } } } edges { type } } }").await, @r#"
    {
      "data": {
        "impact": {
          "truncated": false,
          "nodes": [
            {
              "entity": {"ref":"component:default/pay"},
              "degree": 1,
              "path": [
                {
                  "type": "dependsOn",
                  "source": {"ref":"component:default/pay"},
                  "target": {"ref":"component:default/lib"}
                }
              ]
            },
            {
              "entity": {"ref":"api:default/pay-api"},
              "degree": 2,
              "path": [
                {
                  "type": "dependsOn",
                  "source": {"ref":"component:default/pay"},
                  "target": {"ref":"component:default/lib"}
                },
                {
                  "type": "apiProvidedBy",
                  "source": {"ref":"api:default/pay-api"},
                  "target": {"ref":"component:default/pay"}
                }
              ]
            },
            {
              "entity": {"ref":"component:shop/web"},
              "degree": 2,
              "path": [
                {
                  "type": "dependsOn",
                  "source": {"ref":"component:default/pay"},
                  "target": {"ref":"component:default/lib"}
                },
                {
                  "type": "dependsOn",
                  "source": {"ref":"component:shop/web"},
                  "target": {"ref":"component:default/pay"}
                }
              ]
            }
          ],
          "edges": [{"type":"dependsOn"},{"type":"dependsOn"},{"type":"consumesApi"},{"type":"apiProvidedBy"}]
        }
      }
    }
    "#);
    assert_snapshot!(check("{ impact(of: [\"component:pay\"], direction: DEPENDENCIES, maxDepth: 1, types: [\"dependsOn\"]) { nodes { entity { ref } } } none: impact(of: [\"component:none\"]) { truncated } }").await, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "`of`: there is no entity `component:default/none`",
          "locations": [{"line":1,"column":122}],
          "path": ["none"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn types_of_relations() {
    const BUCKETS: &str = r#"
type Bucket implements Entity @kind(apiVersions: ["larkspur.example/v1"]) {
  readers: [Component] @relation(type: "readBy", inverse: "readsFrom", from: "spec.readers")
  beside: [Bucket] @relation(type: "besides", inverse: "besides", from: "spec.beside")
  near: [Entity] @relation(type: "isNear", from: "spec.near")
}
"#;
    let model = model(&[("buckets.graphql", BUCKETS)]);
    let engine = TestEngine::new(snapshot(&model, CATALOG), Limits::default(), None).await;
    let query = "{ relationTypes { type inverse } }";
    let answer: Value = serde_json::from_str(&engine.text(query, Value::Null).await).unwrap();
    let types = answer["data"]["relationTypes"].as_array().unwrap();
    let shown = |one: &Value| format!("{} {}", one["type"], one["inverse"]).replace('"', "");
    let shown: Vec<String> = types.iter().map(shown).collect();
    let position = |name: &str| shown.iter().position(|one| *one == name);
    // A provider says what it provides, a group its parent first and its children after; `readBy` is declared last and would be first by name.
    assert!(position("providesApi apiProvidedBy") < position("apiProvidedBy providesApi"));
    assert!(position("childOf parentOf") < position("parentOf childOf"));
    let own = [
        "readBy readsFrom",
        "readsFrom readBy",
        "besides besides",
        "isNear null",
    ];
    assert!(shown.ends_with(&own.map(str::to_owned)), "{shown:?}");
    assert_eq!(shown.iter().collect::<BTreeSet<_>>().len(), shown.len());
}

#[tokio::test]
async fn sources_and_changes() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    assert_snapshot!(check("{ sources { name } changes(sinceRevision: 0) { nodes { ref } pageInfo { hasNextPage } } }").await, @r#"{"data":{"sources":[],"changes":{"nodes":[],"pageInfo":{"hasNextPage":false}}}}"#);
    assert_snapshot!(check("{ changes { nodes { ref } } }").await, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "give either `since` or `sinceRevision`",
          "locations": [{"line":1,"column":3}],
          "path": ["changes"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("{ component(ref: \"pay\") { name history { nodes { revision } } } }").await, @r#"{"data":{"component":{"name":"pay","history":{"nodes":[]}}}}"#);
}

#[tokio::test]
async fn response_keys_are_merged_in_document_order() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    assert_snapshot!(check("{ b: component(ref: \"pay\") { ref } a: component(ref: \"lib\") { ref } b: component(ref: \"pay\") { name owner { name } ref owner { ref } } }").await, @r#"
    {
      "data": {
        "b": {"ref":"component:default/pay","name":"pay","owner":{"name":"platform","ref":"group:default/platform"}},
        "a": {"ref":"component:default/lib"}
      }
    }
    "#);
    assert_snapshot!(check("query Q { component(ref: \"pay\") { ...A ...B ...A } } fragment A on Component { owner { ...C } } fragment B on Entity { ref ... on Owned { owner { name } } } fragment C on Owner { ref ... on User { memberOf { totalCount } } }").await, @r#"
    {
      "data": {"component":{"owner":{"ref":"group:default/platform","name":"platform"},"ref":"component:default/pay"}}
    }
    "#);
    assert_snapshot!(check("{ entities(filter: { name: { in: [\"pay\", \"ann\", \"db\"] } }) { nodes { __typename ... on Owned { owner { name } } ... on User { profile { displayName } } ... on Typed { type } } } }").await, @r#"
    {
      "data": {
        "entities": {
          "nodes": [
            {"__typename":"User","profile":{"displayName":"Ann"}},
            {"__typename":"Resource","owner":{"name":"platform"},"type":"database"},
            {"__typename":"Component","owner":{"name":"platform"},"type":"service"}
          ]
        }
      }
    }
    "#);
}

#[tokio::test]
async fn skip_and_include() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    let check_with = async |query: &str, variables| engine.text(query, variables).await;
    let query = "query($yes: Boolean!, $no: Boolean = false) { a: component(ref: \"pay\") @include(if: $no) { ref } b: component(ref: \"pay\") { name @skip(if: $yes) ref ... @include(if: $yes) { title name } ...F @skip(if: $no) } a: component(ref: \"pay\") { kind } } fragment F on Component { type }";
    assert_snapshot!(check_with(query, json!({ "yes": true })).await, @r#"
    {
      "data": {
        "b": {"ref":"component:default/pay","title":"Payments","name":"pay","type":"service"},
        "a": {"kind":"Component"}
      }
    }
    "#);
    assert_snapshot!(check_with(query, json!({ "yes": false, "no": true })).await, @r#"
    {
      "data": {"a":{"ref":"component:default/pay","kind":"Component"},"b":{"name":"pay","ref":"component:default/pay"}}
    }
    "#);
    assert_snapshot!(check("{ component(ref: \"pay\") { name @skip(if: true) } }").await, @r#"{"data":{"component":{}}}"#);
}

#[tokio::test]
async fn variables_of_all_shapes() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    let check_with = async |query: &str, variables| engine.text(query, variables).await;
    let by_ref = "query($ref: EntityRef!) { component(ref: $ref) { name } }";
    assert_snapshot!(check_with(by_ref, json!({ "ref": "pay" })).await, @r#"{"data":{"component":{"name":"pay"}}}"#);
    assert_snapshot!(check_with(by_ref, json!({})).await, @r#"
    {
      "errors": [
        {
          "message": "`$ref` of type `EntityRef!` is required",
          "locations": [{"line":1,"column":7}],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check_with(by_ref, json!({ "ref": null })).await, @r#"
    {
      "errors": [
        {
          "message": "`$ref`: `EntityRef!` must not be null",
          "locations": [{"line":1,"column":7}],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check_with(by_ref, json!({ "ref": "a:" })).await, @r#"
    {
      "errors": [
        {
          "message": "`$ref`: \"a:\" is no `EntityRef`: the name is empty",
          "locations": [{"line":1,"column":7}],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check_with(by_ref, json!({ "ref": 7 })).await, @r#"
    {
      "errors": [
        {
          "message": "`$ref`: 7 is no `EntityRef`: it is no string",
          "locations": [{"line":1,"column":7}],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    let page = "query($first: Int = 1, $filter: ComponentFilter, $order: [ComponentOrder!]) { components(first: $first, filter: $filter, orderBy: $order) { nodes { name } } }";
    assert_snapshot!(check_with(page, json!({})).await, @r#"{"data":{"components":{"nodes":[{"name":"lib"}]}}}"#);
    assert_snapshot!(check_with(page, json!({ "first": 2.0 })).await, @r#"{"data":{"components":{"nodes":[{"name":"lib"},{"name":"pay"}]}}}"#);
    assert_snapshot!(check_with(page, json!({ "first": 2.5 })).await, @r#"
    {
      "errors": [
        {
          "message": "`$first`: 2.5 is no `Int`",
          "locations": [{"line":1,"column":7}],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check_with(page, json!({ "first": null, "order": { "field": "NAME", "direction": "DESC" } })).await, @r#"{"data":{"components":{"nodes":[{"name":"web"},{"name":"pay"},{"name":"lib"}]}}}"#);
    assert_snapshot!(check_with(page, json!({ "filter": { "nme": { "eq": "pay" } }, "order": [{ "field": "NOPE" }] })).await, @r#"
    {
      "errors": [
        {
          "message": "`$filter`: `ComponentFilter` has no field `nme`; did you mean `name`?",
          "locations": [{"line":1,"column":24}],
          "extensions": {"code":"BAD_USER_INPUT"}
        },
        {
          "message": "`$order[0].field`: \"NOPE\" is no value of `ComponentOrderField`",
          "locations": [{"line":1,"column":50}],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check_with(page, json!({ "filter": { "and": [{ "name": { "eq": "pay" } }] } })).await, @r#"{"data":{"components":{"nodes":[{"name":"pay"}]}}}"#);
    assert_snapshot!(check_with("query($name: String) { components(filter: { name: { eq: $name } }) { nodes { name } } }", json!({})).await, @r#"{"data":{"components":{"nodes":[{"name":"lib"},{"name":"pay"},{"name":"web"}]}}}"#);
    assert_snapshot!(check_with("query($at: DateTime) { changes(since: $at) { nodes { ref } } }", json!({ "at": "yesterday" })).await, @r#"
    {
      "errors": [
        {
          "message": "`$at`: \"yesterday\" is no `DateTime`: it is no RFC 3339 time, such as `2026-01-31T12:00:00Z`",
          "locations": [{"line":1,"column":7}],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check_with("query($at: Revision) { changes(sinceRevision: $at) { nodes { ref } } }", json!({ "at": -1 })).await, @r#"
    {
      "errors": [
        {
          "message": "`$at`: -1 is no `Revision`: it is no revision, which is a number from 0 on",
          "locations": [{"line":1,"column":7}],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("{ component(ref: \"a:\") { name } }").await, @r#"
    {
      "errors": [
        {
          "message": "`ref`: \"a:\" is no `EntityRef`: the name is empty",
          "locations": [{"line":1,"column":3}],
          "extensions": {"code":"GRAPHQL_VALIDATION_FAILED"}
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn documents_that_are_refused() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    assert_snapshot!(check("{ component(ref: \"pay\") { nam } }").await, @r#"
    {
      "errors": [
        {
          "message": "type `Component` does not have a field `nam`; did you mean `name`?",
          "locations": [{"line":1,"column":27}],
          "extensions": {"code":"GRAPHQL_VALIDATION_FAILED"}
        }
      ]
    }
    "#);
    // A field that really selects nothing, beside one whose selection is unknown.
    assert_snapshot!(check("{ a: component(ref: \"pay\") b: component(ref: \"pay\") { owner { nam { x } } } }").await, @r#"
    {
      "errors": [
        {
          "message": "interface, union and object types must have a subselection set",
          "locations": [{"line":1,"column":3}],
          "extensions": {"code":"GRAPHQL_VALIDATION_FAILED"}
        },
        {
          "message": "type `Owner` does not have a field `nam`; did you mean `name`?",
          "locations": [{"line":1,"column":63}],
          "extensions": {"code":"GRAPHQL_VALIDATION_FAILED"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("{ component(ref: \"pay\") { name }").await, @r#"
    {
      "errors": [
        {
          "message": "syntax error: expected R_CURLY, got EOF",
          "locations": [{"line":1,"column":33}],
          "extensions": {"code":"GRAPHQL_PARSE_FAILED"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("").await, @r#"
    {
      "errors": [
        {
          "message": "syntax error: Unexpected <EOF>.",
          "locations": [{"line":1,"column":1}],
          "extensions": {"code":"GRAPHQL_PARSE_FAILED"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("query A { sources { name } } query B { sources { name } }").await, @r#"
    {
      "errors": [
        {
          "message": "the document has several operations; `operationName` must name one",
          "extensions": {"code":"OPERATION_NOT_FOUND"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }").await, @r#"
    {
      "errors": [
        {
          "message": "`A` fragment cannot reference itself",
          "locations": [{"line":1,"column":10}],
          "extensions": {"code":"GRAPHQL_VALIDATION_FAILED"}
        }
      ]
    }
    "#);
    assert_snapshot!(check("mutation { x }").await, @r#"
    {
      "errors": [
        {
          "message": "type `Mutation` does not have a field `x`",
          "locations": [{"line":1,"column":12}],
          "extensions": {"code":"GRAPHQL_VALIDATION_FAILED"}
        }
      ]
    }
    "#);
}

/// What the newest `GraphiQL` and graphql-js ask, with every option of `getIntrospectionQuery` switched on.
#[tokio::test]
async fn introspection_answers_the_specification_in_force() {
    const QUERY: &str = "query IntrospectionQuery($deprecated: Boolean = true) { __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind } types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: $deprecated) { ...InputValue } } } }
        fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
        fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
        fragment TypeRef on __Type { kind name one: isOneOf ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";
    let engine = engine().await;
    let answer: Value = serde_json::from_str(&engine.text(QUERY, Value::Null).await).unwrap();
    assert_eq!(answer["errors"], Value::Null);
    let types = answer["data"]["__schema"]["types"].as_array().unwrap();
    let mut n_inputs = 0;
    for declared in types {
        let expected = match declared["kind"].as_str().unwrap() {
            "INPUT_OBJECT" => {
                n_inputs += 1;
                Value::Bool(false)
            }
            _ => Value::Null,
        };
        assert_eq!(declared["isOneOf"], expected, "{}", declared["name"]);
        let fields = declared["fields"].as_array().into_iter().flatten();
        let arguments = fields.flat_map(|field| field["args"].as_array().unwrap());
        let values = arguments.chain(declared["inputFields"].as_array().into_iter().flatten());
        for value in values {
            assert!(value["isDeprecated"].is_boolean(), "{value}");
            let input = value["type"]["kind"] == "INPUT_OBJECT";
            assert_eq!(
                value["type"]["one"],
                json!(input.then_some(false)),
                "{value}"
            );
        }
    }
    assert!(n_inputs > 10);
    let of = |name: &str| {
        types
            .iter()
            .find(|declared| declared["name"] == name)
            .unwrap()
    };
    assert_eq!(of("EntityRef")["specifiedByURL"], Value::Null);
    let fields = of("__Type")["fields"].as_array().unwrap();
    assert!(fields.iter().any(|field| field["name"] == "isOneOf"));
    // It stands where it was asked for, under the name it was asked by, and not where it was skipped.
    let query = "query($no: Boolean = false) { a: __type(name: \"ComponentFilter\") { ...F name } b: __type(name: \"Component\") { ... on __Type { isOneOf } isOneOf x: isOneOf @include(if: $no) } } fragment F on __Type { one: isOneOf k: kind }";
    let answer: Value = serde_json::from_str(&engine.text(query, Value::Null).await).unwrap();
    assert_eq!(
        answer["data"],
        json!({ "a": { "one": false, "k": "INPUT_OBJECT", "name": "ComponentFilter" }, "b": { "isOneOf": null } })
    );
}

#[tokio::test]
async fn introspection_is_whole() {
    let engine = engine().await;
    let check = async |query: &str| engine.text(query, Value::Null).await;
    let check_with = async |query: &str, variables| engine.text(query, variables).await;
    assert_snapshot!(check("{ __typename s: __schema { queryType { name } directives { name } } __type(name: \"Owned\") { kind name possibleTypes { name } fields { name description } } component(ref: \"pay\") { name } }").await, @r#"
    {
      "data": {
        "__typename": "Query",
        "s": {
          "queryType": {"name":"Query"},
          "directives": [{"name":"skip"},{"name":"include"},{"name":"deprecated"},{"name":"specifiedBy"}]
        },
        "__type": {
          "kind": "INTERFACE",
          "name": "Owned",
          "possibleTypes": [
            {"name":"API"},
            {"name":"Component"},
            {"name":"Domain"},
            {"name":"Resource"},
            {"name":"System"},
            {"name":"Template"}
          ],
          "fields": [{"name":"owner","description":"Who answers for it; for example `group:platform`."}]
        },
        "component": {"name":"pay"}
      }
    }
    "#);
    assert_snapshot!(check_with("query($name: String!) { __type(name: $name) { name specifiedByURL } }", json!({ "name": "Nope" })).await, @r#"{"data":{"__type":null}}"#);
    let off = Limits {
        introspection: false,
        ..Limits::default()
    };
    let closed = TestEngine::new(snapshot(&model(&[]), CATALOG), off, None).await;
    assert_snapshot!(closed.text("{ __schema { queryType { name } } }", Value::Null).await, @r#"
    {
      "errors": [
        {
          "message": "introspection is switched off; `/schema.graphql` has the schema if this server shows it",
          "extensions": {"code":"GRAPHQL_VALIDATION_FAILED"}
        }
      ]
    }
    "#);
    assert_snapshot!(closed.text("{ __typename }", Value::Null).await, @r#"{"data":{"__typename":"Query"}}"#);
}

/// Each is refused before it costs anything, and the refusal names the limit.
#[tokio::test]
async fn hostile_documents_are_refused() {
    let engine = engine().await;
    let limit = async |query: String| {
        let (json, outcome) = engine.json(&query, Value::Null).await;
        assert_eq!(outcome, Outcome::Refused(Code::LimitExceeded), "{json}");
        json["errors"][0]["message"].as_str().unwrap().to_owned()
    };
    let nested = |depth: usize| format!("{{{}a{}}}", "a{".repeat(depth), "}".repeat(depth));
    assert_snapshot!(limit(nested(50_000)).await, @"the request exceeds the limit `nesting` of 200");
    assert_snapshot!(limit(nested(150)).await, @"the request exceeds the limit `depth` of 30");
    assert_snapshot!(limit(format!("{{ {} }}", "a:__typename ".repeat(1_000_000))).await, @"the request exceeds the limit `documentSize` of 262144");
    assert_snapshot!(limit(format!("{{ {} }}", "a:__typename ".repeat(10_000))).await, @"the request exceeds the limit `tokens` of 20000");
    assert_snapshot!(limit(format!("{{ {} }}", "a:__typename ".repeat(600))).await, @"the request exceeds the limit `aliases` of 500");
    assert_snapshot!(limit(format!("{{ {} }}", "__typename ".repeat(600))).await, @"the request exceeds the limit `rootFields` of 100");
    assert_snapshot!(limit(format!("{{ node(id: {}1{}) {{ id }} }}", "[".repeat(5_000), "]".repeat(5_000))).await, @"the request exceeds the limit `nesting` of 200");
    let doubling: String = (0..40)
        .map(|n| format!("fragment F{n} on Entity {{ dependents {{ nodes {{ ...F{} }} }} dependencies {{ nodes {{ ...F{} }} }} }} ", n + 1, n + 1))
        .collect();
    assert_snapshot!(limit(format!("{{ entities {{ nodes {{ ...F0 }} }} }} {doubling} fragment F40 on Entity {{ id }}")).await, @"the request exceeds the limit `depth` of 30");
    let flat: String = (0..20)
        .map(|n| {
            format!(
                "fragment F{n} on Entity {{ id ...F{} ... on Entity {{ ...F{} }} }} ",
                n + 1,
                n + 1
            )
        })
        .collect();
    assert_snapshot!(limit(format!("{{ entities {{ nodes {{ ...F0 }} }} }} {flat} fragment F20 on Entity {{ id }}")).await, @"the request exceeds the limit `fields` of 10000");
    let introspection = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
    assert_snapshot!(limit(introspection.to_owned()).await, @"Maximum introspection depth exceeded");
}

/// What was asked comes back in messages, and no more of it than a person reads; the reason stands at the end.
#[tokio::test]
async fn messages_stay_short() {
    let engine = engine().await;
    let long = "é".repeat(50_000);
    let name = "x".repeat(50_000);
    for (query, reason) in [
        (
            format!("{{ entity(ref: \"{long}\") {{ ref }} }}"),
            "there is no default here",
        ),
        (format!("{{ {name} }}"), "`"),
        (
            format!("{{ facets(by: [\"{long}\"]) {{ name }} }}"),
            "or `relations.ownedBy`",
        ),
        (
            format!("{{ entities(orderBy: [{{ field: {name} }}]) {{ totalCount }} }}"),
            "does not exist on `EntityOrderField`",
        ),
    ] {
        let (json, _) = engine.json(&query, Value::Null).await;
        let message = json["errors"][0]["message"].as_str().unwrap();
        assert!(message.len() < 1_000, "{}", message.len());
        assert!(
            message.ends_with(reason) && message.contains(" … "),
            "{message}"
        );
    }
}

#[tokio::test]
async fn large_answers_are_cut_off() {
    let limits = Limits {
        response_bytes: 2_000,
        ..Limits::default()
    };
    let engine = TestEngine::new(snapshot(&model(&[]), CATALOG), limits, None).await;
    let query = "{ entities { nodes { ref relations { nodes { type targetRef } } } } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"
    {
      "data": null,
      "errors": [{"message":"the answer exceeds the limit `responseSize` of 2000","extensions":{"code":"LIMIT_EXCEEDED"}}]
    }
    "#);
}

#[test]
fn resolvers_of_unknown_names_are_told_at_load() {
    let more = "extend type Query { all: EntityConnection! @resolver(name: \"entitees\") }";
    let resolvers = callboard::graphql::resolvers();
    let mut files = callboard::sdl::core_files();
    assert_eq!(callboard::sdl::load_for(&files, &resolvers).1, []);
    files.push(callboard::sdl::SdlFile {
        path: "mine.graphql".into(),
        text: format!("{more}\nextend type Component {{ lead: Userr }}"),
        connector: None,
    });
    let (_, problems) = callboard::sdl::load_for(&files, &resolvers);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    // Beside what else is wrong.
    assert_snapshot!(problems.join("\n"), @r#"
    mine.graphql:1:21: error[unknown-resolver]: `Query.all` asks for the resolver `entitees`, which does not exist
      hint: did you mean `entities`?
    mine.graphql:2:31: error[unknown-type]: unknown type `Userr`
      hint: did you mean `User`?
    "#);
}

#[tokio::test]
async fn unknown_names_get_a_suggestion() {
    let engine = engine().await;
    for (query, expected) in [
        (
            "{ component(ref: \"pay\") { name lifecyle } }",
            "did you mean `lifecycle`?",
        ),
        (
            "{ component(reff: \"pay\") { name } }",
            "did you mean `ref`?",
        ),
        (
            "{ components(filter: { typ: { eq: \"a\" } }) { totalCount } }",
            "did you mean `type`?",
        ),
        (
            "{ components(orderBy: [{ field: NAMES }]) { totalCount } }",
            "did you mean `NAME`?",
        ),
        (
            "query($f: ComponentFiltr) { components(filter: $f) { totalCount } }",
            "did you mean `ComponentFilter`?",
        ),
    ] {
        let answer = engine.text(query, Value::Null).await;
        assert!(answer.contains(expected), "{query}: {answer}");
    }
    let far = engine
        .text("{ component(ref: \"pay\") { name zzzzzz } }", Value::Null)
        .await;
    assert!(!far.contains("did you mean"), "{far}");
}
