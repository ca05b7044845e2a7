//! JSON as upstreams send it.
//!
//! Objects of a list are alike: each is given room for as many members as the one before it has, so that none grows member by member.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What `serde_json::from_slice` reads, with the same limits; a byte order mark is passed over (RFC 8259, 8.1).
pub(super) fn read(body: &[u8]) -> Result<Value, serde_json::Error> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut input = serde_json::Deserializer::from_slice(body);
    let value = Room(0).deserialize(&mut input)?;
    input.end()?;
    Ok(value)
}

/// A value; if it is an object, probably of so many members.
struct Room(usize);

impl<'de> DeserializeSeed<'de> for Room {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Room {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let mut room = 0;
        while let Some(item) = input.next_element_seed(Room(room))? {
            room = item.as_object().map_or(0, Map::len);
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut members = Map::with_capacity(self.0);
        while let Some(name) = input.next_key::<String>()? {
            let value = input.next_value_seed(Room(0))?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let value = read("\u{feff}[1]".as_bytes()).expect("JSON");
        assert_eq!(value, serde_json::json!([1]));
    }

    #[test]
    fn it_is_read_as_the_library_reads_it() {
        let deep = format!("{}1{}", "[".repeat(127), "]".repeat(127));
        let bodies = [
            r#"[{"a": 1, "b": [true, null]}, {"a": -1, "c": 1.5e3}, {}, 7, {"a": "x\u00e9\n"}]"#,
            r#"{"a": {"a": 18446744073709551615}, "a": 1e400}"#,
            r#"{"b": 1, "a": 2, "b": 3}"#,
            "\"a\" x",
            "[1,",
            "",
            &deep,
            &format!("[{deep}]"),
        ];
        for body in bodies {
            let own = read(body.as_bytes()).map_err(|error| error.to_string());
            let theirs = serde_json::from_str::<Value>(body).map_err(|error| error.to_string());
            assert_eq!(own, theirs, "{body}");
        }
    }
}
