//! The expression language of the schema files: paths, functions, `??`, `&&`, `+`; and templates, which are texts with `{expr}` holes.
//!
//! An expression says what it reads ([`Expr::reads`]): from that come load-time checks, upstream selections, cache keys and applicability.
//! Evaluation is total: a missing step is null, a step on the wrong type is null and counted.
//! There are no loops, no recursion, no regular expressions, no clock; nesting is bounded, so no input can exhaust the stack.

mod eval;
mod function;
mod order;
mod parse;
mod reads;
mod template;
#[cfg(test)]
mod tests;
mod tree;
mod upstream;

pub(crate) use eval::member;
pub use function::Function;
pub use template::{Hole, Part, Segments, Template};
pub(crate) use tree::is_name;
pub use tree::{ArgValue, Call, Node, Path, Root, Step};
pub use upstream::{Lookup, fault, fault_of, is_of_object, is_page, resolved, response_key};

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::Value;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expr {
    source: Box<str>,
    node: Node,
}

/// What the names in an expression stand for: values that live as long as what is found in them, and names that need not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a, 'm> {
    /// `$this`, and the start of bare paths.
    pub this: Option<&'a Value>,
    /// `$`: the response body.
    pub body: Option<&'a Value>,
    /// `$entity`: the nearest entity's descriptor.
    pub entity: Option<&'a Value>,
    /// `$args`, `$config`, `$viewer`, `$batch`, `$headers`, `$body`, and the `let` names, looked up by name.
    pub names: &'m [(&'m str, &'a Value)],
    /// Counts the steps and functions that met a value of the wrong type.
    pub mismatches: Option<&'m Cell<u32>>,
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
            node: parse::expression(source)?,
        })
    }

    /// A plain path of names from `$this`.
    pub fn plain<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let steps: Vec<Step> = names
            .into_iter()
            .map(|name| Step::Name(name.into(), Box::default()))
            .collect();
        let path = Path {
            root: Root::This,
            steps: steps.into(),
        };
        Self {
            source: path.to_string().into(),
            node: Node::Path(path),
        }
    }

    /// As written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The compiled tree: what the connector runtime makes upstream selections from.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Everything that the expression reads, sorted and without doubles.
    pub fn reads(&self) -> Vec<Read> {
        reads::of(&self.node)
    }

    /// The steps, if the expression is a plain path of names from `$this`.
    pub fn as_plain_path(&self) -> Option<Vec<&str>> {
        let Node::Path(path) = &self.node else {
            return None;
        };
        if path.root != Root::This {
            return None;
        }
        path.steps
            .iter()
            .map(|step| match step {
                Step::Name(name, args) if args.is_empty() => Some(&**name),
                Step::Name(..) | Step::Index(_) | Step::Each => None,
            })
            .collect()
    }

    /// Whether a step takes arguments, which only an upstream GraphQL graph understands.
    pub fn has_arguments(&self) -> bool {
        reads::has_arguments(&self.node)
    }

    /// Whether it reads nothing but `$this`, by names and places alone.
    pub fn is_of_this(&self) -> bool {
        let Node::Path(path) = &self.node else {
            return false;
        };
        let is_plain = |step: &Step| match step {
            Step::Name(_, arguments) => arguments.is_empty() && step.condition().is_none(),
            Step::Index(_) | Step::Each => true,
        };
        matches!(path.root, Root::This) && path.steps.iter().all(is_plain)
    }

    /// The value; [`Value::Null`] where something is missing. Plain paths borrow.
    pub fn eval<'a>(&'a self, scope: &Scope<'a, '_>) -> Cow<'a, Value> {
        eval::node(&self.node, scope)
    }
}
