//! Where a text of a descriptor comes from: another file, or lines of the descriptor itself.
//!
//! Asked only where something is wrong in such a text; so the file is read again, and nothing is kept for it.

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

/// Where the text at a dotted path stands, in the document of `file` that begins at `line`.
pub fn text_place(file: &str, line: u32, path: &str) -> Option<TextPlace> {
    let documents = documents::split(file);
    let mut documents = documents.iter().rev();
    let document = documents.find(|document| number(document.lines_before) < line)?;
    let readable = yaml::readable(document.text);
    let parsed = yaml::parse(&readable, document.lines_before);
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

#[cfg(test)]
mod tests {
    use super::{TextPlace, text_place};

    #[test]
    fn a_text_stands_in_a_file_or_in_the_descriptor() {
        let file =
            "a: 1\n---\nspec:\n  block: |\n\n    one\n  plain: one\n  other: { $text: ./x.yaml }\n";
        let here = |lines, columns| Some(TextPlace::Here { lines, columns });
        assert_eq!(text_place(file, 3, "spec.block"), here(4, 4));
        assert_eq!(text_place(file, 3, "spec.plain"), here(6, 9));
        let folded = "spec:\n  block: >-\n    one\n    two\n";
        assert_eq!(text_place(folded, 1, "spec.block"), here(2, 4));
        let included = Some(TextPlace::Included("./x.yaml".into()));
        assert_eq!(text_place(file, 3, "spec.other"), included);
        assert_eq!(text_place(file, 3, "spec.none"), None);
        assert_eq!(text_place(file, 1, "spec.block"), None);
    }
}
