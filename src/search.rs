//! Finding things by words: an index on disk over entities, sections of docs and operations of APIs. Home of `tantivy`.
//!
//! What it knows: documents, their texts and weights, and sets of entities that filters let through.
//! What it does not know: the Model, GraphQL, HTTP, and where documents come from; `app/indexing.rs` follows the catalog for it.
//!
//! | file | what it does |
//! | --- | --- |
//! | `document` | what is handed in |
//! | `words` `terms` `fields` | texts to words to terms, and what the index has of a document |
//! | `folder` `way` `write` | where it lies, who writes it, what outlives a killed process |
//! | `query` `compile` `evaluate` | a query understood, what it asks of the index, and what that finds |
//! | `highlight` `suggest` | why it was found, and what else may be meant |
//!
//! Architecture invariant: a query never fails for what it says, and never waits for whoever writes.

mod compile;
mod document;
mod evaluate;
mod fields;
mod folder;
mod highlight;
mod query;
mod suggest;
mod terms;
mod way;
mod words;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use parking_lot::{Mutex, RwLock};
use roaring::RoaringBitmap;
use serde_json::Value;
use tantivy::schema::Value as _;
use tantivy::{DocAddress, Searcher, TantivyDocument};
use tokio::sync::Notify;

pub use document::{Bundle, Document, Group, Text};
pub use folder::Place;
pub use highlight::{Highlight, Highlighter};
pub use suggest::Suggestion;
pub use write::Writing;

use compile::{Compiled, Compiler};
use evaluate::{GONE, Hit, Outcome, Room, Standing, Terms};
use fields::{Fields, hash};
use folder::Folder;
use query::Query;
use terms::Stems;
use write::Stored;

/// From this weight on a text is a name or a title.
const NAMES: f32 = 5.0;
/// Rooms that are kept for the next queries.
const ROOMS: usize = 8;

/// An index; clones share it.
#[derive(Clone, Debug)]
pub struct Search(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    fields: Fields,
    /// What queries read: as of the last commit.
    current: ArcSwapOption<Reading>,
    progress: RwLock<Progress>,
    rooms: Mutex<Vec<Room>>,
    /// Told when a query met something that is not as it should be.
    suspected: Notify,
    place: Place,
    /// Taken by who writes first; removed last, if it is a temporary one.
    folder: OnceLock<Folder>,
}

/// One state of the index.
#[derive(Debug)]
struct Reading {
    searcher: Searcher,
    weights: Vec<f32>,
    /// Which snapshots `entities` is about.
    lineage: u64,
    /// By the number of an entity in the index: where it is in the snapshots.
    entities: Arc<[u32]>,
    /// By the same number: the hash of its id.
    keys: Arc<[u64]>,
    /// Documents that say that there is nothing.
    n_nothing: u64,
    /// The same as `entities` for snapshots of another lineage, made when one is asked about.
    others: Mutex<Option<(u64, Arc<[u32]>)>>,
}

/// How the index is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub state: State,
    /// Of what is to be indexed: how many documents are, and how many there are.
    pub done: u64,
    pub expected: u64,
    /// The last change of the catalog that is in it.
    pub revision: u64,
    /// Why it is not as it should be.
    pub trouble: Option<Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Everything is in it, or will be in less than a second.
    Ready,
    /// It is being made; answers are from what is there.
    Building,
    /// It cannot be written; answers are from what is there.
    Failed,
}

impl State {
    /// As the graph shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Building => "BUILDING",
            Self::Failed => "FAILED",
        }
    }
}

/// What somebody looks for.
pub struct Ask<'a> {
    pub query: &'a str,
    /// In these groups.
    pub groups: &'a [Group],
    /// Among these entities; `None`: among all.
    pub allowed: Option<&'a RoaringBitmap>,
    /// What `name:value` means.
    pub meaning: &'a dyn Meaning,
    pub first: usize,
    pub after: Option<Cursor>,
    /// Whether anybody asks which entities the answer is about.
    pub wants_entities: bool,
    /// Look at names and titles alone.
    pub names_only: bool,
    pub catalog: &'a dyn Entities,
}

/// What `name:value` in a query means.
pub trait Meaning {
    /// Whether there is something of this name.
    fn is_field(&self, name: &str) -> bool;
    /// The entities that have this value.
    fn entities(&self, name: &str, value: &str) -> RoaringBitmap;
}

/// The snapshot that a query reads.
pub trait Entities {
    /// The same number for all snapshots in which an entity keeps its index.
    fn lineage(&self) -> u64;
    /// All entities: index and id.
    fn each(&self, visit: &mut dyn FnMut(u32, &str));
    fn id(&self, entity: u32) -> Option<&str>;
}

/// A place between two documents of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cursor {
    standing: Standing,
    need: usize,
}

/// Some of the documents that were found, and what is known of all of them.
#[derive(Debug, Default)]
pub struct Found {
    pub items: Vec<Item>,
    /// Documents in all, before and behind this page as well.
    pub total: u64,
    pub has_next: bool,
    /// The entities that the documents belong to, if somebody asks.
    pub entities: RoaringBitmap,
    /// How the query was read, for [`Search::highlighter`] and [`Search::did_you_mean`].
    pub reading: Understood,
}

/// How a query was read.
#[derive(Debug, Default)]
pub struct Understood {
    compiled: Compiled,
    query: Query,
}

/// One document.
#[derive(Debug)]
pub struct Item {
    pub group: Group,
    /// The entity that it is, or belongs to.
    pub entity: u32,
    pub score: f32,
    pub cursor: Cursor,
    /// Of a document that is no entity: what is shown.
    pub node: Option<Value>,
    /// Of the same: its texts by field.
    pub texts: Vec<(String, String)>,
}

/// Why the index cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the search index cannot be used")]
    Index(#[from] tantivy::TantivyError),
    #[error("the folder `{folder}` cannot be used")]
    Folder {
        folder: String,
        #[source]
        source: std::io::Error,
    },
    #[error("there is no folder for it: {wanted}nothing can be made in `{temporary}`")]
    NoFolder {
        wanted: String,
        temporary: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the file `{file}` of the search index is damaged")]
    Damaged { file: String },
    #[error("the label of the search index cannot be written")]
    Label(#[source] serde_json::Error),
}

impl Search {
    /// An index at `place`; nothing is looked at there before [`Writing::open`].
    pub fn new(place: Place) -> Self {
        Self(Arc::new(Inner {
            fields: Fields::new(),
            current: ArcSwapOption::empty(),
            progress: RwLock::new(Progress {
                state: State::Building,
                done: 0,
                expected: 0,
                revision: 0,
                trouble: None,
            }),
            rooms: Mutex::default(),
            suspected: Notify::new(),
            place,
            folder: OnceLock::new(),
        }))
    }

    /// The folder of the index, from now on ours.
    fn folder(&self) -> Result<&Folder, SearchError> {
        if let Some(folder) = self.0.folder.get() {
            return Ok(folder);
        }
        let folder = Folder::take(&self.0.place)?;
        Ok(self.0.folder.get_or_init(|| folder))
    }

    /// How the index is.
    pub fn progress(&self) -> Progress {
        self.0.progress.read().clone()
    }

    /// Says how it is.
    pub fn tell(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.0.progress.write());
    }

    /// A query met something that is not as it should be: whoever writes should look at the files.
    pub fn suspect(&self) {
        self.0.suspected.notify_one();
    }

    /// Waits until somebody suspects something.
    pub async fn suspected(&self) {
        self.0.suspected.notified().await;
    }

    /// How many documents can be found.
    pub fn len(&self) -> u64 {
        let current = self.0.current.load();
        current.as_ref().map_or(0, |reading| {
            let all = reading.searcher.num_docs();
            all.saturating_sub(reading.n_nothing)
        })
    }

    /// Whether nothing can be found.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is found.
    pub fn find(&self, ask: &Ask<'_>) -> Result<Found, SearchError> {
        let Some(reading) = self.0.current.load_full() else {
            return Ok(Found::default());
        };
        let query = Query::parse(ask.query, &|name| ask.meaning.is_field(name));
        let mut sets = Vec::new();
        let n_named = reading.weights.iter().filter(|weight| **weight >= NAMES);
        let n_looked_at = match ask.names_only {
            true => n_named.count().max(1),
            false => reading.weights.len(),
        };
        let mut compiler = Compiler {
            searcher: &reading.searcher,
            fields: &self.0.fields,
            weights: reading.weights.get(..n_looked_at).unwrap_or_default(),
            stems: Stems::default(),
        };
        let compiled = compiler.compile(&query, |name, value| {
            sets.push(ask.meaning.entities(name, value));
            sets.len() - 1
        })?;
        let entities = reading.entities(ask.catalog);
        let n_required = compiled.n_required();
        let mut terms = Terms {
            searcher: &reading.searcher,
            fields: &self.0.fields,
            compiled: &compiled,
            sets: &sets,
            entities: &entities,
            allowed: ask.allowed,
            groups: if ask.groups.is_empty() {
                &Group::ALL
            } else {
                ask.groups
            },
            need: ask
                .after
                .map_or(n_required, |after| after.need.min(n_required)),
            after: ask.after.map(|after| after.standing),
            most: ask.first.saturating_add(1),
            wants_entities: ask.wants_entities,
        };
        let mut room = self.0.rooms.lock().pop().unwrap_or_default();
        let mut outcome = terms.run(&mut room)?;
        if ask.after.is_none() {
            // Nothing has all of it: what has most of it is nearest.
            // In no group at all: so what is found in each group is what is found in all of them.
            for need in [n_required.saturating_sub(1), n_required / 2, 1] {
                let found = outcome.total > 0 || outcome.elsewhere;
                if found || need == 0 || need >= terms.need {
                    continue;
                }
                terms.need = need;
                outcome = terms.run(&mut room)?;
            }
        }
        let need = terms.need;
        let mut rooms = self.0.rooms.lock();
        if rooms.len() < ROOMS {
            rooms.push(room);
        }
        drop(rooms);
        let has_next = outcome.hits.len() > ask.first;
        outcome.hits.truncate(ask.first);
        let items = self.items(&reading, &outcome, need, ask.catalog)?;
        Ok(Found {
            items,
            total: outcome.total,
            has_next,
            entities: outcome.entities,
            reading: Understood { compiled, query },
        })
    }

    fn items(
        &self,
        reading: &Reading,
        outcome: &Outcome,
        need: usize,
        catalog: &dyn Entities,
    ) -> Result<Vec<Item>, SearchError> {
        let mut items = Vec::with_capacity(outcome.hits.len());
        for hit in &outcome.hits {
            let group = hit.group.unwrap_or(Group::Entities);
            if group == Group::Entities
                && catalog.id(hit.entity).map(hash) != Some(hit.standing.key)
            {
                // It went a moment ago, and another one has its place.
                continue;
            }
            let stored = match group {
                Group::Entities => None,
                Group::Docs | Group::Operations => self.stored(reading, hit.at)?,
            };
            items.push(item(hit, group, need, stored));
        }
        Ok(items)
    }

    fn stored(&self, reading: &Reading, at: DocAddress) -> Result<Option<Stored>, SearchError> {
        let document: TantivyDocument = reading.searcher.doc(at)?;
        let bytes = document.get_first(self.0.fields.node);
        let bytes = bytes.as_ref().and_then(|value| value.as_bytes());
        Ok(bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()))
    }

    /// Marks in texts what a query found in them.
    pub fn highlighter(&self, understood: &Understood) -> Highlighter {
        Highlighter::new(&understood.compiled, &understood.query)
    }
}

/// A short text that stands for a long one.
pub fn fingerprint(text: &str) -> String {
    format!("{:016x}", hash(text))
}

/// A version made of a text and a number; never 0, which is nothing.
pub fn version_of(text: &str, number: u64) -> u64 {
    fields::mix_with(hash(text), number).max(1)
}

fn item(hit: &Hit, group: Group, need: usize, stored: Option<Stored>) -> Item {
    let (node, texts) =
        stored.map_or_else(Default::default, |stored| (Some(stored.node), stored.texts));
    Item {
        group,
        entity: hit.entity,
        score: hit.standing.score,
        cursor: Cursor {
            standing: hit.standing,
            need,
        },
        node,
        texts,
    }
}

impl Reading {
    /// Where entities are in the snapshots that `catalog` is one of.
    fn entities(&self, catalog: &dyn Entities) -> Arc<[u32]> {
        let lineage = catalog.lineage();
        if self.lineage == lineage {
            return Arc::clone(&self.entities);
        }
        let mut others = self.others.lock();
        if let Some((known, entities)) = &*others
            && *known == lineage
        {
            return Arc::clone(entities);
        }
        let mut places = HashMap::new();
        catalog.each(&mut |entity, id| {
            places.insert(hash(id), entity);
        });
        let each = self
            .keys
            .iter()
            .map(|key| places.get(key).copied().unwrap_or(GONE));
        let entities: Arc<[u32]> = each.collect();
        *others = Some((lineage, Arc::clone(&entities)));
        entities
    }
}

impl Cursor {
    /// As clients are given it.
    pub fn to_text(self) -> String {
        let Standing { score, key } = self.standing;
        format!(
            "{:08x}{key:016x}{:02x}",
            score.to_bits(),
            self.need.min(255)
        )
    }

    /// `None`: it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 26 || !text.is_ascii() {
            return None;
        }
        let part = |from: usize, to: usize| u64::from_str_radix(text.get(from..to)?, 16).ok();
        let score = f32::from_bits(u32::try_from(part(0, 8)?).ok()?);
        Some(Self {
            standing: Standing {
                score,
                key: part(8, 24)?,
            },
            need: usize::try_from(part(24, 26)?).ok()?,
        })
    }
}
