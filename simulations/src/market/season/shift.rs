//! Homes look at the market in the time of one slot: on each beat, each at its moment, always in the same order.
//!
//! What the autopilot wants in a slot depends on that slot alone. So where all leave it to the autopilot, each slot goes
//! through the whole time by itself, side by side with the others, and what comes of it is the same as if all slots had
//! gone from beat to beat together. A [`Learner`] has one mind for all slots: with any of them there, slots stay together.

use std::time::Duration;

use rayon::prelude::*;
use wattswap_matching::UtcMillis;
use wattswap_node::protocol::autopilot::{Settings, Watch};
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::metering::Limits;

use super::floor::{Floor, Wrote};
use super::learner::Learner;

/// A home's moment in each beat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub(super) home: usize,
    pub(super) offset: Duration,
    pub(super) pilot: Pilot,
}

/// How a home quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pilot {
    /// As the node does: the production code.
    Node,
    /// As the learner of this number.
    Learner(usize),
}

/// The time of one slot.
pub(super) struct Shift<'s> {
    pub(super) from: UtcMillis,
    pub(super) beat: Duration,
    pub(super) beats: u32,
    /// The homes that look at the market, in their order.
    pub(super) turns: &'s [Turn],
    pub(super) shape: &'s Shape,
    pub(super) settings: &'s Settings,
    pub(super) connection: Limits,
}

/// What came of it.
pub(super) struct Done {
    /// Of each look, by beats and in them by turns: whether the home wrote anything down.
    pub(super) wrote: Vec<bool>,
    pub(super) quotes: u64,
}

impl Shift<'_> {
    /// Lets the time pass for these slots.
    pub(super) fn pass(&self, floors: &mut [Floor], learners: &mut [Learner]) -> Done {
        if !learners.is_empty() {
            return self.pass_together(floors, learners);
        }
        let each = floors.par_iter_mut().map(|floor| self.pass_together(std::slice::from_mut(floor), &mut []));
        each.reduce(|| self.nothing(), Done::and)
    }

    fn nothing(&self) -> Done {
        Done { wrote: vec![false; self.beats as usize * self.turns.len()], quotes: 0 }
    }

    fn pass_together(&self, floors: &mut [Floor], learners: &mut [Learner]) -> Done {
        let watch = |floor: &Floor| Watch::new(floor.slot, self.shape, self.connection, self.settings);
        let watches: Vec<Watch<'_>> = floors.iter().map(watch).collect();
        let (mut done, mut actions) = (self.nothing(), Vec::new());
        let beats = (0..self.beats).map(|beat| self.from.after(self.beat * beat));
        let looks = beats.flat_map(|begins| self.turns.iter().map(move |turn| (turn, begins.after(turn.offset))));
        for ((turn, now), anything) in looks.zip(&mut done.wrote) {
            let wrote = match turn.pilot {
                Pilot::Node => floors.iter_mut().zip(&watches).fold(Wrote::default(), |wrote, (floor, watch)| {
                    let wrote = wrote.and(floor.look(turn.home, now, watch, &mut actions));
                    Learner::tell(learners, floor);
                    wrote
                }),
                Pilot::Learner(number) => Learner::look(learners, number, now, self.shape, floors),
            };
            *anything = wrote.anything;
            done.quotes += wrote.quotes;
        }
        done
    }
}

impl Done {
    fn and(mut self, other: Self) -> Self {
        self.wrote.iter_mut().zip(other.wrote).for_each(|(one, other)| *one |= other);
        Self { wrote: self.wrote, quotes: self.quotes + other.quotes }
    }
}
