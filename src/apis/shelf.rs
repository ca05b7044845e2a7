//! What was read, as long as there is room for it: each text is read once, however many ask for it.
//!
//! Reading takes the time of a processor and not of an upstream, so it happens on threads of its own, a few at a time, and never on those that serve other requests.
//! Who waits may stop waiting; what was begun is brought to its end, and kept.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

use super::definition::{Definition, Problem};
use crate::tasks;

/// How much room what was read may take.
const ROOM: u64 = 32 * 1024 * 1024;
/// So many are expected: more of them, and the room would be divided into parts, of which each would refuse what is larger than itself.
const USUAL: usize = 32;
/// So many are read at once.
const READERS: usize = 2;
/// The largest text that is read, unless somebody says otherwise.
const MAX_BYTES: usize = 10 * 1024 * 1024;
/// How the limit is called in the configuration.
const SETTING: &str = "limits.definitionSize";

/// Definitions by the hash of their text; cheap to clone.
#[derive(Clone)]
pub struct Shelf(Arc<Inner>);

struct Inner {
    kept: Cache<Key, Arc<Definition>, Weight>,
    /// What is being read: also when nobody waits for it any more.
    flights: Mutex<HashMap<Key, Flight>>,
    readers: Semaphore,
    max_bytes: usize,
}

type Flight = Shared<BoxFuture<'static, Arc<Definition>>>;

#[derive(Clone, Copy)]
struct Weight;

impl Weighter<Key, Arc<Definition>> for Weight {
    fn weight(&self, _: &Key, definition: &Arc<Definition>) -> u64 {
        definition.weight() as u64
    }
}

/// What one reading depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Of the text.
    pub hash: Box<str>,
    /// What its author calls the format.
    pub hint: Option<Box<str>>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self::new(MAX_BYTES)
    }
}

impl Shelf {
    /// One that refuses texts of more than `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self(Arc::new(Inner {
            kept: Cache::with_weighter(USUAL, ROOM, Weight),
            flights: Mutex::default(),
            readers: Semaphore::new(READERS),
            max_bytes,
        }))
    }

    /// What is there already.
    pub fn get(&self, key: &Key) -> Option<Arc<Definition>> {
        self.0.kept.get(key)
    }

    /// Reads `text`, unless it is there or somebody reads it.
    pub async fn read(&self, key: &Key, text: Arc<str>) -> Arc<Definition> {
        let flight = {
            let mut flights = self.0.flights.lock();
            // What has landed was kept before its flight was over.
            if let Some(known) = self.get(key) {
                return known;
            }
            let flight = flights
                .entry(key.clone())
                .or_insert_with(|| self.clone().flight(key.clone(), text).boxed().shared());
            flight.clone()
        };
        flight.await
    }

    async fn flight(self, key: Key, text: Arc<str>) -> Arc<Definition> {
        let _permit = self.0.readers.acquire().await;
        let (shelf, of) = (self.clone(), key.clone());
        let read = tasks::blocking("reading a definition", move || {
            let definition = Arc::new(shelf.read_now(&text, of.hint.as_deref()));
            shelf.keep(&of, &definition);
            definition
        });
        match read.await {
            Ok(definition) => definition,
            Err(error) => {
                tracing::error!(%error, text.hash = %key.hash, "a definition made its reader give up: {error}");
                let message = "the definition cannot be read: its reader gave up";
                let definition = Arc::new(Definition {
                    problems: vec![Problem::error("definition-syntax", message)],
                    ..Definition::default()
                });
                self.keep(&key, &definition);
                definition
            }
        }
    }

    /// Reads `text` on this thread, and keeps nothing.
    pub fn read_now(&self, text: &str, hint: Option<&str>) -> Definition {
        match text.len() > self.0.max_bytes {
            true => super::too_large(text.len(), self.0.max_bytes, SETTING),
            false => super::read(text, hint),
        }
    }

    /// What is said of a text of `size` bytes that is too large.
    pub fn refusal(&self, size: usize) -> String {
        super::over(size, self.0.max_bytes, SETTING)
    }

    /// The largest text that is read, in bytes.
    pub fn max_bytes(&self) -> usize {
        self.0.max_bytes
    }

    fn keep(&self, key: &Key, definition: &Arc<Definition>) {
        self.0.kept.insert(key.clone(), Arc::clone(definition));
        self.0.flights.lock().remove(key);
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").finish_non_exhaustive()
    }
}
