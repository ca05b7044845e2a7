//! The change log: paging both ways, states before and after, retention.

use callboard::ingest::IngestOptions;
use callboard::store::{Change, ChangeQuery, Store};
use tempfile::TempDir;

use crate::support::catalog::{Catalog, changes, component, component_of, documents, entity_ref};

const ALL: ChangeQuery = ChangeQuery {
    after_revision: None,
    since: None,
    after: None,
    before: None,
    entity_ref: None,
    newest_first: false,
    limit: 1000,
    from_end: false,
};

#[tokio::test]
async fn on_sqlite() {
    for case in CASES {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("callboard.db").display());
        case.run(folder, url).await;
    }
}

/// A case that holds on every database.
#[derive(Clone, Copy, Debug)]
pub(super) enum Case {
    Pages,
    States,
    Retention,
    Texts,
    Claims,
}

pub(super) const CASES: [Case; 5] = [
    Case::Pages,
    Case::States,
    Case::Retention,
    Case::Texts,
    Case::Claims,
];

impl Case {
    pub(super) async fn run(self, folder: TempDir, url: String) {
        let catalog = Catalog::on(folder, url, &["catalog"], IngestOptions::default(), &[]).await;
        match self {
            Self::Pages => pages(catalog).await,
            Self::States => states(catalog).await,
            Self::Retention => retention(catalog).await,
            Self::Texts => texts(catalog).await,
            Self::Claims => claims(catalog).await,
        }
    }
}

/// Three revisions: two entities, an update, a removal.
async fn write_some(catalog: &Catalog) {
    for text in [
        documents(&[component("a"), component("b")]),
        documents(&[component_of("a", "library"), component("b")]),
        component("b"),
    ] {
        catalog.write("catalog-info.yaml", &text);
        catalog.read().await;
    }
}

async fn pages(catalog: Catalog) {
    write_some(&catalog).await;
    let expected = [
        "1 + component:default/a",
        "1 + component:default/b",
        "2 * component:default/a",
        "3 - component:default/a",
    ];
    let store = catalog.store();
    assert_eq!(changes(store, &ALL).await, expected);
    let reversed: Vec<_> = expected.iter().rev().copied().collect();
    for (newest_first, expected) in [(false, expected.to_vec()), (true, reversed)] {
        let mut after = None;
        for line in expected {
            let query = ChangeQuery {
                newest_first,
                after,
                limit: 1,
                ..ALL
            };
            assert_eq!(changes(store, &query).await, [line]);
            let page = store.changes(&query).await.unwrap();
            after = Some((page[0].1.revision, page[0].0));
        }
    }
    let since = "2026-01-01T00:00:02Z".parse().unwrap();
    for query in [
        ChangeQuery {
            after_revision: Some(1),
            ..ALL
        },
        ChangeQuery {
            since: Some(since),
            ..ALL
        },
        ChangeQuery {
            after: Some((1, 1)),
            ..ALL
        },
    ] {
        assert_eq!(changes(store, &query).await, expected[2..], "{query:?}");
    }
    let of_b = ChangeQuery {
        entity_ref: Some(entity_ref("component:default/b")),
        ..ALL
    };
    assert_eq!(changes(store, &of_b).await, expected[1..2]);
}

async fn states(catalog: Catalog) {
    catalog.write("catalog-info.yaml", &component_of("a", "one"));
    catalog.read().await;
    catalog.write("catalog-info.yaml", &component_of("a", "two"));
    catalog.read().await;
    catalog.write("catalog-info.yaml", &component_of("b", "two"));
    catalog.read().await;
    catalog.write("catalog-info.yaml", "");
    catalog.read().await;
    catalog.write("catalog-info.yaml", &component_of("b", "three"));
    catalog.read().await;
    let history = ChangeQuery {
        entity_ref: Some(entity_ref("component:default/b")),
        ..ALL
    };
    let states = |changes: Vec<(u32, Change)>| -> Vec<_> {
        let word = |state: &Option<serde_json::Value>| {
            let state = state.as_ref()?;
            let name = state["metadata"]["name"].as_str()?;
            Some(format!("{name}={}", state["spec"]["type"].as_str()?))
        };
        let line = |change: &Change| {
            let before = word(&change.before).unwrap_or_default();
            let after = word(&change.after).unwrap_or_default();
            format!("{:?} {before}->{after}", change.operation)
        };
        changes.iter().map(|(_, change)| line(change)).collect()
    };
    let store = catalog.store();
    assert_eq!(
        states(store.changes(&ALL).await.unwrap()),
        [
            "Created ->a=one",
            "Updated a=one->a=two",
            "Renamed a=two->b=two",
            "Removed b=two->",
            "Created ->b=three",
        ]
    );
    // It came again under a ref that it was not first seen under: another entity.
    assert_eq!(
        states(store.changes(&history).await.unwrap()),
        ["Created ->b=three"]
    );
}

async fn retention(catalog: Catalog) {
    write_some(&catalog).await;
    let store = catalog.store();
    assert_eq!(store.oldest_revision().await.unwrap(), 1);
    let before = "2026-01-01T00:00:02Z".parse().unwrap();
    let expired = store.expire(before).await.unwrap();
    assert_eq!((expired.revisions, expired.changes), (1, 2));
    assert_eq!(store.oldest_revision().await.unwrap(), 2);
    assert_eq!(
        changes(store, &ALL).await,
        ["2 * component:default/a", "3 - component:default/a"]
    );
    store
        .expire("2027-01-01T00:00:00Z".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(changes(store, &ALL).await, Vec::<String>::new());
    assert_eq!(store.oldest_revision().await.unwrap(), 4);
    assert_eq!(store.revision().await.unwrap(), 3);
    catalog.write("catalog-info.yaml", &component("c"));
    catalog.read().await;
    assert_eq!(store.revision().await.unwrap(), 4, "revisions go on");
}

/// Large texts, also with bytes that databases do not like.
async fn texts(catalog: Catalog) {
    let api = |text: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata:\n  name: a\nspec:\n  type: openapi\n  lifecycle: production\n  owner: team\n  definition: \"{}\\0ä\"\n",
            text.repeat(5000)
        )
    };
    catalog.write("catalog-info.yaml", &api("x"));
    catalog.read().await;
    let store = catalog.store();
    let hashes = hashes(store).await;
    let texts = store.texts(&hashes).await.unwrap();
    assert_eq!(*texts[&hashes[0]], format!("{}\0ä", "x".repeat(5000)));

    catalog.write("catalog-info.yaml", &component("a"));
    catalog.read().await;
    let soon = "2026-01-01T00:00:01Z".parse().unwrap();
    store.expire(soon).await.unwrap();
    assert_eq!(
        store.texts(&hashes).await.unwrap().len(),
        1,
        "the log still has it"
    );
    store
        .expire("2027-01-01T00:00:00Z".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(store.texts(&hashes).await.unwrap().len(), 0);
}

async fn hashes(store: &Store) -> Vec<String> {
    let entity = crate::support::catalog::stored(store).await.remove(0);
    let descriptor: serde_json::Value = serde_json::from_str(&entity.descriptor).unwrap();
    let marker = descriptor["spec"]["definition"].as_str().unwrap();
    vec![callboard::graph::marked_text(marker).unwrap().to_owned()]
}

async fn claims(mut catalog: Catalog) {
    catalog.write("b/catalog-info.yaml", &component("a"));
    catalog.read().await;
    catalog.write("a/catalog-info.yaml", &component_of("a", "library"));
    catalog.read().await;
    catalog.restart().await;
    assert_eq!(
        catalog.entities().await,
        ["component:default/a b/catalog-info.yaml:1"]
    );
    assert_eq!(catalog.problems().await.len(), 2);
    catalog.remove("b/catalog-info.yaml");
    catalog.read().await;
    assert_eq!(
        catalog.entities().await,
        ["component:default/a a/catalog-info.yaml:1"]
    );
    assert_eq!(catalog.problems().await, Vec::<String>::new());
    // Lines above move the document and change nothing else.
    let moved = format!("# one\n{}", component_of("a", "library"));
    catalog.write("a/catalog-info.yaml", &moved);
    catalog.read().await;
    assert_eq!(
        catalog.entities().await,
        ["component:default/a a/catalog-info.yaml:2"]
    );
    assert_eq!(catalog.changes().await.len(), 2);
}
