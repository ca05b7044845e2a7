//! Two documents, one ref.

use callboard::ingest::IngestOptions;

use crate::support::catalog::{Catalog, component, component_of, documents};

#[tokio::test]
async fn the_first_seen_wins_and_the_others_are_listed() {
    let catalog = Catalog::new(&[("z/catalog-info.yaml", &component("a"))]).await;
    catalog.read().await;
    catalog.write("b/catalog-info.yaml", &component_of("a", "library"));
    catalog.read().await;
    catalog.write("a/catalog-info.yaml", &component_of("a", "website"));
    catalog.read().await;
    let entity = catalog.entity("component:default/a").await.unwrap();
    assert_eq!(entity.origin.file.as_ref(), "z/catalog-info.yaml");
    let claims: Vec<_> = entity
        .origin
        .claims
        .iter()
        .map(|claim| &*claim.file)
        .collect();
    assert_eq!(claims, ["b/catalog-info.yaml", "a/catalog-info.yaml"]);
    assert_eq!(
        catalog.problems().await,
        [
            "a/catalog-info.yaml:1 error[duplicate-ref] component:default/a",
            "b/catalog-info.yaml:1 error[duplicate-ref] component:default/a",
            "z/catalog-info.yaml:1 warning[duplicate-ref] component:default/a",
        ]
    );
    assert_eq!(catalog.changes().await, ["1 + component:default/a"]);
}

#[tokio::test]
async fn when_the_winner_goes_the_next_is_promoted_in_the_same_commit() {
    let catalog = Catalog::new(&[("z/catalog-info.yaml", &component("a"))]).await;
    catalog.read().await;
    let before = catalog.entity("component:default/a").await.unwrap();
    catalog.write("b/catalog-info.yaml", &component_of("a", "library"));
    catalog.write("c/catalog-info.yaml", &component_of("a", "website"));
    catalog.read().await;
    catalog.remove("z/catalog-info.yaml");
    catalog.read().await;
    let after = catalog.entity("component:default/a").await.unwrap();
    assert_eq!(after.origin.file.as_ref(), "b/catalog-info.yaml");
    assert_eq!(after.id, before.id);
    assert!(after.descriptor.contains("library"));
    assert_eq!(
        catalog.problems().await,
        [
            "b/catalog-info.yaml:1 warning[duplicate-ref] component:default/a",
            "c/catalog-info.yaml:1 error[duplicate-ref] component:default/a",
        ]
    );
    assert_eq!(
        catalog.changes().await,
        ["1 + component:default/a", "3 * component:default/a"]
    );
    catalog.remove("c/catalog-info.yaml");
    catalog.read().await;
    assert_eq!(catalog.problems().await, Vec::<String>::new());
}

#[tokio::test]
async fn ties_go_by_source_then_file_then_document() {
    let options = IngestOptions::default;
    let files = [
        ("one/catalog-info.yaml", &*component_of("a", "of-one")),
        ("two/catalog-info.yaml", &component_of("a", "of-two")),
    ];
    let catalog = Catalog::with(&["catalog/two", "catalog/one"], options(), &files).await;
    catalog.read().await;
    let entity = catalog.entity("component:default/a").await.unwrap();
    assert_eq!(entity.origin.source.as_ref(), "catalog/two");

    let catalog = Catalog::new(&files).await;
    catalog.read().await;
    let entity = catalog.entity("component:default/a").await.unwrap();
    assert_eq!(entity.origin.file.as_ref(), "one/catalog-info.yaml");

    let twice = documents(&[component_of("a", "first"), component_of("a", "second")]);
    let catalog = Catalog::new(&[("catalog-info.yaml", &twice)]).await;
    catalog.read().await;
    let entity = catalog.entity("component:default/a").await.unwrap();
    assert_eq!(entity.origin.line, 1);
    assert_eq!(entity.origin.claims.len(), 1);
    catalog.write("catalog-info.yaml", &component_of("a", "second"));
    catalog.read().await;
    assert_eq!(catalog.problems().await, Vec::<String>::new());
    let entity = catalog.entity("component:default/a").await.unwrap();
    assert!(entity.descriptor.contains("second"));
}

#[tokio::test]
async fn a_loser_that_changes_changes_nothing_that_is_served() {
    let catalog = Catalog::new(&[
        ("a/catalog-info.yaml", &component("a")),
        ("b/catalog-info.yaml", &component_of("a", "library")),
    ])
    .await;
    catalog.read().await;
    catalog.write("b/catalog-info.yaml", &component_of("a", "website"));
    catalog.read().await;
    assert_eq!(catalog.changes().await, ["1 + component:default/a"]);
    catalog.remove("a/catalog-info.yaml");
    catalog.read().await;
    let entity = catalog.entity("component:default/a").await.unwrap();
    assert!(entity.descriptor.contains("website"));
}
