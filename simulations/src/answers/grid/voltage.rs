//! Voltages over all slots: extremes by phase, time outside of what a standard allows, unbalance.
//!
//! EN 50160 looks at 10-minute means of a week at each supply terminal: 95 % of them lie within 10 % of the nominal
//! voltage, and all between 15 % below and 10 % above it. Here the mean of a slot stands for the 10-minute means, and a
//! bus for the terminals at it; weeks are counted from the run's first day, and the last may be shorter.

use std::f64::consts::TAU;
use std::ops::RangeInclusive;

use num_complex::Complex64;

use super::At;
use crate::grid::feeder::Feeder;
use crate::grid::series::Extreme;
use crate::grid::solution::{Magnitudes, Solution};

/// Within so much of the nominal voltage, in pu, nothing is wrong.
pub const TOLERANCE: f64 = 0.1;
const DAYS_A_WEEK: usize = 7;

/// What EN 50160 calls nominal in public low-voltage grids, to earth: feeders' own bases are 230.94 or 240.18 V.
const PUBLIC_V: f64 = 230.0;
const ABOUT_PUBLIC: RangeInclusive<f64> = 215.0..=245.0;

/// What voltages are compared with: the public nominal voltage, unless the feeder is meant for another.
fn nominal(base_v: f64) -> f64 {
    if ABOUT_PUBLIC.contains(&base_v) { PUBLIC_V } else { base_v }
}

/// What is known of all low-voltage buses.
#[derive(Debug)]
pub struct Voltage<const P: usize> {
    /// What a pu is, in volts to earth.
    pub base_v: f64,
    /// Of each of the feeder's buses; none of the transformer's high-voltage side.
    pub buses: Vec<Option<BusVoltage<P>>>,
    /// Of each phase.
    pub phases: [PhaseVoltage; P],
    /// The week and place with the largest share of slots outside.
    pub worst: Option<Worst>,
    /// Weeks that were looked at.
    pub weeks: usize,
    /// The largest negative over positive sequence voltage.
    pub unbalance: Option<Extreme>,
    week: Week,
    sorted: Vec<f64>,
}

/// A bus.
#[derive(Clone, Copy, Debug)]
pub struct BusVoltage<const P: usize> {
    /// The lowest and the highest of all phases, in pu.
    pub extremes: Option<(f64, f64)>,
    /// Slots outside in each phase.
    pub outside: [u32; P],
    this_week: [u32; P],
}

/// A phase, over all buses.
#[derive(Clone, Copy, Debug, Default)]
pub struct PhaseVoltage {
    /// The lowest.
    pub lowest: Option<Extreme>,
    /// The highest.
    pub highest: Option<Extreme>,
    /// Slots in which some bus was outside.
    pub outside: u32,
}

/// A share of a week's slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worst {
    /// Slots outside.
    pub outside: u32,
    /// Of so many.
    pub of: u32,
    /// Where.
    pub bus: usize,
    /// From 0.
    pub phase: usize,
    /// From 0.
    pub week: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Week {
    number: usize,
    slots: u32,
}

impl<const P: usize> Voltage<P> {
    pub fn new(feeder: &Feeder) -> Self {
        let high = feeder.transformer.as_ref().map(|transformer| transformer.high);
        let low = feeder.transformer.as_ref().map_or(feeder.source.bus, |transformer| transformer.low);
        let bus = |bus: usize| {
            (Some(bus) != high).then_some(BusVoltage { extremes: None, outside: [0; P], this_week: [0; P] })
        };
        Self {
            base_v: nominal(feeder.buses[low].base_v()),
            buses: (0..feeder.buses.len()).map(bus).collect(),
            phases: [PhaseVoltage::default(); P],
            worst: None,
            weeks: 0,
            unbalance: None,
            week: Week::default(),
            sorted: Vec::new(),
        }
    }

    /// Looks at a slot's magnitudes; returns its lowest, middle and highest voltage in pu.
    pub fn look(&mut self, number: usize, at: At, lane: usize, voltages: &Magnitudes<P>) -> [f64; 3] {
        if at.day / DAYS_A_WEEK != self.week.number {
            self.end_week();
            self.week = Week { number: at.day / DAYS_A_WEEK, slots: 0 };
        }
        self.week.slots += 1;
        self.sorted.clear();
        let mut outside = [false; P];
        let per_volt = 1.0 / self.base_v;
        for (place, (bus, magnitudes)) in self.buses.iter_mut().zip(voltages).enumerate() {
            let Some(bus) = bus else { continue };
            for (phase, lanes) in magnitudes.iter().enumerate() {
                let pu = lanes[lane] * per_volt;
                let extreme = Extreme { pu, place, phase, step: number };
                self.sorted.push(pu);
                self.phases[phase].include(extreme);
                let (low, high) = bus.extremes.unwrap_or((pu, pu));
                bus.extremes = Some((low.min(pu), high.max(pu)));
                if (pu - 1.0).abs() > TOLERANCE {
                    bus.outside[phase] += 1;
                    bus.this_week[phase] += 1;
                    outside[phase] = true;
                }
            }
        }
        for (phase, outside) in self.phases.iter_mut().zip(outside) {
            phase.outside += u32::from(outside);
        }
        self.sorted.sort_unstable_by(f64::total_cmp);
        let last = self.sorted.len() - 1;
        [0, last / 2, last].map(|place| self.sorted[place])
    }

    /// Looks at a slot's negative over positive sequence voltage (Fortescue), the unbalance of EN 50160 and IEC
    /// 61000-4-30. One phase that stands for three has none.
    pub fn look_at_unbalance(&mut self, number: usize, lane: usize, solution: &Solution<'_, P>) {
        if P != 3 {
            return;
        }
        for (place, _) in self.buses.iter().enumerate().filter(|(_, bus)| bus.is_some()) {
            let factor = unbalance([0, 1, 2].map(|phase| solution.voltage(place, phase, lane)));
            if self.unbalance.is_none_or(|most| factor > most.pu) {
                self.unbalance = Some(Extreme { pu: factor, place, phase: 0, step: number });
            }
        }
    }

    /// Closes the week that is open.
    pub fn end_week(&mut self) {
        let Week { number: week, slots: of } = self.week;
        if of == 0 {
            return;
        }
        self.weeks += 1;
        for (place, bus) in self.buses.iter_mut().enumerate() {
            let Some(bus) = bus else { continue };
            for (phase, outside) in std::mem::replace(&mut bus.this_week, [0; P]).into_iter().enumerate() {
                let found = Worst { outside, of, bus: place, phase, week };
                if self.worst.is_none_or(|worst| found.is_worse_than(&worst)) {
                    self.worst = Some(found);
                }
            }
        }
        self.week.slots = 0;
    }
}

impl PhaseVoltage {
    fn include(&mut self, found: Extreme) {
        if self.lowest.is_none_or(|lowest| found.pu < lowest.pu) {
            self.lowest = Some(found);
        }
        if self.highest.is_none_or(|highest| found.pu > highest.pu) {
            self.highest = Some(found);
        }
    }
}

impl Worst {
    /// The share of its week.
    pub fn share(&self) -> f64 {
        f64::from(self.outside) / f64::from(self.of)
    }

    fn is_worse_than(&self, other: &Self) -> bool {
        u64::from(self.outside) * u64::from(other.of) > u64::from(other.outside) * u64::from(self.of)
    }
}

/// Negative over positive sequence.
pub fn unbalance([a, b, c]: [Complex64; 3]) -> f64 {
    let turn = Complex64::from_polar(1.0, TAU / 3.0);
    let positive = a + b * turn + c * turn * turn;
    let negative = a + b * turn * turn + c * turn;
    negative.norm() / positive.norm()
}
