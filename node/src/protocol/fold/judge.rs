//! Does an op count? Judged by the entry's own time, its own log, and the charter that it names; by nothing else.

use wattswap_matching::{Book, Side, UtcMillis, WattHours};

use super::slot::{Cancelled, Resting, SlotFold};
use super::trades::Part;
use super::{Fold, Log, LogNo, slot_mut};
use crate::protocol::charter::Charter;
use crate::protocol::entry::Order;
use crate::protocol::ids::{LogId, MemberKey, OrderId};
use crate::protocol::limits::MAX_PLACES_PER_SLOT;

/// Why an op does not count. Its author is the only one that it harms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    /// The charter is not known.
    #[error("it names a charter that nobody knows")]
    UnknownCharter,
    /// The slot was forgotten long ago.
    #[error("its slot is past the gate by more than a day")]
    Forgotten,
    /// The charter does not list the author.
    #[error("its author is no member under the charter that it names")]
    NotAMember,
    /// No such slot, or not open at that time.
    #[error("its slot was not open")]
    SlotNotOpen,
    /// Dead on arrival.
    #[error("it had expired when it was placed")]
    Expired,
    /// Quantity not above zero, too large, or not a multiple of the tick.
    #[error("its quantity is not one that can be traded")]
    BadQuantity,
    /// Outside floor and cap.
    #[error("its price lies outside floor and cap")]
    BadPrice,
    /// More than the connection carries.
    #[error("it exceeds its author's connection limit")]
    OverLimit,
    /// Too many orders in one slot.
    #[error("its author has placed too many orders in this slot")]
    TooManyPlaces,
    /// The order is not one of this log.
    #[error("the order is not one of this log")]
    NotOwnOrder,
    /// A cancel that would free what an earlier one kept.
    #[error("a later cancel may only lower what is left")]
    LeavesMore,
    /// Proposal, acceptance and order contradict each other.
    #[error("proposal, acceptance and order do not belong together")]
    NotATrade,
    /// More than was left.
    #[error("more is filled than was left of the order")]
    Overfilled,
    /// A taker's copy that came too late to count alone.
    #[error("the copy was made too late")]
    CopyTooLate,
    /// One of the signatures is not its signer's.
    #[error("a signature is not its signer's")]
    BadSignature,
}

impl Fold {
    pub(super) fn place(&mut self, log: LogNo, id: OrderId, at: UtcMillis, order: &Order) -> Result<(), Void> {
        let Log { id: LogId { author, .. }, trader } = self.logs[log.0 as usize];
        let known = self.charters.get(&order.charter).ok_or(Void::UnknownCharter)?;
        let limit = judge_terms(&known.charter, &author, at, order)?;
        let book = known.book(order.slot);
        let slot = slot_mut(&mut self.slots, book, &known.charter.shape, self.now).ok_or(Void::Forgotten)?;
        slot.expire(log, order.side, at, &mut self.orders);
        let account = slot.account_mut(log, order.side);
        if account.placed >= MAX_PLACES_PER_SLOT {
            return Err(Void::TooManyPlaces);
        }
        if account.total() + order.quantity > limit {
            return Err(Void::OverLimit);
        }
        let mut resting = Resting::new(order, at, book, log, trader);
        let log_id = self.logs[log.0 as usize].id;
        let early = Part::both_of(id, &resting, &log_id);
        resting.filled = early.iter().filter_map(|part| self.early.remove(part)).sum();
        resting.withdrawn = self.seals.contains_key(&log_id);
        slot.add(id, &mut resting, self.now);
        self.orders.insert(id, resting);
        self.changed.insert(book);
        Ok(())
    }

    pub(super) fn cancel(&mut self, log: LogNo, seq: u64, id: OrderId, leaves: WattHours) -> Result<(), Void> {
        let order = self.orders.get_mut(&id).filter(|order| order.log == log).ok_or(Void::NotOwnOrder)?;
        if order.leaves().is_some_and(|before| leaves > before) {
            return Err(Void::LeavesMore);
        }
        let seq = order.cancelled.as_ref().map_or(seq, |before| before.seq);
        let slot = self.slots.get_mut(&order.book).ok_or(Void::Forgotten)?;
        let cancelled = Some(Box::new(Cancelled { leaves, seq }));
        slot.account_mut(log, order.side).change(order, |order| order.cancelled = cancelled);
        self.refresh(id);
        Ok(())
    }

    /// Open and filled energy of one log on one side of a slot, by this node's clock.
    pub(super) fn account_total(&self, slot: &SlotFold, log: LogNo, side: Side) -> WattHours {
        let Some(account) = slot.account(log, side) else { return WattHours::ZERO };
        if self.seals.contains_key(&self.logs[log.0 as usize].id) {
            return account.filled;
        }
        let expired = slot.expired(log, side, self.now).filter_map(|id| self.orders.get(id)).map(Resting::unfilled);
        account.total() - expired.sum()
    }
}

/// Judges what depends on the charter and the time alone; gives the author's connection limit.
fn judge_terms(charter: &Charter, author: &MemberKey, at: UtcMillis, order: &Order) -> Result<WattHours, Void> {
    let shape = &charter.shape;
    let limit = charter.slot_limit(author, order.side).ok_or(Void::NotAMember)?;
    let tradable = order.quantity.is_positive()
        && order.quantity <= Book::<OrderId>::MOST_ENERGY
        && order.quantity.0 % shape.quantity_tick.0 == 0;
    match () {
        () if !shape.is_open(order.slot, at) => Err(Void::SlotNotOpen),
        () if order.expires_at <= at => Err(Void::Expired),
        () if !tradable => Err(Void::BadQuantity),
        () if order.price < shape.floor || order.price > shape.cap => Err(Void::BadPrice),
        () => Ok(limit),
    }
}
