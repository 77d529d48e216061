//! The book of one slot while it is traded, and what was traded in it.

use wattswap_matching::{Book, Handle, Limit, Order, Side, Slot, Trader, UtcMillis, WattHours, auction};
use wattswap_node::protocol::autopilot::{Depth, Quote};

use super::home::OrderId;
use crate::market::mechanism::Trade;
use crate::market::strategies::Heard;

/// One slot's market.
#[derive(Debug)]
pub(super) struct Open {
    /// The slot, counted from the season's first.
    pub(super) number: usize,
    /// Its name.
    pub(super) slot: Slot,
    /// The production book; orders are named by their count.
    pub(super) book: Book<u64>,
    next: u64,
    /// What is open in the book.
    pub(super) depth: Depth,
    /// All trades, each with the handle of the order that rested.
    pub(super) trades: Vec<(Trade, Handle)>,
    /// What nobody has been told of yet.
    pub(super) heard: Vec<Heard>,
}

impl Open {
    pub(super) fn new(number: usize, slot: Slot, book: Book<u64>) -> Self {
        Self { number, slot, book, next: 0, depth: Depth::default(), trades: Vec::new(), heard: Vec::new() }
    }

    /// Lets a home's quote take what it crosses; names what rests of it.
    pub(super) fn submit(&mut self, home: usize, now: UtcMillis, quote: &Quote) -> Option<OrderId> {
        let trader = Trader(u32::try_from(home).expect("homes are counted by u32"));
        let Quote { side, price, quantity, expires_at, .. } = *quote;
        self.next += 1;
        let limit = Limit { trader, side, price, quantity };
        let order = Order { limit, at: now, id: self.next, expires_at };
        let mut taken = WattHours::ZERO;
        let (trades, heard) = (&mut self.trades, &mut self.heard);
        let rests = auction::submit(&mut self.book, order, now, |made| {
            let (buyer, seller) = match side {
                Side::Buy => (trader.0, made.counterparty.0),
                Side::Sell => (made.counterparty.0, trader.0),
            };
            taken += made.quantity;
            trades.push((Trade { buyer, seller, price: made.price, quantity: made.quantity }, made.handle));
            heard.push(Heard { side, price: made.price, traded: true });
        });
        let rests = rests.expect("quotes keep the market's rules");
        *side_of(&mut self.depth, side.opposite()) -= taken;
        if rests.is_some() {
            *side_of(&mut self.depth, side) += quantity - taken;
        }
        if rests.is_some() {
            heard.push(Heard { side, price, traded: false });
        }
        rests.map(|handle| OrderId { slot: self.number, handle })
    }

    /// Withdraws an order; returns whether it was still there.
    pub(super) fn cancel(&mut self, order: OrderId) -> bool {
        let Some(resting) = self.book.resting(order.handle) else { return false };
        let left = self.book.cancel(order.handle).expect("it rests");
        *side_of(&mut self.depth, resting.limit.side) -= left;
        true
    }
}

fn side_of(depth: &mut Depth, side: Side) -> &mut WattHours {
    match side {
        Side::Buy => &mut depth.bids,
        Side::Sell => &mut depth.asks,
    }
}
