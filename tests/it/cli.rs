//! The program as people run it: what it prints, and how it ends.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;

const GOOD: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: web }\nspec: { type: website, lifecycle: production, owner: team-a }\n---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: { name: team-a }\nspec: { type: team, children: [] }\n";

const BROKEN: &str = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: web }\nspec: { type: website, owner: team-a }\n";

/// A folder with `files`, in which commands are run.
pub(crate) struct Place(TempDir);

/// Exit code, stdout and stderr, as a person would see them.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit {}\n--- out\n{}--- err\n{}",
            self.code, self.out, self.err
        )
    }
}

impl Place {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callboard"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("http_proxy")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        let shown = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).replace(&self.0.path().display().to_string(), "HERE")
        };
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: shown(&output.stdout),
            err: shown(&output.stderr),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A running `serve` or `demo`; killed if the test ends before it.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
    /// What came before the URL, with the line that holds it.
    said: String,
    out: Box<dyn std::io::BufRead>,
}

impl Running {
    /// Waits for the URL on the given stream.
    pub(crate) fn start(mut command: Command, on_stdout: bool) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Self {
            child: command.spawn().unwrap(),
            url: String::new(),
            said: String::new(),
            out: Box::new(std::io::empty()),
        };
        let child = &mut running.child;
        running.out = if on_stdout {
            Box::new(BufReader::new(child.stdout.take().unwrap()))
        } else {
            Box::new(BufReader::new(child.stderr.take().unwrap()))
        };
        while running.url.is_empty() {
            let mut line = String::new();
            if running.out.read_line(&mut line).unwrap() == 0 {
                let mut rest = String::new();
                if let Some(mut err) = running.child.stderr.take() {
                    err.read_to_string(&mut rest).unwrap();
                }
                panic!("it ended: {}{rest}", running.said);
            }
            running.said.push_str(&line);
            if let Some(at) = line.find("http://") {
                let url = line.split_at(at).1;
                let end = url
                    .find(|c: char| c == ',' || c.is_whitespace())
                    .unwrap_or(url.len());
                url.split_at(end).0.clone_into(&mut running.url);
            }
        }
        running
    }

    /// The rest of what it says, once `signal` has ended it, and its exit code.
    pub(crate) fn end(mut self, signal: &str) -> (Option<i32>, String) {
        self.signal(signal);
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }

    /// What it says up to the line with `text`.
    pub(crate) fn until_it_says(&mut self, text: &str) -> String {
        let mut said = String::new();
        while !said.contains(text) {
            assert_ne!(
                self.out.read_line(&mut said).unwrap(),
                0,
                "it ended: {said}"
            );
        }
        said
    }

    /// Of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Asks until `accept` likes the answer.
pub(crate) fn until(
    place: &Place,
    url: &str,
    query: &str,
    accept: impl Fn(&Value) -> bool,
) -> Value {
    let started = Instant::now();
    loop {
        let ran = place.run(&["query", query, "--url", url]);
        if let Ok(answer) = serde_json::from_str(&ran.out)
            && accept(&answer)
        {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{ran}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn help_is_for_people() {
    let place = Place::with(&[]);
    let top = place.run(&["--help"]);
    assert_eq!(top.code, 0);
    for word in [
        "demo",
        "serve",
        "check",
        "query",
        "schema",
        "config",
        "Examples:",
    ] {
        assert!(top.out.contains(word), "{word}: {top}");
    }
    for command in [
        ["serve", "--help"].as_slice(),
        &["demo", "--help"],
        &["check", "--help"],
        &["query", "--help"],
        &["schema", "diff", "--help"],
        &["config", "print", "--help"],
    ] {
        let help = place.run(command);
        assert_eq!(help.code, 0, "{help}");
        assert!(!help.out.contains('\u{1b}'), "{help}");
    }
    assert_eq!(place.run(&["--version"]).out, "callboard 0.1.0\n");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let place = Place::with(&[]);
    assert_eq!(place.run(&[]).code, 2);
    assert_eq!(place.run(&["check"]).code, 2);
    let ran = place.run(&["serv"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("'serve'"), "{ran}");
    assert_snapshot!(place.run(&["serve", "--config", "nope.yaml"]), @r"
    exit 2
    --- out
    --- err
    error: there is no file `nope.yaml`
    ");
    assert_snapshot!(place.run(&["query", "{a}", "--var", "x"]), @r"
    exit 2
    --- out
    --- err
    error: `--var x` is not NAME=VALUE
    ");
    assert_eq!(place.run(&["check", "x.yaml", "--format", "xml"]).code, 2);
}

#[test]
fn check_says_what_is_wrong() {
    let place = Place::with(&[("good.yaml", GOOD), ("broken.yaml", BROKEN)]);
    assert_snapshot!(place.run(&["check", "good.yaml"]), @r"
    exit 0
    --- out
    --- err
    1 file, 2 documents, 2 entities: no problems
    ");
    assert_snapshot!(place.run(&["check", "broken.yaml"]), @r"
    exit 1
    --- out
    broken.yaml:4:1: error[missing-field]: `spec.lifecycle` is missing
      hint: for example `lifecycle: production`
    --- err
    1 file, 1 document, 0 entities: 1 error
    ");
    assert_snapshot!(place.run(&["check", "missing.yaml"]), @r"
    exit 2
    --- out
    missing.yaml:1:1: error[unreadable-file]: `missing.yaml` does not exist
      hint: name a file, a folder or a glob that is there
    --- err
    0 files, 0 documents, 0 entities: 1 error
    ");
    let json = place.run(&["check", "broken.yaml", "--format", "json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["documents"], json!(1));
}

#[test]
fn check_knows_the_kinds_of_the_configuration() {
    let place = Place::with(&[
        ("callboard.yaml", "schema: [kinds]\n"),
        (
            "kinds/server.graphql",
            "type Server @kind(apiVersions: [\"example.com/v1\"]) {\n  cpus: Int\n}\n",
        ),
        (
            "server.yaml",
            "apiVersion: example.com/v1\nkind: Server\nmetadata: { name: a }\nspec: { cpus: many }\n",
        ),
    ]);
    assert_snapshot!(place.run(&["check", "server.yaml"]), @r"
    exit 1
    --- out
    server.yaml:4:15: error[wrong-type]: `spec.cpus` must be a whole number, and is a string
      hint: for example `cpus: 1`
    --- err
    1 file, 1 document, 0 entities: 1 error
    ");
}

#[test]
fn config_check_tells_all_problems() {
    let place = Place::with(&[
        ("callboard.yaml", "server: { lisen: 1 }\nsources: x\n"),
        ("schema.yaml", "schema: [a.graphql, nothing/*.graphql]\n"),
        ("a.graphql", "type Server @kind {\n  cpus: Integer\n}\n"),
        ("good.yaml", "sources: [{ type: file, path: . }]\n"),
    ]);
    assert_snapshot!(place.run(&["config", "check"]), @r"
    exit 1
    --- out
    callboard.yaml:1:11: error[config-key]: unknown key `server.lisen`
      hint: did you mean `listen`?
    callboard.yaml:2:10: error[config-type]: `sources` must be a list, not text
    --- err
    2 errors
    ");
    assert_snapshot!(place.run(&["config", "check", "--config", "schema.yaml"]), @r#"
    exit 1
    --- out
    nothing/*.graphql:1:1: warning[schema-empty]: no file matches this glob
      hint: check it under `schema`; `*` does not cross folders, `**` does
    a.graphql:1:6: error[bad-kind]: the kind `Server` has no API version
      hint: write `apiVersions: ["example.org/v1"]`
    a.graphql:1:14: error[missing-argument]: `@kind` needs `apiVersions`
      hint: schema/README.md shows what each directive takes
    a.graphql:2:9: error[unknown-type]: unknown type `Integer`
      hint: declare it in one of the files, or correct the name
    --- err
    3 errors, 1 warning
    "#);
    assert_snapshot!(place.run(&["config", "check", "--config", "good.yaml"]), @r"
    exit 0
    --- out
    --- err
    no problems
    ");
}

#[test]
fn config_check_refuses_what_serve_would() {
    let place = Place::with(&[(
        "callboard.yaml",
        "server: { listen: '0.0.0.0:80' }\nsources: [{ type: file, path: gone }]\n",
    )]);
    assert_snapshot!(place.run(&["config", "check"]), @r"
    exit 1
    --- out
    callboard.yaml:1:1: error[config-listen]: `0.0.0.0:80` can be reached from other machines, and there is no authentication: everybody could read the catalog
      hint: listen on 127.0.0.1, or say `server: { allowAnonymous: true }` if this is meant
    callboard.yaml:1:1: warning[config-source]: the source `file-1` reads `gone`, and there is no such file or folder
      hint: paths are relative to the folder of the configuration file
    --- err
    1 error, 1 warning
    ");
}

#[test]
fn config_check_says_which_upstreams_are_not_asked() {
    let place = Place::with(&[(
        "callboard.yaml",
        "connectors: { github: { config: { appId: 1 }, secrets: { appKey: no-key-at-all } } }\n",
    )]);
    let ran = place.run(&["config", "check"]);
    assert_eq!(ran.code, 0, "{ran}");
    let warning = "warning[config-connector]: the instance `default` of `github` is not asked: `connectors.github.secrets.appKey` holds no private key";
    // Both sources sign in with it, and it is said once.
    assert_eq!(ran.out.matches(warning).count(), 1, "{ran}");
    assert!(!ran.out.contains("no-key-at-all"), "{ran}");
    // Where a part works, only the other is named.
    let place = Place::with(&[(
        "callboard.yaml",
        "connectors: { pagerduty: { secrets: { token: reads } } }\n",
    )]);
    let ran = place.run(&["config", "check"]);
    let warning = "warning[config-connector]: the source `actions` of the instance `default` of `pagerduty` is not asked: set `connectors.pagerduty.config.from`";
    assert_eq!(ran.out.matches(warning).count(), 1, "{ran}");
}

#[test]
fn config_print_shows_what_is_in_force() {
    let place = Place::with(&[("callboard.yaml", "limits: { depth: 7 }\n")]);
    let ran = place.run(&["config", "print"]);
    assert!(ran.out.contains("  depth: 7\n"), "{ran}");
    let defaults = place.run(&["config", "print", "--defaults"]);
    fs::write(place.path().join("callboard.yaml"), &defaults.out).unwrap();
    let ran = place.run(&["config", "check"]);
    assert_eq!(ran.code, 0, "{ran}");
}

const ROCKET: &str =
    "type Rocket @kind(apiVersions: [\"example.com/v1\"]) { stages: Int @field(required: true) }\n";

/// `check --schema` with a kind of one's own: it is judged like a built-in one.
#[test]
fn descriptors_are_checked_against_kinds_of_ones_own() {
    let rocket = |stages| {
        format!(
            "apiVersion: example.com/v1\nkind: Rocket\nmetadata: {{ name: r }}\nspec: {{ stages: {stages} }}\n"
        )
    };
    let place = Place::with(&[
        ("rocket.graphql", ROCKET),
        ("good.yaml", &rocket("3")),
        ("bad.yaml", &rocket("three")),
    ]);
    assert_snapshot!(place.run(&["check", "good.yaml", "--schema", "rocket.graphql"]), @r"
    exit 0
    --- out
    --- err
    1 file, 1 document, 1 entity: no problems
    ");
    assert_snapshot!(place.run(&["check", "bad.yaml", "--schema", "rocket.graphql"]), @r"
    exit 1
    --- out
    bad.yaml:4:17: error[wrong-type]: `spec.stages` must be a whole number, and is a string
      hint: for example `stages: 1`
    --- err
    1 file, 1 document, 0 entities: 1 error
    ");
    // Without the file it is a kind that nobody declares.
    let undeclared = place.run(&["check", "bad.yaml"]);
    assert_eq!(undeclared.code, 0, "{undeclared}");
    assert!(
        undeclared.out.contains("info[undeclared-kind]"),
        "{undeclared}"
    );
}

/// A schema or a configuration that does not load: whoever asked for JSON gets its one object all the same, and so on.
#[test]
fn what_stands_in_the_way_of_a_check_is_written_in_its_format() {
    let place = Place::with(&[
        ("catalog-info.yaml", GOOD),
        (
            "bad.graphql",
            "type Rocket @kind(apiVersions: [\"a/v1\"]) { x: Inte }\n",
        ),
        ("empty.yaml", "schema: [nothing/*.graphql]\n"),
        ("wrong.yaml", "sorces: []\n"),
    ]);
    let run = |format: &str, more: [&str; 2]| {
        place.run(&[
            "check",
            "catalog-info.yaml",
            "--format",
            format,
            more[0],
            more[1],
        ])
    };
    let bad = ["--schema", "bad.graphql"];
    assert_snapshot!(run("json", bad), @r#"
    exit 1
    --- out
    {
      "files": 0,
      "documents": 0,
      "entities": 0,
      "problems": [
        {
          "file": "bad.graphql",
          "line": 1,
          "column": 47,
          "document": null,
          "field": null,
          "severity": "error",
          "code": "unknown-type",
          "message": "unknown type `Inte`",
          "hint": "did you mean `Int`?",
          "entityRef": null
        }
      ]
    }
    --- err
    nothing was checked: 1 error
    "#);
    assert_snapshot!(run("github", bad), @r"
    exit 1
    --- out
    ::error file=bad.graphql,line=1,col=47,title=unknown-type::unknown type `Inte`%0Ahint: did you mean `Int`?
    --- err
    nothing was checked: 1 error
    ");
    assert_snapshot!(run("sarif", bad), @r#"
    exit 1
    --- out
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
                  "id": "unknown-type",
                  "shortDescription": {
                    "text": "no such type is declared"
                  }
                }
              ]
            }
          },
          "columnKind": "unicodeCodePoints",
          "results": [
            {
              "ruleId": "unknown-type",
              "level": "error",
              "message": {
                "text": "unknown type `Inte`\ndid you mean `Int`?"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "bad.graphql"
                    },
                    "region": {
                      "startLine": 1,
                      "startColumn": 47,
                      "endLine": 1,
                      "endColumn": 51
                    }
                  }
                }
              ]
            }
          ]
        }
      ]
    }
    --- err
    nothing was checked: 1 error
    "#);
    assert_snapshot!(run("json", ["--schema", "gone.graphql"]), @r#"
    exit 2
    --- out
    {
      "files": 0,
      "documents": 0,
      "entities": 0,
      "problems": [
        {
          "file": "gone.graphql",
          "line": null,
          "column": null,
          "document": null,
          "field": null,
          "severity": "error",
          "code": "schema-unreadable",
          "message": "cannot be read: there is no such file or folder",
          "hint": "paths are relative to the configuration file",
          "entityRef": null
        }
      ]
    }
    --- err
    nothing was checked: 1 error
    "#);
    assert_snapshot!(run("github", ["--config", "wrong.yaml"]), @r"
    exit 1
    --- out
    ::error file=wrong.yaml,line=1,col=1,title=config-key::unknown key `sorces`%0Ahint: did you mean `sources`?
    --- err
    nothing was checked: 1 error
    ");
    // A warning does not keep from checking, and stands beside the rest.
    assert_snapshot!(run("github", ["--config", "empty.yaml"]), @r"
    exit 0
    --- out
    ::warning file=nothing/*.graphql,title=schema-empty::no file matches this glob%0Ahint: check it under `schema`; `*` does not cross folders, `**` does
    --- err
    1 file, 2 documents, 2 entities: 1 warning
    ");
}

#[test]
fn schemas_are_printed_and_compared() {
    let place = Place::with(&[(
        "k.graphql",
        "type Server @kind(apiVersions: [\"x/v1\"]) {\n  cpus: Int\n}\n",
    )]);
    let plain = place.run(&["schema", "print"]);
    assert!(plain.out.contains("\ntype Component "), "{plain}");
    assert!(!plain.out.contains("@kind"), "{plain}");
    let all = place.run(&["schema", "print", "--directives"]);
    assert!(all.out.contains("@kind("), "{all}");
    fs::write(place.path().join("now.graphql"), &plain.out).unwrap();
    assert_snapshot!(place.run(&["schema", "diff", "now.graphql"]), @r"
    exit 0
    --- out
    --- err
    0 changes, 0 of them breaking
    ");
    fs::write(
        place.path().join("old.graphql"),
        "type Query { a: Int b: Int }",
    )
    .unwrap();
    fs::write(
        place.path().join("new.graphql"),
        "type Query { a: Int c: Int }",
    )
    .unwrap();
    assert_snapshot!(place.run(&["schema", "diff", "old.graphql", "new.graphql"]), @r"
    exit 1
    --- out
    breaking: Query.b: removed
    safe: Query.c: added
    --- err
    2 changes, 1 of them breaking
    ");
    for (name, text) in [
        ("queries/good.graphql", "query Good { a }"),
        ("queries/more/bad.graphql", "query Bad {\n  a\n  b\n}"),
        ("queries/never.gql", "{ z }"),
        ("queries/notes.md", "not read"),
    ] {
        let path = place.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let diff = [
        "schema",
        "diff",
        "old.graphql",
        "new.graphql",
        "--operations",
    ];
    assert_snapshot!(place.run(&[&diff[..], &["queries"]].concat()), @r"
    exit 1
    --- out
    breaking: Query.b: removed
    safe: Query.c: added
    queries/more/bad.graphql:3:3: error[broken-operation]: type `Query` does not have a field `b`
    queries/never.gql:1:3: warning[invalid-operation]: type `Query` does not have a field `z`
      hint: it says nothing about the change: mend it or remove it
    --- err
    2 changes, 1 of them breaking; 1 of 3 files with operations broken
    ");
    assert_snapshot!(place.run(&["schema", "diff", "new.graphql", "new.graphql", "--operations", "queries"]), @r"
    exit 0
    --- out
    queries/more/bad.graphql:3:3: warning[invalid-operation]: type `Query` does not have a field `b`
      hint: it says nothing about the change: mend it or remove it
    queries/never.gql:1:3: warning[invalid-operation]: type `Query` does not have a field `z`
      hint: it says nothing about the change: mend it or remove it
    --- err
    0 changes, 0 of them breaking; 0 of 3 files with operations broken
    ");
    assert_eq!(place.run(&[&diff[..], &["gone"]].concat()).code, 2);
    // Fragments of other files are found, near and far; what is wrong in one is said once, and a fragment for nobody is nobody's harm.
    for (name, text) in [
        (
            "together/a.graphql",
            "query One { ...Outer }\nquery Two { ...Inner }",
        ),
        (
            "together/b.graphql",
            "fragment Outer on Query { a ...Inner }\nfragment Spare on Query { a }",
        ),
        ("together/c.graphql", "fragment Inner on Query { b }"),
        ("together/d.graphql", "{ ...Inner }"),
        ("together/e.graphql", "{ a }"),
    ] {
        let path = place.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    assert_snapshot!(place.run(&[&diff[..], &["together"]].concat()), @r"
    exit 1
    --- out
    breaking: Query.b: removed
    safe: Query.c: added
    together/c.graphql:1:27: error[broken-operation]: type `Query` does not have a field `b`
    --- err
    2 changes, 1 of them breaking; 1 of 5 files with operations broken
    ");
    for (name, text) in [
        ("together/f.graphql", "query Two { a }"),
        (
            "together/g.graphql",
            "fragment Spare on Query { a }\nquery Lost { ...Nowhere }\nquery Bad { ",
        ),
    ] {
        fs::write(place.path().join(name), text).unwrap();
    }
    assert_snapshot!(place.run(&["schema", "diff", "old.graphql", "old.graphql", "--operations", "together"]), @r"
    exit 1
    --- out
    together/f.graphql:1:7: error[duplicate-operation]: the operation `Two` is in `together/a.graphql` as well
      hint: rename one of them: the files of a folder are put together
    together/g.graphql:1:10: error[duplicate-operation]: the fragment `Spare` is in `together/b.graphql` as well
      hint: rename one of them: the files of a folder are put together
    together/g.graphql:3:13: warning[invalid-operation]: syntax error: expected at least one Selection in Selection Set
      hint: it says nothing about the change: mend it or remove it
    --- err
    0 changes, 0 of them breaking; 2 of 7 files with operations broken
    ");
    assert_eq!(
        place
            .run(&["schema", "diff", "k.graphql", "nope.graphql"])
            .code,
        2
    );
    assert_snapshot!(place.run(&["schema", "check", "k.graphql"]), @r"
    exit 0
    --- out
    --- err
    no problems
    ");
    fs::write(
        place.path().join("bad.graphql"),
        "type Server @knd { a: Int }",
    )
    .unwrap();
    assert_snapshot!(place.run(&["schema", "check", "bad.graphql"]), @r"
    exit 1
    --- out
    bad.graphql:1:14: error[unknown-directive]: unknown directive `@knd`
      hint: did you mean `@kind`?
    --- err
    1 error
    ");
}

#[test]
fn query_asks_without_a_server() {
    let place = Place::with(&[
        (
            "callboard.yaml",
            "sources: [{ type: file, path: ./catalog }]\n",
        ),
        ("catalog/catalog-info.yaml", GOOD),
    ]);
    let ran = place.run(&[
        "query",
        "query($r: EntityRef!) { entity(ref: $r) { name ... on Owned { owner { name } } } }",
        "--var",
        "r=component:web",
    ]);
    assert_snapshot!(ran, @r#"
    exit 0
    --- out
    {
      "data": {
        "entity": {
          "name": "web",
          "owner": {
            "name": "team-a"
          }
        }
      }
    }
    --- err
    "#);
    let ran = place.run(&["query", "{ nope }"]);
    assert_eq!(ran.code, 1, "{ran}");
    let left: Vec<_> = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn serve_refuses_what_it_should() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::with(&[
        ("corrupt.yaml", "database: { url: 'sqlite:corrupt.db' }\n"),
        (
            "corrupt.db",
            "this is no database, and long enough to be taken for one by nobody",
        ),
        ("broken.yaml", "schema: [broken.graphql]\n"),
        ("broken.graphql", "type {"),
    ]);
    let ran = place.run(&["serve", "--listen", &address]);
    let shown = ran.to_string().replace(&address, "ADDRESS");
    assert_snapshot!(shown, @r"
    exit 1
    --- out
    --- err
    error: `ADDRESS` is in use by another process
      hint: stop the other process, or choose another port with `--listen`
    ");
    assert_snapshot!(place.run(&["serve", "--listen", "0.0.0.0:0"]), @r"
    exit 1
    --- out
    --- err
    error: `0.0.0.0:0` can be reached from other machines, and there is no authentication: everybody could read the catalog
      hint: listen on 127.0.0.1, or say `server: { allowAnonymous: true }` if this is meant
    ");
    assert_snapshot!(place.run(&["serve", "--config", "broken.yaml", "--listen", "127.0.0.1:0"]), @r"
    exit 1
    --- out
    broken.graphql:1:6: error[syntax]: expected a name
      hint: look at the brackets and the quotes here and on the line above
    broken.graphql:1:7: error[syntax]: expected Field Definition
      hint: look at the brackets and the quotes here and on the line above
    broken.graphql:1:7: error[syntax]: expected `}`, got EOF
      hint: look at the brackets and the quotes here and on the line above
    --- err
    the schema has 3 errors
    ");
    let ran = place.run(&[
        "serve",
        "--config",
        "corrupt.yaml",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_snapshot!(ran, @r"
    exit 1
    --- out
    --- err
    error: the database `sqlite:HERE/corrupt.db` is damaged, or is no database: Connection Error: error returned from database: (code: 26) file is not a database
      hint: restore a backup, or move the file away: the catalog is then read again from its sources, only history is lost
    ");
}

#[test]
fn serve_follows_files_and_ends_in_order() {
    let place = Place::with(&[
        (
            "callboard.yaml",
            "sources: [{ type: file, path: ./catalog }]\nschema: [kinds]\n",
        ),
        ("catalog/catalog-info.yaml", GOOD),
        (
            "kinds/a.graphql",
            "type Server @kind(apiVersions: [\"x/v1\"]) {\n  cpus: Int\n}\n",
        ),
    ]);
    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    let url = server.url.clone();
    let count = "{ components { totalCount } }";
    until(&place, &url, count, |answer| {
        answer["data"]["components"]["totalCount"] == 1
    });

    // An edited descriptor.
    let more = GOOD.replace("name: web }", "name: shop }");
    fs::create_dir(place.path().join("catalog/shop")).unwrap();
    fs::write(
        place.path().join("catalog/shop/catalog-info.yaml"),
        more.split("---").next().unwrap(),
    )
    .unwrap();
    until(&place, &url, count, |answer| {
        answer["data"]["components"]["totalCount"] == 2
    });

    // A broken schema changes nothing; a good one is taken over, with the catalog.
    let kinds = place.path().join("kinds/a.graphql");
    fs::write(&kinds, "type Server {").unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    until(&place, &url, "{ servers { totalCount } }", |answer| {
        answer["data"]["servers"]["totalCount"] == 0
    });
    fs::write(
        &kinds,
        "type Machine @kind(apiVersions: [\"x/v1\"]) {\n  cpus: Int\n}\n",
    )
    .unwrap();
    until(
        &place,
        &url,
        "{ machines { totalCount } components { totalCount } }",
        |answer| {
            answer["data"]
                == json!({ "machines": { "totalCount": 0 }, "components": { "totalCount": 2 } })
        },
    );

    // Asked for, with nothing changed.
    server.signal("-HUP");
    let (code, said) = server.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("what was loaded before goes on"), "{said}");
    assert!(said.contains("stopped"), "{said}");

    // Started again, it serves what it knew.
    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    let answer = until(&place, &server.url, count, |answer| {
        answer.get("data").is_some()
    });
    assert_eq!(answer["data"]["components"]["totalCount"], 2);
}

/// What is not there cannot be watched, so it is looked for again and again, and said once.
#[test]
fn a_source_that_is_not_there_is_said_once() {
    let place = Place::with(&[(
        "callboard.yaml",
        "sources: [{ type: file, path: ./later/*.yaml }]\n",
    )]);
    let server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    let url = server.url.clone();
    until(&place, &url, "{ sources { state } }", |answer| {
        answer["data"]["sources"][0]["state"] == "FAILING"
    });
    // Long enough for two more looks.
    std::thread::sleep(Duration::from_millis(1200));
    fs::create_dir(place.path().join("later")).unwrap();
    fs::write(place.path().join("later/web.yaml"), GOOD).unwrap();
    until(&place, &url, "{ components { totalCount } }", |answer| {
        answer["data"]["components"]["totalCount"] == 1
    });
    let (code, said) = server.end("-TERM");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("does not exist").count(), 1, "{said}");
}

/// What a running server cannot take over is said by name; the rest of the same change is taken over.
#[test]
fn settings_that_need_a_restart_are_named() {
    let place = Place::with(&[("callboard.yaml", "limits: { depth: 20 }\n")]);
    let mut server = Running::start(place.command(&["serve", "--listen", "127.0.0.1:0"]), false);
    let mut change = |settings: &str| {
        fs::write(place.path().join("callboard.yaml"), settings).unwrap();
        server.signal("-HUP");
        let said = server.until_it_says("were read again and taken over");
        let named = said.lines().filter_map(|line| {
            let (_, section) = line.split_once("a change in `")?;
            Some(section.split_once('`')?.0.to_owned())
        });
        let named: Vec<String> = named.collect();
        assert_eq!(
            said.matches("needs a restart").count(),
            named.len(),
            "{said}"
        );
        named
    };
    assert_eq!(change("limits: { depth: 2 }\n"), Vec::<String>::new());
    assert_eq!(
        change(
            "limits: { depth: 3, bodySize: 2KB }\nserver: { shutdownGrace: 1s }\ndatabase: { url: 'sqlite:other.db' }\ntelemetry: { log: { level: debug } }\ncache: { memory: 32MB }\negress: { caFile: ./ca.pem }\n"
        ),
        [
            "server",
            "telemetry",
            "database",
            "cache",
            "egress",
            "limits"
        ]
    );
    let url = server.url.clone();
    until(
        &place,
        &url,
        "{ entities { nodes { owner: namespace relations { nodes { type } } } } }",
        |answer| answer["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED",
    );
    assert!(!place.path().join("other.db").exists());
    assert_eq!(server.end("-TERM").0, Some(0));
}

#[test]
fn demo_runs_and_leaves_nothing_behind() {
    let place = Place::with(&[("tmp/keep", "")]);
    let temporary = place.path().join("tmp");
    let mut command = place.command(&["demo", "--listen", "127.0.0.1:0"]);
    command.env("TMPDIR", &temporary);
    let mut demo = Running::start(command, true);
    let url = demo.url.clone();
    assert!(demo.said.contains("Callboard is at"), "{}", demo.said);
    until(&place, &url, "{ entities { totalCount } }", |answer| {
        answer["data"]["entities"]["totalCount"].is_u64()
    });
    // With no account anywhere: who is called, as an entity of the catalog, and runs of three providers, newest first.
    let live = r#"{ component(ref: "payments-api") { onCall { nodes { level user { ref } } } ciRuns(first: 3) { nodes { provider number } } parts: ciRuns(first: 3) { nodes { jobs { nodes { name } } } } } }"#;
    until(&place, &url, live, |answer| {
        assert_eq!(answer.get("errors"), None, "{answer}");
        let component = &answer["data"]["component"];
        assert_eq!(
            component["onCall"]["nodes"][0],
            json!({ "level": 1, "user": { "ref": "user:default/amara" } })
        );
        assert_eq!(
            component["ciRuns"]["nodes"],
            json!([
                { "provider": "github", "number": 1204 },
                { "provider": "jenkins", "number": 347 },
                { "provider": "circleci", "number": 88 },
            ])
        );
        // Each provider has jobs of its own, and one selection shows them all.
        for run in component["parts"]["nodes"].as_array().expect("runs") {
            assert_ne!(run["jobs"]["nodes"], json!([]), "{answer}");
            assert_ne!(run["jobs"], Value::Null, "{answer}");
        }
        true
    });
    // The status of a CircleCI run is fetched by itself, and compared then: the lists are short, so nothing is left out.
    let failed = r#"{ component(ref: "payments-api") { ciRuns(first: 9, status: FAILED) { complete nodes { status } } } }"#;
    until(&place, &url, failed, |answer| {
        let runs = &answer["data"]["component"]["ciRuns"];
        let nodes = runs["nodes"].as_array().unwrap();
        assert!(!nodes.is_empty(), "{answer}");
        assert!(
            nodes.iter().all(|run| run["status"] == "FAILED"),
            "{answer}"
        );
        assert_eq!(runs["complete"], json!(true), "{answer}");
        true
    });
    // Times are of today: whoever is called now has a shift that goes on, and something runs.
    let now = r#"{ component(ref: "payments-api") { onCall(first: 1) { nodes { startsAt endsAt } } ciRuns(first: 1) { nodes { status startedAt } } incidents(open: true) { nodes { createdAt } } } }"#;
    until(&place, &url, now, |answer| {
        let now = callboard::clock::Clock::system().now();
        let time = |pointer: &str| -> jiff::Timestamp {
            let value = answer.pointer(&format!("/data/component{pointer}"));
            value.and_then(Value::as_str).unwrap().parse().unwrap()
        };
        let ago = |pointer: &str| now.duration_since(time(pointer)).as_hours();
        assert_eq!(ago("/onCall/nodes/0/startsAt"), 2);
        assert!(time("/onCall/nodes/0/endsAt") > now);
        assert_eq!(ago("/ciRuns/nodes/0/startedAt"), 0);
        assert_eq!(ago("/incidents/nodes/0/createdAt"), 2);
        assert_eq!(
            answer["data"]["component"]["ciRuns"]["nodes"][0]["status"],
            "RUNNING"
        );
        true
    });
    // What it says to paste is right, to the last character.
    let pasted = demo.until_it_says("Ctrl-C");
    let pasted: Vec<&str> = pasted.lines().filter(|l| l.contains(" query '")).collect();
    assert_eq!(pasted.len(), 3, "{pasted:?}");
    for line in pasted {
        let ran = Command::new("sh").args(["-c", line]).output().unwrap();
        let answer: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert!(ran.status.success(), "{line}: {answer}");
        assert!(
            answer["data"]
                .as_object()
                .is_some_and(|data| !data.values().any(Value::is_null))
        );
    }
    let (code, _) = demo.end("-INT");
    assert_eq!(code, Some(0));
    let left: Vec<_> = fs::read_dir(&temporary)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["keep"]);
}

#[test]
fn two_servers_do_not_share_a_sqlite_file() {
    let place = Place::with(&[
        ("catalog-info.yaml", GOOD),
        ("callboard.yaml", "sources: [{ type: file, path: . }]\n"),
        (
            "elsewhere.yaml",
            "sources: [{ type: file, path: . }]\ndatabase: { url: 'sqlite:other.db' }\n",
        ),
    ]);
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let first = Running::start(place.command(&serve), false);
    let total = "{ entities { totalCount } }";
    until(&place, &first.url, total, |answer| {
        answer["data"]["entities"]["totalCount"] == 2
    });

    let second = place.run(&serve);
    assert_eq!(second.code, 1, "{second}");
    for part in [
        "callboard.db` is served by another process",
        "callboard.db.lock",
        "hint: stop the other server",
    ] {
        assert!(second.err.contains(part), "{second}");
    }
    // What uses no file of the server's is in nobody's way.
    assert_eq!(place.run(&["check", "."]).code, 0);
    assert_eq!(
        place
            .run(&["query", total, "--config", "callboard.yaml"])
            .code,
        0
    );
    let config = [&serve[..], &["--config", "elsewhere.yaml"]].concat();
    drop(Running::start(place.command(&config), false));

    // However the first one ends: its right ends with it.
    first.signal("-KILL");
    drop(first);
    drop(Running::start(place.command(&serve), false));
}
