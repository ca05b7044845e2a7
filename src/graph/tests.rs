//! The snapshot against a naive one: random changes, and after each of them every query asked of both.

mod naive;
mod random;

use std::borrow::Cow;
use std::collections::BTreeSet;

use proptest::prelude::*;

use self::naive::Naive;
use self::random::Random;
use super::*;
use crate::sdl::{ColumnId, KindId, RelationId, Targets};
use serde_json::Value;

fn model() -> Arc<Model> {
    let mut files = crate::sdl::core_files();
    files.push(crate::sdl::SdlFile {
        path: "gauge.graphql".into(),
        text: r#"
            type Gauge @kind(apiVersions: ["example.com/v1"]) {
              size: Int
              ratio: Float
              armed: Boolean
              since: DateTime
              level: Level @field(enum: [{ from: "hi", to: "HIGH" }], else: "LOW")
              sizes: [Int]
              settings: JSON
            }
            enum Level { HIGH LOW }
        "#
        .to_owned(),
        connector: None,
    });
    let (model, problems) = crate::sdl::load(&files);
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Arc::new(model.unwrap_or_else(|| panic!("{problems:#?}")))
}

fn refs(snapshot: &Snapshot, set: &RoaringBitmap) -> BTreeSet<String> {
    set.iter()
        .map(|ix| snapshot.entity_ref(Ix(ix)).to_owned())
        .collect()
}

fn check_entities(snapshot: &Snapshot, naive: &Naive) {
    assert_eq!(snapshot.len(), naive.records.len());
    for (entity_ref, record) in &naive.records {
        let ix = snapshot.find(entity_ref).expect(entity_ref);
        assert_eq!(snapshot.entity_ref(ix), entity_ref);
        assert_eq!(snapshot.id(ix), &*record.id);
        assert_eq!(snapshot.find_id(&record.id), Some(ix));
        assert_eq!(snapshot.kind(ix), record.kind);
        assert_eq!(snapshot.descriptor(ix), record.descriptor);
        assert_eq!(snapshot.origin(ix).as_ref(), Some(&record.origin));
        assert_eq!(snapshot.previous_refs(ix), record.previous_refs);
        for at in 0..snapshot.model().columns.len() {
            let column = ColumnId(at as u16);
            let expected = naive.column(record, column);
            let name = &snapshot.model().column(column).name;
            assert_eq!(snapshot.column(ix, column), expected, "{entity_ref} {name}");
            let mut json = Vec::new();
            let written = snapshot.write_column(ix, column, &mut json);
            match written {
                Written::Text(hash) => {
                    assert_eq!(Some(hash), expected.as_str().and_then(marked_text))
                }
                Written::Null => assert_eq!(expected, Value::Null),
                Written::Value => {
                    let json: Value = serde_json::from_slice(&json).expect("json");
                    assert_eq!(json, expected);
                }
            }
        }
    }
    for (previous, current) in naive.previous() {
        assert_eq!(
            snapshot.find(&previous).map(|ix| snapshot.entity_ref(ix)),
            Some(&*current)
        );
    }
}

fn check_edges(snapshot: &Snapshot, naive: &Naive, random: &mut Random) {
    let all = naive.edges();
    let named = |(source, edge): &(Ix, Edge)| {
        let of = |ix| snapshot.entity_ref(ix).to_owned();
        (of(*source), edge.relation, of(edge.target))
    };
    let mut mentioned: BTreeSet<&str> = naive.records.keys().map(String::as_str).collect();
    for (source, _, target) in all {
        mentioned.extend([source.as_str(), target.as_str()]);
    }
    for entity_ref in &mentioned {
        let ix = snapshot.lookup_ref(entity_ref).expect(entity_ref);
        let out: Vec<_> = snapshot
            .edges(ix)
            .iter()
            .map(|edge| named(&(ix, *edge)))
            .collect();
        let expected: Vec<_> = all
            .iter()
            .filter(|edge| edge.0 == **entity_ref)
            .cloned()
            .collect();
        assert_eq!(out, expected);
        let back = snapshot.edges_back(ix).iter();
        let back: BTreeSet<_> = back
            .map(|edge| {
                named(&(
                    edge.target,
                    Edge {
                        target: ix,
                        ..*edge
                    },
                ))
            })
            .collect();
        let expected: BTreeSet<_> = all
            .iter()
            .filter(|edge| edge.2 == **entity_ref)
            .cloned()
            .collect();
        assert_eq!(back, expected);
    }
    // Nothing else has an index: what nothing refers to any more was given back.
    let known = snapshot.refs.values().map(index::Entry::len).sum::<u64>();
    assert_eq!(known, mentioned.len() as u64);
    assert_eq!(
        snapshot.n_indexes as usize - snapshot.free.len(),
        mentioned.len()
    );
    let pick = |random: &mut Random| {
        let at = random.below(mentioned.len().max(1));
        let entity_ref = mentioned.iter().nth(at)?;
        Some(*entity_ref).filter(|_| random.below(3) == 0)
    };
    for _ in 0..4 {
        let (source, target) = (pick(random), pick(random));
        let relation = (random.below(2) == 0)
            .then(|| RelationId(random.below(snapshot.model().relations.len()) as u16));
        let filter = EdgeFilter {
            relation,
            source: source.and_then(|own| snapshot.lookup_ref(own)),
            target: target.and_then(|own| snapshot.lookup_ref(own)),
        };
        let expected: Vec<_> = all
            .iter()
            .filter(|edge| source.is_none_or(|own| own == edge.0))
            .filter(|edge| target.is_none_or(|own| own == edge.2))
            .filter(|edge| relation.is_none_or(|own| own == edge.1))
            .filter(|edge| naive.records.contains_key(&edge.0))
            .cloned()
            .collect();
        assert_eq!(snapshot.edge_count(&filter), expected.len() as u64);
        let n = 1 + random.below(5);
        for backward in [false, true] {
            let mut found = Vec::new();
            let mut cursor: Option<String> = None;
            loop {
                let window = if backward {
                    Window {
                        last: Some(n),
                        before: cursor.as_deref(),
                        ..Window::default()
                    }
                } else {
                    Window {
                        first: Some(n),
                        after: cursor.as_deref(),
                        ..Window::default()
                    }
                };
                let page = snapshot.edge_page(&filter, &window).expect("cursor");
                assert_eq!(
                    if backward {
                        page.has_next
                    } else {
                        page.has_previous
                    },
                    cursor.is_some()
                );
                let items = page.items.iter().map(named);
                if backward {
                    found.splice(0..0, items);
                } else {
                    found.extend(items);
                }
                let end = if backward {
                    page.items.first()
                } else {
                    page.items.last()
                };
                let Some((source, edge)) = end else { break };
                cursor = Some(snapshot.edge_cursor(*source, edge));
                if !(if backward {
                    page.has_previous
                } else {
                    page.has_next
                }) {
                    break;
                }
            }
            assert_eq!(found, expected);
        }
    }
}

fn check_filters(snapshot: &Snapshot, naive: &Naive, random: &mut Random) {
    for _ in 0..12 {
        let filter = random.filter(snapshot.model(), 2);
        let found = snapshot.select(&filter);
        assert_eq!(refs(snapshot, &found), naive.select(&filter), "{filter:?}");
        assert_eq!(snapshot.count(&filter), found.len());
        check_pages(snapshot, naive, &found, random);
        check_held(snapshot, &filter, random);
        let name = [
            "kind",
            "type",
            "tags",
            "spec.type",
            "metadata.tags",
            "metadata.annotations.a.b/c",
            "relations.ownedBy",
            "size",
            "armed",
            "spec.size",
            "id",
        ][random.below(11)];
        let first = random.below(8);
        let facet = snapshot.facet(&found, name, usize::MAX).expect(name);
        let counts: BTreeSet<_> = facet
            .iter()
            .map(|value| (value::fold(&value.value), value.count))
            .collect();
        assert_eq!(counts, naive.facet(&refs(snapshot, &found), name), "{name}");
        for pair in facet.windows(2) {
            assert!((pair[1].count, &pair[0].value) <= (pair[0].count, &pair[1].value));
        }
        assert_eq!(
            snapshot.facet(&found, name, first).expect(name),
            facet[..first.min(facet.len())]
        );
    }
}

/// First pages that are kept are those that are worked out, the first time and again.
fn check_held(snapshot: &Snapshot, filter: &Filter, random: &mut Random) {
    let found = snapshot.matching(filter);
    let filter = match &found {
        Cow::Borrowed(held) => Some(*held),
        Cow::Owned(_) => None,
    };
    let kinds = (0..snapshot.model().kinds.len()).map(|at| Some(KindId(at as u16)));
    let kinds = kinds.chain([None]).map(|kind| snapshot.of_kind(kind));
    for set in kinds.chain([&*snapshot.alive]) {
        let order = random.order(snapshot.model());
        let window = Window {
            first: Some(random.below(5)),
            ..Window::default()
        };
        for filter in [None, filter] {
            let wanted = match filter {
                Some(filter) => snapshot.page(&(set & filter), &order, &window),
                None => snapshot.page(set, &order, &window),
            };
            for _ in 0..2 {
                let held = snapshot.page_of_held(set, filter, &order, &window);
                assert_eq!(held, wanted, "{order:?} {window:?}");
            }
        }
    }
}

fn check_pages(snapshot: &Snapshot, naive: &Naive, set: &RoaringBitmap, random: &mut Random) {
    let order = random.order(snapshot.model());
    let expected = naive.sorted(&refs(snapshot, set), &order);
    let named = |ix: &Ix| snapshot.entity_ref(*ix).to_owned();
    let whole = snapshot
        .page(set, &order, &Window::default())
        .expect("page");
    assert_eq!(
        whole.items.iter().map(named).collect::<Vec<_>>(),
        expected,
        "{order:?}"
    );
    let cursors: Vec<_> = snapshot
        .alive
        .iter()
        .map(|ix| (ix, snapshot.cursor(Ix(ix), &order)))
        .collect();
    let everything = naive.sorted(&naive.records.keys().cloned().collect(), &order);
    let place = |ix: u32| {
        everything
            .iter()
            .position(|own| own == snapshot.entity_ref(Ix(ix)))
            .expect("there")
    };
    for _ in 0..4 {
        let mut pick = || {
            (random.below(2) == 0 && !cursors.is_empty())
                .then(|| &cursors[random.below(cursors.len())])
        };
        let (after, before) = (pick(), pick());
        let n = random.below(5);
        let backward = random.below(2) == 0;
        let window = Window {
            first: (!backward).then_some(n),
            last: backward.then_some(n),
            after: after.map(|(_, cursor)| cursor.as_str()),
            before: before.map(|(_, cursor)| cursor.as_str()),
        };
        let page = snapshot.page(set, &order, &window).expect("page");
        let more: RoaringBitmap = snapshot
            .alive
            .iter()
            .filter(|_| random.below(2) == 0)
            .collect();
        let both = snapshot.page_of_both(&snapshot.alive, set, &order, &window);
        assert_eq!(both.as_ref(), Ok(&page), "{order:?} {window:?}");
        let both = snapshot.page_of_both(&(set | more), set, &order, &window);
        assert_eq!(both.as_ref(), Ok(&page), "{order:?} {window:?}");
        let (low, high) = (
            after.map(|(ix, _)| place(*ix)),
            before.map(|(ix, _)| place(*ix)),
        );
        let places: Vec<usize> = set
            .iter()
            .map(place)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let mut inside: Vec<usize> = places
            .iter()
            .copied()
            .filter(|at| low.is_none_or(|low| *at > low) && high.is_none_or(|high| *at < high))
            .collect();
        let cut = inside.len().saturating_sub(n);
        if backward {
            inside.drain(..cut);
        } else {
            inside.truncate(n);
        }
        let items: Vec<_> = page.items.iter().map(|ix| place(ix.0)).collect();
        assert_eq!(items, inside, "{order:?} {window:?}");
        if let (Some(first), Some(last)) = (inside.first(), inside.last()) {
            assert_eq!(
                page.has_previous,
                places.iter().any(|at| at < first),
                "{window:?}"
            );
            assert_eq!(
                page.has_next,
                places.iter().any(|at| at > last),
                "{window:?}"
            );
        }
    }
    assert_eq!(
        snapshot.page(
            set,
            &order,
            &Window {
                after: Some("bm9uc2Vuc2U"),
                ..Window::default()
            }
        ),
        Err(BadCursor)
    );
}

fn check_walks(snapshot: &Snapshot, naive: &Naive, random: &mut Random) {
    if naive.records.is_empty() {
        return;
    }
    let list = |found: &[Ix]| {
        found
            .iter()
            .map(|ix| snapshot.entity_ref(*ix).to_owned())
            .collect::<BTreeSet<_>>()
    };
    for _ in 0..6 {
        let start = naive
            .records
            .keys()
            .nth(random.below(naive.records.len()))
            .expect("one");
        let to = naive
            .records
            .keys()
            .nth(random.below(naive.records.len()))
            .expect("one");
        let ix = snapshot.find(start).expect("there");
        let via = random.relations(snapshot.model());
        assert_eq!(
            refs(snapshot, &snapshot.closure(ix, &via)),
            naive.closure(start, &via)
        );
        assert_eq!(list(&snapshot.ascent(ix, &via)), naive.ascent(start, &via));
        let depth = random.below(4) as u32;
        assert_eq!(
            list(&snapshot.reach(ix, &via, depth)),
            naive.reach(start, &via, depth)
        );
        for relation in &via {
            assert_eq!(
                refs(snapshot, &snapshot.targets(ix, *relation)),
                naive.steps(start, &[*relation])
            );
            check_targets(snapshot, ix, *relation, random);
        }
        let distance = naive.distance(start, to, &via);
        let path = snapshot.path(ix, snapshot.find(to).expect("there"), &via, depth);
        assert_eq!(
            path.as_ref().map(Vec::len),
            distance.filter(|own| *own <= depth as usize)
        );
        let mut at = ix;
        for edge in path.iter().flatten() {
            assert!(via.contains(&edge.relation) && snapshot.edges(at).contains(edge));
            at = edge.target;
        }
        for direction in [Direction::Out, Direction::In] {
            let limit = 1 + random.below(9);
            let impact = snapshot.impact(&[ix], direction, &via, depth, limit);
            assert!(impact.reached.len() <= limit);
            let whole = naive.levels(start, &via, direction);
            let shown: Vec<_> = impact
                .reached
                .iter()
                .map(|own| {
                    (
                        own.degree as usize,
                        snapshot.entity_ref(own.entity).to_owned(),
                    )
                })
                .collect();
            let mut expected: Vec<_> = whole
                .iter()
                .filter(|own| own.0 <= depth as usize)
                .cloned()
                .collect();
            expected.truncate(limit);
            assert_eq!(shown, expected);
            assert_eq!(impact.truncated, expected.len() < whole.len());
        }
    }
}

/// A page of targets is the page of the set of them.
fn check_targets(snapshot: &Snapshot, ix: Ix, relation: RelationId, random: &mut Random) {
    let kinds = match random.below(3) {
        0 => Targets::Any,
        _ => Targets::Kinds(
            (0..1 + random.below(4))
                .map(|_| KindId(random.below(snapshot.model().kinds.len()) as u16))
                .collect(),
        ),
    };
    let only: RoaringBitmap = snapshot
        .alive
        .iter()
        .filter(|_| random.below(3) > 0)
        .collect();
    let wanted = Wanted {
        relation,
        kinds: &kinds,
        within: (random.below(2) == 0).then_some(&only),
    };
    let set: RoaringBitmap = snapshot
        .targets(ix, relation)
        .iter()
        .filter(|own| kinds.allows(snapshot.kind(Ix(*own))))
        .filter(|own| wanted.within.is_none_or(|only| only.contains(*own)))
        .collect();
    assert_eq!(snapshot.target_count(ix, &wanted), set.len());
    let order = match random.below(2) {
        0 => Vec::new(),
        _ => random.order(snapshot.model()),
    };
    for _ in 0..4 {
        let mut cursor = || {
            let at = random.below(snapshot.alive.len() as usize * 2);
            let own = snapshot.alive.iter().nth(at)?;
            Some(snapshot.cursor(Ix(own), &order))
        };
        let (after, before) = (cursor(), cursor());
        let n = 1 + random.below(4);
        let backward = random.below(2) == 0;
        let window = Window {
            first: (!backward).then_some(n),
            last: backward.then_some(n),
            after: after.as_deref(),
            before: before.as_deref(),
        };
        assert_eq!(
            snapshot.target_page(ix, &wanted, &order, &window),
            snapshot.page(&set, &order, &window),
            "{order:?} {window:?}"
        );
    }
}

fn check_problems(snapshot: &Snapshot, naive: &Naive) {
    let all: Vec<_> = naive.problems.values().flatten().collect();
    assert_eq!(snapshot.problem_count(), all.len());
    assert_eq!(snapshot.problems().collect::<Vec<_>>(), all);
    for entity_ref in naive.records.keys() {
        let own: Vec<_> = all
            .iter()
            .copied()
            .filter(|problem| {
                problem
                    .entity_ref
                    .as_ref()
                    .is_some_and(|own| own.as_str() == entity_ref)
            })
            .collect();
        assert_eq!(snapshot.problems_of(entity_ref), own);
    }
}

fn check(snapshot: &Snapshot, naive: &Naive, random: &mut Random) {
    check_entities(snapshot, naive);
    check_edges(snapshot, naive, random);
    check_filters(snapshot, naive, random);
    check_walks(snapshot, naive, random);
    check_problems(snapshot, naive);
}

fn rebuilt(naive: &Naive) -> Snapshot {
    let problems = naive.problems.values().flatten().cloned().collect();
    Snapshot::build(
        Arc::clone(&naive.model),
        1,
        naive.records.values().cloned(),
        problems,
    )
}

/// Few, as each is long; `PROPTEST_CASES` asks for more.
fn cases() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let usual = asked.cases == 256;
    ProptestConfig {
        cases: if usual { 16 } else { asked.cases },
        ..asked
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_query_agrees_with_a_naive_catalog(seed in any::<u64>(), small in any::<bool>()) {
        let mut random = Random::new(seed);
        let mut naive = Naive::new(model());
        let mut snapshot = if small {
            Snapshot::empty(Arc::clone(&naive.model))
        } else {
            let delta = random.delta(&naive, 60);
            naive.apply(&delta);
            rebuilt(&naive)
        };
        for step in 0..6 {
            let size = 1 + random.below(9);
            let delta = random.delta(&naive, size);
            let before = (snapshot.clone(), naive.clone());
            snapshot = snapshot.apply(delta.clone());
            naive.apply(&delta);
            check(&snapshot, &naive, &mut random);
            if step % 3 == 0 {
                check(&before.0, &before.1, &mut random);
                check(&rebuilt(&naive), &naive, &mut random);
            }
        }
    }

    #[test]
    fn pages_neither_repeat_nor_skip_what_stays(seed in any::<u64>(), backward in any::<bool>()) {
        let mut random = Random::new(seed);
        let mut naive = Naive::new(model());
        naive.apply(&random.delta(&naive, 80));
        let mut snapshot = rebuilt(&naive);
        let order = random.order(&naive.model);
        let stay: BTreeSet<String> = naive.records.keys().filter(|_| random.below(2) == 0).cloned().collect();
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let window = if backward {
                Window { last: Some(3), before: cursor.as_deref(), ..Window::default() }
            } else {
                Window { first: Some(3), after: cursor.as_deref(), ..Window::default() }
            };
            let page = snapshot.page(snapshot.all(), &order, &window).expect("page");
            // What is kept of a state is not shown of the next one.
            let first = Window { first: Some(3), ..Window::default() };
            prop_assert_eq!(snapshot.page_of_held(snapshot.all(), None, &order, &first), snapshot.page(snapshot.all(), &order, &first));
            seen.extend(page.items.iter().map(|ix| snapshot.entity_ref(*ix).to_owned()));
            let (end, more) = if backward { (page.items.first(), page.has_previous) } else { (page.items.last(), page.has_next) };
            cursor = end.map(|ix| snapshot.cursor(*ix, &order)).or(cursor);
            if !more {
                break;
            }
            let mut delta = random.delta(&naive, 4);
            delta.removals.retain(|own| !stay.contains(own.as_str()));
            delta.upserts.retain(|own| !stay.contains(own.entity_ref.as_str()));
            naive.apply(&delta);
            snapshot = snapshot.apply(delta);
        }
        for entity_ref in &stay {
            prop_assert_eq!(seen.iter().filter(|own| *own == entity_ref).count(), 1, "{} {:?}", entity_ref, order);
        }
    }
}
