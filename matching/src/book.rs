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
use crate::ladder::{Ladder, Queue};
use crate::order::{Limit, Order};
use crate::plan::{Cursor, Plan};
use crate::priority::{Arrival, Rank};
use crate::rejection::Rejection;
use crate::slab::{Handle, Link, NONE, Node, Place, Slab};
use crate::units::{Price, Side, UtcMillis, WattHours};

/// The resting orders of one slot. Idle, it costs its own bytes and nothing on the heap.
#[derive(Clone, Debug)]
pub struct Book<Id> {
    band: PriceBand,
    /// Bids and asks, by [`Side`].
    ladders: [Ladder; 2],
    pub(crate) orders: Slab<Id>,
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
    /// The most orders that a book holds. A community of 1,000 members stays far below; it bounds what a caller that
    /// counts wrongly can make a book take from memory to about 1.5 GB.
    pub const MOST_ORDERS: u32 = 1 << 24;

    /// The most energy of one order: 4.29 GWh, more than any connection of a neighbourhood carries in a slot.
    pub const MOST_ENERGY: WattHours = WattHours(u32::MAX as i64);

    /// An empty book for prices within `band`.
    #[must_use]
    pub const fn new(band: PriceBand) -> Self {
        Self { band, ladders: [Ladder::EMPTY; 2], orders: Slab::EMPTY, next_expiry: UtcMillis(u64::MAX) }
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
    pub fn check(&self, limit: &Limit) -> Result<(), Rejection> {
        self.open_quantity(limit).map(|_| ())
    }

    /// Puts an order in its place, without matching it. An order that comes late goes before those with a later
    /// `at`; for the usual one, which is the latest, that is one comparison.
    ///
    /// # Errors
    /// As [`Self::check`].
    #[inline]
    pub fn rest(&mut self, order: Order<Id>) -> Result<Handle, Rejection> {
        let open = self.open_quantity(&order.limit)?;
        Ok(self.rest_checked(&order, open))
    }

    /// What `taker` would take from the orders that rest now, best first: never its own trader's, nor those that
    /// `skip` names. Lazy: each step is found when it is asked for.
    #[inline]
    pub fn plan<Skip: FnMut(Handle) -> bool>(&self, taker: &Limit, skip: Skip) -> Plan<'_, Id, Skip> {
        Plan { book: self, cursor: Cursor::new(self, taker, None), skip }
    }

    /// Like [`Self::plan`], for a taker that came at `arrival`, such as one that rests itself: only from orders that
    /// came before it. Of two resting orders that cross, so, only the later one ever plans to take the other.
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
        let open = WattHours(i64::from(self.orders.node(index).open));
        if !quantity.is_positive() {
            return Err(Rejection::NotPositive(quantity));
        }
        let left = open - quantity;
        match u32::try_from(left.0) {
            Ok(0) => self.remove(index),
            Ok(open) => self.orders.node_mut(index).open = open,
            Err(_) => return Err(Rejection::MoreThanOpen { quantity, open }),
        }
        Ok(left)
    }

    /// Removes an order. Returns what was open.
    ///
    /// # Errors
    /// [`Rejection::NotResting`].
    #[inline]
    pub fn cancel(&mut self, handle: Handle) -> Result<WattHours, Rejection> {
        let index = self.orders.find(handle)?;
        let open = WattHours(i64::from(self.orders.node(index).open));
        self.remove(index);
        Ok(open)
    }

    /// Removes the orders that no longer stand at `now`, and returns them by expiry, then arrival. Costs one
    /// comparison while none is due, a look at every order when one is.
    #[inline]
    pub fn expire(&mut self, now: UtcMillis) -> Vec<(Handle, Order<Id>)> {
        if now < self.next_expiry { Vec::new() } else { self.remove_expired(now) }
    }

    /// An order as it rests now, its quantity what is open; none if the handle is stale.
    #[must_use]
    pub fn resting(&self, handle: Handle) -> Option<Order<Id>> {
        self.orders.find(handle).ok().map(|index| self.order(index))
    }

    /// The orders of a side by priority.
    pub fn orders(&self, side: Side) -> impl Iterator<Item = (Handle, Order<Id>)> {
        self.ranks(side)
            .flat_map(move |rank| self.queue(side, rank))
            .map(|index| (self.orders.handle(index), self.order(index)))
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
            quantity: level.quantity + WattHours(i64::from(self.orders.node(index).open)),
            orders: level.orders + 1,
            ..level
        })
    }

    fn ranks(&self, side: Side) -> impl Iterator<Item = Rank> {
        let ladder = self.ladder(side);
        let occupied = |rank: Rank| (rank != Rank::BEYOND).then_some(rank);
        std::iter::successors(occupied(ladder.next(Rank::BEST)), move |rank| occupied(ladder.next(rank.worse())))
    }

    fn queue(&self, side: Side, rank: Rank) -> impl Iterator<Item = Link> {
        let link = |link: Link| (link != NONE).then_some(link);
        let first = self.ladder(side).queue(rank).first;
        std::iter::successors(link(first), move |&index| link(self.orders.node(index).next))
    }

    fn order(&self, index: Link) -> Order<Id> {
        let node = self.orders.node(index);
        let limit = Limit {
            trader: node.trader,
            side: node.place.side(),
            price: node.place.rank().price(self.band, node.place.side()),
            quantity: WattHours(i64::from(node.open)),
        };
        Order { limit, at: node.at, id: node.id, expires_at: node.expires_at }
    }

    #[inline]
    pub(crate) fn open_quantity(&self, limit: &Limit) -> Result<u32, Rejection> {
        let Limit { price, quantity, .. } = *limit;
        if !quantity.is_positive() {
            return Err(Rejection::NotPositive(quantity));
        }
        if !self.band.contains(price) {
            return Err(Rejection::OutsideBand { price, floor: self.band.floor(), cap: self.band.cap() });
        }
        if self.orders.len() >= Self::MOST_ORDERS {
            return Err(Rejection::Full { most: Self::MOST_ORDERS });
        }
        u32::try_from(quantity.0).map_err(|_| Rejection::TooLarge { quantity, most: Self::MOST_ENERGY })
    }

    #[inline]
    pub(crate) fn ladder(&self, side: Side) -> &Ladder {
        &self.ladders[side as usize]
    }

    /// Stores an order and links it into the queue of its price.
    #[inline]
    pub(crate) fn rest_checked(&mut self, order: &Order<Id>, open: u32) -> Handle {
        let side = order.limit.side;
        let rank = Rank::of(self.band, side, order.limit.price);
        let index = self.orders.insert(order, Place::new(side, rank), open);
        let ladder = &mut self.ladders[side as usize];
        let queue = ladder.queue_mut(rank, self.band);
        let last = queue.last;
        if last == NONE {
            *queue = Queue { first: index, last: index };
            ladder.occupy(rank);
        } else if self.orders.node(last).came_before(&order.arrival()) {
            queue.last = index;
            self.orders.node_mut(last).next = index;
            self.orders.node_mut(index).previous = last;
        } else {
            self.orders.insert_late(queue, index);
        }
        self.next_expiry = self.next_expiry.min(order.expires_at);
        self.orders.handle(index)
    }

    #[cold]
    fn remove_expired(&mut self, now: UtcMillis) -> Vec<(Handle, Order<Id>)> {
        let due = self.orders.iter().filter(|(_, node)| node.expires_at <= now);
        let mut expired: Vec<_> = due.map(|(index, _)| (self.orders.handle(index), self.order(index))).collect();
        expired.iter().for_each(|(handle, _)| self.remove(handle.index));
        expired.sort_by_key(|(_, order)| (order.expires_at, order.arrival()));
        let expiries = self.orders.iter().map(|(_, node)| node.expires_at);
        self.next_expiry = expiries.min().unwrap_or(UtcMillis(u64::MAX));
        expired
    }

    /// Takes an order out of its queue and frees its node.
    #[inline]
    fn remove(&mut self, index: Link) {
        let &Node { place, previous, next, .. } = self.orders.node(index);
        let ladder = &mut self.ladders[place.side() as usize];
        let queue = ladder.queue_mut(place.rank(), self.band);
        match previous {
            NONE => queue.first = next,
            _ => self.orders.node_mut(previous).next = next,
        }
        match next {
            NONE => queue.last = previous,
            _ => self.orders.node_mut(next).previous = previous,
        }
        if queue.first == NONE {
            ladder.vacate(place.rank());
        }
        self.orders.remove(index);
    }
}
