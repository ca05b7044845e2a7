//! Every document that can be made for a connector: what tests hold against the published schema of its upstream.

use std::sync::Arc;

use serde_json::Value;

use super::change::Change;
use super::document::{Document, Operation, Root};
use crate::connect::chains::What;
use crate::connect::routes::Routes;
use crate::connect::seam::LiveField;
use crate::connect::selected::{Selected, SelectedField, is_selective};
use crate::sdl::{Connect, FieldSource, Generated, LiveBinding, Model};

/// Objects within objects are selected so far.
const DEEPEST: usize = 5;

/// A document, and the field that it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamDocument {
    /// `Entity.repository`
    pub coordinate: String,
    pub text: String,
    pub variables: Value,
}

/// The documents for all live fields of a connector, each with everything selected that can be, once with all arguments, once with none; and those of its actions.
pub fn upstream_documents(model: &Arc<Model>, connector: &str) -> Vec<UpstreamDocument> {
    let routes = Routes::new(Arc::clone(model));
    let mut documents: Vec<UpstreamDocument> = Vec::new();
    for ty in model.types.values() {
        for field in ty.fields.values() {
            let FieldSource::Live(binding) = &field.source else {
                continue;
            };
            if !is_selective(model, &ty.name, binding) || is_mutation(model, &ty.name) {
                continue;
            }
            for given in [true, false] {
                let live = everything(model, (&ty.name, &field.name), binding, given);
                let coordinate = format!("{}.{}", ty.name, field.name);
                for (text, variables) in of_field(&routes, &live, connector) {
                    if !documents.iter().any(|known| known.text == text) {
                        documents.push(UpstreamDocument {
                            coordinate: coordinate.clone(),
                            text,
                            variables,
                        });
                    }
                }
            }
        }
    }
    for (coordinate, connect, payload) in actions(model, connector) {
        let fetch = routes.action(connect, payload);
        let Some(root) = fetch.root.as_ref() else {
            continue;
        };
        let deed = Change::new(model, &fetch, &root.sample(&connect.lets), &[]);
        let connections = &model.sources[connect.source].connections;
        let document = deed
            .map(|deed| deed.document(connections))
            .unwrap_or_default();
        documents.push(UpstreamDocument {
            coordinate,
            text: document.text,
            variables: Value::Object(document.variables),
        });
    }
    documents
}

/// Everything that a connector does: fields of `Mutation`, or what supplies them, with its request and the type of its payload.
fn actions<'m>(model: &'m Model, connector: &str) -> Vec<(String, &'m Arc<Connect>, &'m Arc<str>)> {
    let supplied = model.actions.iter().filter_map(|action| {
        let connect = model.types.get(&action.payload)?.connect.as_ref()?;
        Some((action.payload.to_string(), connect, &action.payload))
    });
    let mutation = model.schema.schema_definition.mutation.as_ref();
    let mutation = mutation.and_then(|mutation| model.types.get(mutation.as_str()));
    let own = mutation.into_iter().flat_map(|ty| {
        ty.fields.iter().filter_map(|(name, field)| {
            let FieldSource::Live(binding) = &field.source else {
                return None;
            };
            let connect = binding.connect.as_ref()?;
            Some((format!("{}.{name}", ty.name), connect, &field.ty.named))
        })
    });
    let all = supplied.chain(own);
    all.filter(|(_, connect, _)| *connect.connector == *connector)
        .collect()
}

fn is_mutation(model: &Model, type_name: &str) -> bool {
    let mutation = model.schema.schema_definition.mutation.as_ref();
    mutation.is_some_and(|mutation| mutation.as_str() == type_name)
}

fn of_field(routes: &Routes, field: &LiveField, connector: &str) -> Vec<(String, Value)> {
    let route = routes.route(field);
    let own = route.providers.iter();
    let own = own.filter(|provider| *provider.connector == *connector);
    let steps = own.flat_map(|provider| &provider.steps);
    steps
        .filter_map(|step| {
            let What::Graph(graph) = &step.what else {
                return None;
            };
            let (fetch, root) = (&graph.fetch, graph.fetch.root.as_ref()?);
            let names: Vec<(Box<str>, Value)> = fetch
                .connect
                .lets
                .iter()
                .map(|item| (item.name.clone(), Value::from("x")))
                .collect();
            let shape = graph.shape(&names, 0, true);
            let mut field = root.sample(&fetch.connect.lets).field(&shape.field);
            let lookup = |root: &str, members: &[Box<str>]| {
                let known = names.iter().find(|(name, _)| **name == *root);
                known
                    .filter(|_| members.is_empty())
                    .map(|(_, value)| value.clone())
            };
            fetch.ask_for_tags(&mut field, &lookup);
            let root = Root {
                field: &field,
                type_name: None,
            };
            let source = graph.model.sources.get(fetch.connect.source)?;
            let document = Document::new(Operation::Query, &[root], &source.connections);
            Some((document.text, Value::Object(document.variables)))
        })
        .collect()
}

/// A live field with everything selected beneath it.
fn everything(
    model: &Model,
    (owner, name): (&Arc<str>, &Arc<str>),
    binding: &LiveBinding,
    given: bool,
) -> LiveField {
    let selected = selected(model, owner, name, given, DEEPEST);
    LiveField {
        type_name: Arc::clone(owner),
        name: Arc::clone(name),
        arguments: Arc::clone(&selected.arguments),
        total: true,
        cursors: true,
        selected: Some(selected),
        binding: Some(Arc::new(binding.clone())),
        ..LiveField::default()
    }
}

fn selected(
    model: &Model,
    owner: &str,
    name: &Arc<str>,
    given: bool,
    depth: usize,
) -> SelectedField {
    let arguments = match given {
        true => model.sample_arguments(owner, name),
        false => serde_json::Map::new(),
    };
    let field = model.types.get(owner).and_then(|ty| ty.fields.get(name));
    let target = field.map(|field| {
        let item = super::read::item_of(model, field);
        item.unwrap_or(&field.ty.named).to_owned()
    });
    let below = target.map(|target| objects(model, &target, given, depth));
    SelectedField {
        name: Arc::clone(name),
        arguments: Arc::new(arguments),
        below: Arc::new(below.unwrap_or_default()),
        rows: true,
        total: true,
    }
}

/// Everything of objects of a type, and of objects within them, so deep.
pub(super) fn objects(model: &Model, type_name: &str, given: bool, depth: usize) -> Selected {
    let mut types = Vec::new();
    let Some(ty) = model.types.get(type_name).filter(|_| depth > 0) else {
        return Selected::default();
    };
    for name in &ty.concrete {
        // Entities are of the catalog.
        let Some(concrete) = model.types.get(name).filter(|ty| ty.kind.is_none()) else {
            continue;
        };
        let fields = concrete.fields.iter().filter(|(_, field)| {
            !matches!(
                field.source,
                FieldSource::Generated(Generated::KindPlural(_) | Generated::KindSingular(_))
                    | FieldSource::Relation(_)
            )
        });
        let fields = fields
            .map(|(name, _)| selected(model, &concrete.name, name, given, depth - 1))
            .collect();
        types.push((Arc::clone(name), fields));
    }
    Selected { types }
}
