//! Two `serve` processes, each with a database of its own, on one Redis, before one upstream that counts.

use std::fs;
use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::{Value, json};

use crate::cli::{Place, Running};
use crate::support::redis::Redis;
use crate::support::upstream::{Asked, Reply, Upstream};

const SDL: &str = r#"
extend schema
  @source(name: "rest", url: "$config.url", limits: { retries: 0 })
  @source(name: "graph", type: GRAPHQL, url: "$config.url", limits: { retries: 0 })
  @webhook(source: "rest", event: "$body.kind", purge: ["thing:{$body.thing}"],
    signature: { scheme: SHARED_TOKEN, header: "X-Token", secret: "$secret.hook", deliveryId: "$headers.'x-id'" })
extend interface Entity {
  thing(size: Int): Thing
    @connect(source: "rest", get: "/things/{$entity.metadata.name}?size={?$args.size}") @cache(maxAge: "1h", tags: ["thing:{$entity.metadata.name}"])
  tick: Thing @connect(source: "rest", get: "/ticks/{$entity.metadata.name}") @cache(maxAge: "1s", stale: "1h")
  graphThing: Thing @connect(source: "graph", batch: { style: ALIAS }, query: "thing(name: $name)", let: [{ name: "name", value: "$entity.metadata.name" }])
    @cache(maxAge: "1h", tags: ["thing:{$name}"])
  graphTick: Thing @connect(source: "graph", batch: { style: ALIAS }, query: "tick(name: $name)", let: [{ name: "name", value: "$entity.metadata.name" }])
    @cache(maxAge: "1s", stale: "1h")
}
type Thing implements Live @identity(from: "id") { n: Int }
"#;

const CATALOG: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: web }\nspec: { type: website, lifecycle: production, owner: team-a }\n";

fn config(name: &str, redis: &Redis, upstream: &Upstream, per_minute: u32) -> String {
    json!({
        "database": { "url": format!("sqlite:{name}.db") },
        "sources": [{ "type": "file", "path": "./catalog" }],
        "connectorFolders": ["./own"],
        // Tests that run beside this one take what they can of the machine.
        "cache": { "redis": redis.url(), "redisPatience": "5s" },
        "connectors": { "probe": {
            "config": { "url": upstream.url },
            "secrets": { "hook": "a-hook-token" },
            "limits": { "perMinute": per_minute },
        } },
    })
    .to_string()
}

pub(super) struct Replica {
    pub(super) running: Running,
    file: std::path::PathBuf,
    client: reqwest::Client,
}

impl Replica {
    pub(super) async fn start(place: &Place, name: &str, config: &str) -> Self {
        let file = place.path().join(format!("{name}.yaml"));
        fs::write(&file, config).unwrap();
        let serve = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--config",
            file.to_str().unwrap(),
        ];
        let replica = Self {
            running: tokio::task::block_in_place(|| Running::start(place.command(&serve), false)),
            file,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        };
        eventually("the catalog", async || {
            replica.ask("{ component(ref: \"web\") { name } }").await["data"]["component"]["name"]
                == "web"
        })
        .await;
        replica
    }

    pub(super) async fn ask(&self, query: &str) -> Value {
        let url = format!("{}/graphql", self.running.url.trim_end_matches('/'));
        let body = json!({ "query": query }).to_string();
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    async fn value(&self, field: &str) -> Value {
        let answer = self
            .ask(&format!(
                "{{ component(ref: \"web\") {{ value: {field} {{ n }} }} }}"
            ))
            .await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["component"]["value"]["n"].clone()
    }

    async fn deliver(&self, thing: &str) -> u16 {
        let url = format!("{}/webhooks/probe", self.running.url.trim_end_matches('/'));
        let body = json!({ "kind": "changed", "thing": thing }).to_string();
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json");
        let request = request
            .header("x-token", "a-hook-token")
            .header("x-id", "1");
        request.body(body).send().await.unwrap().status().as_u16()
    }
}

pub(super) async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !so().await {
        assert!(started.elapsed() < Duration::from_secs(30), "no {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Each answer is a number that was never given before.
async fn upstream() -> Upstream {
    let next = std::sync::atomic::AtomicU64::new(1);
    Upstream::start(move |asked: &Asked| {
        let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let thing = json!({ "id": 1, "n": n });
        Reply::json(&match asked.method.as_str() {
            "POST" => json!({ "data": { "a0": thing } }),
            _ => thing,
        })
    })
    .await
}

fn place() -> Place {
    Place::with(&[
        ("own/probe/probe.graphql", SDL),
        ("catalog/catalog-info.yaml", CATALOG),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn one_fetches_for_both_and_a_purge_on_one_is_seen_by_the_other() {
    share("thing", "tick").await;
}

/// The same of a source that speaks GraphQL, where what is held of an object is kept field by field.
#[tokio::test(flavor = "multi_thread")]
async fn one_fetches_of_a_graph_for_both() {
    share("graphThing", "graphTick").await;
}

async fn share(thing: &str, tick: &str) {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    // Only lost if another test was faster.
    drop(rustls::crypto::ring::default_provider().install_default());
    let (place, upstream) = (place(), upstream().await);
    let one = Replica::start(&place, "one", &config("one", &redis, &upstream, 6000)).await;
    let other = Replica::start(&place, "other", &config("other", &redis, &upstream, 6000)).await;

    let (first, second) = join(one.value(thing), other.value(thing)).await;
    assert_eq!((first, second), (json!(1), json!(1)));
    assert_eq!(upstream.take().len(), 1);

    // What has become stale is fetched again once, whoever notices.
    let before = one.value(tick).await;
    assert_eq!(other.value(tick).await, before);
    upstream.take();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    eventually("a refresh that both see", async || {
        let (here, there) = join(one.value(tick), other.value(tick)).await;
        here != before && here == there
    })
    .await;
    let asked = upstream.take().len();
    assert!(asked <= 2, "{asked} requests for one or two refreshes");

    // Told to one, known by the other within a second.
    assert_eq!(one.deliver("web").await, 200);
    let told = Instant::now();
    eventually("news on the other replica", async || {
        other.value(thing).await != json!(1)
    })
    .await;
    assert!(
        told.elapsed() < Duration::from_secs(1),
        "{:?}",
        told.elapsed()
    );
    assert_eq!(one.value(thing).await, other.value(thing).await);
    let asked = upstream.take();
    let asked = asked
        .iter()
        .filter(|asked| asked.path() == "/things/web" || asked.body.contains("thing("));
    assert_eq!(asked.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn they_have_one_budget_and_take_over_another_one() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    // Only lost if another test was faster.
    drop(rustls::crypto::ring::default_provider().install_default());
    let (place, upstream) = (place(), upstream().await);
    let one = Replica::start(&place, "one", &config("one", &redis, &upstream, 5)).await;
    let other = Replica::start(&place, "other", &config("other", &redis, &upstream, 5)).await;
    let thing =
        |size: usize| format!("{{ component(ref: \"web\") {{ thing(size: {size}) {{ n }} }} }}");
    let minute = || callboard::clock::Clock::system().now().as_second() / 60;
    let mut size = 0;
    let refused = loop {
        let began = minute();
        upstream.take();
        let mut refused = Vec::new();
        for _ in 0..8 {
            size += 2;
            let (first, second) = (thing(size), thing(size + 1));
            let (first, second) = join(one.ask(&first), other.ask(&second)).await;
            refused.extend(
                [first, second]
                    .into_iter()
                    .filter(|it| it.get("errors").is_some()),
            );
        }
        // Budgets are counted by the minute of the clock: one that ended in between says nothing.
        if minute() == began {
            break refused;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
    };
    let n_asked = upstream.take().len();
    assert!(n_asked <= 5, "{n_asked} requests");
    assert_eq!(refused.len(), 16 - n_asked);
    for answer in refused {
        assert_eq!(
            answer["errors"][0]["extensions"]["code"],
            "BUDGET_EXHAUSTED"
        );
    }
    // A change of the limits needs no restart.
    fs::write(&one.file, config("one", &redis, &upstream, 6000)).unwrap();
    one.running.signal("-HUP");
    eventually("a request within the new limit", async || {
        size += 2;
        one.ask(&thing(size)).await.get("errors").is_none()
    })
    .await;
}
