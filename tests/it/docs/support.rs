//! A server over a folder of descriptors and docs.

use std::sync::Arc;
use std::time::Duration;

use callboard::clock::Budget;
use callboard::graphql::{Engine, Limits, Request};
use callboard::server::{self, Board};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::catalog::{Catalog, model};
use crate::support::server::defaults;

/// A catalog that is served.
pub(crate) struct Served {
    pub(crate) catalog: Catalog,
    engine: Engine,
    base: String,
    client: reqwest::Client,
    shutdown: CancellationToken,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// A component `shop` whose docs are where `says` says, as annotations.
pub(crate) fn component(says: &str) -> String {
    named("shop", says)
}

pub(crate) fn named(name: &str, says: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {name}\n  annotations:\n    {says}\nspec: {{ type: service, lifecycle: production, owner: team }}\n"
    )
}

impl Served {
    pub(crate) async fn start(files: &[(&str, &str)]) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let catalog = Catalog::new(files).await;
        catalog.read().await;
        let engine = Engine::new(
            model(),
            Arc::clone(catalog.ingest.catalog()),
            catalog.store().clone(),
            Limits::default(),
        );
        let (mut config, limits) = defaults();
        config.shutdown_grace = Duration::from_secs(1);
        let board = Board::new(engine.clone(), Arc::clone(catalog.ingest.catalog()), limits);
        board.set_ready();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let ends = shutdown.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "the server ends with the test that holds it"
        )]
        tokio::spawn(async move { server::run(listener, Arc::new(board), &config, ends).await });
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Self {
            catalog,
            engine,
            base,
            client: client.build().unwrap(),
            shutdown,
        }
    }

    /// A component `shop` with docs beside it.
    pub(crate) async fn docs(files: &[(&str, &str)]) -> Self {
        let descriptor = component("backstage.io/techdocs-ref: dir:.");
        let mut all = vec![("catalog-info.yaml", descriptor.as_str())];
        all.extend_from_slice(files);
        Self::start(&all).await
    }

    /// What is at a path of the docs of `shop`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.fetch(&format!("/docs/component/default/shop/{path}"), &[])
            .await
    }

    pub(crate) async fn fetch(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    /// The data of a query without errors.
    pub(crate) async fn ask(&self, query: &str) -> Value {
        let request = Request::new(query);
        let response = self
            .engine
            .execute(&request, Budget::of(Duration::from_secs(300)))
            .await;
        let answer: Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"].clone()
    }

    /// The HTML of the first page of `shop`.
    pub(crate) async fn html(&self) -> String {
        let data = self
            .ask("{ component(ref: \"shop\") { docs { page(path: \"\") { html } } } }")
            .await;
        let html = &data["component"]["docs"]["page"]["html"];
        html.as_str().unwrap_or_else(|| panic!("{data}")).to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}
