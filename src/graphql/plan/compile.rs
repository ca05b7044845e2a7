//! Valid document in, [`Plan`] out.

mod ops;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use apollo_compiler::Node;
use apollo_compiler::executable::{self, ExecutableDocument, Operation};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use serde_json::{Map, Value};

use super::collect::{Collector, Merged};
use super::kinds::{paged, serves_entities};
use super::{
    Field, FieldArguments, FieldId, Item, Lead, ObjectId, Op, OpenArguments, Plan, Rows, Selection,
    SelectionId, Shape,
};
use crate::diagnostic::Span;
use crate::graphql::arguments::{Meaning, Paged};
use crate::graphql::document;
use crate::graphql::error::{self, Code, RequestError};
use crate::graphql::input;
use crate::graphql::limits;
use crate::graphql::variables::Given;
use crate::sdl::{self, FieldSource, FieldType, GENERIC_ENTITY, Model, Supplier, TypeShape};

/// Members that a plan may have: far more than a document within the limits on fields comes to.
const LARGEST_PLAN: usize = 100_000;

/// Compiles `operation`; `conditions` are the values that `@skip` and `@include` read.
pub(crate) fn compile(
    model: &Model,
    document: &Valid<ExecutableDocument>,
    operation: &Operation,
    conditions: &Given,
) -> Result<Plan, RequestError> {
    let condition = |name: &str| conditions.get(name).and_then(Value::as_bool) == Some(true);
    let mut compiler = Compiler {
        model,
        collector: Collector {
            schema: &model.schema,
            document,
            condition: &condition,
        },
        plan: Plan {
            root: ObjectId(0),
            objects: Vec::new(),
            leads: Vec::new(),
            selections: Vec::new(),
            fields: Vec::new(),
            slots: 0,
            watched: false,
            answered: AtomicUsize::new(0),
        },
        size: 0,
        selections: HashMap::new(),
        objects: HashMap::new(),
        fields: HashMap::new(),
    };
    let root = compiler.object_of(
        std::iter::once(&operation.selection_set),
        operation.object_type(),
    )?;
    compiler.plan.root = root;
    Ok(compiler.plan)
}

/// Fields of the document by identity, and the type that they are selected on.
type Key = (Vec<usize>, Arc<str>);

struct Compiler<'d> {
    model: &'d Model,
    collector: Collector<'d>,
    plan: Plan,
    /// Members so far.
    size: usize,
    selections: HashMap<Key, SelectionId>,
    objects: HashMap<Key, ObjectId>,
    fields: HashMap<(Key, usize), FieldId>,
}

fn identity(nodes: &Merged<'_>) -> Vec<usize> {
    nodes
        .iter()
        .map(|node| std::ptr::from_ref::<executable::Field>(node).addr())
        .collect()
}

impl<'d> Compiler<'d> {
    /// What is written of an object of `type_name` that `nodes` select.
    fn object(&mut self, nodes: &Merged<'d>, type_name: &str) -> Result<ObjectId, RequestError> {
        let key = (identity(nodes), Arc::from(type_name));
        if let Some(known) = self.objects.get(&key) {
            return Ok(*known);
        }
        let object = self.object_of(nodes.iter().map(|node| &node.selection_set), type_name)?;
        self.objects.insert(key, object);
        Ok(object)
    }

    fn object_of(
        &mut self,
        sets: impl Iterator<Item = &'d executable::SelectionSet>,
        type_name: &str,
    ) -> Result<ObjectId, RequestError> {
        let collected = self.collector.collect(sets, type_name);
        self.size += collected.len();
        if self.size > LARGEST_PLAN {
            return Err(limits::exceeded("planSize", LARGEST_PLAN));
        }
        let mut items = Vec::with_capacity(collected.len());
        for (position, (response_key, nodes)) in collected.iter().enumerate() {
            let mut key = Vec::with_capacity(response_key.len() + 4);
            if position > 0 {
                key.push(b',');
            }
            error::string(response_key, &mut key);
            key.push(b':');
            let (op, field) = self.member(type_name, nodes)?;
            items.push(Item {
                key: key.into(),
                op,
                field,
            });
        }
        let id = ObjectId(narrow(self.plan.objects.len()));
        let leads = items.iter().filter_map(|item| self.lead(&item.op));
        let leads = leads.collect();
        self.plan.leads.push(leads);
        self.plan.objects.push(items.into());
        Ok(id)
    }

    fn lead(&self, op: &Op) -> Option<Lead> {
        let (relation, selection) = match op {
            Op::Relation {
                relation,
                selection,
                ..
            } => (*relation, *selection),
            Op::Connection(connection) => match connection.rows {
                Rows::Relation(relation) => (relation, self.plan.nodes(connection.object)?),
                _ => return None,
            },
            _ => return None,
        };
        Some(Lead {
            relation,
            selection,
            further: self.plan.follows(selection),
        })
    }

    /// One member: its source, and what it is.
    fn member(
        &mut self,
        type_name: &str,
        nodes: &Merged<'d>,
    ) -> Result<(Op, FieldId), RequestError> {
        let node = nodes[0];
        match node.name.as_str() {
            "__typename" => {
                let mut bytes = Vec::new();
                error::string(type_name, &mut bytes);
                let field = self.meta_field(type_name, nodes);
                return Ok((Op::Bytes(bytes.into()), field));
            }
            "__schema" | "__type" => {
                return Ok((Op::Introspection, self.meta_field(type_name, nodes)));
            }
            _ => {}
        }
        let model = self.model;
        let Some(definition) = model
            .types
            .get(type_name)
            .and_then(|ty| Some((ty, ty.fields.get(node.name.as_str())?)))
        else {
            // The schema and the Model are made together.
            return Err(RequestError::new(
                Code::Internal,
                format!("`{type_name}.{}` has no source", node.name),
            ));
        };
        let (ty, field) = definition;
        let shape = self.shape(&field.ty, nodes)?;
        let source = std::ptr::from_ref(&field.source).addr();
        let source = match &field.source {
            // Inherited fields are copies of one declaration; the holes of one document field are one group.
            // But where each type has suppliers of its own, as a run's jobs have, they are asked apart.
            FieldSource::Live(live) => field
                .declared
                .as_ref()
                .map_or(source, |place| place_number(place, &live.suppliers)),
            _ => source,
        };
        let id = self.field(type_name, nodes, &field.ty, shape.clone(), source)?;
        let op = self.op(ty, field, nodes, &shape, id)?;
        Ok((op, id))
    }

    fn meta_field(&mut self, type_name: &str, nodes: &Merged<'d>) -> FieldId {
        let ty = FieldType {
            named: Arc::from("String"),
            shape: TypeShape::Leaf(sdl::Leaf::String),
            non_null: true,
            list: None,
        };
        self.push_field(type_name, nodes, ty, Shape::Any, FieldArguments::None)
    }

    fn field(
        &mut self,
        type_name: &str,
        nodes: &Merged<'d>,
        ty: &FieldType,
        shape: Shape,
        source: usize,
    ) -> Result<FieldId, RequestError> {
        let key = ((identity(nodes), Arc::clone(&ty.named)), source);
        if let Some(known) = self.fields.get(&key) {
            return Ok(*known);
        }
        let paged = match ty.shape {
            TypeShape::Object => paged(self.model, &ty.named),
            TypeShape::Leaf(_) | TypeShape::Interface | TypeShape::Union => None,
        };
        let arguments = self.arguments(nodes[0], paged)?;
        let id = self.push_field(type_name, nodes, ty.clone(), shape, arguments);
        self.fields.insert(key, id);
        Ok(id)
    }

    fn push_field(
        &mut self,
        type_name: &str,
        nodes: &Merged<'d>,
        ty: FieldType,
        shape: Shape,
        arguments: FieldArguments,
    ) -> FieldId {
        let sources = &self.collector.document.sources;
        let id = FieldId(narrow(self.plan.fields.len()));
        let kept = match &arguments {
            FieldArguments::None => false,
            FieldArguments::Folded(read) => {
                let filter = read.as_ref().as_ref().map(|read| read.filter.is_some());
                filter.unwrap_or_default()
            }
            FieldArguments::Open(_) => true,
        };
        let slot = kept.then_some(self.plan.slots);
        self.plan.slots += usize::from(kept);
        self.plan.fields.push(Field {
            key: Arc::from(nodes[0].response_key().as_str()),
            type_name: Arc::from(type_name),
            name: Arc::from(nodes[0].name.as_str()),
            locations: nodes
                .iter()
                .filter_map(|node| document::location(node.location(), sources))
                .collect(),
            ty,
            shape,
            slot,
            arguments,
            live: None,
        });
        id
    }

    fn arguments(
        &self,
        node: &Node<executable::Field>,
        paged: Option<Paged>,
    ) -> Result<FieldArguments, RequestError> {
        let definitions = &node.definition.arguments;
        if definitions.is_empty() {
            return Ok(FieldArguments::None);
        }
        let schema = &self.model.schema;
        let meaning = Meaning::of(schema, definitions, paged);
        let mut values = Map::new();
        let mut open = Vec::new();
        for definition in definitions {
            let name = &definition.name;
            let given = node.arguments.iter().find(|given| given.name == *name);
            let value = match given {
                Some(given) if holds_variable(&given.value) => {
                    open.push((definition.clone(), given.clone()));
                    Ok(Some(Value::Null))
                }
                _ => {
                    let given = given.map(|given| &*given.value);
                    input::argument(schema, definition, given, &|_| None)
                }
            };
            let value = value.map_err(|message| {
                let sources = &self.collector.document.sources;
                let location = document::location(node.location(), sources);
                RequestError::new(Code::ValidationFailed, message).at(location)
            })?;
            values.extend(value.map(|value| (name.to_string(), value)));
        }
        Ok(match meaning.read(self.model, values) {
            Ok(folded) if !open.is_empty() => FieldArguments::Open(Box::new(OpenArguments {
                folded,
                open,
                meaning,
            })),
            read => FieldArguments::Folded(Box::new(read)),
        })
    }

    /// What the named type of a field demands.
    fn shape(&mut self, ty: &FieldType, nodes: &Merged<'d>) -> Result<Shape, RequestError> {
        Ok(match ty.shape {
            TypeShape::Leaf(_) => self.leaf(&ty.named),
            TypeShape::Object | TypeShape::Interface | TypeShape::Union => {
                let selection = self.selection(nodes, &ty.named)?;
                match self.plan.selection(selection) {
                    Selection::Entities(..) => Shape::Entity(selection),
                    Selection::One(_) | Selection::Tagged(_) => Shape::Object(selection),
                }
            }
        })
    }

    fn leaf(&self, named: &str) -> Shape {
        match named {
            "String" => Shape::String,
            "Int" => Shape::Int,
            "Float" => Shape::Float,
            "Boolean" => Shape::Boolean,
            "ID" => Shape::Id,
            _ => match self.model.schema.types.get(named) {
                Some(ExtendedType::Enum(definition)) => Shape::Enum(
                    definition
                        .values
                        .keys()
                        .map(|name| name.as_str().into())
                        .collect(),
                ),
                _ => Shape::Any,
            },
        }
    }

    fn selection(&mut self, nodes: &Merged<'d>, named: &str) -> Result<SelectionId, RequestError> {
        let key = (identity(nodes), Arc::from(named));
        if let Some(known) = self.selections.get(&key) {
            return Ok(*known);
        }
        let selection = if serves_entities(self.model, named) {
            self.entities(nodes, named)?
        } else {
            match self.concrete(named).as_slice() {
                [only] if **only == *named => Selection::One(self.object(nodes, named)?),
                concrete => {
                    let mut tagged = Vec::with_capacity(concrete.len());
                    for name in concrete {
                        tagged.push((Arc::clone(name), self.object(nodes, name)?));
                    }
                    Selection::Tagged(tagged.into())
                }
            }
        };
        let id = SelectionId(narrow(self.plan.selections.len()));
        self.plan.selections.push(selection);
        self.selections.insert(key, id);
        Ok(id)
    }

    fn concrete(&self, named: &str) -> Vec<Arc<str>> {
        let model = self.model;
        match (model.types.get(named), model.schema.types.get(named)) {
            (Some(ty), _) if ty.interface => ty.concrete.clone(),
            (_, Some(ExtendedType::Union(union))) => {
                let members = union.members.iter();
                members.map(|member| Arc::from(member.as_str())).collect()
            }
            _ => vec![Arc::from(named)],
        }
    }

    fn entities(&mut self, nodes: &Merged<'d>, named: &str) -> Result<Selection, RequestError> {
        let model = self.model;
        let mut objects = vec![None; model.kinds.len() + 1];
        let mut live = Vec::new();
        for name in self.concrete(named) {
            let slot = match model.kind_by_type.get(&*name) {
                Some(kind) => usize::from(kind.0) + 1,
                None if *name == *GENERIC_ENTITY => 0,
                // A live type that implements `Node` as well.
                None => {
                    live.push((Arc::clone(&name), self.object(nodes, &name)?));
                    continue;
                }
            };
            objects[slot] = Some(self.object(nodes, &name)?);
        }
        Ok(Selection::Entities(objects.into(), live.into()))
    }
}

/// The same for all copies of one declaration that have the same suppliers.
fn place_number((file, span): &(Arc<str>, Span), suppliers: &[Supplier]) -> usize {
    let mut hasher = DefaultHasher::new();
    (file, span.start.line, span.start.column).hash(&mut hasher);
    for supplier in suppliers {
        (&supplier.type_name, &supplier.along).hash(&mut hasher);
    }
    usize::try_from(hasher.finish()).unwrap_or(usize::MAX)
}

fn narrow(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn holds_variable(value: &apollo_compiler::ast::Value) -> bool {
    use apollo_compiler::ast::Value as Literal;
    match value {
        Literal::Variable(_) => true,
        Literal::List(items) => items.iter().any(|item| holds_variable(item)),
        Literal::Object(members) => members.iter().any(|(_, value)| holds_variable(value)),
        Literal::Null
        | Literal::Enum(_)
        | Literal::String(_)
        | Literal::Float(_)
        | Literal::Int(_)
        | Literal::Boolean(_) => false,
    }
}
