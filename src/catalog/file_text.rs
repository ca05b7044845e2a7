//! Where something of a descriptor stands: a text, or a key.
//!
//! Asked only where something is wrong with it; so the file is read again, and nothing is kept for it.

use std::ops::Range;

use super::documents;
use super::text::number;
use super::yaml;

/// Where a text stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextPlace {
    /// In another file, by the name that the descriptor has for it.
    Included(Box<str>),
    /// In the descriptor: so many lines and columns further on.
    Here { lines: u32, columns: u32 },
}

/// A file with descriptors, cut into its documents once however many are asked about.
#[derive(Debug)]
pub struct FileText {
    text: String,
    /// Each with the number of lines before it.
    documents: Vec<(Range<usize>, usize)>,
}

impl FileText {
    pub fn new(text: String) -> Self {
        let mut start = 0;
        let documents = documents::split(&text).into_iter().map(|document| {
            let own = start..start + document.text.len();
            start = own.end;
            (own, document.lines_before)
        });
        Self {
            documents: documents.collect(),
            text,
        }
    }

    /// The document that begins at `line`, counted from 1 (or has its first content there), and the number of lines before it.
    fn document(&self, line: u32) -> Option<(&str, usize)> {
        let before = |(_, lines_before): &(Range<usize>, usize)| number(*lines_before) < line;
        let count = self.documents.partition_point(before);
        let (at, lines_before) = self.documents.get(count.checked_sub(1)?)?;
        Some((self.text.get(at.clone())?, *lines_before))
    }

    /// Where the text at a dotted path stands, in the document that begins at `line`.
    pub fn place(&self, line: u32, path: &str) -> Option<TextPlace> {
        let (text, lines_before) = self.document(line)?;
        let readable = yaml::readable(text);
        let parsed = yaml::parse(&readable, lines_before);
        let mut node = parsed.root.as_ref()?;
        for step in path.split('.') {
            node = node.get(step)?;
        }
        if let [entry] = node.entries()
            && entry.key.starts_with('$')
        {
            return Some(TextPlace::Included(entry.value.as_str()?.into()));
        }
        let text = node.as_str()?;
        let start = node.span.start;
        // A block begins, for the parser, at its first line that is not empty; those before it are lines of the text as well.
        let empty = text.bytes().take_while(|byte| *byte == b'\n').count();
        Some(TextPlace::Here {
            lines: start.line.checked_sub(number(empty + 1))?,
            columns: start.column - 1,
        })
    }

    /// Line and column of a key in the document that begins at `line`, both counted from 1.
    ///
    /// By its text alone: the document was read before, so the key is in it, and at worst another place that looks like it is named.
    pub fn key(&self, line: u32, key: &str) -> Option<(u32, u32)> {
        let (text, lines_before) = self.document(line)?;
        let mut lines = text.lines().zip(lines_before..);
        lines.find_map(|(text, before)| {
            let mut found = text.match_indices(key);
            let at = found.find_map(|(at, _)| {
                let (head, tail) = text.split_at(at);
                let tail = tail.strip_prefix(key)?.trim_start_matches(['"', '\'']);
                let begins = head.is_empty() || head.ends_with([' ', '\t', '"', '\'', '{', ',']);
                let is_key = begins && tail.trim_start().starts_with(':');
                is_key.then(|| head.trim_end_matches(['"', '\'']))
            })?;
            Some((number(before + 1), number(at.chars().count() + 1)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{FileText, TextPlace};

    #[test]
    fn a_text_stands_in_a_file_or_in_the_descriptor() {
        let file =
            "a: 1\n---\nspec:\n  block: |\n\n    one\n  plain: one\n  other: { $text: ./x.yaml }\n";
        let here = |lines, columns| Some(TextPlace::Here { lines, columns });
        let own = FileText::new(file.to_owned());
        assert_eq!(own.place(3, "spec.block"), here(4, 4));
        assert_eq!(own.place(3, "spec.plain"), here(6, 9));
        let included = Some(TextPlace::Included("./x.yaml".into()));
        assert_eq!(own.place(3, "spec.other"), included);
        assert_eq!(own.place(3, "spec.none"), None);
        assert_eq!(own.place(1, "spec.block"), None);
        let folded = FileText::new("spec:\n  block: >-\n    one\n    two\n".to_owned());
        assert_eq!(folded.place(1, "spec.block"), here(2, 4));
    }

    #[test]
    fn keys_are_found_as_they_are_written() {
        let text = "---\nmetadata:\n  description: see a/b\n  annotations:\n    xa/b: 1\n    'a/b': 2\n---\nmetadata: { annotations: { a/c: 1, a/b : 2 } }";
        let own = FileText::new(text.to_owned());
        assert_eq!(own.key(2, "a/b"), Some((6, 5)));
        assert_eq!(own.key(8, "a/b"), Some((8, 36)));
        assert_eq!(own.key(2, "a/d"), None);
        assert_eq!(own.key(2, "a/c"), None);
    }
}
