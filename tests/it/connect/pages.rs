//! Lists, page by page: what each style asks, and what is kept of it.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::world::{World, world};
use crate::support::upstream::{Asked, Reply};

const SDL: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  builds(branch: String): [Build] @connect(source: "rest", get: "/builds?branch={?$args.branch}", at: "items", page: PAGE) @cache(maxAge: "1m", stale: "1m")
}
type Build implements Live @identity(from: "number") { number: Int }
"#;

/// Twelve builds, newest first.
fn rows(from: usize, size: usize) -> Vec<Value> {
    let last = (from + size).min(12);
    (from.min(12)..last)
        .map(|n| json!({ "number": 12 - n }))
        .collect()
}

fn number(asked: &Asked, name: &str, default: usize) -> usize {
    let found = asked.params(name);
    found.first().map_or(default, |text| text.parse().unwrap())
}

async fn paged(page: &str, answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> World {
    let sdl = SDL.replace("PAGE", page);
    world(&sdl).components("pay: {}").start(answer).await
}

/// Walks through the list by its cursors, five at a time; what each page shows, then what the upstream was asked.
async fn walk(world: &World) -> String {
    let mut out = String::new();
    let mut after = "null".to_owned();
    for _ in 0..6 {
        let query = format!(
            "{{ component(ref: \"pay\") {{ builds(first: 5, after: {after}) {{ nodes {{ number }} totalCount complete pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }} }}"
        );
        let (json, _) = world.engine.json(&query, Value::Null).await;
        let builds = &json["data"]["component"]["builds"];
        if builds.is_null() {
            return json.to_string();
        }
        let numbers: Vec<String> = builds["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["number"].to_string())
            .collect();
        let info = &builds["pageInfo"];
        out.push_str(&format!(
            "{} total {} complete {} next {} previous {}\n",
            numbers.join(" "),
            builds["totalCount"],
            builds["complete"],
            info["hasNextPage"],
            info["hasPreviousPage"]
        ));
        if info["hasNextPage"] != json!(true) {
            break;
        }
        after = info["endCursor"].to_string();
    }
    let asked: Vec<String> = world
        .upstream
        .take()
        .iter()
        .map(|asked| asked.target.clone())
        .collect();
    format!("{out}{}", asked.join("\n"))
}

#[tokio::test]
async fn offset() {
    let world = paged(
        r#"{ style: OFFSET, size: "limit", cursor: "offset", more: "more" }"#,
        |asked| {
            let (offset, limit) = (number(asked, "offset", 0), number(asked, "limit", 25));
            Reply::json(&json!({ "items": rows(offset, limit), "more": offset + limit < 12 }))
        },
    )
    .await;
    assert_snapshot!(walk(&world).await, @r#"
    12 11 10 9 8 total null complete false next true previous false
    7 6 5 4 3 total null complete false next true previous true
    2 1 total 12 complete true next false previous true
    /builds?limit=5
    /builds?limit=5&offset=5
    /builds?limit=5&offset=10
    "#);
}

#[tokio::test]
async fn page_with_a_total() {
    let world = paged(
        r#"{ style: PAGE, size: "per_page", maxSize: 4, cursor: "page", total: "total" }"#,
        |asked| {
            let (page, size) = (number(asked, "page", 1), number(asked, "per_page", 25));
            Reply::json(&json!({ "items": rows((page - 1) * size, size), "total": 12 }))
        },
    )
    .await;
    assert_snapshot!(walk(&world).await, @r#"
    12 11 10 9 8 total 12 complete false next true previous false
    7 6 5 4 3 total 12 complete true next true previous true
    2 1 total 12 complete true next false previous true
    /builds?per_page=4
    /builds?per_page=4&page=2
    /builds?per_page=4&page=3
    "#);
}

#[tokio::test]
async fn cursor() {
    let world = paged(
        r#"{ style: CURSOR, cursor: "page-token", next: "next" }"#,
        |asked| {
            let from = number(asked, "page-token", 0);
            let next = (from + 3 < 12).then(|| (from + 3).to_string());
            Reply::json(&json!({ "items": rows(from, 3), "next": next }))
        },
    )
    .await;
    assert_snapshot!(walk(&world).await, @r#"
    12 11 10 9 8 total null complete false next true previous false
    7 6 5 4 3 total 12 complete true next true previous true
    2 1 total 12 complete true next false previous true
    /builds
    /builds?page-token=3
    /builds?page-token=6
    /builds?page-token=9
    "#);
}

#[tokio::test]
async fn link() {
    let world = paged(r#"{ style: LINK, size: "per_page", maxPages: 2 }"#, |asked| {
        let (page, size) = (number(asked, "page", 1), number(asked, "per_page", 25));
        let host = asked.header("host").unwrap();
        let link = format!("<http://{host}/builds?page=1,2>; rel=\"first\", <http://{host}/builds?page={}&per_page={size}>; rel=\"next\"", page + 1);
        Reply::json(&json!({ "items": rows((page - 1) * size, size) })).header("link", &link)
    })
    .await;
    assert_snapshot!(walk(&world).await, @r#"
    12 11 10 9 8 total null complete false next true previous false
    7 6 5 4 3 total null complete false next false previous true
    /builds?per_page=5
    /builds?page=2&per_page=5
    "#);
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_not_followed() {
    let world = paged(r#"{ style: LINK }"#, |_| {
        Reply::json(&json!({ "items": rows(0, 3) }))
            .header("link", "<http://169.254.169.254/latest>; rel=next")
    })
    .await;
    assert_snapshot!(walk(&world).await, @r#"{"data":{"component":{"builds":null}},"errors":[{"message":"`probe` leads elsewhere for its next page at `/builds?branch={?$args.branch}`","locations":[{"line":1,"column":27}],"path":["component","builds"],"extensions":{"code":"UPSTREAM_BAD_SHAPE","connector":"probe"}}]}"#);
}

#[tokio::test]
async fn a_list_that_grew_is_read_on_where_it_was_left() {
    let world = paged(
        r#"{ style: OFFSET, size: "limit", cursor: "offset" }"#,
        |asked| {
            Reply::json(
                &json!({ "items": rows(number(asked, "offset", 0), number(asked, "limit", 25)) }),
            )
        },
    )
    .await;
    let query = |after: &str| {
        format!(
            "{{ component(ref: \"pay\") {{ builds(first: 3, after: {after}) {{ nodes {{ number }} pageInfo {{ endCursor }} }} }} }}"
        )
    };
    let (json, _) = world.engine.json(&query("null"), Value::Null).await;
    let after = json["data"]["component"]["builds"]["pageInfo"]["endCursor"].to_string();
    // Two new ones at the head, and nothing kept.
    world.pass(std::time::Duration::from_secs(300));
    world.upstream.answer(|asked| {
        let mut all = vec![json!({ "number": 14 }), json!({ "number": 13 })];
        all.extend(rows(0, 12));
        let (offset, limit) = (number(asked, "offset", 0), number(asked, "limit", 25));
        Reply::json(
            &json!({ "items": all.into_iter().skip(offset).take(limit).collect::<Vec<_>>() }),
        )
    });
    assert_snapshot!(world.ask(&query(&after)).await, @r#"{"data":{"component":{"builds":{"nodes":[{"number":9}],"pageInfo":{"endCursor":"l6.db80faad"}}}}}"#);
    assert_snapshot!(world.ask(&query("\"nonsense\"")).await, @r#"
    {
      "data": {"component":{"builds":null}},
      "errors": [
        {
          "message": "`after` is no cursor of this list",
          "locations": [{"line":1,"column":27}],
          "path": ["component","builds"],
          "extensions": {"code":"BAD_USER_INPUT"}
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_request_with_a_body_says_there_where_it_is() {
    let sdl = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  builds: [Build] @connect(source: "rest", post: "/search?limit=2", body: "{ of: $entity.metadata.name }", at: "items",
    page: { style: OFFSET, size: "limit", cursor: "offset", total: "total" }) @cache(maxAge: "1m", stale: "1m")
}
type Build implements Live @identity(from: "number") { number: Int }
"#;
    let world = world(sdl).components("pay: {}").start(|asked| {
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        assert_eq!(body["of"], "pay");
        let offset = usize::try_from(body["offset"].as_u64().unwrap_or(0)).unwrap();
        Reply::json(&json!({ "items": rows(offset, number(asked, "limit", 25)), "total": 12 }))
    });
    let world = world.await;
    let query = "{ component(ref: \"pay\") { builds(first: 7) { nodes { number } } } }";
    let (json, _) = world.engine.json(query, Value::Null).await;
    assert_eq!(
        json["data"]["component"]["builds"]["nodes"]
            .as_array()
            .unwrap()
            .len(),
        7,
        "{json}"
    );
    let (json, _) = world
        .engine
        .json(&query.replace('7', "12"), Value::Null)
        .await;
    assert_eq!(
        json["data"]["component"]["builds"]["nodes"]
            .as_array()
            .unwrap()
            .len(),
        12,
        "{json}"
    );
    let asked = world.upstream.take();
    let asked: Vec<String> = asked
        .iter()
        .map(|asked| format!("{} {}", asked.target, asked.body))
        .collect();
    assert_eq!(
        asked,
        [
            r#"/search?limit=7 {"of":"pay"}"#,
            r#"/search?limit=7 {"of":"pay","offset":7}"#,
        ]
    );
}

const WHOLE: &str = r#"
extend schema @source(name: "rest", url: "$config.url")
extend interface Entity {
  newest: Int @connect(source: "rest", get: "/builds", at: "items | each(number) | max", page: PAGE) @cache(maxAge: "1m")
  count: Int @connect(source: "rest", get: "/builds", at: "items | count", page: PAGE) @cache(maxAge: "1m")
  odd: [Build] @connect(source: "rest", get: "/builds", at: "items | where(odd, true)", page: PAGE) @cache(maxAge: "1m")
}
type Build implements Live @identity(from: "number") { number: Int }
"#;

/// What twelve builds come to, five on a page; each field is made of all of them, and each page is asked for once.
#[tokio::test]
async fn whole_values_are_made_of_all_pages() {
    let styles = [
        (
            r#"{ style: CURSOR, cursor: "at", next: "next", whole: true }"#,
            "/builds /builds?at=10 /builds?at=5",
        ),
        (
            r#"{ style: OFFSET, cursor: "at", size: "limit", maxSize: 5, whole: true }"#,
            "/builds?limit=5 /builds?limit=5&at=10 /builds?limit=5&at=5",
        ),
        (
            r#"{ style: PAGE, cursor: "page", size: "limit", maxSize: 5, whole: true }"#,
            "/builds?limit=5 /builds?limit=5&page=2 /builds?limit=5&page=3",
        ),
        (
            r#"{ style: LINK, whole: true }"#,
            "/builds /builds?at=10 /builds?at=5",
        ),
    ];
    for (page, asked) in styles {
        let world = world(&WHOLE.replace("PAGE", page))
            .components("pay: {}")
            .start(|asked| {
                let page = number(asked, "page", 1) - 1;
                let from = number(asked, "at", page * 5);
                // The oldest first: the newest is on the last page.
                let items: Vec<Value> = (from..(from + 5).min(12))
                    .map(|n| json!({ "number": n + 1, "odd": n % 2 == 0 }))
                    .collect();
                let next = (from + 5 < 12).then(|| (from + 5).to_string());
                let link = next
                    .as_ref()
                    .map(|next| format!("</builds?at={next}>; rel=\"next\""));
                let reply = Reply::json(&json!({ "items": items, "next": next }));
                match link {
                    Some(link) => reply.header("link", &link),
                    None => reply,
                }
            })
            .await;
        let query = "{ component(ref: \"pay\") { newest count odd(first: 4) { nodes { number } complete pageInfo { hasNextPage } } } }";
        let (answer, _) = world.engine.json(query, Value::Null).await;
        let all = json!({ "data": { "component": {
            "newest": 12,
            "count": 12,
            "odd": {
                "nodes": [{ "number": 1 }, { "number": 3 }, { "number": 5 }, { "number": 7 }],
                "complete": true,
                "pageInfo": { "hasNextPage": true },
            },
        } } });
        assert_eq!(answer, all, "{page}");
        let targets = world.upstream.targets().replace("GET ", "");
        assert_eq!(
            targets.split_whitespace().collect::<Vec<_>>().join(" "),
            asked,
            "{page}"
        );
    }
}

/// A value of a part of the pages would be another value, so there is none; a list says that there is more.
#[tokio::test]
async fn whole_values_have_an_end() {
    let page = r#"{ style: CURSOR, cursor: "at", next: "next", maxPages: 3, whole: true }"#;
    let world = world(&WHOLE.replace("PAGE", page))
        .components("pay: {}")
        .start(|asked| {
            let at = number(asked, "at", 0);
            let items = [json!({ "number": at, "odd": at % 2 == 1 })];
            Reply::json(&json!({ "items": items, "next": at + 1 }))
        })
        .await;
    for _ in 0..2 {
        let query = "{ component(ref: \"pay\") { count odd { nodes { number } complete } } }";
        let (answer, _) = world.engine.json(query, Value::Null).await;
        let odd = json!({ "nodes": [{ "number": 1 }], "complete": false });
        assert_eq!(answer["data"]["component"]["odd"], odd, "{answer}");
        let error = &answer["errors"][0];
        assert_eq!(error["path"], json!(["component", "count"]), "{answer}");
        assert_eq!(error["extensions"]["code"], json!("UPSTREAM_BAD_SHAPE"));
    }
    assert_eq!(world.upstream.targets().lines().count(), 3);
}
