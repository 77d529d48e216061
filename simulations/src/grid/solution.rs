//! What a batch of time steps came to: voltages, currents, powers and losses, of all of the feeder's buses and lines.
//!
//! What the reduction left out is computed when it is asked for.

use std::f64::consts::TAU;

use num_complex::Complex64;
use pulp::{Simd, WithSimd};

use super::field::{Arithmetic, LANES, Wide};
use super::reduction::At;
use super::solver::Solver;
use super::sweep::{Ended, Injection, State, product};
use super::tree::{FED, LinePlace, ToHigh};

/// What a batch came to.
///
/// Ask [`Solution::converged`] first: the other answers mean nothing in a time step that has not.
#[derive(Clone, Copy, Debug)]
pub struct Solution<'s, const P: usize> {
    solver: &'s Solver<P>,
    state: &'s State<P>,
    ended: Ended,
}

/// The power through the transformer, or through the bus that the source feeds, in volt-amperes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Infeed<const P: usize> {
    /// All three phases, out of the source and into the high-voltage side.
    pub high: Complex64,
    /// Each phase, out of the low-voltage side and into the lines.
    pub low: [Complex64; P],
}

/// Of all buses or lines, the magnitudes in each phase and time step.
pub type Magnitudes<const P: usize> = Vec<[[f64; LANES]; P]>;

impl<'s, const P: usize> Solution<'s, P> {
    pub(super) fn new(solver: &'s Solver<P>, state: &'s State<P>, ended: Ended) -> Self {
        Self { solver, state, ended }
    }

    /// Whether the voltages of a time step settled.
    ///
    /// # Panics
    /// Like all that take one, if `lane` is not below [`LANES`].
    #[must_use]
    pub fn converged(&self, lane: usize) -> bool {
        self.ended.settled[lane]
    }

    /// How many iterations it took until all time steps of the batch had settled.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        self.ended.iterations
    }

    /// The voltage of a bus and phase to earth, in volts; angles are those of the source's phase A.
    ///
    /// # Panics
    /// If there is no such bus or phase.
    #[must_use]
    pub fn voltage(&self, bus: usize, phase: usize, lane: usize) -> Complex64 {
        let row = self.node_voltage(self.solver.tree.of_bus[bus], lane);
        match self.solver.tree.high {
            Some((high, to_high)) if high == bus => un_refer(row, to_high.ratio, to_high)[phase],
            _ => row[phase],
        }
    }

    /// The currents of a line and phase into the line, in amperes: at its `from` end and at its `to` end. They add up to
    /// what the cable's capacitance draws.
    ///
    /// # Panics
    /// If there is no such line or phase.
    #[must_use]
    pub fn line_current(&self, line: usize, phase: usize, lane: usize) -> [Complex64; 2] {
        let LinePlace { node, shunt, forward } = self.solver.tree.of_line[line];
        let series = self.branch_current(node, lane)[phase];
        let charging = |node| product(self.node_voltage(node, lane), shunt.y1, shunt.ym)[phase];
        let ends = [series + charging(self.solver.tree.nodes[node].parent), charging(node) - series];
        if forward { ends } else { [ends[1], ends[0]] }
    }

    /// The current of the transformer's high-voltage side and phase, in amperes; that of the source if there is no
    /// transformer.
    ///
    /// # Panics
    /// If there is no such phase.
    #[must_use]
    pub fn source_current(&self, phase: usize, lane: usize) -> Complex64 {
        let row = self.branch_current(FED, lane);
        match self.solver.tree.high {
            Some((_, to_high)) => un_refer(row, 1.0 / to_high.ratio, to_high)[phase],
            None => row[phase],
        }
    }

    /// The current out of the transformer's low-voltage side, in amperes.
    ///
    /// # Panics
    /// If there is no such phase.
    #[must_use]
    pub fn low_current(&self, phase: usize, lane: usize) -> Complex64 {
        self.branch_current(self.solver.tree.low, lane)[phase]
    }

    /// The power through the transformer.
    #[must_use]
    pub fn infeed(&self, lane: usize) -> Infeed<P> {
        let power = |node: usize| -> [Complex64; P] {
            let (voltage, current) = (self.node_voltage(node, lane), self.branch_current(node, lane));
            std::array::from_fn(|phase| voltage[phase] * current[phase].conj())
        };
        let high = power(FED).into_iter().sum::<Complex64>() * Solver::<P>::EACH_STANDS_FOR;
        Infeed { high, low: power(self.solver.tree.low) }
    }

    /// What lines and transformer lose in each time step, in watts; the source's own impedance is not counted.
    #[must_use]
    pub fn losses(&self) -> [f64; LANES] {
        let mut lost = self.solver.arch.dispatch(Losses { solution: self });
        let own = self.solver.tree.nodes[FED].series;
        for (lane, lost) in lost.iter_mut().enumerate() {
            let current = self.branch_current(FED, lane);
            let drop = product(current, own.z1, own.zm);
            *lost -= (0..P).map(|phase| (drop[phase] * current[phase].conj()).re).sum::<f64>();
            *lost *= Solver::<P>::EACH_STANDS_FOR;
        }
        lost
    }

    /// Magnitudes of the voltages to earth of all buses, in volts, in the feeder's order: faster than one by one.
    pub fn voltages(&self, into: &mut Magnitudes<P>) {
        into.resize(self.solver.tree.of_bus.len(), [[0.0; LANES]; P]);
        self.solver.arch.dispatch(BusMagnitudes { solution: self, into });
        // The only bus of another voltage level.
        if let Some((high, _)) = self.solver.tree.high {
            for (phase, lanes) in into[high].iter_mut().enumerate() {
                for (lane, magnitude) in lanes.iter_mut().enumerate() {
                    *magnitude = self.voltage(high, phase, lane).norm();
                }
            }
        }
    }

    /// Magnitudes of the currents of all lines, in amperes, in the feeder's order, at whichever end they are larger: faster
    /// than one by one.
    pub fn line_currents(&self, into: &mut Magnitudes<P>) {
        into.resize(self.solver.tree.of_line.len(), [[0.0; LANES]; P]);
        self.solver.arch.dispatch(LineMagnitudes { solution: self, into });
    }

    /// Referred voltage of a node of the tree.
    fn node_voltage(&self, node: usize, lane: usize) -> [Complex64; P] {
        match self.solver.places[node].at {
            At::Node(node) => self.state.voltage.row(node, lane),
            At::Before { node, series } => {
                let parent = self.state.voltage.row(self.solver.network.branch(node).parent, lane);
                let drop = product(self.state.current.row(node, lane), series.z1, series.zm);
                std::array::from_fn(|phase| parent[phase] - drop[phase])
            }
        }
    }

    /// Referred current of the branch to a node of the tree.
    fn branch_current(&self, node: usize, lane: usize) -> [Complex64; P] {
        let place = self.solver.places[node];
        match place.at {
            At::Node(node) | At::Before { node, .. } if place.carries => self.state.current.row(node, lane),
            _ => [Complex64::ZERO; P],
        }
    }
}

/// Takes phasors back to the high-voltage side: the positive sequence turns one way, the negative one the other way,
/// and the zero sequence does as it must.
fn un_refer<const P: usize>(row: [Complex64; P], scale: f64, to_high: ToHigh) -> [Complex64; P] {
    let lag = to_high.lag;
    let turn = |angle| Complex64::from_polar(1.0, angle);
    if P == 1 {
        return row.map(|phasor| phasor * scale * turn(lag));
    }
    let third = TAU / 3.0;
    let sequence = |step: f64| {
        let turned = row.iter().enumerate().map(|(phase, phasor)| phasor * turn(step * phase as f64));
        turned.sum::<Complex64>() / 3.0
    };
    let zero = sequence(0.0) * to_high.zero_sequence;
    let (positive, negative) = (sequence(third) * turn(lag), sequence(-third) * turn(-lag));
    std::array::from_fn(|phase| {
        let step = third * phase as f64;
        (zero + positive * turn(-step) + negative * turn(step)) * scale
    })
}

/// The voltages of all buses, as they are in the tree.
struct BusMagnitudes<'a, const P: usize> {
    solution: &'a Solution<'a, P>,
    into: &'a mut Magnitudes<P>,
}

impl<const P: usize> WithSimd for BusMagnitudes<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for group in 0..LANES / S::F64_LANES {
            let view = View::<S, P>::new(simd, self.solution, group);
            for (node, into) in self.solution.solver.tree.of_bus.iter().zip(self.into.iter_mut()) {
                store(simd, view.squares(&view.voltage(*node)), into, group);
            }
        }
    }
}

/// The currents of all lines.
struct LineMagnitudes<'a, const P: usize> {
    solution: &'a Solution<'a, P>,
    into: &'a mut Magnitudes<P>,
}

impl<const P: usize> WithSimd for LineMagnitudes<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let tree = &self.solution.solver.tree;
        for group in 0..LANES / S::F64_LANES {
            let view = View::<S, P>::new(simd, self.solution, group);
            let with = view.with;
            for (LinePlace { node, shunt, .. }, into) in tree.of_line.iter().zip(self.into.iter_mut()) {
                let series = view.current(*node);
                let mut squares = view.squares(&series);
                if !shunt.is_none() {
                    let parent = view.voltage(tree.nodes[*node].parent);
                    let near = with.sum(series, with.product(parent, shunt.y1, shunt.ym));
                    let far = with.difference(series, with.product(view.voltage(*node), shunt.y1, shunt.ym));
                    for phase in 0..P {
                        let (near, far) = (with.norm_squared(near[phase]), with.norm_squared(far[phase]));
                        squares[phase] = simd.max_f64s(near, far);
                    }
                }
                store(simd, squares, into, group);
            }
        }
    }
}

/// What all branches and shunts lose, in watts in each of the `P` phases together.
struct Losses<'a, const P: usize> {
    solution: &'a Solution<'a, P>,
}

impl<const P: usize> WithSimd for Losses<'_, P> {
    type Output = [f64; LANES];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; LANES] {
        let network = &self.solution.solver.network;
        let mut lost = [0.0; LANES];
        for (group, lost) in S::as_mut_simd_f64s(&mut lost).0.iter_mut().enumerate() {
            let View { with, voltage, current, .. } = View::<S, P>::new(simd, self.solution, group);
            let mut sum = simd.splat_f64s(0.0);
            for (node, current) in current.iter().enumerate().skip(1) {
                let series = &network.branch(node).series;
                let drop = with.product(*current, series.z1, series.zm);
                sum = simd.add_f64s(sum, with.real_power(&drop, current));
            }
            for Injection { node, shunt } in &network.injections {
                if !shunt.is_none() {
                    let drawn = with.product(voltage[*node], shunt.y1, shunt.ym);
                    sum = simd.add_f64s(sum, with.real_power(&voltage[*node], &drawn));
                }
            }
            *lost = sum;
        }
        lost
    }
}

/// A group of time steps, in registers.
struct View<'a, S: Simd, const P: usize> {
    with: Arithmetic<S>,
    solver: &'a Solver<P>,
    voltage: &'a [Wide<S, P>],
    current: &'a [Wide<S, P>],
}

impl<'a, S: Simd, const P: usize> View<'a, S, P> {
    #[inline(always)]
    fn new(simd: S, solution: &'a Solution<'a, P>, group: usize) -> Self {
        let (voltage, current) = (solution.state.voltage.group::<S>(group), solution.state.current.group::<S>(group));
        Self { with: Arithmetic(simd), solver: solution.solver, voltage, current }
    }

    /// Like [`Solution::node_voltage`].
    #[inline(always)]
    fn voltage(&self, node: usize) -> Wide<S, P> {
        match self.solver.places[node].at {
            At::Node(node) => self.voltage[node],
            At::Before { node, series } => {
                let parent = self.voltage[self.solver.network.branch(node).parent];
                self.with.difference(parent, self.with.product(self.current[node], series.z1, series.zm))
            }
        }
    }

    /// Squares of the magnitudes.
    #[inline(always)]
    fn squares(&self, row: &Wide<S, P>) -> [S::f64s; P] {
        let mut squares = [self.with.0.splat_f64s(0.0); P];
        for phase in 0..P {
            squares[phase] = self.with.norm_squared(row[phase]);
        }
        squares
    }

    /// Like [`Solution::branch_current`].
    #[inline(always)]
    fn current(&self, node: usize) -> Wide<S, P> {
        let place = self.solver.places[node];
        match place.at {
            At::Node(node) | At::Before { node, .. } if place.carries => self.current[node],
            _ => self.with.zero(),
        }
    }
}

/// Square roots, to where they belong among all time steps.
#[inline(always)]
fn store<S: Simd, const P: usize>(simd: S, squares: [S::f64s; P], into: &mut [[f64; LANES]; P], group: usize) {
    for (square, into) in squares.into_iter().zip(into) {
        S::as_mut_simd_f64s(into).0[group] = simd.sqrt_f64s(square);
    }
}
