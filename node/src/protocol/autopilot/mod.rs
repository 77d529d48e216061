//! Trades for the household within its owner's limits.
//!
//! Each time it is asked, [`plan`] works out per open slot what the household will need or has over ([`forecast`]
//! before the meter has counted, the meter itself afterwards), what of that is not traded yet, and at which price to
//! quote it ([`ramp`]). It compares that with its own live requests and says what to change. It keeps no state: asked
//! again with nothing changed, it wants nothing.
//!
//! Not in here: agreeing with neighbours, the connection limit's bookkeeping, the clock.

mod forecast;
mod ramp;
#[cfg(test)]
mod tests;
mod watch;

use std::time::Duration;

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};

use self::forecast::Forecast;
pub use self::forecast::{Count, Counts, FORECAST_DAYS};
pub use self::ramp::STEPS;
pub use self::watch::Watch;
use super::charter::{Shape, millis};
use super::ids::MemberKey;
use super::metering::Limits;

/// What the owner allows the autopilot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether it trades. Switched off, it withdraws its own requests.
    pub on: bool,
    /// It never sells below this.
    pub sell_at_least: Price,
    /// It never buys above this.
    pub buy_at_most: Price,
    /// For how many slots it trades on a forecast, counted back from the end of delivery: 0 trades only what the meter
    /// has counted, 1 also the slot that is being delivered, 2 the next one too.
    pub trade_ahead: u16,
    /// The most that it has traded and open in one slot and direction; none for what the connection carries.
    pub slot_limit: Option<WattHours>,
}

/// The worst prices at which the household trades in a slot, per kWh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceLimits {
    /// It never sells below this.
    pub sell_at_least: Price,
    /// It never buys above this.
    pub buy_at_most: Price,
}

/// Slots ahead that the default settings trade: two hours, for which the last readings still say something.
pub const DEFAULT_TRADE_AHEAD: u16 = 8;
/// The farthest that anybody can trade ahead: a day of quarter-hours. With [`BEATS_PER_SLOT`] it keeps the requotes of
/// one slot below [`super::limits::MAX_PLACES_PER_SLOT`].
pub const MAX_TRADE_AHEAD: u16 = 96;
/// How often the autopilot looks again in the time of one slot, at the most.
pub const BEATS_PER_SLOT: u32 = 8;
/// And at the least.
const FEWEST_BEATS: u32 = 2;
/// Why the settings can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Nobody trades at such a price here.
    #[error("both price limits must lie between the community's floor of {} and cap of {} price ticks", floor.0, cap.0)]
    OutsideBand {
        /// Lowest price.
        floor: Price,
        /// Highest price.
        cap: Price,
    },
    /// Further ahead than a day.
    #[error("the autopilot trades at most {most} slots ahead")]
    TooFarAhead {
        /// The bound.
        most: u16,
    },
    /// Nothing, or less than nothing.
    #[error("the limit per slot must be above zero; switch the autopilot off if it should not trade")]
    NoQuantity,
}

impl Settings {
    /// Trades between what the supplier pays and what it takes per kWh: selling to a neighbour beats the feed-in
    /// tariff, and buying from one beats the retail price.
    #[must_use]
    pub fn between(feed_in: Price, retail: Price) -> Self {
        let (sell_at_least, buy_at_most) = (feed_in, retail);
        Self { on: true, sell_at_least, buy_at_most, trade_ahead: DEFAULT_TRADE_AHEAD, slot_limit: None }
    }

    /// The price limits, which are those of every slot.
    #[must_use]
    pub fn price_limits(&self) -> PriceLimits {
        PriceLimits { sell_at_least: self.sell_at_least, buy_at_most: self.buy_at_most }
    }

    /// Does not trade: what a household starts with, until its owner names the tariffs.
    #[must_use]
    pub fn off(shape: &Shape) -> Self {
        Self { on: false, ..Self::between(shape.floor, shape.cap) }
    }

    /// Whether they can be used in this market.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn check(&self, shape: &Shape) -> Result<(), SettingsError> {
        let band = shape.floor..=shape.cap;
        if !band.contains(&self.sell_at_least) || !band.contains(&self.buy_at_most) {
            Err(SettingsError::OutsideBand { floor: shape.floor, cap: shape.cap })
        } else if self.trade_ahead > MAX_TRADE_AHEAD {
            Err(SettingsError::TooFarAhead { most: MAX_TRADE_AHEAD })
        } else if self.slot_limit.is_some_and(|limit| !limit.is_positive()) {
            Err(SettingsError::NoQuantity)
        } else {
            Ok(())
        }
    }

    /// From when the slot is quoted.
    fn begins(&self, slot: Slot, shape: &Shape) -> UtcMillis {
        let ahead = shape.slot_length * u32::from(self.trade_ahead);
        shape.next(slot).start().before(ahead).max(shape.opens(slot))
    }
}

/// What of one slot is traded, pending and quoted already. All quantities are zero or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a, Id> {
    /// Bought so far.
    pub bought: WattHours,
    /// Sold so far.
    pub sold: WattHours,
    /// What may yet be bought beside the autopilot's open quotes: in doubt, or open for the owner.
    pub pending_buys: WattHours,
    /// What may yet be sold beside the autopilot's open quotes: in doubt, or open for the owner.
    pub pending_sells: WattHours,
    /// The autopilot's own live requests.
    pub live: &'a [Live<Id>],
}

/// A live request of the autopilot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live<Id> {
    /// The household's name for it.
    pub id: Id,
    /// Which way.
    pub side: Side,
    /// Its limit per kWh.
    pub price: Price,
    /// What is open of it and not in doubt.
    pub open: WattHours,
}

/// All that is open in the book of a slot, own orders included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Energy wanted.
    pub bids: WattHours,
    /// Energy offered.
    pub asks: WattHours,
}

/// What the autopilot wants to trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The delivery interval.
    pub slot: Slot,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub quantity: WattHours,
    /// The limit per kWh.
    pub price: Price,
    /// Until when.
    pub expires_at: UtcMillis,
}

/// A change that the autopilot wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<Id> {
    /// Withdraw this request.
    Cancel(Id),
    /// Make this one. Comes after the cancels of its slot: both belong in one turn.
    Place(Quote),
}

impl<Id> Default for Position<'_, Id> {
    fn default() -> Self {
        let zero = WattHours::ZERO;
        Self { bought: zero, sold: zero, pending_buys: zero, pending_sells: zero, live: &[] }
    }
}

impl<Id> Position<'_, Id> {
    /// What is traded and pending on one side.
    #[inline]
    fn committed(&self, side: Side) -> WattHours {
        match side {
            Side::Buy => self.bought + self.pending_buys,
            Side::Sell => self.sold + self.pending_sells,
        }
    }

    /// What is pending on one side.
    #[inline]
    fn pending(&self, side: Side) -> WattHours {
        match side {
            Side::Buy => self.pending_buys,
            Side::Sell => self.pending_sells,
        }
    }
}

/// What a household knows of the slots that it may trade in. An owner's node looks it up; a simulation of thousands of
/// homes may have it at hand.
pub trait Situation {
    /// The household's name for a request.
    type Id: Copy;

    /// What of a slot is traded, pending and quoted already.
    fn position(&self, slot: Slot) -> Position<'_, Self::Id>;

    /// The net energy to trade in a slot, as [`Needs::of`] tells it.
    fn need(&self, slot: Slot) -> Option<Need>;

    /// What is open in a slot's book.
    fn depth(&self, slot: Slot) -> Depth;

    /// The household's prices in a slot: those of its settings, unless its supplier's tariff changes with the hour.
    fn limits(&self, slot: Slot) -> PriceLimits;
}

/// The net energy that a household has to trade in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Negative is surplus.
    pub net: WattHours,
    /// Whether the meters have counted it; otherwise it is what the household can rely on.
    pub is_counted: bool,
}

/// What a household's meters say of slots at one instant. It stays the same until a slot ends or a reading comes in.
pub struct Needs<'a, C> {
    now: UtcMillis,
    shape: &'a Shape,
    forecast: Forecast<'a, C>,
}

impl<'a, C: Counts> Needs<'a, C> {
    /// At `now`, of the meters that counted this.
    #[must_use]
    pub fn new(now: UtcMillis, shape: &'a Shape, counts: C) -> Self {
        Self { now, shape, forecast: Forecast::new(now, shape, counts) }
    }

    /// What the meters have counted, once a slot is delivered and that is known exactly; until then what the
    /// [`forecast`] relies on; none where the count is only an estimate, or there is no evidence.
    #[must_use]
    pub fn of(&self, slot: Slot) -> Option<Need> {
        self.with_habit(slot, || self.habit(slot))
    }

    /// What the same slot of the days before has in common: a part of the forecast that does not change while the slot
    /// comes nearer, unless readings come late.
    #[must_use]
    pub fn habit(&self, slot: Slot) -> Option<WattHours> {
        self.forecast.habit(slot)
    }

    /// Like [`Self::of`], for somebody who knows the [`habit`](Self::habit) already.
    #[must_use]
    pub fn with_habit(&self, slot: Slot, habit: impl FnOnce() -> Option<WattHours>) -> Option<Need> {
        let is_delivered = self.shape.next(slot).start() <= self.now;
        match if is_delivered { self.forecast.counted(slot) } else { Count::NotYet } {
            Count::Exact(net) => Some(Need { net, is_counted: true }),
            Count::Estimated => None,
            Count::NotYet => self.forecast.net(slot, habit).map(|net| Need { net, is_counted: false }),
        }
    }
}

/// What to change at `now`, so that what is not traded yet is quoted: cancels before places, slot by slot. What it wants
/// in a slot depends on that slot alone: see [`Watch`].
///
/// `connection` is what the household's grid connection carries; `taken_up` are the slots in which it has traded, pending
/// or open quantities.
#[must_use]
pub fn plan<S: Situation>(
    now: UtcMillis,
    shape: &Shape,
    connection: Limits,
    taken_up: impl Iterator<Item = Slot>,
    situation: &S,
    settings: &Settings,
) -> Vec<Action<S::Id>> {
    let begun = |slot: &Slot| settings.on && settings.begins(*slot, shape) <= now;
    let mut slots: Vec<Slot> = shape.open_slots(now).take_while(begun).chain(taken_up).collect();
    slots.sort_unstable();
    slots.dedup();
    let mut actions = Vec::new();
    for slot in slots {
        Watch::new(slot, shape, connection, settings).look(now, situation, &mut actions);
    }
    actions
}

/// How often the autopilot looks: once in each of the [`STEPS`] between delivery and the gate, as far as that is 2 to
/// [`BEATS_PER_SLOT`] times a slot. All open slots are requoted at once, so a beat is one entry of the log.
#[must_use]
pub fn beat(shape: &Shape) -> Duration {
    let after_delivery = Duration::from_millis(u64::try_from(shape.gate_millis).unwrap_or(0));
    let (least, most) = (shape.slot_length / BEATS_PER_SLOT, shape.slot_length / FEWEST_BEATS);
    let step = if after_delivery.is_zero() { most } else { after_delivery / STEPS };
    step.clamp(least, most)
}

/// When to ask for the next plan: once in each [`beat`], at its [`moment`].
#[must_use]
pub fn next_wake(now: UtcMillis, shape: &Shape, own: u64) -> UtcMillis {
    let beat = beat(shape);
    let number = now.0 / millis(beat);
    let at = |number: u64| UtcMillis(number.saturating_mul(millis(beat))).after(moment(own, number, beat));
    if at(number) > now { at(number) } else { at(number.saturating_add(1)) }
}

/// The number by which a household's [`moment`]s are chosen: a part of its key.
#[must_use]
pub fn own_number(key: &MemberKey) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|at| key.0[at]))
}

/// How far into the beat of this number, counted from the epoch, a household looks at the market: so neighbours do not all
/// speak at once. `own` is its [`own_number`]. In each beat it is another moment, since of two who
/// ask the same price the first one sells: nobody is always the first, whatever key it has chosen.
#[must_use]
pub fn moment(own: u64, number: u64, beat: Duration) -> Duration {
    // SplitMix64 (Steele, Lea and Flood 2014): one sequence, in which every household begins elsewhere.
    let mut mixed = own.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Duration::from_millis((mixed ^ (mixed >> 31)) % millis(beat))
}
