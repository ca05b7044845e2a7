//! `connectors` and `explain`: how the connectors are, and to which entities they apply.

use serde_json::{Value, json};

use super::root::reference;
use crate::connect::{
    BudgetReport, ConnectorReport, ErrorReport, Gap, InstanceReport, Match, State,
};
use crate::diagnostic::Diagnostic;
use crate::graphql::error::FieldError;
use crate::graphql::writer::Writer;

/// What a breaker is called while nothing is known of it.
const CLOSED: &str = "CLOSED";
/// Breakers, worst last.
const BREAKERS: [&str; 3] = [CLOSED, "HALF_OPEN", "OPEN"];

impl Writer<'_> {
    pub(super) fn connectors(&self) -> Value {
        let reports = match self.scene.live {
            Some(live) => live.connectors(),
            None => ConnectorReport::unconfigured(self.scene.model),
        };
        reports.iter().map(connector).collect()
    }

    pub(super) fn explain(&self, entity_ref: Option<&Value>) -> Result<Value, FieldError> {
        let entity_ref = reference(entity_ref, None, "ref")?;
        let Some(ix) = self.scene.find(entity_ref.as_str()) else {
            return Err(FieldError::input(format!(
                "`ref`: there is no entity `{entity_ref}`"
            )));
        };
        let matches = match self.scene.live {
            Some(live) => live.explain(&self.scene.scope, ix),
            None => Vec::new(),
        };
        Ok(matches.iter().map(matched).collect())
    }
}

fn connector(report: &ConnectorReport) -> Value {
    let instances = &report.instances;
    let breakers = instances.iter().map(|instance| instance.breaker);
    let worst = breakers.max_by_key(|breaker| BREAKERS.iter().position(|known| known == breaker));
    let budgets = instances.iter().filter_map(|instance| instance.budget);
    let left = |budget: &BudgetReport| budget.remaining * 1_000 / budget.limit.max(1);
    let last = instances
        .iter()
        .filter_map(|instance| instance.last_error.as_ref())
        .max_by_key(|error| error.at);
    json!({
        "name": *report.name,
        "status": report.health().as_str(),
        "budget": budgets.min_by_key(left).as_ref().map(budget),
        "breaker": worst.unwrap_or(CLOSED),
        "cache": {
            "hitRatio": report.cache.hit_ratio(),
            "hits": report.cache.hits,
            "stale": report.cache.stale,
            "misses": report.cache.misses,
        },
        "lastError": last.map(|error| format!("{}: {}", error.code, error.message)),
        "instances": instances.iter().map(instance).collect::<Vec<_>>(),
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

fn problem(problem: &Diagnostic) -> Value {
    json!({
        "severity": problem.severity.as_str().to_uppercase(),
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "file": *problem.file,
        "line": problem.span.map(|span| span.start.line),
        "column": problem.span.map(|span| span.start.column),
    })
}

fn instance(report: &InstanceReport) -> Value {
    json!({
        "name": *report.name,
        "status": report.health.as_str(),
        "breaker": report.breaker,
        "budget": report.budget.as_ref().map(budget),
        "requests": report.n_requests,
        "mappingProblems": report.n_misfits,
        "lastError": report.last_error.as_ref().map(error),
        "gaps": report.gaps.iter().map(gap).collect::<Vec<_>>(),
    })
}

fn gap(gap: &Gap) -> Value {
    json!({ "source": *gap.source, "fields": gap.fields, "hint": *gap.hint })
}

fn budget(report: &BudgetReport) -> Value {
    json!({
        "remaining": report.remaining,
        "limit": report.limit,
        "resetAt": report.reset_at.map(|at| at.to_string()),
    })
}

fn error(report: &ErrorReport) -> Value {
    json!({
        "code": report.code,
        "message": report.message,
        "upstreamStatus": report.upstream_status,
        "at": report.at.to_string(),
    })
}

fn matched(found: &Match) -> Value {
    let keys = found.keys.iter();
    let keys: Vec<Value> = keys
        .map(|(key, value)| json!({ "key": **key, "value": value }))
        .collect();
    json!({
        "connector": *found.connector,
        "field": *found.field,
        "applies": found.state.is_none(),
        "instance": found.instance.as_deref(),
        "keys": keys,
        "state": found.state.map(State::as_str),
        "hint": found.hint.as_deref(),
    })
}
