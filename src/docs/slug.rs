//! Anchors as MkDocs makes them, so that links into a page go on working.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization as _;

/// The anchors of one page, each once.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    taken: HashSet<String>,
    /// Up to which number each stem is taken without a gap, so that many equal headings are not gone through again and again.
    reached: HashMap<String, u64>,
}

impl Anchors {
    /// The anchor of a heading with this text.
    pub(super) fn of_text(&mut self, text: &str) -> String {
        self.unique(slugify(text))
    }

    /// `wanted`, or with `_1`, `_2`, … behind it if it is taken, as Python-Markdown does.
    pub(super) fn unique(&mut self, wanted: String) -> String {
        let mut id = wanted;
        while id.is_empty() || self.taken.contains(&id) {
            let counted = id.rsplit_once('_').and_then(|(stem, number)| {
                let number: u64 = number.parse().ok()?;
                Some((stem.to_owned(), number))
            });
            let (stem, number) = counted.unwrap_or((id, 0));
            let reached = self.reached.entry(stem.clone()).or_default();
            let next = number.max(*reached).saturating_add(1);
            if number <= *reached {
                *reached = next;
            }
            id = format!("{stem}_{next}");
        }
        self.taken.insert(id.clone());
        id
    }
}

/// Python-Markdown's `slugify`: ASCII letters, digits, `_` and `-`, in lower case.
pub(super) fn slugify(text: &str) -> String {
    let ascii = text.nfkd().filter(char::is_ascii);
    let kept: String = ascii
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || c.is_whitespace())
        .collect();
    let mut slug = String::with_capacity(kept.len());
    for c in kept.trim().chars() {
        match c {
            c if c == '-' || c.is_whitespace() => {
                if !slug.ends_with('-') {
                    slug.push('-');
                }
            }
            c => slug.push(c.to_ascii_lowercase()),
        }
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::{Anchors, slugify};

    /// What Python-Markdown 3.7 gives for these.
    #[test]
    fn slugs_are_those_of_python_markdown() {
        for (text, slug) in [
            ("Rotate the keys", "rotate-the-keys"),
            ("What's new in 2.0?", "whats-new-in-20"),
            ("Über Straßen", "uber-straen"),
            ("a - b", "a-b"),
            ("snake_case & `code`", "snake_case-code"),
            ("  --lead", "-lead"),
            ("日本語", ""),
        ] {
            assert_eq!(slugify(text), slug, "{text}");
        }
    }

    #[test]
    fn each_anchor_is_there_once() {
        let mut anchors = Anchors::default();
        let made: Vec<String> = ["A", "a", "A", "日本", "本", "a_1"]
            .into_iter()
            .map(|text| anchors.of_text(text))
            .collect();
        assert_eq!(made, ["a", "a_1", "a_2", "_1", "_2", "a_3"]);
    }
}
