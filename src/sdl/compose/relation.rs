//! Checks on `@relation`, `@lookup` and `@resolver(via:)`: that they lead where they say.

use apollo_compiler::parser::SourceSpan;

use super::Composer;
use super::kind::connected;
use super::scope::Names;
use crate::diagnostic::closest;
use crate::sdl::declared::{FieldDecl, TypeDecl};
use crate::sdl::directive::Args;
use crate::sdl::expr::Expr;

/// The members of a descriptor.
const ROOTS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];

/// The paths of a `by`, in the order in which they are tried.
pub(super) fn alternatives(by: &str) -> impl Iterator<Item = &str> {
    by.split("??").map(str::trim)
}

impl Composer<'_> {
    /// Reports what is wrong with the `@relation` of a field.
    pub(super) fn check_relation(&mut self, decl: &TypeDecl, field: &FieldDecl, args: Args<'_>) {
        let def = &field.def;
        let at = def.name.location();
        let coordinate = format!("{}.{}", decl.name, def.name);
        if !self.is_entity(&decl.name) {
            let message = format!(
                "`{coordinate}` has a relation, but `{}` is no entity",
                decl.name
            );
            let hint =
                "relations go from kinds, and from interfaces that only kinds implement".to_owned();
            self.sources.report("bad-relation", at, message, Some(hint));
        }
        let target = connected(&def.ty);
        // Of a type that nobody declares something was said already.
        let is_known = self.declared.types.contains_key(target) || is_built_in(target);
        if !self.is_entity(target) && is_known {
            let message = format!("`{coordinate}` leads to `{target}`, which is no entity");
            let hint =
                "a relation leads to a kind, `Entity`, or another interface of kinds".to_owned();
            self.sources.report("bad-relation", at, message, Some(hint));
        }
        if def.ty.is_non_null() && !def.ty.inner_named_type().ends_with("Connection") {
            let message = format!("the relation `{coordinate}` is non-null");
            let hint = "a missing target would take its parent with it; presence is said with `required: true`";
            self.sources
                .report("non-null-relation", at, message, Some(hint.to_owned()));
        }
        for name in ["type", "inverse"] {
            if let (Some(word), Some(value)) = (args.text(name), args.value(name))
                && !is_word(word)
            {
                let message = format!("`{word}` cannot be a relation type");
                let hint = "letters, digits and `_`".to_owned();
                self.sources
                    .report("bad-relation", value.location(), message, Some(hint));
            }
        }
        self.check_inverse(args);
        self.check_from(decl, &coordinate, args, at);
    }

    /// Two directions belong together for good, whichever field says so.
    fn check_inverse(&mut self, args: Args<'_>) {
        let (Some(relation), Some(inverse)) = (args.text("type"), args.text("inverse")) else {
            return;
        };
        let known = |name: &str| {
            let id = self.relations.types[usize::from(self.relations.id(name)?.0)].inverse?;
            Some(self.relations.types[usize::from(id.0)].name.clone())
        };
        let other = match (known(relation), known(inverse)) {
            (Some(other), _) if &*other != inverse => (relation, other),
            (_, Some(other)) if &*other != relation => (inverse, other),
            _ => return,
        };
        let message = format!("the inverse of `{}` is `{}` elsewhere", other.0, other.1);
        let at = args.value("inverse").and_then(|value| value.location());
        self.sources.report("inverse-conflict", at, message, None);
    }

    fn check_from(
        &mut self,
        decl: &TypeDecl,
        coordinate: &str,
        args: Args<'_>,
        at: Option<SourceSpan>,
    ) {
        let from = args.expr("from", self.sources);
        if let (Some(from), Some(value)) = (&from, args.value("from")) {
            Names::of(&["this"]).check(value, &from.reads(), self.sources);
            self.check_descriptor_path(decl, value, from);
        }
        let required = args.truth("required").unwrap_or_default();
        if args.value("from").is_none() {
            for name in ["defaultKind", "required"] {
                if let Some(value) = args.value(name).filter(|_| name != "required" || required) {
                    let message =
                        format!("`{name}` of `{coordinate}` means nothing without `from`");
                    self.sources
                        .report("bad-relation", value.location(), message, None);
                }
            }
        } else if required && from.is_some_and(|from| from.as_plain_path().is_none()) {
            let message = format!("`{coordinate}` is required, but `from` is no plain path");
            self.sources.report("required-not-plain", at, message, None);
        }
        if let (Some(kind), Some(value)) = (args.text("defaultKind"), args.value("defaultKind"))
            && self.kind_named(kind).is_none()
        {
            self.unknown_kind(kind, value.location());
        }
    }

    /// A plain path of a kind begins with a member of descriptors.
    pub(super) fn check_descriptor_path(
        &mut self,
        decl: &TypeDecl,
        value: &apollo_compiler::Node<apollo_compiler::ast::Value>,
        expr: &Expr,
    ) {
        if !self.is_entity(&decl.name) {
            return;
        }
        for read in expr.reads().iter().filter(|read| &*read.root == "this") {
            let Some(first) = read
                .path
                .first()
                .filter(|first| !ROOTS.contains(&&***first))
            else {
                continue;
            };
            let hint = match closest(first, ROOTS) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => format!("did you mean `spec.{first}`?"),
            };
            let message = format!("descriptors have no member `{first}`");
            let mut problem = self
                .sources
                .error("unknown-path", value.location(), message);
            problem.hint = Some(hint);
            let offset = value.as_str().and_then(|text| text.find(&**first));
            if let Some((_, span)) = offset.and_then(|at| self.sources.place_in_string(value, at)) {
                problem.span = Some(span);
            }
            self.sources.add(problem);
        }
    }

    /// Reports what is wrong with the `@lookup` of a field.
    pub(super) fn check_lookup(&mut self, decl: &TypeDecl, field: &FieldDecl, args: Args<'_>) {
        let target = connected(&field.def.ty);
        let coordinate = format!("{}.{}", decl.name, field.def.name);
        if !self.is_entity(target) {
            let message = format!("`{coordinate}` looks up `{target}`, which is no entity");
            self.sources
                .report("bad-lookup", field.def.name.location(), message, None);
        }
        if let (Some(kind), Some(value)) = (args.text("kind"), args.value("kind"))
            && kind != "Entity"
        {
            match self.kinds.iter().find(|(_, head)| &*head.kind == kind) {
                None => self.unknown_kind(kind, value.location()),
                Some((type_name, _))
                    if !self.concrete(target).contains(type_name) && self.is_entity(target) =>
                {
                    let message = format!("`{coordinate}` is `{target}`, but looks up `{kind}`");
                    self.sources
                        .report("bad-lookup", value.location(), message, None);
                }
                Some(_) => {}
            }
        }
        if let (Some(by), Some(value)) = (args.text("by"), args.value("by")) {
            let entity = self.declared.types.get("Entity").cloned();
            for path in alternatives(by) {
                match (Expr::parse(path), &entity) {
                    (Ok(path), Some(entity)) if path.as_plain_path().is_some() => {
                        self.check_descriptor_path(entity, value, &path);
                    }
                    (Ok(path), None) if path.as_plain_path().is_some() => {}
                    _ => {
                        let message = format!("`{path}` is no path in descriptors");
                        let hint = "write a plain path such as `spec.profile.email`, or several joined by ` ?? `";
                        let hint = Some(hint.to_owned());
                        self.sources
                            .report("bad-lookup", value.location(), message, hint);
                    }
                }
            }
        }
        if let (Some(value), Some(node)) = (args.expr("value", self.sources), args.value("value")) {
            Names::of(&["this"]).check(node, &value.reads(), self.sources);
        }
    }

    /// Reports relation types of `via` that no `@relation` declares.
    pub(super) fn check_via(&mut self, args: Args<'_>) {
        for value in args.list("via") {
            let Some(name) = value
                .as_str()
                .filter(|name| self.relations.id(name).is_none())
            else {
                continue;
            };
            let known: Vec<&str> = self.relations.by_name.keys().map(|name| &**name).collect();
            let hint =
                sorted_closest(name, known).map(|candidate| format!("did you mean `{candidate}`?"));
            let message = format!("unknown relation `{name}`");
            self.sources
                .report("unknown-relation", value.location(), message, hint);
        }
    }

    fn unknown_kind(&mut self, kind: &str, at: Option<SourceSpan>) {
        let known = self.kinds.values().map(|head| &*head.kind);
        let hint = closest(kind, known).map(|candidate| format!("did you mean `{candidate}`?"));
        self.sources
            .report("unknown-kind", at, format!("unknown kind `{kind}`"), hint);
    }
}

/// The order of candidates decides between equals, so it must not be a hash map's.
fn sorted_closest<'n>(word: &str, mut candidates: Vec<&'n str>) -> Option<&'n str> {
    candidates.sort_unstable();
    closest(word, candidates)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The scalars that GraphQL itself has.
fn is_built_in(name: &str) -> bool {
    matches!(name, "Int" | "Float" | "String" | "Boolean" | "ID")
}
