//! Words to terms of the index: each as it is, joined ones too, and the stem of English words beside them.
//!
//! A stem never takes the place of a word: texts in other languages are found by what they say.

use std::collections::HashMap;

use tantivy::tokenizer::{
    Language, RawTokenizer, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer,
};

use super::words::{Word, words};

/// Begins terms that are stems; no word does.
pub(super) const STEM: char = '~';
/// Begins terms that were put together of several words, so that whoever goes through all that begins somehow does not meet every name twice.
pub(super) const JOINED: char = '+';
/// Shorter words have no endings worth taking off.
const SHORTEST: usize = 4;
/// Stems that are remembered; texts repeat themselves.
const REMEMBERED: usize = 8192;

/// Takes the endings off English words.
#[derive(Clone)]
pub(super) struct Stems {
    analyzer: TextAnalyzer,
    known: HashMap<String, Option<String>>,
}

impl Default for Stems {
    fn default() -> Self {
        let stemmer = Stemmer::new(Language::English);
        Self {
            analyzer: TextAnalyzer::builder(RawTokenizer::default())
                .filter(stemmer)
                .build(),
            known: HashMap::new(),
        }
    }
}

impl Stems {
    /// The stem of a folded word, if it is another word.
    pub(super) fn of(&mut self, word: &str) -> Option<String> {
        if word.len() < SHORTEST || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        if let Some(known) = self.known.get(word) {
            return known.clone();
        }
        let mut stream = self.analyzer.token_stream(word);
        let stem = match stream.advance() {
            true => Some(stream.token().text.clone()),
            false => None,
        };
        drop(stream);
        let stem = stem.filter(|stem| stem != word && !stem.is_empty());
        if self.known.len() < REMEMBERED {
            self.known.insert(word.to_owned(), stem.clone());
        }
        stem
    }
}

/// What tantivy indexes the texts of documents by.
#[derive(Clone, Default)]
pub(super) struct Terms {
    stems: Stems,
}

/// The terms of one text.
pub(super) struct TermStream {
    tokens: std::vec::IntoIter<Token>,
    token: Token,
}

impl Tokenizer for Terms {
    type TokenStream<'a> = TermStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream {
        let mut tokens = Vec::new();
        for word in words(text) {
            let stem = match word.joined {
                true => None,
                false => self.stems.of(&word.text),
            };
            let stem = stem.map(|stem| token(&word, format!("{STEM}{stem}")));
            let own = token(&word, String::new());
            tokens.push(Token {
                text: match word.joined {
                    true => format!("{JOINED}{}", word.text),
                    false => word.text.into_owned(),
                },
                ..own
            });
            tokens.extend(stem);
        }
        TermStream {
            tokens: tokens.into_iter(),
            token: Token::default(),
        }
    }
}

fn token(word: &Word<'_>, text: String) -> Token {
    Token {
        offset_from: word.at.start,
        offset_to: word.at.end,
        position: word.position,
        text,
        position_length: 1,
    }
}

impl TokenStream for TermStream {
    fn advance(&mut self) -> bool {
        match self.tokens.next() {
            Some(token) => {
                self.token = token;
                true
            }
            None => false,
        }
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
