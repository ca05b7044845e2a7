//! How an object was reached that was shown with its id: from an entity, or a field at the root, along live fields.
//!
//! An id says nothing of its object. Whoever shows one says how it was come by, and who asks for the object by its id is led the same way again.
//! The way holds names and arguments and nothing of what an upstream said, so that everybody who goes along it sees what he may see himself.

use std::sync::Arc;

use serde_json::{Map, Value, json};

/// To a list, or to the place of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Way {
    /// Where it begins; `None` for the root.
    pub entity_ref: Option<Box<str>>,
    /// At least one.
    pub stages: Vec<Stage>,
}

/// A live field, and from what it brings on to objects within.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub field: Crossed,
    pub within: Vec<Crossed>,
    /// Which of the objects the next stage is asked of; none of the last stage, and of what has no id.
    pub id: Option<Box<str>>,
}

/// A field on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossed {
    /// The concrete type that it was selected on.
    pub type_name: Arc<str>,
    pub name: Arc<str>,
    /// Coerced, defaults filled in.
    pub arguments: Arc<Map<String, Value>>,
    /// Those that bring as much as possible: an object may have left the page or the filter that it was shown in.
    pub widest: Option<Arc<Map<String, Value>>>,
}

impl Way {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "entity": self.entity_ref,
            "stages": self.stages.iter().map(Stage::to_json).collect::<Vec<_>>(),
        })
    }

    /// `None` for what another version wrote otherwise.
    pub(super) fn of_json(way: &Value) -> Option<Self> {
        let stages = way.get("stages")?.as_array()?;
        let stages: Option<Vec<Stage>> = stages.iter().map(Stage::of_json).collect();
        Some(Self {
            entity_ref: way.get("entity")?.as_str().map(Into::into),
            stages: stages.filter(|stages| !stages.is_empty())?,
        })
    }
}

impl Stage {
    /// Whether there is more than where the object was shown.
    pub(super) fn is_widened(&self) -> bool {
        let mut all = std::iter::once(&self.field).chain(&self.within);
        all.any(|crossed| crossed.widest.is_some())
    }

    /// What it asks, whichever object is wanted of it.
    pub(super) fn signpost(&self) -> Value {
        let within = self.within.iter().map(Crossed::to_json);
        json!([self.field.to_json(), within.collect::<Vec<_>>()])
    }

    fn to_json(&self) -> Value {
        json!({
            "field": self.field.to_json(),
            "within": self.within.iter().map(Crossed::to_json).collect::<Vec<_>>(),
            "id": self.id,
        })
    }

    fn of_json(stage: &Value) -> Option<Self> {
        let within = stage.get("within")?.as_array()?;
        Some(Self {
            field: Crossed::of_json(stage.get("field")?)?,
            within: within.iter().map(Crossed::of_json).collect::<Option<_>>()?,
            id: stage.get("id").and_then(Value::as_str).map(Into::into),
        })
    }
}

impl Crossed {
    pub(super) fn arguments(&self, wide: bool) -> &Arc<Map<String, Value>> {
        match &self.widest {
            Some(widest) if wide => widest,
            _ => &self.arguments,
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!([
            self.type_name,
            self.name,
            *self.arguments,
            self.widest.as_deref()
        ])
    }

    fn of_json(crossed: &Value) -> Option<Self> {
        let [type_name, name, arguments, widest] = crossed.as_array()?.as_slice() else {
            return None;
        };
        Some(Self {
            type_name: type_name.as_str()?.into(),
            name: name.as_str()?.into(),
            arguments: Arc::new(arguments.as_object()?.clone()),
            widest: widest.as_object().cloned().map(Arc::new),
        })
    }
}
