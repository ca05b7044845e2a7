//! What Location entities point to: one of the few kinds that the engine itself acts on.

use super::problem::item;
use super::yaml::{Content, Node};
use super::{EntityRef, LocationTarget};

/// `target` and `targets` of a valid Location; nothing of any other kind.
pub(super) fn targets(root: &Node<'_>, location: &EntityRef, document: u32) -> Vec<LocationTarget> {
    let Some(spec) = root.get("spec").filter(|_| location.kind() == "location") else {
        return Vec::new();
    };
    let text = |key: &str| spec.get(key).and_then(Node::as_str);
    let target = |node: &Node<'_>, field: String| {
        Some(LocationTarget {
            document,
            location: location.clone(),
            field: field.into(),
            span: node.span,
            kind: text("type").map(Into::into),
            target: node.as_str()?.into(),
            optional: text("presence") == Some("optional"),
        })
    };
    let one = spec
        .get("target")
        .and_then(|node| target(node, "spec.target".to_owned()));
    let list = match spec.get("targets").map(|node| &node.value) {
        Some(Content::List(items)) => items.as_slice(),
        _ => &[],
    };
    let many = list
        .iter()
        .enumerate()
        .filter_map(|(index, node)| target(node, item("spec.targets", index)));
    one.into_iter().chain(many).collect()
}
