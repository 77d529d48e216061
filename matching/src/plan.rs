//! What an order would take from a book, in the order of priority. Asking changes nothing.

use crate::book::Book;
use crate::order::{Limit, Trader};
use crate::priority::{Arrival, Rank};
use crate::slab::{Handle, Link, NONE};
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

/// The takes of one order, best first; made by [`Book::plan`] and [`Book::plan_before`].
///
/// Never against the taker's own trader: those orders stay where they are and the plan goes on behind them.
#[derive(Debug)]
pub struct Plan<'book, Id, Skip> {
    pub(crate) book: &'book Book<Id>,
    pub(crate) cursor: Cursor<Id>,
    pub(crate) skip: Skip,
}

impl<Id: Ord + Copy, Skip: FnMut(Handle) -> bool> Iterator for Plan<'_, Id, Skip> {
    type Item = Take<Id>;

    #[inline]
    fn next(&mut self) -> Option<Take<Id>> {
        self.cursor.advance(self.book, &mut self.skip).map(|step| step.take(self.book))
    }
}

/// A plan's place in the book. It holds no reference, so that the auction can apply each step before it asks for the
/// next; it stays good as long as nothing but the step that it gave last is applied in between.
#[derive(Debug)]
pub(crate) struct Cursor<Id> {
    taker: Trader,
    /// What is left of the taker's quantity.
    pub(crate) wanted: WattHours,
    /// The side of the resting orders.
    side: Side,
    /// The first rank that the taker does not accept.
    end: Rank,
    /// Only orders that came before this are taken.
    before: Option<Arrival<Id>>,
    /// The next order of the queue at hand, if any.
    next: Link,
    /// The rank of that queue.
    rank: Rank,
    /// Where to look for the queue after it.
    resume: Rank,
}

/// What a cursor found: a take, and where in the book it is.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) index: Link,
    pub(crate) side: Side,
    pub(crate) rank: Rank,
    pub(crate) quantity: u32,
}

impl<Id: Ord + Copy> Cursor<Id> {
    #[inline]
    pub(crate) fn new(book: &Book<Id>, taker: &Limit, before: Option<Arrival<Id>>) -> Self {
        let side = taker.side.opposite();
        Self {
            taker: taker.trader,
            wanted: taker.quantity,
            side,
            end: Rank::end(book.band(), side, taker.price),
            before,
            next: NONE,
            rank: Rank::BEST,
            resume: Rank::BEST,
        }
    }

    /// The next step.
    #[inline]
    pub(crate) fn advance(&mut self, book: &Book<Id>, mut skip: impl FnMut(Handle) -> bool) -> Option<Step> {
        while self.wanted.is_positive() {
            let index = self.next_resting(book)?;
            if self.before.is_some_and(|arrival| book.orders.record(index).arrival >= arrival) {
                // The rest of this queue came later still.
                self.next = NONE;
                continue;
            }
            let node = book.orders.node(index);
            if node.trader == self.taker || skip(node.handle) {
                continue;
            }
            let quantity = self.wanted.0.min(node.open.into()) as u32;
            self.wanted -= WattHours(quantity.into());
            return Some(Step { index, side: self.side, rank: self.rank, quantity });
        }
        None
    }

    /// The next resting order within reach, whoever's it is.
    #[inline]
    fn next_resting(&mut self, book: &Book<Id>) -> Option<Link> {
        if self.next == NONE {
            let ladder = book.ladder(self.side);
            let rank = ladder.next(self.resume);
            if rank >= self.end {
                return None;
            }
            (self.next, self.rank, self.resume) = (ladder.queue(rank).first, rank, rank.worse());
        }
        let index = self.next;
        self.next = book.orders.node(index).next;
        Some(index)
    }
}

impl Step {
    /// The step as callers see it, before it is applied.
    #[inline]
    pub(crate) fn take<Id: Ord + Copy>(&self, book: &Book<Id>) -> Take<Id> {
        let node = book.orders.node(self.index);
        Take {
            handle: node.handle,
            id: book.orders.record(self.index).arrival.id,
            trader: node.trader,
            price: self.rank.price(book.band(), self.side),
            quantity: WattHours(self.quantity.into()),
        }
    }
}
