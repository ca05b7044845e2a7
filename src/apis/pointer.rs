//! `$ref`: what it points to in the same text, and what is wrong with those that point nowhere.

use std::collections::HashSet;

use percent_encoding::percent_decode_str;

use super::definition::Problem;
use crate::catalog::yaml::{Content, Node};
use crate::diagnostic::Position;

/// How many references in a row are followed.
const MAX_HOPS: usize = 16;

/// The reference that a node is, if it is one.
pub(super) fn reference<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    node.get("$ref").and_then(Node::as_str)
}

/// What a pointer such as `#/components/schemas/Payment` leads to.
pub(super) fn find<'n, 'a>(root: &'n Node<'a>, pointer: &str) -> Option<&'n Node<'a>> {
    let steps = pointer.strip_prefix('#')?;
    if steps.is_empty() {
        return Some(root);
    }
    let mut node = root;
    for step in steps.strip_prefix('/')?.split('/') {
        let step = decoded(step);
        node = match &node.value {
            Content::Map(_) => node.get(&step)?,
            Content::List(items) => items.get(step.parse::<usize>().ok()?)?,
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::String(_) => {
                return None;
            }
        };
    }
    Some(node)
}

/// A step of a pointer as it stands in the text: `~1` is `/`, and `%7B` is `{`.
fn decoded(step: &str) -> String {
    let text = percent_decode_str(step).decode_utf8_lossy();
    text.replace("~1", "/").replace("~0", "~")
}

/// What people call what a pointer leads to: its last step.
pub(super) fn name(pointer: &str) -> Option<Box<str>> {
    let (file, steps) = pointer.split_once('#').unwrap_or((pointer, ""));
    let last = match steps.rsplit('/').next() {
        Some(last) if !last.is_empty() => decoded(last),
        _ => {
            let file = file.rsplit('/').next().unwrap_or_default();
            file.split('.').next().unwrap_or_default().to_owned()
        }
    };
    (!last.is_empty()).then(|| last.into())
}

/// The node, or what it refers to; `None` where a reference cannot be followed.
pub(super) fn followed<'n, 'a>(root: &'n Node<'a>, node: &'n Node<'a>) -> Option<&'n Node<'a>> {
    let mut node = node;
    for _ in 0..MAX_HOPS {
        match reference(node) {
            None => return Some(node),
            Some(pointer) => node = find(root, pointer)?,
        }
    }
    None
}

/// The last of the references that lead from a node to what it stands for.
pub(super) fn last<'n>(root: &'n Node<'_>, node: &'n Node<'_>) -> Option<&'n str> {
    let mut node = node;
    let mut last = None;
    for _ in 0..MAX_HOPS {
        let Some(pointer) = reference(node) else {
            break;
        };
        last = Some(pointer);
        match find(root, pointer) {
            Some(next) => node = next,
            None => break,
        }
    }
    last
}

/// Members whose values are examples: what looks like a reference there is none.
const EXAMPLES: &[&str] = &[
    "example",
    "examples",
    "default",
    "enum",
    "const",
    "payload-example",
];

/// Looks at every reference of a text: those to other files, and those to nothing, are problems.
pub(super) fn check(root: &Node<'_>, problems: &mut Vec<Problem>) {
    let mut told: HashSet<&str> = HashSet::new();
    let mut open: Vec<&Node<'_>> = vec![root];
    while let Some(node) = open.pop() {
        match &node.value {
            Content::List(items) => open.extend(items.iter().rev()),
            Content::Map(entries) => {
                for entry in entries {
                    match (&*entry.key, entry.value.as_str()) {
                        ("$ref", Some(target)) => {
                            if told.insert(target) {
                                problems.extend(judge(root, target, entry.value.span.start));
                            }
                        }
                        (key, _) if key.starts_with("x-") || EXAMPLES.contains(&key) => {}
                        _ => open.push(&entry.value),
                    }
                }
            }
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::String(_) => {}
        }
    }
    circles(root, problems);
}

fn judge(root: &Node<'_>, target: &str, at: Position) -> Option<Problem> {
    if target.starts_with('#') {
        // `#Name` is an anchor of JSON Schema; they are rare, and what they name is not looked for.
        let leads = find(root, target).is_some() || !target.starts_with("#/") && target != "#";
        return (!leads).then(|| {
            Problem::error(
                "definition-reference",
                format!("`{target}` leads to nothing"),
            )
            .at(at)
            .hint("look at the spelling, also of upper and lower case")
        });
    }
    let message = format!("`{target}` is in another file, which is not part of this text");
    let problem = Problem::warning("definition-reference", message).at(at);
    Some(problem.hint(
        "let `$openapi` or `$asyncapi` fill in the definition: they bring along what is in files below the folder that is read",
    ))
}

/// References that only lead to each other.
fn circles(root: &Node<'_>, problems: &mut Vec<Problem>) {
    let sections = ["components", "definitions", "parameters", "responses"];
    let mut open: Vec<&Node<'_>> = sections.iter().filter_map(|key| root.get(key)).collect();
    let mut depth = 0;
    while !open.is_empty() && depth < 3 {
        let entries = open.iter().flat_map(|node| node.entries());
        let next: Vec<&Node<'_>> = entries.map(|entry| &entry.value).collect();
        for node in &next {
            if let Some(pointer) = reference(node)
                && find(root, pointer).is_some()
                && is_circle(root, node)
            {
                let message = format!("`{pointer}` leads back to itself, and to nothing else");
                let at = node.span.start;
                problems.push(Problem::error("definition-reference", message).at(at));
            }
        }
        open = next;
        depth += 1;
    }
}

fn is_circle(root: &Node<'_>, start: &Node<'_>) -> bool {
    let mut node = start;
    for _ in 0..MAX_HOPS {
        match reference(node).and_then(|pointer| find(root, pointer)) {
            None => return false,
            Some(next) if std::ptr::eq(next, start) => return true,
            Some(next) => node = next,
        }
    }
    false
}
