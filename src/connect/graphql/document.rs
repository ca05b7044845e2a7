//! Needs as one document: an alias for each, variables for all that came from elsewhere, a fragment where several want the same.
//!
//! A fragment has to name the type that it is on, which is the upstream's: it is learnt from the first answers, and until then selections are written out.
//! That it is still right is seen in every answer, so an upstream that gives different types for one field costs a second request and never a value.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::dialect::{self, Opened};
use super::need::{Arg, Field};
use crate::sdl::Connections;

/// A document, ready to be sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::connect) struct Document {
    pub(in crate::connect) text: String,
    pub(in crate::connect) variables: Map<String, Value>,
    /// By alias: whether its selection is in a fragment.
    pub(in crate::connect) shared: Vec<bool>,
}

/// What is done to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::connect) enum Operation {
    Query,
    Mutation,
}

/// One root field.
#[derive(Clone, Copy)]
pub(in crate::connect) struct Root<'n> {
    pub(in crate::connect) field: &'n Field,
    /// The upstream's type of its value, as far as it is known.
    pub(in crate::connect) type_name: Option<&'n str>,
}

/// The alias of the field that is number `position`.
pub(in crate::connect) fn alias(position: usize) -> String {
    format!("a{position}")
}

impl Document {
    pub(in crate::connect) fn new(
        operation: Operation,
        roots: &[Root<'_>],
        connections: &Connections,
    ) -> Self {
        let mut writer = Writer::of(connections);
        let bodies: Vec<(String, String)> = roots
            .iter()
            .map(|root| {
                let mut head = String::new();
                writer.call(root.field, &mut head);
                let mut body = String::new();
                writer.below(root.field, &mut body);
                (head, body)
            })
            .collect();
        let mut users: HashMap<&str, usize> = HashMap::new();
        for (_, body) in &bodies {
            *users.entry(body).or_default() += 1;
        }
        let mut fragments: Vec<(&str, &str)> = Vec::new();
        let mut selections = String::new();
        let mut shared = Vec::with_capacity(roots.len());
        for (position, ((head, body), root)) in bodies.iter().zip(roots).enumerate() {
            let is_common = users.get(body.as_str()).is_some_and(|users| *users > 1);
            let _infallible = write!(selections, "  {}: {head}", alias(position));
            let mut in_fragment = false;
            match (body.is_empty(), is_common, root.type_name) {
                (true, _, _) => {}
                (false, true, Some(type_name)) => {
                    let fragment = (body.as_str(), type_name);
                    let known = fragments.iter().position(|known| *known == fragment);
                    let number = known.unwrap_or(fragments.len());
                    if known.is_none() {
                        fragments.push(fragment);
                    }
                    in_fragment = true;
                    let _infallible = write!(selections, " {{ __typename ...F{number} }}");
                }
                // The next ones can share it.
                (false, true, None) if !root.field.below.fields.contains_key("__typename") => {
                    let _infallible = write!(selections, " {{ __typename {body} }}");
                }
                (false, _, _) => {
                    let _infallible = write!(selections, " {{ {body} }}");
                }
            }
            selections.push('\n');
            shared.push(in_fragment);
        }
        let mut text = String::from(match operation {
            Operation::Query => "query",
            Operation::Mutation => "mutation",
        });
        writer.declare(&mut text);
        let _infallible = write!(text, " {{\n{selections}}}\n");
        for (number, (body, type_name)) in fragments.iter().enumerate() {
            let _infallible = writeln!(text, "fragment F{number} on {type_name} {{ {body} }}");
        }
        Self {
            text,
            variables: writer.variables(),
            shared,
        }
    }
}

struct Writer<'w> {
    connections: &'w Connections,
    declared: Vec<Variable>,
    /// By hint, type and value.
    known: HashMap<(String, String, String), usize>,
    /// How many there are of each hint.
    numbers: HashMap<String, usize>,
}

struct Variable {
    name: String,
    ty: String,
    value: Value,
}

impl<'w> Writer<'w> {
    fn of(connections: &'w Connections) -> Self {
        Self {
            connections,
            declared: Vec::new(),
            known: HashMap::new(),
            numbers: HashMap::new(),
        }
    }

    /// The selection of a field, between blanks.
    fn below(&mut self, field: &Field, out: &mut String) {
        let mut separator = "";
        for (key, own) in &field.below.fields {
            out.push_str(separator);
            separator = " ";
            let opened = match field.is_connection() && own.args.is_empty() {
                true => dialect::open(key, self.connections, out),
                false => None,
            };
            match opened {
                Some(Opened::Items) => {
                    out.push_str(" { ");
                    self.below(own, out);
                    out.push_str(" } }");
                }
                Some(Opened::Total) => {}
                None => self.field(key, own, out),
            }
        }
    }

    fn field(&mut self, key: &str, field: &Field, out: &mut String) {
        if let Some(condition) = &field.condition {
            let _infallible = write!(out, "... on {condition} {{ ");
        }
        if *key != *field.name {
            let _infallible = write!(out, "{key}: ");
        }
        self.call(field, out);
        if !field.is_leaf() {
            out.push_str(" { ");
            self.below(field, out);
            out.push_str(" }");
        }
        if field.condition.is_some() {
            out.push_str(" }");
        }
    }

    /// Name and arguments.
    fn call(&mut self, field: &Field, out: &mut String) {
        out.push_str(&field.name);
        let mut separator = "(";
        let mut argument = |name: &str, value: &str, out: &mut String| {
            let _infallible = write!(out, "{separator}{name}: {value}");
            separator = ", ";
        };
        let mut any = false;
        for (name, value) in &field.args {
            let mut text = String::new();
            self.arg(value, &mut text);
            argument(name, &text, out);
            any = true;
        }
        if let Some(page) = &field.page {
            if let Some(first) = &page.first {
                let value = self.variable("first", "Int!", &page.size().into());
                argument(first, &value, out);
                any = true;
            }
            if let (Some(after), Some(from)) = (&page.after, &page.from) {
                let value = self.variable("after", "String!", &(*from.cursor).into());
                argument(after, &value, out);
                any = true;
            }
        }
        if any {
            out.push(')');
        }
    }

    fn arg(&mut self, arg: &Arg, out: &mut String) {
        match arg {
            Arg::Variable { hint, ty, value } => {
                let name = self.variable(hint, ty, value);
                out.push_str(&name);
            }
            Arg::Literal(value) => literal(value, out),
            Arg::Word(word) => out.push_str(word),
            Arg::List(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        out.push_str(", ");
                    }
                    self.arg(item, out);
                }
                out.push(']');
            }
            Arg::Object(members) => {
                out.push('{');
                for (position, (name, value)) in members.iter().enumerate() {
                    let separator = if position > 0 { ", " } else { "" };
                    let _infallible = write!(out, "{separator}{name}: ");
                    self.arg(value, out);
                }
                out.push('}');
            }
        }
    }

    /// The same value is sent once.
    fn variable(&mut self, hint: &str, ty: &str, value: &Value) -> String {
        let key = (hint.to_owned(), ty.to_owned(), value.to_string());
        if let Some(variable) = self.known.get(&key).and_then(|at| self.declared.get(*at)) {
            return format!("${}", variable.name);
        }
        let number = self.numbers.entry(hint.to_owned()).or_default();
        let name = format!("{hint}_{number}");
        *number += 1;
        self.known.insert(key, self.declared.len());
        self.declared.push(Variable {
            name: name.clone(),
            ty: ty.to_owned(),
            value: value.clone(),
        });
        format!("${name}")
    }

    fn declare(&self, out: &mut String) {
        for (position, variable) in self.declared.iter().enumerate() {
            let separator = if position > 0 { ", " } else { "(" };
            let _infallible = write!(out, "{separator}${}: {}", variable.name, variable.ty);
        }
        if !self.declared.is_empty() {
            out.push(')');
        }
    }

    fn variables(self) -> Map<String, Value> {
        let declared = self.declared.into_iter();
        declared
            .map(|variable| (variable.name, variable.value))
            .collect()
    }
}

/// A value of the schema file's author. Escapes of JSON are those of GraphQL.
fn literal(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                literal(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (position, (name, value)) in members.iter().enumerate() {
                let separator = if position > 0 { ", " } else { "" };
                let _infallible = write!(out, "{separator}{name}: ");
                literal(value, out);
            }
            out.push('}');
        }
        leaf => {
            let _infallible = write!(out, "{leaf}");
        }
    }
}
