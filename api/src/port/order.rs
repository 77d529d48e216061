//! Orders as a household asks for them, and the book as it sees it.

use std::fmt;
use std::time::Duration;

use rust_decimal::Decimal;
use wattswap_matching::units::{Side, Slot, UtcMillis, WattHours};

use super::Unavailable;

/// A price in the community's currency per kWh, exact. The household turns it into ticks, or refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PricePerKwh(pub Decimal);

/// The durable name of a request, given by the household.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub [u8; 16]);

/// An order in the signed book: the entry that placed it and the operation's place in that entry. Shown as
/// `<64 hex digits>:<index>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId {
    /// SHA-256 of the entry's payload.
    pub entry: [u8; 32],
    /// Counted from 0 within the entry.
    pub index: u32,
}

/// A limit order as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// When the energy is delivered.
    pub slot: Slot,
    /// Whether energy is wanted or offered.
    pub side: Side,
    /// How much; above zero.
    pub quantity: WattHours,
    /// The worst price that will do.
    pub price: PricePerKwh,
    /// When what is left of it ends; `None` for the slot's gate closure.
    pub expires_at: Option<UtcMillis>,
}

/// A batch of orders that is accepted or refused as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// At least one.
    pub orders: Vec<NewOrder>,
    /// How to know a retry; `None` if the caller gave no key.
    pub idempotency: Option<Idempotency>,
}

/// How a retry of a placement is known. Kept durably with the requests for at least [`Idempotency::KEPT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's own name for this placement: 1 to 255 visible ASCII characters.
    pub key: String,
}

impl Idempotency {
    /// How long a key is remembered at least.
    pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
}

/// An order that is durable as a request. Only what never changes, so that a retry gets the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    /// The request's name.
    pub id: RequestId,
    /// What was asked for.
    pub order: NewOrder,
    /// When the household took it.
    pub placed_at: UtcMillis,
}

/// A request of this household as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its id, its order, and when it was placed.
    pub placed: PlacedOrder,
    /// How far it has come.
    pub state: RequestState,
    /// What became trades.
    pub filled: WattHours,
    /// What own proposals still hold reserved: it may become trades or come back.
    pub in_doubt: WattHours,
    /// What may still trade: waiting to be taken or posted, or resting in the book. Zero once the request ended.
    pub open: WattHours,
    /// Its entries in the signed book, oldest first; empty until something is posted.
    pub book_orders: Vec<OrderId>,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// It takes what rests at its price, or waits to: nothing is posted yet.
    Taking,
    /// What it could not take rests in the book.
    Posted,
    /// All of it became trades.
    Filled,
    /// The household ended it.
    Cancelled,
    /// Its own time or the slot's gate ended it.
    Expired,
    /// It was taken on as a request, but what had changed by then kept it out of the book.
    Rejected(RefusalReason),
}

/// Which requests to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Only those in this slot.
    pub slot: Option<Slot>,
    /// Only those that may still trade (`true`) or that have ended (`false`).
    pub open: Option<bool>,
}

/// Why a batch was not placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The market does not admit these orders; none of the batch was placed.
    #[error("{} of the orders can't be placed; none was", .0.len())]
    Refused(Vec<Refusal>),
    /// The key came before with other orders.
    #[error("this Idempotency-Key was used with other orders; use a new key for a new placement")]
    KeyReused,
    /// See [`Unavailable`]; ask again with the same key.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// One order of a batch that can't be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its place in the batch, counted from 0.
    pub index: usize,
    /// Why.
    pub reason: RefusalReason,
}

/// Why the market does not admit an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusalReason {
    /// No slot starts at that instant.
    #[error("no slot starts then; slots start every {} s", slot_length.as_secs())]
    NoSuchSlot {
        /// The community's slot length.
        slot_length: Duration,
    },
    /// Trading in the slot has not begun.
    #[error("the slot is not open yet")]
    SlotNotOpen {
        /// When it will.
        opens_at: UtcMillis,
    },
    /// The gate is closed.
    #[error("the slot's gate is closed")]
    SlotClosed {
        /// When it closed.
        closed_at: UtcMillis,
    },
    /// The price is not on the community's tick; it is never rounded.
    #[error("the price is not a multiple of {} per kWh", tick.0)]
    PriceBetweenTicks {
        /// The tick.
        tick: PricePerKwh,
    },
    /// The price lies outside the community's bounds.
    #[error("the price must be between {} and {} per kWh", floor.0, cap.0)]
    PriceOutOfBounds {
        /// The lowest price.
        floor: PricePerKwh,
        /// The highest price.
        cap: PricePerKwh,
    },
    /// The quantity is not on the community's lot.
    #[error("the quantity is not a multiple of {tick}")]
    QuantityBetweenTicks {
        /// The lot.
        tick: WattHours,
    },
    /// The quantity is below the smallest fill.
    #[error("the quantity must be at least {smallest}")]
    QuantityTooSmall {
        /// The smallest fill.
        smallest: WattHours,
    },
    /// It would end before it began.
    #[error("the order would have expired already")]
    AlreadyExpired,
    /// Filled plus open energy of this side and slot would exceed what the household's connection carries.
    #[error("the connection has only {left} left in this slot and direction")]
    BeyondConnection {
        /// What may still be ordered.
        left: WattHours,
    },
    /// This household has placed too many orders in this slot and direction; those that have ended count too.
    #[error("at most {limit} orders may be placed in a slot and direction; put more into one order")]
    TooManyInSlot {
        /// The bound.
        limit: u32,
    },
    /// Too many orders of this household are open.
    #[error("at most {limit} orders may be open at a time; cancel some, or wait until some have ended")]
    TooManyOpen {
        /// The bound.
        limit: u32,
    },
    /// The charter in force does not name this household.
    #[error("this household is not a member under the charter in force")]
    NotAMember,
}

/// Why a request was not cancelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// The household has no such request.
    #[error("there is no such order")]
    Unknown,
    /// There is nothing left of it to cancel: it is filled, expired or rejected.
    #[error("the order has ended already; nothing is left to cancel")]
    Ended,
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// An open slot in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotSummary {
    /// When delivery starts.
    pub slot: Slot,
    /// When trading in it began.
    pub opens_at: UtcMillis,
    /// When its gate closes.
    pub closes_at: UtcMillis,
    /// The highest price that someone pays.
    pub best_bid: Option<Level>,
    /// The lowest price that someone asks.
    pub best_ask: Option<Level>,
    /// All energy wanted.
    pub bid_total: WattHours,
    /// All energy offered.
    pub ask_total: WattHours,
}

/// Both sides of a slot's book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depth {
    /// The slot.
    pub slot: Slot,
    /// Highest price first.
    pub bids: Vec<Level>,
    /// Lowest price first.
    pub asks: Vec<Level>,
}

/// All orders of one side at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Their price.
    pub price: PricePerKwh,
    /// What is left of them together.
    pub quantity: WattHours,
    /// How many.
    pub orders: u32,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", hex::encode(self.entry), self.index)
    }
}
