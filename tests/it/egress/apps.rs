//! Apps: whom they ask as, what that costs, and what becomes of keys, clocks and installations that are not as they should be.

use std::sync::Arc;

use callboard::clock::Clock;
use callboard::egress::{
    self, AppIdentity, AppKey, Credential, Egress, KeyError, Kind, Lane, Upstream, UpstreamSpec,
    Url,
};
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::json;

use super::probe::{ask, code, get, spec};
use crate::support::app_host::{APP_ID, AppHost, CURVE, PKCS1, PKCS8, REVOKED, SMALL};
use crate::support::upstream::Reply;

struct World {
    host: AppHost,
    clock: Clock,
    egress: Egress,
}

async fn world() -> World {
    let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
    let host = AppHost::start(&clock, |_, account| {
        Reply::json(&json!({ "account": account }))
    })
    .await;
    let settings = egress::Settings {
        clock: clock.clone(),
        ..egress::Settings::default()
    };
    World {
        host,
        clock,
        egress: Egress::new(settings).unwrap(),
    }
}

impl World {
    fn upstream(&self, key: &str) -> Arc<Upstream> {
        self.source("rest", key)
    }

    fn source(&self, name: &str, key: &str) -> Arc<Upstream> {
        self.egress.upstream(self.spec(name, key)).unwrap()
    }

    fn spec(&self, name: &str, key: &str) -> UpstreamSpec {
        let mut spec = spec(&self.host.upstream.url);
        spec.source = name.into();
        spec.limits.timeout = std::time::Duration::from_secs(2);
        spec.credential = Credential::App(AppIdentity {
            api: Url::parse(&self.host.upstream.url).unwrap(),
            id: APP_ID.into(),
            key: AppKey::read(&key.into()).unwrap(),
            setting: "connectors.probe.secrets.appKey".into(),
        });
        spec
    }
}

#[test]
fn keys_are_read_in_both_forms_and_others_refused() {
    let read = |text: &str| AppKey::read(&text.into()).err();
    // As it stands in a variable of the environment.
    let one_line = PKCS1.trim().replace('\n', "\\n");
    for text in [PKCS1, PKCS8, &*format!("\n  {PKCS1}\n\n"), &*one_line] {
        assert_eq!(read(text), None, "{text}");
    }
    let (cut, _) = PKCS1.split_at(PKCS1.len() / 2);
    for text in [
        "",
        "secret",
        cut,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ] {
        assert_eq!(read(text), Some(KeyError::NoPem), "{text}");
    }
    let (first, _) = PKCS1.split_at(PKCS1.len() - 400);
    let damaged = format!("{first}\n-----END RSA PRIVATE KEY-----\n");
    for text in [CURVE, SMALL, &*damaged] {
        assert_eq!(read(text), Some(KeyError::NoRsa), "{text}");
    }
    let key = AppKey::read(&PKCS1.into()).unwrap();
    assert_eq!(format!("{key:?}"), "AppKey { .. }");
}

#[tokio::test]
async fn each_account_is_asked_with_its_own_token_which_all_sources_share() {
    let world = world().await;
    let (rest, other) = (world.source("rest", PKCS1), world.source("other", PKCS8));
    let acme = rest.installed("acme").unwrap();
    let ada = rest.installed("ada").unwrap();
    let accounts = [&acme, &ada, &acme, &acme, &ada];
    for result in join_all(accounts.map(ask)).await {
        assert_eq!(code(&result), "200");
    }
    let (mut desk, mut asked) = world.host.take();
    desk.sort();
    asked.sort();
    // An organisation is found at once, a person where organisations are not.
    assert_eq!(
        desk,
        [
            "GET /orgs/acme/installation key",
            "GET /orgs/ada/installation key",
            "GET /users/ada/installation key",
            "POST /app/installations/11/access_tokens key",
            "POST /app/installations/12/access_tokens key",
        ]
    );
    let of = |account: &str| {
        asked
            .iter()
            .filter(|line| line.contains(&format!("ghs_{account}_")))
            .count()
    };
    assert_eq!((asked.len(), of("acme"), of("ada")), (5, 3, 2));

    // The same key in another form is another credential; the same one shares what is known.
    assert_eq!(code(&ask(&other.installed("ACME").unwrap()).await), "200");
    let again = world.source("third", PKCS1).installed("Acme").unwrap();
    world.host.take();
    assert_eq!(code(&ask(&again).await), "200");
    assert_eq!(world.host.take().0, [] as [&str; 0]);

    // Nobody is asked without an account, and nothing that is none becomes part of a path.
    assert_eq!(code(&ask(&rest).await), "UPSTREAM_UNAUTHORIZED");
    for name in ["", "a/b", "..", "a b", "#x", "a%2f", "é", &"x".repeat(101)] {
        assert!(rest.installed(name).is_none(), "{name}");
    }
    assert_eq!(code(&ask(&rest.installed("#12").unwrap()).await), "200");
    assert_eq!(
        world.host.take().0,
        ["POST /app/installations/12/access_tokens key"]
    );
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_once_when_it_is_refused() {
    let world = world().await;
    // Its end is by the host's clock, whatever ours says.
    world.host.state.lock().life = 1;
    let acme = world.upstream(PKCS1).installed("acme").unwrap();
    assert_eq!(code(&ask(&acme).await), "200");
    world.host.state.lock().life = 3600;
    tokio::time::sleep(std::time::Duration::from_millis(950)).await;
    world.host.take();
    // A tenth of its life before it ends.
    assert_eq!(code(&ask(&acme).await), "200");
    assert_eq!(
        world.host.take().0,
        ["POST /app/installations/11/access_tokens key"]
    );

    world.host.revoke();
    let all = join_all((0..8).map(|_| ask(&acme))).await;
    assert!(all.iter().all(|result| code(result) == "200"));
    let (desk, asked) = world.host.take();
    assert_eq!(desk, ["POST /app/installations/11/access_tokens key"]);
    assert!(asked.len() <= 16, "{asked:?}");

    // No token helps: two attempts, and no circle.
    world.host.state.lock().answer = Some(Reply::status(401));
    let failure = ask(&acme).await.unwrap_err();
    assert_eq!(
        (failure.code(), failure.attempts),
        ("UPSTREAM_UNAUTHORIZED", 2)
    );
    world.host.state.lock().answer = None;
    assert_eq!(code(&ask(&acme).await), "200");
}

#[tokio::test]
async fn a_clock_two_minutes_off_signs_in() {
    for minutes in [-2, 2, -60, 60] {
        let world = world().await;
        world.host.state.lock().ahead = SignedDuration::from_mins(minutes);
        let acme = world.upstream(PKCS1).installed("acme").unwrap();
        assert_eq!(code(&ask(&acme).await), "200", "{minutes}");
        let (desk, _) = world.host.take();
        // Once refused at most, and from then on told by the host's own time.
        let first = "GET /orgs/acme/installation key";
        let said = desk.iter().filter(|line| *line == first).count();
        assert_eq!(said, if minutes == 2 { 1 } else { 2 }, "{minutes}");
        assert_eq!(
            code(&ask(&world.upstream(PKCS1).installed("ada").unwrap()).await),
            "200"
        );
        assert_eq!(world.host.take().0.len(), 3, "{minutes}");
        // Somebody has set the clock.
        world.host.state.lock().ahead = SignedDuration::ZERO;
        world.host.revoke();
        assert_eq!(code(&ask(&acme).await), "200", "{minutes}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_known_says_where_it_was_written() {
    let world = world().await;
    let acme = world.upstream(REVOKED).installed("acme").unwrap();
    let failures = join_all((0..5).map(|_| ask(&acme))).await;
    for failure in failures {
        let failure = failure.unwrap_err();
        assert_eq!(
            (failure.code(), failure.attempts, failure.to_string()),
            (
                "UPSTREAM_UNAUTHORIZED",
                1,
                "`probe` (source `rest`) at `/things/{id}` does not know the app by its key: look at `connectors.probe.secrets.appKey`, and at the app's id beside it".to_owned()
            )
        );
    }
    // Those who waited for the first one's answer do not ask again; and no clock was to blame.
    assert_eq!(world.host.take().0, ["GET /orgs/acme/installation key"]);
    let status = acme.status();
    assert_eq!(status.breaker, callboard::egress::BreakerState::Closed);
}

#[tokio::test]
async fn an_account_without_the_app_is_asked_about_once_a_minute() {
    let world = world().await;
    let bolt = world.upstream(PKCS1).installed("bolt").unwrap();
    for _ in 0..3 {
        let failure = ask(&bolt).await.unwrap_err();
        assert_eq!(
            failure.kind,
            Kind::NotInstalled {
                account: "bolt".into()
            }
        );
        assert_eq!(failure.code(), "UPSTREAM_UNAUTHORIZED");
    }
    assert_eq!(world.host.take().0.len(), 2);
    world
        .host
        .state
        .lock()
        .installed
        .insert("bolt".to_owned(), (13, true));
    world
        .clock
        .set(world.clock.now() + SignedDuration::from_secs(61));
    assert_eq!(code(&ask(&bolt).await), "200");

    // Suspended: the token counts no more, and there is no new one.
    world.host.state.lock().suspended.push(13);
    world.host.revoke();
    let failure = ask(&bolt).await.unwrap_err();
    assert_eq!(failure.code(), "UPSTREAM_UNAUTHORIZED");
    world.host.state.lock().suspended.clear();
    // Installed anew, under another number.
    world
        .host
        .state
        .lock()
        .installed
        .insert("bolt".to_owned(), (14, true));
    world
        .clock
        .set(world.clock.now() + SignedDuration::from_secs(61));
    assert_eq!(code(&ask(&bolt).await), "200");
    world.host.revoke();
    world
        .host
        .state
        .lock()
        .installed
        .insert("bolt".to_owned(), (15, true));
    assert_eq!(code(&ask(&bolt).await), "200");
}

#[tokio::test]
async fn each_installation_has_a_budget_of_its_own() {
    let world = world().await;
    let rest = world.upstream(PKCS1);
    let (acme, ada) = (
        rest.installed("acme").unwrap(),
        rest.installed("ada").unwrap(),
    );
    let limits = |left: &str| {
        Reply::json(&json!({}))
            .header("x-ratelimit-limit", "5000")
            .header("x-ratelimit-remaining", left)
            .header("x-ratelimit-reset", "1772370000")
    };
    assert_eq!(code(&ask(&acme).await), "200");
    assert_eq!(code(&ask(&ada).await), "200");
    world.host.state.lock().answer = Some(limits("4000"));
    assert_eq!(code(&ask(&ada).await), "200");
    world.host.state.lock().answer = Some(limits("0"));
    assert_eq!(code(&ask(&acme).await), "200");
    world.host.state.lock().answer = Some(limits("3999"));
    assert_eq!(code(&ask(&acme).await), "BUDGET_EXHAUSTED");
    assert_eq!(code(&ask(&ada).await), "200");
    // The app as a whole shows the one that has least.
    let least = rest.status().budget.unwrap();
    assert_eq!((least.limit, least.remaining), (5000, 0));
    assert_eq!(ada.status().budget.unwrap().remaining, 3999);
    let mut call = get("/things/7");
    call.lane = Lane::Poll;
    assert_eq!(code(&ada.send(call).await), "200");
}

#[tokio::test]
async fn a_host_that_hands_out_no_tokens_is_not_available() {
    let world = world().await;
    let acme = world.upstream(PKCS1).installed("acme").unwrap();
    let host = &world.host.upstream;
    host.answer(|_| Reply::status(500));
    assert_eq!(code(&ask(&acme).await), "UPSTREAM_UNAVAILABLE");
    host.answer(|_| Reply {
        body: "<html>".to_owned(),
        ..Reply::status(200)
    });
    assert_eq!(code(&ask(&acme).await), "UPSTREAM_UNAVAILABLE");
    host.answer(|_| Reply::status(403).header("retry-after", "30"));
    let failure = ask(&acme).await.unwrap_err();
    assert_eq!(failure.code(), "UPSTREAM_RATE_LIMITED");
    assert!(failure.retry_at().is_some());
}

/// Else the app would count as not installed there, for what is only too many requests.
#[tokio::test]
async fn a_host_that_says_too_often_in_words_has_the_app_still() {
    let world = world().await;
    let mut spec = world.spec("rest", PKCS1);
    spec.limits.limit_phrases = vec!["secondary rate limit".into()];
    let acme = world.egress.upstream(spec).unwrap();
    let acme = acme.installed("acme").unwrap();
    let host = &world.host.upstream;
    host.answer(|_| Reply {
        body: "{\"message\": \"You have exceeded a Secondary Rate Limit\"}".to_owned(),
        ..Reply::status(403)
    });
    let failure = ask(&acme).await.unwrap_err();
    assert_eq!(failure.code(), "UPSTREAM_RATE_LIMITED");
    assert!(failure.retry_at().is_some());
}
