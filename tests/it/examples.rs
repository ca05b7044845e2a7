//! The demo company: all of it is good but for one document, which says so in its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use callboard::catalog::{self, NoSubstitutions};
use callboard::cli::check::{CheckArgs, run};
use callboard::sdl;
use insta::assert_snapshot;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    files
}

#[test]
fn one_descriptor_is_broken_on_purpose() {
    let (model, _) = sdl::load(&sdl::core_files());
    let args = CheckArgs {
        paths: vec![examples().join("catalog")],
        ..CheckArgs::default()
    };
    let mut out = Vec::new();
    let checked = run(&args, &model.unwrap(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap() + &checked.summary;
    let text = text.replace(&format!("{}/", examples().display()), "");
    assert_snapshot!(text, @r"
    catalog/broken-on-purpose/catalog-info.yaml:19:10: error[tag-format]: `Kotlin` cannot be a tag
      hint: 1 to 63 lower-case letters, digits, `:`, `+` or `#`, with single `-` between: `tags: [java, c++, tier-1]`
    catalog/broken-on-purpose/catalog-info.yaml:20:1: error[missing-field]: `spec.lifecycle` is missing
      hint: for example `lifecycle: production`
    catalog/broken-on-purpose/catalog-info.yaml:22:3: warning[unknown-field]: `spec.lifecyle` is no field that is read
      hint: did you mean `lifecycle`?
    catalog/broken-on-purpose/catalog-info.yaml:25:7: error[reference-kind]: `loyalty-points` names no kind, and `spec.dependsOn[0]` may lead to any
      hint: write the kind: `component:loyalty-points` or `resource:loyalty-points`
    14 files, 101 documents, 100 entities: 3 errors, 1 warning; 8 other YAML files are no descriptors
    ");
}

#[test]
fn every_kind_is_there() {
    let (model, _) = sdl::load(&sdl::core_files());
    let model = model.unwrap();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let descriptors = files(&examples().join("catalog"));
    let is_descriptor = |path: &&PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        path.extension()
            .is_some_and(|extension| extension == "yaml")
            && text.contains("kind:")
    };
    for path in descriptors.iter().filter(is_descriptor) {
        let reading = catalog::read(&model, &std::fs::read(path).unwrap(), &NoSubstitutions);
        let described = reading.entities.into_iter().map(|entity| entity.entity_ref);
        let failed = reading
            .failed
            .into_iter()
            .filter_map(|failed| failed.entity_ref);
        for entity_ref in described.chain(failed) {
            *kinds.entry(entity_ref.kind().to_owned()).or_default() += 1;
        }
    }
    assert_snapshot!(format!("{kinds:?}"), @r#"{"api": 10, "component": 31, "domain": 5, "group": 12, "location": 1, "resource": 15, "system": 8, "template": 1, "user": 18}"#);
}

/// They are part of the binary.
#[test]
fn they_are_small() {
    let bytes: u64 = files(&examples())
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .sum();
    assert!(bytes < 200_000, "{bytes} bytes");
}
