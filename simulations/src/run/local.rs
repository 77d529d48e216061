//! What energy from neighbours has cost lately, hour by hour: what the plan of a battery or a car may expect of the market.
//!
//! A plan that knew the supplier alone would let a battery wait for the roof's own surplus, at whatever it is worth to
//! others. So it gets the prices that homes really had on average at that hour of the last days: a kilowatt-hour that is
//! drawn costs the retail price, or, as likely as neighbours supplied one, their price and the fee; one that is fed in
//! brings the feed-in tariff, or, as likely as neighbours took one, their price. So what a battery could do with its
//! energy later decides what its home wants of the market now (an opportunity value), without another kind of order.

use rust_decimal::Decimal;
use wattswap_matching::{PriceScale, WattHours};
use wattswap_node::protocol::settlement::Tariff;

use crate::homes::Day;
use crate::market::mechanism::{TickWattHours, Trade, worth};

/// Hours of the day.
const HOURS: usize = 24;
/// Of what was kept of an hour, so many parts of three stay when a day is added: the last three days make two thirds.
const KEPT: i64 = 2;
const OF: i64 = 3;
/// Expected prices have so many decimals: a plan works with floats, which need no more.
const DECIMALS: u32 = 6;

/// What came of an hour of the day, over the last days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Hour {
    /// What homes drew, what they fed in, and what they traded.
    drawn: WattHours,
    fed_in: WattHours,
    traded: WattHours,
    worth: TickWattHours,
}

/// Adds up what trades came to.
#[derive(Clone, Debug)]
pub(super) struct Local {
    scale: PriceScale,
    fee: Decimal,
    today: [Hour; HOURS],
    kept: [Hour; HOURS],
}

impl Local {
    /// Before anything was traded.
    pub(super) fn new(scale: PriceScale, fee: Decimal) -> Self {
        Self { scale, fee, today: [Hour::default(); HOURS], kept: [Hour::default(); HOURS] }
    }

    /// A slot in this hour is settled.
    pub(super) fn add(&mut self, hour: usize, nets: impl Iterator<Item = WattHours>, trades: &[Trade]) {
        let sums = &mut self.today[hour];
        for net in nets {
            sums.drawn += net.max(WattHours::ZERO);
            sums.fed_in += (-net).max(WattHours::ZERO);
        }
        for trade in trades {
            sums.traded += trade.quantity;
            sums.worth += worth(trade.price, trade.quantity);
        }
    }

    /// A day is over.
    pub(super) fn close_day(&mut self) {
        for (kept, today) in self.kept.iter_mut().zip(&mut self.today) {
            let Hour { drawn, fed_in, traded, worth } = std::mem::take(today);
            let less = |energy: WattHours| WattHours(energy.0 * KEPT / OF);
            *kept = Hour {
                drawn: less(kept.drawn) + drawn,
                fed_in: less(kept.fed_in) + fed_in,
                traded: less(kept.traded) + traded,
                worth: kept.worth * KEPT / OF + worth,
            };
        }
    }

    /// What is to be expected of a day at these tariffs, slot by slot.
    pub(super) fn expected(&self, day: &Day, tariffs: &[Tariff]) -> Vec<Tariff> {
        tariffs.iter().enumerate().map(|(slot, tariff)| self.kept[day.hour(slot)].expected(*tariff, self)).collect()
    }
}

impl Hour {
    fn expected(&self, tariff: Tariff, local: &Local) -> Tariff {
        if !self.traded.is_positive() {
            return tariff;
        }
        let price = Decimal::from(self.worth) / Decimal::from(self.traded.0) * local.scale.tick();
        // Nobody trades at a loss against the supplier.
        let saved = (tariff.retail - price - local.fee).max(Decimal::ZERO);
        let gained = (price - tariff.feed_in).max(Decimal::ZERO);
        Tariff {
            retail: (tariff.retail - saved * self.share(self.drawn)).round_dp(DECIMALS),
            feed_in: (tariff.feed_in + gained * self.share(self.fed_in)).round_dp(DECIMALS),
        }
    }

    /// How likely a watt-hour was traded. What is sold on is traded more than once.
    fn share(&self, of: WattHours) -> Decimal {
        if of.is_positive() { Decimal::from(self.traded.min(of).0) / Decimal::from(of.0) } else { Decimal::ONE }
    }
}

#[cfg(test)]
mod tests {
    use wattswap_matching::Price;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn trade(price: i32, energy: i64) -> Trade {
        Trade { buyer: 0, seller: 1, price: Price(price), quantity: WattHours(energy) }
    }

    const TARIFF: Tariff =
        Tariff { retail: Decimal::from_parts(32, 0, 0, false, 2), feed_in: Decimal::from_parts(8, 0, 0, false, 2) };

    fn local(nets: &[i64], trades: &[Trade]) -> Local {
        let mut local = Local::new(PriceScale::new(decimal("0.01")).unwrap(), decimal("0.04"));
        local.add(12, nets.iter().map(|net| WattHours(*net)), trades);
        local.close_day();
        local
    }

    fn expected(local: &Local) -> (String, String) {
        let Tariff { retail, feed_in } = local.kept[12].expected(TARIFF, local);
        (retail.normalize().to_string(), feed_in.normalize().to_string())
    }

    #[test]
    fn by_hand() {
        let text = |retail: &str, feed_in: &str| (retail.to_owned(), feed_in.to_owned());
        // All that was drawn came from neighbours at 0.12, and the fee of 0.04; they took a quarter of what was fed in.
        assert_eq!(expected(&local(&[300, -1_200], &[trade(12, 300)])), text("0.16", "0.09"));
        // Half of what was drawn, all that was fed in; the mean price is 0.20.
        assert_eq!(expected(&local(&[400, -200], &[trade(10, 100), trade(30, 100)])), text("0.28", "0.2"));
        // Nobody buys above the retail price or sells below the feed-in tariff.
        assert_eq!(expected(&local(&[100, -100], &[trade(40, 100)])), text("0.32", "0.4"));
        assert_eq!(expected(&local(&[100, -100], &[trade(5, 100)])), text("0.09", "0.08"));
        // What is sold on counts once.
        assert_eq!(expected(&local(&[100, -100], &[trade(20, 300)])), text("0.24", "0.2"));
        // Without trades there is the supplier.
        assert_eq!(expected(&local(&[100, -100], &[])), text("0.32", "0.08"));
    }

    #[test]
    fn days_fade() {
        let mut local = local(&[300, -300], &[trade(12, 300)]);
        local.add(12, [WattHours(300), WattHours(-300)].into_iter(), &[trade(22, 300)]);
        local.close_day();
        // Two parts at 0.12 and three at 0.22: 0.18.
        assert_eq!(expected(&local), ("0.22".to_owned(), "0.18".to_owned()));
        assert_eq!(local.kept[11], Hour::default());
        (0..40).for_each(|_| local.close_day());
        assert_eq!(expected(&local), ("0.32".to_owned(), "0.08".to_owned()), "what is long ago is forgotten");
    }
}
