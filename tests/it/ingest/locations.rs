//! `Location` entities lead to other files of the same source.

use std::os::unix::fs::symlink;

use callboard::ingest::IngestOptions;

use crate::support::catalog::{Catalog, component, documents, location};

async fn with_root(spec: &str, files: &[(&str, &str)]) -> Catalog {
    let root = location("root", spec);
    let mut all = vec![("all.yaml", &*root)];
    all.extend_from_slice(files);
    let catalog = Catalog::with(&["catalog/all.yaml"], IngestOptions::default(), &all).await;
    catalog.read().await;
    catalog
}

#[tokio::test]
async fn targets_are_followed_relative_to_their_file() {
    let nested = documents(&[
        component("nested"),
        location("next", "  type: file\n  target: ../b.yaml"),
    ]);
    let catalog = with_root(
        "  target: ./a.yaml\n  targets:\n    - deep/nested.yaml\n    - many/*.yaml\n    - /root.yaml",
        &[
            ("a.yaml", &component("a")),
            ("b.yaml", &component("b")),
            ("root.yaml", &component("root")),
            ("deep/nested.yaml", &nested),
            ("many/1.yaml", &component("one")),
            ("many/2.yaml", &component("two")),
            ("many/deeper/3.yaml", &component("three")),
        ],
    )
    .await;
    assert_eq!(
        catalog.entities().await,
        [
            "component:default/a a.yaml:1",
            "component:default/b b.yaml:1",
            "component:default/nested deep/nested.yaml:1",
            "component:default/one many/1.yaml:1",
            "component:default/root root.yaml:1",
            "component:default/two many/2.yaml:1",
            "location:default/next deep/nested.yaml:10",
            "location:default/root all.yaml:1",
        ]
    );
    assert_eq!(catalog.problems().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_nothing_leads_to_any_more_goes() {
    let catalog = with_root(
        "  targets: [a.yaml, b.yaml]",
        &[("a.yaml", &component("a")), ("b.yaml", &component("b"))],
    )
    .await;
    catalog.write("all.yaml", &location("root", "  targets: [b.yaml]"));
    catalog.read().await;
    assert_eq!(
        catalog.entities().await,
        [
            "component:default/b b.yaml:1",
            "location:default/root all.yaml:1"
        ]
    );
}

#[tokio::test]
async fn targets_that_cannot_be_followed_are_named_at_their_line() {
    let outside = "  targets:\n    - ../outside.yaml\n    - missing.yaml\n    - none/*.yaml\n    - link.yaml\n    - folder\n    - good.yaml";
    let catalog = with_root(
        outside,
        &[
            ("good.yaml", &component("good")),
            ("folder/x.yaml", &component("x")),
        ],
    )
    .await;
    std::fs::write(
        catalog.folder.path().join("outside.yaml"),
        component("stolen"),
    )
    .unwrap();
    symlink(
        catalog.folder.path().join("outside.yaml"),
        catalog.path("link.yaml"),
    )
    .unwrap();
    catalog.read().await;
    assert_eq!(
        catalog.problems().await,
        [
            "all.yaml:7 error[outside-root] location:default/root",
            "all.yaml:8 error[location-target] location:default/root",
            "all.yaml:9 error[location-target] location:default/root",
            "all.yaml:10 error[outside-root] location:default/root",
            "all.yaml:11 error[location-target] location:default/root",
        ]
    );
    assert_eq!(
        catalog.entities().await,
        [
            "component:default/good good.yaml:1",
            "location:default/root all.yaml:1"
        ]
    );
    catalog.write("missing.yaml", &component("found"));
    catalog.write("none/1.yaml", &component("one"));
    catalog.read().await;
    assert_eq!(catalog.problems().await.len(), 3);
    assert_eq!(catalog.entities().await.len(), 4);
}

#[tokio::test]
async fn optional_targets_may_be_missing() {
    let catalog = with_root(
        "  presence: optional\n  targets: [missing.yaml, none/*.yaml]",
        &[],
    )
    .await;
    assert_eq!(catalog.problems().await, Vec::<String>::new());
}

#[tokio::test]
async fn targets_of_other_types_are_said_to_be_left_alone() {
    let catalog = with_root("  type: url\n  target: https://example.com/x.yaml", &[]).await;
    assert_eq!(
        catalog.problems().await,
        ["all.yaml:7 info[location-type] location:default/root"]
    );
}

#[tokio::test]
async fn cycles_are_read_once_and_named() {
    let a = documents(&[component("a"), location("a", "  target: b.yaml")]);
    let b = documents(&[component("b"), location("b", "  target: all.yaml")]);
    let catalog = with_root(
        "  targets: [a.yaml, ./*.yaml]",
        &[("a.yaml", &a), ("b.yaml", &b)],
    )
    .await;
    assert_eq!(catalog.entities().await.len(), 5);
    assert_eq!(
        catalog.problems().await,
        ["b.yaml:15 warning[location-cycle] location:default/b"]
    );
    let itself = with_root("  target: all.yaml", &[]).await;
    assert_eq!(
        itself.problems().await,
        ["all.yaml:6 warning[location-cycle] location:default/root"]
    );
}

#[tokio::test]
async fn the_way_to_a_file_is_bounded() {
    let files: Vec<_> = (0..40)
        .map(|step| {
            let target = format!("  target: {}.yaml", step + 1);
            (
                format!("{step}.yaml"),
                location(&format!("step-{step}"), &target),
            )
        })
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(file, text)| (&**file, &**text))
        .collect();
    let catalog = with_root("  target: 0.yaml", &files).await;
    assert_eq!(
        catalog.problems().await,
        ["31.yaml:6 error[location-depth] location:default/step-31"]
    );
}

/// A path that is part of another one, and one whose writing is not its text.
#[tokio::test]
async fn each_target_is_blamed_where_it_stands() {
    let catalog = with_root(
        "  targets: [./a/gone.yaml, gone.yaml, \"\\x67one.yaml\"]",
        &[],
    )
    .await;
    let problems = catalog.store().problems().await.unwrap();
    let places: Vec<_> = problems
        .iter()
        .map(|problem| {
            (
                problem.field.as_deref().unwrap(),
                problem.line,
                problem.column,
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            ("spec.targets[0]", Some(6), Some(13)),
            ("spec.targets[1]", Some(6), Some(28)),
            ("spec.targets[2]", Some(6), Some(39)),
        ]
    );
}
