//! The requests that are worked on, so that a shutdown can say by name what it cut.

use axum::http::HeaderValue;
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::telemetry::metrics::{Method, Route};

#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<Requests>);

#[derive(Debug, Default)]
struct Requests {
    next: u64,
    known: HashMap<u64, Entry>,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) method: Method,
    pub(super) route: Route,
    pub(super) id: HeaderValue,
}

impl InFlight {
    /// Lists the request until the guard is dropped.
    pub(super) fn enter(&self, entry: Entry) -> Guard<'_> {
        let mut requests = self.0.lock();
        let key = requests.next;
        requests.next += 1;
        requests.known.insert(key, entry);
        Guard {
            in_flight: self,
            key,
        }
    }

    /// `POST /graphql (id)` for each.
    pub(super) fn names(&self) -> Vec<String> {
        let requests = self.0.lock();
        let mut names: Vec<_> = requests
            .known
            .values()
            .map(|entry| {
                format!(
                    "{} {} ({})",
                    entry.method.as_str(),
                    entry.route.as_str(),
                    entry.id.to_str().unwrap_or_default()
                )
            })
            .collect();
        names.sort();
        names
    }
}

pub(super) struct Guard<'a> {
    in_flight: &'a InFlight,
    key: u64,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.in_flight.0.lock().known.remove(&self.key);
    }
}
