//! YAML in, JSON and problems out.

use std::fmt::Write as _;

use insta::assert_snapshot;

use super::*;

/// The value as JSON on one line, then the problems.
fn check(text: &str) -> String {
    let text = readable(text);
    let parsed = parse(&text, 0);
    let mut out = match parsed.root {
        Some(root) => root.to_json().to_string(),
        None => "nothing".to_owned(),
    };
    if !parsed.complete {
        out.push_str(" and then");
    }
    for problem in parsed.problems {
        let Position { line, column } = problem.span.start;
        write!(
            out,
            "\n{line}:{column} {}: {}",
            problem.code, problem.message
        )
        .unwrap();
    }
    out
}

#[test]
fn values() {
    assert_snapshot!(check("a: 1\nb: [x, 'y', \"z\", ~]\nc: {d: yes, e: 012}\n"), @r#"{"a":1,"b":["x","y","z",null],"c":{"d":"yes","e":12}}"#);
    assert_snapshot!(check("a:\r\n  - b: |\r\n      x\r\n      y\r\n"), @r#"{"a":[{"b":"x\ny\n"}]}"#);
    assert_snapshot!(check("# nothing\n"), @"nothing");
    assert_snapshot!(check("a: &x {b: 1}\nc: *x\n<<: *x\n"), @r#"
    {"a":{"b":1},"c":{"b":1},"<<":{"b":1}}
    3:1 yaml-merge-key: `<<` merges nothing, it is a key like any other
    "#);
    assert_snapshot!(check("a: !!str 1\nb: ! 1\nc: !!int x\nd: !Foo {a: 1}\n"), @r#"
    {"a":"1","b":"1","c":"x","d":{"a":1}}
    3:4 yaml-tag: the value is no `!!int`
    4:4 yaml-tag: the tag `!Foo` means nothing here and is left out
    "#);
    assert_snapshot!(check("name: {{ values.name }}\n1: a\ntrue: b\n"), @r#"
    {"name":{"{\"values.name\":null}":null},"1":"a","true":"b"}
    1:8 yaml-key: the key is no string, and is read as `{"values.name":null}`
    2:1 yaml-key: the key is no string, and is read as `1`
    3:1 yaml-key: the key is no string, and is read as `true`
    "#);
    assert_snapshot!(check("a: 1\t\nb:\t2\nc:\t\tx\nd: |\n  x:\ty\n"), @r#"{"a":1,"b":2,"c":"x","d":"x:\ty\n"}"#);
}

#[test]
fn problems() {
    assert_snapshot!(check("a: 1\nb: 2\na: 3\nc: 4\nb: 5\n"), @r#"
    {"a":1,"b":2,"c":4}
    3:1 yaml-duplicate-key: the key `a` is already there, on line 1
    5:1 yaml-duplicate-key: the key `b` is already there, on line 2
    "#);
    assert_snapshot!(check("a: 1\nb:\n\t c: 2\n"), @r#"
    {"a":1} and then
    3:3 yaml-syntax: the YAML cannot be read: tabs disallowed within this context (block indentation)
    "#);
    assert_snapshot!(check("kind: A\nmetadata:\n  name: x\nspec: b: c\n"), @r#"
    {"kind":"A","metadata":{"name":"x"},"spec":"b"} and then
    4:8 yaml-syntax: the YAML cannot be read: mapping values are not allowed in this context
    "#);
    assert_snapshot!(check("{%- if x %}\na: 1\n"), @r"
    nothing and then
    1:2 yaml-syntax: the YAML cannot be read: unexpected character: `%`
    ");
    assert_snapshot!(check("a: *b\n"), @r"
    {} and then
    1:4 yaml-syntax: the YAML cannot be read: while parsing node, found unknown anchor
    ");
    assert_snapshot!(check("a: &x [*x]\n"), @r#"
    {"a":[]} and then
    1:8 yaml-alias: the alias stands inside of what it names
    "#);
    assert_snapshot!(check("a: \"b\n"), @r"
    {} and then
    1:4 yaml-syntax: the YAML cannot be read: while scanning a quoted scalar, found unexpected end of stream
    ");
    assert_snapshot!(check("a: b\0c"), @r"
    nothing and then
    1:5 yaml-syntax: a NUL character cannot stand in YAML
    ");
}

#[test]
fn positions_are_those_of_keys_and_values() {
    let parsed = parse("# x\nspec:\n  ä: [é, word]\n", 10);
    let root = parsed.root.unwrap();
    let spec = root.entry("spec").unwrap();
    let inner = &spec.value.entries()[0];
    let Content::List(items) = &inner.value.value else {
        panic!("no list")
    };
    let start = |span: Span| (span.start.line, span.start.column, span.end.column);
    assert_eq!(start(root.span), (12, 1, 1));
    assert_eq!(start(spec.key_span), (12, 1, 5));
    assert_eq!(start(inner.key_span), (13, 3, 4));
    assert_eq!(start(items[1].span), (13, 10, 14));
}

/// What is hostile is refused before it grows; without these limits the test would run out of memory or time.
#[test]
fn limits() {
    let refused = |name: &str, text: &str, code: &str| {
        let parsed = parse(text, 0);
        assert!(!parsed.complete, "{name}");
        assert_eq!(parsed.problems[0].code, code, "{name}");
    };
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        let list = [alias.as_str(); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{list}]").unwrap();
    }
    refused("alias bomb", &bomb, "yaml-alias");
    let text = format!(
        "a: &a {}\nb: [{}]",
        "x".repeat(100_000),
        "*a, ".repeat(1000)
    );
    refused("large aliases", &text, "yaml-alias");
    refused("deep lists", &"[".repeat(100_000), "yaml-limit");
    refused("deep objects", &"{a: ".repeat(100_000), "yaml-limit");
    refused("deep blocks", &"- ".repeat(100_000), "yaml-limit");
    refused("many values", &"- a\n".repeat(260_000), "yaml-limit");
}
