//! Files with descriptors, read again to tell where in them something stands.

use std::sync::Arc;

use crate::catalog::FileText;
use crate::graph::Origin;
use crate::ingest::Ingest;

/// Of the source, and of the file in it: what those who ask are to be sorted by.
pub(super) type FileName = (Arc<str>, Arc<str>);

pub(super) fn name(origin: &Origin) -> FileName {
    (Arc::clone(&origin.source), Arc::clone(&origin.file))
}

/// Holds the last file that was asked for, because those who ask come file by file.
pub(super) struct Files<'i> {
    ingest: &'i Ingest,
    last: Option<(FileName, FileText)>,
}

impl<'i> Files<'i> {
    pub(super) fn of(ingest: &'i Ingest) -> Self {
        Self { ingest, last: None }
    }

    /// The file as it is now; empty where it cannot be read.
    pub(super) fn text(&mut self, origin: &Origin) -> &FileText {
        let name = name(origin);
        let last = self.last.take().filter(|(known, _)| *known == name);
        let (_, text) = self.last.insert(last.unwrap_or_else(|| {
            let text = self.ingest.text_of(&origin.source, &origin.file);
            (name, FileText::new(text.unwrap_or_default()))
        }));
        text
    }
}
