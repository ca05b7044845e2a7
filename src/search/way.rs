//! Documents on their way into the index: a bounded number, so that whoever makes them faster than they are written waits.
//!
//! The queue of the index itself is bounded at ten thousand, which with long texts is more memory than everything else.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tantivy::TantivyDocument;
use tantivy::schema::Document;

/// So many are on their way.
const MOST: usize = 128;

/// The way, with its free places.
#[derive(Debug)]
pub(super) struct Way(Arc<Places>);

#[derive(Debug)]
struct Places {
    free: Mutex<usize>,
    left: Condvar,
}

impl Way {
    pub(super) fn new() -> Self {
        Self(Arc::new(Places {
            free: Mutex::new(MOST),
            left: Condvar::new(),
        }))
    }

    /// Waits for a place, which the document holds until it is written or given up.
    pub(super) fn enter(&self, document: TantivyDocument) -> Entered {
        let mut free = self.0.free.lock();
        self.0.left.wait_while(&mut free, |free| *free == 0);
        *free -= 1;
        Entered {
            document,
            _place: Place(Arc::clone(&self.0)),
        }
    }
}

/// A document that is on its way.
#[derive(Debug)]
pub(super) struct Entered {
    document: TantivyDocument,
    _place: Place,
}

#[derive(Debug)]
struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.left.notify_one();
    }
}

impl Document for Entered {
    type Value<'a> = <TantivyDocument as Document>::Value<'a>;
    type FieldsValuesIter<'a> = <TantivyDocument as Document>::FieldsValuesIter<'a>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        self.document.iter_fields_and_values()
    }
}
