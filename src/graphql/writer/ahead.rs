//! Reading ahead: what the rows of a page will be written from, level by level, before any of it is written.
//!
//! The entities of a page lie anywhere in memory, and so does what their relations lead to.
//! Written one after the other, each waits for memory some times; read in one go, with nothing in between, they wait together.
//!
//! Nothing depends on what is read here: it decides how soon an answer is there, and never what it says.

use std::hint::black_box;

use super::Writer;
use crate::graph::Ix;
use crate::graphql::plan::SelectionId;

/// Rows of a page that are read at once; what belongs to them must find room in the processor's caches.
const TOGETHER: usize = 64;
/// Entities that are read for these, on all levels.
const ENTITIES: usize = 1_024;
/// Targets of one relation that are read: the first of many are enough.
const TARGETS: usize = 8;

impl Writer<'_> {
    /// Before the entity at `row` of a page is written: reads it and those behind it, now and then.
    pub(super) fn read_ahead(&self, selection: SelectionId, items: &[Ix], row: usize) {
        if !self.ahead && row.is_multiple_of(TOGETHER) {
            let further = self.scene.plan.follows(selection);
            let items = items.iter().skip(row).take(TOGETHER);
            self.read_levels(items.map(|ix| (selection, further, *ix)).collect());
        }
    }

    /// Each with what is written of it, and whether that follows relations.
    fn read_levels(&self, mut level: Vec<(SelectionId, bool, Ix)>) {
        let (plan, snapshot) = (self.scene.plan, self.scene.snapshot);
        let mut room = ENTITIES;
        while !level.is_empty() {
            for (_, further, ix) in &level {
                black_box(snapshot.touch_row(*ix));
                if *further {
                    black_box(snapshot.touch_edges(*ix));
                }
            }
            room = room.saturating_sub(level.len());
            let mut next = Vec::new();
            for (selection, _, ix) in level.into_iter().filter(|(_, further, _)| *further) {
                let object = plan.selection(selection).for_kind(snapshot.kind(ix));
                for lead in object.map_or(&[][..], |object| plan.leads(object)) {
                    let edges = snapshot.edges_along(ix, lead.relation).iter();
                    let targets = edges.take(TARGETS).map(|edge| edge.target);
                    next.extend(targets.map(|ix| (lead.selection, lead.further, ix)));
                }
            }
            next.truncate(room);
            level = next;
        }
    }
}
