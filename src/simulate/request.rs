//! A request as it was received.

use serde_json::Value;

use super::route::path_segments;
use crate::connect::example::{Parameter, When};
use crate::sdl::Method;

/// What the simulated upstream looks at.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) method: Method,
    /// As it came, encoded.
    pub(super) path: String,
    /// The path, decoded segment by segment.
    pub(super) segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// The body; null if it is no JSON.
    pub(super) json: Value,
}

impl Received {
    pub(super) fn new(
        method: Method,
        path: &str,
        query: Option<&str>,
        headers: Vec<(String, String)>,
        body: &[u8],
    ) -> Self {
        let query = query.unwrap_or_default();
        Self {
            method,
            path: path.to_owned(),
            segments: path_segments(path),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers,
            json: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    pub(super) fn query_values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.query.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// Whether this is a request that `when` means; `but` is a parameter that is judged row by row.
    pub(super) fn is_meant(&self, when: &When, but: Option<&str>) -> bool {
        let mut query = when.query.iter().filter(|p| but != Some(&*p.name));
        query.all(|Parameter { name, values }| {
            let wanted = values;
            let mut values = self.query_values(name);
            match wanted {
                None => values.next().is_none(),
                Some(wanted) => {
                    let all: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
                    let whole: Vec<&str> = self.query_values(name).collect();
                    wanted
                        .iter()
                        .all(|one| all.contains(&&**one) || whole.contains(&&**one))
                }
            }
        }) && when
            .headers
            .iter()
            .all(|(name, value)| self.header(name) == Some(value))
            && when
                .body
                .as_ref()
                .is_none_or(|wanted| contains(&self.json, wanted))
    }
}

/// How much a `when` says, beside the parameter `but`: the more, the more it is meant.
pub(super) fn weight(when: &When, but: Option<&str>) -> usize {
    let query = when.query.iter().filter(|p| but != Some(&*p.name));
    let arguments = when.arguments.as_ref().map_or(0, serde_json::Map::len);
    query.count() + when.headers.len() + when.body.iter().count() + arguments
}

/// Whether every member of `wanted` is in `given`.
pub(super) fn contains(given: &Value, wanted: &Value) -> bool {
    match (given, wanted) {
        (Value::Object(given), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, value)| given.get(name).is_some_and(|given| contains(given, value))),
        (given, wanted) => given == wanted,
    }
}
