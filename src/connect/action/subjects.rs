//! What actions need for the whole life of the process, and what they read of objects.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::live_field;
use crate::connect::routes::all_reads;
use crate::connect::shown::{Members, Shown};
use crate::sdl::Model;
use crate::store::Store;

/// What actions need, for the whole life of the process; clones share it.
#[derive(Clone)]
pub struct Actions {
    store: Store,
    shown: Shown,
}

impl Actions {
    /// With the audit in `store`.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            shown: Shown::new(),
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(in crate::connect) fn shown(&self) -> &Shown {
        &self.shown
    }
}

/// What actions read of objects of each type.
pub(in crate::connect) fn read_of(model: &Model) -> HashMap<Arc<str>, Members> {
    let mut read: HashMap<Arc<str>, Members> = HashMap::new();
    for action in &model.actions {
        let members = read
            .entry(Arc::clone(&action.subject))
            .or_insert_with(|| Members::Some(Vec::new()));
        let connect = match action.along.first() {
            None => model
                .types
                .get(&action.payload)
                .and_then(|payload| payload.connect.clone()),
            Some(first) => live_field(model, &action.subject, first)
                .and_then(|field| field.binding?.connect.clone()),
        };
        let reads = connect.iter().flat_map(|connect| {
            let purge = connect.purge.iter().flat_map(|tag| tag.reads());
            all_reads(connect).into_iter().chain(purge)
        });
        for of_this in reads.filter(|read| &*read.root == "this") {
            match (of_this.path.first(), &mut *members) {
                (Some(name), Members::Some(members)) if !members.contains(name) => {
                    members.push(name.clone())
                }
                (Some(_), _) => {}
                (None, members) => *members = Members::All,
            }
        }
    }
    read
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actions").finish_non_exhaustive()
    }
}
