//! Connections of things that are no entities: relations, which the snapshot pages, and problems.
//!
//! A problem has a key, texts that order it and tell it apart; a cursor is the key, so it holds its place while others come and go.

use std::cmp::Ordering;

use serde_json::Value;

use super::entity::{problem, severity};
use super::root::reference;
use crate::connect::{FetchedPage, Item};
use crate::graph::{EdgeFilter, EdgePage, Ix, ProblemRecord};
use crate::graphql::arguments::{Arguments, PageArguments};
use crate::graphql::error::FieldError;
use crate::graphql::plan::ConnectionOp;
use crate::graphql::writer::{Connection, PageRows, Writer, bad_cursor};

impl<'r> Writer<'r> {
    /// `relations` of one entity, or of all.
    pub(crate) fn relation_page(
        &self,
        op: &ConnectionOp,
        arguments: &Arguments,
        ix: Option<Ix>,
    ) -> Result<Connection<'r>, FieldError> {
        let snapshot = self.scene.snapshot;
        let given = |name: &str| arguments.values.get(name).filter(|value| !value.is_null());
        let relation = match given("type").and_then(Value::as_str) {
            Some(name) => Some(self.relation_type(name)?),
            None => None,
        };
        let end = |name: &str| {
            given(name)
                .map(|end| reference(Some(end), None, name))
                .transpose()
        };
        let (source, target) = (end("source")?, end("target")?);
        let source = match (ix, &source) {
            (Some(ix), _) => Some(Some(ix)),
            (None, Some(source)) => Some(self.scene.find(source.as_str())),
            (None, None) => None,
        };
        let target = target.map(|target| snapshot.lookup_ref(target.as_str()));
        // An end that nothing is known of has no edges.
        let known = !matches!((source, target), (Some(None), _) | (_, Some(None)));
        let filter = EdgeFilter {
            relation,
            source: source.flatten(),
            target: target.flatten(),
        };
        let page = match op.page && known {
            true => snapshot
                .edge_page(&filter, &arguments.page.window())
                .map_err(bad_cursor)?,
            false => EdgePage::default(),
        };
        Ok(Connection {
            rows: PageRows::Relations(page.items),
            total: op.total.then(|| match known {
                true => snapshot.edge_count(&filter),
                false => 0,
            }),
            complete: None,
            has_next: page.has_next,
            has_previous: page.has_previous,
            orders: &[],
            relation: None,
        })
    }

    /// `problems` at the root.
    pub(crate) fn problem_page(
        &self,
        op: &ConnectionOp,
        arguments: &Arguments,
    ) -> Result<FetchedPage, FieldError> {
        let wanted = |name: &str, is: &str| match arguments.values.get(name) {
            Some(Value::String(wanted)) => wanted == is,
            _ => true,
        };
        let claims = self.scene.catalog.claims();
        let definitions = self.scene.catalog.definitions();
        let docs = self.scene.catalog.docs_problems();
        let dangling = self.scene.catalog.dangling(self.scene.snapshot);
        let mut rows: Vec<(Vec<String>, &ProblemRecord)> = self
            .scene
            .snapshot
            .problems()
            .chain(claims.iter())
            .chain(definitions.iter())
            .chain(docs.iter())
            .chain(dangling.iter())
            .filter(|problem| {
                wanted("severity", severity(problem.severity))
                    && wanted("code", &problem.code)
                    && wanted("file", &problem.file)
            })
            .map(|problem| (problem_key(problem), problem))
            .collect();
        rows.sort_by(|one, other| one.0.cmp(&other.0));
        number_doubles(&mut rows);
        let key = |(key, _): &(Vec<String>, &ProblemRecord)| key.clone();
        let (range, page) = window(&rows, &key, &arguments.page)?;
        Ok(FetchedPage {
            items: rows[range]
                .iter()
                .filter(|_| op.page)
                .map(|(key, record)| (Item::Value(problem(record)), cursor(key)))
                .collect(),
            total: op.total.then_some(rows.len() as u64),
            ..page
        })
    }
}

fn problem_key(problem: &ProblemRecord) -> Vec<String> {
    let number = |number: Option<u32>| format!("{:010}", number.unwrap_or_default());
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
    vec![
        problem.source.to_string(),
        problem.file.to_string(),
        number(problem.line),
        number(problem.column),
        problem.code.to_string(),
        text(&problem.field),
        problem.message.to_string(),
    ]
}

/// Rows that are alike in every way are told apart by their number.
fn number_doubles<T>(rows: &mut [(Vec<String>, T)]) {
    let mut double = 0_usize;
    for position in 1..rows.len() {
        let same = rows[position].0[..] == rows[position - 1].0[..7];
        double = if same { double + 1 } else { 0 };
        if double > 0 {
            rows[position].0.push(format!("{double:06}"));
        }
    }
}

/// Which of the sorted `rows` are on the page.
pub(crate) fn window<T>(
    rows: &[T],
    key: &dyn Fn(&T) -> Vec<String>,
    page: &PageArguments,
) -> Result<(std::ops::Range<usize>, FetchedPage), FieldError> {
    let mut start = 0;
    let mut end = rows.len();
    if let Some(after) = &page.after {
        let after = read_cursor(after)?;
        start = rows.partition_point(|row| key(row).cmp(&after) != Ordering::Greater);
    }
    if let Some(before) = &page.before {
        let before = read_cursor(before)?;
        end = rows.partition_point(|row| key(row).cmp(&before) == Ordering::Less);
    }
    end = end.max(start);
    if let Some(first) = page.first {
        end = end.min(start.saturating_add(first));
    }
    if let Some(last) = page.last {
        start = start.max(end.saturating_sub(last));
    }
    let information = FetchedPage {
        has_next: end < rows.len(),
        has_previous: start > 0,
        ..FetchedPage::default()
    };
    Ok((start..end, information))
}

pub(crate) fn cursor(key: &[String]) -> Box<str> {
    hex::encode(key.join("\u{1f}")).into()
}

fn read_cursor(cursor: &str) -> Result<Vec<String>, FieldError> {
    let text = hex::decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match text {
        Some(text) => Ok(text.split('\u{1f}').map(str::to_owned).collect()),
        None => Err(bad_cursor(crate::graph::BadCursor)),
    }
}
