//! The solver: built once from a feeder, then asked for one batch of time steps after the other.
//!
//! ```text
//! let solver = Solver::<3>::new(&feeder, Settings::default())?;   // three phases; Solver::<1> is the balanced one
//! let mut batch = solver.batch();
//! batch.draw(home, lane, watts, vars);                            // for each home, in each of up to 8 time steps
//! let solution = solver.solve(&mut batch, Start::Flat);
//! solution.voltage(bus, phase, lane); solution.losses()[lane]; ...
//! ```

use std::f64::consts::TAU;

use num_complex::Complex64;
use pulp::Arch;

use super::check::BadFeeder;
use super::feeder::{Feeder, Phases};
use super::field::{LANES, Width};
use super::reduction::{At, Place, keep_all, reduce};
use super::solution::Solution;
use super::sweep::{Bounds, Network, State, Sweeps};
use super::tree::{Tree, phase_numbers};

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
    pub(super) tree: Tree,
    pub(super) network: Network,
    pub(super) places: Vec<Place>,
    connections: Vec<Port>,
    settings: Settings,
    pub(super) arch: Arch,
}

/// Where a connection draws.
#[derive(Clone, Copy, Debug)]
struct Port {
    injection: usize,
    phases: Phases,
}

/// Up to [`LANES`] time steps: what is drawn, and room for the answer. It belongs to the solver that made it.
#[derive(Debug)]
pub struct Batch<const P: usize> {
    state: State<P>,
    connections: Vec<Port>,
    /// Whether the voltages are those of a solution.
    warm: bool,
}

impl<const P: usize> Batch<P> {
    /// Nothing is drawn any more.
    pub fn clear(&mut self) {
        self.state.power.clear();
    }

    /// Lets a connection of the feeder draw power in a time step, beside what it draws already: in watts and var;
    /// negative: it feeds in. What a home draws net is one call.
    ///
    /// # Panics
    /// If there is no such connection, or `lane` is not below [`LANES`].
    pub fn draw(&mut self, connection: usize, lane: usize, watts: f64, vars: f64) {
        let port = self.connections[connection];
        let phases = if P == 1 { &[0] } else { phase_numbers(port.phases) };
        let share = if P == 1 { 3.0 } else { phases.len() as f64 };
        for phase in phases {
            self.state.power.add(port.injection, *phase, lane, Complex64::new(watts, vars) / share);
        }
    }
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
        self.network.nodes()
    }

    /// Room for time steps in which nothing is drawn yet.
    #[must_use]
    pub fn batch(&self) -> Batch<P> {
        let width = self.arch.dispatch(Width);
        Batch { state: self.network.state(width), connections: self.connections.clone(), warm: false }
    }

    /// Solves all time steps of the batch.
    ///
    /// # Panics
    /// If the batch was made by another feeder's solver.
    pub fn solve<'s>(&'s self, batch: &'s mut Batch<P>, start: Start) -> Solution<'s, P> {
        assert_eq!(batch.state.voltage.rows(), self.network.nodes(), "a batch belongs to the solver that made it");
        if start == Start::Flat || !batch.warm {
            batch.state.voltage.fill(self.flat());
        }
        let change = self.settings.tolerance_pu * self.tree.base_v;
        let bounds = Bounds { change_squared: change * change, iterations: self.settings.max_iterations };
        let ended = self.arch.dispatch(Sweeps { network: &self.network, state: &mut batch.state, bounds });
        batch.warm = ended.settled == [true; LANES];
        Solution::new(self, &batch.state, ended)
    }

    /// Of each time step of a batch, the connection at whose bus the voltage leaves the source's first: by one iteration from
    /// voltages without loads, so it says something also of steps that have no solution. None without connections.
    ///
    /// # Panics
    /// If the batch was made by another feeder's solver.
    #[must_use]
    pub fn most_strained(&self, batch: &mut Batch<P>) -> [Option<usize>; LANES] {
        let once = Self { settings: Settings { max_iterations: 1, ..self.settings }, ..self.clone() };
        once.solve(batch, Start::Flat);
        let flat = self.flat();
        let drop = |connection: &Port, lane: usize| {
            let voltage = batch.state.voltage.row(self.network.injections[connection.injection].node, lane);
            voltage.iter().zip(flat).map(|(voltage, flat)| (voltage - flat).norm()).fold(0.0, f64::max)
        };
        std::array::from_fn(|lane| {
            let drops = self.connections.iter().map(|connection| drop(connection, lane)).enumerate();
            // The first of equals: those behind it only follow.
            drops.reduce(|most, next| if next.1 > most.1 { next } else { most }).map(|(connection, _)| connection)
        })
    }

    /// Voltages without loads, referred to the low-voltage side.
    fn flat(&self) -> [Complex64; P] {
        std::array::from_fn(|phase| self.tree.emf * Complex64::from_polar(1.0, -TAU / 3.0 * phase as f64))
    }
}
