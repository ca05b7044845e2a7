//! Following the targets of `Location` entities.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::{Job, Run, reason};
use crate::catalog::EntityRef;
use crate::diagnostic::Severity;
use crate::graph::ProblemRecord;
use crate::ingest::links::Target;
use crate::ingest::place::{Refusal, glob, is_glob};
use crate::ingest::walk::Walk;

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
            let message = format!("targets of type `{}` are not read", target.kind);
            let hint = "`type: file` with a path relative to this file is read";
            return self.blame(name, target, Severity::Info, "location-type", message, hint);
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
        let path = match self.place.target(folder, &target.target) {
            Ok(path) => path,
            Err(refusal) => return self.blame_refusal(name, target, &refusal),
        };
        if is_glob(Path::new(&target.target)) && !path.exists() {
            return self.follow_glob(name, job, target, &path);
        }
        match self.place.real(&path, &target.target) {
            Ok(_) => {
                if let Some(to) = self.place.name(&path) {
                    self.edges
                        .push((Arc::clone(name), target.clone(), to.into()));
                }
                self.enqueue(path, job.depth + 1);
            }
            Err(Refusal::Missing(_)) if target.optional => self.outcome.missing.push(path),
            Err(refusal) => {
                self.outcome.missing.push(path);
                self.blame_refusal(name, target, &refusal);
            }
        }
    }

    fn follow_glob(&mut self, name: &Arc<str>, job: &Job, target: &Target, path: &Path) {
        let matcher = match glob(&path.to_string_lossy()) {
            Ok(matcher) => matcher,
            Err(error) => {
                let message = format!("`{}` is no glob: {}", target.target, error.kind());
                let hint = "look at the brackets and braces of the pattern";
                return self.blame(
                    name,
                    target,
                    Severity::Error,
                    "location-target",
                    message,
                    hint,
                );
            }
        };
        let folder = path
            .ancestors()
            .find(|ancestor| !is_glob(ancestor))
            .unwrap_or(&self.place.root);
        let walk = Walk::below(self.place, folder, &|path| matcher.is_match(path));
        if walk.files.is_empty() && !target.optional {
            let message = format!("no file matches `{}`", target.target);
            let hint = "correct the pattern, or write `presence: optional` if there may be none";
            self.blame(
                name,
                target,
                Severity::Error,
                "location-target",
                message,
                hint,
            );
        }
        for (path, refusal) in walk.refused {
            self.refuse(&path, &refusal, Severity::Warning);
        }
        for path in walk.files {
            self.enqueue(path, job.depth + 1);
        }
    }

    fn blame_refusal(&mut self, name: &Arc<str>, target: &Target, refusal: &Refusal) {
        let (code, hint) = reason(refusal);
        let code = if code == "outside-root" {
            code
        } else {
            "location-target"
        };
        let message = refusal.to_string();
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

    /// Files that lead back to themselves: each is read once, and one target of the cycle is blamed.
    pub(super) fn find_cycles(&mut self) {
        let mut next: HashMap<Arc<str>, Vec<(Target, Arc<str>)>> = HashMap::new();
        for (from, target, to) in std::mem::take(&mut self.edges) {
            next.entry(from).or_default().push((target, to));
        }
        // From the source's own files on, so that what leads back is blamed, and not what leads there.
        let mut inner: Vec<_> = next.keys().cloned().collect();
        inner.sort();
        let starts = self.own.iter().cloned().chain(inner).collect::<Vec<_>>();
        let mut done = HashSet::new();
        for start in starts {
            if done.contains(&start) {
                continue;
            }
            let mut trail = vec![(Arc::clone(&start), 0)];
            while let Some((file, position)) = trail.last_mut() {
                let Some((target, to)) = next.get(file).and_then(|targets| targets.get(*position))
                else {
                    done.insert(Arc::clone(file));
                    trail.pop();
                    continue;
                };
                *position += 1;
                let file = Arc::clone(file);
                if trail.iter().any(|(on_trail, _)| on_trail == to) {
                    let message = format!(
                        "`{}` leads back to this file: a cycle of locations",
                        target.target
                    );
                    let hint = "remove this target; every file of the cycle is read once";
                    self.blame(
                        &file,
                        target,
                        Severity::Warning,
                        "location-cycle",
                        message,
                        hint,
                    );
                } else if !done.contains(to) {
                    trail.push((Arc::clone(to), 0));
                }
            }
        }
    }
}
