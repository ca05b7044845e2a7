//! What was read: in memory as long as there is room for it, in the store as long as its text is, so that each text is read once.
//!
//! Whoever wants a definition is given it from memory, else from the store, else it is read from its text, however many wait for it.
//! Reading takes the time of a processor and not of an upstream, so it happens on threads of its own, a few at a time, and never on those that serve other requests.
//! Who waits may stop waiting; what was begun is brought to its end.
//!
//! The store is a help and never a condition: what cannot be kept there is read from its text again, and the log says so once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::{Semaphore, oneshot};

use super::definition::{Definition, Problem};
use super::packed::{READER, pack, unpack};
use super::place::{Place, PlacedText};
use crate::store::{Store, StoreError, StoredDefinition};
use crate::tasks::{self, Tasks};
use crate::telemetry::metrics::{DefinitionFrom, DefinitionMetrics};

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
/// What was read goes to the store together: so many, or so many bytes.
const TOGETHER: usize = 64;
const TOGETHER_BYTES: usize = 512 * 1024;
/// What is larger is unpacked on a thread of its own.
const LARGE: usize = 32 * 1024;

/// Definitions by the hash of their text; cheap to clone.
#[derive(Clone)]
pub struct Shelf(Arc<Inner>);

struct Inner {
    kept: Cache<Key, Arc<Definition>, Weight>,
    /// What is being looked for: also when nobody waits for it any more.
    flights: Mutex<HashMap<Key, Flight>>,
    readers: Semaphore,
    store: Store,
    /// On its way to the store.
    leaving: Mutex<HashMap<Key, Leaving>>,
    /// One at a time writes.
    writing: tokio::sync::Mutex<()>,
    /// Whether the last attempt to use the store failed, and was told.
    in_trouble: AtomicBool,
    tasks: Tasks,
    metrics: DefinitionMetrics,
    max_bytes: usize,
}

/// What became of looking for a definition.
pub type Read = Result<Arc<Definition>, Unread>;

type Flight = Shared<BoxFuture<'static, Read>>;

/// Why a definition is not to be had, which is no fault of its author.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unread {
    #[error("the text is no longer in the store")]
    Gone,
    #[error(transparent)]
    Store(Arc<StoreError>),
    #[error("the server ends")]
    Ends,
}

/// As it goes into the store.
#[derive(Clone)]
struct Leaving {
    size: usize,
    content: Arc<[u8]>,
}

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
    /// Of the text: SHA-256 in hex.
    pub hash: Box<str>,
    /// What its author calls the format.
    pub hint: Option<Box<str>>,
}

impl Key {
    fn hint(&self) -> &str {
        self.hint.as_deref().unwrap_or_default()
    }
}

impl Shelf {
    /// One that refuses texts of more than `max_bytes`; texts, and what was read of them, are in `store`.
    pub fn new(store: Store, max_bytes: usize, metrics: DefinitionMetrics) -> Self {
        Self(Arc::new(Inner {
            kept: Cache::with_weighter(USUAL, ROOM, Weight),
            flights: Mutex::default(),
            readers: Semaphore::new(READERS),
            store,
            leaving: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            in_trouble: AtomicBool::new(false),
            tasks: Tasks::new(),
            metrics,
            max_bytes,
        }))
    }

    /// One with the usual limit, whose metrics nobody asks for.
    pub fn usual(store: Store) -> Self {
        Self::new(store, MAX_BYTES, DefinitionMetrics::default())
    }

    /// The definition at a place, for somebody who asks for what was asked for before: it stays in memory as long as there is room.
    pub async fn read(&self, place: &Place) -> Read {
        let key = match self.key(place) {
            Ok(key) => key,
            Err(refused) => return Ok(refused),
        };
        if let Some(known) = self.0.kept.get(&key) {
            return Ok(known);
        }
        let read = self.flight(&key, &place.text).await?;
        self.0.kept.insert(key, Arc::clone(&read));
        Ok(read)
    }

    /// The same for somebody who goes through all there are: nothing is kept in memory for that.
    ///
    /// What was read goes to the store in parts; [`Shelf::settle`] brings the last one there.
    pub async fn look(&self, place: &Place) -> Read {
        let key = match self.key(place) {
            Ok(key) => key,
            Err(refused) => return Ok(refused),
        };
        match self.0.kept.get(&key) {
            Some(known) => Ok(known),
            None => self.flight(&key, &place.text).await,
        }
    }

    /// What a reading of `place` depends on, unless its text is too large to be looked at.
    fn key(&self, place: &Place) -> Result<Key, Arc<Definition>> {
        match &place.text {
            PlacedText::Here(text) if text.len() > self.0.max_bytes => {
                Err(self.too_large(text.len()))
            }
            _ => Ok(place.key()),
        }
    }

    fn flight(&self, key: &Key, text: &PlacedText) -> Flight {
        let mut flights = self.0.flights.lock();
        if let Some(flight) = flights.get(key) {
            return flight.clone();
        }
        let (own, of, text) = (self.clone(), key.clone(), text.clone());
        let (tell, told) = oneshot::channel();
        // A task, so that nobody who stopped waiting keeps those behind him from their turn.
        self.0
            .tasks
            .spawn("reading a definition", |_cancel| async move {
                let landing = Landing(own.clone(), of);
                let read = own.look_for(&landing.1, &text).await;
                drop(landing);
                // Nobody may wait any more.
                drop(tell.send(read));
                if own.is_much() {
                    own.settle().await;
                }
            });
        let flight = async { told.await.unwrap_or(Err(Unread::Ends)) };
        let flight = flight.boxed().shared();
        flights.insert(key.clone(), flight.clone());
        flight
    }

    async fn look_for(&self, key: &Key, text: &PlacedText) -> Read {
        if let Some(known) = self.known(key).await {
            self.0.metrics.read(DefinitionFrom::Store);
            return Ok(known);
        }
        let _permit = self.0.readers.acquire().await;
        let text = self.text(text).await?;
        if text.len() > self.0.max_bytes {
            return Ok(self.too_large(text.len()));
        }
        self.0.metrics.read(DefinitionFrom::Text);
        let hint = key.hint.clone();
        let read = tasks::blocking("reading a definition", move || {
            let definition = super::read(&text, hint.as_deref());
            let leaving = Leaving {
                size: text.len(),
                content: pack(&definition).into(),
            };
            (Arc::new(definition), leaving)
        });
        match read.await {
            Ok((definition, leaving)) => {
                self.0.leaving.lock().insert(key.clone(), leaving);
                Ok(definition)
            }
            Err(error) => {
                tracing::error!(%error, text.hash = %key.hash, "a definition made its reader give up: {error}");
                let message = "the definition cannot be read: its reader gave up";
                Ok(Arc::new(Definition {
                    problems: vec![Problem::error("definition-syntax", message)],
                    ..Definition::default()
                }))
            }
        }
    }

    /// What the store has of a text, or is about to have.
    async fn known(&self, key: &Key) -> Option<Arc<Definition>> {
        let leaving = self.0.leaving.lock().get(key).cloned();
        let (size, content) = match leaving {
            Some(leaving) => (leaving.size, leaving.content),
            None => match self.0.store.definition(&key.hash, key.hint()).await {
                Ok(Some(row)) if row.reader == READER => {
                    (usize::try_from(row.size).ok()?, row.content.into())
                }
                Ok(_) => return None,
                Err(error) => {
                    self.trouble(&error);
                    return None;
                }
            },
        };
        if size > self.0.max_bytes {
            return Some(self.too_large(size));
        }
        let read = match content.len() < LARGE {
            true => unpack(&content),
            false => {
                let unpacking = tasks::blocking("unpacking a definition", move || unpack(&content));
                unpacking.await.ok().flatten()
            }
        };
        if read.is_none() {
            tracing::warn!(text.hash = %key.hash, "what was read of a definition is damaged in the database, and is read again from its text");
        }
        read.map(Arc::new)
    }

    /// A text, wherever it is.
    pub async fn text(&self, text: &PlacedText) -> Result<Arc<str>, Unread> {
        let hash = match text {
            PlacedText::Here(text) => return Ok(Arc::from(&**text)),
            PlacedText::Stored(hash) => hash.to_string(),
        };
        let texts = self.0.store.texts(std::slice::from_ref(&hash)).await;
        let mut texts = texts.map_err(|error| Unread::Store(Arc::new(error)))?;
        texts.remove(&hash).ok_or(Unread::Gone)
    }

    fn is_much(&self) -> bool {
        let leaving = self.0.leaving.lock();
        let bytes: usize = leaving.values().map(|one| one.content.len()).sum();
        leaving.len() >= TOGETHER || bytes >= TOGETHER_BYTES
    }

    /// Brings to the store what was read and is not there yet.
    pub async fn settle(&self) {
        let _turn = self.0.writing.lock().await;
        // Until it is there it can be had from here.
        let batch = self.0.leaving.lock().clone();
        if batch.is_empty() {
            return;
        }
        let rows = batch.iter().map(|(key, one)| StoredDefinition {
            hash: key.hash.to_string(),
            hint: key.hint().to_owned(),
            reader: READER,
            size: one.size as u64,
            content: one.content.to_vec(),
        });
        match self.0.store.keep_definitions(rows.collect()).await {
            Ok(()) => self.0.in_trouble.store(false, Ordering::Relaxed),
            Err(error) => self.trouble(&error),
        }
        let mut leaving = self.0.leaving.lock();
        leaving.retain(|key, _| !batch.contains_key(key));
    }

    /// Forgets what was read of texts that are neither in the store nor among `used`, by their hashes.
    pub async fn forget(&self, used: &HashSet<Box<str>>) {
        if let Err(error) = self.0.store.forget_definitions(used).await {
            self.trouble(&error);
        }
    }

    /// Ends what is under way, after at most `grace`, and returns the names of what did not end.
    pub async fn close(&self, grace: Duration) -> Vec<&'static str> {
        let late = self.0.tasks.shutdown(grace).await;
        self.settle().await;
        late
    }

    /// Says that the store is no help; once, until it is again.
    fn trouble(&self, error: &StoreError) {
        if !self.0.in_trouble.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                hint = error.hint(),
                "what was read of API definitions cannot be kept, and their texts are read again: {}",
                error.chain()
            );
        }
    }

    fn too_large(&self, size: usize) -> Arc<Definition> {
        Arc::new(super::too_large(size, self.0.max_bytes, SETTING))
    }

    /// What is said of a text of `size` bytes that is too large.
    pub fn refusal(&self, size: usize) -> String {
        super::over(size, self.0.max_bytes, SETTING)
    }

    /// The largest text that is read, in bytes.
    pub fn max_bytes(&self) -> usize {
        self.0.max_bytes
    }
}

/// Ends a flight, also one that came to an early end.
struct Landing(Shelf, Key);

impl Drop for Landing {
    fn drop(&mut self) {
        let Self(shelf, key) = self;
        shelf.0.flights.lock().remove(key);
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").finish_non_exhaustive()
    }
}
