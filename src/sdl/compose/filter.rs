//! Filters and orders, generated from the fields of kinds.

use std::collections::BTreeSet;
use std::sync::Arc;

use apollo_compiler::ast::{EnumValueDefinition, InputValueDefinition, Type, Value};
use apollo_compiler::{Name, Node};
use indexmap::IndexMap;

use super::columns::Columns;
use super::{Composer, generated, input, list_of, named, non_null};
use crate::sdl::declared::{Form, TypeDecl};
use crate::sdl::model::{
    ColumnId, FieldSource, FilterField, FilterInput, Leaf, RelationBinding, RelationId,
};

/// What was generated.
#[derive(Default)]
pub(super) struct Filters {
    pub(super) inputs: IndexMap<Arc<str>, FilterInput>,
    pub(super) orders: IndexMap<Arc<str>, IndexMap<Arc<str>, ColumnId>>,
    /// Operator inputs in use, by name.
    operators: BTreeSet<String>,
}

/// One field of a filter: what it means, and the input that it takes.
type Entry = (FilterField, String);

impl Composer<'_> {
    /// Declares a filter and an order for every entity type that a connection pages through.
    pub(super) fn make_filters(&mut self, columns: &Columns) -> Filters {
        let mut filters = Filters::default();
        for node in self.filtered_types() {
            let entries = self.entries(&node, columns);
            self.declare_filter(&node, entries, &mut filters);
            self.declare_order(&node, columns, &mut filters);
        }
        if filters.inputs.is_empty() {
            return filters;
        }
        self.declare_shared();
        for operator in std::mem::take(&mut filters.operators) {
            self.declare_operator(&operator);
        }
        filters
    }

    fn filtered_types(&self) -> Vec<Name> {
        let mut names: BTreeSet<Name> = self.kinds.keys().cloned().collect();
        for decl in self.declared.types.values() {
            if let Some(node) = self.node_of_connection(&decl.name)
                && self.is_entity(&node)
            {
                names.insert(node);
            }
        }
        for word in self.words_in_arguments() {
            if let Some(node) = word
                .strip_suffix("Filter")
                .and_then(|node| self.declared.types.get(node))
                && self.is_entity(&node.name)
            {
                names.insert(node.name.clone());
            }
        }
        names.into_iter().collect()
    }

    /// The types of all declared arguments.
    fn words_in_arguments(&self) -> impl Iterator<Item = &Name> {
        let fields = self
            .declared
            .types
            .values()
            .flat_map(|decl| decl.fields.values());
        let arguments = fields.flat_map(|field| &field.def.arguments);
        arguments.map(|argument| argument.ty.inner_named_type())
    }

    /// The filter fields of a type: an interface unites those of its kinds, without the ones on which they differ.
    fn entries(&self, node: &Name, columns: &Columns) -> IndexMap<Name, Entry> {
        let concrete = self.concrete(node);
        let single = concrete.as_slice() == [node.clone()];
        let mut united: IndexMap<Name, Option<Entry>> = IndexMap::new();
        for object in &concrete {
            for (name, entry) in self.entries_of(object, columns) {
                match united.get_mut(&name) {
                    None => {
                        united.insert(name, Some(entry));
                    }
                    Some(known) => {
                        *known = known.take().and_then(|known| unite(known, entry));
                    }
                }
            }
        }
        let united = united
            .into_iter()
            .filter_map(|(name, entry)| Some((name, entry?)));
        united
            .map(|(name, (field, operator))| match &field {
                FilterField::Column(ids) if !single && is_kind(ids, columns) => {
                    (name, (FilterField::Kind, operator))
                }
                _ => (name, (field, operator)),
            })
            .collect()
    }

    fn entries_of(&self, object: &Name, columns: &Columns) -> Vec<(Name, Entry)> {
        let own: IndexMap<&Name, ColumnId> = columns.fields_of(object).collect();
        let mut entries = Vec::new();
        for (name, field) in self.bound.get(object).into_iter().flatten() {
            if let Some(id) = own.get(name) {
                let column = columns.get(*id);
                let operator = operator(column.leaf, &field.ty.named, column.list);
                entries.push((name.clone(), (FilterField::Column(vec![*id]), operator)));
            } else if let FieldSource::Relation(binding) = &field.source {
                entries.push((name.clone(), self.relation_entry(object, binding)));
            }
        }
        entries
    }

    fn relation_entry(&self, object: &Name, binding: &RelationBinding) -> Entry {
        let fields = self.bound.get(object).into_iter().flatten();
        let shared = fields.into_iter().any(|(_, field)| match &field.source {
            FieldSource::Relation(other) => {
                other.relation == binding.relation && other.targets != binding.targets
            }
            _ => false,
        });
        let within = self.closure_to(binding.relation);
        let operator = if within.is_some() {
            "RefWithinFilter"
        } else {
            "RefFilter"
        };
        let field = FilterField::Relation {
            relation: binding.relation,
            targets: shared.then(|| binding.targets.clone()),
            within,
        };
        (field, operator.to_owned())
    }

    /// The longest closure that ends in the inverse of a relation: what it reaches is what the relation points back from.
    fn closure_to(&self, relation: RelationId) -> Option<Box<[RelationId]>> {
        let inverse = self.relations.types[usize::from(relation.0)].inverse?;
        let fields = self.bound.values().flat_map(IndexMap::values);
        let closures = fields.filter_map(|field| match &field.source {
            FieldSource::Resolver(binding) if &*binding.name == "closure" => Some(&binding.via),
            _ => None,
        });
        closures
            .filter(|via| via.last() == Some(&inverse))
            .max_by_key(|via| (via.len(), std::cmp::Reverse(*via)))
            .map(|via| via.clone().into())
    }

    fn declare_filter(
        &mut self,
        node: &Name,
        entries: IndexMap<Name, Entry>,
        filters: &mut Filters,
    ) {
        let name = format!("{node}Filter");
        let own = || named(&name);
        let many = || list_of(non_null(&name));
        let mut fields: Vec<(String, FilterField, Type)> = entries
            .into_iter()
            .map(|(field, (meaning, operator))| {
                let ty = named(&operator);
                filters.operators.insert(operator);
                (field.to_string(), meaning, ty)
            })
            .collect();
        let paths = list_of(non_null("PathFilter"));
        fields.push((
            "relation".into(),
            FilterField::AnyRelation,
            named("RelationFilter"),
        ));
        fields.push(("and".into(), FilterField::And, many()));
        fields.push(("or".into(), FilterField::Or, many()));
        fields.push(("not".into(), FilterField::Not, own()));
        fields.push(("where".into(), FilterField::Where, paths));
        let mut filter = FilterInput::default();
        let mut inputs = Vec::new();
        for (field, meaning, ty) in fields {
            let previous = filter.fields.insert(field.as_str().into(), meaning);
            if previous.is_some() && self.kinds.contains_key(node) {
                self.taken(node, &field, "filter");
            }
            inputs.push(input(&field, ty, None));
        }
        filters.inputs.insert(name.as_str().into(), filter);
        self.declare(TypeDecl::new(generated(&name), Form::Input(inputs)));
    }

    fn declare_order(&mut self, node: &Name, columns: &Columns, filters: &mut Filters) {
        let values = self.order_values(node, columns);
        let enum_name = format!("{node}OrderField");
        let definitions = values.keys().map(|value| Node::new(enum_value(value)));
        let form = Form::Enum(definitions.collect());
        self.declare(TypeDecl::new(generated(&enum_name), form));
        let ascending = Value::Enum(generated("ASC"));
        let inputs = vec![
            input("field", non_null(&enum_name), None),
            input("direction", non_null("OrderDirection"), Some(ascending)),
        ];
        let order = TypeDecl::new(generated(&format!("{node}Order")), Form::Input(inputs));
        self.declare(order);
        filters.orders.insert(enum_name.into(), values);
    }

    /// What a type can be ordered by; an interface leaves out what its kinds do not agree on.
    fn order_values(&mut self, node: &Name, columns: &Columns) -> IndexMap<Arc<str>, ColumnId> {
        let concrete = self.concrete(node);
        let single = concrete.as_slice() == [node.clone()];
        let mut values: IndexMap<Arc<str>, ColumnId> = IndexMap::new();
        let mut clashes = BTreeSet::new();
        for object in &concrete {
            for (field, id) in columns.fields_of(object) {
                if !columns.get(id).orderable {
                    continue;
                }
                let value: Arc<str> = upper_snake(field).into();
                if *values.entry(Arc::clone(&value)).or_insert(id) != id {
                    clashes.insert((value, field.clone()));
                }
            }
        }
        for (value, field) in clashes {
            match single {
                true => self.taken(node, &field, "order"),
                false => {
                    values.shift_remove(&value);
                }
            }
        }
        values
    }

    fn declare_shared(&mut self) {
        let directions = ["ASC", "DESC"].map(|value| Node::new(enum_value(value)));
        let direction = Form::Enum(directions.into());
        self.declare(TypeDecl::new(generated("OrderDirection"), direction));
        let relation = vec![
            input("type", named("String"), None),
            input("to", named("EntityRef"), None),
        ];
        self.declare(TypeDecl::new(
            generated("RelationFilter"),
            Form::Input(relation),
        ));
        let mut path = vec![input("path", non_null("String"), None)];
        path.extend(operators("String", TEXT_OPERATORS));
        self.declare(TypeDecl::new(generated("PathFilter"), Form::Input(path)));
    }

    fn declare_operator(&mut self, name: &str) {
        let stem = name.strip_suffix("Filter").unwrap_or(name);
        let fields = match stem {
            "String" => operators("String", TEXT_OPERATORS),
            "Int" | "Float" | "DateTime" => {
                operators(stem, &["eq", "ne", "in", "exists", "lt", "gt"])
            }
            "Boolean" => operators("Boolean", &["eq", "ne", "exists"]),
            "Ref" => operators("String", REF_OPERATORS),
            "RefWithin" => {
                let mut fields = operators("String", REF_OPERATORS);
                fields.push(input("within", named("EntityRef"), None));
                fields
            }
            _ => match stem.strip_suffix("List") {
                Some("String") => operators("String", &["in", "startsWith", "contains", "exists"]),
                Some(item) => operators(item, &["in", "contains", "exists"]),
                None => operators(stem, &["eq", "ne", "in", "exists"]),
            },
        };
        self.declare(TypeDecl::new(generated(name), Form::Input(fields)));
    }

    fn taken(&mut self, node: &Name, field: &str, what: &str) {
        let decl = self.declared.types.get(node);
        let declared = decl.and_then(|decl| decl.fields.get(field));
        let at = declared.map_or(node.location(), |field| field.def.name.location());
        let message =
            format!("`{node}.{field}` collides with another field of the generated {what}");
        let problem = self.sources.error("name-collision", at, message);
        self.sources
            .problems
            .push(problem.hint("give the field another name"));
    }
}

const TEXT_OPERATORS: &[&str] = &[
    "eq",
    "ne",
    "in",
    "startsWith",
    "contains",
    "exists",
    "lt",
    "gt",
];
const REF_OPERATORS: &[&str] = &["eq", "ne", "in", "startsWith", "contains", "exists"];

fn operators(value: &str, names: &[&str]) -> Vec<Node<InputValueDefinition>> {
    let ty = |operator: &str| match operator {
        "exists" => named("Boolean"),
        "in" => list_of(non_null(value)),
        _ => named(value),
    };
    names
        .iter()
        .map(|name| input(name, ty(name), None))
        .collect()
}

/// The operator input for a leaf type.
fn operator(leaf: Leaf, type_name: &str, list: bool) -> String {
    let stem = match leaf {
        Leaf::String | Leaf::Json => "String",
        Leaf::Boolean => "Boolean",
        Leaf::Int => "Int",
        Leaf::Float => "Float",
        Leaf::DateTime => "DateTime",
        Leaf::Enum => type_name,
    };
    format!("{stem}{}Filter", if list { "List" } else { "" })
}

fn unite((known, operator): Entry, (more, other): Entry) -> Option<Entry> {
    if operator != other {
        return None;
    }
    let field = match (known, more) {
        (FilterField::Column(mut ids), FilterField::Column(more)) => {
            ids.extend(more);
            ids.sort();
            ids.dedup();
            FilterField::Column(ids)
        }
        (
            FilterField::Relation {
                relation,
                targets,
                within,
            },
            FilterField::Relation {
                relation: other,
                targets: others,
                ..
            },
        ) if relation == other && (targets == others || targets.is_none() || others.is_none()) => {
            FilterField::Relation {
                relation,
                targets: targets.or(others),
                within,
            }
        }
        (known, more) if known == more => known,
        _ => return None,
    };
    Some((field, operator))
}

fn is_kind(ids: &[ColumnId], columns: &Columns) -> bool {
    ids.iter()
        .all(|id| columns.get(*id).path.as_deref() == Some("kind"))
}

fn enum_value(value: &str) -> EnumValueDefinition {
    EnumValueDefinition {
        description: None,
        value: generated(value),
        directives: Default::default(),
    }
}

/// `createdAt` → `CREATED_AT`.
fn upper_snake(name: &str) -> String {
    let mut snake = String::new();
    let mut lower_before = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower_before {
            snake.push('_');
        }
        lower_before = c.is_ascii_lowercase() || c.is_ascii_digit();
        snake.push(c.to_ascii_uppercase());
    }
    snake
}
