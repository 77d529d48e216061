//! The resting orders of one slot.
//!
//! A book can be asked what an order would take ([`Book::plan`], which changes nothing) and be told what happened
//! ([`Book::rest`], [`Book::fill`], [`Book::cancel`], [`Book::expire`]). It never matches by itself, so it may stay
//! crossed: two orders that met on the wire both rest until their owners have agreed. The auction
//! ([`crate::auction`]) is the loop of the two.
//!
//! Every order is in one queue of its side and price, ordered by [`Arrival`]. A book is generic over the caller's
//! order id, which only breaks ties of time.

use crate::band::PriceBand;
use crate::ladder::Ladder;
use crate::order::{Limit, Order};
use crate::plan::{Cursor, Plan, Step};
use crate::priority::{Arrival, Rank};
use crate::rejection::Rejection;
use crate::slab::{self, Handle, Link, NONE, Node, Place, Record, Slab};
use crate::units::{Price, Side, UtcMillis, WattHours};

/// The resting orders of one slot. Idle, it costs its own bytes and nothing on the heap.
#[derive(Clone, Debug)]
pub struct Book<Id> {
    /// Bids and asks, by [`Side`].
    ladders: [Ladder; 2],
    pub(crate) orders: Slab<Id>,
    band: PriceBand,
    /// No order came later than this: one that does belongs at the end of its queue, whatever is there.
    latest: UtcMillis,
    /// No order expires before this.
    next_expiry: UtcMillis,
}

/// All orders of one price, added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Level {
    /// The price, per kWh.
    pub price: Price,
    /// The energy open at it.
    pub quantity: WattHours,
    /// The number of orders that offer or want it.
    pub orders: u32,
}

impl<Id: Ord + Copy> Book<Id> {
    /// The most orders that a book holds: what a [`Handle`] of four bytes tells apart, and a thousand for each of a
    /// thousand members.
    pub const MOST_ORDERS: u32 = slab::MOST_NODES;

    /// The most energy of one order: 4.29 GWh, more than any connection of a neighbourhood carries in a slot.
    pub const MOST_ENERGY: WattHours = WattHours(u32::MAX as i64);

    /// An empty book for prices within `band`.
    #[must_use]
    pub const fn new(band: PriceBand) -> Self {
        let never = UtcMillis(u64::MAX);
        Self { ladders: [Ladder::EMPTY; 2], orders: Slab::EMPTY, band, latest: UtcMillis(0), next_expiry: never }
    }

    /// The prices that orders may have.
    #[must_use]
    pub fn band(&self) -> PriceBand {
        self.band
    }

    /// The number of resting orders.
    #[must_use]
    pub fn len(&self) -> usize {
        self.orders.len() as usize
    }

    /// Whether no order rests.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.orders.len() == 0
    }

    /// Whether `limit` could rest here now.
    ///
    /// # Errors
    /// [`Rejection::NotPositive`], [`Rejection::TooLarge`], [`Rejection::OutsideBand`] or [`Rejection::Full`].
    #[inline]
    pub fn check(&self, limit: &Limit) -> Result<(), Rejection> {
        self.check_quantity(limit.quantity)?;
        if !self.band.contains(limit.price) {
            let (floor, cap) = (self.band.floor(), self.band.cap());
            return Err(Rejection::OutsideBand { price: limit.price, floor, cap });
        }
        if self.orders.is_full() { Err(Rejection::Full { most: Self::MOST_ORDERS }) } else { Ok(()) }
    }

    /// Puts an order in its place, without matching it. An order that comes late goes before those with a later
    /// `at`; the usual one, which is the latest of the book, costs one comparison.
    ///
    /// # Errors
    /// As [`Self::check`].
    #[inline]
    pub fn rest(&mut self, order: Order<Id>) -> Result<Handle, Rejection> {
        self.check(&order.limit)?;
        Ok(self.rest_checked(&order, order.limit.quantity))
    }

    /// What `taker` would take from the orders that rest now, best first: never its own trader's, nor those that
    /// `skip` names. Lazy: each step is found when it is asked for.
    #[inline]
    pub fn plan<Skip: FnMut(Handle) -> bool>(&self, taker: &Limit, skip: Skip) -> Plan<'_, Id, Skip> {
        Plan { book: self, cursor: Cursor::new(self, taker, None), skip }
    }

    /// Like [`Self::plan`], for a taker that came at `arrival`, such as one that rests itself: only from orders that
    /// came before it. So of two resting orders that cross, only the later one ever plans to take the other.
    #[inline]
    pub fn plan_before<Skip: FnMut(Handle) -> bool>(
        &self,
        taker: &Limit,
        arrival: Arrival<Id>,
        skip: Skip,
    ) -> Plan<'_, Id, Skip> {
        Plan { book: self, cursor: Cursor::new(self, taker, Some(arrival)), skip }
    }

    /// Takes `quantity` from an order, which leaves the book once nothing is left. Returns what is left.
    ///
    /// # Errors
    /// [`Rejection::NotResting`], [`Rejection::NotPositive`] or [`Rejection::MoreThanOpen`].
    #[inline]
    pub fn fill(&mut self, handle: Handle, quantity: WattHours) -> Result<WattHours, Rejection> {
        let index = self.orders.find(handle)?;
        let &Node { open, place, .. } = self.orders.node(index);
        let open = WattHours(open.into());
        if !quantity.is_positive() {
            return Err(Rejection::NotPositive(quantity));
        }
        if quantity > open {
            return Err(Rejection::MoreThanOpen { quantity, open });
        }
        self.apply(&Step { index, side: place.side(), rank: place.rank(), quantity: quantity.0 as u32 });
        Ok(open - quantity)
    }

    /// Makes `quantity` what is open of an order, which keeps its place. For a caller that knows what is left better
    /// than what was taken.
    ///
    /// # Errors
    /// [`Rejection::NotResting`], [`Rejection::NotPositive`] (use [`Self::cancel`]) or [`Rejection::TooLarge`].
    pub fn set_open(&mut self, handle: Handle, quantity: WattHours) -> Result<(), Rejection> {
        let index = self.orders.find(handle)?;
        self.check_quantity(quantity)?;
        self.orders.node_mut(index).open = quantity.0 as u32;
        Ok(())
    }

    /// Removes an order. Returns what was open.
    ///
    /// # Errors
    /// [`Rejection::NotResting`].
    #[inline]
    pub fn cancel(&mut self, handle: Handle) -> Result<WattHours, Rejection> {
        let index = self.orders.find(handle)?;
        let &Node { open, place, .. } = self.orders.node(index);
        self.remove(index, place.side(), place.rank());
        Ok(WattHours(open.into()))
    }

    /// Removes the orders that no longer stand at `now`, and returns them by expiry, then arrival. Costs one
    /// comparison while none is due, and a look at every order when one is: most orders of a slot expire together, so
    /// anything cleverer would cost each order more than it saves.
    #[inline]
    pub fn expire(&mut self, now: UtcMillis) -> Vec<(Handle, Order<Id>)> {
        if now < self.next_expiry { Vec::new() } else { self.remove_expired(now) }
    }

    /// When to call [`Self::expire`] next: no order expires before this, and one may at it.
    #[must_use]
    pub fn next_expiry(&self) -> Option<UtcMillis> {
        (!self.is_empty()).then_some(self.next_expiry)
    }

    /// An order as it rests now, its quantity what is open; none if the handle is stale.
    #[must_use]
    pub fn resting(&self, handle: Handle) -> Option<Order<Id>> {
        self.orders.find(handle).ok().map(|index| self.order(self.orders.node(index), self.orders.record(index)))
    }

    /// The orders of a side by priority.
    pub fn orders(&self, side: Side) -> impl Iterator<Item = (Handle, Order<Id>)> {
        let indices = self.ranks(side).flat_map(move |rank| self.queue(side, rank));
        indices.map(|index| {
            let node = self.orders.node(index);
            (node.handle, self.order(node, self.orders.record(index)))
        })
    }

    /// The best price of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Price> {
        self.ranks(side).next().map(|rank| rank.price(self.band, side))
    }

    /// The best `most` prices of a side with what is open at each, best first.
    #[must_use]
    pub fn depth(&self, side: Side, most: usize) -> Vec<Level> {
        self.ranks(side).take(most).map(|rank| self.level(side, rank)).collect()
    }

    fn level(&self, side: Side, rank: Rank) -> Level {
        let empty = Level { price: rank.price(self.band, side), quantity: WattHours::ZERO, orders: 0 };
        self.queue(side, rank).fold(empty, |level, index| Level {
            quantity: level.quantity + WattHours(self.orders.node(index).open.into()),
            orders: level.orders + 1,
            ..level
        })
    }

    /// The occupied ranks of a side, best first.
    fn ranks(&self, side: Side) -> impl Iterator<Item = Rank> {
        let next = move |from| Some(self.ladder(side).next(from)).filter(|&rank| rank != Rank::BEYOND);
        std::iter::successors(next(Rank::BEST), move |rank| next(rank.worse()))
    }

    fn queue(&self, side: Side, rank: Rank) -> impl Iterator<Item = Link> {
        let some = |link| Some(link).filter(|&link| link != NONE);
        let first = self.ladder(side).queue(rank).first;
        std::iter::successors(some(first), move |&index| some(self.orders.node(index).next))
    }

    fn order(&self, node: &Node, record: &Record<Id>) -> Order<Id> {
        let (side, Arrival { at, id }) = (node.place.side(), record.arrival);
        let price = node.place.rank().price(self.band, side);
        let limit = Limit { trader: node.trader, side, price, quantity: WattHours(node.open.into()) };
        Order { limit, at, id, expires_at: record.expires_at }
    }

    #[inline]
    pub(crate) fn ladder(&self, side: Side) -> &Ladder {
        &self.ladders[side as usize]
    }

    #[inline]
    fn check_quantity(&self, quantity: WattHours) -> Result<(), Rejection> {
        if !quantity.is_positive() {
            return Err(Rejection::NotPositive(quantity));
        }
        let most = Self::MOST_ENERGY;
        if quantity > most { Err(Rejection::TooLarge { quantity, most }) } else { Ok(()) }
    }

    /// Puts an order that passed [`Self::check`] in its place, with `open` of its quantity. In line, for it is the last
    /// thing that most orders do in an auction: worth a twentieth of the time of matching.
    #[inline(always)]
    pub(crate) fn rest_checked(&mut self, order: &Order<Id>, open: WattHours) -> Handle {
        let side = order.limit.side;
        let rank = Rank::of(self.band, side, order.limit.price);
        let ladder = &mut self.ladders[side as usize];
        let queue = ladder.queue_mut(rank, self.band);
        let was_empty = queue.first == NONE;
        let handle = self.orders.push(queue, order, Place::new(side, rank), open.0 as u32);
        if order.at > self.latest {
            self.latest = order.at;
        } else {
            self.orders.move_forward(queue);
        }
        if was_empty {
            ladder.occupy(rank);
        }
        if order.expires_at < self.next_expiry {
            self.next_expiry = order.expires_at;
        }
        handle
    }

    /// Takes from an order what a step says, which is at most what is open.
    #[inline]
    pub(crate) fn apply(&mut self, step: &Step) {
        let node = self.orders.node_mut(step.index);
        let left = node.open - step.quantity;
        if left == 0 {
            self.remove(step.index, step.side, step.rank);
        } else {
            node.open = left;
        }
    }

    /// Removes the order at `index`, which is at `rank` of `side`.
    #[inline]
    fn remove(&mut self, index: Link, side: Side, rank: Rank) {
        let ladder = &mut self.ladders[side as usize];
        let queue = ladder.queue_mut(rank, self.band);
        self.orders.remove(queue, index);
        if queue.first == NONE {
            ladder.vacate(rank);
        }
    }

    #[cold]
    fn remove_expired(&mut self, now: UtcMillis) -> Vec<(Handle, Order<Id>)> {
        let due = self.orders.iter().filter(|(_, record)| record.expires_at <= now);
        let mut expired: Vec<_> = due.map(|(node, record)| (node.handle, self.order(node, record))).collect();
        for (handle, order) in &expired {
            let Limit { side, price, .. } = order.limit;
            self.remove(handle.index(), side, Rank::of(self.band, side, price));
        }
        expired.sort_by_key(|(_, order)| (order.expires_at, order.arrival()));
        let expiries = self.orders.iter().map(|(_, record)| record.expires_at);
        self.next_expiry = expiries.min().unwrap_or(UtcMillis(u64::MAX));
        expired
    }
}
