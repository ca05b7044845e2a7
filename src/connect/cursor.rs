//! Cursors of live lists: how far each provider's list was shown.
//!
//! A place is remembered by its number and by what stood there, so that a list which has grown at its head is read on where it was left.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

/// One place for each provider, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor(pub(super) Vec<Place>);

/// Behind so many objects of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) behind: u32,
    /// What the last of them was; 0 where none was shown.
    pub(super) anchor: u32,
}

impl Cursor {
    pub(super) fn write(&self) -> Box<str> {
        let places = self.0.iter();
        let places: Vec<String> = places
            .map(|place| format!("{:x}.{:x}", place.behind, place.anchor))
            .collect();
        format!("l{}", places.join("-")).into()
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let hex = |text: &str| u32::from_str_radix(text, 16).ok();
        let places = text.strip_prefix('l')?.split('-').map(|place| {
            let (behind, anchor) = place.split_once('.')?;
            Some(Place {
                behind: hex(behind)?,
                anchor: hex(anchor)?,
            })
        });
        Some(Self(places.collect::<Option<_>>()?))
    }
}

/// What a place remembers of an object.
pub(super) fn anchor(identity: &Value) -> u32 {
    let mut hasher = DefaultHasher::new();
    identity.to_string().hash(&mut hasher);
    // 0 stands for none.
    (hasher.finish() as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Place};

    #[test]
    fn what_is_written_is_read() {
        let place = |behind, anchor| Place { behind, anchor };
        for places in [vec![place(3, 255)], vec![place(0, 0), place(12, 7)]] {
            let cursor = Cursor(places);
            assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        }
        for text in ["", "l", "p3", "l3", "l3.", "l-1.2", "l3.4-", "lé.1"] {
            assert_eq!(Cursor::read(text), None, "{text}");
        }
    }
}
