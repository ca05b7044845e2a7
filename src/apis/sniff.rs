//! Which format a text is in: by how it begins, with what its author calls it as a hint.

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// YAML or JSON: OpenAPI or AsyncAPI, which the tree says.
    Tree,
    Graphql,
    Protobuf,
    Unknown,
}

/// Words that authors have for the formats.
const WORDS: &[(&str, Sniffed)] = &[
    ("openapi", Sniffed::Tree),
    ("swagger", Sniffed::Tree),
    ("asyncapi", Sniffed::Tree),
    ("graphql", Sniffed::Graphql),
    ("grpc", Sniffed::Protobuf),
    ("proto", Sniffed::Protobuf),
    ("protobuf", Sniffed::Protobuf),
];

/// Words that begin a definition in GraphQL's schema language.
const GRAPHQL: &[&str] = &[
    "schema",
    "type",
    "interface",
    "union",
    "enum",
    "input",
    "scalar",
    "directive",
    "extend",
];

/// Words that begin a statement of a protobuf file; the brace or semicolon of the others stands too far away to look for.
const PROTOBUF: &[&str] = &[
    "syntax", "edition", "package", "import", "option", "service",
];

pub(super) fn is_known(hint: &str) -> bool {
    named(hint).is_some()
}

fn named(hint: &str) -> Option<Sniffed> {
    let word = WORDS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(hint))?;
    Some(word.1)
}

/// Looks at the first line that says anything; what the author calls it decides only where that says too little.
pub(super) fn sniff(text: &str, hint: Option<&str>) -> Sniffed {
    let hint = hint.and_then(named);
    let begins = seen(text).unwrap_or(Sniffed::Unknown);
    match (begins, hint) {
        (Sniffed::Unknown, Some(hint)) => hint,
        // `message` and `enum` begin statements of both.
        (Sniffed::Graphql, Some(Sniffed::Protobuf)) => Sniffed::Protobuf,
        (begins, _) => begins,
    }
}

fn seen(text: &str) -> Option<Sniffed> {
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    if text.starts_with('{') {
        return Some(Sniffed::Tree);
    }
    if text.starts_with("//") || text.starts_with("/*") {
        return Some(Sniffed::Protobuf);
    }
    if text.starts_with('"') {
        // A key of YAML may be quoted as well as a description of GraphQL.
        let end_of_line = text.lines().next().unwrap_or_default();
        return match end_of_line.contains("\":") {
            true => Some(Sniffed::Tree),
            false => Some(Sniffed::Graphql),
        };
    }
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty() && !line.starts_with(['#', '%', ',']))?;
    let word: String = line
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .collect();
    let rest = line.get(word.len()..).unwrap_or_default().trim_start();
    if line.starts_with("---") || rest.starts_with(':') {
        return Some(Sniffed::Tree);
    }
    if PROTOBUF.contains(&word.as_str()) || word == "message" {
        return Some(Sniffed::Protobuf);
    }
    if GRAPHQL.contains(&word.as_str()) {
        return Some(Sniffed::Graphql);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Sniffed, sniff};

    #[test]
    fn a_format_is_told_by_how_its_text_begins() {
        let cases = [
            ("openapi: 3.1.0", None, Sniffed::Tree),
            ("# a comment\n---\nasyncapi: 3.0.0", None, Sniffed::Tree),
            ("\u{FEFF}{ \"swagger\": \"2.0\" }", None, Sniffed::Tree),
            ("\"openapi\": \"3.0.0\"", None, Sniffed::Tree),
            (
                "\"\"\"\nMoney\n\"\"\"\ntype Query { a: Int }",
                None,
                Sniffed::Graphql,
            ),
            ("# shop\ntype Query { a: Int }", None, Sniffed::Graphql),
            ("// Copyright\nmessage A {}", None, Sniffed::Protobuf),
            ("syntax = \"proto3\";", None, Sniffed::Protobuf),
            ("enum A { B = 0; }", Some("grpc"), Sniffed::Protobuf),
            ("type: object", None, Sniffed::Tree),
            ("hello", Some("GraphQL"), Sniffed::Graphql),
            ("hello", Some("trpc"), Sniffed::Unknown),
            ("", None, Sniffed::Unknown),
        ];
        for (text, hint, expected) in cases {
            assert_eq!(sniff(text, hint), expected, "{text}");
        }
    }
}
