//! Descriptors as people write them: block style, quotes only where they are needed.

use serde_json::Value;

/// Appends `value` as one document.
pub(crate) fn write(value: &Value, out: &mut String) {
    block(value, 0, out);
}

fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                indent(depth, out);
                out.push_str(&scalar(key));
                out.push(':');
                below(value, depth + 1, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                indent(depth, out);
                out.push('-');
                match item {
                    // The first member stands behind the dash.
                    Value::Object(_) => {
                        let mut text = String::new();
                        block(item, depth + 1, &mut text);
                        out.push(' ');
                        out.push_str(text.trim_start());
                    }
                    _ => below(item, depth + 1, out),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            below(value, depth, out);
        }
    }
}

fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if members.is_empty() => out.push_str(" {}\n"),
        Value::Array(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Object(_) | Value::Array(_) => {
            out.push('\n');
            block(value, depth, out);
        }
        Value::String(text) if text.contains('\n') => {
            out.push_str(" |\n");
            for line in text.lines() {
                indent(depth, out);
                out.push_str(line);
                out.push('\n');
            }
        }
        Value::String(text) => {
            out.push(' ');
            out.push_str(&scalar(text));
            out.push('\n');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            out.push(' ');
            out.push_str(&value.to_string());
            out.push('\n');
        }
    }
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_./@".contains(c);
    let begins = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let colons = text.contains(": ") || text.ends_with(':');
    if begins && !colons && text.chars().all(|c| plain(c) || c == ':') {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}
