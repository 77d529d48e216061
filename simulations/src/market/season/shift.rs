//! Homes look at the market in the time of one slot: once in each beat, each at its moment.
//!
//! What the autopilot wants in a slot depends on that slot alone. So where all leave it to the autopilot, each slot goes
//! through the whole time by itself, side by side with the others, and what comes of it is the same as if all slots had
//! gone from beat to beat together. A [`Learner`] has one mind for all slots: with any of them there, slots stay together.

use std::time::Duration;

use rayon::prelude::*;
use wattswap_matching::UtcMillis;
use wattswap_node::protocol::autopilot::{Settings, Watch, moment};
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::metering::Limits;

use super::floor::{Floor, Wrote};
use super::learner::Learner;

/// A home that looks at the market once in each beat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watcher {
    pub(super) home: usize,
    /// Chooses its moments: see [`moment`].
    pub(super) own: u64,
    pub(super) pilot: Pilot,
}

/// A look of a home at the market.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) at: UtcMillis,
    pub(super) home: usize,
    pilot: Pilot,
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
    /// What homes do in it, in this order.
    pub(super) looks: &'s [Look],
    pub(super) shape: &'s Shape,
    pub(super) settings: &'s Settings,
    pub(super) connection: Limits,
}

/// What came of it.
pub(super) struct Done {
    /// Of each look: whether the home wrote anything down.
    pub(super) wrote: Vec<bool>,
    pub(super) quotes: u64,
}

/// All looks in so many beats from an instant on, in their order.
pub(super) fn looks(watchers: &[Watcher], from: UtcMillis, beat: Duration, beats: u32) -> Vec<Look> {
    let millis = u64::try_from(beat.as_millis()).expect("a part of an hour").max(1);
    let begins = (0..beats).map(|number| from.after(beat * number));
    let mut looks: Vec<Look> = begins
        .flat_map(|begins| {
            watchers.iter().map(move |Watcher { home, own, pilot }| {
                let at = begins.after(moment(*own, begins.0 / millis, beat));
                Look { at, home: *home, pilot: *pilot }
            })
        })
        .collect();
    looks.sort_unstable_by_key(|look| (look.at, look.home));
    looks
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
        Done { wrote: vec![false; self.looks.len()], quotes: 0 }
    }

    fn pass_together(&self, floors: &mut [Floor], learners: &mut [Learner]) -> Done {
        let watch = |floor: &Floor| Watch::new(floor.slot, self.shape, self.connection, self.settings);
        let watches: Vec<Watch<'_>> = floors.iter().map(watch).collect();
        let (mut done, mut actions) = (self.nothing(), Vec::new());
        for (look, anything) in self.looks.iter().zip(&mut done.wrote) {
            let Look { at: now, home, pilot } = *look;
            let wrote = match pilot {
                Pilot::Node => floors.iter_mut().zip(&watches).fold(Wrote::default(), |wrote, (floor, watch)| {
                    let wrote = wrote.and(floor.look(home, now, watch, &mut actions));
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
