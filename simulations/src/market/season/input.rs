//! What a season is given, slot by slot: what each home's meter counts, and what energy is worth to it.
//!
//! Where it comes from (files, a generator, batteries) is its maker's business.

use wattswap_matching::{Limit, Price, Side, Slot, Trader, WattHours};
use wattswap_node::protocol::autopilot::PriceLimits;
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::settlement::Tariff;

/// What one home brings to one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What its meter counts: positive is drawn. Nobody but the meter knows it before the slot is over.
    pub net: WattHours,
    /// Its supplier's prices, exactly.
    pub tariff: Tariff,
    /// The supplier's retail price in ticks.
    pub retail: Price,
    /// The worst prices at which it trades: what its supplier takes and pays, and what local power is worth to it.
    pub limits: PriceLimits,
}

/// One slot of all homes, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotInput {
    /// The homes.
    pub homes: Vec<Terms>,
}

impl Terms {
    /// What the home can trade in the slot, if anything, at its limit; as the trader of this number.
    #[must_use]
    pub fn limit(&self, number: usize) -> Option<Limit> {
        let (side, price) = match self.net.is_positive() {
            true => (Side::Buy, self.limits.buy_at_most),
            false => (Side::Sell, self.limits.sell_at_least),
        };
        let trader = Trader(u32::try_from(number).expect("homes are counted by u32"));
        (self.net.0 != 0).then_some(Limit { trader, side, price, quantity: WattHours(self.net.0.abs()) })
    }
}

/// What one home does for a whole season that is known beforehand, and what it pays and wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeInput {
    /// Energy that it uses in each slot.
    pub need: Vec<WattHours>,
    /// Energy that its roof makes in each slot.
    pub pv: Vec<WattHours>,
    /// Its supplier's retail price, in ticks.
    pub retail: Price,
    /// Its supplier's feed-in tariff, in ticks.
    pub feed_in: Price,
    /// What a kWh from a neighbour is worth to it beyond one from the supplier, in ticks.
    pub local_premium: Price,
}

/// Homes of such seasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbourhood {
    /// The first slot of all profiles.
    pub first: Slot,
    /// Its homes; all profiles have the same length.
    pub homes: Vec<HomeInput>,
}

impl Neighbourhood {
    /// For how many slots there are profiles.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.homes.iter().map(|home| home.need.len().min(home.pv.len())).min().unwrap_or(0)
    }

    /// One of its slots, counted from 0.
    ///
    /// # Panics
    /// If there is no such slot.
    #[must_use]
    pub fn slot(&self, number: usize, shape: &Shape) -> SlotInput {
        let scale = shape.price_scale();
        let terms = |home: &HomeInput| Terms {
            net: home.need[number] - home.pv[number],
            tariff: Tariff { retail: scale.decimal(home.retail), feed_in: scale.decimal(home.feed_in) },
            retail: home.retail,
            limits: PriceLimits {
                sell_at_least: home.feed_in,
                buy_at_most: Price(home.retail.0 + home.local_premium.0),
            },
        };
        SlotInput { homes: self.homes.iter().map(terms).collect() }
    }
}
