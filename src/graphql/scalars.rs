//! Custom scalars of the built-in graph, as clients hand them in; a scalar that is not listed takes any JSON.

use serde_json::Value;

use super::input::shorten;
use crate::catalog::EntityRef;

/// Whether `value` is a right value of the scalar `name`, or what is wrong with it.
pub(crate) fn check(name: &str, value: &Value) -> Result<(), String> {
    let fault = match name {
        "EntityRef" => text(value, |text| {
            // Whether a kind is needed depends on the field; any will do here.
            EntityRef::parse(text, Some("component"), "default")
                .map(drop)
                .map_err(|error| error.to_string())
        }),
        "DateTime" => text(value, |text| match text.parse::<jiff::Timestamp>() {
            Ok(_) => Ok(()),
            Err(_) => Err("it is no RFC 3339 time, such as `2026-01-31T12:00:00Z`".to_owned()),
        }),
        "Duration" => text(value, |text| match text.parse::<jiff::SignedDuration>() {
            Ok(_) => Ok(()),
            Err(_) => Err("it is no duration, such as `PT30S` or `30s`".to_owned()),
        }),
        "URL" => text(value, |text| match url::Url::parse(text) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }),
        "HTML" => text(value, |_| Ok(())),
        "Revision" => match revision(value) {
            Some(_) => Ok(()),
            None => Err("it is no revision, which is a number from 0 on".to_owned()),
        },
        _ => Ok(()),
    };
    fault.map_err(|fault| format!("{} is no `{name}`: {fault}", shorten(value)))
}

/// The number of a `Revision`, given as a number or as its text.
pub(crate) fn revision(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn text(value: &Value, check: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    match value.as_str() {
        Some(text) => check(text),
        None => Err("it is no string".to_owned()),
    }
}
