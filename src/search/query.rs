//! The language of queries: words, `"phrases"`, `-not`, `OR`, `field:value`.
//!
//! There is no error: what cannot be meant as it stands is taken as words.

use super::words::{Word, plain_words, start};

/// Bytes of a query that are looked at.
const LONGEST: usize = 4 * 1024;
/// Conditions that are looked at; nobody has more in mind.
const MOST: usize = 64;

/// A query, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Query {
    /// All of them must hold.
    pub(super) clauses: Vec<Clause>,
    /// All its words, put together: for whole names.
    pub(super) whole: String,
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Clause {
    /// One of these holds; there is at least one.
    Any(Vec<Atom>),
    /// This does not.
    Not(Atom),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Atom {
    Word(Asked),
    /// More than one word, in this order.
    Phrase(Vec<String>),
    Field {
        name: String,
        value: String,
    },
}

/// A word that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) text: String,
    /// Written with quotes: as it stands, and nothing like it.
    pub(super) exact: bool,
    /// Nothing comes behind it: it may not be all there yet.
    pub(super) last: bool,
    /// Written as a part of something: `a` in `team-a` is no small word.
    pub(super) part: bool,
    /// Which word of the query it is; neighbours may be meant as one.
    pub(super) position: usize,
}

/// A piece of the text.
#[derive(Debug)]
enum Piece<'q> {
    Or,
    Bare {
        text: &'q str,
        not: bool,
    },
    Quoted {
        text: &'q str,
        not: bool,
    },
    Field {
        name: &'q str,
        value: &'q str,
        not: bool,
    },
}

impl Query {
    /// `is_field` says which names may stand before a colon.
    pub(super) fn parse(text: &str, is_field: &dyn Fn(&str) -> bool) -> Self {
        let text = start(text, LONGEST);
        let pieces = pieces(text, is_field);
        let mut query = Self::default();
        let mut position = 0;
        let mut either = false;
        for (number, piece) in pieces.iter().enumerate() {
            if query.clauses.len() >= MOST {
                break;
            }
            let before_or = matches!(pieces.get(number + 1), Some(Piece::Or));
            match *piece {
                Piece::Or => either = !query.clauses.is_empty(),
                Piece::Field { name, value, not } => {
                    let atom = Atom::Field {
                        name: name.to_owned(),
                        value: value.to_owned(),
                    };
                    query.add(vec![atom], not, &mut either);
                    position += 1;
                }
                Piece::Quoted { text, not } => {
                    let words = plain_words(text);
                    if !not {
                        words
                            .iter()
                            .for_each(|word| query.whole.push_str(&word.text));
                    }
                    query.add(phrase(&words, position), not, &mut either);
                    position += words.len() + 1;
                }
                Piece::Bare { text, not } => {
                    let words = plain_words(text);
                    if !not {
                        words
                            .iter()
                            .for_each(|word| query.whole.push_str(&word.text));
                    }
                    if not || either || before_or || words.is_empty() {
                        // Several words that are written together are meant together.
                        let atoms = match words.as_slice() {
                            [word] => vec![asked(word, position, false, false)],
                            words => phrase(words, position),
                        };
                        query.add(atoms, not, &mut either);
                    } else {
                        for (count, word) in
                            (0..).zip(words.iter().take(MOST - query.clauses.len()))
                        {
                            let atom = asked(word, position + count, false, words.len() > 1);
                            query.add(vec![atom], false, &mut either);
                        }
                    }
                    position += words.len();
                }
            }
        }
        query.whole.truncate(query.whole.floor_char_boundary(256));
        let ends_open = text.ends_with(|end: char| end.is_alphanumeric());
        if ends_open
            && let Some(Clause::Any(atoms)) = query.clauses.last_mut()
            && let Some(Atom::Word(word)) = atoms.last_mut()
        {
            word.last = !word.exact;
        }
        query
    }

    fn add(&mut self, atoms: Vec<Atom>, not: bool, either: &mut bool) {
        if atoms.is_empty() {
            return;
        }
        if not {
            self.clauses.extend(atoms.into_iter().map(Clause::Not));
        } else if *either && let Some(Clause::Any(known)) = self.clauses.last_mut() {
            if known.len() < MOST {
                known.extend(atoms);
            }
        } else {
            self.clauses.push(Clause::Any(atoms));
        }
        *either = false;
    }
}

fn asked(word: &Word<'_>, position: usize, exact: bool, part: bool) -> Atom {
    Atom::Word(Asked {
        text: word.text.clone().into_owned(),
        exact,
        part,
        last: false,
        position,
    })
}

fn phrase(words: &[Word<'_>], position: usize) -> Vec<Atom> {
    match words {
        [] => Vec::new(),
        [word] => vec![asked(word, position, true, false)],
        words => {
            let words = words.iter().take(MOST);
            vec![Atom::Phrase(
                words.map(|word| word.text.clone().into_owned()).collect(),
            )]
        }
    }
}

fn pieces<'q>(text: &'q str, is_field: &dyn Fn(&str) -> bool) -> Vec<Piece<'q>> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && pieces.len() < 4 * MOST {
        let (not, body) = match rest.strip_prefix('-') {
            Some(body)
                if !body.starts_with(|next: char| next.is_whitespace() || next == '-')
                    && !body.is_empty() =>
            {
                (true, body)
            }
            _ => (false, rest),
        };
        if let Some((text, after)) = quoted(body) {
            pieces.push(Piece::Quoted { text, not });
            rest = after.trim_start();
            continue;
        }
        let end = body.find(|next: char| next.is_whitespace() || next == '"');
        let end = end
            .unwrap_or(body.len())
            .max(body.chars().next().map_or(0, char::len_utf8));
        let (mut word, mut after) = body.split_at(end);
        if let Some((name, value)) = word.split_once(':')
            && is_field(name)
        {
            let mut value = value;
            if value.is_empty()
                && let Some((text, behind)) = quoted(after)
            {
                value = text;
                after = behind;
            }
            if !value.is_empty() {
                pieces.push(Piece::Field { name, value, not });
                rest = after.trim_start();
                continue;
            }
        }
        if word == "OR" && !not {
            pieces.push(Piece::Or);
        } else {
            word = word.trim_matches(|edge: char| matches!(edge, '(' | ')' | '+' | ','));
            pieces.push(Piece::Bare { text: word, not });
        }
        rest = after.trim_start();
    }
    pieces
}

/// What stands between two quotes at the start, and what comes behind.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('"')?.split_once('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let query = Query::parse(text, &|name| matches!(name, "kind" | "owner"));
        let atom = |atom: &Atom| match atom {
            Atom::Word(word) if word.exact => format!("={}", word.text),
            Atom::Word(word) if word.last => format!("{}*", word.text),
            Atom::Word(word) => word.text.clone(),
            Atom::Phrase(words) => format!("[{}]", words.join(" ")),
            Atom::Field { name, value } => format!("{name}:{value}"),
        };
        let clauses = query.clauses.iter().map(|clause| match clause {
            Clause::Any(atoms) => atoms.iter().map(atom).collect::<Vec<_>>().join("|"),
            Clause::Not(negated) => format!("-{}", atom(negated)),
        });
        assert_eq!(clauses.collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn queries_are_understood() {
        check("rotate keys", "rotate keys*");
        check("rotate keys ", "rotate keys");
        check("\"rotate keys\" now", "[rotate keys] now*");
        check("\"payments\"", "=payments");
        check("pay -refund -\"a b\"", "pay -refund -[a b]");
        check("a OR b c", "a|b c*");
        check("a OR b OR c", "a|b|c*");
        check("team-a OR b", "[team a]|b*");
        check("kind:api owner:\"Team A\" x", "kind:api owner:Team A x*");
        check("-kind:user", "-kind:user");
        check("kind:api OR kind:component", "kind:api|kind:component");
        check("payments-api", "payments api*");
        check("-payments-api", "-[payments api]");
    }

    #[test]
    fn what_makes_no_sense_is_words() {
        check("OR", "");
        check("OR a OR", "a*");
        check("\"open", "open*");
        check("kind:", "kind");
        check("nothing:there", "nothing there*");
        check("- -- \"\" ( )", "");
        check("\u{0}\u{7f}\u{202e}", "");
        check("(a OR b)", "a|b");
    }
}
