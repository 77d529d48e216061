//! What trading does to the wires: each slot's power flow on the community's feeder, added up.
//!
//! The only floats among the answers: voltages, currents and powers, as in [`crate::grid`]. Slots are solved as many at a
//! time as the solver has lanes, each from a flat start, so that no answer depends on its neighbours. A connection draws
//! what its homes' meters count, at unity power factor but for needs, which have the reactive power that the feeder's
//! data gives the connection. The feeder is solved balanced unless some connection has a single phase.

mod answers;
mod load;
mod voltage;

pub use answers::{BusAnswers, FeederAnswers, LineAnswers, PhaseAnswers, TransformerAnswers, WeekAnswers};

use wattswap_matching::WattHours;

use self::load::Load;
use self::voltage::Voltage;
use super::series::At;
use crate::grid::feeder::{Feeder, Kind, Phases};
use crate::grid::solution::Magnitudes;
use crate::grid::solver::{Batch, Settings, Solver, Start};
use crate::grid::{BadFeeder, LANES};
use crate::homes::{Calendar, Community};
use crate::run::record::{HomeSlot, SettledSlot};

/// So many slots that did not converge, and homes without a connection, are named.
const NAMED: usize = 10;

/// The feeder of a community, watched.
#[derive(Debug)]
pub enum Grid<'c> {
    /// One phase stands for three.
    Balanced(Box<Watch<'c, 1>>),
    /// Each phase for itself.
    Unbalanced(Box<Watch<'c, 3>>),
}

/// The feeder's state in a slot, over all low-voltage buses and phases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Envelope {
    /// When.
    pub at: At,
    /// The lowest, the middle and the highest voltage, in pu of the nominal one to earth.
    pub voltages: [f64; 3],
    /// The highest loading of a line or the transformer, as a share of what it may carry, if anything has a rating.
    pub loading: Option<f64>,
}

/// A feeder that is solved for `P` phases.
#[derive(Debug)]
pub struct Watch<'c, const P: usize> {
    feeder: &'c Feeder,
    solver: Solver<P>,
    batch: Batch<P>,
    /// Of each home, if it has a connection.
    ports: Vec<Option<Port>>,
    /// The slots of the batch.
    waiting: Vec<Waiting>,
    voltages: Magnitudes<P>,
    currents: Magnitudes<P>,
    seen: Seen<P>,
}

/// What a home draws through.
#[derive(Clone, Copy, Debug)]
struct Port {
    connection: usize,
    /// Reactive power over active power of its needs.
    tan_phi: f64,
}

/// What was seen in the slots that were solved.
#[derive(Debug)]
struct Seen<const P: usize> {
    slots: usize,
    not_converged: usize,
    /// With the bus whose voltage gives way first.
    first_not_converged: Vec<(usize, usize)>,
    voltage: Voltage<P>,
    load: Load,
    envelopes: Vec<Envelope>,
    slot_minutes: u32,
    homes_without: Vec<String>,
    /// What homes with a connection fed in, in slots that converged.
    fed_in: WattHours,
}

/// A slot that is not solved yet.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    number: usize,
    at: At,
    fed_in: WattHours,
}

impl<'c> Grid<'c> {
    /// Prepares the feeder of a community; none if it has none.
    ///
    /// # Errors
    /// [`BadFeeder`] if it can't be solved.
    pub fn new(community: &'c Community) -> Result<Option<Self>, BadFeeder> {
        let Some(feeder) = &community.feeder else { return Ok(None) };
        let balanced = feeder.connections.iter().all(|connection| connection.phases == Phases::All);
        Ok(Some(if balanced {
            Self::Balanced(Box::new(Watch::new(feeder, community)?))
        } else {
            Self::Unbalanced(Box::new(Watch::new(feeder, community)?))
        }))
    }

    /// A slot is settled.
    pub fn settled(&mut self, slot: &SettledSlot<'_>) {
        match self {
            Self::Balanced(watch) => watch.settled(slot),
            Self::Unbalanced(watch) => watch.settled(slot),
        }
    }

    /// Solves what is left, and says what all of it came to, with the feeder's state in each slot.
    #[must_use]
    pub fn finish(self, calendar: &Calendar) -> (FeederAnswers, Vec<Envelope>) {
        match self {
            Self::Balanced(watch) => watch.finish(calendar),
            Self::Unbalanced(watch) => watch.finish(calendar),
        }
    }
}

impl<'c, const P: usize> Watch<'c, P> {
    fn new(feeder: &'c Feeder, community: &Community) -> Result<Self, BadFeeder> {
        let solver = Solver::new(feeder, Settings::default())?;
        let port = |connection: usize| Port { connection, tan_phi: tan_phi(feeder, connection) };
        let without = community.homes.iter().filter(|home| home.connection.is_none());
        let slot_minutes = community.calendar.slot_minutes;
        Ok(Self {
            feeder,
            batch: solver.batch(),
            solver,
            ports: community.homes.iter().map(|home| home.connection.map(port)).collect(),
            waiting: Vec::with_capacity(LANES),
            voltages: Vec::new(),
            currents: Vec::new(),
            seen: Seen {
                slots: 0,
                not_converged: 0,
                first_not_converged: Vec::new(),
                voltage: Voltage::new(feeder),
                load: Load::new(feeder),
                envelopes: Vec::new(),
                slot_minutes,
                homes_without: without.map(|home| home.name.clone()).collect(),
                fed_in: WattHours::ZERO,
            },
        })
    }

    fn settled(&mut self, slot: &SettledSlot<'_>) {
        let (lane, mut fed_in) = (self.waiting.len(), WattHours::ZERO);
        let an_hour = 60.0 / f64::from(self.seen.slot_minutes);
        for (home, port) in slot.homes.iter().zip(&self.ports) {
            if let Some(port) = port {
                let (watts, vars) = port.draws(home, an_hour);
                self.batch.draw(port.connection, lane, watts, vars);
                fed_in += (-home.flows.net()).max(WattHours::ZERO);
            }
        }
        self.waiting.push(Waiting { number: slot.number, at: At { day: slot.day, of_day: slot.of_day }, fed_in });
        if self.waiting.len() == LANES {
            self.solve();
        }
    }

    fn solve(&mut self) {
        let solution = self.solver.solve(&mut self.batch, Start::Flat);
        solution.voltages(&mut self.voltages);
        solution.line_currents(&mut self.currents);
        let losses = solution.losses();
        let (seen, mut lost) = (&mut self.seen, Vec::new());
        for (lane, Waiting { number, at, fed_in }) in self.waiting.drain(..).enumerate() {
            seen.slots += 1;
            if !solution.converged(lane) {
                lost.push((lane, number));
                continue;
            }
            seen.fed_in += fed_in;
            let voltages = seen.voltage.look(number, at, lane, &self.voltages);
            seen.voltage.look_at_unbalance(number, lane, &solution);
            let loading = seen.load.look(number, lane, self.feeder, &self.currents, &solution, losses[lane]);
            seen.envelopes.push(Envelope { at, voltages, loading });
        }
        if !lost.is_empty() {
            self.lose(&lost);
        }
        self.batch.clear();
    }

    /// Names slots that have no solution, by lane and number, with the bus that gives way first.
    fn lose(&mut self, slots: &[(usize, usize)]) {
        let strained = self.solver.most_strained(&mut self.batch);
        self.seen.not_converged += slots.len();
        for (lane, number) in slots.iter().take(NAMED - self.seen.first_not_converged.len()) {
            let connection = strained[*lane].expect("nothing is drawn without connections");
            self.seen.first_not_converged.push((*number, self.feeder.connections[connection].bus));
        }
    }

    fn finish(mut self, calendar: &Calendar) -> (FeederAnswers, Vec<Envelope>) {
        if !self.waiting.is_empty() {
            self.solve();
        }
        let answers = answers::answers(self.feeder, &mut self.seen, calendar);
        (answers, self.seen.envelopes)
    }
}

impl Port {
    /// Mean active and reactive power of a slot, in W and var.
    fn draws(&self, home: &HomeSlot, an_hour: f64) -> (f64, f64) {
        let watts = |energy: WattHours| energy.0 as f64 * an_hour;
        (watts(home.flows.net()), watts(home.flows.need) * self.tan_phi)
    }
}

/// Of a load, reactive over active power where its profile is one; of anything else, and where the data has none, 0.
fn tan_phi(feeder: &Feeder, connection: usize) -> f64 {
    let connection = &feeder.connections[connection];
    let draws = connection.kind == Kind::Load && connection.watts > 0.0;
    if draws { connection.vars / connection.watts } else { 0.0 }
}

#[cfg(test)]
mod tests;
