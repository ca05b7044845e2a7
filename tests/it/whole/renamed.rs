//! A repository that was renamed: descriptors still call it by its old name, the upstream and its webhooks by the new one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::replicas::{Replica, eventually};
use crate::cli::Place;
use crate::support::redis::Redis;
use crate::support::upstream::{Asked, Reply, Upstream};

const CATALOG: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: web, annotations: { github.com/project-slug: acme/old } }\nspec: { type: website, lifecycle: production, owner: team-a }\n";
const QUERY: &str =
    "{ component(ref: \"web\") { repository { fullName stars } ciRuns { nodes { number } } } }";

static RENAMED: AtomicBool = AtomicBool::new(false);

/// Each answer has a number that was never given before; by its old name a renamed repository is found elsewhere.
async fn upstream() -> Upstream {
    let next = AtomicU64::new(1);
    Upstream::start(move |asked: &Asked| {
        let n = next.fetch_add(1, Ordering::Relaxed);
        let renamed = RENAMED.load(Ordering::Relaxed);
        let name = if renamed { "Acme/New" } else { "acme/old" };
        match (asked.method.as_str(), asked.path()) {
            ("POST", _) => Reply::json(
                &json!({ "data": { "a0": { "id": "R1", "nameWithOwner": name, "stargazerCount": n } } }),
            ),
            (_, "/repos/acme/old/actions/runs") if renamed => {
                Reply::status(301).header("location", "/repositories/1/actions/runs")
            }
            _ => Reply::json(&json!({ "total_count": 1, "workflow_runs": [
                { "id": 1, "run_number": n, "repository": { "full_name": name } },
            ] })),
        }
    })
    .await
}

fn config(name: &str, redis: &Redis, upstream: &Upstream) -> String {
    json!({
        "database": { "url": format!("sqlite:{name}.db") },
        "sources": [{ "type": "file", "path": "./catalog" }],
        "cache": { "redis": redis.url(), "redisPatience": "5s" },
        "connectors": { "github": {
            "config": { "graphqlUrl": format!("{}/graphql", upstream.url), "restUrl": upstream.url },
            "secrets": { "token": "a-token", "webhook": "a-hook-secret" },
        } },
    })
    .to_string()
}

async fn deliver(replica: &Replica, event: &str, id: u32, body: &Value) {
    let url = format!(
        "{}/webhooks/github",
        replica.running.url.trim_end_matches('/')
    );
    let body = body.to_string();
    let mut code = Hmac::<Sha256>::new_from_slice(b"a-hook-secret").unwrap();
    code.update(body.as_bytes());
    let signature = format!("sha256={}", hex::encode(code.finalize().into_bytes()));
    let request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .header("x-hub-signature-256", signature)
        .header("x-github-event", event)
        .header("x-github-delivery", id.to_string());
    assert_eq!(request.body(body).send().await.unwrap().status(), 200);
}

/// What a replica shows: the repository's name and number, and the run's number.
async fn shown(replica: &Replica) -> (Value, Value, Value) {
    let answer = replica.ask(QUERY).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let entity = &answer["data"]["component"];
    let run = &entity["ciRuns"]["nodes"][0]["number"];
    let repository = &entity["repository"];
    (
        repository["fullName"].clone(),
        repository["stars"].clone(),
        run.clone(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_by_the_new_name_purges_what_was_fetched_by_the_old() {
    let Some(redis) = Redis::start(&[]) else {
        return;
    };
    // Only lost if another test was faster.
    drop(rustls::crypto::ring::default_provider().install_default());
    let place = Place::with(&[("catalog/catalog-info.yaml", CATALOG)]);
    let upstream = upstream().await;
    let one = Replica::start(&place, "one", &config("one", &redis, &upstream)).await;
    let other = Replica::start(&place, "other", &config("other", &redis, &upstream)).await;

    let before = shown(&one).await;
    assert_eq!(before.0, "acme/old");
    assert_eq!(shown(&other).await, before);
    // The webhook of the renaming itself names both.
    RENAMED.store(true, Ordering::Relaxed);
    let repository =
        json!({ "name": "New", "full_name": "Acme/New", "owner": { "login": "Acme" } });
    let renamed = json!({ "action": "renamed", "changes": { "repository": { "name": { "from": "old" } } }, "repository": repository });
    deliver(&one, "repository", 1, &renamed).await;
    eventually("the new name on both", async || {
        shown(&one).await.0 == "Acme/New" && shown(&other).await.0 == "Acme/New"
    })
    .await;
    // From now on webhooks know the new one alone; what is kept was asked for by the old.
    let known = shown(&other).await;
    assert_eq!(shown(&one).await, known);
    upstream.take();
    assert_eq!(shown(&one).await, known);
    assert_eq!(upstream.take().len(), 0, "it is kept");
    deliver(&one, "push", 2, &json!({ "repository": repository })).await;
    let told = Instant::now();
    eventually("news on both", async || {
        let (here, there) = (shown(&one).await, shown(&other).await);
        let is_new = |now: &(Value, Value, Value)| now.1 != known.1 && now.2 != known.2;
        is_new(&here) && is_new(&there)
    })
    .await;
    // Tests that run beside this one take what they can of the machine.
    assert!(
        told.elapsed() < Duration::from_secs(5),
        "{:?}",
        told.elapsed()
    );
    // A webhook about another repository changes nothing.
    let known = shown(&other).await;
    let another = json!({ "repository": { "full_name": "acme/new-one" } });
    deliver(&other, "push", 3, &another).await;
    assert_eq!(shown(&other).await, known);
}
