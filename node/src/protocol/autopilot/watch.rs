//! What the autopilot wants to change in one slot.
//!
//! A slot is traded by what the meters counted, once it is delivered and that is known exactly; until then by what the
//! [forecast](super::forecast) relies on; and not at all where the count is only an estimate. It is quoted on one side
//! at a time, on the ticks, within the connection and the owner's limit; amounts below the smallest fill are left to the
//! supplier.

use wattswap_matching::{Side, Slot, UtcMillis, WattHours, Watts};

use super::ramp::{self, Window};
use super::{Action, Depth, Live, Need, Position, Quote, Settings, Situation};
use crate::protocol::charter::Shape;
use crate::protocol::metering::Limits;

/// A quote on a forecast stays while what is wanted differs from it by less than this part of it: forecasts move with
/// every reading, and each requote is written down by every neighbour.
const SLACK_PART: i64 = 8;

/// One in so many watt-hours of a forecast is traded before delivery where the rest can be traded afterwards.
const AHEAD_PART: i64 = 2;

/// A slot that is watched under one set of rules and settings. It is looked at again and again, by a thousand homes of a
/// simulation, so what depends on nothing else is worked out once.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    slot: Slot,
    shape: &'a Shape,
    settings: &'a Settings,
    /// When delivery is over.
    delivered: UtcMillis,
    gate: UtcMillis,
    /// When it is quoted on forecasts, and when on what was counted.
    windows: [Window; 2],
    /// The most that may be bought and sold.
    most: [WattHours; 2],
}

/// A quote, and by how much an open one may differ from it and stay.
struct Wanted {
    quote: Quote,
    slack: WattHours,
    /// Whether one at another price may stay too, since nobody is there to take it.
    any_price: bool,
}

impl<'a> Watch<'a> {
    /// Of a household whose grid connection carries so much.
    #[must_use]
    pub fn new(slot: Slot, shape: &'a Shape, connection: Limits, settings: &'a Settings) -> Self {
        let (delivered, gate) = (shape.next(slot).start(), shape.gate(slot));
        let ahead = Window { from: settings.begins(slot, shape), until: delivered.min(gate) };
        let most = |power: Watts| {
            let carried = power.over(connection.delivery_time);
            settings.slot_limit.map_or(carried, |limit| limit.min(carried))
        };
        Self {
            slot,
            shape,
            settings,
            delivered,
            gate,
            windows: [ahead, Window { from: delivered, until: gate }],
            most: [most(connection.import), most(connection.export)],
        }
    }

    /// What to change at `now`, so that what is not traded yet is quoted: cancels first.
    pub fn look<S: Situation>(&self, now: UtcMillis, situation: &S, actions: &mut Vec<Action<S::Id>>) {
        let position = situation.position(self.slot);
        let wanted = self.wanted(now, &position, situation);
        if let (Some(wanted), [live]) = (&wanted, position.live)
            && wanted.is_met_by(live)
        {
            return;
        }
        actions.extend(position.live.iter().map(|live| Action::Cancel(live.id)));
        let place = wanted.filter(|wanted| wanted.quote.quantity >= self.shape.smallest_fill);
        actions.extend(place.map(|wanted| Action::Place(wanted.quote)));
    }

    #[inline]
    fn wanted<S: Situation>(&self, now: UtcMillis, position: &Position<'_, S::Id>, situation: &S) -> Option<Wanted> {
        let window = self.windows[usize::from(now >= self.delivered)];
        if !self.settings.on || now < window.from || window.until <= now {
            return None;
        }
        let Need { net, is_counted } = self.need(situation.need(self.slot)?)?;
        let missing = net - (position.committed(Side::Buy) - position.committed(Side::Sell));
        let side = if missing.is_positive() { Side::Buy } else { Side::Sell };
        if position.pending(side.opposite()).is_positive() {
            return None;
        }
        let room = self.most[side as usize].less_at_least_zero(position.committed(side));
        let quantity = on_tick(WattHours(missing.0.saturating_abs()).min(room), self.shape);
        if !quantity.is_positive() {
            return None;
        }
        let depth: Depth = situation.depth(self.slot);
        let price = ramp::price(side, now, window, depth, situation.limits(self.slot), self.shape)?;
        let slack = if is_counted { WattHours::ZERO } else { WattHours(quantity.0 / SLACK_PART) };
        let quote = Quote { slot: self.slot, side, quantity, price, expires_at: self.gate };
        Some(Wanted { quote, slack, any_price: !depth.has_other(side) })
    }

    /// What to trade of a need.
    #[inline]
    fn need(&self, need: Need) -> Option<Need> {
        match need.is_counted {
            true => Some(need),
            false if self.settings.trade_ahead == 0 => None,
            false => Some(Need { net: self.traded_ahead(need.net), ..need }),
        }
    }

    /// How much of a forecast to trade: all of it where the gate closes before the meter has counted, otherwise a part,
    /// since whatever turns out different is better traded once it is known.
    #[inline]
    fn traded_ahead(&self, net: WattHours) -> WattHours {
        let is_counted_in_time = self.delivered < self.gate;
        WattHours(if is_counted_in_time { net.0 / AHEAD_PART } else { net.0 })
    }
}

#[inline]
fn on_tick(quantity: WattHours, shape: &Shape) -> WattHours {
    WattHours(quantity.0 - quantity.0 % shape.quantity_tick.0.max(1))
}

impl Wanted {
    #[inline]
    fn is_met_by<Id>(&self, live: &Live<Id>) -> bool {
        let off_by = WattHours((live.open - self.quote.quantity).0.saturating_abs());
        let is_priced = self.any_price || live.price == self.quote.price;
        live.side == self.quote.side && is_priced && off_by <= self.slack
    }
}
