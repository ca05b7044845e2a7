//! Random catalogs, changes and questions from small pools, so that things meet.

use serde_json::json;

use jiff::Timestamp;
use serde_json::Value;

use super::super::*;
use super::naive::Naive;
use crate::diagnostic::Severity;
use crate::sdl::{ColumnId, RelationId};

/// A small generator: the seed is the test case.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

const NAMES: [&str; 14] = [
    "a",
    "B",
    "b2",
    "Pay",
    "pay-api",
    "orders-with-a-long-name-1",
    "orders-with-a-long-name-2",
    "z",
    "Team",
    "élan",
    "x\"y",
    "core",
    "Core2",
    "k",
];
const TYPES: [&str; 6] = ["service", "Service", "library", "ÄPI", "äpi", "website"];
const TAGS: [&str; 5] = ["java", "Java", "go", "a\"b", "tier:1"];
const KINDS: [&str; 7] = [
    "Component",
    "API",
    "Group",
    "User",
    "System",
    "Gauge",
    "Widget",
];

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n.max(1)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn maybe(&mut self, of: &[&str]) -> Value {
        match self.below(4) {
            0 => Value::Null,
            _ => self.one(of).into(),
        }
    }

    fn some<'a>(&mut self, of: &[&'a str]) -> Vec<&'a str> {
        (0..self.below(4)).map(|_| self.one(of)).collect()
    }

    fn a_ref(&mut self, kinds: &[&str]) -> String {
        format!("{}:default/{}", self.one(kinds), self.one(&NAMES))
    }

    fn refs(&mut self, kinds: &[&str]) -> Vec<String> {
        (0..self.below(4)).map(|_| self.a_ref(kinds)).collect()
    }

    fn descriptor(&mut self, kind: &str, name: &str) -> Value {
        let mut spec = json!({
            "type": self.maybe(&TYPES),
            "lifecycle": self.maybe(&["production", "experimental"]),
            "owner": self.a_ref(&["Group", "User"]),
            "dependsOn": self.refs(&["Component", "Widget", "API"]),
            "dependencyOf": self.refs(&["Component"]),
            "parent": self.one(&NAMES),
            "children": self.some(&NAMES),
            "memberOf": self.some(&NAMES),
        });
        if kind == "Gauge" {
            spec = json!({
                "size": ([json!(5), json!(-3), json!(7.0), json!("7"), json!(3_000_000_000_i64), Value::Null][self.below(6)]),
                "ratio": ([json!(0.5), json!(-2), json!(1e300), Value::Null][self.below(4)]),
                "armed": ([json!(true), json!(false), json!("true"), Value::Null][self.below(4)]),
                "since": ([json!("2024-01-01T00:00:00+02:00"), json!("2024-01-01T00:00:00Z"), json!("soon"), Value::Null][self.below(4)]),
                "level": self.maybe(&["hi", "mid", "lo"]),
                "sizes": ([json!([1, 2, "x", 2]), json!([]), json!([3]), json!(4)][self.below(4)]),
                "settings": { "deep": [1, { "x": self.below(3) }] },
            });
        }
        json!({
            "apiVersion": "backstage.io/v1alpha1",
            "kind": kind,
            "metadata": {
                "name": name,
                "title": ([json!("Title"), json!("title"), json!("Ünïcode"), json!(text_marker("ab12", 9)), json!(5), Value::Null][self.below(6)]),
                "description": self.maybe(&["Stores\nthings", "A text that is quite a bit longer than fifteen bytes", "a text that is quite a bit longer than fifteen BYTES!"]),
                "tags": self.some(&TAGS),
                "annotations": { "a.b/c": self.maybe(&["one", "ONE", "2", "10"]), "n": self.below(3) },
                "links": (0..self.below(3)).map(|at| json!({ "url": format!("https://example.com/{at}") })).collect::<Vec<_>>(),
            },
            "spec": spec,
        })
    }

    fn record(&mut self, naive: &Naive) -> Record {
        let kind = self.one(&KINDS);
        let name = self.one(&NAMES);
        let entity_ref = EntityRef::new(kind, "default", name);
        let descriptor = self.descriptor(kind, name);
        let kind = naive.model.kind(kind);
        let minute = self.below(5);
        let at: Timestamp = format!("2026-01-01T00:0{minute}:00Z")
            .parse()
            .expect("time");
        Record {
            id: format!("id-{entity_ref}").into(),
            kind,
            relations: crate::catalog::relations(&naive.model, &entity_ref, kind, &descriptor),
            origin: Origin {
                source: self.one(&["one", "two"]).into(),
                file: self.one(&["a.yaml", "b.yaml"]).into(),
                line: self.below(100) as u32,
                revision: 3,
                url: (self.below(3) == 0).then(|| "https://example.com".into()),
                claims: Vec::new(),
            },
            created_at: at,
            updated_at: at,
            previous_refs: (self.below(6) == 0)
                .then(|| EntityRef::new("component", "old", entity_ref.as_str()))
                .into_iter()
                .collect(),
            descriptor,
            entity_ref,
        }
    }

    pub(super) fn delta(&mut self, naive: &Naive, size: usize) -> Delta {
        let mut delta = Delta {
            revision: 1,
            ..Delta::default()
        };
        for _ in 0..size {
            if self.below(3) == 0 && !naive.records.is_empty() {
                let gone = naive.records.keys().nth(self.below(naive.records.len()));
                delta
                    .removals
                    .extend(gone.map(|own| EntityRef::from_canonical(own.as_str())));
            } else {
                delta.upserts.push(self.record(naive));
            }
        }
        if self.below(2) == 0 {
            let key: (Arc<str>, Arc<str>) = (
                self.one(&["one", "two"]).into(),
                self.one(&["a.yaml", "b.yaml"]).into(),
            );
            let n = self.below(4);
            let problems = (0..n).map(|at| ProblemRecord {
                severity: Severity::Warning,
                code: "some-rule".into(),
                message: format!("message {at}").into(),
                hint: None,
                field: None,
                source: Arc::clone(&key.0),
                file: Arc::clone(&key.1),
                line: Some(at as u32),
                column: None,
                entity_ref: Some(EntityRef::new(
                    self.one(&KINDS),
                    "default",
                    self.one(&NAMES),
                )),
                seen_at: Timestamp::UNIX_EPOCH,
            });
            let problems = problems.collect();
            delta.problems.push((key, problems));
        }
        delta
    }

    pub(super) fn relations(&mut self, model: &Model) -> Vec<RelationId> {
        let n = 1 + self.below(4);
        let all = model.relations.len();
        let mut picked: Vec<_> = (0..n).map(|_| RelationId(self.below(all) as u16)).collect();
        let mut seen = std::collections::HashSet::new();
        picked.retain(|own| seen.insert(*own));
        picked
    }

    pub(super) fn order(&mut self, model: &Model) -> Vec<Order> {
        let orderable: Vec<_> = (0..model.columns.len())
            .filter(|at| model.columns[*at].orderable)
            .collect();
        (0..self.below(3))
            .map(|_| Order {
                column: ColumnId(orderable[self.below(orderable.len())] as u16),
                descending: self.below(2) == 0,
            })
            .collect()
    }

    fn operand(&mut self) -> Value {
        match self.below(10) {
            0 => self.one(&NAMES).into(),
            1 => self.one(&TYPES).into(),
            2 => self.one(&TAGS).into(),
            3 => json!([5, -3, 0, 2][self.below(4)]),
            4 => json!(self.below(2) == 0),
            5 => self
                .one(&[
                    "2024-01-01T00:00:00Z",
                    "2026-01-01T00:02:00Z",
                    "2026-01-01T02:02:00+02:00",
                ])
                .into(),
            6 => self.a_ref(&KINDS).into(),
            7 => self
                .one(&["one", "9", "Title", "2", "HIGH", "0.5", ""])
                .into(),
            8 => self
                .one(&["p", "s", "a", "comp", "Ä", "component:default/"])
                .into(),
            _ => Value::Null,
        }
    }

    fn predicate(&mut self) -> Predicate {
        let text = |random: &mut Self| match random.operand() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match self.below(8) {
            0 => Predicate::Eq(self.operand()),
            1 => Predicate::Ne(self.operand()),
            2 => Predicate::In((0..self.below(4)).map(|_| self.operand()).collect()),
            3 => Predicate::StartsWith(text(self)),
            4 => Predicate::Contains(text(self)),
            5 => Predicate::Exists(self.below(2) == 0),
            6 => Predicate::Lt(self.operand()),
            _ => Predicate::Gt(self.operand()),
        }
    }

    pub(super) fn filter(&mut self, model: &Model, depth: usize) -> Filter {
        let kinds = [None, model.kind("component"), model.kind("gauge")];
        match self.below(if depth > 0 { 13 } else { 9 }) {
            0 => Filter::All,
            1 => Filter::Kind((0..self.below(3)).map(|_| kinds[self.below(3)]).collect()),
            2 | 3 => {
                let columns = (0..1 + self.below(2)).map(|_| {
                    loop {
                        let at = self.below(model.columns.len());
                        if model.columns[at].leaf != crate::sdl::Leaf::Json {
                            break ColumnId(at as u16);
                        }
                    }
                });
                let columns = columns.collect();
                Filter::Column(columns, self.predicate())
            }
            4 | 5 => {
                let path = self.one(&[
                    "spec.type",
                    "metadata.annotations.a.b/c",
                    "metadata.annotations.n",
                    "metadata.links.url",
                    "metadata.tags",
                    "metadata.name",
                    "relations.ownedBy",
                    "relations.nothing",
                    "spec.size",
                    "spec",
                    "spec.settings.deep.x",
                ]);
                Filter::Path(path.into(), self.predicate())
            }
            6 if self.below(2) == 0 => Filter::RelationTo {
                relation: self.relations(model)[0],
                begin: self
                    .some(&["component:", "api:", "group:", "user:"])
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                predicate: self.predicate(),
            },
            6 => Filter::Relation(self.relations(model)[0], self.predicate()),
            7 => Filter::AnyRelation {
                relation: (self.below(2) == 0)
                    .then(|| self.one(&["ownedBy", "dependsOn", "none"]).into()),
                to: (self.below(2) == 0).then(|| self.target()),
            },
            8 => Filter::Within {
                of: self.target(),
                via: self.relations(model).into(),
            },
            9 => Filter::Not(Box::new(self.filter(model, depth - 1))),
            10 | 11 => Filter::And(
                (0..self.below(4))
                    .map(|_| self.filter(model, depth - 1))
                    .collect(),
            ),
            _ => Filter::Or(
                (0..self.below(4))
                    .map(|_| self.filter(model, depth - 1))
                    .collect(),
            ),
        }
    }

    fn target(&mut self) -> EntityRef {
        EntityRef::from_canonical(self.a_ref(&KINDS).to_lowercase())
    }
}
