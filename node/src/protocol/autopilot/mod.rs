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

use std::time::Duration;

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};

use self::forecast::{Count, Forecast};
pub use self::ramp::STEPS;
use self::ramp::Window;
use super::charter::Shape;
use super::metering::{Limits, Metering};

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
/// A quote on a forecast stays while what is wanted differs from it by less than this part of it: forecasts move with
/// every reading, and each requote is written down by every neighbour.
const SLACK_PART: i64 = 8;

/// One in so many watt-hours of a forecast is traded before delivery where the rest can be traded afterwards.
const AHEAD_PART: i64 = 2;

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

    /// The window of a slot that is quoted at `now`: once on forecasts, until it is delivered, and once on what was
    /// counted.
    fn window(&self, slot: Slot, now: UtcMillis, shape: &Shape) -> Window {
        let (delivered, gate) = (shape.next(slot).start(), shape.gate(slot));
        if now < delivered {
            Window { from: self.begins(slot, shape), until: delivered.min(gate) }
        } else {
            Window { from: delivered, until: gate }
        }
    }
}

/// What of one slot is traded, pending and quoted already. All quantities are zero or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position<Id> {
    /// Bought so far.
    pub bought: WattHours,
    /// Sold so far.
    pub sold: WattHours,
    /// What may yet be bought beside the autopilot's open quotes: in doubt, or open for the owner.
    pub pending_buys: WattHours,
    /// What may yet be sold beside the autopilot's open quotes: in doubt, or open for the owner.
    pub pending_sells: WattHours,
    /// The autopilot's own live requests.
    pub live: Vec<Live<Id>>,
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

impl<Id> Default for Position<Id> {
    fn default() -> Self {
        let zero = WattHours::ZERO;
        Self { bought: zero, sold: zero, pending_buys: zero, pending_sells: zero, live: Vec::new() }
    }
}

impl<Id> Position<Id> {
    /// Whether nothing is traded, pending or quoted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { bought, sold, pending_buys, pending_sells, live } = self;
        live.is_empty() && [bought, sold, pending_buys, pending_sells].into_iter().all(|sum| *sum == WattHours::ZERO)
    }

    /// What is traded and pending on one side.
    fn committed(&self, side: Side) -> WattHours {
        match side {
            Side::Buy => self.bought + self.pending_buys,
            Side::Sell => self.sold + self.pending_sells,
        }
    }

    /// What is pending on one side.
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

    /// Slots in which the household has traded, pending or open quantities, earliest first.
    fn taken_up(&self) -> impl Iterator<Item = Slot>;

    /// What of a slot is traded, pending and quoted already; none if nothing is.
    fn position(&self, slot: Slot) -> Option<&Position<Self::Id>>;

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
pub struct Needs<'a> {
    now: UtcMillis,
    shape: &'a Shape,
    forecast: Forecast<'a>,
}

impl<'a> Needs<'a> {
    /// At `now`.
    #[must_use]
    pub fn new(now: UtcMillis, shape: &'a Shape, metering: &'a Metering) -> Self {
        Self { now, shape, forecast: Forecast::new(now, shape, metering) }
    }

    /// What the meters have counted, once a slot is delivered and that is known exactly; until then what the
    /// [`forecast`] relies on; none where the count is only an estimate, or there is no evidence.
    #[must_use]
    pub fn of(&self, slot: Slot) -> Option<Need> {
        let is_delivered = self.shape.next(slot).start() <= self.now;
        match if is_delivered { self.forecast.counted(slot) } else { Count::NotYet } {
            Count::Exact(net) => Some(Need { net, is_counted: true }),
            Count::Estimated => None,
            Count::NotYet => self.forecast.net(slot).map(|net| Need { net, is_counted: false }),
        }
    }
}

/// What to change at `now`, so that what is not traded yet is quoted: cancels before places, slot by slot.
///
/// A slot is traded by what the meters counted, once it is delivered and that is known exactly; until then by what the
/// [`forecast`] relies on; and not at all where the count is only an estimate. It is quoted on one side at a time, on
/// the ticks, within the connection and the owner's limit; amounts below the smallest fill are left to the supplier.
///
/// `connection` is what the household's grid connection carries.
#[must_use]
pub fn plan<S: Situation>(
    now: UtcMillis,
    shape: &Shape,
    connection: Limits,
    situation: &S,
    settings: &Settings,
) -> Vec<Action<S::Id>> {
    let pilot = Pilot { now, shape, settings, connection, situation };
    let empty = Position::default();
    let mut slots: Vec<Slot> = pilot.quoted_slots().chain(situation.taken_up()).collect();
    slots.sort_unstable();
    slots.dedup();
    let mut actions = Vec::new();
    for slot in slots {
        let position = situation.position(slot).unwrap_or(&empty);
        change(position, pilot.wanted(slot, position), shape, &mut actions);
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

/// When to ask for the next plan: at a moment of the [`beat`] that `stagger` chooses, a number of the household's own
/// (any part of its key), so that neighbours do not all speak at once.
#[must_use]
pub fn next_wake(now: UtcMillis, shape: &Shape, stagger: u64) -> UtcMillis {
    let beat = u64::try_from(beat(shape).as_millis()).unwrap_or(u64::MAX).max(1);
    let since_beat = (now.0 % beat + beat - stagger % beat) % beat;
    UtcMillis(now.0.saturating_add(beat - since_beat))
}

/// A quote, and by how much an open one may differ from it and stay.
struct Wanted {
    quote: Quote,
    slack: WattHours,
    /// Whether one at another price may stay too, since nobody is there to take it.
    any_price: bool,
}

/// What a plan depends on.
struct Pilot<'a, S> {
    now: UtcMillis,
    shape: &'a Shape,
    settings: &'a Settings,
    connection: Limits,
    situation: &'a S,
}

impl<S: Situation> Pilot<'_, S> {
    fn quoted_slots(&self) -> impl Iterator<Item = Slot> {
        let begun = |slot: &Slot| self.settings.begins(*slot, self.shape) <= self.now;
        self.shape.open_slots(self.now).take_while(move |slot| self.settings.on && begun(slot))
    }

    fn wanted(&self, slot: Slot, position: &Position<S::Id>) -> Option<Wanted> {
        let window = self.settings.window(slot, self.now, self.shape);
        if !self.settings.on || self.now < window.from || window.until <= self.now {
            return None;
        }
        let Need { net, is_counted } = self.need(slot)?;
        let missing = net - (position.committed(Side::Buy) - position.committed(Side::Sell));
        let side = if missing.is_positive() { Side::Buy } else { Side::Sell };
        if position.pending(side.opposite()).is_positive() {
            return None;
        }
        let room = self.room(side, position);
        let quantity = on_tick(WattHours(missing.0.saturating_abs()).min(room), self.shape);
        let depth = self.situation.depth(slot);
        let price = ramp::price(side, self.now, window, depth, self.situation.limits(slot), self.shape)?;
        let slack = if is_counted { WattHours::ZERO } else { WattHours(quantity.0 / SLACK_PART) };
        let quote = Quote { slot, side, quantity, price, expires_at: self.shape.gate(slot) };
        quantity.is_positive().then_some(Wanted { quote, slack, any_price: !depth.has_other(side) })
    }

    /// What to trade in a slot.
    fn need(&self, slot: Slot) -> Option<Need> {
        let need = self.situation.need(slot)?;
        match need.is_counted {
            true => Some(need),
            false if self.settings.trade_ahead == 0 => None,
            false => Some(Need { net: self.traded_ahead(slot, need.net), ..need }),
        }
    }

    /// How much of a forecast to trade: all of it where the gate closes before the meter has counted, otherwise a part,
    /// since whatever turns out different is better traded once it is known.
    fn traded_ahead(&self, slot: Slot, net: WattHours) -> WattHours {
        let is_counted_in_time = self.shape.next(slot).start() < self.shape.gate(slot);
        WattHours(if is_counted_in_time { net.0 / AHEAD_PART } else { net.0 })
    }

    /// How much more may be traded on this side of a slot.
    fn room(&self, side: Side, position: &Position<S::Id>) -> WattHours {
        let power = match side {
            Side::Buy => self.connection.import,
            Side::Sell => self.connection.export,
        };
        let connection = power.over(self.connection.delivery_time);
        let most = self.settings.slot_limit.map_or(connection, |limit| limit.min(connection));
        most.less_at_least_zero(position.committed(side))
    }
}

fn on_tick(quantity: WattHours, shape: &Shape) -> WattHours {
    WattHours(quantity.0 - quantity.0 % shape.quantity_tick.0.max(1))
}

/// From what is live to what is wanted.
fn change<Id: Copy>(position: &Position<Id>, wanted: Option<Wanted>, shape: &Shape, actions: &mut Vec<Action<Id>>) {
    if let (Some(wanted), [live]) = (&wanted, position.live.as_slice())
        && wanted.is_met_by(live)
    {
        return;
    }
    actions.extend(position.live.iter().map(|live| Action::Cancel(live.id)));
    let place = wanted.filter(|wanted| wanted.quote.quantity >= shape.smallest_fill);
    actions.extend(place.map(|wanted| Action::Place(wanted.quote)));
}

impl Wanted {
    fn is_met_by<Id>(&self, live: &Live<Id>) -> bool {
        let off_by = WattHours((live.open - self.quote.quantity).0.saturating_abs());
        let is_priced = self.any_price || live.price == self.quote.price;
        live.side == self.quote.side && is_priced && off_by <= self.slack
    }
}
