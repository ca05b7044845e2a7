//! The read-set of an expression.

use super::Read;
use super::function::Function;
use super::tree::{ArgValue, Call, Node, Path, Root, Step};

/// Everything that `node` reads, sorted and without doubles.
pub(super) fn of(node: &Node) -> Vec<Read> {
    let mut found = Vec::new();
    collect(node, &Read::at(&Root::This), &mut found);
    found.sort();
    found.dedup();
    found
}

/// Whether any step takes arguments.
pub(super) fn has_arguments(node: &Node) -> bool {
    match node {
        Node::Literal(_) => false,
        Node::List(nodes) | Node::Sum(nodes) | Node::And(nodes) | Node::Coalesce(nodes) => {
            nodes.iter().any(has_arguments)
        }
        Node::Object(members) => members.iter().any(|(_, node)| has_arguments(node)),
        Node::Path(path) => path
            .steps
            .iter()
            .any(|step| matches!(step, Step::Name(_, args) if !args.is_empty())),
        Node::Pipe(input, calls) => {
            has_arguments(input) || calls.iter().flat_map(|call| &call.args).any(has_arguments)
        }
    }
}

impl Read {
    fn at(root: &Root) -> Self {
        Self {
            root: root.as_str().into(),
            path: Vec::new(),
        }
    }
}

/// `this` is what bare paths start from: in `where`, `each` and `newest`, an item of the list that is read.
fn collect(node: &Node, this: &Read, found: &mut Vec<Read>) {
    match node {
        Node::Literal(_) => {}
        Node::List(nodes) | Node::Sum(nodes) | Node::And(nodes) | Node::Coalesce(nodes) => {
            for node in nodes {
                collect(node, this, found);
            }
        }
        Node::Object(members) => {
            for (_, node) in members {
                collect(node, this, found);
            }
        }
        Node::Path(path) => {
            found.push(path_read(path, this));
            for step in &path.steps {
                if let Step::Name(_, args) = step {
                    for (_, value) in args {
                        collect_arg(value, found);
                    }
                }
            }
        }
        Node::Pipe(input, calls) => {
            collect(input, this, found);
            let mut item = origin(input, this);
            for call in calls {
                for (position, arg) in call.args.iter().enumerate() {
                    let relative = position < call.function.n_read_of_items();
                    match (&item, relative) {
                        (Some(item), true) => collect(arg, item, found),
                        (None, true) => {}
                        (_, false) => collect(arg, this, found),
                    }
                }
                if let (Function::Each, [made]) = (call.function, call.args.as_slice()) {
                    item = item.and_then(|item| origin(made, &item));
                }
            }
        }
    }
}

fn origin(node: &Node, this: &Read) -> Option<Read> {
    match node {
        Node::Path(path) => Some(path_read(path, this)),
        Node::And(nodes) => origin(nodes.last()?, this),
        Node::Pipe(input, calls) => {
            let same = |call: &Call| {
                matches!(
                    call.function,
                    Function::Where
                        | Function::Newest
                        | Function::First
                        | Function::Last
                        | Function::At
                )
            };
            origin(input, this).filter(|_| calls.iter().all(same))
        }
        _ => None,
    }
}

fn path_read(path: &Path, this: &Read) -> Read {
    let mut read = match &path.root {
        Root::This => this.clone(),
        other => Read::at(other),
    };
    read.path
        .extend(path.steps.iter().filter_map(|step| match step {
            Step::Name(name, _) => Some(name.clone()),
            Step::Index(_) | Step::Each => None,
        }));
    read
}

fn collect_arg(value: &ArgValue, found: &mut Vec<Read>) {
    match value {
        ArgValue::Variable(root, members) => found.push(Read {
            root: root.clone(),
            path: members.clone(),
        }),
        ArgValue::Literal(_) | ArgValue::Word(_) => {}
        ArgValue::List(items) => items.iter().for_each(|item| collect_arg(item, found)),
        ArgValue::Object(members) => {
            members
                .iter()
                .for_each(|(_, value)| collect_arg(value, found));
        }
    }
}
