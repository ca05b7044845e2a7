//! A code host on a real socket that apps sign in to: it verifies what the app's key signed, looks at the time as the real one does, and hands out a token per installation.

use std::collections::HashMap;
use std::sync::Arc;

use callboard::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use rustls::SignatureScheme;
use serde_json::{Value, json};

use super::upstream::{Asked, Reply, Upstream};

pub(crate) const PKCS1: &str = include_str!("keys/app.pkcs1.pem");
pub(crate) const PKCS8: &str = include_str!("keys/app.pkcs8.pem");
/// One that the host does not know, or no more.
pub(crate) const REVOKED: &str = include_str!("keys/revoked.pkcs1.pem");
pub(crate) const CURVE: &str = include_str!("keys/curve.pkcs8.pem");
pub(crate) const SMALL: &str = include_str!("keys/small.pkcs1.pem");
const PUBLIC: &str = include_str!("keys/app.public.pem");
pub(crate) const APP_ID: &str = "4711";

/// What the host knows.
pub(crate) struct State {
    pub(crate) clock: Clock,
    /// How far its clock is ahead of that of the tests.
    pub(crate) ahead: SignedDuration,
    /// Installations by the accounts' names, with whether the account is an organisation.
    pub(crate) installed: HashMap<String, (u64, bool)>,
    pub(crate) suspended: Vec<u64>,
    /// Tokens that count, with the account and their end.
    pub(crate) tokens: HashMap<String, (String, Timestamp)>,
    /// How long a token counts, in seconds.
    pub(crate) life: i64,
    n_tokens: usize,
    /// What it answers to what is no business of apps.
    pub(crate) answer: Option<Reply>,
}

type Answering = dyn Fn(&Asked, &str) -> Reply + Send + Sync;

pub(crate) struct AppHost {
    pub(crate) upstream: Upstream,
    pub(crate) state: Arc<Mutex<State>>,
}

impl AppHost {
    /// `answer` is asked with the account whose token came with the request.
    pub(crate) async fn start(
        clock: &Clock,
        answer: impl Fn(&Asked, &str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::new(Mutex::new(State {
            clock: clock.clone(),
            ahead: SignedDuration::ZERO,
            installed: HashMap::from([
                ("acme".to_owned(), (11, true)),
                ("ada".to_owned(), (12, false)),
            ]),
            suspended: Vec::new(),
            tokens: HashMap::new(),
            life: 3600,
            n_tokens: 0,
            answer: None,
        }));
        let own = Arc::clone(&state);
        let answer: Box<Answering> = Box::new(answer);
        let upstream = Upstream::start(move |asked| own.lock().say(asked, &*answer)).await;
        Self { upstream, state }
    }

    /// Forgets every token that was handed out.
    pub(crate) fn revoke(&self) {
        self.state.lock().tokens.clear();
    }

    /// What it was asked since the last call: what tokens cost, and everything else with the account that asked.
    pub(crate) fn take(&self) -> (Vec<String>, Vec<String>) {
        let asked = self.upstream.take();
        let lines = asked.iter().map(|asked| {
            let token = asked.header("authorization").unwrap_or("-");
            let token = token.rsplit(' ').next().unwrap().to_owned();
            let who = token
                .rsplit('.')
                .nth(1)
                .map_or(token.clone(), |_| "key".to_owned());
            (
                is_desk(asked.path()),
                format!("{} {} {who}", asked.method, asked.path()),
            )
        });
        let (desk, rest): (Vec<_>, Vec<_>) = lines.partition(|(desk, _)| *desk);
        let texts = |lines: Vec<(bool, String)>| lines.into_iter().map(|(_, line)| line).collect();
        (texts(desk), texts(rest))
    }
}

fn is_desk(path: &str) -> bool {
    path.ends_with("/installation") || path.ends_with("/access_tokens")
}

impl State {
    fn now(&self) -> Timestamp {
        self.clock.now() + self.ahead
    }

    fn say(&mut self, asked: &Asked, answer: &Answering) -> Reply {
        let date = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let reply = match is_desk(asked.path()) {
            true => self.desk(asked),
            false => self.rest(asked, answer),
        };
        reply.header("date", &date)
    }

    fn rest(&self, asked: &Asked, answer: &Answering) -> Reply {
        if let Some(reply) = &self.answer {
            return reply.clone();
        }
        let token = asked.header("authorization").unwrap_or_default();
        let known = self.tokens.get(token.trim_start_matches("Bearer "));
        match known.filter(|(_, ends)| self.now() < *ends) {
            Some((account, _)) => answer(asked, account),
            None => refused("Bad credentials"),
        }
    }

    fn desk(&mut self, asked: &Asked) -> Reply {
        if let Err(why) = self.verify(asked.header("authorization").unwrap_or_default()) {
            return refused(why);
        }
        let steps: Vec<&str> = asked
            .path()
            .trim_start_matches("/api/v3")
            .split('/')
            .collect();
        match (asked.method.as_str(), steps.as_slice()) {
            ("GET", ["", "orgs", account, _]) => self.installation(account, true),
            ("GET", ["", "users", account, _]) => self.installation(account, false),
            ("POST", ["", "app", "installations", id, _]) => self.token(id.parse().unwrap()),
            _ => Reply::status(404),
        }
    }

    fn installation(&self, account: &str, is_organisation: bool) -> Reply {
        match self.installed.get(account) {
            Some((id, organisation)) if *organisation == is_organisation => {
                let suspended = self.suspended.contains(id);
                let at = suspended.then_some("2026-02-01T00:00:00Z");
                Reply::json(
                    &json!({ "id": id, "account": { "login": account }, "suspended_at": at }),
                )
            }
            _ => Reply {
                body: json!({ "message": "Not Found" }).to_string(),
                ..Reply::status(404)
            },
        }
    }

    fn token(&mut self, id: u64) -> Reply {
        if self.suspended.contains(&id) {
            return Reply::status(403);
        }
        let account = self.installed.iter().find(|(_, (own, _))| *own == id);
        let Some((account, _)) = account else {
            return Reply::status(404);
        };
        self.n_tokens += 1;
        let token = format!("ghs_{account}_{}", self.n_tokens);
        let ends = self.now() + SignedDuration::from_secs(self.life);
        self.tokens.insert(token.clone(), (account.clone(), ends));
        let ends = ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let body = json!({ "token": token, "expires_at": ends });
        Reply {
            status: 201,
            ..Reply::json(&body)
        }
    }

    /// The words are those of github.com.
    fn verify(&self, header: &str) -> Result<(), &'static str> {
        let no_word = "A JSON web token could not be decoded";
        let word = header.strip_prefix("Bearer ").ok_or(no_word)?;
        let parts: Vec<&str> = word.split('.').collect();
        let [head, said, signature] = parts.as_slice() else {
            return Err(no_word);
        };
        let head_json: Value = serde_json::from_slice(&decoded(head)).map_err(|_broken| no_word)?;
        if head_json != json!({ "alg": "RS256", "typ": "JWT" }) {
            return Err(no_word);
        }
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        let mapping = algorithms.mapping.iter();
        let mut rsa = mapping.filter(|(scheme, _)| *scheme == SignatureScheme::RSA_PKCS1_SHA256);
        let verifier = rsa.next().unwrap().1[0];
        let public: String = PUBLIC
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let message = format!("{head}.{said}");
        verifier
            .verify_signature(&decoded(&public), message.as_bytes(), &decoded(signature))
            .map_err(|_broken| no_word)?;
        let said: Value = serde_json::from_slice(&decoded(said)).map_err(|_broken| no_word)?;
        let (Some(iat), Some(exp)) = (said["iat"].as_i64(), said["exp"].as_i64()) else {
            return Err(no_word);
        };
        let now = self.now().as_second();
        if said["iss"] != APP_ID {
            return Err("Integration must generate a public key");
        }
        if iat > now {
            return Err(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            );
        }
        if exp > now + 600 {
            return Err("'Expiration time' claim ('exp') is too far in the future");
        }
        if exp <= now {
            return Err(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            );
        }
        Ok(())
    }
}

fn refused(why: &str) -> Reply {
    Reply {
        body: json!({ "message": why }).to_string(),
        ..Reply::status(401)
    }
}

/// Base 64 in either alphabet.
fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut word, mut n_bits) = (0_u32, 0);
    for c in text.bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        word = word << 6 | u32::from(digit);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            out.push((word >> n_bits) as u8);
        }
    }
    out
}
