//! The built-in connector of a code host, signed in as an app: every account by its own installation, and nothing of two in one request.

use std::sync::Arc;
use std::time::Duration;

use callboard::app::folders;
use callboard::cache::{Cache, Settings};
use callboard::clock::Clock;
use callboard::config::Config;
use callboard::connect::{Actions, LiveSource, Runtime};
use callboard::egress::{self, Egress};
use callboard::graphql::Limits;
use callboard::store::Store;
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::Metrics;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::app_host::{APP_ID, AppHost, PKCS1, REVOKED};
use crate::support::engine::{TestEngine, model, snapshot};
use crate::support::upstream::{Asked, Reply};

struct World {
    engine: TestEngine,
    host: AppHost,
    clock: Clock,
    _folder: TempDir,
}

/// Components `name: slug`, or `name: slug@host`.
async fn world(components: &[(&str, &str)], settings: impl FnOnce(&str) -> Value) -> World {
    let folders = folders::built_in().into_iter();
    let files: Vec<(String, String)> = folders
        .flat_map(|folder| folder.sdl)
        .map(|file| (file.path.to_string(), file.text))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    let model = model(&files);
    let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
    let host = AppHost::start(&clock, answer).await;
    let text = json!({ "connectors": { "github": settings(&host.upstream.url) } }).to_string();
    let file = "callboard.yaml".into();
    let (config, problems) =
        Config::parse(Some((&file, &text)), std::path::Path::new("."), &|_| None);
    assert_eq!(problems, []);
    let config = config.unwrap();
    let (tasks, metrics) = (Tasks::new(), Metrics::default());
    let cache = Settings::from(&config.cache);
    let cache = Cache::open(cache, clock.clone(), metrics.cache().clone(), &tasks).await;
    let egress = Egress::new(egress::Settings {
        clock: clock.clone(),
        ..egress::Settings::default()
    });
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("audit.db").display());
    let actions = Actions::new(Store::open(&url).await.unwrap());
    let runtime = Runtime::with_actions(
        Arc::clone(&model),
        &config.connectors,
        cache,
        &egress.unwrap(),
        tasks,
        actions,
    );
    let live: Arc<dyn LiveSource> = Arc::new(runtime);
    let each = components.iter().map(|(name, slug)| {
        let (slug, at) = slug.split_once('@').unwrap_or((slug, "github.com"));
        format!("---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: {name}, annotations: {{ github.com/project-slug: '{slug}', backstage.io/source-location: 'url:https://{at}/{slug}' }} }}\nspec: {{ type: service, lifecycle: production, owner: team }}\n")
    });
    let snapshot = snapshot(&model, &each.collect::<String>());
    let mut engine = TestEngine::new(snapshot, Limits::default(), Some(live)).await;
    engine.may_act = true;
    World {
        engine,
        host,
        clock,
        _folder: folder,
    }
}

/// Signed in as the app.
fn as_app(url: &str) -> Value {
    json!({
        "config": { "appId": 4711, "graphqlUrl": format!("{url}/graphql"), "restUrl": url },
        "secrets": { "appKey": PKCS1 },
    })
}

/// What an installation sees: the repositories of its account.
fn answer(asked: &Asked, account: &str) -> Reply {
    if asked.path() == "/graphql" {
        return Reply::json(&graph(&serde_json::from_str(&asked.body).unwrap(), account));
    }
    let steps: Vec<&str> = asked.path().split('/').collect();
    let ["", "repos", owner, name, rest @ ..] = steps.as_slice() else {
        return Reply::status(404);
    };
    if !owner.eq_ignore_ascii_case(account) {
        return Reply::status(404);
    }
    match (asked.method.as_str(), rest) {
        ("GET", ["contributors"]) => {
            Reply::json(&json!([{ "id": 5, "login": "ada", "contributions": 3 }]))
        }
        ("GET", ["actions", "runs"]) => Reply::json(&json!({ "total_count": 1, "workflow_runs": [
            { "id": 77, "name": "build", "run_number": 1, "status": "completed", "conclusion": "failure",
              "repository": { "full_name": format!("{owner}/{name}") } } ] })),
        ("GET", ["actions", "runs", "77"]) => Reply::json(&json!({ "id": 77, "status": "queued",
              "repository": { "full_name": format!("{owner}/{name}") } })),
        ("POST", _) => Reply {
            status: 201,
            ..Reply::json(&json!({}))
        },
        _ => Reply::status(404),
    }
}

fn graph(asked: &Value, account: &str) -> Value {
    let text = asked["query"].as_str().unwrap();
    let variable = |call: &str, name: &str| {
        let (_, rest) = call.split_once(&format!("{name}: $")).unwrap();
        let variable = rest.split([',', ')']).next().unwrap();
        asked["variables"][variable].as_str().unwrap().to_owned()
    };
    let (mut data, mut errors) = (Map::new(), Vec::new());
    let calls = text.lines().filter(|line| line.contains(": repository("));
    for call in calls {
        let alias = call.trim().split(':').next().unwrap();
        let (owner, name) = (variable(call, "owner"), variable(call, "name"));
        let value = match owner.eq_ignore_ascii_case(account) {
            true => json!({ "__typename": "Repository", "id": format!("R_{name}"), "name": name,
                "nameWithOwner": format!("{owner}/{name}"), "stargazerCount": account.len() }),
            false => {
                errors.push(json!({ "type": "NOT_FOUND", "path": [alias], "message": "Could not resolve to a Repository" }));
                Value::Null
            }
        };
        data.insert(alias.to_owned(), value);
    }
    match errors.is_empty() {
        true => json!({ "data": data }),
        false => json!({ "data": data, "errors": errors }),
    }
}

impl World {
    async fn ask(&self, query: &str) -> Value {
        self.engine.json(query, Value::Null).await.0
    }

    fn minute(&self) {
        self.clock.set(self.clock.now() + Duration::from_secs(61));
    }
}

const STARS: &str = "{ components(first: 10) { nodes { name repository { stars } } } }";

fn stars(answer: &Value) -> String {
    let nodes = answer["data"]["components"]["nodes"].as_array().unwrap();
    let each = nodes
        .iter()
        .map(|node| format!("{} {}", node["name"], node["repository"]["stars"]));
    each.collect::<Vec<_>>().join(", ").replace('"', "")
}

#[tokio::test]
async fn two_owners_in_one_query_are_two_installations_and_two_documents() {
    let components = [
        ("a1", "acme/one"),
        ("a2", "acme/two"),
        ("b1", "ada/one"),
        ("a3", "ACME/three"),
    ];
    let world = world(&components, as_app).await;
    let answer = world.ask(STARS).await;
    assert_eq!(answer.get("errors"), None);
    assert_eq!(stars(&answer), "a1 4, a2 4, a3 4, b1 3");
    let (desk, mut asked) = world.host.take();
    asked.sort();
    assert_eq!(desk.len(), 5);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(
        asked[0].contains("ghs_acme_") && asked[1].contains("ghs_ada_"),
        "{asked:?}"
    );
    world.ask(STARS).await;
    assert_eq!(world.host.take(), (vec![], vec![]));

    // What was fetched of an account is asked on at the same installation.
    let deep = r#"{ components(first: 10) { nodes { name githubRepository { contributors { nodes { login } } } ciRuns { nodes { id } } } } }"#;
    let answer = world.ask(deep).await;
    assert_eq!(answer.get("errors"), None);
    let (desk, asked) = world.host.take();
    assert_eq!(desk, [] as [&str; 0]);
    for line in &asked {
        let own = ["acme", "ada"]
            .iter()
            .filter(|account| line.to_lowercase().contains(&format!("/repos/{account}/")));
        let own: Vec<_> = own.collect();
        let of = |account: &&&str| line.contains(&format!("ghs_{account}_"));
        assert!(own.is_empty() || own.iter().all(of), "{line}");
    }
    let rest = asked.iter().filter(|line| line.contains("/repos/")).count();
    assert_eq!(rest, 8, "{asked:?}");
}

#[tokio::test]
async fn an_action_goes_out_as_the_installation_that_showed_its_object() {
    let world = world(&[("a1", "acme/one"), ("b1", "ada/one")], as_app).await;
    let runs = world
        .ask(r#"{ component(ref: "b1") { ciRuns { nodes { id } } } }"#)
        .await;
    let id = runs["data"]["component"]["ciRuns"]["nodes"][0]["id"]
        .as_str()
        .unwrap();
    world.host.take();
    let done = world
        .ask(&format!("mutation {{ rerunCiRun(input: {{ id: \"{id}\" }}) {{ ciRun {{ status }} userErrors {{ code message }} }} }}"))
        .await;
    assert_eq!(
        done["data"]["rerunCiRun"]["userErrors"],
        json!([]),
        "{done}"
    );
    let (desk, asked) = world.host.take();
    assert_eq!(desk, [] as [&str; 0]);
    assert!(
        asked.iter().all(|line| line.contains("ghs_ada_")),
        "{asked:?}"
    );
    assert!(
        asked
            .iter()
            .any(|line| line.starts_with("POST /repos/ada/one/actions/runs/77/rerun")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn an_account_without_the_app_costs_its_own_fields_until_it_is_installed() {
    let world = world(
        &[("a1", "acme/one"), ("x1", "bolt/one"), ("x2", "a b/one")],
        as_app,
    )
    .await;
    let query = r#"{ components(first: 10) { nodes { name repository { stars } live(fields: ["repository"]) { state code hint } } } }"#;
    let answer = world.ask(query).await;
    assert_eq!(stars(&answer), "a1 4, x1 null, x2 null");
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{answer}");
    assert_eq!(
        errors[0]["path"],
        json!(["components", "nodes", 1, "repository"])
    );
    assert_eq!(errors[0]["extensions"]["code"], "UPSTREAM_UNAUTHORIZED");
    assert!(
        errors[0]["message"]
            .as_str()
            .unwrap()
            .contains("the app is not installed for `bolt`"),
        "{answer}"
    );
    let live = |position: usize| answer["data"]["components"]["nodes"][position]["live"][0].clone();
    assert_eq!(live(1)["state"], "FAILED");
    assert_eq!(live(1)["code"], "UPSTREAM_UNAUTHORIZED");
    // What can be nobody's name is never asked for.
    assert_eq!(live(2)["state"], "NO_ANNOTATION");
    assert!(
        live(2)["hint"]
            .as_str()
            .unwrap()
            .contains("no name of an account"),
        "{answer}"
    );
    world.host.take();
    world.ask(query).await;
    assert_eq!(world.host.take(), (vec![], vec![]));

    world
        .host
        .state
        .lock()
        .installed
        .insert("bolt".to_owned(), (13, true));
    world.minute();
    let answer = world.ask(STARS).await;
    assert_eq!(
        (stars(&answer).as_str(), answer.get("errors")),
        ("a1 4, x1 4, x2 null", None)
    );
}

#[tokio::test]
async fn a_token_goes_before_the_app() {
    let world = world(&[("a1", "acme/one")], |url| {
        let mut settings = as_app(url);
        settings["secrets"]["token"] = "ghp_of_somebody".into();
        settings
    })
    .await;
    let ends = "2027-01-01T00:00:00Z".parse().unwrap();
    let known = ("acme".to_owned(), ends);
    world
        .host
        .state
        .lock()
        .tokens
        .insert("ghp_of_somebody".to_owned(), known);
    assert_eq!(stars(&world.ask(STARS).await), "a1 4");
    assert_eq!(
        world.host.take(),
        (vec![], vec!["POST /graphql ghp_of_somebody".to_owned()])
    );
}

#[tokio::test]
async fn what_is_wrong_with_the_app_says_which_setting() {
    let state = r#"{ component(ref: "a1") { repository { stars } live(fields: ["repository"]) { state hint code } } }"#;
    let changed = |change: fn(&mut Value)| {
        move |url: &str| {
            let mut settings = as_app(url);
            change(&mut settings);
            settings
        }
    };
    type Case = (fn(&mut Value), &'static str);
    let cases: [Case; 4] = [
        (
            |settings| settings["secrets"]["appKey"] = "s3cret".into(),
            "`connectors.github.secrets.appKey` holds no private key in PEM form, from `-----BEGIN RSA PRIVATE KEY-----` (or `-----BEGIN PRIVATE KEY-----`) to its end line",
        ),
        (
            |settings| {
                drop(
                    settings["secrets"]
                        .as_object_mut()
                        .unwrap()
                        .remove("appKey"),
                )
            },
            "set `connectors.github.secrets.appKey`",
        ),
        (
            |settings| drop(settings["config"].as_object_mut().unwrap().remove("appId")),
            "set `connectors.github.config.appId`",
        ),
        (
            |settings| *settings = json!({ "config": settings["config"] }),
            "set `connectors.github.secrets.appKey`",
        ),
    ];
    for (change, hint) in cases {
        let world = world(&[("a1", "acme/one")], changed(change)).await;
        let answer = world.ask(state).await;
        let live = &answer["data"]["component"]["live"][0];
        assert_eq!(
            (&live["state"], &live["hint"]),
            (&json!("NOT_CONFIGURED"), &json!(hint))
        );
        assert_eq!(answer.get("errors"), None);
        assert_eq!(world.host.take(), (vec![], vec![]));
    }
    let nothing = world(&[("a1", "acme/one")], |_| json!({ "config": {} })).await;
    let answer = nothing.ask(state).await;
    assert_eq!(
        answer["data"]["component"]["live"][0]["hint"],
        "set `connectors.github.secrets.token`; or, for an app, set `connectors.github.config.appId`, and set `connectors.github.secrets.appKey`"
    );

    // A key that the host no longer knows: an error, and the words of nobody's secret.
    let world = world(
        &[("a1", "acme/one")],
        changed(|settings| settings["secrets"]["appKey"] = REVOKED.into()),
    )
    .await;
    let answer = world.ask(state).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "UPSTREAM_UNAUTHORIZED");
    assert_eq!(
        error["message"],
        "`github` (source `graphql`) at `repository` does not know the app by its key: look at `connectors.github.secrets.appKey`, and at the app's id beside it"
    );
    assert!(!answer.to_string().contains("127.0.0.1"));
    assert_eq!(APP_ID, "4711");
}

/// Two hosts with repositories of the same names, one asked as an app and one with a token.
#[tokio::test]
async fn two_hosts_share_no_document_no_value_and_no_budget() {
    let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
    let internal = AppHost::start(&clock, |asked, account| {
        let reply = answer(asked, account);
        Reply {
            body: reply
                .body
                .replace("\"stargazerCount\":4", "\"stargazerCount\":99"),
            ..reply
        }
    })
    .await;
    let known = ("acme".to_owned(), "2027-01-01T00:00:00Z".parse().unwrap());
    internal
        .state
        .lock()
        .tokens
        .insert("ghp_internal".to_owned(), known);
    let components = [
        ("a1", "acme/one"),
        ("a2", "acme/two"),
        ("i1", "acme/one@ghe.example"),
        ("i2", "acme/two@ghe.example"),
    ];
    let world = world(&components, |url| {
        let own = &internal.upstream.url;
        let mut settings = as_app(url);
        settings["instances"] = json!({ "ghe.example": {
            "config": { "graphqlUrl": format!("{own}/graphql"), "restUrl": own },
            "secrets": { "token": "ghp_internal" },
        } });
        settings
    })
    .await;
    let expected = "a1 4, a2 4, i1 99, i2 99";
    assert_eq!(stars(&world.ask(STARS).await), expected);
    let (_, public) = world.host.take();
    assert_eq!(public, ["POST /graphql ghs_acme_1"]);
    assert_eq!(
        internal.take(),
        (vec![], vec!["POST /graphql ghp_internal".to_owned()])
    );
    assert_eq!(stars(&world.ask(STARS).await), expected);
    assert_eq!(
        (world.host.take(), internal.take()),
        ((vec![], vec![]), (vec![], vec![]))
    );

    // One has nothing left to give; the other does not know of it.
    world.host.state.lock().answer = Some(
        Reply::json(&json!({ "data": { "a0": null, "a1": null }, "errors": [{ "type": "RATE_LIMITED", "message": "API rate limit exceeded" }] }))
            .header("x-ratelimit-limit", "5000")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", "1772367600"),
    );
    world
        .clock
        .set(world.clock.now() + Duration::from_secs(24 * 3600));
    let codes = |answer: &Value| {
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        let each = errors
            .iter()
            .map(|error| format!("{} {}", error["path"], error["extensions"]["code"]));
        each.collect::<Vec<_>>().join(", ").replace('"', "")
    };
    let answer = world.ask(STARS).await;
    assert_eq!(stars(&answer), "a1 null, a2 null, i1 99, i2 99");
    assert_eq!(
        codes(&answer),
        "[components,nodes,0,repository] UPSTREAM_RATE_LIMITED, [components,nodes,1,repository] UPSTREAM_RATE_LIMITED"
    );
}
