//! Which operations a filter lets through: the operators of the graph's other filters, ignoring case as those do.

use serde_json::Value;

use crate::apis::{Action, Operation};

/// Whether all that stands in `filter` holds.
pub(super) fn fits(operation: &Operation, filter: &Value) -> bool {
    let Some(members) = filter.as_object() else {
        return true;
    };
    members
        .iter()
        .all(|(name, wanted)| match (&**name, wanted) {
            (_, Value::Null) => true,
            ("and", Value::Array(all)) => all.iter().all(|filter| fits(operation, filter)),
            ("or", Value::Array(any)) => any.iter().any(|filter| fits(operation, filter)),
            ("not", wanted) => !fits(operation, wanted),
            ("deprecated", Value::Bool(wanted)) => operation.deprecated == *wanted,
            ("text", Value::String(text)) => mentions(operation, text),
            ("tags", wanted) => compares(&texts(&operation.tags), wanted, true),
            (name, wanted) => compares(&member(operation, name), wanted, false),
        })
}

fn texts(list: &[Box<str>]) -> Vec<&str> {
    list.iter().map(AsRef::as_ref).collect()
}

/// The one text of a member, or none.
fn member<'o>(operation: &'o Operation, name: &str) -> Vec<&'o str> {
    let text = match name {
        "kind" => Some(operation.kind.as_str()),
        "method" => operation.method.as_deref(),
        "path" => operation.path.as_deref(),
        "channel" => operation.channel.as_deref(),
        "action" => operation.action.map(Action::as_str),
        "rpc" => operation.rpc.as_deref(),
        "field" => operation.field.as_deref(),
        "name" => operation.name.as_deref(),
        _ => None,
    };
    text.into_iter().collect()
}

/// Whether every word of `text` stands somewhere in it.
fn mentions(operation: &Operation, text: &str) -> bool {
    let members = [
        &operation.name,
        &operation.path,
        &operation.channel,
        &operation.rpc,
        &operation.field,
        &operation.summary,
        &operation.description,
    ];
    let members = members.iter().filter_map(|member| member.as_deref());
    let lists = [&operation.tags, &operation.request, &operation.response];
    let lists = lists.iter().flat_map(|list| list.iter().map(AsRef::as_ref));
    let all: Vec<String> = members.chain(lists).map(str::to_lowercase).collect();
    let mut words = text.split_whitespace().map(str::to_lowercase);
    words.all(|word| all.iter().any(|text| text.contains(&word)))
}

/// Whether operators hold for the values of a member.
fn compares(values: &[&str], operators: &Value, list: bool) -> bool {
    let lower: Vec<String> = values.iter().map(|value| value.to_lowercase()).collect();
    let Some(operators) = operators.as_object() else {
        return true;
    };
    operators.iter().all(|(operator, wanted)| {
        let text = wanted.as_str().map(str::to_lowercase);
        match (&**operator, wanted, &text) {
            (_, Value::Null, _) => true,
            ("exists", Value::Bool(wanted), _) => lower.is_empty() != *wanted,
            ("in", Value::Array(wanted), _) => wanted
                .iter()
                .filter_map(Value::as_str)
                .any(|wanted| lower.contains(&wanted.to_lowercase())),
            ("eq", _, Some(text)) => lower.contains(text),
            ("ne", _, Some(text)) => !lower.contains(text),
            ("startsWith", _, Some(text)) => lower.iter().any(|value| value.starts_with(text)),
            ("contains", _, Some(text)) if list => lower.contains(text),
            ("contains", _, Some(text)) => lower.iter().any(|value| value.contains(text)),
            ("lt", _, Some(text)) => lower.iter().any(|value| value < text),
            ("gt", _, Some(text)) => lower.iter().any(|value| value > text),
            _ => true,
        }
    })
}
