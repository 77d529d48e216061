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

use num_complex::Complex64;
use pulp::bytemuck::cast_slice;
use pulp::{Simd, WithSimd};

use super::field::{Arithmetic, Field, LANES, Wide};
use super::reduction::Reduced;
use super::tree::{Series, Shunt};

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
#[derive(Debug)]
pub(super) struct State<const P: usize> {
    /// Of each node, to earth, in volts.
    pub voltage: Field<P>,
    /// Of the branch to each node, in amperes.
    pub current: Field<P>,
    /// What each injection draws in each phase, in volt-amperes.
    pub power: Field<P>,
    /// Currents of branches whose parent is still to come.
    waiting: Field<P>,
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
        let branch = |node: &super::tree::Node| Branch { parent: node.parent, series: node.series, joins: 0 };
        let mut branches: Vec<Branch> = reduced.nodes.iter().map(branch).collect();
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

    #[inline(always)]
    pub fn branch(&self, node: usize) -> &Branch {
        &self.branches[node]
    }

    /// How many nodes there are, the source's inner voltage included.
    pub fn nodes(&self) -> usize {
        self.branches.len()
    }

    /// Room for time steps, in registers of some width.
    pub fn state<const P: usize>(&self, width: usize) -> State<P> {
        let field = |rows| Field::new(rows, width);
        let joins = self.branches.iter().map(|branch| branch.joins).sum();
        State {
            voltage: field(self.nodes()),
            current: field(self.nodes()),
            power: field(self.injections.len()),
            waiting: field(joins),
        }
    }
}

/// Sweeping until the voltages of all time steps have settled, or the bound is reached.
///
/// What `pulp` dispatches has to be inlined, to the last call, into the function that has the machine's instructions.
pub(super) struct Sweeps<'a, const P: usize> {
    pub network: &'a Network,
    pub state: &'a mut State<P>,
    pub bounds: Bounds,
}

impl<const P: usize> WithSimd for Sweeps<'_, P> {
    type Output = Ended;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Ended {
        let Self { network, state, bounds } = self;
        let mut settled = [false; LANES];
        let mut iterations = 0;
        // All groups stop together, so that the width of a register does not show in the result.
        while iterations < bounds.iterations && settled != [true; LANES] {
            for (group, settled) in settled.chunks_mut(S::F64_LANES).enumerate() {
                let (voltage, current) = (state.voltage.group_mut::<S>(group), state.current.group_mut::<S>(group));
                let waiting = state.waiting.group_mut::<S>(group);
                backward(simd, network, voltage, current, state.power.group::<S>(group), waiting);
                forward(simd, network, voltage, current, bounds.change_squared, settled);
            }
            iterations += 1;
        }
        Ended { iterations, settled }
    }
}

#[inline(always)]
fn backward<S: Simd, const P: usize>(
    simd: S,
    network: &Network,
    voltage: &[Wide<S, P>],
    current: &mut [Wide<S, P>],
    power: &[Wide<S, P>],
    waiting: &mut [Wide<S, P>],
) {
    let with = Arithmetic(simd);
    let mut injections = network.injections.iter().zip(power).rev().peekable();
    let mut carried = with.zero();
    let mut wait = 0;
    for (node, branch) in network.branches.iter().enumerate().skip(1).rev() {
        for _ in 0..branch.joins {
            // Each branch that waits is fetched once, by its parent.
            wait -= 1;
            carried = with.sum(carried, waiting[wait]);
        }
        if let Some((injection, power)) = injections.next_if(|(injection, _)| injection.node == node) {
            carried = with.sum(carried, drawn(with, power, &injection.shunt, &voltage[node]));
        }
        current[node] = carried;
        if branch.parent + 1 != node {
            // The node before this one is a leaf.
            waiting[wait] = carried;
            wait += 1;
            carried = with.zero();
        }
    }
}

/// Says in which time steps no voltage at which something is drawn has changed by more than the bound.
#[inline(always)]
fn forward<S: Simd, const P: usize>(
    simd: S,
    network: &Network,
    voltage: &mut [Wide<S, P>],
    current: &[Wide<S, P>],
    change_squared: f64,
    settled: &mut [bool],
) {
    let with = Arithmetic(simd);
    let bound = simd.splat_f64s(change_squared);
    let mut within = simd.less_than_or_equal_f64s(bound, bound);
    let mut injections = network.injections.iter().peekable();
    let mut here = voltage[0];
    for (node, branch) in network.branches.iter().enumerate().skip(1) {
        if branch.parent + 1 != node {
            here = voltage[branch.parent];
        }
        here = with.difference(here, with.product(current[node], branch.series.z1, branch.series.zm));
        if injections.next_if(|injection| injection.node == node).is_some() {
            for phase in 0..P {
                let change = with.norm_squared(with.sub(here[phase], voltage[node][phase]));
                // Never true of what is not a number.
                within = simd.and_m64s(within, simd.less_than_or_equal_f64s(change, bound));
            }
        }
        voltage[node] = here;
    }
    let flags = [simd.select_f64s(within, simd.splat_f64s(1.0), simd.splat_f64s(0.0))];
    for (settled, flag) in settled.iter_mut().zip(cast_slice::<S::f64s, f64>(&flags)) {
        *settled = *flag > 0.5;
    }
}

/// The currents that a constant power and a shunt draw.
#[inline(always)]
fn drawn<S: Simd, const P: usize>(
    with: Arithmetic<S>,
    power: &Wide<S, P>,
    shunt: &Shunt,
    voltage: &Wide<S, P>,
) -> Wide<S, P> {
    let mut current = if shunt.is_none() { with.zero() } else { with.product(*voltage, shunt.y1, shunt.ym) };
    for phase in 0..P {
        current[phase] = with.add(current[phase], with.drawn(power[phase], voltage[phase]));
    }
    current
}

/// `own` times each phase and `mutual` times the sum of all.
pub(super) fn product<const P: usize>(row: [Complex64; P], own: Complex64, mutual: Complex64) -> [Complex64; P] {
    let mutual = if P == 1 { Complex64::ZERO } else { row.iter().sum::<Complex64>() * mutual };
    row.map(|phase| phase * own + mutual)
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar};

    use super::super::field::Width;
    use super::super::reduction::keep_all;
    use super::super::tree::{Node, Tree};
    use super::*;

    /// Two branches that begin at the first node, one of which splits again.
    const PARENTS: [usize; 7] = [0, 0, 1, 2, 1, 4, 4];

    fn network() -> Network {
        let node = |(number, parent): (usize, &usize)| {
            let z1 = Complex64::new(0.01 * number as f64, 0.003);
            let series = Series { z1, zm: z1 * 0.7 };
            let shunt = Shunt { y1: Complex64::new(0.0, 1e-4 * (number % 3) as f64), ym: Complex64::ZERO };
            Node { parent: *parent, series, shunt, loaded: number > 2 }
        };
        let nodes = PARENTS.iter().enumerate().map(node).collect();
        let (emf, of_bus, of_line) = (Complex64::ONE, Vec::new(), Vec::new());
        Network::new(&keep_all(&Tree { nodes, emf, of_bus, of_line, low: 1, high: None, base_v: 230.0 }))
    }

    fn sweep(width: usize, go: impl FnOnce(Sweeps<'_, 3>) -> Ended) -> (Ended, Vec<Complex64>) {
        let network = network();
        let mut state = network.state::<3>(width);
        state.voltage.fill([Complex64::new(230.0, 0.0), Complex64::new(-115.0, -199.0), Complex64::new(-115.0, 199.0)]);
        for lane in 0..LANES {
            for injection in 0..network.injections.len() {
                let watts = 700.0 * (lane as f64 - 2.5) * (injection as f64 + 0.3);
                state.power.add(injection, (lane + injection) % 3, lane, Complex64::new(watts, watts / 7.0));
            }
        }
        let bounds = Bounds { change_squared: 1e-12, iterations: 50 };
        let ended = go(Sweeps { network: &network, state: &mut state, bounds });
        let voltages = (0..LANES)
            .flat_map(|lane| (0..network.nodes()).flat_map(move |node| (0..3).map(move |phase| (node, phase, lane))));
        (ended, voltages.map(|(node, phase, lane)| state.voltage.get(node, phase, lane)).collect())
    }

    /// The instructions that a machine has must not show in what comes out.
    #[test]
    fn the_width_of_a_register_does_not_show() {
        let arch = Arch::new();
        let (one, narrow) = sweep(1, |sweeps| sweeps.with_simd(Scalar));
        let (other, wide) = sweep(arch.dispatch(Width), |sweeps| arch.dispatch(sweeps));
        assert_eq!(one.settled, [true; LANES]);
        assert_eq!((one.iterations, one.settled), (other.iterations, other.settled));
        let bits = |all: &[Complex64]| all.iter().map(|v| [v.re.to_bits(), v.im.to_bits()]).collect::<Vec<_>>();
        assert_eq!(bits(&narrow), bits(&wide));
        assert!(narrow.iter().any(|v| (v.norm() - 230.0).abs() > 1.0), "the loads show");
    }
}
