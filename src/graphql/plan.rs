//! A compiled operation: field sources as data, everything decided that does not depend on the catalog.
//!
//! Response keys are rendered, fragments are opened out per concrete type, fields of one response key are merged, `@skip` and `@include` are gone (a plan is made per combination of the variables that they read), arguments are folded unless they hold variables.
//! The same fields selected on the same type are compiled once, so a plan grows with the document and not with the number of paths through it.
//!
//! Architecture invariant: nothing here is looked up by name while a request runs.

mod collect;
mod compile;
mod kinds;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use apollo_compiler::Node;
use apollo_compiler::ast::Argument;
use apollo_compiler::schema::InputValueDefinition;

pub(crate) use collect::condition_variables;
pub(crate) use compile::compile;

use super::arguments::{Arguments, Meaning};
use super::error::{FieldError, Location};
use super::resolve::Resolver;
use crate::connect::{LiveField, SelectedField};
use crate::sdl::expr::Expr;
use crate::sdl::{
    ColumnId, FieldType, KindId, LiveBinding, LookupBinding, RelationId, Targets, ValueBinding,
};

/// Position in [`Plan::objects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ObjectId(pub(crate) u32);

/// Position in [`Plan::selections`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SelectionId(pub(crate) u32);

/// Position in [`Plan::fields`]: one field of the document, whatever concrete type it is met on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FieldId(pub(crate) u32);

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) root: ObjectId,
    pub(crate) objects: Vec<Box<[Item]>>,
    /// By object: the relations that its members follow.
    pub(crate) leads: Vec<Box<[Lead]>>,
    pub(crate) selections: Vec<Selection>,
    pub(crate) fields: Vec<Field>,
    /// Number of [`Field::slot`]s.
    pub(crate) slots: usize,
    /// Whether it asks what became of live fields.
    pub(crate) watched: bool,
    /// Bytes of the last answer: the next is likely of that size.
    pub(crate) answered: AtomicUsize,
}

/// What is written of an object, by its concrete type.
#[derive(Debug)]
pub(crate) enum Selection {
    /// There is one concrete type, and it is no entity.
    One(ObjectId),
    /// Entities: undeclared kinds first, then by kind; `None` where the type does not let that kind through.
    /// Where live objects may stand there as well, those by their types.
    Entities(Box<[Option<ObjectId>]>, Box<[(Arc<str>, ObjectId)]>),
    /// Other objects, told apart by the `__typename` that they carry.
    Tagged(Box<[(Arc<str>, ObjectId)]>),
}

impl Selection {
    /// What is written of an entity of `kind`.
    pub(crate) fn for_kind(&self, kind: Option<KindId>) -> Option<ObjectId> {
        match self {
            Self::Entities(objects, _) => {
                let slot = kind.map_or(0, |kind| usize::from(kind.0) + 1);
                objects.get(slot).copied().flatten()
            }
            Self::One(_) | Self::Tagged(_) => None,
        }
    }

    /// What is written of a live object, where the field may show entities as well.
    pub(crate) fn for_live(&self, type_name: &str) -> Option<ObjectId> {
        let Self::Entities(_, live) = self else {
            return None;
        };
        let mut live = live.iter();
        let known = live.find(|(name, _)| **name == *type_name);
        known.map(|(_, object)| *object)
    }
}

/// One member of an object.
#[derive(Debug)]
pub(crate) struct Item {
    /// `"key":`, with the comma before it unless it is the first.
    pub(crate) key: Box<[u8]>,
    pub(crate) op: Op,
    pub(crate) field: FieldId,
}

/// A relation that a member of an object follows, and what is written of its targets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lead {
    pub(crate) relation: RelationId,
    pub(crate) selection: SelectionId,
    /// Whether members of those follow relations as well.
    pub(crate) further: bool,
}

/// What a field of the document is, beside where its value comes from.
#[derive(Debug)]
pub(crate) struct Field {
    /// The response key.
    pub(crate) key: Arc<str>,
    /// The type that it is selected on and its name there, for messages and live sources.
    pub(crate) type_name: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) locations: Vec<Location>,
    pub(crate) ty: FieldType,
    pub(crate) shape: Shape,
    pub(crate) arguments: FieldArguments,
    /// Where a request keeps what it finds out about the field once, if there is anything.
    pub(crate) slot: Option<usize>,
    /// Of a field that is fetched.
    pub(crate) live: Option<LiveOp>,
}

/// What the named type of a field demands of a value.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    String,
    Int,
    Float,
    Boolean,
    Id,
    Enum(Arc<[Box<str>]>),
    /// A custom scalar.
    Any,
    Object(SelectionId),
    /// A reference to an entity, or its index.
    Entity(SelectionId),
}

#[derive(Debug)]
pub(crate) enum FieldArguments {
    /// The field takes none.
    None,
    /// They hold no variables.
    Folded(Box<Result<Arguments, FieldError>>),
    /// They are known once the variables are.
    Open(Box<OpenArguments>),
}

/// Arguments with variables in some of them.
#[derive(Debug)]
pub(crate) struct OpenArguments {
    /// What the others come to, with nulls in place of these.
    pub(crate) folded: Arguments,
    /// Those that hold variables.
    pub(crate) open: Vec<(Node<InputValueDefinition>, Node<Argument>)>,
    pub(crate) meaning: Meaning,
}

/// Where the value of a field comes from.
#[derive(Debug)]
pub(crate) enum Op {
    /// The same for all objects: `__typename`, introspection.
    Bytes(Box<[u8]>),
    Column {
        column: ColumnId,
        non_null: bool,
    },
    /// An expression over the descriptor or the enclosing object.
    Value(Box<ValueOp>),
    /// The first target of a relation.
    Relation {
        relation: RelationId,
        targets: Targets,
        selection: SelectionId,
    },
    Connection(Box<ConnectionOp>),
    /// `component(ref:)`.
    Singular {
        kind: KindId,
        selection: SelectionId,
    },
    Part(Part),
    Resolve {
        resolver: Resolver,
        via: Box<[RelationId]>,
    },
    Lookup(Box<LookupBinding>),
    /// `id` of a live type.
    LiveId {
        type_name: Arc<str>,
        identity: Box<Expr>,
    },
    /// Not in the snapshot: leaves a hole; [`Field::live`] says more.
    Live(super::hole::SourceId),
    /// `__schema` and `__type` where variables stand in them.
    Introspection,
}

#[derive(Debug)]
pub(crate) struct ValueOp {
    pub(crate) binding: ValueBinding,
    /// The one key that the expression reads, if that is all it does.
    pub(crate) key: Option<Box<str>>,
    /// Whether what stands there is the value, as it is, and no list.
    pub(crate) plain: bool,
    /// Whether it reads `$args`.
    pub(crate) reads_args: bool,
    /// The members of its connection: a list of objects within an object that was fetched.
    pub(crate) connection: Option<ObjectId>,
}

/// A field that is fetched.
#[derive(Debug)]
pub(crate) struct LiveOp {
    /// What the schema says about it; `None` for the engine's own.
    pub(crate) binding: Option<Arc<LiveBinding>>,
    /// Of the engine's own: the resolver, and the relation types that it is given.
    pub(crate) resolver: &'static str,
    pub(crate) via: Arc<[RelationId]>,
    /// The members of its connection, if it is one.
    pub(crate) connection: Option<ObjectId>,
    /// Whether `totalCount` is selected.
    pub(crate) total: bool,
    /// Whether any cursor is selected.
    pub(crate) cursors: bool,
    /// Whether its source is told what is selected beneath it.
    pub(crate) selective: bool,
    /// Whether variables stand in what it is told.
    pub(crate) open: bool,
    /// What it is told, where none do.
    pub(crate) selected: OnceLock<SelectedField>,
    /// What its source is asked, where no variable stands in the arguments.
    pub(crate) asked: OnceLock<Arc<LiveField>>,
}

#[derive(Debug)]
pub(crate) struct ConnectionOp {
    pub(crate) rows: Rows,
    pub(crate) object: ObjectId,
    /// Whether anything that needs the page is selected.
    pub(crate) page: bool,
    /// Whether `totalCount` is selected.
    pub(crate) total: bool,
    /// What the type of the nodes lets through.
    pub(crate) targets: Targets,
}

/// What a connection lists.
#[derive(Debug)]
pub(crate) enum Rows {
    Kind(KindId),
    Entities,
    Relation(RelationId),
    /// `@resolver`: everything reached.
    Resolved {
        resolver: Resolver,
        via: Box<[RelationId]>,
    },
}

/// Members of connections, edges and what belongs to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Edges(ObjectId),
    Nodes,
    TotalCount,
    PageInfo(ObjectId),
    Complete,
    Node,
    Cursor,
    EdgeRelation,
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
}

impl Plan {
    /// How many of its fields ask upstreams.
    pub(crate) fn live_fields(&self) -> usize {
        let live = self.fields.iter().filter_map(|field| field.live.as_ref());
        live.filter(|live| live.binding.is_some()).count()
    }

    pub(crate) fn object(&self, id: ObjectId) -> &[Item] {
        &self.objects[id.0 as usize]
    }

    pub(crate) fn leads(&self, id: ObjectId) -> &[Lead] {
        &self.leads[id.0 as usize]
    }

    /// Whether members of these entities follow relations.
    pub(crate) fn follows(&self, selection: SelectionId) -> bool {
        match self.selection(selection) {
            Selection::Entities(objects, _) => {
                let mut objects = objects.iter().flatten();
                objects.any(|object| !self.leads(*object).is_empty())
            }
            Selection::One(_) | Selection::Tagged(_) => false,
        }
    }

    /// What is written of the nodes of a connection, if they are entities.
    pub(crate) fn nodes(&self, connection: ObjectId) -> Option<SelectionId> {
        self.object(connection)
            .iter()
            .find_map(|item| match item.op {
                Op::Part(Part::Nodes | Part::Node) => match self.field(item.field).shape {
                    Shape::Entity(selection) => Some(selection),
                    _ => None,
                },
                Op::Part(Part::Edges(edge)) => self.nodes(edge),
                _ => None,
            })
    }

    pub(crate) fn selection(&self, id: SelectionId) -> &Selection {
        &self.selections[id.0 as usize]
    }

    pub(crate) fn field(&self, id: FieldId) -> &Field {
        &self.fields[id.0 as usize]
    }
}
