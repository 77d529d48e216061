//! What a home's trades of a slot were worth, by what its meter counted.

use wattswap_matching::{Price, Side, WattHours};
use wattswap_node::protocol::autopilot::PriceLimits;

use super::input::Terms;
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

    /// What a home's trades add to the surplus of the slot, prices left out (they change hands): what was needed at
    /// its value, what was there at its cost, and errors at the supplier's tariff. An error never counts as a gain: to
    /// resell a supplier's energy to somebody with a dearer one is no use of local energy, so what is short costs at
    /// least what the best buyer would pay, and what is in excess is worth at most what the cheapest seller asks.
    #[must_use]
    pub fn surplus(&self, home: &Terms, used: Use) -> TickWattHours {
        let PriceLimits { sell_at_least, buy_at_most } = home.limits;
        let short = self.most.map_or(home.retail, |most| most.max(home.retail));
        let excess = self.least.map_or(sell_at_least, |least| least.min(sell_at_least));
        let gained = worth(buy_at_most, used.needed) - worth(sell_at_least, used.given);
        gained + worth(excess, used.excess) - worth(short, used.short)
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;
    use wattswap_node::protocol::settlement::Tariff;

    use super::*;

    #[test]
    fn what_was_traded_in_error_is_the_suppliers_and_never_a_gain() {
        let tariff = Tariff { retail: Decimal::new(30, 4), feed_in: Decimal::new(8, 4) };
        let limits = PriceLimits { sell_at_least: Price(8), buy_at_most: Price(32) };
        let home = Terms { net: WattHours(0), tariff, retail: Price(30), limits };
        let mut errors = Errors::default();
        errors.include(Side::Buy, Price(35));
        errors.include(Side::Sell, Price(6));
        // (counted, bought; needed, given, in excess, short; surplus)
        let cases = [
            (100, 0, [0, 0, 0, 0], 0),
            (100, 60, [60, 0, 0, 0], 60 * 32),
            (100, 130, [100, 0, 30, 0], 100 * 32 + 30 * 6),
            (100, -20, [0, 0, 0, 20], -20 * 35),
            (-100, -40, [0, 40, 0, 0], -40 * 8),
            (-100, -130, [0, 100, 0, 30], -100 * 8 - 30 * 35),
            (-100, 10, [0, 0, 10, 0], 10 * 6),
            (0, 10, [0, 0, 10, 0], 10 * 6),
        ];
        for (net, bought, [needed, given, excess, short], surplus) in cases {
            let used = Use::of(WattHours(net), WattHours(bought));
            let [needed, given, excess, short] = [needed, given, excess, short].map(WattHours);
            assert_eq!(used, Use { needed, given, excess, short }, "{net} counted, {bought} bought");
            assert_eq!(errors.surplus(&home, used), surplus, "{net} counted, {bought} bought");
        }
        // Where nobody else is, the own tariff counts.
        let alone = Errors::default().surplus(&home, Use::of(WattHours(0), WattHours(-10)));
        assert_eq!(alone, -10 * 30);
    }
}
