//! Look-around, conditions and word boundaries in plain words, where they can be said so: the
//! linear engine knows none of them.
//!
//! What is made here means the same to the last group, or is not made: then the node stays as it
//! is, and the pattern goes to the backtracking engine.

mod ahead;
mod conditions;
mod context;
mod looks;
mod simple;
mod tempered;
mod words;

pub(super) use self::context::nullable;
use super::{Options, ast::Node};

/// How large a pattern may become.
const MAX_NODES: usize = 6000;

/// The same pattern in forms that both engines take.
pub(super) fn simplified(node: Node) -> Node {
    simple::simplified(conditions::without_unset(&simple::simplified(node)))
}

/// The same pattern with as little as possible that only the backtracking engine can do.
pub(super) fn unfold(node: &Node, options: Options) -> Node {
    if node.size() > MAX_NODES {
        return node.clone();
    }
    // Copies of a group are one group to those who read matches, but not to a back-reference.
    if node.any(&mut |node| matches!(node, Node::Back { .. })) {
        return looks::resolve(node, options, false);
    }
    let node = conditions::resolve(node.clone());
    looks::resolve(&node, options, true)
}
