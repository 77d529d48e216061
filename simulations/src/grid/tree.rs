//! A feeder as a tree that a sweep can walk: one node after its parent, all of it in one voltage level.
//!
//! Source and transformer become nodes like others. Everything on the source's side is **referred**: scaled by the
//! transformer's ratio to the low voltage and turned by its vector group, so that the transformer itself is a series
//! impedance. A delta winding short-circuits the zero sequence of what comes before it: there the impedance is nought.

use std::f64::consts::PI;

use num_complex::Complex64;

use super::check::{BadFeeder, check};
use super::feeder::{Feeder, Phases, Transformer, Winding};

/// The node of the bus that the source feeds.
pub(super) const FED: usize = 1;

/// A node and the branch that leads to it from its parent. Node 0 is the source's inner voltage and leads nowhere.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Always smaller than the node's own number.
    pub parent: usize,
    /// Of the branch.
    pub series: Series,
    /// From the node to earth.
    pub shunt: Shunt,
    /// Whether something can be connected here.
    pub loaded: bool,
}

/// Series impedance: `z1` times a phase's current, and `zm` times the sum of all three, are its voltage drop.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Series {
    pub z1: Complex64,
    pub zm: Complex64,
}

/// Shunt admittance, likewise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Shunt {
    pub y1: Complex64,
    pub ym: Complex64,
}

impl Series {
    fn from_sequence(z1: Complex64, z0: Complex64) -> Self {
        Self { z1, zm: (z0 - z1) / 3.0 }
    }

    pub fn plus(self, other: Self) -> Self {
        Self { z1: self.z1 + other.z1, zm: self.zm + other.zm }
    }
}

impl Shunt {
    fn from_sequence(y1: Complex64, y0: Complex64) -> Self {
        Self { y1, ym: (y0 - y1) / 3.0 }
    }

    fn add(&mut self, other: Self) {
        self.y1 += other.y1;
        self.ym += other.ym;
    }

    #[inline(always)]
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// A line in the tree.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinePlace {
    /// The node that it leads to.
    pub node: usize,
    /// At each end.
    pub shunt: Shunt,
    /// Whether it leads there from its `from` end.
    pub forward: bool,
}

/// From the tree's voltage level to that of the transformer's high-voltage side.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToHigh {
    /// High voltage over low voltage.
    pub ratio: f64,
    /// What the low voltage lags by, in radians.
    pub lag: f64,
    /// What becomes of the zero sequence: nought if it does not get through, -1 where star points are the other way round.
    pub zero_sequence: f64,
}

/// The tree.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub nodes: Vec<Node>,
    /// The source's inner voltage of phase A, referred.
    pub emf: Complex64,
    /// The node of each bus.
    pub of_bus: Vec<usize>,
    /// Where each line is.
    pub of_line: Vec<LinePlace>,
    /// The node that the transformer's last impedance leads to, if there is one.
    pub low: usize,
    /// The bus on the high-voltage side, and what refers back to it.
    pub high: Option<(usize, ToHigh)>,
    /// Voltage between phase and earth that is one pu, in volts.
    pub base_v: f64,
}

impl Tree {
    pub fn new(feeder: &Feeder) -> Result<Self, BadFeeder> {
        check(feeder)?;
        let mut tree = infeed(feeder);
        grow(feeder, &mut tree)?;
        let connected = feeder.connections.iter().map(|connection| tree.of_bus[connection.bus]);
        for node in connected.collect::<Vec<_>>() {
            tree.nodes[node].loaded = true;
        }
        Ok(tree)
    }

    fn push(&mut self, parent: usize, series: Series) -> usize {
        self.nodes.push(Node { parent, series, shunt: Shunt::default(), loaded: false });
        self.nodes.len() - 1
    }
}

/// No bus has a node yet.
const NOWHERE: Option<usize> = None;

/// Source and transformer, down to the bus at which the lines begin.
fn infeed(feeder: &Feeder) -> Tree {
    let source = &feeder.source;
    let bus = &feeder.buses[source.bus];
    let emf = Complex64::from_polar(source.voltage_pu * bus.base_v(), source.angle_degrees.to_radians());
    let root = Node { parent: 0, series: Series::default(), shunt: Shunt::default(), loaded: false };
    let mut tree = Tree {
        nodes: vec![root],
        emf,
        of_bus: vec![0; feeder.buses.len()],
        of_line: vec![LinePlace::default(); feeder.lines.len()],
        low: 0,
        high: None,
        base_v: bus.base_v(),
    };
    let Some(transformer) = &feeder.transformer else {
        let node = tree.push(0, Series::from_sequence(source.z1, source.z0));
        tree.of_bus[source.bus] = node;
        tree.low = node;
        return tree;
    };
    let group = transformer.group;
    let to_high = ToHigh {
        ratio: transformer.high_v / transformer.low_v,
        lag: f64::from(group.clock) * PI / 6.0,
        zero_sequence: match (group.high, group.clock % 4) {
            (Winding::Delta, _) => 0.0,
            (Winding::Star, 0) => 1.0,
            (Winding::Star, _) => -1.0,
        },
    };
    tree.emf = emf / to_high.ratio * Complex64::from_polar(1.0, -to_high.lag);
    tree.base_v = feeder.buses[transformer.low].base_v();
    let referred = 1.0 / (to_high.ratio * to_high.ratio);
    let z0 = source.z0 * (referred * to_high.zero_sequence.abs());
    let high = tree.push(0, Series::from_sequence(source.z1 * referred, z0));
    let (half, iron) = t_model(transformer);
    let middle = tree.push(high, half);
    tree.nodes[middle].shunt = iron;
    tree.low = tree.push(middle, half);
    tree.of_bus[transformer.high] = high;
    tree.of_bus[transformer.low] = tree.low;
    tree.high = Some((transformer.high, to_high));
    tree
}

/// Half the short-circuit impedance on each side of what the iron draws (T model), referred to the low voltage.
fn t_model(transformer: &Transformer) -> (Series, Shunt) {
    let volts_squared = transformer.low_v * transformer.low_v;
    let half = transformer.short_circuit_pu * (volts_squared / transformer.rated_va / 2.0);
    let apparent = transformer.no_load_current_pu * transformer.rated_va;
    let iron = transformer.iron_loss_w;
    let magnetising = (apparent * apparent - iron * iron).max(0.0).sqrt();
    let admittance = Complex64::new(iron, -magnetising) / volts_squared;
    (Series::from_sequence(half, half), Shunt::from_sequence(admittance, admittance))
}

/// The lines, depth first, so that a chain of buses is a row of nodes.
fn grow(feeder: &Feeder, tree: &mut Tree) -> Result<(), BadFeeder> {
    let mut lines_at = vec![Vec::new(); feeder.buses.len()];
    for (number, line) in feeder.lines.iter().enumerate() {
        lines_at[line.from].push(number);
        lines_at[line.to].push(number);
    }
    let first = feeder.first_bus();
    let mut node_of = vec![NOWHERE; feeder.buses.len()];
    node_of[first] = Some(tree.low);
    if let Some((high, _)) = tree.high {
        node_of[high] = Some(tree.of_bus[high]);
    }
    let mut walked = vec![false; feeder.lines.len()];
    // A line that is still to walk, and the bus from which.
    let mut ahead: Vec<(usize, usize)> = lines_at[first].iter().rev().map(|line| (*line, first)).collect();
    while let Some((number, near)) = ahead.pop() {
        if walked[number] {
            continue;
        }
        walked[number] = true;
        let line = &feeder.lines[number];
        let far = if line.from == near { line.to } else { line.from };
        if node_of[far].is_some() {
            return Err(BadFeeder::Meshed { line: line.name.clone(), bus: feeder.buses[far].name.clone() });
        }
        let parent = node_of[near].expect("lines are walked from buses that were reached");
        let node = tree.push(parent, Series::from_sequence(line.z1, line.z0));
        let half = |b: f64| Complex64::new(0.0, b / 2.0);
        let shunt = Shunt::from_sequence(half(line.b1), half(line.b0));
        tree.nodes[parent].shunt.add(shunt);
        tree.nodes[node].shunt.add(shunt);
        tree.of_line[number] = LinePlace { node, shunt, forward: line.from == near };
        node_of[far] = Some(node);
        ahead.extend(lines_at[far].iter().rev().filter(|line| !walked[**line]).map(|line| (*line, far)));
    }
    for (bus, node) in node_of.iter().enumerate() {
        let name = || feeder.buses[bus].name.clone();
        tree.of_bus[bus] = node.ok_or_else(|| BadFeeder::Unconnected { bus: name() })?;
    }
    Ok(())
}

/// The indices of the phases that a connection uses.
pub(super) fn phase_numbers(phases: Phases) -> &'static [usize] {
    match phases {
        Phases::A => &[0],
        Phases::B => &[1],
        Phases::C => &[2],
        Phases::All => &[0, 1, 2],
    }
}
