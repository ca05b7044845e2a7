//! What a document costs its upstream, counted before it is sent as the upstream would count it.
//!
//! Who counts what, and how much of it one document may cost, is said of the source (`limits` of `@source`).

use super::need::Need;
use crate::sdl::{ConnectionItems, DocumentLimits};

/// What is asked for, by the sizes of the pages of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::connect) struct Cost {
    /// Of connections.
    pub(in crate::connect) items: u64,
    /// Each once for every object that it is asked of.
    pub(in crate::connect) connections: u64,
    /// Fields that give objects, each once for every object that they are asked of.
    pub(in crate::connect) objects: u64,
}

impl Cost {
    pub(in crate::connect) fn and(self, other: Self) -> Self {
        Self {
            items: self.items.saturating_add(other.items),
            connections: self.connections.saturating_add(other.connections),
            objects: self.objects.saturating_add(other.objects),
        }
    }

    /// Whether one document may cost this.
    pub(in crate::connect) fn fits(self, limits: &DocumentLimits) -> bool {
        let within = |cost: u64, most: Option<u32>| most.is_none_or(|most| cost <= most.into());
        within(self.items, limits.max_items) && within(self.objects, limits.max_objects)
    }

    /// What it takes of the limits that the upstream tells of in its headers: at least one.
    pub(in crate::connect) fn points(self, limits: &DocumentLimits) -> u64 {
        let counted = [
            (self.connections, limits.connections_per_point),
            (self.objects, limits.objects_per_point),
        ];
        let points = counted.into_iter().filter_map(|(cost, per)| {
            let per = u64::from(per?);
            Some(cost.div_ceil(per.max(1)))
        });
        points.max().unwrap_or(1).max(1)
    }
}

/// What a selection costs.
pub(in crate::connect) fn of(need: &Need, items: ConnectionItems) -> Cost {
    let mut counter = Counter {
        items,
        cost: Cost::default(),
    };
    counter.fields(need, 1, None);
    counter.cost
}

struct Counter {
    items: ConnectionItems,
    cost: Cost,
}

impl Counter {
    /// `times`: the objects around; `page`: how many items those have, if they are connections.
    fn fields(&mut self, need: &Need, times: u64, page: Option<u64>) {
        for field in need.fields.values().filter(|field| !field.is_leaf()) {
            let all = times.saturating_mul(page.unwrap_or(1));
            match (&*field.name, page, self.items) {
                ("nodes", Some(_), ConnectionItems::Nodes) => self.add(all),
                // Translated into `edges { node }`.
                ("nodes", Some(_), ConnectionItems::Edges) => self.add(times.saturating_add(all)),
                _ => self.add(times),
            }
            let times = match (&*field.name, page) {
                ("nodes" | "edges", Some(_)) => all,
                _ => times,
            };
            let Some(size) = field.page_size() else {
                self.fields(&field.below, times, None);
                continue;
            };
            self.cost.connections = self.cost.connections.saturating_add(times);
            let items = times.saturating_mul(size);
            self.cost.items = self.cost.items.saturating_add(items);
            let below = &field.below.fields;
            match below.contains_key("nodes") || below.contains_key("edges") {
                true => self.fields(&field.below, times, Some(size)),
                // A list that is no connection, or one of which no items are wanted.
                false => self.fields(&field.below, items, None),
            }
        }
    }

    fn add(&mut self, objects: u64) {
        self.cost.objects = self.cost.objects.saturating_add(objects);
    }
}
