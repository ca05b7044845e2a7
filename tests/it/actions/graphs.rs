//! Actions at sources that speak GraphQL: one `mutation` each, and two ways to do one thing.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::World;
use crate::support::upstream::{Asked, Reply};

const SDL: &str = r#"
extend schema @source(name: "graph", type: GRAPHQL, url: "$config.url", auth: { type: BEARER, token: "$secret.token" }, limits: { retries: 2, timeout: "500ms", breakerErrors: 1000, limitPhrases: ["slow down"] })
type ProbeRun implements CiRun
  @supplies(field: "Entity.ciRuns")
  @identity(from: "number")
  @connect(source: "graph", query: "job(name: $job).runs(first: $args.first)", let: [{ name: "job", value: "$entity.metadata.annotations.'probe/job'" }])
  @cache(maxAge: "1h", tags: ["probe:{$job}"]) {
  name: String @field(at: "null") workflow: String @field(at: "null") event: String @field(at: "null") branch: String @field(at: "null") commit: String @field(at: "null") url: URL @field(at: "null")
  status: CiStatus @field(at: "state", enum: [{ from: "red", to: "FAILED" }, { from: "new", to: "RUNNING" }])
}
type ProbeAgain implements RerunCiRunPayload
  @supplies(field: "Mutation.rerunCiRun", from: "ProbeRun")
  @connect(source: "graph", let: [{ name: "run", value: "$args.input.failedJobsOnly | map(null, 1, false, 1, true, null) && $this.key", type: "ID!" }],
    query: "runAgain(input: {id: $run, loud: true, how: FAST})", at: "run", purge: ["probe:{$job}"]) {
  "What the upstream calls the request."
  ticket: String @field(at: "ticket(kind: SHORT).text")
  ciRun: ProbeRun @connect(source: "graph", query: "run(number: $number)", let: [{ name: "number", value: "$this.number", type: "Int!" }])
}
type ProbeMend implements RerunCiRunPayload
  @supplies(field: "Mutation.rerunCiRun", from: "ProbeRun")
  @connect(source: "graph", let: [{ name: "run", value: "$args.input.failedJobsOnly | map(null, null, false, null, true, 1) && $this.key", type: "ID!" }],
    query: "mendRun(id: $run)", purge: ["probe:{$job}"]) {
  "Which parts."
  parts: [String] @field(at: "parts[].name")
  ciRun: ProbeRun @field(at: "run")
}
extend type Mutation {
  "Rings a bell."
  ring(times: Int!): ProbeBell @connect(source: "graph", query: "ring(times: $args.times)", let: [{ name: "times", value: "$args.times", type: "Int!" }])
}
type ProbeBell { "How loud it was." sound: String }
"#;

const CONFIG: &str = "connectors: { probe: { config: { url: URL }, secrets: { token: s3cret } } }";

fn body(asked: &Asked) -> Value {
    serde_json::from_str(&asked.body).unwrap()
}

fn is_mutation(asked: &Asked) -> bool {
    body(asked)["query"]
        .as_str()
        .unwrap()
        .starts_with("mutation")
}

/// What it does unless a test says otherwise; the key of a response is that of the document.
fn usual(asked: &Asked) -> Reply {
    let body = body(asked);
    let text = body["query"].as_str().unwrap();
    let key = text.split(' ').find_map(|word| {
        word.strip_suffix(':')
            .filter(|key| key.starts_with("ticket_"))
    });
    let mut run = json!({ "number": 2, "key": "k2", "state": "new", "createdAt": null });
    if let Some(key) = key {
        run[key] = json!({ "text": "T-1" });
    }
    let data = if text.contains("runAgain") {
        json!({ "run": run })
    } else if text.contains("mendRun") {
        json!({ "parts": [{ "name": "lid" }, { "name": "wheel" }], "run": run })
    } else if text.contains("ring(") {
        json!({ "sound": "ding" })
    } else if text.contains("run(") {
        run
    } else {
        let old = json!({ "number": 1, "key": "k1", "state": "red" });
        json!({ "runs": { "nodes": [old], "pageInfo": { "hasNextPage": false } } })
    };
    Reply::json(&json!({ "data": { "a0": data } }))
}

async fn start() -> (World, String) {
    let world = World::with(SDL, CONFIG).await;
    world.upstream.answer(usual);
    let ids = world.ids("pay").await;
    world.asked();
    (world, ids[0].clone())
}

/// The documents since the last look, with their variables.
fn documents(world: &World) -> Vec<String> {
    let asked = world.upstream.take();
    let each = asked.iter().map(|asked| {
        let body = body(asked);
        format!("{} {}", body["query"].as_str().unwrap(), body["variables"])
    });
    each.collect()
}

#[tokio::test]
async fn a_mutation_asks_for_what_its_payload_reads() {
    let (world, id) = start().await;
    let query = format!(
        "mutation {{ rerunCiRun(input: {{ id: \"{id}\" }}) {{ __typename ciRun {{ number status }} ... on ProbeAgain {{ ticket }} userErrors {{ code }} auditId }} }}"
    );
    let json = world.ask(&query).await;
    assert_eq!(
        json["data"]["rerunCiRun"],
        json!({ "__typename": "ProbeAgain", "ciRun": { "number": 2, "status": "RUNNING" }, "ticket": "T-1", "userErrors": [], "auditId": "1" }),
        "{json}"
    );
    assert_snapshot!(documents(&world).join("\n"), @r#"
    mutation($run_0: ID!) {
      a0: runAgain(input: {id: $run_0, loud: true, how: FAST}) { run { ticket_5dfd0754fb5dc775feb9: ticket(kind: SHORT) { text } number } }
    }
     {"run_0":"k1"}
    query($number_0: Int!) {
      a0: run(number: $number_0) { number state }
    }
     {"number_0":2}
    "#);
    // What was kept of the list is stale now.
    world.ids("pay").await;
    assert_eq!(world.asked().len(), 1);
    assert_eq!(
        world.audit("action connector outcome code").await,
        ["Mutation.rerunCiRun probe done -"]
    );
}

#[tokio::test]
async fn of_two_ways_to_do_it_the_one_that_fits_is_taken() {
    let (world, id) = start().await;
    let query = format!(
        "mutation {{ rerunCiRun(input: {{ id: \"{id}\", failedJobsOnly: true, idempotencyKey: \"once\" }}) {{ __typename ciRun {{ number status }} ... on ProbeMend {{ parts }} userErrors {{ code }} auditId }} }}"
    );
    let json = world.ask(&query).await;
    let expected = json!({ "__typename": "ProbeMend", "ciRun": { "number": 2, "status": "RUNNING" }, "parts": ["lid", "wheel"], "userErrors": [], "auditId": "1" });
    assert_eq!(json["data"]["rerunCiRun"], expected, "{json}");
    assert_eq!(documents(&world).len(), 1);
    // The same key again: nothing is done, and the payload is of the way that was taken.
    let json = world.ask(&query).await;
    assert_eq!(json["data"]["rerunCiRun"], expected, "{json}");
    assert_eq!(documents(&world), [""; 0]);
}

#[tokio::test]
async fn a_field_of_its_own_is_a_mutation_too() {
    let (world, _) = start().await;
    let json = world.ask("mutation { ring(times: 3) { sound } }").await;
    assert_eq!(json["data"]["ring"], json!({ "sound": "ding" }), "{json}");
    assert_eq!(
        documents(&world),
        ["mutation($times_0: Int!) {\n  a0: ring(times: $times_0) { sound }\n}\n {\"times_0\":3}"]
    );
}

#[tokio::test]
async fn what_goes_wrong_is_told_and_nothing_is_sent_twice() {
    let error = |message: &str| {
        Reply::json(
            &json!({ "data": { "a0": null }, "errors": [{ "path": ["a0"], "message": message }] }),
        )
    };
    let whole = |status: u16, body: Value| {
        let mut reply = Reply::json(&body);
        reply.status = status;
        reply
    };
    let cases = [
        (
            "an error of its field",
            error("private words: cannot be run again"),
        ),
        ("not allowed", error("not authorized, says private words")),
        ("no such run", error("Could not resolve to a Run")),
        (
            "null without a reason",
            Reply::json(&json!({ "data": { "a0": null } })),
        ),
        (
            "invalid",
            whole(
                200,
                json!({ "errors": [{ "message": "private words", "extensions": { "code": "undefinedField" } }] }),
            ),
        ),
        (
            "too complex",
            whole(
                200,
                json!({ "errors": [{ "message": "Query has complexity of 9, which exceeds max complexity of 5" }] }),
            ),
        ),
        (
            "too slow there",
            whole(200, json!({ "errors": [{ "message": "timeout" }] })),
        ),
        (
            "422 with errors",
            whole(
                422,
                json!({ "errors": [{ "message": "rate limit exceeded" }] }),
            ),
        ),
        (
            "429",
            whole(429, json!({ "errors": [{ "message": "private words" }] }))
                .header("retry-after", "7"),
        ),
        ("401", Reply::status(401)),
        ("502", Reply::status(502)),
        ("no answer", Reply::json(&json!({ "private words": 1 }))),
        ("no JSON", Reply::status(200)),
    ];
    let mut out = String::new();
    for (name, reply) in cases {
        let (world, id) = start().await;
        world
            .upstream
            .answer(move |asked| match is_mutation(asked) {
                true => reply.clone(),
                false => usual(asked),
            });
        let payload = world.rerun(&id, "").await;
        let text = payload.to_string();
        for secret in [&*world.upstream.url, "s3cret", "127.0.0.1", "private words"] {
            assert!(!text.contains(secret), "{text}");
        }
        let n_sent = documents(&world)
            .iter()
            .filter(|document| document.starts_with("mutation"))
            .count();
        let error = &payload["userErrors"][0];
        let audit = world.audit("outcome code").await.join(", ");
        out.push_str(&format!(
            "{name}: {n_sent} sent, {audit}: {} {}\n",
            error["code"], error["message"]
        ));
    }
    assert_snapshot!(out, @r#"
    an error of its field: 1 sent, failed UPSTREAM_UNAVAILABLE: "UPSTREAM_UNAVAILABLE" "`probe` could not answer this at `runAgain(input: {id: $run, loud: true, how: FAST})`"
    not allowed: 1 sent, failed UPSTREAM_UNAUTHORIZED: "UPSTREAM_UNAUTHORIZED" "`probe` does not show this to the credential at `runAgain(input: {id: $run, loud: true, how: FAST})`"
    no such run: 1 sent, failed UPSTREAM_NOT_FOUND: "UPSTREAM_NOT_FOUND" "`probe` does not know what was asked for at `runAgain(input: {id: $run, loud: true, how: FAST})`: it is gone by now, in no state for this, or not the credential's to change"
    null without a reason: 1 sent, failed UPSTREAM_NOT_FOUND: "UPSTREAM_NOT_FOUND" "`probe` does not know what was asked for at `runAgain(input: {id: $run, loud: true, how: FAST})`: it is gone by now, in no state for this, or not the credential's to change"
    invalid: 1 sent, failed UPSTREAM_BAD_SHAPE: "UPSTREAM_BAD_SHAPE" "`probe` does not understand what it was asked at `runAgain(input: {id: $run, loud: true, how: FAST})`"
    too complex: 1 sent, failed BUDGET_EXHAUSTED: "BUDGET_EXHAUSTED" "`probe` said that this is too much to ask for at once at `runAgain(input: {id: $run, loud: true, how: FAST})`"
    too slow there: 1 sent, unknown UPSTREAM_TIMEOUT: "UPSTREAM_TIMEOUT" "`probe` took too long to put its answer together at `runAgain(input: {id: $run, loud: true, how: FAST})`"
    422 with errors: 1 sent, failed UPSTREAM_RATE_LIMITED: "UPSTREAM_RATE_LIMITED" "`probe` said that there were too many requests at `runAgain(input: {id: $run, loud: true, how: FAST})`"
    429: 1 sent, failed UPSTREAM_RATE_LIMITED: "UPSTREAM_RATE_LIMITED" "`probe` (source `graph`) at `runAgain(input: {id: $run, loud: true, how: FAST})` said that there were too many requests"
    401: 1 sent, failed UPSTREAM_UNAUTHORIZED: "UPSTREAM_UNAUTHORIZED" "`probe` (source `graph`) at `runAgain(input: {id: $run, loud: true, how: FAST})` did not accept the credential"
    502: 1 sent, unknown UPSTREAM_UNAVAILABLE: "UPSTREAM_UNAVAILABLE" "`probe` (source `graph`) at `runAgain(input: {id: $run, loud: true, how: FAST})` answered with status 502"
    no answer: 1 sent, unknown UPSTREAM_BAD_SHAPE: "UPSTREAM_BAD_SHAPE" "`probe` gave no answer to a GraphQL request at `runAgain(input: {id: $run, loud: true, how: FAST})`"
    no JSON: 1 sent, unknown UPSTREAM_BAD_SHAPE: "UPSTREAM_BAD_SHAPE" "`probe` gave no answer to a GraphQL request at `runAgain(input: {id: $run, loud: true, how: FAST})`"
    "#);
}

#[tokio::test]
async fn what_was_done_in_part_is_done() {
    let (world, id) = start().await;
    world.upstream.answer(|asked| {
        if !is_mutation(asked) {
            return usual(asked);
        }
        let usual: Value = serde_json::from_str(&usual(asked).body).unwrap();
        let errors =
            json!([{ "path": ["a0", "run", "nothing"], "message": "one thing could not be read" }]);
        Reply::json(&json!({ "data": usual["data"], "errors": errors }))
    });
    let payload = world.rerun(&id, "").await;
    assert_eq!(payload["ciRun"]["status"], "RUNNING", "{payload}");
    assert_eq!(payload["userErrors"], json!([]));
}

/// Nothing is sent for a minute, be it to read or to act.
#[tokio::test]
async fn a_limit_that_is_told_in_words_is_kept_by_all() {
    let (world, id) = start().await;
    let words = "Slow down, you are too quick.";
    let errors = json!([{ "message": words }]);
    let refusals = [
        json!({ "errors": errors }),
        json!({ "data": null, "errors": errors }),
        json!({ "data": { "a0": null }, "errors": [{ "message": words, "path": ["a0"] }] }),
    ];
    for refusal in refusals {
        let (world, id) = start().await;
        let is_told = refusal.clone();
        world
            .upstream
            .answer(move |asked| match is_mutation(asked) {
                true => Reply::json(&is_told),
                false => usual(asked),
            });
        let query = format!(
            "mutation {{ rerunCiRun(input: {{ id: \"{id}\" }}) {{ userErrors {{ code message }} }} }}"
        );
        for n_sent in [1, 0] {
            let json = world.ask(&query).await;
            let error = &json["data"]["rerunCiRun"]["userErrors"][0];
            assert_eq!(error["code"], "UPSTREAM_RATE_LIMITED", "{json}");
            assert!(!json.to_string().contains("quick"), "{json}");
            assert_eq!(world.asked().len(), n_sent, "{refusal}");
        }
        let outcome = world.audit("outcome code").await;
        assert_eq!(outcome, ["failed UPSTREAM_RATE_LIMITED"; 2]);
    }
    // Where something was done, words are only words.
    world.upstream.answer(move |asked| {
        let mut reply: Value = serde_json::from_str(&usual(asked).body).unwrap();
        reply["errors"] = json!([{ "message": words, "path": ["a0", "parts"] }]);
        Reply::json(&reply)
    });
    let query =
        format!("mutation {{ rerunCiRun(input: {{ id: \"{id}\" }}) {{ userErrors {{ code }} }} }}");
    for _ in 0..2 {
        let json = world.ask(&query).await;
        assert_eq!(
            json["data"]["rerunCiRun"]["userErrors"],
            json!([]),
            "{json}"
        );
    }
}
