//! At which price the autopilot quotes.
//!
//! A seller starts high and comes down, a buyer starts low and goes up, each reaching its owner's limit before the gate
//! closes. Between two neighbours with the same tariffs the ramps cross half-way in time and price, so that they share
//! the gain; where there is more of one side than of the other, those left over go on to their limits. The price moves
//! in [`STEPS`] steps, which bounds what a slot adds to the household's log.

use wattswap_matching::{Price, Side, UtcMillis};

use super::super::charter::Shape;
use super::Settings;

/// Price steps from the opening price to the owner's limit.
pub(super) const STEPS: u64 = 16;

/// The interval in which a slot is quoted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: UtcMillis,
    pub(super) until: UtcMillis,
}

impl Window {
    /// How many steps the price has moved at `now`. The last step lasts as long as each before it.
    fn step(self, now: UtcMillis) -> i64 {
        let (elapsed, whole) = (now.since(self.from).as_millis(), self.until.since(self.from).as_millis().max(1));
        let step = (elapsed * u128::from(STEPS + 1) / whole).min(u128::from(STEPS));
        i64::try_from(step).expect("there are few steps")
    }
}

/// The price to quote at `now`; none if the owner's limit and the community's band leave no price.
pub(super) fn price(side: Side, now: UtcMillis, window: Window, settings: &Settings, shape: &Shape) -> Option<Price> {
    let Settings { sell_at_least, buy_at_most, .. } = *settings;
    let (opening, limit) = match side {
        Side::Sell => (buy_at_most.max(sell_at_least), sell_at_least.max(shape.floor)),
        Side::Buy => (sell_at_least.min(buy_at_most), buy_at_most.min(shape.cap)),
    };
    // The owner's limits may lie outside the band of a newer charter.
    let opening = opening.max(shape.floor).min(shape.cap);
    if !side.accepts(limit, opening) {
        return None;
    }
    let way = i64::from(limit.0) - i64::from(opening.0);
    // Rounds towards the opening price, so never beyond the limit.
    let moved = way * window.step(now) / i64::try_from(STEPS).expect("there are few steps");
    i32::try_from(i64::from(opening.0) + moved).ok().map(Price)
}
