//! Actions: what `Mutation` changes at upstreams, once, with an audit, and shown as it is afterwards.

mod built_in;
mod demo;
mod faults;
mod graphs;
mod keys;
mod shown;

use std::sync::Arc;
use std::time::Duration;

use callboard::cache::{Cache, Settings};
use callboard::clock::Clock;
use callboard::config::Config;
use callboard::connect::{Actions, LiveSource, Runtime};
use callboard::egress::{self, Egress};
use callboard::graphql::Limits;
use callboard::store::Store;
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::Metrics;
use sea_orm::{ConnectionTrait as _, Database, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{Place, Running};
use crate::support::engine::{TestEngine, model, snapshot};
use crate::support::upstream::{Asked, Reply, Upstream};

/// Runs of jobs that can be made to run again; parts of runs, too.
const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url", auth: { type: BEARER, token: "$secret.token" }, limits: { retries: 2, timeout: "500ms", breakerErrors: 1000 })
type ProbeRun implements CiRun
  @supplies(field: "Entity.ciRuns")
  @identity(from: "id")
  @connect(source: "rest", instance: "$job | before(':')", let: [{ name: "job", value: "$entity.metadata.annotations.'probe/job'" }], get: "/jobs/{$job | after(':')}", at: "runs[]")
  @cache(maxAge: "1h", tags: ["probe:{$job}"]) {
  status: CiStatus @field(at: "state", enum: [{ from: "red", to: "FAILED" }, { from: "new", to: "RUNNING" }])
  parts: [ProbePart] @connect(source: "rest", get: "/runs/{$this.id}/parts", at: "parts[]") @cache(maxAge: "1h", tags: ["parts:{$this.id}"])
}
type ProbePart implements Live @identity(from: "id") { state: String }
type ProbeRerun implements RerunCiRunPayload
  @supplies(field: "Mutation.rerunCiRun", from: "ProbeRun")
  @connect(source: "rest", let: [{ name: "run", value: "$args.input.failedJobsOnly | map(null, true, false, true, true, null) && $this.id" }],
    post: "/runs/{$run}/rerun", body: "{ job: $job }", purge: ["probe:{$job}"]) {
  "What the upstream calls the request."
  ticket: String
  ciRun: ProbeRun @connect(source: "rest", get: "/runs/{$run}")
}
"#;

const CONFIG: &str = "
connectors:
  probe:
    config: { url: URL }
    secrets: { token: s3cret }
    instances: { other: { config: { url: URL/other }, secrets: { token: s3cret } } }
";

struct World {
    engine: TestEngine,
    upstream: Upstream,
    store: Store,
    cache: Cache,
    tasks: Tasks,
    folder: TempDir,
}

/// What the upstream does unless a test says otherwise.
fn usual(asked: &Asked) -> Reply {
    let path = asked.path();
    if asked.method == "POST" {
        return Reply::json(&json!({ "ticket": format!("for {path}") }));
    }
    match path.rsplit('/').next().unwrap() {
        "pay" => Reply::json(
            &json!({ "runs": [{ "id": 1, "state": "red" }, { "id": 2, "state": "red" }] }),
        ),
        "parts" => Reply::json(
            &json!({ "parts": [{ "id": 11, "state": "red" }, { "id": 12, "state": "green" }] }),
        ),
        id => Reply::json(&json!({ "id": id.parse::<u32>().unwrap_or_default(), "state": "new" })),
    }
}

impl World {
    async fn start() -> Self {
        Self::with(SDL, CONFIG).await
    }

    async fn with(sdl: &str, config: &str) -> Self {
        // Only lost if another test was faster.
        drop(rustls::crypto::ring::default_provider().install_default());
        let upstream = Upstream::start(usual).await;
        let text = config.replace("URL", &upstream.url);
        let name = "callboard.yaml".into();
        let folder = std::path::Path::new(".");
        let (config, problems) = Config::parse(Some((&name, &text)), folder, &|_| None);
        assert_eq!(problems, []);
        let config = config.unwrap();
        let model = model(&[("connectors/probe/probe.graphql", sdl)]);
        let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
        let (tasks, metrics) = (Tasks::new(), Metrics::default());
        let settings = Settings {
            patience: Duration::from_secs(5),
            ..Settings::from(&config.cache)
        };
        let cache = Cache::open(settings, clock.clone(), metrics.cache().clone(), &tasks).await;
        let egress = Egress::new(egress::Settings {
            clock,
            ..egress::Settings::default()
        });
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("audit.db").display());
        let store = Store::open(&url).await.unwrap();
        let runtime = Runtime::with_actions(
            Arc::clone(&model),
            &config.connectors,
            cache.clone(),
            &egress.unwrap(),
            tasks.clone(),
            Actions::new(store.clone()),
        );
        let live: Arc<dyn LiveSource> = Arc::new(runtime);
        let component = |name: &str, job: &str| {
            format!(
                "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name}, annotations: {{ probe/job: '{job}' }} }}\nspec: {{ type: service, lifecycle: production, owner: team }}\n"
            )
        };
        let catalog = component("pay", "pay") + &component("till", "other:pay");
        let mut engine =
            TestEngine::new(snapshot(&model, &catalog), Limits::default(), Some(live)).await;
        engine.may_act = true;
        Self {
            engine,
            upstream,
            store,
            cache,
            tasks,
            folder,
        }
    }

    async fn ask(&self, query: &str) -> Value {
        let (json, _) = self.engine.json(query, Value::Null).await;
        json
    }

    /// The ids of the runs of a component, as they are shown.
    async fn ids(&self, component: &str) -> Vec<String> {
        let query =
            format!("{{ component(ref: \"{component}\") {{ ciRuns {{ nodes {{ id }} }} }} }}");
        let json = self.ask(&query).await;
        let nodes = json["data"]["component"]["ciRuns"]["nodes"].as_array();
        let nodes = nodes.unwrap_or_else(|| panic!("{json}"));
        nodes
            .iter()
            .map(|node| node["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Makes a run run again; the payload, or all of the answer where there is none.
    async fn rerun(&self, id: &str, more: &str) -> Value {
        let query = rerun(id, more);
        let mut json = self.ask(&query).await;
        match json["data"]["rerunCiRun"].take() {
            Value::Null => json,
            payload => payload,
        }
    }

    /// Column by column what the audit holds.
    async fn audit(&self, columns: &str) -> Vec<String> {
        let url = format!("sqlite:{}", self.folder.path().join("audit.db").display());
        let database = Database::connect(url).await.unwrap();
        let columns: Vec<&str> = columns.split(' ').collect();
        let texts = columns
            .iter()
            .map(|column| format!("COALESCE(CAST({column} AS TEXT), '-')"));
        let sql = format!(
            "SELECT {} AS line FROM audit ORDER BY id",
            texts.collect::<Vec<_>>().join(" || ' ' || ")
        );
        let statement = Statement::from_string(database.get_database_backend(), sql);
        let rows = database.query_all_raw(statement).await.unwrap();
        rows.iter()
            .map(|row| row.try_get("", "line").unwrap())
            .collect()
    }

    /// `METHOD target` in the order in which they came.
    fn asked(&self) -> Vec<String> {
        let asked = self.upstream.take();
        asked
            .iter()
            .map(|asked| format!("{} {}", asked.method, asked.target))
            .collect()
    }
}

fn rerun(id: &str, more: &str) -> String {
    format!(
        "mutation {{ rerunCiRun(input: {{ id: \"{id}\" {more} }}) {{ __typename ciRun {{ id status }} userErrors {{ code message field }} auditId }} }}"
    )
}

#[tokio::test]
async fn an_action_is_done_once_and_its_payload_is_what_is_afterwards() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    world.asked();
    let payload = world.rerun(&ids[1], "").await;
    assert_eq!(
        payload,
        json!({ "__typename": "ProbeRerun", "ciRun": { "id": ids[1], "status": "RUNNING" }, "userErrors": [], "auditId": "1" })
    );
    assert_eq!(world.asked(), ["POST /runs/2/rerun", "GET /runs/2"]);
    // What was kept of the list is stale now; that of another job is not.
    world.ids("pay").await;
    assert_eq!(world.asked(), ["GET /jobs/pay"]);
    let audit = world
        .audit("at action connector instance subject entity_ref outcome code ended_at arguments")
        .await;
    let at = "1772366400000000";
    let expected = format!(
        "{at} Mutation.rerunCiRun probe default {id} component:default/pay done - {at} {{\"id\":\"{id}\"}}",
        id = ids[1]
    );
    assert_eq!(audit, [expected]);
}

#[tokio::test]
async fn an_action_goes_where_its_object_came_from() {
    let world = World::start().await;
    let here = world.ids("pay").await;
    let there = world.ids("till").await;
    assert_ne!(here, there);
    world.asked();
    let payload = world.rerun(&there[0], "").await;
    assert_eq!(
        payload["ciRun"],
        json!({ "id": there[0], "status": "RUNNING" })
    );
    assert_eq!(
        world.asked(),
        ["POST /other/runs/1/rerun", "GET /other/runs/1"]
    );
    assert_eq!(world.audit("instance outcome").await, ["other done"]);
}

#[tokio::test]
async fn actions_of_one_request_run_one_after_the_other() {
    let world = World::start().await;
    let ids = world.ids("pay").await;
    world.asked();
    let query = format!(
        "mutation {{ a: rerunCiRun(input: {{ id: \"{0}\" }}) {{ ciRun {{ status }} }} b: rerunCiRun(input: {{ id: \"{1}\" }}) {{ ciRun {{ status }} }} c: rerunCiRun(input: {{ id: \"{0}\" }}) {{ ciRun {{ status }} ... on ProbeRerun {{ ticket }} }} }}",
        ids[0], ids[1]
    );
    let json = world.ask(&query).await;
    let running = json!({ "status": "RUNNING" });
    assert_eq!(
        json,
        json!({ "data": { "a": { "ciRun": running }, "b": { "ciRun": running }, "c": { "ciRun": running, "ticket": "for /runs/1/rerun" } } })
    );
    assert_eq!(
        world.asked(),
        [
            "POST /runs/1/rerun",
            "GET /runs/1",
            "POST /runs/2/rerun",
            "GET /runs/2",
            "POST /runs/1/rerun",
            "GET /runs/1"
        ]
    );
}

#[tokio::test]
async fn a_field_of_mutation_may_have_a_request_of_its_own() {
    let sdl = r#"
extend schema @source(name: "rest", url: "$config.url")
extend type Mutation { "Sweeps." sweep(input: SweepInput!): Swept @connect(source: "rest", delete: "/dust/{$args.input.room}", purge: ["dust"]) }
input SweepInput { room: String!, token: String, idempotencyKey: String }
type Swept { bags: Int }
"#;
    let config = "connectors: { probe: { config: { url: URL } } }";
    let world = World::with(sdl, config).await;
    world
        .upstream
        .answer(|_| Reply::json(&json!({ "bags": 3 })));
    let query = "mutation { sweep(input: { room: \"attic\", token: \"s3cret\" }) { bags } }";
    assert_eq!(
        world.ask(query).await,
        json!({ "data": { "sweep": { "bags": 3 } } })
    );
    assert_eq!(world.asked(), ["DELETE /dust/attic"]);
    let audit = world.audit("subject outcome arguments").await;
    assert_eq!(audit, [r#"- done {"room":"attic","token":"***"}"#]);
    // What stands in the audit has a limit; control characters are its own text there, and stand in no path.
    let room = |text: &str| {
        format!(
            "mutation {{ sweep(input: {{ room: {} }}) {{ bags }} }}",
            json!(text)
        )
    };
    for (text, code, message) in [
        (
            "x".repeat(64 * 1024),
            "BAD_USER_INPUT",
            "the arguments are 65557 bytes of JSON, and at most 65536 are taken",
        ),
        (
            "a\0b".to_owned(),
            "NOT_SUPPORTED",
            "`probe` cannot do this to it, or not in this way: its README says what it can",
        ),
    ] {
        let json = world.ask(&room(&text)).await;
        assert_eq!(json["errors"][0]["extensions"]["code"], code, "{json}");
        assert_eq!(json["errors"][0]["message"], message, "{json}");
    }
    assert_eq!(world.asked(), [""; 0]);
    // Its type has no place for what went wrong.
    world.upstream.answer(|_| Reply::status(409));
    let json = world.ask(query).await;
    assert_eq!(json["data"], json!({ "sweep": null }));
    assert_eq!(json["errors"][0]["path"], json!(["sweep"]));
    assert_eq!(
        json["errors"][0]["extensions"]["code"],
        "UPSTREAM_UNAVAILABLE"
    );
}

#[tokio::test]
async fn whoever_is_not_known_may_not_act() {
    let mut world = World::start().await;
    let ids = world.ids("pay").await;
    world.asked();
    world.engine.may_act = false;
    let payload = world.rerun(&ids[0], "").await;
    assert_eq!(payload["__typename"], "RerunCiRunRefusal");
    assert_eq!(payload["userErrors"][0]["code"], "FORBIDDEN");
    assert_eq!(payload["auditId"], Value::Null);
    assert_eq!(world.asked(), [""; 0]);
    assert_eq!(world.audit("id").await, [""; 0]);
}

#[tokio::test]
async fn an_action_that_nobody_waits_for_is_brought_to_its_end() {
    let mut world = World::start().await;
    let ids = world.ids("pay").await;
    world.upstream.answer(|asked| match asked.method.as_str() {
        "POST" => usual(asked).after(Duration::from_millis(200)),
        _ => usual(asked),
    });
    world.engine.time = Duration::from_millis(50);
    let json = world.ask(&rerun(&ids[0], "")).await;
    assert_eq!(json["errors"][0]["extensions"]["code"], "TIMEOUT");
    assert_eq!(world.audit("outcome").await, ["pending"]);
    assert!(
        world
            .tasks
            .shutdown(Duration::from_secs(10))
            .await
            .is_empty()
    );
    assert_eq!(world.audit("outcome").await, ["done"]);
}

/// What a server says to an action; nobody is known by name yet.
#[test]
fn a_server_that_others_can_reach_does_nothing() {
    for (config, code) in [
        ("database: { url: 'sqlite:a.db' }", "UNKNOWN_ID"),
        ("server: { allowAnonymous: true }", "FORBIDDEN"),
    ] {
        let place = Place::with(&[("callboard.yaml", config)]);
        let command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
        let server = Running::start(command, false);
        let query = "mutation { rerunCiRun(input: { id: \"l1\" }) { userErrors { code } } }";
        let start = std::time::Instant::now();
        let said = loop {
            let ran = place.run(&["query", query, "--url", &server.url]);
            // Until the catalog is there.
            if ran.out.contains("userErrors") {
                break ran.out;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{ran}");
        };
        assert!(said.contains(code), "{said}");
    }
}
