//! Which trades bind, and what they take from which order.
//!
//! A trade binds when a log that counts holds it: the maker's own fill, judged against the maker's own log, or the
//! taker's copy, which must have been made soon after the gate. What is filled of an order is the union of the trades
//! that bind, whoever holds them.

use std::collections::BTreeMap;

use wattswap_matching::{Side, Slot, UtcMillis, WattHours};

use super::judge::Void;
use super::slot::Resting;
use super::{BookId, Fold, Known, LogNo, is_over, slot_mut};
use crate::protocol::agreement::words::{Acceptance, Proposal};
use crate::protocol::charter::Shape;
use crate::protocol::entry::{Entry, Fill, Trade};
use crate::protocol::ids::{CharterId, CommunityId, LogId, MemberKey, OrderId, ProposalId};
use crate::protocol::signed::Verified;

/// A trade that at least one log held.
#[derive(Clone, Debug)]
pub struct Bound {
    /// What both signed. Of different acceptances that logs hold, the one with the smallest hash, so that nodes agree.
    pub trade: Trade,
    /// The book that it belongs to.
    pub book: BookId,
    /// What the maker's log holds.
    by_maker: Option<Verified<Acceptance>>,
    /// What logs of the taker hold, at most once each.
    copies: Vec<Copied>,
}

/// What a log of the taker holds.
#[derive(Clone, Debug)]
struct Copied {
    log: LogNo,
    seq: u64,
    acceptance: Verified<Acceptance>,
}

/// Where a fill stands.
#[derive(Clone, Copy)]
pub struct Place {
    /// The log.
    pub log: LogId,
    /// Number of the entry.
    pub seq: u64,
    /// Time of the entry.
    pub at: UtcMillis,
}

/// Names an entry by where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryNo {
    /// The log.
    pub log: LogId,
    /// Its number there.
    pub seq: u64,
}

/// What a trade takes of one order, if the order is what the proposal says that it is. A proposal may name anything: it
/// takes nothing of a third member's order, nor of one in another slot or on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// The order.
    order: OrderId,
    owner: Owner,
    slot: Slot,
    side: Side,
}

/// Whose order it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    /// The resting order stands in this log.
    Maker(LogId),
    /// The taker's own in any of its logs.
    Taker(MemberKey),
}

/// Whose log a fill stands in.
enum Holder {
    Maker,
    Taker,
}

impl Bound {
    /// Whether any log that counts holds it.
    #[must_use]
    pub fn binds(&self) -> bool {
        self.held_by_maker() || self.held_by_taker()
    }

    /// Nearly every trade has one copy: no room is kept for more.
    fn copy(&mut self, copied: Copied) {
        self.copies.reserve_exact(1);
        self.copies.push(copied);
    }

    fn is_copied_in(&self, log: LogNo) -> bool {
        self.copies.iter().any(|copy| copy.log == log)
    }

    /// Whether the maker's log holds it.
    #[must_use]
    pub fn held_by_maker(&self) -> bool {
        self.by_maker.is_some()
    }

    /// Whether a log of the taker holds it.
    #[must_use]
    pub fn held_by_taker(&self) -> bool {
        !self.copies.is_empty()
    }
}

impl Fold {
    pub(super) fn fill(&mut self, log: LogNo, entry: Place, fill: &Fill) -> Result<(), Void> {
        let id = fill.id();
        let (shape, book) = judge_words(&self.charters, self.community, fill)?;
        let holder = self.judge_holder(log, entry, fill, shape)?;
        let known = self.trades.get(&id).filter(|bound| bound.is_same(fill));
        let trade = match known {
            Some(bound) => bound.trade.clone(),
            None => fill.verify().map_err(|_| Void::BadSignature)?,
        };
        slot_mut(&mut self.slots, book, shape, self.now).ok_or(Void::Forgotten)?;
        self.account_for(log, &holder, fill, book);
        self.compare_acceptances(&trade);
        let acceptance = trade.acceptance.clone();
        self.note(id, trade, book);
        self.rebind(id, |bound| match holder {
            Holder::Maker => drop(bound.by_maker.get_or_insert(acceptance)),
            Holder::Taker if bound.is_copied_in(log) => {}
            Holder::Taker => bound.copy(Copied { log, seq: entry.seq, acceptance }),
        });
        self.new_trades.push(id);
        Ok(())
    }

    /// A fill that counts nowhere, of a trade that may count elsewhere. Its owner may have been told otherwise, so it is
    /// news.
    pub(super) fn hear_of(&mut self, fill: &Fill) -> Result<(), Void> {
        let id = fill.id();
        if !self.trades.contains_key(&id) {
            let (shape, book) = judge_words(&self.charters, self.community, fill)?;
            let trade = fill.verify().map_err(|_| Void::BadSignature)?;
            slot_mut(&mut self.slots, book, shape, self.now).ok_or(Void::Forgotten)?;
            self.note(id, trade, book);
        }
        self.new_trades.push(id);
        Ok(())
    }

    /// Whether an entry of this author's holds the trade and can't be judged yet: whether it counts will be known then.
    #[must_use]
    pub fn is_held_unjudged(&self, id: &ProposalId, author: &MemberKey) -> bool {
        self.unjudged_fills(author).any(|(_, fill)| fill.id() == *id)
    }

    /// A trade that an entry of this author's holds which can't be judged yet, if its own words say that it is one; and which
    /// entry it is.
    #[must_use]
    pub fn unjudged_trade(&self, id: &ProposalId, author: &MemberKey) -> Option<(Trade, EntryNo)> {
        let fills = self.unjudged_fills(author).filter(|(_, fill)| fill.id() == *id);
        fills
            .filter(|(_, fill)| judge_words(&self.charters, self.community, fill).is_ok())
            .find_map(|(entry, fill)| Some((fill.verify().ok()?, entry)))
    }

    /// Fills in entries of this author's that can't be judged yet.
    pub fn unjudged_fills(&self, author: &MemberKey) -> impl Iterator<Item = (EntryNo, &Fill)> {
        let author = *author;
        let waiting = self.waiting.range(LogId::first_of(author)..).take_while(move |(log, _)| log.author == author);
        let number = |entry: &Verified<Entry>| EntryNo { log: entry.log, seq: entry.seq };
        waiting
            .flat_map(|(_, entries)| entries)
            .flat_map(move |entry| entry.fills().map(move |fill| (number(entry), fill)))
    }

    /// The entries that hold a trade and count.
    #[must_use]
    pub fn holders(&self, id: &ProposalId) -> Vec<EntryNo> {
        let Some(bound) = self.trades.get(id) else { return Vec::new() };
        let by_maker = bound.by_maker.iter().map(|word| EntryNo { log: bound.trade.proposal.maker, seq: word.seq });
        let copies = bound.copies.iter().map(|copy| EntryNo { log: self.logs[copy.log.0 as usize].id, seq: copy.seq });
        by_maker.chain(copies).collect()
    }

    /// Whether what an entry says counts as far as seals and convictions go, of which some may have come after it.
    #[must_use]
    pub fn counts(&self, entry: &EntryNo) -> bool {
        !self.convicted.contains(&entry.log.author) && !self.is_beyond_seal(&entry.log, entry.seq)
    }

    /// Of one proposal its maker says the same always.
    fn compare_acceptances(&mut self, trade: &Trade) {
        let known = self.trades.get(&trade.id()).into_iter().flat_map(Bound::acceptances);
        let one = &trade.acceptance;
        if let Some(other) = known.into_iter().find(|other| other.hash() != one.hash()) {
            let pair = [other.clone(), one.clone()];
            self.contradictions.push(pair);
        }
    }

    /// Whether a fill in this entry, which came at `now`, is a trade, as far as its own words tell: its slot is forgotten by
    /// then, and with it what it could be judged by.
    #[must_use]
    pub fn is_late_trade(&self, entry: &Entry, fill: &Fill, now: UtcMillis) -> bool {
        let (proposal, acceptance) = (&fill.proposal, &fill.acceptance);
        let words = judge_words(&self.charters, self.community, fill);
        let by_maker = proposal.maker == entry.log && (acceptance.seq, acceptance.at) == (entry.seq, entry.at);
        let is_copy = |shape: &Shape| {
            proposal.taker.author == entry.log.author
                && shape.opens(proposal.slot) <= entry.at
                && entry.at < shape.over(proposal.slot)
        };
        words.is_ok_and(|(shape, _)| is_over(shape, proposal.slot, now) && (by_maker || is_copy(shape)))
            && !self.is_beyond_seal(&entry.log, entry.seq)
    }

    fn judge_holder(&self, log: LogNo, entry: Place, fill: &Fill, shape: &Shape) -> Result<Holder, Void> {
        let (proposal, acceptance) = (&fill.proposal, &fill.acceptance);
        if entry.log == proposal.maker {
            let placed_here = acceptance.seq == entry.seq && acceptance.at == entry.at;
            if !placed_here { Err(Void::NotATrade) } else { self.judge_maker(log, fill, shape).map(|()| Holder::Maker) }
        } else if entry.log.author != proposal.taker.author {
            Err(Void::NotATrade)
        } else if entry.at < shape.opens(proposal.slot) {
            // What an entry says never concerns slots that open after it: so old entries may be let go.
            Err(Void::SlotNotOpen)
        } else if entry.at >= shape.over(proposal.slot) {
            Err(Void::CopyTooLate)
        } else {
            Ok(Holder::Taker)
        }
    }

    /// Judges a maker's fill against what its own log says of the order.
    fn judge_maker(&self, log: LogNo, fill: &Fill, shape: &Shape) -> Result<(), Void> {
        let (proposal, acceptance) = (&fill.proposal, &fill.acceptance);
        let resting = self.orders.get(&proposal.order).filter(|order| order.log == log).ok_or(Void::NotOwnOrder)?;
        let fits = resting.book.slot == proposal.slot
            && resting.side == proposal.side.opposite()
            && resting.price == proposal.price
            && acceptance.at < resting.expires_at
            && resting.cancelled.is_none()
            && acceptance.filled_total == resting.own_filled + acceptance.quantity;
        let left = resting.quantity.less_at_least_zero(resting.own_filled);
        let large_enough = acceptance.quantity >= shape.smallest_fill || acceptance.quantity == left;
        match () {
            () if !fits || !large_enough => Err(Void::NotATrade),
            () if acceptance.quantity > left => Err(Void::Overfilled),
            () => Ok(()),
        }
    }

    /// Books the fill into the accounts of the log that holds it. A copy of what the log already holds is nothing new.
    fn account_for(&mut self, log: LogNo, holder: &Holder, fill: &Fill, book: BookId) {
        let (proposal, quantity) = (&fill.proposal, fill.acceptance.quantity);
        let held = self.trades.get(&ProposalId(proposal.hash()));
        let own_order = match holder {
            Holder::Maker if held.is_some_and(Bound::held_by_maker) => return,
            // By this log alone: what another one holds may come before or after it.
            Holder::Taker if held.is_some_and(|bound| bound.is_copied_in(log)) => return,
            Holder::Maker => Some(proposal.order),
            Holder::Taker => proposal.own_order,
        };
        let is_meant = |order: &&mut Resting| {
            let side = if matches!(holder, Holder::Maker) { proposal.side.opposite() } else { proposal.side };
            (order.log, order.book.slot, order.side) == (log, proposal.slot, side)
        };
        let own_order = own_order.and_then(|id| self.orders.get_mut(&id)).filter(is_meant);
        // A request that outlived a change of shape rests in the old book, and takes in the new one.
        let book = own_order.as_ref().map_or(book, |order| order.book);
        let Some(slot) = self.slots.get_mut(&book) else { return };
        match own_order {
            Some(order) => slot.account_mut(log, order.side).change(order, |order| {
                order.own_filled += quantity;
                if let Some(cancelled) = &mut order.cancelled {
                    cancelled.leaves = cancelled.leaves.less_at_least_zero(quantity);
                }
            }),
            None => slot.account_mut(log, proposal.side).filled += quantity,
        }
    }

    /// Makes room for a trade, if it is not known yet.
    fn note(&mut self, id: ProposalId, trade: Trade, book: BookId) {
        let order = trade.proposal.order;
        let bound = || Bound { trade, book, by_maker: None, copies: Vec::new() };
        self.trades.entry(id).or_insert_with(bound);
        self.slots.get_mut(&book).expect("the caller made it").note_trade(order, id);
    }

    pub(super) fn drop_trades_held_by(&mut self, key: &MemberKey) {
        let held: Vec<ProposalId> =
            self.trades.iter().filter(|(_, bound)| bound.names(key)).map(|(id, _)| *id).collect();
        for id in held {
            self.rebind(id, |bound| {
                if bound.trade.acceptance.maker == *key {
                    bound.by_maker = None;
                }
                if bound.trade.proposal.taker.author == *key {
                    bound.copies.clear();
                }
            });
        }
    }

    /// Changes a trade and moves what it fills from the orders it named before to those it names after.
    pub(super) fn rebind(&mut self, id: ProposalId, change: impl FnOnce(&mut Bound)) {
        let Some(bound) = self.trades.get_mut(&id) else { return };
        let before = bound.fills();
        change(bound);
        bound.choose();
        let after = bound.fills();
        if before == after {
            return;
        }
        // One that binds no more is news as well.
        self.new_trades.push(id);
        for (part, quantity) in before.into_iter().flatten() {
            self.add_filled(part, -quantity);
        }
        for (part, quantity) in after.into_iter().flatten() {
            self.add_filled(part, quantity);
        }
    }

    fn add_filled(&mut self, part: Part, quantity: WattHours) {
        let Some(order) = self.orders.get_mut(&part.order) else {
            *self.early.entry(part).or_default() += quantity;
            return;
        };
        if part.is_of(order, &self.logs[order.log.0 as usize].id) {
            order.filled += quantity;
            self.refresh(part.order);
        }
    }
}

impl Bound {
    fn is_same(&self, fill: &Fill) -> bool {
        *self.trade.proposal == fill.proposal && *self.trade.acceptance == fill.acceptance
    }

    /// What this log holds beyond its last entry that counts does not count.
    pub(super) fn drop_beyond(&mut self, id: &LogId, log: LogNo, last: u64) {
        self.by_maker.take_if(|acceptance| self.trade.proposal.maker == *id && acceptance.seq > last);
        self.copies.retain(|copy| copy.log != log || copy.seq <= last);
    }

    /// One that no log holds any more stays what it was.
    fn choose(&mut self) {
        if let Some(acceptance) = self.acceptances().min_by_key(|acceptance| acceptance.hash()).cloned() {
            self.trade.acceptance = acceptance;
        }
    }

    pub(super) fn names(&self, key: &MemberKey) -> bool {
        self.trade.acceptance.maker == *key || self.trade.proposal.taker.author == *key
    }

    /// All that logs hold of its maker's word.
    fn acceptances(&self) -> impl Iterator<Item = &Verified<Acceptance>> {
        self.by_maker.iter().chain(self.copies.iter().map(|copy| &copy.acceptance))
    }

    /// The resting order, and the taker's own if it had posted one.
    pub(super) fn parts(&self) -> [Option<Part>; 2] {
        let Proposal { order, own_order, maker, taker, slot, side, .. } = **self.trade.proposal;
        let rests = Part { order, owner: Owner::Maker(maker), slot, side: side.opposite() };
        let own = own_order.map(|order| Part { order, owner: Owner::Taker(taker.author), slot, side });
        [Some(rests), own]
    }

    /// What it takes from which orders: nothing while it does not bind.
    fn fills(&self) -> [Option<(Part, WattHours)>; 2] {
        let quantity = self.trade.acceptance.quantity;
        self.parts().map(|part| part.filter(|_| self.binds()).map(|part| (part, quantity)))
    }
}

impl Part {
    /// The two that an order may be: what its own log's fills take, and what copies of its owner's takes do.
    pub(super) fn both_of(order: OrderId, resting: &Resting, log: &LogId) -> [Self; 2] {
        let (slot, side) = (resting.book.slot, resting.side);
        [Owner::Maker(*log), Owner::Taker(log.author)].map(|owner| Self { order, owner, slot, side })
    }

    /// Whether an order that stands in this log is the one that is meant.
    fn is_of(&self, order: &Resting, log: &LogId) -> bool {
        Self::both_of(self.order, order, log).contains(self)
    }
}

/// Judges a fill as far as its two words, and the charter that they name, can tell; says in which book it is.
fn judge_words<'c>(
    charters: &'c BTreeMap<CharterId, Known>,
    community: CommunityId,
    fill: &Fill,
) -> Result<(&'c Shape, BookId), Void> {
    let known = charters.get(&fill.proposal.charter).ok_or(Void::UnknownCharter)?;
    let shape = &known.charter.shape;
    if fill.proposal.community != community || !is_a_trade(fill, shape) {
        return Err(Void::NotATrade);
    }
    Ok((shape, known.book(fill.proposal.slot)))
}

/// Whether the two words belong together, as far as they and the shape alone can tell.
fn is_a_trade(fill: &Fill, shape: &Shape) -> bool {
    let (proposal, acceptance) = (&fill.proposal, &fill.acceptance);
    let closes_at: UtcMillis = proposal.expires_at.min(shape.gate(proposal.slot));
    let maker: LogId = LogId { author: acceptance.maker, incarnation: acceptance.incarnation };
    acceptance.proposal == ProposalId(proposal.hash())
        && maker == proposal.maker
        && proposal.taker.author != maker.author
        && acceptance.quantity.is_positive()
        && acceptance.quantity <= proposal.up_to
        && acceptance.quantity.0 % shape.quantity_tick.0 == 0
        && acceptance.at < closes_at
        && shape.opens(proposal.slot) <= acceptance.at
        && shape.is_aligned(proposal.slot)
        && proposal.price >= shape.floor
        && proposal.price <= shape.cap
}
