//! What proves a delivery: all schemes, secrets that are being changed, clocks that differ.

use std::time::Duration;

use callboard::sdl::{self, SdlFile};
use serde_json::json;

use super::{built_in, deliver, mill, outcome, signed, start};
use crate::support::server::TestServer;

const PURGED: &str = r#"{"outcome":"purged","tags":1}"#;

fn mill_with(server: &TestServer, id: &str, header: impl FnOnce(&str) -> String) -> u16 {
    let body = json!({ "id": id, "mill": "north" }).to_string();
    let code = signed("new-secret", body.as_bytes());
    let signature = header(&code);
    let headers = [("x-mill-signature", &*signature), ("x-event", "ground")];
    deliver(server, "/webhooks/mill", &body, &headers).status
}

#[test]
fn one_of_several_signatures_is_enough() {
    let server = start();
    let zeros = "0".repeat(64);
    let send = |id: &str, header: &dyn Fn(&str) -> String| mill_with(&server, id, header);
    assert_eq!(send("1", &|code| format!("v1={code}")), 200);
    assert_eq!(send("2", &|code| format!("v1={zeros},v1={code}")), 200);
    assert_eq!(send("3", &|code| format!("v1={code}, v2=any")), 200);
    assert_eq!(
        send("4", &|code| format!("v1={}", code.to_uppercase())),
        200
    );
    // Another version of the signature is none of ours.
    assert_eq!(send("5", &|code| format!("v2={code}")), 401);
    assert_eq!(send("6", &|code| code.to_owned()), 401);
    assert_eq!(
        send("7", &|code| format!("v1={}", code.split_at(62).0)),
        401
    );
    assert_eq!(send("8", &|code| format!("v1={code}00")), 401);
    assert_eq!(send("9", &|_| "v1=".to_owned()), 401);
    assert_eq!(send("10", &|_| ",,,".to_owned()), 401);
    // However many there are, only a few are looked at.
    let many = format!("v1={zeros},").repeat(50);
    assert_eq!(send("11", &|code| format!("{many}v1={code}")), 401);
}

#[test]
fn the_old_secret_is_good_while_it_is_in_the_list() {
    let server = start();
    let secrets = [
        ("new-secret", 200),
        ("old-secret", 200),
        ("older-secret", 401),
    ];
    for (id, (secret, status)) in secrets.into_iter().enumerate() {
        let body = json!({ "id": id, "mill": "north" }).to_string();
        let answer = mill(&server, "ground", &body, secret);
        assert_eq!(answer.status, status, "{secret}");
    }
}

#[test]
fn every_byte_of_the_body_is_signed() {
    let server = start();
    // Spaces and the order of members are the sender's own.
    let body = " {\"mill\":\"north\" ,\"id\": \"\\u00e9 \u{e9}\"}\n";
    assert_eq!(
        outcome(&mill(&server, "ground", body, "new-secret")),
        PURGED
    );
    let signature = format!("v1={}", signed("new-secret", body.as_bytes()));
    let headers = [("x-mill-signature", &*signature), ("x-event", "ground")];
    let answer = deliver(&server, "/webhooks/mill", body.trim(), &headers);
    assert_eq!(answer.status, 401);
}

#[test]
fn a_token_is_compared_as_a_whole() {
    let server = start();
    let body = json!({ "kind": "lit", "lamp": 7 }).to_string();
    let tokens = [
        ("lamp-token", 200),
        ("lamp-toke", 401),
        // White space around a header's value is none of it.
        ("lamp-token ", 200),
        ("lamp-tokens", 401),
        ("Lamp-token", 401),
        ("", 401),
    ];
    for (token, status) in tokens {
        let answer = deliver(&server, "/webhooks/lamp", &body, &[("x-lamp-token", token)]);
        assert_eq!(answer.status, status, "{token:?}");
    }
    let answer = deliver(&server, "/webhooks/lamp", &body, &[]);
    assert_eq!(
        outcome(&answer),
        "401 UNAUTHORIZED: the delivery has no header `X-Lamp-Token`; give the webhook a secret where it is sent from"
    );
}

/// A delivery of the kite, signed so many seconds from the server's time.
fn kite(server: &TestServer, seconds: i64, header: impl FnOnce(i64, &str) -> String) -> String {
    let body = json!({ "kind": "up", "kite": 1 }).to_string();
    let time = server.hooks().clock.now().as_second() + seconds;
    let code = signed("kite-secret", format!("{time}.{body}").as_bytes());
    let headers = [("x-kite-signature", &*header(time, &code))];
    outcome(&deliver(server, "/webhooks/kite", &body, &headers))
}

#[test]
fn a_signature_with_a_time_is_good_for_some_minutes() {
    let server = start();
    let usual = |time: i64, code: &str| format!("timestamp={time},signature={code}");
    for seconds in [0, -120, 120, -299, 299] {
        assert_eq!(kite(&server, seconds, usual), PURGED, "{seconds}");
    }
    let late = "401 UNAUTHORIZED: the delivery was signed more than 5 minutes before or after this server's time";
    for seconds in [-301, 301, -86_400] {
        assert_eq!(kite(&server, seconds, usual), late, "{seconds}");
    }
    let wrong = "401 UNAUTHORIZED: the signature in `X-Kite-Signature` is not that of this body by a secret that is known here";
    // The time is signed too.
    let moved = kite(&server, -60, |time, code| usual(time + 1, code));
    assert_eq!(moved, wrong);
    let timeless = kite(&server, 0, |_, code| format!("signature={code}"));
    assert_eq!(timeless, wrong);
    let bare = kite(&server, 0, |time, _| format!("timestamp={time}"));
    assert_eq!(bare, wrong);
    assert_eq!(kite(&server, 0, |_, code| usual(i64::MAX, code)), late);
    let soon = kite(&server, 0, |_, code| {
        format!("timestamp=soon,signature={code}")
    });
    assert_eq!(soon, wrong);
    // What was overheard is worth nothing later.
    let clock = &server.hooks().clock;
    let overheard = |time: i64, code: &str| {
        clock.set(clock.now() + Duration::from_secs(600));
        usual(time, code)
    };
    assert_eq!(kite(&server, 0, overheard), late);
}

/// Signatures that CircleCI publishes, of bodies that are no JSON: proven, and then refused as such.
#[test]
fn published_signatures_of_circleci_hold() {
    let vectors = [
        (
            "hello world",
            "secret",
            "734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a",
        ),
        (
            "lalala",
            "another-secret",
            "daa220016c8f29a8b214fbfc3671aeec2145cfb1e6790184ffb38b6d0425fa00",
        ),
        (
            "an-important-request-payload",
            "hunter123",
            "9be2242094a9a8c00c64306f382a7f9d691de910b4a266f67bd314ef18ac49fa",
        ),
    ];
    for (body, secret, code) in vectors {
        let config = format!("connectors: {{ circleci: {{ secrets: {{ webhook: {secret} }} }} }}");
        let server = TestServer::start_with_webhooks(&built_in(), &config, |_, _| {});
        let send = |code: &str| {
            let signature = format!("v1={code},v2=ignored");
            let headers = [("circleci-signature", &*signature)];
            deliver(&server, "/webhooks/circleci", body, &headers).status
        };
        assert_eq!(send(code), 400, "{body}");
        assert_eq!(send(&code.replace('a', "b")), 401, "{body}");
    }
}

/// The signature that GitHub's documentation of webhooks has, by a connector of that form.
#[test]
fn the_published_signature_of_github_holds() {
    let sdl = r#"
extend schema @source(name: "rest", url: "'https://forge.example'")
  @webhook(source: "rest", event: "$headers.'x-github-event'", purge: ["forge:{$body.repository.full_name}"],
    signature: { scheme: HMAC_SHA256_HEX, header: "X-Hub-Signature-256", prefix: "sha256=", secret: "$secret.hook", deliveryId: "$headers.'x-github-delivery'" })
"#;
    let mut files = sdl::core_files();
    files.push(SdlFile {
        path: "connectors/forge/forge.graphql".into(),
        text: sdl.to_owned(),
        connector: Some("forge".into()),
    });
    let config = r#"connectors: { forge: { secrets: { hook: "It's a Secret to Everybody" } } }"#;
    let server = TestServer::start_with_webhooks(&files, config, |_, _| {});
    let code = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let send = |body: &str| {
        let headers = [("x-hub-signature-256", code)];
        deliver(&server, "/webhooks/forge", body, &headers).status
    };
    assert_eq!(send("Hello, World!"), 400);
    assert_eq!(send("Hello, World?"), 401);
}
