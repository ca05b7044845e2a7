//! Reads the arguments of directives.
//!
//! What a directive takes is declared in `schema/directives.graphql`; by the time something is read here, it was checked against that.

use apollo_compiler::Node;
use apollo_compiler::ast::{Directive, DirectiveList, Value};

use super::expr::{Expr, ExprError, Template};
use super::source::Sources;
use crate::diagnostic::Diagnostic;

/// One object of named values: the arguments of a directive, or an input object among them.
#[derive(Clone, Copy)]
pub(super) struct Args<'d> {
    get: &'d dyn Lookup,
}

trait Lookup {
    fn value(&self, name: &str) -> Option<&Node<Value>>;
}

impl Lookup for Node<Directive> {
    fn value(&self, name: &str) -> Option<&Node<Value>> {
        self.specified_argument_by_name(name)
    }
}

impl Lookup for Node<Value> {
    fn value(&self, name: &str) -> Option<&Node<Value>> {
        let members = self.as_object()?;
        let found = members.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }
}

impl<'d> Args<'d> {
    /// The arguments of the first directive of this name.
    pub(super) fn of(directives: &'d DirectiveList, name: &str) -> Option<Self> {
        directives
            .0
            .iter()
            .find(|directive| directive.name == name)
            .map(Self::new)
    }

    pub(super) fn new(directive: &'d Node<Directive>) -> Self {
        Self { get: directive }
    }

    /// The value, unless it is absent or null.
    pub(super) fn value(self, name: &str) -> Option<&'d Node<Value>> {
        self.get.value(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(self, name: &str) -> Option<&'d str> {
        self.value(name)?.as_str()
    }

    pub(super) fn truth(self, name: &str) -> Option<bool> {
        self.value(name)?.to_bool()
    }

    pub(super) fn float(self, name: &str) -> Option<f64> {
        self.value(name)?.to_f64()
    }

    pub(super) fn word(self, name: &str) -> Option<&'d str> {
        Some(self.value(name)?.as_enum()?.as_str())
    }

    /// The items of a list; a single value is a list of one.
    pub(super) fn list(self, name: &str) -> impl Iterator<Item = &'d Node<Value>> {
        let value = self.value(name);
        let items = value.and_then(|value| value.as_list());
        let single = value.filter(|_| items.is_none());
        items.unwrap_or_default().iter().chain(single)
    }

    pub(super) fn texts(self, name: &str) -> impl Iterator<Item = &'d str> {
        self.list(name).filter_map(|item| item.as_str())
    }

    pub(super) fn object(self, name: &str) -> Option<Self> {
        self.value(name).map(|value| Self { get: value })
    }

    pub(super) fn objects(self, name: &str) -> impl Iterator<Item = Self> {
        self.list(name).map(|value| Self { get: value })
    }

    /// Compiles an expression; a bad one is a problem at its place in the string.
    pub(super) fn expr(self, name: &str, sources: &mut Sources) -> Option<Expr> {
        let value = self.value(name)?;
        compile(value, Expr::parse, "bad-expression", sources)
    }

    /// Compiles a template.
    pub(super) fn template(self, name: &str, sources: &mut Sources) -> Option<Template> {
        template(self.value(name)?, sources)
    }

    /// Compiles a list of templates.
    pub(super) fn templates(self, name: &str, sources: &mut Sources) -> Vec<Template> {
        self.list(name)
            .filter_map(|value| template(value, sources))
            .collect()
    }
}

/// Reports what is wrong with an expression.
pub(super) fn check_expr(value: &Node<Value>, sources: &mut Sources) {
    compile(value, Expr::parse, "bad-expression", sources);
}

/// Reports what is wrong with a text with holes.
pub(super) fn check_template(value: &Node<Value>, sources: &mut Sources) {
    template(value, sources);
}

fn template(value: &Node<Value>, sources: &mut Sources) -> Option<Template> {
    compile(value, Template::parse, "bad-template", sources)
}

fn compile<T>(
    value: &Node<Value>,
    parse: impl FnOnce(&str) -> Result<T, ExprError>,
    code: &'static str,
    sources: &mut Sources,
) -> Option<T> {
    match parse(value.as_str()?) {
        Ok(compiled) => Some(compiled),
        Err(error) => {
            let problem = in_string(code, value, error, sources);
            sources.add(problem);
            None
        }
    }
}

/// A problem at a character of a string.
fn in_string(
    code: &'static str,
    value: &Node<Value>,
    error: ExprError,
    sources: &Sources,
) -> Diagnostic {
    let mut problem = sources.error(code, value.location(), error.message);
    if let Some((_, span)) = sources.place_in_string(value, error.offset) {
        problem.span = Some(span);
    }
    problem.hint = error.hint;
    problem
}
