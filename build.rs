//! Makes lists of the files in `examples/`, `connectors/` and `playground/dist/`, so that the program carries them.
//!
//! Macro lists by hand would be forgotten; cargo runs this again when anything below the folders changes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    list("examples", "include_bytes", |_| true)?;
    list("connectors", "include_str", is_of_connector)?;
    list("playground/dist", "include_bytes", |_| true)
}

/// What makes a connector: `name/*.graphql`, `name/README.md` and `name/examples/*.yaml`.
fn is_of_connector(name: &Path) -> bool {
    let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
    match parts.as_slice() {
        [_, file] => file.ends_with(".graphql") || file == "README.md",
        [_, folder, file] => folder == "examples" && file.ends_with(".yaml"),
        _ => false,
    }
}

/// Writes `<folder>.rs`, with `-` for `/`: a slice of names, relative to the folder, and contents.
fn list(folder: &str, content: &str, wanted: impl Fn(&Path) -> bool) -> io::Result<()> {
    println!("cargo:rerun-if-changed={folder}");
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let root = variable("CARGO_MANIFEST_DIR").join(folder);
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).unwrap_or(file);
        if !wanted(name) {
            continue;
        }
        // Debug of a string is a Rust literal.
        let line = writeln!(
            list,
            "    ({:?}, {content}!({:?})),",
            name.to_string_lossy().replace('\\', "/"),
            file.to_string_lossy()
        );
        line.map_err(io::Error::other)?;
    }
    list.push_str("]\n");
    fs::write(
        variable("OUT_DIR").join(format!("{}.rs", folder.replace('/', "-"))),
        list,
    )
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
