//! Which settings and secrets the folder of a connector reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expr::{Expr, Read, Template};
use super::model::{Connect, Field, FieldSource, Model, Request, UpstreamSource, Webhook};
use crate::config::SettingNames;

/// The names behind `$config.` and `$secret.`, by connector; one that reads none is there as well.
pub fn settings(model: &Model) -> BTreeMap<Arc<str>, SettingNames> {
    let mut found: BTreeMap<Arc<str>, SettingNames> = BTreeMap::new();
    let mut add = |connector: &Arc<str>, reads: Vec<Read>| {
        let names = found.entry(Arc::clone(connector)).or_default();
        for read in reads {
            let Some(name) = read.path.into_iter().next() else {
                continue;
            };
            match &*read.root {
                "config" => names.config.insert(name),
                "secret" => names.secrets.insert(name),
                _ => false,
            };
        }
    };
    for source in &model.sources {
        add(&source.connector, of_source(source));
    }
    for webhook in &model.webhooks {
        add(&webhook.connector, of_webhook(webhook));
    }
    for def in model.types.values() {
        let of_type = def.connect.as_ref().zip(Some(def.cache.as_ref()));
        let of_fields = def.fields.values().filter_map(|field| {
            let own = connect_of(field);
            let connect = own.or(def.connect.as_ref())?;
            Some((connect, field.cache.as_ref()))
        });
        for (connect, cache) in of_type.into_iter().chain(of_fields) {
            let tags = cache.into_iter().flat_map(|cache| &cache.tags);
            add(&connect.connector, tags.flat_map(Template::reads).collect());
        }
    }
    for connect in connects(model) {
        add(&connect.connector, of_connect(connect));
    }
    found
}

/// Every `@connect`, of types and of fields; one that is inherited comes more than once.
pub fn connects(model: &Model) -> impl Iterator<Item = &Arc<Connect>> {
    model.types.values().flat_map(|def| {
        let of_fields = def.fields.values().filter_map(connect_of);
        def.connect.iter().chain(of_fields)
    })
}

fn connect_of(field: &Field) -> Option<&Arc<Connect>> {
    match &field.source {
        FieldSource::Live(live) => live.connect.as_ref(),
        FieldSource::Value(_)
        | FieldSource::Relation(_)
        | FieldSource::Lookup(_)
        | FieldSource::Resolver(_)
        | FieldSource::Generated(_) => None,
    }
}

fn of_source(source: &UpstreamSource) -> Vec<Read> {
    let auth = source.auth.iter().flat_map(|auth| {
        [
            &auth.token,
            &auth.user,
            &auth.app_id,
            &auth.installation,
            &auth.key,
            &auth.token_url,
        ]
        .into_iter()
        .flatten()
    });
    let headers = source.headers.iter().map(|(_, value)| value);
    let all = std::iter::once(&source.url).chain(auth).chain(headers);
    all.flat_map(Expr::reads).collect()
}

fn of_webhook(webhook: &Webhook) -> Vec<Read> {
    let signature = &webhook.signature;
    let exprs = [&webhook.event, &signature.secret]
        .into_iter()
        .chain(&signature.delivery_id);
    let purge = webhook.purge.iter().flat_map(Template::reads);
    exprs.flat_map(Expr::reads).chain(purge).collect()
}

fn of_connect(connect: &Connect) -> Vec<Read> {
    let request = match &connect.request {
        Request::Rest { template, .. } => template.reads(),
        Request::Graphql { selection } => selection.reads(),
    };
    let key = connect.batch.as_ref().and_then(|batch| batch.key.as_ref());
    let lets = connect.lets.iter().map(|item| &item.value);
    let exprs = connect
        .body
        .iter()
        .chain(&connect.instance)
        .chain(key)
        .chain(lets);
    let purge = connect.purge.iter().flat_map(Template::reads);
    request
        .into_iter()
        .chain(exprs.flat_map(Expr::reads))
        .chain(purge)
        .collect()
}
