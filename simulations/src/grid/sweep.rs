//! The backward/forward sweep itself: the loop in which all of the time goes.
//!
//! Backward, from the leaves to the source: the current of each branch is what its node draws, `conj(S / V) + Y V`, and
//! what the branches after it carry. Forward, from the source to the leaves: each voltage is its parent's less the
//! branch's drop. Again, until no voltage changes by more than the tolerance. (Shirmohammadi et al. 1988, "A
//! compensation-based power flow method for weakly meshed distribution and transmission networks"; for three phases
//! Cheng and Shirmohammadi 1995.)
//!
//! Nodes lie in depth-first order, so most have their parent right before them: its current or voltage is then still in
//! registers.

use super::lanes::{LANES, Lanes, Phasor};
use super::reduction::Reduced;
use super::tree::{Series, Shunt};

/// A quantity of a node in each of `P` phases (three, or one that stands for three balanced ones).
pub(super) type Row<const P: usize> = [Phasor; P];

/// What the sweep walks along.
#[derive(Clone, Debug)]
pub(super) struct Network {
    branches: Vec<Branch>,
    /// In ascending order of their nodes.
    pub injections: Vec<Injection>,
}

/// From a node's parent to the node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Branch {
    pub parent: usize,
    pub series: Series,
    /// How many branches begin at the node, beside that to the next node.
    joins: usize,
}

/// Where current leaves the network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Injection {
    pub node: usize,
    pub shunt: Shunt,
}

/// Voltages and currents, and what is drawn.
#[derive(Clone, Debug)]
pub(super) struct State<const P: usize> {
    /// Of each node, to earth, in volts.
    pub voltage: Vec<Row<P>>,
    /// Of the branch to each node, in amperes.
    pub current: Vec<Row<P>>,
    /// What each injection draws in each phase, in volt-amperes.
    pub power: Vec<Row<P>>,
    /// Currents of branches whose parent is still to come.
    waiting: Vec<Row<P>>,
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The square of the largest change of a voltage, in volts.
    pub change_squared: f64,
    pub iterations: u32,
}

/// How a sweep ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub iterations: u32,
    /// In which time steps the voltages stopped changing.
    pub settled: [bool; LANES],
}

impl Network {
    pub fn new(reduced: &Reduced) -> Self {
        let mut branches: Vec<Branch> =
            reduced.nodes.iter().map(|node| Branch { parent: node.parent, series: node.series, joins: 0 }).collect();
        for node in 1..branches.len() {
            let parent = branches[node].parent;
            if parent + 1 != node {
                branches[parent].joins += 1;
            }
        }
        let injects = reduced.nodes.iter().enumerate().skip(1).filter(|(_, node)| node.loaded || !node.shunt.is_none());
        let injections = injects.map(|(number, node)| Injection { node: number, shunt: node.shunt }).collect();
        Self { branches, injections }
    }

    pub fn branch(&self, node: usize) -> &Branch {
        &self.branches[node]
    }

    pub fn state<const P: usize>(&self, source: Row<P>) -> State<P> {
        State {
            voltage: vec![source; self.branches.len()],
            current: vec![[Phasor::ZERO; P]; self.branches.len()],
            power: vec![[Phasor::ZERO; P]; self.injections.len()],
            waiting: Vec::with_capacity(self.branches.len()),
        }
    }
}

/// Sweeps until the voltages of all time steps have settled, or the bound is reached.
#[inline(always)]
pub(super) fn solve<const P: usize>(network: &Network, state: &mut State<P>, bounds: Bounds) -> Ended {
    let mut settled = [false; LANES];
    for iteration in 1..=bounds.iterations {
        backward(network, state);
        settled = forward(network, state, bounds.change_squared);
        if settled == [true; LANES] {
            return Ended { iterations: iteration, settled };
        }
    }
    Ended { iterations: bounds.iterations, settled }
}

#[inline(always)]
fn backward<const P: usize>(network: &Network, state: &mut State<P>) {
    let mut injections = network.injections.iter().zip(&state.power).rev().peekable();
    let mut carried = [Phasor::ZERO; P];
    state.waiting.clear();
    for (node, branch) in network.branches.iter().enumerate().skip(1).rev() {
        for _ in 0..branch.joins {
            add(&mut carried, state.waiting.pop().expect("each branch that waits is fetched once, by its parent"));
        }
        if let Some((injection, power)) = injections.next_if(|(injection, _)| injection.node == node) {
            add(&mut carried, drawn(power, &injection.shunt, &state.voltage[node]));
        }
        state.current[node] = carried;
        if branch.parent + 1 != node {
            // The node before this one is a leaf.
            state.waiting.push(carried);
            carried = [Phasor::ZERO; P];
        }
    }
}

/// Gives in which time steps no voltage at which something is drawn has changed by more than the bound.
#[inline(always)]
fn forward<const P: usize>(network: &Network, state: &mut State<P>, change_squared: f64) -> [bool; LANES] {
    let mut settled = [true; LANES];
    let mut injections = network.injections.iter().peekable();
    let mut voltage = state.voltage[0];
    for (node, branch) in network.branches.iter().enumerate().skip(1) {
        if branch.parent + 1 != node {
            voltage = state.voltage[branch.parent];
        }
        let drop = drop(&branch.series, &state.current[node]);
        for phase in 0..P {
            voltage[phase] = voltage[phase] - drop[phase];
        }
        if injections.next_if(|injection| injection.node == node).is_some() {
            for phase in 0..P {
                let change = (voltage[phase] - state.voltage[node][phase]).norm_squared();
                for lane in 0..LANES {
                    // False where it is not a number, too.
                    settled[lane] &= change.0[lane] <= change_squared;
                }
            }
        }
        state.voltage[node] = voltage;
    }
    settled
}

/// The voltage that currents drop over an impedance.
#[inline(always)]
pub(super) fn drop<const P: usize>(series: &Series, current: &Row<P>) -> Row<P> {
    // One phase that stands for three balanced ones has no other to couple with.
    let mutual = if P == 1 { Phasor::ZERO } else { sum(current) * series.zm };
    let mut drop = [mutual; P];
    for phase in 0..P {
        drop[phase] += current[phase] * series.z1;
    }
    drop
}

/// The currents that a constant power and a shunt draw.
#[inline(always)]
fn drawn<const P: usize>(power: &Row<P>, shunt: &Shunt, voltage: &Row<P>) -> Row<P> {
    let mut current = shunt_current(shunt, voltage);
    for phase in 0..P {
        let (s, v) = (power[phase], voltage[phase]);
        let inverse = Lanes::all(1.0) / v.norm_squared();
        current[phase] +=
            Phasor { re: (s.re * v.re + s.im * v.im) * inverse, im: (s.re * v.im - s.im * v.re) * inverse };
    }
    current
}

/// The currents that a shunt draws.
#[inline(always)]
pub(super) fn shunt_current<const P: usize>(shunt: &Shunt, voltage: &Row<P>) -> Row<P> {
    if shunt.is_none() {
        return [Phasor::ZERO; P];
    }
    let mutual = if P == 1 { Phasor::ZERO } else { sum(voltage) * shunt.ym };
    let mut current = [mutual; P];
    for phase in 0..P {
        current[phase] += voltage[phase] * shunt.y1;
    }
    current
}

#[inline(always)]
fn sum<const P: usize>(row: &Row<P>) -> Phasor {
    let mut sum = row[0];
    for phasor in &row[1..] {
        sum += *phasor;
    }
    sum
}

#[inline(always)]
fn add<const P: usize>(row: &mut Row<P>, other: Row<P>) {
    for phase in 0..P {
        row[phase] += other[phase];
    }
}
