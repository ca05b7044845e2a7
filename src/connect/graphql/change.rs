//! A document that changes something: one field of the upstream's `Mutation`, and of what it gives as much as the payload reads.
//!
//! What it is not: nothing is kept of it, nothing travels with it, and it is never sent twice.

use std::cell::Cell;

use serde_json::Value;

use super::all;
use super::cost::{self, Cost};
use super::dialect;
use super::document::{Document, Operation, Root};
use super::listed::TYPENAME;
use super::need::{Field, Need};
use super::read::{Reader, Reading, Tail};
use super::reply::{self, Reply, Said, Trouble};
use super::root::Call;
use super::route::place;
use crate::connect::routes::Fetch;
use crate::sdl::{Connections, Model};

/// A payload's own values, and those of objects that stand in it.
const DEEPEST: usize = 2;

/// Fields of payloads that no upstream gives: what went wrong, and what the audit calls it.
pub(in crate::connect) const OWN: [&str; 2] = ["userErrors", "auditId"];

/// What is sent for one action.
pub(in crate::connect) struct Change {
    field: Field,
    /// From the root field's value to the payload.
    place: Box<[Box<str>]>,
}

/// What the upstream made of it.
pub(in crate::connect) enum Outcome {
    Done(Value),
    Failed(Trouble),
    /// It is no answer to a GraphQL request.
    Misshapen,
}

impl Change {
    /// The root field with its arguments filled in; `names` are those of the request.
    pub(in crate::connect) fn new(
        model: &Model,
        fetch: &Fetch,
        call: &Call,
        names: &[(Box<str>, Value)],
    ) -> Option<Self> {
        let root = fetch.root.as_ref()?;
        let reader = Reader {
            model,
            lets: &fetch.connect.lets,
            names,
            used_names: Cell::new(false),
        };
        let reading = Reading {
            owner: "",
            field: "",
            args: &Value::Null,
        };
        let mut items = Need::default();
        if let Some(payload) = model.types.get(&fetch.type_name) {
            let mut everything = all::objects(model, &payload.name, false, DEEPEST);
            for (_, fields) in &mut everything.types {
                fields.retain(|field| !OWN.contains(&&*field.name));
            }
            reader.object(payload, &everything, &mut items);
        }
        if items.is_empty() {
            items.add_leaf(TYPENAME);
        }
        let tail = Tail {
            below: items,
            ..Tail::default()
        };
        let mut steps = vec![root.step()];
        steps.extend(root.rest.iter().cloned());
        let mut need = Need::default();
        reader.steps(&steps, &tail, reading, &mut need);
        let (_, shape) = need.fields.pop()?;
        let place = place(&root.rest, &reader, reading)?;
        Some(Self {
            field: call.field(&shape),
            place: place.names,
        })
    }

    pub(in crate::connect) fn document(&self, connections: &Connections) -> Document {
        let root = Root {
            field: &self.field,
            type_name: None,
        };
        Document::new(Operation::Mutation, &[root], connections)
    }

    pub(in crate::connect) fn cost(&self, connections: &Connections) -> Cost {
        let need = Need::one("".into(), self.field.clone());
        cost::of(&need, connections.items)
    }

    /// Takes the answer apart; `reason` is what stands for a null within it.
    pub(in crate::connect) fn outcome(
        &self,
        body: Value,
        connections: &Connections,
        reason: &dyn Fn(Trouble) -> Value,
    ) -> Outcome {
        let mut said = match reply::taken_apart(body, &[None], reason) {
            Reply::Said(said) => said,
            Reply::Failed(trouble) => return Outcome::Failed(trouble),
            Reply::Misshapen => return Outcome::Misshapen,
        };
        match said.pop() {
            Some(Said::Value(mut value)) => {
                dialect::unwrap(&self.field, connections, &mut value);
                for name in &self.place {
                    value = value.get_mut(&**name).map(Value::take).unwrap_or_default();
                }
                Outcome::Done(value)
            }
            Some(Said::Failed(trouble)) => Outcome::Failed(trouble),
            Some(Said::NotFound) => Outcome::Failed(Trouble::NotFound),
            Some(Said::OtherType) | None => Outcome::Misshapen,
        }
    }
}
