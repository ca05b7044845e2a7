//! The runtime: the one pipeline behind all live fields.
//!
//! What is at hand is answered at once; the rest is fetched level by level, each level of a field in as few requests as its upstream allows, and providers do not wait for each other.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _, Shared, join_all};
use jiff::Timestamp;
use parking_lot::Mutex;

use super::action::{self, Actions};
use super::ask::{self, Resolved};
use super::claimed::Missing;
use super::collections::Collections;
use super::flights::{Landing, Tower, Wanted};
use super::folders::BrokenFolders;
use super::graphql::air::Air;
use super::instances::{self, Instances};
use super::provide::{Fetched, Look, Provided};
use super::remembered::Remembered;
use super::renewals::Renewal;
use super::report::{ConnectorReport, Match};
use super::routes::{Args, Fetch, Route, Routes, Rule};
use super::scope::Scope;
use super::seam::{self, Answer, Group, LiveField, LiveSource, Parent, Sight};
use super::shown::{Members, Shown, Subject};
use super::way::Way;
use super::wish::{Globs, Wish};
use crate::cache::Cache;
use crate::config::ConnectorConfig;
use crate::egress::{Egress, Lane};
use crate::graph::Ix;
use crate::sdl::Model;
use crate::tasks::Tasks;

/// Every round goes a step or a page further, or tests what a page brought; more would be a list without an end.
const MOST_ROUNDS: usize = 64;

/// Answers the live fields of one Model; cheap to clone.
#[derive(Clone)]
pub struct Runtime(pub(super) Arc<Inner>);

pub(super) struct Inner {
    routes: Routes,
    /// In the order of [`Model::sources`].
    instances: Vec<Instances>,
    cache: Cache,
    tasks: Tasks,
    actions: Option<Actions>,
    /// What actions read of objects, by their types.
    acted_on: HashMap<Arc<str>, Members>,
    shown: Shown,
    remembered: Remembered,
    globs: Globs,
    indexed: Collections,
    pub(super) renewals: Mutex<Vec<Renewal>>,
    pub(super) air: Arc<Air>,
    misfits: Mutex<HashMap<Misfit, u64>>,
    pub(super) broken: BrokenFolders,
    pub(super) missing: Missing,
}

/// A field that something of an upstream did not fit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Misfit {
    pub connector: Box<str>,
    pub type_name: Box<str>,
    pub field: Box<str>,
}

/// What is fetched for several groups in common.
type Together = Shared<BoxFuture<'static, Arc<Vec<Landing>>>>;

impl Runtime {
    /// Opens every source of `model` at every instance of its connector; nothing is asked yet.
    pub fn new(
        model: Arc<Model>,
        configured: &[ConnectorConfig],
        cache: Cache,
        egress: &Egress,
        tasks: Tasks,
    ) -> Self {
        Self::open(model, configured, cache, egress, tasks, None)
    }

    /// The same, and does what `Mutation` asks for.
    pub fn with_actions(
        model: Arc<Model>,
        configured: &[ConnectorConfig],
        cache: Cache,
        egress: &Egress,
        tasks: Tasks,
        actions: Actions,
    ) -> Self {
        Self::open(model, configured, cache, egress, tasks, Some(actions))
    }

    fn open(
        model: Arc<Model>,
        configured: &[ConnectorConfig],
        cache: Cache,
        egress: &Egress,
        tasks: Tasks,
        actions: Option<Actions>,
    ) -> Self {
        let acted_on = match &actions {
            Some(_) => action::read_of(&model),
            None => HashMap::new(),
        };
        let shown = actions.as_ref().map(|actions| actions.shown().clone());
        Self(Arc::new(Inner {
            actions,
            acted_on,
            shown: shown.unwrap_or_else(Shown::new),
            instances: instances::open(&model, configured, egress),
            routes: Routes::new(model),
            cache,
            tasks,
            remembered: Remembered::new(),
            globs: Globs::default(),
            indexed: Collections::new(),
            renewals: Mutex::default(),
            air: Arc::default(),
            misfits: Mutex::default(),
            broken: BrokenFolders::default(),
            missing: Missing::default(),
        }))
    }

    pub(super) fn of(inner: Arc<Inner>) -> Self {
        Self(inner)
    }

    /// How often something of an upstream did not fit the field that shows it.
    pub fn misfits(&self) -> Vec<(Misfit, u64)> {
        self.0.misfits()
    }
}

impl Inner {
    pub(super) fn misfits(&self) -> Vec<(Misfit, u64)> {
        let misfits = self.misfits.lock();
        let mut all: Vec<_> = misfits
            .iter()
            .map(|(misfit, n)| (misfit.clone(), *n))
            .collect();
        all.sort();
        all
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

impl LiveSource for Runtime {
    fn ready(&self, scope: &Scope, field: &LiveField, parent: &Parent) -> Option<Answer> {
        let mut fresh = None;
        let route = self.0.route(field, &mut fresh);
        if route.action {
            return None;
        }
        let now = scope.moment(|| self.0.cache.now());
        let mut look = self.0.look(scope, now, None);
        look.is_first = true;
        if let Some((fetch, args)) = route.only_fetch() {
            if let Some(object) = look.fresh(fetch, args, parent) {
                return Some(seam::Fetched::Live(object).into());
            }
            if look.is_to_fetch(fetch, args, parent) {
                return None;
            }
        }
        let mut provided = Vec::with_capacity(route.providers.len());
        for position in 0..route.providers.len() {
            let own = look.provide(route, position, parent);
            if own.pending {
                return None;
            }
            provided.push(own);
        }
        route.record(parent, &provided, scope, look.now);
        Some(route.answer(&provided))
    }

    fn fetch(&self, groups: Vec<Group>) -> Vec<BoxFuture<'static, Vec<Answer>>> {
        let (is_action, is_alone) = match groups.as_slice() {
            [group] => {
                let mut own = None;
                let route = self.0.route(&group.field, &mut own);
                (route.action, route.providers.len() == 1)
            }
            _ => (false, false),
        };
        if is_action || is_alone {
            let alone = groups.into_iter().map(|group| {
                let runtime = Arc::clone(&self.0);
                match is_action {
                    // They come alone: the executor carries them out one after the other.
                    true => {
                        async move { vec![runtime.act(&group.field, &group.scope).await] }.boxed()
                    }
                    // Most go this way: nothing is in common with anybody.
                    false => runtime.finish_alone(group).boxed(),
                }
            });
            return alone.collect();
        }
        let mut started: Vec<Started> = Vec::with_capacity(groups.len());
        let mut common: Vec<(u32, Vec<Wanted>)> = Vec::new();
        for group in groups {
            started.push(self.0.start(group, &mut common));
        }
        let Some(first) = started.first() else {
            return Vec::new();
        };
        let tower = self.0.tower(&first.group.scope);
        let together: Arc<[(u32, Together)]> = common
            .into_iter()
            .map(|(fetch, wanted)| {
                let tower = tower.clone();
                let landed = async move { Arc::new(tower.fetch(wanted).await) };
                (fetch, landed.boxed().shared())
            })
            .collect();
        started
            .into_iter()
            .map(|started| {
                let runtime = Arc::clone(&self.0);
                let together = Arc::clone(&together);
                async move { runtime.finish(started, &together).await }.boxed()
            })
            .collect()
    }

    fn connectors(&self) -> Vec<ConnectorReport> {
        self.0.reports()
    }

    fn explain(&self, scope: &Scope, entity: Ix) -> Vec<Match> {
        self.0.explanations(scope, entity)
    }

    fn nodes(&self, group: Group) -> BoxFuture<'static, Vec<Answer>> {
        let inner = Arc::clone(&self.0);
        async move { inner.nodes(group).await }.boxed()
    }

    fn shown(&self, scope: &Scope, sight: &Sight<'_>, way: &mut dyn FnMut() -> Option<Way>) {
        let inner = &self.0;
        let members = inner.acted_on.get(sight.type_name);
        let now = scope.moment(|| inner.cache.now());
        if !inner.shown.knows(sight, members, now) {
            let subject = Subject::new(sight, members, way(), scope, now);
            inner
                .shown
                .remember(&inner.cache, &inner.tasks, sight.id, subject);
        }
    }

    fn way(&self, id: &str) -> Option<Arc<Way>> {
        self.0.shown.way(id)
    }

    fn misfit(&self, connector: &str, type_name: &str, field: &str) {
        let misfit = Misfit {
            connector: connector.into(),
            type_name: type_name.into(),
            field: field.into(),
        };
        *self.0.misfits.lock().entry(misfit).or_default() += 1;
    }
}

/// A group, with what its providers had at hand.
struct Started {
    group: Group,
    /// By provider, then by parent.
    provided: Vec<Vec<Provided>>,
    /// By provider: the requests that it waits for.
    waits: Vec<Vec<u32>>,
}

impl Inner {
    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    pub(super) fn shown(&self) -> &Shown {
        &self.shown
    }

    pub(super) fn actions(&self) -> Option<&Actions> {
        self.actions.as_ref()
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub(super) fn routes(&self) -> &Routes {
        &self.routes
    }

    pub(super) fn instances(&self) -> &[Instances] {
        &self.instances
    }

    /// What was made of a field, made at first use.
    fn route<'f>(&self, field: &'f LiveField, own: &'f mut Option<Route>) -> &'f Route {
        let prepared = field
            .prepared
            .get_or_init(|| Arc::new(self.routes.route(field)) as Arc<dyn Any + Send + Sync>);
        match prepared.downcast_ref::<Route>() {
            Some(route) => route,
            // Somebody else's: a field is asked of one source only, so this does not happen.
            None => own.get_or_insert_with(|| self.routes.route(field)),
        }
    }

    fn look<'l>(
        self: &'l Arc<Self>,
        scope: &'l Scope,
        now: Timestamp,
        found: Option<&'l Fetched>,
    ) -> Look<'l> {
        Look {
            runtime: self,
            scope,
            now,
            found,
            is_first: false,
            missing: Vec::new(),
        }
    }

    fn tower(&self, scope: &Arc<Scope>) -> Tower {
        Tower {
            cache: self.cache.clone(),
            scope: Arc::clone(scope),
            lane: Lane::Interactive,
            budget: scope.budget,
            air: Arc::clone(&self.air),
        }
    }

    /// Looks once for everything; what is missing joins what other groups miss of the same request.
    fn start(self: &Arc<Self>, group: Group, common: &mut Vec<(u32, Vec<Wanted>)>) -> Started {
        let mut own = None;
        let field = Arc::clone(&group.field);
        let route = self.route(&field, &mut own);
        let mut provided = Vec::with_capacity(route.providers.len());
        let mut waits = Vec::with_capacity(route.providers.len());
        for position in 0..route.providers.len() {
            let mut look = self.look(&group.scope, self.cache.now(), None);
            let parents = group.parents.iter();
            provided.push(
                parents
                    .map(|parent| look.provide(route, position, parent))
                    .collect(),
            );
            let mut fetches: Vec<u32> = Vec::new();
            for wanted in look.missing {
                let together = together(&wanted);
                if !fetches.contains(&together) {
                    fetches.push(together);
                }
                match common.iter_mut().find(|(own, _)| *own == together) {
                    Some((_, all)) => all.push(wanted),
                    None => common.push((together, vec![wanted])),
                }
            }
            waits.push(fetches);
        }
        Started {
            group,
            provided,
            waits,
        }
    }

    async fn finish(
        self: Arc<Self>,
        started: Started,
        together: &[(u32, Together)],
    ) -> Vec<Answer> {
        let Started {
            group,
            provided,
            waits,
        } = started;
        let mut own = None;
        let route = self.route(&group.field, &mut own);
        let each = provided.into_iter().zip(waits).enumerate();
        let each = each.map(|(position, (provided, waits))| {
            let is_waited_for = |(fetch, _): &&(u32, Together)| waits.contains(fetch);
            let first = together.iter().filter(is_waited_for);
            let first = first.map(|(_, landed)| landed.clone());
            self.complete(&group, route, position, provided, first.collect())
        });
        let mut by_provider: Vec<_> = join_all(each)
            .await
            .into_iter()
            .map(Vec::into_iter)
            .collect();
        let now = self.cache.now();
        group
            .parents
            .iter()
            .map(|parent| {
                let provided: Vec<Provided> = by_provider
                    .iter_mut()
                    .map(|provided| provided.next().unwrap_or_default())
                    .collect();
                route.record(parent, &provided, &group.scope, now);
                route.answer(&provided)
            })
            .collect()
    }

    /// Fetches what a provider misses, level by level, until it has everything for all parents.
    async fn complete(
        self: &Arc<Self>,
        group: &Group,
        route: &Route,
        position: usize,
        mut provided: Vec<Provided>,
        first: Vec<Together>,
    ) -> Vec<Provided> {
        if first.is_empty() {
            return provided;
        }
        let mut found = Fetched::default();
        for landed in join_all(first).await {
            self.take_in(landed.iter().cloned(), &group.scope, &mut found);
        }
        let missing = self.look_again(group, route, position, &mut provided, &found);
        self.go_on(group, route, position, &mut provided, (missing, found))
            .await;
        provided
    }

    /// What a group is answered that shares nothing with others: the same in fewer steps.
    async fn finish_alone(self: Arc<Self>, group: Group) -> Vec<Answer> {
        let mut own = None;
        let route = self.route(&group.field, &mut own);
        let (mut provided, missing) = {
            let mut look = self.look(&group.scope, self.cache.now(), None);
            let parents = group.parents.iter();
            let provided: Vec<Provided> = parents
                .map(|parent| look.provide(route, 0, parent))
                .collect();
            (provided, look.missing)
        };
        if !missing.is_empty() {
            self.go_on(
                &group,
                route,
                0,
                &mut provided,
                (missing, Fetched::default()),
            )
            .await;
        }
        let now = group.scope.is_watched().then(|| self.cache.now());
        let each = group.parents.iter().zip(&provided);
        each.map(|(parent, provided)| {
            let provided = std::slice::from_ref(provided);
            if let Some(now) = now {
                route.record(parent, provided, &group.scope, now);
            }
            route.answer(provided)
        })
        .collect()
    }

    /// Fetches what is missing, and what is missing when that is there.
    async fn go_on(
        self: &Arc<Self>,
        group: &Group,
        route: &Route,
        position: usize,
        provided: &mut [Provided],
        (mut missing, mut found): (Vec<Wanted>, Fetched),
    ) {
        for _ in 0..MOST_ROUNDS {
            if missing.is_empty() {
                return;
            }
            let landed = self.tower(&group.scope).fetch(missing).await;
            self.take_in(landed.into_iter(), &group.scope, &mut found);
            missing = self.look_again(group, route, position, provided, &found);
        }
    }

    /// Looks once more for what was missing; what still is.
    fn look_again(
        self: &Arc<Self>,
        group: &Group,
        route: &Route,
        position: usize,
        provided: &mut [Provided],
        found: &Fetched,
    ) -> Vec<Wanted> {
        let mut look = self.look(&group.scope, self.cache.now(), Some(found));
        for (parent, provided) in group.parents.iter().zip(provided) {
            if provided.pending {
                *provided = look.provide(route, position, parent);
            }
        }
        look.missing
    }

    fn take_in(
        &self,
        landed: impl ExactSizeIterator<Item = Landing>,
        scope: &Scope,
        found: &mut Fetched,
    ) {
        found.reserve(landed.len());
        let own = landed.filter_map(|(key, result)| {
            let held = result.as_ref().ok().cloned();
            found.insert(key, result);
            Some((key, held?))
        });
        scope.keep(own);
    }

    /// What a request asks of a parent; for entities and for objects that are kept it is remembered.
    pub(super) fn resolve(
        &self,
        fetch: &Fetch,
        args: &Args,
        parent: &Parent,
        scope: &Scope,
    ) -> Resolved {
        self.remembered.resolve(fetch, args, parent, scope, || {
            let instances = &self.instances[fetch.connect.source];
            let resolved = ask::resolve(fetch, instances, &args.value, parent, scope);
            if let Parent::Entity(ix) = parent {
                self.note(fetch, *ix, &resolved, scope);
            }
            resolved
        })
    }

    /// The same where it is known already.
    pub(super) fn known<'s>(
        &self,
        fetch: &Fetch,
        args: &Args,
        parent: &Parent,
        scope: &'s Scope,
    ) -> Option<&'s Resolved> {
        self.remembered.known(fetch, args, parent, scope)
    }

    /// What `@where` wants of the items of an entity's list; that is remembered, too.
    pub(super) fn wish(&self, rule: &Rule, ix: Ix, scope: &Scope) -> Option<Arc<Wish>> {
        self.remembered.wish(rule, ix, scope, || {
            let descriptor = scope.snapshot.descriptor(ix);
            let (wish, _told_as_a_claim) = Wish::of(&rule.of, &rule.arguments, &descriptor);
            wish.map(Arc::new)
        })
    }

    pub(super) fn globs(&self) -> &Globs {
        &self.globs
    }

    /// Somebody wrote something that leads nowhere.
    fn note(&self, fetch: &Fetch, ix: Ix, resolved: &Resolved, scope: &Scope) {
        if let Resolved::Not(not) = resolved
            && not.problem
        {
            tracing::info!(
                entity.r#ref = scope.snapshot.entity_ref(ix),
                connector.name = %fetch.connector(),
                "`{}` is not asked for `{}`: {}",
                fetch.connector(),
                scope.snapshot.entity_ref(ix),
                not.hint
            );
        }
    }

    /// Where in a collection the objects of each key are.
    pub(super) fn collections(&self) -> &Collections {
        &self.indexed
    }
}

/// What travels together: one `@connect`, or all of one graph, which are numbered from the other end.
pub(super) fn together(wanted: &Wanted) -> u32 {
    match wanted.part {
        Some(_) => u32::MAX - u32::try_from(wanted.fetch.connect.source).unwrap_or_default(),
        None => wanted.fetch.id,
    }
}
