//! The arguments of the fields that an upstream is asked for: variables with their values and types.

use serde_json::Value;

use super::super::need::Arg;
use super::{Reader, Reading};
use crate::sdl::expr::{ArgValue, Expr, Node, Step, is_page};

impl Reader<'_> {
    pub(super) fn args(
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

/// The members of `$this` that stand as variables in arguments.
pub(super) fn variables_of(selection: &Expr) -> Vec<Vec<Box<str>>> {
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
