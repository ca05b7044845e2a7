//! Resolvers by name: what `@resolver` may ask of the engine.

mod closure;
mod connectors;
mod entity;
mod listing;
mod root;

pub(crate) use entity::severity;
pub(crate) use listing::{cursor, window};
pub(crate) use root::reference;

use super::hole::SourceId;

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
    RelationTypes,
    Callboard,
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
    /// A member of an API definition, by its name.
    Definition,
    /// The text of an API definition.
    DefinitionText,
    /// What changed in it.
    DefinitionDiff,
    /// What can be done with an API.
    Operations,
    /// The same of all APIs that relations lead to.
    OperationsOf,
    Search,
    Suggest,
    /// Facets of what a search found.
    FoundFacets,
    /// The docs of an entity, and what is in them.
    Docs,
    DocsPage,
    DocsToc,
    DocsHtml,
    DocsMarkdown,
    DocsSections,
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
    ("relationTypes", Resolver::RelationTypes),
    ("callboard", Resolver::Callboard),
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
    ("definition", Resolver::Definition),
    ("definitionText", Resolver::DefinitionText),
    ("definitionDiff", Resolver::DefinitionDiff),
    ("operations", Resolver::Operations),
    ("operationsOf", Resolver::OperationsOf),
    ("search", Resolver::Search),
    ("suggest", Resolver::Suggest),
    ("foundFacets", Resolver::FoundFacets),
    ("docs", Resolver::Docs),
    ("docsPage", Resolver::DocsPage),
    ("docsToc", Resolver::DocsToc),
    ("docsHtml", Resolver::DocsHtml),
    ("docsMarkdown", Resolver::DocsMarkdown),
    ("docsSections", Resolver::DocsSections),
];

/// Names of leaf values that the snapshot keeps as columns.
pub(crate) const COLUMNS: &[&str] = &["id", "ref", "createdAt", "updatedAt"];

/// Every name that `@resolver` may give.
pub fn resolvers() -> Vec<&'static str> {
    let names = NAMES.iter().map(|(name, _)| *name);
    names.chain(COLUMNS.iter().copied()).collect()
}

impl Resolver {
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, resolver)| *resolver)
    }

    /// As the schema names it.
    pub(crate) fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(_, resolver)| *resolver == self)
            .map_or("", |(name, _)| name)
    }

    /// Who is asked, where the answer is not in the snapshot and leaves a hole.
    pub(crate) fn fetched_from(self) -> Option<SourceId> {
        match self {
            Self::Changes | Self::History => Some(SourceId::Changes),
            Self::LiveStates => Some(SourceId::States),
            Self::Definition
            | Self::DefinitionText
            | Self::DefinitionDiff
            | Self::Operations
            | Self::OperationsOf => Some(SourceId::Definitions),
            Self::Search | Self::Suggest => Some(SourceId::Search),
            Self::Docs
            | Self::DocsPage
            | Self::DocsToc
            | Self::DocsHtml
            | Self::DocsMarkdown
            | Self::DocsSections => Some(SourceId::Docs),
            _ => None,
        }
    }
}
