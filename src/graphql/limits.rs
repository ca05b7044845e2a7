//! What is refused before it costs anything.
//!
//! Bytes, tokens and nesting are bounded while parsing; what a document opens out to is counted on its syntax tree, each fragment once, before validation looks at it.

use std::collections::HashMap;

use apollo_compiler::Name;
use apollo_compiler::ast::{Definition, Document, FragmentDefinition, Selection};

use super::error::{Code, RequestError};

/// Where the lines are; each refusal names the limit and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Length of a document in bytes.
    pub document_bytes: usize,
    /// Tokens in a document.
    pub tokens: usize,
    /// Nested braces, brackets and parentheses in a document.
    pub nesting: usize,
    /// Fields below each other, fragments opened out.
    pub depth: usize,
    /// Aliased fields, fragments opened out.
    pub aliases: usize,
    /// Fields at the root, fragments opened out.
    pub root_fields: usize,
    /// Fields, fragments opened out.
    pub fields: usize,
    /// Length of an answer in bytes.
    pub response_bytes: usize,
    /// Compiled plans that are kept.
    pub plans: usize,
    /// Whether `__schema` and `__type` are answered.
    pub introspection: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes: 256 * 1024,
            tokens: 20_000,
            nesting: 200,
            depth: 30,
            aliases: 500,
            root_fields: 100,
            fields: 10_000,
            response_bytes: 64 * 1024 * 1024,
            plans: 1_000,
            introspection: true,
        }
    }
}

/// The refusal that names the limit.
pub(crate) fn exceeded(limit: &str, value: usize) -> RequestError {
    RequestError::new(
        Code::LimitExceeded,
        format!("the request exceeds the limit `{limit}` of {value}"),
    )
}

/// What a selection set comes to with its fragments opened out.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    depth: usize,
    aliases: usize,
    fields: usize,
    /// Fields directly in it.
    direct: usize,
}

/// Holds a parsed document against `limits`; cycles of fragments are left to validation.
pub(crate) fn check(document: &Document, limits: &Limits) -> Result<(), RequestError> {
    let mut count = Count {
        fragments: document
            .definitions
            .iter()
            .filter_map(Definition::as_fragment_definition)
            .map(|fragment| (&fragment.name, &**fragment))
            .collect(),
        done: HashMap::new(),
        limit: limits.depth,
    };
    for definition in &document.definitions {
        let selections = match definition {
            Definition::OperationDefinition(operation) => &operation.selection_set,
            Definition::FragmentDefinition(fragment) => &fragment.selection_set,
            _ => continue,
        };
        let root = matches!(definition, Definition::OperationDefinition(_));
        let extent = count.selections(selections, 0)?;
        for (name, value, limit) in [
            ("depth", extent.depth, limits.depth),
            ("aliases", extent.aliases, limits.aliases),
            ("fields", extent.fields, limits.fields),
            (
                "rootFields",
                if root { extent.direct } else { 0 },
                limits.root_fields,
            ),
        ] {
            if value > limit {
                return Err(exceeded(name, limit));
            }
        }
    }
    Ok(())
}

struct Count<'d> {
    fragments: HashMap<&'d Name, &'d FragmentDefinition>,
    /// `None` while a fragment is being counted: a cycle counts nothing.
    done: HashMap<&'d Name, Option<Extent>>,
    limit: usize,
}

impl<'d> Count<'d> {
    /// `nested` bounds the recursion: every level adds a field, an inline fragment or a fragment.
    fn selections(
        &mut self,
        selections: &'d [Selection],
        nested: usize,
    ) -> Result<Extent, RequestError> {
        // Fragments within fragments add levels without adding depth, so twice the depth and some is allowed.
        let deepest = self.limit * 4 + 64;
        if nested > deepest {
            return Err(exceeded("depth", self.limit));
        }
        let mut sum = Extent::default();
        for selection in selections {
            let part = match selection {
                Selection::Field(field) => {
                    let below = self.selections(&field.selection_set, nested + 1)?;
                    Extent {
                        depth: below.depth + 1,
                        aliases: below
                            .aliases
                            .saturating_add(usize::from(field.alias.is_some())),
                        fields: below.fields.saturating_add(1),
                        direct: 1,
                    }
                }
                Selection::InlineFragment(fragment) => {
                    self.selections(&fragment.selection_set, nested + 1)?
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.fragment_name, nested)?
                }
            };
            sum.depth = sum.depth.max(part.depth);
            sum.aliases = sum.aliases.saturating_add(part.aliases);
            sum.fields = sum.fields.saturating_add(part.fields);
            sum.direct = sum.direct.saturating_add(part.direct);
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &'d Name, nested: usize) -> Result<Extent, RequestError> {
        if let Some(extent) = self.done.get(name) {
            return Ok(extent.unwrap_or_default());
        }
        let Some((name, fragment)) = self
            .fragments
            .get_key_value(name)
            .map(|(name, fragment)| (*name, *fragment))
        else {
            return Ok(Extent::default());
        };
        self.done.insert(name, None);
        let extent = self.selections(&fragment.selection_set, nested + 1)?;
        self.done.insert(name, Some(extent));
        Ok(extent)
    }
}
