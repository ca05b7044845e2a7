//! Where in a collection the objects of each key are: a list call for all keys is kept as a whole, and read by key.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use quick_cache::sync::Cache as Memory;

use super::ask::key_text;
use super::routes::Fetch;
use super::seam::Fault;
use super::view::View;
use super::{kept, pages, request};
use crate::cache::{Entry, Key};

/// Collections whose objects are found by their keys.
const INDEXED: usize = 256;

/// The indexes of collections, each made when it is first read.
pub(super) struct Collections(Memory<Key, Arc<Index>>);

struct Index {
    of: Weak<Entry>,
    positions: HashMap<Box<str>, Vec<u32>>,
}

impl Collections {
    pub(super) fn new() -> Self {
        Self(Memory::new(INDEXED))
    }

    /// The rows of one key.
    pub(super) fn matching(
        &self,
        fetch: &Fetch,
        key: &Key,
        entry: &Arc<Entry>,
        text: &str,
    ) -> Result<Vec<u32>, Fault> {
        let known = self.0.get(key);
        let known = known.filter(|index| index.of.as_ptr() == Arc::as_ptr(entry));
        let index = match known {
            Some(index) => index,
            None => {
                let index = Arc::new(Index::new(fetch, entry)?);
                self.0.insert(*key, Arc::clone(&index));
                index
            }
        };
        match index.positions.get(text) {
            Some(positions) => Ok(positions.clone()),
            None if kept::progress(fetch, entry).cut => Err(pages::cut_off(fetch)),
            None => Ok(Vec::new()),
        }
    }
}

impl Index {
    fn new(fetch: &Fetch, entry: &Arc<Entry>) -> Result<Self, Fault> {
        let batch = fetch.connect.batch.as_ref();
        let matches = batch.and_then(|batch| batch.matches.as_ref());
        let mut positions: HashMap<Box<str>, Vec<u32>> = HashMap::new();
        for (position, row) in (0_u32..).zip(View::new(fetch, entry)?.iter()) {
            let key = matches.and_then(|matches| key_text(&request::evaluate(matches, row)));
            if let Some(key) = key {
                positions.entry(key).or_default().push(position);
            }
        }
        Ok(Self {
            of: Arc::downgrade(entry),
            positions,
        })
    }
}
