//! At which price the autopilot quotes.
//!
//! Everybody opens at a price that nobody takes, which shows how much there is of each side. Of the two sides, the
//! **long** one, of which there is more, has to compete for the other: its members go most of the way to their owners'
//! limits at once, so that in the book those who gain most by a trade come first. Then the short side climbs towards
//! them in steps, its own keenest first, and takes the best. At the end of the window all are at their limit. So energy
//! goes from those whom it costs least to those to whom it is worth most, without anybody in the middle, and the batch
//! of a home's quotes changes only a few times in the life of a slot.
//!
//! Where both sides ramp alike, all prices cross within a step or two, and who trades is a matter of chance: see
//! `docs/decisions/0011-the-long-side-first.md`.

use wattswap_matching::{Price, Side, UtcMillis, WattHours};

use super::super::charter::Shape;
use super::{Depth, PriceLimits};

/// Steps of a window: in the first everybody opens, in the second the long side goes ahead, in the rest the short side
/// follows.
pub const STEPS: u32 = 8;
const LAST: i64 = STEPS as i64 - 1;
/// So much of its way the long side goes at once: what is left is its share of the gain.
const AHEAD: Share = Share(4, 5);

/// A part of the way from the opening price to the limit: so many of so many.
#[derive(Clone, Copy)]
struct Share(i64, i64);

/// The interval in which a slot is quoted, once before and once after delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: UtcMillis,
    pub(super) until: UtcMillis,
}

impl Window {
    /// How many steps are over at `now`. The last one lasts as long as each before it.
    #[inline]
    fn step(self, now: UtcMillis) -> i64 {
        let (elapsed, whole) = (now.0.saturating_sub(self.from.0), self.until.0.saturating_sub(self.from.0).max(1));
        i64::try_from(elapsed.saturating_mul(u64::from(STEPS)) / whole).unwrap_or(LAST).min(LAST)
    }
}

impl Depth {
    /// Whether there is more of this side than of the other. Of equal sides, the sellers' is taken for the longer.
    #[inline]
    fn is_long(self, side: Side) -> bool {
        match side {
            Side::Sell => self.asks >= self.bids,
            Side::Buy => self.bids > self.asks,
        }
    }

    /// Whether anybody is there to trade with.
    #[inline]
    pub(super) fn has_other(self, side: Side) -> bool {
        let other = if side == Side::Buy { self.asks } else { self.bids };
        other > WattHours::ZERO
    }
}

/// How far to go towards the limit.
#[inline]
fn share(side: Side, step: i64, depth: Depth) -> Share {
    match (step, depth.has_other(side), depth.is_long(side)) {
        (0, ..) | (_, false, _) | (1, true, false) => Share(0, 1),
        (LAST, true, _) => Share(1, 1),
        (_, true, true) => AHEAD,
        (_, true, false) => Share(step - 1, LAST - 1),
    }
}

/// The price to quote at `now`; none if the owner's limit and the community's band leave no price.
#[inline]
pub(super) fn price(
    side: Side,
    now: UtcMillis,
    window: Window,
    depth: Depth,
    limits: PriceLimits,
    shape: &Shape,
) -> Option<Price> {
    let PriceLimits { sell_at_least, buy_at_most } = limits;
    let (opening, limit) = match side {
        Side::Sell => (buy_at_most.max(sell_at_least), sell_at_least.max(shape.floor)),
        Side::Buy => (sell_at_least.min(buy_at_most), buy_at_most.min(shape.cap)),
    };
    // The owner's limits may lie outside the band of a newer charter.
    let opening = opening.max(shape.floor).min(shape.cap);
    if !side.accepts(limit, opening) {
        return None;
    }
    let Share(part, whole) = share(side, window.step(now), depth);
    // Rounds towards the opening price, so never beyond the limit.
    let moved = (i64::from(limit.0) - i64::from(opening.0)) * part / whole;
    i32::try_from(i64::from(opening.0) + moved).ok().map(Price)
}
