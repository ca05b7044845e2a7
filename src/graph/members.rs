//! The entities that have a value: few of them as a sorted array, many as a bitmap.

use roaring::RoaringBitmap;
use smallvec::SmallVec;

/// Beyond this many a bitmap is smaller and faster.
const FEW: usize = 16;

/// A set of entities.
#[derive(Clone, Debug)]
pub(super) enum Members {
    Few(SmallVec<[u32; 4]>),
    Many(RoaringBitmap),
}

impl Members {
    /// From entities in ascending order.
    pub(super) fn from_sorted(members: &[u32]) -> Self {
        if members.len() <= FEW {
            return Self::Few(SmallVec::from_slice(members));
        }
        Self::Many(members.iter().copied().collect())
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Few(few) => few.len() as u64,
            Self::Many(many) => many.len(),
        }
    }

    pub(super) fn min(&self) -> Option<u32> {
        match self {
            Self::Few(few) => few.first().copied(),
            Self::Many(many) => many.min(),
        }
    }

    pub(super) fn insert(&mut self, ix: u32) {
        match self {
            Self::Many(many) => {
                many.insert(ix);
            }
            Self::Few(few) => {
                if let Err(at) = few.binary_search(&ix) {
                    few.insert(at, ix);
                }
                if few.len() > FEW {
                    *self = Self::Many(few.iter().copied().collect());
                }
            }
        }
    }

    pub(super) fn remove(&mut self, ix: u32) {
        match self {
            Self::Many(many) => {
                many.remove(ix);
            }
            Self::Few(few) => {
                if let Ok(at) = few.binary_search(&ix) {
                    few.remove(at);
                }
            }
        }
    }

    /// How many of them are in `set`.
    pub(super) fn count_in(&self, set: &RoaringBitmap) -> u64 {
        match self {
            Self::Few(few) => few.iter().filter(|ix| set.contains(**ix)).count() as u64,
            Self::Many(many) => many.intersection_len(set),
        }
    }

    /// Those that are in `set`.
    pub(super) fn within(&self, set: &RoaringBitmap) -> RoaringBitmap {
        match self {
            Self::Few(few) => few.iter().copied().filter(|ix| set.contains(*ix)).collect(),
            Self::Many(many) => many & set,
        }
    }
}
