//! What expressions read, as a [`Need`]: from the read-sets of the selected fields comes what an upstream is asked.

mod arguments;
mod paths;

use std::cell::Cell;

use serde_json::{Map, Value};

use super::listed::{Listed, TYPENAME};
use super::need::{Field, LARGEST_PAGE, Need, Rule};
use crate::connect::cursor::Cursor;
use crate::connect::selected::{Selected, SelectedField};
use crate::sdl::expr::Read;
use crate::sdl::{
    self, Connect, FieldSource, Generated, Let, LiveBinding, Model, Request, TypeDef, TypeShape,
    ValueBinding,
};

pub(in crate::connect) use arguments::fitted;
use arguments::variables_of;

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
