//! What documents cost is counted before they are sent, and the limits that an upstream tells of are kept.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::connect::world::{World, world};
use crate::support::upstream::{Asked, Reply};

/// Mills with their runs, whose connections have edges and a count.
const SDL: &str = r#"
    extend schema @source(name: "graph", type: GRAPHQL, url: "$config.url",
      limits: { retries: 0, maxObjects: 40, objectsPerPoint: 10, budgetFloor: 0.5 }
      connections: { items: EDGES, total: "count" })
    extend interface Entity {
      mill: Mill @connect(source: "graph", batch: { style: ALIAS, max: 50 }, query: "mill(slug: $slug)",
        let: [{ name: "slug", value: "$entity.metadata.annotations.'mill/slug'", type: "ID!" }])
    }
    type Mill implements Live @identity(from: "id") {
      name: String
      runs: [MillRun] @field(at: "runs(first: $args.first, after: $args.after)")
      logs: [MillLog] @field(at: "logs(first: $args.first)")
      some: Int @field(at: "runs(first: 1).count")
    }
    type MillRun implements Live @identity(from: "id") { number: Int url: URL @field(at: "null") }
    type MillLog implements Live @identity(from: "id") { text: String @field(at: "line.text") url: URL @field(at: "null") }
"#;

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// So many mills, each with 30 runs and logs, whatever is asked of them; `judge` may say something else.
async fn mills(n: usize, judge: impl Fn(&Value) -> Option<Reply> + Send + Sync + 'static) -> World {
    let lines = NAMES[..n].iter();
    let lines: Vec<String> = lines
        .map(|name| format!("{name}: {{ mill/slug: acme/{name} }}"))
        .collect();
    world(SDL)
        .components(&lines.join("\n"))
        .start(move |asked: &Asked| {
            let body: Value = serde_json::from_str(&asked.body).unwrap();
            judge(&body).unwrap_or_else(|| Reply::json(&answer(&body)))
        })
        .await
}

/// What 30 runs and logs of each alias look like.
fn answer(body: &Value) -> Value {
    let text = body["query"].as_str().unwrap();
    let number = |name: &str| body["variables"][name].as_u64();
    let first = number("first_0").unwrap_or(30);
    let after = body["variables"]["after_0"].as_str();
    let after: u64 = after.map_or(0, |after| after.parse().unwrap());
    let end = (after + first).min(30);
    let nodes = |make: &dyn Fn(u64) -> Value| {
        let nodes = (after + 1..=end).map(|n| json!({ "node": make(n) }));
        json!({
            "nodes": nodes.collect::<Vec<_>>(),
            "pageInfo": { "hasNextPage": end < 30, "endCursor": end.to_string() },
            "totalCount": 30,
        })
    };
    let mut data = serde_json::Map::new();
    for alias in (0..50).map(|n| format!("a{n}")) {
        if !text.contains(&format!("{alias}:")) {
            break;
        }
        let mut mill = json!({ "__typename": "Mill", "name": "mill", "id": alias });
        if text.contains("runs(") {
            mill["runs"] = nodes(&|n| json!({ "id": n, "number": n }));
        }
        if text.contains("logs(") {
            mill["logs"] = nodes(&|n| json!({ "id": n, "line": { "text": n.to_string() } }));
        }
        data.insert(alias, mill);
    }
    json!({ "data": data })
}

/// Of each document since the last look: how many mills, and how large its pages are.
fn sent(world: &World) -> Vec<String> {
    let asked = world.upstream.take();
    let each = asked.iter().map(|asked| {
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        let text = body["query"].as_str().unwrap();
        let n_mills = text.matches("mill(").count();
        format!("{n_mills} x {}", body["variables"]["first_0"])
    });
    each.collect()
}

fn runs(first: usize) -> String {
    format!(
        "{{ components(orderBy: [{{ field: NAME }}]) {{ nodes {{ mill {{ runs(first: {first}) {{ nodes {{ number }} totalCount pageInfo {{ hasNextPage }} }} }} }} }} }}"
    )
}

#[tokio::test]
async fn edges_are_asked_for_where_there_are_no_nodes() {
    let world = mills(1, |_| None).await;
    let answer = world.ask(&runs(2)).await;
    assert!(
        answer.contains(r#""runs":{"nodes":[{"number":1},{"number":2}],"totalCount":30,"pageInfo":{"hasNextPage":true}}"#),
        "{answer}"
    );
    let asked = world.upstream.take();
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_snapshot!(body["query"].as_str().unwrap(), @r"
    query($slug_0: ID!, $first_0: Int!) {
      a0: mill(slug: $slug_0) { runs(first: $first_0) { nodes: edges { node { number } } pageInfo { hasNextPage endCursor } totalCount: count } }
    }
    ");
}

#[tokio::test]
async fn what_is_wrong_with_an_item_is_said_at_the_item() {
    let world = mills(1, |body| {
        let mut answer = answer(body);
        answer["data"]["a0"]["runs"]["nodes"][1]["node"]["number"] = Value::Null;
        answer["errors"] =
            json!([{ "path": ["a0", "runs", "nodes", 1, "node", "number"], "message": "lost" }]);
        Some(Reply::json(&answer))
    })
    .await;
    let answer: Value = serde_json::from_str(&world.ask(&runs(2)).await).unwrap();
    assert_eq!(
        answer["errors"][0]["path"],
        json!([
            "components",
            "nodes",
            0,
            "mill",
            "runs",
            "nodes",
            1,
            "number"
        ]),
        "{answer}"
    );
    assert_eq!(
        answer["data"]["components"]["nodes"][0]["mill"]["runs"]["nodes"],
        json!([{ "number": 1 }, { "number": null }])
    );
}

#[tokio::test]
async fn a_document_is_divided_before_it_is_sent() {
    // A mill with ten runs: itself, the connection, its page info, its edges, ten of them.
    let world = mills(6, |_| None).await;
    let answer = world.ask(&runs(10)).await;
    assert_eq!(answer.matches("totalCount").count(), 6, "{answer}");
    assert_eq!(sent(&world), ["2 x 10", "2 x 10", "2 x 10"]);
    // Of ones without lists forty go into one.
    world
        .ask("{ components { nodes { mill { name } } } }")
        .await;
    assert_eq!(sent(&world), ["6 x null"]);
}

#[tokio::test]
async fn one_object_is_read_in_smaller_pages() {
    let world = mills(1, |_| None).await;
    let answer = world.ask(&runs(30)).await;
    assert_eq!(sent(&world), ["1 x 30"]);
    assert_eq!(answer.matches("number").count(), 30);
    // 41 objects are too much, and 22 are not; the upstream has 30 runs.
    let answer = world.ask(&runs(37)).await;
    assert_eq!(answer.matches("number").count(), 30, "{answer}");
    assert!(answer.contains(r#""hasNextPage":false"#), "{answer}");
    assert_eq!(sent(&world), ["1 x 18", "1 x 18"]);
}

#[tokio::test]
async fn what_is_too_much_however_it_is_divided_is_not_sent() {
    let world = mills(2, |_| None).await;
    // They cannot be read on, and each has an object within it.
    let logs = |first: usize| {
        format!(
            "{{ components(orderBy: [{{ field: NAME }}]) {{ nodes {{ mill {{ logs(first: {first}) {{ nodes {{ text }} }} }} }} }} }}"
        )
    };
    let answer = world.ask(&logs(20)).await;
    assert_eq!(answer.matches("BUDGET_EXHAUSTED").count(), 2, "{answer}");
    assert!(answer.contains("too much to ask for at once"), "{answer}");
    assert_eq!(sent(&world), [""; 0]);
    let answer = world.ask(&logs(16)).await;
    assert!(!answer.contains("errors"), "{answer}");
    assert_eq!(sent(&world).len(), 2);
}

#[tokio::test]
async fn a_refusal_divides_the_document_and_then_its_pages() {
    // This one counts otherwise than it says: ten runs in all.
    let world = mills(2, |body| {
        let text = body["query"].as_str().unwrap();
        let n_runs =
            text.matches("mill(").count() as u64 * body["variables"]["first_0"].as_u64()?;
        let message =
            format!("Query has complexity of {n_runs}, which exceeds max complexity of 10");
        (n_runs > 10).then(|| Reply::json(&json!({ "errors": [{ "message": message }] })))
    })
    .await;
    let answer = world.ask(&runs(15)).await;
    assert_eq!(answer.matches("number").count(), 30, "{answer}");
    assert!(!answer.contains("errors"), "{answer}");
    // Both, each, each with half of it, and again.
    let mut sent = sent(&world);
    sent.sort();
    let expected = [
        "1 x 15", "1 x 15", "1 x 7", "1 x 7", "1 x 7", "1 x 7", "1 x 1", "1 x 1", "2 x 15",
    ];
    let mut expected = expected.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_refusal_of_the_least_is_told_by_its_code() {
    let world = mills(1, |_| {
        let message = "Query has complexity of 9000, which exceeds max complexity of 1";
        Some(Reply::json(&json!({ "errors": [{ "message": message }] })))
    })
    .await;
    let answer = world.ask(&runs(4)).await;
    assert!(answer.contains("BUDGET_EXHAUSTED"), "{answer}");
    assert!(!answer.contains("9000"), "{answer}");
    assert_eq!(sent(&world), ["1 x 4", "1 x 2", "1 x 1"]);
}

#[tokio::test]
async fn points_are_taken_from_what_the_upstream_says_is_left() {
    let world = mills(1, |body| {
        let reply = Reply::json(&answer(body));
        let told = [
            ("ratelimit-limit", "100"),
            ("ratelimit-remaining", "90"),
            ("ratelimit-reset", "200"),
            // The user's own limit is the narrower one: half of it is left alone.
            ("ratelimit-user-limit", "8"),
            ("ratelimit-user-remaining", "6"),
            ("ratelimit-user-reset", "200"),
        ];
        let reply = told
            .iter()
            .fold(reply, |reply, (name, value)| reply.header(name, value));
        Some(reply)
    })
    .await;
    assert!(!world.ask(&runs(1)).await.contains("errors"));
    // 14 objects are two points; of six left four stay.
    assert!(!world.ask(&runs(10)).await.contains("errors"));
    // 24 objects are three.
    let answer = world.ask(&runs(20)).await;
    assert!(answer.contains("BUDGET_EXHAUSTED"), "{answer}");
    assert_eq!(sent(&world), ["1 x 1", "1 x 10"]);
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_told_as_such() {
    let world = mills(1, |_| {
        let message = "Your organization has exceeded the limit of 20000 complexity points. Please try again in 187 seconds.";
        let mut reply = Reply::json(&json!({ "errors": [{ "message": message }] }));
        reply.status = 429;
        let reply = reply.header("ratelimit-remaining", "0");
        Some(reply.header("ratelimit-limit", "20000").header("ratelimit-reset", "187"))
    })
    .await;
    let answer = world.ask(&runs(1)).await;
    assert!(answer.contains("UPSTREAM_RATE_LIMITED"), "{answer}");
    assert!(answer.contains(r#""retryAfter":18"#), "{answer}");
    world.upstream.take();
    // It is left alone until then.
    let answer = world.ask(&runs(1)).await;
    assert!(answer.contains(r#""code":"#), "{answer}");
    assert_eq!(sent(&world), [""; 0]);
}
