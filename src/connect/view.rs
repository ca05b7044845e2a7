//! What a field sees of what is kept: the part of each body that its `at` says.
//!
//! A part that stands in the body as it is is found there again whenever it is looked at: members by their names, which costs no copy.
//! A part that is made of the body is made once and remembered beside it.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use serde_json::Value;
use smallvec::SmallVec;

use super::kept;
use super::live::Whole;
use super::pages;
use super::request::evaluate;
use super::routes::Fetch;
use super::seam::Fault;
use crate::cache::Entry;
use crate::sdl::expr::{Expr, Node, Root, Step, member};

static NULL: Value = Value::Null;

/// `at`, understood once.
#[derive(Debug)]
pub(super) enum At {
    /// Members of members, and whether what is there is a list.
    Place { names: Box<[Box<str>]>, each: bool },
    /// It is made of the body; the number names the expression.
    Made { expr: Expr, number: u64 },
}

/// The objects of a field in an entry.
#[derive(Clone)]
pub(super) struct View {
    source: Source,
    at: Arc<At>,
    /// Of a list: objects in each body.
    lens: SmallVec<[u32; 4]>,
}

#[derive(Clone)]
enum Source {
    /// They stand in the bodies.
    Bodies(Arc<Entry>),
    /// All of them, as they were made.
    Made(Arc<Value>),
}

impl At {
    pub(super) fn new(expr: &Expr) -> Self {
        place(expr).unwrap_or_else(|| {
            let mut hasher = DefaultHasher::new();
            expr.source().hash(&mut hasher);
            Self::Made {
                number: hasher.finish(),
                expr: expr.clone(),
            }
        })
    }

    /// The body itself.
    pub(super) fn whole() -> Self {
        Self::Place {
            names: Box::default(),
            each: false,
        }
    }

    /// The part of a body.
    pub(super) fn take<'b>(&'b self, body: &'b Value) -> Cow<'b, Value> {
        match self {
            Self::Place { names, each } => Cow::Borrowed(find(names, *each, body)),
            Self::Made { expr, .. } => evaluate(expr, body),
        }
    }

    /// Where it stands in a body; null where it is made of it.
    pub(super) fn find<'b>(&self, body: &'b Value) -> &'b Value {
        match self {
            Self::Place { names, each } => find(names, *each, body),
            Self::Made { .. } => &NULL,
        }
    }
}

fn find<'b>(names: &[Box<str>], each: bool, body: &'b Value) -> &'b Value {
    let mut at = body;
    for name in names {
        let found = at.as_object().and_then(|members| member(members, name));
        at = found.unwrap_or(&NULL);
    }
    match each && !at.is_array() {
        true => &NULL,
        false => at,
    }
}

fn place(expr: &Expr) -> Option<At> {
    let Node::Path(path) = expr.node() else {
        return None;
    };
    if !matches!(path.root, Root::This | Root::Body) {
        return None;
    }
    let mut names = Vec::with_capacity(path.steps.len());
    let mut each = false;
    for step in &path.steps {
        match step {
            Step::Name(name, args) if args.is_empty() && !each => names.push(name.clone()),
            Step::Each if !each => each = true,
            _ => return None,
        }
    }
    Some(At::Place {
        names: names.into(),
        each,
    })
}

impl View {
    /// What there is in an entry for a field that brings one object, or a list.
    pub(super) fn new(fetch: &Fetch, entry: &Arc<Entry>) -> Result<Self, Fault> {
        // A value that is made of a part of them would be another one.
        if !fetch.is_list() && fetch.is_whole() && kept::progress(fetch, entry).cut {
            return Err(pages::cut_off(fetch));
        }
        let misshapen = || pages::misshapen(fetch);
        let source = match &*fetch.at {
            At::Place { .. } => Source::Bodies(Arc::clone(entry)),
            At::Made { number, .. } => Source::Made(made(fetch, entry, *number)),
        };
        let mut lens = SmallVec::new();
        if fetch.is_list() {
            let len = |found: &Value| match found {
                Value::Array(rows) => u32::try_from(rows.len()).map_err(|_more| misshapen()),
                Value::Null => Ok(0),
                _ => Err(misshapen()),
            };
            match &source {
                Source::Made(rows) => lens.push(len(rows)?),
                Source::Bodies(_) => {
                    for body in kept::bodies(fetch, entry) {
                        lens.push(len(fetch.at.find(body))?);
                    }
                }
            }
        }
        Ok(Self {
            source,
            at: Arc::clone(&fetch.at),
            lens,
        })
    }

    /// What stands at `at` in the one body of an entry; of a list, so many objects.
    pub(super) fn of(entry: &Arc<Entry>, at: Arc<At>, list: Option<usize>) -> Self {
        let lens = list.and_then(|len| u32::try_from(len).ok());
        Self {
            source: Source::Bodies(Arc::clone(entry)),
            at,
            lens: lens.into_iter().collect(),
        }
    }

    /// What is nowhere but here: one object, or a list of them.
    pub(super) fn of_made(value: Value, is_list: bool) -> Self {
        let len = value.as_array().filter(|_| is_list).map(Vec::len);
        let len = len.and_then(|len| u32::try_from(len).ok());
        Self {
            source: Source::Made(Arc::new(value)),
            at: Arc::new(At::whole()),
            lens: len.into_iter().collect(),
        }
    }

    /// How many objects a list has.
    pub(super) fn len(&self) -> usize {
        self.lens.iter().map(|len| *len as usize).sum()
    }

    /// All of it, where it is no list.
    pub(super) fn whole(&self) -> &Value {
        match &self.source {
            Source::Made(value) => value,
            Source::Bodies(entry) => self.at.find(body(entry, 0)),
        }
    }

    /// One object of a list.
    pub(super) fn get(&self, position: usize) -> Option<&Value> {
        let (page, row) = self.locate(position)?;
        match &self.source {
            Source::Made(rows) => rows.get(row as usize),
            Source::Bodies(entry) => self.at.find(body(entry, page)).get(row as usize),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        (0..self.len()).filter_map(|position| self.get(position))
    }

    /// What the object at a position of a list stands in, and where; without a position all of it.
    pub(super) fn place(&self, position: Option<usize>) -> Option<(Whole, Option<u32>)> {
        let (page, row) = match position {
            None => (0, None),
            Some(position) => {
                let (page, row) = self.locate(position)?;
                (page, Some(row))
            }
        };
        let whole = match &self.source {
            Source::Made(value) => Whole::Made(Arc::clone(value)),
            Source::Bodies(entry) => Whole::Entry(Arc::clone(entry), page),
        };
        Some((whole, row))
    }

    /// The body and the place within it.
    fn locate(&self, position: usize) -> Option<(u32, u32)> {
        let mut left = u32::try_from(position).ok()?;
        for (page, len) in (0_u32..).zip(&self.lens) {
            if left < *len {
                return Some((page, left));
            }
            left -= len;
        }
        None
    }
}

/// A body of an entry, from 0.
pub(super) fn body(entry: &Entry, page: u32) -> &Value {
    let list = entry.json().and_then(Value::as_array);
    let body = list.and_then(|list| list.get(page as usize + 1));
    body.unwrap_or(&NULL)
}

fn made(fetch: &Fetch, entry: &Entry, number: u64) -> Arc<Value> {
    // The number of bodies that a field uses depends on how it pages.
    let bodies = kept::bodies(fetch, entry);
    let which = (number, bodies.len() as u64);
    entry.made(which, || match bodies {
        [one] => fetch.at.take(one).into_owned(),
        bodies if fetch.is_list() => {
            let each = bodies.iter().map(|body| fetch.at.take(body).into_owned());
            each.fold(Value::Null, together)
        }
        _ => Value::Null,
    })
}

/// Two pages; what is no list stays to be seen.
fn together(before: Value, page: Value) -> Value {
    match (before, page) {
        (Value::Array(mut rows), Value::Array(more)) => {
            rows.extend(more);
            Value::Array(rows)
        }
        (Value::Null, page) => page,
        (before, Value::Null) => before,
        (Value::Array(_), other) | (other, _) => other,
    }
}
