//! What a trader asks of the market: the words that the book, the auction and their callers share.
//!
//! Nothing in here is checked; the book refuses what it can't hold (see [`crate::Rejection`]).

use crate::priority::Arrival;
use crate::units::{Price, Side, UtcMillis, WattHours};

/// Who trades: a dense token of the caller, one per member. The market only compares it, so that nobody trades with
/// themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trader(pub u32);

/// A wish to trade up to `quantity` at `price` or better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limit {
    /// Whose order it is.
    pub trader: Trader,
    /// Which way the energy goes.
    pub side: Side,
    /// The worst price per kWh that the trader accepts.
    pub price: Price,
    /// The energy still wanted or offered.
    pub quantity: WattHours,
}

/// A limit order with everything that says when it is served and until when it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order<Id> {
    /// What is wanted.
    pub limit: Limit,
    /// When it was made, by its maker's word; earlier orders of one price are served first.
    pub at: UtcMillis,
    /// The caller's name for it, unique among the orders of a book. It breaks ties of `at`.
    pub id: Id,
    /// The first instant at which it no longer stands.
    pub expires_at: UtcMillis,
}

impl<Id> Order<Id> {
    /// Its place in time, against other orders of the same price.
    #[must_use]
    pub fn arrival(self) -> Arrival<Id> {
        Arrival { at: self.at, id: self.id }
    }
}
