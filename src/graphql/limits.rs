//! What is refused before it costs anything.

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
