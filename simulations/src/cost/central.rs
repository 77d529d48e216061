//! The same orders through one book that everybody reaches at once, and the most that they could be worth.

use std::collections::BTreeMap;

use wattswap_matching::{Book, Limit, Order, Price, PriceBand, Side, Trader, UtcMillis, WattHours, auction};

use super::flow::{Flow, Placed, What};
use crate::network::usual_shape;

/// What one book makes of the orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Central {
    /// Trades.
    pub trades: usize,
    /// Energy that changed hands.
    pub volume: WattHours,
    /// What the energy was worth to who bought it, less what it was worth to who sold it, in ticks times watt-hours.
    pub surplus: i64,
    /// The most that it could be, had everybody met everybody.
    pub optimum: i64,
    /// Mean price of each slot's trades, weighted by energy, in hundredths of a tick; none where nobody traded.
    pub prices: Vec<Option<i64>>,
}

/// What a mean price is made of.
#[derive(Clone, Copy, Default)]
pub struct Mean {
    energy: i64,
    money: i64,
}

impl Mean {
    /// Adds a trade.
    pub fn add(&mut self, price: Price, quantity: WattHours) {
        self.energy += quantity.0;
        self.money += i64::from(price.0) * quantity.0;
    }

    /// In hundredths of a tick; none if there was no trade.
    #[must_use]
    pub fn price(&self) -> Option<i64> {
        (self.energy > 0).then(|| self.money * 100 / self.energy)
    }
}

/// Puts all orders into one book.
///
/// # Panics
/// If the book refuses an order: the flow holds none outside the price band.
#[must_use]
pub fn run(flow: &Flow) -> Central {
    let shape = usual_shape();
    let band = PriceBand::new(shape.floor, shape.cap).expect("the usual band");
    let mut books: Vec<Book<usize>> = (0..flow.slots).map(|_| Book::new(band)).collect();
    let mut handles = BTreeMap::new();
    let mut prices = vec![Mean::default(); flow.slots];
    let (mut trades, mut volume, mut surplus) = (0, WattHours::ZERO, 0);
    for act in &flow.acts {
        let placed = &flow.orders[act.order];
        let book = &mut books[placed.slot];
        match act.what {
            What::Place => {
                let at = UtcMillis(0).after(act.at);
                let order = as_book_order(placed, act.order, at);
                let rests = auction::submit(book, order, at, |trade| {
                    trades += 1;
                    volume += trade.quantity;
                    surplus += worth(placed, trade.quantity) + worth(&flow.orders[trade.resting], trade.quantity);
                    prices[placed.slot].add(trade.price, trade.quantity);
                });
                handles.insert(act.order, rests.expect("orders lie within the band"));
            }
            What::Cancel => {
                // It may be filled by now.
                let _gone = handles.get(&act.order).copied().flatten().map(|handle| book.cancel(handle));
            }
        }
    }
    let prices = prices.iter().map(Mean::price).collect();
    Central { trades, volume, surplus, optimum: optimum(flow), prices }
}

/// What energy adds to the surplus by one side of a trade: what it is worth to who buys, less what to who sells.
#[must_use]
pub fn worth(placed: &Placed, quantity: WattHours) -> i64 {
    let worth = i64::from(placed.price.0) * quantity.0;
    if placed.side == Side::Buy { worth } else { -worth }
}

fn as_book_order(placed: &Placed, id: usize, at: UtcMillis) -> Order<usize> {
    let trader = Trader(u32::try_from(placed.home).expect("a thousand homes"));
    let limit = Limit { trader, side: placed.side, price: placed.price, quantity: placed.quantity };
    Order { limit, at, id, expires_at: UtcMillis(u64::MAX) }
}

/// The most surplus, slot by slot: the dearest bids against the cheapest asks, as long as that pays. Orders that were
/// taken back count too, and whoever has both could trade with itself, so nothing can do better.
fn optimum(flow: &Flow) -> i64 {
    (0..flow.slots).map(|slot| best(flow.orders.iter().filter(|placed| placed.slot == slot))).sum()
}

fn best<'f>(orders: impl Iterator<Item = &'f Placed>) -> i64 {
    let (mut bids, mut asks): (Vec<_>, Vec<_>) =
        orders.map(|placed| (placed.side, placed.price, placed.quantity)).partition(|(side, ..)| *side == Side::Buy);
    bids.sort_by_key(|(_, price, _)| *price);
    asks.sort_by_key(|(_, price, _)| std::cmp::Reverse(*price));
    let mut surplus = 0;
    // The best of each side comes last.
    while let (Some(bid), Some(ask)) = (bids.last_mut(), asks.last_mut()) {
        if bid.1 <= ask.1 {
            break;
        }
        let quantity = bid.2.min(ask.2);
        surplus += i64::from(bid.1.0 - ask.1.0) * quantity.0;
        (bid.2, ask.2) = (bid.2 - quantity, ask.2 - quantity);
        let (bid_is_done, ask_is_done) = (bid.2 == WattHours::ZERO, ask.2 == WattHours::ZERO);
        if bid_is_done {
            bids.pop();
        }
        if ask_is_done {
            asks.pop();
        }
    }
    surplus
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::flow::Act;
    use super::*;

    /// Orders of homes of their own, each placed a second after the one before.
    fn flow(orders: &[(Side, i64, i32)]) -> Flow {
        let placed = |(home, (side, quantity, price)): (usize, &(Side, i64, i32))| Placed {
            home,
            slot: 0,
            side: *side,
            quantity: WattHours(*quantity),
            price: Price(*price),
        };
        let orders: Vec<Placed> = orders.iter().enumerate().map(placed).collect();
        let act = |order| Act { at: Duration::from_secs(order as u64), order, what: What::Place };
        Flow { slots: 2, acts: (0..orders.len()).map(act).collect(), orders }
    }

    #[test]
    fn the_optimum_pairs_the_best_and_the_book_takes_who_is_there() {
        use Side::{Buy, Sell};
        // The bid at 20 takes the ask at 15, and the bid at 30 finds nothing below it; it would have been worth more.
        let flow = flow(&[(Sell, 10, 15), (Buy, 10, 20), (Buy, 10, 30), (Sell, 4, 25), (Buy, 10, 12)]);
        let central = run(&flow);
        assert_eq!((central.trades, central.volume), (2, WattHours(14)));
        assert_eq!(central.surplus, 10 * 5 + 4 * 5);
        assert_eq!(central.optimum, 10 * 15);
        assert_eq!(central.prices[0], Some((10 * 15 + 4 * 30) * 100 / 14));
        assert_eq!(central.prices[1], None, "nobody traded in the second slot");
    }
}
