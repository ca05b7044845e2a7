//! Arguments of a field, understood once per request and not once per object.

use std::sync::Arc;

use apollo_compiler::Node;
use apollo_compiler::schema::{ExtendedType, InputValueDefinition, Schema};
use serde_json::{Map, Value};

use super::error::FieldError;
use super::filter;
use super::input::shorten;
use crate::graph::{Filter, Order, Window};
use crate::sdl::Model;

/// What a page holds unless `first` or `last` says otherwise.
pub(crate) const DEFAULT_PAGE: usize = 50;

/// What pages of one sort of connection hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paged {
    default: usize,
    largest: usize,
}

impl Paged {
    pub(crate) const CATALOG: Self = Self {
        default: DEFAULT_PAGE,
        largest: 1_000,
    };
    /// Every page of an upstream costs a request.
    pub(crate) const LIVE: Self = Self {
        default: 10,
        largest: 100,
    };
    /// Names to choose from while somebody types.
    pub(crate) const SUGGESTED: Self = Self {
        default: 10,
        largest: 100,
    };
}

/// Arguments, coerced and taken apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) values: Map<String, Value>,
    pub(crate) filter: Option<Filter>,
    pub(crate) orders: Vec<Order>,
    pub(crate) page: PageArguments,
}

/// `first`, `after`, `last`, `before`.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageArguments {
    pub(crate) first: Option<usize>,
    pub(crate) after: Option<Arc<str>>,
    pub(crate) last: Option<usize>,
    pub(crate) before: Option<Arc<str>>,
}

impl PageArguments {
    /// Those among the coerced arguments of a connection of the catalog.
    pub(crate) fn of(values: &Map<String, Value>) -> Result<Self, FieldError> {
        Self::within(values, Paged::CATALOG)
    }

    /// Those of pages of another sort.
    pub(crate) fn within(values: &Map<String, Value>, paged: Paged) -> Result<Self, FieldError> {
        read_page(values, paged)
    }

    pub(crate) fn window(&self) -> Window<'_> {
        Window {
            first: self.first,
            after: self.after.as_deref(),
            last: self.last,
            before: self.before.as_deref(),
        }
    }
}

/// What the arguments of a field stand for, as far as the engine gives them a meaning.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meaning {
    /// The input type of `filter`.
    filter: Option<Arc<str>>,
    /// The enum of `orderBy: [{ field }]`.
    order: Option<Arc<str>>,
    /// Of a connection.
    paged: Option<Paged>,
}

impl Meaning {
    pub(crate) fn of(
        schema: &Schema,
        definitions: &[Node<InputValueDefinition>],
        paged: Option<Paged>,
    ) -> Self {
        let named = |argument: &str| {
            let definition = definitions.iter().find(|known| known.name == argument)?;
            Some(definition.ty.inner_named_type())
        };
        let order = named("orderBy").and_then(|name| match schema.types.get(name)? {
            ExtendedType::InputObject(object) => {
                let field = object.fields.get("field")?;
                Some(Arc::from(field.ty.inner_named_type().as_str()))
            }
            _ => None,
        });
        Self {
            filter: named("filter").map(|name| Arc::from(name.as_str())),
            order,
            paged,
        }
    }

    /// Understands coerced `values`.
    pub(crate) fn read(
        &self,
        model: &Model,
        values: Map<String, Value>,
    ) -> Result<Arguments, FieldError> {
        Ok(Arguments {
            filter: self.filter(model, &values)?,
            orders: self.orders(model, &values),
            page: self.page(&values)?,
            values,
        })
    }

    /// Understands `arguments` again after their values of these names have changed.
    pub(crate) fn read_again<'n>(
        &self,
        model: &Model,
        mut arguments: Arguments,
        changed: impl Iterator<Item = &'n str>,
    ) -> Result<Arguments, FieldError> {
        let values = &arguments.values;
        for name in changed {
            match name {
                "filter" => arguments.filter = self.filter(model, values)?,
                "orderBy" => arguments.orders = self.orders(model, values),
                _ => arguments.page = self.page(values)?,
            }
        }
        Ok(arguments)
    }

    fn filter(
        &self,
        model: &Model,
        values: &Map<String, Value>,
    ) -> Result<Option<Filter>, FieldError> {
        match (&self.filter, values.get("filter")) {
            // Others are the business of the resolver that declares them.
            (Some(name), Some(filter))
                if !filter.is_null() && model.filters.contains_key(&**name) =>
            {
                let filter = filter::read(model, name, filter).map_err(FieldError::input)?;
                Ok(Some(filter))
            }
            _ => Ok(None),
        }
    }

    fn orders(&self, model: &Model, values: &Map<String, Value>) -> Vec<Order> {
        match (&self.order, values.get("orderBy")) {
            (Some(name), Some(Value::Array(orders))) => orders
                .iter()
                .filter_map(|order| read_order(model, name, order))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn page(&self, values: &Map<String, Value>) -> Result<PageArguments, FieldError> {
        match self.paged {
            Some(paged) => read_page(values, paged),
            None => Ok(PageArguments::default()),
        }
    }
}

fn read_order(model: &Model, enum_name: &str, order: &Value) -> Option<Order> {
    let field = order.get("field")?.as_str()?;
    let column = *model.orders.get(enum_name)?.get(field)?;
    let descending = order.get("direction").and_then(Value::as_str) == Some("DESC");
    Some(Order { column, descending })
}

fn read_page(values: &Map<String, Value>, paged: Paged) -> Result<PageArguments, FieldError> {
    let size = |name: &str| match values.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().and_then(|size| usize::try_from(size).ok()) {
            Some(size) if size <= paged.largest => Ok(Some(size)),
            _ => Err(FieldError::input(format!(
                "`{name}` is {}; it must be from 0 to {}",
                shorten(value),
                paged.largest
            ))),
        },
    };
    let cursor = |name: &str| values.get(name).and_then(Value::as_str).map(Arc::from);
    let page = PageArguments {
        first: size("first")?,
        after: cursor("after"),
        last: size("last")?,
        before: cursor("before"),
    };
    match (page.first, page.last) {
        (Some(_), Some(_)) => Err(FieldError::input(
            "`first` and `last` exclude each other; give one of them",
        )),
        (None, None) => Ok(PageArguments {
            first: Some(paged.default),
            ..page
        }),
        _ => Ok(page),
    }
}
