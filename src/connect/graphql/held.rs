//! What is kept of an upstream's object: its JSON, and when each field of it was fetched.
//!
//! An entry is a list of two: the ages, as a tree with the time (microseconds since 1970) at every leaf, and the object around the root field.
//! A list is one unit: it is held with all that is wanted of its items, or it is fetched again.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::need::{Ages, Behind, Field, Need};
use crate::cache::{Content, Entry};
use crate::sdl::expr;

static NULL: Value = Value::Null;

/// What an entry holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::connect) struct Held {
    pub(in crate::connect) ages: Map<String, Value>,
    pub(in crate::connect) tree: Map<String, Value>,
}

/// How what is wanted compares with what is held.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::connect) struct Look {
    /// To be fetched first.
    pub(in crate::connect) missing: Need,
    /// At hand, and to be fetched again behind.
    pub(in crate::connect) stale: Need,
    /// When the oldest part was fetched.
    pub(in crate::connect) oldest: Option<i64>,
    /// For how long everything at hand is fresh.
    pub(in crate::connect) left: Option<Duration>,
}

/// How old one part is.
enum Age {
    Fresh(Duration),
    Stale,
    Over,
}

struct Looker<'n> {
    now: i64,
    look: &'n mut Look,
}

/// Looks for a root field in what an entry holds.
pub(in crate::connect) fn look(
    key: &str,
    field: &Field,
    entry: &Entry,
    ages: Ages,
    now: Timestamp,
) -> Look {
    let (held, tree) = match entry.json().and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Object(held), Value::Object(tree)]) => (Some(held), Some(tree)),
        _ => (None, None),
    };
    look_in(key, field, (held, tree), ages, now)
}

/// Ages, and the values themselves.
type Parts<'p> = (
    Option<&'p Map<String, Value>>,
    Option<&'p Map<String, Value>>,
);

fn look_in(key: &str, field: &Field, (held, tree): Parts<'_>, ages: Ages, now: Timestamp) -> Look {
    let mut look = Look::default();
    let mut looker = Looker {
        now: now.as_microsecond(),
        look: &mut look,
    };
    let (mut missing, mut stale) = (Need::default(), Need::default());
    let own = held.and_then(|held| held.get(key));
    let value = tree.and_then(|tree| tree.get(key)).unwrap_or(&NULL);
    looker.field(key, field, own, value, ages, (&mut missing, &mut stale));
    look.missing = missing;
    look.stale = stale;
    look
}

impl Looker<'_> {
    /// What is missing and what is stale of one field.
    fn field(
        &mut self,
        key: &str,
        field: &Field,
        own: Option<&Value>,
        value: &Value,
        ages: Ages,
        (missing, stale): (&mut Need, &mut Need),
    ) {
        let ages = field.ages.unwrap_or(ages);
        let Some(own) = own else {
            missing.fields.insert(key.into(), field.clone());
            return;
        };
        if self.is_over(field, value) {
            missing.fields.insert(key.into(), field.clone());
            return;
        }
        if field.list || field.is_leaf() {
            self.unit(key, field, own, value, ages, (missing, stale));
            return;
        }
        let (mut lacking, mut old) = (Need::default(), Need::default());
        for (key, field) in &field.below.fields {
            let own = own.get(&**key);
            let value = value.get(&**key).unwrap_or(&NULL);
            self.field(key, field, own, value, ages, (&mut lacking, &mut old));
        }
        for (into, below) in [(missing, lacking), (stale, old)] {
            if !below.is_empty() {
                let field = Field {
                    below,
                    ..field.clone()
                };
                into.fields.insert(key.into(), field);
            }
        }
    }

    /// Whether an end has come that its objects named; one that is ahead bounds how long they are fresh.
    fn is_over(&mut self, field: &Field, value: &Value) -> bool {
        let Some(end) = end_of(field, value) else {
            return false;
        };
        let left = end.as_microsecond().saturating_sub(self.now);
        if left <= 0 {
            return true;
        }
        let left = Duration::from_micros(left.unsigned_abs());
        self.look.left = Some(self.look.left.map_or(left, |known| known.min(left)));
        false
    }

    /// A leaf or a list: all of it or nothing.
    fn unit(
        &mut self,
        key: &str,
        field: &Field,
        own: &Value,
        value: &Value,
        ages: Ages,
        (missing, stale): (&mut Need, &mut Need),
    ) {
        let Some(at) = oldest(field, own) else {
            missing.fields.insert(key.into(), field.clone());
            return;
        };
        match self.age(at, ages) {
            Age::Over => {
                missing.fields.insert(key.into(), field.clone());
                return;
            }
            Age::Stale => {
                stale.fields.insert(key.into(), field.clone());
                self.look.left = Some(Duration::ZERO);
            }
            Age::Fresh(left) => {
                let least = self.look.left.map_or(left, |known| known.min(left));
                self.look.left = Some(least);
            }
        }
        if let Some(onward) = onward(field, value) {
            missing.fields.insert(key.into(), onward);
            return;
        }
        if !reaches(&field.below, value) {
            missing.fields.insert(key.into(), field.clone());
            return;
        }
        let oldest = self.look.oldest.map_or(at, |known| known.min(at));
        self.look.oldest = Some(oldest);
    }

    fn age(&self, at: i64, ages: Ages) -> Age {
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let fresh_until = at.saturating_add(micros(ages.fresh));
        if self.now < fresh_until {
            let left = fresh_until.saturating_sub(self.now);
            return Age::Fresh(Duration::from_micros(left.unsigned_abs()));
        }
        match self.now < fresh_until.saturating_add(micros(ages.stale)) {
            true => Age::Stale,
            false => Age::Over,
        }
    }
}

/// The earliest end that objects of a field name; a list is one unit, so those within its items count as well.
fn end_of(field: &Field, value: &Value) -> Option<Timestamp> {
    let own = field.until.as_ref().and_then(|until| until.earliest(value));
    if !field.list || !field.below.has_end() {
        return own;
    }
    let below = end_within(&field.below, value);
    own.into_iter().chain(below).min()
}

fn end_within(need: &Need, value: &Value) -> Option<Timestamp> {
    match value {
        Value::Array(items) => items.iter().filter_map(|item| end_within(need, item)).min(),
        Value::Object(members) => {
            let each = need.fields.iter().filter_map(|(key, field)| {
                let value = members.get(&**key)?;
                let own = field.until.as_ref().and_then(|until| until.earliest(value));
                own.into_iter().chain(end_within(&field.below, value)).min()
            });
            each.min()
        }
        _ => None,
    }
}

/// When the oldest part of a field was fetched; `None` if a part of it never was.
fn oldest(field: &Field, own: &Value) -> Option<i64> {
    match own {
        Value::Number(at) if field.is_leaf() => at.as_i64(),
        Value::Object(held) => {
            let each = field.below.fields.iter();
            let mut each = each.map(|(key, field)| oldest(field, held.get(&**key)?));
            each.try_fold(i64::MAX, |least, at| Some(least.min(at?)))
        }
        _ => None,
    }
}

/// Whether the lists within a list were read as far as is wanted: they cannot be read on by themselves.
fn reaches(need: &Need, value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| reaches(need, item)),
        Value::Object(members) => need.fields.iter().all(|(key, field)| {
            let Some(value) = members.get(&**key) else {
                return true;
            };
            let far = field.page.as_ref().is_none_or(|page| {
                let nodes = value.get("nodes").and_then(Value::as_array);
                let more = value
                    .get("pageInfo")
                    .and_then(|info| info.get("hasNextPage"));
                more != Some(&Value::Bool(true))
                    || nodes.is_none_or(|nodes| nodes.len() >= page.size())
            });
            far && reaches(&field.below, value)
        }),
        _ => true,
    }
}

/// The rest of a connection of which more is wanted than is held, if there is more.
fn onward(field: &Field, value: &Value) -> Option<Field> {
    let page = field.page.as_ref()?;
    field.below.fields.get("nodes")?;
    let held = value.get("nodes")?.as_array()?.len();
    let info = value.get("pageInfo")?;
    let more = info.get("hasNextPage").and_then(Value::as_bool) == Some(true);
    let cursor = info.get("endCursor").and_then(Value::as_str)?;
    if held >= page.rows || !more || page.after.is_none() {
        return None;
    }
    let mut onward = field.clone();
    onward.page.as_mut()?.from = Some(Behind {
        cursor: cursor.into(),
        held,
    });
    Some(onward)
}

impl Held {
    pub(in crate::connect) fn of(entry: &Entry) -> Self {
        match entry.json().and_then(Value::as_array).map(Vec::as_slice) {
            Some([Value::Object(ages), Value::Object(tree)]) => Self {
                ages: ages.clone(),
                tree: tree.clone(),
            },
            _ => Self::default(),
        }
    }

    pub(in crate::connect) fn into_content(self) -> Content {
        Content::Json(Value::Array(vec![
            Value::Object(self.ages),
            Value::Object(self.tree),
        ]))
    }

    /// Takes over what was fetched of a root field; the reason, if a list could not be read on. Nulls with a reason stand in the tree and are not held.
    pub(in crate::connect) fn add(
        &mut self,
        need: &Need,
        fetched: Map<String, Value>,
        now: Timestamp,
    ) -> Option<Value> {
        add(
            need,
            (&mut self.ages, &mut self.tree),
            fetched,
            now.as_microsecond(),
        )
    }

    /// What is wanted and not held.
    pub(in crate::connect) fn look(
        &self,
        key: &str,
        field: &Field,
        ages: Ages,
        now: Timestamp,
    ) -> Look {
        look_in(key, field, (Some(&self.ages), Some(&self.tree)), ages, now)
    }

    /// For how long everything is fresh that is held of what `known` can ask for beneath a root field.
    pub(in crate::connect) fn fresh_for(
        &self,
        key: &str,
        field: &Field,
        known: &Need,
        ages: Ages,
        now: Timestamp,
    ) -> Option<Duration> {
        if field.list || field.is_leaf() {
            return self.look(key, field, ages, now).left;
        }
        let mut look = Look::default();
        let mut looker = Looker {
            now: now.as_microsecond(),
            look: &mut look,
        };
        let ages = field.ages.unwrap_or(ages);
        let (mut missing, mut stale) = (Need::default(), Need::default());
        let (own, value) = (self.ages.get(key)?, self.tree.get(key).unwrap_or(&NULL));
        for (key, field) in &known.fields {
            let own = own.get(&**key);
            let value = value.get(&**key).unwrap_or(&NULL);
            looker.field(key, field, own, value, ages, (&mut missing, &mut stale));
        }
        look.left
    }

    /// Puts a null with a reason wherever something that is wanted is not held.
    pub(in crate::connect) fn fail(&mut self, missing: &Need, reason: &Value) {
        fail(missing, &self.ages, &mut self.tree, reason);
    }

    /// The same without nulls that have a reason: they are told once and not kept.
    pub(in crate::connect) fn without_faults(mut self) -> Option<Self> {
        let mut any = false;
        self.tree.values_mut().for_each(|value| any |= clear(value));
        any.then_some(self)
    }

    /// Adds to what is wanted of lists what is held of them already and `known` can ask for: a list is replaced as a whole.
    pub(in crate::connect) fn complete(&self, wanted: &mut Need, root: &str, known: &Need) {
        let (Some(field), Some(Value::Object(own))) =
            (wanted.fields.get_mut(root), self.ages.get(root))
        else {
            return;
        };
        match field.list {
            true => field.below.merge(&part(known, own)),
            false => complete(&mut field.below, own, known),
        }
    }

    /// Forgets what is older than anybody would be told.
    pub(in crate::connect) fn forget(&mut self, before: i64) {
        forget(&mut self.ages, &mut self.tree, before);
    }
}

fn add(
    need: &Need,
    (ages, tree): (&mut Map<String, Value>, &mut Map<String, Value>),
    mut fetched: Map<String, Value>,
    now: i64,
) -> Option<Value> {
    let mut stopped = None;
    for (key, field) in &need.fields {
        let mut value = fetched.remove(&**key).unwrap_or(Value::Null);
        let from = field.page.as_ref().and_then(|page| page.from.as_ref());
        if let Some(from) = from {
            let nodes = value.get("nodes").unwrap_or(&NULL);
            if let Some(reason) = [&value, nodes].into_iter().find_map(expr::fault_of) {
                stopped = stopped.or(Some(reason.clone()));
                continue;
            }
            let known = tree.get_mut(&**key);
            let appended = known.is_some_and(|known| append(known, &mut value, from));
            match ages.get_mut(&**key) {
                Some(own) if appended => retain(own, field),
                // It is read again when it is wanted.
                _ => drop(ages.remove(&**key)),
            }
            continue;
        }
        let inner = !field.list && !field.is_leaf() && expr::fault_of(&value).is_none();
        if inner
            && value.is_object()
            && let Some(Value::Object(ages)) = ages.get_mut(&**key)
            && let Some(Value::Object(tree)) = tree.get_mut(&**key)
        {
            if let Value::Object(fetched) = value {
                stopped = stopped.or(add(&field.below, (ages, tree), fetched, now));
            }
            continue;
        }
        match held(field, &value, now) {
            Some(own) => drop(ages.insert(key.to_string(), own)),
            None => drop(ages.remove(&**key)),
        }
        tree.insert(key.to_string(), value);
    }
    stopped
}

/// The ages of what was fetched just now; `None` where it is null for a reason.
fn held(field: &Field, value: &Value, now: i64) -> Option<Value> {
    if expr::fault_of(value).is_some() || (field.list && has_fault(value)) {
        return None;
    }
    if field.is_leaf() {
        return Some(now.into());
    }
    let below = field.below.fields.iter();
    let below = below.filter_map(|(key, field)| {
        let value = match value {
            Value::Object(members) => members.get(&**key).unwrap_or(&NULL),
            // A list without faults, or nothing: so is all that is beneath it.
            _ => &NULL,
        };
        Some((key.to_string(), held(field, value, now)?))
    });
    Some(Value::Object(below.collect()))
}

/// Puts a further page behind what is known; false if that cannot be held as it is.
fn append(known: &mut Value, page: &mut Value, from: &Behind) -> bool {
    let is_whole = !has_fault(page);
    let (Some(known), Some(page)) = (known.as_object_mut(), page.as_object_mut()) else {
        return false;
    };
    let Some(Value::Array(more)) = page.remove("nodes") else {
        return false;
    };
    match known.get_mut("nodes") {
        // Somebody else was faster.
        Some(Value::Array(items)) if items.len() == from.held => items.extend(more),
        _ => return false,
    }
    for (name, value) in std::mem::take(page) {
        known.insert(name, value);
    }
    is_whole
}

/// There is no way on in a connection, for a reason that is told where it would go on.
fn stop(connection: &mut Value, reason: &Value) {
    let info = connection.get_mut("pageInfo");
    if let Some(cursor) = info.and_then(|info| info.get_mut("endCursor")) {
        *cursor = expr::fault(reason.clone());
    }
}

/// Why a connection was not read as far as somebody wanted.
pub(in crate::connect) fn stopped(connection: &Map<String, Value>) -> Option<&Value> {
    expr::fault_of(connection.get("pageInfo")?.get("endCursor")?)
}

/// Forgets what a further page was not asked for.
fn retain(own: &mut Value, field: &Field) {
    if let Value::Object(own) = own {
        own.retain(|key, own| match field.below.fields.get(key.as_str()) {
            Some(field) => {
                retain(own, field);
                true
            }
            None => false,
        });
    }
}

/// Whether anything of it could not be fetched, and says so.
pub(super) fn has_fault(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_fault),
        Value::Object(members) => {
            expr::fault_of(value).is_some() || members.values().any(has_fault)
        }
        _ => false,
    }
}

fn fail(missing: &Need, ages: &Map<String, Value>, tree: &mut Map<String, Value>, reason: &Value) {
    for (key, field) in &missing.fields {
        if field.page.as_ref().is_some_and(|page| page.from.is_some()) {
            // As far as it was read it is there.
            if let Some(known) = tree.get_mut(&**key) {
                stop(known, reason);
            }
            continue;
        }
        let inner = !field.list && !field.is_leaf();
        if inner
            && let Some(Value::Object(ages)) = ages.get(&**key)
            && let Some(Value::Object(tree)) = tree.get_mut(&**key)
        {
            fail(&field.below, ages, tree, reason);
            continue;
        }
        tree.insert(key.to_string(), expr::fault(reason.clone()));
    }
}

/// Nulls in the place of nulls with a reason; whether there were any.
fn clear(value: &mut Value) -> bool {
    if expr::fault_of(value).is_some() {
        *value = Value::Null;
        return true;
    }
    let mut any = false;
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| any |= clear(item)),
        Value::Object(members) => members.values_mut().for_each(|value| any |= clear(value)),
        _ => {}
    }
    any
}

fn complete(wanted: &mut Need, ages: &Map<String, Value>, known: &Need) {
    for (key, field) in &mut wanted.fields {
        let (Some(Value::Object(own)), Some(known)) = (ages.get(&**key), known.fields.get(key))
        else {
            continue;
        };
        match field.list {
            true => field.below.merge(&part(&known.below, own)),
            false => complete(&mut field.below, own, &known.below),
        }
    }
}

/// What of `known` is held.
fn part(known: &Need, ages: &Map<String, Value>) -> Need {
    let fields = known.fields.iter().filter_map(|(key, field)| {
        let field = match ages.get(&**key)? {
            Value::Object(own) if !field.is_leaf() => Field {
                below: part(&field.below, own),
                ..field.clone()
            },
            _ if field.is_leaf() => field.clone(),
            _ => return None,
        };
        Some((key.clone(), field))
    });
    Need {
        fields: fields.collect(),
    }
}

fn forget(ages: &mut Map<String, Value>, tree: &mut Map<String, Value>, before: i64) {
    ages.retain(|key, own| {
        let keep = match own {
            Value::Object(own) => match tree.get_mut(key) {
                Some(Value::Object(tree)) => {
                    forget(own, tree, before);
                    // What is null for a reason has no age, and is told once.
                    !own.is_empty() || !tree.is_empty()
                }
                _ => oldest_of(own) >= before,
            },
            own => own.as_i64().is_some_and(|at| at >= before),
        };
        if !keep {
            tree.remove(key);
        }
        keep
    });
}

fn oldest_of(ages: &Map<String, Value>) -> i64 {
    let each = ages.values().map(|own| match own {
        Value::Object(own) => oldest_of(own),
        own => own.as_i64().unwrap_or_default(),
    });
    each.min().unwrap_or_default()
}
