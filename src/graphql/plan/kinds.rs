//! What plans ask of the Model about types.

use crate::graphql::arguments::Paged;
use crate::sdl::{FieldSource, GENERIC_ENTITY, Generated, KindId, Model, Targets};

/// Whether the type was made by composition to hold pages.
pub(super) fn is_connection(model: &Model, named: &str) -> bool {
    model.types.get(named).is_some_and(|ty| {
        ty.fields.values().any(|field| {
            matches!(
                field.source,
                FieldSource::Generated(Generated::ConnectionEdges | Generated::ConnectionNodes)
            )
        })
    })
}

/// How the pages of a connection are measured; `None` for other types.
pub(super) fn paged(model: &Model, named: &str) -> Option<Paged> {
    if !is_connection(model, named) {
        return None;
    }
    let mut fields = model.types.get(named)?.fields.values();
    let live = fields.any(|field| {
        matches!(
            field.source,
            FieldSource::Generated(Generated::ConnectionComplete)
        )
    });
    Some(if live { Paged::LIVE } else { Paged::CATALOG })
}

/// Whether objects of this type are entities of the snapshot.
pub(super) fn serves_entities(model: &Model, named: &str) -> bool {
    let is_entity = |name: &str| model.kind_by_type.contains_key(name) || name == GENERIC_ENTITY;
    match model.types.get(named) {
        Some(ty) if ty.interface => ty.concrete.iter().any(|name| is_entity(name)),
        Some(ty) => is_entity(&ty.name),
        None => false,
    }
}

/// What the nodes of a connection type may be.
pub(super) fn node_targets(model: &Model, connection: &str) -> Targets {
    let nodes = model
        .types
        .get(connection)
        .and_then(|ty| ty.fields.get("nodes"))
        .map(|field| &field.ty.named);
    let Some(node) = nodes.and_then(|named| model.types.get(named)) else {
        return Targets::Any;
    };
    if node.concrete.iter().any(|name| **name == *GENERIC_ENTITY) {
        return Targets::Any;
    }
    let kinds = node
        .concrete
        .iter()
        .filter_map(|name| model.kind_by_type.get(name));
    Targets::Kinds(kinds.copied().collect::<Box<[KindId]>>())
}
