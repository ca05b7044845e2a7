//! Which operations a changed schema no longer answers.
//!
//! The files of a folder are judged together, as a build of a client puts them together: a fragment may stand in another file than what spreads it.
//! Names of operations and fragments are therefore unique in the folder; only operations without a name stand alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use apollo_compiler::ast::{Definition, Document, Selection};
use apollo_compiler::diagnostic::ToCliReport as _;
use apollo_compiler::parser::{Parser, SourceSpan};
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{Name, Schema};

use crate::diagnostic::{Diagnostic, Position, Span};
use crate::sdl::{Model, SdlFile};

/// The codes of [`broken`], with what they mean.
pub const OPERATION_CODES: &[(&str, &str)] = &[
    (
        "broken-operation",
        "an operation was answered by the old schema, and is not by the new one",
    ),
    (
        "duplicate-operation",
        "two operations, or two fragments, have one name",
    ),
    (
        "invalid-operation",
        "an operation that the old schema did not answer either",
    ),
];

/// Judges the documents of clients by two schemas, as printed; `None` if one of these cannot be read.
pub fn broken(old: &SdlFile, new: &SdlFile, documents: &[SdlFile]) -> Option<Vec<Diagnostic>> {
    let schema = |file: &SdlFile| Schema::parse_and_validate(&*file.text, &*file.path).ok();
    let (old, new) = (schema(old)?, schema(new)?);
    let folder = Folder::read(documents);
    let mut found = folder.duplicates();
    for file in &folder.files {
        let before = folder.problems(file, &old, "invalid-operation");
        if before.is_empty() {
            found.extend(folder.problems(file, &new, "broken-operation"));
            continue;
        }
        let hint = "it says nothing about the change: mend it or remove it";
        let warning = |problem: Diagnostic| {
            Diagnostic::warning(problem.code, problem.file, problem.message)
                .at(problem.span.unwrap_or_default())
                .hint(hint)
        };
        // One is enough to know that it is to be mended.
        found.extend(before.into_iter().take(1).map(warning));
    }
    // What is wrong in a fragment is wrong wherever it is spread.
    let mut seen = HashSet::new();
    found.retain(|problem| {
        seen.insert((
            Arc::clone(&problem.file),
            problem.span,
            problem.message.clone(),
        ))
    });
    Some(found)
}

/// What is wrong with a document by the schema of `model`.
pub fn invalid(model: &Model, document: &SdlFile) -> Vec<Diagnostic> {
    let folder = Folder::read(std::slice::from_ref(document));
    let files = folder.files.iter();
    files
        .flat_map(|file| folder.problems(file, &model.schema, "invalid-operation"))
        .collect()
}

/// Documents that are judged together.
struct Folder {
    files: Vec<File>,
}

struct File {
    path: Arc<str>,
    document: Document,
    /// It cannot be read as a whole.
    errors: Option<DiagnosticList>,
}

impl Folder {
    fn read(documents: &[SdlFile]) -> Self {
        let read = |file: &SdlFile| {
            let (document, errors) = match Parser::new().parse_ast(&*file.text, &*file.path) {
                Ok(document) => (document, None),
                Err(failed) => (failed.partial, Some(failed.errors)),
            };
            File {
                path: Arc::clone(&file.path),
                document,
                errors,
            }
        };
        Self {
            files: documents.iter().map(read).collect(),
        }
    }

    /// Names that two files give; what one file says twice is found when it is judged.
    fn duplicates(&self) -> Vec<Diagnostic> {
        let mut known: HashMap<(bool, &Name), &File> = HashMap::new();
        let mut found = Vec::new();
        for file in &self.files {
            for definition in &file.document.definitions {
                let Some((fragment, name)) = named(definition) else {
                    continue;
                };
                let first = *known.entry((fragment, name)).or_insert(file);
                if std::ptr::eq(first, file) {
                    continue;
                }
                let what = if fragment { "fragment" } else { "operation" };
                let message = format!("the {what} `{name}` is in `{}` as well", first.path);
                let problem =
                    Diagnostic::error("duplicate-operation", Arc::clone(&file.path), message)
                        .hint("rename one of them: the files of a folder are put together");
                found.push(match self.place(name.location()) {
                    Some((_, span)) => problem.at(span),
                    None => problem,
                });
            }
        }
        found
    }

    /// What is wrong with one file, and with the fragments of others that it needs.
    fn problems(&self, file: &File, schema: &Valid<Schema>, code: &'static str) -> Vec<Diagnostic> {
        if let Some(errors) = &file.errors {
            return self.listed(errors, file, code);
        }
        match self.whole(file).to_executable_validate(schema) {
            Ok(_) => Vec::new(),
            Err(invalid) => self.listed(&invalid.errors, file, code),
        }
    }

    /// A file's definitions with the fragments that they spread, near and far.
    fn whole(&self, file: &File) -> Document {
        let mut document = file.document.clone();
        let mut fragments: HashMap<&Name, (&File, &Definition)> = HashMap::new();
        for other in &self.files {
            for definition in &other.document.definitions {
                if let Some((true, name)) = named(definition) {
                    fragments.entry(name).or_insert((other, definition));
                }
            }
        }
        let own = |name: &Name| {
            let mut names = file.document.definitions.iter().filter_map(named);
            names.any(|(fragment, own)| fragment && own == name)
        };
        let mut waiting: Vec<&Definition> = file.document.definitions.iter().collect();
        let mut taken: HashSet<&Name> = HashSet::new();
        while let Some(definition) = waiting.pop() {
            for name in spreads(definition) {
                if own(name) || !taken.insert(name) {
                    continue;
                }
                if let Some((other, definition)) = fragments.get(name) {
                    let sources = Arc::make_mut(&mut document.sources);
                    sources.extend(
                        other
                            .document
                            .sources
                            .iter()
                            .map(|(id, source)| (*id, Arc::clone(source))),
                    );
                    document.definitions.push((*definition).clone());
                    waiting.push(definition);
                }
            }
        }
        document
    }

    fn listed(&self, list: &DiagnosticList, file: &File, code: &'static str) -> Vec<Diagnostic> {
        // A fragment may be there for others.
        let counts = list
            .iter()
            .filter(|error| error.error.unstable_error_name() != Some("UnusedFragment"));
        let listed = counts.map(|error| {
            let place = self.place(error.error.location());
            let message = error.to_json().message;
            match place {
                Some((path, span)) => Diagnostic::error(code, path, message).at(span),
                None => Diagnostic::error(code, Arc::clone(&file.path), message),
            }
        });
        listed.collect()
    }

    fn place(&self, at: Option<SourceSpan>) -> Option<(Arc<str>, Span)> {
        let at = at?;
        let of = |file: &&File| file.document.sources.contains_key(&at.file_id());
        let file = self.files.iter().find(of)?;
        let start = at.line_column(&file.document.sources)?;
        let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let start = Position {
            line: narrow(start.line),
            column: narrow(start.column),
        };
        Some((Arc::clone(&file.path), Span { start, end: start }))
    }
}

/// The name of an operation or (true) of a fragment.
fn named(definition: &Definition) -> Option<(bool, &Name)> {
    match definition {
        Definition::OperationDefinition(operation) => Some((false, operation.name.as_ref()?)),
        Definition::FragmentDefinition(fragment) => Some((true, &fragment.name)),
        _ => None,
    }
}

fn spreads(definition: &Definition) -> Vec<&Name> {
    let mut waiting: Vec<&Selection> = match definition {
        Definition::OperationDefinition(operation) => operation.selection_set.iter().collect(),
        Definition::FragmentDefinition(fragment) => fragment.selection_set.iter().collect(),
        _ => Vec::new(),
    };
    let mut names = Vec::new();
    while let Some(selection) = waiting.pop() {
        match selection {
            Selection::Field(field) => waiting.extend(&field.selection_set),
            Selection::InlineFragment(inline) => waiting.extend(&inline.selection_set),
            Selection::FragmentSpread(spread) => names.push(&spread.fragment_name),
        }
    }
    names
}
