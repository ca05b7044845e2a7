//! What expressions read of an object: each path as the fields that an upstream is asked for.
//!
//! What is wanted of an expression's value is wanted of what it reads: behind a function, of the items of a list, of the members of an object.

use super::super::need::{Field, Need, Page};
use super::{Reader, Reading, Tail};
use crate::sdl::expr::{ArgValue, Expr, Function, Node, Path, Step, is_of_object, response_key};

impl Reader<'_> {
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
