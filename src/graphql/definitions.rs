//! API definitions: what is in their texts, which the snapshot does not hold.
//!
//! A definition is asked for when one of its members is selected, and read once for all members, all requests and all starts ([`Shelf`]).

mod compared;
mod filter;
mod shown;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;

use super::arguments::PageArguments;
use super::error::{Code, FieldError};
use super::resolve::{cursor, window};
use super::stored::{answer, internal};
use crate::apis::{Definition, Operation, Place, PlacedText, Shelf, Unread, place};
use crate::connect::{Answer, Fetched, FetchedPage, Group, Item, LiveSource, Parent};
use crate::graph::{Ix, Part, PartId, Snapshot};
use crate::ingest::Catalog;
use crate::sdl::RelationId;
use crate::store::Store;
use crate::tasks;
use shown::Notation;

/// The member of a definition that says what is wrong with it.
const PROBLEMS: &str = "problems";

/// So many texts of one request are loaded and waited for at once.
const AT_ONCE: usize = 4;

/// Answers what the schema asks of definitions.
#[derive(Clone, Debug)]
pub(crate) struct Definitions {
    store: Store,
    shelf: Shelf,
    /// Knows at which files the problems are that were found behind.
    catalog: Arc<Catalog>,
}

/// A definition with the entity that it belongs to.
#[derive(Clone)]
struct Owned {
    entity: Ix,
    definition: Arc<Definition>,
}

type Loaded = Result<Arc<Definition>, FieldError>;

/// What all groups of one call need, loaded once.
type Together = Shared<BoxFuture<'static, Arc<HashMap<Wanted, Loaded>>>>;

/// One text of one entity, or a text alone.
type Wanted = (Option<Ix>, String);

impl LiveSource for Definitions {
    fn fetch(&self, groups: Vec<Group>) -> Vec<BoxFuture<'static, Vec<Answer>>> {
        let together = self.together(&groups);
        let each = groups.into_iter().map(|group| {
            let (own, together) = (self.clone(), together.clone());
            async move {
                match group.field.resolver {
                    "definitionText" => own.texts(&group).await,
                    "definitionDiff" => own.diffs(&group).await,
                    "operationsOf" => own.operations_of(&group).await,
                    _ => own.members(&group, &*together.await),
                }
            }
            .boxed()
        });
        each.collect()
    }

    fn nodes(&self, group: Group) -> BoxFuture<'static, Vec<Answer>> {
        let own = self.clone();
        async move {
            let snapshot = &group.scope.snapshot;
            let mut answers = Vec::with_capacity(group.parents.len());
            for parent in &group.parents {
                let id = match parent {
                    Parent::Object(id) => id.as_str().unwrap_or_default(),
                    _ => "",
                };
                answers.push(answer(own.node(snapshot, id).await.map(Fetched::Value)));
            }
            answers
        }
        .boxed()
    }
}

impl Definitions {
    pub(crate) fn new(store: Store, shelf: Shelf, catalog: Arc<Catalog>) -> Self {
        Self {
            store,
            shelf,
            catalog,
        }
    }

    /// Reads what the groups ask of, each text once.
    fn together(&self, groups: &[Group]) -> Together {
        let mut wanted: HashMap<Wanted, Place> = HashMap::new();
        for group in groups {
            if !matches!(group.field.resolver, "definition" | "operations") {
                continue;
            }
            for parent in &group.parents {
                if let Some((key, place)) = wanted_of(&group.scope.snapshot, parent) {
                    wanted.entry(key).or_insert(place);
                }
            }
        }
        let own = self.clone();
        async move {
            let loaded = stream::iter(wanted).map(|(key, place)| {
                let own = own.clone();
                async move {
                    let loaded = own.load(&place).await;
                    (key, loaded)
                }
            });
            Arc::new(loaded.buffer_unordered(AT_ONCE).collect().await)
        }
        .boxed()
        .shared()
    }

    /// The definition at a place, read.
    async fn load(&self, place: &Place) -> Loaded {
        let read = self.shelf.read(place).await;
        read.map_err(|unread| not_had(&unread))
    }

    async fn text(&self, text: &PlacedText) -> Result<Arc<str>, FieldError> {
        let text = self.shelf.text(text).await;
        text.map_err(|unread| not_had(&unread))
    }

    /// The texts as they are written.
    async fn texts(&self, group: &Group) -> Vec<Answer> {
        let notation = Notation::of(&group.field.arguments);
        let mut answers = Vec::with_capacity(group.parents.len());
        for parent in &group.parents {
            let placed = match parent {
                Parent::Within(_, value) | Parent::Object(value) => Place::of_value(value),
                _ => None,
            };
            let text = match placed {
                Some(placed) => self.text(&placed).await.map(Some),
                None => Ok(None),
            };
            let shown = match text {
                Ok(Some(text)) => self.shown(text, notation).await,
                Ok(None) => Ok(Value::Null),
                Err(error) => Err(error),
            };
            answers.push(answer(shown.map(Fetched::Value)));
        }
        answers
    }

    async fn shown(&self, text: Arc<str>, notation: Notation) -> Result<Value, FieldError> {
        if notation == Notation::AsWritten {
            return Ok((*text).into());
        }
        if text.len() > self.shelf.max_bytes() {
            return Err(FieldError::new(
                Code::LimitExceeded,
                self.shelf.refusal(text.len()),
            ));
        }
        let shown = tasks::blocking("showing a definition", move || notation.show(&text)).await;
        shown.map_err(|error| {
            tracing::error!(%error, "a definition could not be shown in another notation: {error}");
            FieldError::new(Code::Internal, "the definition could not be shown so")
        })
    }

    /// The operation with an id; null if there is none.
    async fn node(&self, snapshot: &Snapshot, id: &str) -> Result<Value, FieldError> {
        let found = PartId::read(id)
            .filter(|part| part.part == Part::Operation)
            .and_then(|part| Some((part, snapshot.find_id(part.entity_id)?)));
        let Some((part, entity)) = found else {
            return Ok(Value::Null);
        };
        for place in place::of_entity(snapshot, entity) {
            let definition = self.load(&place).await?;
            let mut operations = definition.operations.iter();
            if let Some(found) = operations.find(|known| PartId::hash(&known.key) == part.hash) {
                return Ok(shown::operation(found, snapshot, entity));
            }
        }
        Ok(Value::Null)
    }

    /// Operations of all APIs that some relations lead to.
    async fn operations_of(&self, group: &Group) -> Vec<Answer> {
        let snapshot = &group.scope.snapshot;
        let mut answers = Vec::with_capacity(group.parents.len());
        for parent in &group.parents {
            let found = match parent {
                Parent::Entity(ix) => self.along(snapshot, *ix, &group.field.via).await,
                _ => Ok(Vec::new()),
            };
            let page = found.and_then(|owned| page(group, &owned));
            answers.push(answer(page.map(Fetched::Page)));
        }
        answers
    }

    async fn along(
        &self,
        snapshot: &Arc<Snapshot>,
        ix: Ix,
        via: &[RelationId],
    ) -> Result<Vec<Owned>, FieldError> {
        let edges = snapshot.edges(ix).iter();
        let mut targets: Vec<Ix> = edges
            .filter(|edge| via.contains(&edge.relation) && snapshot.exists(edge.target))
            .map(|edge| edge.target)
            .collect();
        targets.sort_by_key(|ix| snapshot.entity_ref(*ix));
        targets.dedup();
        let places = targets.into_iter().flat_map(|entity| {
            let places = place::of_entity(snapshot, entity).into_iter();
            places.map(move |place| (entity, place))
        });
        let loaded = stream::iter(places.collect::<Vec<_>>()).map(|(entity, place)| {
            let own = self.clone();
            async move {
                let definition = own.load(&place).await?;
                Ok(Owned { entity, definition })
            }
        });
        let loaded: Vec<Result<Owned, FieldError>> = loaded.buffered(AT_ONCE).collect().await;
        loaded.into_iter().collect()
    }

    /// A member of each definition.
    fn members(&self, group: &Group, loaded: &HashMap<Wanted, Loaded>) -> Vec<Answer> {
        let each = group.parents.iter().map(|parent| {
            let (ix, value) = match parent {
                Parent::Within(ix, value) => (Some(*ix), value),
                Parent::Object(value) => (None, value),
                _ => return Answer::null(),
            };
            let Some(text) = value.as_str() else {
                return Answer::null();
            };
            let definition = match loaded.get(&(ix, text.to_owned())) {
                Some(Ok(definition)) => definition,
                Some(Err(error)) => return answer(Err(error.clone())),
                None => return Answer::null(),
            };
            match (group.field.resolver, ix) {
                ("operations", Some(entity)) => {
                    let owned = Owned {
                        entity,
                        definition: Arc::clone(definition),
                    };
                    answer(page(group, std::slice::from_ref(&owned)).map(Fetched::Page))
                }
                (_, Some(entity)) if *group.field.name == *PROBLEMS => {
                    let entity_ref = group.scope.snapshot.entity_ref(entity);
                    let placed = self.catalog.definitions();
                    Fetched::Value(shown::problems(definition, entity_ref, &placed)).into()
                }
                _ => Fetched::Value(shown::member(definition, &group.field.name)).into(),
            }
        });
        each.collect()
    }
}

fn not_had(unread: &Unread) -> FieldError {
    match unread {
        Unread::Store(error) => internal(error),
        Unread::Gone | Unread::Ends => FieldError::new(Code::Internal, unread.to_string()),
    }
}

/// An operation as its node is shown, for those who keep it: its entity is named by its reference.
pub fn operation_node(operation: &Operation, snapshot: &Snapshot, entity: Ix) -> Value {
    let mut node = shown::operation(operation, snapshot, entity);
    if let Some(api) = node.get_mut("api") {
        *api = snapshot.entity_ref(entity).into();
    }
    node
}

fn wanted_of(snapshot: &Snapshot, parent: &Parent) -> Option<(Wanted, Place)> {
    let (ix, value) = match parent {
        Parent::Within(ix, value) => (Some(*ix), value),
        Parent::Object(value) => (None, value),
        _ => return None,
    };
    let text = Place::of_value(value)?;
    let mut places = ix.map_or_else(Vec::new, |ix| place::of_entity(snapshot, ix));
    places.retain(|place| place.text == text);
    let place = places.pop().unwrap_or(Place {
        field: "".into(),
        path: None,
        text,
        hint: None,
    });
    Some(((ix, value.as_str()?.to_owned()), place))
}

/// A page of the operations of some APIs.
fn page(group: &Group, owned: &[Owned]) -> Result<FetchedPage, FieldError> {
    let snapshot = &group.scope.snapshot;
    let arguments = &group.field.arguments;
    let wanted = arguments.get("filter").filter(|filter| !filter.is_null());
    let mut rows: Vec<(usize, Ix, &Operation)> = Vec::new();
    for owned in owned {
        for (position, operation) in owned.definition.operations.iter().enumerate() {
            if wanted.is_none_or(|wanted| filter::fits(operation, wanted)) {
                rows.push((position, owned.entity, operation));
            }
        }
    }
    let key = |(position, entity, operation): &(usize, Ix, &Operation)| {
        vec![
            snapshot.entity_ref(*entity).to_owned(),
            format!("{position:06}"),
            operation.key.to_string(),
        ]
    };
    let (range, page) = window(&rows, &key, &PageArguments::of(arguments)?)?;
    Ok(FetchedPage {
        items: rows[range]
            .iter()
            .map(|row| {
                let (_, entity, operation) = row;
                let value = shown::operation(operation, snapshot, *entity);
                let cursor = match group.field.cursors {
                    true => cursor(&key(row)),
                    false => "".into(),
                };
                (Item::Value(value), cursor)
            })
            .collect(),
        total: group.field.total.then_some(rows.len() as u64),
        ..page
    })
}
