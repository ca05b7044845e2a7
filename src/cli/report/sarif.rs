//! SARIF 2.1.0, as GitHub's code scanning and the usual editors read it.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::Item;
use crate::app::schema;
use crate::cli::check;
use crate::diagnostic::{Severity, Span};
use crate::{apis, catalog, config, sdl};

pub(super) fn log(items: &[Item]) -> Value {
    let codes: BTreeSet<&str> = items.iter().map(|item| item.diagnostic.code).collect();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code)).collect();
    let results: Vec<Value> = items.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "callboard",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str) -> Value {
    let meaning = catalog::CODES
        .iter()
        .chain(check::CODES)
        .chain(sdl::CODES)
        .chain(config::CODES)
        .chain(schema::CODES)
        .chain(apis::CODES)
        .find_map(|(known, meaning)| (*known == code).then_some(*meaning))
        .unwrap_or(code);
    json!({ "id": code, "shortDescription": { "text": meaning } })
}

fn result(item: &Item) -> Value {
    let diagnostic = &item.diagnostic;
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let text = match &diagnostic.hint {
        Some(hint) => format!("{}\n{hint}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let mut place = json!({ "artifactLocation": { "uri": uri(&diagnostic.file) } });
    if let (Some(span), Some(place)) = (diagnostic.span, place.as_object_mut()) {
        place.insert("region".to_owned(), region(span));
    }
    let mut result = json!({
        "ruleId": diagnostic.code,
        "level": level,
        "message": { "text": text },
        "locations": [{ "physicalLocation": place }],
    });
    if let (Some(entity_ref), Some(result)) = (&item.entity_ref, result.as_object_mut()) {
        result.insert("properties".to_owned(), json!({ "entityRef": entity_ref }));
    }
    result
}

fn region(span: Span) -> Value {
    json!({
        "startLine": span.start.line,
        "startColumn": span.start.column,
        "endLine": span.end.line.max(span.start.line),
        "endColumn": if span.end > span.start { span.end.column } else { span.start.column },
    })
}

/// What stands in a relative reference as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// A relative URI reference, or a `file:` URL for an absolute path.
fn uri(file: &str) -> String {
    if let Ok(url) = url::Url::from_file_path(file) {
        return url.into();
    }
    utf8_percent_encode(&file.replace('\\', "/"), PATH).to_string()
}
