//! Sources that speak GraphQL: what is asked of them, in how many documents, and what becomes of their answers.

mod ages;
mod along;
mod bad_days;
mod errors;
mod figures;
mod limits;
mod lists;
mod made;
mod monorepo;
mod recorded;
mod selections;
mod tags;
mod valid;

use std::sync::Arc;
use std::time::Duration;

use callboard::cache::{Cache, Settings};
use callboard::clock::Clock;
use callboard::config::Config;
use callboard::connect::example::Example;
use callboard::connect::{LiveSource, Runtime};
use callboard::egress::{self, Egress};
use callboard::graphql::Limits;
use callboard::simulate::{Options, Simulated};
use callboard::tasks::Tasks;
use callboard::telemetry::metrics::Metrics;
use serde_json::Value;

use crate::support::engine::{TestEngine, model, snapshot};

/// A forge with repositories, their changes and their versions.
pub(super) const SDL: &str = r#"
    extend schema @source(name: "graph", type: GRAPHQL, url: "$config.url", limits: { retries: 0, concurrency: 4 })
    extend interface Entity {
      repo: ForgeRepo
        @connect(source: "graph", batch: { style: ALIAS, max: 50 }, query: "repository(owner: $owner, name: $name)", let: [
          { name: "slug", value: "$entity.metadata.annotations.'forge.example/slug'" }
          { name: "owner", value: "$slug | split('/') | first" }
          { name: "name", value: "$slug | split('/') | last" }])
        @cache(maxAge: "5m", stale: "1h", tags: ["repo:{$slug}"])
      changes(state: String): [ForgeChange]
    }
    type ForgeRepo implements Live @identity(from: "id") {
      stars: Int @field(at: "stargazerCount")
      branch: String @field(at: "defaultBranch.name")
      topics: [String] @field(at: "topics(first: 20).nodes[].name")
      owner: String @field(at: "owner.login | lower")
      license: String @field(at: "license.key ?? license.name")
      latest: ForgeRelease @field(at: "releases(last: 1).nodes[0]")
      changes(state: String): [ForgeChange] @cache(maxAge: "60s", stale: "0s")
        @field(at: "changes(first: $args.first, after: $args.after, states: [$args.state], orderBy: {field: UPDATED, direction: DESC})")
    }
    type ForgeRelease { tag: String @field(at: "tagName") }
    type ForgeChange implements Live
      @supplies(field: "Entity.changes", from: "Entity.repo.changes")
      @identity(from: "id") {
      number: Int
      title: String
      author: String @field(at: "author.login")
      passed: Boolean @field(at: "checks.'... on Rollup'.ok")
      reviews: [ForgeReview] @field(at: "reviews(first: $args.first, after: $args.after)")
    }
    type ForgeReview implements Live @identity(from: "id") { verdict: String }
"#;

pub(super) struct GraphWorld {
    pub(super) engine: TestEngine,
    pub(super) forge: Simulated,
    pub(super) cache: Cache,
    pub(super) clock: Clock,
}

/// `n` components, each with a repository of its own: `acme/c0`, `acme/c1`, …
pub(super) fn components(n: usize) -> String {
    let each = (0..n).map(|number| {
        format!("---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{ name: c{number}, annotations: {{ forge.example/slug: acme/c{number} }} }}\nspec: {{ type: service, lifecycle: production, owner: team }}\n")
    });
    each.collect()
}

/// The trees of so many repositories.
pub(super) fn repositories(n: usize) -> String {
    let each = (0..n).map(|number| {
        let changes = (0..12).map(|change| {
            format!(
                "{{ id: ch{number}-{change}, number: {change}, title: change {change}, author: {{ login: ada }}, checks: {{ __typename: Rollup, ok: true }}, reviews: {{ nodes: [{{ id: r1, verdict: yes }}, {{ id: r2, verdict: no }}] }} }}"
            )
        });
        let changes: Vec<String> = changes.collect();
        format!(
            r#"
  - graphql: repository
    when: {{ arguments: {{ owner: acme, name: c{number} }} }}
    body:
      id: repo-{number}
      stargazerCount: {number}
      defaultBranch: {{ name: trunk }}
      topics: {{ nodes: [{{ name: rust }}, {{ name: graph }}] }}
      owner: {{ login: ACME }}
      license: {{ name: MIT }}
      releases: {{ nodes: [{{ tagName: v1 }}, {{ tagName: v2 }}] }}
      changes: {{ nodes: [{}] }}
      'changes(states: [OPEN])': {{ nodes: [{{ id: open-{number}, number: 99, title: open one, author: null }}] }}
"#,
            changes.join(", ")
        )
    });
    each.collect()
}

/// An engine over a catalog, and the forge behind it.
pub(super) async fn world(sdl: &str, catalog: &str, upstream: &str) -> GraphWorld {
    drop(rustls::crypto::ring::default_provider().install_default());
    let model = model(&[("connectors/forge/forge.graphql", sdl)]);
    let tasks = Tasks::new();
    let clock = Clock::fixed("2026-03-01T12:00:00Z".parse().unwrap());
    let text =
        format!("query: '{{ __typename }}'\nexpect: {{ data: {{}} }}\nupstream:\n{upstream}\n");
    let (example, problems) = Example::parse(&"forge.yaml".into(), &text);
    assert_eq!(problems, []);
    let options = Options {
        clock: clock.clone(),
        ..Options::default()
    };
    let examples = [example.unwrap()];
    let forge = Simulated::start(&model, "forge", &examples, options, &tasks);
    let forge = forge.await.unwrap();
    let text = format!(
        "connectors: {{ forge: {{ config: {{ url: '{}graphql' }} }} }}",
        forge.origin()
    );
    let file = "callboard.yaml".into();
    let (config, problems) =
        Config::parse(Some((&file, &text)), std::path::Path::new("."), &|_| None);
    assert_eq!(problems, []);
    let config = config.unwrap();
    let metrics = Metrics::default();
    let settings = Settings::from(&config.cache);
    let cache = Cache::open(settings, clock.clone(), metrics.cache().clone(), &tasks).await;
    let egress = Egress::new(egress::Settings {
        clock: clock.clone(),
        ..egress::Settings::default()
    });
    let runtime = Runtime::new(
        Arc::clone(&model),
        &config.connectors,
        cache.clone(),
        &egress.unwrap(),
        tasks.clone(),
    );
    let live: Arc<dyn LiveSource> = Arc::new(runtime);
    let snapshot = snapshot(&model, catalog);
    let limits = Limits::default();
    GraphWorld {
        engine: TestEngine::new(snapshot, limits, Some(live)).await,
        forge,
        cache,
        clock,
    }
}

impl GraphWorld {
    pub(super) async fn ask(&self, query: &str) -> String {
        self.engine.text(query, Value::Null).await
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now() + time);
    }

    /// The documents since the last look, with their variables.
    pub(super) fn documents(&self) -> Vec<String> {
        let seen = self.forge.seen();
        self.forge.forget();
        seen.iter()
            .map(|seen| {
                let text = seen.json["query"].as_str().unwrap();
                format!("{text}{}", seen.json["variables"])
            })
            .collect()
    }

    pub(super) fn n_requests(&self) -> u64 {
        let n = self.forge.n_requests();
        self.forge.forget();
        n
    }
}
