//! How the connectors are, and where they apply: what [`LiveSource`](super::LiveSource) tells of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::annotated;
use super::ask::{Bound, Resolved};
use super::chains::Step;
use super::folders::BrokenFolders;
use super::instances::Instance;
use super::report::{
    BudgetReport, CacheReport, ConnectorReport, ErrorReport, Health, InstanceReport, Match,
};
use super::routes::{Args, Fetch};
use super::runtime::{Inner, Runtime};
use super::scope::Scope;
use super::seam::{LiveField, Parent};
use crate::egress::{BreakerState, Status};
use crate::graph::Ix;
use crate::sdl::{FieldSource, GENERIC_ENTITY};

impl Runtime {
    /// Tells of these in its reports as well.
    pub fn with_broken_folders(mut self, broken: BrokenFolders) -> Self {
        // Nobody else has it yet.
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.broken = broken;
        }
        self
    }
}

impl Inner {
    /// Every connector of the schema, by name.
    pub(super) fn reports(&self) -> Vec<ConnectorReport> {
        let mut reports: BTreeMap<Arc<str>, ConnectorReport> = BTreeMap::new();
        for instances in self.instances() {
            let report = entry(&mut reports, instances.connector());
            report.is_in_graph = true;
            let counts = instances.counts();
            report.cache.hits += counts.hits;
            report.cache.stale += counts.stale;
            report.cache.misses += counts.misses;
            for (name, instance) in instances.all() {
                add(
                    &mut report.instances,
                    name,
                    instance.map(|instance| &**instance),
                );
            }
        }
        for (misfit, n_times) in self.misfits() {
            let report = reports.get_mut(&*misfit.connector);
            if let Some(first) = report.and_then(|report| report.instances.first_mut()) {
                first.n_misfits += n_times;
            }
        }
        for folder in self.broken.all() {
            entry(&mut reports, &folder.connector).problems = folder.problems;
        }
        reports.into_values().collect()
    }

    /// What every connector would ask for an entity.
    pub(super) fn explanations(&self, scope: &Scope, ix: Ix) -> Vec<Match> {
        let model = self.routes().model();
        let type_name = match scope.snapshot.kind(ix) {
            Some(kind) => &*model.kind_of(kind).type_name,
            None => GENERIC_ENTITY,
        };
        let Some(ty) = model.types.get(type_name) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for field in ty.fields.values() {
            let FieldSource::Live(binding) = &field.source else {
                continue;
            };
            let route = self.routes().route(&LiveField {
                type_name: Arc::clone(&ty.name),
                name: Arc::clone(&field.name),
                arguments: Arc::new(Map::new()),
                binding: Some(Arc::new(binding.clone())),
                ..LiveField::default()
            });
            for provider in &route.providers {
                let first = provider.steps.first().and_then(Step::fetch);
                if let Some((fetch, args)) = first {
                    let mut own = self.explanation(fetch, args, scope, ix);
                    own.field = Arc::clone(&field.name);
                    found.push(own);
                }
            }
        }
        found.sort_by(|one, other| {
            (&one.connector, &one.field).cmp(&(&other.connector, &other.field))
        });
        found
    }

    fn explanation(&self, fetch: &Fetch, args: &Args, scope: &Scope, ix: Ix) -> Match {
        let parent = Parent::Entity(ix);
        let blank = Match {
            connector: Arc::clone(fetch.connector()),
            field: "".into(),
            instance: None,
            keys: Vec::new(),
            state: None,
            hint: None,
        };
        match self.resolve(fetch, args, &parent, scope) {
            Resolved::Not(not) => Match {
                instance: Some(Arc::clone(&not.instance)),
                state: Some(not.state),
                hint: Some(Arc::clone(&not.hint)),
                ..blank
            },
            Resolved::Ask(ask) => {
                let config = &ask.instance.config;
                let bound = Bound::new(fetch, &args.value, &parent, scope, config);
                let values = fetch.claims.iter().map(|claim| {
                    let value = bound.with(None, |names| claim.eval(names).into_owned());
                    (claim.clone(), value)
                });
                let descriptor = scope.snapshot.descriptor(ix);
                let annotations = descriptor.pointer("/metadata/annotations");
                let annotations = annotations.and_then(Value::as_object);
                let keys = annotated::keys(&fetch.connect, values, annotations);
                Match {
                    keys,
                    instance: Some(Arc::clone(&ask.instance.name)),
                    ..blank
                }
            }
        }
    }
}

/// The report on a connector, made where it is first met.
fn entry<'r>(
    reports: &'r mut BTreeMap<Arc<str>, ConnectorReport>,
    name: &Arc<str>,
) -> &'r mut ConnectorReport {
    let blank = || ConnectorReport {
        name: Arc::clone(name),
        instances: Vec::new(),
        cache: CacheReport::default(),
        is_in_graph: false,
        problems: Vec::new(),
    };
    reports.entry(Arc::clone(name)).or_insert_with(blank)
}

/// Several sources of one connector have the same instances: the worse of them shows, with the last error and the least budget of all.
fn add(reports: &mut Vec<InstanceReport>, name: &Arc<str>, instance: Option<&Instance>) {
    let own = report(name, instance);
    match reports.iter_mut().find(|known| known.name == own.name) {
        None => reports.push(own),
        Some(known) => {
            let n_requests = known.n_requests + own.n_requests;
            let n_misfits = known.n_misfits;
            let errors = [&known.last_error, &own.last_error].into_iter().flatten();
            let last_error = errors.max_by_key(|error| error.at).cloned();
            let budgets = [known.budget, own.budget].into_iter().flatten();
            let budget =
                budgets.min_by_key(|budget| budget.remaining * 1_000 / budget.limit.max(1));
            if own.health > known.health {
                *known = own;
            }
            known.n_requests = n_requests;
            known.n_misfits = n_misfits;
            known.last_error = last_error;
            known.budget = budget;
        }
    }
}

fn report(name: &Arc<str>, instance: Option<&Instance>) -> InstanceReport {
    let status = instance.map(|instance| instance.upstream.status());
    InstanceReport {
        name: Arc::clone(name),
        health: status.as_ref().map_or(Health::NotConfigured, health),
        breaker: match status.as_ref().map(|status| status.breaker) {
            Some(BreakerState::Open) => "OPEN",
            Some(BreakerState::HalfOpen) => "HALF_OPEN",
            Some(BreakerState::Closed) | None => "CLOSED",
        },
        budget: status.as_ref().and_then(|status| {
            let budget = status.budget.as_ref()?;
            Some(BudgetReport {
                limit: budget.limit,
                remaining: budget.remaining,
                reset_at: Some(budget.reset_at),
            })
        }),
        n_requests: instance.map_or(0, Instance::n_requests),
        n_misfits: 0,
        last_error: status
            .and_then(|status| status.last_error)
            .map(|error| ErrorReport {
                code: error.code,
                message: error.message,
                upstream_status: None,
                at: error.at,
            }),
    }
}

fn health(status: &Status) -> Health {
    let exhausted = status
        .budget
        .as_ref()
        .is_some_and(|budget| budget.remaining == 0);
    match status.breaker {
        BreakerState::Open => Health::Failing,
        BreakerState::HalfOpen => Health::Degraded,
        BreakerState::Closed if exhausted => Health::Degraded,
        BreakerState::Closed => Health::Ready,
    }
}
