//! `$text`, `$json`, `$yaml`, `$openapi`, `$asyncapi`: an object with one of them as its only key stands for the contents of another file.
//!
//! As in Backstage's `PlaceholderProcessor`: unknown names are left alone (so a JSON Schema's `$ref` survives), and so are objects that have more keys.

use std::borrow::Cow;

use serde_json::Value;

use super::Substitutions;
use super::bundle::{self, Trouble};
use super::documents;
use super::problem::{Findings, Problem, item, member, shown};
use super::text::decode;
use super::yaml::{self, Content, MAX_DEPTH, Node};
use crate::diagnostic::{Severity, Span};

/// How many bytes substitutions may bring into all documents of one file.
const MAX_TOTAL_BYTES: usize = 4 * super::text::MAX_FILE_BYTES;

/// Fills in one file's documents.
pub(super) struct Substituter<'s> {
    source: &'s dyn Substitutions,
    bytes_left: usize,
    /// The targets as written, in the order of their first use.
    pub(super) includes: Vec<Box<str>>,
    /// What the definition that was filled in last refers to in vain.
    troubles: Vec<Trouble>,
}

#[derive(Clone, Copy)]
enum Resolver {
    Text,
    Json,
    Yaml,
    /// Text with what it refers to in other files.
    Definition,
}

impl Resolver {
    fn named(key: &str) -> Option<Self> {
        match key {
            "$text" => Some(Self::Text),
            "$json" => Some(Self::Json),
            "$yaml" => Some(Self::Yaml),
            "$openapi" | "$asyncapi" => Some(Self::Definition),
            _ => None,
        }
    }
}

impl<'s> Substituter<'s> {
    pub(super) fn new(source: &'s dyn Substitutions) -> Self {
        Self {
            source,
            bytes_left: MAX_TOTAL_BYTES,
            includes: Vec::new(),
            troubles: Vec::new(),
        }
    }

    /// Fills in everything below `metadata` and `spec`; what says which entity it is must stand there itself.
    pub(super) fn fill(&mut self, root: &mut Node<'_>, findings: &mut Findings) {
        let Content::Map(entries) = &mut root.value else {
            return;
        };
        for entry in entries {
            match (entry.key.as_ref(), &mut entry.value.value) {
                ("spec", _) => self.visit(&mut entry.value, "spec", 1, findings),
                ("metadata", Content::Map(members)) => {
                    for inner in members {
                        if !matches!(inner.key.as_ref(), "name" | "namespace") {
                            let path = member("metadata", &inner.key);
                            self.visit(&mut inner.value, &path, 2, findings);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn visit(&mut self, node: &mut Node<'_>, path: &str, depth: usize, findings: &mut Findings) {
        match &mut node.value {
            Content::Null | Content::Bool(_) | Content::Number(_) | Content::String(_) => {}
            Content::List(items) => {
                for (index, value) in items.iter_mut().enumerate() {
                    self.visit(value, &item(path, index), depth + 1, findings);
                }
            }
            Content::Map(entries) => {
                if !entries.iter().any(|entry| entry.key.starts_with('$')) {
                    for entry in entries {
                        let path = member(path, &entry.key);
                        self.visit(&mut entry.value, &path, depth + 1, findings);
                    }
                    return;
                }
                let [entry] = entries.as_slice() else { return };
                let resolver = Resolver::named(&entry.key);
                let (Some(resolver), Some(target)) = (resolver, entry.value.as_str()) else {
                    return;
                };
                let span = entry.value.span;
                match self.resolve(resolver, target, span, depth) {
                    Ok(value) => {
                        if !self.troubles.is_empty() {
                            findings.add(not_bundled(&self.troubles, span).field(path));
                            self.troubles.clear();
                        }
                        *node = Node {
                            span: node.span,
                            value,
                        };
                    }
                    Err(why) => {
                        let message = format!("`{}` cannot be filled in: {why}", shown(target));
                        findings.add(
                            Problem::error("substitution", span, message)
                                .field(path)
                                .hint("name a file relative to this one: `$text: ./openapi.yaml`"),
                        );
                        findings.unknown.push(path.to_owned());
                    }
                }
            }
        }
    }

    fn resolve(
        &mut self,
        resolver: Resolver,
        target: &str,
        span: Span,
        depth: usize,
    ) -> Result<Content<'static>, String> {
        let text = self.load(target)?;
        let value = match resolver {
            Resolver::Text => return Ok(Content::String(Cow::Owned(text))),
            Resolver::Definition => {
                let (bundled, troubles) =
                    bundle::bundle(target, &text, &mut |file| self.load(file));
                self.troubles = troubles;
                return Ok(Content::String(Cow::Owned(bundled.unwrap_or(text))));
            }
            Resolver::Json => {
                serde_json::from_str(&text).map_err(|error| format!("it is no JSON: {error}"))?
            }
            Resolver::Yaml => one_document(&text)?,
        };
        let node = Node::from_json(value, span);
        if depth + node.depth() > MAX_DEPTH {
            return Err(format!("it is nested deeper than {MAX_DEPTH} levels"));
        }
        Ok(node.value)
    }

    /// The text of a file.
    fn load(&mut self, target: &str) -> Result<String, String> {
        if !self.includes.iter().any(|known| **known == *target) {
            self.includes.push(target.into());
        }
        let bytes = self.source.load(target)?;
        self.bytes_left = self.bytes_left.checked_sub(bytes.len()).ok_or_else(|| {
            format!("the file's substitutions bring more than {MAX_TOTAL_BYTES} bytes")
        })?;
        let decoded = decode(&bytes);
        decoded.text.map(Cow::into_owned).ok_or_else(|| {
            decoded
                .problem
                .map_or_else(String::new, |problem| problem.message)
        })
    }
}

/// One problem for all of them: they are mended in the files that they stand in.
fn not_bundled(troubles: &[Trouble], span: Span) -> Problem {
    let each = troubles.iter().map(|trouble| {
        format!(
            "`{}` in line {} of `{}`: {}",
            shown(&trouble.reference),
            trouble.line,
            shown(&trouble.file),
            trouble.why
        )
    });
    let each: Vec<String> = each.collect();
    let message = format!("not bundled is {}", each.join("; "));
    Problem::warning("substitution-reference", span, message).hint(
        "let it lead to a file below the folder that is read, as seen from the file that it stands in",
    )
}

/// The value of a YAML text that must hold one document.
fn one_document(text: &str) -> Result<Value, String> {
    let mut roots = Vec::new();
    for document in documents::split(text) {
        let text = yaml::readable(document.text);
        let parsed = yaml::parse(&text, document.lines_before);
        let error = parsed
            .problems
            .into_iter()
            .find(|problem| problem.severity == Severity::Error);
        if let Some(problem) = error {
            let start = problem.span.start;
            return Err(format!(
                "line {}, column {}: {}",
                start.line, start.column, problem.message
            ));
        }
        roots.extend(parsed.root.map(|root| root.to_json()));
    }
    match roots.as_slice() {
        [root] => Ok(root.clone()),
        _ => Err(format!(
            "it has {} YAML documents, and must have one",
            roots.len()
        )),
    }
}
