//! Simulated upstreams: examples in, HTTP out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard::clock::Clock;
use callboard::connect::example::{Example, Settings};
use callboard::sdl::{self, Model, SdlFile};
use callboard::simulate::{Fault, Options, Simulated};
use callboard::tasks::Tasks;
use insta::assert_snapshot;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url ?? 'https://bell.example/api/v1'", auth: { type: BEARER, token: "$secret.token" })
extend interface Entity {
  bell: Bell @connect(source: "rest", get: "/bells/{$entity.metadata.annotations.'bell/id'}", at: "bell")
}
type Bell implements Live @identity(from: "id") {
  size: Int
  duties: [BellDuty] @connect(source: "rest", get: "/duties?ids[]={$batch.key}", at: "rows[]",
    batch: { style: LIST, key: "$this.id", match: "bell.id" },
    page: { style: OFFSET, size: "limit", cursor: "offset", more: "more", total: "count" })
  logs: [BellLog] @connect(source: "rest", get: "/bells/{$this.id}/logs", at: "$[]", page: { style: LINK, size: "per_page" })
  rings: [BellRing] @connect(source: "rest", get: "/bells/{$this.id}/rings", at: "items[]", page: { style: CURSOR, cursor: "token", next: "next" })
  repairs: [BellRepair] @connect(source: "rest", get: "/bells/{$this.id}/repairs", at: "items[]", page: { style: PAGE, cursor: "page", size: "n", next: "nextPage" })
}
type BellDuty implements Live @identity(from: "n") { n: Int }
type BellLog implements Live @identity(from: "n") { n: Int }
type BellRing implements Live @identity(from: "n") { n: Int }
type BellRepair implements Live @identity(from: "n") { n: Int }
"#;

const ONE: &str = "
query: '{ x }'
settings: { secrets: { token: t } }
expect: { data: null }
upstream:
  - get: /bells/B1
    headers: { X-RateLimit-Remaining: 100, X-RateLimit-Reset: 1700000000, X-RateLimit-Limit: 100, ETag: W/\"as-it-was\" }
    body: { bell: { id: B1, size: 3, state: RINGING, parts: [{ n: 1 }] } }
    steps:
      - { after: 20s, set: { bell.state: SILENT } }
      - { after: 40s, set: { 'bell.parts[0].n': 2, 'bell.note': 'after a while' } }
  - get: /bells/B1
    when: { query: { detail: full } }
    body: { bell: { id: B1, detail: full } }
  - post: /bells/B1/stop
    when: { body: { hard: true } }
    status: 202
    body: { ok: true }
    effect: { on: GET /bells/B1, set: { bell.state: STOPPED } }
  - get: /duties
    rows: { at: 'rows[]', match: bell.id, param: 'ids[]', page: { style: OFFSET } }
    body: { rows: [{ n: 1, bell: { id: B1 } }, { n: 2, bell: { id: B1 } }, { n: 3, bell: { id: B1 } }] }
  - get: /bells/B1/logs
    rows: { at: '$[]', page: { style: LINK } }
    body: [{ n: 1 }, { n: 2 }, { n: 3 }]
  - get: /bells/B1/rings
    rows: { at: 'items[]', page: { style: CURSOR, pageSize: 2 } }
    body: { items: [{ n: 1 }, { n: 2 }, { n: 3 }] }
  - get: /bells/B1/repairs
    rows: { at: 'items[]', page: { style: PAGE } }
    body: { items: [{ n: 1 }, { n: 2 }, { n: 3 }] }
";

/// One reply for many objects, and writes to any of them.
const ANY: &str = "
query: '{ any }'
expect: { data: null }
upstream:
  - get: /towers/T1/bells
    body: { bells: [{ id: C1, state: RINGING }, { id: C2, state: RINGING }] }
  - get: /towers/T2/bells
    body: { bells: [{ id: C/3, state: RINGING }] }
  - get: /chimes/C2
    body: { chime: { id: C2, own: true } }
  - get: /chimes/{chime}
    item: { of: 'GET /towers/{any}/bells', at: 'bells[id={chime}]', to: chime }
  - post: /chimes/{chime}/stop
    body: { stopped: '{chime}' }
    effect:
      - { on: 'GET /towers/{any}/bells', set: { 'bells[id={chime}].state': STOPPED, 'bells[id={chime}].at': '{now}' } }
      - { after: 20s, on: 'GET /towers/{any}/bells', set: { 'bells[state=STOPPED].at': '{now}', 'bells[state=STOPPED].state': SILENT } }
";

/// Written in February; the world is of March the first, at noon and a quarter of a minute.
const MOVED: &str = "
query: '{ z }'
clock: 2026-02-01T12:00:15Z
expect: { data: null }
upstream:
  - get: /bells/B7
    body:
      forms: ['2026-02-01T12:00:00Z', '2025-02-01T12:00:00.120+01:00', '2026-02-01T12:00:00.000000-0330']
      numbers: [1769947200000, 1769947200, 1769947200.5, 42, 1000000000]
      others: ['2026-02-01', 'since 2026-02-01T12:00:00Z', '1769947200', null, true, '']
    steps:
      - { after: 20s, set: { forms: ['2026-02-01T12:00:20Z'] } }
  - post: /bells/B7/stop
    body: { at: '2026-02-01T12:00:00Z' }
    effect: { on: GET /bells/B7, set: { numbers: [1769947200] } }
";

const TWO: &str = "
query: '{ y }'
expect: { data: null }
upstream:
  - get: /duties
    when: { query: { 'ids[]': [B2] } }
    rows: { at: 'rows[]', match: bell.id, param: 'ids[]', page: { style: OFFSET } }
    body: { rows: [{ n: 3, bell: { id: B1 } }, { n: 9, bell: { id: B2 } }] }
  - get: /bells/B%2F2
    body: a text
";

struct World {
    runtime: Runtime,
    model: Model,
    simulated: Simulated,
    client: reqwest::Client,
    tasks: Tasks,
}

fn model() -> Model {
    let mut files = sdl::core_files();
    files.push(SdlFile {
        path: "bell.graphql".into(),
        text: SDL.to_owned(),
        connector: Some("bell".into()),
    });
    let (model, problems) = sdl::load(&files);
    model.unwrap_or_else(|| panic!("{problems:#?}"))
}

fn example(name: &str, text: &str) -> Example {
    let (example, problems) = Example::parse(&Arc::from(name), text);
    example.unwrap_or_else(|| panic!("{problems:#?}"))
}

impl World {
    fn start() -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = Runtime::new().unwrap();
        let model = model();
        let examples = [
            example("one.yaml", ONE),
            example("two.yaml", TWO),
            example("moved.yaml", MOVED),
            example("any.yaml", ANY),
        ];
        let tasks = Tasks::new();
        let options = Options {
            clock: Clock::fixed("2026-03-01T12:00:15Z".parse().unwrap()),
            ..Options::default()
        };
        let simulated = runtime
            .block_on(Simulated::start(&model, "bell", &examples, options, &tasks))
            .unwrap();
        Self {
            client: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(Duration::from_millis(700))
                .build()
                .unwrap(),
            runtime,
            model,
            simulated,
            tasks,
        }
    }

    fn send(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<(u16, reqwest::header::HeaderMap, String), reqwest::Error> {
        self.runtime.block_on(async {
            let response = request.header("authorization", "Bearer t").send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok((status, headers, response.text().await?))
        })
    }

    fn url(&self, path: &str) -> String {
        format!(
            "{}{path}",
            self.simulated.origin().as_str().trim_end_matches('/')
        )
    }

    /// Status and body.
    fn get(&self, path: &str) -> String {
        match self.send(self.client.get(self.url(path))) {
            Ok((status, _, body)) => format!("{status} {body}"),
            Err(error) if error.is_timeout() => "timeout".to_owned(),
            Err(_) => "broken".to_owned(),
        }
    }

    fn header(&self, path: &str, name: &str) -> String {
        let (_, headers, _) = self.send(self.client.get(self.url(path))).unwrap();
        headers
            .get(name)
            .map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let late = self
            .runtime
            .block_on(self.tasks.shutdown(Duration::from_secs(5)));
        assert_eq!(late, [""; 0]);
    }
}

#[test]
fn replies_are_found_by_path_and_when() {
    let world = World::start();
    assert_snapshot!(world.get("/bells/B1"), @r#"200 {"bell":{"id":"B1","size":3,"state":"RINGING","parts":[{"n":1}]}}"#);
    assert_eq!(world.get("/api/v1/bells/B1"), world.get("/bells/B1"));
    assert_snapshot!(world.get("/bells/B1?detail=full"), @r#"200 {"bell":{"id":"B1","detail":"full"}}"#);
    assert_snapshot!(world.get("/bells/B%2F2"), @r"200 a text");
    assert_snapshot!(world.get("/bells/B/2"), @r#"404 {"message":"there is nothing here"}"#);
    assert_snapshot!(world.get("/api/v2/bells/B1"), @r#"404 {"message":"there is nothing here"}"#);
    let without = async { world.client.get(world.url("/bells/B1")).send().await };
    assert_eq!(world.runtime.block_on(without).unwrap().status(), 401);
}

#[test]
fn rows_of_all_examples_are_filtered_and_paged() {
    let world = World::start();
    let duties = |query: &str| {
        let answer = world.get(&format!("/duties{query}"));
        let body: Value = serde_json::from_str(answer.split_at(4).1).unwrap();
        let rows = body["rows"].as_array().unwrap().iter();
        let n: Vec<_> = rows.map(|row| &row["n"]).collect();
        json!([n, body["more"], body["count"]]).to_string()
    };
    assert_eq!(duties(""), "[[1,2,3,9],false,4]");
    assert_eq!(duties("?ids[]=B2"), "[[9],false,1]");
    assert_eq!(duties("?ids[]=B2&ids[]=B1&limit=2"), "[[1,2],true,4]");
    assert_eq!(duties("?ids[]=B1,B2&limit=2&offset=2"), "[[3,9],false,4]");
    assert_eq!(duties("?ids[]=nobody"), "[[],false,0]");
    assert_snapshot!(world.get("/bells/B1/rings"), @r#"200 {"items":[{"n":1},{"n":2}],"next":"at-2"}"#);
    assert_snapshot!(world.get("/bells/B1/rings?token=at-2"), @r#"200 {"items":[{"n":3}],"next":null}"#);
    assert_snapshot!(world.get("/bells/B1/repairs?n=1&page=2"), @r#"200 {"items":[{"n":2}],"nextPage":3}"#);
    assert_snapshot!(world.get("/bells/B1/logs?per_page=2"), @r#"200 [{"n":1},{"n":2}]"#);
    let link = world.header("/api/v1/bells/B1/logs?per_page=2&x=y", "link");
    let host = world.simulated.origin();
    let link_to = |page: &str, rel: &str| {
        format!("<{host}api/v1/bells/B1/logs?per_page=2&x=y&page={page}>; rel=\"{rel}\"")
    };
    assert_eq!(
        link,
        [
            link_to("2", "next"),
            link_to("1", "first"),
            link_to("2", "last")
        ]
        .join(", ")
    );
    assert_snapshot!(world.get("/bells/B1/logs?per_page=2&page=2"), @r#"200 [{"n":3}]"#);
    let last = world.header("/api/v1/bells/B1/logs?per_page=2&x=y&page=2", "link");
    assert_eq!(
        last,
        [
            link_to("1", "prev"),
            link_to("1", "first"),
            link_to("2", "last")
        ]
        .join(", ")
    );
}

#[test]
fn time_and_writes_change_what_is_read() {
    let world = World::start();
    let state = || world.get("/bells/B1");
    assert!(state().contains("RINGING"));
    world.simulated.advance(Duration::from_secs(20));
    assert!(state().contains("SILENT"));
    world.simulated.advance(Duration::from_secs(20));
    assert_snapshot!(state(), @r#"200 {"bell":{"id":"B1","size":3,"state":"SILENT","parts":[{"n":2}],"note":"after a while"}}"#);
    let stop = |body: Value| {
        let request = world.client.post(world.url("/bells/B1/stop"));
        world.send(request.body(body.to_string())).unwrap().0
    };
    assert_eq!(stop(json!({ "hard": false })), 404);
    assert!(state().contains("SILENT"));
    assert_eq!(stop(json!({ "hard": true, "more": 1 })), 202);
    assert!(state().contains("STOPPED"));
}

#[test]
fn one_reply_is_for_many_objects() {
    let world = World::start();
    assert_snapshot!(world.get("/chimes/C1"), @r#"200 {"chime":{"id":"C1","state":"RINGING"}}"#);
    assert_snapshot!(world.get("/chimes/C%2F3"), @r#"200 {"chime":{"id":"C/3","state":"RINGING"}}"#);
    // One that is written for it alone goes before, and what no list has is not there.
    assert_snapshot!(world.get("/chimes/C2"), @r#"200 {"chime":{"id":"C2","own":true}}"#);
    assert_snapshot!(world.get("/chimes/C4"), @r#"404 {"message":"there is no such thing here"}"#);
    assert_snapshot!(world.get("/chimes/{chime}"), @r#"404 {"message":"there is no such thing here"}"#);
    let stop = |chime: &str| {
        let request = world
            .client
            .post(world.url(&format!("/chimes/{chime}/stop")));
        world.send(request).unwrap().2
    };
    assert_snapshot!(stop("C%2F3"), @r#"{"stopped":"C/3"}"#);
    assert_snapshot!(world.get("/towers/T2/bells"), @r#"200 {"bells":[{"id":"C/3","state":"STOPPED","at":"2026-03-01T12:00:15Z"}]}"#);
    stop("C1");
    stop("C2");
    world.simulated.advance(Duration::from_secs(20));
    // What happens later happens to all that it is about.
    assert_snapshot!(world.get("/towers/T1/bells"), @r#"200 {"bells":[{"id":"C1","state":"SILENT","at":"2026-03-01T12:00:35Z"},{"id":"C2","state":"SILENT","at":"2026-03-01T12:00:35Z"}]}"#);
    assert_snapshot!(world.get("/chimes/C1"), @r#"200 {"chime":{"id":"C1","state":"SILENT","at":"2026-03-01T12:00:35Z"}}"#);
}

#[test]
fn times_move_with_the_clock_of_their_example() {
    let world = World::start();
    // 28 days later; the form stays, and what is no time stays as well.
    assert_snapshot!(world.get("/bells/B7"), @r#"200 {"forms":["2026-03-01T12:00:00Z","2025-03-01T12:00:00.120+01:00","2026-03-01T12:00:00.000000-0330"],"numbers":[1772366400000,1772366400,1769947200.5,42,1000000000],"others":["2026-02-01","since 2026-02-01T12:00:00Z","1769947200",null,true,""]}"#);
    world.simulated.advance(Duration::from_secs(20));
    assert!(
        world
            .get("/bells/B7")
            .contains(r#""forms":["2026-03-01T12:00:20Z"]"#)
    );
    let (_, _, stopped) = world
        .send(world.client.post(world.url("/bells/B7/stop")))
        .unwrap();
    assert_eq!(stopped, r#"{"at":"2026-03-01T12:00:00Z"}"#);
    assert!(world.get("/bells/B7").contains(r#""numbers":[1772366400]"#));
    let moved = example("moved.yaml", MOVED);
    let expected = json!({ "since": "2026-02-01T12:00:00Z", "n": 1 });
    assert_eq!(
        world.simulated.moved(&moved, &expected),
        json!({ "since": "2026-03-01T12:00:00Z", "n": 1 })
    );
}

#[test]
fn what_did_not_change_is_not_sent_again() {
    let world = World::start();
    let tag = world.header("/bells/B1", "etag");
    // Of the form that the example shows, and made from the body: it changes with it.
    assert!(
        tag.starts_with("W/\"") && !tag.contains("as-it-was"),
        "{tag}"
    );
    let again = |tag: &str| {
        let request = world.client.get(world.url("/bells/B1"));
        let (status, _, body) = world.send(request.header("if-none-match", tag)).unwrap();
        (status, body.is_empty())
    };
    assert_eq!(again(&tag), (304, true));
    world.simulated.advance(Duration::from_secs(20));
    assert_eq!(again(&tag), (200, false));
}

#[test]
fn limits_count_down_and_begin_anew() {
    let world = World::start();
    let header = |name: &str| world.header("/bells/B1", name);
    assert_eq!(header("x-ratelimit-remaining"), "99");
    assert_eq!(header("x-ratelimit-remaining"), "98");
    // The end of the minute that the clock is in.
    assert_eq!(header("x-ratelimit-reset"), "1772366460");
    assert_eq!(header("x-ratelimit-limit"), "100");
}

#[test]
fn requests_are_counted_by_template() {
    let world = World::start();
    world.get("/bells/B1");
    world.get("/api/v1/bells/other");
    world.get("/duties?ids[]=B1");
    world.get("/elsewhere");
    assert_snapshot!(format!("{:#?}", world.simulated.requests()), @r#"
    {
        "GET /bells/{$entity.metadata.annotations.'bell/id'}": 2,
        "GET /duties": 1,
        "GET /elsewhere": 1,
    }
    "#);
    assert_eq!(world.simulated.n_requests(), 4);
    assert_eq!(world.simulated.seen()[2].target, "/duties?ids[]=B1");
    world.simulated.forget();
    assert_eq!(world.simulated.n_requests(), 0);
}

#[test]
fn faults_are_what_they_say() {
    let world = World::start();
    let good = world.get("/bells/B1");
    let with = |fault: Fault| {
        world.simulated.set_fault(Some(fault));
        world.get("/bells/B1")
    };
    assert_eq!(with(Fault::Silence), "timeout");
    assert_eq!(with(Fault::Reset), "broken");
    assert_eq!(with(Fault::Endless), "timeout");
    let truncated = with(Fault::Truncated);
    assert!(
        truncated.starts_with("200 {\"bell\"") && !truncated.ends_with('}'),
        "{truncated}"
    );
    assert!(with(Fault::Html).starts_with("200 <!DOCTYPE html>"));
    assert!(with(Fault::Garbage).starts_with("200 \u{1}"));
    assert!(with(Fault::WrongType { leaf: 1 }).contains(r#""size":[{"unexpected":true}]"#));
    assert_eq!(with(Fault::WrongType { leaf: 99 }), good);
    let limited = Fault::Status {
        status: 429,
        retry_after: Some("7".to_owned()),
    };
    assert!(with(limited).starts_with("429 "));
    assert_eq!(world.header("/bells/B1", "retry-after"), "7");
    let redirect = Fault::Redirect {
        to: "http://169.254.169.254/".to_owned(),
    };
    assert!(with(redirect).starts_with("302 "));
    let started = Instant::now();
    assert_eq!(with(Fault::Delay(Duration::from_millis(80))), good);
    assert!(started.elapsed() >= Duration::from_millis(80));
    world.simulated.set_fault(None);
    assert_eq!(world.get("/bells/B1"), good);
}

#[test]
fn connectors_are_led_to_it_by_their_settings() {
    let world = World::start();
    let origin = world.simulated.origin();
    let led = |settings: &Settings| world.simulated.lead(&world.model, settings).unwrap().config;
    assert_eq!(led(&Settings::default())["url"], format!("{origin}api/v1"));
    let settings = Settings {
        config: json!({ "url": "https://elsewhere.example:8443/b" })
            .as_object()
            .unwrap()
            .clone(),
        ..Settings::default()
    };
    assert_eq!(led(&settings)["url"], format!("{origin}b"));
}

#[test]
fn broken_examples_say_where() {
    let check = |text: &str| {
        let (example, problems) = Example::parse(&Arc::from("x.yaml"), text);
        assert_eq!(example.is_none(), !problems.is_empty());
        problems
            .iter()
            .map(|problem| format!("{problem}\n"))
            .collect::<String>()
    };
    assert_snapshot!(check(""), @r"
    x.yaml:1:1: error[example-syntax]: the example is empty
      hint: write `query`, `entities`, `expect` and `upstream`
    ");
    assert_snapshot!(check("query: '{ a }'\nexpect: {}\nupstream:\n  - get: /a\n    body: [1"), @r"
    x.yaml:6:1: error[example-syntax]: the YAML cannot be read: while parsing a flow sequence, expected ',' or ']'
      hint: look at the indentation and the quotes here and on the line above
    ");
    assert_snapshot!(check(
        "qery: '{ a }'\nclock: yesterday\nentities: [web]\nsettings: { secret: {} }\nexpect: {}\nupstream:\n\
         \x20 - get: /a\n    post: /a\n  - body: {}\n  - get: a?b=1\n    status: 20\n  - get: /x/{id}.json\n\
         \x20 - get: /rows\n    rows: { match: 'id |', page: { style: OFSET } }\n    steps: [{ set: { 'a[].b': 1 } }]\n\
         \x20   effect: { on: SMASH /x }\n    when: { query: [a] }\n"
    ), @r"
    x.yaml:1:1: error[example-missing]: the example lacks `query`
      hint: write the GraphQL query that is answered
    x.yaml:1:1: error[example-key]: the example has no `qery`
      hint: did you mean `query`?
    x.yaml:2:8: error[example-value]: `clock` is no time of RFC 3339
      hint: write when the bodies were so, for example `2026-03-02T09:00:00Z`
    x.yaml:3:12: error[example-type]: an entity must be a descriptor, not a string
    x.yaml:4:13: error[example-key]: `settings` has no `secret`
      hint: did you mean `secrets`?
    x.yaml:7:5: error[example-missing]: more than one thing says which request this answers
      hint: write one of `get`, `post`, `put`, `patch`, `delete` with a path, or `graphql` with a root field
    x.yaml:9:5: error[example-missing]: nothing says which request this answers
      hint: write one of `get`, `post`, `put`, `patch`, `delete` with a path, or `graphql` with a root field
    x.yaml:10:5: error[example-value]: a path begins with `/`
      hint: write it as the connector does, without scheme and host
    x.yaml:11:13: error[example-type]: `status` of `upstream[2]` must be a number from 100 to 599, not `20`
    x.yaml:12:5: error[example-value]: a hole stands in a path, and is no whole segment
      hint: write the path as the upstream sees it, for example `/services/P1`, or `/services/{service}` for any of them
    x.yaml:14:11: error[example-missing]: `rows` lacks `at`
      hint: say where the list is, for example `items[]`
    x.yaml:14:20: error[example-value]: the name of a function is missing
    x.yaml:14:43: error[example-value]: `OFSET` is no style of paging
      hint: did you mean `OFFSET`?
    x.yaml:15:13: error[example-missing]: a step lacks `after`
      hint: say when, for example `20s`
    x.yaml:15:22: error[example-value]: `a[].b` is no plain place
      hint: write names and positions, for example `builds[0].result`
    x.yaml:16:19: error[example-value]: `SMASH` is no method
      hint: for example `GET /builds/1`, or `query build` for a root field of a graph
    x.yaml:17:20: error[example-type]: `query` of `when` must be an object, not a list
    ");
}
