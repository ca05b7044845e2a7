//! Real descriptors from public repositories: our verdict on each document is the one that Backstage's own validator gave, but for the differences listed here.
//!
//! The files are other people's and stay outside of the repository: `../shared/corpus`, or the folder that `CALLBOARD_SHARED` names.

#![expect(clippy::print_stderr, reason = "what a failing test found")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use callboard::catalog::{self, NoSubstitutions};
use callboard::diagnostic::Severity;
use callboard::sdl::{self, Model};
use serde_json::Value;

use crate::support::say;

/// Documents that we judge otherwise, with the reason that follows from the record's own limits or from what we do better.
const DIFFERENCES: &[Difference] = &[
    (
        "a reference without a kind in `dependsOn` or `dependencyOf`: the recorded validator looks at the shape alone, the Backstage server refuses the entity when it makes relations",
        Verdict::Refused,
        &[
            ("derived/crlf__Kajabi__sage-lib__docs__catalog-info.yaml", 0),
            (
                "derived/no-final-newline-nul__pixlise__core__api__catalog-info.yaml",
                0,
            ),
            ("files/Kajabi__sage-lib__docs__catalog-info.yaml", 0),
            ("files/pixlise__core__api__catalog-info.yaml", 0),
        ],
    ),
    (
        "a `$yaml` whose file is not in the corpus: the recorded validator fills in nothing and lets the object pass",
        Verdict::Refused,
        &[
            (
                "files/DEFRA__adp-software-templates__templates__adp-backend-template-node__template.dev.yaml",
                0,
            ),
            (
                "files/DEFRA__adp-software-templates__templates__adp-empty-project-template__template.dev.yaml",
                0,
            ),
            (
                "files/DEFRA__adp-software-templates__templates__adp-empty-project-template__template.yaml",
                0,
            ),
            (
                "files/DEFRA__adp-software-templates__templates__adp-frontend-template-node__template.dev.yaml",
                0,
            ),
            (
                "files/DEFRA__adp-software-templates__templates__adp-helm-only-template__template.dev.yaml",
                0,
            ),
            (
                "files/DEFRA__adp-software-templates__templates__adp-helm-only-template__template.yaml",
                0,
            ),
            (
                "files/PHACDataHub__sci-portal__backstage__templates__project-create__template.yaml",
                0,
            ),
            (
                "files/ibm-messaging__mq-dev-patterns__backstage__catalog-info.yaml",
                10,
            ),
            (
                "files/ibm-messaging__mq-dev-patterns__backstage__catalog-info.yaml",
                11,
            ),
            (
                "files/ibm-messaging__mq-dev-patterns__backstage__catalog-info.yaml",
                12,
            ),
            (
                "files/ibm-messaging__mq-dev-patterns__backstage__catalog-info.yaml",
                13,
            ),
            (
                "files/ibm-messaging__mq-dev-patterns__backstage__catalog-info.yaml",
                14,
            ),
            (
                "files/ibm-messaging__mq-dev-patterns__backstage__catalog-info.yaml",
                15,
            ),
        ],
    ),
    (
        "a kind that no schema declares is served as `GenericEntity`",
        Verdict::Accepted,
        &[(
            "files/brnorg__backstage-template__plugins__catalog__entities__service.yaml",
            0,
        )],
    ),
];

/// The reason, our verdict, and the files with the number of the document.
type Difference = (&'static str, Verdict, &'static [(&'static str, u64)]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Accepted,
    Refused,
}

type Verdicts = BTreeSet<(String, u64, Verdict)>;

/// The corpus, if this machine has it.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let named = std::env::var("CALLBOARD_SHARED").ok().map(PathBuf::from);
    let folder = named.unwrap_or(beside).join("corpus/descriptors");
    folder.join("index.json").exists().then_some(folder)
}

#[test]
fn verdicts_on_real_descriptors_are_those_of_backstage() {
    let Some(folder) = corpus() else {
        say("SKIPPED: no descriptors in ../shared/corpus (CALLBOARD_SHARED names another folder)");
        return;
    };
    let (model, problems) = sdl::load(&sdl::core_files());
    assert_eq!(problems, []);
    let model = model.unwrap();
    let mut unlike = Verdicts::new();
    let recorded = read_json(&folder.join("index.json"));
    for entry in recorded.as_array().unwrap() {
        let mut refused: BTreeSet<u64> = entry["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["doc"].as_u64().unwrap())
            .collect();
        // the record does not say which documents; there are only files of one document with one
        if entry["backstage_validation"]["unknown_kind"].is_u64() {
            refused.insert(0);
        }
        compare(&model, &folder, entry, &refused, &mut unlike);
    }
    let derived = read_json(&folder.join("derived-index.json"));
    for entry in derived["items"].as_array().unwrap() {
        let oracle = entry["oracle"].as_array().unwrap().iter().zip(0..);
        let refused = oracle
            .filter(|(verdict, _)| !matches!(verdict.as_str(), Some("ok" | "empty")))
            .map(|(_, index)| index)
            .collect();
        compare(&model, &folder, entry, &refused, &mut unlike);
    }
    let expected: Verdicts = DIFFERENCES
        .iter()
        .flat_map(|(_, verdict, documents)| {
            let listed = |(file, document): &(&str, u64)| ((*file).to_owned(), *document, *verdict);
            documents.iter().map(listed)
        })
        .collect();
    let unlisted: Vec<_> = unlike.difference(&expected).collect();
    let outdated: Vec<_> = expected.difference(&unlike).collect();
    assert!(
        unlisted.is_empty(),
        "other verdicts than Backstage's: {unlisted:#?}"
    );
    assert!(
        outdated.is_empty(),
        "listed, and no longer true: {outdated:#?}"
    );
}

/// Notes the documents of one file that are judged otherwise than recorded.
fn compare(
    model: &Model,
    folder: &Path,
    entry: &Value,
    refused: &BTreeSet<u64>,
    unlike: &mut Verdicts,
) {
    let file = entry["file"].as_str().unwrap();
    let Ok(bytes) = std::fs::read(folder.join(file)) else {
        eprintln!("`{file}` is recorded, and not here");
        return;
    };
    // the record was made without substitutions: an object stands where a text must be
    let reading = catalog::read(model, &bytes, &NoSubstitutions);
    let mut ours: BTreeSet<u64> = reading
        .failed
        .iter()
        .map(|failed| u64::from(failed.document))
        .collect();
    if reading.documents == 0 && !reading.problems.is_empty() {
        ours.insert(0);
    }
    for problem in &reading.problems {
        let at = problem.span.unwrap_or_default().start;
        if problem
            .document
            .is_some_and(|index| !refused.contains(&u64::from(index)))
            && problem.severity == Severity::Error
        {
            // seen only when the test fails
            eprintln!("{file}:{}:{}: {}", at.line, at.column, problem.message);
        }
    }
    for document in ours.difference(refused) {
        unlike.insert((file.to_owned(), *document, Verdict::Refused));
    }
    for document in refused.difference(&ours) {
        unlike.insert((file.to_owned(), *document, Verdict::Accepted));
    }
    if let Some(recorded) = entry["backstage_validation"].as_object() {
        let empty = recorded
            .get("empty")
            .map_or(0, |count| count.as_u64().unwrap());
        let documents = entry["documents"].as_u64().unwrap() - empty;
        assert_eq!(u64::from(reading.documents), documents, "{file}");
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
