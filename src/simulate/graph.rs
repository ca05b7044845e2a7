//! A simulated graph: the trees of examples, projected to what a document selects.
//!
//! It has no schema. A field that is not in the tree is null; a type condition applies unless the tree says another `__typename`.
//! A field whose answer depends on its arguments is written with them: `'pullRequests(states: [OPEN])'` goes before `pullRequests`.
//! A list is cut by `first`, `last` and `after`, and so is the list in the `nodes` of a connection, whose `edges`, `pageInfo`, number of items and cursors are made.

use std::collections::HashMap;

use apollo_compiler::Node;
use apollo_compiler::ast::{
    self, Argument, Definition, Document, Field, FragmentDefinition, OperationDefinition,
    OperationType, Selection,
};
use serde_json::{Map, Value, json};

use super::request::contains;
use super::written::Words;
use crate::connect::example::{Asked, Reply};
use crate::sdl::expr::{ArgValue, Expr, Node as ExprNode, Step};

/// A document as it was received.
pub(super) struct Query {
    operation: Node<OperationDefinition>,
    fragments: HashMap<String, Node<FragmentDefinition>>,
    variables: Map<String, Value>,
    /// What connections call the number of their items.
    totals: Vec<Box<str>>,
}

/// What a root field came to.
pub(super) type Found<'r> = Option<(&'r Reply, Value)>;

impl Query {
    /// `None`: the body is no request to a graph.
    pub(super) fn read(body: &Value, totals: &[Box<str>]) -> Option<Result<Self, String>> {
        let text = body.get("query")?.as_str()?;
        let variables = match body.get("variables") {
            Some(Value::Object(variables)) => variables.clone(),
            _ => Map::new(),
        };
        let document = match Document::parse(text, "request.graphql") {
            Ok(document) => document,
            Err(broken) => return Some(Err(broken.errors.to_string())),
        };
        let mut operation = None;
        let mut fragments = HashMap::new();
        for definition in document.definitions {
            match definition {
                Definition::OperationDefinition(found) => operation = Some(found),
                Definition::FragmentDefinition(found) => {
                    fragments.insert(found.name.to_string(), found);
                }
                _ => {}
            }
        }
        Some(match operation {
            Some(operation) => Ok(Self {
                operation,
                fragments,
                variables,
                totals: totals.to_vec(),
            }),
            None => Err("the document has no operation".to_owned()),
        })
    }

    /// Whether it may change something.
    pub(super) fn is_mutation(&self) -> bool {
        self.operation.operation_type == OperationType::Mutation
    }

    /// What it is, before the names of its root fields.
    pub(super) fn kind(&self) -> &'static str {
        self.operation.operation_type.name()
    }

    /// The names of its root fields, each once.
    pub(super) fn roots(&self) -> Vec<String> {
        let mut names = Vec::new();
        for field in self.root_fields() {
            if !names.iter().any(|known| known == field.name.as_str()) {
                names.push(field.name.to_string());
            }
        }
        names
    }

    fn root_fields(&self) -> impl Iterator<Item = &Node<Field>> {
        self.operation
            .selection_set
            .iter()
            .filter_map(|selection| match selection {
                Selection::Field(field) => Some(field),
                Selection::FragmentSpread(_) | Selection::InlineFragment(_) => None,
            })
    }

    /// The answer; `find` gives the tree of a root field with its arguments.
    pub(super) fn answer<'r>(
        &self,
        find: impl Fn(&str, &Map<String, Value>) -> Found<'r>,
    ) -> (Value, Vec<&'r Reply>) {
        let mut data = Map::new();
        let mut errors = Vec::new();
        let mut replies = Vec::new();
        for field in self.root_fields() {
            let key = field.alias.as_ref().unwrap_or(&field.name).to_string();
            let arguments = self.arguments(&field.arguments);
            match find(&field.name, &arguments) {
                Some((reply, tree)) => {
                    replies.push(reply);
                    data.insert(key, self.value(field, tree, &arguments));
                }
                None => {
                    errors.push(json!({
                        "type": "NOT_FOUND",
                        "path": [key],
                        "message": format!("There is no such `{}`.", field.name),
                    }));
                    data.insert(key, Value::Null);
                }
            }
        }
        let mut answer = json!({ "data": data });
        if !errors.is_empty() {
            answer["errors"] = errors.into();
        }
        (answer, replies)
    }

    fn arguments(&self, given: &[Node<Argument>]) -> Map<String, Value> {
        let given = given.iter();
        given
            .map(|argument| (argument.name.to_string(), self.literal(&argument.value)))
            .collect()
    }

    fn literal(&self, value: &ast::Value) -> Value {
        match value {
            ast::Value::Null => Value::Null,
            ast::Value::Enum(word) => word.as_str().into(),
            ast::Value::Variable(name) => {
                let value = self.variables.get(name.as_str());
                value.cloned().unwrap_or_default()
            }
            ast::Value::String(text) => text.as_str().into(),
            ast::Value::Float(number) => number.try_to_f64().unwrap_or_default().into(),
            ast::Value::Int(number) => number.as_str().parse::<i64>().unwrap_or_default().into(),
            ast::Value::Boolean(truth) => (*truth).into(),
            ast::Value::List(items) => items.iter().map(|item| self.literal(item)).collect(),
            ast::Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.to_string(), self.literal(value)))
                    .collect(),
            ),
        }
    }

    /// A value as far as it is selected.
    fn value(&self, field: &Field, mut tree: Value, arguments: &Map<String, Value>) -> Value {
        if field.selection_set.is_empty() {
            return tree;
        }
        cut(&mut tree, arguments, &self.totals);
        self.projected(&field.selection_set, &tree, &field.name)
    }

    fn projected(&self, selections: &[Selection], tree: &Value, name: &str) -> Value {
        match tree {
            Value::Array(items) => items
                .iter()
                .map(|item| self.projected(selections, item, name))
                .collect(),
            Value::Object(members) => {
                let mut out = Map::new();
                self.members(selections, members, name, &mut out);
                Value::Object(out)
            }
            other => other.clone(),
        }
    }

    fn members(
        &self,
        selections: &[Selection],
        tree: &Map<String, Value>,
        name: &str,
        out: &mut Map<String, Value>,
    ) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name).to_string();
                    let value = match field.name.as_str() {
                        "__typename" => type_name(tree, name),
                        own => {
                            let arguments = self.arguments(&field.arguments);
                            let found = member(tree, own, &arguments);
                            self.value(field, found, &arguments)
                        }
                    };
                    match out.get_mut(&key) {
                        Some(known) => merge(known, value),
                        None => drop(out.insert(key, value)),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.type_condition.as_deref();
                    if applies(tree, condition) {
                        self.members(&fragment.selection_set, tree, name, out);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.fragments.get(spread.fragment_name.as_str())
                        && applies(tree, Some(&fragment.type_condition))
                    {
                        self.members(&fragment.selection_set, tree, name, out);
                    }
                }
            }
        }
    }
}

/// Whether a reply is for a root field with these arguments.
/// What makes a reply the one to a root field: what stands where its arguments may be any; `None`: nothing does.
pub(super) fn words(reply: &Reply, field: &str, arguments: &Map<String, Value>) -> Option<Words> {
    match &reply.asked {
        Asked::Graphql { field: own } if **own == *field => match &reply.when.arguments {
            Some(wanted) => Words::of_arguments(wanted, arguments),
            None => Some(Words::default()),
        },
        _ => None,
    }
}

pub(super) fn holds(arguments: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, value)| {
        let given = arguments.get(name);
        given.is_some_and(|given| contains(given, value))
    })
}

fn applies(tree: &Map<String, Value>, condition: Option<&str>) -> bool {
    let own = tree.get("__typename").and_then(Value::as_str);
    match (own, condition) {
        (Some(own), Some(condition)) => own == condition,
        _ => true,
    }
}

/// As the tree says, or the field's own name with a capital: `repository` leads to a `Repository`.
fn type_name(tree: &Map<String, Value>, field: &str) -> Value {
    if let Some(own) = tree.get("__typename") {
        return own.clone();
    }
    let mut chars = field.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    Value::String(first.into_iter().chain(chars).collect())
}

/// The value of a field; one that is written with arguments goes before, if they are given.
fn member(tree: &Map<String, Value>, name: &str, arguments: &Map<String, Value>) -> Value {
    let mut best: Option<(usize, &Value)> = None;
    for (key, value) in tree {
        if !key.starts_with(name) {
            continue;
        }
        let said = if key == name {
            Some(0)
        } else {
            written(key, name).and_then(|wanted| {
                let n_wanted = wanted.len();
                holds(arguments, &wanted).then_some(n_wanted)
            })
        };
        if let Some(said) = said
            && best.is_none_or(|(most, _)| said > most)
        {
            best = Some((said, value));
        }
    }
    best.map_or(Value::Null, |(_, value)| value.clone())
}

/// The arguments in `name(a: 1)`.
fn written(key: &str, name: &str) -> Option<Map<String, Value>> {
    let expr = Expr::parse(key).ok()?;
    let ExprNode::Path(path) = expr.node() else {
        return None;
    };
    match &*path.steps {
        [Step::Name(own, args)] if **own == *name && !args.is_empty() => Some(
            args.iter()
                .map(|(name, value)| (name.to_string(), plain(value)))
                .collect(),
        ),
        _ => None,
    }
}

fn plain(value: &ArgValue) -> Value {
    match value {
        ArgValue::Variable(..) => Value::Null,
        ArgValue::Literal(value) => value.clone(),
        ArgValue::Word(word) => Value::from(&**word),
        ArgValue::List(items) => items.iter().map(plain).collect(),
        ArgValue::Object(members) => members
            .iter()
            .map(|(name, value)| (name.to_string(), plain(value)))
            .collect(),
    }
}

/// Cuts a list, or the nodes of a connection, to the page that is asked for.
fn cut(tree: &mut Value, arguments: &Map<String, Value>, totals: &[Box<str>]) {
    match tree {
        Value::Array(items) => {
            let (start, end) = window(items.len(), arguments);
            items.truncate(end);
            items.drain(..start);
        }
        Value::Object(members) => {
            let Some(Value::Array(nodes)) = members.get_mut("nodes") else {
                return;
            };
            let total = nodes.len();
            let (start, end) = window(total, arguments);
            nodes.truncate(end);
            nodes.drain(..start);
            let nodes = nodes.clone();
            let cursor = |position: usize| format!("n{position}");
            let edges: Vec<Value> = nodes
                .into_iter()
                .enumerate()
                .map(|(at, node)| json!({ "cursor": cursor(start + at + 1), "node": node }))
                .collect();
            members.entry("edges").or_insert(edges.into());
            for name in totals {
                members.entry(&**name).or_insert(total.into());
            }
            members.entry("pageInfo").or_insert(json!({
                "hasNextPage": end < total,
                "hasPreviousPage": start > 0,
                "startCursor": (start < end).then(|| cursor(start + 1)),
                "endCursor": (start < end).then(|| cursor(end)),
            }));
        }
        _ => {}
    }
}

/// From where to where.
fn window(len: usize, arguments: &Map<String, Value>) -> (usize, usize) {
    let number = |name: &str| {
        let number = arguments.get(name).and_then(Value::as_u64)?;
        usize::try_from(number).ok()
    };
    let after = arguments.get("after").and_then(Value::as_str);
    let after = after.and_then(|cursor| cursor.strip_prefix('n')?.parse().ok());
    let start = after.unwrap_or(0).min(len);
    match (number("first"), number("last")) {
        (Some(first), _) => (start, start.saturating_add(first).min(len)),
        (None, Some(last)) => (len.saturating_sub(last).max(start), len),
        (None, None) => (start, len),
    }
}

/// The same field selected twice.
fn merge(known: &mut Value, value: Value) {
    match (known, value) {
        (Value::Object(known), Value::Object(more)) => {
            for (name, value) in more {
                match known.get_mut(&name) {
                    Some(known) => merge(known, value),
                    None => drop(known.insert(name, value)),
                }
            }
        }
        (Value::Array(known), Value::Array(more)) => {
            known
                .iter_mut()
                .zip(more)
                .for_each(|(known, value)| merge(known, value));
        }
        _ => {}
    }
}
