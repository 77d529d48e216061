//! Takes whose outcome is not known: what they reserve, and whom they are with.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::{UtcMillis, WattHours};

use crate::protocol::entry::Trade;
use crate::protocol::fold::EntryNo;
use crate::protocol::household::io::{RequestId, Reservation};
use crate::protocol::ids::{MemberKey, OrderId, ProposalId};
use crate::protocol::limits::MAX_LIVE_REQUESTS;

/// All takes in doubt. One per counterparty: a neighbour that stays silent can block no more than that.
#[derive(Clone, Debug, Default)]
pub struct Doubts {
    by_proposal: BTreeMap<ProposalId, Doubt>,
    by_maker: BTreeMap<MemberKey, ProposalId>,
    /// Requests that would have taken from a maker, but for the take with it that was in doubt.
    waiting: BTreeMap<MemberKey, BTreeSet<RequestId>>,
    /// Makers with whom a take was settled, so that those who wait for them can go on.
    freed: BTreeSet<MemberKey>,
}

/// One take in doubt.
#[derive(Clone, Debug)]
pub struct Doubt {
    /// What was proposed.
    pub reservation: Reservation,
    /// When the maker is asked again.
    pub ask_at: UtcMillis,
    late: Option<Late>,
}

/// A trade that logs hold, learned so late that a copy of it would not count.
#[derive(Clone, Debug)]
pub struct Late {
    /// What they hold.
    pub trade: Trade,
    /// Where it stands. A seal that comes later may end a log before that.
    pub holders: BTreeSet<EntryNo>,
}

impl Doubts {
    /// Reserves what a new proposal asks for.
    pub fn insert(&mut self, reservation: Reservation, ask_at: UtcMillis) {
        let id = ProposalId(reservation.proposal.hash());
        self.by_maker.insert(reservation.proposal.maker.author, id);
        self.by_proposal.insert(id, Doubt { reservation, ask_at, late: None });
    }

    /// The take is in doubt no longer.
    pub fn remove(&mut self, id: &ProposalId) -> Option<Reservation> {
        let doubt = self.by_proposal.remove(id)?;
        let maker = doubt.reservation.proposal.maker.author;
        self.by_maker.remove(&maker);
        self.freed.insert(maker);
        Some(doubt.reservation)
    }

    /// The request wants something of this maker, once the take with it is settled.
    pub fn wait_for(&mut self, maker: MemberKey, request: RequestId) {
        let waiting = self.waiting.entry(maker).or_default();
        // Those that are over wait on until they are named, so there may be more than are live.
        if waiting.len() < MAX_LIVE_REQUESTS {
            waiting.insert(request);
        }
    }

    /// A request that waited for a maker with whom nothing is in doubt any more. Each waits until it is named here, so
    /// that a settled take wakes one request after the other until one of them takes, and not all of them each time.
    pub fn next_waiting(&mut self) -> Option<RequestId> {
        while let Some(maker) = self.freed.first().copied() {
            let is_free = !self.is_with(&maker);
            match self.waiting.get_mut(&maker).filter(|_| is_free).and_then(BTreeSet::pop_first) {
                Some(request) => return Some(request),
                None => self.freed.remove(&maker),
            };
        }
        None
    }

    /// The take with this proposal.
    #[must_use]
    pub fn get(&self, id: &ProposalId) -> Option<&Reservation> {
        self.by_proposal.get(id).map(|doubt| &doubt.reservation)
    }

    /// These entries hold this trade, and it is too late to copy it, or will be when that can be done.
    pub fn note_late(&mut self, trade: Trade, holders: impl IntoIterator<Item = EntryNo>) {
        if let Some(doubt) = self.by_proposal.get_mut(&trade.id()) {
            let late = doubt.late.get_or_insert_with(|| Late { trade: trade.clone(), holders: BTreeSet::new() });
            late.holders.extend(holders);
            late.trade = trade;
        }
    }

    /// What was noted as late of this take.
    #[must_use]
    pub fn late(&self, id: &ProposalId) -> Option<&Late> {
        self.by_proposal.get(id)?.late.as_ref()
    }

    /// The store turned out not to be the newest. Gives the takes of which that was not known.
    pub fn note_forgotten(&mut self) -> Vec<Reservation> {
        let known = self.by_proposal.values_mut().map(|doubt| &mut doubt.reservation);
        let news = known.filter(|reservation| !reservation.forgotten);
        news.map(|reservation| {
            reservation.forgotten = true;
            reservation.clone()
        })
        .collect()
    }

    /// Whether a take with this member is in doubt.
    #[must_use]
    pub fn is_with(&self, maker: &MemberKey) -> bool {
        self.by_maker.contains_key(maker)
    }

    /// All takes in doubt.
    pub fn iter(&self) -> impl Iterator<Item = (&ProposalId, &Reservation)> {
        self.by_proposal.iter().map(|(id, doubt)| (id, &doubt.reservation))
    }

    /// What is in doubt for a request.
    #[must_use]
    pub fn of_request(&self, request: &RequestId) -> WattHours {
        self.iter().filter(|(_, doubt)| doubt.request == *request).map(|(_, doubt)| doubt.proposal.up_to).sum()
    }

    /// What is in doubt for a request beside its posted orders.
    #[must_use]
    pub fn loose(&self, request: &RequestId) -> WattHours {
        let loose = |doubt: &&Reservation| doubt.request == *request && doubt.proposal.own_order.is_none();
        self.iter().map(|(_, doubt)| doubt).filter(loose).map(|doubt| doubt.proposal.up_to).sum()
    }

    /// What is in doubt of an own posted order.
    #[must_use]
    pub fn of_order(&self, order: &OrderId) -> WattHours {
        let of_it = |doubt: &&Reservation| doubt.proposal.own_order == Some(*order);
        self.iter().map(|(_, doubt)| doubt).filter(of_it).map(|doubt| doubt.proposal.up_to).sum()
    }

    /// Whether somebody may still accept a take of this request.
    #[must_use]
    pub fn may_be_answered(&self, request: &RequestId, now: UtcMillis) -> bool {
        self.iter().any(|(_, doubt)| doubt.request == *request && now < doubt.closes_at)
    }

    /// Takes whose maker is to be asked again; each is asked next at `next`.
    pub fn due(&mut self, now: UtcMillis, next: UtcMillis) -> Vec<Reservation> {
        let due = self.by_proposal.values_mut().filter(|doubt| doubt.ask_at <= now);
        due.map(|doubt| {
            doubt.ask_at = next;
            doubt.reservation.clone()
        })
        .collect()
    }

    /// When a maker is to be asked again, or the answer of one comes too late.
    #[must_use]
    pub fn next_deadline(&self, now: UtcMillis) -> Option<UtcMillis> {
        let asks = self.by_proposal.values().map(|doubt| doubt.ask_at);
        let closes = self.by_proposal.values().map(|doubt| doubt.reservation.closes_at).filter(|at| *at > now);
        asks.chain(closes).min()
    }
}
