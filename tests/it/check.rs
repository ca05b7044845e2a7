//! `callboard check`: files in, problems out.

use std::fs;
use std::path::PathBuf;

use callboard::app::schema;
use callboard::cli::check::{self, CheckArgs, Verdict, run};
use callboard::cli::report::{Format, Terminal};
use callboard::connect::CLAIM_CODES;
use callboard::graphql::OPERATION_CODES;
use callboard::sdl::{self, Model, SdlFile};
use callboard::{apis, catalog, config, docs};
use insta::assert_snapshot;
use tempfile::TempDir;

/// A folder with files, checked as a user would.
struct Folder {
    root: TempDir,
    model: Model,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = TempDir::new().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let (model, problems) = sdl::load(&sdl::core_files());
        assert_eq!(problems, []);
        Self {
            root,
            model: model.unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn run(&self, format: Format, paths: &[&str]) -> (Verdict, String) {
        self.run_on(format, Terminal::default(), paths)
    }

    fn run_on(&self, format: Format, terminal: Terminal, paths: &[&str]) -> (Verdict, String) {
        let args = CheckArgs {
            paths: paths.iter().map(|name| self.path(name)).collect(),
            format,
            terminal,
            before: Vec::new(),
        };
        let mut out = Vec::new();
        let checked = run(&args, &self.model, &mut out).unwrap();
        let mut text = String::from_utf8(out).unwrap();
        text.push_str(&checked.summary);
        let root = self.root.path().canonicalize().unwrap();
        let text = text
            .replace(&format!("{}/", self.root.path().display()), "")
            .replace(&self.root.path().display().to_string(), "ROOT")
            .replace(&root.display().to_string(), "ROOT");
        (checked.verdict, text)
    }

    /// The text form of everything in the folder, with the exit code.
    fn check(&self) -> String {
        self.check_paths(&["."])
    }

    fn check_paths(&self, paths: &[&str]) -> String {
        let (verdict, text) = self.run(Format::Text, paths);
        format!("{text} -> {}", verdict as u8)
    }
}

/// A folder with one file.
fn check_text(text: &str) -> String {
    Folder::new(&[("catalog-info.yaml", text)]).check()
}

const GOOD: &str = "\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: web
spec:
  type: website
  lifecycle: production
  owner: team-a
";

#[test]
fn a_good_file() {
    assert_snapshot!(check_text(GOOD), @r"
    catalog-info.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    1 file, 1 document, 1 entity: 1 note -> 0
    ");
}

#[test]
fn every_problem_has_its_place_and_what_to_do() {
    assert_snapshot!(check_text("\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: web shop
  labels:
    app: a b
    Example.com/x: y
  annotations:
    count: 3
  tags: [Java, ok]
  links:
    - url: ./runbook
    - title: x
  annotation: {}
spec:
  type: ''
  lifecyle: production
  owner: [team-a]
  dependsOn:
    - db
    - resource:db
    - 'resource:'
  system: 12
"), @r#"
    catalog-info.yaml:4:9: error[name-format]: `web shop` cannot be a name
      hint: 1 to 63 letters, digits, `-`, `_` or `.`, a letter or digit at both ends: `payments-api`
    catalog-info.yaml:6:10: error[label-value-format]: `a b` cannot be the value of a label
      hint: 1 to 63 letters, digits, `-`, `_` or `.`, a letter or digit at both ends: `payments-api`
    catalog-info.yaml:7:5: error[label-key-format]: `Example.com/x` is no key of a label
      hint: a name, or a domain in lower case, `/` and a name: `example.com/tier`
    catalog-info.yaml:9:12: error[wrong-type]: `metadata.annotations.count` must be a string, and is a number
      hint: put it in quotes: `"3"`
    catalog-info.yaml:10:10: error[tag-format]: `Java` cannot be a tag
      hint: 1 to 63 lower-case letters, digits, `:`, `+` or `#`, with single `-` between: `tags: [java, c++, tier-1]`
    catalog-info.yaml:12:12: error[link-url]: `./runbook` is no absolute URL: relative URL without a base
      hint: for example `url: https://example.com/runbook`
    catalog-info.yaml:13:7: error[missing-field]: `metadata.links[1].url` is missing
      hint: for example `url: https://example.com/runbook`
    catalog-info.yaml:15:1: error[missing-field]: `spec.lifecycle` is missing
      hint: for example `lifecycle: production`
    catalog-info.yaml:16:9: error[empty-string]: `spec.type` is empty
      hint: write a text, or leave the field out
    catalog-info.yaml:17:3: warning[unknown-field]: `spec.lifecyle` is no field that is read
      hint: did you mean `lifecycle`?
    catalog-info.yaml:18:10: error[wrong-type]: `spec.owner` must be a string, and is a list
      hint: write a text; one that begins with `{` or `[` needs quotes
    catalog-info.yaml:20:7: error[reference-kind]: `db` names no kind, and `spec.dependsOn[0]` may lead to any
      hint: write the kind: `component:db` or `resource:db`
    catalog-info.yaml:22:7: error[reference-format]: `resource:` is no entity reference: the name is empty
      hint: `[kind:][namespace/]name`, for example `group:default/payments-team`
    catalog-info.yaml:23:11: error[wrong-type]: `spec.system` must be a string, and is a number
      hint: put it in quotes: `"12"`
    1 file, 1 document, 0 entities: 13 errors, 1 warning -> 1
    "#);
}

#[test]
fn a_broken_document_costs_only_itself() {
    let text = format!(
        "{GOOD}---\nkind: Component\nmetadata: {{ name: x, name: y }}\nspec:\n\tx\n---\n{}",
        GOOD.replace("web", "shop")
    );
    assert_snapshot!(check_text(&text), @r"
    catalog-info.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    catalog-info.yaml:11:22: error[yaml-duplicate-key]: the key `name` is already there, on line 11
      hint: keep one of the two
    catalog-info.yaml:13:2: error[yaml-syntax]: the YAML cannot be read: tabs disallowed within this context (block indentation)
      hint: indent with spaces
    catalog-info.yaml:22:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    1 file, 3 documents, 2 entities: 2 errors, 2 notes -> 1
    ");
}

#[test]
fn kinds_and_versions() {
    let kind = |version: &str, kind: &str| {
        check_text(&format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{ name: x }}\nspec: {{ size: 1, colour: red, parts: [a], deep: {{ a: 1 }} }}\n"
        ))
    };
    assert_snapshot!(kind("backstage.io/v1alpha1", "component"), @r"
    catalog-info.yaml:2:7: error[kind-case]: the kind `component` is written `Component`
      hint: write `kind: Component`
    catalog-info.yaml:4:1: error[missing-field]: `spec.type` is missing
      hint: for example `type: service`
    catalog-info.yaml:4:1: error[missing-field]: `spec.lifecycle` is missing
      hint: for example `lifecycle: production`
    catalog-info.yaml:4:1: error[missing-field]: `spec.owner` is missing
      hint: for example `owner: group:platform`
    1 file, 1 document, 0 entities: 4 errors -> 1
    ");
    assert_snapshot!(kind("backstage.io/v2", "Location"), @r"
    catalog-info.yaml:1:13: error[unknown-api-version]: `Location` is not declared for the version `backstage.io/v2`
      hint: write `apiVersion: backstage.io/v1alpha1` or `apiVersion: backstage.io/v1beta1`
    1 file, 1 document, 0 entities: 1 error -> 1
    ");
    assert_snapshot!(kind("acme.example/v1", "Widget"), @r#"
    catalog-info.yaml:2:7: info[undeclared-kind]: no schema file declares the kind `Widget`: it is served as `GenericEntity`
      hint: declare it in a schema file:
        type Widget @kind(apiVersions: ["acme.example/v1"]) {
          size: Int
          colour: String
          parts: [String]
          deep: JSON
        }
    1 file, 1 document, 1 entity: 1 note -> 0
    "#);
    assert_snapshot!(kind("acme.example/v1", "Componnent"), @r"
    catalog-info.yaml:2:7: warning[undeclared-kind]: no schema file declares the kind `Componnent`: it is served as `GenericEntity`
      hint: did you mean `Component`?
    1 file, 1 document, 1 entity: 1 warning -> 0
    ");
}

#[test]
fn what_no_descriptor_is() {
    assert_snapshot!(check_text("just text\n"), @r"
    catalog-info.yaml:1:1: error[not-an-object]: a descriptor is an object, and this is a string
      hint: begin with `apiVersion: backstage.io/v1alpha1` and `kind: Component`
    1 file, 1 document, 0 entities: 1 error -> 1
    ");
    assert_snapshot!(check_text("- a\n"), @r"
    catalog-info.yaml:1:1: error[not-an-object]: a descriptor is an object, and this is a list
      hint: begin with `apiVersion: backstage.io/v1alpha1` and `kind: Component`
    1 file, 1 document, 0 entities: 1 error -> 1
    ");
    assert_snapshot!(check_text("# nothing\n---\n"), @"1 file, 0 documents, 0 entities: no problems -> 0");
    assert_snapshot!(check_text("apiVersion: v1\nkind: A\nmetadata: { name: x }\nrelations: []\nspecs: {}\n"), @r#"
    catalog-info.yaml:2:7: info[undeclared-kind]: no schema file declares the kind `A`: it is served as `GenericEntity`
      hint: declare it in a schema file:
        type A @kind(apiVersions: ["v1"]) {
          type: String
        }
    catalog-info.yaml:4:1: error[foreign-field]: `relations` is no field of a descriptor
      hint: move it into `spec` or `metadata`, or remove it
    catalog-info.yaml:5:1: error[foreign-field]: `specs` is no field of a descriptor
      hint: did you mean `spec`?
    1 file, 1 document, 0 entities: 2 errors, 1 note -> 1
    "#);
    assert_snapshot!(check_text("apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: { name: x }\n"), @r"
    catalog-info.yaml:1:1: error[missing-field]: `spec` is missing
      hint: for example `spec: { owner: group:platform }`
    1 file, 1 document, 0 entities: 1 error -> 1
    ");
    assert_snapshot!(check_text("apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: { name: x, namespace: A, labels: { a: b, A: c } }\nspec: { owner: a }\n"), @r"
    catalog-info.yaml:3:33: error[namespace-format]: `A` cannot be a namespace
      hint: 1 to 63 lower-case letters, digits or `-`, a letter or digit at both ends: `team-a`; leave it out for `default`
    catalog-info.yaml:3:52: error[key-case]: `A` and `a` differ only in case
      hint: keys are compared ignoring case: rename one of the two
    1 file, 1 document, 0 entities: 2 errors -> 1
    ");
}

#[test]
fn encodings() {
    let folder = Folder::new(&[]);
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path(name), bytes).unwrap();
    write("bom.yaml", [b"\xEF\xBB\xBF", GOOD.as_bytes()].concat());
    write(
        "crlf.yaml",
        GOOD.replace('\n', "\r\n")
            .replace("web", "crlf")
            .into_bytes(),
    );
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    write("utf16.yaml", wide(&format!("\u{FEFF}{GOOD}")));
    write("utf16-bare.yaml", wide(GOOD));
    let latin1 = [
        GOOD.replace("web", "latin1").as_bytes(),
        b"  title: caf\xE9\n",
    ]
    .concat();
    write("latin1.yaml", latin1);
    write("large.yaml", vec![b'#'; 11 * 1024 * 1024]);
    assert_snapshot!(folder.check_paths(&["*.yaml"]), @r"
    bom.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    crlf.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    large.yaml:1:1: error[file-too-large]: the file has 11534336 bytes, and the limit is 10 MiB
      hint: keep large texts in files of their own and refer to them: `definition: { $text: ./openapi.yaml }`
    latin1.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    latin1.yaml:9:13: warning[encoding]: the bytes here are no UTF-8, and are read as `�`
      hint: save the file as UTF-8
    utf16-bare.yaml:1:1: error[encoding]: the file is UTF-16, and a descriptor is UTF-8
      hint: save it as UTF-8: `iconv -f UTF-16 -t UTF-8 catalog-info.yaml`
    utf16.yaml:1:1: error[encoding]: the file is UTF-16, and a descriptor is UTF-8
      hint: save it as UTF-8: `iconv -f UTF-16 -t UTF-8 catalog-info.yaml`
    6 files, 3 documents, 3 entities: 3 errors, 1 warning, 3 notes -> 1
    ");
}

/// What several entities include has its mistakes once.
#[test]
fn a_file_of_several_entities_is_told_once() {
    let api = |name: &str, target: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{ name: {name} }}\nspec: {{ type: graphql, lifecycle: production, owner: user:default/a, definition: {{ $text: {target} }} }}\n---\n"
        )
    };
    let both = format!("{}{}", api("a", "./own.graphql"), api("b", "own.graphql"));
    let folder = Folder::new(&[
        ("catalog-info.yaml", &both),
        ("other/catalog-info.yaml", &api("c", "../own.graphql")),
        (
            "own.graphql",
            "type Query {\n  a: Missing\n  b: Missing\n}\n",
        ),
    ]);
    let told = folder.check();
    let told: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("own.graphql"))
        .collect();
    assert_eq!(
        told,
        [
            "own.graphql:2:6: error[definition-reference]: there is no type `Missing`",
            "own.graphql:3:6: error[definition-reference]: there is no type `Missing`",
        ]
    );
}

#[test]
fn substitutions() {
    let api = |name: &str, definition: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{ name: {name} }}\nspec:\n  type: openapi\n  lifecycle: production\n  owner: a\n  definition:\n    {definition}\n---\n"
        )
    };
    let documents = [
        api("text", "$text: ./api.txt"),
        api("root", "$text: /api.txt"),
        api("bundled", "$openapi: api.txt"),
        api("missing", "$text: ./gone.txt"),
        api("outside", "$text: ../../etc/passwd"),
        api("remote", "$text: https://example.com/api.txt"),
        api("unknown", "$ref: ./api.txt"),
        api("folder", "$text: ."),
    ];
    let folder = Folder::new(&[
        ("catalog-info.yaml", &documents.concat()),
        (
            "api.txt",
            "openapi: 3.1.0\ninfo: { title: A, version: 1.0.0 }\npaths: {}",
        ),
    ]);
    assert_snapshot!(folder.check(), @r#"
    catalog-info.yaml:7:10: info[dangling-reference]: nothing that was checked is `group:default/a`
      hint: the relation is kept, and leads there once something describes it
    catalog-info.yaml:17:10: info[dangling-reference]: nothing that was checked is `group:default/a`
      hint: the relation is kept, and leads there once something describes it
    catalog-info.yaml:27:10: info[dangling-reference]: nothing that was checked is `group:default/a`
      hint: the relation is kept, and leads there once something describes it
    catalog-info.yaml:39:12: error[substitution]: `./gone.txt` cannot be filled in: there is no file `./gone.txt`
      hint: name a file relative to this one: `$text: ./openapi.yaml`
    catalog-info.yaml:49:12: error[substitution]: `../../etc/passwd` cannot be filled in: `../../etc/passwd` leads out of the folder that is read
      hint: name a file relative to this one: `$text: ./openapi.yaml`
    catalog-info.yaml:59:12: error[substitution]: `https://example.com/api.txt` cannot be filled in: `https://example.com/api.txt` is no file: name one below the folder that is read
      hint: name a file relative to this one: `$text: ./openapi.yaml`
    catalog-info.yaml:69:5: error[wrong-type]: `spec.definition` must be a string, and is an object
      hint: only `$text`, `$json`, `$yaml`, `$openapi` and `$asyncapi` are filled in, each alone in its object
    catalog-info.yaml:79:12: error[substitution]: `.` cannot be filled in: `.` is no file
      hint: name a file relative to this one: `$text: ./openapi.yaml`
    1 file, 8 documents, 3 entities: 5 errors, 3 notes -> 1
    "#);
}

#[test]
fn files_and_folders() {
    let folder = Folder::new(&[
        ("a/catalog-info.yaml", GOOD),
        ("a/b/catalog-info.yml", &GOOD.replace("web", "shop")),
        ("a/other.yaml", &GOOD.replace("web", "other")),
        ("a/mkdocs.yml", "site_name: x\n"),
        ("a/node_modules/x/catalog-info.yaml", "broken: ["),
        ("empty/readme.md", ""),
    ]);
    assert_snapshot!(folder.check_paths(&["a"]), @r"
    a/b/catalog-info.yml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    a/catalog-info.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    a/other.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    3 files, 3 documents, 3 entities: 3 notes; 1 other YAML file is no descriptor -> 0
    ");
    assert_snapshot!(folder.check_paths(&["a/*.yaml", "a/other.yaml"]), @r"
    a/catalog-info.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    a/other.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    2 files, 2 documents, 2 entities: 2 notes -> 0
    ");
    assert_snapshot!(folder.check_paths(&["a/**/*.{yaml,yml}"]), @r"
    a/b/catalog-info.yml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    a/catalog-info.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    a/mkdocs.yml:1:1: error[foreign-field]: `site_name` is no field of a descriptor
      hint: move it into `spec` or `metadata`, or remove it
    a/mkdocs.yml:1:1: error[missing-field]: `apiVersion` is missing
      hint: for example `apiVersion: backstage.io/v1alpha1`
    a/mkdocs.yml:1:1: error[missing-field]: `kind` is missing
      hint: letters and digits: `kind: Component`
    a/mkdocs.yml:1:1: error[missing-field]: `metadata` is missing
      hint: for example `metadata: { name: payments-api }`
    a/other.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    4 files, 4 documents, 3 entities: 4 errors, 3 notes -> 1
    ");
    assert_snapshot!(folder.check_paths(&["gone.yaml", "gone/*.yaml", "empty", "a/[.yaml"]), @r"
    a/[.yaml:1:1: error[unreadable-file]: `a/[.yaml` is no glob: unclosed character class; missing ']'
      hint: look at the brackets and braces of the pattern
    empty:1:1: error[unreadable-file]: there is no descriptor below this folder
      hint: in a folder `catalog-info.yaml` is read, and other YAML files in which a document begins like a descriptor (`apiVersion: backstage.io/v1alpha1`, or that of a kind of your own, and `kind`); a glob such as `catalog/**/*.yaml` reads whatever it matches
    gone.yaml:1:1: error[unreadable-file]: `gone.yaml` does not exist
      hint: name a file, a folder or a glob that is there
    gone/*.yaml:1:1: error[unreadable-file]: `gone/*.yaml` does not exist
      hint: name a file, a folder or a glob that is there
    0 files, 0 documents, 0 entities: 4 errors -> 2
    ");
}

/// Descriptors of any file name are told from other YAML by what they say, and each is read once.
#[test]
fn a_folder_is_read_by_what_its_files_say() {
    let user = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: team-a }\nspec: { type: team, children: [] }\n";
    let location = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: { name: all }\nspec: { targets: [./services.yaml, ./teams.yaml, ./odd.yaml] }\n";
    let folder = Folder::new(&[
        ("all.yaml", location),
        ("services.yaml", GOOD),
        ("teams.yaml", user),
        ("odd.yaml", "a: b\n"),
        ("mkdocs.yml", "site_name: x\n"),
        ("openapi.yaml", "openapi: 3.1.0\n"),
        ("target/catalog-info.yaml", "a: ["),
        (".cache/catalog-info.yaml", "a: ["),
        ("docs/mkdocs.yml", "site_name: x\n"),
    ]);
    assert_snapshot!(folder.check(), @r"
    odd.yaml:1:1: error[foreign-field]: `a` is no field of a descriptor
      hint: move it into `spec` or `metadata`, or remove it
    odd.yaml:1:1: error[missing-field]: `apiVersion` is missing
      hint: for example `apiVersion: backstage.io/v1alpha1`
    odd.yaml:1:1: error[missing-field]: `kind` is missing
      hint: letters and digits: `kind: Component`
    odd.yaml:1:1: error[missing-field]: `metadata` is missing
      hint: for example `metadata: { name: payments-api }`
    4 files, 4 documents, 3 entities: 4 errors; 3 other YAML files are no descriptors -> 1
    ");
    assert_snapshot!(folder.check_paths(&["mkdocs.yml"]), @r"
    mkdocs.yml:1:1: error[foreign-field]: `site_name` is no field of a descriptor
      hint: move it into `spec` or `metadata`, or remove it
    mkdocs.yml:1:1: error[missing-field]: `apiVersion` is missing
      hint: for example `apiVersion: backstage.io/v1alpha1`
    mkdocs.yml:1:1: error[missing-field]: `kind` is missing
      hint: letters and digits: `kind: Component`
    mkdocs.yml:1:1: error[missing-field]: `metadata` is missing
      hint: for example `metadata: { name: payments-api }`
    1 file, 1 document, 0 entities: 4 errors -> 1
    ");
    assert_snapshot!(folder.check_paths(&["docs"]), @r"
    docs:1:1: error[unreadable-file]: there is no descriptor below this folder
      hint: in a folder `catalog-info.yaml` is read, and other YAML files in which a document begins like a descriptor (`apiVersion: backstage.io/v1alpha1`, or that of a kind of your own, and `kind`); a glob such as `catalog/**/*.yaml` reads whatever it matches
    0 files, 0 documents, 0 entities: 1 error; 1 other YAML file is no descriptor -> 2
    ");
}

#[test]
#[cfg(unix)]
fn links_do_not_lead_out() {
    use std::os::unix::fs::symlink;
    let outside = Folder::new(&[("catalog-info.yaml", GOOD)]);
    let folder = Folder::new(&[("a/catalog-info.yaml", GOOD)]);
    for name in ["b", "c", "d"] {
        fs::create_dir(folder.path(name)).unwrap();
    }
    symlink(
        outside.path("catalog-info.yaml"),
        folder.path("b/catalog-info.yaml"),
    )
    .unwrap();
    symlink(
        folder.path("a/catalog-info.yaml"),
        folder.path("c/catalog-info.yaml"),
    )
    .unwrap();
    symlink(folder.path("gone"), folder.path("d/catalog-info.yaml")).unwrap();
    symlink(folder.path("."), folder.path("a/loop")).unwrap();
    let text = folder
        .check()
        .replace(&outside.root.path().display().to_string(), "OUTSIDE");
    assert_snapshot!(text, @r"
    a/catalog-info.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    b/catalog-info.yaml:1:1: error[outside-root]: `b/catalog-info.yaml` leads out of the folder that is read
      hint: move the file below the folder that is read, or read the folder that holds both
    d/catalog-info.yaml:1:1: error[unreadable-file]: there is no file `d/catalog-info.yaml`
      hint: correct the path, or write `presence: optional` if the file may be missing
    1 file, 1 document, 1 entity: 2 errors, 1 note -> 2
    ");
}

#[test]
fn locations_are_followed() {
    let location = |name: &str, spec: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {{ name: {name} }}\nspec: {spec}\n---\n"
        )
    };
    let all = [
        location(
            "all",
            "{ targets: [./services/*.yaml, ./services/back.yaml, ./gone.yaml, ./teams/, '../../x.yaml'] }",
        ),
        location(
            "remote",
            "{ type: url, target: 'https://example.com/catalog-info.yaml' }",
        ),
        location("maybe", "{ target: ./gone.yaml, presence: optional }"),
        location("never", "{ target: ./gone.yaml, presence: sometimes }"),
    ];
    let folder = Folder::new(&[
        ("catalog-info.yaml", &all.concat()),
        ("services/web.yaml", GOOD),
        (
            "services/back.yaml",
            &location("back", "{ target: ../catalog-info.yaml }"),
        ),
    ]);
    assert_snapshot!(folder.check(), @r"
    catalog-info.yaml:4:60: warning[location-target]: there is no file `./gone.yaml`
      hint: correct the path, or write `presence: optional` if the file may be missing
    catalog-info.yaml:4:73: warning[location-target]: there is no file `./teams/`
      hint: correct the path, or write `presence: optional` if the file may be missing
    catalog-info.yaml:4:83: warning[outside-root]: `../../x.yaml` leads out of the folder that is read
      hint: move the file below the folder that is read, or read the folder that holds both
    catalog-info.yaml:19:40: error[unknown-value]: `sometimes` is none of the values of `spec.presence`
      hint: one of `required`, `optional`
    services/back.yaml:4:17: warning[location-cycle]: `../catalog-info.yaml` leads back to this file: a cycle of locations
      hint: remove this target; every file of the cycle is read once
    services/web.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    3 files, 6 documents, 5 entities: 1 error, 4 warnings, 1 note -> 1
    ");
}

#[test]
fn refs_of_all_files() {
    let component = |name: &str, more: &str| format!("{}{more}", GOOD.replace("web", name));
    let folder = Folder::new(&[
        (
            "a/catalog-info.yaml",
            &component(
                "payments",
                "  dependsOn: [component:ordrs, component:Orders, resource:db]\n",
            ),
        ),
        (
            "b/catalog-info.yaml",
            &component("orders", "  system: shop\n"),
        ),
        (
            "c/catalog-info.yaml",
            &component("Payments", "  subcomponentOf: broken\n"),
        ),
        ("d/catalog-info.yaml", &component("broken", "  system: 1\n")),
    ]);
    assert_snapshot!(folder.check(), @r#"
    a/catalog-info.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    a/catalog-info.yaml:9:15: warning[dangling-reference]: nothing that was checked is `component:default/ordrs`
      hint: did you mean `component:default/orders`?
    a/catalog-info.yaml:9:50: info[dangling-reference]: nothing that was checked is `resource:default/db`
      hint: the relation is kept, and leads there once something describes it
    b/catalog-info.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    b/catalog-info.yaml:9:11: info[dangling-reference]: nothing that was checked is `system:default/shop`
      hint: the relation is kept, and leads there once something describes it
    c/catalog-info.yaml:1:1: error[duplicate-ref]: `component:default/payments` is described already, in `a/catalog-info.yaml` on line 1
      hint: remove one of the two, or give it another name or namespace
    c/catalog-info.yaml:8:10: info[dangling-reference]: nothing that was checked is `group:default/team-a`
      hint: the relation is kept, and leads there once something describes it
    d/catalog-info.yaml:9:11: error[wrong-type]: `spec.system` must be a string, and is a number
      hint: put it in quotes: `"1"`
    4 files, 4 documents, 3 entities: 2 errors, 1 warning, 5 notes -> 1
    "#);
}

#[test]
fn formats() {
    let text = GOOD
        .replace("production", "''")
        .replace("team-a", "'group:'");
    let folder = Folder::new(&[("a, b/catalog-info.yaml", &text)]);
    let paths = ["a, b"];
    assert_snapshot!(folder.run(Format::Json, &paths).1, @r#"
    {
      "files": 1,
      "documents": 1,
      "entities": 0,
      "problems": [
        {
          "file": "a, b/catalog-info.yaml",
          "line": 7,
          "column": 14,
          "document": 0,
          "field": "spec.lifecycle",
          "severity": "error",
          "code": "empty-string",
          "message": "`spec.lifecycle` is empty",
          "hint": "write a text, or leave the field out",
          "entityRef": "component:default/web"
        },
        {
          "file": "a, b/catalog-info.yaml",
          "line": 8,
          "column": 10,
          "document": 0,
          "field": "spec.owner",
          "severity": "error",
          "code": "reference-format",
          "message": "`group:` is no entity reference: the name is empty",
          "hint": "`[kind:][namespace/]name`, for example `group:default/payments-team`",
          "entityRef": "component:default/web"
        }
      ]
    }
    1 file, 1 document, 0 entities: 2 errors
    "#);
    assert_snapshot!(folder.run(Format::Github, &paths).1, @r"
    ::error file=a%2C b/catalog-info.yaml,line=7,col=14,title=empty-string::`spec.lifecycle` is empty%0Ahint: write a text, or leave the field out
    ::error file=a%2C b/catalog-info.yaml,line=8,col=10,title=reference-format::`group:` is no entity reference: the name is empty%0Ahint: `[kind:][namespace/]name`, for example `group:default/payments-team`
    1 file, 1 document, 0 entities: 2 errors
    ");
    assert_snapshot!(folder.run(Format::Sarif, &paths).1, @r#"
    {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "version": "2.1.0",
      "runs": [
        {
          "tool": {
            "driver": {
              "name": "callboard",
              "version": "0.1.0",
              "rules": [
                {
                  "id": "empty-string",
                  "shortDescription": {
                    "text": "a string must not be empty or blank here"
                  }
                },
                {
                  "id": "reference-format",
                  "shortDescription": {
                    "text": "a text is no entity reference"
                  }
                }
              ]
            }
          },
          "columnKind": "unicodeCodePoints",
          "results": [
            {
              "ruleId": "empty-string",
              "level": "error",
              "message": {
                "text": "`spec.lifecycle` is empty\nwrite a text, or leave the field out"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "file://a,%20b/catalog-info.yaml"
                    },
                    "region": {
                      "startLine": 7,
                      "startColumn": 14,
                      "endLine": 7,
                      "endColumn": 16
                    }
                  }
                }
              ],
              "properties": {
                "entityRef": "component:default/web"
              }
            },
            {
              "ruleId": "reference-format",
              "level": "error",
              "message": {
                "text": "`group:` is no entity reference: the name is empty\n`[kind:][namespace/]name`, for example `group:default/payments-team`"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "file://a,%20b/catalog-info.yaml"
                    },
                    "region": {
                      "startLine": 8,
                      "startColumn": 10,
                      "endLine": 8,
                      "endColumn": 18
                    }
                  }
                }
              ],
              "properties": {
                "entityRef": "component:default/web"
              }
            }
          ]
        }
      ]
    }
    1 file, 1 document, 0 entities: 2 errors
    "#);
    let terminal = Terminal {
        excerpts: true,
        colours: false,
    };
    assert_snapshot!(folder.run_on(Format::Text, terminal, &paths).1, @r"
    error[empty-string]: `spec.lifecycle` is empty
     --> a, b/catalog-info.yaml:7:14
      |
    7 |   lifecycle: ''
      |              ^^
      |
      = help: write a text, or leave the field out

    error[reference-format]: `group:` is no entity reference: the name is empty
     --> a, b/catalog-info.yaml:8:10
      |
    8 |   owner: 'group:'
      |          ^^^^^^^^
      |
      = help: `[kind:][namespace/]name`, for example `group:default/payments-team`

    1 file, 1 document, 0 entities: 2 errors
    ");
    let coloured = Terminal {
        excerpts: true,
        colours: true,
    };
    assert!(
        folder
            .run_on(Format::Text, coloured, &paths)
            .1
            .contains("\u{1b}[")
    );
}

/// Other readers of YAML fill in what `<<` names; Backstage does not, so whoever relies on it has to be told.
#[test]
fn merge_keys_are_told_of() {
    let text = GOOD.replace("  owner: team-a", "  <<: { owner: team-a }");
    let folder = Folder::new(&[("catalog-info.yaml", &text)]);
    assert_snapshot!(folder.check(), @r"
    catalog-info.yaml:5:1: error[missing-field]: `spec.owner` is missing
      hint: for example `owner: group:platform`
    catalog-info.yaml:8:3: warning[yaml-merge-key]: `<<` merges nothing, it is a key like any other
      hint: write the values out; `key: *anchor` repeats one value
    1 file, 1 document, 0 entities: 1 error, 1 warning -> 1
    ");
}

/// What no server would read, in the server's words; what an absolute URL leads to is not known here.
#[test]
fn targets_of_other_types() {
    let location = |name: &str, spec: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {{ name: {name} }}\nspec: {{ {spec} }}\n---\n"
        )
    };
    let text = [
        location("far", "type: url, target: 'https://example.com/all.yaml'"),
        location("odd", "type: ftp, target: ./all.yaml"),
        location("near", "type: url, target: ./near.yaml"),
    ];
    let near = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: a }\nspec: { type: team, children: [] }\n";
    let folder = Folder::new(&[("catalog-info.yaml", &text.concat()), ("near.yaml", near)]);
    assert_snapshot!(folder.check_paths(&["catalog-info.yaml"]), @r"
    catalog-info.yaml:9:28: info[location-type]: targets of type `ftp` are not read
      hint: `type: file` with a path relative to this file is read
    2 files, 4 documents, 4 entities: 1 note -> 0
    ");
}

/// What a file says cannot forge a line or steer a terminal.
#[test]
fn texts_are_harmless() {
    let text = GOOD.replace("name: web", "name: \"x\\n::error::gone\\e[2J\"");
    let folder = Folder::new(&[("catalog-info.yaml", &text)]);
    assert_snapshot!(folder.check(), @r"
    catalog-info.yaml:4:9: error[name-format]: `x\n::error::gone\u{1b}[2J` cannot be a name
      hint: 1 to 63 letters, digits, `-`, `_` or `.`, a letter or digit at both ends: `payments-api`
    1 file, 1 document, 0 entities: 1 error -> 1
    ");
    assert_snapshot!(folder.run(Format::Github, &["."]).1, @r"
    ::error file=catalog-info.yaml,line=4,col=9,title=name-format::`x\n::error::gone\u{1b}[2J` cannot be a name%0Ahint: 1 to 63 letters, digits, `-`, `_` or `.`, a letter or digit at both ends: `payments-api`
    1 file, 1 document, 0 entities: 1 error
    ");
}

#[test]
fn a_kind_of_ones_own_is_judged_by_its_sdl() {
    let mut folder = Folder::new(&[(
        "catalog-info.yaml",
        "\
apiVersion: acme.example/v1
kind: Cluster
metadata: { name: x }
spec:
  region: mars
  nodes: many
  size: enormous
  owner: team-a
  hosts: [component:web, api:y]
",
    )]);
    let mut files = sdl::core_files();
    files.push(SdlFile {
        path: "cluster.graphql".into(),
        text: "\
enum Region { EU US }
enum Size { SMALL LARGE OTHER }
type Cluster implements Owned @kind(apiVersions: [\"acme.example/v1\"]) {
  region: Region @field(required: true, enum: [{ from: \"eu\", to: \"EU\" }, { from: \"us\", to: \"US\" }])
  nodes: Int
  size: Size @field(enum: [{ from: \"s\", to: \"SMALL\" }, { from: \"l\", to: \"LARGE\" }], else: \"OTHER\")
  version: String @field(required: true)
  owner: Owner @relation(type: \"ownedBy\", inverse: \"ownerOf\", from: \"spec.owner\", defaultKind: \"Group\")
  hosts: [Component] @relation(type: \"hosts\", inverse: \"hostedOn\", from: \"spec.hosts\", defaultKind: \"Component\")
}
".to_owned(),
        connector: None,
    });
    let (model, problems) = sdl::load(&files);
    assert_eq!(problems, []);
    folder.model = model.unwrap();
    assert_snapshot!(folder.check(), @r"
    catalog-info.yaml:4:1: error[missing-field]: `spec.version` is missing
      hint: for example `version: some text`
    catalog-info.yaml:5:11: error[unknown-value]: `mars` is none of the values of `spec.region`
      hint: one of `eu`, `us`
    catalog-info.yaml:6:10: error[wrong-type]: `spec.nodes` must be a whole number, and is a string
      hint: for example `nodes: 1`
    1 file, 1 document, 0 entities: 3 errors -> 1
    ");
}

#[test]
fn every_code_is_documented() {
    let readme = include_str!("../../schema/README.md");
    let lists = [
        catalog::CODES,
        check::CODES,
        config::CODES,
        schema::CODES,
        OPERATION_CODES,
        CLAIM_CODES,
        apis::CODES,
        docs::CODES,
    ];
    for (code, meaning) in lists.into_iter().flatten() {
        assert!(
            readme.contains(&format!("| `{code}` | {meaning} |")),
            "schema/README.md lacks `{code}`"
        );
    }
}
