//! When a request applies, and where it goes.

use insta::assert_snapshot;
use serde_json::json;

use super::world::{last, world};
use crate::support::upstream::Reply;

const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  service: Service @connect(source: "rest", get: "/services/{$entity.metadata.annotations.'probe/id'}") @cache(maxAge: "1m")
}
type Service implements Live @identity(from: "id") {
  name: String
  level: Int
}
"#;

#[tokio::test]
async fn the_annotation_is_the_switch() {
    let world = world(SDL)
        .components("pay: { probe/id: P1 }\nlib: {}")
        .start(|asked| Reply::json(&json!({ "id": last(asked), "name": "Pay", "level": 3 })))
        .await;
    let query = "{ components { nodes { name service { name level provider stale fetchedAt } } } }";
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {"name":"lib","service":null},
            {
              "name": "pay",
              "service": {"name":"Pay","level":3,"provider":"probe","stale":false,"fetchedAt":"2026-03-01T12:00:00Z"}
            }
          ]
        }
      }
    }
    "#);
    assert_snapshot!(world.upstream.targets(), @"GET /services/P1");
    world.ask(query).await;
    assert_snapshot!(world.upstream.targets(), @"");
}

#[tokio::test]
async fn an_annotation_never_changes_where_a_request_goes() {
    let annotations = [
        "../../admin",
        "a?x=1",
        "a#b",
        "a%2f..%2fb",
        "..",
        "",
        "a\\r\\nHost: evil",
        "//evil.test/x",
        "http://evil.test",
        "a\\\\..\\\\b",
        "\\u202e",
    ];
    let components: Vec<String> = annotations
        .iter()
        .enumerate()
        .map(|(number, value)| format!("c{number}: {{ probe/id: \"{value}\" }}"))
        .collect();
    let world = world(SDL)
        .components(&components.join("\n"))
        .start(|_| Reply::json(&json!({ "id": "x", "name": "x" })))
        .await;
    world
        .ask("{ components { nodes { service { name } } } }")
        .await;
    assert_snapshot!(world.upstream.targets(), @r#"
    GET /services/%2F%2Fevil.test%2Fx
    GET /services/%E2%80%AE
    GET /services/..%2F..%2Fadmin
    GET /services/a%23b
    GET /services/a%252f..%252fb
    GET /services/a%3Fx%3D1
    GET /services/a%5C..%5Cb
    GET /services/http%3A%2F%2Fevil.test
    "#);
}

const INSTANCES: &str = r#"
extend schema @source(name: "rest", url: "$config.url", auth: { type: BEARER, token: "$secret.token" }, headers: [{ name: "X-Team", value: "$config.team" }])
extend interface Entity {
  job: Job @connect(source: "rest", instance: "$job | before(':')", let: [{ name: "job", value: "$entity.metadata.annotations.'probe/job'" }],
    get: "/{$config.team}/{$job | after(':') | segments('job')}/api")
}
type Job implements Live @identity(from: "id") { path: String }
"#;

#[tokio::test]
async fn instances_have_their_own_settings_and_bounds() {
    let config = "
connectors:
  probe:
    instances:
      default: { config: { url: URL/a, team: red }, secrets: { token: one }, allow: [\"pub/*\", \"x:*\"] }
      west: { config: { url: URL/b, team: blue }, secrets: { token: two } }
      broken: { config: { url: URL/c, team: grey } }
";
    let world = world(INSTANCES)
        .config(config)
        .components("a: { probe/job: pub/x }\nb: { probe/job: priv/x }\nc: { probe/job: \"west:y\" }\nd: { probe/job: \"none:y\" }\ne: { probe/job: \"broken:y\" }\nf: {}")
        .start(|asked| Reply::json(&json!({ "id": 1, "path": format!("{} {} {}", asked.target, asked.header("authorization").unwrap(), asked.header("x-team").unwrap()) })))
        .await;
    assert_snapshot!(world.ask("{ components { nodes { name job { path } } } }").await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {"name":"a","job":{"path":"/a/red/pub/job/x/api Bearer one red"}},
            {"name":"b","job":null},
            {"name":"c","job":{"path":"/b/blue/y/api Bearer two blue"}},
            {"name":"d","job":null},
            {"name":"e","job":null},
            {"name":"f","job":null}
          ]
        }
      }
    }
    "#);
}

#[tokio::test]
async fn without_configuration_nothing_is_asked() {
    let world = world(SDL)
        .config("connectors: {}")
        .components("pay: { probe/id: P1 }")
        .start(|_| Reply::status(500))
        .await;
    assert_snapshot!(world.ask("{ components { nodes { service { name } } } }").await, @r#"{"data":{"components":{"nodes":[{"service":null}]}}}"#);
    assert_snapshot!(world.upstream.targets(), @"");
}

#[tokio::test]
async fn what_goes_out_is_json_and_names_us() {
    let sdl = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  found(name: String, limit: Int = 5): Found @connect(source: "rest", post: "/search?verbose={?$args.name}", body: "{ query: { name: $args.name, kinds: [$entity.kind] }, limit: $args.limit }")
}
type Found implements Live @identity(from: "id") { echo: JSON }
"#;
    let world = world(sdl)
        .components("pay: {}")
        .start(|asked| {
            let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
            let agent = asked.header("user-agent").unwrap().starts_with("callboard/");
            Reply::json(&json!({ "id": 1, "echo": { "body": body, "type": asked.header("content-type"), "agent": agent, "target": asked.target } }))
        })
        .await;
    assert_snapshot!(world.ask("{ component(ref: \"pay\") { a: found(name: \"x\\\"}\") { echo } b: found { echo } } }").await, @r#"
    {
      "data": {
        "component": {
          "a": {
            "echo": {
              "body": {"query":{"name":"x\"}","kinds":["Component"]},"limit":5},
              "type": "application/json",
              "agent": true,
              "target": "/search?verbose=x%22%7D"
            }
          },
          "b": {
            "echo": {
              "body": {"query":{"name":null,"kinds":["Component"]},"limit":5},
              "type": "application/json",
              "agent": true,
              "target": "/search"
            }
          }
        }
      }
    }
    "#);
}

#[tokio::test]
async fn what_became_of_it_is_told() {
    let config = "
connectors:
  probe:
    instances:
      default: { config: { url: URL/a, team: red }, secrets: { token: one }, allow: [\"pub/*\"] }
      broken: { config: { url: URL/c, team: grey } }
";
    let world = world(INSTANCES)
        .config(config)
        .components("a: { probe/job: pub/x }\nb: { probe/job: priv/x }\nd: { probe/job: \"none:y\" }\ne: { probe/job: \"broken:y\" }\nf: {}\ng: { probe/job: pub/gone }")
        .start(|asked| match asked.target.contains("gone") {
            true => Reply::status(404),
            false => Reply::json(&json!({ "id": 1, "path": "x" })),
        })
        .await;
    let query = "{ components { nodes { name job { path } live(fields: [\"job\"]) { field connector instance state code hint } } } }";
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {
              "name": "a",
              "job": {"path":"x"},
              "live": [{"field":"job","connector":"probe","instance":"default","state":"FRESH","code":null,"hint":null}]
            },
            {
              "name": "b",
              "job": null,
              "live": [
                {
                  "field": "job",
                  "connector": "probe",
                  "instance": "default",
                  "state": "NOT_ALLOWED",
                  "code": null,
                  "hint": "`connectors.probe.allow` does not name `priv/x`"
                }
              ]
            },
            {
              "name": "d",
              "job": null,
              "live": [
                {
                  "field": "job",
                  "connector": "probe",
                  "instance": "none",
                  "state": "NOT_CONFIGURED",
                  "code": null,
                  "hint": "there is no `connectors.probe.instances.none`"
                }
              ]
            },
            {
              "name": "e",
              "job": null,
              "live": [
                {
                  "field": "job",
                  "connector": "probe",
                  "instance": "broken",
                  "state": "NOT_CONFIGURED",
                  "code": null,
                  "hint": "set `connectors.probe.instances.broken.secrets.token`"
                }
              ]
            },
            {
              "name": "f",
              "job": null,
              "live": [
                {
                  "field": "job",
                  "connector": "probe",
                  "instance": "default",
                  "state": "NO_ANNOTATION",
                  "code": null,
                  "hint": "`$job | after(':') | segments('job')` has no value; it comes from the annotation `probe/job`"
                }
              ]
            },
            {
              "name": "g",
              "job": null,
              "live": [
                {
                  "field": "job",
                  "connector": "probe",
                  "instance": "default",
                  "state": "NOT_FOUND",
                  "code": null,
                  "hint": null
                }
              ]
            }
          ]
        }
      }
    }
    "#);
    let query = "{ connectors { name status breaker lastError cache { hitRatio } instances { name status requests mappingProblems } } a: explain(ref: \"component:a\") { connector field applies instance keys { key value } } b: explain(ref: \"component:b\") { field applies state hint } }";
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "connectors": [
          {
            "name": "probe",
            "status": "NOT_CONFIGURED",
            "breaker": "CLOSED",
            "lastError": null,
            "cache": {"hitRatio":0.0},
            "instances": [
              {"name":"default","status":"READY","requests":2,"mappingProblems":0},
              {"name":"broken","status":"NOT_CONFIGURED","requests":0,"mappingProblems":0}
            ]
          }
        ],
        "a": [
          {
            "connector": "probe",
            "field": "job",
            "applies": true,
            "instance": "default",
            "keys": [{"key":"probe/job","value":"pub/x"}]
          }
        ],
        "b": [
          {
            "field": "job",
            "applies": false,
            "state": "NOT_ALLOWED",
            "hint": "`connectors.probe.allow` does not name `priv/x`"
          }
        ]
      }
    }
    "#);
}

const PARTS: &str = r#"
extend schema
  @source(name: "acts", url: "$config.url", headers: [{ name: "From", value: "$config.from" }])
  @source(name: "reads", url: "$config.url")
extend interface Entity {
  service: Service @connect(source: "reads", get: "/services/{$entity.metadata.annotations.'probe/id'}") @cache(maxAge: "1m")
  audit: String @connect(source: "acts", get: "/audit/{$entity.metadata.annotations.'probe/id'}", at: "text")
}
type Service implements Live @identity(from: "id") {
  name: String
  notes: String @connect(source: "acts", get: "/services/{$this.id}/notes", at: "text")
}
type Incidental implements Incident
  @supplies(field: "Entity.incidents")
  @identity(from: "id")
  @connect(source: "acts", get: "/incidents/{$entity.metadata.annotations.'probe/id'}") {
  title: String
}
type Done implements AcknowledgeIncidentPayload
  @supplies(field: "Mutation.acknowledgeIncident", from: "Incidental")
  @connect(source: "acts", put: "/incidents/{$this.id}") {
  incident: Incidental
}
"#;

/// Whoever gives a connector the right to read and no more reads, and is told what that leaves out.
#[tokio::test]
async fn a_part_without_its_setting_takes_nothing_from_the_others() {
    let config = "connectors: { probe: { instances: { default: { config: { url: URL } }, whole: { config: { url: URL, from: a@b.test } }, none: {} } } }";
    let world = world(PARTS)
        .components("pay: { probe/id: P1 }")
        .config(config)
        .start(|asked| Reply::json(&json!({ "id": last(asked), "name": "Pay", "text": "x" })))
        .await;
    let query = "{ connectors { name status instances { name status gaps { source fields hint } } } component(ref: \"pay\") { service { name notes } audit live(fields: [\"service\", \"audit\"]) { field state hint } } }";
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "connectors": [
          {
            "name": "probe",
            "status": "NOT_CONFIGURED",
            "instances": [
              {
                "name": "default",
                "status": "READY",
                "gaps": [
                  {
                    "source": "acts",
                    "fields": ["Entity.audit","Entity.incidents","Mutation.acknowledgeIncident","Service.notes"],
                    "hint": "set `connectors.probe.config.from`"
                  }
                ]
              },
              {"name":"whole","status":"READY","gaps":[]},
              {
                "name": "none",
                "status": "NOT_CONFIGURED",
                "gaps": [
                  {
                    "source": "acts",
                    "fields": ["Entity.audit","Entity.incidents","Mutation.acknowledgeIncident","Service.notes"],
                    "hint": "set `connectors.probe.instances.none.config.url`"
                  },
                  {
                    "source": "reads",
                    "fields": ["Entity.service"],
                    "hint": "set `connectors.probe.instances.none.config.url`"
                  }
                ]
              }
            ]
          }
        ],
        "component": {
          "service": {"name":"Pay","notes":null},
          "audit": null,
          "live": [
            {"field":"service","state":"FRESH","hint":null},
            {"field":"audit","state":"NOT_CONFIGURED","hint":"set `connectors.probe.config.from`"}
          ]
        }
      }
    }
    "#);
}
