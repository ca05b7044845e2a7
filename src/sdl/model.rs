//! What a load of SDL files yields: kinds, types, relation types, columns, filters and the composed schema.
//!
//! Names are resolved to small ids once, here; the layers above index arrays with them.

mod action;
mod live;

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::ast::OperationType;
use apollo_compiler::validation::Valid;
use indexmap::IndexMap;
use serde_json::{Map, Value};

pub use action::Action;
pub use live::*;

use super::expr::Expr;
use crate::diagnostic::Span;

/// Position of a [`Kind`] in [`Model::kinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(pub u16);

/// Position of a [`Column`] in [`Model::columns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub u16);

/// Position of a [`RelationType`] in [`Model::relations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationId(pub u16);

/// The composed graph, immutable; one per schema version.
#[derive(Debug)]
pub struct Model {
    /// In the order of their type names.
    pub kinds: Vec<Kind>,
    /// Every leaf value of a kind that is extracted once per entity: it can be filtered, ordered or faceted by, and is written without touching the descriptor.
    pub columns: Vec<Column>,
    /// The columns of [`GENERIC_ENTITY`].
    pub generic_columns: Vec<(ColumnId, ColumnSource)>,
    /// Relation types that any `@relation` names, inverses included.
    pub relations: Vec<RelationType>,
    /// The same in the order in which fields declare them; of a pair comes first the one that a field has for its own.
    pub relations_declared: Vec<RelationId>,
    /// Every object and interface of the composed schema, generated ones included (introspection types are not).
    pub types: IndexMap<Arc<str>, TypeDef>,
    /// Generated filter inputs by type name (`ComponentFilter`).
    pub filters: IndexMap<Arc<str>, FilterInput>,
    /// Generated order enums by type name (`ComponentOrderField`): what each value orders by.
    pub orders: IndexMap<Arc<str>, IndexMap<Arc<str>, ColumnId>>,
    /// `@source`s of connectors, run by the connector runtime.
    pub sources: Vec<UpstreamSource>,
    /// `@webhook`s of connectors.
    pub webhooks: Vec<Webhook>,
    /// What connectors can do at their upstreams.
    pub actions: Vec<Action>,
    /// The composed schema without our directives: what clients see, and what documents are validated against.
    pub schema: Valid<Schema>,
    /// [`Model::schema`] as printed for clients.
    pub sdl: Arc<str>,
    /// The same with our directives, for `schema print --directives`.
    pub sdl_with_directives: Arc<str>,
    /// Hash of the composed SDL with directives, hex: the schema version.
    pub fingerprint: Arc<str>,
    /// Kind by lower-cased kind name.
    pub kind_by_name: HashMap<Box<str>, KindId>,
    /// Kind by GraphQL type name.
    pub kind_by_type: HashMap<Arc<str>, KindId>,
    /// Relation type by its name as written (relation types are case-sensitive).
    pub relation_by_name: HashMap<Box<str>, RelationId>,
    /// Column by name.
    pub column_by_name: HashMap<Arc<str>, Vec<ColumnId>>,
}

/// The type that serves entities of kinds that no SDL declares.
pub const GENERIC_ENTITY: &str = "GenericEntity";

/// One `@kind` type.
#[derive(Debug)]
pub struct Kind {
    /// The GraphQL type (`Component`).
    pub type_name: Arc<str>,
    /// The descriptor's `kind`, compared case-sensitively in descriptors and ignoring case in references.
    pub kind: Arc<str>,
    pub api_versions: Vec<Box<str>>,
    /// Root field of one (`component`) and of many (`components`).
    pub singular: Arc<str>,
    pub plural: Arc<str>,
    /// The columns of this kind and where each value comes from.
    pub columns: Vec<(ColumnId, ColumnSource)>,
    /// What is read from the descriptor into relations.
    pub emits: Vec<Emit>,
    /// How the descriptor is judged: the fields with a place of their own, nested objects as trees.
    pub rules: Vec<Rule>,
    /// Whether any rule, column or relation is read from `spec`: then `spec` is required.
    pub needs_spec: bool,
    pub span: (Arc<str>, Span),
}

/// Where the value of a column comes from.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are a few dozen, and nearly all are the large one"
)]
pub enum ColumnSource {
    /// The descriptor.
    Value(ValueBinding),
    /// The engine's own record of the entity: a leaf field with `@resolver` of one of these names.
    Engine(EngineValue),
}

/// What the engine knows of every entity, whatever its descriptor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineValue {
    Id,
    Ref,
    CreatedAt,
    UpdatedAt,
}

/// References of one descriptor field that become relations.
#[derive(Debug, Clone)]
pub struct Emit {
    /// The GraphQL field that declares it, for messages.
    pub field: Arc<str>,
    /// Yields a string or a list of strings.
    pub from: Expr,
    /// The type of the relation from this entity to the named one.
    pub relation: RelationId,
    /// The type in the other direction, emitted at the same time.
    pub inverse: Option<RelationId>,
    /// For references that name no kind; `None`: the kind must be written.
    pub default_kind: Option<Box<str>>,
    /// Kinds that the GraphQL field can show; others are kept as raw relations (as Backstage keeps them), with a warning.
    pub targets: Targets,
}

/// Which kinds a relation field may lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// The field's type is `Entity`.
    Any,
    /// One kind, or those that implement the field's interface.
    Kinds(Box<[KindId]>),
}

impl Targets {
    /// Whether an entity of `kind` (`None`: of an undeclared kind) may stand there.
    pub fn allows(&self, kind: Option<KindId>) -> bool {
        match self {
            Self::Any => true,
            Self::Kinds(kinds) => kind.is_some_and(|kind| kinds.contains(&kind)),
        }
    }
}

/// What a descriptor must look like at one place. Validation walks these; it knows no kind.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Steps from the descriptor's root (`["spec", "type"]`); inside [`Shape::Object`]: from that object.
    pub path: Vec<Box<str>>,
    pub required: bool,
    pub shape: Shape,
    /// An example of a right value, as YAML on one line, for hints.
    pub example: Option<Box<str>>,
}

/// The shape that the GraphQL type of a field demands of the value in the descriptor.
#[derive(Debug, Clone)]
pub enum Shape {
    /// `non_empty` for strings from `spec`.
    String {
        non_empty: bool,
    },
    Boolean,
    Int,
    Float,
    /// The words that the descriptor may hold.
    Enum(Vec<Box<str>>),
    /// A string that holds one or more entity references, kind optional if `default_kind`.
    Reference {
        default_kind: Option<Box<str>>,
    },
    List(Box<Shape>),
    Object {
        rules: Vec<Rule>,
        /// What members without a rule may be; `None`: anything.
        others: Option<Vec<JsonType>>,
    },
    /// One of these; `list`: or a list of such.
    Json {
        types: Vec<JsonType>,
        list: bool,
        /// What an object must be like.
        of: Option<Box<Shape>>,
    },
    /// `JSON`, and everything that is not judged.
    Any,
}

/// What JSON can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JsonType {
    Object,
    List,
    String,
    Number,
    Boolean,
    Null,
}

/// A value extracted once per entity. Kinds that declare a field of one name and type share a column, wherever each keeps it.
#[derive(Debug)]
pub struct Column {
    /// The GraphQL field name.
    pub name: Arc<str>,
    pub leaf: Leaf,
    pub list: bool,
    /// Orders are generated for scalars that are not lists.
    pub orderable: bool,
    /// The descriptor path, dotted (`spec.type`), if every kind keeps it at the same plain path: facets and `where` by path then use the column.
    pub path: Option<Box<str>>,
    pub search: Option<Search>,
}

/// The type of a leaf value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leaf {
    /// `String`, `ID`, `URL`, `HTML`, `EntityRef`, `Duration` and every custom scalar that is text.
    String,
    Boolean,
    Int,
    Float,
    DateTime,
    /// Text out of a closed set.
    Enum,
    Json,
}

/// `@search`.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    pub weight: f32,
    pub facet: bool,
    /// What has one of these values is found behind what has not.
    pub demote: Box<[Box<str>]>,
}

/// One relation type name.
#[derive(Debug)]
pub struct RelationType {
    pub name: Arc<str>,
    /// The type of the other direction, where any `@relation` declares one.
    pub inverse: Option<RelationId>,
}

/// An object or interface of the composed schema.
#[derive(Debug)]
pub struct TypeDef {
    pub name: Arc<str>,
    /// `Some` for `@kind` types.
    pub kind: Option<KindId>,
    pub interface: bool,
    /// Concrete types that may stand where this type is asked for; for an object: itself.
    pub concrete: Vec<Arc<str>>,
    pub fields: IndexMap<Arc<str>, Field>,
    /// What identifies a live object in its upstream.
    pub identity: Option<Expr>,
    /// A type-level `@connect`.
    pub connect: Option<Arc<Connect>>,
    pub cache: Option<CachePolicy>,
    pub auth: Option<Auth>,
}

/// A field of the composed schema with its one source.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: Arc<str>,
    pub ty: FieldType,
    pub source: FieldSource,
    /// On a kind and on the interfaces of kinds: where the snapshot keeps the value.
    pub column: Option<ColumnId>,
    pub cache: Option<CachePolicy>,
    pub auth: Option<Auth>,
    pub search: Option<Search>,
    /// Where it is declared; `None` for generated fields.
    pub declared: Option<(Arc<str>, Span)>,
}

/// A GraphQL type reference, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldType {
    pub named: Arc<str>,
    pub shape: TypeShape,
    pub non_null: bool,
    /// `Some(item is non-null)` for lists.
    pub list: Option<bool>,
}

/// What the named type of a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeShape {
    Leaf(Leaf),
    Object,
    Interface,
    Union,
}

/// Where the value of a field comes from: data that the plan of a query carries.
#[derive(Debug, Clone)]
pub enum FieldSource {
    /// `@field`, or by name: an expression over the descriptor (on a kind) or over the enclosing object's own JSON.
    Value(ValueBinding),
    /// `@relation`: edges of one or more types (an interface's relation unites those of its kinds).
    Relation(RelationBinding),
    /// `@lookup`: back into the catalog.
    Lookup(LookupBinding),
    /// `@resolver`: the engine answers.
    Resolver(ResolverBinding),
    /// `@connect` or `@supplies`: fetched from an upstream.
    Live(LiveBinding),
    /// Made by composition: root fields of kinds, and the parts of connections.
    Generated(Generated),
}

/// `@field`.
#[derive(Debug, Clone)]
pub struct ValueBinding {
    /// From the descriptor's root on a kind, from the enclosing object elsewhere.
    pub at: Expr,
    pub default: Option<Expr>,
    /// Upstream or descriptor word to GraphQL enum value.
    pub cases: Vec<(Box<str>, Box<str>)>,
    /// The enum value for all other words.
    pub otherwise: Option<Box<str>>,
}

/// `@relation`.
#[derive(Debug, Clone)]
pub struct RelationBinding {
    pub relation: RelationId,
    pub targets: Targets,
    /// A list became a connection with `filter`, `orderBy`, `first`, `after`, `last`, `before`.
    pub connection: bool,
}

/// `@lookup`.
#[derive(Debug, Clone)]
pub struct LookupBinding {
    /// Kind name, or `Entity`.
    pub kind: Option<KindId>,
    /// Descriptor paths that are compared, ignoring case; the first that finds an entity counts.
    pub by: Box<[Box<str>]>,
    /// What they are compared with; of a list each item, in its order.
    pub value: Expr,
    pub list: bool,
}

/// `@resolver`.
#[derive(Debug, Clone)]
pub struct ResolverBinding {
    /// Default: the field's name. [`load_for`](super::load_for) says at load which names nobody answers.
    pub name: Arc<str>,
    pub via: Vec<RelationId>,
    /// What of the descriptor the engine reads for it.
    pub at: Option<Expr>,
    /// A list of entities became a connection.
    pub connection: bool,
}

/// A field that is fetched: run by the connector runtime.
#[derive(Debug, Clone)]
pub struct LiveBinding {
    /// `@connect` on the field itself.
    pub connect: Option<Arc<Connect>>,
    /// `@supplies`: who provides this field, in the order of connector names.
    pub suppliers: Vec<Supplier>,
    pub merge: Option<Merge>,
    /// `@where`.
    pub chosen: Option<Arc<Where>>,
    pub connection: bool,
}

/// `@supplies`: a concrete type that provides a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Supplier {
    pub connector: Arc<str>,
    pub type_name: Arc<str>,
    /// The fields along which its objects come, from the type that the field is on; none: the type itself says how it is fetched.
    pub along: Vec<Arc<str>>,
    /// Of a list: only objects of which this field is true.
    pub only: Option<Arc<str>>,
}

/// Fields that composition makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Generated {
    /// `component(ref:)`.
    KindSingular(KindId),
    /// `components(filter:, orderBy:, first:, …)`.
    KindPlural(KindId),
    ConnectionEdges,
    ConnectionNodes,
    ConnectionTotalCount,
    ConnectionPageInfo,
    /// Of live lists: null where the provider cannot say.
    ConnectionComplete,
    EdgeNode,
    EdgeCursor,
    /// `relation { type source }` on edges of relations.
    EdgeRelation,
    /// Members of `PageInfo` and of `EdgeRelation`, by name.
    Part(Arc<str>),
}

/// A generated filter input (`ComponentFilter`).
#[derive(Debug, Default)]
pub struct FilterInput {
    /// What each input field filters.
    pub fields: IndexMap<Arc<str>, FilterField>,
}

/// What one field of a filter input means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterField {
    /// An operator object over columns; more than one where kinds of an interface differ: any may match.
    Column(Vec<ColumnId>),
    /// An operator object over the refs that relations of this type lead to, with `within` where there is a closure for it.
    Relation {
        relation: RelationId,
        /// Where several fields of one type read this relation (the components and the APIs of a system): the kinds that this one shows.
        targets: Option<Targets>,
        /// Relation types of the closure that ends in this relation's inverse: `["parentOf", "ownerOf"]` for `owner`.
        within: Option<Box<[RelationId]>>,
    },
    /// `kind: { eq: "component" }`: which kind.
    Kind,
    /// `relation: { type, to }`.
    AnyRelation,
    And,
    Or,
    Not,
    /// `where: [{ path, eq }]`.
    Where,
}

impl Model {
    /// The kind that a descriptor's `kind` names, ignoring case.
    pub fn kind(&self, name: &str) -> Option<KindId> {
        self.kind_by_name.get(name.to_lowercase().as_str()).copied()
    }

    /// Whether this is the type that queries begin at.
    pub fn is_query(&self, name: &str) -> bool {
        let root = self.schema.root_operation(OperationType::Query);
        root.is_some_and(|root| root == name)
    }

    /// The type of an argument as it is printed: `PullRequestState`, `[String!]!`.
    pub fn argument_type(&self, owner: &str, field: &str, argument: &str) -> Option<String> {
        let definition = self.schema.type_field(owner, field).ok()?;
        let argument = definition.argument_by_name(argument)?;
        Some(argument.ty.to_string())
    }

    /// A value for every argument of a field, of its type.
    pub fn sample_arguments(&self, owner: &str, field: &str) -> Map<String, Value> {
        let definition = self.schema.type_field(owner, field).ok();
        let arguments = definition.map_or(&[][..], |definition| &definition.arguments);
        let samples = arguments.iter();
        samples
            .map(|argument| {
                let named = argument.ty.inner_named_type();
                let one = match (named.as_str(), self.schema.get_enum(named)) {
                    (_, Some(words)) => words.values.keys().next().map(|word| word.as_str().into()),
                    ("Int", None) => Some(10.into()),
                    ("Float", None) => Some(1.5.into()),
                    ("Boolean", None) => Some(true.into()),
                    (_, None) if argument.name == "after" => None,
                    (_, None) => Some("x".into()),
                };
                let one: Value = one.unwrap_or_default();
                let value = match argument.ty.is_list() {
                    true => Value::Array(vec![one]),
                    false => one,
                };
                (argument.name.to_string(), value)
            })
            .collect()
    }

    /// What `id` stands for.
    pub fn kind_of(&self, id: KindId) -> &Kind {
        &self.kinds[usize::from(id.0)]
    }

    /// What `id` stands for.
    pub fn column(&self, id: ColumnId) -> &Column {
        &self.columns[usize::from(id.0)]
    }

    /// What `id` stands for.
    pub fn relation(&self, id: RelationId) -> &RelationType {
        &self.relations[usize::from(id.0)]
    }
}
