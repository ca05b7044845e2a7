//! `[kind:][namespace/]name`, parsed once.
//!
//! Rules: Backstage's `parseEntityRef`: the first `:` ends the kind unless a `/` comes before it, the first `/` ends the namespace, the rest is the name.
//! The canonical form is `kind:namespace/name` in lower case; all lookups are on it.

use std::fmt;
use std::sync::Arc;

/// A canonical entity reference; cheap to clone, compares as text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityRef(Arc<str>);

/// Why a text is no entity reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefError {
    #[error("the reference is empty")]
    Empty,
    #[error("the kind before the `:` is empty")]
    EmptyKind,
    #[error("the namespace before the `/` is empty")]
    EmptyNamespace,
    #[error("the name is empty")]
    EmptyName,
    #[error("the reference names no kind, and there is no default here")]
    NoKind,
}

impl EntityRef {
    /// Parses `text`; `default_kind` and `default_namespace` fill in what it leaves out.
    pub fn parse(
        text: &str,
        default_kind: Option<&str>,
        default_namespace: &str,
    ) -> Result<Self, RefError> {
        let (kind, rest) = match (text.find(':'), text.find('/')) {
            (Some(colon), slash) if slash.is_none_or(|slash| colon < slash) => {
                let (kind, rest) = text.split_at(colon);
                (Some(kind), rest.get(1..).unwrap_or_default())
            }
            _ => (None, text),
        };
        let (namespace, name) = match rest.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, rest),
        };
        match (kind.or(default_kind), namespace) {
            _ if text.is_empty() => Err(RefError::Empty),
            (Some(""), _) => Err(RefError::EmptyKind),
            (_, Some("")) => Err(RefError::EmptyNamespace),
            _ if name.is_empty() => Err(RefError::EmptyName),
            (None, _) => Err(RefError::NoKind),
            (Some(kind), namespace) => Ok(Self::new(
                kind,
                namespace.unwrap_or(default_namespace),
                name,
            )),
        }
    }

    /// Puts the canonical form together.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        let mut text = String::with_capacity(kind.len() + namespace.len() + name.len() + 2);
        text.push_str(kind);
        text.push(':');
        text.push_str(namespace);
        text.push('/');
        text.push_str(name);
        match text.is_ascii() {
            true => text.make_ascii_lowercase(),
            false => text = text.to_lowercase(),
        }
        Self(text.into())
    }

    /// Takes a text that is known to be canonical, such as one that the store gave back.
    pub fn from_canonical(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// `kind:namespace/name`, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The lower-cased kind.
    pub fn kind(&self) -> &str {
        self.parts().0
    }

    /// The lower-cased namespace.
    pub fn namespace(&self) -> &str {
        self.parts().1
    }

    /// The lower-cased name.
    pub fn name(&self) -> &str {
        self.parts().2
    }

    fn parts(&self) -> (&str, &str, &str) {
        let (kind, rest) = self.0.split_once(':').unwrap_or(("", &self.0));
        let (namespace, name) = rest.split_once('/').unwrap_or(("", rest));
        (kind, namespace, name)
    }
}

impl fmt::Display for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

impl std::borrow::Borrow<str> for EntityRef {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, RefError>) {
        let parsed = EntityRef::parse(text, Some("Component"), "team");
        assert_eq!(
            parsed
                .as_ref()
                .map(EntityRef::as_str)
                .map_err(|error| *error),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn references_of_every_form() {
        check("a", Ok("component:team/a"));
        check("API:a", Ok("api:team/a"));
        check("Ns/A", Ok("component:ns/a"));
        check("group:ns/a:b/c", Ok("group:ns/a:b/c"));
        check("ns/a:b", Ok("component:ns/a:b"));
        check("ÄPI:Ö/Ü", Ok("äpi:ö/ü"));
        check("", Err(RefError::Empty));
        check(":a", Err(RefError::EmptyKind));
        check("/a", Err(RefError::EmptyNamespace));
        check("k:/a", Err(RefError::EmptyNamespace));
        check("k:", Err(RefError::EmptyName));
        check("k:n/", Err(RefError::EmptyName));
        assert_eq!(
            EntityRef::parse("a", None, "default"),
            Err(RefError::NoKind)
        );
    }

    #[test]
    fn parts_are_those_of_the_canonical_form() {
        let entity_ref = EntityRef::new("API", "Team", "x:y/z");
        assert_eq!(
            (entity_ref.kind(), entity_ref.namespace(), entity_ref.name()),
            ("api", "team", "x:y/z")
        );
    }
}
