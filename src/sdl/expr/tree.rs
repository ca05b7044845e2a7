//! The compiled form of an expression.
//!
//! Chains (`a ?? b ?? c`, `a | f | g`) are lists, not nested pairs: only brackets nest, and the parser bounds those.

use std::fmt;

use serde_json::Value;

use super::function::Function;

/// One node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Literal(Value),
    List(Vec<Node>),
    Object(Vec<(Box<str>, Node)>),
    Path(Path),
    /// `a + b + …`
    Sum(Vec<Node>),
    /// `a | f | g(…)`
    Pipe(Box<Node>, Vec<Call>),
    /// `a && b && …`
    And(Vec<Node>),
    /// `a ?? b ?? …`
    Coalesce(Vec<Node>),
}

/// `| name(args)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub function: Function,
    pub args: Vec<Node>,
}

/// Steps from a root.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub root: Root,
    pub steps: Box<[Step]>,
}

/// Where a path starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Root {
    /// A bare path, or `$this`.
    This,
    /// `$`
    Body,
    /// `$entity`
    Entity,
    /// Any other `$name`.
    Name(Box<str>),
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `.name`, `.'any text'`; with arguments on upstream GraphQL sources.
    Name(Box<str>, Box<[(Box<str>, ArgValue)]>),
    /// `[0]`, `[-1]`
    Index(i64),
    /// `[]`
    Each,
}

/// The value of an argument of an upstream GraphQL field.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgValue {
    /// `$args.first`: name and members.
    Variable(Box<str>, Vec<Box<str>>),
    Literal(Value),
    /// An enum value of the upstream.
    Word(Box<str>),
    List(Vec<ArgValue>),
    Object(Vec<(Box<str>, ArgValue)>),
}

impl Root {
    /// The name behind the `$`; empty for `$` alone.
    pub fn as_str(&self) -> &str {
        match self {
            Self::This => "this",
            Self::Body => "",
            Self::Entity => "entity",
            Self::Name(name) => name,
        }
    }
}

/// As it would be written; arguments are left out.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first_is_bare =
            matches!(self.steps.first(), Some(Step::Name(name, _)) if is_name(name));
        let mut bare = self.root == Root::This && first_is_bare;
        if !bare {
            write!(f, "${}", self.root.as_str())?;
        }
        for step in &self.steps {
            match step {
                Step::Name(name, _) if is_name(name) => {
                    let dot = if std::mem::take(&mut bare) { "" } else { "." };
                    write!(f, "{dot}{name}")?;
                }
                Step::Name(name, _) => write!(f, ".'{}'", name.replace('\'', "''"))?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Each => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}

/// `[A-Za-z_][A-Za-z0-9_]*`
pub(crate) fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(starts_name) && text.chars().all(continues_name)
}

pub(super) fn starts_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

pub(super) fn continues_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
