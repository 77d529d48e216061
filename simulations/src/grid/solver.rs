//! The solver: built once from a feeder, then asked for one batch of time steps after the other.
//!
//! ```text
//! let solver = Solver::<3>::new(&feeder, Settings::default())?;   // three phases; Solver::<1> is the balanced one
//! let mut batch = solver.batch();
//! batch.draw(home, lane, watts, vars);                            // for each home, in each of up to 8 time steps
//! let solution = solver.solve(&mut batch, Start::Flat);
//! solution.voltage(bus, phase, lane); solution.losses(lane); ...
//! ```

use std::f64::consts::TAU;

use num_complex::Complex64;
use pulp::Arch;

use super::feeder::{Feeder, Phases};
use super::lanes::{LANES, Lanes, Phasor};
use super::reduction::{At, Place, keep_all, reduce};
use super::sweep::{self, Bounds, Ended, Injection, Network, Row, State};
use super::tree::{BadFeeder, FED, Series, Tree, phase_numbers};

/// How exactly to solve, and how.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// No voltage changes by more than this in the last iteration, in pu of the nominal voltage to earth.
    pub tolerance_pu: f64,
    /// Who has not settled after so many iterations has not converged.
    pub max_iterations: u32,
    /// Leave out load-free nodes while iterating, which changes nothing but the time it takes.
    pub reduced: bool,
}

/// A sweep settles within 10 iterations unless the feeder is close to collapse; beyond this it has collapsed.
const MAX_ITERATIONS: u32 = 100;

impl Default for Settings {
    fn default() -> Self {
        Self { tolerance_pu: 1e-8, max_iterations: MAX_ITERATIONS, reduced: true }
    }
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the voltages of a feeder without loads.
    Flat,
    /// With the voltages of the batch before, if all of them had converged: the same answer within the tolerance, and
    /// one or two iterations less if loads have changed little.
    Warm,
}

/// A feeder, ready to be solved for `P` phases: 3, or 1 that stands for three balanced ones.
///
/// With one phase, currents and powers are those of each of the three, and a connection of a single phase counts as if
/// it were spread over all.
#[derive(Clone, Debug)]
pub struct Solver<const P: usize> {
    tree: Tree,
    network: Network,
    places: Vec<Place>,
    connections: Vec<Port>,
    settings: Settings,
    arch: Arch,
}

/// Where a connection draws.
#[derive(Clone, Copy, Debug)]
struct Port {
    injection: usize,
    phases: Phases,
}

/// Up to [`LANES`] time steps: what is drawn, and room for the answer. It belongs to the solver that made it.
#[derive(Clone, Debug)]
pub struct Batch<const P: usize> {
    state: State<P>,
    connections: Vec<Port>,
    /// Whether the voltages are those of a solution.
    warm: bool,
}

impl<const P: usize> Batch<P> {
    /// Nothing is drawn any more.
    pub fn clear(&mut self) {
        self.state.power.fill([Phasor::ZERO; P]);
    }

    /// Lets a connection of the feeder draw power in a time step, beside what it draws already: in watts and var;
    /// negative: it feeds in. What a home draws net is one call.
    ///
    /// # Panics
    /// If there is no such connection, or `lane` is not below [`LANES`].
    pub fn draw(&mut self, connection: usize, lane: usize, watts: f64, vars: f64) {
        let port = self.connections[connection];
        let row = &mut self.state.power[port.injection];
        let phases = if P == 1 { &[0] } else { phase_numbers(port.phases) };
        let share = if P == 1 { 3.0 } else { phases.len() as f64 };
        for phase in phases {
            row[*phase].re.0[lane] += watts / share;
            row[*phase].im.0[lane] += vars / share;
        }
    }
}

/// The power through the transformer, or through the bus that the source feeds, in volt-amperes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Infeed<const P: usize> {
    /// All three phases, out of the source and into the high-voltage side.
    pub high: Complex64,
    /// Each phase, out of the low-voltage side and into the lines.
    pub low: [Complex64; P],
}

impl<const P: usize> Solver<P> {
    /// How many real phases each of the `P` stands for.
    pub const EACH_STANDS_FOR: f64 = 3.0 / P as f64;

    /// Looks at the feeder, and prepares.
    ///
    /// # Errors
    /// [`BadFeeder`], if it is not radial, not connected, or holds values that make no sense.
    pub fn new(feeder: &Feeder, settings: Settings) -> Result<Self, BadFeeder> {
        const { assert!(P == 1 || P == 3, "there are three phases, or one that stands for them") }
        let tree = Tree::new(feeder)?;
        let reduced = if settings.reduced { reduce(&tree) } else { keep_all(&tree) };
        let network = Network::new(&reduced);
        let port = |phases, bus: usize| {
            let At::Node(node) = reduced.places[tree.of_bus[bus]].at else { unreachable!("loaded nodes are kept") };
            let injection = network.injections.binary_search_by_key(&node, |injection| injection.node);
            Port { injection: injection.expect("loaded nodes inject"), phases }
        };
        let connections = feeder.connections.iter().map(|each| port(each.phases, each.bus)).collect();
        Ok(Self { network, places: reduced.places, connections, settings, arch: Arch::new(), tree })
    }

    /// How many nodes an iteration visits.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.places.iter().filter(|place| matches!(place.at, At::Node(_)) && place.carries).count()
    }

    /// Room for time steps in which nothing is drawn yet.
    #[must_use]
    pub fn batch(&self) -> Batch<P> {
        Batch { state: self.network.state(self.flat()), connections: self.connections.clone(), warm: false }
    }

    /// Solves all time steps of the batch.
    pub fn solve<'s>(&'s self, batch: &'s mut Batch<P>, start: Start) -> Solution<'s, P> {
        if start == Start::Flat || !batch.warm {
            batch.state.voltage.fill(self.flat());
        }
        let change = self.settings.tolerance_pu * self.tree.base_v;
        let bounds = Bounds { change_squared: change * change, iterations: self.settings.max_iterations };
        let ended = self.arch.dispatch(|| sweep::solve(&self.network, &mut batch.state, bounds));
        batch.warm = ended.settled == [true; LANES];
        Solution { solver: self, state: &batch.state, ended }
    }

    /// Voltages without loads, referred to the low-voltage side.
    fn flat(&self) -> Row<P> {
        std::array::from_fn(|phase| Phasor::all(self.tree.emf * turn(-TAU / 3.0 * phase as f64)))
    }
}

fn turn(angle: f64) -> Complex64 {
    Complex64::from_polar(1.0, angle)
}

/// What a batch came to.
///
/// Ask [`Solution::converged`] first: the other answers mean nothing in a time step that has not.
#[derive(Clone, Copy, Debug)]
pub struct Solution<'s, const P: usize> {
    solver: &'s Solver<P>,
    state: &'s State<P>,
    ended: Ended,
}

impl<const P: usize> Solution<'_, P> {
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
        let row = self.row(self.solver.tree.of_bus[bus]).map(|phasor| phasor.lane(lane));
        match self.solver.tree.high {
            Some((high, to_high)) if high == bus => un_refer(row, to_high.ratio, to_high.lag)[phase],
            _ => row[phase],
        }
    }

    /// The current of a line and phase in amperes: at whichever end it is larger, as the cable's capacitance adds to it.
    ///
    /// # Panics
    /// If there is no such line or phase.
    #[must_use]
    pub fn line_current(&self, line: usize, phase: usize, lane: usize) -> f64 {
        self.line_magnitude(line)[phase].0[lane]
    }

    /// The current of the transformer's high-voltage side and phase, in amperes; that of the source if there is no
    /// transformer.
    ///
    /// # Panics
    /// If there is no such phase.
    #[must_use]
    pub fn source_current(&self, phase: usize, lane: usize) -> Complex64 {
        let row = self.branch_current(FED).map(|phasor| phasor.lane(lane));
        match self.solver.tree.high {
            Some((_, to_high)) => un_refer(row, 1.0 / to_high.ratio, to_high.lag)[phase],
            None => row[phase],
        }
    }

    /// The current out of the transformer's low-voltage side, in amperes.
    ///
    /// # Panics
    /// If there is no such phase.
    #[must_use]
    pub fn low_current(&self, phase: usize, lane: usize) -> Complex64 {
        self.branch_current(self.solver.tree.low)[phase].lane(lane)
    }

    /// The power through the transformer.
    #[must_use]
    pub fn infeed(&self, lane: usize) -> Infeed<P> {
        let power = |node: usize| -> [Complex64; P] {
            let (voltage, current) = (self.row(node), self.branch_current(node));
            std::array::from_fn(|phase| voltage[phase].lane(lane) * current[phase].lane(lane).conj())
        };
        let high = power(FED).into_iter().sum::<Complex64>() * Solver::<P>::EACH_STANDS_FOR;
        Infeed { high, low: power(self.solver.tree.low) }
    }

    /// What lines and transformer lose, in watts; the source's own impedance is not counted.
    #[must_use]
    pub fn losses(&self, lane: usize) -> f64 {
        let network = &self.solver.network;
        let series_loss = |series: &Series, current: &Row<P>| real_power(&sweep::drop(series, current), current, lane);
        let nodes = 1..self.state.current.len();
        let series: f64 = nodes.map(|node| series_loss(&network.branch(node).series, &self.state.current[node])).sum();
        let shunt_loss = |injection: &Injection| {
            let voltage = &self.state.voltage[injection.node];
            real_power(voltage, &sweep::shunt_current(&injection.shunt, voltage), lane)
        };
        let shunts: f64 = network.injections.iter().map(shunt_loss).sum();
        let own = series_loss(&self.solver.tree.nodes[FED].series, &self.branch_current(FED));
        (series + shunts - own) * Solver::<P>::EACH_STANDS_FOR
    }

    /// Magnitudes of the voltages to earth of all buses, in volts, in the feeder's order.
    pub fn voltages(&self, into: &mut Vec<[Lanes; P]>) {
        into.clear();
        self.solver.arch.dispatch(|| {
            for node in &self.solver.tree.of_bus {
                into.push(magnitudes(self.row(*node)));
            }
        });
        // The only bus of another voltage level, and of an angle that is not the tree's.
        if let Some((high, _)) = self.solver.tree.high {
            for lane in 0..LANES {
                for phase in 0..P {
                    into[high][phase].0[lane] = self.voltage(high, phase, lane).norm();
                }
            }
        }
    }

    /// Magnitudes of the currents of all lines, in amperes, in the feeder's order.
    pub fn line_currents(&self, into: &mut Vec<[Lanes; P]>) {
        into.clear();
        self.solver.arch.dispatch(|| {
            for line in 0..self.solver.tree.of_line.len() {
                into.push(self.line_magnitude(line));
            }
        });
    }

    /// Referred voltage of a node of the tree.
    #[inline(always)]
    fn row(&self, node: usize) -> Row<P> {
        match self.solver.places[node].at {
            At::Node(node) => self.state.voltage[node],
            At::Before { node, series } => {
                let parent = self.solver.network.branch(node).parent;
                let drop = sweep::drop(&series, &self.state.current[node]);
                std::array::from_fn(|phase| self.state.voltage[parent][phase] - drop[phase])
            }
        }
    }

    /// Referred current of the branch to a node of the tree.
    #[inline(always)]
    fn branch_current(&self, node: usize) -> Row<P> {
        let place = self.solver.places[node];
        match place.at {
            At::Node(node) | At::Before { node, .. } if place.carries => self.state.current[node],
            _ => [Phasor::ZERO; P],
        }
    }

    #[inline(always)]
    fn line_magnitude(&self, line: usize) -> [Lanes; P] {
        let (node, shunt) = self.solver.tree.of_line[line];
        let series = self.branch_current(node);
        if shunt.is_none() {
            return magnitudes(series);
        }
        let parent = self.solver.tree.nodes[node].parent;
        let near = sweep::shunt_current(&shunt, &self.row(parent));
        let far = sweep::shunt_current(&shunt, &self.row(node));
        std::array::from_fn(|phase| {
            let (near, far) = (series[phase] + near[phase], series[phase] - far[phase]);
            near.norm_squared().larger(far.norm_squared()).sqrt()
        })
    }
}

#[inline(always)]
fn magnitudes<const P: usize>(row: Row<P>) -> [Lanes; P] {
    row.map(|phasor| phasor.norm_squared().sqrt())
}

fn real_power<const P: usize>(voltage: &Row<P>, current: &Row<P>, lane: usize) -> f64 {
    let power = |phase: usize| voltage[phase].lane(lane) * current[phase].lane(lane).conj();
    (0..P).map(|phase| power(phase).re).sum()
}

/// Takes phasors back to the high-voltage side: the positive sequence turns one way, the negative one the other way,
/// and what there is of the zero sequence does not turn.
fn un_refer<const P: usize>(row: [Complex64; P], scale: f64, lag: f64) -> [Complex64; P] {
    if P == 1 {
        return row.map(|phasor| phasor * scale * turn(lag));
    }
    let third = TAU / 3.0;
    let sequence = |step: f64| {
        let turned = row.iter().enumerate().map(|(phase, phasor)| phasor * turn(step * phase as f64));
        turned.sum::<Complex64>() / 3.0
    };
    let (zero, positive, negative) = (sequence(0.0), sequence(third) * turn(lag), sequence(-third) * turn(-lag));
    std::array::from_fn(|phase| {
        let step = third * phase as f64;
        (zero + positive * turn(-step) + negative * turn(step)) * scale
    })
}
