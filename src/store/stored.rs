//! Entities as they come out of the database: flat text, taken apart by whoever needs the parts.
//!
//! A catalog is read by one thread and taken apart by another; what one thread allocates and another one frees costs more than to copy it.
//! So the rows of a batch share one text, and the small columns of a row come as one, because the driver's price is per column and row.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::sqlx::{ColumnIndex, Decode, Error, Row, Type};
use sea_orm::{DbErr, QueryResult, RuntimeErr};

use super::claims;
use crate::catalog::EntityRef;
use crate::graph::{Claim, Origin};

/// What stands between the small columns; no ref and no number has it.
const BETWEEN: char = '\u{1F}';
/// How many small columns there are.
const SMALL: usize = 9;

/// An entity as it is served, its descriptor still as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntity<'a> {
    pub id: Arc<str>,
    pub entity_ref: EntityRef,
    pub descriptor: Cow<'a, str>,
    pub origin: Origin,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub previous_refs: Vec<EntityRef>,
}

impl StoredEntity<'_> {
    /// The same, with a descriptor of its own.
    pub fn into_owned(self) -> StoredEntity<'static> {
        StoredEntity {
            id: self.id,
            entity_ref: self.entity_ref,
            descriptor: Cow::Owned(self.descriptor.into_owned()),
            origin: self.origin,
            created_at: self.created_at,
            updated_at: self.updated_at,
            previous_refs: self.previous_refs,
        }
    }
}

/// A batch of entities.
#[derive(Debug, Default)]
pub struct StoredEntities {
    /// The small columns and the descriptor of each row.
    text: String,
    /// Where they end.
    ends: Vec<(usize, usize)>,
    /// By number of the row: who else claims the ref.
    claims: Vec<(usize, Vec<Claim>)>,
}

/// Names of sources and files, each kept once for all entities that have it.
#[derive(Debug, Default)]
pub struct Names(HashSet<Arc<str>>);

impl Names {
    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

/// Claims that have lost, by their ref, in the order in which they would be promoted.
pub(super) type Losers = HashMap<EntityRef, Vec<claims::Claim>>;

impl StoredEntities {
    /// Room for as many as `like` has.
    pub(super) fn like(like: &Self) -> Self {
        Self {
            text: String::with_capacity(like.text.len()),
            ends: Vec::with_capacity(like.ends.len()),
            claims: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The entities, in their order.
    pub fn entities<'a>(
        &'a self,
        names: &'a mut Names,
    ) -> impl Iterator<Item = StoredEntity<'a>> + 'a {
        let mut start = 0;
        let mut claims = self.claims.iter().peekable();
        self.ends.iter().enumerate().map(move |(row, ends)| {
            let (small, descriptor) = *ends;
            let claims = claims.next_if(|(of, _)| *of == row);
            let entity = entity(
                self.text.get(start..small).unwrap_or_default(),
                self.text.get(small..descriptor).unwrap_or_default(),
                claims.map_or(&[], |(_, claims)| claims),
                names,
            );
            start = descriptor;
            entity
        })
    }

    /// Takes a row of [`select`].
    pub(super) fn push(&mut self, row: &QueryResult, losers: &mut Losers) -> Result<(), DbErr> {
        let (small, descriptor) = match (row.try_as_sqlite_row(), row.try_as_pg_row()) {
            (Some(row), _) => texts(row)?,
            (None, Some(row)) => texts(row)?,
            (None, None) => return Err(DbErr::Type("a row of another database".into())),
        };
        if !losers.is_empty() {
            let entity_ref = small.split(BETWEEN).next().unwrap_or_default();
            if let Some(claims) = losers.remove(entity_ref) {
                let claims = claims.into_iter().map(origin_claim).collect();
                self.claims.push((self.ends.len(), claims));
            }
        }
        self.text.push_str(small);
        let end = self.text.len();
        self.text.push_str(descriptor);
        self.ends.push((end, self.text.len()));
        Ok(())
    }
}

/// The two columns of a row, where the driver has them.
fn texts<'r, R: Row>(row: &'r R) -> Result<(&'r str, &'r str), DbErr>
where
    usize: ColumnIndex<R>,
    &'r str: Decode<'r, R::Database> + Type<R::Database>,
{
    let error = |error: Error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)));
    let small = row.try_get(0).map_err(error)?;
    let descriptor = row.try_get(1).map_err(error)?;
    Ok((small, descriptor))
}

/// Selects what [`StoredEntities`] reads: the small columns of each entity as one, and its descriptor.
pub(super) fn select() -> SelectStatement {
    let columns: [&str; SMALL] = [
        "entities.entity_ref",
        "entities.node_id",
        "entities.created_at",
        "entities.updated_at",
        "entities.revision",
        "entities.previous_refs",
        "documents.line",
        "documents.source",
        // The last, because nobody knows what stands in it.
        "documents.file",
    ];
    // Both databases have it, and write nothing for NULL.
    let between = BETWEEN.to_string();
    let format = format!(
        "format('{}', {})",
        ["%s"; SMALL].join(&between),
        columns.join(", ")
    );
    let mut select = Query::select();
    select
        .expr(Expr::cust(format))
        .expr(Expr::col(("documents", "descriptor")))
        .from("entities")
        .inner_join(
            "documents",
            Expr::col(("documents", "id")).equals(("entities", "document_id")),
        );
    select
}

fn entity<'a>(
    small: &str,
    descriptor: &'a str,
    claims: &[Claim],
    names: &mut Names,
) -> StoredEntity<'a> {
    let mut columns = small.splitn(SMALL, BETWEEN);
    let mut next = || columns.next().unwrap_or_default();
    let time = |micros: &str| {
        let micros = micros.parse().unwrap_or_default();
        Timestamp::from_microsecond(micros).unwrap_or_default()
    };
    let (entity_ref, id) = (EntityRef::from_canonical(next()), next().into());
    let (created_at, updated_at) = (time(next()), time(next()));
    let revision = next().parse().unwrap_or_default();
    let previous_refs = next().lines().map(EntityRef::from_canonical).collect();
    let line = next().parse().unwrap_or_default();
    let (source, file) = (names.shared(next()), names.shared(next()));
    StoredEntity {
        id,
        entity_ref,
        descriptor: Cow::Borrowed(descriptor),
        origin: Origin {
            source,
            file,
            line,
            revision,
            url: None,
            claims: claims.to_vec(),
        },
        created_at,
        updated_at,
        previous_refs,
    }
}

fn origin_claim(claim: claims::Claim) -> Claim {
    Claim {
        source: claim.source,
        file: claim.file,
        line: u32::try_from(claim.line).unwrap_or_default(),
    }
}
