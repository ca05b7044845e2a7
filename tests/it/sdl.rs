//! The schema language: files in, diagnostics and the composed SDL out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use apollo_compiler::Schema;
use callboard::sdl::{self, FieldSource, Model, Request, SdlFile, Supplier};

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
fn built_in_schema_loads_clean_and_prints_as_before() {
    let (model, problems) = sdl::load(&with_connectors());
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

/// The playground shows what stands here, and nothing else explains a field there.
#[test]
fn every_live_type_and_field_is_described() {
    let (model, problems) = sdl::load(&with_connectors());
    assert_eq!(problems, []);
    let model = model.unwrap();
    let plain = |path: &str| path == "schema/live.graphql" || path.starts_with("connectors/");
    let mut bare = Vec::new();
    for (name, ty) in &model.types {
        let own = |field: &&callboard::sdl::Field| {
            let declared = field.declared.as_ref();
            declared.is_some_and(|(path, _)| plain(path))
        };
        let fields: Vec<_> = ty.fields.values().filter(own).collect();
        let described = |field: &str| {
            let field = model.schema.type_field(name, field).unwrap();
            field.description.is_some()
        };
        let lacking = fields.iter().filter(|field| !described(&field.name));
        bare.extend(lacking.map(|field| format!("{name}.{}", field.name)));
        if !fields.is_empty() && model.schema.types[&**name].description().is_none() {
            bare.push(name.to_string());
        }
    }
    assert_eq!(bare, Vec::<String>::new());
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

/// What is printed with directives is the whole schema: it can be read again, and says the same.
#[test]
fn what_is_printed_can_be_parsed() {
    let (model, _) = sdl::load(&sdl::core_files());
    let model = model.unwrap();
    for text in [&model.sdl, &model.sdl_with_directives] {
        let schema = Schema::parse_and_validate(text.as_ref(), "printed.graphql").unwrap();
        // apollo-compiler leaves out a `schema` that says what is the default.
        assert!(text.ends_with(&schema.to_string()));
    }
    assert!(!model.sdl.contains("@kind") && model.sdl_with_directives.contains("@kind"));
    let (again, _) = sdl::load(&sdl::core_files());
    assert_eq!(again.unwrap().fingerprint, model.fingerprint);
}

#[test]
fn a_kind_of_ones_own_is_in_the_model() {
    let model = loaded(&["clean-new-kind"]);
    let kind = model.kind_of(model.kind("featureflag").unwrap());
    assert_eq!(
        (&*kind.singular, &*kind.plural),
        ("featureFlag", "featureFlags")
    );
    assert!(kind.needs_spec);
    let columns: Vec<&str> = kind
        .columns
        .iter()
        .map(|(id, _)| &*model.column(*id).name)
        .collect();
    assert!(
        columns.ends_with(&["type", "lifecycle", "rollout"]),
        "{columns:?}"
    );
    let emits: Vec<String> = kind
        .emits
        .iter()
        .map(|emit| {
            let inverse = emit.inverse.map_or("", |id| &*model.relation(id).name);
            format!(
                "{} {} {inverse}",
                emit.from.source(),
                model.relation(emit.relation).name
            )
        })
        .collect();
    assert_eq!(
        emits,
        ["spec.owner ownedBy ownerOf", "spec.guards guards guardedBy"]
    );
    let rules: Vec<String> = kind
        .rules
        .iter()
        .map(|rule| format!("{} {} {:?}", rule.path.join("."), rule.required, rule.shape))
        .collect();
    assert_eq!(
        rules,
        [
            "spec.type true String { non_empty: true }",
            "spec.lifecycle false String { non_empty: true }",
            "spec.owner false Reference { default_kind: Some(\"Group\") }",
            "spec.guards false List(Reference { default_kind: Some(\"Component\") })",
            "spec.rollout false Float",
            "spec.stages false List(Object { rules: [\
                Rule { path: [\"name\"], required: true, shape: String { non_empty: true }, example: Some(\"some text\") }, \
                Rule { path: [\"percent\"], required: false, shape: Int, example: Some(\"1\") }], others: None })",
        ]
    );
    assert!(model.types["Component"].fields.contains_key("flags"));
    assert!(model.filters.contains_key("FeatureFlagFilter"));
    assert!(model.filters["EntityFilter"].fields.contains_key("rollout"));
}

#[test]
fn connectors_are_in_the_model() {
    let model = loaded(&[
        "clean-rest-connector",
        "clean-graphql-connector",
        "clean-two-step-connector",
    ]);
    let names: Vec<String> = model
        .sources
        .iter()
        .map(|source| format!("{}/{} {:?}", source.connector, source.name, source.kind))
        .collect();
    assert_eq!(
        names,
        ["bell/rest Rest", "forge/graph Graphql", "mill/rest Rest"]
    );
    assert_eq!(model.webhooks[0].source, 1);

    let live = |type_name: &str, field: &str| match &model.types[type_name].fields[field].source {
        FieldSource::Live(binding) => binding.clone(),
        other => panic!("{type_name}.{field} is {other:?}"),
    };
    for kind in ["Entity", "Component", "GenericEntity"] {
        let builds = live(kind, "builds");
        let supplier = |connector: &str, type_name: &str, along: &[&str]| Supplier {
            connector: connector.into(),
            type_name: type_name.into(),
            along: along.iter().map(|name| (*name).into()).collect(),
            only: None,
        };
        assert_eq!(builds.suppliers, [supplier("mill", "MillBuild", &[])]);
        assert!(builds.connection && builds.merge.unwrap().descending);
        let duty = live(kind, "duty");
        assert_eq!(
            duty.suppliers,
            [supplier("bell", "BellDuty", &["bell", "duty"])]
        );
    }
    let bell = live("Component", "bell").connect.unwrap();
    assert!(
        matches!(&bell.request, Request::Rest { template, .. } if template.holes().count() == 1)
    );
    assert_eq!(bell.null_on, [404, 410]);

    let duty = live("Bell", "duty").connect.unwrap();
    let (batch, page) = (duty.batch.as_ref().unwrap(), duty.page.as_ref().unwrap());
    assert_eq!((batch.max, page.max_size, page.max_pages), (25, 100, 10));
    assert_eq!(duty.at.source(), "rows[]");

    let shelf = &model.types["ForgeShelf"];
    let connect = shelf.connect.as_ref().unwrap();
    let lets: Vec<&str> = connect.lets.iter().map(|item| &*item.name).collect();
    assert_eq!((connect.source, lets), (1, vec!["slug", "group", "name"]));
    assert_eq!(shelf.identity.as_ref().unwrap().source(), "path");
    assert_eq!(shelf.cache.as_ref().unwrap().tags.len(), 1);
    let tickets = &shelf.fields["tickets"];
    assert_eq!(&*tickets.ty.named, "ForgeTicketConnection");
    let arguments = model.schema.type_field("ForgeShelf", "tickets").unwrap();
    let arguments: Vec<&str> = arguments
        .arguments
        .iter()
        .map(|argument| argument.name.as_str())
        .collect();
    assert_eq!(arguments, ["state", "first", "after"]);
}

/// `Entity.ciRuns` and its like are in the graph whatever connectors there are.
#[test]
fn a_live_field_waits_for_suppliers() {
    let model = loaded(&["clean-socket"]);
    for (type_name, field) in [
        ("Component", "forecast"),
        ("Component", "forecasts"),
        ("Component", "repository"),
        ("Forecast", "hours"),
    ] {
        match &model.types[type_name].fields[field].source {
            FieldSource::Live(binding) => {
                assert!(binding.connect.is_none() && binding.suppliers.is_empty());
            }
            other => panic!("{type_name}.{field} is {other:?}"),
        }
    }
    assert!(
        !model.filters["ComponentFilter"]
            .fields
            .contains_key("repository")
    );
}

#[test]
fn what_depends_on_the_caller_is_kept_for_the_caller() {
    let text = std::fs::read_to_string(root().join("tests/sdl/shared-viewer.graphql")).unwrap();
    let text = text.replace(", scope: SHARED", "");
    let mut files = sdl::core_files();
    files.push(SdlFile {
        path: "mill.graphql".into(),
        text,
        connector: Some("mill".into()),
    });
    let model = sdl::load(&files).0.unwrap();
    let fields = &model.types["Component"].fields;
    let scoped =
        ["a", "b", "c", "d", "e"].map(|field| fields[field].cache.as_ref().unwrap().viewer_scoped);
    assert_eq!(scoped, [true, true, true, true, false]);
}

/// The Model of the core schema with files of `tests/sdl`.
fn loaded(names: &[&str]) -> Model {
    let mut files = sdl::core_files();
    files.push(shared());
    for name in names {
        let path = root().join(format!("tests/sdl/{name}.graphql"));
        let text = std::fs::read_to_string(path).unwrap();
        let connector = text.lines().next().unwrap().strip_prefix("# connector: ");
        files.push(SdlFile {
            path: (*name).into(),
            connector: connector.map(Into::into),
            text,
        });
    }
    let (model, problems) = sdl::load(&files);
    assert_eq!(problems, []);
    model.unwrap()
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
    let (model, problems) = sdl::load_for(&files, &callboard::graphql::resolvers());
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

/// The connector that `connectors/README.md` writes step by step.
#[test]
fn the_connector_of_the_readme_loads_clean() {
    let readme = std::fs::read_to_string(root().join("connectors/README.md")).unwrap();
    let mut sdl_files = with_connectors();
    for step in readme.split("\n`connectors/uptime/").skip(1) {
        let (name, rest) = step.split_once("`:\n").unwrap();
        if let Some(text) = rest.strip_prefix("\n```graphql\n") {
            sdl_files.push(SdlFile {
                path: format!("connectors/uptime/{name}").into(),
                text: text.split("```").next().unwrap().to_owned(),
                connector: Some("uptime".into()),
            });
        }
    }
    let (model, problems) = sdl::load(&sdl_files);
    assert_eq!(problems, []);
    let model = model.unwrap();
    assert!(model.types["Component"].fields.contains_key("uptime"));
    match &model.types["Entity"].fields["incidents"].source {
        FieldSource::Live(binding) => assert_eq!(binding.suppliers.len(), 2),
        other => panic!("Entity.incidents is {other:?}"),
    }
}

/// The built-in schema with the built-in connectors.
fn with_connectors() -> Vec<SdlFile> {
    let mut sdl_files = sdl::core_files();
    let folders = std::fs::read_dir(root().join("connectors")).unwrap();
    for folder in folders.map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        for path in files(&format!("connectors/{name}")) {
            if path
                .extension()
                .is_some_and(|extension| extension == "graphql")
            {
                let file = path.file_name().unwrap().to_string_lossy();
                sdl_files.push(SdlFile {
                    path: format!("connectors/{name}/{file}").into(),
                    text: std::fs::read_to_string(&path).unwrap(),
                    connector: Some(name.as_str().into()),
                });
            }
        }
    }
    sdl_files
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
    let Ok(entries) = std::fs::read_dir(root().join(folder)) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
}

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}
