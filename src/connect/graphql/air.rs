//! What is under way to graphs, and what is known of them beside what they said.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::need::Need;
use crate::cache::Key;

/// What is known of graphs beside what they said, and what is under way.
#[derive(Default)]
pub(in crate::connect) struct Air {
    /// What flights will bring, by the key of the object.
    under_way: Mutex<HashMap<Key, Vec<(Key, Need)>>>,
    /// The types of root fields' values, by source and field; `None`: there are several.
    types: Mutex<HashMap<RootName, Option<Arc<str>>>>,
}

/// A source, and a field of its root.
type RootName = (usize, Box<str>);

impl Air {
    /// A flight that brings all of `missing`, and whether there is any flight for the object itself.
    ///
    /// Nobody waits for that one where the object is held `in_part`: he would be given what is held.
    pub(super) fn find(&self, key: &Key, missing: &Need, in_part: bool) -> (Option<Key>, bool) {
        let under_way = self.under_way.lock();
        let flights = under_way.get(key).map_or(&[][..], Vec::as_slice);
        let mut others = flights
            .iter()
            .filter(|(flight, _)| !(in_part && flight == key));
        let covering = others.find(|(_, need)| need.covers(missing));
        let own = flights.iter().any(|(flight, _)| flight == key);
        (covering.map(|(flight, _)| *flight), own)
    }

    pub(super) fn take_off(&self, key: Key, flight: Key, need: Need) -> UnderWay<'_> {
        let mut under_way = self.under_way.lock();
        under_way.entry(key).or_default().push((flight, need));
        UnderWay {
            air: self,
            key,
            flight,
        }
    }

    fn land(&self, key: &Key, flight: &Key) {
        let mut under_way = self.under_way.lock();
        if let Some(flights) = under_way.get_mut(key) {
            flights.retain(|(own, _)| own != flight);
            if flights.is_empty() {
                under_way.remove(key);
            }
        }
    }

    pub(super) fn type_of(&self, source: usize, field: &str) -> Option<Arc<str>> {
        let types = self.types.lock();
        types.get(&(source, field.into())).cloned().flatten()
    }

    pub(super) fn learn(&self, source: usize, field: &str, type_name: Option<&str>) {
        let Some(type_name) = type_name else {
            return;
        };
        let mut types = self.types.lock();
        let known = types
            .entry((source, field.into()))
            .or_insert_with(|| Some(type_name.into()));
        if known.as_deref().is_some_and(|known| known != type_name) {
            *known = None;
        }
    }
}

/// Ends with the flight, also with one that is given up.
pub(super) struct UnderWay<'a> {
    air: &'a Air,
    key: Key,
    flight: Key,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.air.land(&self.key, &self.flight);
    }
}
