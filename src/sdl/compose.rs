//! From declarations to a [`Model`]: the order of the steps, and the names that all of them share.

mod bind;
mod columns;
mod connection;
mod filter;
mod kind;
mod live;
mod print;
mod relation;
mod rule;
mod scope;
mod value;

use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::Name;
use apollo_compiler::Node;
use apollo_compiler::ast::{InputValueDefinition, Type, Value};
use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use super::declared::{Declared, Form};
use super::directive::Args;
use super::inherit;
use super::model::{
    CachePolicy, Connect, Field, FieldType, Kind, KindId, Leaf, Model, RelationId, RelationType,
    Targets, TypeDef, TypeShape,
};
use super::source::Sources;

/// Everything that the steps of a composition share.
pub(super) struct Composer<'s> {
    pub(super) declared: Declared,
    pub(super) sources: &'s mut Sources,
    /// What the engine answers; `None`: nobody asks.
    resolvers: Option<&'s [&'s str]>,
    /// Kinds in the order of their type names.
    kinds: IndexMap<Name, KindHead>,
    relations: Relations,
    /// Fields with their sources, by type.
    bound: IndexMap<Name, IndexMap<Name, Field>>,
    live: live::Live,
    /// What a type itself fetches, and how long that may be kept.
    fetched: HashMap<Name, (Option<Arc<Connect>>, Option<CachePolicy>)>,
}

/// What is known of a kind before its fields are read.
struct KindHead {
    kind: Arc<str>,
    singular: Name,
    plural: Name,
}

/// Relation types by name.
#[derive(Default)]
struct Relations {
    types: Vec<RelationType>,
    /// In the order in which fields declare them.
    declared: Vec<RelationId>,
    by_name: HashMap<Box<str>, RelationId>,
}

/// Composes what was declared; yields nothing if there are errors.
pub(super) fn compose(
    declared: Declared,
    sources: &mut Sources,
    resolvers: Option<&[&str]>,
) -> Option<Model> {
    let mut composer = Composer {
        declared,
        sources,
        resolvers,
        kinds: IndexMap::new(),
        relations: Relations::default(),
        bound: IndexMap::new(),
        live: live::Live::default(),
        fetched: HashMap::new(),
    };
    inherit::inherit(&mut composer.declared, composer.sources);
    composer.name_kinds();
    composer.name_relations();
    composer.read_connectors();
    composer.bind_fields();
    composer.make_connections();
    composer.add_roots();
    let columns = composer.make_columns();
    let filters = composer.make_filters(&columns);
    composer.finish(columns, filters)
}

impl Composer<'_> {
    fn finish(mut self, columns: columns::Columns, filters: filter::Filters) -> Option<Model> {
        let printed = self.print()?;
        let kinds: Vec<Kind> = self.make_kinds(&columns);
        let types = self.make_types(&columns);
        if self
            .sources
            .problems
            .iter()
            .any(|problem| problem.is_error())
        {
            return None;
        }
        let kind_ids = || (0..).map(KindId);
        let kind_by_name = kinds.iter().zip(kind_ids());
        let kind_by_name = kind_by_name.map(|(kind, id)| (kind.kind.to_lowercase().into(), id));
        let kind_by_type = kinds.iter().zip(kind_ids());
        let kind_by_type = kind_by_type.map(|(kind, id)| (Arc::clone(&kind.type_name), id));
        Some(Model {
            kind_by_name: kind_by_name.collect(),
            kind_by_type: kind_by_type.collect(),
            kinds,
            column_by_name: columns.by_name(),
            generic_columns: columns.generic,
            columns: columns.all,
            relation_by_name: self.relations.by_name,
            relations: self.relations.types,
            relations_declared: self.relations.declared,
            types,
            filters: filters.inputs,
            orders: filters.orders,
            sources: self.live.upstreams,
            webhooks: self.live.webhooks,
            actions: self.live.actions,
            fingerprint: fingerprint(&printed.with_directives),
            schema: printed.schema,
            sdl: printed.plain.into(),
            sdl_with_directives: printed.with_directives.into(),
        })
    }

    fn make_types(&mut self, columns: &columns::Columns) -> IndexMap<Arc<str>, TypeDef> {
        let mut types = IndexMap::new();
        for (type_name, mut fields) in std::mem::take(&mut self.bound) {
            let Some(decl) = self.declared.types.get(&type_name) else {
                continue;
            };
            for field in fields.values_mut() {
                field.column = columns.of_field(&type_name, &field.name);
            }
            let name = arc(&type_name);
            let identity = Args::of(&decl.directives, "identity");
            let (connect, cache) = self.fetched.remove(&type_name).unwrap_or_default();
            let def = TypeDef {
                name: Arc::clone(&name),
                kind: self.kind_id(&type_name),
                interface: decl.is_interface(),
                concrete: self.concrete(&type_name).iter().map(arc).collect(),
                fields: fields
                    .into_iter()
                    .map(|(name, field)| (arc(&name), field))
                    .collect(),
                identity: identity.and_then(|args| args.expr("from", self.sources)),
                connect,
                cache,
                auth: bind::auth(&decl.directives),
            };
            types.insert(name, def);
        }
        types.sort_keys();
        types
    }

    fn kind_id(&self, type_name: &str) -> Option<KindId> {
        let position = self.kinds.get_index_of(type_name)?;
        u16::try_from(position).ok().map(KindId)
    }

    /// The object types that may stand where `type_name` is asked for.
    fn concrete(&self, type_name: &str) -> Vec<Name> {
        let Some(decl) = self.declared.types.get(type_name) else {
            return Vec::new();
        };
        match &decl.form {
            Form::Object => vec![decl.name.clone()],
            Form::Union(members) => members.clone(),
            Form::Interface => {
                let objects = self.declared.types.values().filter(|decl| decl.is_object());
                let mut names: Vec<Name> = objects
                    .filter(|decl| decl.implements(type_name))
                    .map(|decl| decl.name.clone())
                    .collect();
                names.sort();
                names
            }
            Form::Scalar | Form::Enum(_) | Form::Input(_) => Vec::new(),
        }
    }

    /// Whether objects of this type are entities of the catalog.
    fn is_entity(&self, type_name: &str) -> bool {
        let Some(decl) = self.declared.types.get(type_name) else {
            return false;
        };
        if type_name == "Entity" || decl.implements("Entity") {
            return true;
        }
        let above = self.declared.types.get("Entity");
        if !decl.is_interface() || above.is_some_and(|entity| entity.implements(type_name)) {
            return false;
        }
        let concrete = self.concrete(type_name);
        !concrete.is_empty() && concrete.iter().all(|name| self.is_entity_object(name))
    }

    fn is_entity_object(&self, type_name: &str) -> bool {
        let decl = self.declared.types.get(type_name);
        decl.is_some_and(|decl| decl.implements("Entity"))
    }

    /// Whether objects of this type are fetched from upstreams.
    fn is_live(&self, type_name: &str) -> bool {
        let Some(decl) = self.declared.types.get(type_name) else {
            return false;
        };
        type_name == "Live"
            || decl.implements("Live")
            || ["identity", "connect", "supplies"]
                .iter()
                .any(|directive| decl.directives.has(directive))
    }

    /// The kinds that a relation to this type can show.
    fn targets(&self, type_name: &str) -> Targets {
        if type_name == "Entity" {
            return Targets::Any;
        }
        let kinds = self.concrete(type_name);
        Targets::Kinds(kinds.iter().filter_map(|name| self.kind_id(name)).collect())
    }

    fn field_type(&self, ty: &Type) -> FieldType {
        let named = ty.inner_named_type();
        FieldType {
            named: arc(named),
            shape: self.shape(named),
            non_null: ty.is_non_null(),
            list: ty.is_list().then(|| ty.item_type().is_non_null()),
        }
    }

    fn shape(&self, type_name: &str) -> TypeShape {
        match self.declared.types.get(type_name).map(|decl| &decl.form) {
            Some(Form::Object) => TypeShape::Object,
            Some(Form::Interface) => TypeShape::Interface,
            Some(Form::Union(_)) => TypeShape::Union,
            Some(Form::Enum(_)) => TypeShape::Leaf(Leaf::Enum),
            Some(Form::Scalar | Form::Input(_)) | None => TypeShape::Leaf(leaf(type_name)),
        }
    }
}

impl Relations {
    fn id(&self, name: &str) -> Option<RelationId> {
        self.by_name.get(name).copied()
    }
}

/// How the values of a scalar are treated; scalars of a user's own are text.
fn leaf(scalar: &str) -> Leaf {
    match scalar {
        "Boolean" => Leaf::Boolean,
        "Int" | "Revision" => Leaf::Int,
        "Float" => Leaf::Float,
        "DateTime" => Leaf::DateTime,
        "JSON" => Leaf::Json,
        _ => Leaf::String,
    }
}

/// The text of a name, shared.
pub(super) fn arc(name: &Name) -> Arc<str> {
    name.to_cloned_arc().unwrap_or_else(|| name.as_str().into())
}

/// `name: ty` with an optional default.
fn input(name: &str, ty: Type, default: Option<Value>) -> Node<InputValueDefinition> {
    Node::new(InputValueDefinition {
        description: None,
        name: generated(name),
        ty: Node::new(ty),
        default_value: default.map(Node::new),
        directives: Default::default(),
    })
}

/// A name that composition made out of good names.
fn generated(name: &str) -> Name {
    Name::new_unchecked(name)
}

fn named(name: &str) -> Type {
    Type::Named(generated(name))
}

fn non_null(name: &str) -> Type {
    Type::NonNullNamed(generated(name))
}

fn list_of(item: Type) -> Type {
    Type::List(Box::new(item))
}

fn fingerprint(sdl: &str) -> Arc<str> {
    hex::encode(Sha256::digest(sdl.as_bytes())).into()
}
