//! Sorting the values of a whole catalog: by the first 15 bytes of the folded text, then by the next 15 where those are equal.
//!
//! A comparison of whole texts would fetch two of them from memory each time; this fetches each text once per round, and most take one round.
//! Where many have the same value, they are put together by its hash first, and only one of each is sorted.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::value::{Sort, compare_folded, fold};

/// Bytes of text in a sort key; the last byte of the key says how many of them the text had.
const PART: usize = 15;
/// Rounds before whole texts are compared after all.
const ROUNDS: usize = 8;

/// So many are looked at to see whether values come more than once.
const PROBE: usize = if cfg!(test) { 8 } else { 2_048 };

/// Calls `group` for each value in order, with the entities (ascending) that have it; `items` are in ascending order.
pub(super) fn sorted_groups<'a>(
    sort: Sort,
    items: impl Iterator<Item = (u32, &'a str)>,
    stored: impl Fn(u32) -> &'a str,
    mut group: impl FnMut(&[u32]),
) {
    let mut same = Same::default();
    let mut items = items.peekable();
    while let Some((ix, text)) = items.next() {
        same.add(ix, text, &stored);
        if same.members.len() == PROBE && same.firsts.len() * 2 > PROBE {
            // Nearly every one has its own.
            let seen = same.members.iter().map(|(ix, _)| (*ix, stored(*ix)));
            return sort_all(sort, seen.chain(items), &stored, group);
        }
    }
    let by_number = same.by_number();
    let firsts = same.firsts.iter().map(|first| (*first, stored(*first)));
    let mut members = Vec::new();
    sort_all(sort, firsts, &stored, |firsts| {
        members.clear();
        for first in firsts {
            // They were numbered as they came, and they came in ascending order.
            let number = same.firsts.partition_point(|other| other < first);
            members.extend_from_slice(by_number.of(number));
        }
        if firsts.len() > 1 {
            members.sort_unstable();
        }
        group(&members);
    });
}

/// Entities by what they have written, letter by letter.
#[derive(Default)]
struct Same {
    hasher: DefaultHashBuilder,
    /// The numbers of different texts.
    table: HashTable<u32>,
    /// By number: who had it first.
    firsts: Vec<u32>,
    hashes: Vec<u64>,
    /// Each with the number of its text.
    members: Vec<(u32, u32)>,
}

/// Members one number after the other.
struct ByNumber {
    ends: Vec<u32>,
    members: Vec<u32>,
}

impl Same {
    fn add<'a>(&mut self, ix: u32, text: &str, stored: &impl Fn(u32) -> &'a str) {
        let Self {
            table,
            firsts,
            hashes,
            ..
        } = self;
        let hash = self.hasher.hash_one(text);
        let known = table.find(hash, |number| {
            let number = *number as usize;
            hashes[number] == hash && stored(firsts[number]) == text
        });
        let number = known.copied().unwrap_or_else(|| {
            let number = firsts.len() as u32;
            firsts.push(ix);
            hashes.push(hash);
            table.insert_unique(hash, number, |number| hashes[*number as usize]);
            number
        });
        self.members.push((ix, number));
    }

    fn by_number(&self) -> ByNumber {
        let mut ends = vec![0_u32; self.firsts.len() + 1];
        for (_, number) in &self.members {
            ends[*number as usize + 1] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        // Each counts up from where its members begin to where they end.
        let mut members = vec![0; self.members.len()];
        for (ix, number) in &self.members {
            let at = &mut ends[*number as usize];
            members[*at as usize] = *ix;
            *at += 1;
        }
        ByNumber { ends, members }
    }
}

impl ByNumber {
    fn of(&self, number: usize) -> &[u32] {
        let end = |number: usize| self.ends.get(number).map_or(0, |end| *end as usize);
        let start = number.checked_sub(1).map_or(0, end);
        self.members.get(start..end(number)).unwrap_or_default()
    }
}

fn sort_all<'a>(
    sort: Sort,
    items: impl Iterator<Item = (u32, &'a str)>,
    stored: &impl Fn(u32) -> &'a str,
    mut group: impl FnMut(&[u32]),
) {
    let round = |text: &str, round: usize| {
        if sort.is_text() {
            part(&sort.text(text), round)
        } else {
            (sort.ordinal(text) as u128) ^ (1 << 127)
        }
    };
    let mut keyed: Vec<(u128, u32)> = items.map(|(ix, text)| (round(text, 0), ix)).collect();
    let mut sorter = Sorter {
        sort,
        stored,
        members: Vec::new(),
    };
    sorter.run(&mut keyed, 0, &round, &mut group);
}

/// The sort key of one round.
pub(super) fn part(text: &str, round: usize) -> u128 {
    let folded;
    let bytes = if text.is_ascii() {
        text.as_bytes()
    } else {
        folded = fold(text);
        folded.as_bytes()
    };
    let rest = bytes.get(round * PART..).unwrap_or_default();
    let mut key = [0; PART + 1];
    let taken = rest.len().min(PART);
    key[..taken].copy_from_slice(&rest[..taken]);
    key.make_ascii_lowercase();
    key[PART] = rest.len().min(PART + 1) as u8;
    u128::from_be_bytes(key)
}

struct Sorter<'s, F> {
    sort: Sort,
    stored: &'s F,
    members: Vec<u32>,
}

impl<'a, F: Fn(u32) -> &'a str> Sorter<'_, F> {
    fn run(
        &mut self,
        items: &mut [(u128, u32)],
        round: usize,
        key: &impl Fn(&str, usize) -> u128,
        group: &mut impl FnMut(&[u32]),
    ) {
        items.sort_unstable();
        let mut rest = items;
        while let Some(first) = rest.first().copied() {
            let n = rest.partition_point(|item| item.0 == first.0);
            let (run, behind) = rest.split_at_mut(n);
            rest = behind;
            let whole = !self.sort.is_text() || first.0 as u8 <= PART as u8;
            if whole || n == 1 {
                self.emit(run, group);
            } else if round == ROUNDS {
                self.compare_whole(run, group);
            } else {
                for item in &mut *run {
                    item.0 = key((self.stored)(item.1), round + 1);
                }
                self.run(run, round + 1, key, group);
            }
        }
    }

    fn emit(&mut self, run: &[(u128, u32)], group: &mut impl FnMut(&[u32])) {
        self.members.clear();
        self.members.extend(run.iter().map(|item| item.1));
        group(&self.members);
    }

    fn compare_whole(&mut self, run: &mut [(u128, u32)], group: &mut impl FnMut(&[u32])) {
        let (sort, stored) = (self.sort, self.stored);
        let order = |left: u32, right: u32| {
            compare_folded(&sort.text(stored(left)), &sort.text(stored(right)))
        };
        run.sort_unstable_by(|left, right| order(left.1, right.1).then(left.1.cmp(&right.1)));
        for run in run.chunk_by(|left, right| order(left.1, right.1).is_eq()) {
            self.emit(run, group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn groups_come_in_the_order_of_the_folded_texts(
            texts in prop::collection::vec("(Prefix-of-some-length-){0,9}[aAbÄä]{0,3}", 0..80)
        ) {
            let mut expected: Vec<(String, Vec<u32>)> = Vec::new();
            for (ix, text) in texts.iter().enumerate() {
                let folded = fold(text);
                match expected.iter_mut().find(|(known, _)| *known == folded) {
                    Some((_, members)) => members.push(ix as u32),
                    None => expected.push((folded, vec![ix as u32])),
                }
            }
            expected.sort();
            let mut found = Vec::new();
            let items = texts.iter().enumerate().map(|(ix, text)| (ix as u32, text.as_str()));
            sorted_groups(Sort::Raw, items, |ix| &texts[ix as usize], |members| {
                found.push(members.to_vec());
            });
            let expected: Vec<_> = expected.into_iter().map(|(_, members)| members).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
