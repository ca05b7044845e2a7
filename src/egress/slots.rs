//! How many requests an upstream gets at a time.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::call::Lane;

/// So many may wait; beyond, more waiting only makes everyone late.
const WAITING: usize = 4096;

#[derive(Debug)]
pub(super) struct Slots {
    pub(super) size: usize,
    all: Semaphore,
    /// What may wait never takes all the slots there are, unless there is but one.
    background: Semaphore,
    waiting: AtomicUsize,
}

/// Held while a request is under way.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    _all: SemaphorePermit<'a>,
    _background: Option<SemaphorePermit<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSlot {
    Late,
    Crowded,
}

impl Slots {
    pub(super) fn new(size: usize) -> Self {
        let size = size.min(Semaphore::MAX_PERMITS);
        Self {
            size,
            all: Semaphore::new(size),
            background: Semaphore::new((size - size.div_ceil(4)).max(1)),
            waiting: AtomicUsize::new(0),
        }
    }

    pub(super) async fn enter(&self, lane: Lane, deadline: Instant) -> Result<Slot<'_>, NoSlot> {
        if lane == Lane::Interactive
            && let Ok(permit) = self.all.try_acquire()
        {
            return Ok(Slot {
                _all: permit,
                _background: None,
            });
        }
        let Some(_waiting) = Waiting::enter(&self.waiting) else {
            return Err(NoSlot::Crowded);
        };
        let entered = tokio::time::timeout_at(deadline, self.wait(lane)).await;
        entered.ok().flatten().ok_or(NoSlot::Late)
    }

    /// `None` cannot be: the semaphores are never closed.
    async fn wait(&self, lane: Lane) -> Option<Slot<'_>> {
        let background = match lane {
            Lane::Interactive => None,
            Lane::Poll | Lane::Ingest => Some(self.background.acquire().await.ok()?),
        };
        Some(Slot {
            _all: self.all.acquire().await.ok()?,
            _background: background,
        })
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Option<Self> {
        let guard = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < WAITING).then_some(guard)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
