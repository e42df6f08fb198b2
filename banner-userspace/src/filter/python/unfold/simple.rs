//! Forms that both engines take.

use crate::filter::python::ast::{Greed, Node, Repeat};

/// Without counts of what takes nothing, which not every engine likes.
pub(super) fn simplified(node: Node) -> Node {
    let all = |nodes: Vec<Node>| nodes.into_iter().map(simplified).collect();
    let boxed = |node: Box<Node>| Box::new(simplified(*node));
    match node {
        Node::Seq(nodes) => Node::seq(all(nodes)),
        Node::Alt(nodes) => Node::Alt(all(nodes)),
        Node::Group(number, node) => Node::Group(number, boxed(node)),
        Node::Beyond(node) => Node::Beyond(boxed(node)),
        Node::Atomic(node, at) => Node::Atomic(boxed(node), at),
        Node::Repeat(repeat) => counted(repeat),
        Node::If { group, yes, no, at } => Node::If {
            group,
            yes: boxed(yes),
            no: boxed(no),
            at,
        },
        Node::Look {
            ahead,
            negative,
            node,
            at,
        } => Node::Look {
            ahead,
            negative,
            node: boxed(node),
            at,
        },
        other @ (Node::Empty | Node::Set(_) | Node::Anchor(_) | Node::Back { .. }) => other,
    }
}

fn counted(repeat: Repeat) -> Node {
    let node = simplified(*repeat.node);
    if repeat.max == Some(0) {
        return Node::Empty;
    }
    if takes(&node) {
        return Node::Repeat(Repeat {
            node: Box::new(node),
            ..repeat
        });
    }
    let once = match (repeat.min, repeat.greed) {
        (1.., _) => node,
        (0, Greed::Lazy) => Node::Alt(vec![Node::Empty, node]),
        (0, _) => Node::Alt(vec![node, Node::Empty]),
    };
    match repeat.greed {
        Greed::Possessive => Node::Atomic(Box::new(once), repeat.at),
        _ => once,
    }
}

/// Whether it may take a character.
fn takes(node: &Node) -> bool {
    match node {
        Node::Set(_) | Node::Back { .. } => true,
        Node::Look { .. } | Node::Beyond(_) => false,
        node => node.children().into_iter().any(takes),
    }
}
