//! Leaving out, exactly, the nodes of a tree at which nothing happens.
//!
//! A node without load and shunt on the way to just one other node adds its branch's impedance to that of the next one,
//! since the same current flows in both. What leads to no load carries no current and has the voltage of where it
//! branches off. Nothing is approximated, and every original voltage and current can be had back.

use super::tree::{Node, Series, Tree};

/// What is left of a tree, and where the rest went.
pub(super) struct Reduced {
    /// Nodes that were kept, each after its parent, with the impedances of those that were left out before it.
    pub nodes: Vec<Node>,
    /// For each node of the tree.
    pub places: Vec<Place>,
}

/// Where to find an original node's voltage and its branch's current.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Of the voltage.
    pub at: At,
    /// Whether the branch has the current of that node; otherwise it has none.
    pub carries: bool,
}

/// Where to find a voltage.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// It is that of a kept node.
    Node(usize),
    /// On the branch that leads to a kept node, after so much of its impedance.
    Before {
        /// The kept node.
        node: usize,
        /// From that node's parent to here.
        series: Series,
    },
}

/// Keeps all nodes.
pub(super) fn keep_all(tree: &Tree) -> Reduced {
    let places = (0..tree.nodes.len()).map(|node| Place { at: At::Node(node), carries: true }).collect();
    Reduced { nodes: tree.nodes.clone(), places }
}

/// Keeps the nodes at which something happens.
pub(super) fn reduce(tree: &Tree) -> Reduced {
    let old = &tree.nodes;
    let happens = |node: usize| old[node].loaded || !old[node].shunt.is_none();
    // How many branches after each node lead to a load or a shunt, and the first node on one of these ways.
    let (mut ways, mut way) = (vec![0_usize; old.len()], vec![0; old.len()]);
    for node in (1..old.len()).rev() {
        if happens(node) || ways[node] > 0 {
            ways[old[node].parent] += 1;
            way[old[node].parent] = node;
        }
    }
    let mut kept = 0;
    let mut number = vec![Some(0); old.len()];
    for node in 1..old.len() {
        let keep = happens(node) || ways[node] > 1;
        kept += usize::from(keep);
        number[node] = keep.then_some(kept);
    }
    // The kept node that is met first on the way.
    let mut below = vec![0; old.len()];
    for node in (1..old.len()).rev() {
        below[node] = number[node].unwrap_or(below[way[node]]);
    }
    let mut reduced = Reduced { nodes: vec![old[0].clone()], places: Vec::with_capacity(old.len()) };
    reduced.places.push(Place { at: At::Node(0), carries: true });
    // The last kept node on the way to each node, itself included, and the impedance from there.
    let mut behind = vec![(0, Series::default()); old.len()];
    for node in 1..old.len() {
        let parent = old[node].parent;
        let (before, series) = (behind[parent].0, behind[parent].1.plus(old[node].series));
        behind[node] = (before, series);
        if let Some(number) = number[node] {
            reduced.nodes.push(Node { parent: before, series, ..old[node].clone() });
            reduced.places.push(Place { at: At::Node(number), carries: true });
            behind[node] = (number, Series::default());
        } else if ways[node] == 1 {
            reduced.places.push(Place { at: At::Before { node: below[node], series }, carries: true });
        } else {
            reduced.places.push(Place { carries: false, ..reduced.places[parent] });
        }
    }
    reduced
}
