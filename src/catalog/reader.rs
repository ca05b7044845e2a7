//! One descriptor file, from bytes to entities: decode, cut into documents, parse, fill in, judge.

use serde_json::Value;

use super::documents::{self, Document, MAX_DOCUMENTS};
use super::problem::{Findings, Problem, item, member, shown};
use super::relations::each_reference;
use super::substitute::Substituter;
use super::text::{decode, number, point};
use super::yaml::{self, Content, Node};
use super::{Entity, EntityRef, Failed, Reading, RefError, Reference, Substitutions};
use super::{envelope, location, rules};
use crate::diagnostic::{Position, Span};
use crate::sdl::{Emit, KindId, Model};

/// Reads one descriptor file.
///
/// An error without a document (too large, UTF-16) means that nothing of the file was read: what was known of it before stays.
pub fn read(model: &Model, bytes: &[u8], substitutions: &dyn Substitutions) -> Reading {
    let mut reading = Reading::default();
    let decoded = decode(bytes);
    if let Some(problem) = decoded.problem {
        reading.problems.push(Problem {
            code: problem.code,
            severity: problem.severity,
            message: problem.message,
            hint: Some(problem.hint.to_owned()),
            span: problem.span,
            document: None,
            field: None,
            entity_ref: None,
        });
    }
    let Some(text) = decoded.text else {
        return reading;
    };
    let mut substituter = Substituter::new(substitutions);
    for (index, document) in documents::split(&text).iter().enumerate() {
        if index == MAX_DOCUMENTS {
            reading.problems.push(too_many_documents(document));
            break;
        }
        read_document(
            model,
            document,
            number(index),
            &mut substituter,
            &mut reading,
        );
    }
    reading.includes = substituter.includes;
    reading
}

/// How many problems of one file are told: nobody mends more at a time, and a hostile file shall not fill the memory.
const MAX_FILE_PROBLEMS: usize = 2_000;

fn too_many_documents(first: &Document<'_>) -> Problem {
    let start = Position {
        line: number(first.lines_before + 1),
        column: 1,
    };
    let message = format!(
        "the file has more than {MAX_DOCUMENTS} documents; those from here on are not read"
    );
    Problem::error("too-many", point(start), message).hint("split the file")
}

/// Adds the problems of a document, as long as there are not too many.
fn tell(reading: &mut Reading, problems: Vec<Problem>) {
    for problem in problems {
        let n_told = reading.problems.len();
        if n_told < MAX_FILE_PROBLEMS {
            reading.problems.push(problem);
        } else if n_told == MAX_FILE_PROBLEMS {
            let message = format!(
                "the file has more than {MAX_FILE_PROBLEMS} problems; what follows is judged, and not told"
            );
            let mut last = Problem::error("too-many", problem.span.unwrap_or_default(), message)
                .hint("mend the first ones");
            last.document = problem.document;
            reading.problems.push(last);
        }
    }
}

fn read_document(
    model: &Model,
    document: &Document<'_>,
    index: u32,
    substituter: &mut Substituter<'_>,
    reading: &mut Reading,
) {
    let text = yaml::readable(document.text);
    let parsed = yaml::parse(&text, document.lines_before);
    let is_null = |root: &Node<'_>| matches!(root.value, Content::Null);
    if parsed.complete && parsed.root.as_ref().is_none_or(is_null) {
        return;
    }
    reading.documents += 1;
    let mut findings = Findings {
        document: index,
        entity_ref: parsed.root.as_ref().and_then(envelope::described),
        problems: Vec::new(),
        unknown: Vec::new(),
    };
    for problem in parsed.problems {
        let mut found = Problem::new(
            problem.severity,
            problem.code,
            problem.span,
            problem.message,
        );
        found.hint = problem.hint;
        findings.add(found);
    }
    let entity = match parsed.root {
        Some(root) if parsed.complete => judge(model, root, substituter, &mut findings, reading),
        Some(_) | None => None,
    };
    match entity {
        Some(entity) => reading.entities.push(entity),
        None => reading.failed.push(Failed {
            document: index,
            entity_ref: findings.entity_ref.clone(),
        }),
    }
    tell(reading, findings.problems);
}

/// The entity, unless anything about it is an error.
fn judge(
    model: &Model,
    mut root: Node<'_>,
    substituter: &mut Substituter<'_>,
    findings: &mut Findings,
    reading: &mut Reading,
) -> Option<Entity> {
    substituter.fill(&mut root, findings);
    envelope::check(&root, findings);
    let kind = rules::check(model, &root, findings);
    if findings.has_errors() {
        return None;
    }
    let entity_ref = findings.entity_ref.clone()?;
    let descriptor = root.to_json();
    let references = match kind {
        Some(kind) => check_references(model, kind, &entity_ref, &descriptor, &root, findings),
        None => Vec::new(),
    };
    if findings.has_errors() {
        return None;
    }
    let targets = location::targets(&root, &entity_ref, findings.document);
    reading.references.extend(references);
    reading.targets.extend(targets);
    Some(Entity {
        entity_ref,
        kind,
        descriptor,
        document: findings.document,
        line: root.span.start.line,
    })
}

/// Looks at what will become relations: references that cannot be followed are errors also where an expression makes them, and one that leads to a kind that its field cannot show is a warning.
fn check_references(
    model: &Model,
    kind: KindId,
    entity_ref: &EntityRef,
    descriptor: &Value,
    root: &Node<'_>,
    findings: &mut Findings,
) -> Vec<Reference> {
    let mut found = Vec::new();
    for emit in &model.kind_of(kind).emits {
        let mut index = 0;
        each_reference(emit, descriptor, |text| {
            let (field, span) = place(&emit.from, index, root);
            index += 1;
            match EntityRef::parse(text, emit.default_kind.as_deref(), entity_ref.namespace()) {
                Ok(target) => {
                    if !emit.targets.allows(model.kind(target.kind())) {
                        findings.add(unfit(emit, &target, span).field(&*field));
                    }
                    found.push(Reference {
                        document: findings.document,
                        field: field.into(),
                        span,
                        target,
                    });
                }
                Err(error) => {
                    let message = format!("`{}` is no entity reference: {error}", shown(text));
                    findings.add(
                        Problem::error(reference_code(error), span, message)
                            .field(field)
                            .hint("`kind:namespace/name`: `component:default/payments-api`"),
                    );
                }
            }
        });
    }
    found
}

/// The warning that a reference leads to a kind that its field cannot show.
fn unfit(emit: &Emit, target: &EntityRef, span: Span) -> Problem {
    let kind = target.kind();
    let message = format!(
        "`{}` cannot show a `{kind}`: the relation is kept, and the field leaves it out",
        emit.field
    );
    let hint = match &emit.default_kind {
        Some(default) => format!(
            "name a `{}`, or another kind that the field shows",
            default.to_lowercase()
        ),
        None => "name another kind".to_owned(),
    };
    Problem::warning("reference-target", span, message).hint(hint)
}

fn reference_code(error: RefError) -> &'static str {
    match error {
        RefError::NoKind => "reference-kind",
        RefError::Empty | RefError::EmptyKind | RefError::EmptyNamespace | RefError::EmptyName => {
            "reference-format"
        }
    }
}

/// Where the reference number `index` of an expression stands; the nearest place that can be told.
fn place(from: &crate::sdl::expr::Expr, index: usize, root: &Node<'_>) -> (String, Span) {
    let reads = from.reads();
    let path = match (from.as_plain_path(), reads.first()) {
        (Some(path), _) => path,
        (None, Some(read)) => read.path.iter().map(AsRef::as_ref).collect(),
        (None, None) => Vec::new(),
    };
    let mut node = root;
    let mut written = String::new();
    for step in path {
        match node.get(step) {
            Some(inner) => node = inner,
            None => break,
        }
        written = member(&written, step);
    }
    match &node.value {
        Content::List(items) => match items.get(index) {
            Some(value) => (item(&written, index), value.span),
            None => (written, node.span),
        },
        Content::Null
        | Content::Bool(_)
        | Content::Number(_)
        | Content::String(_)
        | Content::Map(_) => (written, node.span),
    }
}
