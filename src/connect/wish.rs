//! What `@where` wants of the items of a list, for one entity: values that a field must have, or globs that a path must fit.
//!
//! Somebody wrote them into a descriptor, so they are bounded before anything is made of them, and what is wrong with them is said.
//! Globs are compiled when items are compared; a few compiled ones are kept, as a team's components often share theirs.

use std::collections::HashMap;
use std::sync::Arc;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use parking_lot::Mutex;
use serde_json::Value;

use super::filter::holds;
use crate::sdl::expr::{self, Scope as Names};
use crate::sdl::{Compared, ValueBinding, Where};

/// So many values or globs of one entity count.
const MOST: usize = 50;
/// Characters that one of them may have.
const LONGEST: usize = 200;
/// Bytes of all globs of one entity.
const LARGEST: usize = 2_000;
/// So many compiled sets of globs are kept.
const MOST_SETS: usize = 64;

/// What is wanted; never empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    texts: Vec<Value>,
    compared: Compared,
}

/// What is wrong with what somebody wrote, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    /// The text itself, to find the annotation that holds it.
    pub(super) text: Box<str>,
    pub(super) why: String,
    pub(super) hint: String,
}

impl Wish {
    /// What a rule wants of the items of an entity, and what of that cannot be used; with nothing left all items are shown.
    pub(super) fn of(rule: &Where, args: &Value, entity: &Value) -> (Option<Self>, Vec<Unusable>) {
        let mut texts = Vec::new();
        let mut unusable = Vec::new();
        let mut n_bytes = 0;
        for text in written(rule, args, entity) {
            let text = text.trim();
            n_bytes += text.len();
            match judge(text, rule.compared) {
                _ if text.is_empty() => {}
                Err((why, hint)) => unusable.push(Unusable::new(text, why, hint)),
                Ok(()) if texts.len() == MOST || n_bytes > LARGEST => {
                    let why =
                        format!("there are more than {MOST}, or more than {LARGEST} characters");
                    unusable.push(Unusable::new(text, why, "name fewer of them".to_owned()));
                    break;
                }
                Ok(()) => texts.push(Value::from(text)),
            }
        }
        let wish = Self {
            texts,
            compared: rule.compared,
        };
        ((!wish.texts.is_empty()).then_some(wish), unusable)
    }

    /// Whether an item is shown whose field is `found`.
    pub(super) fn holds(
        &self,
        found: &Value,
        binding: Option<&ValueBinding>,
        globs: &Globs,
    ) -> bool {
        match self.compared {
            Compared::Is => self.texts.iter().any(|text| holds(found, text, binding)),
            // What it touches is not known.
            Compared::Fits if found.is_null() || expr::fault_of(found).is_some() => true,
            Compared::Fits => {
                let globs = globs.compiled(self);
                any_text(found, &|path| globs.is_match(path))
            }
        }
    }
}

impl Unusable {
    fn new(text: &str, why: String, hint: String) -> Self {
        Self {
            text: text.into(),
            why,
            hint,
        }
    }
}

fn any_text(found: &Value, is: &dyn Fn(&str) -> bool) -> bool {
    match found {
        Value::String(text) => is(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// The texts that a rule comes to.
fn written(rule: &Where, args: &Value, entity: &Value) -> Vec<String> {
    let mut lets: Vec<(&str, Value)> = Vec::with_capacity(rule.lets.len());
    let evaluate = |expr: &expr::Expr, lets: &[(&str, Value)]| {
        let mut names = vec![("args", args)];
        names.extend(lets.iter().map(|(name, value)| (*name, value)));
        let scope = Names {
            entity: Some(entity),
            names: &names,
            ..Names::default()
        };
        expr.eval(&scope).into_owned()
    };
    for item in &rule.lets {
        let value = evaluate(&item.value, &lets);
        lets.push((&item.name, value));
    }
    match evaluate(&rule.wanted, &lets) {
        Value::String(text) => vec![text],
        Value::Array(items) => items
            .into_iter()
            .filter_map(|item| match item {
                Value::String(text) => Some(text),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn judge(text: &str, compared: Compared) -> Result<(), (String, String)> {
    if text.chars().take(LONGEST + 1).count() > LONGEST {
        let why = format!("it is longer than {LONGEST} characters");
        return Err((why, "name something shorter that holds it".to_owned()));
    }
    if text.chars().any(char::is_control) {
        return Err((
            "it holds control characters".to_owned(),
            "take them out".to_owned(),
        ));
    }
    if compared == Compared::Is {
        return Ok(());
    }
    let from_root = || {
        "write it from the root of the repository, for example `services/payments/**`".to_owned()
    };
    if text.starts_with('/') || text.starts_with('~') || text.contains('\\') {
        return Err((
            "it is no path from the root of the repository".to_owned(),
            from_root(),
        ));
    }
    if text.split('/').any(|part| part == "..") {
        return Err(("it leads out of the repository".to_owned(), from_root()));
    }
    match globs_of(text) {
        Ok(_) => Ok(()),
        Err(error) => Err((
            format!("it is no glob: {}", error.kind()),
            "`*` is any text within a name, `**` any folders; a comma begins the next glob"
                .to_owned(),
        )),
    }
}

/// The glob, and one for everything beneath the folder that it may name.
fn globs_of(text: &str) -> Result<[Glob; 2], globset::Error> {
    let text = text.trim_start_matches("./").trim_end_matches('/');
    let text = match text {
        "" | "." => "**",
        text => text,
    };
    let glob = |text: &str| GlobBuilder::new(text).literal_separator(true).build();
    Ok([glob(text)?, glob(&format!("{text}/**"))?])
}

/// Compiled globs.
#[derive(Debug, Default)]
pub(super) struct Globs {
    known: Mutex<HashMap<Vec<Value>, Arc<GlobSet>>>,
}

impl Globs {
    fn compiled(&self, wish: &Wish) -> Arc<GlobSet> {
        if let Some(known) = self.known.lock().get(&wish.texts) {
            return Arc::clone(known);
        }
        let mut set = GlobSetBuilder::new();
        let texts = wish.texts.iter().filter_map(Value::as_str);
        for glob in texts.filter_map(|text| globs_of(text).ok()).flatten() {
            set.add(glob);
        }
        let set = Arc::new(set.build().unwrap_or_else(|error| {
            // They are bounded, so this does not happen.
            tracing::warn!(%error, "globs of an annotation fit nothing");
            GlobSet::empty()
        }));
        let mut known = self.known.lock();
        if known.len() >= MOST_SETS {
            known.clear();
        }
        known.insert(wish.texts.clone(), Arc::clone(&set));
        set
    }
}
