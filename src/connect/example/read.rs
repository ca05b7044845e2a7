//! From YAML to an [`Example`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::fields::{Fields, Sink};
use super::place::Place;
use super::{Asked, Effect, Example, Item, Paging, Parameter, Reply, Rows, Settings, Step, When};
use crate::catalog::yaml::{self, Content, Entry, Node};
use crate::diagnostic::{Diagnostic, Position, Severity, Span, closest};
use crate::sdl::expr::Expr;
use crate::sdl::{Method, PageStyle};

const METHODS: [(&str, Method); 5] = [
    ("get", Method::Get),
    ("post", Method::Post),
    ("put", Method::Put),
    ("patch", Method::Patch),
    ("delete", Method::Delete),
];

/// Before the name of a root field of a graph.
const QUERY: &str = "query";

const STYLES: [(&str, PageStyle); 5] = [
    ("LINK", PageStyle::Link),
    ("CURSOR", PageStyle::Cursor),
    ("OFFSET", PageStyle::Offset),
    ("PAGE", PageStyle::Page),
    ("RELAY", PageStyle::Relay),
];

/// Rows of a page for which no size is asked: what most upstreams have.
const PAGE_SIZE: u64 = 25;

pub(super) fn example(file: &Arc<str>, text: &str) -> (Option<Example>, Vec<Diagnostic>) {
    let sink = Sink {
        file: Arc::clone(file),
        problems: RefCell::default(),
    };
    let text = yaml::readable(text.trim_start_matches('\u{FEFF}'));
    let parsed = yaml::parse(&text, 0);
    for problem in parsed.problems {
        let mut diagnostic =
            Diagnostic::error("example-syntax", Arc::clone(file), problem.message).at(problem.span);
        diagnostic.severity = problem.severity;
        diagnostic.hint = problem.hint;
        sink.problems.borrow_mut().push(diagnostic);
    }
    let example = match &parsed.root {
        Some(root) if parsed.complete => read(root, &sink),
        Some(_) => None,
        None => {
            let hint = "write `query`, `entities`, `expect` and `upstream`";
            let start = Position { line: 1, column: 1 };
            sink.report(
                "example-syntax",
                Span { start, end: start },
                "the example is empty",
                Some(hint.to_owned()),
            );
            None
        }
    };
    let mut problems = sink.problems.into_inner();
    problems.sort_by_key(|problem| problem.span.map(|span| span.start));
    let usable = !problems.iter().any(|p| p.severity == Severity::Error);
    (example.filter(|_| usable), problems)
}

fn read(root: &Node<'_>, sink: &Sink) -> Option<Example> {
    let mut fields = Fields::of(root, "the example", sink);
    let query = fields.need("query", "write the GraphQL query that is answered");
    if let Some(query) = query.filter(|query| query.as_str().is_none()) {
        let message = format!("`query` must be text, not {}", query.type_name());
        sink.report("example-type", query.span, message, None);
    }
    let clock = fields.take("clock").and_then(|node| instant(node, sink));
    let variables = fields.object("variables");
    let entities = fields.list("entities");
    for entity in entities {
        if !matches!(entity.value, Content::Map(_)) {
            let message = format!("an entity must be a descriptor, not {}", entity.type_name());
            sink.report("example-type", entity.span, message, None);
        }
    }
    let settings = match fields.take("settings") {
        Some(node) => settings(Fields::of(node, "`settings`", sink), true),
        None => Settings::default(),
    };
    let expect = fields.need("expect", "write the response, for example `{ data: … }`");
    let replies: Vec<_> = fields
        .list("upstream")
        .iter()
        .enumerate()
        .map(|(index, node)| reply(Fields::of(node, format!("`upstream[{index}]`"), sink), sink))
        .collect();
    fields.finish();
    let (query, expect) = (query?, expect?);
    Some(Example {
        file: Arc::clone(&sink.file),
        query: query.as_str()?.into(),
        query_span: query.span,
        clock,
        variables,
        entities: entities.iter().map(Node::to_json).collect(),
        settings,
        expect: expect.to_json(),
        expect_spans: spans(expect),
        expect_span: expect.span,
        upstream: replies.into_iter().flatten().collect(),
    })
}

/// Where each part of a value stands; a member begins with its key where it has members of its own.
fn spans(whole: &Node<'_>) -> HashMap<Box<str>, Span> {
    let mut spans = HashMap::new();
    let mut waiting: Vec<(String, &Node<'_>)> = vec![(String::new(), whole)];
    while let Some((path, node)) = waiting.pop() {
        match &node.value {
            Content::Map(entries) => {
                for entry in entries {
                    let path = match path.is_empty() {
                        true => entry.key.to_string(),
                        false => format!("{path}.{}", entry.key),
                    };
                    let span = match entry.value.value {
                        Content::Map(_) | Content::List(_) => entry.key_span,
                        _ => entry.value.span,
                    };
                    spans.insert(path.as_str().into(), span);
                    waiting.push((path, &entry.value));
                }
            }
            Content::List(items) => {
                for (position, item) in items.iter().enumerate() {
                    let path = format!("{path}[{position}]");
                    spans.insert(path.as_str().into(), item.span);
                    waiting.push((path, item));
                }
            }
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::String(_) => {}
        }
    }
    spans
}

fn instant(node: &Node<'_>, sink: &Sink) -> Option<Timestamp> {
    let clock = node.as_str().and_then(|text| text.parse().ok());
    if clock.is_none() {
        let hint = "write when the bodies were so, for example `2026-03-02T09:00:00Z`".to_owned();
        let message = "`clock` is no time of RFC 3339";
        sink.report("example-value", node.span, message, Some(hint));
    }
    clock
}

fn settings(mut fields: Fields<'_>, outer: bool) -> Settings {
    let mut settings = Settings {
        config: fields.object("config"),
        ..Settings::default()
    };
    for entry in fields.members("secrets") {
        if let Some(text) = scalar(&entry.value) {
            settings
                .secrets
                .insert(entry.key.clone().into_owned(), text.into());
        }
    }
    if outer {
        for entry in fields.members("instances") {
            let what = format!("the instance `{}`", entry.key);
            let inner = fields.inner(&entry.value, what);
            let inner = self::settings(inner, false);
            settings
                .instances
                .insert(entry.key.clone().into_owned(), inner);
        }
    }
    fields.finish();
    settings
}

fn reply(mut fields: Fields<'_>, sink: &Sink) -> Option<Reply> {
    let asked = asked(&mut fields, sink);
    let when = match fields.take("when") {
        Some(node) => when(Fields::of(node, "`when`", sink), sink),
        None => When::default(),
    };
    let rows = fields
        .take("rows")
        .map(|node| rows(Fields::of(node, "`rows`", sink), sink));
    let status = fields.number("status", 100..600).unwrap_or(200);
    let headers = texts(fields.members("headers"), sink);
    let body = fields.entry("body").map(|entry| entry.value.to_json());
    let item = fields
        .take("item")
        .and_then(|node| item(Fields::of(node, "`item`", sink), sink));
    let steps = fields.list("steps");
    let steps = steps
        .iter()
        .filter_map(|node| step(Fields::of(node, "a step", sink), sink))
        .collect();
    let effects: Vec<_> = match fields.take("effect") {
        None => Vec::new(),
        Some(Node {
            value: Content::List(items),
            ..
        }) => items.iter().collect(),
        Some(node) => vec![node],
    };
    let effects = effects
        .into_iter()
        .filter_map(|node| effect(Fields::of(node, "`effect`", sink), sink))
        .collect();
    let span = fields.span();
    fields.finish();
    Some(Reply {
        file: Arc::clone(&sink.file),
        span,
        asked: asked?,
        when,
        rows: match rows {
            Some(rows) => Some(rows?),
            None => None,
        },
        status: u16::try_from(status).unwrap_or(200),
        headers,
        body: body.unwrap_or(Value::Null),
        item,
        steps,
        effects,
    })
}

/// Exactly one of the methods, or `graphql`.
fn asked(fields: &mut Fields<'_>, sink: &Sink) -> Option<Asked> {
    let mut found = Vec::new();
    for (key, method) in METHODS {
        if let Some(path) = fields.text(key) {
            found.push(Asked::Rest {
                method,
                path: path.into(),
            });
        }
    }
    if let Some(field) = fields.text("graphql") {
        found.push(Asked::Graphql {
            field: field.into(),
        });
    }
    if found.len() != 1 {
        let message = match found.len() {
            0 => "nothing says which request this answers",
            _ => "more than one thing says which request this answers",
        };
        let hint = "write one of `get`, `post`, `put`, `patch`, `delete` with a path, or `graphql` with a root field";
        sink.report("example-missing", fields.span(), message, Some(hint.into()));
        return None;
    }
    let asked = found.pop()?;
    if let Asked::Rest { path, .. } = &asked {
        check_path(path, fields.span(), sink)?;
    }
    Some(asked)
}

fn check_path(path: &str, span: Span, sink: &Sink) -> Option<()> {
    let problem = if !path.starts_with('/') {
        (
            "a path begins with `/`",
            "write it as the connector does, without scheme and host",
        )
    } else if path.contains('?') {
        (
            "a query stands in a path",
            "write it as `when: { query: { name: value } }`",
        )
    } else if path.split('/').any(is_torn) {
        (
            "a hole stands in a path, and is no whole segment",
            "write the path as the upstream sees it, for example `/services/P1`, or `/services/{service}` for any of them",
        )
    } else {
        return Some(());
    };
    sink.report("example-value", span, problem.0, Some(problem.1.to_owned()));
    None
}

/// A segment that is neither plain nor `{name}`.
fn is_torn(segment: &str) -> bool {
    let inner = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
    let is_word = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    segment.contains(['{', '}']) && !inner.is_some_and(is_word)
}

fn when(mut fields: Fields<'_>, sink: &Sink) -> When {
    let query = fields.members("query").iter().map(|entry| {
        let values = match &entry.value.value {
            Content::Null => None,
            Content::List(items) => Some(items.iter().filter_map(scalar).collect()),
            Content::Bool(_) | Content::Number(_) | Content::String(_) | Content::Map(_) => {
                Some(scalar(&entry.value).into_iter().collect())
            }
        };
        Parameter {
            name: entry.key.as_ref().into(),
            values,
        }
    });
    let when = When {
        query: query.collect(),
        headers: texts(fields.members("headers"), sink),
        body: fields.take("body").map(Node::to_json),
        arguments: Some(fields.object("arguments")).filter(|given| !given.is_empty()),
    };
    fields.finish();
    when
}

fn rows(mut fields: Fields<'_>, sink: &Sink) -> Option<Rows> {
    let at = match fields.need("at", "say where the list is, for example `items[]`") {
        Some(node) => place(node, sink),
        None => None,
    };
    let matches = fields.take("match").and_then(|node| {
        let text = node.as_str().unwrap_or_default();
        match Expr::parse(text) {
            Ok(expr) => Some(expr),
            Err(error) => {
                sink.report("example-value", node.span, error.message, error.hint);
                None
            }
        }
    });
    let param = fields.text("param").map(Into::into);
    let page = fields
        .take("page")
        .and_then(|node| paging(Fields::of(node, "`page`", sink), sink));
    fields.finish();
    Some(Rows {
        at: at?,
        matches,
        param,
        page,
    })
}

fn paging(mut fields: Fields<'_>, sink: &Sink) -> Option<Paging> {
    let style = fields.need("style", "write LINK, CURSOR, OFFSET, PAGE or RELAY")?;
    let word = style.as_str().unwrap_or_default();
    let known = STYLES.iter().find(|(name, _)| *name == word);
    if known.is_none() {
        let words = STYLES.iter().map(|(name, _)| *name);
        let hint = match closest(word, words.clone()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("one of {}", words.collect::<Vec<_>>().join(", ")),
        };
        let message = format!("`{word}` is no style of paging");
        sink.report("example-value", style.span, message, Some(hint));
    }
    let place_of = |node: Option<&Node<'_>>| node.and_then(|node| place(node, sink));
    let paging = Paging {
        style: known.map_or(PageStyle::Page, |(_, style)| *style),
        size: fields.text("size").map(Into::into),
        cursor: fields.text("cursor").map(Into::into),
        next: place_of(fields.take("next")),
        more: place_of(fields.take("more")),
        total: place_of(fields.take("total")),
        page_size: usize::try_from(fields.number("pageSize", 1..1001).unwrap_or(PAGE_SIZE))
            .unwrap_or(1),
    };
    fields.finish();
    Some(paging)
}

fn step(mut fields: Fields<'_>, sink: &Sink) -> Option<Step> {
    fields.need("after", "say when, for example `20s`");
    let after = fields.duration("after");
    let set = changes(fields.members("set"), sink);
    fields.finish();
    Some(Step { after: after?, set })
}

fn effect(mut fields: Fields<'_>, sink: &Sink) -> Option<Effect> {
    let on = fields.need("on", "say what changes, for example `GET /builds/1`")?;
    let after = fields.duration("after").unwrap_or_default();
    let arguments = Some(fields.object("arguments")).filter(|given| !given.is_empty());
    let copy = fields.take("copy").and_then(|node| place(node, sink));
    let set = changes(fields.members("set"), sink);
    fields.finish();
    Some(Effect {
        after,
        on: changed(on, sink)?,
        arguments,
        copy,
        set,
    })
}

fn item(mut fields: Fields<'_>, sink: &Sink) -> Option<Item> {
    let of = fields.need("of", "say what lists it, for example `GET /builds`");
    let of = of.and_then(|node| changed(node, sink));
    let at = fields.need(
        "at",
        "say where it stands, for example `builds[id={build}]`",
    );
    let at = at.and_then(|node| place(node, sink));
    let to = fields.take("to").and_then(|node| place(node, sink));
    fields.finish();
    Some(Item {
        of: of?,
        at: at?,
        to,
    })
}

/// `GET /builds/1`, or `query build`.
fn changed(on: &Node<'_>, sink: &Sink) -> Option<Asked> {
    let written = on.as_str().unwrap_or_default();
    let (word, rest) = written.split_once(' ').unwrap_or((written, ""));
    if word == QUERY && !rest.is_empty() {
        return Some(Asked::Graphql { field: rest.into() });
    }
    let method = METHODS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word));
    let Some((_, method)) = method else {
        let message = format!("`{word}` is no method");
        let hint = "for example `GET /builds/1`, or `query build` for a root field of a graph";
        sink.report("example-value", on.span, message, Some(hint.to_owned()));
        return None;
    };
    check_path(rest, on.span, sink)?;
    Some(Asked::Rest {
        method: *method,
        path: rest.into(),
    })
}

fn changes(members: &[Entry<'_>], sink: &Sink) -> Vec<(Place, Value)> {
    let change = |entry: &Entry<'_>| match Place::parse(&entry.key) {
        Ok(place) => Some((place, entry.value.to_json())),
        Err(error) => {
            sink.report("example-value", entry.key_span, error.message, error.hint);
            None
        }
    };
    members.iter().filter_map(change).collect()
}

fn place(node: &Node<'_>, sink: &Sink) -> Option<Place> {
    match Place::parse(node.as_str().unwrap_or_default()) {
        Ok(place) => Some(place),
        Err(error) => {
            sink.report("example-value", node.span, error.message, error.hint);
            None
        }
    }
}

fn texts(members: &[Entry<'_>], sink: &Sink) -> Vec<(Box<str>, Box<str>)> {
    let text = |entry: &Entry<'_>| {
        let value = scalar(&entry.value);
        if value.is_none() {
            let message = format!(
                "`{}` must be text, not {}",
                entry.key,
                entry.value.type_name()
            );
            sink.report("example-type", entry.value.span, message, None);
        }
        Some((entry.key.as_ref().into(), value?))
    };
    members.iter().filter_map(text).collect()
}

/// Text, also where YAML takes it for a number.
fn scalar(node: &Node<'_>) -> Option<Box<str>> {
    match &node.value {
        Content::String(text) => Some(text.as_ref().into()),
        Content::Number(number) => Some(number.to_string().into()),
        Content::Bool(truth) => Some(truth.to_string().into()),
        Content::Null | Content::List(_) | Content::Map(_) => None,
    }
}
