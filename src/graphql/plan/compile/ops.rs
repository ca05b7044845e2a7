//! Where the value of a field comes from: what the schema says about its source, as an [`Op`].

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use super::super::collect::Merged;
use super::super::kinds::{is_connection, node_targets};
use super::super::{
    ConnectionOp, FieldArguments, FieldId, LiveOp, ObjectId, Op, Part, Plan, Rows, Selection,
    SelectionId, Shape, ValueOp,
};
use super::Compiler;
use crate::connect::is_selective;
use crate::graphql::error::{Code, RequestError};
use crate::graphql::hole::SourceId;
use crate::graphql::resolve::Resolver;
use crate::sdl::expr::Expr;
use crate::sdl::{
    self, FieldSource, FieldType, GENERIC_ENTITY, Generated, Targets, TypeDef, ValueBinding,
};

impl<'d> Compiler<'d> {
    pub(super) fn op(
        &mut self,
        ty: &TypeDef,
        field: &sdl::Field,
        nodes: &Merged<'d>,
        shape: &Shape,
        id: FieldId,
    ) -> Result<Op, RequestError> {
        if let Some(column) = field.column
            && (ty.kind.is_some() || *ty.name == *GENERIC_ENTITY)
        {
            return Ok(Op::Column {
                column,
                non_null: field.ty.non_null,
            });
        }
        Ok(match &field.source {
            FieldSource::Value(binding) => Op::Value(Box::new(ValueOp {
                key: match binding.at.as_plain_path().as_deref() {
                    Some([key]) => Some((*key).into()),
                    _ => None,
                },
                plain: binding.default.is_none()
                    && binding.cases.is_empty()
                    && binding.otherwise.is_none()
                    && field.ty.list.is_none(),
                reads_args: reads_args(binding),
                connection: match is_connection(self.model, &field.ty.named) {
                    true => Some(self.object(nodes, &field.ty.named)?),
                    false => None,
                },
                binding: binding.clone(),
            })),
            FieldSource::Relation(binding) if binding.connection => self.connection(
                nodes,
                &field.ty,
                Rows::Relation(binding.relation),
                binding.targets.clone(),
            )?,
            FieldSource::Relation(binding) => match shape {
                Shape::Entity(selection) => Op::Relation {
                    relation: binding.relation,
                    targets: binding.targets.clone(),
                    selection: *selection,
                },
                _ => return Err(unserved(ty, field)),
            },
            FieldSource::Resolver(binding) => {
                let Some(resolver) = Resolver::named(&binding.name) else {
                    return Err(unserved(ty, field));
                };
                if let (Resolver::LiveId, Some(identity)) = (resolver, &ty.identity) {
                    return Ok(Op::LiveId {
                        type_name: Arc::clone(&ty.name),
                        identity: Box::new(identity.clone()),
                    });
                }
                self.resolver(resolver, &binding.via, nodes, &field.ty, id)?
            }
            FieldSource::Lookup(binding) => Op::Lookup(Box::new(binding.clone())),
            FieldSource::Live(binding) => {
                let selective = is_selective(self.model, &ty.name, binding);
                let binding = Some(Arc::new(binding.clone()));
                let op = self.live(SourceId::Live, binding, nodes, &field.ty, id)?;
                if selective {
                    self.tell_selection(id);
                }
                op
            }
            FieldSource::Generated(generated) => {
                self.generated(generated, ty, field, nodes, shape)?
            }
        })
    }

    fn resolver(
        &mut self,
        resolver: Resolver,
        via: &[crate::sdl::RelationId],
        nodes: &Merged<'d>,
        ty: &FieldType,
        id: FieldId,
    ) -> Result<Op, RequestError> {
        if let Some(source) = resolver.fetched_from() {
            self.plan.watched |= resolver == Resolver::LiveStates;
            let op = self.live(source, None, nodes, ty, id)?;
            if let Some(live) = &mut self.plan.fields[id.0 as usize].live {
                live.resolver = resolver.name();
                live.via = via.into();
            }
            if resolver == Resolver::Search {
                // What nobody asks for is not made.
                self.tell_selection(id);
            }
            return Ok(op);
        }
        if !is_connection(self.model, &ty.named) {
            return Ok(Op::Resolve {
                resolver,
                via: via.into(),
            });
        }
        let rows = match resolver {
            Resolver::Entities => Rows::Entities,
            _ => Rows::Resolved {
                resolver,
                via: via.into(),
            },
        };
        let targets = node_targets(self.model, &ty.named);
        self.connection(nodes, ty, rows, targets)
    }

    fn live(
        &mut self,
        source: SourceId,
        binding: Option<Arc<sdl::LiveBinding>>,
        nodes: &Merged<'d>,
        ty: &FieldType,
        id: FieldId,
    ) -> Result<Op, RequestError> {
        let connection = match is_connection(self.model, &ty.named) {
            true => Some(self.object(nodes, &ty.named)?),
            false => None,
        };
        let total =
            connection.is_some_and(|object| self.has_part(object, |part| part == Part::TotalCount));
        let cursors = connection.is_some_and(|object| self.has_cursor(object));
        self.plan.fields[id.0 as usize].live = Some(LiveOp {
            binding,
            resolver: "",
            via: Arc::default(),
            connection,
            total,
            cursors,
            selective: false,
            open: false,
            selected: OnceLock::new(),
            asked: OnceLock::new(),
        });
        Ok(Op::Live(source))
    }

    /// The source of the field is told what is selected beneath it: once per request, if variables stand in that.
    fn tell_selection(&mut self, id: FieldId) {
        let field = &self.plan.fields[id.0 as usize];
        let connection = field.live.as_ref().and_then(|live| live.connection);
        let objects = match (connection, &field.shape) {
            (Some(connection), _) => vec![connection],
            (None, Shape::Object(selection)) => objects_of(&self.plan, *selection),
            (None, _) => Vec::new(),
        };
        let open = has_variables(&self.plan, objects);
        if open && self.plan.fields[id.0 as usize].slot.is_none() {
            self.plan.fields[id.0 as usize].slot = Some(self.plan.slots);
            self.plan.slots += 1;
        }
        if let Some(live) = &mut self.plan.fields[id.0 as usize].live {
            live.selective = true;
            live.open = open;
        }
    }

    fn connection(
        &mut self,
        nodes: &Merged<'d>,
        ty: &FieldType,
        rows: Rows,
        targets: Targets,
    ) -> Result<Op, RequestError> {
        let object = self.object(nodes, &ty.named)?;
        let total = self.has_part(object, |part| part == Part::TotalCount);
        let page = self.has_part(object, |part| {
            matches!(part, Part::Edges(_) | Part::Nodes | Part::PageInfo(_))
        });
        Ok(Op::Connection(Box::new(ConnectionOp {
            rows,
            object,
            page,
            total,
            targets,
        })))
    }

    /// Whether a connection has a member that `wanted` holds for.
    fn has_part(&self, connection: ObjectId, wanted: impl Fn(Part) -> bool) -> bool {
        let items = self.plan.object(connection).iter();
        items.map(|item| &item.op).any(|op| match op {
            Op::Part(part) => wanted(*part),
            _ => false,
        })
    }

    /// Whether a cursor is selected anywhere in a connection.
    fn has_cursor(&self, connection: ObjectId) -> bool {
        let cursor = |part| matches!(part, Part::Cursor | Part::StartCursor | Part::EndCursor);
        self.plan
            .object(connection)
            .iter()
            .any(|item| match item.op {
                Op::Part(Part::Edges(object) | Part::PageInfo(object)) => {
                    self.has_part(object, cursor)
                }
                _ => false,
            })
    }

    fn generated(
        &mut self,
        generated: &Generated,
        ty: &TypeDef,
        field: &sdl::Field,
        nodes: &Merged<'d>,
        shape: &Shape,
    ) -> Result<Op, RequestError> {
        let one = |plan: &Plan| match shape {
            Shape::Object(selection) => match plan.selection(*selection) {
                Selection::One(object) => Some(*object),
                Selection::Entities(..) | Selection::Tagged(_) => None,
            },
            _ => None,
        };
        let part = match generated {
            Generated::KindSingular(kind) => {
                return match shape {
                    Shape::Entity(selection) => Ok(Op::Singular {
                        kind: *kind,
                        selection: *selection,
                    }),
                    _ => Err(unserved(ty, field)),
                };
            }
            Generated::KindPlural(kind) => {
                let targets = Targets::Kinds([*kind].into());
                return self.connection(nodes, &field.ty, Rows::Kind(*kind), targets);
            }
            Generated::ConnectionEdges => one(&self.plan).map(Part::Edges),
            Generated::ConnectionNodes => Some(Part::Nodes),
            Generated::ConnectionTotalCount => Some(Part::TotalCount),
            Generated::ConnectionPageInfo => one(&self.plan).map(Part::PageInfo),
            Generated::ConnectionComplete => Some(Part::Complete),
            Generated::EdgeNode => Some(Part::Node),
            Generated::EdgeCursor => Some(Part::Cursor),
            Generated::EdgeRelation => Some(Part::EdgeRelation),
            Generated::Part(name) => match &**name {
                "hasNextPage" => Some(Part::HasNextPage),
                "hasPreviousPage" => Some(Part::HasPreviousPage),
                "startCursor" => Some(Part::StartCursor),
                "endCursor" => Some(Part::EndCursor),
                _ => None,
            },
        };
        part.map(Op::Part).ok_or_else(|| unserved(ty, field))
    }
}

fn objects_of(plan: &Plan, selection: SelectionId) -> Vec<ObjectId> {
    match plan.selection(selection) {
        Selection::One(object) => vec![*object],
        Selection::Tagged(objects) => objects.iter().map(|(_, object)| *object).collect(),
        Selection::Entities(..) => Vec::new(),
    }
}

/// Whether any argument in these objects, or in those within them, holds a variable.
fn has_variables(plan: &Plan, mut objects: Vec<ObjectId>) -> bool {
    let mut seen = HashSet::new();
    while let Some(object) = objects.pop() {
        if !seen.insert(object) {
            continue;
        }
        for item in plan.object(object) {
            let field = plan.field(item.field);
            if matches!(field.arguments, FieldArguments::Open(_)) {
                return true;
            }
            match &item.op {
                Op::Part(Part::Edges(object) | Part::PageInfo(object)) => objects.push(*object),
                Op::Value(value) => objects.extend(value.connection),
                Op::Live(_) => {
                    objects.extend(field.live.as_ref().and_then(|live| live.connection));
                }
                _ => {}
            }
            if let Shape::Object(selection) = field.shape {
                objects.extend(objects_of(plan, selection));
            }
        }
    }
    false
}

/// [`super::super::check`] reports these at load; a plan that meets one all the same is refused.
fn unserved(ty: &TypeDef, field: &sdl::Field) -> RequestError {
    RequestError::new(
        Code::Internal,
        format!("`{}.{}` cannot be answered", ty.name, field.name),
    )
}

fn reads_args(binding: &ValueBinding) -> bool {
    let exprs = std::iter::once(&binding.at).chain(&binding.default);
    exprs
        .flat_map(Expr::reads)
        .any(|read| &*read.root == "args")
}
