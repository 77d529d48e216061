//! What the homes' meters counted in the last days: asked once, when a slot is over, and kept by slots.
//!
//! Forecasts ask for the same few slots of every home. The homes' own meters keep far more, each in a place of its own,
//! and all of that does not fit into the processor's cache.

use std::collections::VecDeque;

use wattswap_matching::Slot;
use wattswap_node::protocol::autopilot::{self, Count, FORECAST_DAYS};
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::metering::Measured;

/// Slot by slot, for as long as forecasts ask for it.
#[derive(Debug)]
pub(super) struct Counts {
    /// The first slot that is kept.
    first: Slot,
    slots: VecDeque<Vec<Measured>>,
    most: usize,
}

/// Of one home.
#[derive(Clone, Copy, Debug)]
pub(super) struct HomeCounts<'c> {
    counts: &'c Counts,
    home: usize,
}

impl Counts {
    /// From this slot on.
    pub(super) fn new(first: Slot, slots_a_day: usize) -> Self {
        // A day more, for slots are forecast before their day.
        let most = slots_a_day * (FORECAST_DAYS as usize + 1);
        Self { first, slots: VecDeque::with_capacity(most), most }
    }

    /// What was counted in the next slot, home by home.
    pub(super) fn add(&mut self, slot: Vec<Measured>, shape: &Shape) {
        if self.slots.len() == self.most {
            self.slots.pop_front();
            self.first = shape.next(self.first);
        }
        self.slots.push_back(slot);
    }

    /// What each home's meter counted in a slot.
    pub(super) fn of_slot(&self, slot: Slot, shape: &Shape) -> Option<&[Measured]> {
        let ahead = slot.start().0.checked_sub(self.first.start().0)?;
        let number = usize::try_from(u128::from(ahead) / shape.slot_length.as_millis()).ok()?;
        self.slots.get(number).map(Vec::as_slice)
    }

    pub(super) fn of(&self, home: usize) -> HomeCounts<'_> {
        HomeCounts { counts: self, home }
    }
}

impl autopilot::Counts for HomeCounts<'_> {
    fn counted(&self, slot: Slot, shape: &Shape) -> Count {
        self.counts.of_slot(slot, shape).map(|homes| homes[self.home]).into()
    }
}
