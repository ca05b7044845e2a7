//! Which `$names` an expression may read, by where it stands.

use apollo_compiler::Node;
use apollo_compiler::ast::Value;

use crate::diagnostic::closest;
use crate::sdl::expr::Read;
use crate::sdl::source::Sources;

/// Names that the engine gives; no `let` may take one.
pub(super) const RESERVED: [&str; 9] = [
    "this", "entity", "args", "batch", "viewer", "config", "secret", "body", "headers",
];

/// What stands for something in one place.
#[derive(Clone, Default)]
pub(super) struct Names {
    /// Engine names, without `$`; empty for `$` itself.
    pub(super) roots: Vec<&'static str>,
    pub(super) lets: Vec<String>,
    /// The arguments that `$args` may name; one set for each field that may be fetched.
    pub(super) args: Vec<Vec<String>>,
    /// Whether `$batch.key` stands for something.
    pub(super) batch: bool,
}

impl Names {
    pub(super) fn of(roots: &[&'static str]) -> Self {
        Self {
            roots: roots.to_vec(),
            ..Self::default()
        }
    }

    /// Reports what `reads` names that stands for nothing here; `value` is the string that holds the expression.
    pub(super) fn check(&self, value: &Node<Value>, reads: &[Read], sources: &mut Sources) {
        for read in reads {
            if let Some((code, message, hint)) = self.problem(read) {
                let mut problem = sources.error(code, value.location(), message);
                problem.hint = hint;
                let offset = value.as_str().and_then(|text| offset_of(text, read));
                if let Some((_, span)) =
                    offset.and_then(|offset| sources.place_in_string(value, offset))
                {
                    problem.span = Some(span);
                }
                sources.add(problem);
            }
        }
    }

    fn problem(&self, read: &Read) -> Option<(&'static str, String, Option<String>)> {
        let root = &*read.root;
        if root == "args" && self.roots.contains(&"args") {
            return self.argument(read);
        }
        let is_let = self.lets.iter().any(|name| name == root);
        if is_let || (self.roots.contains(&root) && (root != "batch" || self.batch)) {
            return None;
        }
        Some(match root {
            "secret" => (
                "misplaced-secret",
                "a secret is read outside `auth`, `headers` and `signature`".to_owned(),
                Some("settings that may be seen are `$config`".to_owned()),
            ),
            "batch" if self.roots.contains(&"batch") => (
                "unknown-variable",
                "`$batch` is read without a `batch`".to_owned(),
                Some("add `batch: { style: …, key: … }`".to_owned()),
            ),
            _ => self.unknown(root),
        })
    }

    fn unknown(&self, root: &str) -> (&'static str, String, Option<String>) {
        let known = || {
            self.roots
                .iter()
                .copied()
                .chain(self.lets.iter().map(String::as_str))
        };
        let hint = match closest(root, known().filter(|name| !name.is_empty())) {
            Some(candidate) => format!("did you mean `${candidate}`?"),
            None => {
                let names: Vec<String> = known().map(|name| format!("`${name}`")).collect();
                format!("this place knows {}", names.join(", "))
            }
        };
        let message = match RESERVED.contains(&root) || root.is_empty() {
            true => format!("`${root}` stands for nothing here"),
            false => format!("unknown name `${root}`"),
        };
        ("unknown-variable", message, Some(hint))
    }

    fn argument(&self, read: &Read) -> Option<(&'static str, String, Option<String>)> {
        let name = read.path.first()?;
        let known = || self.args.iter().flatten().map(String::as_str);
        if known().any(|known| known == &**name) {
            return None;
        }
        let hint =
            closest(name, known()).map(|candidate| format!("did you mean `$args.{candidate}`?"));
        let message = format!("unknown argument `$args.{name}`");
        Some(("unknown-variable", message, hint))
    }
}

/// The character at which a name is read, as far as that can be told.
fn offset_of(text: &str, read: &Read) -> Option<usize> {
    let sign = format!("${}", read.root);
    let exact = read.path.first().map(|step| format!("{sign}.{step}"));
    let byte = exact
        .and_then(|exact| text.find(&exact))
        .or_else(|| text.find(&sign))?;
    text.get(..byte).map(|before| before.chars().count())
}
