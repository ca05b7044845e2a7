//! `$openapi` and `$asyncapi`: a definition with what it refers to in other files, as one text.
//!
//! What people give names to in a definition (schemas, parameters, responses, request bodies, messages) goes among its own components, so it keeps its name; anything else comes in where it is first referred to, and further references lead there.
//! So each part comes once, and references that go in circles stay references.
//! A definition that refers to no other file stays as it is written, line by line.
//!
//! What cannot be had stays a reference, and is told; nothing is fetched, and which files may be read is the caller's business.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::yaml::{self, Content};

/// How the text of a bundle begins, and nobody's own.
const MARK: &str = "# Bundled from ";
/// Most files of one bundle.
const MAX_FILES: usize = 500;
/// Most values that a bundle takes from other files.
const MAX_VALUES: usize = 1_000_000;
/// Most files that stand within each other at one place.
const MAX_DEPTH: usize = 32;
/// Most references that are told of one bundle.
const MAX_TROUBLES: usize = 20;
/// Members whose values are examples: what looks like a reference there is none.
const EXAMPLES: &[&str] = &["example", "default", "enum", "const"];

/// Whether a text was put together of several files: its lines are those of no file.
pub fn is_bundled(text: &str) -> bool {
    text.starts_with(MARK)
}

/// A reference that leads to nothing that can be had.
#[derive(Debug)]
pub(super) struct Trouble {
    /// The file that it stands in, as seen from the descriptor.
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) reference: String,
    pub(super) why: String,
}

/// What asks for files, by paths as seen from the descriptor.
pub(super) type Load<'l> = dyn FnMut(&str) -> Result<String, String> + 'l;

/// The text of `target`, bundled; `None` where it stays as it is.
pub(super) fn bundle(
    target: &str,
    text: &str,
    load: &mut Load<'_>,
) -> (Option<String>, Vec<Trouble>) {
    let Some(Value::Object(root)) = parsed(text).filter(is_elsewhere) else {
        return (None, Vec::new());
    };
    let own = normal("", target);
    let mut root = Value::Object(root);
    let mut bundler = Bundler {
        load,
        format: Format::of(&root),
        own: own.clone(),
        files: HashMap::from([(own.clone(), File::new(text, None))]),
        places: HashMap::new(),
        named: HashSet::new(),
        waiting: Vec::new(),
        values_left: MAX_VALUES,
        troubles: Vec::new(),
        n_in: 0,
    };
    bundler.look_at_components(&root);
    let at = At {
        file: &own,
        pointer: "#".to_owned(),
        key: "",
        parent: "",
        depth: 0,
    };
    bundler.walk(&mut root, &at);
    bundler.put_components(&mut root);
    if bundler.n_in == 0 {
        return (None, bundler.troubles);
    }
    let text = format!(
        "{MARK}{} and the files that it refers to.\n{}",
        target.replace(['\n', '\r'], " "),
        yaml::to_text(&root)
    );
    (Some(text), bundler.troubles)
}

fn parsed(text: &str) -> Option<Value> {
    let text = yaml::readable(text);
    let parsed = yaml::parse_within(&text, 0, MAX_VALUES);
    let root = parsed.root.filter(|_| parsed.complete)?;
    matches!(root.value, Content::Map(_) | Content::List(_)).then(|| root.to_json())
}

/// Whether anything refers to another file.
fn is_elsewhere(root: &Value) -> bool {
    match root {
        Value::Object(members) => members.iter().any(|(key, value)| match value.as_str() {
            Some(target) => key == "$ref" && is_file(target),
            None => is_elsewhere(value),
        }),
        Value::Array(items) => items.iter().any(is_elsewhere),
        _ => false,
    }
}

/// Whether a reference names a file, and nothing within the text or on the web.
fn is_file(reference: &str) -> bool {
    !reference.starts_with('#') && !reference.contains("://") && !reference.is_empty()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Swagger,
    OpenApi,
    AsyncApi,
    Other,
}

impl Format {
    fn of(root: &Value) -> Self {
        let has = |key: &str| root.get(key).is_some();
        match (has("swagger"), has("openapi"), has("asyncapi")) {
            (true, ..) => Self::Swagger,
            (_, true, _) => Self::OpenApi,
            (.., true) => Self::AsyncApi,
            _ => Self::Other,
        }
    }

    /// Where named parts are kept, of those that are looked for.
    fn sections(self) -> &'static [(Part, &'static [&'static str])] {
        match self {
            Self::Swagger => &[
                (Part::Schema, &["definitions"]),
                (Part::Parameter, &["parameters"]),
                (Part::Response, &["responses"]),
            ],
            Self::OpenApi => &[
                (Part::Schema, &["components", "schemas"]),
                (Part::Parameter, &["components", "parameters"]),
                (Part::Response, &["components", "responses"]),
                (Part::RequestBody, &["components", "requestBodies"]),
            ],
            Self::AsyncApi => &[
                (Part::Schema, &["components", "schemas"]),
                (Part::Parameter, &["components", "parameters"]),
                (Part::Message, &["components", "messages"]),
            ],
            Self::Other => &[],
        }
    }

    fn section(self, part: Part) -> Option<&'static [&'static str]> {
        let mut sections = self.sections().iter();
        sections
            .find(|(own, _)| *own == part)
            .map(|(_, path)| *path)
    }
}

/// What people give names to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Schema,
    Parameter,
    Response,
    RequestBody,
    Message,
}

impl Part {
    /// What stands under `key` within `parent`, as the formats have it; a list's items have the list's key for a parent, and none of their own.
    fn at(format: Format, key: &str, parent: &str) -> Option<Self> {
        let schema = matches!(
            key,
            "schema"
                | "items"
                | "additionalProperties"
                | "additionalItems"
                | "not"
                | "if"
                | "then"
                | "else"
                | "contains"
                | "propertyNames"
                | "payload"
        ) || (format == Format::AsyncApi && key == "headers")
            || matches!(
                parent,
                "properties" | "patternProperties" | "definitions" | "$defs" | "schemas"
            )
            || (key.is_empty() && matches!(parent, "allOf" | "oneOf" | "anyOf" | "prefixItems"));
        match (key, parent) {
            _ if schema => Some(Self::Schema),
            (_, "parameters") => Some(Self::Parameter),
            (_, "responses") => Some(Self::Response),
            ("requestBody", _) | (_, "requestBodies") => Some(Self::RequestBody),
            ("message", _) | (_, "messages") => Some(Self::Message),
            _ => None,
        }
    }
}

/// A file that was asked for.
struct File {
    text: Rc<str>,
    /// `None`: not read yet.
    root: Option<Result<Rc<Value>, String>>,
}

impl File {
    fn new(text: &str, root: Option<Result<Rc<Value>, String>>) -> Self {
        Self {
            text: text.into(),
            root,
        }
    }
}

/// Where in the bundle the walk is.
struct At<'a> {
    /// The file that the value comes from.
    file: &'a str,
    pointer: String,
    key: &'a str,
    parent: &'a str,
    depth: usize,
}

/// A component that is still to be put in: its section, its name, its file and value.
struct Waiting {
    section: &'static [&'static str],
    name: String,
    file: String,
    value: Value,
}

struct Bundler<'l, 'f> {
    load: &'l mut Load<'f>,
    format: Format,
    own: String,
    files: HashMap<String, File>,
    /// Where what a file has under a pointer is in the bundle.
    places: HashMap<(String, String), String>,
    /// Pointers of components that are there or will be.
    named: HashSet<String>,
    waiting: Vec<Waiting>,
    values_left: usize,
    troubles: Vec<Trouble>,
    /// So many parts came in.
    n_in: usize,
}

impl Bundler<'_, '_> {
    /// Components that are nothing but a reference give their names to what they refer to.
    fn look_at_components(&mut self, root: &Value) {
        for (_, path) in self.format.sections() {
            let mut section = Some(root);
            for step in *path {
                section = section.and_then(|section| section.get(step));
            }
            let Some(Value::Object(members)) = section else {
                continue;
            };
            for (name, value) in members {
                let pointer = pointer(path, name);
                self.named.insert(pointer.clone());
                let reference = value.get("$ref").and_then(Value::as_str);
                if let Some(reference) = reference.filter(|reference| is_file(reference)) {
                    let target = resolved(&self.own, reference);
                    self.places.entry(target).or_insert(pointer);
                }
            }
        }
    }

    fn walk(&mut self, value: &mut Value, at: &At<'_>) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let at = At {
                        pointer: format!("{}/{index}", at.pointer),
                        key: "",
                        parent: at.key,
                        ..*at
                    };
                    self.walk(item, &at);
                }
            }
            Value::Object(members) => {
                let reference = members.get("$ref").and_then(Value::as_str);
                match reference.map(str::to_owned) {
                    Some(reference) => self.reference(value, &reference, at),
                    None => self.members(members, at),
                }
            }
            _ => {}
        }
    }

    fn members(&mut self, members: &mut Map<String, Value>, at: &At<'_>) {
        for (key, value) in members {
            let is_example = EXAMPLES.contains(&key.as_str()) || key.starts_with("x-");
            // A property may be called so.
            if is_example && at.key != "properties" {
                continue;
            }
            let at = At {
                pointer: format!("{}/{}", at.pointer, escaped(key)),
                key,
                parent: at.key,
                ..*at
            };
            self.walk(value, &at);
        }
    }

    /// What becomes of an object that refers to something.
    fn reference(&mut self, value: &mut Value, reference: &str, at: &At<'_>) {
        let in_own = at.file == self.own;
        if reference.contains("://") || (in_own && reference.starts_with('#')) {
            return;
        }
        let (file, pointer) = resolved(at.file, reference);
        let to = |value: &mut Value, pointer: String| {
            if let Some(members) = value.as_object_mut() {
                members.insert("$ref".to_owned(), pointer.into());
            }
        };
        if file == self.own {
            return to(value, format!("#{pointer}"));
        }
        let target = (file, pointer);
        let known = self.places.get(&target);
        let is_its_place = known.is_some_and(|known| *known == at.pointer);
        if let Some(known) = known.filter(|_| !is_its_place) {
            return to(value, known.clone());
        }
        let found = match at.depth < MAX_DEPTH {
            true if is_its_place && at.depth > 0 => Err("it leads back to itself".to_owned()),
            true => self.find(&target.0, &target.1),
            false => Err(format!(
                "more than {MAX_DEPTH} files stand within each other"
            )),
        };
        let found = match found {
            Ok(found) => found,
            Err(why) => return self.tell(at.file, reference, why),
        };
        self.n_in += 1;
        let part = Part::at(self.format, at.key, at.parent);
        let section = part.and_then(|part| self.format.section(part));
        if let Some(section) = section.filter(|_| !is_its_place) {
            let (name, place) = self.name(section, &target);
            self.places.insert(target.clone(), place.clone());
            self.waiting.push(Waiting {
                section,
                name,
                file: target.0,
                value: found,
            });
            return to(value, place);
        }
        self.places.insert(target.clone(), at.pointer.clone());
        // What stands beside the reference says more than what it leads to.
        let beside = std::mem::replace(value, found);
        if let (Value::Object(members), Value::Object(beside)) = (&mut *value, beside) {
            let beside = beside.into_iter().filter(|(key, _)| key != "$ref");
            members.extend(beside);
        }
        let at = At {
            file: &target.0,
            pointer: at.pointer.clone(),
            depth: at.depth + 1,
            ..*at
        };
        self.walk(value, &at);
    }

    /// A name that no other component has, and its pointer.
    fn name(&mut self, section: &[&str], (file, within): &(String, String)) -> (String, String) {
        let last = within.rsplit('/').next().filter(|last| !last.is_empty());
        let stem = || {
            let name = file.rsplit('/').next().unwrap_or_default();
            name.split('.').next().unwrap_or_default()
        };
        let plain = |c: char| match c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
            true => c,
            false => '_',
        };
        let base: String = last.unwrap_or_else(stem).chars().map(plain).collect();
        let mut name = base.clone();
        let mut n = 1;
        loop {
            let place = pointer(section, &name);
            if self.named.insert(place.clone()) {
                return (name, place);
            }
            n += 1;
            name = format!("{base}_{n}");
        }
    }

    fn put_components(&mut self, root: &mut Value) {
        while let Some(mut waiting) = self.waiting.pop() {
            let at = At {
                file: &waiting.file,
                pointer: pointer(waiting.section, &waiting.name),
                key: &waiting.name,
                parent: waiting.section.last().unwrap_or(&""),
                depth: 0,
            };
            self.walk(&mut waiting.value, &at);
            if let Some(members) = members_at(root, waiting.section) {
                members.insert(waiting.name, waiting.value);
            }
        }
    }

    /// What a file has under a pointer.
    fn find(&mut self, file: &str, within: &str) -> Result<Value, String> {
        let root = self.file(file)?;
        let found = root
            .pointer(within)
            .ok_or_else(|| format!("`{file}` has nothing at `#{within}`"))?;
        let left = self.values_left.checked_sub(count(found));
        self.values_left =
            left.ok_or_else(|| format!("all files bring more than {MAX_VALUES} values"))?;
        Ok(found.clone())
    }

    fn file(&mut self, file: &str) -> Result<Rc<Value>, String> {
        let known = self.files.get(file).and_then(|known| known.root.clone());
        if let Some(known) = known {
            return known;
        }
        if self.files.len() >= MAX_FILES {
            return Err(format!("it refers to more than {MAX_FILES} files"));
        }
        let loaded = (self.load)(file);
        let text = loaded.as_deref().unwrap_or_default();
        let root = match &loaded {
            Ok(text) => match parsed(text) {
                Some(root) => Ok(Rc::new(root)),
                None => Err(format!("`{file}` is no YAML or JSON that can be read")),
            },
            Err(why) => Err(why.clone()),
        };
        let kept = File::new(text, Some(root.clone()));
        self.files.insert(file.to_owned(), kept);
        root
    }

    fn tell(&mut self, file: &str, reference: &str, why: String) {
        let text = self.files.get(file).map(|file| Rc::clone(&file.text));
        let text = text.unwrap_or_default();
        let line = text.lines().position(|line| line.contains(reference));
        if self.troubles.len() < MAX_TROUBLES {
            self.troubles.push(Trouble {
                file: file.to_owned(),
                line: line.map_or(1, |line| line + 1),
                reference: reference.to_owned(),
                why,
            });
        }
    }
}

/// The object at a path, which is made where it is not there.
fn members_at<'v>(value: &'v mut Value, path: &[&str]) -> Option<&'v mut Map<String, Value>> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    let members = value.as_object_mut()?;
    match path.split_first() {
        None => Some(members),
        Some((first, rest)) => members_at(members.entry(*first).or_insert(Value::Null), rest),
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

fn pointer(path: &[&str], name: &str) -> String {
    format!("#/{}/{}", path.join("/"), escaped(name))
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The file and the pointer in it that a reference in `file` means.
fn resolved(file: &str, reference: &str) -> (String, String) {
    let (path, within) = reference.split_once('#').unwrap_or((reference, ""));
    let within = percent(within).into_owned();
    let file = match path.is_empty() {
        true => file.to_owned(),
        false => normal(
            file.rsplit_once('/').map_or("", |(folder, _)| folder),
            &percent(path),
        ),
    };
    (file, within)
}

/// `%20` and the like as what they stand for.
fn percent(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// `path` as seen from `folder`, without `.`, and without `..` but at the beginning.
fn normal(folder: &str, path: &str) -> String {
    let folder = match path.starts_with('/') {
        true => "",
        false => folder,
    };
    let is_absolute = path.starts_with('/') || folder.starts_with('/');
    let mut steps: Vec<&str> = Vec::new();
    for step in folder.split('/').chain(path.split('/')) {
        match (step, steps.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                steps.pop();
            }
            (step, _) => steps.push(step),
        }
    }
    let path = steps.join("/");
    match is_absolute {
        true => format!("/{path}"),
        false => path,
    }
}
