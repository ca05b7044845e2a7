//! What every descriptor must look like, whatever its kind: `apiVersion`, `kind`, `metadata`.

use url::Url;

use super::EntityRef;
use super::expect::{
    check_spelling, empty, expect_object, expect_string, list, missing, non_empty,
};
use super::format::{
    is_api_version, is_blank, is_dns_label, is_key, is_kind, is_label_value, is_object_name, is_tag,
};
use super::problem::{Findings, Problem, item, member, shown};
use super::yaml::{Content, Entry, Node};
use crate::diagnostic::closest;

/// The fields of a descriptor.
const ROOT: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
/// The fields of `metadata` that mean something; others are kept as they are.
const METADATA: [&str; 8] = [
    "name",
    "namespace",
    "title",
    "description",
    "labels",
    "annotations",
    "tags",
    "links",
];

const NAME_HINT: &str =
    "1 to 63 letters, digits, `-`, `_` or `.`, a letter or digit at both ends: `payments-api`";
const KEY_HINT: &str = "a name, or a domain in lower case, `/` and a name: `example.com/tier`";

/// The entity that a descriptor seems to describe: what is needed is there, be it right or wrong.
pub(super) fn described(root: &Node<'_>) -> Option<EntityRef> {
    let kind = root.get("kind")?.as_str()?;
    let metadata = root.get("metadata")?;
    let name = metadata.get("name")?.as_str()?;
    let namespace = match metadata.get("namespace") {
        Some(namespace) => namespace.as_str()?,
        None => "default",
    };
    // What is torn apart may give a name that is none: `{name: x` with more lines behind it.
    let names = [kind, namespace, name];
    let complete = names
        .iter()
        .all(|name| !name.is_empty() && !name.contains(char::is_whitespace));
    complete.then(|| EntityRef::new(kind, namespace, name))
}

/// Judges everything but `spec`.
pub(super) fn check(root: &Node<'_>, findings: &mut Findings) {
    if !matches!(root.value, Content::Map(_)) {
        let message = format!(
            "a descriptor is an object, and this is {}",
            root.type_name()
        );
        findings.add(
            Problem::error("not-an-object", root.span, message)
                .hint("begin with `apiVersion: backstage.io/v1alpha1` and `kind: Component`"),
        );
        return;
    }
    check_foreign_fields(root, findings);
    text(
        root,
        "apiVersion",
        &Format {
            code: "api-version-format",
            what: "an API version",
            rule: is_api_version,
            hint: "for example `apiVersion: backstage.io/v1alpha1`",
        },
        findings,
    );
    text(
        root,
        "kind",
        &Format {
            code: "kind-format",
            what: "the name of a kind",
            rule: is_kind,
            hint: "letters and digits: `kind: Component`",
        },
        findings,
    );
    match root.entry("metadata") {
        Some(metadata) => check_metadata(metadata, findings),
        None => missing(
            "metadata",
            root.span,
            "for example `metadata: { name: payments-api }`",
            findings,
        ),
    }
    if let Some(spec) = root.get("spec") {
        expect_object(spec, "spec", findings);
    }
    check_key_case(root, "", findings);
}

fn check_foreign_fields(root: &Node<'_>, findings: &mut Findings) {
    for entry in root.entries() {
        let key = entry.key.as_ref();
        if ROOT.contains(&key) {
            continue;
        }
        let hint = match closest(key, ROOT) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "move it into `spec` or `metadata`, or remove it".to_owned(),
        };
        findings.add(
            Problem::error(
                "foreign-field",
                entry.key_span,
                format!("`{}` is no field of a descriptor", shown(key)),
            )
            .field(member("", key))
            .hint(hint),
        );
    }
}

fn check_metadata(metadata: &Entry<'_>, findings: &mut Findings) {
    let node = &metadata.value;
    if !expect_object(node, "metadata", findings) {
        return;
    }
    let name_format = Format {
        code: "name-format",
        what: "a name",
        rule: is_object_name,
        hint: NAME_HINT,
    };
    match node.entry("name") {
        Some(name) => formatted(&name.value, "metadata.name", &name_format, findings),
        None => missing(
            "metadata.name",
            metadata.key_span,
            "for example `name: payments-api`",
            findings,
        ),
    }
    if let Some(namespace) = node.get("namespace") {
        let format = Format {
            code: "namespace-format",
            what: "a namespace",
            rule: is_dns_label,
            hint: "1 to 63 lower-case letters, digits or `-`, a letter or digit at both ends: `team-a`; leave it out for `default`",
        };
        formatted(namespace, "metadata.namespace", &format, findings);
    }
    for key in ["title", "uid", "etag"] {
        if let Some(value) = node.get(key) {
            non_empty(value, &member("metadata", key), findings);
        }
    }
    if let Some(description) = node.get("description") {
        expect_string(description, "metadata.description", findings);
    }
    check_labels(node, findings);
    check_annotations(node, findings);
    check_tags(node, findings);
    check_links(node, findings);
    check_spelling(node, "metadata", &METADATA.iter().copied(), findings);
}

fn check_labels(metadata: &Node<'_>, findings: &mut Findings) {
    let Some(labels) = metadata.get("labels") else {
        return;
    };
    expect_object(labels, "metadata.labels", findings);
    for entry in labels.entries() {
        let path = member("metadata.labels", &entry.key);
        check_key("label-key-format", "a label", entry, &path, findings);
        let format = Format {
            code: "label-value-format",
            what: "the value of a label",
            rule: is_label_value,
            hint: NAME_HINT,
        };
        match entry.value.as_str() {
            Some("") => {}
            _ => formatted(&entry.value, &path, &format, findings),
        }
    }
}

fn check_annotations(metadata: &Node<'_>, findings: &mut Findings) {
    let Some(annotations) = metadata.get("annotations") else {
        return;
    };
    expect_object(annotations, "metadata.annotations", findings);
    for entry in annotations.entries() {
        let path = member("metadata.annotations", &entry.key);
        check_key(
            "annotation-key-format",
            "an annotation",
            entry,
            &path,
            findings,
        );
        expect_string(&entry.value, &path, findings);
    }
}

fn check_key(
    code: &'static str,
    what: &str,
    entry: &Entry<'_>,
    path: &str,
    findings: &mut Findings,
) {
    if !is_key(&entry.key) {
        let message = format!("`{}` is no key of {what}", shown(&entry.key));
        findings.add(
            Problem::error(code, entry.key_span, message)
                .field(path)
                .hint(KEY_HINT),
        );
    }
}

fn check_tags(metadata: &Node<'_>, findings: &mut Findings) {
    let Some(tags) = metadata.get("tags") else {
        return;
    };
    let format = Format {
        code: "tag-format",
        what: "a tag",
        rule: is_tag,
        hint: "1 to 63 lower-case letters, digits, `:`, `+` or `#`, with single `-` between: `tags: [java, c++, tier-1]`",
    };
    for (index, tag) in list(tags, "metadata.tags", findings).iter().enumerate() {
        formatted(tag, &item("metadata.tags", index), &format, findings);
    }
}

fn check_links(metadata: &Node<'_>, findings: &mut Findings) {
    let Some(links) = metadata.get("links") else {
        return;
    };
    for (index, link) in list(links, "metadata.links", findings).iter().enumerate() {
        let path = item("metadata.links", index);
        if !expect_object(link, &path, findings) {
            continue;
        }
        match link.get("url") {
            Some(url) => check_url(url, &member(&path, "url"), findings),
            None => missing(
                &member(&path, "url"),
                link.span,
                "for example `url: https://example.com/runbook`",
                findings,
            ),
        }
        for key in ["title", "icon", "type"] {
            let Some(value) = link.get(key) else {
                continue;
            };
            let path = member(&path, key);
            non_empty(value, &path, findings);
            let blank = value
                .as_str()
                .is_some_and(|text| !text.is_empty() && is_blank(text));
            if blank && key != "type" {
                empty(value.span, &path, findings);
            }
        }
    }
}

fn check_url(url: &Node<'_>, path: &str, findings: &mut Findings) {
    if !expect_string(url, path, findings) {
        return;
    }
    let text = url.as_str().unwrap_or_default();
    if let Err(error) = Url::parse(text) {
        findings.add(
            Problem::error(
                "link-url",
                url.span,
                format!("`{}` is no absolute URL: {error}", shown(text)),
            )
            .field(path)
            .hint("for example `url: https://example.com/runbook`"),
        );
    }
}

/// Keys that would collide where keys are compared ignoring case: filters and facets do so.
fn check_key_case(node: &Node<'_>, path: &str, findings: &mut Findings) {
    if let Content::List(items) = &node.value {
        for (index, value) in items.iter().enumerate() {
            check_key_case(value, &item(path, index), findings);
        }
    }
    let entries = node.entries();
    let mixed = entries.iter().any(|entry| {
        entry
            .key
            .chars()
            .any(|c| c.is_ascii_uppercase() || !c.is_ascii())
    });
    let mut lower = std::collections::HashMap::new();
    for entry in entries {
        let path = member(path, &entry.key);
        if mixed && let Some(first) = lower.insert(entry.key.to_lowercase(), &entry.key) {
            findings.add(
                Problem::error(
                    "key-case",
                    entry.key_span,
                    format!(
                        "`{}` and `{}` differ only in case",
                        shown(&entry.key),
                        shown(first)
                    ),
                )
                .field(path.clone())
                .hint("keys are compared ignoring case: rename one of the two"),
            );
        }
        if matches!(entry.value.value, Content::List(_) | Content::Map(_)) {
            check_key_case(&entry.value, &path, findings);
        }
    }
}

/// A rule for the text of a field.
struct Format {
    code: &'static str,
    /// What the text is to be.
    what: &'static str,
    rule: fn(&str) -> bool,
    hint: &'static str,
}

/// A required string of the root.
fn text(root: &Node<'_>, key: &str, format: &Format, findings: &mut Findings) {
    match root.get(key) {
        Some(value) => formatted(value, key, format, findings),
        None => missing(key, root.span, format.hint, findings),
    }
}

fn formatted(value: &Node<'_>, path: &str, format: &Format, findings: &mut Findings) {
    if !non_empty(value, path, findings) {
        return;
    }
    let text = value.as_str().unwrap_or_default();
    if !(format.rule)(text) {
        findings.add(
            Problem::error(
                format.code,
                value.span,
                format!("`{}` cannot be {}", shown(text), format.what),
            )
            .field(path)
            .hint(format.hint),
        );
    }
}
