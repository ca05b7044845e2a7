//! An object that an upstream brought, and where it came from.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Weak};

use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use smallvec::SmallVec;

use super::graphql::held::stopped;
use super::graphql::send::fault_in;
use super::seam::Fault;
use super::view::{self, At};
use crate::cache::Entry;
use crate::graph::Ix;
use crate::sdl::expr::{self, Expr, Scope as Names};

/// So much of a hash tells objects apart.
const ID_BYTES: usize = 15;

/// One object of a live type: a row of what is kept, shared and never copied.
#[derive(Clone)]
pub struct LiveObject {
    pub(super) held: Whole,
    /// Where it stands in a list; `None` where it is the whole.
    pub(super) position: Option<u32>,
    pub origin: Arc<Origin>,
    /// The nearest entity: the one whose annotations decided.
    pub entity: Option<Ix>,
    pub fetched_at: Timestamp,
    /// Older than it should be: the upstream could not be asked, or is being asked.
    pub stale: bool,
}

/// What the object stands in: the object itself, or a list.
#[derive(Clone)]
pub(super) enum Whole {
    /// What `at` says of one body of an entry.
    Entry(Arc<Entry>, u32),
    /// What was made of an entry once, and is remembered beside it.
    Made(Arc<Value>),
    /// Nobody else has it.
    Value(Arc<Value>),
}

/// Which part of what is kept an object is, by addresses: as good as its value, for as long as there is an [`Anchor`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Part {
    whole: usize,
    at: usize,
    page: u32,
    position: Option<u32>,
}

/// Keeps the address of what is kept from being given to something else.
#[derive(Clone)]
#[expect(dead_code, reason = "it is there to be held")]
pub(super) enum Anchor {
    Entry(Weak<Entry>),
    Made(Weak<Value>),
}

/// What all objects of one answer have in common.
#[derive(Clone, Debug)]
pub struct Origin {
    pub connector: Arc<str>,
    pub instance: Arc<str>,
    /// The concrete type.
    pub type_name: Arc<str>,
    /// What `@field` may read besides the object: the `let` names of the request.
    pub names: Vec<(Box<str>, Value)>,
    /// Where in a body they stand.
    pub(super) at: Arc<At>,
    /// Whether `at` is the same for all answers, and lasts as long as the schema.
    pub(super) is_lasting: bool,
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        self.connector == other.connector
            && self.instance == other.instance
            && self.type_name == other.type_name
            && self.names == other.names
    }
}

impl LiveObject {
    /// An object within this one.
    pub fn within(&self, value: Value) -> Self {
        Self {
            held: Whole::Value(Arc::new(value)),
            position: None,
            ..self.clone()
        }
    }

    /// Which part of what is kept it is; `None` for what is kept nowhere.
    pub(super) fn part(&self) -> Option<Part> {
        let (whole, page) = match &self.held {
            Whole::Entry(entry, page) => (Arc::as_ptr(entry).addr(), *page),
            Whole::Made(value) => (Arc::as_ptr(value).addr(), 0),
            Whole::Value(_) => return None,
        };
        if !self.origin.is_lasting {
            return None;
        }
        Some(Part {
            whole,
            at: Arc::as_ptr(&self.origin.at).addr(),
            page,
            position: self.position,
        })
    }

    pub(super) fn anchor(&self) -> Anchor {
        match &self.held {
            Whole::Entry(entry, _) => Anchor::Entry(Arc::downgrade(entry)),
            Whole::Made(value) | Whole::Value(value) => Anchor::Made(Arc::downgrade(value)),
        }
    }

    /// Why something in an object is null, if its upstream said why.
    pub fn fault_of(value: &Value) -> Option<Fault> {
        expr::fault_of(value).map(fault_in)
    }

    /// Why a connection within an object was not read as far as it was wanted.
    pub fn stopped(connection: &Map<String, Value>) -> Option<Fault> {
        stopped(connection).map(fault_in)
    }

    /// The upstream's JSON.
    pub fn value(&self) -> &Value {
        static NULL: Value = Value::Null;
        let whole = match &self.held {
            Whole::Entry(entry, page) => self.origin.at.find(view::body(entry, *page)),
            Whole::Made(value) | Whole::Value(value) => value,
        };
        match self.position {
            None => whole,
            Some(position) => whole.get(position as usize).unwrap_or(&NULL),
        }
    }

    /// An opaque id, the same for the same object of the same upstream, and different from all others.
    pub fn id(&self, type_name: &str, identity: &Expr, value: &Value) -> Option<String> {
        let mismatches = Cell::new(0);
        let identity = self.evaluate(identity, value, None, &mismatches);
        if identity.is_null() || expr::fault_of(&identity).is_some() {
            return None;
        }
        let mut hash = Sha256::new();
        for part in [&*self.origin.connector, &*self.origin.instance, type_name] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(identity.to_string());
        let digest = hash.finalize();
        Some(format!("l{}", hex::encode(digest.get(..ID_BYTES)?)))
    }

    /// Whether a value looks like one of these ids.
    pub fn is_id(value: &Value) -> bool {
        let text = value.as_str().and_then(|text| text.strip_prefix('l'));
        text.is_some_and(|digits| {
            let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            digits.len() == 2 * ID_BYTES && digits.bytes().all(is_digit)
        })
    }

    /// An expression on `value`, which is this object or one within it; `args` are those of the field that reads.
    pub fn evaluate<'v>(
        &'v self,
        expr: &'v Expr,
        value: &'v Value,
        args: Option<&'v Value>,
        mismatches: &Cell<u32>,
    ) -> Cow<'v, Value> {
        let mut names: SmallVec<[(&str, &Value); 4]> = SmallVec::new();
        if !expr.is_of_this() {
            let own = self.origin.names.iter();
            names.extend(own.map(|(name, value)| (&**name, value)));
            names.extend(args.map(|args| ("args", args)));
        }
        expr.eval(&Names {
            this: Some(value),
            names: &names,
            mismatches: Some(mismatches),
            ..Names::default()
        })
    }
}

impl PartialEq for LiveObject {
    fn eq(&self, other: &Self) -> bool {
        self.value() == other.value()
            && self.origin == other.origin
            && self.entity == other.entity
            && self.fetched_at == other.fetched_at
            && self.stale == other.stale
    }
}

impl fmt::Debug for LiveObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveObject")
            .field("value", self.value())
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
