//! The seam between the executor and what answers live fields.
//!
//! The executor knows plans, paths and bytes; a source knows upstreams.
//! Between them go groups of parents and answers, and what is at hand already goes across without waiting.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::live::LiveObject;
use super::report::{ConnectorReport, Match};
use super::scope::Scope;
use super::selected::SelectedField;
use super::way::Way;
use crate::graph::Ix;
use crate::sdl::{LiveBinding, RelationId};

/// Answers fields whose values the snapshot does not hold.
pub trait LiveSource: Send + Sync + 'static {
    /// The answer, if it is at hand: nothing is waited for. Asked while the response is written, once per parent.
    fn ready(&self, scope: &Scope, field: &LiveField, parent: &Parent) -> Option<Answer> {
        // Most sources have to wait.
        let _ = (scope, field, parent);
        None
    }

    /// One future per group, in the same order; each yields one answer per parent of its group, in their order.
    ///
    /// Dropping a future cancels its work. At the deadline of the request the engine does so, and the fields are null.
    fn fetch(&self, groups: Vec<Group>) -> Vec<BoxFuture<'static, Vec<Answer>>>;

    /// How the connectors are, by name.
    fn connectors(&self) -> Vec<ConnectorReport> {
        Vec::new()
    }

    /// Which connectors apply to an entity, and why the others do not; nothing is asked.
    fn explain(&self, scope: &Scope, entity: Ix) -> Vec<Match> {
        let _ = (scope, entity);
        Vec::new()
    }

    /// Objects by their ids, which the parents of the group are; one answer per parent.
    ///
    /// The field is that of the root; what is selected of an object is in it by concrete type.
    fn nodes(&self, group: Group) -> BoxFuture<'static, Vec<Answer>> {
        let nothing = group.parents.iter().map(|_| Answer::null()).collect();
        Box::pin(std::future::ready(nothing))
    }

    /// An object is shown with its id, by which it may be asked for, or something be done to it, later.
    ///
    /// `way` says how it was come by; it is made only if nobody knows yet.
    fn shown(&self, scope: &Scope, sight: &Sight<'_>, way: &mut dyn FnMut() -> Option<Way>) {
        // Most sources are asked for nothing by an id.
        let _nobody = (scope, sight, way);
    }

    /// How an object was come by that is known by its id.
    fn way(&self, id: &str) -> Option<Arc<Way>> {
        let _ = id;
        None
    }

    /// A value that an upstream brought does not fit the field that shows it.
    fn misfit(&self, connector: &str, type_name: &str, field: &str) {
        let _ = (connector, type_name, field);
    }
}

/// An object that is shown with its id.
#[derive(Clone, Copy)]
pub struct Sight<'s> {
    pub id: &'s str,
    /// Its concrete type.
    pub type_name: &'s Arc<str>,
    /// The object, or the one that it is within.
    pub object: &'s LiveObject,
    /// Its own JSON.
    pub value: &'s Value,
}

/// All holes of one field that one pass of the writer left.
#[derive(Clone)]
pub struct Group {
    pub field: Arc<LiveField>,
    /// What the field is asked of, in document order.
    pub parents: Vec<Parent>,
    /// What the whole request shares.
    pub scope: Arc<Scope>,
}

/// The field that a group asks for.
#[derive(Default)]
pub struct LiveField {
    /// The type that it is selected on, and its name there.
    pub type_name: Arc<str>,
    pub name: Arc<str>,
    /// Coerced, defaults filled in.
    pub arguments: Arc<Map<String, Value>>,
    /// Of a connection: whether `totalCount` is selected.
    pub total: bool,
    /// Of a connection: whether any cursor is selected.
    pub cursors: bool,
    /// What is selected of its objects, where a source asks for no more than that.
    pub selected: Option<SelectedField>,
    /// What the schema says about it; `None` for the engine's own.
    pub binding: Option<Arc<LiveBinding>>,
    /// Of the engine's own: the resolver that the schema names, and the relation types that it is given.
    pub resolver: &'static str,
    pub via: Arc<[RelationId]>,
    /// What the source made of the above, made once.
    pub prepared: OnceLock<Arc<dyn Any + Send + Sync>>,
}

/// What a field is asked of.
#[derive(Clone, Debug, PartialEq)]
pub enum Parent {
    /// A field at the root.
    Root,
    Entity(Ix),
    /// An object that a source brought before.
    Live(LiveObject),
    /// One of the engine's own objects.
    Object(Arc<Value>),
    /// A value within the descriptor of an entity.
    Within(Ix, Arc<Value>),
    /// A JSON value in which texts stand as [`text_marker`](crate::graph::text_marker)s.
    Texts(Arc<Value>),
}

/// What came for one hole: a value, and what went wrong on the way.
///
/// Faults beside a value that is not null are those of some of its providers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub fetched: Fetched,
    pub faults: Vec<Fault>,
}

/// What a source brings for one hole.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetched {
    /// A leaf, an object or a list of them; objects behind an interface or a union carry their `__typename`.
    Value(Value),
    /// An object of a live type.
    Live(LiveObject),
    /// A page of a connection.
    Page(FetchedPage),
}

/// A page of a live connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchedPage {
    /// Each with the cursor behind it; empty where [`LiveField::cursors`] says that nobody asks.
    pub items: Vec<(Item, Box<str>)>,
    pub has_next: bool,
    pub has_previous: bool,
    /// `None` where the source cannot say.
    pub total: Option<u64>,
    pub complete: Option<bool>,
}

/// An item of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Value(Value),
    Live(LiveObject),
}

/// Why something is null; where it is null is known where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `extensions.code`.
    pub code: &'static str,
    /// Nothing of the upstream's address, headers, secrets or body.
    pub message: String,
    /// More members of `extensions`.
    pub extensions: Map<String, Value>,
}

impl Fault {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            extensions: Map::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(key.to_owned(), value.into());
        self
    }
}

impl Answer {
    /// Null, and that is right so.
    pub fn null() -> Self {
        Fetched::Value(Value::Null).into()
    }

    pub fn is_null(&self) -> bool {
        matches!(self.fetched, Fetched::Value(Value::Null))
    }
}

impl From<Fetched> for Answer {
    fn from(fetched: Fetched) -> Self {
        Self {
            fetched,
            faults: Vec::new(),
        }
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        Self {
            fetched: Fetched::Value(Value::Null),
            faults: vec![fault],
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("field", &self.field)
            .field("parents", &self.parents)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LiveField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveField")
            .field("type_name", &self.type_name)
            .field("name", &self.name)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}
