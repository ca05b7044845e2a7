//! What clients are told about live fields beside their values: states, traces, how many errors, for how long.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use insta::assert_snapshot;
use parking_lot::Mutex;
use serde_json::{Value, json};

use callboard::clock::Budget;
use callboard::connect::{
    Answer, BudgetReport, CacheReport, ConnectorReport, ErrorReport, Exchange, Fault, Fetched,
    Found, Group, Health, InstanceReport, LiveSource, Match, Outcome, Parent, Scope, State,
};
use callboard::graph::Ix;
use callboard::graphql::{Limits, Request, Response};

use crate::graphql::CATALOG;
use crate::support::engine::{TestEngine, model, pretty, snapshot};

const CONNECTOR: &str = r#"
extend schema @source(name: "rest", url: "'https://probe.test'")
extend interface Entity {
  score(scale: Int = 5): Int @connect(source: "rest", get: "/score/{$entity.metadata.name}?scale={$args.scale}")
  level: Int @connect(source: "rest", get: "/level/{$entity.metadata.name}")
}
"#;

/// `score` is 7; `level` fails; both say what became of them.
#[derive(Default)]
struct Probe {
    asked: Mutex<Vec<String>>,
}

impl Probe {
    fn answer(&self, group: &Group, parent: &Parent) -> Answer {
        let Parent::Entity(ix) = parent else {
            return Answer::null();
        };
        if !["score", "level"].contains(&&*group.field.name) {
            return Answer::null();
        }
        let scope = &group.scope;
        let asked = format!(
            "{} of {} with {}",
            group.field.name,
            scope.snapshot.entity_ref(*ix),
            Value::Object((*group.field.arguments).clone())
        );
        self.asked.lock().push(asked);
        let fails = *group.field.name == *"level";
        scope.record(|| Outcome {
            entity: Some(*ix),
            field: Arc::clone(&group.field.name),
            connector: "probe".into(),
            instance: "default".into(),
            state: if fails { State::Failed } else { State::Fresh },
            fetched_at: (!fails).then(crate::support::engine::at),
            code: fails.then_some("UPSTREAM_TIMEOUT"),
            retry_at: None,
            hint: None,
        });
        if let Some(trace) = scope.trace() {
            trace.found(&"probe".into(), Found::Miss);
            trace.found(&"probe".into(), Found::Hit(Duration::from_secs(12)));
            trace.budget_left(&"probe".into(), 40);
            let exchange = Exchange {
                instance: "default".into(),
                method: "GET",
                template: "/score/{…}".into(),
                brings: "Int".into(),
                status: Some(200),
                elapsed: Duration::from_millis(3),
                bytes: 120,
            };
            trace.exchange(&"probe".into(), exchange);
        }
        scope.fresh_for(Duration::from_secs(30));
        if fails {
            let fault = Fault::new("UPSTREAM_TIMEOUT", "`probe` gave no answer in time");
            return fault.with("connector", "probe").into();
        }
        Fetched::Value(json!(7)).into()
    }
}

impl LiveSource for Probe {
    fn fetch(&self, groups: Vec<Group>) -> Vec<BoxFuture<'static, Vec<Answer>>> {
        let answers = groups.iter().map(|group| {
            let parents = group.parents.iter();
            parents.map(|parent| self.answer(group, parent)).collect()
        });
        let ready = answers.map(|answers: Vec<Answer>| std::future::ready(answers).boxed());
        ready.collect()
    }

    fn connectors(&self) -> Vec<ConnectorReport> {
        let instance = |name: &str, health, remaining| InstanceReport {
            name: name.into(),
            health,
            breaker: if health == Health::Failing {
                "OPEN"
            } else {
                "CLOSED"
            },
            budget: Some(BudgetReport {
                limit: 100,
                remaining,
                reset_at: Some(crate::support::engine::at()),
            }),
            n_requests: 3,
            n_misfits: 1,
            gaps: Vec::new(),
            last_error: (health == Health::Failing).then(|| ErrorReport {
                code: "UPSTREAM_UNAVAILABLE",
                message: "`probe` cannot be reached".to_owned(),
                upstream_status: None,
                at: crate::support::engine::at(),
            }),
        };
        vec![ConnectorReport {
            name: "probe".into(),
            instances: vec![
                instance("default", Health::Ready, 90),
                instance("eu", Health::Failing, 10),
            ],
            cache: CacheReport {
                hits: 5,
                stale: 1,
                misses: 2,
            },
            is_in_graph: true,
            problems: Vec::new(),
        }]
    }

    fn explain(&self, scope: &Scope, entity: Ix) -> Vec<Match> {
        vec![Match {
            connector: "probe".into(),
            field: "score".into(),
            instance: Some("default".into()),
            keys: vec![("name".into(), scope.snapshot.entity_ref(entity).to_owned())],
            state: None,
            hint: None,
        }]
    }
}

async fn engine() -> (TestEngine, Arc<Probe>) {
    let probe = Arc::new(Probe::default());
    let live = Arc::clone(&probe) as Arc<dyn LiveSource>;
    let model = model(&[("connectors/probe/probe.graphql", CONNECTOR)]);
    let engine = TestEngine::new(snapshot(&model, CATALOG), Limits::default(), Some(live)).await;
    (engine, probe)
}

async fn ask(engine: &TestEngine, request: Request<'_>) -> (Value, Response) {
    let response = engine
        .engine
        .execute(&request, Budget::of(engine.time))
        .await;
    (serde_json::from_slice(&response.body).unwrap(), response)
}

#[tokio::test]
async fn every_null_has_a_reason() {
    let (engine, probe) = engine().await;
    let query = r#"{ component(ref: "pay") { live(fields: ["score", "level", "repository"]) { field connector instance state fetchedAt code retryAt } score(scale: 3) } }"#;
    let (answer, _) = ask(&engine, Request::new(query)).await;
    assert_snapshot!(pretty(&answer), @r#"
    {
      "data": {
        "component": {
          "live": [
            {
              "field": "score",
              "connector": "probe",
              "instance": "default",
              "state": "FRESH",
              "fetchedAt": "2026-03-01T12:00:00Z",
              "code": null,
              "retryAt": null
            },
            {
              "field": "level",
              "connector": "probe",
              "instance": "default",
              "state": "FAILED",
              "fetchedAt": null,
              "code": "UPSTREAM_TIMEOUT",
              "retryAt": null
            },
            {
              "field": "repository",
              "connector": null,
              "instance": null,
              "state": "NOT_CONFIGURED",
              "fetchedAt": null,
              "code": null,
              "retryAt": null
            }
          ],
          "score": 7
        }
      }
    }
    "#);
    // `score` was asked for by the query, `level` by the report: once each.
    assert_eq!(
        *probe.asked.lock(),
        [
            r#"score of component:default/pay with {"scale":3}"#,
            "level of component:default/pay with {}",
        ]
    );
}

#[tokio::test]
async fn a_report_on_fields_that_do_not_exist() {
    let (engine, _) = engine().await;
    let query = r#"{ component(ref: "pay") { name live(fields: ["scor"]) { state } } }"#;
    let (answer, _) = ask(&engine, Request::new(query)).await;
    let message = &answer["errors"][0]["message"];
    assert_eq!(
        *message,
        json!(r#"`fields`: `Component` has no live field "scor"; did you mean `score`?"#)
    );
}

#[tokio::test]
async fn without_a_runtime_everything_is_not_configured() {
    let model = model(&[("connectors/probe/probe.graphql", CONNECTOR)]);
    let engine = TestEngine::new(snapshot(&model, CATALOG), Limits::default(), None).await;
    let query = r#"{ component(ref: "pay") { score live(fields: ["score"]) { connector state hint } } connectors { name status budget { remaining } breaker cache { hitRatio } lastError } explain(ref: "component:pay") { connector } }"#;
    let (answer, _) = ask(&engine, Request::new(query)).await;
    assert_snapshot!(pretty(&answer), @r#"
    {
      "data": {
        "component": {
          "score": null,
          "live": [{"connector":"probe","state":"NOT_CONFIGURED","hint":"connectors are not run here"}]
        },
        "connectors": [
          {
            "name": "probe",
            "status": "NOT_CONFIGURED",
            "budget": null,
            "breaker": "CLOSED",
            "cache": {"hitRatio":null},
            "lastError": null
          }
        ],
        "explain": []
      }
    }
    "#);
}

#[tokio::test]
async fn a_connector_is_as_well_as_its_worst_upstream() {
    let (engine, _) = engine().await;
    let query = r#"{ connectors { name status budget { remaining limit resetAt } breaker cache { hitRatio hits stale misses } lastError instances { name status requests mappingProblems lastError { code at } } } explain(ref: "component:pay") { connector field applies instance keys { key value } state } }"#;
    let (answer, _) = ask(&engine, Request::new(query)).await;
    assert_snapshot!(pretty(&answer), @r#"
    {
      "data": {
        "connectors": [
          {
            "name": "probe",
            "status": "FAILING",
            "budget": {"remaining":10,"limit":100,"resetAt":"2026-03-01T12:00:00Z"},
            "breaker": "OPEN",
            "cache": {"hitRatio":0.75,"hits":5,"stale":1,"misses":2},
            "lastError": "UPSTREAM_UNAVAILABLE: `probe` cannot be reached",
            "instances": [
              {"name":"default","status":"READY","requests":3,"mappingProblems":1,"lastError":null},
              {
                "name": "eu",
                "status": "FAILING",
                "requests": 3,
                "mappingProblems": 1,
                "lastError": {"code":"UPSTREAM_UNAVAILABLE","at":"2026-03-01T12:00:00Z"}
              }
            ]
          }
        ],
        "explain": [
          {
            "connector": "probe",
            "field": "score",
            "applies": true,
            "instance": "default",
            "keys": [{"key":"name","value":"component:default/pay"}],
            "state": null
          }
        ]
      }
    }
    "#);
}

#[tokio::test]
async fn twenty_errors_of_a_connector_tell_enough() {
    let (engine, _) = engine().await;
    let fields: Vec<String> = (0..25).map(|index| format!("l{index}: level")).collect();
    let query = format!("{{ component(ref: \"pay\") {{ {} }} }}", fields.join(" "));
    let (answer, response) = ask(&engine, Request::new(query.as_str())).await;
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 21);
    assert_eq!(errors[20]["message"], "5 more errors of `probe`");
    assert_eq!(errors[20]["extensions"]["count"], 5);
    assert_eq!(
        response.fresh_for, None,
        "an answer with errors is not kept"
    );

    let quiet = Request {
        faults_in_data: true,
        ..Request::new(query.as_str())
    };
    let (answer, _) = ask(&engine, quiet).await;
    assert_eq!(answer.get("errors"), None);
    assert_eq!(answer["data"]["component"]["l0"], Value::Null);
}

#[tokio::test]
async fn a_trace_for_those_who_ask() {
    let (engine, _) = engine().await;
    let query = r#"{ component(ref: "pay") { score } }"#;
    let (answer, response) = ask(&engine, Request::new(query)).await;
    assert_eq!(answer.get("extensions"), None);
    assert_eq!(response.fresh_for, Some(Duration::from_secs(30)));
    let traced = Request {
        trace: true,
        ..Request::new(query)
    };
    let (mut answer, _) = ask(&engine, traced).await;
    let trace = &mut answer["extensions"]["callboard"];
    let times = [
        trace["ms"].take(),
        trace["connectors"][0]["requests"][0]["start"].take(),
    ];
    assert!(
        times
            .iter()
            .all(|time| time.as_u64().is_some_and(|ms| ms < 10_000)),
        "{times:?}"
    );
    assert_snapshot!(pretty(&answer["extensions"]), @r#"
    {
      "callboard": {
        "ms": null,
        "connectors": [
          {
            "name": "probe",
            "requestCount": 1,
            "requests": [
              {
                "instance": "default",
                "method": "GET",
                "path": "/score/{…}",
                "brings": "Int",
                "status": 200,
                "start": null,
                "ms": 3,
                "bytes": 120
              }
            ],
            "cache": {"hits":1,"stale":0,"misses":1},
            "oldestAge": 12,
            "budgetRemaining": 40
          }
        ],
        "plan": {"fields":2,"liveFields":1}
      }
    }
    "#);
}
