//! How a provider's values are reached: from the object that a field is asked of, one step after the other.
//!
//! A field with `@connect` is one step. `@supplies(from:)` names a path: each of its fields is fetched, or supplied by a type in its turn, or stands in the JSON of the object before.

use std::sync::Arc;

use super::graphql::need::Rule;
use super::graphql::route::Graph;
use super::routes::{Args, Fetch, Routes};
use crate::sdl::expr::Expr;
use crate::sdl::{Field, FieldSource, Generated, LiveBinding, Supplier, TypeDef, ValueBinding};

/// One provider of a field.
pub(super) struct Provider {
    pub(super) connector: Arc<str>,
    pub(super) steps: Vec<Step>,
    /// A list stands on the way: the values of all its items are put together, as far as the first page of each goes.
    pub(super) is_spread: bool,
    /// Only objects of which this field is true.
    pub(super) only: Option<Arc<str>>,
}

/// From an object to those that come next.
#[derive(Clone)]
pub(super) struct Step {
    pub(super) what: What,
    /// The type of the objects that it brings.
    pub(super) type_name: Arc<str>,
    pub(super) identity: Option<Expr>,
    pub(super) is_list: bool,
}

#[derive(Clone)]
pub(super) enum What {
    /// They are fetched.
    Fetch { fetch: Arc<Fetch>, args: Arc<Args> },
    /// They are what a graph is asked for, or a list within that.
    Graph(Arc<Graph>),
    /// They stand in the object.
    Member(Box<Member>),
}

/// Objects within one.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) binding: ValueBinding,
    pub(super) owner: Arc<str>,
    pub(super) field: Arc<str>,
    pub(super) args: Arc<Args>,
    pub(super) rule: Option<Rule>,
}

impl Step {
    pub(super) fn fetch(&self) -> Option<(&Arc<Fetch>, &Arc<Args>)> {
        match &self.what {
            What::Fetch { fetch, args } => Some((fetch, args)),
            What::Graph(graph) => Some((&graph.fetch, &graph.args)),
            What::Member(_) => None,
        }
    }

    pub(super) fn member(&self) -> Option<&Member> {
        match &self.what {
            What::Member(member) => Some(member),
            What::Fetch { .. } | What::Graph(_) => None,
        }
    }
}

/// As many objects of a list on the way as a page may have, where the upstream does not say.
const PAGE: u32 = 100;
/// Longer detours over fields that are supplied in their turn lead nowhere.
const DEEPEST: usize = 8;

impl Routes {
    /// Everybody who gives a field of a type.
    pub(super) fn providers(
        &self,
        type_name: &Arc<str>,
        field: &Field,
        binding: &LiveBinding,
        args: &Arc<Args>,
    ) -> Vec<Provider> {
        let Some(owner) = self.model().types.get(type_name) else {
            return Vec::new();
        };
        let mut providers = Vec::new();
        if let Some(connect) = &binding.connect {
            let steps = self.live_steps(owner, field, binding, args, DEEPEST);
            let own = steps
                .into_iter()
                .map(|steps| provider(&connect.connector, steps));
            providers.extend(own);
            return providers;
        }
        for supplier in &binding.suppliers {
            let before = providers.len();
            let chains = self.supplied(owner, field, binding, supplier, args, DEEPEST);
            let chains = chains.into_iter().map(|steps| Provider {
                only: supplier.only.clone(),
                ..provider(&supplier.connector, steps)
            });
            providers.extend(chains);
            if providers.len() == before {
                tracing::error!(
                    "`{}` cannot supply `{type_name}.{}`: nothing leads to it",
                    supplier.type_name,
                    field.name
                );
            }
        }
        providers
    }

    /// The ways along a path of fields; `args` are those of the last one.
    fn along(
        &self,
        owner: &TypeDef,
        path: &[Arc<str>],
        args: &Arc<Args>,
        depth: usize,
    ) -> Vec<Vec<Step>> {
        let Some((name, rest)) = path.split_first() else {
            return Vec::new();
        };
        let Some(field) = owner.fields.get(name).filter(|_| depth > 0) else {
            return Vec::new();
        };
        let own = match rest.is_empty() {
            true => Arc::clone(args),
            false => self.args_on_the_way(field),
        };
        let ways = match &field.source {
            FieldSource::Live(binding) => self.live_steps(owner, field, binding, &own, depth),
            FieldSource::Value(binding) => vec![vec![self.member(owner, field, binding, &own)]],
            _ => Vec::new(),
        };
        if rest.is_empty() {
            return ways;
        }
        let mut found = Vec::new();
        for way in ways {
            let last = way.last().map(|step| &step.type_name);
            let Some(ty) = last.and_then(|name| self.model().types.get(name)) else {
                continue;
            };
            for further in self.along(ty, rest, args, depth) {
                found.push([way.clone(), further].concat());
            }
        }
        found
    }

    /// The ways to what a live field brings.
    fn live_steps(
        &self,
        owner: &TypeDef,
        field: &Field,
        binding: &LiveBinding,
        args: &Arc<Args>,
        depth: usize,
    ) -> Vec<Vec<Step>> {
        if let Some(connect) = &binding.connect {
            let type_name = self.item_type(field);
            let policy = field.cache.as_ref();
            let fetch = self.fetch(connect, type_name, binding.connection, policy, args);
            return vec![vec![self.fetched(fetch, args)]];
        }
        // On the way to something else nobody looks whether an object is one of those.
        let suppliers = binding.suppliers.iter();
        let suppliers = suppliers.filter(|supplier| supplier.only.is_none());
        suppliers
            .flat_map(|supplier| self.supplied(owner, field, binding, supplier, args, depth - 1))
            .collect()
    }

    /// The ways to what one type supplies a field with.
    fn supplied(
        &self,
        owner: &TypeDef,
        field: &Field,
        binding: &LiveBinding,
        supplier: &Supplier,
        args: &Arc<Args>,
        depth: usize,
    ) -> Vec<Vec<Step>> {
        if !supplier.along.is_empty() {
            let mut ways = self.along(owner, &supplier.along, args, depth);
            ways.retain(|way| {
                let last = way.last();
                last.is_some_and(|last| last.type_name == supplier.type_name)
            });
            return ways;
        }
        let ty = self.model().types.get(&supplier.type_name);
        let connect = ty.and_then(|ty| Some((ty, ty.connect.as_ref()?)));
        let Some((ty, connect)) = connect.filter(|_| depth > 0) else {
            return Vec::new();
        };
        let rows = binding.connection || field.ty.list.is_some();
        let fetch = self.fetch(connect, &supplier.type_name, rows, ty.cache.as_ref(), args);
        vec![vec![self.fetched(fetch, args)]]
    }

    fn fetched(&self, fetch: Arc<Fetch>, args: &Arc<Args>) -> Step {
        Step {
            type_name: Arc::clone(&fetch.type_name),
            identity: fetch.identity.clone(),
            is_list: fetch.rows,
            what: What::Fetch {
                fetch,
                args: Arc::clone(args),
            },
        }
    }

    fn member(
        &self,
        owner: &TypeDef,
        field: &Field,
        binding: &ValueBinding,
        args: &Arc<Args>,
    ) -> Step {
        let type_name = self.item_type(field);
        let ty = self.model().types.get(type_name);
        Step {
            identity: ty.and_then(|ty| ty.identity.clone()),
            is_list: field.ty.list.is_some() || *type_name != field.ty.named,
            type_name: Arc::clone(type_name),
            what: What::Member(Box::new(Member {
                binding: binding.clone(),
                owner: Arc::clone(&owner.name),
                field: Arc::clone(&field.name),
                args: Arc::clone(args),
                rule: field.cache.as_ref().map(Rule::of),
            })),
        }
    }

    /// As many as its page may have.
    fn args_on_the_way(&self, field: &Field) -> Arc<Args> {
        let connect = match &field.source {
            FieldSource::Live(binding) => binding.connect.as_ref(),
            _ => None,
        };
        let page = connect.and_then(|connect| connect.page.as_ref());
        Arc::new(Args::of_page(page.map_or(PAGE, |page| page.max_size)))
    }

    /// The type of a field's value; of a connection that of its nodes.
    pub(super) fn item_type<'m>(&'m self, field: &'m Field) -> &'m Arc<str> {
        let named = self.model().types.get(&field.ty.named);
        let nodes = named.and_then(|ty| ty.fields.get("nodes"));
        match nodes {
            Some(nodes)
                if matches!(
                    nodes.source,
                    FieldSource::Generated(Generated::ConnectionNodes)
                ) =>
            {
                &nodes.ty.named
            }
            _ => &field.ty.named,
        }
    }
}

fn provider(connector: &Arc<str>, steps: Vec<Step>) -> Provider {
    let before = steps.split_last().map_or(&[][..], |(_, before)| before);
    Provider {
        connector: Arc::clone(connector),
        is_spread: before.iter().any(|step| step.is_list),
        only: None,
        steps,
    }
}
