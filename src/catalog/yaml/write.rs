//! A value as YAML that people can read.

use serde_json::{Map, Value};

/// The text of a value, with a line feed at its end.
pub fn to_text(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => object(members, 0, &mut out),
        Value::Array(items) if !items.is_empty() => list(items, 0, &mut out),
        other => {
            scalar(other, 0, &mut out);
            out.push('\n');
        }
    }
    out
}

fn indent(by: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', by));
}

fn object(members: &Map<String, Value>, by: usize, out: &mut String) {
    for (position, (key, value)) in members.iter().enumerate() {
        // The first member of an item of a list stands behind its dash.
        if position > 0 || !out.ends_with("- ") {
            indent(by, out);
        }
        text(key, out);
        out.push(':');
        behind_key(value, by, out);
    }
}

fn behind_key(value: &Value, by: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push('\n');
            object(members, by + 2, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            list(items, by + 2, out);
        }
        other => {
            out.push(' ');
            scalar(other, by + 2, out);
            out.push('\n');
        }
    }
}

fn list(items: &[Value], by: usize, out: &mut String) {
    for (position, item) in items.iter().enumerate() {
        if position > 0 || !out.ends_with("- ") {
            indent(by, out);
        }
        out.push_str("- ");
        match item {
            Value::Object(members) if !members.is_empty() => object(members, by + 2, out),
            Value::Array(items) if !items.is_empty() => list(items, by + 2, out),
            other => {
                scalar(other, by + 2, out);
                out.push('\n');
            }
        }
    }
}

fn scalar(value: &Value, by: usize, out: &mut String) {
    match value {
        Value::String(lines) if is_block(lines) => {
            out.push_str(if lines.ends_with('\n') { "|" } else { "|-" });
            for line in lines.trim_end_matches('\n').split('\n') {
                out.push('\n');
                if !line.is_empty() {
                    indent(by, out);
                    out.push_str(line);
                }
            }
        }
        Value::String(value) => text(value, out),
        // Empty objects and lists, numbers, truths and null are the same in both.
        other => out.push_str(&other.to_string()),
    }
}

/// Whether lines may stand as they are.
fn is_block(text: &str) -> bool {
    let lines = text.trim_end_matches('\n');
    lines.contains('\n')
        && !text.ends_with("\n\n")
        && !lines.starts_with([' ', '\n', '\t'])
        && lines
            .chars()
            .all(|c| c == '\n' || !c.is_control() && c != '\u{FEFF}')
}

/// Plain where it can be taken for nothing else, else in quotes, which are those of JSON.
fn text(text: &str, out: &mut String) {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_./{}()+,@;=".contains(c);
    let is_plain = begins && !text.ends_with(' ') && text.chars().all(plain);
    match is_plain && !is_word(text) {
        true => out.push_str(text),
        false => out.push_str(&Value::from(text).to_string()),
    }
}

/// Words that some readers of YAML take for something else than text.
fn is_word(text: &str) -> bool {
    const WORDS: &[&str] = &["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}
