//! What is left of a broken file: the statement that the parser stumbles over is taken out, and it tries again.
//!
//! What is taken out becomes spaces, so everything else stays on its line.

use std::ops::Range;

use prost_types::FileDescriptorProto;

use crate::apis::definition::Problem;
use crate::apis::lines::Lines;

/// So often a file is tried again: nobody mends more at a time.
const MAX_TRIES: usize = 20;
/// The same for files of more than `LARGE` bytes.
const MAX_TRIES_OF_LARGE: usize = 3;
const LARGE: usize = 1024 * 1024;

/// What can be read of a text, and what stands in the way of the rest; `None` if nothing can.
pub(super) fn parse(text: &str) -> (Option<FileDescriptorProto>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut mended = text.to_owned();
    let tries = match text.len() > LARGE {
        true => MAX_TRIES_OF_LARGE,
        false => MAX_TRIES,
    };
    for _ in 0..=tries {
        let error = match protox_parse::parse("definition.proto", &mended) {
            Ok(file) => return (Some(file), problems),
            Err(error) => error,
        };
        let message = error.to_string().replace('\'', "`");
        let mut problem = Problem::error("definition-syntax", message);
        // Where the text ends too early, or behind what was put there to close it, its end is meant.
        let at = error
            .span()
            .map_or(text.len(), |span| span.start.min(text.len()));
        problem.at = Some(Lines::new(text).at(at));
        problems.push(problem);
        let Some(without) = without(&mended, at) else {
            break;
        };
        mended = without;
    }
    (None, problems)
}

/// The text without the statement at `at`; `None` if nothing could be taken out.
fn without(text: &str, at: usize) -> Option<String> {
    let range = match statement(text, at) {
        Found::Statement(range) => range,
        Found::Open(n_open) => return Some(format!("{text}{}", "}".repeat(n_open))),
        Found::Nothing => return None,
    };
    let taken = text.get(range.clone())?;
    if taken.trim().is_empty() {
        return None;
    }
    let spaces: String = taken
        .bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect();
    let (before, behind) = (text.get(..range.start)?, text.get(range.end..)?);
    Some([before, &spaces, behind].concat())
}

enum Found {
    Statement(Range<usize>),
    /// Everything is whole, but so many blocks have no end.
    Open(usize),
    Nothing,
}

/// The smallest statement that `at` is in, or right behind.
fn statement(text: &str, at: usize) -> Found {
    let bytes = text.as_bytes();
    // Where the statements begin whose blocks are open.
    let mut around: Vec<usize> = Vec::new();
    let mut begin: Option<usize> = None;
    let mut position = 0;
    while let Some(byte) = bytes.get(position) {
        let end = position + 1;
        match byte {
            b'/' if matches!(bytes.get(end), Some(b'/' | b'*')) => {
                position = behind_comment(text, position);
                continue;
            }
            b'"' | b'\'' => {
                begin.get_or_insert(position);
                position = behind_string(bytes, position);
                continue;
            }
            b'{' => {
                around.push(begin.take().unwrap_or(position));
            }
            b'}' => {
                // One that has no end before the block has.
                if let Some(from) = begin.take()
                    && (from..end).contains(&at)
                {
                    return Found::Statement(from..position);
                }
                match around.pop() {
                    Some(from) if (from..end).contains(&at) => return Found::Statement(from..end),
                    Some(_) => {}
                    None if at <= position => return Found::Statement(position..end),
                    None => {}
                }
            }
            b';' => {
                if let Some(from) = begin.take()
                    && (from..end).contains(&at)
                {
                    return Found::Statement(from..end);
                }
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => {
                begin.get_or_insert(position);
            }
        }
        position = end;
    }
    match (begin, around.len()) {
        (Some(from), _) => Found::Statement(from..text.len()),
        (None, 0) => Found::Nothing,
        (None, n_open) => Found::Open(n_open),
    }
}

fn behind_comment(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let length = match rest.starts_with("//") {
        true => rest.find('\n'),
        false => rest
            .get(2..)
            .and_then(|inner| inner.find("*/"))
            .map(|end| end + 4),
    };
    from + length.unwrap_or(rest.len())
}

/// A string ends at its line if it has no end.
fn behind_string(bytes: &[u8], from: usize) -> usize {
    let quote = bytes.get(from).copied().unwrap_or(b'"');
    let mut position = from + 1;
    while let Some(byte) = bytes.get(position) {
        match byte {
            b'\\' => position += 1,
            b'\n' => return position,
            byte if *byte == quote => return position + 1,
            _ => {}
        }
        position += 1;
    }
    bytes.len()
}
