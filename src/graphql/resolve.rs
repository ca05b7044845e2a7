//! Resolvers by name: what `@resolver` may ask of the engine.

mod closure;
mod connectors;
mod entity;
mod listing;
mod root;

/// What the engine answers by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Resolver {
    Node,
    Nodes,
    Entity,
    EntitiesByRef,
    Entities,
    Facets,
    AllRelations,
    Impact,
    AllProblems,
    Sources,
    Changes,
    PreviousRefs,
    Annotations,
    Annotation,
    Links,
    Runbook,
    Relations,
    Source,
    Problems,
    Descriptor,
    Reach,
    Path,
    History,
    Closure,
    Ascent,
    /// Of a live object, made by the engine.
    LiveId,
    FetchedAt,
    Stale,
    Provider,
    /// What became of the live fields of an entity.
    LiveStates,
    Connectors,
    Explain,
}

/// Every name that `@resolver` may give, beside those of columns.
pub(crate) const NAMES: &[(&str, Resolver)] = &[
    ("node", Resolver::Node),
    ("nodes", Resolver::Nodes),
    ("entity", Resolver::Entity),
    ("entitiesByRef", Resolver::EntitiesByRef),
    ("entities", Resolver::Entities),
    ("facets", Resolver::Facets),
    ("allRelations", Resolver::AllRelations),
    ("impact", Resolver::Impact),
    ("allProblems", Resolver::AllProblems),
    ("sources", Resolver::Sources),
    ("changes", Resolver::Changes),
    ("previousRefs", Resolver::PreviousRefs),
    ("annotations", Resolver::Annotations),
    ("annotation", Resolver::Annotation),
    ("links", Resolver::Links),
    ("runbook", Resolver::Runbook),
    ("relations", Resolver::Relations),
    ("source", Resolver::Source),
    ("problems", Resolver::Problems),
    ("descriptor", Resolver::Descriptor),
    ("reach", Resolver::Reach),
    ("path", Resolver::Path),
    ("history", Resolver::History),
    ("closure", Resolver::Closure),
    ("ascent", Resolver::Ascent),
    ("id", Resolver::LiveId),
    ("fetchedAt", Resolver::FetchedAt),
    ("stale", Resolver::Stale),
    ("provider", Resolver::Provider),
    ("live", Resolver::LiveStates),
    ("connectors", Resolver::Connectors),
    ("explain", Resolver::Explain),
];

/// Names of leaf values that the snapshot keeps as columns.
pub(crate) const COLUMNS: &[&str] = &["id", "ref", "createdAt", "updatedAt"];

impl Resolver {
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, resolver)| *resolver)
    }

    /// Whether the answer is in the store, and so leaves a hole.
    pub(crate) fn is_stored(self) -> bool {
        matches!(self, Self::Changes | Self::History)
    }
}
