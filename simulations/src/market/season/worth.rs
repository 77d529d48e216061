//! What a home's trades of a slot were worth, by what its meter counted.

use wattswap_matching::{Price, Side, WattHours};

use super::input::HomeInput;
use crate::market::mechanism::{TickWattHours, worth};

/// What a home bought or sold in a slot, by what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Bought, and needed.
    pub needed: WattHours,
    /// Sold, and there.
    pub given: WattHours,
    /// Bought beyond the need: the supplier takes it.
    pub excess: WattHours,
    /// Sold and not there: the supplier gives it.
    pub short: WattHours,
}

impl Use {
    /// Of a home whose meter counted `net` and which bought `bought`, net; both negative the other way.
    #[must_use]
    pub fn of(net: WattHours, bought: WattHours) -> Self {
        let zero = WattHours::ZERO;
        let (buys, sells) = (bought.max(zero), (-bought).max(zero));
        let (needed, given) = (buys.min(net.max(zero)), sells.min((-net).max(zero)));
        Self { needed, given, excess: buys - needed, short: sells - given }
    }
}

/// The prices at which a slot's errors are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// The lowest limit of all who have energy over.
    least: Option<Price>,
    /// The highest limit of all who need energy.
    most: Option<Price>,
}

impl Errors {
    /// Takes a home's limit into account.
    pub fn include(&mut self, side: Side, limit: Price) {
        match side {
            Side::Sell => self.least = Some(self.least.map_or(limit, |least| least.min(limit))),
            Side::Buy => self.most = Some(self.most.map_or(limit, |most| most.max(limit))),
        }
    }

    /// What a home's trades add to the surplus of the slot, prices left out (they only change hands): what was needed at
    /// its value, what was there at its cost, and errors at the supplier's tariff. An error never counts as a gain: to
    /// resell a supplier's energy to somebody with a dearer one is no use of local energy, so what is short costs at
    /// least what the best buyer would pay, and what is in excess is worth at most what the cheapest seller asks.
    #[must_use]
    pub fn surplus(&self, home: &HomeInput, used: Use) -> TickWattHours {
        let short = self.most.map_or(home.tariff.retail, |most| most.max(home.tariff.retail));
        let excess = self.least.map_or(home.tariff.feed_in, |least| least.min(home.tariff.feed_in));
        let gained = worth(home.buy_at_most(), used.needed) - worth(home.sell_at_least(), used.given);
        gained + worth(excess, used.excess) - worth(short, used.short)
    }
}
