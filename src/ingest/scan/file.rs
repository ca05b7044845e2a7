//! One file: whether it has changed, and what it says now.

use std::fs::Metadata;
use std::path::Path;
use std::sync::Arc;

use super::{Run, Scope};
use crate::catalog::{self, MAX_FILE_BYTES, TOO_LARGE_HINT, too_large};
use crate::diagnostic::Severity;
use crate::graph::ProblemRecord;
use crate::ingest::known::Known;
use crate::ingest::links::{Includes, Links, Target, hash};
use crate::ingest::place::Refusal;
use crate::ingest::stamp::Stamp;
use crate::ingest::walk::shown;
use crate::store::{Document, FileChange, Packed};

impl Run<'_> {
    /// Reads a file if it has changed, in what it says or in what it includes.
    ///
    /// `false`: it is a guess that looks like no descriptor, and is passed over.
    pub(super) fn read(&mut self, name: &Arc<str>, path: &Path, guess: bool) -> bool {
        let scan = self.scan;
        let known = scan
            .known
            .get(name)
            .filter(|known| known.model == scan.fingerprint);
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(source) => {
                self.unreadable(path, source);
                return true;
            }
        };
        let includes_changed = known.is_some_and(|known| self.includes_changed(known));
        let forced = scan.touched.contains(path) || matches!(scan.scope, Scope::Files(_));
        if let Some(known) = known
            && !forced
            && !includes_changed
            && known.stamp.is_of(&metadata, known.seen_at)
        {
            return true;
        }
        if guess && !forced && self.is_passed(path, &metadata) {
            return false;
        }
        if metadata.len() > MAX_FILE_BYTES as u64 {
            // A large file beside descriptors is nobody's business, a descriptor that has grown too large is.
            if guess && !self.groups.begin(path) {
                return false;
            }
            self.too_large(name, metadata.len());
            return true;
        }
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(source) => {
                self.unreadable(path, source);
                return true;
            }
        };
        self.outcome.files_read += 1;
        let stamp = Stamp::new(&metadata, hash(&bytes));
        let seen_at = scan.now.as_microsecond();
        if guess && !self.groups.are_in(&bytes) {
            self.outcome
                .passed
                .insert(path.to_path_buf(), (stamp, seen_at));
            return false;
        }
        if let Some(known) = known
            && known.stamp.hash == stamp.hash
            && !includes_changed
        {
            let known = Known {
                stamp,
                seen_at,
                ..known.clone()
            };
            self.outcome.learned.push((Arc::clone(name), Some(known)));
            return true;
        }
        self.parse(name, path, &bytes, stamp);
        true
    }

    /// Whether a file that was no descriptor is still as it was then.
    fn is_passed(&mut self, path: &Path, metadata: &Metadata) -> bool {
        let Some((stamp, seen_at)) = self.scan.passed.get(path) else {
            return false;
        };
        let same = stamp.is_of(metadata, *seen_at);
        if same {
            let passed = (stamp.clone(), *seen_at);
            self.outcome.passed.insert(path.to_path_buf(), passed);
        }
        same
    }

    fn includes_changed(&self, known: &Known) -> bool {
        known.links.includes.iter().any(|include| {
            let path = self.place.root.join(&include.file);
            let now = match self.place.real(&path, &include.file) {
                Ok(real) => std::fs::metadata(&real)
                    .ok()
                    .map(|metadata| (real, metadata)),
                Err(_) => None,
            };
            match (&include.stamp, now) {
                (None, None) => false,
                (Some(stamp), Some((real, metadata))) => {
                    let same =
                        !self.scan.touched.contains(&path) && stamp.is_of(&metadata, known.seen_at);
                    !same && std::fs::read(real).map_or(true, |bytes| hash(&bytes) != stamp.hash)
                }
                (None, Some(_)) | (Some(_), None) => true,
            }
        })
    }

    fn parse(&mut self, name: &Arc<str>, path: &Path, bytes: &[u8], stamp: Stamp) {
        self.outcome.files_parsed += 1;
        let folder = path.parent().unwrap_or(&self.place.root);
        let includes = Includes::new(self.place, folder);
        let reading = catalog::read(&self.scan.model, bytes, &includes);
        let links = Links {
            includes: includes.into_found(),
            targets: reading.targets.iter().map(Target::of).collect(),
        };
        let mut failed: Vec<_> = reading
            .failed
            .into_iter()
            .map(|failed| (failed.document, failed.entity_ref))
            .collect();
        let whole = |problem: &catalog::Problem| {
            problem.severity == Severity::Error && problem.document.is_none()
        };
        if reading.problems.iter().any(whole) {
            failed.push((0, None));
        }
        let entities = reading.entities.len() as u64;
        self.scan
            .progress
            .send_modify(|progress| progress.entities += entities);
        let documents: Vec<_> = reading
            .entities
            .into_iter()
            .map(|entity| Document {
                entity_ref: entity.entity_ref,
                document: entity.document,
                line: entity.line,
                packed: Packed::new(entity.descriptor),
            })
            .collect();
        let problems = reading.problems.into_iter();
        let problems = problems.map(|problem| self.record(name, problem)).collect();
        self.part_bytes += documents
            .iter()
            .map(|document| document.packed.bytes())
            .sum::<usize>();
        let known = Known {
            stamp,
            seen_at: self.scan.now.as_microsecond(),
            model: Arc::clone(&self.scan.fingerprint),
            links,
        };
        self.part.files.push(FileChange {
            file: Arc::clone(name),
            state: Some(known.state(self.scan.now)),
            documents,
            failed,
            problems,
        });
        self.outcome.learned.push((Arc::clone(name), Some(known)));
    }

    fn record(&self, file: &Arc<str>, problem: catalog::Problem) -> ProblemRecord {
        let start = problem.span.map(|span| span.start);
        ProblemRecord {
            severity: problem.severity,
            code: problem.code.into(),
            message: problem.message.into(),
            hint: problem.hint.map(Into::into),
            field: problem.field.map(Into::into),
            source: Arc::clone(&self.scan.source),
            file: Arc::clone(file),
            line: start.map(|start| start.line),
            column: start.map(|start| start.column),
            entity_ref: problem.entity_ref,
            seen_at: self.scan.now,
        }
    }

    fn unreadable(&mut self, path: &Path, source: std::io::Error) {
        let path_shown = shown(self.place, path);
        let refusal = Refusal::Unreadable {
            path: path_shown,
            source,
        };
        self.refuse(path, &refusal, Severity::Error);
    }

    fn too_large(&mut self, name: &Arc<str>, bytes: u64) {
        let problem = self.scan.problem(
            name,
            Severity::Error,
            "file-too-large",
            too_large(bytes),
            TOO_LARGE_HINT,
        );
        self.links
            .entry(Arc::clone(name))
            .or_default()
            .push(problem);
    }
}
