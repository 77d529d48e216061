//! The exact optimum of a slot: the dearest bids against the cheapest asks, for as long as they cross.
//!
//! With the limits taken as true values and costs, no set of trades has a larger surplus: any other one replaces a unit
//! by one that is worth less to its buyer or costs its seller more (the merit order).

use wattswap_matching::{Limit, Price, Side, WattHours};

use super::{TickWattHours, Trade, worth};

/// The optimum of one slot, and the prices at which everybody who takes part in it would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Optimum {
    /// Energy that changes hands.
    pub volume: WattHours,
    /// What it is worth to its buyers less what it costs its sellers.
    pub surplus: TickWattHours,
    /// The lowest and the highest equilibrium price; none where nothing crosses.
    pub prices: Option<(Price, Price)>,
}

impl Optimum {
    /// The middle of the equilibrium prices, rounded towards zero.
    #[must_use]
    pub fn price(&self) -> Option<Price> {
        self.prices.map(|(low, high)| Price(i32::midpoint(low.0, high.0)))
    }
}

/// Sorts supply and demand; keeps its lists from slot to slot, so that a season allocates them once.
#[derive(Clone, Debug, Default)]
pub struct MeritOrder {
    bids: Vec<Limit>,
    asks: Vec<Limit>,
}

impl MeritOrder {
    /// The optimum of these limits. A trader's bid and ask may meet each other; nobody can do better than that.
    pub fn optimum(&mut self, limits: impl IntoIterator<Item = Limit>) -> Optimum {
        self.pair(limits, |_, _, _| {})
    }

    /// Like [`Self::optimum`], and adds the trades that reach it to `trades`, all at one price: the middle of the
    /// equilibrium prices.
    pub fn clear(&mut self, limits: impl IntoIterator<Item = Limit>, trades: &mut Vec<Trade>) -> Optimum {
        let first = trades.len();
        let optimum = self.pair(limits, |bid, ask, quantity| {
            let (buyer, seller) = (bid.trader.0, ask.trader.0);
            trades.push(Trade { buyer, seller, price: ask.price, quantity });
        });
        if let Some(price) = optimum.price() {
            trades[first..].iter_mut().for_each(|trade| trade.price = price);
        }
        optimum
    }

    /// Pairs the best bid with the best ask, until they do not cross. Of one price, who is first in `limits` is first.
    fn pair(
        &mut self,
        limits: impl IntoIterator<Item = Limit>,
        mut on_pair: impl FnMut(&Limit, &Limit, WattHours),
    ) -> Optimum {
        self.sort(limits);
        let (mut bid, mut ask) = (0, 0);
        let mut optimum = Optimum::default();
        let mut last = None;
        while let (Some(wanted), Some(offered)) = (self.bids.get_mut(bid), self.asks.get_mut(ask)) {
            if wanted.price < offered.price {
                break;
            }
            let quantity = wanted.quantity.min(offered.quantity);
            on_pair(wanted, offered, quantity);
            optimum.volume += quantity;
            optimum.surplus += worth(wanted.price, quantity) - worth(offered.price, quantity);
            last = Some((offered.price, wanted.price));
            wanted.quantity -= quantity;
            offered.quantity -= quantity;
            let (bid_is_done, ask_is_done) = (!wanted.quantity.is_positive(), !offered.quantity.is_positive());
            bid += usize::from(bid_is_done);
            ask += usize::from(ask_is_done);
        }
        // Nobody who is left over would trade at an equilibrium price, and everybody who traded would.
        optimum.prices = last.map(|(ask_in, bid_in)| {
            let low = self.bids.get(bid).map_or(ask_in, |out| ask_in.max(out.price));
            let high = self.asks.get(ask).map_or(bid_in, |out| bid_in.min(out.price));
            (low, high)
        });
        optimum
    }

    fn sort(&mut self, limits: impl IntoIterator<Item = Limit>) {
        self.bids.clear();
        self.asks.clear();
        for limit in limits.into_iter().filter(|limit| limit.quantity.is_positive()) {
            match limit.side {
                Side::Buy => self.bids.push(limit),
                Side::Sell => self.asks.push(limit),
            }
        }
        self.bids.sort_by_key(|bid| std::cmp::Reverse(bid.price));
        self.asks.sort_by_key(|ask| ask.price);
    }
}

#[cfg(test)]
mod tests {
    use Side::{Buy, Sell};
    use wattswap_matching::Trader;

    use super::*;

    fn limits(of: &[(Side, i64, i32)]) -> Vec<Limit> {
        let limit = |(at, (side, quantity, price)): (usize, &(Side, i64, i32))| Limit {
            trader: Trader(u32::try_from(at).unwrap()),
            side: *side,
            price: Price(*price),
            quantity: WattHours(*quantity),
        };
        of.iter().enumerate().map(limit).collect()
    }

    #[test]
    fn by_hand() {
        // (limits, volume, surplus, lowest and highest equilibrium price)
        let cases = [
            ("nobody", vec![], 0, 0, None),
            ("nobody sells", vec![(Buy, 10, 30)], 0, 0, None),
            ("too dear", vec![(Buy, 10, 30), (Sell, 10, 31)], 0, 0, None),
            ("a pair", vec![(Buy, 10, 30), (Sell, 10, 8)], 10, 220, Some((8, 30))),
            ("no gain, but no loss", vec![(Buy, 10, 8), (Sell, 10, 8)], 10, 0, Some((8, 8))),
            // 10 Wh at 30 - 8, 5 Wh at 20 - 8; 5 Wh of the cheap ask are left, so that is the price.
            ("sellers are long", vec![(Buy, 5, 20), (Sell, 20, 8), (Buy, 10, 30)], 15, 280, Some((8, 8))),
            // 10 Wh at 30 - 8, 2 Wh at 20 - 8; the bid at 20 is left over in part.
            ("buyers are long", vec![(Buy, 5, 20), (Sell, 12, 8), (Buy, 10, 30)], 12, 244, Some((20, 20))),
            // 10 at 30 - 8; the bid at 12 and the ask at 15 stay out, and bound the price.
            ("outsiders", vec![(Buy, 10, 30), (Sell, 10, 8), (Buy, 9, 12), (Sell, 9, 15)], 10, 220, Some((12, 15))),
            ("below zero", vec![(Buy, 4, -3), (Sell, 4, -10)], 4, 28, Some((-10, -3))),
        ];
        for (name, of, volume, surplus, prices) in cases {
            let prices = prices.map(|(low, high)| (Price(low), Price(high)));
            let expected = Optimum { volume: WattHours(volume), surplus, prices };
            assert_eq!(MeritOrder::default().optimum(limits(&of)), expected, "{name}");
        }
    }

    #[test]
    fn a_call_pays_one_price_and_serves_the_best() {
        let quotes = limits(&[(Buy, 5, 20), (Sell, 12, 8), (Buy, 10, 30), (Sell, 9, 40)]);
        let mut trades = Vec::new();
        let called = super::super::call::clear(&mut MeritOrder::default(), quotes, &mut trades);
        assert_eq!((called.price, called.volume), (Some(Price(20)), WattHours(12)));
        let trade = |buyer, quantity| Trade { buyer, seller: 1, price: Price(20), quantity: WattHours(quantity) };
        assert_eq!(trades, vec![trade(2, 10), trade(0, 2)]);
    }
}
