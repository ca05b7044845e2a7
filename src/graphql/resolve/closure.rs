//! Sets of entities that are reached over relations: `closure`, `ascent`, `reach`.

use roaring::RoaringBitmap;
use serde_json::Value;

use super::Resolver;
use crate::graph::{Direction, Ix};
use crate::graphql::arguments::Arguments;
use crate::graphql::error::FieldError;
use crate::graphql::input::shorten;
use crate::graphql::writer::Writer;
use crate::sdl::RelationId;

/// A walk that would reach more stops here.
const REACHED: usize = 1_000_000;

impl Writer<'_> {
    /// What `resolver` reaches from an entity.
    pub(crate) fn reached(
        &self,
        resolver: Resolver,
        via: &[RelationId],
        arguments: &Arguments,
        ix: Ix,
    ) -> Result<RoaringBitmap, FieldError> {
        let snapshot = self.scene.snapshot;
        // A field without the argument has no other meaning than all the way.
        let transitive = match arguments.values.get("transitive") {
            None => true,
            Some(value) => value == &Value::Bool(true),
        };
        let Some((first, last)) = via.first().zip(via.last()) else {
            return Ok(RoaringBitmap::new());
        };
        Ok(match (resolver, transitive) {
            (Resolver::Closure, false) => snapshot.targets(ix, *last),
            (Resolver::Closure, true) => self.climb(ix, via),
            (Resolver::Ascent, false) => snapshot.targets(ix, *first),
            (Resolver::Ascent, true) => {
                let mut reached = snapshot.targets(ix, *first);
                for step in reached.clone() {
                    reached |= self.climb(Ix(step), via.get(1..).unwrap_or_default());
                }
                reached
            }
            (Resolver::Reach, _) => {
                let depth = depth(arguments)?;
                let impact = snapshot.impact(&[ix], Direction::Out, via, depth, REACHED);
                impact
                    .reached
                    .iter()
                    .map(|reached| reached.entity.0)
                    .collect()
            }
            _ => RoaringBitmap::new(),
        })
    }

    /// Any number of steps, and one last step; one relation type alone is both.
    fn climb(&self, ix: Ix, via: &[RelationId]) -> RoaringBitmap {
        match via {
            [] => RoaringBitmap::new(),
            [only] => self.scene.snapshot.closure(ix, &[*only, *only]),
            via => self.scene.snapshot.closure(ix, via),
        }
    }
}

fn depth(arguments: &Arguments) -> Result<u32, FieldError> {
    match arguments.values.get("depth") {
        None | Some(Value::Null) => Ok(1),
        Some(depth) => depth
            .as_u64()
            .and_then(|depth| u32::try_from(depth).ok())
            .ok_or_else(|| {
                FieldError::input(format!(
                    "`depth` is {}; it must not be negative",
                    shorten(depth)
                ))
            }),
    }
}
