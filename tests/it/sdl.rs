//! The schema language: files in, diagnostics and the composed SDL out.

use std::collections::BTreeSet;
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

/// The first file that a newcomer copies must load.
#[test]
fn the_example_in_the_readme_loads_clean() {
    let readme = std::fs::read_to_string(root().join("schema/README.md")).unwrap();
    let example = readme
        .split("```graphql\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    assert_eq!(
        diagnostics(Path::new("own.graphql"), example),
        Vec::<String>::new()
    );
}

/// A code is a literal with hyphens in `src/sdl`, or one of the two that are single words.
#[test]
fn every_code_is_listed_documented_and_tested() {
    let mut given = BTreeSet::from(["duplicate".to_owned(), "syntax".to_owned()]);
    sources(&root().join("src/sdl"), &mut |text| {
        let literals = text.split('"').skip(1).step_by(2);
        given.extend(literals.filter(|word| is_code(word)).map(str::to_owned));
    });
    let listed: BTreeSet<String> = sdl::CODES
        .iter()
        .map(|(code, _)| (*code).to_owned())
        .collect();
    assert_eq!(given, listed);

    let readme = std::fs::read_to_string(root().join("schema/README.md")).unwrap();
    for (code, meaning) in sdl::CODES {
        assert!(
            readme.contains(&format!("| `{code}` | {meaning} |")),
            "schema/README.md lacks {code}"
        );
    }

    let cases: String = files("tests/sdl")
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let untested: Vec<&String> = listed
        .iter()
        .filter(|code| !cases.contains(&format!("error[{code}]")))
        .collect();
    assert_eq!(untested, Vec::<&String>::new());
}

fn is_code(word: &str) -> bool {
    let lower = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    word.contains('-') && word.split('-').all(lower)
}

/// The texts of all Rust files below a folder, tests left out.
fn sources(folder: &Path, with: &mut dyn FnMut(&str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, with);
        } else if !path.ends_with("tests.rs") && !path.ends_with("codes.rs") {
            with(
                std::fs::read_to_string(&path)
                    .unwrap()
                    .split("#[cfg(test)]")
                    .next()
                    .unwrap(),
            );
        }
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
