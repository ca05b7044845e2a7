//! `@connect`: one request, checked against the source that it goes to.

use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::ast::{Directive, FieldDefinition, OperationType, Type, Value};
use apollo_compiler::parser::SourceSpan;

use super::super::scope::{Names, RESERVED};
use crate::sdl::GENERIC_ENTITY;
use crate::sdl::compose::Composer;
use crate::sdl::declared::{FieldDecl, TypeDecl};
use crate::sdl::directive::Args;
use crate::sdl::expr::{self, Expr, Read, Template};
use crate::sdl::model::{
    AuthType, Connect, Let, Method, Request, SourceType, Supplier, UpstreamSource,
};

/// The directive's own default: what counts as "there is none".
const NULL_ON: [u16; 2] = [404, 410];
/// Names that stand for something in `let`, holes and `body`.
const REQUEST_NAMES: [&str; 6] = ["this", "entity", "args", "viewer", "config", "batch"];
/// Names of the engine's that say something of the account that an app is asked for.
pub(super) const INSTALLATION_NAMES: [&str; 4] = ["this", "entity", "args", "config"];
const METHODS: [(&str, Method); 5] = [
    ("get", Method::Get),
    ("post", Method::Post),
    ("put", Method::Put),
    ("patch", Method::Patch),
    ("delete", Method::Delete),
];

/// Where a `@connect` stands.
#[derive(Clone)]
pub(in crate::sdl::compose) struct Site {
    /// What messages call it.
    pub(super) coordinate: String,
    /// Whether what it fetches is a list.
    pub(super) list: bool,
    pub(super) mutation: bool,
    /// Whether it may be asked of something that came from no upstream.
    pub(super) outset: bool,
    /// The arguments of the fields that it may be fetched for.
    pub(super) args: Vec<Vec<String>>,
    /// Names that others gave, and that may be read here.
    pub(super) names: Vec<String>,
}

impl Composer<'_> {
    /// The `@connect` of a field.
    pub(in crate::sdl::compose) fn connect_of_field(
        &mut self,
        decl: &TypeDecl,
        field: &FieldDecl,
    ) -> Option<Arc<Connect>> {
        let site = Site {
            names: self.inherited_names(decl, true),
            ..self.field_site(decl, field)
        };
        let directives = &field.def.directives.0;
        let directive = directives
            .iter()
            .find(|directive| directive.name == "connect")?;
        self.connect(directive, &site)
    }

    /// Where the directives of a field stand.
    pub(in crate::sdl::compose) fn field_site(&self, decl: &TypeDecl, field: &FieldDecl) -> Site {
        Site {
            // What is inherited is said once, where it is declared.
            coordinate: format!(
                "{}.{}",
                field.inherited.as_ref().unwrap_or(&decl.name),
                field.def.name
            ),
            list: is_list(&field.def),
            mutation: self.declared.root(OperationType::Mutation) == Some(&decl.name),
            outset: self.is_outset(&decl.name),
            args: vec![arguments(&field.def)],
            names: Vec::new(),
        }
    }

    /// The `@connect` of a type.
    pub(in crate::sdl::compose) fn connect_of_type(
        &mut self,
        decl: &TypeDecl,
    ) -> Option<Arc<Connect>> {
        if !decl.directives.has("connect") {
            return None;
        }
        let site = Site {
            names: self.inherited_names(decl, false),
            ..self.type_site(decl)
        };
        let directives = &decl.directives.0;
        let directive = directives
            .iter()
            .find(|directive| directive.name == "connect")?;
        self.connect(directive, &site)
    }

    /// Where the directives of a type stand: for the fields that it supplies.
    pub(in crate::sdl::compose) fn type_site(&self, decl: &TypeDecl) -> Site {
        let supplied = self.live.suppliers.iter().filter(|(_, suppliers)| {
            suppliers
                .iter()
                .any(|supplier| *supplier.type_name == *decl.name.as_str())
        });
        let action = self.action_of(decl);
        let fields: Vec<&FieldDecl> = supplied
            .filter_map(|((owner, field), _)| self.declared.types.get(owner)?.fields.get(field))
            .chain(action.and_then(|action| self.action_field(action)))
            .collect();
        Site {
            coordinate: decl.name.to_string(),
            list: fields.iter().any(|field| is_list(&field.def)),
            mutation: action.is_some(),
            outset: self.live.suppliers.iter().any(|((owner, _), suppliers)| {
                let own = |supplier: &Supplier| {
                    *supplier.type_name == *decl.name.as_str() && supplier.along.is_empty()
                };
                self.is_outset(owner) && suppliers.iter().any(own)
            }),
            args: fields.iter().map(|field| arguments(&field.def)).collect(),
            names: Vec::new(),
        }
    }

    fn connect(&mut self, directive: &Node<Directive>, site: &Site) -> Option<Arc<Connect>> {
        let at = directive.location()?;
        if let Some(known) = self.live.connects.get(&at) {
            return known.clone();
        }
        let connect = self.read_connect(directive, site).map(Arc::new);
        self.live.connects.insert(at, connect.clone());
        connect
    }

    fn read_connect(&mut self, directive: &Node<Directive>, site: &Site) -> Option<Connect> {
        let at = directive.name.location();
        let connector = self.connector_of("connect", at)?;
        let args = Args::new(directive);
        let source = self.source_named(args, &connector);
        let kind = source.map(|source| self.live.upstreams[source].kind);
        let mut names = Names {
            args: site.args.clone(),
            batch: args.value("batch").is_some(),
            lets: site.names.clone(),
            ..Names::of(&REQUEST_NAMES)
        };
        let lets = self.lets(args, &mut names);
        let request = self.request(args, kind, site, &names, at);
        let body = self.scoped(args, "body", &names);
        let unbatched = Names {
            batch: false,
            ..names.clone()
        };
        let instance = self.scoped(args, "instance", &unbatched);
        let response = self.scoped(args, "at", &answer_names(kind, site, &lets));
        let place = |name: &str| args.value(name).and_then(|value| value.location());
        let batch = args
            .object("batch")
            .and_then(|batch| self.batch(batch, kind, &unbatched, place("batch")));
        let page = args
            .object("page")
            .and_then(|page| self.page(page, kind, site, batch.is_some(), place("page")));
        let purge = self.purge(args, site, &unbatched);
        let null_on = self.null_on(args);
        let connect = Connect {
            connector,
            source: source?,
            request: request?,
            body,
            lets,
            instance,
            at: response.or_else(|| Expr::parse("$").ok())?,
            batch,
            page,
            null_on,
            purge,
            span: self.sources.place(at?)?,
        };
        self.check_keys(&connect, args, at);
        self.check_installation(&connect, site, &names, at);
        Some(connect)
    }

    /// The query itself, or a kind or an interface of the catalog.
    fn is_outset(&self, name: &apollo_compiler::Name) -> bool {
        let is_query = self.declared.root(OperationType::Query) == Some(name);
        let decl = self.declared.types.get(name);
        let is_kind = decl.is_some_and(|decl| decl.directives.has("kind"));
        is_query || is_kind || matches!(name.as_str(), "Entity" | GENERIC_ENTITY)
    }

    /// An app is asked for an account, and something has to say which; an object that was fetched says it for what is fetched of it.
    fn check_installation(
        &mut self,
        connect: &Connect,
        site: &Site,
        names: &Names,
        at: Option<SourceSpan>,
    ) {
        let auth = self.live.upstreams[connect.source].auth.as_ref();
        let app = auth.filter(|auth| auth.kind == AuthType::GithubApp);
        let Some(installation) = app.and_then(|auth| auth.installation.as_ref()) else {
            return;
        };
        let reads = installation.reads();
        let is_given = |read: &Read| {
            let root = &*read.root;
            names.lets.iter().any(|name| name == root) || INSTALLATION_NAMES.contains(&root)
        };
        if !site.outset || reads.is_empty() || reads.iter().any(is_given) {
            return;
        }
        let message = format!(
            "nothing says for which account `{}` asks its app",
            site.coordinate
        );
        let read: Vec<String> = reads
            .iter()
            .filter(|read| !RESERVED.contains(&&*read.root))
            .map(|read| format!("`{}`", read.root))
            .collect();
        let hint = format!(
            "the source's `installation` reads {}: add one of them to `let`",
            read.join(", ")
        );
        self.sources
            .report("no-installation", at, message, Some(hint));
    }

    /// Each may read those before it.
    pub(super) fn lets(&mut self, args: Args<'_>, names: &mut Names) -> Vec<Let> {
        let mut lets = Vec::new();
        let mut own = Vec::new();
        for item in args.objects("let") {
            let (Some(name), Some(at)) = (item.text("name"), item.value("name")) else {
                continue;
            };
            if RESERVED.contains(&name) {
                let message = format!("`{name}` is a name of the engine's");
                let hint = "choose another name".to_owned();
                self.sources
                    .report("reserved-let", at.location(), message, Some(hint));
            } else if !expr::is_name(name) {
                let message = format!("`{name}` is no name");
                let hint = "letters, digits and `_`, no digit first".to_owned();
                self.sources
                    .report("reserved-let", at.location(), message, Some(hint));
            } else if own.contains(&name) {
                let message = format!("`let` gives `{name}` twice");
                self.sources
                    .report("duplicate", at.location(), message, None);
            }
            self.check_upstream_type(item);
            let value = self.scoped(item, "value", names);
            own.push(name);
            names.lets.push(name.to_owned());
            lets.extend(value.map(|value| Let {
                name: name.into(),
                value,
                upstream_type: item.text("type").map(Into::into),
            }));
        }
        lets
    }

    fn check_upstream_type(&mut self, item: Args<'_>) {
        let (Some(text), Some(value)) = (item.text("type"), item.value("type")) else {
            return;
        };
        if Type::parse(text, "type").is_err() {
            let message = format!("`{text}` is no GraphQL type");
            let hint =
                "write the type of the upstream's argument, for example `[String!]!`".to_owned();
            self.sources
                .report("bad-argument", value.location(), message, Some(hint));
        }
    }

    fn request(
        &mut self,
        args: Args<'_>,
        kind: Option<SourceType>,
        site: &Site,
        names: &Names,
        at: Option<SourceSpan>,
    ) -> Option<Request> {
        let given: Vec<_> = METHODS
            .iter()
            .filter(|(name, _)| args.value(name).is_some())
            .collect();
        let entities =
            args.object("batch").and_then(|batch| batch.word("style")) == Some("ENTITIES");
        let asked = given.len() + usize::from(args.value("query").is_some() || entities);
        if asked != 1 {
            let message = match asked {
                0 => format!("`@connect` of `{}` asks nothing", site.coordinate),
                _ => format!(
                    "`@connect` of `{}` asks more than one thing",
                    site.coordinate
                ),
            };
            let hint =
                "give one of get, post, put, patch, delete, or `query` for GraphQL".to_owned();
            self.sources.report("bad-request", at, message, Some(hint));
            return None;
        }
        match given.first() {
            Some((name, method)) => self.rest(args, name, *method, kind, site, names),
            None if entities => Some(Request::Graphql {
                selection: Expr::plain(["_entities"]),
            }),
            None => self.graphql(args, kind, names),
        }
    }

    fn rest(
        &mut self,
        args: Args<'_>,
        name: &str,
        method: Method,
        kind: Option<SourceType>,
        site: &Site,
        names: &Names,
    ) -> Option<Request> {
        let value = args.value(name)?;
        let bad = |message: String, hint: &str| ("bad-request", message, hint.to_owned());
        let mut problems = Vec::new();
        if kind.is_some_and(|kind| kind != SourceType::Rest) {
            problems.push(bad(
                format!("`{name}` asks a GraphQL source"),
                "write `query`",
            ));
        }
        if !site.mutation && !matches!(method, Method::Get | Method::Post) {
            problems.push(bad(
                format!("`{}` is read, but `{name}` writes", site.coordinate),
                "writes are fields of `Mutation`, or supply them",
            ));
        }
        if args.value("body").is_some() && matches!(method, Method::Get | Method::Delete) {
            problems.push(bad(
                format!("`{name}` has no body"),
                "write `post`, `put` or `patch`",
            ));
        }
        for (code, message, hint) in problems {
            self.sources
                .report(code, value.location(), message, Some(hint));
        }
        let template = args.template(name, self.sources)?;
        self.check_url(value, &template);
        names.check(value, &template.reads(), self.sources);
        Some(Request::Rest { method, template })
    }

    fn check_url(&mut self, value: &Node<Value>, template: &Template) {
        let text = template.source();
        if !text.starts_with('/') || text.starts_with("//") {
            let message = "a URL template is a path and begins with one `/`".to_owned();
            let hint = "scheme, host and port are those of the source".to_owned();
            self.sources
                .report("bad-template", value.location(), message, Some(hint));
        } else if template
            .texts()
            .any(|text| text.contains(|c: char| c.is_whitespace() || c == '#'))
        {
            let message = "white space or `#` stands in a URL template".to_owned();
            let hint = "write `%20` or `%23`".to_owned();
            self.sources
                .report("bad-template", value.location(), message, Some(hint));
        }
    }

    fn graphql(
        &mut self,
        args: Args<'_>,
        kind: Option<SourceType>,
        names: &Names,
    ) -> Option<Request> {
        let value = args.value("query")?;
        if kind == Some(SourceType::Rest) {
            let message = "`query` asks a REST source".to_owned();
            let hint = "write `get`, or `type: GRAPHQL` at the source".to_owned();
            self.sources
                .report("bad-request", value.location(), message, Some(hint));
        }
        let selection = args.expr("query", self.sources)?;
        if !matches!(selection.node(), expr::Node::Path(path) if path.root == expr::Root::This) {
            let message =
                "`query` is one field of the upstream's root, with its arguments".to_owned();
            let hint = "for example `repository(owner: $owner, name: $name)`".to_owned();
            self.sources
                .report("bad-request", value.location(), message, Some(hint));
        }
        let variables: Vec<Read> = selection
            .reads()
            .into_iter()
            .filter(|read| &*read.root != "this")
            .collect();
        names.check(value, &variables, self.sources);
        Some(Request::Graphql { selection })
    }

    fn purge(&mut self, args: Args<'_>, site: &Site, names: &Names) -> Vec<Template> {
        if let Some(value) = args.value("purge")
            && !site.mutation
        {
            let message = format!("`{}` is read, and makes nothing stale", site.coordinate);
            let hint =
                "`purge` belongs on fields of `Mutation`, and on what supplies them".to_owned();
            self.sources
                .report("bad-request", value.location(), message, Some(hint));
        }
        self.tags(args, "purge", names)
    }

    /// Texts of cache tags.
    pub(super) fn tags(&mut self, args: Args<'_>, name: &str, names: &Names) -> Vec<Template> {
        let tags = args.templates(name, self.sources);
        for (value, template) in args.list(name).zip(&tags) {
            names.check(value, &template.reads(), self.sources);
        }
        tags
    }

    fn null_on(&mut self, args: Args<'_>) -> Vec<u16> {
        if args.value("nullOn").is_none() {
            return NULL_ON.to_vec();
        }
        let mut statuses = Vec::new();
        for value in args.list("nullOn") {
            let status = value.to_i32().and_then(|status| u16::try_from(status).ok());
            match status.filter(|status| (100..600).contains(status)) {
                Some(status) => statuses.push(status),
                None => {
                    let message = "`nullOn` lists HTTP status codes".to_owned();
                    self.sources
                        .report("bad-argument", value.location(), message, None);
                }
            }
        }
        statuses
    }

    /// Whether what a request brings depends on who asks.
    pub(super) fn depends_on_viewer(&self, connect: &Connect) -> bool {
        let source = &self.live.upstreams[connect.source];
        let forwarded = source
            .auth
            .as_ref()
            .is_some_and(|auth| auth.kind == AuthType::Forward);
        forwarded
            || source_reads(source)
                .chain(reads(connect))
                .any(|read| &*read.root == "viewer")
    }
}

fn source_reads(source: &UpstreamSource) -> impl Iterator<Item = Read> {
    let auth = source.auth.iter().flat_map(|auth| {
        [
            &auth.token,
            &auth.user,
            &auth.app_id,
            &auth.installation,
            &auth.key,
        ]
        .into_iter()
        .flatten()
    });
    let headers = source.headers.iter().map(|(_, value)| value);
    auth.chain(headers).flat_map(Expr::reads)
}

/// Everything that a request is made from.
pub(super) fn reads(connect: &Connect) -> impl Iterator<Item = Read> {
    let request = match &connect.request {
        Request::Rest { template, .. } => template.reads(),
        Request::Graphql { selection } => selection.reads(),
    };
    let key = connect.batch.as_ref().and_then(|batch| batch.key.as_ref());
    let exprs = connect.body.iter().chain(&connect.instance).chain(key);
    let lets = connect.lets.iter().map(|item| &item.value);
    let rest: Vec<Read> = exprs.chain(lets).flat_map(Expr::reads).collect();
    request.into_iter().chain(rest)
}

/// What `at` may read beside the answer: of a graph the request's own names as well, which stand as arguments there.
fn answer_names(kind: Option<SourceType>, site: &Site, lets: &[Let]) -> Names {
    if kind != Some(SourceType::Graphql) {
        return Names::of(&["", "this"]);
    }
    Names {
        args: site.args.clone(),
        lets: lets.iter().map(|item| item.name.to_string()).collect(),
        ..Names::of(&["", "this", "args"])
    }
}

pub(super) fn is_list(def: &FieldDefinition) -> bool {
    def.ty.is_list() || def.ty.inner_named_type().ends_with("Connection")
}

/// The arguments of a field; a live list has those of paging as well.
pub(super) fn arguments(def: &FieldDefinition) -> Vec<String> {
    let mut names: Vec<String> = def
        .arguments
        .iter()
        .map(|argument| argument.name.to_string())
        .collect();
    if is_list(def) {
        names.extend(["first", "after"].map(str::to_owned));
    }
    names
}
