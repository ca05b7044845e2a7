//! Why something was found: what of its texts the query is about.

use std::collections::HashSet;
use std::ops::Range;

use super::compile::{Compiled, Way};
use super::query::{Atom, Clause, Query};
use super::terms::{JOINED, STEM, Stems};
use super::words::{Word, words_joined};

/// Places that are marked in one text.
const MOST: usize = 100;
/// Characters of a text that are shown, and of those that stand before the first place.
const SHOWN: usize = 300;
const BEFORE: usize = 60;

/// One text with what was found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    /// The text, or the part of it where most was found, escaped, with `<em>` around what was found.
    pub html: String,
    /// Where in the whole text: in UTF-16 code units.
    pub ranges: Vec<Range<usize>>,
}

/// Marks texts.
#[derive(Debug)]
pub struct Highlighter {
    /// Words, stems and joined words.
    terms: HashSet<String>,
    stems: HashSet<String>,
    begins: Vec<String>,
    phrases: Vec<Vec<String>>,
    /// Bytes that words begin with which may be meant; most words of most texts are none.
    firsts: [bool; 256],
    stemmer: StemsBox,
}

/// The stemmer has no text of its own to show.
struct StemsBox(Stems);

impl std::fmt::Debug for StemsBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stems")
    }
}

impl Highlighter {
    pub(super) fn new(compiled: &Compiled, query: &Query) -> Self {
        let mut own = Self {
            terms: HashSet::new(),
            stems: HashSet::new(),
            begins: Vec::new(),
            phrases: Vec::new(),
            firsts: [false; 256],
            stemmer: StemsBox(Stems::default()),
        };
        for condition in &compiled.conditions {
            for way in &condition.ways {
                own.add(way, condition.required);
            }
        }
        for clause in &query.clauses {
            let Clause::Any(atoms) = clause else {
                continue;
            };
            for atom in atoms {
                if let Atom::Phrase(words) = atom
                    && !own.phrases.contains(words)
                {
                    own.phrases.push(words.clone());
                }
            }
        }
        // A stem begins as its words do.
        let meant = own.terms.iter().chain(&own.stems).chain(&own.begins);
        for first in meant.filter_map(|meant| meant.bytes().next()) {
            own.firsts[usize::from(first)] = true;
        }
        own
    }

    fn add(&mut self, way: &Way, required: bool) {
        match way {
            Way::Term { term, .. } => match term.strip_prefix(STEM) {
                Some(stem) if required => {
                    self.stems.insert(stem.to_owned());
                }
                None if required => {
                    let word = term.strip_prefix(JOINED).unwrap_or(term);
                    self.terms.insert(word.to_owned());
                }
                _ => {}
            },
            Way::Begin { begin, .. } => {
                let begin = begin.strip_prefix(JOINED).unwrap_or(begin);
                if self.begins.iter().all(|known| known != begin) {
                    self.begins.push(begin.to_owned());
                }
            }
            Way::Phrase { terms, .. } => {
                if !self.phrases.contains(terms) {
                    self.phrases.push(terms.clone());
                }
            }
            Way::Set(_) => {}
        }
    }

    /// What was found in `text`; `None` if nothing was.
    pub fn mark(&mut self, text: &str) -> Option<Highlight> {
        let words = words_joined(text, |first| self.may_be_meant(first));
        let mut places: Vec<Range<usize>> = Vec::new();
        // Of what is put together the first part stands before it.
        let mut first = "";
        for word in &words {
            if !word.joined {
                first = &word.text;
            }
            if self.is_meant(word, first) {
                places.push(word.at.clone());
            }
        }
        let plain: Vec<&Word<'_>> = match self.phrases.is_empty() {
            true => Vec::new(),
            false => words.iter().filter(|word| !word.joined).collect(),
        };
        for phrase in &self.phrases {
            let found = plain.windows(phrase.len().max(1)).filter(|window| {
                let mut pairs = window.iter().zip(phrase);
                !phrase.is_empty() && pairs.all(|(word, wanted)| word.text == *wanted)
            });
            places.extend(
                found.filter_map(|window| Some(window.first()?.at.start..window.last()?.at.end)),
            );
        }
        if places.is_empty() {
            return None;
        }
        let places = united(places);
        Some(Highlight {
            html: html(text, &places),
            ranges: utf16(text, &places),
        })
    }

    fn may_be_meant(&self, word: &str) -> bool {
        let first = word.bytes().next();
        first.is_some_and(|first| self.firsts[usize::from(first)])
    }

    fn is_meant(&mut self, word: &Word<'_>, first: &str) -> bool {
        if !self.may_be_meant(&word.text) {
            return false;
        }
        if self.terms.contains(&*word.text) {
            return true;
        }
        // Where the first part begins so by itself, it is what is meant.
        let begins = |begin: &String| {
            let by_itself = word.joined && first.starts_with(begin.as_str());
            word.text.starts_with(begin.as_str()) && !by_itself
        };
        if self.begins.iter().any(begins) {
            return true;
        }
        if self.stems.is_empty() || word.joined {
            return false;
        }
        let stem = self.stemmer.0.of(&word.text);
        self.stems.contains(stem.as_deref().unwrap_or(&word.text))
    }
}

/// Places in their order, those that touch as one.
fn united(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_by_key(|place| (place.start, place.end));
    let mut united: Vec<Range<usize>> = Vec::new();
    for place in places {
        match united.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => united.push(place),
        }
    }
    united.truncate(MOST);
    united
}

fn utf16(text: &str, places: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut at, mut units) = (0, 0);
    let mut upto = |byte: usize| {
        let between = text.get(at..byte).unwrap_or_default();
        units += between.encode_utf16().count();
        at = byte;
        units
    };
    let each = places.iter();
    each.map(|place| upto(place.start)..upto(place.end))
        .collect()
}

/// The part of the text around the first places, escaped.
fn html(text: &str, places: &[Range<usize>]) -> String {
    let shown = shown(text, places);
    let mut html = String::new();
    if shown.start > 0 {
        html.push('…');
    }
    let mut at = shown.start;
    for place in places {
        if place.start < at || place.end > shown.end {
            continue;
        }
        escape(text.get(at..place.start).unwrap_or_default(), &mut html);
        html.push_str("<em>");
        escape(text.get(place.clone()).unwrap_or_default(), &mut html);
        html.push_str("</em>");
        at = place.end;
    }
    escape(text.get(at..shown.end).unwrap_or_default(), &mut html);
    if shown.end < text.len() {
        html.push('…');
    }
    html
}

/// What is shown of a long text: where the most places are near each other.
fn shown(text: &str, places: &[Range<usize>]) -> Range<usize> {
    if text.len() <= SHOWN {
        return 0..text.len();
    }
    let near = |first: &Range<usize>| {
        let near = places.iter().filter(|place| place.start >= first.start);
        near.take_while(|place| place.end <= first.start + SHOWN - BEFORE)
            .count()
    };
    let mut best = places.first().cloned().unwrap_or_default();
    let mut most = 0;
    for place in places {
        let count = near(place);
        if count > most {
            most = count;
            best = place.clone();
        }
    }
    let start = text.floor_char_boundary(best.start.saturating_sub(BEFORE));
    // From the beginning of a word on.
    let start = match text
        .get(start..best.start)
        .and_then(|before| before.find(char::is_whitespace))
    {
        Some(at) if start > 0 => start + at + 1,
        _ if start > 0 => best.start,
        _ => 0,
    };
    let end = text.ceil_char_boundary((start + SHOWN).max(best.end).min(text.len()));
    let end = match text
        .get(best.end..end)
        .and_then(|behind| behind.rfind(char::is_whitespace))
    {
        Some(at) if end < text.len() => best.end + at,
        _ => end,
    };
    text.ceil_char_boundary(start)..end
}

fn escape(text: &str, html: &mut String) {
    for char in text.chars() {
        match char {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn what_is_shown_of_a_long_text_is_where_the_most_is() {
        let text = format!(
            "{} key {} key key <b> {}",
            "x ".repeat(300),
            "y ".repeat(300),
            "z ".repeat(300)
        );
        let places = words(&text).into_iter().filter(|word| word.text == "key");
        let places: Vec<_> = places.map(|word| word.at).collect();
        let html = html(&text, &places);
        assert!(
            html.contains("<em>key</em> <em>key</em> &lt;b&gt;"),
            "{html}"
        );
        assert!(html.len() < 2 * SHOWN && html.starts_with('…') && html.ends_with('…'));
    }

    #[test]
    fn places_are_counted_as_clients_count() {
        let text = "🚀é key";
        let places = words(text).into_iter().filter(|word| !word.joined);
        let places: Vec<_> = places.map(|word| word.at).collect();
        assert_eq!(utf16(text, &places), [2..3, 4..7]);
    }
}
