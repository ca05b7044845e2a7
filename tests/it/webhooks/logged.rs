//! What an operator sees of deliveries that are refused: for every sender each has a clear status, and one line of the log without secrets.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use super::senders::{Sender, senders};
use crate::cli::{Place, Running};

const CONFIG: &str = "
server: { listen: '127.0.0.1:0' }
database: { url: 'sqlite:hooks.db' }
limits: { requestTime: 2s }
connectors:
  buildkite: { secrets: { webhook: [new-secret, old-secret] } }
  circleci: { secrets: { webhook: [new-secret, old-secret] } }
  github: { secrets: { webhook: [new-secret, old-secret] } }
  gitlab: { secrets: { webhook: [new-secret, old-secret] } }
  pagerduty: { secrets: { webhook: [new-secret, old-secret] } }
";

/// How the length of a body is said.
#[derive(Clone, Copy, PartialEq)]
enum Framing {
    Length,
    Chunked,
    /// Chunks without the last one, and then nothing more.
    Cut,
    /// The same, and the sender goes on waiting.
    Stalled,
    /// A length that is never sent: it would be too long.
    Announced(u64),
}

/// One request, and what should come of it.
struct Delivery {
    what: &'static str,
    content_type: &'static str,
    proof: Option<(String, String)>,
    id: String,
    body: Vec<u8>,
    framing: Framing,
    expected: Expected,
}

enum Expected {
    /// Taken, with this outcome.
    Taken(&'static str),
    /// Refused with this status, for this reason.
    Refused(u16, &'static str),
    /// It has gone away; only the log tells.
    Gone(&'static str),
}

use Expected::{Gone, Refused, Taken};

const JSON: &str = "application/json";
const FORGED: &str = "is not that of this body by a secret that is known here";
const PURGED: &str = r#"{"outcome":"purged""#;
const NOTHING: &str = "";

fn now() -> i64 {
    callboard::clock::Clock::system().now().as_second()
}

fn deliveries(sender: &Sender) -> Vec<Delivery> {
    let body = |id: &str| (sender.body)(id).to_string().into_bytes();
    let proof = |secret: &str, body: &[u8]| {
        let (name, value) = (sender.proof)(now(), secret, body);
        (name.to_owned(), value)
    };
    let whole = |what, id: &str, expected| Delivery {
        what,
        content_type: JSON,
        proof: Some(proof("new-secret", &body(id))),
        id: id.to_owned(),
        body: body(id),
        framing: Framing::Length,
        expected,
    };
    let with = |what, id: &str, change: &dyn Fn(&str) -> String, expected| {
        let delivery = whole(what, id, expected);
        let proof = delivery.proof.clone();
        Delivery {
            proof: proof.map(|(name, value)| (name, change(&value))),
            ..delivery
        }
    };
    // A token is compared as it is; a code is a number, however it is written.
    let is_token = sender.connector == "gitlab";
    let signed = |expected| match is_token {
        true => Refused(401, FORGED),
        false => expected,
    };
    let half = body("half").split_at(20).0.to_vec();
    let words = b"these are no words of JSON: larkspur".to_vec();
    let code = |value: &str| value.rsplit('=').next().unwrap_or_default().to_owned();
    vec![
        whole("whole", "1", Taken(PURGED)),
        whole("re-sent", "1", Taken(r#"{"outcome":"duplicate"}"#)),
        Delivery {
            proof: Some(proof("old-secret", &body("2"))),
            ..whole("by the old secret", "2", Taken(PURGED))
        },
        Delivery {
            proof: Some(proof("oldest-secret", &body("3"))),
            ..whole("by one that is over", "3", Refused(401, FORGED))
        },
        Delivery {
            proof: None,
            ..whole("unsigned", "4", Refused(401, "the delivery has no header"))
        },
        with(
            "by another algorithm",
            "5",
            &|value| value.replace(&code(value), &format!("sha1:{}", "0".repeat(40))),
            Refused(401, FORGED),
        ),
        with(
            "in capitals",
            "6",
            &|value| value.replace(&code(value), &code(value).to_uppercase()),
            signed(Taken(PURGED)),
        ),
        with(
            "twice signed",
            "7",
            &|value| {
                let forged = value.replace(&code(value), &"0".repeat(64));
                format!("{forged},{value}")
            },
            signed(Taken(PURGED)),
        ),
        Delivery {
            body: half.clone(),
            ..whole(
                "truncated on its way",
                "half",
                match is_token {
                    true => Refused(400, "it is no JSON"),
                    false => Refused(401, FORGED),
                },
            )
        },
        Delivery {
            proof: Some(proof("new-secret", &half)),
            body: half.clone(),
            ..whole(
                "truncated by its sender",
                "half",
                Refused(400, "it is no JSON"),
            )
        },
        Delivery {
            proof: Some(proof("new-secret", &words)),
            body: words.clone(),
            ..whole("no JSON", "8", Refused(400, "it is no JSON"))
        },
        Delivery {
            content_type: "application/x-www-form-urlencoded",
            ..whole(
                "a form",
                "9",
                Refused(415, "a delivery must be sent as JSON"),
            )
        },
        Delivery {
            framing: Framing::Announced((25 << 20) + 1),
            body: Vec::new(),
            ..whole(
                "too long",
                "10",
                Refused(
                    413,
                    "longer than `limits.webhookSize` allows: 26214400 bytes",
                ),
            )
        },
        Delivery {
            framing: Framing::Chunked,
            ..whole("without a length", "11", Taken(PURGED))
        },
        Delivery {
            framing: Framing::Cut,
            ..whole(
                "cut between chunks",
                "12",
                Gone("the body could not be read"),
            )
        },
        Delivery {
            framing: Framing::Stalled,
            ..whole(
                "stalled",
                "13",
                Refused(
                    408,
                    "the body did not come within `limits.requestTime`: 2 s",
                ),
            )
        },
        Delivery {
            body: b"{\"about\":\"nothing\"}".to_vec(),
            proof: Some(proof("new-secret", b"{\"about\":\"nothing\"}")),
            ..whole("an unknown event", "14", Taken(NOTHING))
        },
    ]
}

/// Sends it, and reads the answer: status and body.
fn send(address: &str, connector: &str, delivery: &Delivery, id: Option<&str>) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut head = format!(
        "POST /webhooks/{connector} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-github-event: push\r\ncontent-type: {}\r\n",
        delivery.content_type
    );
    let mut header = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
    if let Some((name, value)) = &delivery.proof {
        header(name, value);
    }
    if let Some(name) = id {
        header(name, &delivery.id);
    }
    match delivery.framing {
        Framing::Length => header("content-length", &delivery.body.len().to_string()),
        // Who asks first need not send it to be told.
        Framing::Announced(length) => {
            header("expect", "100-continue");
            header("content-length", &length.to_string());
        }
        _ => header("transfer-encoding", "chunked"),
    }
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"\r\n").unwrap();
    match delivery.framing {
        Framing::Length | Framing::Announced(_) => stream.write_all(&delivery.body).unwrap(),
        _ => {
            for chunk in delivery.body.chunks(16) {
                write!(stream, "{:x}\r\n", chunk.len()).unwrap();
                stream.write_all(chunk).unwrap();
                stream.write_all(b"\r\n").unwrap();
            }
        }
    }
    match delivery.framing {
        Framing::Chunked => stream.write_all(b"0\r\n\r\n").unwrap(),
        Framing::Cut => stream.shutdown(std::net::Shutdown::Write).unwrap(),
        _ => {}
    }
    let mut answer = String::new();
    // What is cut off may get no answer.
    drop(stream.read_to_string(&mut answer));
    let status = answer.split(' ').nth(1).and_then(|text| text.parse().ok());
    (status.unwrap_or_default(), answer)
}

/// Until the catalog is there.
fn until_ready(address: &str) {
    let start = std::time::Instant::now();
    let mut answer = String::new();
    while !answer.starts_with("HTTP/1.1 200 ") {
        assert!(start.elapsed() < Duration::from_secs(20), "{answer}");
        answer.clear();
        let mut stream = TcpStream::connect(address).unwrap();
        let ready = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(ready).unwrap();
        stream.read_to_string(&mut answer).unwrap();
    }
}

#[test]
fn each_refusal_is_one_line_without_secrets() {
    let place = Place::with(&[]);
    let file = place.path().join("callboard.yaml");
    fs::write(&file, CONFIG).unwrap();
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--config",
        file.to_str().unwrap(),
    ];
    let running = Running::start(place.command(&serve), false);
    let address = running
        .url
        .replace("http://", "")
        .trim_end_matches('/')
        .to_owned();
    until_ready(&address);
    let mut expected: Vec<(&str, &str, &str)> = Vec::new();
    for sender in senders() {
        for delivery in deliveries(&sender) {
            let (status, answer) = send(&address, sender.connector, &delivery, sender.id);
            let what = format!("{}, {}: {answer}", sender.connector, delivery.what);
            match delivery.expected {
                Taken(outcome) => {
                    assert_eq!(status, 200, "{what}");
                    assert!(answer.contains(outcome), "{what}");
                }
                Refused(wanted, why) => {
                    assert_eq!(status, wanted, "{what}");
                    assert!(answer.contains(why), "{what}");
                    let body = answer.split("\r\n\r\n").nth(1).unwrap();
                    let json: Value = serde_json::from_str(body).unwrap();
                    assert!(
                        json["errors"][0]["extensions"]["requestId"].is_string(),
                        "{what}"
                    );
                    expected.push((sender.connector, delivery.what, why));
                }
                Gone(why) => {
                    assert!([0, 400].contains(&status), "{what}");
                    expected.push((sender.connector, delivery.what, why));
                }
            }
            assert!(!answer.contains("-secret"), "{what}");
        }
    }
    let (code, log) = running.end("-TERM");
    assert_eq!(code, Some(0));
    let told = log
        .lines()
        .filter(|line| line.contains("WARN") || line.contains("ERROR"));
    // Until the catalog was there.
    let told: Vec<&str> = told.filter(|line| !line.contains("/readyz")).collect();
    for (line, (connector, what, why)) in told.iter().zip(&expected) {
        let start = format!("a delivery of `{connector}` was refused: ");
        assert!(
            line.contains(&start) && line.contains(why),
            "{connector}, {what}: {line}"
        );
    }
    assert_eq!(told.len(), expected.len(), "{log}");
    for secret in ["-secret", "larkspur", "sha256=", &"0".repeat(40)] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
