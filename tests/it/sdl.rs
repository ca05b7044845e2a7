//! The schema language: files in, diagnostics and the composed SDL out.

use std::path::{Path, PathBuf};

use callboard::sdl::{self, SdlFile};

/// Each file of `tests/sdl` is loaded together with the core schema; its last lines say what is wrong with it.
///
/// `# connector: name` on the first line puts the file into a connector folder, and loads `shared/live.graphql` as well.
#[test]
fn every_file_gets_its_diagnostics() {
    let mut wrong = Vec::new();
    for path in files("tests/sdl") {
        let text = std::fs::read_to_string(&path).unwrap();
        let sdl = text.split("\n# expect: ").next().unwrap_or_default();
        let found = diagnostics(&path, sdl);
        if found != expected(&text) {
            wrong.push(format!("==> {}\n{}\n", path.display(), found.join("\n")));
        }
    }
    assert!(
        wrong.is_empty(),
        "other diagnostics than expected:\n{}",
        wrong.concat()
    );
}

#[test]
fn core_schema_loads_clean_and_prints_as_before() {
    let (model, problems) = sdl::load(&sdl::core_files());
    let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(listed, Vec::<String>::new());
    let model = model.expect("a load without errors yields a Model");
    let golden = root().join("tests/golden/schema.graphql");
    let before = std::fs::read_to_string(&golden).unwrap_or_default();
    if *before != *model.sdl {
        std::fs::write(&golden, &*model.sdl).unwrap();
        panic!(
            "the printed schema differs from tests/golden/schema.graphql, which now holds the new one: review it"
        );
    }
}

fn diagnostics(path: &Path, text: &str) -> Vec<String> {
    let name = path.file_name().unwrap().to_string_lossy();
    let connector = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("# connector: "));
    let mut files = sdl::core_files();
    files.push(SdlFile {
        path: name.as_ref().into(),
        text: text.to_owned(),
        connector: connector.map(Into::into),
    });
    if connector.is_some() {
        files.push(shared());
    }
    let (model, problems) = sdl::load(&files);
    assert_eq!(
        model.is_none(),
        problems.iter().any(|problem| problem.is_error()),
        "{name}"
    );
    let own = format!("{name}:");
    problems
        .iter()
        .flat_map(|problem| {
            let text = problem.to_string();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines
        })
        .map(
            |line| match (line.strip_prefix(&own), line.strip_prefix("  hint: ")) {
                (Some(rest), _) => format!("# expect: {rest}"),
                (None, Some(hint)) => format!("# hint: {hint}"),
                (None, None) => format!("# expect: {line}"),
            },
        )
        .collect()
}

/// Interfaces for connectors to implement.
fn shared() -> SdlFile {
    let path = root().join("tests/sdl/shared/live.graphql");
    SdlFile {
        path: "shared/live.graphql".into(),
        text: std::fs::read_to_string(path).unwrap(),
        connector: None,
    }
}

fn expected(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| line.starts_with("# expect: ") || line.starts_with("# hint: "))
        .map(str::to_owned)
        .collect()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
}

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}
