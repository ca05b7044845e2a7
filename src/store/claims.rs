//! Which document speaks for a ref; pure.
//!
//! All documents that describe one ref claim it.
//! The first seen wins; ties go by the order of the sources, then file, then position in the file.

use std::collections::HashMap;
use std::sync::Arc;

use super::change_set::Document;
use crate::catalog::EntityRef;

/// A claim as the database knows it, or is about to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub id: i64,
    pub source: Arc<str>,
    /// Position of the source in the configuration.
    pub order: i32,
    pub file: Arc<str>,
    pub document: i32,
    pub line: i32,
    pub entity_ref: EntityRef,
    pub hash: String,
    pub first_seen: i64,
    pub winner: bool,
}

impl Claim {
    /// Smallest wins.
    fn rank(&self) -> (i64, i32, &str, i32, i64) {
        (
            self.first_seen,
            self.order,
            &self.file,
            self.document,
            self.id,
        )
    }
}

/// Puts the winner first and the others in the order in which they would be promoted.
pub(super) fn rank(claims: &mut [Claim]) {
    claims.sort_by(|left, right| left.rank().cmp(&right.rank()));
}

/// How the documents of a file compare with those that it held before; positions in either list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Held before and held now, as `(old, new)`.
    pub pairs: Vec<(usize, usize)>,
    pub gone: Vec<usize>,
    pub new: Vec<usize>,
    /// What is gone and what is new may be one entity under another name; both stand in their lists as well.
    pub rename: Option<(usize, usize)>,
}

/// Compares; `failed` documents keep what was good before.
pub(super) fn compare(
    old: &[Claim],
    new: &[Document],
    failed: &[(u32, Option<EntityRef>)],
) -> Comparison {
    let mut by_ref: HashMap<&EntityRef, Vec<usize>> = HashMap::with_capacity(old.len());
    for (position, claim) in old.iter().enumerate().rev() {
        by_ref.entry(&claim.entity_ref).or_default().push(position);
    }
    let mut comparison = Comparison::default();
    for (position, document) in new.iter().enumerate() {
        match by_ref.get_mut(&document.entity_ref).and_then(Vec::pop) {
            Some(before) => comparison.pairs.push((before, position)),
            None => comparison.new.push(position),
        }
    }
    let mut gone: Vec<usize> = by_ref.into_values().flatten().collect();
    gone.sort_unstable();
    comparison.gone = without_failed(gone, old, failed);
    if let ([gone], [added], []) = (&comparison.gone[..], &comparison.new[..], failed) {
        let (before, after) = (&old[*gone], &new[*added]);
        if i64::from(before.document) == i64::from(after.document)
            && before.entity_ref.kind() == after.entity_ref.kind()
        {
            comparison.rename = Some((*gone, *added));
        }
    }
    comparison
}

/// What is gone and not merely broken.
fn without_failed(
    mut gone: Vec<usize>,
    old: &[Claim],
    failed: &[(u32, Option<EntityRef>)],
) -> Vec<usize> {
    for (document, entity_ref) in failed {
        let Some(entity_ref) = entity_ref else {
            // It could be any of them.
            return Vec::new();
        };
        let kept = gone
            .iter()
            .position(|&position| old[position].entity_ref == *entity_ref)
            // A name that became bad is told by its place.
            .or_else(|| {
                gone.iter()
                    .position(|&position| i64::from(old[position].document) == i64::from(*document))
            });
        if let Some(kept) = kept {
            gone.remove(kept);
        }
    }
    gone
}
