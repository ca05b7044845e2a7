//! Where an answer is not the one that was expected.

use serde_json::Value;

/// Longer values are cut in messages.
const MAX_CHARS: usize = 120;

/// One difference: where it is in the response, and what it is.
pub(super) struct Difference {
    pub(super) path: String,
    pub(super) message: String,
}

/// What is wrong with `response`; empty: nothing.
///
/// `data` must be equal; of `errors` as many as expected must be there, each with at least what is expected of it.
pub(super) fn differences(expected: &Value, response: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let data = |value: &Value| value.get("data").cloned().unwrap_or_default();
    compare("data", &data(expected), &data(response), true, &mut found);
    let expected = list(expected.get("errors"));
    let came = list(response.get("errors"));
    for (index, error) in expected.iter().enumerate() {
        let path = format!("errors[{index}]");
        match came.get(index) {
            Some(came) => compare(&path, error, came, false, &mut found),
            None => found.push(missing(&path, error)),
        }
    }
    found.extend(came.iter().skip(expected.len()).map(unexpected));
    found
}

/// Takes what was `written` where the answer has just that: a time of the catalog is moved by nobody.
pub(super) fn keep_written(moved: &mut Value, written: &Value, response: &Value) {
    match (moved, written, response) {
        (Value::Object(moved), Value::Object(written), Value::Object(came)) => {
            for (name, moved) in moved {
                if let (Some(written), Some(came)) = (written.get(name), came.get(name)) {
                    keep_written(moved, written, came);
                }
            }
        }
        (Value::Array(moved), Value::Array(written), Value::Array(came)) => {
            for ((moved, written), came) in moved.iter_mut().zip(written).zip(came) {
                keep_written(moved, written, came);
            }
        }
        (moved, written, came) if written == came => *moved = written.clone(),
        _ => {}
    }
}

fn list(errors: Option<&Value>) -> &[Value] {
    errors.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// An error that no example spoke of, with the place of what it has cost.
fn unexpected(error: &Value) -> Difference {
    let text = |pointer: &str| error.pointer(pointer).and_then(Value::as_str);
    let steps = list(error.get("path")).iter();
    let path: String = steps
        .map(|step| match step {
            Value::String(name) => format!(".{name}"),
            index => format!("[{index}]"),
        })
        .collect();
    let message = format!(
        "`data{path}` failed with {}: {}",
        text("/extensions/code").unwrap_or("no code"),
        text("/message").unwrap_or_default()
    );
    Difference {
        path: format!("data{path}"),
        message,
    }
}

/// Whether members that were not expected are a difference is said by `exact`.
fn compare(path: &str, expected: &Value, came: &Value, exact: bool, found: &mut Vec<Difference>) {
    match (expected, came) {
        (Value::Object(wanted), Value::Object(got)) => {
            for (name, expected) in wanted {
                let path = format!("{path}.{name}");
                match got.get(name) {
                    Some(came) => compare(&path, expected, came, exact, found),
                    None => found.push(missing(&path, expected)),
                }
            }
            for (name, value) in got.iter().filter(|_| exact) {
                if !wanted.contains_key(name) {
                    found.push(surplus(&format!("{path}.{name}"), value));
                }
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            for (index, (expected, came)) in wanted.iter().zip(got).enumerate() {
                compare(&format!("{path}[{index}]"), expected, came, exact, found);
            }
            for (index, value) in wanted.iter().enumerate().skip(got.len()) {
                found.push(missing(&format!("{path}[{index}]"), value));
            }
            for (index, value) in got.iter().enumerate().skip(wanted.len()) {
                found.push(surplus(&format!("{path}[{index}]"), value));
            }
        }
        (expected, came) if same(expected, came) => {}
        (expected, came) => found.push(Difference {
            path: path.to_owned(),
            message: format!(
                "`{path}` is {}, expected was {}",
                shown(came),
                shown(expected)
            ),
        }),
    }
}

/// `1` and `1.0` are one number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        _ => one == other,
    }
}

fn missing(path: &str, expected: &Value) -> Difference {
    Difference {
        path: path.to_owned(),
        message: format!("`{path}` is not there, expected was {}", shown(expected)),
    }
}

fn surplus(path: &str, came: &Value) -> Difference {
    Difference {
        path: path.to_owned(),
        message: format!(
            "`{path}` is {}, and nothing was expected there",
            shown(came)
        ),
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= MAX_CHARS {
        return format!("`{text}`");
    }
    let beginning: String = text.chars().take(MAX_CHARS).collect();
    format!("`{beginning}…`")
}
