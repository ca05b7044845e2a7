//! The expression language of SCHEMA.md: paths, functions, `??`, `&&`, `+`; and templates, which are texts with `{expr}` holes.
//!
//! An expression says what it reads ([`Expr::reads`]): from that come load-time checks, upstream selections, cache keys and applicability.
//! Evaluation is total: a missing step is null, a step on the wrong type is null and counted.

use std::borrow::Cow;

use serde_json::Value;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expr {
    // filled in by the parser
    source: Box<str>,
}

/// A text with `{expr}` holes, compiled.
#[derive(Clone, Debug)]
pub struct Template {
    source: Box<str>,
}

/// What the names in an expression stand for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// `$this`, and the start of bare paths.
    pub this: Option<&'a Value>,
    /// `$`: the response body.
    pub body: Option<&'a Value>,
    /// `$entity`: the nearest entity's descriptor.
    pub entity: Option<&'a Value>,
    /// `$args`, `$config`, `$viewer`, `$batch`, `$headers`, `$body`, and the `let` names, looked up by name.
    pub names: &'a [(&'a str, &'a Value)],
}

/// A path from one root, part of a read-set: `$entity`, `["metadata", "annotations", "github.com/project-slug"]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Read {
    /// `this`, `entity`, `args`, …; empty for `$`.
    pub root: Box<str>,
    /// Names in order; list steps (`[]`, `[0]`) leave no trace.
    pub path: Vec<Box<str>>,
}

/// Why an expression is refused, with the character offset in its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    pub offset: usize,
    pub message: String,
    pub hint: Option<String>,
}

impl Expr {
    /// Compiles `source`.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        Ok(Self {
            source: source.into(),
        })
    }

    /// As written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Everything that the expression reads, sorted and without doubles.
    pub fn reads(&self) -> Vec<Read> {
        Vec::new()
    }

    /// The steps, if the expression is a plain path of names from `$this`.
    pub fn as_plain_path(&self) -> Option<Vec<&str>> {
        None
    }

    /// The value; [`Value::Null`] where something is missing. Plain paths borrow.
    pub fn eval<'a>(&self, _scope: &Scope<'a>) -> Cow<'a, Value> {
        Cow::Owned(Value::Null)
    }
}

impl Template {
    /// Compiles `source`.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        Ok(Self {
            source: source.into(),
        })
    }

    /// As written.
    pub fn source(&self) -> &str {
        &self.source
    }
}
