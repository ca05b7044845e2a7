//! Upstreams made from the examples of connectors, on real sockets of loopback.
//!
//! All examples of one connector live in one upstream: replies are merged by path and `when`, lists that are asked by keys are united.
//! `callboard demo` shows live data with them, `connector test` asks them, and the tests switch [`Fault`]s on in them and count their requests.
//! Deterministic: the same requests at the same time since the start get the same answers.
//! No connector's name stands here; what an upstream does is said by the examples and by the connector's own paging.

mod cover;
mod etag;
mod fault;
mod graph;
mod limit;
mod request;
mod roots;
mod route;
mod rows;
mod serve;
mod settings;
mod shift;
mod upstream;
mod written;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

pub use cover::check;
pub use fault::{Fault, wrong_type};
pub use settings::{NotLed, lead};
pub use upstream::Seen;

use crate::clock::Clock;
use crate::connect::example::{Example, Settings};
use crate::sdl::Model;
use crate::tasks::Tasks;
use upstream::Upstream;

/// How a simulated upstream behaves beside what its examples say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How long an answer takes at least; each path takes a little longer than that, always the same.
    pub latency: Duration,
    /// The time at the start, to which examples with a `clock` are moved, and for headers that say when something is over.
    pub clock: Clock,
}

/// One connector's upstream; it ends with the tasks that it was started in.
#[derive(Clone, Debug)]
pub struct Simulated {
    upstream: Arc<Upstream>,
    origin: Url,
}

impl Simulated {
    /// Listens on a free port of loopback.
    pub async fn start(
        model: &Model,
        connector: &str,
        examples: &[Example],
        options: Options,
        tasks: &Tasks,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let origin = Url::parse(&origin).map_err(io::Error::other)?;
        let upstream = Arc::new(Upstream::new(model, connector, examples, options));
        serve::start(listener, Arc::clone(&upstream), tasks);
        Ok(Self { upstream, origin })
    }

    /// Where it listens: `http://127.0.0.1:40123/`.
    pub fn origin(&self) -> &Url {
        &self.origin
    }

    /// `settings` with which the connector asks this upstream.
    pub fn lead(&self, model: &Model, settings: &Settings) -> Result<Settings, NotLed> {
        lead(model, self.upstream.connector(), settings, &self.origin)
    }

    /// A value of `example` with its times moved as those of its bodies are.
    pub fn moved(&self, example: &Example, value: &Value) -> Value {
        let mut value = value.clone();
        if let Some(shift) = self.upstream.shift(example) {
            shift.apply(&mut value);
        }
        value
    }

    /// Requests since the last [`Simulated::forget`], by method and path template (`GET /services/{$this.id}`).
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.upstream.requests()
    }

    /// All of them together.
    pub fn n_requests(&self) -> u64 {
        self.upstream.requests().values().sum()
    }

    /// The last requests, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        self.upstream.seen()
    }

    /// Begins to count anew.
    pub fn forget(&self) {
        self.upstream.forget();
    }

    /// What is wrong from now on; `None`: nothing.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.upstream.set_fault(fault);
    }

    /// How long an answer takes from now on, exactly.
    pub fn set_latency(&self, latency: Duration) {
        self.upstream.set_latency(latency);
    }

    /// Lets time pass for `steps`.
    pub fn advance(&self, time: Duration) {
        self.upstream.advance(time);
    }
}
