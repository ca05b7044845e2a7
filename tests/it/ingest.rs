//! Descriptors on disk, and what becomes of them in store, snapshot, problems and change log.

use crate::support::catalog::{Catalog, component, documents};

#[tokio::test]
async fn a_folder_is_read() {
    let catalog = Catalog::new(&[
        ("catalog-info.yaml", &component("a")),
        (
            "deep/er/catalog-info.yml",
            &documents(&[component("b"), component("c")]),
        ),
        ("other.yaml", &component("not-read")),
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
