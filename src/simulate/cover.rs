//! Whether the examples of a connector answer all that it asks, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::roots::root_field;
use super::route::{Route, path_segments};
use super::settings::lead;
use crate::connect::example::{Asked, Example, Reply, method_name};
use crate::diagnostic::{Diagnostic, closest};
use crate::sdl::{Connect, Model, Request, connects, settings};
use url::Url;

/// What is wrong between a connector and its examples; each problem at its place.
pub fn check(model: &Model, connector: &str, examples: &[Example]) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let replies: Vec<&Reply> = examples.iter().flat_map(|e| &e.upstream).collect();
    let mut told = BTreeSet::new();
    let asking: Vec<&Arc<Connect>> = connects(model)
        .filter(|connect| *connect.connector == *connector)
        .collect();
    for connect in &asking {
        if replies.iter().any(|reply| answers(reply, connect)) || !told.insert(&connect.span) {
            continue;
        }
        let message = format!("no example answers `{}`", asked(connect));
        problems.push(
            Diagnostic::error("example-gap", Arc::clone(&connect.span.0), message)
                .at(connect.span.1)
                .hint("add it to `upstream` of a file in `examples/`"),
        );
    }
    for reply in &replies {
        if asking.iter().any(|connect| answers(reply, connect)) {
            continue;
        }
        let message = match &reply.asked {
            Asked::Rest { method, path } => {
                format!("the connector never asks `{} {path}`", method_name(*method))
            }
            Asked::Graphql { field } => format!("the connector never asks `{field}`"),
        };
        problems.push(
            Diagnostic::error("example-gap", Arc::clone(&reply.file), message)
                .at(reply.span)
                .hint("write the path as in the connector's templates, holes filled and without the path of the source's `url`, or remove it"),
        );
    }
    for example in examples {
        problems.extend(misconfigured(model, connector, example));
    }
    problems
}

/// Settings that the connector does not read, and sources that cannot be led to a simulated upstream.
fn misconfigured(model: &Model, connector: &str, example: &Example) -> Vec<Diagnostic> {
    let at = |code: &'static str, message: String, hint: String| {
        Diagnostic::error(code, Arc::clone(&example.file), message)
            .at(example.query_span)
            .hint(hint)
    };
    let names = settings(model).remove(connector).unwrap_or_default();
    let config = example.settings.config.keys();
    let unread = config
        .map(|name| ("config", name, &names.config))
        .chain(
            example
                .settings
                .secrets
                .keys()
                .map(|name| ("secrets", name, &names.secrets)),
        )
        .filter(|(_, name, known)| !known.contains(name.as_str()));
    let mut problems: Vec<Diagnostic> = unread
        .map(|(section, name, known)| {
            let message = format!("the connector reads no `{name}` in `settings.{section}`");
            let hint = match closest(name, known.iter().map(|known| &**known)) {
                Some(known) => format!("did you mean `{known}`?"),
                None => "remove it".to_owned(),
            };
            at("example-key", message, hint)
        })
        .collect();
    let somewhere = Url::parse("http://127.0.0.1:1");
    if let Ok(origin) = somewhere
        && let Err(error) = lead(model, connector, &example.settings, &origin)
    {
        problems.push(at(
            "example-value",
            error.to_string(),
            error.hint.to_owned(),
        ));
    }
    problems
}

fn answers(reply: &Reply, connect: &Connect) -> bool {
    match (&reply.asked, &connect.request) {
        (
            Asked::Rest { method, path },
            Request::Rest {
                method: m,
                template,
            },
        ) => Route::new(*m, template).fits(*method, &path_segments(path)),
        (Asked::Graphql { field }, Request::Graphql { selection }) => {
            root_field(selection) == Some(field)
        }
        _ => false,
    }
}

fn asked(connect: &Connect) -> String {
    match &connect.request {
        Request::Rest { method, template } => Route::new(*method, template).label.into(),
        Request::Graphql { selection } => root_field(selection).unwrap_or_default().to_owned(),
    }
}
