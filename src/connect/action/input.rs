//! What callers give to an action, before anything is looked up or sent: texts that the audit can hold, and compare.
//!
//! What a value means is for the connector to judge; here is only how long it may be, and that a key is one.

use serde_json::{Map, Value};

use super::refused::Refused;

/// A key may be so long, in characters: databases keep it in an index, whose rows are short.
const LONGEST_KEY: usize = 255;
/// All arguments of an action together, as JSON and in bytes: they stand in the audit as they are.
const LONGEST_ARGUMENTS: usize = 64 * 1024;
const BAD_INPUT: &str = "BAD_USER_INPUT";

/// An error that names the argument and its limit, and never repeats what was given.
pub(super) fn check(arguments: &Map<String, Value>) -> Result<(), Refused> {
    let input = arguments.get("input").unwrap_or(&Value::Null);
    if let Some(Value::String(key)) = input.get("idempotencyKey") {
        check_key(key).map_err(|message| Refused::new(BAD_INPUT, message).at("idempotencyKey"))?;
    }
    let length = serde_json::to_vec(arguments).map_or(usize::MAX, |json| json.len());
    if length <= LONGEST_ARGUMENTS {
        return Ok(());
    }
    let message = format!(
        "the arguments are {length} bytes of JSON, and at most {LONGEST_ARGUMENTS} are taken"
    );
    let refused = Refused::new(BAD_INPUT, message);
    Err(match longest(input) {
        Some(name) => refused.at(name),
        None => refused,
    })
}

fn check_key(key: &str) -> Result<(), String> {
    let n_characters = key.chars().count();
    if n_characters > LONGEST_KEY {
        return Err(format!(
            "`idempotencyKey` has {n_characters} characters, and at most {LONGEST_KEY} are taken: a UUID has 36"
        ));
    }
    // An empty one would let a second click do it a second time.
    if key.trim().is_empty() {
        return Err(
            "`idempotencyKey` is empty: give a text of your own, such as a UUID, or leave it out"
                .to_owned(),
        );
    }
    if let Some(at) = key.chars().position(char::is_control) {
        return Err(format!(
            "`idempotencyKey` has a control character, its character {}: take letters and digits, such as a UUID",
            at + 1
        ));
    }
    Ok(())
}

/// The argument that takes the most room.
fn longest(input: &Value) -> Option<&str> {
    let members = input.as_object()?.iter();
    let longest = members.max_by_key(|(_, value)| value.to_string().len())?;
    Some(longest.0)
}
