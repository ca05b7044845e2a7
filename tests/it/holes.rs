//! The seam for values that the snapshot does not hold, with a source that is slow, fails, and says what it was asked.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use insta::assert_snapshot;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use callboard::clock::Budget;
use callboard::connect::{Answer, Fault, Fetched, FetchedPage, Group, Item, LiveSource, Parent};
use callboard::graphql::{Limits, Outcome, Request};

use callboard::sdl::Model;

use crate::graphql::CATALOG;
use crate::support::engine::{TestEngine, model, snapshot};

const CONNECTOR: &str = r#"
extend schema @source(name: "rest", url: "'https://probe.test'")
extend interface Entity {
  score: Int @connect(source: "rest", get: "/score/{$entity.metadata.name}")
  must: Int @connect(source: "rest", get: "/must/{$entity.metadata.name}")
  service: ProbeService @connect(source: "rest", get: "/service/{$entity.metadata.name}")
  builds(branch: String = "main"): [ProbeBuild] @connect(source: "rest", get: "/builds/{$entity.metadata.name}?b={$args.branch}")
}
interface Thing { name: String }
type ProbeService implements Thing @identity(from: "name") {
  name: String
  level: Int @connect(source: "rest", get: "/level/{$this.name}")
  strict: Int @connect(source: "rest", get: "/strict/{$this.name}")
  entity: Component @lookup(kind: "Component", by: "metadata.name", value: "name")
}
type ProbeBuild @identity(from: "number") {
  number: Int!
  status: String
  log: String @connect(source: "rest", get: "/log/{$this.number}")
}
"#;

type Behaviour = Box<dyn Fn(Group) -> BoxFuture<'static, Vec<Answer>> + Send + Sync>;

/// Answers each field as the test says, and remembers the calls.
#[derive(Default)]
struct Fake {
    calls: Mutex<Vec<String>>,
    behaviours: HashMap<&'static str, Behaviour>,
}

impl Fake {
    /// The field is answered parent by parent, at once.
    fn each(
        mut self,
        field: &'static str,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let behaviour: Behaviour = Box::new(move |group| {
            let answers = group
                .parents
                .iter()
                .map(|parent| answer(&name(&group, parent)));
            std::future::ready(answers.collect()).boxed()
        });
        self.behaviours.insert(field, behaviour);
        self
    }

    /// The field is answered by a future.
    fn slowly<F>(
        mut self,
        field: &'static str,
        answer: impl Fn(Group) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Vec<Answer>> + Send + 'static,
    {
        let behaviour: Behaviour = Box::new(move |group| answer(group).boxed());
        self.behaviours.insert(field, behaviour);
        self
    }

    async fn engine(self) -> (TestEngine, Arc<Self>) {
        let fake = Arc::new(self);
        let model = strict_model();
        let live: Arc<dyn LiveSource> = Arc::clone(&fake) as Arc<dyn LiveSource>;
        let engine =
            TestEngine::new(snapshot(&model, CATALOG), Limits::default(), Some(live)).await;
        (engine, fake)
    }

    fn calls(&self) -> String {
        self.calls.lock().join("\n")
    }
}

/// `must` and `strict` made non-null: the loader refuses that of live fields, but stored ones (`descriptor`, `history`) are, and they use the same seam.
fn strict_model() -> Arc<Model> {
    let mut model = model(&[("connectors/probe/probe.graphql", CONNECTOR)]);
    let types = Arc::get_mut(&mut model).unwrap().types.values_mut();
    for field in types.flat_map(|ty| ty.fields.values_mut()) {
        field.ty.non_null |= ["must", "strict"].contains(&&*field.name);
    }
    model
}

impl LiveSource for Fake {
    fn fetch(&self, groups: Vec<Group>) -> Vec<BoxFuture<'static, Vec<Answer>>> {
        let described: Vec<String> = groups
            .iter()
            .map(|group| {
                let names: Vec<String> = group
                    .parents
                    .iter()
                    .map(|parent| name(group, parent))
                    .collect();
                format!("{} of {}", group.field.name, names.join(","))
            })
            .collect();
        self.calls.lock().push(described.join(" + "));
        groups
            .into_iter()
            .map(|group| (self.behaviours[&*group.field.name])(group))
            .collect()
    }
}

/// What a test calls the parent.
fn name(group: &Group, parent: &Parent) -> String {
    match parent {
        Parent::Entity(ix) => {
            let entity_ref = group.scope.snapshot.entity_ref(*ix);
            let (_, name) = entity_ref.split_once('/').unwrap();
            name.to_owned()
        }
        Parent::Object(value) => match value.get("name").or_else(|| value.get("number")) {
            Some(Value::String(name)) => name.clone(),
            Some(other) => other.to_string(),
            None => "?".to_owned(),
        },
        Parent::Root | Parent::Live(_) | Parent::Within(..) | Parent::Texts(_) => "?".to_owned(),
    }
}

fn value(value: Value) -> Answer {
    Fetched::Value(value).into()
}

fn failure() -> Answer {
    Fault::new("UPSTREAM_UNAVAILABLE", "probe gave no answer")
        .with("connector", "probe")
        .into()
}

fn length(name: &str) -> Answer {
    value(json!(name.len()))
}

fn service(name: &str) -> Answer {
    value(json!({ "name": format!("svc-{name}") }))
}

#[tokio::test]
async fn one_field_is_one_batch_whatever_the_types() {
    let (engine, fake) = Fake::default().each("score", length).engine().await;
    let query = "{ entities(first: 5) { nodes { __typename score } } one: component(ref: \"pay\") { s: score name t: score } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"
    {
      "data": {
        "entities": {
          "nodes": [
            {"__typename":"User","score":3},
            {"__typename":"User","score":3},
            {"__typename":"Group","score":7},
            {"__typename":"Resource","score":2},
            {"__typename":"Component","score":3}
          ]
        },
        "one": {"s":3,"name":"pay","t":3}
      }
    }
    "#);
    assert_snapshot!(fake.calls(), @"score of ann,bob,company,db,lib + score of pay + score of pay");
}

#[tokio::test]
async fn nothing_is_asked_that_is_not_selected() {
    let (engine, fake) = Fake::default().engine().await;
    engine
        .text("{ entities { nodes { name } } }", Value::Null)
        .await;
    assert_eq!(fake.calls(), "");
}

#[tokio::test]
async fn holes_leave_holes_and_document_order_stays() {
    let builds = |name: &str| {
        let items = (1..=2)
            .map(|number| {
                (
                    Item::Value(json!({ "number": number, "status": name })),
                    number.to_string().into(),
                )
            })
            .collect();
        Fetched::Page(FetchedPage {
            items,
            has_next: true,
            complete: Some(true),
            ..FetchedPage::default()
        })
        .into()
    };
    let (engine, fake) = Fake::default()
        .each("score", length)
        .each("service", service)
        .each("level", length)
        .each("builds", builds)
        .each("log", |number| value(json!(format!("log {number}"))))
        .engine()
        .await;
    let query = "{ components(first: 2) { nodes { service { level a: name entity { name } ... on Thing { b: name } } name builds(first: 2) { totalCount complete edges { cursor node { log number } } pageInfo { hasNextPage endCursor } } score } } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {
              "service": {"level":7,"a":"svc-lib","entity":null,"b":"svc-lib"},
              "name": "lib",
              "builds": {
                "totalCount": null,
                "complete": true,
                "edges": [
                  {"cursor":"1","node":{"log":"log 1","number":1}},
                  {"cursor":"2","node":{"log":"log 2","number":2}}
                ],
                "pageInfo": {"hasNextPage":true,"endCursor":"2"}
              },
              "score": 3
            },
            {
              "service": {"level":7,"a":"svc-pay","entity":null,"b":"svc-pay"},
              "name": "pay",
              "builds": {
                "totalCount": null,
                "complete": true,
                "edges": [
                  {"cursor":"1","node":{"log":"log 1","number":1}},
                  {"cursor":"2","node":{"log":"log 2","number":2}}
                ],
                "pageInfo": {"hasNextPage":true,"endCursor":"2"}
              },
              "score": 3
            }
          ]
        }
      }
    }
    "#);
    assert_snapshot!(fake.calls(), @r#"
    service of lib,pay + builds of lib,pay + score of lib,pay
    level of svc-lib,svc-pay + log of 1,2,1,2
    "#);
}

#[tokio::test]
async fn a_failure_is_null_with_an_error_at_its_path() {
    let (engine, _) = Fake::default()
        .each("score", |name| match name {
            "lib" => failure(),
            "pay" => value(json!("many")),
            _ => value(Value::Null),
        })
        .engine()
        .await;
    let query = "{ components { nodes { name\n  points: score } } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"
    {
      "data": {
        "components": {"nodes":[{"name":"lib","points":null},{"name":"pay","points":null},{"name":"web","points":null}]}
      },
      "errors": [
        {
          "message": "probe gave no answer",
          "locations": [{"line":2,"column":3}],
          "path": ["components","nodes",0,"points"],
          "extensions": {"code":"UPSTREAM_UNAVAILABLE","connector":"probe"}
        },
        {
          "message": "`probe` gave something for `Component.score` that is no `Int`",
          "locations": [{"line":2,"column":3}],
          "path": ["components","nodes",1,"points"],
          "extensions": {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_failed_list_leaves_its_parent_alone() {
    let (engine, _) = Fake::default().each("builds", |_| failure()).engine().await;
    let query = "{ component(ref: \"pay\") { name builds { nodes { number } } } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"
    {
      "data": {"component":{"name":"pay","builds":null}},
      "errors": [
        {
          "message": "probe gave no answer",
          "locations": [{"line":1,"column":32}],
          "path": ["component","builds"],
          "extensions": {"code":"UPSTREAM_UNAVAILABLE","connector":"probe"}
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_non_null_failure_takes_the_nearest_nullable_with_it() {
    let strict = |name: &str| match name {
        "svc-lib" => failure(),
        _ => length(name),
    };
    let (engine, fake) = Fake::default()
        .each("service", service)
        .each("strict", strict)
        .each("level", length)
        .each("must", |name| {
            if name == "db" {
                failure()
            } else {
                length(name)
            }
        })
        .each("score", length)
        .engine()
        .await;
    let query = "{ components { nodes { name service { level name strict } } } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {"name":"lib","service":null},
            {"name":"pay","service":{"level":7,"name":"svc-pay","strict":7}},
            {"name":"web","service":{"level":7,"name":"svc-web","strict":7}}
          ]
        }
      },
      "errors": [
        {
          "message": "probe gave no answer",
          "locations": [{"line":1,"column":50}],
          "path": ["components","nodes",0,"service","strict"],
          "extensions": {"code":"UPSTREAM_UNAVAILABLE","connector":"probe"}
        }
      ]
    }
    "#);
    assert_snapshot!(fake.calls(), @r#"
    service of lib,pay,web
    level of svc-lib,svc-pay,svc-web + strict of svc-lib,svc-pay,svc-web
    "#);
    let query = "{ resource(ref: \"db\") { name score must owner { name } } component(ref: \"pay\") { must } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"
    {
      "data": {"resource":null,"component":{"must":3}},
      "errors": [
        {
          "message": "probe gave no answer",
          "locations": [{"line":1,"column":36}],
          "path": ["resource","must"],
          "extensions": {"code":"UPSTREAM_UNAVAILABLE","connector":"probe"}
        }
      ]
    }
    "#);
    let query = "{ resources { nodes { name must } } component(ref: \"pay\") { must } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"
    {
      "data": null,
      "errors": [
        {
          "message": "probe gave no answer",
          "locations": [{"line":1,"column":28}],
          "path": ["resources","nodes",0,"must"],
          "extensions": {"code":"UPSTREAM_UNAVAILABLE","connector":"probe"}
        }
      ]
    }
    "#);
}

/// `score` comes only once `level`, which is below `service`, has been asked for.
#[tokio::test]
async fn groups_with_different_parents_do_not_wait_for_each_other() {
    let asked = Arc::new(Semaphore::new(0));
    let (tell, wait) = (Arc::clone(&asked), asked);
    let (engine, fake) = Fake::default()
        .each("service", service)
        .each("level", move |name| {
            tell.add_permits(1);
            length(name)
        })
        .slowly("score", move |group| {
            let wait = Arc::clone(&wait);
            async move {
                wait.acquire().await.unwrap().forget();
                group.parents.iter().map(|_| value(json!(1))).collect()
            }
        })
        .engine()
        .await;
    let query = "{ components(first: 1) { nodes { score service { level } } } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"{"data":{"components":{"nodes":[{"score":1,"service":{"level":7}}]}}}"#);
    assert_snapshot!(fake.calls(), @r#"
    score of lib + service of lib
    level of svc-lib
    "#);
}

#[tokio::test]
async fn the_deadline_leaves_nulls_and_says_so() {
    let (mut engine, _) = Fake::default()
        .each("score", length)
        .slowly("service", |_| std::future::pending())
        .engine()
        .await;
    engine.time = Duration::from_millis(20);
    let query = "{ component(ref: \"pay\") { score service { name } } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"
    {
      "data": {"component":{"score":3,"service":null}},
      "errors": [
        {
          "message": "the request's time was over before this was there",
          "locations": [{"line":1,"column":33}],
          "path": ["component","service"],
          "extensions": {"code":"TIMEOUT"}
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn whoever_goes_away_cancels_the_work() {
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let started = Arc::new(Semaphore::new(0));
    let (count, start) = (Arc::clone(&dropped), Arc::clone(&started));
    let (engine, _) = Fake::default()
        .slowly("score", move |_| {
            let guard = Guard(Arc::clone(&count));
            let start = Arc::clone(&start);
            async move {
                start.add_permits(1);
                std::future::pending::<()>().await;
                drop(guard);
                Vec::new()
            }
        })
        .engine()
        .await;
    let request = Request::new("{ component(ref: \"pay\") { score } }");
    let work = engine.engine.execute(&request, Budget::of(engine.time));
    tokio::select! {
        _ = work => panic!("it cannot have ended"),
        permit = started.acquire() => permit.unwrap().forget(),
    }
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_source_that_answers_too_little_is_at_fault() {
    let (engine, _) = Fake::default()
        .slowly("score", |_| async { vec![value(json!(1))] })
        .engine()
        .await;
    let query = "{ components(first: 2) { nodes { score } } }";
    assert_snapshot!(engine.text(query, Value::Null).await, @r#"
    {
      "data": {"components":{"nodes":[{"score":1},{"score":null}]}},
      "errors": [
        {
          "message": "the source gave no answer",
          "locations": [{"line":1,"column":34}],
          "path": ["components","nodes",1,"score"],
          "extensions": {"code":"INTERNAL_SERVER_ERROR"}
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn without_a_source_live_fields_are_not_configured() {
    let model = model(&[("connectors/probe/probe.graphql", CONNECTOR)]);
    let engine = TestEngine::new(snapshot(&model, CATALOG), Limits::default(), None).await;
    let (json, outcome) = engine
        .json("{ component(ref: \"pay\") { name score } }", Value::Null)
        .await;
    assert_eq!(outcome, Outcome::Ok);
    assert_snapshot!(json.to_string(), @r#"{"data":{"component":{"name":"pay","score":null}}}"#);
}

#[tokio::test]
async fn arguments_reach_the_source() {
    let (engine, _) = Fake::default()
        .slowly("builds", |group| async move {
            let status = serde_json::to_string(&*group.field.arguments).unwrap();
            let page = FetchedPage {
                items: vec![(
                    Item::Value(json!({ "number": 1, "status": status })),
                    "1".into(),
                )],
                ..FetchedPage::default()
            };
            group
                .parents
                .iter()
                .map(|_| Fetched::Page(page.clone()).into())
                .collect()
        })
        .engine()
        .await;
    let query = "query($branch: String) { component(ref: \"pay\") { a: builds(first: 3) { nodes { status } } b: builds(branch: $branch) { nodes { status } } } }";
    assert_snapshot!(engine.text(query, json!({ "branch": "next" })).await, @r#"
    {
      "data": {
        "component": {
          "a": {"nodes":[{"status":"{\"branch\":\"main\",\"first\":3}"}]},
          "b": {"nodes":[{"status":"{\"branch\":\"next\"}"}]}
        }
      }
    }
    "#);
}
