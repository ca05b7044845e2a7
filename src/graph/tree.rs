//! A sorted sequence as a B-tree with shared nodes: a change copies the nodes on one path, the rest stays shared with the state before.
//!
//! The tree does not know how its items compare: every operation is given a comparison, because items are often only indexes into something that holds the text.
//! Branches keep a copy of the first item below each child, and refresh it with every change on that path.

use std::cmp::Ordering;
use std::slice;
use std::sync::Arc;

use smallvec::SmallVec;

/// Most items in a leaf, and most children of a branch.
const MAX: usize = 64;

/// A sorted sequence of items.
#[derive(Clone, Debug)]
pub(super) struct Tree<T> {
    root: Arc<Node<T>>,
    len: usize,
}

#[derive(Clone, Debug)]
enum Node<T> {
    Leaf(Vec<T>),
    Branch(Vec<Child<T>>),
}

#[derive(Clone, Debug)]
struct Child<T> {
    first: T,
    node: Arc<Node<T>>,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self {
            root: Arc::new(Node::Leaf(Vec::new())),
            len: 0,
        }
    }
}

impl<T: Clone> Tree<T> {
    /// Takes items that are sorted already.
    pub(super) fn from_sorted(items: impl IntoIterator<Item = T>) -> Self {
        let mut len = 0;
        let mut level = Vec::new();
        let mut leaf = Vec::with_capacity(MAX);
        let mut close = |leaf: &mut Vec<T>| {
            if let Some(first) = leaf.first().cloned() {
                let items = std::mem::take(leaf);
                level.push(Child {
                    first,
                    node: Arc::new(Node::Leaf(items)),
                });
            }
        };
        for item in items {
            len += 1;
            leaf.push(item);
            if leaf.len() == MAX {
                close(&mut leaf);
                leaf.reserve_exact(MAX);
            }
        }
        leaf.shrink_to_fit();
        close(&mut leaf);
        while level.len() > 1 {
            level = level
                .chunks(MAX)
                .map(|children| Child {
                    first: children[0].first.clone(),
                    node: Arc::new(Node::Branch(children.to_vec())),
                })
                .collect();
        }
        match level.pop() {
            Some(child) => Self {
                root: child.node,
                len,
            },
            None => Self::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The item for which `compare` (item to what is sought) says equal.
    pub(super) fn get(&self, mut compare: impl FnMut(&T) -> Ordering) -> Option<&T> {
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(items) => {
                    let at = items.binary_search_by(&mut compare).ok()?;
                    return items.get(at);
                }
                Node::Branch(children) => {
                    node = &children[child_of(children, &mut compare)].node;
                }
            }
        }
    }

    /// Changes the item that `compare` finds: `change` gets it, or nothing, and gives back what shall stand there.
    pub(super) fn alter(
        &mut self,
        mut compare: impl FnMut(&T) -> Ordering,
        change: impl FnOnce(Option<T>) -> Option<T>,
    ) {
        let (difference, split) = alter(&mut self.root, &mut compare, change);
        self.len = self.len.saturating_add_signed(difference);
        if let Some(right) = split
            && let Some(first) = self.root.first()
        {
            let left = Child {
                first: first.clone(),
                node: Arc::clone(&self.root),
            };
            self.root = Arc::new(Node::Branch(vec![left, right]));
        }
        while let Node::Branch(children) = &*self.root {
            self.root = match children.as_slice() {
                [] => Arc::new(Node::Leaf(Vec::new())),
                [only] => Arc::clone(&only.node),
                _ => break,
            };
        }
    }

    /// Puts `item` where `compare` (of each item to it) says; an equal one is replaced.
    pub(super) fn insert(&mut self, item: T, compare: impl FnMut(&T) -> Ordering) {
        self.alter(compare, |_| Some(item));
    }

    /// Takes the item out that `compare` finds.
    pub(super) fn remove(&mut self, compare: impl FnMut(&T) -> Ordering) -> Option<T> {
        let mut taken = None;
        self.alter(compare, |item| {
            taken = item;
            None
        });
        taken
    }

    /// All items, in order.
    pub(super) fn iter(&self) -> Walk<'_, T> {
        self.from(|_| false)
    }

    /// In order, from the first item for which `before` does not hold; it holds for a part at the beginning.
    pub(super) fn from(&self, mut before: impl FnMut(&T) -> bool) -> Walk<'_, T> {
        let mut above = SmallVec::new();
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(items) => {
                    let at = items.partition_point(&mut before);
                    let leaf = items[at..].iter();
                    return Walk { leaf, above };
                }
                Node::Branch(children) => {
                    let at = children
                        .partition_point(|child| before(&child.first))
                        .saturating_sub(1);
                    above.push(children[at + 1..].iter());
                    node = &children[at].node;
                }
            }
        }
    }

    /// In reverse order, from the last item for which `before` holds; it holds for a part at the beginning.
    pub(super) fn back_from(&self, mut before: impl FnMut(&T) -> bool) -> BackWalk<'_, T> {
        let mut above = SmallVec::new();
        let mut node = &*self.root;
        loop {
            match node {
                Node::Leaf(items) => {
                    let at = items.partition_point(&mut before);
                    let leaf = items[..at].iter();
                    return BackWalk { leaf, above };
                }
                Node::Branch(children) => {
                    let at = children
                        .partition_point(|child| before(&child.first))
                        .saturating_sub(1);
                    above.push(children[..at].iter());
                    node = &children[at].node;
                }
            }
        }
    }
}

fn child_of<T>(children: &[Child<T>], compare: &mut impl FnMut(&T) -> Ordering) -> usize {
    children
        .partition_point(|child| compare(&child.first).is_le())
        .saturating_sub(1)
}

/// The difference in length, and the right half of a node that became too large.
fn alter<T: Clone>(
    node: &mut Arc<Node<T>>,
    compare: &mut impl FnMut(&T) -> Ordering,
    change: impl FnOnce(Option<T>) -> Option<T>,
) -> (isize, Option<Child<T>>) {
    let node = Arc::make_mut(node);
    let difference = match node {
        Node::Leaf(items) => match items.binary_search_by(compare) {
            // Taken out, not cloned, so that `change` has it alone and may change it in place.
            Ok(at) => match change(Some(items.remove(at))) {
                Some(item) => {
                    items.insert(at, item);
                    0
                }
                None => -1,
            },
            Err(at) => match change(None) {
                Some(item) => {
                    if items.capacity() == items.len() {
                        items.reserve_exact(MAX / 4);
                    }
                    items.insert(at, item);
                    1
                }
                None => 0,
            },
        },
        Node::Branch(children) => {
            let at = child_of(children, compare);
            let (difference, split) = alter(&mut children[at].node, compare, change);
            refresh(children, at);
            if let Some(right) = split {
                children.insert(at + 1, right);
            } else if difference < 0 {
                join(children, at);
            }
            difference
        }
    };
    (difference, node.split())
}

/// After a change below `at`: its first item may be another one now, or gone.
fn refresh<T: Clone>(children: &mut Vec<Child<T>>, at: usize) {
    match children[at].node.first().cloned() {
        Some(first) => children[at].first = first,
        None => {
            children.remove(at);
        }
    }
}

/// Puts a child that became small together with a neighbour that has room.
fn join<T: Clone>(children: &mut Vec<Child<T>>, at: usize) {
    let size = |at: usize| children.get(at).map(|child: &Child<T>| child.node.size());
    let Some(own) = size(at) else { return };
    if own > MAX / 4 {
        return;
    }
    let left = match (at.checked_sub(1).and_then(size), size(at + 1)) {
        (Some(before), _) if before + own <= MAX / 2 => at - 1,
        (_, Some(after)) if after + own <= MAX / 2 => at,
        _ => return,
    };
    let right = children.remove(left + 1);
    match (Arc::make_mut(&mut children[left].node), &*right.node) {
        (Node::Leaf(items), Node::Leaf(more)) => items.extend_from_slice(more),
        (Node::Branch(items), Node::Branch(more)) => items.extend_from_slice(more),
        // All leaves are at one depth, so neighbours are of one sort.
        _ => children.insert(left + 1, right),
    }
}

impl<T: Clone> Node<T> {
    fn first(&self) -> Option<&T> {
        match self {
            Self::Leaf(items) => items.first(),
            Self::Branch(children) => children.first().map(|child| &child.first),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Leaf(items) => items.len(),
            Self::Branch(children) => children.len(),
        }
    }

    fn split(&mut self) -> Option<Child<T>> {
        if self.size() <= MAX {
            return None;
        }
        let right = match self {
            Self::Leaf(items) => Self::Leaf(items.split_off(MAX / 2)),
            Self::Branch(children) => Self::Branch(children.split_off(MAX / 2)),
        };
        right.first().cloned().map(|first| Child {
            first,
            node: Arc::new(right),
        })
    }
}

/// What is left of the nodes above a leaf, from the root down.
type Above<'a, T> = SmallVec<[slice::Iter<'a, Child<T>>; 4]>;

/// Forward iteration.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a, T> {
    /// What is left of the leaf at hand.
    leaf: slice::Iter<'a, T>,
    above: Above<'a, T>,
}

impl<T> Walk<'_, T> {
    /// Goes to the next leaf, if there is one.
    fn turn(&mut self) -> Option<()> {
        let mut node = loop {
            match self.above.last_mut()?.next() {
                Some(child) => break &*child.node,
                None => self.above.pop(),
            };
        };
        while let Node::Branch(children) = node {
            let mut children = children.iter();
            node = &children.next()?.node;
            self.above.push(children);
        }
        if let Node::Leaf(items) = node {
            self.leaf = items.iter();
        }
        Some(())
    }
}

impl<'a, T> Iterator for Walk<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        loop {
            if let Some(item) = self.leaf.next() {
                return Some(item);
            }
            self.turn()?;
        }
    }
}

/// Backward iteration.
#[derive(Clone, Debug)]
pub(super) struct BackWalk<'a, T> {
    /// What is left of the leaf at hand.
    leaf: slice::Iter<'a, T>,
    above: Above<'a, T>,
}

impl<T> BackWalk<'_, T> {
    /// Goes to the leaf before, if there is one.
    fn turn(&mut self) -> Option<()> {
        let mut node = loop {
            match self.above.last_mut()?.next_back() {
                Some(child) => break &*child.node,
                None => self.above.pop(),
            };
        };
        while let Node::Branch(children) = node {
            let mut children = children.iter();
            node = &children.next_back()?.node;
            self.above.push(children);
        }
        if let Node::Leaf(items) = node {
            self.leaf = items.iter();
        }
        Some(())
    }
}

impl<'a, T> Iterator for BackWalk<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        loop {
            if let Some(item) = self.leaf.next_back() {
                return Some(item);
            }
            self.turn()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    fn check(tree: &Tree<u32>, model: &BTreeSet<u32>) -> Result<(), TestCaseError> {
        prop_assert_eq!(tree.len(), model.len());
        prop_assert!(tree.iter().eq(model));
        prop_assert!(tree.back_from(|_| true).eq(model.iter().rev()));
        for probe in [0, 1, 777, 5_000, 9_999, 20_000] {
            prop_assert!(tree.from(|item| *item < probe).eq(model.range(probe..)));
            prop_assert!(
                tree.back_from(|item| *item < probe)
                    .eq(model.range(..probe).rev())
            );
            prop_assert_eq!(tree.get(|item| item.cmp(&probe)), model.get(&probe));
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_tree_behaves_as_a_sorted_set(
            start in prop::collection::btree_set(0_u32..10_000, 0..6_000),
            changes in prop::collection::vec((any::<bool>(), 0_u32..10_000), 0..3_000),
            sweep in any::<bool>(),
        ) {
            let mut tree = Tree::from_sorted(start.iter().copied());
            let mut model = start;
            check(&tree, &model)?;
            let before = (tree.clone(), model.clone());
            for (insert, item) in changes {
                if insert {
                    tree.insert(item, |other| other.cmp(&item));
                    model.insert(item);
                } else {
                    prop_assert_eq!(tree.remove(|other| other.cmp(&item)), model.take(&item));
                }
            }
            check(&tree, &model)?;
            check(&before.0, &before.1)?;
            if sweep {
                for item in 0..10_000_u32 {
                    tree.remove(|other| other.cmp(&item));
                    model.remove(&item);
                    if item % 1_500 == 0 {
                        check(&tree, &model)?;
                    }
                }
                check(&tree, &model)?;
            }
        }
    }
}
