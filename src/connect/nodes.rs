//! Live objects by their ids: each is reached again the way that it was shown on.
//!
//! All objects go on together, a stage at a time, so that what they ask of an upstream in common is asked once; what is kept of an answer serves here as anywhere else.
//! At the end of each stage the object is known by its id; an object that is not there any more, or that nobody remembers, is an error that says so.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::Value;

use super::live::{LiveObject, Origin};
use super::runtime::{Inner, Runtime};
use super::seam::{Answer, Fault, Fetched, Group, Item, LiveField, LiveSource as _, Parent};
use super::selected::{Selected, SelectedField, is_selective};
use super::way::{Crossed, Stage, Way};
use crate::sdl::{Field, FieldSource, Model};

/// One object on its way.
struct Walk {
    id: Box<str>,
    way: Arc<Way>,
    /// Position in the stages.
    stage: usize,
    at: Parent,
    /// It was not where it was shown, and is looked for in as much as there is.
    wide: bool,
    found: Option<Answer>,
}

impl Inner {
    /// One answer per id of the group's parents, in their order.
    pub(super) async fn nodes(self: &Arc<Self>, group: Group) -> Vec<Answer> {
        let starting = group
            .parents
            .iter()
            .map(|parent| self.set_out(parent, &group));
        let mut walks = join_all(starting).await;
        loop {
            let mut together: HashMap<String, Vec<usize>> = HashMap::new();
            for (position, walk) in walks.iter().enumerate() {
                if walk.found.is_none() {
                    together.entry(walk.signpost()).or_default().push(position);
                }
            }
            if together.is_empty() {
                break;
            }
            let mut groups = Vec::with_capacity(together.len());
            let mut members = Vec::with_capacity(together.len());
            for positions in together.into_values() {
                match self.next_group(&walks, &positions, &group) {
                    Some(next) => {
                        groups.push(next);
                        members.push(positions);
                    }
                    None => {
                        for position in positions {
                            walks[position].found = Some(unknown());
                        }
                    }
                }
            }
            let fetching = Runtime::of(Arc::clone(self)).fetch(groups);
            for (positions, answers) in members.into_iter().zip(join_all(fetching).await) {
                for (position, answer) in positions.into_iter().zip(answers) {
                    self.arrive(&mut walks[position], answer);
                }
            }
        }
        let found = walks.into_iter().map(|walk| walk.found);
        found.map(|found| found.unwrap_or_else(unknown)).collect()
    }

    /// Looks up what is remembered of an id.
    async fn set_out(&self, parent: &Parent, group: &Group) -> Walk {
        let id = match parent {
            Parent::Object(id) => id.as_str().unwrap_or_default(),
            _ => "",
        };
        let known = self.shown().find(self.cache(), id).await;
        let way = known.and_then(|known| known.way.clone());
        let snapshot = &group.scope.snapshot;
        let start = way.as_ref().and_then(|way| match &way.entity_ref {
            None => Some(Parent::Root),
            Some(entity_ref) => {
                let entity = snapshot.find(entity_ref)?;
                snapshot.exists(entity).then_some(Parent::Entity(entity))
            }
        });
        Walk {
            id: id.into(),
            found: start.is_none().then(unknown),
            at: start.unwrap_or(Parent::Root),
            way: way.unwrap_or_default(),
            stage: 0,
            wide: false,
        }
    }

    /// What the objects at `positions` are asked next: all the same.
    fn next_group(&self, walks: &[Walk], positions: &[usize], all: &Group) -> Option<Group> {
        let walk = walks.get(*positions.first()?)?;
        let stage = walk.way.stages.get(walk.stage)?;
        let target = match walk.way.stages.get(walk.stage + 1) {
            None => all.field.selected.as_ref().map(|all| (*all.below).clone()),
            Some(next) => Some(Selected {
                types: vec![(
                    Arc::clone(&next.field.type_name),
                    vec![selected(&next.field, walk.wide, Arc::default())],
                )],
            }),
        };
        let field = self.asked(stage, walk.wide, target.unwrap_or_default())?;
        Some(Group {
            field: Arc::new(field),
            parents: positions.iter().map(|at| walks[*at].at.clone()).collect(),
            scope: Arc::clone(&all.scope),
        })
    }

    /// The field of a stage, as if somebody had selected it with `target` at its end.
    fn asked(&self, stage: &Stage, wide: bool, mut target: Selected) -> Option<LiveField> {
        let model = self.routes().model();
        let crossed = &stage.field;
        let FieldSource::Live(binding) = &field_of(model, crossed)?.source else {
            return None;
        };
        let own = is_selective(model, &crossed.type_name, binding).then(|| {
            let identity = |name: &Arc<str>| (Arc::clone(name), vec![id_field()]);
            let ids = model.types.values().filter(|ty| ty.identity.is_some());
            target.types.extend(ids.map(|ty| identity(&ty.name)));
            let mut below = Arc::new(target);
            for within in stage.within.iter().rev() {
                below = Arc::new(Selected {
                    types: vec![(
                        Arc::clone(&within.type_name),
                        vec![selected(within, wide, below)],
                    )],
                });
            }
            selected(crossed, wide, below)
        });
        Some(LiveField {
            type_name: Arc::clone(&crossed.type_name),
            name: Arc::clone(&crossed.name),
            arguments: Arc::clone(crossed.arguments(wide)),
            selected: own,
            binding: Some(Arc::new(binding.clone())),
            ..LiveField::default()
        })
    }

    /// What a stage brought: the object is among it, or it is not.
    fn arrive(&self, walk: &mut Walk, answer: Answer) {
        let Some(stage) = walk.way.stages.get(walk.stage) else {
            walk.found = Some(unknown());
            return;
        };
        let is_last = walk.stage + 1 == walk.way.stages.len();
        let wanted = match is_last {
            true => Some(&walk.id),
            false => stage.id.as_ref(),
        };
        let objects = self.objects(answer.fetched, stage, walk.wide);
        let found = objects.into_iter().find(|object| match wanted {
            Some(wanted) => self.id_of(object).as_deref() == Some(&**wanted),
            None => true,
        });
        match found {
            Some(object) if is_last => walk.found = Some(Fetched::Live(object).into()),
            Some(object) => {
                walk.at = Parent::Live(object);
                walk.stage += 1;
                walk.wide = false;
            }
            None if !answer.faults.is_empty() => {
                walk.found = Some(Answer {
                    fetched: Fetched::Value(Value::Null),
                    faults: answer.faults,
                });
            }
            None if !walk.wide && stage.is_widened() => walk.wide = true,
            None => walk.found = Some(gone()),
        }
    }

    /// The objects at the end of a stage.
    fn objects(&self, fetched: Fetched, stage: &Stage, wide: bool) -> Vec<LiveObject> {
        let mut objects = match fetched {
            Fetched::Live(object) => match object.value() {
                Value::Array(items) => {
                    let items = items.iter().filter(|item| !item.is_null());
                    items.map(|item| object.within(item.clone())).collect()
                }
                Value::Null => Vec::new(),
                _ => vec![object],
            },
            Fetched::Page(page) => {
                let items = page.items.into_iter();
                let live = items.filter_map(|(item, _)| match item {
                    Item::Live(object) => Some(object),
                    Item::Value(_) => None,
                });
                live.collect()
            }
            Fetched::Value(_) => Vec::new(),
        };
        for crossed in &stage.within {
            let around = std::mem::take(&mut objects);
            for object in around {
                self.members(&object, crossed, wide, &mut objects);
            }
        }
        objects
    }

    /// The objects that stand in one.
    fn members(
        &self,
        around: &LiveObject,
        crossed: &Crossed,
        wide: bool,
        all: &mut Vec<LiveObject>,
    ) {
        let model = self.routes().model();
        let is_of = *around.origin.type_name == *crossed.type_name;
        let field = field_of(model, crossed).filter(|_| is_of);
        let Some((field, FieldSource::Value(binding))) = field.map(|field| (field, &field.source))
        else {
            return;
        };
        let mismatches = Cell::new(0);
        let args = Value::Object((**crossed.arguments(wide)).clone());
        let read = |expr| {
            around
                .evaluate(expr, around.value(), Some(&args), &mismatches)
                .into_owned()
        };
        let mut found = read(&binding.at);
        if let (Value::Null, Some(default)) = (&found, &binding.default) {
            found = read(default);
        }
        // A connection of the upstream.
        if let Value::Object(members) = &mut found
            && let Some(nodes) = members.get_mut("nodes")
        {
            found = nodes.take();
        }
        let type_name = self.routes().item_type(field);
        let object = |value: Value| self.member(around, type_name, value);
        match found {
            Value::Array(items) => all.extend(items.into_iter().filter_map(object)),
            value => all.extend(object(value)),
        }
    }

    fn member(
        &self,
        around: &LiveObject,
        type_name: &Arc<str>,
        value: Value,
    ) -> Option<LiveObject> {
        let ty = self.routes().model().types.get(type_name)?;
        let name = match ty.interface {
            false => Arc::clone(type_name),
            true => value.get("__typename")?.as_str()?.into(),
        };
        value.is_object().then(|| LiveObject {
            origin: Arc::new(Origin {
                type_name: name,
                ..(*around.origin).clone()
            }),
            ..around.within(value)
        })
    }

    fn id_of(&self, object: &LiveObject) -> Option<String> {
        let type_name = &object.origin.type_name;
        let ty = self.routes().model().types.get(type_name)?;
        object.id(type_name, ty.identity.as_ref()?, object.value())
    }
}

impl Walk {
    /// The same for all that are asked the same.
    fn signpost(&self) -> String {
        let stage = self.way.stages.get(self.stage).map(Stage::signpost);
        let next = self.way.stages.get(self.stage + 1);
        let next = next.map(|next| next.field.to_json());
        serde_json::json!([stage, next, self.wide]).to_string()
    }
}

fn field_of<'m>(model: &'m Model, crossed: &Crossed) -> Option<&'m Field> {
    model
        .types
        .get(&crossed.type_name)?
        .fields
        .get(&crossed.name)
}

fn selected(crossed: &Crossed, wide: bool, below: Arc<Selected>) -> SelectedField {
    SelectedField {
        name: Arc::clone(&crossed.name),
        arguments: Arc::clone(crossed.arguments(wide)),
        below,
        rows: true,
        total: false,
    }
}

fn id_field() -> SelectedField {
    SelectedField {
        name: "id".into(),
        arguments: Arc::default(),
        below: Arc::default(),
        rows: false,
        total: false,
    }
}

fn unknown() -> Answer {
    let message = "this id was not shown by this server lately: read the object again from its entity, and use the id that comes with it";
    Fault::new("UNKNOWN_ID", message).into()
}

fn gone() -> Answer {
    let message = "the object is not among those that it was shown with any more: read it again from its entity";
    Fault::new("UNKNOWN_ID", message).into()
}
