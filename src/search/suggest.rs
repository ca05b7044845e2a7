//! What somebody may mean: names for what is not all written yet, and words for slips.

use serde_json::Value;

use super::compile::{Compiler, Near};
use super::query::{Atom, Clause};
use super::terms::{JOINED, Stems};
use super::{Ask, Found, Search, SearchError, Understood};

/// What may be meant by what was written so far.
#[derive(Debug)]
pub struct Suggestion {
    /// The entity that it is, or belongs to.
    pub entity: u32,
    /// Of what is no entity: what is shown, and what it is called.
    pub node: Option<Value>,
    pub label: Option<String>,
}

impl Search {
    /// What has a name or a title with these words, the last of which may not be all there; most relevant first.
    pub fn suggest(&self, ask: &Ask<'_>) -> Result<Vec<Suggestion>, SearchError> {
        let Found { items, .. } = self.find(ask)?;
        let suggestions = items.into_iter().map(|item| {
            let label = item
                .node
                .as_ref()
                .and_then(|node| node.get("title").or_else(|| node.get("name")));
            Suggestion {
                entity: item.entity,
                label: label.and_then(Value::as_str).map(str::to_owned),
                node: item.node,
            }
        });
        Ok(suggestions.collect())
    }

    /// The query with known words in place of those that nothing has; `None` if it has none of those, or nothing is near.
    pub fn did_you_mean(
        &self,
        query: &str,
        understood: &Understood,
    ) -> Result<Option<String>, SearchError> {
        let unknown = &understood.compiled.unknown;
        let Some(reading) = self.0.current.load_full().filter(|_| !unknown.is_empty()) else {
            return Ok(None);
        };
        let compiler = Compiler {
            searcher: &reading.searcher,
            fields: &self.0.fields,
            weights: &reading.weights,
            stems: Stems::default(),
        };
        let mut changed = false;
        let mut words = Vec::new();
        let all = understood
            .query
            .clauses
            .iter()
            .filter_map(|clause| match clause {
                Clause::Any(atoms) => match atoms.as_slice() {
                    [Atom::Word(word)] => Some(&word.text),
                    _ => None,
                },
                Clause::Not(_) => None,
            });
        for word in all {
            let better = match unknown.contains(word) {
                true => nearest(&compiler, word)?,
                false => None,
            };
            changed |= better.is_some();
            words.push(better.unwrap_or_else(|| word.clone()));
        }
        let better = words.join(" ");
        Ok((changed && better != query).then_some(better))
    }
}

/// The word that is nearest, the most frequent of those.
fn nearest(compiler: &Compiler<'_>, word: &str) -> Result<Option<String>, SearchError> {
    let mut best: Option<(u64, String)> = None;
    let near = Near::of(word)?;
    for field in 0..compiler.weights.len() {
        for term in compiler.near(field, near.as_ref())? {
            let count = compiler.count(field, &term)?;
            if best.as_ref().is_none_or(|(most, _)| count > *most) {
                best = Some((count, term));
            }
        }
        if best.is_some() {
            // In the heaviest texts that know anything like it.
            break;
        }
    }
    Ok(best.map(|(_, term)| term.trim_start_matches(JOINED).to_owned()))
}
