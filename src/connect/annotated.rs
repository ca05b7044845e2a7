//! From which annotations a request takes what it asks for.
//!
//! A request is written in names of its connector; whoever wrote the descriptor knows its annotations alone, so that is what he is told of.

use serde_json::{Map, Value};

use crate::sdl::Connect;
use crate::sdl::expr::{Expr, Read};

/// The annotation that is read.
pub(super) fn annotation(read: &Read) -> Option<&str> {
    match &*read.path {
        [metadata, section, name, ..]
            if *read.root == *"entity"
                && **metadata == *"metadata"
                && **section == *"annotations" =>
        {
            Some(name)
        }
        _ => None,
    }
}

/// The annotations that an expression reads, itself or by a `let`, in the order in which it reads them.
pub(super) fn behind(connect: &Connect, expr: &Expr) -> Vec<Box<str>> {
    let mut names: Vec<Box<str>> = Vec::new();
    let mut followed = vec![false; connect.lets.len()];
    let mut reads = expr.reads();
    reads.reverse();
    while let Some(read) = reads.pop() {
        if let Some(name) = annotation(&read) {
            if !names.iter().any(|known| **known == *name) {
                names.push(name.into());
            }
            continue;
        }
        for (item, followed) in connect.lets.iter().zip(&mut followed) {
            if *item.name == *read.root && !std::mem::replace(followed, true) {
                reads.extend(item.value.reads().into_iter().rev());
            }
        }
    }
    names
}

/// The end of a sentence about an expression, as it is written; empty where no annotation is behind it.
pub(super) fn told(connect: &Connect, written: &str) -> String {
    let names = Expr::parse(written).map_or_else(|_| Vec::new(), |expr| behind(connect, &expr));
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("; it comes from the annotation {one}"),
        all => format!("; it comes from one of the annotations {}", all.join(", ")),
    }
}

/// What values come to, each with the annotation that it comes from: several of one annotation are one text, the items of a list stand for themselves.
///
/// A value that no annotation is behind goes under the expression as it is written.
pub(super) fn keys(
    connect: &Connect,
    values: impl Iterator<Item = (Expr, Value)>,
    annotations: Option<&Map<String, Value>>,
) -> Vec<(Box<str>, String)> {
    let mut keys: Vec<(Box<str>, String)> = Vec::new();
    for (expr, value) in values {
        let names = behind(connect, &expr);
        let mut there = names
            .into_iter()
            .filter(|name| annotations.is_some_and(|all| all.contains_key(&**name)));
        let name = there.next().unwrap_or_else(|| expr.source().into());
        match value {
            Value::Array(items) => {
                let texts = items.iter().filter_map(text);
                keys.extend(texts.map(|text| (name.clone(), text)));
            }
            value => {
                let Some(text) = text(&value) else {
                    continue;
                };
                match keys.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => {
                        known.push('/');
                        known.push_str(&text);
                    }
                    None => keys.push((name, text)),
                }
            }
        }
    }
    keys
}

fn text(value: &Value) -> Option<String> {
    super::ask::key_text(value).map(String::from)
}
