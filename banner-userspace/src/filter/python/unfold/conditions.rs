//! Conditions: where it is decided whether a group takes part, the pattern splits in two, and each
//! half knows. What was tried first is still tried first.

use super::MAX_NODES;
use crate::filter::python::ast::{Greed, Node, Repeat};

/// Without the conditions that could be decided.
pub(super) fn resolve(node: Node) -> Node {
    let has_conditions = |node: &Node| node.any(&mut |node| matches!(node, Node::If { .. }));
    let mut node = node;
    // Each round decides one group; there are not more than that many.
    for _ in 0..16 {
        if !has_conditions(&node) {
            break;
        }
        match split_one(&node) {
            Some(split) if split.size() <= MAX_NODES => node = split,
            _ => break,
        }
    }
    without_unset(&node)
}

/// Without the conditions on groups that cannot have taken part.
pub(super) fn without_unset(node: &Node) -> Node {
    unset(node, &mut Vec::new())
}

/// Splits at the first group that a later part of the same sequence asks for.
fn split_one(node: &Node) -> Option<Node> {
    match node {
        Node::Seq(nodes) => split_sequence(nodes).or_else(|| one_of(nodes).map(Node::seq)),
        Node::Alt(nodes) => one_of(nodes).map(Node::Alt),
        Node::Group(number, node) => Some(Node::Group(*number, Box::new(split_one(node)?))),
        // In a loop, a group may be set by an earlier round.
        _ => None,
    }
}

fn one_of(nodes: &[Node]) -> Option<Vec<Node>> {
    let (n, split) =
        (nodes.iter().enumerate()).find_map(|(n, node)| Some((n, split_one(node)?)))?;
    let mut nodes = nodes.to_vec();
    nodes[n] = split;
    Some(nodes)
}

fn split_sequence(nodes: &[Node]) -> Option<Node> {
    for (n, node) in nodes.iter().enumerate() {
        let after = &nodes[n + 1..];
        let mut asked = None;
        for later in after {
            later.any(&mut |later| {
                if let Node::If { group, .. } = later
                    && asked.is_none()
                    && holds(node, *group)
                {
                    asked = Some(*group);
                }
                false
            });
        }
        let Some(group) = asked else { continue };
        let Some(ways) = ways(node, group) else {
            continue;
        };
        let after = Node::seq(after.to_vec());
        if after.size() * ways.len() > MAX_NODES {
            continue;
        }
        let ways = ways
            .into_iter()
            .map(|(node, set)| Node::seq(vec![node, decided(&after, group, set)]));
        let split = Node::Alt(ways.collect());
        return Some(Node::seq([&nodes[..n], &[split]].concat()));
    }
    None
}

fn holds(node: &Node, group: usize) -> bool {
    node.any(&mut |node| matches!(node, Node::Group(number, _) if *number == group))
}

/// The ways through a node, in order, each with whether the group takes part in it.
fn ways(node: &Node, group: usize) -> Option<Vec<(Node, bool)>> {
    if !holds(node, group) {
        return Some(vec![(node.clone(), false)]);
    }
    let ways = match node {
        Node::Group(number, _) if *number == group => vec![(node.clone(), true)],
        Node::Group(number, inner) => ways(inner, group)?
            .into_iter()
            .map(|(node, set)| (Node::Group(*number, Box::new(node)), set))
            .collect(),
        Node::Alt(nodes) => {
            let mut all = Vec::new();
            for node in nodes {
                all.extend(ways(node, group)?);
            }
            all
        }
        Node::Seq(nodes) => {
            let n = nodes.iter().position(|node| holds(node, group))?;
            let wrap = |(node, set)| {
                let nodes = [&nodes[..n], &[node], &nodes[n + 1..]].concat();
                (Node::seq(nodes), set)
            };
            ways(&nodes[n], group)?.into_iter().map(wrap).collect()
        }
        Node::Repeat(Repeat {
            min,
            max: Some(1),
            greed,
            node,
            ..
        }) => {
            let mut all = ways(node, group)?;
            match (min, greed) {
                (1, Greed::Greedy | Greed::Lazy) => {}
                (0, Greed::Greedy) => all.push((Node::Empty, false)),
                (0, Greed::Lazy) => all.insert(0, (Node::Empty, false)),
                _ => return None,
            }
            all
        }
        _ => return None,
    };
    // Neighbours of the same kind need not be told apart.
    let mut merged: Vec<(Node, bool)> = Vec::new();
    for (node, set) in ways {
        match merged.last_mut() {
            Some((last, same)) if *same == set => {
                *last = Node::Alt(vec![last.clone(), node]);
            }
            _ => merged.push((node, set)),
        }
    }
    Some(merged)
}

/// With all conditions on that group decided.
fn decided(node: &Node, group: usize, set: bool) -> Node {
    map(node, &mut |node| match node {
        Node::If {
            group: asked,
            yes,
            no,
            ..
        } if *asked == group => Some(decided(if set { yes } else { no }, group, set)),
        _ => None,
    })
}

/// With all conditions decided that ask for a group which comes later or in another branch:
/// it did not take part. `before`: groups that may have.
fn unset(node: &Node, before: &mut Vec<usize>) -> Node {
    match node {
        Node::Alt(nodes) => {
            let (start, mut seen) = (before.clone(), before.clone());
            let mut out = Vec::new();
            for node in nodes {
                let mut here = start.clone();
                out.push(unset(node, &mut here));
                seen.extend(here);
            }
            *before = seen;
            Node::Alt(out)
        }
        Node::Seq(nodes) => Node::Seq(nodes.iter().map(|node| unset(node, before)).collect()),
        Node::Group(number, inner) => {
            let inner = unset(inner, before);
            before.push(*number);
            Node::Group(*number, Box::new(inner))
        }
        Node::If { group, no, .. } if !before.contains(group) => unset(no, before),
        other => {
            // Whatever happens in there, happens before the rest; a loop happens before itself.
            other.any(&mut |node| {
                if let Node::Group(number, _) = node {
                    before.push(*number);
                }
                false
            });
            map(other, &mut |node| match node {
                Node::If { group, no, .. } if !before.contains(group) => Some(unset(no, before)),
                _ => None,
            })
        }
    }
}

/// With those nodes replaced for which `change` gives another.
fn map(node: &Node, change: &mut dyn FnMut(&Node) -> Option<Node>) -> Node {
    if let Some(node) = change(node) {
        return node;
    }
    let mut boxed = |node: &Node| Box::new(map(node, change));
    match node {
        Node::Seq(nodes) => Node::seq(nodes.iter().map(|node| *boxed(node)).collect()),
        Node::Alt(nodes) => Node::Alt(nodes.iter().map(|node| *boxed(node)).collect()),
        Node::Group(number, node) => Node::Group(*number, boxed(node)),
        Node::Beyond(node) => Node::Beyond(boxed(node)),
        Node::Atomic(node, at) => Node::Atomic(boxed(node), *at),
        Node::Repeat(repeat) => Node::Repeat(Repeat {
            node: boxed(&repeat.node),
            ..repeat.clone()
        }),
        Node::If { group, yes, no, at } => Node::If {
            group: *group,
            yes: boxed(yes),
            no: boxed(no),
            at: *at,
        },
        Node::Look {
            ahead,
            negative,
            node,
            at,
        } => Node::Look {
            ahead: *ahead,
            negative: *negative,
            node: boxed(node),
            at: *at,
        },
        other @ (Node::Empty | Node::Set(_) | Node::Anchor(_) | Node::Back { .. }) => other.clone(),
    }
}
