//! `catalog`: what a descriptor emits, and that no bytes whatever bring it down.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use callboard::catalog::{self, EntityRef, NoSubstitutions, Reading, Substitutions};
use callboard::diagnostic::Severity;
use callboard::sdl::{self, Model};
use insta::assert_snapshot;
use proptest::prelude::*;

/// Loaded once: a property looks at hundreds of files.
fn model() -> &'static Model {
    static MODEL: LazyLock<Model> = LazyLock::new(|| {
        let (model, problems) = sdl::load(&sdl::core_files());
        assert_eq!(problems, []);
        model.unwrap()
    });
    &MODEL
}

/// The set of relations that each entity of a file emits, one a line, then the problems.
fn relations(text: &str) -> String {
    let model = model();
    let reading = catalog::read(model, text.as_bytes(), &NoSubstitutions);
    let mut out = String::new();
    for entity in &reading.entities {
        let emitted =
            catalog::relations(model, &entity.entity_ref, entity.kind, &entity.descriptor);
        for relation in BTreeSet::from_iter(emitted) {
            let name = &model.relation(relation.relation).name;
            writeln!(out, "{} {name} {}", relation.source, relation.target).unwrap();
        }
    }
    for problem in &reading.problems {
        let field = problem.field.as_deref().unwrap_or_default();
        writeln!(out, "{field} {}: {}", problem.code, problem.message).unwrap();
    }
    out
}

/// A descriptor of `kind` in the namespace `shop`.
fn descriptor(kind: &str, spec: &str) -> String {
    format!(
        "apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata: {{ name: Self, namespace: shop }}\nspec: {{ {spec} }}\n"
    )
}

#[test]
fn both_directions_of_every_reference() {
    let component = "type: service, lifecycle: production, owner: team-a, system: Orders, subcomponentOf: other/big,
      providesApis: [a, a], consumesApis: [API:default/b], dependsOn: ['resource:db', 'component:x:y/z'], dependencyOf: ['Component:self']";
    assert_snapshot!(relations(&descriptor("Component", component)), @r"
    api:default/b apiConsumedBy component:shop/self
    api:shop/a apiProvidedBy component:shop/self
    component:other/big hasPart component:shop/self
    component:shop/self consumesApi api:default/b
    component:shop/self dependencyOf component:shop/self
    component:shop/self dependsOn component:shop/self
    component:shop/self dependsOn component:x:y/z
    component:shop/self dependsOn resource:shop/db
    component:shop/self ownedBy group:shop/team-a
    component:shop/self partOf component:other/big
    component:shop/self partOf system:shop/orders
    component:shop/self providesApi api:shop/a
    component:x:y/z dependencyOf component:shop/self
    group:shop/team-a ownerOf component:shop/self
    resource:shop/db dependencyOf component:shop/self
    system:shop/orders hasPart component:shop/self
    ");
    assert_snapshot!(relations(&descriptor("API", "type: grpc, lifecycle: x, owner: user:default/eve, definition: x, system: s")), @r"
    api:shop/self ownedBy user:default/eve
    api:shop/self partOf system:shop/s
    system:shop/s hasPart api:shop/self
    user:default/eve ownerOf api:shop/self
    ");
    assert_snapshot!(relations(&descriptor("Resource", "type: db, owner: a, dependsOn: ['resource:b'], lifecycle: 3")), @r"
    group:shop/a ownerOf resource:shop/self
    resource:shop/b dependencyOf resource:shop/self
    resource:shop/self dependsOn resource:shop/b
    resource:shop/self ownedBy group:shop/a
    ");
    assert_snapshot!(relations(&descriptor("System", "owner: a, domain: d")), @r"
    domain:shop/d hasPart system:shop/self
    group:shop/a ownerOf system:shop/self
    system:shop/self ownedBy group:shop/a
    system:shop/self partOf domain:shop/d
    ");
    assert_snapshot!(relations(&descriptor("Domain", "owner: a, subdomainOf: d")), @r"
    domain:shop/d hasPart domain:shop/self
    domain:shop/self ownedBy group:shop/a
    domain:shop/self partOf domain:shop/d
    group:shop/a ownerOf domain:shop/self
    ");
    assert_snapshot!(relations(&descriptor("Group", "type: team, parent: p, children: [c], members: [m], owner: nobody")), @r"
    group:shop/c childOf group:shop/self
    group:shop/p parentOf group:shop/self
    group:shop/self childOf group:shop/p
    group:shop/self hasMember user:shop/m
    group:shop/self parentOf group:shop/c
    user:shop/m memberOf group:shop/self
    ");
    assert_snapshot!(relations(&descriptor("User", "memberOf: [g, 'group:default/h'], profile: { email: a@b.c }")), @r"
    group:default/h hasMember user:shop/self
    group:shop/g hasMember user:shop/self
    user:shop/self memberOf group:default/h
    user:shop/self memberOf group:shop/g
    ");
    assert_snapshot!(relations(&descriptor("Location", "target: ./x.yaml, owner: a")), @"");
    assert_snapshot!(relations(&descriptor("Mystery", "owner: a")), @"kind undeclared-kind: no schema file declares the kind `Mystery`: it is served as `GenericEntity`");
    let template = descriptor(
        "Template",
        "type: service, steps: [{ action: debug:log }], owner: a",
    );
    let template = template.replace("backstage.io/v1alpha1", "scaffolder.backstage.io/v1beta3");
    assert_snapshot!(relations(&template), @r"
    group:shop/a ownerOf template:shop/self
    template:shop/self ownedBy group:shop/a
    ");
}

/// A `spec` of a template beside what it must have, and what is said of it; nothing: it is right.
const TEMPLATES: &[(&str, &str)] = &[
    ("steps: []", ""),
    ("steps: [{ action: 'debug:log' }], parameters: {}", ""),
    ("steps: [], parameters: [{ title: One }, {}]", ""),
    (
        "steps: [], parameters: text",
        "spec.parameters must be an object, or a list of such, and is a string",
    ),
    (
        "steps: [], parameters: null",
        "spec.parameters must be an object, or a list of such, and is null",
    ),
    (
        "steps: [], parameters: [{}, 7]",
        "spec.parameters[1] must be an object, and is a number",
    ),
    (
        "steps: [{ id: '', name: '', action: '', if: '', each: [1] }]",
        "",
    ),
    (
        "steps: [{ action: a, if: true }, { action: b, if: '${{ x }}' }]",
        "",
    ),
    (
        "steps: [{ action: a, if: 1 }]",
        "spec.steps[0].if must be a string or a Boolean, and is a number",
    ),
    (
        "steps: [{ action: a, if: [] }]",
        "spec.steps[0].if must be a string or a Boolean, and is a list",
    ),
    ("steps: [{ action: a, input: { url: . } }]", ""),
    (
        "steps: [{ action: a, input: [] }]",
        "spec.steps[0].input must be an object, and is a list",
    ),
    (
        "steps: [{ action: a, input: null }]",
        "spec.steps[0].input must be an object, and is null",
    ),
    ("steps: [{ id: a }]", "spec.steps[0].action is missing"),
    (
        "steps: [{ action: 1 }]",
        "spec.steps[0].action must be a string, and is a number",
    ),
    (
        "steps: [{ action: a, id: 1 }]",
        "spec.steps[0].id must be a string, and is a number",
    ),
    (
        "steps: [text]",
        "spec.steps[0] must be an object, and is a string",
    ),
    (
        "steps: { action: a }",
        "spec.steps must be a list, and is an object",
    ),
    (
        "steps: [{ action: a, 'backstage:permissions': { tags: [x, ''] } }]",
        "",
    ),
    (
        "steps: [{ action: a, 'backstage:permissions': { tags: x } }]",
        "spec.steps[0].'backstage:permissions'.tags must be a list, and is a string",
    ),
    (
        "steps: [{ action: a, 'backstage:permissions': { tags: [1] } }]",
        "spec.steps[0].'backstage:permissions'.tags[0] must be a string, and is a number",
    ),
    ("steps: [], output: {}", ""),
    (
        "steps: [], output: { catalogInfoUrl: '${{ x }}', links: [{ title: T, url: u }], text: [{ content: '' }] }",
        "",
    ),
    (
        "steps: [], output: text",
        "spec.output must be an object, and is a string",
    ),
    (
        "steps: [], output: { url: 3 }",
        "spec.output.url must be a string, and is a number",
    ),
    (
        "steps: [], output: { links: {} }",
        "spec.output.links must be a list, and is an object",
    ),
    (
        "steps: [], output: { links: [{ url: '' }] }",
        "spec.output.links[0].url is empty",
    ),
    (
        "steps: [], output: { text: [{ if: 0 }] }",
        "spec.output.text[0].if must be a string or a Boolean, and is a number",
    ),
    (
        "steps: [], presentation: { buttonLabels: { backButtonText: '' } }",
        "",
    ),
    (
        "steps: [], presentation: { buttonLabels: Back }",
        "spec.presentation.buttonLabels must be an object, and is a string",
    ),
    (
        "steps: [], presentation: [1]",
        "spec.presentation must be an object, and is a list",
    ),
    (
        "steps: [], secrets: { schema: true }",
        "spec.secrets.schema must be an object, and is a Boolean",
    ),
    ("steps: [], formDecorators: [{ id: a, input: {} }]", ""),
    (
        "steps: [], formDecorators: [{ id: a, input: b }]",
        "spec.formDecorators[0].input must be an object, and is a string",
    ),
    (
        "steps: [], parameters: [{ title: x }, { 'backstage:permissions': { tags: [1] } }, { 'backstage:permissions': no, 'backstage:featureFlag': any }]",
        "spec.parameters[1].'backstage:permissions'.tags[0] must be a string, and is a number; spec.parameters[2].'backstage:permissions' must be an object, and is a string",
    ),
    (
        "steps: [], parameters: { 'backstage:permissions': { tags: no } }",
        "spec.parameters.'backstage:permissions'.tags must be a list, and is a string",
    ),
    (
        "steps: [{ action: a, 'backstage:permissions': { tags: [1] } }], parameters: { 'backstage:permissions': { tags: [ok] } }",
        "spec.steps[0].'backstage:permissions'.tags[0] must be a string, and is a number",
    ),
    (
        "steps: [], EXPERIMENTAL_formDecorators: {}",
        "spec.EXPERIMENTAL_formDecorators must be a list, and is an object",
    ),
    (
        "steps: [], EXPERIMENTAL_recovery: { EXPERIMENTAL_strategy: [] }",
        "spec.EXPERIMENTAL_recovery.EXPERIMENTAL_strategy must be a string, and is a list",
    ),
];

#[test]
fn templates_are_judged_down_to_their_steps() {
    for (spec, expected) in TEMPLATES {
        let text = format!(
            "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {{ name: t }}\nspec: {{ type: service, {spec} }}\n"
        );
        let reading = catalog::read(model(), text.as_bytes(), &NoSubstitutions);
        let said: Vec<String> = reading
            .problems
            .iter()
            .map(|problem| problem.message.replace('`', ""))
            .collect();
        assert_eq!(said.join("; "), *expected, "{spec}");
        assert_eq!(reading.entities.len(), usize::from(expected.is_empty()));
    }
}

/// The same words for a kind of one's own.
#[test]
fn json_of_ones_own_kind_is_judged() {
    let mut files = sdl::core_files();
    files.push(sdl::SdlFile {
        path: "own.graphql".into(),
        text: r#"
            type Alarm @kind(apiVersions: ["example.org/v1"]) {
              at: Threshold
              sizes: Sizes
              when: JSON @json(is: [STRING, NUMBER], list: true)
              rows: [JSON] @json(is: [OBJECT, LIST])
            }
            type Sizes @json(is: [NUMBER, NULL]) { name: String }
            type Threshold { unit: String @field(required: true) @json(is: [STRING]) }
        "#
        .to_owned(),
        connector: None,
    });
    let (loaded, problems) = sdl::load(&files);
    assert_eq!(problems, []);
    let loaded = loaded.unwrap();
    let said = |spec: &str| {
        let text = format!(
            "apiVersion: example.org/v1\nkind: Alarm\nmetadata: {{ name: a }}\nspec: {{ {spec} }}\n"
        );
        let reading = catalog::read(&loaded, text.as_bytes(), &NoSubstitutions);
        let problems = reading.problems.iter();
        let lines =
            problems.map(|p| format!("{}; {}\n", p.message, p.hint.clone().unwrap_or_default()));
        lines.collect::<String>()
    };
    assert_eq!(
        said("at: { unit: '' }, sizes: { name: x, a: 1, b: null }, when: [a, 1], rows: [{}, [1]]"),
        ""
    );
    assert_snapshot!(said("at: {}, sizes: { a: x }, when: [a, true], rows: [a]"), @r"
    `spec.at.unit` is missing; for example `unit: some text`
    `spec.sizes.a` must be a number or null, and is a string; leave it out, or move it to where it is read
    `spec.when[1]` must be a string or a number, and is a Boolean; for example `when: some text`
    `spec.rows[0]` must be an object or a list, and is a string; for example `rows: [{}]`
    ");
}

#[test]
fn references_that_cannot_be_shown_or_followed() {
    let spec = |owner: &str| format!("type: x, lifecycle: x, owner: '{owner}'");
    assert_snapshot!(relations(&descriptor("Component", &spec("system:a"))), @r"
    component:shop/self ownedBy system:shop/a
    system:shop/a ownerOf component:shop/self
    spec.owner reference-target: `owner` cannot show a `system`: the relation is kept, and the field leaves it out
    ");
    assert_snapshot!(relations(&descriptor("Component", &spec("mystery:a"))), @r"
    component:shop/self ownedBy mystery:shop/a
    mystery:shop/a ownerOf component:shop/self
    spec.owner reference-target: `owner` cannot show a `mystery`: the relation is kept, and the field leaves it out
    ");
    assert_snapshot!(relations(&descriptor("Component", &spec("group:"))), @"spec.owner reference-format: `group:` is no entity reference: the name is empty");
    assert_snapshot!(relations(&descriptor("Component", "type: x, lifecycle: x, owner: a, dependsOn: [b]")), @"spec.dependsOn[0] reference-kind: `b` names no kind, and `spec.dependsOn[0]` may lead to any");
    assert_snapshot!(relations(&descriptor("Component", "type: x, lifecycle: x, owner: { kind: Group, name: a }")), @"spec.owner wrong-type: `spec.owner` must be a string, and is an object");
}

/// What `$text` and its kin find.
struct Files;

impl Substitutions for Files {
    fn load(&self, target: &str) -> Result<Vec<u8>, String> {
        let text = match target {
            "text" => "one\n---\ntwo",
            "yaml" => "a: [1, { b: ~ }]",
            "two.yaml" => "a: 1\n---\nb: 2",
            "bad.yaml" => "a: [",
            "json" => r#"{ "a": 1.5, "$text": "text" }"#,
            "deep.json" => return Ok(["[".repeat(110), "]".repeat(110)].concat().into_bytes()),
            _ => return Err("there is no such file".to_owned()),
        };
        Ok(text.as_bytes().to_vec())
    }
}

#[test]
fn substitutions_stand_for_what_they_name() {
    let spec = "owner: a, domain: d,
      x: [{ $text: text }, { $yaml: yaml }, { $json: json }], one: { $text: text, more: 1 }, unknown: { $ref: x },
      list: { $text: [text] }, within: { $unknown: { $text: text } }, definition: { $asyncapi: text }";
    let text = descriptor("System", spec);
    let reading = catalog::read(model(), text.as_bytes(), &Files);
    let spec = &reading.entities[0].descriptor["spec"];
    assert_snapshot!(spec, @r#"{"owner":"a","domain":"d","x":["one\n---\ntwo",{"a":[1,{"b":null}]},{"a":1.5,"$text":"text"}],"one":{"$text":"text","more":1},"unknown":{"$ref":"x"},"list":{"$text":["text"]},"within":{"$unknown":{"$text":"text"}},"definition":"one\n---\ntwo"}"#);
    assert_snapshot!(format!("{:?}", reading.includes), @r#"["text", "yaml", "json"]"#);
    let problems = |spec: &str| {
        let text = descriptor("System", &format!("owner: a, x: {spec}"));
        let reading = catalog::read(model(), text.as_bytes(), &Files);
        let messages: Vec<_> = reading
            .problems
            .iter()
            .map(|problem| problem.message.as_str())
            .collect();
        format!("{} {}", reading.entities.len(), messages.join("; "))
    };
    assert_snapshot!(problems("{ $text: gone }"), @"0 `gone` cannot be filled in: there is no such file");
    assert_snapshot!(problems("{ $yaml: two.yaml }"), @"0 `two.yaml` cannot be filled in: it has 2 YAML documents, and must have one");
    assert_snapshot!(problems("{ $yaml: bad.yaml }"), @"0 `bad.yaml` cannot be filled in: line 2, column 1: the YAML cannot be read: while parsing a node, did not find expected node content");
    assert_snapshot!(problems("{ $json: text }"), @"0 `text` cannot be filled in: it is no JSON: expected value at line 1 column 1");
    assert_snapshot!(problems("{ $json: deep.json }"), @"0 `deep.json` cannot be filled in: it is nested deeper than 100 levels");
    assert_snapshot!(problems("{ $openapi: text }"), @"1");
}

/// Also a document that ends in a syntax error says which entity it is about, so that the last good version can stay.
#[test]
fn broken_documents_tell_what_they_are() {
    let failed = |text: &str| {
        let reading = catalog::read(model(), text.as_bytes(), &NoSubstitutions);
        format!("{:?}", reading.failed)
    };
    let good = descriptor("System", "owner: a");
    assert_snapshot!(failed(&good.replace("owner: a", "owner: [a")), @"[Failed { document: 0, entity_ref: Some(`system:shop/self`) }]");
    assert_snapshot!(failed(&good.replace("owner: a", "owner: 1")), @"[Failed { document: 0, entity_ref: Some(`system:shop/self`) }]");
    assert_snapshot!(failed("kind: System\nmetadata:\n  name: x\n  bad\n"), @"[Failed { document: 0, entity_ref: Some(`system:default/x`) }]");
    assert_snapshot!(failed("metadata: {"), @"[Failed { document: 0, entity_ref: None }]");
}

/// Every document is an entity or failed, a failed one has an error, and what was read can be emitted.
fn is_sound(model: &Model, bytes: &[u8]) -> Reading {
    let reading = catalog::read(model, bytes, &Files);
    let n_read = reading.entities.len() + reading.failed.len();
    assert_eq!(u32::try_from(n_read).unwrap(), reading.documents);
    let errors = || {
        reading
            .problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
    };
    for failed in &reading.failed {
        assert!(
            errors().any(|error| error.document == Some(failed.document)),
            "{failed:?}"
        );
    }
    for entity in &reading.entities {
        assert!(
            !errors().any(|error| error.document == Some(entity.document)),
            "{entity:?}"
        );
        let emitted =
            catalog::relations(model, &entity.entity_ref, entity.kind, &entity.descriptor);
        for relation in BTreeSet::from_iter(emitted) {
            assert!(relation.source == entity.entity_ref || relation.target == entity.entity_ref);
        }
    }
    let n_lines = bytes
        .iter()
        .filter(|byte| matches!(byte, b'\n' | b'\r'))
        .count()
        + 1;
    for problem in &reading.problems {
        let line = problem.span.unwrap_or_default().start.line;
        assert!(usize::try_from(line).unwrap() <= n_lines + 1, "{problem:?}");
        assert!(
            catalog::CODES.iter().any(|(code, _)| *code == problem.code),
            "{problem:?}"
        );
    }
    reading
}

/// What a mutation puts into a good file.
const PIECES: &[&str] = &[
    "---\n",
    "...\n",
    "\n",
    "  ",
    "\t",
    ":",
    ": ",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "#",
    "&a ",
    "*a",
    "<<: *a\n",
    "!",
    "!!int ",
    "%YAML 1.2\n",
    "\0",
    "\u{FEFF}",
    "\r",
    "\u{85}",
    "~",
    "{ $yaml: yaml }",
    "$text",
    "kind: ",
    "é",
];

fn good_file() -> String {
    let component = "type: service, lifecycle: production, owner: a, dependsOn: ['resource:db']";
    let text = descriptor("Component", component).replace(
        "name: Self",
        "name: &a Self, tags: [a, b], labels: { x: y }",
    );
    let block = "---\napiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: x\n  description: |\n    one\n    two\n  links:\n    - url: https://example.com\nspec:\n  owner: 'a'\n";
    format!("{text}{block}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        is_sound(model(), &bytes);
    }

    #[test]
    fn any_characters_of_yaml(text in "[-a:?,\\[\\]{}#&*!|>'\"%@` \n\t0.~<é]{0,200}") {
        is_sound(model(), text.as_bytes());
    }

    #[test]
    fn mutated_files(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..12, prop::sample::select(PIECES)), 1..6)
    ) {
        let mut text = good_file();
        for (at, n_removed, piece) in edits {
            let starts: Vec<usize> = text.char_indices().map(|(byte, _)| byte).collect();
            let first = at.index(starts.len());
            let end = starts.get(first + n_removed).copied().unwrap_or(text.len());
            text.replace_range(starts[first]..end, piece);
        }
        is_sound(model(), text.as_bytes());
    }

    #[test]
    fn a_broken_neighbour_changes_nothing(broken in "[-a:?,\\[\\]{}#&*!|>'\"@` \n0~]{0,60}") {
        prop_assume!(!broken.lines().any(|line| line.starts_with("---")));
        let good = descriptor("System", "owner: a");
        let text = format!("{good}---\n{broken}\n---\n{}", good.replace("Self", "other"));
        let reading = is_sound(model(), text.as_bytes());
        let wanted = [EntityRef::new("System", "shop", "self"), EntityRef::new("System", "shop", "other")];
        for entity_ref in wanted {
            prop_assert!(reading.entities.iter().any(|entity| entity.entity_ref == entity_ref));
        }
    }
}
