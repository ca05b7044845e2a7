//! Following the targets of `Location` entities.

use std::sync::Arc;

use super::{Job, Run};
use crate::catalog::EntityRef;
use crate::diagnostic::Severity;
use crate::graph::ProblemRecord;
use crate::ingest::cycle::closing;
use crate::ingest::links::{Target, unread_type};
use crate::ingest::place::{Led, Refusal};

/// How many steps of `Location`s lead to a file at most.
const MAX_DEPTH: u32 = 32;

impl Run<'_> {
    /// Follows the targets of the `Location`s in a file.
    pub(super) fn follow(&mut self, name: &Arc<str>, job: &Job) {
        let learned = self
            .outcome
            .learned
            .last()
            .filter(|(known, _)| known == name);
        let known = match learned {
            Some((_, Some(known))) => known,
            _ => match self.scan.known.get(name) {
                Some(known) => known,
                None => return,
            },
        };
        for target in known.links.targets.clone() {
            self.follow_target(name, job, &target);
        }
    }

    fn follow_target(&mut self, name: &Arc<str>, job: &Job, target: &Target) {
        if target.kind != "file" {
            let (code, message, hint) = unread_type(&target.kind);
            return self.blame(name, target, Severity::Info, code, message, hint);
        }
        if job.depth >= MAX_DEPTH {
            let message = format!(
                "`{}` is more than {MAX_DEPTH} steps away from the source's own files",
                target.target
            );
            let hint = "name the file nearer to the root, or in the source's `path`";
            return self.blame(
                name,
                target,
                Severity::Error,
                "location-depth",
                message,
                hint,
            );
        }
        let folder = job.path.parent().unwrap_or(&self.place.root);
        match self.place.follow(folder, &target.target) {
            Ok(Led::File(path)) => {
                if let Some(to) = self.place.name(&path) {
                    self.edges
                        .push((Arc::clone(name), target.clone(), to.into()));
                }
                self.enqueue(path, job.depth + 1, false);
            }
            Ok(Led::Files(walk)) => {
                for (path, refusal) in walk.refused {
                    self.refuse(&path, &refusal, Severity::Warning);
                }
                for path in walk.files {
                    self.enqueue(path, job.depth + 1, false);
                }
            }
            Err(refusal) => {
                // It matters when it comes.
                let path = self.place.target(folder, &target.target).ok();
                self.outcome.missing.extend(path);
                let absent = matches!(refusal, Refusal::Missing(_) | Refusal::NoMatch(_));
                if !(absent && target.optional) {
                    self.blame_refusal(name, target, &refusal);
                }
            }
        }
    }

    fn blame_refusal(&mut self, name: &Arc<str>, target: &Target, refusal: &Refusal) {
        let code = match refusal {
            Refusal::Outside(_) => refusal.code(),
            _ => "location-target",
        };
        let message = refusal.to_string();
        let hint = refusal.hint();
        self.blame(name, target, Severity::Error, code, message, hint);
    }

    fn blame(
        &mut self,
        name: &Arc<str>,
        target: &Target,
        severity: Severity,
        code: &str,
        message: String,
        hint: &str,
    ) {
        let problem = ProblemRecord {
            field: Some(target.field.as_str().into()),
            line: Some(target.line),
            column: target.column,
            entity_ref: Some(EntityRef::from_canonical(target.entity_ref.as_str())),
            ..self.scan.problem(name, severity, code, message, hint)
        };
        self.links
            .entry(Arc::clone(name))
            .or_default()
            .push(problem);
    }

    /// Blames one target of each cycle.
    pub(super) fn find_cycles(&mut self) {
        let edges = std::mem::take(&mut self.edges);
        let starts = self.own.clone().into_iter();
        for (file, target) in closing(starts, edges) {
            let message = format!(
                "`{}` leads back to this file: a cycle of locations",
                target.target
            );
            let hint = "remove this target; every file of the cycle is read once";
            self.blame(
                &file,
                &target,
                Severity::Warning,
                "location-cycle",
                message,
                hint,
            );
        }
    }
}
