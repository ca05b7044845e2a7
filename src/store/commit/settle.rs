//! Who speaks for each ref that a commit touches, and what that means for the entity.

use std::collections::{BTreeSet, HashSet};

use sea_orm::{ColumnTrait, DbErr};

use super::{Commit, LogLine, Rename, Served, Stored};
use crate::catalog::EntityRef;
use crate::store::changes::Operation;
use crate::store::claims::{Claim, rank};
use crate::store::tables::{documents, entities};
use crate::store::write;

impl Commit<'_> {
    /// Decides who speaks for each ref that is touched.
    pub(super) async fn settle(&mut self) -> Result<(), DbErr> {
        self.read_served().await?;
        self.settle_renames().await?;
        self.apply_to_claims();
        let served = std::mem::take(&mut self.served);
        let new: Vec<_> = served
            .iter()
            .filter(|(_, served)| served.entity.is_none() && !served.after.is_empty())
            .map(|(entity_ref, _)| entity_ref.clone())
            .collect();
        let mut ids = write::new_node_ids(self.transaction, new).await?;
        self.log.reserve(ids.len());
        self.new_entities.reserve(ids.len());
        self.upserts.reserve(ids.len());
        self.winners.reserve(ids.len());
        for (entity_ref, mut served) in served {
            rank(&mut served.after);
            let id = ids.remove(&entity_ref);
            self.settle_ref(&entity_ref, &mut served, id);
        }
        Ok(())
    }

    /// Reads entities and claims of all touched refs.
    async fn read_served(&mut self) -> Result<(), DbErr> {
        let stored = self
            .added
            .iter()
            .chain(&self.changed)
            .map(|stored| &stored.claim);
        let renamed = self
            .renames
            .iter()
            .flat_map(|rename| [&rename.gone, &rename.added.claim]);
        let touched: BTreeSet<EntityRef> = stored
            .chain(&self.moved)
            .chain(&self.dropped)
            .chain(renamed)
            .map(|claim| claim.entity_ref.clone())
            .collect();
        let refs: Vec<_> = touched.iter().map(ToString::to_string).collect();
        self.served = touched
            .into_iter()
            .map(|entity_ref| (entity_ref, Served::default()))
            .collect();
        for entity in write::entities(self.transaction, &refs).await? {
            if let Some(served) = self.served.get_mut(entity.entity_ref.as_str()) {
                served.entity = Some(entity);
            }
        }
        let condition = |refs: &[String]| documents::Column::EntityRef.is_in(refs);
        for claim in write::claims(self.transaction, &self.orders, &refs, condition).await? {
            if let Some(served) = self.served.get_mut(&claim.entity_ref) {
                served.before.push(claim.clone());
                served.after.push(claim);
            }
        }
        Ok(())
    }

    /// An entity goes on under another name if nobody else claims either name and nothing else of it has changed.
    async fn settle_renames(&mut self) -> Result<(), DbErr> {
        for Rename { gone, mut added } in std::mem::take(&mut self.renames) {
            let alone = |served: Option<&Served>, claims| {
                served.is_some_and(|served| served.before.len() == claims)
            };
            let contested = self
                .added
                .iter()
                .any(|other| other.claim.entity_ref == added.claim.entity_ref);
            if gone.winner
                && !contested
                && alone(self.served.get(&gone.entity_ref), 1)
                && alone(self.served.get(&added.claim.entity_ref), 0)
                && write::same_but_name(self.transaction, gone.id, &added.row.descriptor).await?
            {
                self.rename(&gone, added);
                continue;
            }
            let id = self.counters.next_document();
            (added.claim.id, added.row.id) = (id, id);
            (added.claim.first_seen, added.row.first_seen) = (self.first_seen, self.first_seen);
            (added.claim.winner, added.row.winner) = (false, false);
            self.added.push(added);
            if self.last {
                self.dropped.push(gone);
            } else {
                self.carry.dropped.push(gone.id);
            }
        }
        Ok(())
    }

    fn rename(&mut self, gone: &Claim, added: Stored) {
        let Some(mut entity) = self
            .served
            .remove(&gone.entity_ref)
            .and_then(|served| served.entity)
        else {
            return;
        };
        self.served.remove(&added.claim.entity_ref);
        self.gone_entities.push(gone.entity_ref.to_string());
        self.committed.removals.push(gone.entity_ref.clone());
        self.committed.renamed += 1;
        self.log.push(LogLine {
            node_id: entity.node_id.clone(),
            entity_ref: added.claim.entity_ref.clone(),
            operation: Operation::Renamed,
            before: Some(gone.id),
        });
        entity.entity_ref = added.claim.entity_ref.to_string();
        entity.previous_refs = Some(match entity.previous_refs {
            Some(earlier) => format!("{earlier}\n{}", gone.entity_ref),
            None => gone.entity_ref.to_string(),
        });
        entity.updated_at = self.at;
        entity.revision = self.counters.next_revision();
        self.new_entities.push(entity);
        self.upserts.push(added.claim.entity_ref.clone());
        self.changed.push(added);
    }

    fn apply_to_claims(&mut self) {
        let dropped: HashSet<i64> = self.dropped.iter().map(|claim| claim.id).collect();
        for claim in &self.dropped {
            if let Some(served) = self.served.get_mut(&claim.entity_ref) {
                served.after.retain(|claim| !dropped.contains(&claim.id));
            }
        }
        let stored = self.changed.iter().map(|stored| &stored.claim);
        for claim in stored.chain(&self.moved) {
            if let Some(served) = self.served.get_mut(&claim.entity_ref)
                && let Some(before) = served.after.iter_mut().find(|other| other.id == claim.id)
            {
                *before = claim.clone();
            }
        }
        for stored in &self.added {
            if let Some(served) = self.served.get_mut(&stored.claim.entity_ref) {
                // Nearly always the only one.
                served.after.reserve_exact(1);
                served.after.push(stored.claim.clone());
            }
        }
    }

    fn settle_ref(&mut self, entity_ref: &EntityRef, served: &mut Served, id: Option<String>) {
        for (position, claim) in served.after.iter_mut().enumerate() {
            if claim.winner != (position == 0) {
                claim.winner = position == 0;
                self.winners.push((claim.id, claim.winner));
            }
        }
        if served.before.len() > 1 || served.after.len() > 1 {
            self.contested
                .push((entity_ref.clone(), served.after.clone()));
        }
        match (served.entity.take(), served.after.first()) {
            (None, None) => {}
            (None, Some(winner)) => self.create(winner, id),
            (Some(entity), None) => self.remove(entity_ref, entity),
            (Some(entity), Some(winner)) => {
                let before = served
                    .before
                    .iter()
                    .find(|claim| claim.id == entity.document_id);
                if before.is_none_or(|before| before.hash != winner.hash) {
                    self.update(entity, winner);
                } else if served.before != served.after {
                    self.touch(entity, winner);
                }
            }
        }
    }

    fn create(&mut self, winner: &Claim, id: Option<String>) {
        let node_id = id.unwrap_or_default();
        self.committed.created += 1;
        self.log.push(LogLine {
            node_id: node_id.clone(),
            entity_ref: winner.entity_ref.clone(),
            operation: Operation::Created,
            before: None,
        });
        self.new_entities.push(entities::Model {
            entity_ref: winner.entity_ref.to_string(),
            node_id,
            document_id: winner.id,
            created_at: self.at,
            updated_at: self.at,
            revision: self.counters.next_revision(),
            previous_refs: None,
        });
        self.upserts.push(winner.entity_ref.clone());
    }

    fn update(&mut self, entity: entities::Model, winner: &Claim) {
        self.committed.updated += 1;
        self.log.push(LogLine {
            node_id: entity.node_id.clone(),
            entity_ref: winner.entity_ref.clone(),
            operation: Operation::Updated,
            before: Some(entity.document_id),
        });
        self.new_entities.push(entities::Model {
            document_id: winner.id,
            updated_at: self.at,
            revision: self.counters.next_revision(),
            ..entity
        });
        self.upserts.push(winner.entity_ref.clone());
    }

    /// The same content from another place.
    fn touch(&mut self, entity: entities::Model, winner: &Claim) {
        if entity.document_id != winner.id {
            self.new_entities.push(entities::Model {
                document_id: winner.id,
                ..entity
            });
        }
        self.upserts.push(winner.entity_ref.clone());
    }

    fn remove(&mut self, entity_ref: &EntityRef, entity: entities::Model) {
        self.committed.removed += 1;
        self.committed.removals.push(entity_ref.clone());
        self.log.push(LogLine {
            node_id: entity.node_id,
            entity_ref: entity_ref.clone(),
            operation: Operation::Removed,
            before: Some(entity.document_id),
        });
        self.gone_entities.push(entity.entity_ref);
    }
}
