//! `@supplies` of a `Mutation` field: to what a connector does something, and by which request.

use std::sync::Arc;

use apollo_compiler::ast::{Directive, OperationType};
use apollo_compiler::{Name, Node};

use crate::sdl::compose::kind::connected;
use crate::sdl::compose::{Composer, arc};
use crate::sdl::declared::{FieldDecl, TypeDecl};
use crate::sdl::directive::Args;
use crate::sdl::model::{Action, TypeShape};

impl Composer<'_> {
    /// The type is the payload, its `@connect` the request, and `from` names the objects that it is done to.
    pub(super) fn read_action(
        &mut self,
        decl: &TypeDecl,
        directive: &Node<Directive>,
        connector: Arc<str>,
        field: &Name,
    ) {
        let at = directive.name.location();
        if !decl.directives.has("connect") {
            let message = format!(
                "`{}` supplies `Mutation.{field}`, but asks nothing",
                decl.name
            );
            let hint = "add the request that does it: `@connect(post: …)`".to_owned();
            self.sources.report("bad-supply", at, message, Some(hint));
        }
        let args = Args::new(directive);
        let Some(value) = args.value("from") else {
            let message = format!(
                "`{}` does not say what `Mutation.{field}` is done to",
                decl.name
            );
            let hint = "name the type of the objects, `from: \"MillRun\"`, or a path of live fields from there"
                .to_owned();
            self.sources.report("bad-supply", at, message, Some(hint));
            return;
        };
        let mut steps = value.as_str().unwrap_or_default().split('.');
        let Some(subject) = self.known_type(steps.next().unwrap_or_default(), value) else {
            return;
        };
        if !subject.is_object() || !self.is_live(&subject.name) {
            let message = format!("objects of `{}` have no id of an upstream", subject.name);
            let hint = "name a type that implements `Live`".to_owned();
            self.sources
                .report("bad-supply", value.location(), message, Some(hint));
        }
        let mut along = Vec::new();
        let mut at_type = Some(subject.clone());
        for step in steps {
            let Some(from) = at_type else { break };
            let Some(name) = self.known_field(&from, step, value) else {
                return;
            };
            along.push(arc(&name));
            let target = from.fields.get(&name);
            let target = target.map(|field| connected(&field.def.ty).to_owned());
            at_type = target.and_then(|ty| self.declared.types.get(ty.as_str()).cloned());
        }
        let span = at.and_then(|at| self.sources.place(at));
        self.live.actions.extend(span.map(|span| Action {
            connector,
            field: arc(field),
            payload: arc(&decl.name),
            subject: arc(&subject.name),
            along,
            span,
        }));
    }

    /// What a payload of this type is supplied for.
    pub(super) fn action_of(&self, decl: &TypeDecl) -> Option<&Action> {
        let mut actions = self.live.actions.iter();
        actions.find(|action| *action.payload == *decl.name.as_str())
    }

    /// Whether a type is what becomes of an action: fetched, but nothing that stays.
    pub(in crate::sdl::compose) fn is_payload(&self, decl: &TypeDecl) -> bool {
        let mutation = self.declared.root(OperationType::Mutation);
        let supplies = decl.directives.0.iter();
        let mut fields = supplies
            .filter(|directive| directive.name == "supplies")
            .filter_map(|directive| Args::new(directive).text("field"));
        fields.any(|field| {
            let owner = field.split_once('.').map(|(owner, _)| owner);
            owner.is_some() && owner == mutation.map(Name::as_str)
        })
    }

    /// The `Mutation` field of an action.
    pub(super) fn action_field(&self, action: &Action) -> Option<&FieldDecl> {
        let mutation = self.declared.root(OperationType::Mutation)?;
        let mutation = self.declared.types.get(mutation)?;
        mutation.fields.get(&*action.field)
    }

    /// Names that a request of this type may read besides its own: for a field those of the requests that bring its objects, for an action those of what it is done to, for a field of a payload those of the action.
    pub(super) fn inherited_names(&mut self, decl: &TypeDecl, on_field: bool) -> Vec<String> {
        let mut names = match on_field {
            true => self.names_that_bring(decl),
            false => Vec::new(),
        };
        let Some(action) = self.action_of(decl).cloned() else {
            return names;
        };
        let subject = self.declared.types.get(&*action.subject).cloned();
        let from = [subject.as_ref(), on_field.then_some(decl)];
        for decl in from.into_iter().flatten() {
            let connect = self.connect_of_type(decl);
            let lets = connect.iter().flat_map(|connect| &connect.lets);
            names.extend(lets.map(|item| item.name.to_string()));
        }
        names
    }

    /// The names of all requests of fields whose objects are of this type.
    fn names_that_bring(&self, decl: &TypeDecl) -> Vec<String> {
        let fields = self.declared.types.values();
        let fields = fields.flat_map(|decl| decl.fields.values());
        let bringing = fields.filter(|field| *connected(&field.def.ty) == *decl.name.as_str());
        let requests = bringing.filter_map(|field| Args::of(&field.def.directives, "connect"));
        let lets = requests.flat_map(|request| request.objects("let"));
        lets.filter_map(|item| item.text("name").map(str::to_owned))
            .collect()
    }

    /// Whether any number of connectors may supply a field of `Mutation`, also none.
    pub(in crate::sdl::compose) fn is_action_socket(
        &self,
        decl: &TypeDecl,
        field: &FieldDecl,
    ) -> bool {
        self.declared.root(OperationType::Mutation) == Some(&decl.name)
            && !field.def.directives.has("connect")
            && matches!(self.shape(connected(&field.def.ty)), TypeShape::Interface)
    }
}
