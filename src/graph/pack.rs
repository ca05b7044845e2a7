//! LZ4 blocks against a dictionary that is hashed once.
//!
//! The library hashes the dictionary anew for every block, which costs more than to compress a descriptor does; its decoder reads these blocks as its own.

/// Bits of a hash.
const BITS: u32 = 12;
/// A match has this length at least.
const MATCH: usize = 4;
/// The format's end of a block: no match begins in its last bytes, and the very last are literals.
const NO_MATCH: usize = 12;
const LITERALS: usize = 5;

/// Compresses texts against one dictionary.
#[derive(Debug)]
pub(super) struct Packer {
    n_dictionary: usize,
    /// By hash of four bytes: where they stand in the dictionary, plus one.
    known: Box<[u16]>,
    /// The same for the text at hand, under its number: what is under another one is of an earlier text, and need not be cleared away.
    seen: Box<[(u16, u16)]>,
    number: u16,
    /// The dictionary, and the text behind it.
    window: Vec<u8>,
}

impl Packer {
    pub(super) fn new(dictionary: &[u8]) -> Self {
        let mut known = vec![0; 1 << BITS].into_boxed_slice();
        for at in 0..dictionary.len().saturating_sub(MATCH) {
            known[hash(word(dictionary, at))] = (at + 1) as u16;
        }
        Self {
            n_dictionary: dictionary.len(),
            seen: vec![(0, 0); 1 << BITS].into_boxed_slice(),
            number: 0,
            known,
            window: dictionary.to_vec(),
        }
    }

    /// Appends the block of `text`.
    pub(super) fn pack(&mut self, text: &[u8], block: &mut Vec<u8>) {
        self.window.truncate(self.n_dictionary);
        self.window.extend_from_slice(text);
        // Places are sixteen bits.
        if self.window.len() >= usize::from(u16::MAX) {
            let dictionary = &self.window[..self.n_dictionary];
            let packed = lz4_flex::block::compress_with_dict(text, dictionary);
            block.extend_from_slice(&packed);
            return;
        }
        self.number = self.number.wrapping_add(1);
        if self.number == 0 {
            self.seen.fill((0, 0));
            self.number = 1;
        }
        let number = self.number;
        let window = self.window.as_slice();
        let (mut at, mut done) = (self.n_dictionary, self.n_dictionary);
        while at + NO_MATCH < window.len() {
            let here = word(window, at);
            let place = hash(here);
            let before = match std::mem::replace(&mut self.seen[place], (number, (at + 1) as u16)) {
                (own, before) if own == number => before,
                _ => self.known[place],
            };
            let Some(mut from) = usize::from(before)
                .checked_sub(1)
                .filter(|from| word(window, *from) == here)
            else {
                // The longer nothing was found, the less is tried.
                at += 1 + ((at - done) >> 6);
                continue;
            };
            let mut length = MATCH + common(window, from + MATCH, at + MATCH);
            while at > done && from > 0 && window[at - 1] == window[from - 1] {
                (at, from, length) = (at - 1, from - 1, length + 1);
            }
            sequence(block, &window[done..at], Some((at - from, length)));
            at += length;
            done = at;
            let last = at - 2;
            self.seen[hash(word(window, last))] = (number, (last + 1) as u16);
        }
        sequence(block, &window[done..], None);
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn hash(word: u32) -> usize {
    (word.wrapping_mul(2_654_435_761) >> (32 - BITS)) as usize
}

/// How many bytes are the same from `left` and from `right` on, short of the literals at the end; `right` is the later one.
fn common(window: &[u8], left: usize, right: usize) -> usize {
    let most = (window.len() - LITERALS).saturating_sub(right);
    let eight = |at: usize| {
        let bytes = window.get(at..).and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let mut length = 0;
    while length + 8 <= most {
        let difference = eight(left + length) ^ eight(right + length);
        if difference != 0 {
            return length + difference.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    while length < most && window[left + length] == window[right + length] {
        length += 1;
    }
    length
}

/// Literals, and the match behind them: how far back, and how long.
fn sequence(block: &mut Vec<u8>, literals: &[u8], found: Option<(usize, usize)>) {
    let more = found.map_or(0, |(_, length)| length - MATCH);
    let half = |n: usize| n.min(15) as u8;
    block.push((half(literals.len()) << 4) | half(more));
    rest(block, literals.len());
    block.extend_from_slice(literals);
    if let Some((back, _)) = found {
        block.extend_from_slice(&(back as u16).to_le_bytes());
        rest(block, more);
    }
}

/// What of a length does not fit into four bits.
fn rest(block: &mut Vec<u8>, n: usize) {
    let Some(mut left) = n.checked_sub(15) else {
        return;
    };
    while left >= 255 {
        block.push(255);
        left -= 255;
    }
    block.push(left as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(packer: &mut Packer, dictionary: &[u8], text: &[u8]) -> usize {
        let mut block = Vec::new();
        packer.pack(text, &mut block);
        let back = lz4_flex::block::decompress_with_dict(&block, text.len(), dictionary);
        assert_eq!(back.ok().as_deref(), Some(text));
        block.len()
    }

    proptest! {
        #[test]
        fn the_library_unpacks_what_was_packed(
            dictionary in "[a-c]{0,40}(name|owner: group|\"spec\":){0,60}",
            texts in prop::collection::vec("(name|owner: group|\"spec\":|[a-z]{1,9}|x{30,600}){0,60}", 1..5),
            noise in prop::collection::vec(any::<u8>(), 0..3_000),
        ) {
            let mut packer = Packer::new(dictionary.as_bytes());
            for text in &texts {
                check(&mut packer, dictionary.as_bytes(), text.as_bytes());
            }
            check(&mut packer, dictionary.as_bytes(), &noise);
        }
    }

    #[test]
    fn what_is_in_the_dictionary_takes_no_room() {
        let dictionary: Vec<u8> = (0..800_u32)
            .flat_map(|n| (n * 7919).to_le_bytes())
            .collect();
        let mut packer = Packer::new(&dictionary);
        assert!(check(&mut packer, &dictionary, &dictionary[1_000..3_000]) < 100);
        let long: Vec<u8> = (0..40_000_u32).flat_map(u32::to_le_bytes).collect();
        check(&mut packer, &dictionary, &long);
        assert!(check(&mut packer, &dictionary, b"short") < 8);
    }
}
