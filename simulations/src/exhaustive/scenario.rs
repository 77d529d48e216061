//! What people do in a small street, and what may go wrong meanwhile: everything that a search is told.

use std::time::Duration;

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::household::io::Wish;

use crate::network::usual_shape;

use super::properties::Mark;

/// When scenarios begin if no gate is near: aligned to slots.
const NOON: UtcMillis = UtcMillis(1_800_000_000_000);

/// What somebody wants to trade; all in the same slot.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Buy or sell.
    pub side: Side,
    /// In Wh.
    pub quantity: i64,
    /// In ticks per kWh.
    pub price: i32,
    /// Milliseconds after the start; until the gate if nothing is said.
    pub expires: Option<u64>,
}

/// What an owner does.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    /// Wants to trade.
    Place(Order),
    /// Cancels what it placed with this number, counted from 0.
    Cancel(usize),
}

/// How much may go wrong on one path, and how long it may be. Loss, delay and reordering of messages are without bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bounds {
    /// Messages that come once more.
    pub repeats: u8,
    /// Turns for two things that came while the disk was busy.
    pub pairs: u8,
    /// Crashes.
    pub crashes: u8,
    /// Old disks that are put back.
    pub restores: u8,
    /// Steps of a household's clock.
    pub clock_steps: u8,
    /// How many of the scenario's instants are reached.
    pub instants: usize,
    /// How many actions there may be; none: until nothing more can happen.
    pub depth: Option<usize>,
}

/// A small street and what may happen in it.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Households.
    pub homes: usize,
    /// What each owner does, in this order.
    pub deeds: Vec<Vec<Deed>>,
    /// How much of it is done, and told to all, before the search begins; the rest at any time.
    pub before: Vec<usize>,
    /// Instants that the true time takes, in milliseconds after the start; the first is 0.
    pub instants: Vec<u64>,
    /// How long after the start the gate closes; tomorrow if nothing is said.
    pub gate: Option<u64>,
    /// For tests: a few seconds of one core.
    pub bounds: Bounds,
    /// For a longer run.
    pub long: Vec<Bounds>,
    /// What must happen on some path, or the search would show nothing.
    pub must_reach: Vec<Mark>,
}

impl Order {
    /// The order as a command has it.
    pub fn wish(&self, scenario: &Scenario) -> Wish {
        Wish {
            slot: scenario.slot(),
            side: self.side,
            quantity: WattHours(self.quantity),
            price: Price(self.price),
            expires_at: self.expires.map(|expires| scenario.begins().after(Duration::from_millis(expires))),
        }
    }
}

impl Scenario {
    /// When the first household starts. It is all one instant until the search begins.
    pub fn begins(&self) -> UtcMillis {
        NOON.before(Duration::from_millis(self.gate.unwrap_or(0)))
    }

    /// The slot that is traded in.
    fn slot(&self) -> Slot {
        let shape = usual_shape();
        if self.gate.is_none() {
            return Slot(NOON.after(Duration::from_secs(24 * 3600)));
        }
        let gate_after_start = i64::try_from(shape.slot_length.as_millis()).expect("short") + shape.gate_millis;
        Slot(UtcMillis(NOON.0.saturating_add_signed(-gate_after_start)))
    }

    /// The true time at one of the instants.
    pub fn instant(&self, number: usize) -> UtcMillis {
        self.begins().after(Duration::from_millis(self.instants[number]))
    }
}
