//! What is no delivery: nobody's, unsigned, of another form, too long, cut off.

use std::io::{Read as _, Write as _};

use insta::assert_snapshot;
use serde_json::json;

use super::{CONFIG, deliver, mill, outcome, signed, start, start_with};
use crate::support::server::{Answer, TestServer};

#[test]
fn nobody_is_told_more_than_the_reason() {
    let server = start();
    let body = json!({ "id": 1, "mill": "north" }).to_string();
    let long = format!("v1={}", "0".repeat(64));
    let forged = [("x-mill-signature", &*long), ("x-event", "ground")];
    let mut out = String::new();
    let mut show = |what: &str, answer: &Answer| {
        out.push_str(&format!("{what}: {}\n", outcome(answer)));
    };
    show(
        "unknown",
        &deliver(&server, "/webhooks/nobody", &body, &forged),
    );
    show(
        "no webhook",
        &deliver(&server, "/webhooks/moth", &body, &forged),
    );
    show("unsigned", &deliver(&server, "/webhooks/mill", &body, &[]));
    show(
        "forged",
        &deliver(&server, "/webhooks/mill", &body, &forged),
    );
    show(
        "cut off",
        &mill(&server, "ground", body.split_at(9).0, "new-secret"),
    );
    show("empty", &mill(&server, "ground", "", "new-secret"));
    let path = "/webhooks/mill/default/more";
    show("deeper", &deliver(&server, path, &body, &forged));
    show("read", &server.get("/webhooks/mill", &[]));
    assert_snapshot!(out, @"
    unknown: 404 NOT_FOUND: there is no connector `nobody`
    no webhook: 404 NOT_FOUND: the connector `moth` takes no webhooks
    unsigned: 401 UNAUTHORIZED: the delivery has no header `X-Mill-Signature`; give the webhook a secret where it is sent from
    forged: 401 UNAUTHORIZED: the signature in `X-Mill-Signature` is not that of this body by a secret that is known here
    cut off: 400 BAD_REQUEST: the body is signed, but it is no JSON: EOF while parsing a string at line 1 column 9
    empty: 400 BAD_REQUEST: the body is signed, but it is no JSON: EOF while parsing a value at line 1 column 0
    deeper: 404 NOT_FOUND: there is nothing at `/webhooks/mill/default/more`
    read: 405 METHOD_NOT_ALLOWED: `GET` is not allowed here; use POST
    ");
    let get = server.get("/webhooks/mill", &[]);
    assert_eq!(get.header("allow"), "POST");
}

#[test]
fn without_a_secret_nothing_is_taken() {
    let body = json!({ "kind": "lit", "lamp": 7 }).to_string();
    // Nothing set, and an empty text, which everybody knows.
    for config in [
        "connectors: {}",
        "connectors: { lamp: { config: { url: 'http://127.0.0.1:1' } } }",
        "connectors: { lamp: { secrets: { hook: '' } } }",
        "connectors: { lamp: { secrets: { hook: ['', ''] } } }",
    ] {
        let server = start_with(config, |_| {});
        for token in ["", "lamp-token"] {
            let answer = deliver(&server, "/webhooks/lamp", &body, &[("x-lamp-token", token)]);
            assert_eq!(
                outcome(&answer),
                "503 NOT_CONFIGURED: webhooks of `lamp` are not set up here: there is no secret to check them by",
                "{config}"
            );
        }
    }
}

#[test]
fn forms_are_refused_with_what_to_do() {
    let server = start();
    let body = "payload=%7B%22id%22%3A1%7D";
    let signature = format!("v1={}", signed("new-secret", body.as_bytes()));
    let send = |content_type: &str| {
        let request = server.request(reqwest::Method::POST, "/webhooks/mill");
        let headers = [
            ("content-type", content_type),
            ("x-mill-signature", &*signature),
        ];
        server.send(request.body(body), &headers)
    };
    for content_type in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
    ] {
        assert_eq!(
            outcome(&send(content_type)),
            "415 UNSUPPORTED_MEDIA_TYPE: a delivery must be sent as JSON; set the content type of the webhook to `application/json` where it is sent from",
        );
    }
    // These are JSON by their names; that the body is none is found out later.
    for content_type in [
        "application/json; charset=utf-8",
        "application/vnd.mill+json",
        "Application/JSON",
    ] {
        assert_eq!(send(content_type).status, 400, "{content_type}");
    }
}

fn padded(length: usize) -> String {
    let body = json!({ "id": length, "mill": "north", "padding": "" }).to_string();
    let padding = " ".repeat(length - body.len());
    format!("{padding}{body}")
}

#[test]
fn a_body_may_be_as_long_as_the_limit() {
    let server = start();
    let limit = 25 << 20;
    let answer = mill(&server, "ground", &padded(limit), "new-secret");
    assert_eq!(outcome(&answer), r#"{"outcome":"purged","tags":1}"#);
    let answer = mill(&server, "ground", &padded(limit + 1), "new-secret");
    assert_eq!(
        outcome(&answer),
        "413 PAYLOAD_TOO_LARGE: the body is longer than `limits.webhookSize` allows: 26214400 bytes"
    );
}

#[test]
fn a_body_whose_length_is_not_announced_is_cut_at_the_limit() {
    let server = start_with(CONFIG, |limits| limits.webhook_size = 4096);
    let body = padded(8192);
    let signature = format!("v1={}", signed("new-secret", body.as_bytes()));
    let mut stream = server.raw();
    let head = format!(
        "POST /webhooks/mill HTTP/1.1\r\nhost: localhost\r\nx-event: ground\r\nx-mill-signature: {signature}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    for part in body.as_bytes().chunks(1024) {
        write!(stream, "{:x}\r\n", part.len()).unwrap();
        stream.write_all(part).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

/// The permits of the room come back, also when a sender goes away in the middle.
#[test]
fn there_is_room_for_some_bodies_only() {
    let server = start_with(CONFIG, |limits| limits.webhook_size = 4096);
    let stalled: Vec<_> = (0..4).map(|_| stalled(&server)).collect();
    let start = std::time::Instant::now();
    let body = json!({ "id": 1, "mill": "north" }).to_string();
    // Until all of the four have been read as far as they came.
    let refused = loop {
        let answer = mill(&server, "ground", &body, "new-secret");
        if answer.status != 200 {
            break answer;
        }
        assert!(start.elapsed().as_secs() < 20, "there is always room");
    };
    assert_eq!(
        outcome(&refused),
        "503 OVERLOADED: the deliveries that are worked on leave no room for this one; send it again later"
    );
    assert_eq!(refused.header("retry-after"), "1");
    drop(stalled);
    while mill(&server, "ground", &body, "new-secret").status != 200 {
        assert!(start.elapsed().as_secs() < 20, "there is never room again");
    }
}

/// A sender of all but the last byte of the longest body.
fn stalled(server: &TestServer) -> std::net::TcpStream {
    let mut stream = server.raw();
    let code = "0".repeat(64);
    let head = format!(
        "POST /webhooks/mill HTTP/1.1\r\nhost: localhost\r\nx-mill-signature: v1={code}\r\ncontent-length: 4096\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&[b' '; 4095]).unwrap();
    stream
}
