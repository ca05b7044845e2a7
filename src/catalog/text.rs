//! The bytes of a descriptor file as text.
//!
//! Lenient where Backstage is (a byte order mark, bytes that are no UTF-8), and clear where it is not: UTF-16 reads as rubbish there, and is refused here by name.

use std::borrow::Cow;

use crate::diagnostic::{Position, Severity, Span};

/// The largest descriptor file that is read, and the largest text that a substitution may bring.
pub const MAX_FILE_BYTES: usize = 10 * 1024 * 1024;

/// What is wrong with the bytes as a whole.
#[derive(Debug)]
pub(super) struct TextProblem {
    pub(super) code: &'static str,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) hint: &'static str,
    pub(super) span: Option<Span>,
}

/// The text, or why there is none; a warning may come with it.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) problem: Option<TextProblem>,
}

/// Decodes the bytes of a file.
pub(super) fn decode(bytes: &[u8]) -> Decoded<'_> {
    if bytes.len() > MAX_FILE_BYTES {
        return refused(
            "file-too-large",
            too_large(bytes.len() as u64),
            TOO_LARGE_HINT,
        );
    }
    if is_utf16(bytes) {
        return refused(
            "encoding",
            "the file is UTF-16, and a descriptor is UTF-8".to_owned(),
            "save it as UTF-8: `iconv -f UTF-16 -t UTF-8 catalog-info.yaml`",
        );
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let bytes = strip_trailing_nul(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Decoded {
            text: Some(Cow::Borrowed(text)),
            problem: None,
        },
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Decoded {
                text: Some(String::from_utf8_lossy(bytes)),
                problem: Some(TextProblem {
                    code: "encoding",
                    severity: Severity::Warning,
                    message: "the bytes here are no UTF-8, and are read as `\u{FFFD}`".to_owned(),
                    hint: "save the file as UTF-8",
                    span: Some(point(end_of(&String::from_utf8_lossy(good)))),
                }),
            }
        }
    }
}

/// The words for a file of `size` bytes that is not read at all, with its hint.
pub fn too_large(size: u64) -> String {
    let limit = MAX_FILE_BYTES / (1024 * 1024);
    format!("the file has {size} bytes, and the limit is {limit} MiB")
}

/// What to do about [`too_large`].
pub const TOO_LARGE_HINT: &str = "keep large texts in files of their own and refer to them: `definition: { $text: ./openapi.yaml }`";

fn refused<'a>(code: &'static str, message: String, hint: &'static str) -> Decoded<'a> {
    Decoded {
        text: None,
        problem: Some(TextProblem {
            code,
            severity: Severity::Error,
            message,
            hint,
            span: None,
        }),
    }
}

/// A byte order mark, or the NUL beside each ASCII character that it announces.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..])
        || matches!(bytes, [0, first, 0, second, ..] | [first, 0, second, 0, ..] if *first != 0 && *second != 0)
}

/// NULs that a careless copy left behind the text; npm's yaml takes no offence either.
fn strip_trailing_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// The position behind the last character of `text`.
pub(super) fn end_of(text: &str) -> Position {
    let line = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position {
        line: number(line + 1),
        column: number(last.chars().count() + 1),
    }
}

/// One character at `start`.
pub(super) fn point(start: Position) -> Span {
    Span {
        start,
        end: Position {
            line: start.line,
            column: start.column.saturating_add(1),
        },
    }
}

/// A count as positions keep it.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
