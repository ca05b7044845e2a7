//! Which template of a connector a request was made from, so that requests are counted by template.

use crate::connect::example::method_name;
use crate::sdl::expr::{Part, Template};
use crate::sdl::{Method, Model, Request, connects};

/// A template of `@connect`, taken apart at `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) method: Method,
    /// `GET /services/{$this.id}`
    pub(super) label: Box<str>,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// One segment: texts and holes.
    One(Vec<Piece>),
    /// A hole with `segments`: one segment or more.
    Many,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    Hole,
}

/// The routes of a connector, the most literal first.
pub(super) fn routes(model: &Model, connector: &str) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for connect in connects(model).filter(|connect| *connect.connector == *connector) {
        if let Request::Rest { method, template } = &connect.request {
            let route = Route::new(*method, template);
            if !routes.contains(&route) {
                routes.push(route);
            }
        }
    }
    routes.sort_by_key(|route| std::cmp::Reverse(route.n_literal()));
    routes
}

impl Route {
    pub(super) fn new(method: Method, template: &Template) -> Self {
        let source = template.source();
        let path = source.split('?').next().unwrap_or(source);
        Self {
            method,
            label: format!("{} {path}", method_name(method)).into(),
            segments: taken_apart(template),
        }
    }

    /// Whether a path, decoded segment by segment, may have been made from it.
    pub(super) fn fits(&self, method: Method, path: &[String]) -> bool {
        self.method == method && fit(&self.segments, path)
    }

    fn n_literal(&self) -> usize {
        let literal = |segment: &&Segment| matches!(segment, Segment::One(pieces) if !pieces.contains(&Piece::Hole));
        self.segments.iter().filter(literal).count()
    }
}

fn taken_apart(template: &Template) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut pieces = Vec::new();
    for part in template.parts() {
        match part {
            Part::Text(text) => {
                let path = text.split('?').next().unwrap_or(text);
                for (index, piece) in path.split('/').enumerate() {
                    if index > 0 && !pieces.is_empty() {
                        segments.push(Segment::One(std::mem::take(&mut pieces)));
                    }
                    if !piece.is_empty() {
                        pieces.push(Piece::Text(decoded(piece).into()));
                    }
                }
                if text.contains('?') {
                    break;
                }
            }
            Part::Hole(hole) if hole.segments.is_some() && pieces.is_empty() => {
                segments.push(Segment::Many);
            }
            Part::Hole(_) => pieces.push(Piece::Hole),
        }
    }
    if !pieces.is_empty() {
        segments.push(Segment::One(pieces));
    }
    segments
}

fn fit(segments: &[Segment], path: &[String]) -> bool {
    match (segments.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((Segment::One(pieces), rest)), Some((word, further))) => {
            piece_fits(pieces, word) && fit(rest, further)
        }
        (Some((Segment::Many, rest)), Some(_)) => {
            (1..=path.len()).any(|n| fit(rest, path.get(n..).unwrap_or_default()))
        }
        _ => false,
    }
}

fn piece_fits(pieces: &[Piece], word: &str) -> bool {
    match pieces.split_first() {
        None => word.is_empty(),
        Some((Piece::Text(text), rest)) => word
            .strip_prefix(&**text)
            .is_some_and(|behind| piece_fits(rest, behind)),
        // A value is never empty.
        Some((Piece::Hole, rest)) => word
            .char_indices()
            .skip(1)
            .map(|(at, _)| at)
            .chain([word.len()])
            .filter(|_| !word.is_empty())
            .any(|at| piece_fits(rest, word.split_at(at).1)),
    }
}

/// The segments of a path, each decoded: what `%2F` stands for does not part them.
pub(super) fn path_segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(decoded)
        .collect()
}

/// Percent escapes filled in; what is no UTF-8 then stays recognisably wrong.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let escape = (byte == b'%').then(|| behind.get(..2)).flatten();
        match escape.and_then(|pair| hex::decode(pair).ok()) {
            Some(decoded) => {
                bytes.extend(decoded);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_know_their_requests() {
        let fits = |template: &str, path: &str| {
            let template = Template::parse(template).expect("a template");
            Route::new(Method::Get, &template).fits(Method::Get, &path_segments(path))
        };
        for (template, path) in [
            ("/oncalls?ids[]={$batch.key}", "/oncalls"),
            ("/services/{$this.id}", "/services/P%2F1"),
            ("/services/{$this.id}/events", "/services/P1/events"),
            (
                "/job/{$j | segments('job')}/api/json",
                "/job/a/job/b/api/json",
            ),
            ("/{$j | segments}", "/a/b/c"),
            ("/x/{$a}.json", "/x/one.json"),
        ] {
            assert!(fits(template, path), "{template} {path}");
        }
        for (template, path) in [
            ("/services/{$this.id}", "/services"),
            ("/services/{$this.id}", "/services/a/b"),
            ("/x/{$a}.json", "/x/.json"),
            ("/job/{$j | segments('job')}/api/json", "/job/api/json"),
        ] {
            assert!(!fits(template, path), "{template} {path}");
        }
    }
}
