//! What was found out about whom: the request of a field for a parent, and which items it shows, so that a warm answer unpacks no descriptor and fills no template.
//!
//! Of an entity it holds for one version of the entity; of an object that is kept, for as long as the object.
//! It is read once per live field and parent, by all threads at once: so reading takes no lock, and what is new waits in a place of its own until there is enough of it.
//! Nothing here is needed: what was forgotten is made again.

use std::hash::Hash;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use parking_lot::Mutex;

use super::ask::{Resolved, nearest};
use super::live::{Anchor, Part};
use super::routes::{Args, Fetch, Rule};
use super::scope::Scope;
use super::seam::Parent;
use super::wish::Wish;
use crate::graph::Ix;

/// So many are remembered of entities, and so many of objects; then it begins anew.
const MOST: usize = 50_000;
/// So much that is new is put to the rest at least.
const FEW: usize = 64;

pub(super) struct Remembered {
    entities: Memory<OfEntity, Resolved>,
    objects: Memory<OfObject, Resolved>,
    wishes: Memory<OfRule, Option<Arc<Wish>>>,
}

/// A request, its arguments as far as it reads them, and whom it is for.
type OfEntity = (u32, u32, u64);
type OfObject = (u32, Option<u32>, u64, Part);
/// A rule by its place in memory, which lasts as long as the schema; an entity, and the arguments.
type OfRule = (usize, u32, u64);

/// What it came to, for one version of the entity.
#[derive(Clone)]
pub(super) struct Known<V> {
    version: Version,
    came_to: V,
    /// With it nothing else can come to the object's address.
    _anchor: Option<Anchor>,
}

/// The states in which an index means the same entity, and the change that made it what it is.
type Version = (u64, u64);

/// Requests for entities.
pub(super) type KnownAsks = Arc<HashMap<OfEntity, Known<Resolved>>>;

struct Memory<K, V> {
    all: ArcSwap<HashMap<K, Known<V>>>,
    /// What came since; it goes before what is in `all`.
    new: Mutex<HashMap<K, Known<V>>>,
}

impl Remembered {
    pub(super) fn new() -> Self {
        Self {
            entities: Memory::new(),
            objects: Memory::new(),
            wishes: Memory::new(),
        }
    }

    /// What a request asks of an entity, if it was known when the first field was looked at: for nothing but a look.
    pub(super) fn known<'s>(
        &self,
        fetch: &Fetch,
        args: &Args,
        parent: &Parent,
        scope: &'s Scope,
    ) -> Option<&'s Resolved> {
        let Parent::Entity(ix) = *parent else {
            return None;
        };
        if fetch.reads_viewer {
            return None;
        }
        let args = if fetch.reads_args { args.hash } else { 0 };
        let all = scope.known(|| self.entities.all.load_full());
        let known = all.get(&(fetch.id, ix.0, args))?;
        (known.version == version(scope, Some(ix))).then_some(&known.came_to)
    }

    /// What a request asks of a parent: as it was, or as `resolve` makes it.
    pub(super) fn resolve(
        &self,
        fetch: &Fetch,
        args: &Args,
        parent: &Parent,
        scope: &Scope,
        resolve: impl FnOnce() -> Resolved,
    ) -> Resolved {
        if fetch.reads_viewer {
            return resolve();
        }
        let args = if fetch.reads_args { args.hash } else { 0 };
        let entity = nearest(parent);
        let version = || version(scope, entity);
        match parent {
            Parent::Entity(ix) => {
                let key = (fetch.id, ix.0, args);
                self.entities.get(key, version(), resolve, || None)
            }
            Parent::Live(object) => match object.part() {
                Some(part) => {
                    let key = (fetch.id, entity.map(|ix| ix.0), args, part);
                    let anchor = || Some(object.anchor());
                    self.objects.get(key, version(), resolve, anchor)
                }
                None => resolve(),
            },
            Parent::Root | Parent::Object(_) | Parent::Within(..) | Parent::Texts(_) => resolve(),
        }
    }

    /// What a rule wants of the items of an entity.
    pub(super) fn wish(
        &self,
        rule: &Rule,
        ix: Ix,
        scope: &Scope,
        make: impl FnOnce() -> Option<Arc<Wish>>,
    ) -> Option<Arc<Wish>> {
        let key = (Arc::as_ptr(&rule.of).addr(), ix.0, rule.args);
        self.wishes
            .get(key, version(scope, Some(ix)), make, || None)
    }
}

fn version(scope: &Scope, entity: Option<Ix>) -> Version {
    entity.map_or((0, 0), |ix| (scope.lineage(), scope.snapshot.version(ix)))
}

impl<K: Copy + Eq + Hash, V: Clone> Memory<K, V> {
    fn new() -> Self {
        Self {
            all: ArcSwap::default(),
            new: Mutex::default(),
        }
    }

    fn get(
        &self,
        key: K,
        version: Version,
        make: impl FnOnce() -> V,
        anchor: impl FnOnce() -> Option<Anchor>,
    ) -> V {
        let current = |known: &&Known<V>| known.version == version;
        if let Some(known) = self.all.load().get(&key).filter(current) {
            return known.came_to.clone();
        }
        if let Some(known) = self.new.lock().get(&key).filter(current) {
            return known.came_to.clone();
        }
        let came_to = make();
        let known = Known {
            version,
            came_to: came_to.clone(),
            _anchor: anchor(),
        };
        self.add(key, known);
        came_to
    }

    fn add(&self, key: K, known: Known<V>) {
        let mut new = self.new.lock();
        new.insert(key, known);
        let all = self.all.load();
        if new.len() < FEW.max(all.len() / 4) {
            return;
        }
        let mut next = match all.len() + new.len() > MOST {
            true => HashMap::new(),
            false => HashMap::clone(&all),
        };
        next.extend(new.drain());
        self.all.store(Arc::new(next));
    }
}
