//! Descriptors on disk, and what becomes of them in store, snapshot, problems and change log.

mod broken;
mod claims;
mod following;
mod locations;
mod reading;
mod snapshot;
