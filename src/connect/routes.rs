//! What a live field asks, made of the Model: its providers, and the requests behind them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use serde_json::Value;
use smallvec::SmallVec;

use super::chains::Provider;
use super::cursor::Cursor;
use super::encode::Address;
use super::filter::Filter;
use super::graphql;
use super::graphql::need::Need;
use super::graphql::root::RootField;
use super::instances::Instance;
use super::kept;
use super::seam::LiveField;
use super::view::At;
use crate::cache::Prefix;
use crate::sdl::expr::{Expr, Read, Template};
use crate::sdl::{
    AuthType, BatchStyle, CachePolicy, Connect, FieldSource, Model, Page, Request, TypeDef,
    UpstreamSource, ValueBinding, Where,
};

/// One `@connect`, for one type of what it brings.
pub(super) struct Fetch {
    pub(super) id: u32,
    pub(super) connect: Arc<Connect>,
    pub(super) address: Address,
    /// The path with its holes unfilled, for messages and traces.
    pub(super) template: Arc<str>,
    pub(super) policy: Option<CachePolicy>,
    /// What only the answer tells of the tags.
    pub(super) told: Option<Told>,
    /// Whether it brings a list.
    pub(super) rows: bool,
    /// The type of the objects that it brings.
    pub(super) type_name: Arc<str>,
    pub(super) identity: Option<Expr>,
    pub(super) reads_args: bool,
    /// What comes depends on who asks.
    pub(super) reads_viewer: bool,
    /// It is asked in the caller's name.
    pub(super) is_forwarded: bool,
    pub(super) reads_entity: bool,
    /// Whom an app is asked for.
    pub(super) installation: Option<Expr>,
    /// What comes from annotations, in the order in which it stands in the request.
    pub(super) claims: Vec<Expr>,
    /// What comes from arguments, in the same order.
    pub(super) chosen: Vec<Expr>,
    /// Where its objects stand in what is kept.
    pub(super) at: Arc<At>,
    /// A number for how it reads pages; `None` where it reads none.
    pub(super) paging: Option<u64>,
    /// Everything in the schema that a kept value depends on.
    mapping: String,
    /// What all keys at an instance begin with, hashed once; found by where the instance stands in memory, which lives as long.
    prefixes: RwLock<SmallVec<[(usize, Prefix); 2]>>,
    /// Of a graph: what of it is asked.
    pub(super) root: Option<RootField>,
    /// Everything that was ever asked of the objects of a graph: what is held of a list can be asked for again.
    pub(super) known: Mutex<Need>,
}

/// Tags that read what came.
pub(super) struct Told {
    pub(super) tags: Vec<Template>,
    /// What they read of it.
    pub(super) paths: Vec<Vec<Box<str>>>,
}

impl Told {
    fn of(policy: &CachePolicy) -> Option<Self> {
        let is_told = |read: &Read| read.root.is_empty();
        let tags = policy.tags.iter();
        let tags: Vec<Template> = tags
            .filter(|tag| tag.reads().iter().any(is_told))
            .cloned()
            .collect();
        let reads = tags.iter().flat_map(Template::reads).filter(is_told);
        let paths = reads.map(|read| read.path).collect();
        (!tags.is_empty()).then_some(Self { tags, paths })
    }
}

/// The arguments of a field, as `$args` reads them.
pub(super) struct Args {
    pub(super) value: Value,
    pub(super) hash: u64,
    /// The field that declares them.
    pub(super) owner: Arc<str>,
    pub(super) field: Arc<str>,
}

/// A live field with its arguments, ready to be asked of many parents.
pub(super) struct Route {
    pub(super) field: Arc<str>,
    pub(super) providers: Vec<Provider>,
    /// By provider: which of its objects are shown.
    pub(super) filters: Vec<Filter>,
    /// A connection, and which part of it.
    pub(super) page: Option<Window>,
    pub(super) order: Option<Order>,
    /// Which of its objects are shown where the arguments do not say so.
    pub(super) rule: Option<Rule>,
    pub(super) total: bool,
    pub(super) cursors: bool,
    /// It changes something at the upstream.
    pub(super) action: bool,
}

impl Route {
    /// What is fetched for a field that is one object of one provider, and has no other to come to.
    pub(super) fn only_fetch(&self) -> Option<(&Arc<Fetch>, &Arc<Args>)> {
        match (&self.page, &*self.providers) {
            (None, [provider]) if !provider.is_spread => match &*provider.steps {
                [step] => {
                    let fetch = step.fetch();
                    fetch.filter(|(fetch, _)| !fetch.is_list() && fetch.root.is_none())
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// `@where` of a list, and the arguments that it reads.
pub(super) struct Rule {
    pub(super) of: Arc<Where>,
    pub(super) arguments: Value,
    /// The same as a number.
    pub(super) args: u64,
}

/// Which part of a list is wanted.
pub(super) struct Window {
    pub(super) first: usize,
    /// `None`: from the start; an error for one that is none of ours.
    pub(super) after: Option<Result<Cursor, ()>>,
}

/// `@merge(orderBy:)`: where each concrete type keeps what is compared.
pub(super) struct Order {
    pub(super) by_type: HashMap<Arc<str>, ValueBinding>,
    pub(super) descending: bool,
}

/// A live list holds so many unless `first` says otherwise.
const DEFAULT_FIRST: usize = 10;

/// All requests of a Model; each is compiled once.
pub(super) struct Routes {
    model: Arc<Model>,
    known: Mutex<HashMap<FetchKey, Arc<Fetch>>>,
}

/// Which `@connect`, for which type, and whether it brings a list.
type FetchKey = (usize, Arc<str>, bool);

impl Routes {
    pub(super) fn new(model: Arc<Model>) -> Self {
        Self {
            model,
            known: Mutex::default(),
        }
    }

    pub(super) fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Understands a field.
    pub(super) fn route(&self, field: &LiveField) -> Route {
        let args = Arc::new(Args::new(field));
        let owner = self.model.types.get(&field.type_name);
        let declared = owner.and_then(|owner| owner.fields.get(&field.name));
        let binding = field.binding.as_deref();
        let mut providers = Vec::new();
        if let (Some(declared), Some(binding)) = (declared, binding) {
            providers = self.providers(&field.type_name, declared, binding, &args);
        }
        let connection = binding.is_some_and(|binding| binding.connection);
        let provider = field.arguments.get("provider").and_then(Value::as_str);
        let is_supplied = binding.is_some_and(|binding| !binding.suppliers.is_empty());
        if let (Some(wanted), true) = (provider, connection || is_supplied) {
            providers.retain(|provider| provider.connector.eq_ignore_ascii_case(wanted));
        }
        let filters = providers
            .iter()
            .map(|provider| self.filter(field, provider));
        let filters = match connection {
            true => filters.collect(),
            false => Vec::new(),
        };
        let order = binding
            .and_then(|binding| binding.merge.as_ref())
            .and_then(|merge| Some((merge.order_by.as_deref()?, merge.descending)))
            .map(|(by, descending)| self.order(&providers, by, descending));
        let page = connection.then(|| window(field));
        let rule = binding.and_then(|binding| binding.chosen.as_ref());
        let rule = rule.filter(|_| connection).map(|of| Rule::new(of, field));
        for (position, provider) in providers.iter_mut().enumerate() {
            let rows = page.as_ref().map_or(1, |page| page.rows(position));
            self.ask_graphs(field, provider, filters.get(position), order.as_ref(), rows);
        }
        Route {
            field: Arc::clone(&field.name),
            page,
            order,
            providers,
            filters,
            rule,
            total: field.total,
            cursors: field.cursors,
            action: self.is_action(field),
        }
    }

    /// The request of an action; what it brings is a payload.
    pub(super) fn action(&self, connect: &Arc<Connect>, payload: &Arc<str>) -> Arc<Fetch> {
        self.fetch(connect, payload, false, None, &Args::of_page(1))
    }

    /// Whether a type says for itself how it has a field that the items of `field` have.
    pub(super) fn restates(&self, field: &LiveField, ty: &TypeDef, name: &str) -> bool {
        let owner = self.model.types.get(&field.type_name);
        let declared = owner.and_then(|owner| owner.fields.get(&field.name));
        let items = declared.map(|declared| self.item_type(declared));
        let items = items.and_then(|name| self.model.types.get(name));
        let inherited = items.filter(|items| items.name != ty.name);
        let promised = inherited.and_then(|items| items.fields.get(name));
        let own = ty.fields.get(name);
        own.is_some_and(|own| promised.is_none_or(|promised| promised.declared != own.declared))
    }

    fn is_action(&self, field: &LiveField) -> bool {
        let mutation = self.model.schema.schema_definition.mutation.as_ref();
        mutation.is_some_and(|mutation| *mutation.as_str() == *field.type_name)
    }

    fn filter(&self, field: &LiveField, provider: &Provider) -> Filter {
        let last = provider.steps.last();
        let made = last.and_then(|last| {
            let ty = self.model.types.get(&last.type_name)?;
            Some(Filter::new(self, field, ty, last, provider.only.as_ref()))
        });
        made.unwrap_or_default()
    }

    /// The request of a `@connect`, for what it brings.
    pub(super) fn fetch(
        &self,
        connect: &Arc<Connect>,
        type_name: &Arc<str>,
        rows: bool,
        policy: Option<&CachePolicy>,
        args: &Args,
    ) -> Arc<Fetch> {
        let mut known = self.known.lock();
        let key = (Arc::as_ptr(connect).addr(), Arc::clone(type_name), rows);
        let id = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let ty = self.model.types.get(type_name);
        let source = &self.model.sources[connect.source];
        let fetch = known.entry(key).or_insert_with(|| {
            let root = RootField::new(connect, &self.model, &args.owner, &args.field);
            let fetch = Fetch::new(id, source, connect, type_name, ty, rows, policy);
            Arc::new(Fetch { root, ..fetch })
        });
        Arc::clone(fetch)
    }

    fn order(&self, providers: &[Provider], by: &str, descending: bool) -> Order {
        let types = providers.iter().filter_map(|provider| {
            let type_name = &provider.steps.last()?.type_name;
            let field = self.model.types.get(type_name)?.fields.get(by)?;
            match &field.source {
                FieldSource::Value(binding) => Some((Arc::clone(type_name), binding.clone())),
                _ => None,
            }
        });
        Order {
            by_type: types.collect(),
            descending,
        }
    }
}

impl Rule {
    fn new(of: &Arc<Where>, field: &LiveField) -> Self {
        let lets = of.lets.iter().map(|item| &item.value);
        let reads: Vec<Read> = lets.chain([&of.wanted]).flat_map(Expr::reads).collect();
        let is_read = |name: &str| {
            let mut of_args = reads.iter().filter(|read| &*read.root == "args");
            of_args.any(|read| read.path.first().is_none_or(|own| **own == *name))
        };
        let given = field.arguments.iter().filter(|(name, _)| is_read(name));
        let given = given.map(|(name, value)| (name.clone(), value.clone()));
        let arguments = Value::Object(given.collect());
        Self {
            of: Arc::clone(of),
            args: number_of(&arguments.to_string()),
            arguments,
        }
    }
}

impl Args {
    fn new(field: &LiveField) -> Self {
        let mut arguments = (*field.arguments).clone();
        if field
            .binding
            .as_ref()
            .is_some_and(|binding| binding.connection)
        {
            let first = arguments.entry("first").or_insert(Value::Null);
            if first.is_null() {
                *first = DEFAULT_FIRST.into();
            }
        }
        let value = Value::Object(arguments);
        Self {
            hash: number_of(&value.to_string()),
            value,
            owner: Arc::clone(&field.type_name),
            field: Arc::clone(&field.name),
        }
    }

    /// Those of a field that changes something.
    pub(super) fn of_action(field: &LiveField) -> Self {
        Self::new(field)
    }

    /// The same without a member of the input.
    pub(super) fn without_input(&self, name: &str) -> Self {
        let mut value = self.value.clone();
        if let Some(input) = value.get_mut("input").and_then(Value::as_object_mut) {
            input.remove(name);
        }
        Self {
            hash: number_of(&value.to_string()),
            value,
            owner: Arc::clone(&self.owner),
            field: Arc::clone(&self.field),
        }
    }

    /// Nobody gave any: a list is asked for so many objects.
    pub(super) fn of_page(first: u32) -> Self {
        let value = serde_json::json!({ "first": first });
        Self {
            hash: number_of(&value.to_string()),
            value,
            owner: Arc::default(),
            field: Arc::default(),
        }
    }
}

fn window(field: &LiveField) -> Window {
    let first = field.arguments.get("first").and_then(Value::as_u64);
    let after = field.arguments.get("after").and_then(Value::as_str);
    Window {
        first: first.map_or(DEFAULT_FIRST, |first| {
            usize::try_from(first).unwrap_or(usize::MAX)
        }),
        after: after.map(|after| Cursor::read(after).ok_or(())),
    }
}

impl Fetch {
    fn new(
        id: u32,
        source: &UpstreamSource,
        connect: &Arc<Connect>,
        type_name: &Arc<str>,
        ty: Option<&TypeDef>,
        rows: bool,
        policy: Option<&CachePolicy>,
    ) -> Self {
        let (address, template): (Address, Arc<str>) = match &connect.request {
            Request::Rest { template, .. } => (Address::new(template), template.source().into()),
            Request::Graphql { selection } => (Address::default(), selection.source().into()),
        };
        let installation = installation(source);
        let mut reads = all_reads(connect);
        reads.extend(installation.iter().flat_map(Expr::reads));
        let root = |name: &str| reads.iter().any(|read| &*read.root == name);
        let tags = policy.into_iter().flat_map(|policy| &policy.tags);
        let tag_reads: Vec<Read> = tags.flat_map(|tag| tag.reads()).collect();
        Self {
            id,
            reads_args: root("args") || tag_reads.iter().any(|read| &*read.root == "args"),
            reads_viewer: root("viewer")
                || of_caller(source)
                || policy.is_some_and(|policy| policy.viewer_scoped),
            is_forwarded: is_forwarded(source),
            reads_entity: root("entity") || tag_reads.iter().any(|read| &*read.root == "entity"),
            installation,
            claims: made_of(connect, "entity"),
            chosen: made_of(connect, "args"),
            at: Arc::new(match is_shared_out(connect) {
                // What a key of a batch is given stands there by itself.
                true => At::whole(),
                false => At::new(&connect.at),
            }),
            paging: match is_shared_out(connect) {
                true => None,
                false => connect.page.as_ref().map(|page| number_of(&paging(page))),
            },
            mapping: mapping(connect, rows, policy),
            prefixes: RwLock::default(),
            identity: ty.and_then(|ty| ty.identity.clone()),
            connect: Arc::clone(connect),
            address,
            template,
            policy: policy.cloned(),
            told: policy.and_then(Told::of),
            root: None,
            known: Mutex::default(),
            rows,
            type_name: Arc::clone(type_name),
        }
    }

    pub(super) fn connector(&self) -> &Arc<str> {
        &self.connect.connector
    }

    /// Begins the key of what is kept of an instance; whose installation it is stands behind it.
    pub(super) fn prefix(&self, instance: &Instance) -> Prefix {
        let instance = match &instance.installed {
            Some((_, instance)) => instance,
            None => instance,
        };
        let place = std::ptr::from_ref(instance).addr();
        let known = self.prefixes.read();
        if let Some((_, prefix)) = known.iter().find(|(own, _)| *own == place) {
            return prefix.clone();
        }
        drop(known);
        let upstream = &instance.upstream;
        let prefix = Prefix::new([
            &**upstream.connector(),
            &self.mapping,
            &**upstream.source(),
            &*instance.name,
            &*instance.account,
        ]);
        self.prefixes.write().push((place, prefix.clone()));
        prefix
    }

    pub(super) fn is_collection(&self) -> bool {
        let batch = self.connect.batch.as_ref();
        batch.is_some_and(|batch| batch.style == BatchStyle::Collection)
    }

    /// Whether all pages are one answer.
    pub(super) fn is_whole(&self) -> bool {
        let page = self.connect.page.as_ref();
        page.is_some_and(|page| page.whole)
    }

    /// Whether its objects stand in a list: it brings one, or finds its own in one.
    pub(super) fn is_list(&self) -> bool {
        self.rows || self.is_collection()
    }
}

/// Whether an answer is divided among the keys that it was asked for.
fn is_shared_out(connect: &Connect) -> bool {
    let batch = connect.batch.as_ref();
    batch.is_some_and(|batch| batch.style == BatchStyle::List)
}

fn is_forwarded(source: &UpstreamSource) -> bool {
    let auth = source.auth.as_ref();
    auth.is_some_and(|auth| auth.kind == AuthType::Forward)
}

fn installation(source: &UpstreamSource) -> Option<Expr> {
    let auth = source.auth.as_ref();
    let app = auth.filter(|auth| auth.kind == AuthType::GithubApp)?;
    app.installation.clone()
}

/// Whether a source sends something of the caller along.
fn of_caller(source: &UpstreamSource) -> bool {
    let headers = source.headers.iter().map(|(_, value)| value);
    let mut reads = headers.flat_map(Expr::reads);
    is_forwarded(source) || reads.any(|read| &*read.root == "viewer")
}

pub(super) fn all_reads(connect: &Connect) -> Vec<Read> {
    let exprs = exprs_of(connect);
    exprs.iter().flat_map(Expr::reads).collect()
}

/// Everything that a request is made from.
pub(super) fn exprs_of(connect: &Connect) -> Vec<Expr> {
    let key = connect.batch.iter().filter_map(|batch| batch.key.as_ref());
    let own = connect.body.iter().chain(&connect.instance).chain(key);
    let lets = connect.lets.iter().map(|item| &item.value);
    let mut exprs: Vec<Expr> = match &connect.request {
        Request::Rest { template, .. } => template.holes().map(|hole| hole.expr.clone()).collect(),
        Request::Graphql { selection } => graphql::root::variables_of(selection),
    };
    exprs.extend(own.chain(lets).cloned());
    exprs
}

/// The expressions whose values come from `root`, of descriptors or of callers: what they lead to has to be allowed.
fn made_of(connect: &Connect, root: &'static str) -> Vec<Expr> {
    let mut claimed: Vec<&str> = vec![root];
    for item in &connect.lets {
        if item
            .value
            .reads()
            .iter()
            .any(|read| claimed.contains(&&*read.root))
        {
            claimed.push(&item.name);
        }
    }
    let is_claimed = |expr: &Expr| {
        let reads = expr.reads();
        reads.iter().any(|read| claimed.contains(&&*read.root))
    };
    let mut claims: Vec<Expr> = Vec::new();
    if let Request::Rest { template, .. } = &connect.request {
        let holes = template.holes().map(|hole| &hole.expr);
        claims.extend(holes.filter(|expr| is_claimed(expr)).cloned());
    }
    if let Request::Graphql { selection } = &connect.request {
        let variables = graphql::root::variables_of(selection);
        claims.extend(variables.into_iter().filter(|expr| is_claimed(expr)));
    }
    let key = connect.batch.iter().filter_map(|batch| batch.key.as_ref());
    claims.extend(key.filter(|expr| is_claimed(expr)).cloned());
    for read in connect.body.iter().flat_map(Expr::reads) {
        if claimed.contains(&&*read.root) {
            claims.extend(Expr::parse(&path_of(&read)).ok());
        }
    }
    claims
}

/// A read as an expression.
fn path_of(read: &Read) -> String {
    let mut path = format!("${}", read.root);
    for step in &read.path {
        path.push_str(&format!(".'{}'", step.replace('\'', "''")));
    }
    path
}

fn number_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn source_of(expr: &Option<Expr>) -> Option<&str> {
    expr.as_ref().map(Expr::source)
}

fn paging(page: &Page) -> String {
    let exprs = (
        source_of(&page.next),
        source_of(&page.more),
        source_of(&page.total),
    );
    format!(
        "{:?} {:?} {exprs:?} {}",
        page.style, page.cursor, page.max_pages
    )
}

/// What two fields with the same request must have in common to share what is kept: all that it depends on beside the request.
///
/// `at` is none of it, nor is how pages are read on: what is kept is what the upstream sent, and each field takes its part.
fn mapping(connect: &Connect, rows: bool, policy: Option<&CachePolicy>) -> String {
    let method = match &connect.request {
        Request::Rest { method, .. } => format!("{method:?}"),
        // Each field is held with its age, so all that ask for the same object share it.
        Request::Graphql { .. } => return format!("{} graph", kept::LAYOUT),
    };
    let page = connect.page.as_ref();
    let size = page.and_then(|page| page.size.as_deref());
    // Pages that were put together are another answer than the first of them.
    let whole = page.filter(|page| page.whole).map(paging);
    // What a batch brings is divided before it is kept.
    let batch = connect.batch.as_ref().map(|batch| {
        let exprs = (source_of(&batch.key), source_of(&batch.matches));
        let paging = connect.page.as_ref().map(paging);
        (batch.style, exprs, connect.at.source(), paging, rows)
    });
    let kept = policy.map(|policy| {
        let tags: Vec<&str> = policy.tags.iter().map(|tag| tag.source()).collect();
        // They are read by tags alone: what the request reads of them stands in it.
        let lets = connect.lets.iter().filter(|_| !tags.is_empty());
        let lets: Vec<(&str, &str)> = lets
            .map(|item| (&*item.name, item.value.source()))
            .collect();
        // An end is looked up in the objects.
        let until = source_of(&policy.until).map(|until| (until, connect.at.source()));
        (policy.max_age, policy.stale, until, tags, lets)
    });
    format!(
        "{} {method} {size:?} {whole:?} {batch:?} {kept:?} {:?}",
        kept::LAYOUT,
        connect.null_on,
    )
}
