//! What a query asks of the index: each word with all the ways in which it may be meant, and what each of them counts.
//!
//! As the word is written counts most, then its stem, then neighbours as one word; what merely begins so or is a slip away from it counts less, and still more in a name than the word itself in a long text.
//! Statistics are rounded, so a score does not change with every document that comes and goes, and cursors keep their place.

use tantivy::query::{DfaWrapper, FuzzyTermQuery};
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

use super::fields::Fields;
use super::query::{Asked, Atom, Clause, Query};
use super::terms::{self, STEM, Stems};

/// From this weight on a text is what a document is called, not what it says.
const HEAVY: f32 = 2.5;
const STEMMED: f32 = 0.8;
const JOINED: f32 = 0.9;
const BEGUN: f32 = 0.45;
const SLIPPED: f32 = 0.4;
/// Terms that one word may be a slip of, in one field.
const SLIPS: usize = 48;
/// Neighbours that may be one word.
const LONGEST_RUN: usize = 4;
/// Words that say little about what is wanted: they count where they are, and need not be there.
const SMALL: &[&str] = &[
    "a", "an", "and", "are", "at", "be", "by", "can", "do", "does", "for", "from", "how", "i",
    "in", "is", "it", "its", "me", "my", "of", "on", "our", "that", "the", "there", "this", "to",
    "was", "we", "what", "when", "where", "which", "who", "why", "with", "you", "your",
];

/// One way in which a word may be meant.
#[derive(Debug)]
pub(super) enum Way {
    /// The score falls with the length of the text.
    Term {
        field: usize,
        term: String,
        score: f32,
    },
    /// Everything that begins so.
    Begin {
        field: usize,
        begin: String,
        score: f32,
    },
    Phrase {
        field: usize,
        terms: Vec<String>,
        score: f32,
    },
    /// Documents of some entities; which, is known by its number.
    Set(usize),
}

/// One condition of the query.
#[derive(Debug, Default)]
pub(super) struct Condition {
    pub(super) ways: Vec<Way>,
    /// How much it says.
    pub(super) factor: f32,
    pub(super) required: bool,
}

#[derive(Debug, Default)]
pub(super) struct Compiled {
    pub(super) conditions: Vec<Condition>,
    pub(super) not: Vec<Vec<Way>>,
    /// All words together, for names as a whole.
    pub(super) whole: String,
    /// Words of the query that the index does not have as they are written.
    pub(super) unknown: Vec<String>,
}

impl Compiled {
    pub(super) fn n_required(&self) -> usize {
        let required = self
            .conditions
            .iter()
            .filter(|condition| condition.required);
        required.count()
    }
}

/// What the index holds, as far as a query needs to know.
pub(super) struct Compiler<'s> {
    pub(super) searcher: &'s Searcher,
    pub(super) fields: &'s Fields,
    /// By field for texts, heaviest first.
    pub(super) weights: &'s [f32],
    pub(super) stems: Stems,
}

impl Compiler<'_> {
    /// `set` gives the number of the entities that have a value in a field.
    pub(super) fn compile(
        &mut self,
        query: &Query,
        mut set: impl FnMut(&str, &str) -> usize,
    ) -> tantivy::Result<Compiled> {
        let mut compiled = Compiled {
            whole: query.whole.clone(),
            ..Compiled::default()
        };
        let runs = self.runs(query)?;
        let is_small = |clause: &Clause| match clause {
            Clause::Any(atoms) => match atoms.as_slice() {
                [Atom::Word(word)] => {
                    !word.exact && !word.part && SMALL.contains(&word.text.as_str())
                }
                _ => false,
            },
            Clause::Not(_) => true,
        };
        let all_small = query.clauses.iter().all(is_small);
        for clause in &query.clauses {
            match clause {
                Clause::Not(atom) => {
                    let mut ways = Vec::new();
                    self.atom(atom, &runs, &mut ways, &mut set, &mut Vec::new())?;
                    compiled.not.push(ways);
                }
                Clause::Any(atoms) => {
                    let mut condition = Condition {
                        required: all_small || !is_small(clause),
                        ..Condition::default()
                    };
                    for atom in atoms {
                        self.atom(
                            atom,
                            &runs,
                            &mut condition.ways,
                            &mut set,
                            &mut compiled.unknown,
                        )?;
                    }
                    condition.factor = self.factor(&condition.ways)?;
                    compiled.conditions.push(condition);
                }
            }
        }
        Ok(compiled)
    }

    fn atom(
        &mut self,
        atom: &Atom,
        runs: &[Run],
        ways: &mut Vec<Way>,
        set: &mut impl FnMut(&str, &str) -> usize,
        unknown: &mut Vec<String>,
    ) -> tantivy::Result<()> {
        match atom {
            Atom::Field { name, value } => ways.push(Way::Set(set(name, value))),
            Atom::Phrase(words) => ways.extend((0..self.weights.len()).map(|field| Way::Phrase {
                field,
                terms: words.clone(),
                score: self.weights[field],
            })),
            Atom::Word(word) => self.word(word, runs, ways, unknown)?,
        }
        Ok(())
    }

    fn word(
        &mut self,
        word: &Asked,
        runs: &[Run],
        ways: &mut Vec<Way>,
        unknown: &mut Vec<String>,
    ) -> tantivy::Result<()> {
        let mut terms = vec![(word.text.clone(), 1.0), (joined(&word.text), 1.0)];
        if !word.exact {
            let stem = self.stems.of(&word.text);
            let stem = stem.as_deref().unwrap_or(&word.text);
            terms.push((format!("{STEM}{stem}"), STEMMED));
            if stem != word.text {
                terms.push((stem.to_owned(), STEMMED));
            }
        }
        let own = |run: &&Run| (run.first..=run.last).contains(&word.position);
        let runs: Vec<&Run> = match word.exact {
            true => Vec::new(),
            false => runs.iter().filter(own).collect(),
        };
        for run in runs.iter().filter(|run| !run.begin) {
            terms.extend([(run.text.clone(), JOINED), (joined(&run.text), JOINED)]);
        }
        let (mut known, mut named) = (false, false);
        for field in 0..self.weights.len() {
            let weight = self.weights[field];
            for (term, part) in &terms {
                if self.count(field, term)? == 0 {
                    continue;
                }
                known = true;
                named |= weight >= HEAVY;
                ways.push(Way::Term {
                    field,
                    term: term.clone(),
                    score: weight * part,
                });
            }
            let begun = word.last.then_some(&word.text);
            let begun = begun
                .into_iter()
                .chain(runs.iter().filter(|run| run.begin).map(|run| &run.text));
            for begin in begun {
                // Nearly everything begins with some letter: so little is asked of names alone.
                let enough = begin.chars().count() > 2 || weight >= HEAVY;
                if !enough {
                    continue;
                }
                for begin in self.begun(field, begin)? {
                    known = true;
                    named |= weight >= HEAVY;
                    ways.push(Way::Begin {
                        field,
                        begin,
                        score: weight * BEGUN,
                    });
                }
            }
        }
        if word.exact {
            return Ok(());
        }
        if !named {
            self.slips(&word.text, known, ways)?;
        }
        if !known {
            unknown.push(word.text.clone());
            self.parts(&word.text, ways)?;
        }
        Ok(())
    }

    /// What the word may be a slip of: in what things are called, and elsewhere too if nobody has it at all.
    fn slips(&self, word: &str, known: bool, ways: &mut Vec<Way>) -> tantivy::Result<()> {
        let near = Near::of(word)?;
        for field in 0..self.weights.len() {
            let weight = self.weights[field];
            if known && weight < HEAVY {
                break;
            }
            for term in self.near(field, near.as_ref())? {
                ways.push(Way::Term {
                    field,
                    term,
                    score: weight * SLIPPED,
                });
            }
        }
        Ok(())
    }

    /// Terms of a field that are `near` a word, put together ones too.
    pub(super) fn near(&self, field: usize, near: Option<&Near>) -> tantivy::Result<Vec<String>> {
        let Some(near) = near else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for segment in self.searcher.segment_readers() {
            let inverted = segment.inverted_index(self.fields.texts[field])?;
            for (word, is_joined) in [(&near.word, false), (&near.joined, true)] {
                let mut stream = inverted.terms().search(word).into_stream()?;
                while found.len() < SLIPS && stream.advance() {
                    if let Ok(term) = std::str::from_utf8(stream.key())
                        && term.starts_with(terms::JOINED) == is_joined
                        && !term.starts_with(STEM)
                    {
                        found.push(term.to_owned());
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// A word that nobody has may be two.
    fn parts(&self, word: &str, ways: &mut Vec<Way>) -> tantivy::Result<()> {
        for (at, _) in word.char_indices().skip(2) {
            let (head, tail) = word.split_at(at);
            if tail.chars().count() < 2 {
                break;
            }
            for field in 0..self.weights.len() {
                if self.count(field, head)? > 0 && self.count(field, tail)? > 0 {
                    ways.push(Way::Phrase {
                        field,
                        terms: vec![head.to_owned(), tail.to_owned()],
                        score: self.weights[field] * STEMMED,
                    });
                }
            }
        }
        Ok(())
    }

    /// Neighbours of the query that the index has as one word.
    fn runs(&self, query: &Query) -> tantivy::Result<Vec<Run>> {
        let words: Vec<&Asked> = query
            .clauses
            .iter()
            .filter_map(|clause| match clause {
                Clause::Any(atoms) => match atoms.as_slice() {
                    [Atom::Word(word)] if !word.exact => Some(word),
                    _ => None,
                },
                Clause::Not(_) => None,
            })
            .collect();
        let mut runs = Vec::new();
        for (first, begins) in words.iter().enumerate() {
            let mut text = begins.text.clone();
            let mut before = begins;
            for next in words.iter().skip(first + 1).take(LONGEST_RUN - 1) {
                if next.position != before.position + 1 {
                    break;
                }
                text.push_str(&next.text);
                let mut exists = false;
                let mut begun = false;
                for field in 0..self.weights.len() {
                    exists |=
                        self.count(field, &text)? > 0 || self.count(field, &joined(&text))? > 0;
                    begun |= next.last
                        && self.weights[field] >= HEAVY
                        && !self.begun(field, &text)?.is_empty();
                }
                let run = |begin| Run {
                    first: begins.position,
                    last: next.position,
                    text: text.clone(),
                    begin,
                };
                runs.extend(exists.then(|| run(false)));
                runs.extend(begun.then(|| run(true)));
                before = next;
            }
        }
        Ok(runs)
    }

    /// How much a condition says: the fewer it holds for, the more.
    fn factor(&self, ways: &[Way]) -> tantivy::Result<f32> {
        let mut most = 0;
        for way in ways {
            if let Way::Term { field, term, .. } = way {
                most = most.max(self.count(*field, term)?);
            }
        }
        let all = self.searcher.num_docs().max(1);
        let rare = (1 + all / (most + 1)).ilog2();
        Ok(0.6 + 0.15 * rare as f32)
    }

    /// Documents that have the term.
    pub(super) fn count(&self, field: usize, term: &str) -> tantivy::Result<u64> {
        self.searcher
            .doc_freq(&Term::from_field_text(self.fields.texts[field], term))
    }

    /// What terms begin with that stand for words that begin so.
    ///
    /// What was put together is among them only where its first part is shorter: else that part begins so too, in the same place.
    fn begun(&self, field: usize, begin: &str) -> tantivy::Result<Vec<String>> {
        let mut begun = Vec::new();
        if self.any_begins(field, begin)? {
            begun.push(begin.to_owned());
        }
        let together = joined(begin);
        if self.any_begins(field, &together)? && self.has_shorter(field, begin)? {
            begun.push(together);
        }
        Ok(begun)
    }

    /// Whether a part of `begin` from its beginning on is a word of its own.
    fn has_shorter(&self, field: usize, begin: &str) -> tantivy::Result<bool> {
        for segment in self.searcher.segment_readers() {
            let inverted = segment.inverted_index(self.fields.texts[field])?;
            let ends = begin.char_indices().map(|(at, _)| at).skip(1);
            for part in ends.filter_map(|end| begin.get(..end)) {
                if inverted.terms().term_ord(part)?.is_some() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn any_begins(&self, field: usize, begin: &str) -> tantivy::Result<bool> {
        let own: Field = self.fields.texts[field];
        for segment in self.searcher.segment_readers() {
            let inverted = segment.inverted_index(own)?;
            let mut stream = inverted.terms().range().ge(begin).into_stream()?;
            if stream.advance() && stream.key().starts_with(begin.as_bytes()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A word as what is put together stands in the index.
fn joined(word: &str) -> String {
    format!("{}{word}", terms::JOINED)
}

/// What a word may be a slip of, by itself and put together.
pub(super) struct Near {
    word: DfaWrapper,
    joined: DfaWrapper,
}

impl Near {
    /// Within the distance that a word of this length may have; `None` if it may have none.
    pub(super) fn of(word: &str) -> tantivy::Result<Option<Self>> {
        let distance = match word.chars().count() {
            4..8 => 1,
            8..32 => 2,
            // Too short to be a slip of something, or nobody writes such a word, and it would take long.
            _ => return Ok(None),
        };
        // Which field the term names does not matter.
        let automaton = |word: &str| {
            let term = Term::from_field_text(Field::from_field_id(0), word);
            FuzzyTermQuery::new(term, distance, true).automaton()
        };
        Ok(Some(Self {
            word: automaton(word)?,
            joined: automaton(&joined(word))?,
        }))
    }
}

/// Words that stand beside each other, as one.
#[derive(Debug)]
struct Run {
    first: usize,
    last: usize,
    text: String,
    /// It may not be all there yet.
    begin: bool,
}
