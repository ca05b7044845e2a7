//! Connections: a set, a page of it, and the parts that clients ask for.

use std::borrow::Cow;

use roaring::RoaringBitmap;
use serde_json::{Map, Value};

use super::{Null, Object, Origin, Writer};
use crate::connect::{FetchedPage, Item, LiveObject};
use crate::graph::{BadCursor, Edge, Ix, Order, Page, Wanted};
use crate::graphql::arguments::Arguments;
use crate::graphql::error::{self, FieldError};
use crate::graphql::place::Place;
use crate::graphql::plan::{
    ConnectionOp, FieldId, ObjectId, Part, Rows, Selection, SelectionId, Shape,
};
use crate::graphql::resolve::Resolver;
use crate::sdl::{RelationId, Targets};

/// All entities of a connection, and those that its filter lets through.
enum Sets<'r> {
    /// The snapshot holds all of them, and those of the filter where they are borrowed.
    Held(&'r RoaringBitmap, Option<Cow<'r, RoaringBitmap>>),
    Made(RoaringBitmap, Option<&'r RoaringBitmap>),
}

/// One page, ready to be written.
#[derive(Debug)]
pub(crate) struct Connection<'c> {
    pub(crate) rows: PageRows<'c>,
    pub(crate) total: Option<u64>,
    pub(crate) complete: Option<bool>,
    pub(crate) has_next: bool,
    pub(crate) has_previous: bool,
    /// Makes cursors of entities.
    pub(crate) orders: &'c [Order],
    /// The relation along which the nodes were reached, and from where.
    pub(crate) relation: Option<(RelationId, Ix)>,
}

#[derive(Debug)]
pub(crate) enum PageRows<'c> {
    Entities(Vec<Ix>),
    /// Relations, each with its source.
    Relations(Vec<(Ix, Edge)>),
    /// Things that are no entities, each with its cursor.
    Items(Cow<'c, [(Item, Box<str>)]>),
    /// Objects within one that was fetched, and where the first of them stands in the list.
    Within(&'c LiveObject, Vec<&'c Value>, usize),
}

impl PageRows<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Entities(items) => items.len(),
            Self::Relations(items) => items.len(),
            Self::Items(items) => items.len(),
            Self::Within(_, items, _) => items.len(),
        }
    }
}

impl<'c> Connection<'c> {
    fn of_values(page: FetchedPage) -> Self {
        Self {
            total: page.total,
            complete: page.complete,
            has_next: page.has_next,
            has_previous: page.has_previous,
            rows: PageRows::Items(Cow::Owned(page.items)),
            orders: &[],
            relation: None,
        }
    }

    /// A page that a source brought.
    pub(crate) fn of_page(page: &'c FetchedPage) -> Self {
        Self {
            rows: PageRows::Items(Cow::Borrowed(&page.items)),
            total: page.total,
            complete: page.complete,
            has_next: page.has_next,
            has_previous: page.has_previous,
            orders: &[],
            relation: None,
        }
    }
}

impl<'r> Writer<'r> {
    pub(super) fn connection(
        &mut self,
        op: &'r ConnectionOp,
        field: FieldId,
        this: Object<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        match self.page(op, field, this) {
            Ok(connection) => self.object(op.object, Object::Connection(&connection), place),
            Err(error) => Err(self.fail(&error, place)),
        }
    }

    fn page(
        &mut self,
        op: &'r ConnectionOp,
        field: FieldId,
        this: Object<'_>,
    ) -> Result<Connection<'r>, FieldError> {
        let scene = self.scene;
        let arguments = scene.arguments(field)?;
        let ix = match this {
            Object::Entity(ix, _) => Some(ix),
            Object::Root
            | Object::Value(..)
            | Object::Live(..)
            | Object::Relation(..)
            | Object::Connection(_)
            | Object::Edge(..) => None,
        };
        if let Rows::Resolved { resolver, .. } = &op.rows
            && let Some(page) = self.listed(*resolver, op, arguments, ix)?
        {
            return Ok(page);
        }
        if let (Rows::Relation(relation), Some(ix)) = (&op.rows, ix) {
            return self.targets(op, field, arguments, (*relation, ix));
        }
        let sets = self.sets(op, field, arguments, ix)?;
        let (set, filter) = match &sets {
            Sets::Held(set, filter) => (*set, filter.as_deref()),
            Sets::Made(set, filter) => (set, *filter),
        };
        let (snapshot, orders) = (scene.snapshot, &arguments.orders);
        let window = arguments.page.window();
        let page = match (&sets, filter) {
            _ if !op.page => Ok(Page::default()),
            (Sets::Held(_, None | Some(Cow::Borrowed(_))), filter) => {
                snapshot.page_of_held(set, filter, orders, &window)
            }
            (_, Some(filter)) => snapshot.page_of_both(set, filter, orders, &window),
            (_, None) => snapshot.page(set, orders, &window),
        };
        let page = page.map_err(bad_cursor)?;
        Ok(Connection {
            rows: PageRows::Entities(page.items),
            total: op.total.then(|| match filter {
                Some(filter) => set.intersection_len(filter),
                None => set.len(),
            }),
            complete: None,
            has_next: page.has_next,
            has_previous: page.has_previous,
            orders: &arguments.orders,
            relation: None,
        })
    }

    /// What a relation leads to: no set is made of it.
    fn targets(
        &self,
        op: &ConnectionOp,
        field: FieldId,
        arguments: &'r Arguments,
        relation: (RelationId, Ix),
    ) -> Result<Connection<'r>, FieldError> {
        let snapshot = self.scene.snapshot;
        let wanted = Wanted {
            relation: relation.0,
            kinds: &op.targets,
            within: self.scene.filtered(field, arguments),
        };
        let page = match op.page {
            true => snapshot
                .target_page(
                    relation.1,
                    &wanted,
                    &arguments.orders,
                    &arguments.page.window(),
                )
                .map_err(bad_cursor)?,
            false => Page::default(),
        };
        Ok(Connection {
            rows: PageRows::Entities(page.items),
            total: op.total.then(|| snapshot.target_count(relation.1, &wanted)),
            complete: None,
            has_next: page.has_next,
            has_previous: page.has_previous,
            orders: &arguments.orders,
            relation: Some(relation),
        })
    }

    fn sets(
        &self,
        op: &ConnectionOp,
        field: FieldId,
        arguments: &'r Arguments,
        ix: Option<Ix>,
    ) -> Result<Sets<'r>, FieldError> {
        let scene = self.scene;
        let listed = match &op.rows {
            Rows::Kind(kind) => Some(scene.snapshot.of_kind(Some(*kind))),
            Rows::Entities => Some(scene.snapshot.all()),
            Rows::Relation(_) | Rows::Resolved { .. } => None,
        };
        if let Some(listed) = listed {
            // Such a field is met once, so there is nothing to keep.
            let filter = arguments.filter.as_ref();
            let filtered = filter.map(|filter| scene.snapshot.matching(filter));
            return Ok(Sets::Held(listed, filtered));
        }
        let mut set = match (&op.rows, ix) {
            (Rows::Resolved { resolver, via }, Some(ix)) => {
                self.reached(*resolver, via, arguments, ix)?
            }
            _ => RoaringBitmap::new(),
        };
        if let targets @ Targets::Kinds(_) = &op.targets {
            let allowed = |ix: &u32| targets.allows(scene.snapshot.kind(Ix(*ix)));
            set = set.iter().filter(allowed).collect();
        }
        Ok(Sets::Made(set, scene.filtered(field, arguments)))
    }

    /// Pages of things that are no entities; `None` for a resolver of entities.
    fn listed(
        &self,
        resolver: Resolver,
        op: &ConnectionOp,
        arguments: &Arguments,
        ix: Option<Ix>,
    ) -> Result<Option<Connection<'r>>, FieldError> {
        match resolver {
            Resolver::Relations => self.relation_page(op, arguments, ix).map(Some),
            Resolver::AllRelations => self.relation_page(op, arguments, None).map(Some),
            Resolver::AllProblems => {
                let page = self.problem_page(op, arguments)?;
                Ok(Some(Connection::of_values(page)))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn connection_part(
        &mut self,
        part: Part,
        field: FieldId,
        connection: &Connection<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        match part {
            Part::Nodes => self.nodes(field, connection, place),
            Part::Edges(object) => {
                let plan = self.scene.plan;
                let nullable = plan.field(field).ty.list == Some(false);
                let selection = plan.nodes(object);
                self.rows(
                    connection,
                    nullable,
                    selection,
                    place,
                    |writer, row, place| {
                        writer.object(object, Object::Edge(connection, row), place)
                    },
                )
            }
            Part::TotalCount => match connection.total {
                Some(total) => self.number(total),
                None => self.null(field, place),
            },
            Part::Complete => match connection.complete {
                Some(complete) => self.boolean(complete),
                None => self.null(field, place),
            },
            Part::PageInfo(object) => self.object(object, Object::Connection(connection), place),
            Part::HasNextPage => self.boolean(connection.has_next),
            Part::HasPreviousPage => self.boolean(connection.has_previous),
            Part::StartCursor | Part::EndCursor => {
                let row = match part {
                    Part::StartCursor => 0,
                    _ => connection.rows.len().wrapping_sub(1),
                };
                match row < connection.rows.len() {
                    true => self.cursor(connection, row),
                    false => self.null(field, place),
                }
            }
            Part::Node | Part::Cursor | Part::EdgeRelation => self.null(field, place),
        }
    }

    fn nodes(
        &mut self,
        field: FieldId,
        connection: &Connection<'_>,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        let planned = self.scene.plan.field(field);
        let nullable = planned.ty.list == Some(false);
        let selection = match planned.shape {
            Shape::Entity(selection) => Some(selection),
            _ => None,
        };
        self.rows(
            connection,
            nullable,
            selection,
            place,
            |writer, row, place| writer.node(field, connection, row, place),
        )
    }

    /// The list of what `write` writes for each row; `selection` is what comes of the entities in them.
    fn rows(
        &mut self,
        connection: &Connection<'_>,
        nullable: bool,
        selection: Option<SelectionId>,
        place: &Place<'_>,
        mut write: impl FnMut(&mut Self, usize, &Place<'_>) -> Result<(), Null>,
    ) -> Result<(), Null> {
        let (PageRows::Entities(items), Some(selection)) = (&connection.rows, selection) else {
            return self.list(0..connection.rows.len(), nullable, place, write);
        };
        let around = self.ahead;
        let written = self.list(0..items.len(), nullable, place, |writer, row, place| {
            writer.ahead = around;
            writer.read_ahead(selection, items, row);
            writer.ahead = true;
            write(writer, row, place)
        });
        self.ahead = around;
        written
    }

    fn node(
        &mut self,
        field: FieldId,
        connection: &Connection<'_>,
        row: usize,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        match (&connection.rows, &self.scene.plan.field(field).shape) {
            (PageRows::Entities(items), Shape::Entity(selection)) => {
                self.entity(*selection, items[row], place)
            }
            (PageRows::Items(items), _) => {
                let nullable = self.item_nullable(field);
                self.item(&items[row].0, nullable, field, place)
            }
            (PageRows::Within(object, items, _), _) => {
                let nullable = self.item_nullable(field);
                self.complete_one(items[row], nullable, field, Origin::Object(object), place)
            }
            (PageRows::Relations(items), Shape::Object(selection)) => {
                let (source, edge) = items[row];
                match self.scene.plan.selection(*selection) {
                    Selection::One(object) => {
                        self.object(*object, Object::Relation(source, edge), place)
                    }
                    Selection::Entities(..) | Selection::Tagged(_) => self.null(field, place),
                }
            }
            (PageRows::Entities(_) | PageRows::Relations(_), _) => self.null(field, place),
        }
    }

    fn item_nullable(&self, field: FieldId) -> bool {
        let ty = &self.scene.plan.field(field).ty;
        ty.list.map_or(!ty.non_null, |item_non_null| !item_non_null)
    }

    /// A list of objects within one that was fetched, as a connection: the upstream gave it as a whole.
    pub(super) fn embedded(
        &mut self,
        members: ObjectId,
        list: &Value,
        field: FieldId,
        object: &LiveObject,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        // A connection of the upstream says itself how it goes on.
        let (list, around) = match list {
            Value::Object(members) if is_connection(members) => {
                (members.get("nodes").unwrap_or(&Value::Null), Some(members))
            }
            list => (list, None),
        };
        let said = |name: &str| around.and_then(|around| around.get(name));
        let more = said("pageInfo").and_then(|info| info.get("hasNextPage"));
        let more = more.and_then(Value::as_bool) == Some(true);
        if let Some(fault) = around.and_then(LiveObject::stopped) {
            let error = FieldError::from(&fault).with("partial", true);
            // What was read of it is shown.
            let Null = self.fail(&error, place);
        }
        let items: &[Value] = match list {
            // Its nodes were not asked for.
            Value::Null if said("totalCount").is_some() => &[],
            Value::Null => return self.null(field, place),
            Value::Array(items) => items,
            _ => return Err(self.misfit(String::new, field, Origin::Object(object), place)),
        };
        let arguments = self.scene.arguments(field);
        let page = match arguments {
            Ok(arguments) => &arguments.page,
            Err(error) => return Err(self.fail(&error, place)),
        };
        let start = match page.after.as_deref().map(read_position) {
            None => 0,
            Some(Some(position)) => position,
            Some(None) => return Err(self.fail(&bad_cursor(BadCursor), place)),
        };
        let first = page.first.unwrap_or(usize::MAX);
        let rows: Vec<&Value> = items.iter().skip(start).take(first).collect();
        let connection = Connection {
            total: match around {
                Some(_) => said("totalCount").and_then(Value::as_u64),
                None => Some(items.len() as u64),
            },
            complete: Some(!more),
            has_next: start.saturating_add(rows.len()) < items.len() || more,
            has_previous: start > 0,
            rows: PageRows::Within(object, rows, start),
            orders: &[],
            relation: None,
        };
        self.object(members, Object::Connection(&connection), place)
    }

    pub(super) fn edge_part(
        &mut self,
        part: Part,
        field: FieldId,
        connection: &Connection<'_>,
        row: usize,
        place: &Place<'_>,
    ) -> Result<(), Null> {
        match (part, connection.relation) {
            (Part::Node, _) => self.node(field, connection, row, place),
            (Part::Cursor, _) => self.cursor(connection, row),
            (Part::EdgeRelation, Some((relation, source))) => {
                let PageRows::Entities(items) = &connection.rows else {
                    return self.null(field, place);
                };
                let target = items[row];
                let value = self.relation_value(source, Edge { relation, target });
                self.complete(&value, field, Origin::Catalog, place)
            }
            _ => self.null(field, place),
        }
    }

    fn cursor(&mut self, connection: &Connection<'_>, row: usize) -> Result<(), Null> {
        match &connection.rows {
            PageRows::Entities(items) => {
                let cursor = self.scene.snapshot.cursor(items[row], connection.orders);
                error::string(&cursor, &mut self.out);
            }
            PageRows::Items(items) => error::string(&items[row].1, &mut self.out),
            PageRows::Within(_, _, start) => {
                error::string(&position(start + row + 1), &mut self.out);
            }
            PageRows::Relations(items) => {
                let (source, edge) = &items[row];
                let cursor = self.scene.snapshot.edge_cursor(*source, edge);
                error::string(&cursor, &mut self.out);
            }
        }
        Ok(())
    }

    fn number(&mut self, number: u64) -> Result<(), Null> {
        let mut buffer = itoa::Buffer::new();
        self.out.extend_from_slice(buffer.format(number).as_bytes());
        Ok(())
    }

    fn boolean(&mut self, boolean: bool) -> Result<(), Null> {
        let text: &[u8] = if boolean { b"true" } else { b"false" };
        self.out.extend_from_slice(text);
        Ok(())
    }
}

/// Whether an object of an upstream is a connection, as far as it was asked for.
fn is_connection(members: &Map<String, Value>) -> bool {
    let parts = ["nodes", "pageInfo", "totalCount"];
    parts.iter().any(|part| members.contains_key(*part))
}

/// The cursor behind so many items of a list.
fn position(behind: usize) -> String {
    format!("p{behind}")
}

fn read_position(cursor: &str) -> Option<usize> {
    cursor.strip_prefix('p')?.parse().ok()
}

pub(crate) fn bad_cursor(error: BadCursor) -> FieldError {
    FieldError::input(error.to_string())
}
