//! Chunks behind two levels of shared pointers: a change copies one chunk and the way to it, everything else is shared with the state before.
//!
//! With 64 chunks to a branch and 64 entries to a chunk a million entries have 245 branches, so a change costs nearly the same at any size.
//! What a chunk is, is the caller's: [`CowVec`] keeps values, [`Slabs`] keeps slices of any length packed behind each other.

use std::sync::Arc;

/// Entries in a chunk, and chunks in a branch.
pub(super) const WIDTH: usize = 64;

/// Chunks that share a pointer.
type Branch<C> = Arc<[Arc<C>]>;

/// A growing sequence of chunks.
#[derive(Clone, Debug)]
pub(super) struct Spine<C> {
    branches: Arc<[Branch<C>]>,
}

impl<C> Default for Spine<C> {
    fn default() -> Self {
        Self {
            branches: Arc::default(),
        }
    }
}

impl<C> Spine<C> {
    /// Chunks in their order, all but the last one full.
    pub(super) fn from_chunks(chunks: Vec<Arc<C>>) -> Self {
        let mut chunks = chunks.into_iter().peekable();
        let mut branches: Vec<Branch<C>> = Vec::new();
        while chunks.peek().is_some() {
            branches.push(chunks.by_ref().take(WIDTH).collect());
        }
        Self {
            branches: branches.into(),
        }
    }
}

impl<C: Clone + Default> Spine<C> {
    /// The chunk that holds `entry`, and the entry's place in it.
    #[inline]
    pub(super) fn chunk(&self, entry: usize) -> Option<(&C, usize)> {
        let number = entry / WIDTH;
        let branch = self.branches.get(number / WIDTH)?;
        Some((branch.get(number % WIDTH)?, entry % WIDTH))
    }

    /// The same for writing; missing chunks are made.
    pub(super) fn chunk_mut(&mut self, entry: usize) -> (&mut C, usize) {
        let (slot, place) = self.slot(entry);
        (Arc::make_mut(slot), place)
    }

    /// Replaces the chunk by what `change` makes of it, without copying it first.
    pub(super) fn replace(&mut self, entry: usize, change: impl FnOnce(&C, usize) -> C) {
        let (slot, place) = self.slot(entry);
        *slot = Arc::new(change(slot, place));
    }

    /// The numbers of the chunks that `other` does not share.
    pub(super) fn differing(&self, other: &Self) -> Vec<usize> {
        let mut differing = Vec::new();
        let n_branches = self.branches.len().max(other.branches.len());
        for number in 0..n_branches {
            let (own, others) = (self.branches.get(number), other.branches.get(number));
            if let (Some(own), Some(others)) = (own, others)
                && Arc::ptr_eq(own, others)
            {
                continue;
            }
            for place in 0..WIDTH {
                let own = own.and_then(|branch| branch.get(place));
                let others = others.and_then(|branch| branch.get(place));
                let same = match (own, others) {
                    (Some(own), Some(others)) => Arc::ptr_eq(own, others),
                    (None, None) => true,
                    _ => false,
                };
                if !same {
                    differing.push(number * WIDTH + place);
                }
            }
        }
        differing
    }

    /// Every chunk; those that other states have as well are copied.
    pub(super) fn each_mut(&mut self, mut change: impl FnMut(&mut C)) {
        for branch in Arc::make_mut(&mut self.branches) {
            for slot in Arc::make_mut(branch) {
                change(Arc::make_mut(slot));
            }
        }
    }

    fn slot(&mut self, entry: usize) -> (&mut Arc<C>, usize) {
        let number = entry / WIDTH;
        let branch = element(&mut self.branches, number / WIDTH);
        (element(branch, number % WIDTH), entry % WIDTH)
    }
}

/// One of shared elements, for writing; missing ones are made.
fn element<T: Clone + Default>(shared: &mut Arc<[T]>, at: usize) -> &mut T {
    if shared.len() <= at {
        let mut longer = shared.to_vec();
        longer.resize_with(at + 1, T::default);
        *shared = longer.into();
    }
    &mut Arc::make_mut(shared)[at]
}

/// A vector of values that are cheap to clone; entries that were never set are the default.
#[derive(Clone, Debug)]
pub(super) struct CowVec<T> {
    chunks: Spine<Vec<T>>,
}

impl<T> Default for CowVec<T> {
    fn default() -> Self {
        Self {
            chunks: Spine::default(),
        }
    }
}

impl<T: Clone + Default> CowVec<T> {
    pub(super) fn get(&self, entry: usize) -> Option<&T> {
        let (chunk, place) = self.chunks.chunk(entry)?;
        chunk.get(place)
    }

    /// Entries that may be others than in `other`, a few too many.
    pub(super) fn differing(&self, other: &Self) -> impl Iterator<Item = usize> {
        let chunks = self.chunks.differing(&other.chunks).into_iter();
        chunks.flat_map(|chunk| chunk * WIDTH..(chunk + 1) * WIDTH)
    }

    pub(super) fn set(&mut self, entry: usize, value: T) {
        let (chunk, place) = self.chunks.chunk_mut(entry);
        if chunk.len() <= place {
            chunk.reserve_exact(WIDTH - chunk.len());
            chunk.resize(place + 1, T::default());
        }
        chunk[place] = value;
    }
}

/// Slices longer than this stand by themselves, so that their neighbours' changes do not copy them.
const LONG: usize = if cfg!(test) { 3 } else { 1024 };

/// Slices of any length, packed chunk by chunk: an entry costs four bytes beside what it holds.
#[derive(Clone, Debug)]
pub(super) struct Slabs<T> {
    chunks: Spine<Slab<T>>,
}

#[derive(Clone, Debug)]
struct Slab<T> {
    items: Box<[T]>,
    long: Vec<(usize, Arc<[T]>)>,
    /// Where each slice ends; it begins where the one before ends.
    ends: [u32; WIDTH],
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            items: Box::default(),
            long: Vec::new(),
            ends: [0; WIDTH],
        }
    }
}

impl<T> Slab<T> {
    #[inline]
    fn get(&self, place: usize) -> &[T] {
        let range = self.range(place);
        // A long slice has nothing among the packed ones.
        if range.is_empty() && !self.long.is_empty() {
            let own = self.long.iter().find(|(own, _)| *own == place);
            return own.map_or(&[], |(_, items)| items);
        }
        &self.items[range]
    }

    fn range(&self, place: usize) -> std::ops::Range<usize> {
        let start = match place.checked_sub(1) {
            Some(before) => self.ends[before] as usize,
            None => 0,
        };
        start..self.ends[place] as usize
    }
}

impl<T> Default for Slabs<T> {
    fn default() -> Self {
        Self {
            chunks: Spine::default(),
        }
    }
}

impl<T: Copy> Slabs<T> {
    /// Empty for what was never set.
    #[inline]
    pub(super) fn get(&self, entry: usize) -> &[T] {
        match self.chunks.chunk(entry) {
            Some((slab, place)) => slab.get(place),
            None => &[],
        }
    }

    pub(super) fn set(&mut self, entry: usize, items: &[T]) {
        self.chunks.replace(entry, |old, place| {
            let mut long = old.long.clone();
            long.retain(|(own, _)| *own != place);
            let items = if items.len() > LONG {
                long.push((place, items.into()));
                &[]
            } else {
                items
            };
            let range = old.range(place);
            let mut ends = old.ends;
            for end in &mut ends[place..] {
                *end = *end - range.len() as u32 + items.len() as u32;
            }
            let parts = [&old.items[..range.start], items, &old.items[range.end..]];
            Slab {
                items: parts.concat().into(),
                long,
                ends,
            }
        });
    }

    /// Lets `change` see all slices that this state alone has, many of them at a time.
    pub(super) fn each_mut(&mut self, mut change: impl FnMut(&mut [T])) {
        self.chunks.each_mut(|slab| {
            change(&mut slab.items);
            for (_, items) in &mut slab.long {
                if let Some(items) = Arc::get_mut(items) {
                    change(items);
                }
            }
        });
    }
}

/// [`Slabs`] on the way: entry after entry, in room that is used again for each chunk.
#[derive(Debug)]
pub(super) struct Filling<T> {
    chunks: Vec<Arc<Slab<T>>>,
    items: Vec<T>,
    long: Vec<(usize, Arc<[T]>)>,
    ends: Vec<u32>,
}

impl<T> Default for Filling<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            items: Vec::new(),
            long: Vec::new(),
            ends: Vec::with_capacity(WIDTH),
        }
    }
}

impl<T: Copy> Filling<T> {
    pub(super) fn push(&mut self, items: &[T]) {
        if items.len() > LONG {
            self.long.push((self.ends.len(), items.into()));
        } else {
            self.items.extend_from_slice(items);
        }
        self.ends.push(self.items.len() as u32);
        if self.ends.len() == WIDTH {
            self.close();
        }
    }

    fn close(&mut self) {
        // Copies are of the right size: to shrink may leave up to half of a block unused, because the allocator keeps it.
        let mut ends = [self.items.len() as u32; WIDTH];
        ends[..self.ends.len()].copy_from_slice(&self.ends);
        self.chunks.push(Arc::new(Slab {
            items: self.items.as_slice().into(),
            long: std::mem::take(&mut self.long),
            ends,
        }));
        self.ends.clear();
        self.items.clear();
    }

    pub(super) fn done(mut self) -> Slabs<T> {
        if !self.ends.is_empty() {
            self.close();
        }
        Slabs {
            chunks: Spine::from_chunks(self.chunks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn slabs_behave_as_a_vector_of_vectors(
            changes in prop::collection::vec((0_usize..9_000, prop::collection::vec(any::<u16>(), 0..5)), 1..200)
        ) {
            let mut slabs = Slabs::default();
            let mut model: std::collections::HashMap<usize, Vec<u16>> = Default::default();
            let mut states = Vec::new();
            for (entry, items) in changes {
                slabs.set(entry, &items);
                model.insert(entry, items);
                states.push((slabs.clone(), model.clone()));
            }
            for (slabs, model) in states.iter().rev().step_by(7) {
                for entry in (0..9_100).step_by(3).chain(model.keys().copied()) {
                    let expected = model.get(&entry).map_or(&[][..], Vec::as_slice);
                    prop_assert_eq!(slabs.get(entry), expected);
                }
            }
        }
    }

    #[test]
    fn filled_and_set_entries_read_alike() {
        let mut filling = Filling::default();
        for entry in 0..500_usize {
            filling.push(&vec![entry as u32; entry % 5]);
        }
        let mut slabs = filling.done();
        slabs.each_mut(|items| items.iter_mut().for_each(|item| *item += 1));
        slabs.set(3, &[7, 8]);
        slabs.set(700, &[9]);
        for entry in 0..500 {
            let expected = match entry {
                3 => vec![7, 8],
                _ => vec![entry as u32 + 1; entry % 5],
            };
            assert_eq!(slabs.get(entry), expected, "{entry}");
        }
        assert_eq!(slabs.get(700), [9]);
        assert_eq!(slabs.get(701), [0_u32; 0]);
    }

    #[test]
    fn a_state_keeps_its_values() {
        let mut first = CowVec::default();
        first.set(5_000, 1);
        let mut second = first.clone();
        second.set(5_000, 2);
        second.set(3, 3);
        assert_eq!((first.get(5_000), first.get(3)), (Some(&1), None));
        assert_eq!((second.get(5_000), second.get(3)), (Some(&2), Some(&3)));
    }
}
