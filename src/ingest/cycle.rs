//! Files that lead back to themselves through `Location`s: each is read once, and one target of the cycle is blamed.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// The targets that close a cycle, with the files that they stand in.
///
/// Looked for from `starts` on, so that what leads back is found, and not what leads there.
pub(crate) fn closing<N: Clone + Eq + Hash + Ord, T: Clone>(
    starts: impl Iterator<Item = N>,
    edges: Vec<(N, T, N)>,
) -> Vec<(N, T)> {
    let mut next: HashMap<N, Vec<(T, N)>> = HashMap::new();
    for (from, target, to) in edges {
        next.entry(from).or_default().push((target, to));
    }
    let mut inner: Vec<_> = next.keys().cloned().collect();
    inner.sort();
    let mut found = Vec::new();
    let mut done = HashSet::new();
    for start in starts.chain(inner) {
        if done.contains(&start) {
            continue;
        }
        let mut trail = vec![(start, 0)];
        while let Some((file, position)) = trail.last_mut() {
            let Some((target, to)) = next.get(file).and_then(|targets| targets.get(*position))
            else {
                done.insert(file.clone());
                trail.pop();
                continue;
            };
            *position += 1;
            let file = file.clone();
            if trail.iter().any(|(on_trail, _)| on_trail == to) {
                found.push((file, target.clone()));
            } else if !done.contains(to) {
                trail.push((to.clone(), 0));
            }
        }
    }
    found
}
