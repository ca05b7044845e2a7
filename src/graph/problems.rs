//! Problems by the file that they were seen in, and by the entity that they are about.

use std::cmp::Ordering;
use std::sync::Arc;

use super::ProblemRecord;
use super::tree::Tree;

type Name = Arc<str>;

/// All problems.
#[derive(Clone, Debug, Default)]
pub(super) struct Problems {
    /// By source and file.
    files: Tree<File>,
    /// Which files hold problems of an entity.
    entities: Tree<About>,
    count: usize,
}

#[derive(Clone, Debug)]
struct File {
    source: Name,
    file: Name,
    problems: Arc<[ProblemRecord]>,
}

#[derive(Clone, Debug)]
struct About {
    entity_ref: Name,
    source: Name,
    file: Name,
}

impl Problems {
    /// Takes problems of any files.
    pub(super) fn build(mut problems: Vec<ProblemRecord>) -> Self {
        problems
            .sort_by(|left, right| (&left.source, &left.file).cmp(&(&right.source, &right.file)));
        let mut all = Self::default();
        let same = |left: &ProblemRecord, right: &ProblemRecord| {
            left.source == right.source && left.file == right.file
        };
        for of_file in problems.chunk_by(same) {
            let first = &of_file[0];
            all.replace(&first.source, &first.file, of_file.to_vec());
        }
        all
    }

    /// Replaces what is known of one file.
    pub(super) fn replace(&mut self, source: &Name, file: &Name, mut problems: Vec<ProblemRecord>) {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        let found = |other: &File| (&*other.source, &*other.file).cmp(&(&**source, &**file));
        let old = self.files.remove(found);
        let old = old.map_or_else(|| Arc::from([]), |old| old.problems);
        self.count = self.count - old.len() + problems.len();
        for entity_ref in old.iter().filter_map(|problem| problem.entity_ref.as_ref()) {
            let about = about(entity_ref.as_str(), source, file);
            self.entities.remove(|other| other.compare(&about));
        }
        for entity_ref in problems
            .iter()
            .filter_map(|problem| problem.entity_ref.as_ref())
        {
            let about = about(entity_ref.as_str(), source, file);
            self.entities
                .insert(about.clone(), |other| other.compare(&about));
        }
        if !problems.is_empty() {
            let next = File {
                source: Arc::clone(source),
                file: Arc::clone(file),
                problems: problems.into(),
            };
            self.files.insert(next, found);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ProblemRecord> {
        self.files.iter().flat_map(|file| file.problems.iter())
    }

    /// Whether there is any about an entity.
    pub(super) fn knows(&self, entity_ref: &str) -> bool {
        let first = self.entities.from(|about| *about.entity_ref < *entity_ref);
        let mut first = first.take(1);
        first.any(|about| *about.entity_ref == *entity_ref)
    }

    pub(super) fn of(&self, entity_ref: &str) -> Vec<&ProblemRecord> {
        let files = self
            .entities
            .from(|about| *about.entity_ref < *entity_ref)
            .take_while(|about| *about.entity_ref == *entity_ref);
        let files = files.filter_map(|about| {
            let key = (&*about.source, &*about.file);
            self.files
                .get(|file| (&*file.source, &*file.file).cmp(&key))
        });
        let own = |problem: &&ProblemRecord| {
            problem
                .entity_ref
                .as_ref()
                .is_some_and(|own| own.as_str() == entity_ref)
        };
        files
            .flat_map(|file| file.problems.iter())
            .filter(own)
            .collect()
    }
}

fn about(entity_ref: &str, source: &Name, file: &Name) -> About {
    About {
        entity_ref: entity_ref.into(),
        source: Arc::clone(source),
        file: Arc::clone(file),
    }
}

impl About {
    fn compare(&self, other: &Self) -> Ordering {
        (&self.entity_ref, &self.source, &self.file).cmp(&(
            &other.entity_ref,
            &other.source,
            &other.file,
        ))
    }
}
