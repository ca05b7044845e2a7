//! The documents of a YAML stream, cut apart before any of them is parsed, so that a syntax error in one costs only that one.
//!
//! `---` or `...` at the beginning of a line is a marker wherever it stands: YAML allows it neither in block scalars nor in quoted ones (`c-forbidden`).
//! What stands before the first `---` of a document belongs to it: comments and directives.

/// One document of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document<'a> {
    /// With its directives and markers.
    pub(super) text: &'a str,
    /// How many lines of the file stand before it.
    pub(super) lines_before: usize,
}

/// How many documents one file may have, empty ones counted.
pub(super) const MAX_DOCUMENTS: usize = 50_000;

/// Cuts `text` into documents; a text without any marker is one.
///
/// Stops behind the first one that is too many.
pub(super) fn split(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let mut cutter = Cutter::default();
    let mut line_start = 0;
    for (line_number, line) in text.split_inclusive('\n').enumerate() {
        let line_end = line_start + line.len();
        if documents.len() > MAX_DOCUMENTS {
            return documents;
        }
        match marker(line) {
            Marker::Start if cutter.begun => {
                cutter.cut(text, line_start, line_number, &mut documents);
                cutter.begun = true;
            }
            Marker::Start => cutter.begun = true,
            Marker::End if cutter.begun => {
                cutter.cut(text, line_end, line_number + 1, &mut documents);
            }
            Marker::Content => cutter.begun = true,
            Marker::End | Marker::Prefix => {}
        }
        line_start = line_end;
    }
    if cutter.begun || documents.is_empty() {
        cutter.cut(text, text.len(), 0, &mut documents);
    }
    documents
}

#[derive(Default)]
struct Cutter {
    start: usize,
    lines_before: usize,
    /// Whether the current document has a `---` or content.
    begun: bool,
}

impl Cutter {
    /// Ends the current document at the byte `end`; the next one begins there, on line `next_line` (counted from 0).
    fn cut<'a>(
        &mut self,
        text: &'a str,
        end: usize,
        next_line: usize,
        into: &mut Vec<Document<'a>>,
    ) {
        into.push(Document {
            text: text.get(self.start..end).unwrap_or_default(),
            lines_before: self.lines_before,
        });
        *self = Self {
            start: end,
            lines_before: next_line,
            begun: false,
        };
    }
}

/// What a line is, seen from outside all documents.
enum Marker {
    /// `---`
    Start,
    /// `...`
    End,
    /// A comment, a directive (`%YAML 1.2`) or nothing.
    Prefix,
    Content,
}

fn marker(line: &str) -> Marker {
    let behind = |mark: &str| {
        line.strip_prefix(mark)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
    };
    if behind("---") {
        return Marker::Start;
    }
    if behind("...") {
        return Marker::End;
    }
    match line.trim_start().as_bytes().first() {
        None | Some(b'#') => Marker::Prefix,
        Some(_) if line.starts_with("%YAML") || line.starts_with("%TAG") => Marker::Prefix,
        Some(_) => Marker::Content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, &str)]) {
        let found: Vec<_> = split(text)
            .iter()
            .map(|document| (document.lines_before, document.text))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_stream_is_cut_at_its_markers() {
        check("", &[(0, "")]);
        check("a: 1", &[(0, "a: 1")]);
        check("a: 1\n---\nb: 2\n", &[(0, "a: 1\n"), (1, "---\nb: 2\n")]);
        check("# x\n---\na: 1\n", &[(0, "# x\n---\na: 1\n")]);
        check(
            "---\r\na: 1\r\n---\r\n",
            &[(0, "---\r\na: 1\r\n"), (2, "---\r\n")],
        );
        check("a\n...\n# end\n", &[(0, "a\n...\n")]);
        check(
            "a\n...\n%YAML 1.2\n---\nb",
            &[(0, "a\n...\n"), (2, "%YAML 1.2\n---\nb")],
        );
        check(
            "a: |\n  ---\n  x\n --- y\n----\n",
            &[(0, "a: |\n  ---\n  x\n --- y\n----\n")],
        );
        check("--- a\n---\tb\n", &[(0, "--- a\n"), (1, "---\tb\n")]);
    }
}
