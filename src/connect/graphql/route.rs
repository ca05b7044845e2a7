//! What one step of a provider asks of a graph: what is wanted there, and where in the answer its objects stand.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::listed::{Listed, ends_at_connection, is_connection};
use super::need::{Ages, Field, LARGEST_PAGE, Need, Rule};
use super::read::{Reader, Reading, Tail};
use crate::connect::chains::{Member, Provider, Step as ChainStep, What};
use crate::connect::filter::Filter;
use crate::connect::routes::{Args, Fetch, Order, Routes};
use crate::connect::seam::LiveField;
use crate::connect::selected::SelectedField;
use crate::sdl::expr::{ArgValue, Expr, Node, Step, is_of_object, is_page, response_key};
use crate::sdl::{Connect, Model};

/// What a step asks; made with the route, for all parents.
pub(in crate::connect) struct Graph {
    pub(in crate::connect) model: Arc<Model>,
    pub(in crate::connect) fetch: Arc<Fetch>,
    /// The type of the objects.
    pub(in crate::connect) type_name: Arc<str>,
    /// The field whose arguments `$args` are.
    pub(in crate::connect) owner: Arc<str>,
    pub(in crate::connect) field: Arc<str>,
    pub(in crate::connect) args: Arc<Args>,
    pub(in crate::connect) end: End,
    /// The list of objects within the object that is fetched, if those are what is wanted.
    pub(in crate::connect) within: Option<Arc<Within>>,
    /// From each of those to what is wanted: objects and lists within them, which come with them.
    pub(in crate::connect) onward: Vec<Member>,
    /// Of a list.
    pub(in crate::connect) listed: Listed,
    /// How old what is wanted may be, unless a field says otherwise.
    pub(in crate::connect) ages: Ages,
    /// The same for all objects, where no argument reads the names of the request; without and with what `@where` looks at.
    pub(in crate::connect) fixed: [OnceLock<Option<Arc<Shape>>>; 2],
}

/// What is wanted of the objects at the end.
pub(in crate::connect) enum End {
    /// They are the values of the field.
    Objects {
        type_name: Arc<str>,
        selected: Option<SelectedField>,
        /// What they are told apart, filtered and ordered by.
        extras: Vec<Expr>,
        /// What `@where` looks at, where it wants something.
        ruled: Vec<Expr>,
    },
    /// The next request is made from them.
    Next(Arc<Connect>),
}

/// A list of objects within the object that is fetched.
pub(in crate::connect) struct Within {
    pub(in crate::connect) at: Expr,
    pub(in crate::connect) owner: Arc<str>,
    pub(in crate::connect) field: Arc<str>,
    pub(in crate::connect) rule: Option<Rule>,
}

/// What is wanted of a root field, and where it stands.
pub(in crate::connect) struct Shape {
    /// Its own arguments are those of the object that is asked for.
    pub(in crate::connect) field: Field,
    /// From the root field's value to what is fetched, or to what that is made of.
    pub(in crate::connect) place: Place,
    /// From there to the list within.
    pub(in crate::connect) within: Option<Inner>,
}

/// Where a list within an object is.
pub(in crate::connect) enum Inner {
    Place(Place),
    /// It is made of the object.
    Made,
}

#[derive(Clone, Debug, Default)]
pub(in crate::connect) struct Place {
    pub(in crate::connect) names: Box<[Box<str>]>,
    pub(in crate::connect) list: bool,
    /// It is a connection of the upstream, and the list its nodes.
    pub(in crate::connect) connection: bool,
    /// It can be read on.
    pub(in crate::connect) onward: bool,
}

impl Routes {
    /// What each step of a provider asks of a graph; a list within the object that is fetched comes with it.
    pub(in crate::connect) fn ask_graphs(
        &self,
        field: &LiveField,
        provider: &mut Provider,
        filter: Option<&Filter>,
        order: Option<&Order>,
        rows: usize,
    ) {
        let asks = |step: &ChainStep| step.fetch().is_some_and(|(fetch, _)| fetch.root.is_some());
        let reads = |rule| {
            filter
                .into_iter()
                .flat_map(move |filter| filter.reads(rule))
        };
        let mut extras: Vec<Expr> = reads(false).collect();
        let mut steps = std::mem::take(&mut provider.steps).into_iter().peekable();
        while let Some(mut step) = steps.next() {
            let Some((fetch, args)) = step.fetch().filter(|_| asks(&step)) else {
                provider.steps.push(step);
                continue;
            };
            let (fetch, mut args) = (Arc::clone(fetch), Arc::clone(args));
            let mut within = None;
            if let Some(inner) = steps.next_if(|next| next.member().is_some() && !fetch.rows) {
                if let Some(member) = inner.member() {
                    args = Arc::clone(&member.args);
                    within = Some(Arc::new(Within {
                        at: member.binding.at.clone(),
                        owner: Arc::clone(&member.owner),
                        field: Arc::clone(&member.field),
                        rule: member.rule.clone(),
                    }));
                }
                step = ChainStep {
                    type_name: inner.type_name,
                    identity: inner.identity,
                    is_list: inner.is_list,
                    ..step
                };
            }
            let mut inner = Vec::new();
            while let Some(next) = steps.next_if(|next| next.member().is_some()) {
                inner.push(next);
            }
            let onward: Vec<Member> = inner
                .iter()
                .filter_map(ChainStep::member)
                .cloned()
                .collect();
            let last = inner.last().unwrap_or(&step);
            let next = steps.peek().and_then(ChainStep::fetch);
            let end = match next {
                Some((next, _)) => End::Next(Arc::clone(&next.connect)),
                None => {
                    let by = order.and_then(|order| order.by_type.get(&last.type_name));
                    extras.extend(by.map(|binding| binding.at.clone()));
                    let after = field.arguments.get("after");
                    let told_apart = field.cursors || after.is_some_and(Value::is_string);
                    extras.extend(last.identity.clone().filter(|_| told_apart));
                    End::Objects {
                        type_name: Arc::clone(&last.type_name),
                        selected: field.selected.clone(),
                        extras: std::mem::take(&mut extras),
                        ruled: reads(true).collect(),
                    }
                }
            };
            let selected = field.selected.as_ref();
            let own_rows = selected.is_none_or(|selected| selected.rows) || !onward.is_empty();
            step.what = What::Graph(Arc::new(Graph {
                model: Arc::clone(self.model()),
                type_name: Arc::clone(&step.type_name),
                owner: Arc::clone(&args.owner),
                field: Arc::clone(&args.field),
                args,
                end,
                within,
                listed: Listed {
                    rows: own_rows.then_some(rows),
                    total: field.total && next.is_none() && onward.is_empty(),
                },
                onward,
                ages: fetch.policy.as_ref().map_or(Ages::REQUEST, Ages::of),
                fixed: Default::default(),
                fetch,
            }));
            provider.steps.push(step);
            provider.steps.extend(inner);
        }
    }
}

impl Graph {
    /// What is wanted for a request with these names; `ruled` where `@where` looks at the objects.
    pub(in crate::connect) fn shape(
        &self,
        names: &[(Box<str>, Value)],
        rows: usize,
        ruled: bool,
    ) -> Arc<Shape> {
        // Who is not shown everything has to see the objects, also where only their number is selected.
        let listed = match (self.listed.rows, ruled) {
            // Further in the list, for those whom a filter shows.
            (Some(own), _) if own < rows => self.listed.further(rows),
            (None, true) => self.listed.further(rows),
            _ => {
                let fixed = self.fixed[usize::from(ruled)].get_or_init(|| {
                    let (shape, used_names) = self.build(&[], self.listed, ruled);
                    (!used_names).then(|| Arc::new(shape))
                });
                match fixed {
                    Some(shape) => return Arc::clone(shape),
                    None => self.listed,
                }
            }
        };
        Arc::new(self.build(names, listed, ruled).0)
    }

    fn build(&self, names: &[(Box<str>, Value)], listed: Listed, ruled: bool) -> (Shape, bool) {
        let reader = Reader {
            model: &self.model,
            lets: &self.fetch.connect.lets,
            names,
            used_names: Cell::new(false),
        };
        let reading = Reading {
            owner: &self.owner,
            field: &self.field,
            args: &self.args.value,
        };
        let items = self.items(&reader, reading, ruled);
        let mut items = self.around(&reader, items);
        let mut within = None;
        if let Some(inner) = &self.within {
            let own = Reading {
                owner: &inner.owner,
                field: &inner.field,
                ..reading
            };
            reader.end(inner.rule.as_ref(), &mut items);
            let tail = listed.tail(items, &inner.at, inner.rule.clone());
            items = Need::default();
            reader.walk(inner.at.node(), &tail, own, &mut items);
            within = Some(match inner.at.node() {
                Node::Path(path) if is_of_object(&path.root) => {
                    match place(&path.steps, &reader, own) {
                        Some(place) => Inner::Place(Place {
                            connection: is_connection(&inner.at),
                            onward: is_read_on(&path.steps),
                            list: true,
                            ..place
                        }),
                        None => Inner::Made,
                    }
                }
                _ => Inner::Made,
            });
        }
        let mut field = Field::default();
        let mut found = Place::default();
        if let Some(root) = &self.fetch.root {
            if let Some(made) = &root.made {
                let tail = self.tail(items, listed, false);
                items = Need::default();
                reader.walk(made.node(), &tail, reading, &mut items);
                within = within.map(|_| Inner::Made);
            }
            let mut steps = vec![root.step()];
            steps.extend(root.rest.iter().cloned());
            // How old it may be is said with the request; an end stands in the objects, where they are not made.
            let policy = self.fetch.policy.as_ref().filter(|_| root.made.is_none());
            let rule = policy.map(Rule::of).filter(|rule| rule.until.is_some());
            reader.end(rule.as_ref(), &mut items);
            let tail = match root.made {
                Some(_) => Tail {
                    below: items,
                    ..Tail::default()
                },
                None => Tail {
                    rule,
                    ..self.tail(items, listed, ends_at_connection(&root.all_steps()))
                },
            };
            let mut need = Need::default();
            reader.steps(&steps, &tail, reading, &mut need);
            if let Some((_, own)) = need.fields.pop() {
                field = own;
            }
            found = place(&root.rest, &reader, reading).unwrap_or_default();
            found.list = self.fetch.rows && root.made.is_none();
            found.onward = is_read_on(&root.all_steps());
            found.connection = self.fetch.rows && ends_at_connection(&root.all_steps());
        }
        let shape = Shape {
            field,
            place: found,
            within,
        };
        (shape, reader.used_names.get())
    }

    /// What is wanted of an object, so that `items` are wanted of those at the end of the way within it.
    fn around(&self, reader: &Reader<'_>, items: Need) -> Need {
        let listed = Listed {
            rows: self.listed.rows,
            total: false,
        };
        let inner = self.onward.iter().rev();
        inner.enumerate().fold(items, |items, (position, member)| {
            // Those on the way are read as far as one request goes.
            let listed = match position {
                0 => listed,
                _ => listed.further(LARGEST_PAGE),
            };
            let mut items = items;
            reader.end(member.rule.as_ref(), &mut items);
            let tail = listed.tail(items, &member.binding.at, member.rule.clone());
            let reading = Reading {
                owner: &member.owner,
                field: &member.field,
                args: &member.args.value,
            };
            let mut need = Need::default();
            reader.walk(member.binding.at.node(), &tail, reading, &mut need);
            need
        })
    }

    fn tail(&self, items: Need, listed: Listed, connection: bool) -> Tail {
        match (self.fetch.rows, connection) {
            (true, true) => listed.of_connection(items, None),
            (list, _) => Tail {
                below: items,
                list,
                ..Tail::default()
            },
        }
    }

    fn items(&self, reader: &Reader<'_>, reading: Reading<'_>, rule: bool) -> Need {
        let mut items = Need::default();
        match &self.end {
            End::Next(connect) => {
                let none = Value::Null;
                let reading = Reading {
                    args: &none,
                    ..reading
                };
                reader.connect(connect, reading, &mut items);
            }
            End::Objects {
                type_name,
                selected,
                extras,
                ruled,
            } => {
                if let (Some(ty), Some(selected)) = (self.model.types.get(type_name), selected) {
                    reader.object(ty, &selected.below, &mut items);
                }
                let ruled = ruled.iter().filter(|_| rule);
                for expr in extras.iter().chain(ruled) {
                    reader.expr(expr, reading, &mut items);
                }
            }
        }
        // Scalars have nothing beneath them.
        let is_object = match &self.end {
            End::Next(_) => true,
            End::Objects { type_name, .. } => self.model.types.contains_key(type_name),
        };
        if items.is_empty() && is_object {
            items.add_leaf("__typename");
        }
        items
    }
}

/// Whether the last step of a path takes the place from which it is read.
fn is_read_on(steps: &[Step]) -> bool {
    let after = |value: &ArgValue| match value {
        ArgValue::Variable(_, members) => {
            is_page(value) && members.first().is_some_and(|member| &**member == "after")
        }
        _ => false,
    };
    match steps.last() {
        Some(Step::Name(_, args)) => args.iter().any(|(_, value)| after(value)),
        _ => false,
    }
}

/// The names at which a path leads; `None` if it leads through lists.
pub(super) fn place(steps: &[Step], reader: &Reader<'_>, reading: Reading<'_>) -> Option<Place> {
    let mut names: Vec<Box<str>> = Vec::with_capacity(steps.len());
    let mut condition = None;
    for (position, step) in steps.iter().enumerate() {
        if let Some(name) = step.condition() {
            condition = Some(name);
            continue;
        }
        let last = position + 1 == steps.len();
        match step {
            Step::Name(name, args) => {
                let lookup =
                    |root: &str, members: &[Box<str>]| reader.variable(root, members, reading);
                let key = response_key(condition.take(), name, args, last, &lookup);
                names.push((*key).into());
            }
            Step::Each if last => {}
            Step::Each | Step::Index(_) => return None,
        }
    }
    Some(Place {
        names: names.into(),
        ..Place::default()
    })
}
