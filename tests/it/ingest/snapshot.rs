//! The snapshot follows the store.

use std::sync::Arc;

use callboard::ingest;
use callboard::sdl::{SdlFile, core_files, load};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::catalog::{Catalog, component, component_of, documents, model};

/// What queries see: every entity with its descriptor, and every problem.
fn seen(snapshot: &callboard::graph::Snapshot, refs: &[&str]) -> Vec<(String, Value, Vec<String>)> {
    refs.iter()
        .filter_map(|name| {
            let ix = snapshot.find(name).filter(|ix| snapshot.exists(*ix))?;
            let problems = snapshot.problems_of(name);
            let codes = problems.iter().map(|problem| problem.code.to_string());
            Some((
                snapshot.entity_ref(ix).to_owned(),
                snapshot.descriptor(ix),
                codes.collect(),
            ))
        })
        .collect()
}

#[tokio::test]
async fn deltas_lead_to_what_a_load_would_give() {
    let refs = [
        "component:default/a",
        "component:default/b",
        "component:default/c",
        "widget:default/w",
    ];
    let catalog = Catalog::new(&[]).await;
    let widget = "apiVersion: x/v1\nkind: Widget\nmetadata: { name: w }\n".to_owned();
    let steps = [
        documents(&[component("a"), component("b")]),
        documents(&[component_of("a", "library"), component("b"), widget.clone()]),
        documents(&[component("b"), component("b"), widget.clone()]),
        documents(&[
            component("b"),
            component("c").replace("owner", "own"),
            widget,
        ]),
        documents(&[component("c")]),
        String::new(),
    ];
    for (step, text) in steps.iter().enumerate() {
        catalog.write("catalog-info.yaml", text);
        catalog.read().await;
        let followed = catalog.ingest.catalog().snapshot();
        let loaded = ingest::load(catalog.store(), model()).await.unwrap();
        assert_eq!(followed.revision(), loaded.revision(), "step {step}");
        assert_eq!(followed.len(), loaded.len(), "step {step}");
        assert_eq!(seen(&followed, &refs), seen(&loaded, &refs), "step {step}");
        assert_eq!(
            followed.problems().count(),
            loaded.problems().count(),
            "step {step}"
        );
    }
}

#[tokio::test]
async fn the_stored_state_is_served_before_anything_is_read() {
    let mut catalog = Catalog::new(&[("catalog-info.yaml", &component("a"))]).await;
    catalog.read().await;
    catalog.write("catalog-info.yaml", &component("b"));
    catalog.restart().await;
    let snapshot = catalog.ingest.catalog().snapshot();
    assert_eq!((snapshot.len(), snapshot.revision()), (1, 1));
    assert!(snapshot.find("component:default/a").is_some());
}

#[tokio::test]
async fn another_model_judges_every_file_anew() {
    let widget = "apiVersion: x/v1\nkind: Widget\nmetadata: { name: w }\nspec: { size: 1 }\n";
    let catalog = Catalog::new(&[("catalog-info.yaml", widget)]).await;
    catalog.read().await;
    let kind = |catalog: &Catalog| {
        let snapshot = catalog.ingest.catalog().snapshot();
        snapshot
            .find("widget:default/w")
            .and_then(|ix| snapshot.kind(ix))
    };
    assert_eq!(kind(&catalog), None);
    assert_eq!(
        catalog.problems().await.len(),
        1,
        "the kind is not declared"
    );

    let mut files = core_files();
    files.push(SdlFile {
        path: "widget.graphql".into(),
        text: "type Widget @kind(apiVersions: [\"x/v1\"]) { size: Int }".to_owned(),
        connector: None,
    });
    let (with_widget, problems) = load(&files);
    let with_widget = Arc::new(with_widget.unwrap_or_else(|| panic!("{problems:?}")));
    catalog.ingest.rebuild(with_widget).await.unwrap();
    assert!(kind(&catalog).is_some(), "at once");
    catalog
        .ingest
        .read_all(&CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(catalog.problems().await, Vec::<String>::new());

    catalog.ingest.rebuild(model()).await.unwrap();
    assert_eq!(kind(&catalog), None);
}

#[tokio::test]
async fn progress_is_told() {
    let many: Vec<_> = (0..30).map(|n| component(&format!("c{n}"))).collect();
    let catalog = Catalog::new(&[("catalog-info.yaml", &documents(&many))]).await;
    let progress = catalog.ingest.progress();
    catalog.read().await;
    let progress = *progress.borrow();
    assert_eq!(
        (progress.files, progress.files_total, progress.entities),
        (1, 1, 30)
    );
}
