//! What looks at each item of a list, and shares that texts state.

use serde_json::{Value, json};

use super::{Expr, Read, Scope, eval, yields};
use crate::sdl::expr::{fault, fault_of};

#[test]
fn each_makes_something_of_every_item() {
    yields(&[
        ("rows | each(u)", json!(["S", "W", "Z"])),
        ("rows | each(t && u | lower)", json!(["s", "w", "z"])),
        ("rows | each(t | map('web', null)) | count", json!(2)),
        ("rows | each($this) | count", json!(4)),
        ("list | each($this + '!')", json!(["a!", "b!", "c!"])),
        ("deep | each(xs[].v)", json!([[1, 2], [3]])),
        ("deep | each(xs | each(v) | first)", json!([1, 3])),
        (
            "rows | each({ name: u ?? 'none' }) | last",
            json!({ "name": "none" }),
        ),
        ("list | each($args.first)", json!([5, 5, 5])),
        ("[] | each(x)", json!([])),
        ("missing | each(x)", Value::Null),
    ]);
    assert_eq!(eval("name | each(x)"), (Value::Null, 1));
    let refused = Expr::parse("rows | each()").unwrap_err();
    assert_eq!(refused.message, "`each` does not take 0 arguments");
}

#[test]
fn lists_are_joined() {
    yields(&[
        ("list + nums", json!(["a", "b", "c", 3, 1, 2])),
        ("(rows | each(t) | first) + '!'", json!("slack!")),
        ("list + [] + [name]", json!(["a", "b", "c", "Pay"])),
        ("list + missing", Value::Null),
    ]);
    assert_eq!(eval("list + name"), (Value::Null, 1));
}

/// An upstream that lists what was tried again beside what it replaces, in any order.
#[test]
fn the_newest_of_those_that_have_something_in_common() {
    let tried = |order: &[usize]| {
        let all = [
            json!({ "id": 1, "name": "build", "at": "2026-03-01T10:00:00Z", "n": 1 }),
            json!({ "id": 2, "name": "audit", "at": "2026-03-01T10:00:00Z", "n": 10 }),
            json!({ "id": 3, "name": "build", "at": "2026-03-01T12:00:00+01:00", "n": 9 }),
            json!({ "id": 4, "name": "build", "at": null, "n": null }),
            json!({ "id": 5, "at": "2026-03-01T10:00:00Z" }),
            json!({ "id": 6, "name": null, "at": "2026-03-01T10:00:00Z" }),
        ];
        let rows: Vec<Value> = order.iter().map(|at| all[*at].clone()).collect();
        json!({ "rows": rows })
    };
    let ids = |this: &Value, source: &str| {
        let expr = Expr::parse(source).unwrap();
        let scope = Scope {
            this: Some(this),
            ..Scope::default()
        };
        expr.eval(&scope).into_owned()
    };
    let source = "rows | newest(name, at) | each(id)";
    // Half past eleven in Berlin is later than ten in Greenwich; what has no name has nothing in common.
    assert_eq!(
        ids(&tried(&[0, 1, 2, 3, 4, 5]), source),
        json!([2, 3, 5, 6])
    );
    assert_eq!(ids(&tried(&[3, 2, 5, 1, 0]), source), json!([3, 6, 2]));
    assert_eq!(ids(&tried(&[3]), source), json!([4]));
    // By numbers nine is less than ten, and by a path that is null nothing is newer.
    let source = "rows | newest('all' && n && 'one', n) | each(id)";
    assert!(Expr::parse(source).is_ok());
    assert_eq!(ids(&tried(&[0, 1, 2]), source), json!([2]));
    assert_eq!(
        ids(&tried(&[0, 2]), "rows | newest(name, $.nothing) | each(id)"),
        json!([1])
    );
    // The same time twice: the one that stands first.
    yields(&[
        ("rows | newest(t, 'x') | each(u)", json!(["S", "W"])),
        ("[] | newest(t, u)", json!([])),
        ("missing | newest(t, u)", Value::Null),
    ]);
    // What cannot be compared is no time.
    assert_eq!(eval("rows | newest(t, { u: u })"), (Value::Null, 1));
    assert_eq!(eval("name | newest(t, u)"), (Value::Null, 1));
    let refused = Expr::parse("rows | newest(t)").unwrap_err();
    assert_eq!(refused.message, "`newest` does not take 1 arguments");
}

#[test]
fn the_first_and_the_last() {
    yields(&[
        ("nums | min", json!(1)),
        ("nums | max", json!(3)),
        ("[2.5, 10, null] | max", json!(10)),
        ("[10, 9.5] | min", json!(9.5)),
        ("list | max", json!("c")),
        ("['b', 'a', 'B'] | min", json!("B")),
        (
            "['2026-03-01T12:30:00+01:00', '2026-03-01T12:00:00Z'] | max",
            json!("2026-03-01T12:00:00Z"),
        ),
        ("[] | min", Value::Null),
        ("[null] | max", Value::Null),
        ("missing | max", Value::Null),
    ]);
    for source in ["name | min", "[1, 'a'] | max", "[true] | min", "rows | max"] {
        assert_eq!(eval(source), (Value::Null, 1), "{source}");
    }
}

/// Codecov, Coveralls and others, in words that they use; and what looks like a share and is none.
#[test]
fn shares_that_texts_state() {
    for (text, expected) in [
        ("87.4% (+0.2%) compared to abc1234", json!(87.4)),
        ("Coverage: 87.4%", json!(87.4)),
        ("Coverage increased (+0.2%) to 87.368%", json!(87.368)),
        ("Coverage decreased (-0.1%) to 93.0%", json!(93.0)),
        ("First build on main at 87 %", json!(87.0)),
        ("(100%)", json!(100.0)),
        (
            "Absolute coverage decreased by -0.2% but relative coverage increased by +0.1%",
            Value::Null,
        ),
        ("change of −0.2%", Value::Null),
        ("at least >80% of lines", Value::Null),
        ("120% of what was there", Value::Null),
        ("87,4%", Value::Null),
        ("v1.2.3%", Value::Null),
        ("v2%", Value::Null),
        ("no report", Value::Null),
        ("%", Value::Null),
        ("ß%", Value::Null),
    ] {
        let source = format!("'{text}' | percentage");
        assert_eq!(eval(&source), (expected, 0), "{source}");
    }
    assert_eq!(eval("n | percentage"), (Value::Null, 1));
    yields(&[("['1%', null] | percentage", json!([1.0, null]))]);
}

/// Whether an item belongs to a list cannot be told where what says it is null for a reason.
#[test]
fn a_null_with_a_reason_is_that_of_the_list() {
    let this = json!({ "rows": [{ "n": 0 }, { "n": fault(json!("refused")) }] });
    for source in [
        "rows | where(n, 0)",
        "rows | each(n)",
        "rows | each(n && 1) | count",
        "rows | newest('x', n)",
        "rows[].n | max",
    ] {
        let expr = Expr::parse(source).unwrap();
        let scope = Scope {
            this: Some(&this),
            ..Scope::default()
        };
        let found = expr.eval(&scope).into_owned();
        assert_eq!(fault_of(&found), Some(&json!("refused")), "{source}");
    }
}

#[test]
fn what_is_read_of_items() {
    let reads = |source: &str| {
        let reads = Expr::parse(source).unwrap().reads();
        let text = |read: &Read| format!("${}:{}", read.root, read.path.join("/"));
        reads.iter().map(text).collect::<Vec<_>>().join(" ")
    };
    for (source, expected) in [
        ("a.b | each(c ?? $args.x)", "$args:x $this:a/b $this:a/b/c"),
        (
            "a | where(b, 1) | each(c) | each(d)",
            "$this:a $this:a/b $this:a/c $this:a/c/d",
        ),
        (
            "a | newest(b, c) | each(d)",
            "$this:a $this:a/b $this:a/c $this:a/d",
        ),
        (
            "(a | each(b)) + (c | first | each(d))",
            "$this:a $this:a/b $this:c $this:c/d",
        ),
    ] {
        assert_eq!(reads(source), expected, "{source}");
    }
}
