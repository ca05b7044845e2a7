//! Objects of one answer: what a step of a provider brings.

use std::cell::Cell;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::chains::{Member, Step};
use super::graphql::listed::is_connection;
use super::kept::Progress;
use super::live::{LiveObject, Origin};
use super::seam::{Fault, Parent};
use super::view::View;
use crate::cache;
use crate::graph::Ix;

/// Objects of one answer.
pub(super) struct Rows {
    pub(super) objects: Objects,
    pub(super) state: cache::State,
    pub(super) fetched_at: Timestamp,
    pub(super) instance: Arc<str>,
    /// How far the list was read; one object is all there is.
    pub(super) progress: Progress,
}

pub(super) enum Objects {
    /// They stand in what is kept.
    Kept {
        view: View,
        /// As the objects show it.
        origin: Arc<Origin>,
        entity: Option<Ix>,
        which: Which,
    },
    /// They stand in an object.
    Members(Vec<LiveObject>),
}

/// Which of what is kept.
pub(super) enum Which {
    Nothing,
    /// There is something, but not where the field looks.
    Null,
    /// All of it is one object.
    Whole,
    /// It is a list.
    List,
    /// Some of a list.
    Some(Vec<u32>),
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match &self.objects {
            Objects::Members(objects) => objects.len(),
            Objects::Kept { view, which, .. } => match which {
                Which::Nothing | Which::Null => 0,
                Which::Whole => 1,
                Which::List => view.len(),
                Which::Some(positions) => positions.len(),
            },
        }
    }

    /// Whether as many are here as are wanted, or all there are.
    pub(super) fn suffice(&self, wanted: usize) -> bool {
        self.len() >= wanted || self.progress.next.is_none()
    }

    pub(super) fn object(&self, position: usize) -> Option<LiveObject> {
        let (view, origin, entity, which) = match &self.objects {
            Objects::Members(objects) => return objects.get(position).cloned(),
            Objects::Kept {
                view,
                origin,
                entity,
                which,
            } => (view, origin, entity, which),
        };
        let position = match which {
            Which::Nothing | Which::Null => return None,
            Which::Whole => None,
            Which::List => Some(position),
            Which::Some(positions) => Some(*positions.get(position)? as usize),
        };
        let (held, position) = view.place(position)?;
        Some(LiveObject {
            held,
            position,
            origin: Arc::clone(origin),
            entity: *entity,
            fetched_at: self.fetched_at,
            stale: self.is_stale(),
        })
    }

    pub(super) fn is_stale(&self) -> bool {
        self.state != cache::State::Fresh
    }

    /// Whether the upstream said anything, be it that there is nothing in its list.
    pub(super) fn is_said(&self) -> bool {
        match &self.objects {
            Objects::Members(_) => true,
            Objects::Kept { which, .. } => !matches!(which, Which::Nothing),
        }
    }
}

impl Rows {
    /// Whether nothing here means that there is nothing: it was looked for in an object, or in a list.
    pub(super) fn is_in_place(&self) -> bool {
        match &self.objects {
            Objects::Members(_) => true,
            Objects::Kept { which, .. } => matches!(which, Which::List | Which::Some(_)),
        }
    }
}

/// The objects that stand in another one.
pub(super) fn members(
    step: &Step,
    member: &Member,
    parent: &Parent,
) -> Result<Option<Rows>, Fault> {
    let Parent::Live(around) = parent else {
        return Ok(None);
    };
    let mismatches = Cell::new(0);
    let args = Some(&member.args.value);
    let found = around.evaluate(&member.binding.at, around.value(), args, &mismatches);
    let origin = Arc::new(Origin {
        type_name: Arc::clone(&step.type_name),
        ..(*around.origin).clone()
    });
    let object = |value: Value| {
        (!value.is_null()).then(|| LiveObject {
            origin: Arc::clone(&origin),
            ..around.within(value)
        })
    };
    if let Some(fault) = LiveObject::fault_of(&found) {
        return Err(fault);
    }
    let mut found = found.into_owned();
    let mut progress = Progress::default();
    // A connection of the upstream says itself how it goes on.
    if step.is_list && is_connection(&member.binding.at) {
        let info = found.get("pageInfo");
        let more = info.and_then(|info| info.get("hasNextPage"));
        progress.cut = more.and_then(Value::as_bool) == Some(true);
        progress.further = progress.cut;
        progress.total = found.get("totalCount").and_then(Value::as_u64);
        found = found.get_mut("nodes").map(Value::take).unwrap_or_default();
    }
    let objects = match found {
        Value::Array(items) => items.into_iter().filter_map(object).collect(),
        value => object(value).into_iter().collect(),
    };
    Ok(Some(Rows {
        state: match around.stale {
            true => cache::State::Stale,
            false => cache::State::Fresh,
        },
        fetched_at: around.fetched_at,
        instance: Arc::clone(&around.origin.instance),
        progress,
        objects: Objects::Members(objects),
    }))
}

impl Which {
    pub(super) fn of(positions: Vec<u32>, rows: bool) -> Self {
        match (positions.first(), rows) {
            (None, false) => Self::Nothing,
            (Some(first), false) => Self::Some(vec![*first]),
            (_, true) => Self::Some(positions),
        }
    }
}
