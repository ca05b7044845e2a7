//! The same questions over plain maps, answered in the most obvious way.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::Value;

use super::super::*;
use crate::sdl::expr::Scope;
use crate::sdl::{ColumnId, ColumnSource, RelationId};
use crate::sdl::{EngineValue, Leaf, ValueBinding};

type Triple = (String, RelationId, String);
type Refs = BTreeSet<String>;

#[derive(Clone)]
pub(super) struct Naive {
    pub(super) model: Arc<Model>,
    pub(super) records: BTreeMap<String, Record>,
    pub(super) problems: BTreeMap<(Arc<str>, Arc<str>), Vec<ProblemRecord>>,
    edges: Vec<Triple>,
}

/// A value as it compares.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Comparable {
    Text(String),
    Number(f64),
    Instant(i128),
    Truth(bool),
}

impl Naive {
    pub(super) fn new(model: Arc<Model>) -> Self {
        Self {
            model,
            records: BTreeMap::new(),
            problems: BTreeMap::new(),
            edges: Vec::new(),
        }
    }

    pub(super) fn apply(&mut self, delta: &Delta) {
        for gone in &delta.removals {
            self.records.remove(gone.as_str());
        }
        for record in &delta.upserts {
            self.records
                .insert(record.entity_ref.to_string(), record.clone());
        }
        for (file, problems) in &delta.problems {
            self.problems.insert(file.clone(), problems.clone());
        }
        let relations = self.records.values().flat_map(|record| &record.relations);
        let edges: BTreeSet<Triple> = relations
            .map(|own| (own.source.to_string(), own.relation, own.target.to_string()))
            .collect();
        self.edges = edges.into_iter().collect();
        let name = |own: &Triple| own.2.split('/').nth(1).map(str::to_owned);
        // Stable: of targets with one name the first by ref stays the first.
        self.edges
            .sort_by_cached_key(|own| (own.0.clone(), own.1, name(own)));
    }

    pub(super) fn previous(&self) -> HashMap<String, String> {
        let all = self.records.values().flat_map(|record| {
            record
                .previous_refs
                .iter()
                .map(|own| (own.to_string(), record.entity_ref.to_string()))
        });
        all.filter(|(previous, _)| !self.records.contains_key(previous))
            .collect()
    }

    pub(super) fn edges(&self) -> &[Triple] {
        &self.edges
    }

    fn source(&self, record: &Record, column: ColumnId) -> Option<&ColumnSource> {
        let columns = match record.kind {
            Some(kind) => &self.model.kind_of(kind).columns,
            None => &self.model.generic_columns,
        };
        columns
            .iter()
            .find(|(own, _)| *own == column)
            .map(|(_, source)| source)
    }

    pub(super) fn column(&self, record: &Record, column: ColumnId) -> Value {
        let binding = match self.source(record, column) {
            None => return Value::Null,
            Some(ColumnSource::Engine(EngineValue::Id)) => return (*record.id).into(),
            Some(ColumnSource::Engine(EngineValue::Ref)) => {
                return record.entity_ref.as_str().into();
            }
            Some(ColumnSource::Engine(EngineValue::CreatedAt)) => {
                return record.created_at.to_string().into();
            }
            Some(ColumnSource::Engine(EngineValue::UpdatedAt)) => {
                return record.updated_at.to_string().into();
            }
            Some(ColumnSource::Value(binding)) => binding,
        };
        let scope = Scope {
            this: Some(&record.descriptor),
            entity: Some(&record.descriptor),
            ..Scope::default()
        };
        let definition = self.model.column(column);
        let read = |value: Value| {
            if !definition.list || definition.leaf == Leaf::Json {
                return leaf(definition.leaf, binding, &value);
            }
            match value {
                Value::Array(items) => {
                    let items = items
                        .iter()
                        .map(|item| leaf(definition.leaf, binding, item));
                    items
                        .filter(|item| !item.is_null())
                        .collect::<Vec<_>>()
                        .into()
                }
                _ => Value::Null,
            }
        };
        match (read(binding.at.eval(&scope).into_owned()), &binding.default) {
            (Value::Null, Some(default)) => read(default.eval(&scope).into_owned()),
            (value, _) => value,
        }
    }

    pub(super) fn select(&self, filter: &Filter) -> Refs {
        let own = self
            .records
            .values()
            .filter(|record| self.holds(record, filter));
        own.map(|record| record.entity_ref.to_string()).collect()
    }

    fn holds(&self, record: &Record, filter: &Filter) -> bool {
        let own_ref = record.entity_ref.as_str();
        match filter {
            Filter::All => true,
            Filter::And(parts) => parts.iter().all(|part| self.holds(record, part)),
            Filter::Or(parts) => parts.iter().any(|part| self.holds(record, part)),
            Filter::Not(part) => !self.holds(record, part),
            Filter::Kind(kinds) => kinds.contains(&record.kind),
            Filter::Column(columns, predicate) => match opposite(predicate) {
                Some(opposite) => !columns
                    .iter()
                    .any(|own| self.column_holds(record, *own, &opposite)),
                None => columns
                    .iter()
                    .any(|own| self.column_holds(record, *own, predicate)),
            },
            Filter::Path(path, predicate) => match opposite(predicate) {
                Some(opposite) => !self.path_holds(record, path, &opposite),
                None => self.path_holds(record, path, predicate),
            },
            Filter::Relation(relation, predicate) => match opposite(predicate) {
                Some(opposite) => !self.relation_holds(own_ref, *relation, None, &opposite),
                None => self.relation_holds(own_ref, *relation, None, predicate),
            },
            Filter::RelationTo {
                relation,
                begin,
                predicate,
            } => match opposite(predicate) {
                Some(opposite) => !self.relation_holds(own_ref, *relation, Some(begin), &opposite),
                None => self.relation_holds(own_ref, *relation, Some(begin), predicate),
            },
            Filter::AnyRelation { relation, to } => {
                self.edges().iter().any(|(source, own, target)| {
                    source == own_ref
                        && relation
                            .as_ref()
                            .is_none_or(|name| *self.model.relation(*own).name == **name)
                        && to.as_ref().is_none_or(|to| to.as_str() == target)
                })
            }
            Filter::Within { of, via } => self.closure(of.as_str(), via).contains(own_ref),
        }
    }

    fn column_holds(&self, record: &Record, column: ColumnId, predicate: &Predicate) -> bool {
        let definition = self.model.column(column);
        let value = self.column(record, column);
        let (values, list) = match value {
            Value::Null => return false,
            Value::Array(items) if definition.list => (items, true),
            other => (vec![other], false),
        };
        if *predicate == Predicate::Exists(true) {
            return !values.is_empty();
        }
        values
            .iter()
            .any(|own| holds(definition.leaf, own, predicate, list))
    }

    fn path_holds(&self, record: &Record, path: &str, predicate: &Predicate) -> bool {
        if let Some(name) = path.strip_prefix("relations.") {
            let relation = self.model.relation_by_name.get(name);
            return relation.is_some_and(|own| {
                self.relation_holds(record.entity_ref.as_str(), *own, None, predicate)
            });
        }
        if let Some(at) = self
            .model
            .columns
            .iter()
            .position(|own| own.path.as_deref() == Some(path))
        {
            let column = ColumnId(at as u16);
            if self.source(record, column).is_some() {
                return self.column_holds(record, column, predicate);
            }
        }
        let mut found = paths::Found::default();
        paths::find(&record.descriptor, path, false, &mut found);
        if *predicate == Predicate::Exists(true) {
            return found.nested || !found.single.is_empty() || !found.items.is_empty();
        }
        let text_holds = |text: &String, list: bool| match predicate {
            Predicate::Lt(value) | Predicate::Gt(value) => {
                let wanted = if matches!(predicate, Predicate::Lt(_)) {
                    Ordering::Less
                } else {
                    Ordering::Greater
                };
                let operand = match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let numbers = (text.parse::<f64>(), operand.parse::<f64>());
                let order = match numbers {
                    (Ok(own), Ok(other)) => own.partial_cmp(&other),
                    _ => Some(value::fold(text).cmp(&value::fold(&operand))),
                };
                order == Some(wanted)
            }
            _ => holds(Leaf::String, &text.as_str().into(), predicate, list),
        };
        found.single.iter().any(|text| text_holds(text, false))
            || found.items.iter().any(|text| text_holds(text, true))
    }

    fn relation_holds(
        &self,
        source: &str,
        relation: RelationId,
        begin: Option<&[String]>,
        predicate: &Predicate,
    ) -> bool {
        let edges = self.edges();
        let mut targets = edges
            .iter()
            .filter(|own| own.0 == source && own.1 == relation)
            .filter(|own| {
                begin.is_none_or(|begin| begin.iter().any(|begin| own.2.starts_with(begin)))
            })
            .map(|own| &own.2);
        if *predicate == Predicate::Exists(true) {
            return targets.next().is_some();
        }
        targets.any(|target| holds(Leaf::String, &target.as_str().into(), predicate, false))
    }

    pub(super) fn sorted(&self, refs: &Refs, order: &[Order]) -> Vec<String> {
        let name = self.model.column_by_name["name"][0];
        let default = [Order {
            column: name,
            descending: false,
        }];
        let order = if order.is_empty() { &default } else { order };
        let mut sorted: Vec<String> = refs.iter().cloned().collect();
        let key = |own: &str, column: ColumnId| {
            let value = self.column(&self.records[own], column);
            comparable(self.model.column(column).leaf, &value)
        };
        sorted.sort_by(|left, right| {
            let by = order.iter().map(|criterion| {
                match (key(left, criterion.column), key(right, criterion.column)) {
                    (Some(a), Some(b)) => {
                        let own = a.partial_cmp(&b).expect("comparable");
                        if criterion.descending {
                            own.reverse()
                        } else {
                            own
                        }
                    }
                    (a, b) => a.is_none().cmp(&b.is_none()),
                }
            });
            by.fold(Ordering::Equal, Ordering::then)
                .then_with(|| left.cmp(right))
        });
        sorted
    }

    pub(super) fn facet(&self, refs: &Refs, by: &str) -> BTreeSet<(String, u64)> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for own in refs {
            let mut values = Refs::new();
            if let Some(name) = by.strip_prefix("relations.") {
                let relation = self.model.relation_by_name[name];
                values.extend(
                    self.edges()
                        .iter()
                        .filter(|edge| edge.0 == *own && edge.1 == relation)
                        .map(|edge| edge.2.clone()),
                );
            } else {
                self.facet_values(&self.records[own], by, &mut values);
            }
            for value in values {
                *counts.entry(value).or_default() += 1;
            }
        }
        counts.into_iter().collect()
    }

    fn facet_values(&self, record: &Record, by: &str, values: &mut Refs) {
        let named = self.model.column_by_name.get(by).cloned();
        let at_path = self
            .model
            .columns
            .iter()
            .position(|own| own.path.as_deref() == Some(by));
        let columns = named
            .clone()
            .unwrap_or_else(|| at_path.map(|at| ColumnId(at as u16)).into_iter().collect());
        let mut covered = named.is_some();
        for column in columns {
            covered |= self.source(record, column).is_some();
            let items = match self.column(record, column) {
                Value::Null => Vec::new(),
                Value::Array(items) => items,
                other => vec![other],
            };
            values.extend(items.iter().map(|item| match item {
                Value::String(text) => value::fold(text),
                other => other.to_string(),
            }));
        }
        if !covered {
            let mut found = paths::Found::default();
            paths::find(&record.descriptor, by, false, &mut found);
            values.extend(
                found
                    .single
                    .iter()
                    .chain(&found.items)
                    .map(|text| value::fold(text)),
            );
        }
    }

    pub(super) fn steps(&self, from: &str, types: &[RelationId]) -> Refs {
        let edges = self
            .edges()
            .iter()
            .filter(|own| own.0 == from && types.contains(&own.1));
        edges
            .map(|own| own.2.clone())
            .filter(|to| self.records.contains_key(to))
            .collect()
    }

    fn spread(&self, starts: &Refs, types: &[RelationId], depth: u32) -> Refs {
        let mut all = Refs::new();
        let mut frontier = starts.clone();
        for _ in 0..depth.min(100) {
            let next: Refs = frontier
                .iter()
                .flat_map(|own| self.steps(own, types))
                .collect();
            frontier = next.difference(&all).cloned().collect();
            all.extend(frontier.iter().cloned());
        }
        all
    }

    pub(super) fn closure(&self, start: &str, via: &[RelationId]) -> Refs {
        let starts = Refs::from([start.to_owned()]);
        match via.split_last() {
            None => Refs::new(),
            Some((_, [])) => self.spread(&starts, via, 100),
            Some((last, spreading)) => {
                let mut from = self.spread(&starts, spreading, 100);
                from.extend(starts);
                from.iter()
                    .flat_map(|own| self.steps(own, &[*last]))
                    .collect()
            }
        }
    }

    pub(super) fn ascent(&self, start: &str, via: &[RelationId]) -> Refs {
        let first = self.steps(start, &via[..1]);
        let mut all = self.spread(&first, &via[1..], 100);
        all.extend(first);
        all
    }

    pub(super) fn reach(&self, start: &str, via: &[RelationId], depth: u32) -> Refs {
        let mut all = self.spread(&Refs::from([start.to_owned()]), via, depth);
        all.remove(start);
        all
    }

    pub(super) fn distance(&self, from: &str, to: &str, types: &[RelationId]) -> Option<usize> {
        if from == to {
            return Some(0);
        }
        let levels = self.levels(from, types, Direction::Out);
        levels.iter().find(|own| own.1 == to).map(|own| own.0)
    }

    /// Everything reached with its distance, by distance, then ref.
    pub(super) fn levels(
        &self,
        from: &str,
        types: &[RelationId],
        direction: Direction,
    ) -> Vec<(usize, String)> {
        let edges = self.edges();
        let mut seen = Refs::from([from.to_owned()]);
        let mut found = Vec::new();
        let mut frontier = seen.clone();
        for degree in 1.. {
            let next = edges
                .iter()
                .filter(|own| types.contains(&own.1))
                .filter_map(|(source, _, target)| match direction {
                    Direction::Out => frontier.contains(source).then_some(target),
                    Direction::In => frontier.contains(target).then_some(source),
                });
            frontier = next
                .filter(|own| self.records.contains_key(*own) && !seen.contains(*own))
                .cloned()
                .collect();
            if frontier.is_empty() {
                break;
            }
            seen.extend(frontier.iter().cloned());
            found.extend(frontier.iter().map(|own| (degree, own.clone())));
        }
        found
    }
}

fn leaf(leaf: Leaf, binding: &ValueBinding, value: &Value) -> Value {
    match (leaf, value) {
        (Leaf::Json, value) => value.clone(),
        (Leaf::String, Value::String(_))
        | (Leaf::Boolean, Value::Bool(_))
        | (Leaf::Float, Value::Number(_)) => value.clone(),
        (Leaf::Int, Value::Number(number)) => {
            let float = number
                .as_f64()
                .filter(|own| own.fract() == 0.0 && own.abs() < 2e9);
            float.map_or(Value::Null, |own| (own as i64).into())
        }
        (Leaf::DateTime, Value::String(text)) => text
            .parse::<Timestamp>()
            .map_or(Value::Null, |own| own.to_string().into()),
        (Leaf::Enum, Value::String(word)) => {
            let case = binding
                .cases
                .iter()
                .find(|own| *own.0 == **word)
                .map(|own| &*own.1);
            match case.or(binding.otherwise.as_deref()) {
                None if binding.cases.is_empty() => value.clone(),
                found => found.into(),
            }
        }
        _ => Value::Null,
    }
}

fn opposite(predicate: &Predicate) -> Option<Predicate> {
    match predicate {
        Predicate::Ne(value) => Some(Predicate::Eq(value.clone())),
        Predicate::Exists(false) => Some(Predicate::Exists(true)),
        _ => None,
    }
}

fn comparable(leaf: Leaf, value: &Value) -> Option<Comparable> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    Some(match leaf {
        Leaf::Boolean => Comparable::Truth(text.parse().ok()?),
        Leaf::Int | Leaf::Float => Comparable::Number(text.parse().ok()?),
        Leaf::DateTime => Comparable::Instant(text.parse::<Timestamp>().ok()?.as_nanosecond()),
        _ => Comparable::Text(value::fold(&text)),
    })
}

fn holds(leaf: Leaf, own: &Value, predicate: &Predicate, list: bool) -> bool {
    let text = match own {
        Value::String(text) => value::fold(text),
        other => other.to_string(),
    };
    let order = |other: &Value| {
        let other = comparable(leaf, other)?;
        comparable(leaf, own)?.partial_cmp(&other)
    };
    match predicate {
        Predicate::Eq(other) => order(other) == Some(Ordering::Equal),
        Predicate::In(others) => others
            .iter()
            .any(|other| order(other) == Some(Ordering::Equal)),
        Predicate::Lt(other) => order(other) == Some(Ordering::Less),
        Predicate::Gt(other) => order(other) == Some(Ordering::Greater),
        Predicate::StartsWith(prefix) => text.starts_with(&value::fold(prefix)),
        Predicate::Contains(part) if list => order(&part.as_str().into()) == Some(Ordering::Equal),
        Predicate::Contains(part) => text.contains(&value::fold(part)),
        Predicate::Ne(_) | Predicate::Exists(_) => false,
    }
}
