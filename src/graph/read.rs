//! Reading one entity, and finding it.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use roaring::RoaringBitmap;
use serde_json::Value;

use super::index::{Source, Texts, ValueIndex};
use super::layout::{ABSENT, GENERIC, ID_SLOT, JSON_SLOT, NO_SLOT, REF_SLOT};
use super::order::name_in;
use super::record::marked_json;
use super::value::{list_items, push_json_string, unquote};
use super::{Edge, Ix, Origin, ProblemRecord, Snapshot, Written, extract, rows};
use crate::catalog::EntityRef;
use crate::sdl::{ColumnId, ColumnSource, EngineValue, KindId, Model, RelationId};

/// One entity, looked up once; reading several columns through it is faster than asking the snapshot for each.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    snapshot: &'a Snapshot,
    ix: Ix,
    row: Option<rows::RowRef<'a>>,
}

impl<'a> Row<'a> {
    /// Which entity it is.
    #[inline]
    pub fn ix(&self) -> Ix {
        self.ix
    }

    /// `None` for an undeclared kind.
    #[inline]
    pub fn kind(&self) -> Option<KindId> {
        match self.row.map_or(ABSENT, rows::RowRef::kind) {
            GENERIC | ABSENT => None,
            kind => Some(KindId(kind)),
        }
    }

    /// As [`Snapshot::write_column`].
    #[inline]
    pub fn write(&self, column: ColumnId, out: &mut Vec<u8>) -> Written<'a> {
        let Some(row) = self.row else {
            out.extend_from_slice(b"null");
            return Written::Null;
        };
        let slot = self.snapshot.layout.slot(row.kind(), column);
        if slot == JSON_SLOT {
            return self.snapshot.write_json_column(self.ix, column, out);
        }
        let text = row.slot(slot);
        if text.is_empty() {
            out.extend_from_slice(b"null");
            return Written::Null;
        }
        if slot <= ID_SLOT {
            push_json_string(out, text);
            return Written::Value;
        }
        if let Some(hash) = marked_json(text) {
            return Written::Text(hash);
        }
        out.extend_from_slice(text.as_bytes());
        Written::Value
    }
}

impl Snapshot {
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The last change that is in this state.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        self.alive.len() as usize
    }

    pub fn is_empty(&self) -> bool {
        self.alive.is_empty()
    }

    /// All entities.
    pub fn all(&self) -> &RoaringBitmap {
        &self.alive
    }

    /// The entity with this canonical ref, or that had it once.
    pub fn find(&self, entity_ref: &str) -> Option<Ix> {
        let current = self.lookup_ref(entity_ref).filter(|ix| self.exists(*ix));
        current.or_else(|| self.find_previous(entity_ref))
    }

    /// The index of a canonical ref, also where it is only referred to.
    pub fn lookup_ref(&self, entity_ref: &str) -> Option<Ix> {
        let hash = self.hash(entity_ref);
        self.by_ref
            .from(|(own, _)| *own < hash)
            .take_while(|(own, _)| *own == hash)
            .map(|(_, ix)| Ix(*ix))
            .find(|ix| self.entity_ref(*ix) == entity_ref)
    }

    fn find_previous(&self, entity_ref: &str) -> Option<Ix> {
        let hash = self.hash(entity_ref);
        self.by_previous
            .from(|(own, _)| *own < hash)
            .take_while(|(own, _)| *own == hash)
            .map(|(_, ix)| Ix(*ix))
            .find(|ix| {
                let mut previous = self.previous_refs(*ix).iter();
                previous.any(|previous| previous.as_str() == entity_ref)
            })
    }

    pub(super) fn hash(&self, entity_ref: &str) -> u32 {
        use std::hash::BuildHasher;
        self.hasher.hash_one(entity_ref) as u32
    }

    /// The entity with this id.
    pub fn find_id(&self, id: &str) -> Option<Ix> {
        let key = self.ids.sort.key(id);
        let entry = self.ids.get(&key, self.texts())?;
        let mut own = entry.within(&self.alive).into_iter().map(Ix);
        own.find(|ix| self.id(*ix) == id)
    }

    /// Whether there is an entity, and not only references to it.
    pub fn exists(&self, ix: Ix) -> bool {
        self.rows.kind(ix.0) != ABSENT
    }

    /// The canonical ref; also of what is only referred to.
    pub fn entity_ref(&self, ix: Ix) -> &str {
        self.rows.entity_ref(ix.0)
    }

    pub fn id(&self, ix: Ix) -> &str {
        self.rows.id(ix)
    }

    /// `None` for an undeclared kind.
    pub fn kind(&self, ix: Ix) -> Option<KindId> {
        match self.rows.kind(ix.0) {
            GENERIC | ABSENT => None,
            kind => Some(KindId(kind)),
        }
    }

    /// How a person would call it: the title, else the name.
    pub fn label(&self, ix: Ix) -> Cow<'_, str> {
        let texts = self.texts();
        let columns = [self.layout.title, self.layout.name];
        let mut written = columns
            .into_iter()
            .flatten()
            .map(|column| texts.stored(Source::Column(column), ix.0));
        match written.find(|text| !text.is_empty()) {
            Some(text) => unquote(text),
            None => Cow::Borrowed(name_in(self.entity_ref(ix))),
        }
    }

    /// For reading several columns of one entity.
    #[inline]
    pub fn row(&self, ix: Ix) -> Row<'_> {
        Row {
            snapshot: self,
            ix,
            row: self.rows.row(ix.0),
        }
    }

    /// Appends the value of a column as JSON.
    #[inline]
    pub fn write_column<'a>(&'a self, ix: Ix, column: ColumnId, out: &mut Vec<u8>) -> Written<'a> {
        self.row(ix).write(column, out)
    }

    fn write_json_column<'a>(&'a self, ix: Ix, column: ColumnId, out: &mut Vec<u8>) -> Written<'a> {
        let value = self.json_column(ix, column);
        out.extend_from_slice(value.to_string().as_bytes());
        if value.is_null() {
            Written::Null
        } else {
            Written::Value
        }
    }

    fn json_column(&self, ix: Ix, column: ColumnId) -> Value {
        let columns = match self.rows.kind(ix.0) {
            ABSENT => return Value::Null,
            GENERIC => &self.model.generic_columns,
            kind => &self.model.kind_of(KindId(kind)).columns,
        };
        let source = columns.iter().find(|(own, _)| *own == column);
        match source {
            Some((_, ColumnSource::Value(binding))) => {
                extract::json_value(binding, &self.descriptor(ix))
            }
            _ => Value::Null,
        }
    }

    /// The value of a column; [`Value::Null`] where there is none, a [`text_marker`](super::text_marker) for a large text.
    pub fn column(&self, ix: Ix, column: ColumnId) -> Value {
        let Some(row) = self.rows.row(ix.0) else {
            return Value::Null;
        };
        match self.layout.slot(row.kind(), column) {
            JSON_SLOT => self.json_column(ix, column),
            NO_SLOT => Value::Null,
            slot @ (REF_SLOT | ID_SLOT) => row.slot(slot).into(),
            slot => serde_json::from_str(row.slot(slot)).unwrap_or_default(),
        }
    }

    /// The descriptor, unpacked anew at each call (microseconds); large texts are [`text_marker`](super::text_marker)s.
    pub fn descriptor(&self, ix: Ix) -> Value {
        self.descriptors.value(ix.0)
    }

    /// The descriptor as JSON text, `null` if there is none.
    pub fn write_descriptor(&self, ix: Ix, out: &mut Vec<u8>) {
        let json = self.descriptors.json(ix.0);
        out.extend_from_slice(if json.is_empty() { b"null" } else { &json });
    }

    pub fn origin(&self, ix: Ix) -> Option<Origin> {
        let place = self.places.get(ix.0 as usize)?.as_ref()?;
        let rest = place.rest.as_ref();
        Some(Origin {
            source: Arc::clone(&place.file.0),
            file: Arc::clone(&place.file.1),
            line: place.line,
            revision: place.revision,
            url: rest.and_then(|rest| rest.url.clone()),
            claims: rest.map(|rest| rest.claims.clone()).unwrap_or_default(),
        })
    }

    /// The change that brought this version of an entity.
    pub fn version(&self, ix: Ix) -> u64 {
        let place = self.places.get(ix.0 as usize).and_then(Option::as_ref);
        place.map_or(0, |place| place.revision)
    }

    /// The same for all states in which an entity keeps its index, and for no others.
    pub fn lineage(&self) -> u64 {
        use std::hash::BuildHasher;
        self.hasher.hash_one(())
    }

    /// Where an entity came, changed or went since `before`, a state of the same lineage; in order.
    ///
    /// The cost grows with what changed, not with the catalog.
    pub fn changed_since(&self, before: &Self) -> Vec<Ix> {
        let differing = self.places.differing(&before.places);
        let differing = differing.filter_map(|entry| u32::try_from(entry).ok().map(Ix));
        differing
            .filter(|ix| {
                self.exists(*ix) != before.exists(*ix)
                    || (self.exists(*ix)
                        && (self.version(*ix) != before.version(*ix)
                            || self.id(*ix) != before.id(*ix)))
            })
            .collect()
    }

    pub fn previous_refs(&self, ix: Ix) -> &[EntityRef] {
        let place = self.places.get(ix.0 as usize).and_then(Option::as_ref);
        match place.and_then(|place| place.rest.as_deref()) {
            Some(rest) => &rest.previous_refs,
            None => &[],
        }
    }

    /// All edges from an entity, sorted by relation type, then by the target's name and ref; targets may not exist.
    pub fn edges(&self, ix: Ix) -> &[Edge] {
        self.edges.out(ix.0)
    }

    /// Those of one type.
    pub fn edges_along(&self, ix: Ix, relation: RelationId) -> &[Edge] {
        self.edges.out_along(ix.0, relation)
    }

    /// Reads a little of an entity's row: so that it is at hand when it is read in earnest. What comes back means nothing.
    pub fn touch_row(&self, ix: Ix) -> u32 {
        self.rows.row(ix.0).map_or(0, rows::RowRef::touch)
    }

    /// The same with its edges.
    pub fn touch_edges(&self, ix: Ix) -> u32 {
        let edges = self.edges.out(ix.0);
        let ends = edges.first().into_iter().chain(edges.last());
        ends.fold(0, |sum, edge| sum ^ edge.target.0)
    }

    /// All edges that lead to an entity, each with its source as `target`; sorted by relation type, then by the source's ref.
    pub fn edges_back(&self, ix: Ix) -> &[Edge] {
        self.edges.back(ix.0)
    }

    /// The entities of a kind; `None` is every undeclared kind.
    pub fn of_kind(&self, kind: Option<KindId>) -> &RoaringBitmap {
        static NONE: LazyLock<RoaringBitmap> = LazyLock::new(RoaringBitmap::new);
        let at = kind.map_or(self.model.kinds.len(), |kind| usize::from(kind.0));
        self.kinds.get(at).map_or(&NONE, |own| own)
    }

    /// The entities of these kinds.
    pub fn of_kinds(&self, kinds: &[Option<KindId>]) -> RoaringBitmap {
        let mut found: Option<RoaringBitmap> = None;
        for kind in kinds {
            let at = kind.map_or(self.model.kinds.len(), |kind| usize::from(kind.0));
            match (&mut found, self.kinds.get(at)) {
                (Some(found), Some(own)) => *found |= &**own,
                (None, Some(own)) => found = Some((**own).clone()),
                (_, None) => {}
            }
        }
        found.unwrap_or_default()
    }

    /// All problems, by source, file and line.
    pub fn problems(&self) -> impl Iterator<Item = &ProblemRecord> {
        self.problems.iter()
    }

    pub fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// The problems of one entity.
    pub fn problems_of(&self, entity_ref: &str) -> Vec<&ProblemRecord> {
        self.problems.of(entity_ref)
    }

    pub(super) fn texts(&self) -> Texts<'_> {
        Texts {
            rows: &self.rows,
            layout: &self.layout,
        }
    }

    /// The ordered index behind a column, and whether it holds refs that are no entities.
    pub(super) fn column_index(&self, column: ColumnId) -> Option<&ValueIndex> {
        let at = usize::from(column.0);
        match self.layout.engine.get(at)? {
            Some(EngineValue::Ref) => Some(&self.refs),
            Some(_) => Some(&self.ids),
            None => self.columns.get(at)?.as_ref(),
        }
    }

    /// The texts that a list column, or one like it, has for an entity.
    pub(super) fn list_of(&self, column: ColumnId, ix: u32) -> Vec<Box<str>> {
        list_items(self.texts().stored(Source::Column(column), ix))
    }
}
