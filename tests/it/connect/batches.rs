//! Many objects in few requests, each with what is its own.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::world::{last, world};
use crate::support::upstream::{Asked, Reply};

/// As an on-call service: services with policies, policies with people.
pub(crate) const ON_CALL: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  pagerService: PagerService @connect(source: "rest", at: "service", get: "/services/{$entity.metadata.annotations.'probe/service'}") @cache(maxAge: "10m", stale: "6h")
}
type PagerService implements Live @identity(from: "$this.id") {
  name: String
  onCall: [PagerOnCall]
    @connect(source: "rest", get: "/oncalls?policy_ids[]={$batch.key}&include[]=users", at: "oncalls[]",
      batch: { style: LIST, key: "$this.policy.id", match: "policy.id", max: 25 },
      page: { style: OFFSET, size: "limit", cursor: "offset", more: "more" })
    @cache(maxAge: "60s", stale: "10m", until: "end")
}
type PagerOnCall implements OnCall
  @supplies(field: "Entity.onCall", from: "Entity.pagerService.onCall")
  @identity(from: "policy.id + '/' + (level | toString) + '/' + user.id") {
  name: String @field(at: "user.name")
  user: User @lookup(kind: "User", by: "spec.profile.email", value: "user.email")
}
"#;

/// Services `S<n>` of which every fourth has the same policy; each policy has two levels.
pub(crate) fn pager(asked: &Asked) -> Reply {
    if asked.path().starts_with("/services/") {
        let id = last(asked);
        let number: u32 = id.trim_start_matches('S').parse().unwrap();
        let policy = format!("P{}", number % 3);
        return Reply::json(
            &json!({ "service": { "id": id, "name": id, "policy": { "id": policy } } }),
        );
    }
    let mut rows = Vec::new();
    for policy in asked.params("policy_ids[]") {
        for level in 1..=2 {
            let mail = if level == 1 {
                "ann@acme.test"
            } else {
                "zed@acme.test"
            };
            rows.push(json!({ "policy": { "id": policy }, "level": level,
                "user": { "id": format!("u{level}"), "name": format!("{policy}-{level}"), "email": mail } }));
        }
    }
    // Rows never stand in the order of the keys.
    rows.reverse();
    paged(asked, "oncalls", rows)
}

fn paged(asked: &Asked, name: &str, rows: Vec<Value>) -> Reply {
    let number = |param: &str| {
        asked
            .params(param)
            .first()
            .and_then(|text| text.parse().ok())
    };
    let (offset, limit): (usize, usize) =
        (number("offset").unwrap_or(0), number("limit").unwrap_or(25));
    let more = offset + limit < rows.len();
    let page: Vec<Value> = rows.into_iter().skip(offset).take(limit).collect();
    Reply::json(&json!({ name: page, "more": more, "limit": limit, "offset": offset }))
}

fn fifty() -> String {
    let lines = (0..50).map(|n| format!("c{n:02}: {{ probe/service: S{} }}", n % 12));
    lines.collect::<Vec<_>>().join("\n")
}

const ANN: &str = "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: { name: ann }\nspec: { memberOf: [], profile: { email: Ann@acme.test } }";

#[tokio::test]
async fn fifty_components_on_twelve_services_are_thirteen_requests() {
    let world = world(ON_CALL)
        .components(&fifty())
        .descriptors(ANN)
        .start(pager)
        .await;
    let query = "{ components(first: 50) { nodes { name onCall { nodes { level name user { name } } } } } }";
    let first = world.ask(query).await;
    assert_snapshot!(first.lines().take(30).collect::<Vec<_>>().join("\n"), @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {
              "name": "c00",
              "onCall": {"nodes":[{"level":1,"name":"P0-1","user":{"name":"ann"}},{"level":2,"name":"P0-2","user":null}]}
            },
            {
              "name": "c01",
              "onCall": {"nodes":[{"level":1,"name":"P1-1","user":{"name":"ann"}},{"level":2,"name":"P1-2","user":null}]}
            },
            {
              "name": "c02",
              "onCall": {"nodes":[{"level":1,"name":"P2-1","user":{"name":"ann"}},{"level":2,"name":"P2-2","user":null}]}
            },
            {
              "name": "c03",
              "onCall": {"nodes":[{"level":1,"name":"P0-1","user":{"name":"ann"}},{"level":2,"name":"P0-2","user":null}]}
            },
            {
              "name": "c04",
              "onCall": {"nodes":[{"level":1,"name":"P1-1","user":{"name":"ann"}},{"level":2,"name":"P1-2","user":null}]}
            },
            {
              "name": "c05",
              "onCall": {"nodes":[{"level":1,"name":"P2-1","user":{"name":"ann"}},{"level":2,"name":"P2-2","user":null}]}
            },
            {
              "name": "c06",
    "#);
    assert_snapshot!(world.upstream.targets(), @r#"
    GET /oncalls?policy_ids[]=P0&policy_ids[]=P1&policy_ids[]=P2&include[]=users&limit=100
    GET /services/S0
    GET /services/S1
    GET /services/S10
    GET /services/S11
    GET /services/S2
    GET /services/S3
    GET /services/S4
    GET /services/S5
    GET /services/S6
    GET /services/S7
    GET /services/S8
    GET /services/S9
    "#);
    assert_eq!(world.ask(query).await, first);
    assert_snapshot!(world.upstream.targets(), @"");
}

const ROWS: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  stats: Stats @connect(source: "rest", get: "/stats?ids={$batch.key | join(',')}", at: "rows",
    batch: { style: LIST, key: "$entity.metadata.annotations.'probe/id'", match: "id", max: MAX })
}
type Stats implements Live @identity(from: "id") { value: Int }
"#;

fn stats(asked: &Asked) -> Vec<Value> {
    let ids = asked.params("ids").concat();
    let rows = ids.split(',').filter(|id| *id != "7");
    rows.map(|id| json!({ "id": id.parse::<i64>().unwrap(), "value": id.len() }))
        .collect()
}

fn numbered(count: usize) -> String {
    let lines = (0..count).map(|n| format!("c{n:03}: {{ probe/id: \"{n}\" }}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn rows_are_matched_by_key_and_absent_ones_are_null() {
    let sdl = ROWS.replace("MAX", "4");
    let world = world(&sdl)
        .components(&numbered(9))
        .start(|asked| Reply::json(&json!({ "rows": stats(asked) })))
        .await;
    assert_snapshot!(world.ask("{ components { nodes { name stats { value } } } }").await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {"name":"c000","stats":{"value":1}},
            {"name":"c001","stats":{"value":1}},
            {"name":"c002","stats":{"value":1}},
            {"name":"c003","stats":{"value":1}},
            {"name":"c004","stats":{"value":1}},
            {"name":"c005","stats":{"value":1}},
            {"name":"c006","stats":{"value":1}},
            {"name":"c007","stats":null},
            {"name":"c008","stats":{"value":1}}
          ]
        }
      }
    }
    "#);
    assert_snapshot!(world.upstream.targets(), @r#"
    GET /stats?ids=0%2C1%2C2%2C3
    GET /stats?ids=4%2C5%2C6%2C7
    GET /stats?ids=8
    "#);
}

#[tokio::test]
async fn three_fields_of_fifty_objects_are_three_requests() {
    let table = |name: &str| {
        let sdl = ROWS
            .replace("MAX", "50")
            .replace("/stats?", &format!("/{name}?"));
        let sdl = sdl.replace("stats:", &format!("{name}:"));
        sdl.replace("Stats", &format!("Of{name}"))
    };
    let (cost, grade, load) = (table("cost"), table("grade"), table("load"));
    let config = "connectors: { cost: { config: { url: URL } }, grade: { config: { url: URL } }, load: { config: { url: URL } } }";
    let world = world("\"Nothing of its own.\" type ProbeNothing { x: Int }")
        .and("connectors/cost/cost.graphql", &cost)
        .and("connectors/grade/grade.graphql", &grade)
        .and("connectors/load/load.graphql", &load)
        .config(config)
        .components(&numbered(50))
        .start(|asked| Reply::json(&json!({ "rows": stats(asked) })))
        .await;
    let query =
        "{ components(first: 50) { nodes { cost { value } grade { value } load { value } } } }";
    let text = world.ask(query).await;
    // One of the ids is one that the upstream does not know.
    assert_eq!(text.matches("value").count(), 3 * 49, "{text}");
    let mut asked: Vec<String> = world
        .upstream
        .take()
        .iter()
        .map(|asked| asked.path().to_owned())
        .collect();
    asked.sort();
    assert_eq!(asked, ["/cost", "/grade", "/load"]);
}

#[tokio::test]
async fn a_batch_that_is_too_much_is_divided() {
    let sdl = ROWS.replace("MAX", "50");
    let world = world(&sdl)
        .components(&numbered(10))
        .start(|asked| match stats(asked).len() {
            0..=3 => Reply::json(&json!({ "rows": stats(asked) })),
            _ => Reply::status(413),
        })
        .await;
    let text = world
        .ask("{ components { nodes { stats { value } } } }")
        .await;
    assert_eq!(text.matches("value").count(), 9, "{text}");
    assert_snapshot!(world.upstream.targets(), @r#"
    GET /stats?ids=0%2C1
    GET /stats?ids=0%2C1%2C2%2C3%2C4
    GET /stats?ids=0%2C1%2C2%2C3%2C4%2C5%2C6%2C7%2C8%2C9
    GET /stats?ids=2%2C3%2C4
    GET /stats?ids=5%2C6
    GET /stats?ids=5%2C6%2C7%2C8%2C9
    GET /stats?ids=7%2C8%2C9
    "#);
}

#[tokio::test]
async fn a_url_that_is_too_long_is_not_sent() {
    let sdl = ROWS.replace("MAX", "50");
    let long = "9".repeat(400);
    let lines: Vec<String> = (10..50)
        .map(|n| format!("c{n}: {{ probe/id: \"{n}{long}\" }}"))
        .collect();
    let world = world(&sdl)
        .components(&lines.join("\n"))
        .start(|_| Reply::json(&json!({ "rows": [] })))
        .await;
    world
        .ask("{ components { nodes { stats { value } } } }")
        .await;
    let lengths: Vec<usize> = world
        .upstream
        .take()
        .iter()
        .map(|asked| asked.target.len())
        .collect();
    assert!(
        lengths.len() > 1 && lengths.iter().all(|length| *length <= 8192),
        "{lengths:?}"
    );
}

const COLLECTION: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  app: App @connect(source: "rest", get: "/apps", at: "items[]",
    batch: { style: COLLECTION, key: "$entity.metadata.name", match: "meta.name" },
    page: { style: CURSOR, size: "limit", maxSize: 4, cursor: "continue", next: "meta.continue", maxPages: PAGES })
    @cache(maxAge: "1m")
}
type App implements Live @identity(from: "meta.name") { health: String }
"#;

fn apps(asked: &Asked) -> Reply {
    let start: usize = asked
        .params("continue")
        .first()
        .map_or(0, |text| text.parse().unwrap());
    let end = (start + 4).min(10);
    let items: Vec<Value> = (start..end)
        .map(|n| json!({ "meta": { "name": format!("c{n:03}") }, "health": format!("h{n}") }))
        .collect();
    let next = (end < 10).then(|| end.to_string());
    Reply::json(&json!({ "items": items, "meta": { "continue": next } }))
}

#[tokio::test]
async fn a_collection_is_read_once_for_all_keys() {
    let sdl = COLLECTION.replace("PAGES", "10");
    let world = world(&sdl).components(&numbered(11)).start(apps).await;
    let query = "{ components { nodes { name app { health } } } }";
    assert_snapshot!(world.ask(query).await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {"name":"c000","app":{"health":"h0"}},
            {"name":"c001","app":{"health":"h1"}},
            {"name":"c002","app":{"health":"h2"}},
            {"name":"c003","app":{"health":"h3"}},
            {"name":"c004","app":{"health":"h4"}},
            {"name":"c005","app":{"health":"h5"}},
            {"name":"c006","app":{"health":"h6"}},
            {"name":"c007","app":{"health":"h7"}},
            {"name":"c008","app":{"health":"h8"}},
            {"name":"c009","app":{"health":"h9"}},
            {"name":"c010","app":null}
          ]
        }
      }
    }
    "#);
    assert_snapshot!(world.upstream.targets(), @r#"
    GET /apps?limit=4
    GET /apps?limit=4&continue=4
    GET /apps?limit=4&continue=8
    "#);
    world.ask(query).await;
    assert_snapshot!(world.upstream.targets(), @"");
}

#[tokio::test]
async fn a_collection_that_is_cut_off_fails_where_it_has_nothing() {
    let sdl = COLLECTION.replace("PAGES", "2");
    let world = world(&sdl).components(&numbered(11)).start(apps).await;
    assert_snapshot!(world.ask("{ components(first: 9) { nodes { name app { health } } } }").await, @r#"
    {
      "data": {
        "components": {
          "nodes": [
            {"name":"c000","app":{"health":"h0"}},
            {"name":"c001","app":{"health":"h1"}},
            {"name":"c002","app":{"health":"h2"}},
            {"name":"c003","app":{"health":"h3"}},
            {"name":"c004","app":{"health":"h4"}},
            {"name":"c005","app":{"health":"h5"}},
            {"name":"c006","app":{"health":"h6"}},
            {"name":"c007","app":{"health":"h7"}},
            {"name":"c008","app":null}
          ]
        }
      },
      "errors": [
        {
          "message": "`probe` has more pages than `maxPages` allows at `/apps`",
          "locations": [{"line":1,"column":39}],
          "path": ["components","nodes",8,"app"],
          "extensions": {"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}
        }
      ]
    }
    "#);
}
