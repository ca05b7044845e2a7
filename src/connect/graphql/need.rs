//! What is wanted of an upstream's object: fields by the names under which they are kept, each with what is wanted beneath it.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;

use crate::sdl::CachePolicy;
use crate::sdl::expr::{Expr, Scope};

/// Fields of one object, by [`response_key`](crate::sdl::expr::response_key).
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::connect) struct Need {
    pub(in crate::connect) fields: IndexMap<Box<str>, Field>,
}

/// One field of an upstream's object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::connect) struct Field {
    pub(in crate::connect) name: Box<str>,
    /// The type of the objects that have it, where it stands behind a type condition.
    pub(in crate::connect) condition: Option<Box<str>>,
    /// Without those that say which part of a list is read.
    pub(in crate::connect) args: Vec<(Box<str>, Arg)>,
    pub(in crate::connect) below: Need,
    /// A list: what is fetched of it replaces all that was known, since items cannot be told apart.
    pub(in crate::connect) list: bool,
    pub(in crate::connect) page: Option<Page>,
    /// Its own `@cache`; else that of what is around it.
    pub(in crate::connect) ages: Option<Ages>,
    /// Until when it is true at the latest, as its objects say.
    pub(in crate::connect) until: Option<End>,
}

/// The `@cache` of a field.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::connect) struct Rule {
    pub(in crate::connect) ages: Ages,
    pub(in crate::connect) until: Option<End>,
}

impl Rule {
    pub(in crate::connect) fn of(policy: &CachePolicy) -> Self {
        Self {
            ages: Ages::of(policy),
            until: End::of(policy),
        }
    }
}

/// `@cache(until:)`, read of each object.
#[derive(Clone, Debug)]
pub(in crate::connect) struct End(pub(in crate::connect) Arc<Expr>);

impl PartialEq for End {
    fn eq(&self, other: &Self) -> bool {
        self.0.source() == other.0.source()
    }
}

impl End {
    pub(in crate::connect) fn of(policy: &CachePolicy) -> Option<Self> {
        policy.until.clone().map(|until| Self(Arc::new(until)))
    }

    /// The earliest end among the objects of a value: itself, its items, or its nodes.
    pub(in crate::connect) fn earliest(&self, value: &Value) -> Option<Timestamp> {
        let nodes = value.get("nodes").unwrap_or(value);
        let items = match nodes {
            Value::Array(items) => items.as_slice(),
            object => std::slice::from_ref(object),
        };
        let ends = items.iter().filter_map(|item| {
            let found = self.0.eval(&Scope {
                this: Some(item),
                body: Some(item),
                ..Scope::default()
            });
            found.as_str()?.parse::<Timestamp>().ok()
        });
        ends.min()
    }
}

/// The value of an argument, as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::connect) enum Arg {
    Variable {
        /// What it is called, but for its number.
        hint: Box<str>,
        /// Its type in the upstream, non-null: what has no value is left out.
        ty: Box<str>,
        value: Value,
    },
    Literal(Value),
    /// An enum value.
    Word(Box<str>),
    List(Vec<Arg>),
    Object(Vec<(Box<str>, Arg)>),
}

/// How far a connection is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::connect) struct Page {
    /// The arguments for the size of a page, and for where it begins.
    pub(in crate::connect) first: Option<Box<str>>,
    pub(in crate::connect) after: Option<Box<str>>,
    /// Items that are wanted.
    pub(in crate::connect) rows: usize,
    /// Where to read on; `None`: at the start.
    pub(in crate::connect) from: Option<Behind>,
    /// One request asks for no more, where more was too much for the upstream.
    pub(in crate::connect) most: Option<usize>,
}

/// Behind so many items that are known.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::connect) struct Behind {
    pub(in crate::connect) cursor: Box<str>,
    pub(in crate::connect) held: usize,
}

/// An upstream gives no more than this at once.
pub(super) const LARGEST_PAGE: usize = 100;

/// How old what is kept may be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::connect) struct Ages {
    pub(in crate::connect) fresh: Duration,
    /// Behind `fresh`.
    pub(in crate::connect) stale: Duration,
}

impl Ages {
    /// Of what is kept for one request alone: longer than any takes.
    pub(in crate::connect) const REQUEST: Self = Self {
        fresh: Duration::from_secs(3600),
        stale: Duration::ZERO,
    };

    pub(in crate::connect) fn of(policy: &CachePolicy) -> Self {
        Self {
            fresh: policy.max_age,
            stale: policy.stale,
        }
    }

    pub(in crate::connect) fn stricter(self, other: Self) -> Self {
        Self {
            fresh: self.fresh.min(other.fresh),
            stale: self.stale.min(other.stale),
        }
    }
}

impl Page {
    /// How many items the next request asks for.
    pub(in crate::connect) fn size(&self) -> usize {
        let held = self.from.as_ref().map_or(0, |from| from.held);
        let most = self.most.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE);
        self.rows.saturating_sub(held).clamp(1, most)
    }
}

impl Need {
    pub(in crate::connect) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// A need of one field.
    pub(in crate::connect) fn one(key: Box<str>, field: Field) -> Self {
        Self {
            fields: IndexMap::from([(key, field)]),
        }
    }

    /// How many fields it has.
    pub(in crate::connect) fn size(&self) -> usize {
        let below = self.fields.values().map(|field| field.below.size());
        self.fields.len() + below.sum::<usize>()
    }

    /// Whether any field says until when it is true.
    pub(in crate::connect) fn has_end(&self) -> bool {
        let mut fields = self.fields.values();
        fields.any(|field| field.until.is_some() || field.below.has_end())
    }

    /// Wants what `other` wants as well.
    pub(in crate::connect) fn merge(&mut self, other: &Self) {
        for (key, field) in &other.fields {
            match self.fields.get_mut(key) {
                Some(known) => known.merge(field),
                None => {
                    self.fields.insert(key.clone(), field.clone());
                }
            }
        }
    }

    /// A scalar, which has nothing beneath it.
    pub(in crate::connect) fn add_leaf(&mut self, name: &str) {
        let field = Field {
            name: name.into(),
            ..Field::default()
        };
        self.fields.entry(name.into()).or_insert(field);
    }

    /// Whether everything that `other` wants is wanted here.
    pub(in crate::connect) fn covers(&self, other: &Self) -> bool {
        other.fields.iter().all(|(key, wanted)| {
            self.fields.get(key).is_some_and(|own| {
                let rows = |field: &Field| field.page.as_ref().map_or(0, |page| page.rows);
                let from = |field: &Field| field.page.as_ref().and_then(|page| page.from.clone());
                own.below.covers(&wanted.below)
                    && rows(own) >= rows(wanted)
                    && from(own) == from(wanted)
            })
        })
    }

    /// As text, the same for the same need: what one flight fetches.
    pub(in crate::connect) fn text(&self) -> String {
        let mut text = String::with_capacity(64);
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        let mut keys: Vec<&Box<str>> = self.fields.keys().collect();
        keys.sort_unstable();
        for key in keys {
            text.push_str(key);
            let Some(field) = self.fields.get(key) else {
                continue;
            };
            if let Some(page) = &field.page {
                let from = page.from.as_ref().map_or("", |from| &from.cursor);
                text.push_str(&format!("[{} {from:?}]", page.rows));
            }
            match field.below.is_empty() {
                true => text.push(' '),
                false => {
                    text.push('{');
                    field.below.write(text);
                    text.push('}');
                }
            }
        }
    }
}

impl Field {
    pub(in crate::connect) fn is_leaf(&self) -> bool {
        self.below.is_empty()
    }

    pub(in crate::connect) fn merge(&mut self, other: &Self) {
        self.below.merge(&other.below);
        self.list |= other.list;
        self.ages = match (self.ages, other.ages) {
            (Some(one), Some(other)) => Some(one.stricter(other)),
            (one, other) => one.or(other),
        };
        if self.until.is_none() {
            self.until.clone_from(&other.until);
        }
        match (&mut self.page, &other.page) {
            (Some(own), Some(other)) => {
                own.rows = own.rows.max(other.rows);
                // From the start on there is everything.
                if own.from != other.from {
                    own.from = None;
                }
            }
            (own @ None, Some(other)) => *own = Some(other.clone()),
            (_, None) => {}
        }
    }

    /// Whether nothing but further pages of lists is wanted.
    pub(in crate::connect) fn is_onward(&self) -> bool {
        match &self.page {
            Some(page) if page.from.is_some() => true,
            _ if self.list || self.is_leaf() => false,
            _ => self.below.fields.values().all(Self::is_onward),
        }
    }

    /// For how long the first part of it is fresh, and the last may be told.
    pub(in crate::connect) fn terms(&self, around: Ages) -> (Duration, Duration) {
        let own = self.ages.unwrap_or(around);
        let mut terms = (own.fresh, own.fresh.saturating_add(own.stale));
        for field in self.below.fields.values() {
            let (fresh, told) = field.terms(own);
            terms = (terms.0.min(fresh), terms.1.max(told));
        }
        terms
    }

    /// Microseconds after which nothing of it is told.
    pub(in crate::connect) fn longest(&self, around: Ages) -> i64 {
        let (_, told) = self.terms(around);
        i64::try_from(told.as_micros()).unwrap_or(i64::MAX)
    }

    /// Whether it is a connection, by its arguments.
    pub(super) fn is_connection(&self) -> bool {
        let mut names = self.args.iter().map(|(name, _)| &**name);
        self.page.is_some() || names.any(|name| matches!(name, "first" | "last"))
    }

    /// How many items of a connection are asked for; `None` if it is none.
    pub(super) fn page_size(&self) -> Option<u64> {
        let given = self.args.iter();
        let mut sizes = given.filter(|(name, _)| matches!(&**name, "first" | "last"));
        let given = sizes.find_map(|(_, value)| match value {
            Arg::Variable { value, .. } | Arg::Literal(value) => value.as_u64(),
            _ => None,
        });
        let paged = self.page.as_ref();
        given.or_else(|| paged.map(|page| page.size() as u64))
    }

    /// The same with half as many items in each of the requests that read it; `None` where that is no help.
    pub(super) fn halved(&self) -> Option<Self> {
        let mut half = self.clone();
        half.halve().then_some(half)
    }

    /// Only lists that can be read on lose nothing: those within lists are not.
    fn halve(&mut self) -> bool {
        if let Some(page) = self.page.as_mut().filter(|page| page.after.is_some()) {
            let size = page.size();
            page.most = Some(size / 2);
            return size > 1;
        }
        match self.list {
            true => false,
            // All of them: which one is too much is not known.
            false => {
                let mut any = false;
                for field in self.below.fields.values_mut() {
                    any |= field.halve();
                }
                any
            }
        }
    }
}
