//! How much the parts of sections and operations count: as much as the same of an entity, which the schema says by `@search`.

/// What something is called by those who call it.
pub(super) const NAME: f32 = 8.0;
/// What people call it.
pub(super) const TITLE: f32 = 6.0;
/// What it belongs to, and under which words it is put.
pub(super) const AROUND: f32 = 3.0;
/// What is written about it.
pub(super) const TEXT: f32 = 2.0;
/// What many others have as well.
pub(super) const COMMON: f32 = 1.0;

/// All of them, for the index to know.
pub(super) const ALL: [f32; 5] = [NAME, TITLE, AROUND, TEXT, COMMON];
