//! An entry as bytes, as it stands in Redis.
//!
//! Whatever cannot be read is no entry: another version wrote it, or somebody else.

use jiff::Timestamp;
use serde_json::Value;

use crate::cache::entry::{Content, Entry, Life, NewEntry};
use crate::cache::key::Tag;
use crate::cache::purge::Position;

/// What bytes of this form begin with.
const FORM: [u8; 4] = *b"cbe1";

const JSON: u8 = 0;
const ABSENT: u8 = 1;

/// The entry, and the place in the log of purges from which on purges count for it.
pub(super) fn encode(entry: &Entry) -> Option<Vec<u8>> {
    let new = entry.parts();
    let (kind, status) = match &new.content {
        Content::Json(_) => (JSON, 0),
        Content::Absent { status } => (ABSENT, *status),
    };
    let mut out = Vec::with_capacity(256);
    out.extend(FORM);
    out.push(kind);
    out.extend(status.to_le_bytes());
    let life = &new.life;
    for time in [
        life.fetched_at,
        life.fresh_until,
        life.stale_until,
        life.usable_until,
    ] {
        out.extend(time.as_microsecond().to_le_bytes());
    }
    out.extend(entry.mark.position.time.to_le_bytes());
    out.extend(entry.mark.position.number.to_le_bytes());
    text(&mut out, new.etag.as_deref())?;
    text(&mut out, new.last_modified.as_deref())?;
    out.extend(u16::try_from(new.tags.len()).ok()?.to_le_bytes());
    for tag in &new.tags {
        out.extend(tag.0.to_le_bytes());
    }
    if let Content::Json(value) = &new.content {
        serde_json::to_writer(&mut out, value).ok()?;
    }
    Some(out)
}

/// A text with its length; none is the empty one.
fn text(out: &mut Vec<u8>, text: Option<&str>) -> Option<()> {
    let text = text.unwrap_or_default();
    out.extend(u16::try_from(text.len()).ok()?.to_le_bytes());
    out.extend(text.as_bytes());
    Some(())
}

pub(super) fn decode(bytes: &[u8]) -> Option<(NewEntry, Position)> {
    let mut input = Input(bytes);
    if input.array::<4>()? != FORM {
        return None;
    }
    let [kind] = input.array()?;
    let status = u16::from_le_bytes(input.array()?);
    let life = Life {
        fetched_at: input.time()?,
        fresh_until: input.time()?,
        stale_until: input.time()?,
        usable_until: input.time()?,
    };
    let position = Position {
        time: u64::from_le_bytes(input.array()?),
        number: u64::from_le_bytes(input.array()?),
    };
    let etag = input.text()?;
    let last_modified = input.text()?;
    let n_tags = u16::from_le_bytes(input.array()?);
    let tags = (0..n_tags)
        .map(|_| Some(Tag(u128::from_le_bytes(input.array()?))))
        .collect::<Option<_>>()?;
    let content = match kind {
        JSON => Content::Json(serde_json::from_slice::<Value>(input.0).ok()?),
        ABSENT if input.0.is_empty() => Content::Absent { status },
        _ => return None,
    };
    let new = NewEntry {
        content,
        life,
        etag,
        last_modified,
        tags,
    };
    Some((new, position))
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn time(&mut self) -> Option<Timestamp> {
        Timestamp::from_microsecond(i64::from_le_bytes(self.array()?)).ok()
    }

    fn text(&mut self) -> Option<Option<Box<str>>> {
        let length = u16::from_le_bytes(self.array()?);
        let (text, rest) = self.0.split_at_checked(usize::from(length))?;
        self.0 = rest;
        let text = std::str::from_utf8(text).ok()?;
        Some((!text.is_empty()).then(|| text.into()))
    }
}
