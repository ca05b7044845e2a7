//! One operation over one snapshot: the first pass, then holes until there are none.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use futures_util::stream::StreamExt;
use serde_json::json;

use super::error::{Code, FieldError, Outcome};
use super::flights::Flights;
use super::hole::{Piece, SourceId};
use super::place::Place;
use super::plan::FieldId;
use super::request::Response;
use super::writer::{Null, Origin, Scene, Writer};
use crate::connect::{Answer, Fault, Fetched, Group, LiveSource};
use crate::graph::Part;

/// Who answers holes.
pub(crate) struct Sources<'s> {
    pub(crate) texts: &'s dyn LiveSource,
    pub(crate) changes: &'s dyn LiveSource,
    pub(crate) definitions: &'s dyn LiveSource,
    pub(crate) docs: &'s dyn LiveSource,
    pub(crate) live: Option<&'s dyn LiveSource>,
    pub(crate) search: &'s dyn LiveSource,
}

impl<'s> Sources<'s> {
    fn get(&self, id: SourceId) -> Option<&'s dyn LiveSource> {
        match id {
            SourceId::Texts => Some(self.texts),
            SourceId::Changes => Some(self.changes),
            SourceId::Definitions | SourceId::PartNodes(Part::Operation) => Some(self.definitions),
            SourceId::Docs | SourceId::PartNodes(Part::Section) => Some(self.docs),
            SourceId::Live | SourceId::Nodes | SourceId::States => self.live,
            SourceId::Search => Some(self.search),
        }
    }
}

/// A group that is to be fetched, with its holes.
type Departure = (Vec<usize>, Group);

/// Runs the plan of `scene`.
pub(crate) async fn run(scene: &Scene<'_>, sources: &Sources<'_>) -> Response {
    let mut writer = Writer::new(scene);
    writer.out.extend_from_slice(b"{\"data\":");
    let written = writer.root();
    if written.is_err() || writer.stopped.is_some() {
        return null_data(&mut writer);
    }
    if writer.holes.is_empty() {
        let mut body = std::mem::take(&mut writer.out);
        return finish(&mut writer, &mut body);
    }
    let root = Piece {
        buffer: 0,
        start: 0,
        end: writer.out.len(),
        holes: (0, writer.holes.len()),
    };
    let mut buffers = vec![next_buffer(&mut writer)];
    fill(&mut writer, &mut buffers, sources).await;
    if writer.stopped.is_some() {
        return null_data(&mut writer);
    }
    let mut body = Vec::with_capacity(writer.written + 64);
    if !writer.holes.assemble(&buffers, root, &mut body) {
        return null_data(&mut writer);
    }
    finish(&mut writer, &mut body)
}

fn next_buffer(writer: &mut Writer<'_>) -> Vec<u8> {
    let buffer = std::mem::take(&mut writer.out);
    writer.written += buffer.len();
    buffer
}

/// Fetches holes and writes what they bring until none is left, or the time is over.
async fn fill(writer: &mut Writer<'_>, buffers: &mut Vec<Vec<u8>>, sources: &Sources<'_>) {
    let mut flights = Flights::default();
    let all = 0..writer.holes.len();
    // Of a mutation the next field at the root begins when all of the one before is there.
    let (mut ready, mut waiting): (Vec<Vec<usize>>, VecDeque<usize>) = match writer.scene.serial {
        true => (Vec::new(), all.collect()),
        false => (vec![all.collect()], VecDeque::new()),
    };
    let mut open = 0_usize;
    let mut states = Vec::new();
    loop {
        for pass in &mut ready {
            let is_state = |hole: &mut usize| writer.holes.get(*hole).source == SourceId::States;
            states.extend(pass.extract_if(.., is_state));
        }
        open += depart(writer, std::mem::take(&mut ready), sources, &mut flights);
        if open == 0 {
            // What became of live fields is known when all that was asked for has come.
            open += tell(writer, &std::mem::take(&mut states), sources, &mut flights);
        }
        if open == 0 {
            match waiting.pop_front() {
                Some(next) => ready.push(vec![next]),
                None => return,
            }
            continue;
        }
        let arrived = tokio::time::timeout_at(writer.scene.budget.deadline, flights.next()).await;
        let Ok(Some(arrived)) = arrived else {
            break;
        };
        let mut arrived = Some(arrived);
        // Whatever else is there by now: what it leaves travels with the rest.
        while let Some((holes, answers)) = arrived.take() {
            open -= 1;
            ready.push(land(writer, buffers, &holes, answers));
            arrived = flights.next().now_or_never().flatten();
        }
        if writer.stopped.is_some() {
            return;
        }
    }
    late(writer);
}

/// Groups the holes of each pass by field and hands them over, one call per source; returns how many groups left.
fn depart(
    writer: &mut Writer<'_>,
    passes: Vec<Vec<usize>>,
    sources: &Sources<'_>,
    flights: &mut Flights,
) -> usize {
    let mut calls: Vec<(SourceId, Vec<Departure>)> = Vec::new();
    for pass in passes {
        for (source, field, holes) in grouped(writer, &pass) {
            let group = match source {
                SourceId::Nodes | SourceId::PartNodes(_) => Some(nodes(writer, field, &holes)),
                _ => group(writer, field, &holes),
            };
            let Some(group) = group else {
                continue;
            };
            match calls.iter_mut().find(|(known, _)| *known == source) {
                Some((_, groups)) => groups.push((holes, group)),
                None => calls.push((source, vec![(holes, group)])),
            }
        }
    }
    let mut departed = 0;
    for (id, groups) in calls {
        let (holes, groups): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
        let Some(source) = sources.get(id) else {
            for hole in holes.into_iter().flatten() {
                unanswered(writer, hole);
            }
            continue;
        };
        let futures = match id {
            SourceId::Nodes | SourceId::PartNodes(_) => groups
                .into_iter()
                .map(|group| source.nodes(group))
                .collect(),
            _ => source.fetch(groups),
        };
        departed += holes.len();
        let mut futures = futures.into_iter();
        for holes in holes {
            // A source that gives too few futures is at fault at all that are missing.
            let future = futures
                .next()
                .unwrap_or_else(|| std::future::ready(Vec::new()).boxed());
            flights.push(holes, future);
        }
    }
    departed
}

/// Hands over the holes of `Entity.live`; returns how many groups left.
fn tell(
    writer: &mut Writer<'_>,
    states: &[usize],
    sources: &Sources<'_>,
    flights: &mut Flights,
) -> usize {
    let mut departed = 0;
    for (_, field, holes) in grouped(writer, states) {
        let Some(group) = group(writer, field, &holes) else {
            continue;
        };
        let told = super::states::answer(group, sources.live);
        flights.push(holes, told.boxed());
        departed += 1;
    }
    departed
}

/// The holes of one pass by source and field, in document order, without those that nobody would see.
fn grouped(writer: &Writer<'_>, pass: &[usize]) -> Vec<(SourceId, FieldId, Vec<usize>)> {
    let mut groups: Vec<(SourceId, FieldId, Vec<usize>)> = Vec::new();
    for index in pass {
        if writer.holes.is_lost(*index) {
            continue;
        }
        let hole = writer.holes.get(*index);
        let known = groups
            .iter_mut()
            .find(|(source, field, _)| *source == hole.source && *field == hole.field);
        match known {
            Some((_, _, holes)) => holes.push(*index),
            None => groups.push((hole.source, hole.field, vec![*index])),
        }
    }
    groups
}

/// What the source is asked; a fault in the arguments is the holes' error.
fn group(writer: &mut Writer<'_>, field: FieldId, holes: &[usize]) -> Option<Group> {
    let scene = writer.scene;
    let asked = match scene.asked(field) {
        Ok(asked) => asked,
        Err(error) => {
            for hole in holes {
                fail(writer, *hole, &error);
            }
            return None;
        }
    };
    Some(Group {
        field: asked.into_owned(),
        parents: holes
            .iter()
            .map(|hole| writer.holes.get(*hole).parent.clone())
            .collect(),
        scope: Arc::clone(&scene.scope),
    })
}

/// Objects by their ids.
fn nodes(writer: &Writer<'_>, field: FieldId, holes: &[usize]) -> Group {
    let parents = holes.iter();
    Group {
        field: writer.scene.asked_by_id(field),
        parents: parents
            .map(|hole| writer.holes.get(*hole).parent.clone())
            .collect(),
        scope: Arc::clone(&writer.scene.scope),
    }
}

/// Writes what a group brought; returns the holes that this left.
fn land(
    writer: &mut Writer<'_>,
    buffers: &mut Vec<Vec<u8>>,
    holes: &[usize],
    answers: Vec<Answer>,
) -> Vec<usize> {
    let before = writer.holes.len();
    let buffer = u32::try_from(buffers.len()).unwrap_or(u32::MAX);
    let mut answers = answers.into_iter();
    for hole in holes {
        let answer = answers.next().unwrap_or_else(|| {
            Fault::new(Code::Internal.as_str(), "the source gave no answer").into()
        });
        if answer.is_null() && !answer.faults.is_empty() {
            for fault in &answer.faults {
                report(writer, *hole, &fault.into());
            }
            writer.holes.fail(*hole);
        } else {
            write(writer, *hole, &answer, buffer);
        }
    }
    buffers.push(next_buffer(writer));
    (before..writer.holes.len()).collect()
}

fn write(writer: &mut Writer<'_>, hole: usize, answer: &Answer, buffer: u32) {
    if writer.holes.is_lost(hole) {
        return;
    }
    let (field, source, path) = {
        let hole = writer.holes.get(hole);
        (hole.field, hole.source, hole.path)
    };
    let start = writer.out.len();
    let first = writer.holes.len();
    let place = Place::base(path, Some(field));
    writer.outer = Some(hole);
    let written = match (&answer.fetched, source) {
        (Fetched::Value(value), SourceId::Texts) => {
            super::error::value(value, &mut writer.out);
            Ok(())
        }
        (Fetched::Live(object), SourceId::Nodes) => writer.found(object, field, &place),
        (Fetched::Value(value), SourceId::PartNodes(_)) => {
            writer.complete_one(value, true, field, Origin::Catalog, &place)
        }
        _ => writer.answer(answer, field, &place),
    };
    writer.outer = None;
    match written {
        Ok(()) => writer.holes.fill(
            hole,
            Piece {
                buffer,
                start,
                end: writer.out.len(),
                holes: (first, writer.holes.len()),
            },
        ),
        Err(Null) => {
            writer.out.truncate(start);
            writer.holes.truncate(first);
            writer.holes.fail(hole);
        }
    }
}

/// A hole that stays empty: its error, and null as near as it may stand.
fn fail(writer: &mut Writer<'_>, hole: usize, error: &FieldError) {
    report(writer, hole, error);
    writer.holes.fail(hole);
}

fn report(writer: &mut Writer<'_>, hole: usize, error: &FieldError) {
    let path = writer.holes.get(hole).path;
    let field = writer.holes.get(hole).field;
    let steps = writer.holes.steps(writer.scene.plan, path);
    let locations = &writer.scene.plan.field(field).locations;
    writer.errors.field(error, locations, &steps);
}

/// Nobody is there to answer live fields: that is no error, unless a value is promised.
fn unanswered(writer: &mut Writer<'_>, hole: usize) {
    if writer.holes.get(hole).nullable {
        writer.holes.fail(hole);
    } else {
        let error = FieldError::new(Code::NotConfigured, "nothing answers this field here");
        fail(writer, hole, &error);
    }
}

/// The deadline: what is still open is null.
fn late(writer: &mut Writer<'_>) {
    let error = FieldError::new(
        Code::Timeout,
        "the request's time was over before this was there",
    );
    for hole in 0..writer.holes.len() {
        if writer.holes.is_open(hole) && !writer.holes.is_lost(hole) {
            fail(writer, hole, &error);
        }
    }
}

/// `data` is null as a whole.
fn null_data(writer: &mut Writer<'_>) -> Response {
    if let Some(error) = writer.stopped.take() {
        writer.errors.whole(&error);
    }
    let mut body = b"{\"data\":null".to_vec();
    finish(writer, &mut body)
}

fn finish(writer: &mut Writer<'_>, body: &mut Vec<u8>) -> Response {
    let mut body = std::mem::take(body);
    let outcome = match writer.errors.is_empty() {
        true => Outcome::Ok,
        false => {
            body.extend_from_slice(b",\"errors\":");
            writer.errors.write(writer.scene.request_id, &mut body);
            Outcome::Partial
        }
    };
    let scope = &writer.scene.scope;
    if let Some(trace) = scope.trace() {
        body.extend_from_slice(b",\"extensions\":{\"callboard\":");
        let mut trace = trace.to_json();
        let plan = &writer.scene.plan;
        trace["plan"] = json!({ "fields": plan.fields.len(), "liveFields": plan.live_fields() });
        super::error::value(&trace, &mut body);
        body.push(b'}');
    }
    body.push(b'}');
    let answered = &writer.scene.plan.answered;
    answered.store(body.len(), Ordering::Relaxed);
    Response {
        body,
        outcome,
        fresh_for: scope.least_fresh().filter(|_| outcome == Outcome::Ok),
    }
}
