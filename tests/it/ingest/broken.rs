//! A bad document costs only itself, and never what was good before.

use std::os::unix::fs::PermissionsExt;

use callboard::config::process_environment;

use crate::support::catalog::{Catalog, component, component_of, documents};
use crate::support::say;

const BROKEN: &str =
    "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: b\nspec: [unclosed\n";

fn invalid(name: &str) -> String {
    component(name).replace("  owner: team\n", "")
}

#[tokio::test]
async fn siblings_of_a_bad_document_are_served() {
    let text = documents(&[component("a"), invalid("b"), component("c")]);
    let catalog = Catalog::new(&[("catalog-info.yaml", &text)]).await;
    catalog.read().await;
    assert_eq!(catalog.entities().await.len(), 2);
    assert_eq!(
        catalog.problems().await,
        ["catalog-info.yaml:14 error[missing-field] component:default/b"]
    );
}

#[tokio::test]
async fn the_last_good_version_stays() {
    let text = |second: &str| documents(&[component("a"), second.to_owned(), component("c")]);
    let catalog = Catalog::new(&[("catalog-info.yaml", &text(&component("b")))]).await;
    catalog.read().await;
    let cases = [
        ("a rule is broken", invalid("b")),
        ("the syntax is broken", BROKEN.to_owned()),
        ("the name is broken", component("b!")),
        ("nothing can be told", "{{{\n".to_owned()),
        ("it is no object", "- list\n".to_owned()),
    ];
    for (case, broken) in cases {
        catalog.write("catalog-info.yaml", &text(&broken));
        catalog.read().await;
        assert_eq!(catalog.entities().await.len(), 3, "{case}");
        assert_ne!(catalog.problems().await, Vec::<String>::new(), "{case}");
    }
    assert_eq!(
        catalog.changes().await.len(),
        3,
        "nothing has happened to any entity"
    );

    catalog.write("catalog-info.yaml", &text(&component_of("b", "library")));
    catalog.read().await;
    assert_eq!(catalog.changes().await[3..], ["7 * component:default/b"]);
    assert_eq!(catalog.problems().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_bad_document_keeps_only_what_it_could_be() {
    let catalog = Catalog::new(&[(
        "catalog-info.yaml",
        &documents(&[component("a"), component("b"), component("c")]),
    )])
    .await;
    catalog.read().await;
    catalog.write(
        "catalog-info.yaml",
        &documents(&[component("a"), invalid("b")]),
    );
    catalog.read().await;
    assert_eq!(
        catalog.changes().await[3..],
        ["2 - component:default/c"],
        "`b` is broken, `c` is gone"
    );
    catalog.write(
        "catalog-info.yaml",
        &documents(&[component("a"), "- ?\n".to_owned()]),
    );
    catalog.read().await;
    assert_eq!(catalog.entities().await.len(), 2, "it could be `b`");
    catalog.write("catalog-info.yaml", &component("a"));
    catalog.read().await;
    assert_eq!(catalog.entities().await.len(), 1);
}

#[tokio::test]
async fn a_failed_descriptor_reserves_no_ref() {
    let catalog = Catalog::new(&[("a/catalog-info.yaml", &invalid("a"))]).await;
    catalog.read().await;
    catalog.write("b/catalog-info.yaml", &component("a"));
    catalog.read().await;
    assert_eq!(
        catalog.entities().await,
        ["component:default/a b/catalog-info.yaml:1"]
    );
    assert_eq!(
        catalog.problems().await,
        ["a/catalog-info.yaml:5 error[missing-field] component:default/a"]
    );
}

#[tokio::test]
async fn files_that_cannot_be_read_keep_their_entities() {
    let catalog = Catalog::new(&[
        ("catalog-info.yaml", &component("a")),
        ("large/catalog-info.yaml", &component("b")),
    ])
    .await;
    catalog.read().await;
    catalog.write("large/catalog-info.yaml", &"#".repeat(50 << 20));
    catalog.write("catalog-info.yaml", "\u{FEFF}\0");
    std::fs::write(catalog.path("catalog-info.yaml"), [0xFF, 0xFE, b'a', 0]).unwrap();
    catalog.read().await;
    assert_eq!(catalog.entities().await.len(), 2);
    assert_eq!(
        catalog.problems().await,
        [
            "catalog-info.yaml error[encoding]",
            "large/catalog-info.yaml error[file-too-large]"
        ]
    );
    catalog.write("large/catalog-info.yaml", &component("b"));
    catalog.write("catalog-info.yaml", &component("a"));
    catalog.read().await;
    assert_eq!(catalog.problems().await, Vec::<String>::new());
    assert_eq!(catalog.changes().await.len(), 2);
}

/// A file of any name counts as a descriptor by what it says, also when it has become too large.
#[tokio::test]
async fn a_large_file_is_told_by_its_beginning() {
    let catalog = Catalog::new(&[
        ("services.yaml", &component("a")),
        ("data.yaml", "rows: []\n"),
    ])
    .await;
    catalog.read().await;
    let filler = "# more\n".repeat(2 << 20);
    catalog.write("services.yaml", &format!("{}{filler}", component("a")));
    catalog.write("data.yaml", &format!("rows: []\n{filler}"));
    catalog.read().await;
    assert_eq!(catalog.entities().await.len(), 1);
    assert_eq!(
        catalog.problems().await,
        ["services.yaml error[file-too-large]"]
    );
}

#[tokio::test]
async fn an_unreadable_folder_keeps_its_entities() {
    let catalog = Catalog::new(&[
        ("catalog-info.yaml", &component("a")),
        ("closed/catalog-info.yaml", &component("b")),
    ])
    .await;
    catalog.read().await;
    let mode =
        |mode| std::fs::set_permissions(catalog.path("closed"), PermissionsExt::from_mode(mode));
    mode(0o000).unwrap();
    if std::fs::read_dir(catalog.path("closed")).is_ok() {
        mode(0o755).unwrap();
        return without_privileges("ingest::broken::an_unreadable_folder_keeps_its_entities");
    }
    catalog.read().await;
    let served = catalog.entities().await;
    let problems = catalog.problems().await;
    mode(0o755).unwrap();
    assert_eq!(served.len(), 2);
    assert_eq!(problems, ["closed warning[unreadable-file]"]);
}

/// Nothing is closed to root, so the test runs again in a process that file modes bind.
fn without_privileges(test: &str) {
    const WITHOUT: &str = "CALLBOARD_TEST_WITHOUT_PRIVILEGES";
    assert_eq!(
        process_environment(WITHOUT),
        None,
        "the folder is open all the same"
    );
    let child = std::process::Command::new("setpriv")
        .env(WITHOUT, "1")
        .arg("--bounding-set=-dac_override,-dac_read_search")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .output();
    match child {
        Ok(ran) if ran.status.success() => {
            let said = String::from_utf8_lossy(&ran.stdout);
            assert!(said.contains("1 passed"), "{said}");
        }
        Ok(ran) if !String::from_utf8_lossy(&ran.stderr).starts_with("setpriv:") => {
            let said = String::from_utf8_lossy(&ran.stdout);
            panic!("{said}{}", String::from_utf8_lossy(&ran.stderr));
        }
        Ok(_) | Err(_) => say(&format!(
            "SKIPPED: {test}: no folder is closed to root, and `setpriv` cannot take the privilege away"
        )),
    }
}

#[tokio::test]
async fn a_pipe_keeps_nobody_waiting() {
    let catalog = Catalog::new(&[("catalog-info.yaml", &component("a"))]).await;
    let pipe = catalog.path("pipe");
    std::fs::create_dir(&pipe).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(pipe.join("catalog-info.yaml"))
        .status()
        .unwrap();
    assert!(made.success());
    catalog.read().await;
    assert_eq!(catalog.entities().await.len(), 1);
    assert_eq!(
        catalog.problems().await,
        ["pipe/catalog-info.yaml error[no-file]"]
    );
}

#[tokio::test]
async fn a_problem_keeps_the_time_when_it_was_first_seen() {
    let catalog = Catalog::new(&[("catalog-info.yaml", &invalid("a"))]).await;
    catalog.read().await;
    catalog.write("catalog-info.yaml", &format!("# a line\n{}", invalid("a")));
    catalog.read().await;
    let problems = catalog.store().problems().await.unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].line, Some(6));
    assert_eq!(problems[0].seen_at.to_string(), "2026-01-01T00:00:01Z");
}
