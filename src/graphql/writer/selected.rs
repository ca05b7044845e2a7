//! What a plan selects beneath a live field, for sources that ask upstreams for no more than that.

use std::collections::HashMap;
use std::sync::Arc;

use super::Scene;
use crate::connect::{Selected, SelectedField};
use crate::graphql::plan::{Field, FieldId, ObjectId, Op, Part, Selection, SelectionId, Shape};

/// What is selected of the objects of a field.
pub(super) fn selected(scene: &Scene<'_>, field: &Field) -> SelectedField {
    let mut walk = Walk {
        scene,
        known: HashMap::new(),
    };
    let connection = field.live.as_ref().and_then(|live| live.connection);
    walk.beneath(field, connection)
}

struct Walk<'s, 'r> {
    scene: &'s Scene<'r>,
    /// One selection may be reached on many paths.
    known: HashMap<SelectionId, Arc<Selected>>,
}

impl Walk<'_, '_> {
    fn beneath(&mut self, field: &Field, connection: Option<ObjectId>) -> SelectedField {
        let mut all = SelectedField {
            name: Arc::clone(&field.name),
            arguments: Arc::default(),
            below: Arc::default(),
            rows: false,
            total: false,
        };
        match connection {
            Some(connection) => self.parts(connection, &mut all),
            None => all.below = self.objects(field),
        }
        all
    }

    fn objects(&mut self, field: &Field) -> Arc<Selected> {
        let (Shape::Object(selection) | Shape::Entity(selection)) = field.shape else {
            return Arc::default();
        };
        if let Some(known) = self.known.get(&selection) {
            return Arc::clone(known);
        }
        let types = match self.scene.plan.selection(selection) {
            Selection::One(object) => {
                vec![(Arc::clone(&field.ty.named), self.fields(*object))]
            }
            Selection::Tagged(objects) | Selection::Entities(_, objects) => {
                let each = objects.iter();
                each.map(|(name, object)| (Arc::clone(name), self.fields(*object)))
                    .collect()
            }
        };
        let selected = Arc::new(Selected { types });
        self.known.insert(selection, Arc::clone(&selected));
        selected
    }

    fn fields(&mut self, object: ObjectId) -> Vec<SelectedField> {
        let scene = self.scene;
        let mut fields = Vec::new();
        for item in scene.plan.object(object) {
            let connection = match &item.op {
                Op::Value(value) => value.connection,
                Op::Live(_) => {
                    let live = scene.plan.field(item.field).live.as_ref();
                    live.and_then(|live| live.connection)
                }
                Op::Lookup(_) | Op::LiveId { .. } | Op::Resolve { .. } => None,
                _ => continue,
            };
            let mut field = self.beneath(scene.plan.field(item.field), connection);
            field.arguments = self.arguments(item.field);
            fields.push(field);
        }
        fields
    }

    fn arguments(&self, field: FieldId) -> Arc<serde_json::Map<String, serde_json::Value>> {
        // What is wrong with them is said where the field is written.
        let arguments = self.scene.arguments(field);
        arguments.map_or_else(
            |_| Arc::default(),
            |arguments| Arc::new(arguments.values.clone()),
        )
    }

    /// The members of a connection.
    fn parts(&mut self, connection: ObjectId, all: &mut SelectedField) {
        let plan = self.scene.plan;
        let mut types = Vec::new();
        for item in plan.object(connection) {
            match item.op {
                Op::Part(Part::TotalCount) => all.total = true,
                Op::Part(Part::Nodes) => {
                    all.rows = true;
                    let below = self.objects(plan.field(item.field));
                    types.extend(below.types.iter().cloned());
                }
                Op::Part(Part::Edges(edge)) => {
                    all.rows = true;
                    for item in plan.object(edge) {
                        if matches!(item.op, Op::Part(Part::Node)) {
                            let below = self.objects(plan.field(item.field));
                            types.extend(below.types.iter().cloned());
                        }
                    }
                }
                Op::Part(Part::PageInfo(_) | Part::Complete) => all.rows = true,
                _ => {}
            }
        }
        all.below = Arc::new(Selected { types });
    }
}
