//! Looking for a part of a text in a column in which nearly every value is a different one.
//!
//! The folded texts of neighbouring rows lie behind each other, so one search goes over all of them.
//! They are made when first asked for, and kept as long as none of these rows changes: states share them as they share rows.

use std::borrow::Cow;
use std::sync::OnceLock;

use roaring::RoaringBitmap;

use super::spine::{Spine, WIDTH};
use super::value::fold;

/// The texts of one column.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    chunks: Spine<OnceLock<Folded>>,
}

/// The texts of the rows in one chunk.
#[derive(Clone, Debug)]
struct Folded {
    text: Box<str>,
    /// Where the text of each row ends, and which row it is.
    rows: Box<[(u32, u32)]>,
}

impl Scan {
    /// Places for rows up to `last`.
    pub(super) fn prepare(&mut self, last: u32) {
        (0..=last)
            .step_by(WIDTH)
            .for_each(|first| self.forget(first));
    }

    /// To be called when the text of a row changes, before anyone looks for something again.
    pub(super) fn forget(&mut self, ix: u32) {
        self.chunks.replace(ix as usize, |_, _| OnceLock::new());
    }

    /// The rows among `present` whose text has `part` in it, ignoring case.
    pub(super) fn select<'a>(
        &self,
        part: &str,
        present: &RoaringBitmap,
        text: impl Fn(u32) -> Cow<'a, str>,
    ) -> RoaringBitmap {
        let needle = fold(part);
        let Some(last) = present.max().filter(|_| !needle.is_empty()) else {
            return present.clone();
        };
        let finder = memchr::memmem::Finder::new(needle.as_bytes());
        let mut found = Vec::new();
        for first in (0..=last).step_by(WIDTH) {
            let make = || Folded::new(present.range(first..=first | (WIDTH as u32 - 1)), &text);
            match self.chunks.chunk(first as usize) {
                Some((chunk, _)) => chunk.get_or_init(make).search(&finder, &mut found),
                None => make().search(&finder, &mut found),
            }
        }
        RoaringBitmap::from_sorted_iter(found).unwrap_or_default()
    }
}

impl Folded {
    fn new<'a>(rows: impl Iterator<Item = u32>, text: impl Fn(u32) -> Cow<'a, str>) -> Self {
        let mut all = String::new();
        let mut ends = Vec::new();
        for ix in rows {
            all.push_str(&fold(&text(ix)));
            ends.push((all.len() as u32, ix));
        }
        Self {
            text: all.into(),
            rows: ends.into(),
        }
    }

    fn search(&self, finder: &memchr::memmem::Finder<'_>, found: &mut Vec<u32>) {
        let text = self.text.as_bytes();
        let length = finder.needle().len();
        let mut at = 0;
        while let Some(next) = text.get(at..).and_then(|rest| finder.find(rest)) {
            let start = at + next;
            let place = self.rows.partition_point(|row| row.0 as usize <= start);
            let Some((end, ix)) = self.rows.get(place).copied() else {
                return;
            };
            let end = end as usize;
            // It may begin in one text and end in the next.
            if start + length <= end {
                found.push(ix);
                at = end;
            } else {
                at = start + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_look_at_each_text_finds(
            mut texts in prop::collection::vec("[abAÄ]{0,4}", 1..200),
            changes in prop::collection::vec((0_usize..200, "[abAÄ]{0,4}"), 0..5),
            part in "[abAä]{0,3}",
        ) {
            let mut scan = Scan::default();
            scan.prepare(texts.len() as u32 / 2);
            let check = |scan: &Scan, texts: &[String]| {
                let present = (0..texts.len() as u32).filter(|ix| !texts[*ix as usize].is_empty()).collect();
                let found = scan.select(&part, &present, |ix| Cow::Borrowed(&texts[ix as usize]));
                let expected: RoaringBitmap =
                    present.iter().filter(|ix| fold(&texts[*ix as usize]).contains(&fold(&part))).collect();
                assert_eq!(found, expected);
            };
            check(&scan, &texts);
            let before = (scan.clone(), texts.clone());
            for (at, text) in changes {
                let at = at % texts.len();
                texts[at] = text;
                scan.forget(at as u32);
                check(&scan, &texts);
            }
            check(&before.0, &before.1);
        }
    }
}
