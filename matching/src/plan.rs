//! What an order would take from a book, in the order of priority. Asking changes nothing.

use crate::band::PriceBand;
use crate::ladder::Ladder;
use crate::order::Trader;
use crate::priority::{Arrival, Rank};
use crate::slab::{Handle, Link, NONE, Slab};
use crate::units::{Price, Side, WattHours};

/// One step of a plan: so much from that resting order, at its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Take<Id> {
    /// The resting order.
    pub handle: Handle,
    /// The caller's name for it.
    pub id: Id,
    /// Whose it is.
    pub trader: Trader,
    /// The resting order's price, which is the price of the trade.
    pub price: Price,
    /// The energy to take: all that is open, or all that is still wanted.
    pub quantity: WattHours,
}

/// The takes of one order, best first; made by [`crate::Book::plan`].
///
/// Never against the taker's own trader: those orders stay where they are and the plan goes on behind them.
#[derive(Debug)]
pub struct Plan<'book, Id, Skip> {
    pub(crate) orders: &'book Slab<Id>,
    pub(crate) ladder: &'book Ladder,
    pub(crate) band: PriceBand,
    /// The side of the resting orders.
    pub(crate) side: Side,
    pub(crate) taker: Trader,
    pub(crate) wanted: WattHours,
    /// The worst rank that the taker accepts; none if it accepts no price at all.
    pub(crate) reach: Option<Rank>,
    /// Only orders that came before this are taken.
    pub(crate) before: Option<Arrival<Id>>,
    pub(crate) skip: Skip,
    pub(crate) cursor: Cursor,
}

/// Where a plan stands.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// The next order of the queue at hand, if any.
    next: Link,
    /// The rank of that queue.
    rank: Rank,
    /// Where to look for the queue after it.
    resume: Rank,
}

impl Cursor {
    pub(crate) const START: Self = Self { next: NONE, rank: Rank(0), resume: Rank(0) };
}

impl<Id: Ord + Copy, Skip: FnMut(Handle) -> bool> Plan<'_, Id, Skip> {
    /// The next resting order within reach, whoever's it is.
    #[inline]
    fn next_resting(&mut self) -> Option<Link> {
        if self.cursor.next == NONE {
            let rank = self.ladder.next(self.cursor.resume)?;
            if rank > self.reach? {
                return None;
            }
            self.cursor = Cursor { next: self.ladder.queue(rank).first, rank, resume: Rank(rank.0 + 1) };
        }
        let index = self.cursor.next;
        self.cursor.next = self.orders.node(index).next;
        Some(index)
    }
}

impl<Id: Ord + Copy, Skip: FnMut(Handle) -> bool> Iterator for Plan<'_, Id, Skip> {
    type Item = Take<Id>;

    #[inline]
    fn next(&mut self) -> Option<Take<Id>> {
        while self.wanted.is_positive() {
            let index = self.next_resting()?;
            if self.before.is_some_and(|arrival| !self.orders.came_before(index, &arrival)) {
                // The rest of this queue came later still.
                self.cursor.next = NONE;
                continue;
            }
            let node = self.orders.node(index);
            if node.trader == self.taker {
                continue;
            }
            let handle = self.orders.handle(index);
            if (self.skip)(handle) {
                continue;
            }
            let quantity = self.wanted.min(WattHours(i64::from(node.open)));
            self.wanted -= quantity;
            let price = self.cursor.rank.price(self.band, self.side);
            return Some(Take { handle, id: self.orders.id(index), trader: node.trader, price, quantity });
        }
        None
    }
}
