//! What expressions read, as a [`Need`]: from the read-sets of the selected fields comes what an upstream is asked.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::listed::{Listed, TYPENAME};
use super::need::{Arg, Field, LARGEST_PAGE, Need, Page, Rule};
use crate::connect::cursor::Cursor;
use crate::connect::selected::{Selected, SelectedField};
use crate::sdl::expr::{
    ArgValue, Expr, Function, Node, Path, Read, Step, is_of_object, is_page, response_key,
};
use crate::sdl::{
    self, Connect, FieldSource, Generated, Let, LiveBinding, Model, Request, TypeDef, TypeShape,
    ValueBinding,
};

/// Paths of suppliers and objects within objects are followed so far.
const DEEPEST: u8 = 16;
/// A live list holds so many unless `first` says otherwise.
const DEFAULT_FIRST: usize = 10;

/// Reads needs off the Model, for one request with its names.
pub(in crate::connect) struct Reader<'r> {
    pub(in crate::connect) model: &'r Model,
    /// The `let`s of the request, and what they came to.
    pub(in crate::connect) lets: &'r [Let],
    pub(in crate::connect) names: &'r [(Box<str>, Value)],
    /// Whether any argument depended on those names: then another object may have another need.
    pub(in crate::connect) used_names: Cell<bool>,
}

/// The field whose expressions are read, for what `$args` stands for in them.
#[derive(Clone, Copy)]
pub(in crate::connect) struct Reading<'f> {
    pub(in crate::connect) owner: &'f str,
    pub(in crate::connect) field: &'f str,
    pub(in crate::connect) args: &'f Value,
}

/// What is wanted where a path ends.
#[derive(Clone, Debug, Default)]
pub(in crate::connect) struct Tail {
    pub(in crate::connect) below: Need,
    pub(in crate::connect) list: bool,
    /// Of a connection: how many of its items.
    pub(in crate::connect) rows: Option<usize>,
    pub(in crate::connect) rule: Option<Rule>,
}

impl Reader<'_> {
    /// What `selected` reads of an object of a type.
    pub(in crate::connect) fn object(&self, ty: &TypeDef, selected: &Selected, need: &mut Need) {
        for field in selected.of(&ty.name) {
            self.field(ty, field, need);
        }
    }

    /// What all concrete types that may stand for `type_name` read together.
    fn objects(&self, type_name: &str, selected: &Selected) -> Need {
        let mut need = Need::default();
        let Some(ty) = self.model.types.get(type_name) else {
            return need;
        };
        for name in &ty.concrete {
            if let Some(concrete) = self.model.types.get(name) {
                self.object(concrete, selected, &mut need);
            }
        }
        if ty.interface || need.is_empty() {
            need.add_leaf(TYPENAME);
        }
        need
    }

    fn field(&self, ty: &TypeDef, selected: &SelectedField, need: &mut Need) {
        let Some(field) = ty.fields.get(&selected.name) else {
            return;
        };
        match &field.source {
            FieldSource::Value(binding) => self.value(ty, field, binding, selected, need),
            FieldSource::Lookup(binding) => {
                let none = Value::Null;
                self.expr(
                    &binding.value,
                    self.reading(ty, &selected.name, &none),
                    need,
                );
            }
            FieldSource::Resolver(binding) if &*binding.name == "id" => {
                self.identity(ty, need);
                self.acted_on(ty, need);
            }
            FieldSource::Live(binding) => self.live(ty, field, binding, selected, need),
            FieldSource::Resolver(_) | FieldSource::Relation(_) | FieldSource::Generated(_) => {}
        }
    }

    /// What says until when objects are true.
    pub(in crate::connect) fn end(&self, rule: Option<&Rule>, items: &mut Need) {
        if let Some(until) = rule.and_then(|rule| rule.until.as_ref()) {
            let none = Value::Null;
            let reading = Reading {
                owner: "",
                field: "",
                args: &none,
            };
            self.expr(&until.0, reading, items);
        }
    }

    /// What identifies an object.
    pub(in crate::connect) fn identity(&self, ty: &TypeDef, need: &mut Need) {
        if let Some(identity) = &ty.identity {
            let none = Value::Null;
            self.expr(identity, self.reading(ty, "id", &none), need);
        }
    }

    /// What actions read of an object that is named to them by its id.
    fn acted_on(&self, ty: &TypeDef, need: &mut Need) {
        let none = Value::Null;
        let reading = self.reading(ty, "id", &none);
        let actions = self.model.actions.iter();
        for action in actions.filter(|action| action.subject == ty.name) {
            let first = action.along.first().and_then(|first| ty.fields.get(first));
            let connect = match first.map(|field| &field.source) {
                Some(FieldSource::Live(binding)) => binding.connect.as_ref(),
                Some(_) => None,
                None => {
                    let payload = self.model.types.get(&action.payload);
                    payload.and_then(|payload| payload.connect.as_ref())
                }
            };
            let Some(connect) = connect else {
                continue;
            };
            self.connect(connect, reading, need);
            for read in connect.purge.iter().flat_map(|tag| tag.reads()) {
                plain(&read, need);
            }
        }
    }

    fn reading<'f>(&self, ty: &'f TypeDef, field: &'f str, args: &'f Value) -> Reading<'f> {
        Reading {
            owner: &ty.name,
            field,
            args,
        }
    }

    fn value(
        &self,
        ty: &TypeDef,
        field: &sdl::Field,
        binding: &ValueBinding,
        selected: &SelectedField,
        need: &mut Need,
    ) {
        let item = item_of(self.model, field);
        let mut args = (*selected.arguments).clone();
        let mut tail = Tail {
            rule: field.cache.as_ref().map(Rule::of),
            ..Tail::default()
        };
        match item {
            Some(item) => {
                let first = page_args(&mut args);
                let behind = args.get("after").and_then(Value::as_str);
                let behind = behind.and_then(|cursor| cursor.strip_prefix('p')?.parse().ok());
                let behind: usize = behind.unwrap_or_default();
                let listed = Listed {
                    rows: selected.rows.then(|| behind.saturating_add(first)),
                    total: selected.total,
                };
                let mut items = self.objects(item, &selected.below);
                self.end(tail.rule.as_ref(), &mut items);
                tail = listed.tail(items, &binding.at, tail.rule);
            }
            None if is_object(field) => {
                tail.below = self.objects(&field.ty.named, &selected.below);
                self.end(tail.rule.as_ref(), &mut tail.below);
                tail.list = field.ty.list.is_some();
            }
            None => {}
        }
        let args = Value::Object(args);
        let reading = self.reading(ty, &selected.name, &args);
        self.walk(binding.at.node(), &tail, reading, need);
        if let Some(default) = &binding.default {
            self.walk(default.node(), &tail, reading, need);
        }
    }

    /// What must be there of an object, so that a field that is fetched for it can be.
    fn live(
        &self,
        ty: &TypeDef,
        field: &sdl::Field,
        binding: &LiveBinding,
        selected: &SelectedField,
        need: &mut Need,
    ) {
        let args = Value::Object((*selected.arguments).clone());
        let reading = self.reading(ty, &field.name, &args);
        if let Some(connect) = &binding.connect {
            self.connect(connect, reading, need);
        }
        let tags = field.cache.iter().flat_map(|policy| &policy.tags);
        for read in tags.flat_map(|tag| tag.reads()) {
            plain(&read, need);
        }
        for given in &binding.suppliers {
            let along = &given.along;
            let Some(supplier) = self.model.types.get(&given.type_name) else {
                continue;
            };
            match along.is_empty() {
                true => {
                    if let Some(connect) = &supplier.connect {
                        self.connect(connect, reading, need);
                    }
                    let tags = supplier.cache.iter().flat_map(|policy| &policy.tags);
                    for read in tags.flat_map(|tag| tag.reads()) {
                        plain(&read, need);
                    }
                }
                false => self.along(ty, along, supplier, selected, need, DEEPEST),
            }
        }
    }

    /// What a path of fields reads of the object at which it begins.
    fn along(
        &self,
        ty: &TypeDef,
        along: &[std::sync::Arc<str>],
        supplier: &TypeDef,
        selected: &SelectedField,
        need: &mut Need,
        depth: u8,
    ) {
        let Some((first, rest)) = along.split_first() else {
            // The end: the values themselves.
            self.object(supplier, &selected.below, need);
            self.identity(supplier, need);
            return;
        };
        let Some(field) = ty.fields.get(first).filter(|_| depth > 0) else {
            return;
        };
        // Lists on the way are read as far as one request goes.
        let (args, rows) = match rest.is_empty() {
            true => {
                let mut args = (*selected.arguments).clone();
                let first = page_args(&mut args);
                (args, behind(&selected.arguments).saturating_add(first))
            }
            false => (Map::new(), LARGEST_PAGE),
        };
        let args = Value::Object(args);
        let reading = self.reading(ty, first, &args);
        match &field.source {
            FieldSource::Live(binding) => {
                if let Some(connect) = &binding.connect {
                    self.connect(connect, reading, need);
                }
            }
            FieldSource::Value(binding) => {
                let item = item_of(self.model, field).unwrap_or(&field.ty.named);
                let mut items = Need::default();
                if let Some(ty) = self.model.types.get(item) {
                    self.along(ty, rest, supplier, selected, &mut items, depth - 1);
                }
                let listed = Listed {
                    rows: Some(rows),
                    total: selected.total && rest.is_empty(),
                };
                let rule = field.cache.as_ref().map(Rule::of);
                self.end(rule.as_ref(), &mut items);
                let tail = listed.tail(items, &binding.at, rule);
                self.walk(binding.at.node(), &tail, reading, need);
            }
            _ => {}
        }
    }

    /// What a request reads of the object for which it is made.
    pub(in crate::connect) fn connect(
        &self,
        connect: &Connect,
        reading: Reading<'_>,
        need: &mut Need,
    ) {
        let key = connect.batch.iter().filter_map(|batch| batch.key.as_ref());
        let exprs = connect.body.iter().chain(&connect.instance).chain(key);
        let lets = connect.lets.iter().map(|item| &item.value);
        for expr in exprs.chain(lets) {
            self.expr(expr, reading, need);
        }
        match &connect.request {
            Request::Rest { template, .. } => {
                for hole in template.holes() {
                    self.expr(&hole.expr, reading, need);
                }
            }
            Request::Graphql { selection } => {
                for read in selection
                    .reads()
                    .iter()
                    .filter(|read| !read.path.is_empty())
                {
                    // Its own path is one of the upstream's root, and not of the object.
                    let variables = variables_of(selection);
                    if &*read.root == "this" && variables.contains(&read.path) {
                        plain(read, need);
                    }
                }
            }
        }
    }

    /// A value that is only looked at.
    pub(in crate::connect) fn expr(&self, expr: &Expr, reading: Reading<'_>, need: &mut Need) {
        self.walk(expr.node(), &Tail::default(), reading, need);
    }

    /// Adds what `node` reads; `tail` is wanted of its value.
    pub(in crate::connect) fn walk(
        &self,
        node: &Node,
        tail: &Tail,
        reading: Reading<'_>,
        need: &mut Need,
    ) {
        match node {
            Node::Literal(_) => {}
            Node::Path(path) => self.path(path, tail, reading, need),
            Node::Coalesce(nodes) | Node::List(nodes) | Node::Sum(nodes) => {
                for node in nodes {
                    self.walk(node, tail, reading, need);
                }
            }
            Node::And(nodes) => {
                let last = nodes.len().saturating_sub(1);
                for (position, node) in nodes.iter().enumerate() {
                    match position == last {
                        true => self.walk(node, tail, reading, need),
                        false => self.walk(node, &Tail::default(), reading, need),
                    }
                }
            }
            Node::Object(members) => {
                for (name, node) in members {
                    let member = tail.below.fields.get(name);
                    let tail = Tail {
                        below: member
                            .map(|member| member.below.clone())
                            .unwrap_or_default(),
                        list: member.is_some_and(|member| member.list),
                        ..Tail::default()
                    };
                    self.walk(node, &tail, reading, need);
                }
            }
            Node::Pipe(input, calls) => {
                // What is wanted of the value behind a function says what is wanted of the one before.
                let mut tail = tail.clone();
                for call in calls.iter().rev() {
                    let n_of_items = call.function.n_read_of_items().min(call.args.len());
                    let (of_items, others) = call.args.split_at(n_of_items);
                    for item in of_items {
                        self.each(call.function, item, reading, &mut tail);
                    }
                    tail.list |= call.function.takes_list();
                    for arg in others {
                        self.walk(arg, &Tail::default(), reading, need);
                    }
                }
                self.walk(input, &tail, reading, need);
            }
        }
    }

    /// What a function that looks at the items of a list wants of them.
    fn each(&self, function: Function, item: &Node, reading: Reading<'_>, tail: &mut Tail) {
        if function != Function::Each {
            self.walk(item, &Tail::default(), reading, &mut tail.below);
            return;
        }
        let made = Tail {
            below: std::mem::take(&mut tail.below),
            ..Tail::default()
        };
        self.walk(item, &made, reading, &mut tail.below);
    }

    fn path(&self, path: &Path, tail: &Tail, reading: Reading<'_>, need: &mut Need) {
        if is_of_object(&path.root) {
            self.steps(&path.steps, tail, reading, need);
        }
    }

    /// Follows the steps of a path; `tail` is wanted where they end.
    pub(in crate::connect) fn steps(
        &self,
        steps: &[Step],
        tail: &Tail,
        reading: Reading<'_>,
        need: &mut Need,
    ) {
        let mut condition = None;
        for (position, step) in steps.iter().enumerate() {
            if let Some(name) = step.condition() {
                condition = Some(name);
                continue;
            }
            let Step::Name(name, args) = step else {
                continue;
            };
            let rest = steps.get(position + 1..).unwrap_or_default();
            let lookup = |root: &str, members: &[Box<str>]| self.variable(root, members, reading);
            let key = response_key(condition, name, args, rest.is_empty(), &lookup);
            let field = need.fields.entry((*key).into()).or_insert_with(|| Field {
                name: name.clone(),
                condition: condition.map(Into::into),
                args: self.args(args, rest.is_empty(), reading),
                ..Field::default()
            });
            field.list |= matches!(rest.first(), Some(Step::Each | Step::Index(_)));
            let ends = !rest
                .iter()
                .any(|step| matches!(step, Step::Name(..)) && step.condition().is_none());
            if ends {
                field.end(args, rest.is_empty(), tail);
            } else {
                self.steps(rest, tail, reading, &mut field.below);
            }
            return;
        }
        // Nothing but the object itself.
        need.merge(&tail.below);
    }

    fn args(
        &self,
        args: &[(Box<str>, ArgValue)],
        last: bool,
        reading: Reading<'_>,
    ) -> Vec<(Box<str>, Arg)> {
        args.iter()
            .filter(|(_, value)| !(last && is_page(value)))
            .filter_map(|(name, value)| Some((name.clone(), self.arg(value, reading)?)))
            .collect()
    }

    fn arg(&self, value: &ArgValue, reading: Reading<'_>) -> Option<Arg> {
        Some(match value {
            ArgValue::Variable(root, members) => {
                let value = self.variable(root, members, reading)?;
                if value.is_null() {
                    return None;
                }
                let ty = self.type_of(root, members, reading);
                Arg::Variable {
                    hint: members.last().unwrap_or(root).clone(),
                    value: fitted(value, &ty),
                    ty,
                }
            }
            ArgValue::Literal(value) => Arg::Literal(value.clone()),
            ArgValue::Word(word) => Arg::Word(word.clone()),
            ArgValue::List(items) => {
                let all: Vec<Arg> = items
                    .iter()
                    .filter_map(|item| self.arg(item, reading))
                    .collect();
                if all.is_empty() && !items.is_empty() {
                    return None;
                }
                Arg::List(all)
            }
            ArgValue::Object(members) => Arg::Object(
                members
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), self.arg(value, reading)?)))
                    .collect(),
            ),
        })
    }

    pub(in crate::connect) fn variable(
        &self,
        root: &str,
        members: &[Box<str>],
        reading: Reading<'_>,
    ) -> Option<Value> {
        let mut value = match root {
            "args" => reading.args,
            name => {
                self.used_names.set(true);
                let known = self.names.iter().find(|(known, _)| **known == *name);
                known.map(|(_, value)| value)?
            }
        };
        for member in members {
            value = value.get(&**member)?;
        }
        Some(value.clone())
    }

    /// Non-null: a variable without a value is not sent.
    fn type_of(&self, root: &str, members: &[Box<str>], reading: Reading<'_>) -> Box<str> {
        let declared = match (root, members) {
            ("args", [argument]) => {
                self.model
                    .argument_type(reading.owner, reading.field, argument)
            }
            (name, []) => {
                let own = self.lets.iter().find(|item| *item.name == *name);
                own.and_then(|item| item.upstream_type.as_deref())
                    .map(str::to_owned)
            }
            _ => None,
        };
        let ty = declared.unwrap_or_else(|| "String!".to_owned());
        match ty.ends_with('!') {
            true => ty.into(),
            false => format!("{ty}!").into(),
        }
    }
}

/// Upstreams take numbers in texts, where they want texts.
pub(in crate::connect) fn fitted(value: Value, ty: &str) -> Value {
    match (&value, ty) {
        (Value::Number(number), "String!" | "ID!") => Value::from(number.to_string()),
        _ => value,
    }
}

impl Field {
    /// The last field of a path.
    fn end(&mut self, args: &[(Box<str>, ArgValue)], last: bool, tail: &Tail) {
        self.below.merge(&tail.below);
        self.list |= tail.list;
        if let Some(rule) = &tail.rule {
            self.ages = Some(rule.ages);
            self.until.clone_from(&rule.until);
        }
        let Some(rows) = tail.rows.filter(|_| last) else {
            return;
        };
        let named = |member: &str| {
            let mut args = args.iter();
            let found = args.find(|(_, value)| match value {
                ArgValue::Variable(root, members) => {
                    &**root == "args" && matches!(&**members, [only] if &**only == member)
                }
                _ => false,
            });
            found.map(|(name, _)| name.clone())
        };
        let page = Page {
            first: named("first"),
            after: named("after"),
            rows,
            ..Page::default()
        };
        if page.first.is_some() {
            let known = self.page.as_ref().map_or(0, |page| page.rows);
            self.page = Some(Page {
                rows: rows.max(known),
                ..page
            });
        }
    }
}

/// How many of any provider's objects were shown before.
fn behind(args: &Map<String, Value>) -> usize {
    let after = args.get("after").and_then(Value::as_str);
    let places = after.and_then(Cursor::read).unwrap_or_default().0;
    places
        .iter()
        .map(|place| place.behind as usize)
        .max()
        .unwrap_or_default()
}

/// The size of the page that is asked for, filled in where it is not said.
fn page_args(args: &mut Map<String, Value>) -> usize {
    let first = args.entry("first").or_insert(Value::Null);
    if first.is_null() {
        *first = DEFAULT_FIRST.into();
    }
    let first = first.as_u64().and_then(|first| usize::try_from(first).ok());
    first.unwrap_or(DEFAULT_FIRST)
}

/// The type of the nodes, if the type of the field is a connection of ours.
pub(in crate::connect) fn item_of<'m>(model: &'m Model, field: &sdl::Field) -> Option<&'m str> {
    let nodes = model.types.get(&field.ty.named)?.fields.get("nodes")?;
    let made = matches!(
        nodes.source,
        FieldSource::Generated(Generated::ConnectionNodes)
    );
    made.then_some(&*nodes.ty.named)
}

fn is_object(field: &sdl::Field) -> bool {
    !matches!(field.ty.shape, TypeShape::Leaf(_))
}

/// A read without arguments.
fn plain(read: &Read, need: &mut Need) {
    if &*read.root != "this" {
        return;
    }
    let mut at = need;
    for name in &read.path {
        at = &mut at
            .fields
            .entry(name.clone())
            .or_insert_with(|| Field {
                name: name.clone(),
                ..Field::default()
            })
            .below;
    }
}

/// The members of `$this` that stand as variables in arguments.
fn variables_of(selection: &Expr) -> Vec<Vec<Box<str>>> {
    fn collect(value: &ArgValue, found: &mut Vec<Vec<Box<str>>>) {
        match value {
            ArgValue::Variable(root, members) if &**root == "this" => found.push(members.clone()),
            ArgValue::Variable(..) | ArgValue::Literal(_) | ArgValue::Word(_) => {}
            ArgValue::List(items) => items.iter().for_each(|item| collect(item, found)),
            ArgValue::Object(members) => {
                members.iter().for_each(|(_, value)| collect(value, found))
            }
        }
    }
    let mut found = Vec::new();
    if let Node::Path(path) = selection.node() {
        for step in &path.steps {
            if let Step::Name(_, args) = step {
                args.iter()
                    .for_each(|(_, value)| collect(value, &mut found));
            }
        }
    }
    found
}
