//! One slot: its book while it is open, and the accounts of those who trade in it.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::{
    Book, Handle, Limit, Order as BookOrder, Price, PriceBand, Side, Trader, UtcMillis, WattHours,
};

use super::{BookId, LogNo};
use crate::protocol::charter::Shape;
use crate::protocol::entry::Order;
use crate::protocol::ids::{Beginning, OrderId, ProposalId};
use crate::protocol::limits::COPY_COUNTS_FOR;

/// An order that counts, with what has become of it. There are hundreds of thousands, so it holds no more than it
/// needs.
#[derive(Clone, Debug)]
pub struct Resting {
    /// The book that it rests in.
    pub book: BookId,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub quantity: WattHours,
    /// Limit price.
    pub price: Price,
    /// When it was placed.
    pub at: UtcMillis,
    /// When it ends.
    pub expires_at: UtcMillis,
    pub(super) log: LogNo,
    pub(super) trader: Trader,
    /// By all trades that bind.
    pub(super) filled: WattHours,
    /// By the trades in its own log alone.
    pub(super) own_filled: WattHours,
    /// What the newest cancel leaves to takes of its owner that are in doubt.
    pub(super) cancelled: Option<Box<Cancelled>>,
    /// Its author was convicted, or its log was sealed.
    pub(super) withdrawn: bool,
    /// Its own log has gone on after its expiry.
    expired: bool,
    handle: Option<Handle>,
}

/// What its owner said when it closed an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cancelled {
    /// What it leaves to own takes in doubt, by the newest cancel.
    pub leaves: WattHours,
    /// Number of the entry with the first cancel.
    pub seq: u64,
}

/// What one log has in one side of a slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// Orders that it has placed, whatever became of them.
    pub(super) placed: usize,
    /// Filled, what was taken without an order in the book included.
    pub(super) filled: WattHours,
    /// What can still be filled, as far as the log has gone on.
    open: WattHours,
}

#[derive(Clone, Debug)]
pub(super) struct SlotFold {
    gate: UtcMillis,
    book: Option<Book<OrderId>>,
    accounts: BTreeMap<(LogNo, Side), Account>,
    /// Orders that end before the gate, and have not been found expired yet: few, so accounts need no room for them.
    expiring: BTreeSet<(LogNo, Side, UtcMillis, OrderId)>,
    /// Trades, by where the names of the order that each takes from and of the trade itself begin. There are hundreds of
    /// thousands, and whole names would need four times the room.
    trades: BTreeSet<(Beginning, Beginning)>,
}

impl Resting {
    pub(super) fn new(order: &Order, at: UtcMillis, book: BookId, log: LogNo, trader: Trader) -> Self {
        Self {
            book,
            side: order.side,
            quantity: order.quantity,
            price: order.price,
            at,
            expires_at: order.expires_at,
            log,
            trader,
            filled: WattHours::ZERO,
            own_filled: WattHours::ZERO,
            cancelled: None,
            withdrawn: false,
            expired: false,
            handle: None,
        }
    }

    /// What others can still take at this time; a cancelled or expired order has nothing left.
    #[must_use]
    pub fn open(&self, now: UtcMillis) -> WattHours {
        if self.is_closed(now) { WattHours::ZERO } else { self.quantity.less_at_least_zero(self.filled) }
    }

    /// What may yet be filled of it while it is open, as far as its owner's own log tells: a trade that only others hold may
    /// turn out to count nowhere.
    #[must_use]
    pub fn may_yet_be_filled(&self, now: UtcMillis) -> WattHours {
        if self.is_closed(now) { WattHours::ZERO } else { self.quantity.less_at_least_zero(self.own_filled) }
    }

    fn is_closed(&self, now: UtcMillis) -> bool {
        self.cancelled.is_some() || self.withdrawn || self.expires_at <= now
    }

    /// What all trades that bind have taken of it.
    #[must_use]
    pub fn filled(&self) -> WattHours {
        self.filled
    }

    /// What its author's own log says has been filled of it.
    #[must_use]
    pub fn own_filled(&self) -> WattHours {
        self.own_filled
    }

    /// What its owner left to own takes in doubt when it closed the order; none while the order is not closed.
    #[must_use]
    pub fn leaves(&self) -> Option<WattHours> {
        self.cancelled.as_ref().map(|cancelled| cancelled.leaves)
    }

    /// Number of the entry in its log that closed it.
    #[must_use]
    pub fn cancelled_in(&self) -> Option<u64> {
        self.cancelled.as_ref().map(|cancelled| cancelled.seq)
    }

    /// What can still be filled of it, by its own log.
    fn still_open(&self) -> WattHours {
        match &self.cancelled {
            Some(cancelled) => cancelled.leaves,
            None if self.expired => WattHours::ZERO,
            None => self.quantity.less_at_least_zero(self.own_filled),
        }
    }
}

impl Account {
    /// Changes an order by what its own log says, and the total with it.
    pub(super) fn change(&mut self, order: &mut Resting, change: impl FnOnce(&mut Resting)) {
        self.filled -= order.own_filled;
        self.open -= order.still_open();
        change(order);
        self.filled += order.own_filled;
        self.open += order.still_open();
    }

    /// What counts against its author's connection.
    pub(super) fn total(&self) -> WattHours {
        self.filled + self.open
    }
}

impl Resting {
    fn as_book_order(&self, id: OrderId, open: WattHours) -> BookOrder<OrderId> {
        let limit = Limit { trader: self.trader, side: self.side, price: self.price, quantity: open };
        BookOrder { limit, at: self.at, id, expires_at: self.expires_at }
    }

    /// What of it could still be filled if it had not expired.
    pub(super) fn unfilled(&self) -> WattHours {
        if self.cancelled.is_some() { WattHours::ZERO } else { self.quantity.less_at_least_zero(self.own_filled) }
    }
}

impl SlotFold {
    pub(super) fn new(shape: &Shape, gate: UtcMillis, open: bool) -> Self {
        let band = PriceBand::new(shape.floor, shape.cap).expect("a decoded or checked shape has floor <= cap");
        Self {
            gate,
            book: open.then(|| Book::new(band)),
            accounts: BTreeMap::new(),
            expiring: BTreeSet::new(),
            trades: BTreeSet::new(),
        }
    }

    pub(super) fn book(&self) -> Option<&Book<OrderId>> {
        self.book.as_ref()
    }

    pub(super) fn account(&self, log: LogNo, side: Side) -> Option<&Account> {
        self.accounts.get(&(log, side))
    }

    pub(super) fn account_mut(&mut self, log: LogNo, side: Side) -> &mut Account {
        self.accounts.entry((log, side)).or_default()
    }

    pub(super) fn note_trade(&mut self, order: OrderId, id: ProposalId) {
        self.trades.insert((Beginning::of_order(&order), Beginning::of(&id.0)));
    }

    /// Takes in an order that was just placed. Whether one has expired that ends with the book need not be watched.
    pub(super) fn add(&mut self, id: OrderId, order: &mut Resting, now: UtcMillis) {
        let account = self.account_mut(order.log, order.side);
        account.placed += 1;
        account.open += order.still_open();
        if order.expires_at < self.gate {
            self.expiring.insert((order.log, order.side, order.expires_at, id));
        }
        self.refresh(id, order, now);
    }

    /// Takes note that a log has outlived some of its orders at `at`. Only the log's own times may decide that.
    pub(super) fn expire(&mut self, log: LogNo, side: Side, at: UtcMillis, orders: &mut BTreeMap<OrderId, Resting>) {
        let expired: Vec<OrderId> = self.expired(log, side, at).copied().collect();
        for id in expired {
            if let Some(order) = orders.get_mut(&id) {
                self.expiring.remove(&(log, side, order.expires_at, id));
                self.account_mut(log, side).change(order, |order| order.expired = true);
            }
        }
    }

    /// Orders of a log that are expired at `at` by the clock, and whose log has not gone on since.
    pub(super) fn expired(&self, log: LogNo, side: Side, at: UtcMillis) -> impl Iterator<Item = &OrderId> {
        let range = (log, side, UtcMillis(0), OrderId::LEAST)..=(log, side, at, OrderId::MOST);
        self.expiring.range(range).map(|(.., id)| id)
    }

    /// Where the names of trades begin that may take from this resting order: those that do are among them, and hardly any
    /// others, whatever anybody makes up.
    pub(super) fn trades_of(&self, order: OrderId) -> impl Iterator<Item = Beginning> {
        let order = Beginning::of_order(&order);
        self.trades.range((order, Beginning::LEAST)..=(order, Beginning::MOST)).map(|(_, trade)| *trade)
    }

    /// When time changes something: an expiry or the gate, and at last the day on which the slot is forgotten.
    pub(super) fn next_change(&self) -> UtcMillis {
        match &self.book {
            Some(book) => book.next_expiry().map_or(self.gate, |expiry| expiry.min(self.gate)),
            None => self.gate.after(COPY_COUNTS_FOR),
        }
    }

    /// Expires and closes what is due. False once the slot can be forgotten.
    pub(super) fn advance(&mut self, now: UtcMillis) -> bool {
        if now >= self.gate {
            self.book = None;
        }
        if let Some(book) = &mut self.book {
            book.expire(now);
        }
        self.book.is_some() || now < self.gate.after(COPY_COUNTS_FOR)
    }

    /// Makes the book show what is left of the order.
    pub(super) fn refresh(&mut self, id: OrderId, order: &mut Resting, now: UtcMillis) {
        let Some(book) = &mut self.book else { return };
        let open = order.open(now);
        // A handle is stale once its order has expired.
        let shown = order.handle.take().filter(|handle| book.resting(*handle).is_some());
        order.handle = match shown {
            Some(handle) if open.is_positive() => book.set_open(handle, open).map(|()| handle).ok(),
            Some(handle) => book.cancel(handle).map_or(None, |_was_open| None),
            None if open.is_positive() => book.rest(order.as_book_order(id, open)).ok(),
            None => None,
        };
    }
}
