//! What a Model asks of the engine that it cannot do: told at load, not at the first query.

use super::resolve;
use crate::diagnostic::{Diagnostic, Span, closest};
use crate::sdl::{Field, FieldSource, Model, TypeDef};

/// Resolvers of unknown names.
pub fn check(model: &Model) -> Vec<Diagnostic> {
    let fields = model.types.values().flat_map(|ty| {
        let fields = ty.fields.values();
        fields.map(move |field| (ty, field))
    });
    let mut problems: Vec<Diagnostic> = fields
        .filter_map(|(ty, field)| check_field(ty, field))
        .collect();
    // Types that inherit a field have a copy of it.
    problems.dedup_by(|one, other| one.span == other.span && one.file == other.file);
    problems
}

fn check_field(ty: &TypeDef, field: &Field) -> Option<Diagnostic> {
    let FieldSource::Resolver(binding) = &field.source else {
        return None;
    };
    let is_column = resolve::COLUMNS.contains(&&*binding.name);
    if is_column || resolve::Resolver::named(&binding.name).is_some() {
        return None;
    }
    let (file, span) = match &field.declared {
        Some((file, span)) => (file.clone(), *span),
        None => ("schema".into(), Span::default()),
    };
    let message = format!(
        "`{}.{}` asks for the resolver `{}`, which does not exist",
        ty.name, field.name, binding.name
    );
    let known = || {
        let names = resolve::NAMES.iter().map(|(name, _)| *name);
        names.chain(resolve::COLUMNS.iter().copied())
    };
    let hint = match closest(&binding.name, known()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("known are {}", known().collect::<Vec<_>>().join(", ")),
    };
    let problem = Diagnostic::error("unknown-resolver", file, message);
    Some(problem.at(span).hint(hint))
}
