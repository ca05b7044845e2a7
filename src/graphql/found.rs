//! Searches: what the index finds, as the graph shows it.
//!
//! Filters are the graph's own: they become the set of entities that may be found before the index is asked, so totals and facets are exact.

mod meaning;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::arguments::{PageArguments, Paged};
use super::error::{Code, FieldError};
use super::filter;
use super::writer::bad_cursor;
use crate::connect::{
    Answer, Fault, Fetched, Group as Asked, LiveField, LiveSource, Scope, SelectedField,
};
use crate::graph::{BadCursor, Ix, Snapshot};
use crate::sdl::{ColumnId, KindId, Model};
use crate::search::{Ask, Cursor, Found, Group, Highlighter, Item, Search, SearchError};
use crate::tasks::blocking;
use meaning::Names;

/// The member under which an answer holds the number of its set of entities.
pub(crate) const FOUND: &str = " found";

/// `search` and `suggest`.
#[derive(Clone, Debug)]
pub(crate) struct Searches {
    index: Option<Search>,
    /// As many at a time as there are processors: more of them would only wait for each other, and keep the rest of the server from working.
    turns: Arc<Semaphore>,
}

impl Searches {
    /// Without an index they say that there is none.
    pub(crate) fn new(index: Option<Search>) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            index,
            turns: Arc::new(Semaphore::new(processors)),
        }
    }
}

impl LiveSource for Searches {
    fn fetch(&self, groups: Vec<Asked>) -> Vec<BoxFuture<'static, Vec<Answer>>> {
        let each = groups.into_iter().map(|group| {
            let work: Work = match group.field.resolver {
                "suggest" => suggest,
                _ => search,
            };
            answers(self.clone(), group, work)
        });
        each.collect()
    }
}

type Work = fn(&Search, &LiveField, &Scope) -> Result<Value, FieldError>;

/// The same for all parents: none of them says anything about what is looked for.
fn answers(searches: Searches, group: Asked, work: Work) -> BoxFuture<'static, Vec<Answer>> {
    async move {
        let n_parents = group.parents.len();
        let Some(search) = searches.index else {
            let error = FieldError::new(Code::NotConfigured, "there is no search index here");
            return vec![Fault::from(error).into(); n_parents];
        };
        let suspected = search.clone();
        let _turn = searches.turns.acquire().await;
        // The index lies on disk.
        let found = blocking("a search", move || {
            work(&search, &group.field, &group.scope)
        })
        .await;
        let found = found.unwrap_or_else(|panic| {
            tracing::error!(error = %panic, "{panic}");
            suspected.suspect();
            Err(FieldError::new(
                Code::Internal,
                "the search index gave no answer",
            ))
        });
        let answer: Answer = match found {
            Ok(value) => Fetched::Value(value).into(),
            Err(error) => Fault::from(error).into(),
        };
        vec![answer; n_parents]
    }
    .boxed()
}

fn search(search: &Search, field: &LiveField, scope: &Scope) -> Result<Value, FieldError> {
    let arguments = &field.arguments;
    let snapshot = &scope.snapshot;
    let text = arguments
        .get("query")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let page = PageArguments::of(arguments)?;
    let first = page.first.unwrap_or_default();
    let after = match page.after {
        None => None,
        Some(after) => Some(Cursor::parse(&after).ok_or_else(|| bad_cursor(BadCursor))?),
    };
    let allowed = match arguments.get("filter").filter(|filter| !filter.is_null()) {
        None => None,
        Some(given) => {
            let model = snapshot.model();
            let input = model.argument_type(&field.type_name, &field.name, "filter");
            let filter = filter::read(model, input.as_deref().unwrap_or_default(), given);
            Some(snapshot.select(&filter.map_err(FieldError::input)?))
        }
    };
    let wanted = Wanted(field.selected.as_ref());
    let groups = groups(arguments);
    let names = Names::new(snapshot);
    // Before anything is looked for: what comes into the index meanwhile may not be in the answer.
    let state = wanted.has("indexState").then(|| state(search));
    let found = search.find(&Ask {
        query: text,
        groups: &groups,
        allowed: allowed.as_ref(),
        meaning: &names,
        first,
        after,
        wants_entities: wanted.has("facets"),
        names_only: false,
        catalog: &names,
    });
    let mut found = found.map_err(|error| internal(search, &error))?;
    let mut answer = Map::new();
    if wanted.has("didYouMean") {
        let better = search.did_you_mean(text, &found.reading);
        let better = better.map_err(|error| internal(search, &error))?;
        answer.insert("didYouMean".to_owned(), better.into());
    }
    if wanted.has("facets") {
        let set = std::mem::take(&mut found.entities);
        answer.insert(FOUND.to_owned(), scope.keep_set(set).into());
    }
    answer.extend(state.map(|state| ("indexState".to_owned(), state)));
    answer.insert("totalCount".to_owned(), found.total.into());
    if wanted.has("pageInfo") {
        answer.insert("pageInfo".to_owned(), page_info(&found, after.is_some()));
    }
    if wanted.has("nodes") {
        let nodes = found.items.iter().map(node);
        answer.insert("nodes".to_owned(), nodes.collect());
    }
    if let Some(wanted) = wanted.below("edges") {
        let mut marker = Marker {
            highlighter: search.highlighter(&found.reading),
            searched: HashMap::new(),
            snapshot,
        };
        let items = found.items.iter();
        let edges = items.map(|item| edge(item, &wanted, &mut marker));
        answer.insert("edges".to_owned(), edges.collect());
    }
    Ok(Value::Object(answer))
}

fn suggest(search: &Search, field: &LiveField, scope: &Scope) -> Result<Value, FieldError> {
    let arguments = &field.arguments;
    let snapshot = &scope.snapshot;
    let prefix = arguments
        .get("prefix")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if prefix.trim().is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    let names = Names::new(snapshot);
    let suggestions = search.suggest(&Ask {
        query: prefix,
        groups: &groups(arguments),
        allowed: None,
        meaning: &meaning::Nothing,
        first: PageArguments::within(arguments, Paged::SUGGESTED)?
            .first
            .unwrap_or_default(),
        after: None,
        wants_entities: false,
        names_only: true,
        catalog: &names,
    });
    let suggestions = suggestions.map_err(|error| internal(search, &error))?;
    let each = suggestions.into_iter().map(|suggestion| {
        let entity = Ix(suggestion.entity);
        let text = match suggestion.label {
            Some(label) => label,
            None => snapshot.label(entity).into_owned(),
        };
        json!({ "text": text, "node": suggestion.node.unwrap_or_else(|| entity.0.into()) })
    });
    Ok(each.collect())
}

/// What of an object somebody asks for: nothing else of it is made.
#[derive(Clone, Copy)]
struct Wanted<'s>(Option<&'s SelectedField>);

impl<'s> Wanted<'s> {
    fn fields(self) -> impl Iterator<Item = &'s SelectedField> {
        let types = self.0.into_iter().flat_map(|field| &field.below.types);
        types.flat_map(|(_, fields)| fields)
    }

    fn has(self, name: &str) -> bool {
        self.fields().any(|field| *field.name == *name)
    }

    /// What is asked for beneath all fields of this name, each name once; `None` if there is no such field.
    fn below(self, name: &str) -> Option<Vec<&'s str>> {
        let mut names: Option<Vec<&str>> = None;
        for field in self.fields().filter(|field| *field.name == *name) {
            let names = names.get_or_insert_default();
            for below in Wanted(Some(field)).fields() {
                if !names.contains(&&*below.name) {
                    names.push(&below.name);
                }
            }
        }
        names
    }
}

/// An edge with what is `wanted` of it.
fn edge(item: &Item, wanted: &[&str], marker: &mut Marker<'_>) -> Value {
    let mut edge = Map::with_capacity(wanted.len());
    let mut marked = None;
    for name in wanted {
        let value = match *name {
            "node" => node(item),
            "cursor" => item.cursor.to_text().into(),
            "score" => item.score.into(),
            "highlights" | "matchedFields" => {
                let (highlights, fields) = marked.get_or_insert_with(|| marker.mark(item));
                std::mem::take(match *name {
                    "highlights" => highlights,
                    _ => fields,
                })
            }
            _ => continue,
        };
        edge.insert((*name).to_owned(), value);
    }
    Value::Object(edge)
}

fn node(item: &Item) -> Value {
    match &item.node {
        Some(node) => node.clone(),
        None => item.entity.into(),
    }
}

fn groups(arguments: &Map<String, Value>) -> Vec<Group> {
    let given = arguments.get("in").and_then(Value::as_array);
    let Some(given) = given else {
        return Group::ALL.into();
    };
    let all = Group::ALL.into_iter();
    all.filter(|group| given.iter().any(|given| given == group.as_str()))
        .collect()
}

fn page_info(found: &Found, has_previous: bool) -> Value {
    let cursor = |item: Option<&Item>| item.map(|item| item.cursor.to_text());
    json!({
        "hasNextPage": found.has_next,
        "hasPreviousPage": has_previous,
        "startCursor": cursor(found.items.first()),
        "endCursor": cursor(found.items.last()),
    })
}

fn state(search: &Search) -> Value {
    let progress = search.progress();
    let part = match progress.expected {
        0 => 1.0,
        expected => (progress.done as f64 / expected as f64).min(1.0),
    };
    json!({
        "state": progress.state.as_str(),
        "progress": part,
        "documents": search.len(),
        "revision": progress.revision,
        "message": progress.trouble.as_deref(),
    })
}

/// Marks what was found, all items of one answer.
struct Marker<'s> {
    highlighter: Highlighter,
    /// By kind: the fields with texts that can be found, heaviest first.
    searched: HashMap<Option<KindId>, Vec<ColumnId>>,
    snapshot: &'s Snapshot,
}

impl Marker<'_> {
    /// What was found in the texts of an item, and the fields that it was found in.
    fn mark(&mut self, item: &Item) -> (Value, Value) {
        let mut highlights = Vec::new();
        let mut fields: Vec<Value> = Vec::new();
        let highlighter = &mut self.highlighter;
        let mut mark = |field: &str, text: &str| {
            if let Some(highlight) = highlighter.mark(text) {
                let ranges = highlight.ranges.iter();
                let ranges =
                    ranges.map(|Range { start, end }| json!({ "start": start, "end": end }));
                highlights.push(json!({
                    "field": field,
                    "html": highlight.html,
                    "ranges": ranges.collect::<Value>(),
                }));
                if fields.iter().all(|known| known != field) {
                    fields.push(field.into());
                }
            }
        };
        match item.group {
            Group::Entities => {
                let (snapshot, ix) = (self.snapshot, Ix(item.entity));
                let kind = snapshot.kind(ix);
                let searched = self.searched.entry(kind);
                let searched = searched.or_insert_with(|| searched_of(snapshot.model(), kind));
                texts(snapshot, ix, searched, &mut mark);
            }
            Group::Docs | Group::Operations => {
                for (field, text) in &item.texts {
                    mark(field, text);
                }
            }
        }
        (highlights.into(), fields.into())
    }
}

fn searched_of(model: &Model, kind: Option<KindId>) -> Vec<ColumnId> {
    let columns = match kind {
        Some(kind) => &model.kind_of(kind).columns,
        None => &model.generic_columns,
    };
    let mut searched: Vec<(f32, ColumnId)> = columns
        .iter()
        .filter_map(|(id, _)| Some((model.column(*id).search.as_ref()?.weight, *id)))
        .collect();
    searched.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    searched.into_iter().map(|(_, id)| id).collect()
}

/// The texts of an entity in these fields.
fn texts(snapshot: &Snapshot, ix: Ix, columns: &[ColumnId], visit: &mut dyn FnMut(&str, &str)) {
    for id in columns {
        let name = &*snapshot.model().column(*id).name;
        match snapshot.column(ix, *id) {
            Value::String(text) => visit(name, &text),
            Value::Array(items) => {
                let texts = items.iter().filter_map(Value::as_str);
                texts.for_each(|text| visit(name, text));
            }
            _ => {}
        }
    }
}

/// The operator reads the whole of it, the client that it is our fault.
fn internal(search: &Search, error: &SearchError) -> FieldError {
    tracing::error!(%error, "the search index gave no answer: {error}");
    search.suspect();
    FieldError::new(Code::Internal, "the search index gave no answer")
}
