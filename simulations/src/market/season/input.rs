//! What a season is given: homes, with what each needs and makes in each slot, and what energy is worth to it.
//!
//! Where it comes from (files, a generator) is its maker's business.

use wattswap_matching::{Limit, Price, Side, Slot, Trader, WattHours};

/// What one home does for the whole time, and what it pays and wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeInput {
    /// Energy that it uses in each slot.
    pub need: Vec<WattHours>,
    /// Energy that its roof makes in each slot.
    pub pv: Vec<WattHours>,
    /// Its supplier's prices.
    pub tariff: Tariff,
    /// What a kWh from a neighbour is worth to it beyond one from the supplier, in ticks.
    pub local_premium: Price,
}

/// A supplier's prices per kWh, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// Of energy that is drawn.
    pub retail: Price,
    /// Of energy that is fed in.
    pub feed_in: Price,
}

impl HomeInput {
    /// Its need in a slot less what its roof makes, as its meter counts it; below zero it has energy over.
    #[must_use]
    pub fn net(&self, slot: usize) -> WattHours {
        self.need[slot] - self.pv[slot]
    }

    /// It buys no dearer than this.
    #[must_use]
    pub fn buy_at_most(&self) -> Price {
        Price(self.tariff.retail.0 + self.local_premium.0)
    }

    /// It sells no cheaper than this.
    #[must_use]
    pub fn sell_at_least(&self) -> Price {
        self.tariff.feed_in
    }

    /// What it can trade in a slot, if anything, at its limit; as the trader of this number.
    #[must_use]
    pub fn limit(&self, number: usize, slot: usize) -> Option<Limit> {
        let net = self.net(slot);
        let (side, price) =
            if net.is_positive() { (Side::Buy, self.buy_at_most()) } else { (Side::Sell, self.sell_at_least()) };
        let trader = Trader(u32::try_from(number).expect("homes are counted by u32"));
        (net.0 != 0).then_some(Limit { trader, side, price, quantity: WattHours(net.0.abs()) })
    }
}

/// Homes that trade with each other.
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
}
