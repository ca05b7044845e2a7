//! A tab between a `:` and its value: YAML allows it, saphyr 0.3.3 refuses it.

use std::borrow::Cow;

use saphyr_parser::{Parser, ScanError};

/// How many such tabs of one document are mended: each costs a pass over it.
const MAX_TABS: usize = 50;
/// Larger documents are not mended.
const MAX_BYTES: usize = 64 * 1024;

/// The text with a space in the place of each tab that the parser would take offence at; positions stay what they were.
pub(super) fn mend(text: &str) -> Cow<'_, str> {
    if text.len() > MAX_BYTES || memchr::memmem::find(text.as_bytes(), b":\t").is_none() {
        return Cow::Borrowed(text);
    }
    let mut mended = Cow::Borrowed(text);
    for _ in 0..MAX_TABS {
        let refused = Parser::new_from_str(&mended).find_map(|event| event.err());
        let Some(tab) = refused.and_then(|error| offending_tab(&mended, &error)) else {
            break;
        };
        mended.to_mut().replace_range(tab..=tab, " ");
    }
    mended
}

/// The byte position of the first tab behind the `:` that `error` is about.
fn offending_tab(text: &str, error: &ScanError) -> Option<usize> {
    if !error.info().starts_with("':' must be followed") {
        return None;
    }
    let value = text.char_indices().nth(error.marker().index())?.0;
    let before = text.get(..value)?;
    let tabs = before.trim_end_matches(['\t', ' ']).len();
    (tabs < value && text.as_bytes().get(tabs) == Some(&b'\t')).then_some(tabs)
}
