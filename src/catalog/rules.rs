//! What the Model demands of a descriptor of a declared kind.
//!
//! Rules are data of the [`Model`]: no kind and no field is named here.

use super::EntityRef;
use super::expect::{
    check_spelling, expect_object, expect_string, list, missing, non_empty, wrong_type,
};
use super::format::is_kind;
use super::problem::{Findings, Problem, item, member, shown};
use super::yaml::{Content, Node};
use crate::catalog::RefError;
use crate::diagnostic::{Span, closest};
use crate::sdl::{JsonType, Kind, KindId, Model, Rule, Shape};

/// The field of a descriptor that holds what is special to its kind.
const SPEC: &str = "spec";

/// The declared kind of a descriptor whose envelope is good, judged; `None`: not declared, or not for this version (then there is an error).
pub(super) fn check(model: &Model, root: &Node<'_>, findings: &mut Findings) -> Option<KindId> {
    let kind_node = root.get("kind")?;
    let name = kind_node.as_str()?;
    let Some(id) = model.kind(name) else {
        if !is_kind(name) {
            return None;
        }
        findings.add(undeclared(model, root, name, kind_node.span));
        return None;
    };
    let kind = model.kind_of(id);
    if *kind.kind != *name {
        findings.add(
            Problem::error(
                "kind-case",
                kind_node.span,
                format!("the kind `{name}` is written `{}`", kind.kind),
            )
            .field("kind")
            .hint(format!("write `kind: {}`", kind.kind)),
        );
    }
    check_version(kind, root, findings);
    check_spec(kind, root, findings);
    Some(id)
}

fn check_version(kind: &Kind, root: &Node<'_>, findings: &mut Findings) {
    let Some(node) = root.get("apiVersion") else {
        return;
    };
    let Some(version) = node.as_str() else { return };
    if kind.api_versions.iter().any(|known| **known == *version) {
        return;
    }
    let known: Vec<String> = kind
        .api_versions
        .iter()
        .map(|v| format!("`apiVersion: {v}`"))
        .collect();
    findings.add(
        Problem::error(
            "unknown-api-version",
            node.span,
            format!(
                "`{}` is not declared for the version `{}`",
                kind.kind,
                shown(version)
            ),
        )
        .field("apiVersion")
        .hint(format!("write {}", known.join(" or "))),
    );
}

fn check_spec(kind: &Kind, root: &Node<'_>, findings: &mut Findings) {
    match root.entry(SPEC) {
        None if kind.needs_spec => missing(SPEC, root.span, &spec_example(kind), findings),
        None => {}
        Some(spec) if !matches!(spec.value.value, Content::Map(_)) => {}
        Some(spec) => {
            let place = Place {
                node: root,
                span: spec.key_span,
                path: "",
            };
            check_rules(&kind.rules, &place, findings);
            check_spelling(&spec.value, SPEC, &children(&kind.rules, SPEC), findings);
        }
    }
}

/// The names that rules have below the root field `parent`.
fn children<'r>(rules: &'r [Rule], parent: &'r str) -> impl Iterator<Item = &'r str> + Clone {
    rules
        .iter()
        .filter_map(move |rule| match rule.path.as_slice() {
            [first, second, ..] if **first == *parent => Some(second.as_ref()),
            _ => None,
        })
}

/// `spec:` with what is required in it.
fn spec_example(kind: &Kind) -> String {
    let required: Vec<String> = kind
        .rules
        .iter()
        .filter(|rule| rule.required && rule.path.first().is_some_and(|step| **step == *SPEC))
        .filter_map(|rule| {
            let [_, name] = rule.path.as_slice() else {
                return None;
            };
            Some(format!(
                "{name}: {}",
                rule.example.as_deref().unwrap_or("…")
            ))
        })
        .collect();
    match required.is_empty() {
        true => "for example `spec: {}`".to_owned(),
        false => format!("for example `spec: {{ {} }}`", required.join(", ")),
    }
}

/// An object that rules are relative to.
struct Place<'p, 'a> {
    node: &'p Node<'a>,
    /// Where it is said that something is missing in it.
    span: Span,
    path: &'p str,
}

fn check_rules(rules: &[Rule], place: &Place<'_, '_>, findings: &mut Findings) {
    for rule in rules {
        check_rule(rule, place, findings);
    }
}

fn check_rule(rule: &Rule, place: &Place<'_, '_>, findings: &mut Findings) {
    let mut node = place.node;
    let mut span = place.span;
    let mut path = place.path.to_owned();
    for step in &rule.path {
        if !path.is_empty() && !expect_object(node, &path, findings) {
            return;
        }
        path = member(&path, step);
        match node.entry(step) {
            Some(entry) => {
                node = &entry.value;
                span = entry.key_span;
            }
            None if rule.required => {
                return missing(&full_path(rule, place), span, &example(rule), findings);
            }
            None => return,
        }
    }
    check_shape(
        &rule.shape,
        rule,
        &Place {
            node,
            span,
            path: &path,
        },
        findings,
    );
}

fn full_path(rule: &Rule, place: &Place<'_, '_>) -> String {
    rule.path
        .iter()
        .fold(place.path.to_owned(), |path, step| member(&path, step))
}

/// A right value for the rule, as a hint.
fn example(rule: &Rule) -> String {
    let name = rule.path.last().map_or("", |name| name.as_ref());
    let example = match (&rule.example, &rule.shape) {
        (Some(example), _) => example.as_ref(),
        (None, Shape::List(_)) => "[]",
        (None, Shape::Object { .. }) => "{}",
        (None, Shape::Boolean) => "true",
        (None, Shape::Int) => "1",
        (None, Shape::Float) => "1.5",
        (None, Shape::Enum(words)) => words.first().map_or("…", |word| word.as_ref()),
        (
            None,
            Shape::String { .. } | Shape::Reference { .. } | Shape::Json { .. } | Shape::Any,
        ) => "…",
    };
    format!("for example `{name}: {example}`")
}

fn check_shape(shape: &Shape, rule: &Rule, at: &Place<'_, '_>, findings: &mut Findings) {
    let Place { node, path, .. } = *at;
    match shape {
        Shape::Any => {}
        Shape::String { non_empty: true } => {
            non_empty(node, path, findings);
        }
        Shape::String { non_empty: false } => {
            expect_string(node, path, findings);
        }
        Shape::Boolean if matches!(node.value, Content::Bool(_)) => {}
        Shape::Boolean => wrong_type(node, path, "a Boolean", &example(rule), findings),
        Shape::Int if is_integer(node) => {}
        Shape::Int => wrong_type(node, path, "a whole number", &example(rule), findings),
        Shape::Float if matches!(node.value, Content::Number(_)) => {}
        Shape::Float => wrong_type(node, path, "a number", &example(rule), findings),
        Shape::Enum(words) => check_enum(words, node, path, findings),
        Shape::Reference { default_kind } => {
            check_reference(default_kind.as_deref(), node, path, findings);
        }
        Shape::List(inner) => {
            for (index, value) in list(node, path, findings).iter().enumerate() {
                let path = item(path, index);
                let at = Place {
                    node: value,
                    span: value.span,
                    path: &path,
                };
                check_shape(inner, rule, &at, findings);
            }
        }
        Shape::Json { .. } => check_json(shape, rule, at, findings),
        Shape::Object { rules, others } => {
            if expect_object(node, path, findings) {
                check_rules(rules, at, findings);
                check_others(rules, others.as_deref(), at, findings);
                let names = rules.iter().filter_map(|rule| rule.path.first());
                check_spelling(node, path, &names.map(AsRef::as_ref), findings);
            }
        }
    }
}

fn check_json(shape: &Shape, rule: &Rule, at: &Place<'_, '_>, findings: &mut Findings) {
    let Shape::Json { types, list, of } = shape else {
        return;
    };
    let list = *list;
    let Place { node, path, .. } = *at;
    if types.contains(&json_type(node)) {
        if let (Some(of), Content::Map(_)) = (of, &node.value) {
            check_shape(of, rule, at, findings);
        }
        return;
    }
    let wanted = types.iter().map(|ty| type_name(*ty)).collect::<Vec<_>>();
    let wanted = wanted.join(" or ");
    match &node.value {
        Content::List(items) if list => {
            for (index, value) in items.iter().enumerate() {
                let path = item(path, index);
                if !types.contains(&json_type(value)) {
                    wrong_type(value, &path, &wanted, &example(rule), findings);
                } else if let (Some(of), Content::Map(_)) = (of, &value.value) {
                    let at = Place {
                        node: value,
                        span: value.span,
                        path: &path,
                    };
                    check_shape(of, rule, &at, findings);
                }
            }
        }
        _ => {
            let wanted = match list {
                true => format!("{wanted}, or a list of such"),
                false => wanted,
            };
            wrong_type(node, path, &wanted, &example(rule), findings);
        }
    }
}

/// Members that no rule is about.
fn check_others(
    rules: &[Rule],
    others: Option<&[JsonType]>,
    at: &Place<'_, '_>,
    findings: &mut Findings,
) {
    let Some(types) = others else { return };
    let ruled = |key: &str| {
        let mut firsts = rules.iter().filter_map(|rule| rule.path.first());
        firsts.any(|first| **first == *key)
    };
    let wanted: Vec<_> = types.iter().map(|ty| type_name(*ty)).collect();
    for entry in at.node.entries().iter().filter(|entry| !ruled(&entry.key)) {
        if !types.contains(&json_type(&entry.value)) {
            let hint = match types.contains(&JsonType::String) {
                true => "put it in quotes, or leave it out",
                false => "leave it out, or move it to where it is read",
            };
            let path = member(at.path, &entry.key);
            wrong_type(&entry.value, &path, &wanted.join(" or "), hint, findings);
        }
    }
}

fn json_type(node: &Node<'_>) -> JsonType {
    match &node.value {
        Content::Null => JsonType::Null,
        Content::Bool(_) => JsonType::Boolean,
        Content::Number(_) => JsonType::Number,
        Content::String(_) => JsonType::String,
        Content::List(_) => JsonType::List,
        Content::Map(_) => JsonType::Object,
    }
}

fn type_name(ty: JsonType) -> &'static str {
    match ty {
        JsonType::Object => "an object",
        JsonType::List => "a list",
        JsonType::String => "a string",
        JsonType::Number => "a number",
        JsonType::Boolean => "a Boolean",
        JsonType::Null => "null",
    }
}

fn is_integer(node: &Node<'_>) -> bool {
    match &node.value {
        Content::Number(number) => {
            !number.is_f64() || number.as_f64().is_some_and(|value| value.fract() == 0.0)
        }
        Content::Null
        | Content::Bool(_)
        | Content::String(_)
        | Content::List(_)
        | Content::Map(_) => false,
    }
}

fn check_enum(words: &[Box<str>], node: &Node<'_>, path: &str, findings: &mut Findings) {
    if !expect_string(node, path, findings) {
        return;
    }
    let word = node.as_str().unwrap_or_default();
    if words.iter().any(|known| **known == *word) {
        return;
    }
    let all: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let hint = match closest(word, words.iter().map(AsRef::as_ref)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of {}", all.join(", ")),
    };
    findings.add(
        Problem::error(
            "unknown-value",
            node.span,
            format!("`{}` is none of the values of `{path}`", shown(word)),
        )
        .field(path)
        .hint(hint),
    );
}

fn check_reference(
    default_kind: Option<&str>,
    node: &Node<'_>,
    path: &str,
    findings: &mut Findings,
) {
    if !non_empty(node, path, findings) {
        return;
    }
    let text = node.as_str().unwrap_or_default();
    let seen = shown(text);
    let Err(error) = EntityRef::parse(text, default_kind, "default") else {
        return;
    };
    let problem = match error {
        RefError::NoKind => Problem::error(
            "reference-kind",
            node.span,
            format!("`{seen}` names no kind, and `{path}` may lead to any"),
        )
        .hint(format!(
            "write the kind: `component:{seen}` or `resource:{seen}`"
        )),
        RefError::Empty | RefError::EmptyKind | RefError::EmptyNamespace | RefError::EmptyName => {
            Problem::error(
                "reference-format",
                node.span,
                format!("`{seen}` is no entity reference: {error}"),
            )
            .hint("`[kind:][namespace/]name`, for example `group:default/payments-team`")
        }
    };
    findings.add(problem.field(path));
}

/// How many fields the suggested SDL of an undeclared kind has.
const MAX_SUGGESTED: usize = 30;

/// The info that a kind is served without a type of its own, with the SDL that would give it one.
fn undeclared(model: &Model, root: &Node<'_>, name: &str, span: Span) -> Problem {
    let declared = model.kinds.iter().map(|kind| kind.kind.as_ref());
    if let Some(near) = closest(name, declared) {
        return Problem::warning(
            "undeclared-kind",
            span,
            format!("no schema file declares the kind `{name}`: it is served as `GenericEntity`"),
        )
        .field("kind")
        .hint(format!("did you mean `{near}`?"));
    }
    let version = root.get("apiVersion").and_then(Node::as_str);
    let version = shown(version.unwrap_or_default());
    let fields: Vec<String> = root
        .get(SPEC)
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .filter(|entry| is_graphql_name(&entry.key))
        .take(MAX_SUGGESTED)
        .map(|entry| format!("  {}: {}\n", entry.key, graphql_type(&entry.value)))
        .collect();
    let body = match fields.is_empty() {
        true => "  type: String\n".to_owned(),
        false => fields.concat(),
    };
    let mut problem = Problem::warning(
        "undeclared-kind",
        span,
        format!("no schema file declares the kind `{name}`: it is served as `GenericEntity`"),
    )
    .field("kind")
    .hint(format!(
        "declare it in a schema file:\ntype {name} @kind(apiVersions: [\"{version}\"]) {{\n{body}}}"
    ));
    problem.severity = crate::diagnostic::Severity::Info;
    problem
}

fn is_graphql_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with("__")
}

/// The GraphQL type that a value suggests.
fn graphql_type(value: &Node<'_>) -> &'static str {
    match &value.value {
        Content::String(_) => "String",
        Content::Bool(_) => "Boolean",
        Content::Number(_) if is_integer(value) => "Int",
        Content::Number(_) => "Float",
        Content::List(items) if items.iter().all(|item| item.as_str().is_some()) => "[String]",
        Content::List(_) | Content::Map(_) | Content::Null => "JSON",
    }
}
