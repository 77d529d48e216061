//! Why the book or the auction refuses. Nothing was traded or put in the book when it does.

use crate::units::{Price, UtcMillis, WattHours};

/// A refused operation on a book or an auction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// No energy, or less.
    #[error("a quantity must be above zero, not {0}")]
    NotPositive(WattHours),
    /// More energy than one order may have.
    #[error("{quantity} is more than the {most} that one order may have: split it")]
    TooLarge {
        /// The quantity asked for.
        quantity: WattHours,
        /// The most that one order may have.
        most: WattHours,
    },
    /// A price that the community does not trade at.
    #[error("price {} is outside floor {} and cap {} (ticks): choose one within", price.0, floor.0, cap.0)]
    OutsideBand {
        /// The price asked for.
        price: Price,
        /// The lowest price allowed.
        floor: Price,
        /// The highest price allowed.
        cap: Price,
    },
    /// An order that no longer stands.
    #[error("the order expired at {} and it is {} (ms since 1970): make a new one", expires_at.0, now.0)]
    Expired {
        /// When the order stopped standing.
        expires_at: UtcMillis,
        /// The time that was given.
        now: UtcMillis,
    },
    /// The book is full.
    #[error("the book holds {most} orders and takes no more: wait until some are filled, cancelled or expired")]
    Full {
        /// The most orders that a book holds.
        most: u32,
    },
    /// The handle names no order in this book any more.
    #[error("this order no longer rests in the book: it was filled, cancelled or has expired; drop the handle")]
    NotResting,
    /// More was to be filled than is open.
    #[error("{quantity} can't be filled, only {open} are open: ask the book for a new plan")]
    MoreThanOpen {
        /// What was to be filled.
        quantity: WattHours,
        /// What is open.
        open: WattHours,
    },
}
