//! YAML text to a tree that remembers where everything was written, with the environment filled in.

use std::sync::Arc;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use super::Environment;
use crate::diagnostic::{Diagnostic, Position, Span};

/// Where something was written.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) file: Arc<str>,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) data: Data,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Text),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A string, the environment filled in.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) value: String,
    /// Whether any of it came from the environment: such text may stand for a number, and is never printed.
    pub(super) substituted: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: Place,
}

impl Data {
    /// What a person would call it.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a section",
        }
    }
}

impl Node {
    /// Puts `self` over `default`: sections are merged key by key, everything else replaces; what is left empty keeps the default.
    pub(super) fn over(self, default: Self) -> Self {
        match (self.data, default.data) {
            (Data::Null, below) => Self {
                place: default.place,
                data: below,
            },
            (Data::Map(above), Data::Map(mut below)) => {
                for (key, node) in above {
                    match below.iter_mut().find(|(known, _)| known.name == key.name) {
                        Some((known, slot)) => {
                            let old = std::mem::replace(slot, Self::null(key.place.clone()));
                            *slot = node.over(old);
                            *known = key;
                        }
                        None => below.push((key, node)),
                    }
                }
                Self {
                    place: self.place,
                    data: Data::Map(below),
                }
            }
            (data, _) => Self {
                place: self.place,
                data,
            },
        }
    }

    fn null(place: Place) -> Self {
        Self {
            place,
            data: Data::Null,
        }
    }
}

/// Reads one document; problems are added to `problems`.
pub(super) fn parse(
    file: &Arc<str>,
    text: &str,
    environment: Environment<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Node> {
    let mut documents = match MarkedYaml::load_from_str(text.trim_start_matches('\u{FEFF}')) {
        Ok(documents) => documents,
        Err(error) => {
            let at = position(error.marker());
            problems.push(
                Diagnostic::error(
                    "config-syntax",
                    Arc::clone(file),
                    format!("this is not YAML: {}", error.info()),
                )
                .at(Span { start: at, end: at })
                .hint(not_yaml(error.info())),
            );
            return None;
        }
    };
    if documents.len() > 1 {
        problems.push(
            Diagnostic::error(
                "config-syntax",
                Arc::clone(file),
                "more than one document in a configuration file",
            )
            .at(span(&documents[1]))
            .hint("remove the `---` and put everything into one document"),
        );
        return None;
    }
    let mut reader = Reader {
        file,
        environment,
        problems,
    };
    let start = Position { line: 1, column: 1 };
    let node = match documents.pop() {
        Some(document) => reader.node(document),
        None => Node::null(Place {
            file: Arc::clone(file),
            span: Span { start, end: start },
        }),
    };
    Some(node)
}

struct Reader<'a> {
    file: &'a Arc<str>,
    environment: Environment<'a>,
    problems: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn node(&mut self, yaml: MarkedYaml<'_>) -> Node {
        let place = self.place(&yaml);
        let data = match yaml.data {
            YamlData::Value(scalar) => self.scalar(scalar, &place),
            YamlData::Sequence(items) => {
                Data::List(items.into_iter().map(|item| self.node(item)).collect())
            }
            YamlData::Mapping(entries) => Data::Map(
                entries
                    .into_iter()
                    .filter_map(|(key, value)| Some((self.key(&key)?, self.node(value))))
                    .collect(),
            ),
            YamlData::Tagged(_, inner) => return self.node(*inner),
            YamlData::Representation(text, ..) => self.text(&text, &place),
            YamlData::Alias(_) | YamlData::BadValue => {
                self.problems.push(
                    Diagnostic::error(
                        "config-syntax",
                        Arc::clone(self.file),
                        "this value cannot be read",
                    )
                    .at(place.span),
                );
                Data::Null
            }
        };
        Node { place, data }
    }

    fn key(&mut self, yaml: &MarkedYaml<'_>) -> Option<Key> {
        let place = self.place(yaml);
        if let YamlData::Value(Scalar::String(name)) = &yaml.data {
            return Some(Key {
                name: name.clone().into_owned(),
                place,
            });
        }
        self.problems.push(
            Diagnostic::error("config-syntax", Arc::clone(self.file), "a key must be text")
                .at(place.span),
        );
        None
    }

    fn scalar(&mut self, scalar: Scalar<'_>, place: &Place) -> Data {
        match scalar {
            Scalar::Null => Data::Null,
            Scalar::Boolean(value) => Data::Bool(value),
            Scalar::Integer(value) => Data::Integer(value),
            Scalar::FloatingPoint(value) => Data::Float(*value),
            Scalar::String(text) => self.text(&text, place),
        }
    }

    fn text(&mut self, text: &str, place: &Place) -> Data {
        match substitute(text, self.environment) {
            Ok((value, substituted)) => Data::Text(Text { value, substituted }),
            Err(problem) => {
                let (message, hint) = problem.explain();
                self.problems.push(
                    Diagnostic::error("config-variable", Arc::clone(self.file), message)
                        .at(place.span)
                        .hint(hint),
                );
                // Not null, which would bring the default back and hide that something was written here.
                Data::Text(Text {
                    value: String::new(),
                    substituted: true,
                })
            }
        }
    }

    fn place(&self, yaml: &MarkedYaml<'_>) -> Place {
        Place {
            file: Arc::clone(self.file),
            span: span(yaml),
        }
    }
}

enum SubstitutionProblem {
    Unset(String),
    Unclosed,
    BadName(String),
}

impl SubstitutionProblem {
    fn explain(&self) -> (String, String) {
        match self {
            Self::Unset(name) => (
                format!("the environment variable `{name}` is not set"),
                format!("set it, or give a default: `${{{name}:-text}}`"),
            ),
            Self::Unclosed => (
                "`${` without `}`".to_owned(),
                "close it, or write `$${` for the characters themselves".to_owned(),
            ),
            Self::BadName(name) => (
                format!("`{name}` is not the name of an environment variable"),
                "a name has letters, digits and `_`; write `$${` for the characters themselves"
                    .to_owned(),
            ),
        }
    }
}

/// What to do about a syntax error.
fn not_yaml(info: &str) -> &'static str {
    if info.contains("tab") {
        "indent with spaces"
    } else if info.contains("duplicated key") {
        "write the key once, with all that belongs below it"
    } else {
        "look at the indentation, the brackets and the quotes here and on the line above"
    }
}

/// Fills in `${NAME}` and `${NAME:-default}`; the second value says whether there was any.
fn substitute(
    text: &str,
    environment: Environment<'_>,
) -> Result<(String, bool), SubstitutionProblem> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut substituted = false;
    while let Some((before, behind)) = rest.split_once("${") {
        if let Some(literal) = before.strip_suffix('$') {
            out.push_str(literal);
            out.push_str("${");
            rest = behind;
            continue;
        }
        out.push_str(before);
        let (inside, behind) = behind
            .split_once('}')
            .ok_or(SubstitutionProblem::Unclosed)?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(SubstitutionProblem::BadName(name.to_owned()));
        }
        let value = environment(name).filter(|value| default.is_none() || !value.is_empty());
        match (value, default) {
            (Some(value), _) => out.push_str(&value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => return Err(SubstitutionProblem::Unset(name.to_owned())),
        }
        substituted = true;
        rest = behind;
    }
    out.push_str(rest);
    Ok((out, substituted))
}

fn span(yaml: &MarkedYaml<'_>) -> Span {
    Span {
        start: position(&yaml.span.start),
        end: position(&yaml.span.end),
    }
}

fn position(marker: &saphyr::Marker) -> Position {
    Position {
        line: u32::try_from(marker.line()).unwrap_or(u32::MAX),
        column: u32::try_from(marker.col() + 1).unwrap_or(u32::MAX),
    }
}
