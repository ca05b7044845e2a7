//! Edits on disk are visible within a second.

use std::time::{Duration, Instant};

use callboard::ingest::IngestOptions;
use callboard::tasks::Tasks;

use crate::support::catalog::{Catalog, component, location};

const SECOND: Duration = Duration::from_secs(1);

/// A catalog whose sources are followed.
struct Followed {
    catalog: Catalog,
    /// How soon an edit is to be seen.
    patience: Duration,
    tasks: Tasks,
}

impl Followed {
    async fn start(paths: &[&str], options: IngestOptions, files: &[(&str, &str)]) -> Self {
        // Without a watcher the promise is only "soon".
        let patience = if options.poll { 10 * SECOND } else { SECOND };
        let catalog = Catalog::with(paths, options, files).await;
        let tasks = Tasks::new();
        catalog.ingest.start(&tasks);
        Self {
            catalog,
            patience,
            tasks,
        }
    }

    fn serves(&self, entity_ref: &str) -> bool {
        let snapshot = self.catalog.ingest.catalog().snapshot();
        snapshot
            .find(entity_ref)
            .is_some_and(|ix| snapshot.exists(ix))
    }

    /// Waits for the next published states until `holds`.
    async fn soon(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        let mut revisions = self.catalog.ingest.catalog().revisions();
        while !holds(self) {
            let left = self.patience.saturating_sub(started.elapsed());
            let told = tokio::time::timeout(left, revisions.changed()).await;
            assert!(told.is_ok() || holds(self), "not soon enough: {what}");
        }
    }

    async fn stop(self) {
        assert_eq!(self.tasks.shutdown(5 * SECOND).await, Vec::<&str>::new());
    }
}

async fn edits_of_every_kind(options: IngestOptions) {
    let followed = Followed::start(
        &["catalog"],
        options,
        &[("catalog-info.yaml", &component("a"))],
    )
    .await;
    followed
        .soon("the first reading", |it| it.serves("component:default/a"))
        .await;

    followed.catalog.write("catalog-info.yaml", &component("b"));
    followed
        .soon("an edit", |it| it.serves("component:default/b"))
        .await;

    let draft = followed.catalog.path(".catalog-info.yaml.swp");
    std::fs::write(&draft, component("c")).unwrap();
    std::fs::rename(&draft, followed.catalog.path("catalog-info.yaml")).unwrap();
    followed
        .soon("a rename over it", |it| it.serves("component:default/c"))
        .await;

    followed
        .catalog
        .write("new/deep/catalog-info.yaml", &component("new"));
    followed
        .soon("a new folder", |it| it.serves("component:default/new"))
        .await;

    std::fs::remove_dir_all(followed.catalog.path("new")).unwrap();
    followed
        .soon("a folder that goes", |it| {
            !it.serves("component:default/new")
        })
        .await;

    let (here, away) = (
        followed.catalog.path(""),
        followed.catalog.folder.path().join("away"),
    );
    std::fs::rename(&here, &away).unwrap();
    std::fs::create_dir(&here).unwrap();
    followed.catalog.write("catalog-info.yaml", &component("d"));
    followed
        .soon("another folder in its place", |it| {
            it.serves("component:default/d")
        })
        .await;
    followed.catalog.write("catalog-info.yaml", &component("e"));
    followed
        .soon("an edit in it", |it| it.serves("component:default/e"))
        .await;
    followed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_visible_within_a_second() {
    edits_of_every_kind(IngestOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_visible_soon_without_a_watcher() {
    let poll = IngestOptions {
        poll: true,
        ..IngestOptions::default()
    };
    edits_of_every_kind(poll).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_files_lead_to_is_followed_too() {
    let api = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: a\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition:\n    $text: ./texts/definition.txt\n";
    let followed = Followed::start(
        &["catalog/all.yaml"],
        IngestOptions::default(),
        &[
            (
                "all.yaml",
                &location("root", "  targets: [parts/api.yaml, parts/later.yaml]"),
            ),
            ("parts/api.yaml", api),
            ("parts/texts/definition.txt", "one"),
        ],
    )
    .await;
    followed
        .soon("the first reading", |it| it.serves("api:default/a"))
        .await;
    let says = |text: &'static str| {
        move |it: &Followed| {
            let snapshot = it.catalog.ingest.catalog().snapshot();
            snapshot
                .find("api:default/a")
                .is_some_and(|ix| snapshot.descriptor(ix)["spec"]["definition"] == text)
        }
    };
    followed.soon("the text", says("one")).await;

    followed.catalog.write("parts/texts/definition.txt", "two");
    followed.soon("an edit of the text", says("two")).await;

    followed
        .catalog
        .write("parts/later.yaml", &component("later"));
    followed
        .soon("a target that comes", |it| {
            it.serves("component:default/later")
        })
        .await;

    followed
        .catalog
        .write("parts/later.yaml", &component("latest"));
    followed
        .soon("an edit of the target", |it| {
            it.serves("component:default/latest")
        })
        .await;
    followed.stop().await;
}
