//! Texts to words: the same for what is indexed, what is asked for and what is highlighted.
//!
//! Words are folded (case, diacritics, full width), parted where `camelCase`, `snake_case` and `kebab-case` part, and what was written together is there together as well: `payments-api` is `payments`, `api` and `paymentsapi`.
//! Chinese, Japanese and Korean are taken in pairs of characters, because nothing there parts words.

use std::borrow::Cow;
use std::ops::Range;

/// Characters of a word that count; what is longer is no word that anybody writes.
const LONGEST: usize = 64;
/// In so short a text neighbours are there together as well, whatever parts them: `Way Back` is `wayback`.
const SHORT: usize = 6;
/// Bytes of one text that are looked at.
pub(super) const MOST: usize = 64 * 1024;

/// One word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'t> {
    /// Folded.
    pub(super) text: Cow<'t, str>,
    /// Where it stands, in bytes.
    pub(super) at: Range<usize>,
    /// Which word it is; what was joined has the position of its first part.
    pub(super) position: usize,
    /// Whether it was put together of several.
    pub(super) joined: bool,
}

/// All words, in the order of their positions.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    words_joined(text, |_| true)
}

/// All words; joined ones only where `may_begin` says so of their first parts.
pub(super) fn words_joined(text: &str, may_begin: impl Fn(&str) -> bool) -> Vec<Word<'_>> {
    let text = start(text, MOST);
    let mut splitter = Splitter {
        text,
        words: Vec::new(),
        compound: 0,
    };
    splitter.split();
    let parts = splitter.words;
    let together = parts.len() <= SHORT;
    let mut joined = Vec::new();
    for (first, (word, _)) in parts.iter().enumerate() {
        if may_begin(&word.text) {
            join(&parts, first, together, &mut joined);
        }
    }
    let mut all: Vec<Word<'_>> = parts.into_iter().map(|(word, _)| word).collect();
    if !joined.is_empty() {
        all.extend(joined);
        all.sort_by_key(|word| word.position);
    }
    all.dedup();
    all
}

/// Not joined: what somebody asks for.
pub(super) fn plain_words(text: &str) -> Vec<Word<'_>> {
    words_joined(text, |_| false)
}

/// All words together, for comparing whole names.
pub(super) fn together(text: &str) -> String {
    let mut all = String::new();
    for word in plain_words(text) {
        if all.len() > 2 * LONGEST {
            break;
        }
        all.push_str(&word.text);
    }
    all
}

/// The words from `first` on, put together as far as they belong together.
fn join<'t>(parts: &[(Word<'t>, usize)], first: usize, together: bool, joined: &mut Vec<Word<'t>>) {
    let Some((start, compound)) = parts.get(first) else {
        return;
    };
    if start.text.chars().any(is_cjk) {
        return;
    }
    let mut text = String::new();
    let begins = first == 0 || parts.get(first - 1).is_none_or(|(_, own)| own != compound);
    for (count, (next, own)) in parts.iter().enumerate().skip(first + 1) {
        let same = own == compound;
        if !(same || together) || next.text.chars().any(is_cjk) {
            return;
        }
        if text.is_empty() {
            text.push_str(&start.text);
        }
        text.push_str(&next.text);
        if text.len() > LONGEST {
            return;
        }
        let n_parts = count - first + 1;
        let ends = parts.get(count + 1).is_none_or(|(_, own)| own != compound);
        if n_parts <= 3 || (begins && ends) {
            joined.push(Word {
                text: Cow::Owned(text.clone()),
                at: start.at.start..next.at.end,
                position: start.position,
                joined: true,
            });
        }
    }
}

/// `text` up to so many bytes.
pub(super) fn start(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

struct Splitter<'t> {
    text: &'t str,
    /// With the number of the compound that each is of.
    words: Vec<(Word<'t>, usize)>,
    compound: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    Other,
}

impl<'t> Splitter<'t> {
    fn split(&mut self) {
        let mut chars = self.text.char_indices().peekable();
        let mut part: Option<usize> = None;
        let mut before = Class::Other;
        while let Some((at, char)) = chars.next() {
            if is_cjk(char) {
                self.word(part.take(), at);
                self.compound += 1;
                let mut ends = at + char.len_utf8();
                while let Some((next, char)) = chars.next_if(|(_, char)| is_cjk(*char)) {
                    ends = next + char.len_utf8();
                }
                self.pairs(at..ends);
                self.compound += 1;
                continue;
            }
            if !is_word(char) {
                self.word(part.take(), at);
                let next = chars.peek().map(|(_, next)| *next);
                if !(is_glue(char) && next.is_some_and(|next| is_word(next) && !is_cjk(next))) {
                    self.compound += 1;
                }
                continue;
            }
            let class = class_of(char);
            if let Some(start) = part {
                let parts = match (before, class) {
                    (Class::Lower, Class::Upper) => true,
                    (Class::Upper, Class::Upper) => {
                        let rest = self.text.get(at + char.len_utf8()..).unwrap_or_default();
                        is_capitalised(rest)
                    }
                    _ => false,
                };
                if parts && at > start {
                    self.word(part.take(), at);
                }
            }
            part = part.or(Some(at));
            before = class;
        }
        self.word(part, self.text.len());
    }

    fn word(&mut self, begins: Option<usize>, ends: usize) {
        let Some(begins) = begins else {
            return;
        };
        let written = self.text.get(begins..ends).unwrap_or_default();
        let text = upto(fold(start(written, 4 * LONGEST)), LONGEST);
        if !text.is_empty() {
            self.push(text, begins..ends);
        }
    }

    /// Two characters each; one, if there is but one.
    fn pairs(&mut self, at: Range<usize>) {
        let run = self.text.get(at.clone()).unwrap_or_default();
        let chars: Vec<(usize, char)> = run.char_indices().collect();
        if let [_] = chars.as_slice() {
            self.push(fold(run), at);
            return;
        }
        for pair in chars.windows(2) {
            if let [(from, _), (to, last)] = pair {
                let ends = to + last.len_utf8();
                let text = run.get(*from..ends).unwrap_or_default();
                self.push(fold(text), at.start + from..at.start + ends);
            }
        }
    }

    fn push(&mut self, text: Cow<'t, str>, at: Range<usize>) {
        let word = Word {
            text,
            at,
            position: self.words.len(),
            joined: false,
        };
        self.words.push((word, self.compound));
    }
}

/// `text` up to so many characters.
fn upto(text: Cow<'_, str>, chars: usize) -> Cow<'_, str> {
    let end = match text.len() <= chars {
        true => None,
        false => text.char_indices().nth(chars),
    };
    match (end, text) {
        (None, text) => text,
        (Some((end, _)), Cow::Borrowed(text)) => Cow::Borrowed(start(text, end)),
        (Some((end, _)), Cow::Owned(mut text)) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

fn class_of(char: char) -> Class {
    if char.is_uppercase() {
        Class::Upper
    } else if char.is_lowercase() {
        Class::Lower
    } else {
        Class::Other
    }
}

/// Whether a capital before this begins a word of its own: `Server` in `HTTPServer`, but not the `s` of `APIs`.
fn is_capitalised(rest: &str) -> bool {
    let mut chars = rest.chars();
    let first = chars.next().is_some_and(char::is_lowercase);
    let second = chars.next().is_some_and(char::is_lowercase);
    first && second
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || is_mark(char)
}

/// Does not part what it stands between.
fn is_glue(char: char) -> bool {
    matches!(
        char,
        '-' | '_' | '.' | '/' | ':' | '@' | '\'' | '\u{2019}' | '\u{2010}' | '\u{2011}'
    )
}

pub(super) fn is_cjk(char: char) -> bool {
    matches!(char,
        '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// Stands on the character before it.
fn is_mark(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{1ab0}'..='\u{1aff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Lower case without diacritics.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        return Cow::Borrowed(text);
    }
    if text.is_ascii() {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    let mut folded = String::with_capacity(text.len());
    for char in text.chars().flat_map(char::to_lowercase) {
        if is_mark(char) {
            continue;
        }
        match char {
            '\u{ff01}'..='\u{ff5e}' => {
                let plain = char::from_u32(u32::from(char) - 0xfee0).unwrap_or(char);
                folded.extend(plain.to_lowercase());
            }
            _ => match plain(char) {
                Some(plain) => folded.push_str(plain),
                None => folded.push(char),
            },
        }
    }
    Cow::Owned(folded)
}

/// What a lower-case letter is without its diacritics.
fn plain(char: char) -> Option<&'static str> {
    Some(match char {
        'à'..='å'
        | 'ā'
        | 'ă'
        | 'ą'
        | 'ǎ'
        | 'ạ'
        | 'ả'
        | 'ấ'
        | 'ầ'
        | 'ẩ'
        | 'ẫ'
        | 'ậ'
        | 'ắ'
        | 'ằ'
        | 'ẳ'
        | 'ẵ'
        | 'ặ' => "a",
        'æ' | 'ǽ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ' | 'ẻ' | 'ẽ' | 'ế' | 'ề' | 'ể' | 'ễ' | 'ệ' => {
            "e"
        }
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ' | 'ị' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö'
        | 'ø'
        | 'ō'
        | 'ŏ'
        | 'ő'
        | 'ơ'
        | 'ọ'
        | 'ỏ'
        | 'ố'
        | 'ồ'
        | 'ổ'
        | 'ỗ'
        | 'ộ'
        | 'ớ'
        | 'ờ'
        | 'ở'
        | 'ỡ'
        | 'ợ' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'ù'..='ü'
        | 'ũ'
        | 'ū'
        | 'ŭ'
        | 'ů'
        | 'ű'
        | 'ų'
        | 'ư'
        | 'ụ'
        | 'ủ'
        | 'ứ'
        | 'ừ'
        | 'ử'
        | 'ữ'
        | 'ự' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | 'ỳ' | 'ỷ' | 'ỹ' | 'ỵ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'þ' => "th",
        'ά' => "α",
        'έ' => "ε",
        'ή' => "η",
        'ί' | 'ϊ' | 'ΐ' => "ι",
        'ό' => "ο",
        'ύ' | 'ϋ' | 'ΰ' => "υ",
        'ώ' => "ω",
        'ς' => "σ",
        'ё' => "е",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found: Vec<String> = words(text)
            .into_iter()
            .map(|word| match word.joined {
                true => format!("+{}", word.text),
                false => word.text.into_owned(),
            })
            .collect();
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn texts_are_parted_and_put_together() {
        check("payments-api", "payments +paymentsapi api");
        check("PaymentsApi", "payments +paymentsapi api");
        check("HTTPServer", "http +httpserver server");
        check("APIs", "apis");
        check("a b", "a +ab b");
        check("Crème brûlée", "creme +cremebrulee brulee");
        check("Straße", "strasse");
        check(
            "one two three four five six seven",
            "one two three four five six seven",
        );
        check(
            "Größe der get_key heute abend in Köln",
            "grosse der get +getkey key heute abend in koln",
        );
        check("支払い", "支払 払い");
        check("ＡＢＣ", "abc");
        check("\u{202e}\u{0}👩‍🚀 ", "");
        check("שלום", "שלום");
    }

    #[test]
    fn a_word_says_where_it_stands() {
        let text = "Émile: PaymentsApi";
        let found = words(text);
        let places = found
            .iter()
            .map(|word| text.get(word.at.clone()).unwrap_or("?"));
        let places: Vec<_> = places.collect();
        assert!(
            places.contains(&"Émile") && places.contains(&"PaymentsApi") && places.contains(&"Api")
        );
    }

    #[test]
    fn whole_names_compare_however_they_are_written() {
        for name in [
            "payments-api",
            "payments api",
            "PaymentsAPI",
            "payments_api",
        ] {
            assert_eq!(together(name), "paymentsapi");
        }
    }
}
