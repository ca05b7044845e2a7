//! Kinds and relation types: their names, what a kind emits, and its root fields.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use apollo_compiler::ast::{FieldDefinition, OperationType, Type};
use apollo_compiler::{Name, Node};
use indexmap::IndexSet;

use super::columns::Columns;
use super::{Composer, KindHead, arc, generated, input, named, non_null};
use crate::sdl::declared::FieldDecl;
use crate::sdl::directive::Args;
use crate::sdl::expr::{self, Expr};
use crate::sdl::model::{
    ColumnSource, Emit, Field, FieldSource, Generated, Kind, RelationId, RelationType,
};

impl Composer<'_> {
    /// Finds the kinds and the names that are made from theirs.
    pub(super) fn name_kinds(&mut self) {
        for decl in self.declared.types.values() {
            let Some(args) = Args::of(&decl.directives, "kind") else {
                continue;
            };
            let singular = lower_lead(&decl.name);
            let plural = args
                .text("plural")
                .map_or_else(|| plural(&singular), str::to_owned);
            let head = KindHead {
                kind: args.text("kind").map_or_else(|| arc(&decl.name), Arc::from),
                singular: generated(&singular),
                plural: generated(&plural),
            };
            self.kinds.insert(decl.name.clone(), head);
        }
        self.kinds.sort_keys();
        self.check_kinds();
    }

    fn check_kinds(&mut self) {
        let mut seen: BTreeMap<String, Name> = BTreeMap::new();
        for (type_name, head) in &self.kinds {
            let at = type_name.location();
            if let Some(other) = seen.insert(head.kind.to_lowercase(), type_name.clone()) {
                let message = format!(
                    "`{other}` and `{type_name}` are both the kind `{}`",
                    head.kind
                );
                self.sources.report("duplicate", at, message, None);
            }
            if !is_kind_name(&head.kind) {
                let message = format!("`{}` cannot be the kind of a descriptor", head.kind);
                let hint = "letters and digits, a letter first, at most 63".to_owned();
                self.sources.report("bad-kind", at, message, Some(hint));
            }
            if !expr::is_name(&head.plural) {
                let message = format!("the plural `{}` cannot be the name of a field", head.plural);
                self.sources.report("bad-kind", at, message, None);
            }
            let decl = self.declared.types.get(type_name);
            let args = decl.and_then(|decl| Args::of(&decl.directives, "kind"));
            if args.is_some_and(|args| args.texts("apiVersions").next().is_none()) {
                let message = format!("the kind `{}` has no API version", head.kind);
                let hint = "write `apiVersions: [\"example.org/v1\"]`".to_owned();
                self.sources.report("bad-kind", at, message, Some(hint));
            }
            let versions = args.into_iter().flat_map(|args| args.texts("apiVersions"));
            let odd = versions.filter(|version| !is_api_version(version));
            let odd: Vec<String> = odd.map(str::to_owned).collect();
            for version in odd {
                let message = format!("no descriptor can have the API version `{version}`");
                let hint = "letters and digits, with a domain in lower case and `/` before them: `example.org/v1`";
                self.sources
                    .report("bad-kind", at, message, Some(hint.to_owned()));
            }
        }
    }

    /// Gives an id to every relation type that a `@relation` names, in the order of the names.
    pub(super) fn name_relations(&mut self) {
        let mut declared = IndexSet::new();
        let mut pairs = BTreeSet::new();
        for decl in self.declared.types.values() {
            for field in decl.fields.values() {
                if let Some(args) = Args::of(&field.def.directives, "relation") {
                    let relation = args.text("type");
                    let inverse = args.text("inverse");
                    declared.extend(relation);
                    declared.extend(inverse);
                    pairs.extend(relation.zip(inverse));
                }
            }
        }
        let mut names: Vec<&str> = declared.iter().copied().collect();
        names.sort_unstable();
        for (position, name) in names.iter().enumerate() {
            let id = RelationId(u16::try_from(position).unwrap_or(u16::MAX));
            self.relations.by_name.insert((*name).into(), id);
            self.relations.types.push(RelationType {
                name: (*name).into(),
                inverse: None,
            });
        }
        let ids = declared.iter().filter_map(|name| self.relations.id(name));
        self.relations.declared = ids.collect();
        for (relation, inverse) in pairs {
            let ids = self.relations.id(relation).zip(self.relations.id(inverse));
            if let Some((relation, inverse)) = ids {
                let types = &mut self.relations.types;
                types[usize::from(relation.0)]
                    .inverse
                    .get_or_insert(inverse);
                types[usize::from(inverse.0)]
                    .inverse
                    .get_or_insert(relation);
            }
        }
    }

    /// Adds `component(ref:)` and `components(…)` to the root of queries.
    pub(super) fn add_roots(&mut self) {
        let Some(root) = self.declared.root(OperationType::Query).cloned() else {
            return;
        };
        let heads: Vec<(Name, Name, Name)> = self
            .kinds
            .iter()
            .map(|(name, head)| (name.clone(), head.singular.clone(), head.plural.clone()))
            .collect();
        for (type_name, singular, plural) in heads {
            let Some(kind) = self.kind_id(&type_name) else {
                continue;
            };
            let reference = vec![input("ref", non_null("EntityRef"), None)];
            let one = definition(singular, reference, named(&type_name));
            if !self.root_taken(&root, &one.name, &type_name) {
                self.add_root(&root, one, Generated::KindSingular(kind));
            }
            let args = Self::connection_args(Some(&type_name), false);
            let many = definition(plural, args, non_null(&format!("{type_name}Connection")));
            if !self.root_taken(&root, &many.name, &type_name) {
                self.add_root(&root, many, Generated::KindPlural(kind));
            }
        }
    }

    fn add_root(&mut self, root: &Name, def: FieldDefinition, source: Generated) {
        let name = def.name.clone();
        let field = self.generated_field(&def, source);
        let Some(decl) = self.declared.types.get_mut(root) else {
            return;
        };
        decl.fields.insert(name.clone(), FieldDecl::new(def));
        self.bound
            .entry(root.clone())
            .or_default()
            .insert(name, field);
    }

    /// Whether a root field of a kind would take a name that is there already.
    fn root_taken(&mut self, root: &Name, field: &Name, type_name: &Name) -> bool {
        let decl = self.declared.types.get(root);
        if !decl.is_some_and(|decl| decl.fields.contains_key(field)) {
            return false;
        }
        let message = format!("the root field `{field}` of `{type_name}` is there already");
        let hint = "choose another name for the type, or another `plural`".to_owned();
        self.sources
            .report("name-collision", type_name.location(), message, Some(hint));
        true
    }

    /// A field that composition made.
    pub(super) fn generated_field(&self, def: &FieldDefinition, source: Generated) -> Field {
        Field {
            name: arc(&def.name),
            ty: self.field_type(&def.ty),
            source: FieldSource::Generated(source),
            column: None,
            cache: None,
            auth: None,
            search: None,
            declared: None,
        }
    }

    /// The kinds of the Model.
    pub(super) fn make_kinds(&mut self, columns: &Columns) -> Vec<Kind> {
        let names: Vec<Name> = self.kinds.keys().cloned().collect();
        names
            .iter()
            .filter_map(|type_name| self.make_kind(type_name, columns))
            .collect()
    }

    fn make_kind(&mut self, type_name: &Name, columns: &Columns) -> Option<Kind> {
        let columns = columns.of_type(type_name);
        let emits = self.emits(type_name);
        let rules = self.rules(type_name);
        let decl = self.declared.types.get(type_name)?;
        let head = self.kinds.get(type_name)?;
        let args = Args::of(&decl.directives, "kind")?;
        let column_reads_spec = |source: &ColumnSource| match source {
            ColumnSource::Value(binding) => reads_spec(&binding.at),
            ColumnSource::Engine(_) => false,
        };
        let needs_spec = !rules.is_empty()
            || emits.iter().any(|emit| reads_spec(&emit.from))
            || columns.iter().any(|(_, source)| column_reads_spec(source));
        let place = type_name.location().and_then(|at| self.sources.place(at));
        Some(Kind {
            type_name: arc(type_name),
            kind: Arc::clone(&head.kind),
            api_versions: args.texts("apiVersions").map(Into::into).collect(),
            singular: arc(&head.singular),
            plural: arc(&head.plural),
            columns,
            emits,
            rules,
            needs_spec,
            span: place.unwrap_or_else(|| ("schema".into(), Default::default())),
        })
    }

    fn emits(&mut self, type_name: &Name) -> Vec<Emit> {
        let Some(decl) = self.declared.types.get(type_name) else {
            return Vec::new();
        };
        let mut emits = Vec::new();
        for field in decl.fields.values() {
            let Some(args) = Args::of(&field.def.directives, "relation") else {
                continue;
            };
            let relation = args.text("type").and_then(|name| self.relations.id(name));
            let from = args.expr("from", self.sources);
            let Some((relation, from)) = relation.zip(from) else {
                continue;
            };
            emits.push(Emit {
                field: arc(&field.def.name),
                from,
                relation,
                inverse: self.relations.types[usize::from(relation.0)].inverse,
                default_kind: args.text("defaultKind").map(Into::into),
                targets: self.targets(connected(&field.def.ty)),
            });
        }
        emits
    }

    /// The relation type of a `@relation`.
    pub(super) fn relation_of(&self, args: Args<'_>) -> Option<RelationId> {
        self.relations.id(args.text("type")?)
    }
}

/// A field without directives.
pub(super) fn definition(
    name: Name,
    arguments: Vec<Node<apollo_compiler::ast::InputValueDefinition>>,
    ty: Type,
) -> FieldDefinition {
    FieldDefinition {
        description: None,
        name,
        arguments,
        ty,
        directives: Default::default(),
    }
}

/// The entity type behind a field's type, connections undone.
pub(super) fn connected(ty: &Type) -> &str {
    let named = ty.inner_named_type().as_str();
    named.strip_suffix("Connection").unwrap_or(named)
}

fn reads_spec(expr: &Expr) -> bool {
    let first = |path: &[Box<str>]| path.first().is_some_and(|step| &**step == "spec");
    expr.reads()
        .iter()
        .any(|read| &*read.root == "this" && first(&read.path))
}

/// As the descriptor format has it.
/// Whether the format of descriptors has room for it: `[domain/]version`.
fn is_api_version(version: &str) -> bool {
    let (domain, suffix) = match version.split_once('/') {
        Some((domain, suffix)) => (Some(domain), suffix),
        None => (None, version),
    };
    let is_label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (1..=63).contains(&label.len())
            && label.chars().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=63).contains(&suffix.len())
        && suffix.chars().all(|c| c.is_ascii_alphanumeric())
        && domain.is_none_or(|domain| domain.len() <= 253 && domain.split('.').all(is_label))
}

fn is_kind_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// `Component` → `component`, `API` → `api`, `APIProduct` → `apiProduct`.
fn lower_lead(name: &str) -> String {
    let capitals = name.chars().take_while(char::is_ascii_uppercase).count();
    let whole = capitals == name.chars().count();
    let lowered = if capitals > 1 && !whole {
        capitals - 1
    } else {
        capitals
    };
    let lower = |(position, c): (usize, char)| match position < lowered {
        true => c.to_ascii_lowercase(),
        false => c,
    };
    name.chars().enumerate().map(lower).collect()
}

/// Plus `s`; consonant and `y` become `ies`.
fn plural(singular: &str) -> String {
    let stem = singular.strip_suffix('y');
    match stem.and_then(|stem| Some((stem, stem.chars().next_back()?))) {
        Some((stem, last)) if !"aeiou".contains(last) => format!("{stem}ies"),
        _ => format!("{singular}s"),
    }
}
