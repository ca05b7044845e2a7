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
    node.as_str()?;
    let start = node.span.start;
    let before = usize::try_from(start.line).ok()?.checked_sub(1)?;
    let mut lines = file.lines().skip(before);
    let first = lines.next()?;
    let column = usize::try_from(start.column).ok()?.checked_sub(1)?;
    if first
        .chars()
        .skip(column)
        .collect::<String>()
        .starts_with(['|', '>'])
    {
        let inner = lines.find(|line| !line.trim().is_empty())?;
        let indent = inner.chars().take_while(|c| *c == ' ').count();
        return Some(TextPlace::Here {
            lines: start.line,
            columns: number(indent),
        });
    }
    Some(TextPlace::Here {
        lines: start.line - 1,
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
        let included = Some(TextPlace::Included("./x.yaml".into()));
        assert_eq!(text_place(file, 3, "spec.other"), included);
        assert_eq!(text_place(file, 3, "spec.none"), None);
        assert_eq!(text_place(file, 1, "spec.block"), None);
    }
}
