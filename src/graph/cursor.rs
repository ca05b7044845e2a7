//! Cursors: the values that an entity is ordered by, and its ref.
//!
//! So a cursor means a place in the order, whether or not its entity is still there: pages neither repeat nor skip what stays.

use super::BadCursor;
use super::value::Key;
use serde_json::Value;

/// A place in an order: one key for each criterion, then the ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) keys: Vec<Option<Key>>,
    pub(super) entity_ref: String,
}

/// What stands before the digits of a key that is no text.
const ORDINAL: char = '#';
/// What stands before a key that is text.
const TEXT: char = '=';

impl Position {
    /// `order` names the order, so that a cursor is not taken for one of another.
    pub(super) fn encode(&self, order: &str) -> String {
        let mut parts = vec![Value::from(order)];
        parts.extend(self.keys.iter().map(|key| match key {
            None => Value::Null,
            Some(Key::Text(text)) => format!("{TEXT}{text}").into(),
            Some(Key::Ordinal(ordinal)) => format!("{ORDINAL}{ordinal}").into(),
        }));
        parts.push(self.entity_ref.as_str().into());
        encode(Value::Array(parts).to_string().as_bytes())
    }

    pub(super) fn decode(cursor: &str, order: &str, n_keys: usize) -> Result<Self, BadCursor> {
        let json = decode(cursor).ok_or(BadCursor)?;
        let parts: Vec<Option<String>> = match serde_json::from_slice(&json) {
            Ok(parts) => parts,
            Err(_) => return Err(BadCursor),
        };
        let [Some(own), keys @ .., Some(entity_ref)] = parts.as_slice() else {
            return Err(BadCursor);
        };
        if own != order || keys.len() != n_keys {
            return Err(BadCursor);
        }
        let keys: Result<_, _> = keys.iter().map(|key| decode_key(key.as_deref())).collect();
        Ok(Self {
            keys: keys?,
            entity_ref: entity_ref.clone(),
        })
    }
}

fn decode_key(key: Option<&str>) -> Result<Option<Key>, BadCursor> {
    let Some(key) = key else { return Ok(None) };
    if let Some(text) = key.strip_prefix(TEXT) {
        return Ok(Some(Key::Text(text.to_owned())));
    }
    let ordinal = key
        .strip_prefix(ORDINAL)
        .and_then(|digits| digits.parse().ok());
    ordinal
        .map(|ordinal| Some(Key::Ordinal(ordinal)))
        .ok_or(BadCursor)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url without padding.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for at in 0..=group.len() {
            text.push(char::from(ALPHABET[(word >> (18 - 6 * at)) as usize & 63]));
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.as_bytes().chunks(4) {
        let mut word = 0_u32;
        for byte in group {
            let digit = ALPHABET.iter().position(|own| own == byte)?;
            word = word << 6 | digit as u32;
        }
        if group.len() == 1 {
            return None;
        }
        word <<= 6 * (4 - group.len());
        bytes.extend_from_slice(word.to_be_bytes().get(1..group.len())?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            keys in prop::collection::vec(prop::option::of(prop_oneof![
                any::<String>().prop_map(Key::Text),
                any::<i128>().prop_map(Key::Ordinal),
            ]), 0..4),
            entity_ref in any::<String>(),
        ) {
            let position = Position { keys, entity_ref };
            let cursor = position.encode("name+");
            let n = position.keys.len();
            prop_assert_eq!(Position::decode(&cursor, "name+", n), Ok(position));
            prop_assert_eq!(Position::decode(&cursor, "name-", n), Err(BadCursor));
            prop_assert_eq!(Position::decode(&cursor, "name+", n + 1), Err(BadCursor));
        }

        #[test]
        fn garbage_is_no_cursor(text in any::<String>()) {
            prop_assert_eq!(Position::decode(&text, "name+", 1), Err(BadCursor));
        }
    }
}
