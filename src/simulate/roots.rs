//! Root fields of a connector's graph that change something: those of its actions.

use crate::sdl::expr::{Expr, Node, Step};
use crate::sdl::{Connect, FieldSource, Model, Request};

/// The root field that a request begins with.
pub(super) fn root_field(selection: &Expr) -> Option<&str> {
    let Node::Path(path) = selection.node() else {
        return None;
    };
    match path.steps.first() {
        Some(Step::Name(name, _)) => Some(name),
        _ => None,
    }
}

/// Those that are asked in a `mutation`; all others are asked in a `query`.
pub(super) fn writes(model: &Model, connector: &str) -> Vec<Box<str>> {
    let payloads = model.actions.iter().filter_map(|action| {
        let payload = model.types.get(&action.payload)?;
        payload.connect.as_deref()
    });
    let mutation = model.schema.schema_definition.mutation.as_ref();
    let mutation = mutation.and_then(|mutation| model.types.get(mutation.as_str()));
    let fields = mutation.into_iter().flat_map(|ty| ty.fields.values());
    let own = fields.filter_map(|field| match &field.source {
        FieldSource::Live(binding) => binding.connect.as_deref(),
        _ => None,
    });
    let all: Vec<&Connect> = payloads.chain(own).collect();
    let own = all
        .into_iter()
        .filter(|connect| *connect.connector == *connector);
    own.filter_map(|connect| match &connect.request {
        Request::Graphql { selection } => root_field(selection).map(Into::into),
        Request::Rest { .. } => None,
    })
    .collect()
}
