//! The side that is taken from: the same proposal always gets the same answer, and never one that comes too late.

use wattswap_matching::{UtcMillis, WattHours};

use super::words::{Acceptance, Proposal, Refusal};
use crate::protocol::entry::Trade;
use crate::protocol::fold::Resting;
use crate::protocol::household::Household;
use crate::protocol::household::io::{Record, RequestState};
use crate::protocol::ids::{MemberKey, ProposalId};
use crate::protocol::message::Message;
use crate::protocol::signed::Verified;

/// Why a proposal is refused. Only the refusal itself travels; the book shows the taker most of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum No {
    #[error("it trades under a charter that is not in force here")]
    OtherCharter,
    #[error("there is no such order, or it is closed")]
    NotOpen,
    #[error("it does not say what the order says")]
    OtherTerms,
    #[error("the taker is not a member in good standing")]
    NotAMember,
    #[error("the taker's connection would carry more than it can")]
    TakerOverLimit,
    #[error("nothing is left that is large enough")]
    NothingLeft,
}

impl Household {
    /// Answers the proposals of this turn, in the order in which they came.
    pub(in crate::protocol) fn answer_proposals(&mut self) {
        for proposal in std::mem::take(&mut self.proposals) {
            self.answer(proposal);
        }
    }

    fn answer(&mut self, proposal: Verified<Proposal>) {
        let id = ProposalId(proposal.hash());
        let taker = proposal.taker.author;
        let at = self.own.entry_time(self.now);
        let order = self.fold.order(&proposal.order).filter(|order| self.fold.log_of(order) == self.own.id()).cloned();
        let closes_at = self.closes_at(&proposal, order.as_ref());
        if proposal.maker != self.own.id() || closes_at <= at || self.is_dated_too_far_ahead(&proposal) {
            return self.too_late(taker, id);
        }
        if let Some(bound) = self.fold.trade(&id).filter(|bound| bound.held_by_maker()) {
            let acceptance = bound.trade.acceptance.bytes().clone();
            return self.send(taker, Message::Acceptance(acceptance));
        }
        if let Some(refusal) = self.answers.refusal(&id) {
            let refusal = refusal.bytes().clone();
            return self.send(taker, Message::Refusal(refusal));
        }
        match self.consider(&proposal, order.as_ref()) {
            Ok((quantity, filled_total)) => self.accept(proposal, quantity, filled_total),
            Err(_no) if self.answers.is_full() => self.too_late(taker, id),
            Err(_no) => self.refuse(&proposal, at),
        }
    }

    /// Whether it lives longer than two honest clocks could make it: an answer would have to be remembered as long.
    fn is_dated_too_far_ahead(&self, proposal: &Proposal) -> bool {
        let (_, charter) = self.chain.in_force();
        proposal.expires_at > self.now.after(charter.clock_skew * 2 + charter.proposal_lifetime)
    }

    /// The earliest of the proposal's expiry, the order's and the gate. Nothing is answered from then on.
    fn closes_at(&self, proposal: &Proposal, order: Option<&Resting>) -> UtcMillis {
        let (_, charter) = self.chain.in_force();
        let gate = charter.shape.gate(proposal.slot);
        let order = order.map_or(UtcMillis(u64::MAX), |order| order.expires_at);
        proposal.expires_at.min(gate).min(order)
    }

    /// How much of the order the taker gets, and what is filled of it then.
    fn consider(&self, proposal: &Proposal, order: Option<&Resting>) -> Result<(WattHours, WattHours), No> {
        let (charter_id, charter) = self.chain.in_force();
        if proposal.charter != charter_id {
            return Err(No::OtherCharter);
        }
        let resting = order.filter(|order| order.open(self.now).is_positive()).ok_or(No::NotOpen)?;
        let same = resting.side == proposal.side.opposite()
            && resting.price == proposal.price
            && resting.book == self.book_in_force(proposal.slot);
        if !same {
            return Err(No::OtherTerms);
        }
        // Its owner was told when it ended, also if that could not be signed yet, or a clock was ahead then.
        let request = self.requests.of_order(&proposal.order).and_then(|id| self.requests.get(&id));
        if request.is_none_or(|request| request.state != RequestState::Live) {
            return Err(No::NotOpen);
        }
        let own_takes = self.doubts.of_order(&proposal.order);
        let free = resting.open(self.now).less_at_least_zero(own_takes);
        let quantity = self.within_takers_limit(proposal, proposal.up_to.min(free))?;
        let tick = charter.shape.quantity_tick.0;
        let quantity = WattHours(quantity.0 - quantity.0 % tick);
        let all_that_is_left = quantity == resting.quantity.less_at_least_zero(resting.own_filled());
        if !quantity.is_positive() || (quantity < charter.shape.smallest_fill && !all_that_is_left) {
            return Err(No::NothingLeft);
        }
        Ok((quantity, resting.own_filled() + quantity))
    }

    /// What the taker's connection still carries of `quantity`, as far as this node can see.
    fn within_takers_limit(&self, proposal: &Proposal, quantity: WattHours) -> Result<WattHours, No> {
        let (_, charter) = self.chain.in_force();
        let taker = &proposal.taker.author;
        let limit = charter.slot_limit(taker, proposal.side).ok_or(No::NotAMember)?;
        if self.fold.is_convicted(taker) {
            return Err(No::NotAMember);
        }
        let book = self.book_in_force(proposal.slot);
        let exposed = self.fold.exposure(taker, &book, proposal.side);
        // What it takes for an order that it has posted is counted there already.
        let posted = proposal.own_order.and_then(|id| self.fold.order(&id));
        let is_meant = |order: &&Resting| (order.book.slot, order.side) == (proposal.slot, proposal.side);
        let posted = posted.filter(|order| self.fold.log_of(order).author == *taker).filter(is_meant);
        let counted = posted.map_or(WattHours::ZERO, |order| order.open(self.now));
        let room = (limit - exposed + counted).min(quantity);
        if room.is_positive() { Ok(room) } else { Err(No::TakerOverLimit) }
    }

    /// Writes the fill into the own log. The acceptance leaves the house only after that is durable.
    fn accept(&mut self, proposal: Verified<Proposal>, quantity: WattHours, filled_total: WattHours) {
        self.make_room();
        let (taker, order) = (proposal.taker.author, proposal.order);
        let place = self.own.next_place(self.now);
        let acceptance = Acceptance {
            proposal: ProposalId(proposal.hash()),
            maker: self.me,
            quantity,
            filled_total,
            incarnation: place.log.incarnation,
            seq: place.seq,
            at: place.at,
        };
        let acceptance = Verified::sign(acceptance, &*self.signer);
        let message = Message::Acceptance(acceptance.bytes().clone());
        let trade = Trade { proposal, acceptance };
        let fill = trade.to_fill();
        self.fold.fill_own(place, &fill).expect("what was considered a moment ago counts");
        self.own.stage_fill(fill);
        let request = self.requests.of_order(&order);
        if let Some(request) = request {
            self.requests.fill(&request, quantity);
        }
        self.record(trade, request, false);
        self.send(taker, message);
    }

    /// Remembered until the proposal itself has expired: a charter that comes meanwhile may move the gate, and allow what was
    /// refused.
    fn refuse(&mut self, proposal: &Verified<Proposal>, at: UtcMillis) {
        let incarnation = self.own.id().incarnation;
        let refusal = Refusal { proposal: ProposalId(proposal.hash()), maker: self.me, incarnation, at };
        let refusal = Verified::sign(refusal, &*self.signer);
        let message = Message::Refusal(refusal.bytes().clone());
        self.persist(Record::Refusal { refusal: refusal.clone(), closes_at: proposal.expires_at });
        self.answers.refuse(refusal, proposal.expires_at);
        self.send(proposal.taker.author, message);
    }

    /// No answer any more, neither yes nor no: only where the log ends, which ends the taker's doubt.
    fn too_late(&mut self, taker: MemberKey, proposal: ProposalId) {
        self.beacon_wanted_by.insert((taker, Some(proposal)));
    }
}
