//! How the connectors are, and where they apply: what [`LiveSource`](super::LiveSource) tells of itself.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::annotated;
use super::ask::{Bound, Resolved};
use super::chains::Step;
use super::folders::BrokenFolders;
use super::instances::Instance;
use super::report::{
    BudgetReport, CacheReport, ConnectorReport, ErrorReport, Gap, Health, InstanceReport, Match,
};
use super::routes::{Args, Fetch};
use super::runtime::{Inner, Runtime};
use super::scope::Scope;
use super::seam::{LiveField, Parent};
use crate::egress::{BreakerState, Status};
use crate::graph::Ix;
use crate::sdl::{Connect, FieldSource, GENERIC_ENTITY, Model, TypeDef};

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
        let model = self.routes().model();
        for (source, instances) in self.instances().iter().enumerate() {
            let report = entry(&mut reports, instances.connector());
            report.is_in_graph = true;
            let counts = instances.counts();
            report.cache.hits += counts.hits;
            report.cache.stale += counts.stale;
            report.cache.misses += counts.misses;
            for (name, instance) in instances.all() {
                add(
                    &mut report.instances,
                    match instance {
                        Ok(instance) => asked(name, instance),
                        Err(hint) => unasked(name, gap(model, source, hint)),
                    },
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

/// Several sources of one connector have the same instances: the worse of those that may be asked shows, with the last error and the least budget of all.
fn add(reports: &mut Vec<InstanceReport>, own: InstanceReport) {
    match reports.iter_mut().find(|known| known.name == own.name) {
        None => reports.push(own),
        Some(known) => {
            let n_requests = known.n_requests + own.n_requests;
            let errors = [&known.last_error, &own.last_error].into_iter().flatten();
            let last_error = errors.max_by_key(|error| error.at).cloned();
            let budgets = [known.budget, own.budget].into_iter().flatten();
            let budget =
                budgets.min_by_key(|budget| budget.remaining * 1_000 / budget.limit.max(1));
            let is_shown = match (known.health, own.health) {
                (Health::NotConfigured, _) => true,
                (_, Health::NotConfigured) => false,
                (known, own) => own > known,
            };
            let mut gaps = std::mem::take(&mut known.gaps);
            gaps.extend(own.gaps.iter().cloned());
            if is_shown {
                *known = own;
            }
            known.n_requests = n_requests;
            known.last_error = last_error;
            known.budget = budget;
            known.gaps = gaps;
        }
    }
}

fn asked(name: &Arc<str>, instance: &Instance) -> InstanceReport {
    let status = instance.upstream.status();
    InstanceReport {
        health: health(&status),
        breaker: match status.breaker {
            BreakerState::Open => "OPEN",
            BreakerState::HalfOpen => "HALF_OPEN",
            BreakerState::Closed => "CLOSED",
        },
        budget: status.budget.map(|budget| BudgetReport {
            limit: budget.limit,
            remaining: budget.remaining,
            reset_at: Some(budget.reset_at),
        }),
        n_requests: instance.n_requests(),
        last_error: status.last_error.map(|error| ErrorReport {
            code: error.code,
            message: error.message,
            upstream_status: None,
            at: error.at,
        }),
        ..unasked(name, None)
    }
}

fn unasked(name: &Arc<str>, gap: impl Into<Option<Gap>>) -> InstanceReport {
    InstanceReport {
        name: Arc::clone(name),
        health: Health::NotConfigured,
        breaker: "CLOSED",
        budget: None,
        n_requests: 0,
        n_misfits: 0,
        last_error: None,
        gaps: gap.into().into_iter().collect(),
    }
}

fn gap(model: &Model, source: usize, hint: &Arc<str>) -> Gap {
    let name = model.sources.get(source).map(|source| &source.name);
    Gap {
        source: name.map_or_else(|| "".into(), Arc::clone),
        fields: fields_of(model, source),
        hint: Arc::clone(hint),
    }
}

/// What a source answers, as schema coordinates: a field that kinds inherit is named once.
fn fields_of(model: &Model, source: usize) -> Vec<String> {
    let asks = |connect: Option<&Arc<Connect>>| connect.is_some_and(|it| it.source == source);
    let brings = |type_name: &str| {
        let ty = model.types.get(type_name);
        asks(ty.and_then(|ty| ty.connect.as_ref()))
    };
    let mut types: Vec<&TypeDef> = model.types.values().collect();
    types.sort_by_key(|ty| !ty.interface);
    let mut declared = HashSet::new();
    let mut found = BTreeSet::new();
    for ty in types {
        for field in ty.fields.values() {
            let FieldSource::Live(binding) = &field.source else {
                continue;
            };
            let mut direct = binding.suppliers.iter().filter(|it| it.along.is_empty());
            let is_ours = asks(binding.connect.as_ref()) || direct.any(|it| brings(&it.type_name));
            if is_ours && declared.insert(field.declared.as_ref()) {
                found.insert(format!("{}.{}", ty.name, field.name));
            }
        }
    }
    let actions = model.actions.iter();
    let actions = actions.filter(|action| brings(&action.payload));
    found.extend(actions.map(|action| format!("Mutation.{}", action.field)));
    found.into_iter().collect()
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
