//! Checks on what was declared, before anything is composed: that names stand for something and that directives are used as declared.
//!
//! What a directive takes and where it may stand is read from its own definition.

mod directive;
mod reference;

use super::declared::Declared;
use super::source::Sources;

/// Reports everything that is wrong in the declarations themselves.
pub(super) fn check(declared: &Declared, sources: &mut Sources) {
    reference::check(declared, sources);
    directive::check(declared, sources);
}
