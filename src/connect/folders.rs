//! Connector folders that are broken: what the graph's `connectors` says of them.
//!
//! Who reads the folders knows it, also where nothing else changes because a connector goes on as it was; so it is told beside the Model, and to every runtime at once.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::diagnostic::Diagnostic;

/// Those that are broken now; clones share it.
#[derive(Clone, Debug, Default)]
pub struct BrokenFolders(Arc<Mutex<Vec<BrokenFolder>>>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenFolder {
    pub connector: Arc<str>,
    /// What is wrong, in the order of files and lines.
    pub problems: Vec<Diagnostic>,
}

impl BrokenFolders {
    /// From now on it is these.
    pub fn set(&self, folders: Vec<BrokenFolder>) {
        *self.0.lock() = folders;
    }

    pub(super) fn all(&self) -> Vec<BrokenFolder> {
        self.0.lock().clone()
    }
}
