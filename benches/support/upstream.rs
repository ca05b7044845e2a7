//! An upstream on a loopback socket with a thread of its own: it counts what it is asked, waits as long as it is told to, and fails on demand.
//!
//! It has an on-call service's paths (`/services/{id}`, `/oncalls`), rows by lists of ids (`/rows/{table}?ids=`), one object (`/one/{id}`), and the runs of a job (`/runs/{provider}`).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::oneshot;

pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    state: Arc<Told>,
}

/// What it was told, and what it was asked.
#[derive(Default)]
struct Told {
    wait_ms: AtomicU64,
    waits: Waits,
    fails: AtomicBool,
    n_requests: AtomicU64,
    /// How often each key was asked for; `None`: nobody wants to know.
    keys: Mutex<Option<HashMap<String, u64>>>,
}

/// A thread that lets each wait as long as he said, as all say the same: timers of the runtime are up to two milliseconds late.
struct Waits(mpsc::Sender<(Instant, oneshot::Sender<()>)>);

impl Default for Waits {
    fn default() -> Self {
        let (sender, waits) = mpsc::channel::<(Instant, oneshot::Sender<()>)>();
        std::thread::spawn(move || {
            for (until, over) in waits {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
                // Whoever waits no more is not told.
                let (Ok(()) | Err(())) = over.send(());
            }
        });
        Self(sender)
    }
}

impl Waits {
    async fn wait(&self, time: Duration) {
        let (over, told) = oneshot::channel();
        let until = Instant::now() + time;
        self.0.send((until, over)).expect("the thread goes on");
        told.await.expect("the thread tells");
    }
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Told::default());
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&state));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
                axum::serve(listener, router).await.expect("it serves");
            });
        });
        Self { address, state }
    }

    /// Every answer comes so much later.
    pub(crate) fn wait(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).expect("a short time");
        self.state.wait_ms.store(millis, Ordering::Relaxed);
    }

    /// From now on every answer is a 503, or no longer.
    pub(crate) fn fail(&self, fails: bool) {
        self.state.fails.store(fails, Ordering::Relaxed);
    }

    /// Requests since the last call.
    pub(crate) fn take(&self) -> u64 {
        self.state.n_requests.swap(0, Ordering::Relaxed)
    }

    /// From now on it counts how often each key is asked for.
    pub(crate) fn watch_keys(&self) {
        *self.state.keys.lock() = Some(HashMap::new());
    }

    /// How many keys were asked for since then, and how often the one that was asked for most.
    pub(crate) fn keys(&self) -> (usize, u64) {
        let keys = self.state.keys.lock().take().unwrap_or_default();
        let most = keys.values().copied().max().unwrap_or_default();
        (keys.len(), most)
    }
}

async fn answer(State(told): State<Arc<Told>>, uri: Uri) -> Response {
    told.n_requests.fetch_add(1, Ordering::Relaxed);
    let body = body(uri.path(), uri.query().unwrap_or_default());
    if let Some(keys) = &mut *told.keys.lock() {
        for key in keys_of(uri.path(), uri.query().unwrap_or_default()) {
            *keys.entry(key).or_default() += 1;
        }
    }
    match told.wait_ms.load(Ordering::Relaxed) {
        0 => {}
        millis => told.waits.wait(Duration::from_millis(millis)).await,
    }
    if told.fails.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match body {
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn body(path: &str, query: &str) -> Option<String> {
    let (kind, id) = path
        .strip_prefix('/')?
        .split_once('/')
        .unwrap_or(("oncalls", ""));
    let body = match kind {
        "services" => service(id),
        "oncalls" => on_calls(query),
        "rows" => return Some(rows(query)),
        "one" => return Some(one(id)),
        "runs" => runs(),
        _ => return None,
    };
    Some(body.to_string())
}

/// What a request asks for, each for itself.
fn keys_of(path: &str, query: &str) -> Vec<String> {
    let listed: Vec<String> = match path.starts_with("/rows/") {
        true => ids(query).map(str::to_owned).collect(),
        false => policies(query).map(str::to_owned).collect(),
    };
    match listed.is_empty() {
        true => vec![path.to_owned()],
        false => listed.iter().map(|one| format!("{path}/{one}")).collect(),
    }
}

fn ids(query: &str) -> impl Iterator<Item = &str> {
    let ids = query.strip_prefix("ids=").unwrap_or_default();
    ids.split("%2C").filter(|id| !id.is_empty())
}

fn policies(query: &str) -> impl Iterator<Item = &str> {
    let params = query.split('&');
    params.filter_map(|param| param.strip_prefix("escalation_policy_ids[]="))
}

/// Written as they are: what fifty rows cost the upstream is on the cores of those who ask for them.
fn rows(query: &str) -> String {
    let row = |id: &str| {
        let score = id.len() * 7;
        format!(
            r#"{{"id":"{id}","score":{score},"grade":"B","trend":[3,1,4,1,5],"checked":"2026-01-01T00:00:00Z"}}"#
        )
    };
    let rows: Vec<String> = ids(query).map(row).collect();
    format!(r#"{{"rows":[{}]}}"#, rows.join(","))
}

/// About a kilobyte.
fn one(id: &str) -> String {
    let text = "what an upstream says of a thing that nobody asked about ".repeat(15);
    json!({ "id": id, "score": 7, "grade": "B", "text": text }).to_string()
}

/// As PagerDuty shows a service; its policy is told by its number.
fn service(id: &str) -> Value {
    let (set, number) = id.split_once('x').unwrap_or((id, "0"));
    let number: u32 = number.parse().unwrap_or_default();
    let policy = format!("P{set}x{}", number % 3);
    json!({ "service": {
        "id": id, "type": "service", "name": format!("Service {id}"), "summary": format!("Service {id}"),
        "status": "active", "html_url": format!("https://acme.pagerduty.com/services/{id}"),
        "created_at": "2024-01-01T00:00:00Z", "last_incident_timestamp": "2026-01-01T00:00:00Z",
        "escalation_policy": { "id": policy, "type": "escalation_policy_reference", "summary": "Default",
            "html_url": format!("https://acme.pagerduty.com/escalation_policies/{policy}") },
        "teams": [{ "id": "PT1", "type": "team_reference", "summary": "Team" }],
    } })
}

/// Two levels for each policy.
fn on_calls(query: &str) -> Value {
    let rows: Vec<Value> = policies(query)
        .flat_map(|policy| [1, 2].map(|level| on_call(policy, level)))
        .collect();
    json!({ "oncalls": rows, "limit": 100, "offset": 0, "more": false, "total": null })
}

fn on_call(policy: &str, level: u32) -> Value {
    json!({
        "escalation_policy": { "id": policy, "summary": "Default", "html_url": format!("https://acme.pagerduty.com/escalation_policies/{policy}") },
        "escalation_level": level,
        "schedule": { "id": "PS1", "summary": "Day and night", "html_url": "https://acme.pagerduty.com/schedules/PS1" },
        "user": { "id": format!("PU{level}"), "name": format!("Person {level}"), "summary": format!("Person {level}"),
            "email": format!("person-{level}@example.com"), "html_url": "https://acme.pagerduty.com/users/PU1" },
        "start": "2026-01-01T00:00:00Z", "end": null,
    })
}

fn runs() -> Value {
    let run =
        |n: u32| json!({ "number": n, "at": format!("2026-01-01T00:00:{n:02}Z"), "state": "ok" });
    json!({ "runs": (0..10).map(run).collect::<Vec<_>>() })
}
