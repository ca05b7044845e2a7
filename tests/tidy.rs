//! What no compiler checks: layers, homes of libraries, names and sizes of files, words that have no place here.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the tree should stop"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Modules from the lowest layer up; those of one line do not know each other.
///
/// The order within `src/lib.rs` is the reading order and may be finer than this.
const LAYERS: &[&[&str]] = &[
    &["clock", "tasks", "diagnostic"],
    &["config"],
    &["sdl"],
    &["catalog", "telemetry"],
    &["graph"],
    &["store", "cache", "egress", "search"],
    &["connect", "apis"],
    &["docs"],
    &["ingest"],
    &["graphql"],
    &["simulate", "server"],
    &["app"],
    &["cli"],
];

/// Libraries that stand for an outside system or a large concept, and the modules that may name them.
const HOMES: &[(&str, &[&str])] = &[
    ("ammonia", &["docs"]),
    ("annotate_snippets", &["cli"]),
    ("anyhow", &["cli"]),
    ("apollo_compiler", &["sdl", "apis", "graphql", "simulate"]),
    ("async_graphql", &["graphql"]),
    ("async_graphql_axum", &["server"]),
    ("axum", &["server", "simulate"]),
    ("clap", &["cli"]),
    ("emojis", &["docs"]),
    ("flate2", &["egress", "server"]),
    ("globset", &["connect", "docs", "ingest", "app", "cli"]),
    ("hyper", &["egress", "server", "simulate"]),
    ("hyper_util", &["egress", "server", "simulate"]),
    ("migrations", &["store"]),
    ("notify", &["ingest"]),
    ("prometheus_client", &["telemetry"]),
    ("prost_types", &["apis"]),
    ("pulldown_cmark", &["docs"]),
    ("protox_parse", &["apis"]),
    ("redis", &["cache"]),
    ("roaring", &["connect", "graph", "graphql", "search"]),
    ("rustls", &["egress"]),
    ("rustls_native_certs", &["egress"]),
    ("saphyr", &["catalog", "config"]),
    ("sea_orm", &["store"]),
    ("tantivy", &["search"]),
    ("syntect", &["docs"]),
    ("tokio_rustls", &["egress"]),
    ("walkdir", &["ingest", "app", "cli"]),
];

/// Longest file, in lines of code without comments and unit tests; a longer one says on its first lines why, after [`LONG_FILE`].
const MAX_LINES: usize = 600;
const LONG_FILE: &str = "// Long because ";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` that belongs to the repository, with its path relative to the root.
fn files(folder: &str) -> Vec<(String, PathBuf)> {
    let skipped = ["target", ".git", "node_modules", "out"];
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if skipped.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(root()).unwrap();
                let relative = relative.to_string_lossy().replace('\\', "/");
                found.push((relative, path));
            }
        }
    }
    found.sort();
    found
}

fn rust_files(folder: &str) -> Vec<(String, String)> {
    files(folder)
        .into_iter()
        .filter(|(name, _)| name.ends_with(".rs"))
        .map(|(name, path)| (name, std::fs::read_to_string(path).unwrap()))
        .collect()
}

/// The top-level module of `src/a/b.rs`.
fn module_of(file: &str) -> &str {
    let inner = file.trim_start_matches("src/");
    let inner = inner.split('/').next().unwrap();
    inner.trim_end_matches(".rs")
}

/// The code of a file: without comments, and without its unit tests, which may use what they like.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
    text.lines()
        .map(|line| match line.split_once("//") {
            Some((before, _)) if !before.contains('"') => before,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Names that follow `crate::` in code; `use crate::{a, b}` gives both.
fn crate_modules(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in code.split("crate::").skip(1) {
        if let Some(list) = part.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.insert(first_name(&name));
                        name.clear();
                        continue;
                    }
                    _ => {}
                }
                name.push(c);
            }
            found.insert(first_name(&name));
        } else {
            found.insert(first_name(part));
        }
    }
    found.remove("");
    found
}

fn first_name(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect()
}

fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn modules_import_only_from_layers_above_their_own() {
    let layer = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let mut problems = Vec::new();
    for (file, text) in rust_files("src") {
        let module = module_of(&file);
        if ["lib", "main"].contains(&module) {
            continue;
        }
        let Some(own) = layer(module) else {
            problems.push(format!("{file}: `{module}` is in no layer"));
            continue;
        };
        for used in crate_modules(&code(&text)) {
            if used == module {
                continue;
            }
            match layer(&used) {
                Some(other) if other < own => {}
                Some(_) => problems.push(format!("{file}: `{module}` must not know `{used}`")),
                None => problems.push(format!("{file}: `crate::{used}` is no module")),
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn the_reading_order_in_lib_rs_is_that_of_the_layers() {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let order: Vec<_> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(|module| LAYERS.iter().position(|layer| layer.contains(&module)))
        .collect();
    assert!(order.iter().all(Option::is_some), "{order:?}");
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn libraries_stay_at_home() {
    let mut problems = Vec::new();
    for (file, text) in rust_files("src") {
        let module = module_of(&file);
        let code = code(&text);
        for (library, homes) in HOMES {
            let parts: Vec<_> = code.split(&format!("{library}::")).collect();
            let named =
                parts.iter().rev().skip(1).any(|before| {
                    !before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                });
            if named && !homes.contains(&module) {
                problems.push(format!("{file}: `{library}` is at home in {homes:?}"));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn files_say_what_they_are_and_end() {
    let mut problems = Vec::new();
    for folder in ["src", "allocator", "migrations", "tests", "benches"] {
        for (file, text) in rust_files(folder) {
            if file.ends_with("/mod.rs") {
                problems.push(format!("{file}: a module is `name.rs`, not `name/mod.rs`"));
            }
            if !text.starts_with("//!") {
                problems.push(format!("{file}: does not begin with `//!`"));
            }
            let lines = code(&text)
                .lines()
                .filter(|line| !line.trim().is_empty())
                .count();
            let excused = text
                .lines()
                .take(30)
                .any(|line| line.starts_with(LONG_FILE));
            // Tests are tables; a long one is read where it failed.
            if lines > MAX_LINES && !excused && folder != "tests" {
                problems.push(format!(
                    "{file}: {lines} lines of code; look for the second subject, or say `{LONG_FILE}…`"
                ));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn nothing_points_out_of_the_repository() {
    // Put together here, so that this file does not find itself.
    let forbidden = [
        ["issue", " #"].concat(),
        ["issues", "/"].concat(),
        ["/", "work/"].concat(),
        ["/", "root/"].concat(),
        ["/", "home/"].concat(),
        ["registry", ".npmjs"].concat(),
        ["index.", "crates.io"].concat(),
        ["FIX", "ME"].concat(),
        ["TO", "DO"].concat(),
        ["To be ", "written"].concat(),
    ];
    let mut problems = Vec::new();
    for (file, path) in files(".") {
        let binary = [".png", ".ico", ".woff2", ".db", ".lock", "LICENSE"];
        if binary.iter().any(|end| file.ends_with(end)) {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            for word in &forbidden {
                if line.contains(word.as_str()) {
                    problems.push(format!("{file}:{}: contains `{word}`", number + 1));
                }
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn snapshots_belong_to_a_test() {
    let mut problems = Vec::new();
    let sources: Vec<_> = ["src", "tests"].into_iter().flat_map(rust_files).collect();
    let all = files(".");
    for (file, path) in &all {
        if file.ends_with(".snap.new") || file.ends_with(".pending-snap") {
            problems.push(format!("{file}: was never looked at"));
        }
        if !file.ends_with(".snap") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let source = text.lines().find_map(|line| line.strip_prefix("source: "));
        let Some((_, test)) = sources
            .iter()
            .find(|(name, _)| Some(name.as_str()) == source)
        else {
            problems.push(format!("{file}: its test {source:?} is gone"));
            continue;
        };
        // `it__config__an_empty_file_is_the_defaults-2.snap` and `…@variant.snap`.
        let name = Path::new(&file).file_stem().unwrap().to_string_lossy();
        let name = name.rsplit("__").next().unwrap();
        let name = name.split('@').next().unwrap();
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let name = name.trim_end_matches('-');
        // A test over a folder of data names its snapshots after the files.
        let of_data = all.iter().any(|(other, _)| {
            let other = Path::new(other);
            other.file_stem().is_some_and(|stem| stem == name)
                && other
                    .extension()
                    .is_none_or(|extension| extension != "snap")
        });
        if !test.contains(name) && !of_data {
            problems.push(format!("{file}: nothing in {source:?} is called `{name}`"));
        }
    }
    assert_none(&problems);
}

#[test]
fn commands_in_the_readme_exist() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut problems = Vec::new();
    let mut checked = 0;
    for line in readme.lines() {
        let line = line.trim().trim_start_matches("$ ");
        let arguments = match line.strip_prefix("cargo run --release -- ") {
            Some(arguments) => arguments,
            None => match line.strip_prefix("callboard ") {
                Some(arguments) => arguments,
                None => continue,
            },
        };
        let words: Vec<_> = arguments
            .split_whitespace()
            .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()))
            .take(2)
            .collect();
        let groups = ["schema", "config", "connector"];
        let depth = usize::from(groups.contains(&words[0])) + 1;
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_callboard"));
        command.args(&words[..depth.min(words.len())]).arg("--help");
        checked += 1;
        if !command.output().unwrap().status.success() {
            problems.push(format!("README.md: `{line}` is no command"));
        }
    }
    assert!(checked > 0, "README.md shows no command");
    assert_none(&problems);
}
