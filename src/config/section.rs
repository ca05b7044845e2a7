//! Typed access to the tree: every key that is asked for is known, every other one is an error with a suggestion.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::tree::{Data, Key, Node, Place};
use super::units;
use crate::diagnostic::{Diagnostic, closest};

/// All problems of one reading.
pub(super) type Problems = RefCell<Vec<Diagnostic>>;

/// One section of the file; [`Section::finish`] reports the keys that nobody asked for.
pub(super) struct Section<'a> {
    entries: &'a [(Key, Node)],
    place: &'a Place,
    path: String,
    asked: Vec<&'static str>,
    problems: &'a Problems,
}

impl<'a> Section<'a> {
    /// The whole file, or one item of a list.
    pub(super) fn of(node: &'a Node, path: impl Into<String>, problems: &'a Problems) -> Self {
        let path = path.into();
        let entries: &[(Key, Node)] = match &node.data {
            Data::Map(entries) => entries,
            Data::Null => &[],
            other => {
                let what = if path.is_empty() { "the file" } else { &path };
                problem(
                    problems,
                    &node.place,
                    "config-type",
                    format!("`{what}` must be a section, not {}", other.describe()),
                    None,
                );
                &[]
            }
        };
        Self {
            entries,
            place: &node.place,
            path,
            asked: Vec::new(),
            problems,
        }
    }

    /// A section below this one.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'a> {
        let path = self.path_of(key);
        match self.take(key) {
            Some(node) => Section::of(node, path, self.problems),
            None => Section {
                entries: &[],
                place: self.place,
                path,
                asked: Vec::new(),
                problems: self.problems,
            },
        }
    }

    /// The items of a list.
    pub(super) fn list(&mut self, key: &'static str) -> &'a [Node] {
        match self.take(key).map(|node| (node, &node.data)) {
            None | Some((_, Data::Null)) => &[],
            Some((_, Data::List(items))) => items,
            Some((node, other)) => {
                self.wrong_type(key, node, "a list", other);
                &[]
            }
        }
    }

    /// Text that must be there.
    pub(super) fn text(&mut self, key: &'static str) -> (&'a str, &'a Place) {
        match self.optional_text(key) {
            Some(found) => found,
            None => {
                self.missing(key);
                ("", self.place)
            }
        }
    }

    pub(super) fn optional_text(&mut self, key: &'static str) -> Option<(&'a str, &'a Place)> {
        let node = self.take(key)?;
        match &node.data {
            Data::Null => None,
            Data::Text(text) => Some((text.value.as_str(), &node.place)),
            other => {
                self.wrong_type(key, node, "text", other);
                Some(("", &node.place))
            }
        }
    }

    /// Text, or `{ file: path }` whose content (without the end of its last line) is the text.
    pub(super) fn secret(&mut self, key: &'static str, folder: &Path) -> (String, &'a Place) {
        let Some(node) = self.take(key) else {
            self.missing(key);
            return (String::new(), self.place);
        };
        let (text, place, _file) = secret_of(node, &self.path_of(key), folder, self.problems);
        (text, place)
    }

    /// The entries of a section whose keys are the user's own.
    pub(super) fn map(&mut self, key: &'static str) -> &'a [(Key, Node)] {
        match self.take(key).map(|node| (node, &node.data)) {
            None | Some((_, Data::Null)) => &[],
            Some((_, Data::Map(entries))) => entries,
            Some((node, other)) => {
                self.wrong_type(key, node, "a section", other);
                &[]
            }
        }
    }

    /// The items of a list of texts; those that are something else are problems.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<String> {
        let path = self.path_of(key);
        let mut texts = Vec::new();
        for node in self.list(key) {
            match &node.data {
                Data::Text(text) if !text.value.is_empty() => texts.push(text.value.clone()),
                other => {
                    let message =
                        format!("an item of `{path}` must be text, not {}", other.describe());
                    problem(self.problems, &node.place, "config-type", message, None);
                }
            }
        }
        texts
    }

    /// What `read` makes of a key that need not be there.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        match self.take(key)?.data {
            Data::Null => None,
            _ => Some(read(self)),
        }
    }

    /// A number in the range that `expected` describes and `fits` knows.
    pub(super) fn part(
        &mut self,
        key: &'static str,
        expected: &str,
        fits: impl Fn(f64) -> bool,
    ) -> f64 {
        let Some(node) = self.take(key) else {
            self.missing(key);
            return f64::default();
        };
        let number = match &node.data {
            Data::Float(value) => Some(*value),
            // Whole numbers in such a range are 0 and 1.
            Data::Integer(value) => i32::try_from(*value).ok().map(f64::from),
            Data::Text(text) if text.substituted => text.value.parse().ok(),
            Data::Text(_) | Data::Null | Data::Bool(_) | Data::List(_) | Data::Map(_) => None,
        };
        match number.filter(|number| fits(*number)) {
            Some(number) => number,
            None => {
                let message = format!("`{}` must be a number {expected}", self.path_of(key));
                problem(self.problems, &node.place, "config-value", message, None);
                f64::default()
            }
        }
    }

    /// The same for what need not be there.
    pub(super) fn optional_secret(
        &mut self,
        key: &'static str,
        folder: &Path,
    ) -> Option<(String, &'a Place)> {
        match &self.take(key)?.data {
            Data::Null => None,
            _ => Some(self.secret(key, folder)),
        }
    }

    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        let Some(node) = self.take(key) else {
            self.missing(key);
            return false;
        };
        match &node.data {
            Data::Bool(value) => *value,
            Data::Text(text) if text.substituted && text.value == "true" => true,
            Data::Text(text) if text.substituted && text.value == "false" => false,
            other => {
                self.wrong_type(key, node, "true or false", other);
                false
            }
        }
    }

    /// A whole number of at least `least`.
    pub(super) fn count(&mut self, key: &'static str, least: usize) -> usize {
        let Some(node) = self.take(key) else {
            self.missing(key);
            return least;
        };
        let number = match &node.data {
            Data::Integer(value) => usize::try_from(*value).ok(),
            Data::Text(text) if text.substituted => text.value.parse().ok(),
            other => {
                self.wrong_type(key, node, "a whole number", other);
                return least;
            }
        };
        match number {
            Some(number) if number >= least => number,
            _ => {
                let message = format!("`{}` must be at least {least}", self.path_of(key));
                problem(self.problems, &node.place, "config-value", message, None);
                least
            }
        }
    }

    pub(super) fn duration(&mut self, key: &'static str) -> Duration {
        self.parsed(key, "a duration such as `30s`, `500ms` or `5m`", |text| {
            units::duration(text).filter(|duration| !duration.is_zero())
        })
    }

    pub(super) fn size(&mut self, key: &'static str) -> u64 {
        self.parsed(key, "a size such as `512KB` or `1MB`", units::size)
    }

    /// One of a closed set of words.
    pub(super) fn choice<T: Copy + Default>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> T {
        let (text, place) = self.text(key);
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let words = choices.iter().map(|(word, _)| *word);
        let listed = words
            .clone()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(" or ");
        let hint = closest(text, words).map(|word| format!("did you mean `{word}`?"));
        let message = format!("`{}` must be {listed}", self.path_of(key));
        self.problem(place, "config-value", message, hint);
        T::default()
    }

    /// Text that `parse` makes a value of; `expected` completes "must be …".
    pub(super) fn parsed<T: Default>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let Some(node) = self.take(key) else {
            self.missing(key);
            return T::default();
        };
        if let Data::Text(text) = &node.data
            && let Some(value) = parse(&text.value)
        {
            return value;
        }
        let written = match &node.data {
            Data::Text(text) if text.substituted => "what the environment gave".to_owned(),
            Data::Text(text) => format!("`{}`", text.value),
            Data::Integer(number) => format!("`{number}`"),
            other => other.describe().to_owned(),
        };
        let message = format!("`{}` must be {expected}, not {written}", self.path_of(key));
        problem(self.problems, &node.place, "config-value", message, None);
        T::default()
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self) {
        for (key, _) in self.entries {
            if self.asked.contains(&key.name.as_str()) {
                continue;
            }
            let path = if self.path.is_empty() {
                key.name.clone()
            } else {
                format!("{}.{}", self.path, key.name)
            };
            let hint = match closest(&key.name, self.asked.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            problem(
                self.problems,
                &key.place,
                "config-key",
                format!("unknown key `{path}`"),
                Some(hint),
            );
        }
    }

    /// Reports something at a place of this section.
    pub(super) fn problem(
        &self,
        place: &Place,
        code: &'static str,
        message: String,
        hint: Option<String>,
    ) {
        problem(self.problems, place, code, message, hint);
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let (_, node) = self.entries.iter().find(|(known, _)| known.name == key)?;
        Some(node)
    }

    fn missing(&self, key: &str) {
        let message = format!("`{}` is missing", self.path_of(key));
        problem(self.problems, self.place, "config-missing", message, None);
    }

    fn wrong_type(&self, key: &str, node: &Node, expected: &str, found: &Data) {
        let message = format!(
            "`{}` must be {expected}, not {}",
            self.path_of(key),
            found.describe()
        );
        problem(self.problems, &node.place, "config-type", message, None);
    }
}

/// Text, or `{ file: path }` with the file that was read.
pub(super) fn secret_of<'a>(
    node: &'a Node,
    path: &str,
    folder: &Path,
    problems: &'a Problems,
) -> (String, &'a Place, Option<PathBuf>) {
    match &node.data {
        Data::Text(text) => return (text.value.clone(), &node.place, None),
        Data::Map(_) => {}
        other => {
            let message = format!(
                "`{path}` must be text or `{{ file: path }}`, not {}",
                other.describe()
            );
            problem(problems, &node.place, "config-type", message, None);
            return (String::new(), &node.place, None);
        }
    }
    let mut reference = Section::of(node, path, problems);
    let (file, place) = reference.text("file");
    reference.finish();
    let absolute = folder.join(file);
    let content = match std::fs::read_to_string(&absolute) {
        Ok(content) => content.trim_end_matches(['\r', '\n']).to_owned(),
        Err(error) => {
            let message = format!("`{file}` cannot be read: {error}");
            let hint = "name a readable file that holds only the secret".to_owned();
            problem(problems, place, "config-file", message, Some(hint));
            String::new()
        }
    };
    (content, place, Some(absolute))
}

/// One problem for each place: what a value that is already known to be bad brings about is not worth telling.
fn problem(
    problems: &Problems,
    place: &Place,
    code: &'static str,
    message: String,
    hint: Option<String>,
) {
    let told = |known: &Diagnostic| known.file == place.file && known.span == Some(place.span);
    if problems.borrow().iter().any(told) {
        return;
    }
    let mut diagnostic = Diagnostic::error(code, place.file.clone(), message).at(place.span);
    diagnostic.hint = hint;
    problems.borrow_mut().push(diagnostic);
}
