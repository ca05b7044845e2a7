//! The language as a table: what an expression yields, reads, and is refused for.

mod items;

use std::borrow::Cow;
use std::cell::Cell;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Expr, Node, Read, Scope, Step, Template, response_key};

fn input() -> Value {
    json!({
        "name": "Pay", "n": 7, "f": 2.5, "yes": true, "no": false, "nil": null, "empty": "",
        "list": ["a", "b", "c"], "nums": [3, 1, 2], "words": "one/two/three", "pad": "  x  ",
        "rows": [{ "t": "slack", "u": "S" }, { "t": "web", "u": "W" }, { "t": "slack", "u": "Z" }, {}],
        "deep": [{ "xs": [{ "v": 1 }, { "v": 2 }] }, { "xs": [{ "v": 3 }] }],
        "map": { "a.b/c": "quoted", "it's": "escaped" },
        "ms": 1_700_000_000_123_i64, "s": 1_700_000_000
    })
}

/// The value, and how many values had the wrong type.
fn eval(source: &str) -> (Value, u32) {
    let this = input();
    let body = json!({ "items": [1, 2] });
    let entity = json!({ "metadata": { "name": "pay" } });
    let args = json!({ "first": 5 });
    let mismatches = Cell::new(0);
    let scope = Scope {
        this: Some(&this),
        body: Some(&body),
        entity: Some(&entity),
        names: &[("args", &args)],
        mismatches: Some(&mismatches),
    };
    let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let value = expr.eval(&scope).into_owned();
    (value, mismatches.get())
}

#[track_caller]
fn yields(table: &[(&str, Value)]) {
    for (source, expected) in table {
        assert_eq!(eval(source), (expected.clone(), 0), "{source}");
    }
}

#[test]
fn a_field_with_arguments_has_a_name_of_its_own() {
    let expr = Expr::parse("deep(first: 3, by: {x: [1]})[0].v").unwrap();
    let Node::Path(path) = expr.node() else {
        panic!("it is a path");
    };
    let Some(Step::Name(name, args)) = path.steps.first() else {
        panic!("it begins with a name");
    };
    let key = response_key(None, name, args, false, &|_, _| None);
    let this = json!({ "deep": [{ "v": "plain" }], key: [{ "v": "with arguments" }] });
    let scope = Scope {
        this: Some(&this),
        ..Scope::default()
    };
    assert_eq!(*expr.eval(&scope), json!("with arguments"));
    let plain = Expr::parse("deep[0].v").unwrap();
    assert_eq!(*plain.eval(&scope), json!("plain"));
}

#[test]
fn paths() {
    yields(&[
        ("name", json!("Pay")),
        ("$this.name", json!("Pay")),
        ("$this.map.'a.b/c'", json!("quoted")),
        ("map.'it''s'", json!("escaped")),
        ("list[0]", json!("a")),
        ("list[-1]", json!("c")),
        ("list[3]", Value::Null),
        ("list[-4]", Value::Null),
        ("missing.further.still", Value::Null),
        ("nil.further", Value::Null),
        ("rows[].t", json!(["slack", "web", "slack", null])),
        ("rows[1].u", json!("W")),
        ("deep[].xs[].v", json!([1, 2, 3])),
        ("deep[].xs[0].v", json!([1, 3])),
        ("$.items[]", json!([1, 2])),
        ("$", json!({ "items": [1, 2] })),
        ("$entity.metadata.name", json!("pay")),
        ("$args.first", json!(5)),
        ("$unknown.x", Value::Null),
        (" name ", json!("Pay")),
    ]);
}

#[test]
fn literals_and_operators() {
    yields(&[
        ("'it''s'", json!("it's")),
        ("-1.5", json!(-1.5)),
        ("12", json!(12)),
        ("true", json!(true)),
        ("null", Value::Null),
        ("[name, 1, [n]]", json!(["Pay", 1, [7]])),
        ("{ a: name, 'b c': n }", json!({ "a": "Pay", "b c": 7 })),
        ("[]", json!([])),
        ("{}", json!({})),
        ("missing ?? nil ?? 'last'", json!("last")),
        ("no ?? 'kept: false is not null'", json!(false)),
        ("missing ?? nil", Value::Null),
        ("yes && name", json!("Pay")),
        ("no && name", Value::Null),
        ("nil && name", Value::Null),
        ("empty && name", json!("Pay")),
        // Only what stands before the last `&&` is a condition; the last value is the value.
        ("yes && no", json!(false)),
        ("yes && nil", Value::Null),
        ("yes && empty", json!("")),
        ("no && yes", Value::Null),
        ("yes && no && name", Value::Null),
        ("yes && name && no", json!(false)),
        ("(yes && no) ?? 'other'", json!(false)),
        ("0 && name", json!("Pay")),
        ("[] && name", json!("Pay")),
        ("name + '-' + words", json!("Pay-one/two/three")),
        ("n + 1", json!(8)),
        ("n + f", json!(9.5)),
        ("n + missing", Value::Null),
        ("missing + name", Value::Null),
        ("name + nil + name", Value::Null),
        ("'' + empty", json!("")),
        ("1 + 2 + 3", json!(6)),
        (
            "9223372036854775807 + 1",
            json!(9_223_372_036_854_775_807_i64 as f64 + 1.0),
        ),
    ]);
}

#[test]
fn precedence() {
    yields(&[
        // A pipe takes the whole sum, `&&` the whole pipe, `??` the whole `&&`.
        ("name + 'X' | lower", json!("payx")),
        ("missing ?? name | lower", json!("pay")),
        ("name ?? missing | lower", json!("Pay")),
        ("no && name ?? 'other'", json!("other")),
        ("yes && name | upper", json!("PAY")),
        ("(missing ?? name) | lower", json!("pay")),
        ("n + (f + 1)", json!(10.5)),
        ("words | split('/') | last | upper", json!("THREE")),
    ]);
}

#[test]
fn functions_of_lists() {
    yields(&[
        ("list | first", json!("a")),
        ("list | last", json!("c")),
        ("[] | first", Value::Null),
        ("list | at(1)", json!("b")),
        ("list | at(-1)", json!("c")),
        ("list | skip(1)", json!(["b", "c"])),
        ("list | skip(-1)", json!(["a", "b"])),
        ("list | skip(9)", json!([])),
        ("list | skip(-9)", json!([])),
        ("list | skip(0) | join('')", json!("abc")),
        ("list | at(9)", Value::Null),
        ("list | at(-3)", json!("a")),
        ("list | at(-4)", Value::Null),
        ("[] | last", Value::Null),
        ("[nil, 'x'] | first", Value::Null),
        ("[] | join('-')", json!("")),
        ("[] | count", json!(0)),
        ("deep[].xs | first | count", json!(2)),
        ("list | at(missing)", Value::Null),
        ("list | count", json!(3)),
        ("list | join(', ')", json!("a, b, c")),
        ("nums | join('-')", json!("3-1-2")),
        ("['a', null, true] | join('|')", json!("a|true")),
        (
            "rows | where(t, 'slack')",
            json!([{ "t": "slack", "u": "S" }, { "t": "slack", "u": "Z" }]),
        ),
        (
            "rows | where(t, 'slack') | last",
            json!({ "t": "slack", "u": "Z" }),
        ),
        ("rows | where(t, null) | count", json!(1)),
        ("rows | where(t, 'nobody')", json!([])),
        ("deep[].xs[] | where(v, 3.0) | count", json!(1)),
        ("deep[].xs[] | where($this.v, 2)", json!([{ "v": 2 }])),
        ("[] | where(t, 1)", json!([])),
        ("missing | count", Value::Null),
        ("missing | where(t, 1)", Value::Null),
    ]);
}

#[test]
fn functions_of_texts() {
    yields(&[
        ("name | length", json!(3)),
        ("'Größe 🚀' | length", json!(7)),
        ("words | split('/')", json!(["one", "two", "three"])),
        ("words | split('')", json!(["one/two/three"])),
        ("words | before('/')", json!("one")),
        ("words | before(':')", Value::Null),
        ("words | after('/')", json!("two/three")),
        ("words | after(':')", json!("one/two/three")),
        ("words | between('/', '/')", json!("two")),
        ("words | between('/', ':')", Value::Null),
        ("words | segments('job')", json!("one/job/two/job/three")),
        ("words | segments", json!("one/two/three")),
        ("words | replace('/', '.')", json!("one.two.three")),
        ("words | replace('', '.')", json!("one/two/three")),
        ("pad | trim", json!("x")),
        ("name | lower", json!("pay")),
        ("name | upper", json!("PAY")),
        ("list | upper", json!(["A", "B", "C"])),
        ("['a', null] | upper", json!(["A", null])),
        (
            "['a/b', 'c'] | split('/') | upper",
            json!([["A", "B"], ["C"]]),
        ),
        ("list | length", json!([1, 1, 1])),
        ("[] | upper", json!([])),
        ("empty | segments('job')", json!("")),
        (
            "'/a//b/' | segments('job')",
            json!("/job/a/job//job/b/job/"),
        ),
        ("['a/b', 'c/d'] | segments('x')", json!(["a/x/b", "c/x/d"])),
        ("(words | before('/')) + '!'", json!("one!")),
        ("missing | upper", Value::Null),
        ("words | split(missing)", Value::Null),
    ]);
}

#[test]
fn conversions() {
    yields(&[
        ("n | toString", json!("7")),
        ("f | toString", json!("2.5")),
        ("yes | toString", json!("true")),
        ("name | toString", json!("Pay")),
        ("'42' | toInt", json!(42)),
        ("'x' | toInt", Value::Null),
        ("f | toInt", json!(2)),
        ("-2.5 | toInt", json!(-2)),
        ("'2.5' | toFloat", json!(2.5)),
        ("n | toFloat", json!(7.0)),
        ("'nan' | toFloat", Value::Null),
        ("ms | fromMillis", json!("2023-11-14T22:13:20.123Z")),
        ("s | fromEpoch", json!("2023-11-14T22:13:20Z")),
        ("9223372036854775807 | fromMillis", Value::Null),
        ("90500 | durationMs", json!("PT1M30.5S")),
        ("n | add(3)", json!(10)),
        ("n | sub(10)", json!(-3)),
        ("nums | add(1)", json!([4, 2, 3])),
        ("n | add(missing)", Value::Null),
        ("name | map('Pay', 'P', 'x', 'X')", json!("P")),
        ("n | map('7', 'text', 7, 'number')", json!("number")),
        ("nil | map(null, 'none')", json!("none")),
        ("name | map('x', 'X')", json!("Pay")),
        ("list | map('a', 1)", json!([1, "b", "c"])),
        ("['a', nil] | map(null, 'none')", json!(["a", "none"])),
        ("no | map(false, 'off', true, 'on')", json!("off")),
        ("name | map('Pay', null)", Value::Null),
        ("'7' | map(7, 'number')", json!("7")),
        ("7.0 | map(7, 'seven')", json!("seven")),
        ("missing | map('x', 'X')", Value::Null),
        (
            "map | entries",
            json!([{ "key": "a.b/c", "value": "quoted" }, { "key": "it's", "value": "escaped" }]),
        ),
    ]);
}

#[test]
fn wrong_types_are_null_and_counted() {
    for source in [
        "name.further",
        "name[0]",
        "name[]",
        "list.name",
        "map[]",
        "name + 1",
        "name | first",
        "map | count",
        "n | lower",
        "yes | upper",
        "map | toString",
        "name | fromMillis",
        "name | add(1)",
        "name | entries",
        "name | split(1)",
        "n | where(x, 1)",
        "list | at('x')",
    ] {
        assert_eq!(eval(source), (Value::Null, 1), "{source}");
    }
    assert_eq!(eval("rows[].t.x"), (json!([null, null, null, null]), 3));
}

#[test]
fn plain_paths_borrow() {
    let this = input();
    let scope = Scope {
        this: Some(&this),
        ..Scope::default()
    };
    for source in [
        "name",
        "rows[1].u",
        "$this.map.'a.b/c'",
        "missing",
        "nil ?? name",
    ] {
        let expr = Expr::parse(source).unwrap();
        assert!(matches!(expr.eval(&scope), Cow::Borrowed(_)), "{source}");
    }
}

#[test]
fn plain_path_means_names_only() {
    let steps = |source: &str| {
        let expr = Expr::parse(source).unwrap();
        expr.as_plain_path().map(|steps| steps.join("|"))
    };
    assert_eq!(steps("spec.type").as_deref(), Some("spec|type"));
    assert_eq!(steps("$this").as_deref(), Some(""));
    assert_eq!(
        steps("metadata.annotations.'a.b/c'").as_deref(),
        Some("metadata|annotations|a.b/c")
    );
    for source in [
        "$.a",
        "a[0]",
        "a[]",
        "a(x: 1)",
        "a | lower",
        "a ?? b",
        "$entity.a",
        "'a'",
    ] {
        assert_eq!(steps(source), None, "{source}");
    }
}

#[test]
fn read_sets() {
    let reads = |source: &str| {
        let reads = Expr::parse(source).unwrap().reads();
        let text = |read: &Read| format!("${}:{}", read.root, read.path.join("/"));
        reads.iter().map(text).collect::<Vec<_>>().join(" ")
    };
    for (source, expected) in [
        ("'constant'", ""),
        ("a.b", "$this:a/b"),
        ("$this.a + a", "$this:a"),
        ("a[].b[0].c", "$this:a/b/c"),
        ("$", "$:"),
        (
            "$entity.metadata.name ?? $config.name",
            "$config:name $entity:metadata/name",
        ),
        ("a && b | map('x', 'y')", "$this:a $this:b"),
        ("a | add(b.c)", "$this:a $this:b/c"),
        // What `where` compares is read of each item.
        (
            "links | where(type, 'x') | first",
            "$this:links $this:links/type",
        ),
        ("{ k: a, l: [b] }", "$this:a $this:b"),
        (
            "prs(first: $args.first, by: {f: [$slug]}).nodes[].n",
            "$args:first $slug: $this:prs/nodes/n",
        ),
    ] {
        assert_eq!(reads(source), expected, "{source}");
    }
    let template = Template::parse("/a/{$job | segments}/b?c={$args.n}&d={?$job}").unwrap();
    let roots: Vec<_> = template.reads().into_iter().map(|read| read.root).collect();
    assert_eq!(roots, ["args".into(), "job".into()] as [Box<str>; 2]);
}

#[test]
fn refusals_point_at_the_character() {
    for (source, offset, message) in [
        ("", 0, "a value or a path is missing at the end"),
        ("a.", 2, "the name of a step, or a quoted one, is missing"),
        ("a b", 2, "unexpected `b` after the expression"),
        ("a | nope", 4, "unknown function `nope`"),
        ("a | split", 4, "`split` does not take 0 arguments"),
        (
            "a | map('x', 'y', 'else')",
            4,
            "`map` does not take 3 arguments",
        ),
        ("a | map", 4, "`map` does not take 0 arguments"),
        ("a | map('x', b)", 4, "`map` replaces literals by literals"),
        (
            "a | where('t', 1)",
            4,
            "`where` compares a path with a literal",
        ),
        (
            "a | where(t, u)",
            4,
            "`where` compares a path with a literal",
        ),
        ("'open", 0, "the text is not closed, `'` is missing"),
        ("(a", 2, "`)` is missing at the end"),
        ("a[x]", 2, "a number is missing"),
        ("{ a: 1, a: 2 }", 8, "the key `a` occurs twice"),
        ("a && ", 5, "a value or a path is missing at the end"),
        (
            "ä",
            0,
            "unexpected `ä`, a value or a path should stand here",
        ),
        ("a(x 1)", 4, "unexpected `1`, `:` should stand here"),
    ] {
        let error = Expr::parse(source).unwrap_err();
        assert_eq!(
            (error.offset, error.message.as_str()),
            (offset, message),
            "{source}"
        );
    }
}

#[test]
fn depth_is_bounded_and_length_is_not() {
    let nested =
        |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    for source in [
        nested("(", ")"),
        nested("[", "]"),
        nested("{a:", "}"),
        "(".repeat(10_000),
    ] {
        let error = Expr::parse(&source).unwrap_err();
        assert_eq!(error.message, "brackets nest deeper than 32");
    }
    let chains = [
        format!("a{}", ".a".repeat(10_000)),
        format!("a{}", " | lower".repeat(10_000)),
        format!("a{}", " ?? a".repeat(10_000)),
        format!("1{}", " + 1".repeat(10_000)),
        format!("a{}", " && a".repeat(10_000)),
    ];
    for source in chains {
        let expr = Expr::parse(&source).unwrap();
        expr.eval(&Scope::default());
        expr.reads();
    }
    assert!(Expr::parse(&format!("a(x: {})", nested("[", "]"))).is_err());
}

#[test]
fn templates() {
    let scope_value = json!({ "owner": ["A", "b"], "id": 7, "none": null });
    let tags = |source: &str| {
        let scope = Scope {
            names: &[("body", &scope_value)],
            ..Scope::default()
        };
        Template::parse(source).unwrap().tags(&scope)
    };
    assert_eq!(tags("gh:{$body.id}"), ["gh:7"]);
    assert_eq!(tags("gh:{$body.owner | lower}/x"), ["gh:a/x", "gh:b/x"]);
    assert_eq!(tags("gh:{$body.none}"), [] as [&str; 0]);
    assert_eq!(tags("fixed"), ["fixed"]);

    let template =
        Template::parse("/x/{$job | after(':') | segments('job')}/y?n={?$args.n}&m={'a}b'}")
            .unwrap();
    let holes: Vec<_> = template
        .holes()
        .map(|hole| {
            (
                hole.expr.source(),
                hole.optional,
                hole.in_query,
                hole.segments.is_some(),
            )
        })
        .collect();
    assert_eq!(
        holes,
        [
            ("$job | after(':') | segments('job')", false, false, true),
            ("$args.n", true, true, false),
            ("'a}b'", false, true, false),
        ]
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(source in "\\PC{0,60}") {
        exercise(&source);
    }

    #[test]
    fn nothing_like_an_expression_makes_it_panic(
        tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..24),
    ) {
        exercise(&tokens.concat());
    }
}

const TOKENS: &[&str] = &[
    "a",
    "name",
    "list",
    "rows",
    "$",
    "$this",
    "$args",
    ".",
    "[]",
    "[0]",
    "[-1]",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "|",
    "??",
    "&&",
    "+",
    "'x'",
    "'",
    "1",
    "-",
    "2.5",
    "true",
    "null",
    " ",
    "first",
    "lower",
    "split('/')",
    "where(t, 'slack')",
    "newest(t, u)",
    "min",
    "map('a', 1)",
    "add(1)",
    "toInt",
    "fromMillis",
    "entries",
    "?",
    "é",
    "🚀",
];

fn exercise(source: &str) {
    let this = input();
    let scope = Scope {
        this: Some(&this),
        body: Some(&this),
        ..Scope::default()
    };
    match Expr::parse(source) {
        Ok(expr) => {
            expr.eval(&scope);
            expr.reads();
            assert_eq!(expr.source(), source);
        }
        Err(error) => assert!(error.offset <= source.chars().count(), "{source}"),
    }
    for text in [source.to_owned(), format!("/{{{source}}}?a={{?{source}}}")] {
        match Template::parse(&text) {
            Ok(template) => {
                template.tags(&scope);
                template.reads();
            }
            Err(error) => assert!(error.offset <= text.chars().count(), "{text}"),
        }
    }
}
