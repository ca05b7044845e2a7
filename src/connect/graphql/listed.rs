//! What is wanted of lists, and of connections, which are lists that an upstream gives page by page.

use super::need::{Field, Need, Rule};
use super::read::Tail;
use crate::sdl::expr::{Expr, Node, Step};

pub(in crate::connect) const TYPENAME: &str = "__typename";

/// What is wanted of a list or a connection.
#[derive(Clone, Copy)]
pub(in crate::connect) struct Listed {
    /// How many items, and whether any are asked for.
    pub(in crate::connect) rows: Option<usize>,
    pub(in crate::connect) total: bool,
}

impl Listed {
    /// The same for more items.
    pub(in crate::connect) fn further(self, rows: usize) -> Self {
        Self {
            rows: Some(rows),
            ..self
        }
    }

    /// What is wanted of a list whose place is `at`: of a connection its nodes, and how it goes on.
    pub(in crate::connect) fn tail(self, items: Need, at: &Expr, rule: Option<Rule>) -> Tail {
        if !is_connection(at) {
            return Tail {
                below: items,
                list: true,
                rows: None,
                rule,
            };
        }
        self.of_connection(items, rule)
    }

    /// The same of a connection.
    pub(in crate::connect) fn of_connection(self, items: Need, rule: Option<Rule>) -> Tail {
        let mut below = Need::default();
        if self.rows.is_some() {
            let nodes = Field {
                name: "nodes".into(),
                below: items,
                list: true,
                ..Field::default()
            };
            below.fields.insert("nodes".into(), nodes);
            let mut info = Need::default();
            info.add_leaf("hasNextPage");
            info.add_leaf("endCursor");
            let info = Field {
                name: "pageInfo".into(),
                below: info,
                ..Field::default()
            };
            below.fields.insert("pageInfo".into(), info);
        }
        if self.total {
            below.add_leaf("totalCount");
        }
        if below.is_empty() {
            below.add_leaf(TYPENAME);
        }
        Tail {
            below,
            list: true,
            rows: self.rows,
            rule,
        }
    }
}

/// Whether a path ends at a connection of the upstream: its last step says how much of it is read.
pub(in crate::connect) fn is_connection(at: &Expr) -> bool {
    match at.node() {
        Node::Path(path) => ends_at_connection(&path.steps),
        _ => false,
    }
}

pub(in crate::connect) fn ends_at_connection(steps: &[Step]) -> bool {
    match steps.last() {
        Some(Step::Name(_, args)) => args
            .iter()
            .any(|(name, _)| matches!(&**name, "first" | "last")),
        _ => false,
    }
}
