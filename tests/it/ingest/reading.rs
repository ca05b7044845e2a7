//! What is read, what is left alone, and what it costs.

use std::os::unix::fs::symlink;

use callboard::config::Orphans;
use callboard::ingest::{IngestOptions, SourceState};
use filetime_now::touch;

use crate::support::catalog::{Catalog, component, component_of, documents};

/// Sets a file's time without changing it.
mod filetime_now {
    use std::fs::File;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    pub(super) fn touch(path: &Path, seconds: u64) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    }
}

#[tokio::test]
async fn a_folder_is_read() {
    let catalog = Catalog::new(&[
        ("catalog-info.yaml", &component("a")),
        (
            "deep/er/catalog-info.yml",
            &documents(&[component("b"), component("c")]),
        ),
        ("mkdocs.yml", "site_name: x\n"),
        ("target/catalog-info.yaml", &component("built")),
        ("node_modules/catalog-info.yaml", &component("installed")),
        (".git/catalog-info.yaml", &component("hidden")),
    ])
    .await;
    catalog.read().await;
    assert_eq!(
        catalog.entities().await,
        [
            "component:default/a catalog-info.yaml:1",
            "component:default/b deep/er/catalog-info.yml:1",
            "component:default/c deep/er/catalog-info.yml:10",
        ]
    );
    assert_eq!(catalog.problems().await, Vec::<String>::new());
    assert_eq!(
        catalog.changes().await,
        [
            "1 + component:default/a",
            "1 + component:default/b",
            "1 + component:default/c"
        ]
    );
}

/// Descriptors are told from other YAML by what they say; a `Location` may name any file, and what was read once stays.
#[tokio::test]
async fn a_folder_is_read_by_what_its_files_say() {
    let location = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: { name: all }\nspec: { targets: [./services.yaml, ./odd.yaml] }\n";
    let odd = component("odd").replace("backstage.io/", "other.example/");
    let catalog = Catalog::new(&[
        ("all.yaml", location),
        ("services.yaml", &documents(&[component("a"), component("b")])),
        ("teams.json.yaml", r#"{"apiVersion": "backstage.io/v1alpha1", "kind": "Group", "metadata": {"name": "t"}, "spec": {"type": "team", "children": []}}"#),
        ("odd.yaml", &odd),
        ("mkdocs.yml", "site_name: x\n"),
        ("deploy.yaml", "apiVersion: apps/v1\nkind: Deployment\n"),
        ("broken.yaml", "a: [\n"),
    ])
    .await;
    catalog.read().await;
    let read = [
        "component:default/a services.yaml:1",
        "component:default/b services.yaml:10",
        "group:default/t teams.json.yaml:1",
        "location:default/all all.yaml:1",
    ];
    assert_eq!(catalog.entities().await, read);
    assert_eq!(
        catalog.problems().await,
        ["odd.yaml:1 error[unknown-api-version] component:default/odd"]
    );
    catalog.write("mkdocs.yml", &component("docs"));
    catalog.write("services.yaml", "apiVersio: slip\n");
    catalog.read().await;
    assert!(
        catalog
            .entities()
            .await
            .contains(&"component:default/docs mkdocs.yml:1".to_owned())
    );
    assert!(
        catalog
            .problems()
            .await
            .iter()
            .any(|problem| problem.starts_with("services.yaml:1 error"))
    );
}

#[tokio::test]
async fn a_folder_without_descriptors_is_named() {
    let catalog = Catalog::new(&[("mkdocs.yml", "site_name: x\n")]).await;
    catalog.read().await;
    assert_eq!(catalog.problems().await, ["catalog warning[source-empty]"]);
}

#[tokio::test]
async fn a_glob_and_a_single_file_are_read() {
    let files = [
        ("teams/a/info.yaml", &*component("a")),
        ("teams/b/info.yaml", &component("b")),
        ("teams/b/deep/info.yaml", &component("too-deep")),
        ("one.yaml", &component("one")),
    ];
    let sources = ["catalog/../catalog/teams/*/info.yaml", "./catalog/one.yaml"];
    let catalog = Catalog::with(&sources, IngestOptions::default(), &files).await;
    catalog.read().await;
    assert_eq!(
        catalog.entities().await,
        [
            "component:default/a a/info.yaml:1",
            "component:default/b b/info.yaml:1",
            "component:default/one one.yaml:1",
        ]
    );
}

#[tokio::test]
async fn what_did_not_change_costs_no_write() {
    let mut catalog = Catalog::new(&[("catalog-info.yaml", &component("a"))]).await;
    let file = catalog.path("catalog-info.yaml");
    touch(&file, 1_000_000_000);
    catalog.read().await;
    let first = catalog.ingest.totals();
    assert_eq!((first.files_read, first.files_parsed), (1, 1));

    catalog.read().await;
    assert_eq!(catalog.ingest.totals(), first, "nothing is even read");

    touch(&file, 1_000_000_001);
    catalog.read().await;
    let touched = catalog.ingest.totals();
    assert_eq!((touched.files_read, touched.files_parsed), (2, 1));
    assert_eq!(touched.rows_written, first.rows_written);

    catalog.restart().await;
    catalog.read().await;
    let restarted = catalog.ingest.totals();
    assert_eq!((restarted.rows_written, restarted.files_parsed), (0, 0));
    assert_eq!(catalog.store().revision().await.unwrap(), 1);
}

#[tokio::test]
async fn a_comment_is_no_change_of_an_entity() {
    let catalog = Catalog::new(&[("catalog-info.yaml", &component("a"))]).await;
    catalog.read().await;
    let before = catalog.entity("component:default/a").await.unwrap();
    catalog.write(
        "catalog-info.yaml",
        &format!("# moved down\n\n{}", component("a")),
    );
    catalog.read().await;
    let after = catalog.entity("component:default/a").await.unwrap();
    assert_eq!(after.origin.line, 3);
    assert_eq!(
        (after.updated_at, after.origin.revision),
        (before.updated_at, 1)
    );
    assert_eq!(catalog.changes().await, ["1 + component:default/a"]);
}

#[tokio::test]
async fn an_edit_is_an_update_of_one_entity() {
    let text = |kind| documents(&[component_of("a", kind), component("b")]);
    let catalog = Catalog::new(&[("catalog-info.yaml", &text("service"))]).await;
    catalog.read().await;
    catalog.write("catalog-info.yaml", &text("website"));
    catalog.read().await;
    assert_eq!(
        catalog.changes().await,
        [
            "1 + component:default/a",
            "1 + component:default/b",
            "2 * component:default/a"
        ]
    );
    let entity = catalog.entity("component:default/a").await.unwrap();
    assert_eq!(entity.created_at.to_string(), "2026-01-01T00:00:01Z");
    assert_eq!(entity.updated_at.to_string(), "2026-01-01T00:00:02Z");
}

#[tokio::test]
async fn orphans_are_removed_with_a_tombstone() {
    let both = documents(&[component("a"), component("b")]);
    let mut catalog = Catalog::new(&[
        ("catalog-info.yaml", &both),
        ("gone/catalog-info.yaml", &component("c")),
    ])
    .await;
    catalog.read().await;
    catalog.write("catalog-info.yaml", &component("a"));
    catalog.remove("gone/catalog-info.yaml");
    catalog.read().await;
    assert_eq!(
        catalog.entities().await,
        ["component:default/a catalog-info.yaml:1"]
    );
    assert_eq!(
        catalog.changes().await[3..],
        ["2 - component:default/b", "2 - component:default/c"]
    );

    catalog.restart_with(&[]).await;
    assert_eq!(
        catalog.entities().await,
        Vec::<String>::new(),
        "a source that is no longer configured"
    );
    assert_eq!(catalog.changes().await[5..], ["3 - component:default/a"]);
}

#[tokio::test]
async fn orphans_are_kept_on_request() {
    let options = IngestOptions {
        orphans: Orphans::Keep,
        ..IngestOptions::default()
    };
    let files = [("gone/catalog-info.yaml", &*component("c"))];
    let mut catalog = Catalog::with(&["catalog"], options, &files).await;
    catalog.read().await;
    catalog.remove("gone/catalog-info.yaml");
    catalog.read().await;
    let kept = ["component:default/c gone/catalog-info.yaml:1"];
    assert_eq!(catalog.entities().await, kept);
    catalog.restart_with(&[]).await;
    assert_eq!(catalog.entities().await, kept);
}

#[tokio::test]
async fn a_document_that_moves_to_another_file_is_the_same_entity() {
    let catalog = Catalog::new(&[
        ("a/catalog-info.yaml", &component("a")),
        ("b/catalog-info.yaml", &component("b")),
    ])
    .await;
    catalog.read().await;
    let before = catalog.entity("component:default/a").await.unwrap();
    catalog.remove("a/catalog-info.yaml");
    catalog.write(
        "b/catalog-info.yaml",
        &documents(&[component("b"), component("a")]),
    );
    catalog.read().await;
    let after = catalog.entity("component:default/a").await.unwrap();
    assert_eq!(after.origin.file.as_ref(), "b/catalog-info.yaml");
    assert_eq!((after.id, after.created_at), (before.id, before.created_at));
    assert_eq!(
        catalog.changes().await.len(),
        2,
        "nothing of it has changed"
    );
    assert_eq!(catalog.problems().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_rename_keeps_the_id() {
    let text = |name| documents(&[component("other"), component(name)]);
    let catalog = Catalog::new(&[("catalog-info.yaml", &text("old"))]).await;
    catalog.read().await;
    let before = catalog.entity("component:default/old").await.unwrap();
    catalog.write("catalog-info.yaml", &text("new"));
    catalog.read().await;
    let after = catalog.entity("component:default/new").await.unwrap();
    assert_eq!(after.id, before.id);
    assert_eq!(after.created_at, before.created_at);
    assert_eq!(after.previous_refs, [before.entity_ref]);
    assert_eq!(catalog.changes().await[2..], ["2 > component:default/new"]);
    let snapshot = catalog.ingest.catalog().snapshot();
    assert_eq!(
        snapshot.find("component:default/old"),
        snapshot.find("component:default/new")
    );

    catalog.write("second/catalog-info.yaml", &component("old"));
    catalog.read().await;
    let second = catalog.entity("component:default/old").await.unwrap();
    assert_ne!(second.id, after.id, "the id is taken");
    assert_eq!(catalog.changes().await[3..], ["3 + component:default/old"]);
}

#[tokio::test]
async fn other_content_under_another_name_is_no_rename() {
    let catalog = Catalog::new(&[("catalog-info.yaml", &component("old"))]).await;
    catalog.read().await;
    catalog.write("catalog-info.yaml", &component_of("new", "library"));
    catalog.read().await;
    assert_eq!(
        catalog.changes().await[1..],
        ["2 + component:default/new", "2 - component:default/old"]
    );
}

#[tokio::test]
async fn a_missing_path_keeps_what_was_good() {
    let catalog = Catalog::new(&[("catalog-info.yaml", &component("a"))]).await;
    catalog.read().await;
    let (here, away) = (catalog.path(""), catalog.folder.path().join("away"));
    std::fs::rename(&here, &away).unwrap();
    catalog.read().await;
    assert_eq!(catalog.entities().await.len(), 1);
    assert_eq!(catalog.problems().await, ["catalog error[source-path]"]);
    let status = catalog.ingest.catalog().sources().remove(0);
    assert_eq!(status.state, SourceState::Failing);
    assert_eq!(
        status.last_error.unwrap().as_ref(),
        "`catalog` does not exist"
    );

    std::fs::rename(&away, &here).unwrap();
    catalog.read().await;
    assert_eq!(catalog.problems().await, Vec::<String>::new());
    let status = catalog.ingest.catalog().sources().remove(0);
    assert_eq!(
        (status.state, status.entities, status.files),
        (SourceState::Ready, 1, 1)
    );
}

#[tokio::test]
async fn a_glob_without_matches_is_named() {
    let sources = ["catalog/**/*.nothing", "catalog"];
    let files = [("catalog-info.yaml", &*component("a"))];
    let catalog = Catalog::with(&sources, IngestOptions::default(), &files).await;
    catalog.read().await;
    assert_eq!(catalog.entities().await.len(), 1);
    assert_eq!(
        catalog.problems().await,
        ["catalog/**/*.nothing warning[source-empty]"]
    );
}

#[tokio::test]
async fn links_out_of_the_root_are_refused() {
    let catalog = Catalog::new(&[("real/catalog-info.yaml", &component("a"))]).await;
    let outside = catalog.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("catalog-info.yaml"), component("stolen")).unwrap();
    std::fs::create_dir(catalog.path("file")).unwrap();
    symlink(
        outside.join("catalog-info.yaml"),
        catalog.path("file/catalog-info.yaml"),
    )
    .unwrap();
    symlink(&outside, catalog.path("folder")).unwrap();
    // Within the root a link is another name of the same file.
    std::fs::create_dir(catalog.path("zlink")).unwrap();
    symlink(
        catalog.path("real/catalog-info.yaml"),
        catalog.path("zlink/catalog-info.yaml"),
    )
    .unwrap();
    catalog.read().await;
    assert_eq!(
        catalog.entities().await,
        ["component:default/a real/catalog-info.yaml:1"]
    );
    assert_eq!(
        catalog.problems().await,
        [
            "file/catalog-info.yaml error[outside-root]",
            "folder warning[outside-root]",
        ]
    );
}

#[tokio::test]
async fn large_texts_are_kept_apart() {
    let definition = "x".repeat(5000);
    let api = "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: a\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition:\n    $text: ./openapi.yaml\n";
    let catalog = Catalog::new(&[("catalog-info.yaml", api), ("openapi.yaml", &definition)]).await;
    catalog.read().await;
    let entity = catalog.entity("api:default/a").await.unwrap();
    assert!(entity.descriptor.len() < 500);
    let stored: serde_json::Value = serde_json::from_str(&entity.descriptor).unwrap();
    let marker = stored["spec"]["definition"].as_str().unwrap();
    let hash = callboard::graph::marked_text(marker).unwrap().to_owned();
    let texts = catalog
        .store()
        .texts(&[hash.clone(), "unknown".to_owned()])
        .await
        .unwrap();
    assert_eq!(texts.len(), 1);
    assert_eq!(*texts[&hash], *definition);

    catalog.write("openapi.yaml", &"y".repeat(5000));
    catalog.read().await;
    assert_eq!(
        catalog.changes().await[1..],
        ["2 * api:default/a"],
        "the text has changed, not the file"
    );
}

#[tokio::test]
async fn texts_from_outside_are_refused() {
    let api = |target: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: a\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition:\n    $text: {target}\n"
        )
    };
    let catalog = Catalog::new(&[]).await;
    std::fs::write(catalog.folder.path().join("secret"), "secret").unwrap();
    symlink(catalog.folder.path().join("secret"), catalog.path("link")).unwrap();
    for target in [
        "../secret",
        "./link",
        "/etc/passwd",
        "https://example.com/x",
        "./missing",
    ] {
        catalog.write("catalog-info.yaml", &api(target));
        catalog.read().await;
        assert_eq!(catalog.entities().await, Vec::<String>::new(), "{target}");
        assert_eq!(
            catalog.problems().await,
            ["catalog-info.yaml:10 error[substitution] api:default/a"],
            "{target}"
        );
    }
    catalog.write("missing", "now it is there");
    catalog.read().await;
    assert_eq!(catalog.problems().await, Vec::<String>::new());
    assert_eq!(catalog.entities().await.len(), 1);
}
