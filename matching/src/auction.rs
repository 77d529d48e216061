//! The continuous double auction: an order takes what it can, and what is left of it rests.
//!
//! Nothing but the loop of asking a [`Book`] for a plan and telling it what happened. A node that must first agree
//! with each counterparty runs the same loop, only slower.

use crate::book::Book;
use crate::order::{Order, Trader};
use crate::plan::{Cursor, Take};
use crate::rejection::Rejection;
use crate::slab::Handle;
use crate::units::{Price, UtcMillis, WattHours};

/// Energy that changed hands, at the resting order's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trade<Id> {
    /// The order that rested.
    pub resting: Id,
    /// Its handle; stale if the trade took all that was open.
    pub handle: Handle,
    /// Whose it is.
    pub counterparty: Trader,
    /// The order that came and took.
    pub aggressor: Id,
    /// The price per kWh, the resting order's.
    pub price: Price,
    /// The energy.
    pub quantity: WattHours,
}

/// Lets `order` trade with what rests in `book` at `now`, best first, and what is left of it rest. Each trade is told
/// to `on_trade` as it happens. Returns the handle of what rests, none if all was traded.
///
/// Orders that no longer stand leave the book first; call [`Book::expire`] before if you want to know which.
///
/// # Errors
/// [`Rejection`], and then nothing was traded: the order is one that the book would refuse, or it has expired.
#[inline]
pub fn submit<Id: Ord + Copy>(
    book: &mut Book<Id>,
    order: Order<Id>,
    now: UtcMillis,
    mut on_trade: impl FnMut(Trade<Id>),
) -> Result<Option<Handle>, Rejection> {
    if order.expires_at <= now {
        return Err(Rejection::Expired { expires_at: order.expires_at, now });
    }
    book.expire(now);
    book.check(&order.limit)?;
    let mut plan = Cursor::new(book, &order.limit, None);
    while let Some(step) = plan.advance(book, |_| false) {
        let Take { handle, id, trader, price, quantity } = step.take(book);
        book.apply(&step);
        on_trade(Trade { resting: id, handle, counterparty: trader, aggressor: order.id, price, quantity });
    }
    Ok(if plan.wanted.is_positive() { Some(book.rest_checked(&order, plan.wanted)) } else { None })
}
