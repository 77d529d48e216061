//! The side that takes: plan against the own view of the book, reserve, propose, and settle what is in doubt.

use std::cell::Cell;
use std::collections::BTreeSet;

use wattswap_matching::{Arrival, Limit, Side, Take, Trader, WattHours};

use super::words::{Acceptance, Proposal, Refusal};
use crate::protocol::entry::{Entry, Order, Trade};
use crate::protocol::fold::{BookId, Bound, EntryNo, Resting, Void};
use crate::protocol::household::Household;
use crate::protocol::household::io::{Record, Request, RequestId, RequestState, Reservation, Standing};
use crate::protocol::ids::{MemberKey, OrderId, ProposalId};
use crate::protocol::limits::{
    MAX_ORDERS_PER_REQUEST, MAX_PLACES_PER_SLOT, MAX_PROPOSALS_PER_TURN, MAX_TAKES_PER_PASS, RESEND_INTERVAL,
    SHUNNED_FOR,
};
use crate::protocol::message::Message;
use crate::protocol::signed::Verified;

/// Something that rests in the book and suits a request.
struct Candidate {
    order: OrderId,
    quantity: WattHours,
    /// The own posted order that it would be taken for; none for what is not posted.
    own_order: Option<OrderId>,
}

/// What a request has found so far.
struct Search {
    book: BookId,
    trader: Trader,
    is_patient: bool,
    /// Counterparties that are asked for something already.
    asked: BTreeSet<MemberKey>,
    /// Counterparties with which a take is in doubt.
    busy: BTreeSet<MemberKey>,
    /// Counterparties to which no connection is open.
    away: BTreeSet<MemberKey>,
    /// Something suits that is worth a wait.
    is_held_up: bool,
}

/// Whether a resting order's owner can be asked, with hope for an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Now,
    /// Once a connection to it is open.
    AfterACall,
    No,
}

/// What is wanted: by the part of a request that is not posted, or by one of its posted orders.
struct Want {
    quantity: WattHours,
    own_order: Option<OrderId>,
}

impl Household {
    /// Requests that a changed book may serve: those that cross its best price.
    pub(in crate::protocol) fn serve_crossing(&mut self, book: BookId) {
        let Some(orders) = self.fold.book(&book) else { return };
        for side in [Side::Buy, Side::Sell] {
            if let Some(best) = orders.best(side.opposite()) {
                self.to_serve.extend(self.requests.crossing(book.slot, side, best));
            }
        }
    }

    /// A member came to life: its orders may serve any request.
    pub(in crate::protocol) fn serve_all_crossing(&mut self) {
        for slot in self.requests.live_slots() {
            self.serve_crossing(self.book_in_force(slot));
        }
    }

    /// Takes what suits the requests that may have something to take, and posts what is left of them.
    pub(in crate::protocol) fn serve(&mut self) {
        self.to_serve.extend(self.patience.take_over(self.now));
        self.to_serve.extend(self.requests.take_to_post(self.own.entry_time(self.now)));
        for id in std::mem::take(&mut self.to_serve) {
            self.serve_one(&id);
        }
        // Whoever is free for another take may be wanted by any request, of any slot.
        while let Some(id) = self.doubts.next_waiting() {
            self.serve_one(&id);
        }
    }

    fn serve_one(&mut self, id: &RequestId) {
        let live = self.requests.get(id).filter(|request| request.state == RequestState::Live);
        let Some(request) = live.cloned() else { return self.patience.end(id) };
        let (candidates, is_held_up) = self.candidates(&request);
        for candidate in candidates {
            self.propose(&request, &candidate);
        }
        if is_held_up {
            self.patience.wait(request.id, self.now);
        } else {
            self.patience.end(id);
            self.post(&request);
        }
    }

    /// What rests at the request's price or better, best first, at most one take a counterparty; and whether more of it
    /// is worth a moment's wait for a counterparty that is busy with another take of ours, or has to be called.
    fn candidates(&mut self, request: &Request) -> (Vec<Candidate>, bool) {
        let me = self.me;
        let mut search = Search {
            book: self.book_in_force(request.wish.slot),
            trader: self.fold.trader(&me),
            is_patient: self.patience.lasts(&request.id, self.now),
            asked: BTreeSet::new(),
            busy: BTreeSet::new(),
            away: BTreeSet::new(),
            is_held_up: false,
        };
        let wants = self.wants(request);
        let candidates = wants.iter().flat_map(|want| self.search(request, want, &mut search)).collect();
        for maker in search.busy {
            self.doubts.wait_for(maker, request.id);
        }
        for maker in search.away {
            self.call(maker);
        }
        (candidates, search.is_held_up)
    }

    fn search(&self, request: &Request, want: &Want, search: &mut Search) -> Vec<Candidate> {
        let Some(orders) = self.fold.book(&search.book) else { return Vec::new() };
        let (side, price, quantity) = (request.wish.side, request.wish.price, want.quantity);
        let limit = Limit { trader: search.trader, side, price, quantity };
        let worth_a_wait = Cell::new(None);
        let skip = |handle| {
            let Some((id, resting)) = self.fold.order_at(&search.book, handle) else { return true };
            let author = resting_author(self, resting);
            let is_busy = self.doubts.is_with(&author);
            if is_busy {
                search.busy.insert(author);
            }
            let reach = self.reach(&id, resting);
            match reach {
                Reach::No => return true,
                Reach::AfterACall => {
                    search.away.insert(author);
                }
                Reach::Now => {}
            }
            let is_free = reach == Reach::Now && !is_busy && search.asked.insert(author);
            if !is_free && search.is_patient {
                worth_a_wait.set(Some(id));
            }
            !is_free && !search.is_patient
        };
        let is_before_wait = |take: &Take<OrderId>| worth_a_wait.get() != Some(take.id);
        let posted = want.own_order.and_then(|id| Some(Arrival { at: self.fold.order(&id)?.at, id }));
        let found: Vec<Take<OrderId>> = match posted {
            Some(arrival) => {
                orders.plan_before(&limit, arrival, skip).take_while(is_before_wait).take(MAX_TAKES_PER_PASS).collect()
            }
            None => orders.plan(&limit, skip).take_while(is_before_wait).take(MAX_TAKES_PER_PASS).collect(),
        };
        search.is_held_up |= worth_a_wait.get().is_some();
        let candidate =
            |take: Take<OrderId>| Candidate { order: take.id, quantity: take.quantity, own_order: want.own_order };
        found.into_iter().map(candidate).collect()
    }

    fn wants(&self, request: &Request) -> Vec<Want> {
        let posted = request.orders.iter().filter_map(|id| Some((id, self.fold.order(id)?)));
        let posted = posted.map(|(id, order)| Want {
            quantity: order.open(self.now).less_at_least_zero(self.doubts.of_order(id)),
            own_order: Some(*id),
        });
        let unposted = Want { quantity: self.unposted(request), own_order: None };
        std::iter::once(unposted).chain(posted).filter(|want| want.quantity.is_positive()).collect()
    }

    /// What of a request is neither traded, nor in doubt, nor in the book.
    fn unposted(&self, request: &Request) -> WattHours {
        // An order that is out of the market, as those of a sealed log are, may still be filled by a take in doubt; so may
        // one that can't be judged yet.
        let open = |id| self.fold.order(id).map_or(WattHours::ZERO, |order| order.may_yet_be_filled(self.now));
        let posted: WattHours = request.orders.iter().map(|id| open(id).max(self.doubts.of_order(id))).sum();
        let posted = posted + self.own.staged_for(&request.id);
        request.wish.quantity.less_at_least_zero(request.filled + self.doubts.loose(&request.id) + posted)
    }

    fn reach(&self, id: &OrderId, resting: &Resting) -> Reach {
        let log = self.fold.log_of(resting);
        let newest = self.logs.of(&log.author).last();
        let may_answer =
            newest == Some(&log) && !self.peers.is_silent(&log.author, self.now) && !self.shunned.contains(id);
        match self.peers.is_connected(&log.author) {
            _ if !may_answer => Reach::No,
            true => Reach::Now,
            false if self.calls.may_succeed(&log.author, self.now) => Reach::AfterACall,
            false => Reach::No,
        }
    }

    fn propose(&mut self, request: &Request, candidate: &Candidate) {
        let Some(resting) = self.fold.order(&candidate.order).cloned() else { return };
        let (charter_id, charter) = self.chain.in_force();
        let shape = &charter.shape;
        let whole = candidate.quantity == resting.open(self.now);
        if candidate.quantity < shape.smallest_fill && !whole {
            return;
        }
        let maker = self.fold.log_of(&resting);
        let newest = self.peers.newest_word(&maker.author).unwrap_or(self.now);
        // By its log's time: that may be past a gate which the clock, set back a little, is still before.
        let own = self.own.entry_time(self.now);
        let from = own.max(newest.min(self.now.after(charter.clock_skew)));
        let expires_at = from.after(charter.proposal_lifetime);
        let gate = shape.gate(resting.book.slot);
        let closes_at = expires_at.min(resting.expires_at).min(gate);
        if closes_at <= from {
            return;
        }
        let proposal = Proposal {
            community: self.chain.community(),
            charter: charter_id,
            slot: resting.book.slot,
            side: resting.side.opposite(),
            taker: self.own.id(),
            maker,
            order: candidate.order,
            own_order: candidate.own_order,
            up_to: candidate.quantity,
            price: resting.price,
            nonce: self.nonces.number(),
            expires_at,
        };
        let proposal = Verified::sign(proposal, &*self.signer);
        let message = Message::Proposal(proposal.bytes().clone());
        let reservation = Reservation { proposal, request: request.id, closes_at, forgotten: false };
        self.persist(Record::Reservation(reservation.clone()));
        self.doubts.insert(reservation, self.now.after(RESEND_INTERVAL));
        self.requests.set_in_doubt(&request.id, self.doubts.of_request(&request.id));
        self.send(maker.author, message);
    }

    /// Posts what is left once nobody can still accept a take of this request: until then the household's true limit
    /// is not on show.
    fn post(&mut self, request: &Request) {
        let (charter_id, charter) = self.chain.in_force();
        let wish = &request.wish;
        let expires_at = wish.expires_at.expect("a request that was accepted always has an expiry");
        let at = self.own.entry_time(self.now);
        let tradable = charter.shape.is_open(wish.slot, at) && at < expires_at;
        let waits = self.doubts.may_be_answered(&request.id, self.now);
        let opens = charter.shape.opens(wish.slot);
        if at < opens {
            return self.requests.post_at(opens, request.id);
        }
        if !tradable || waits || request.orders.len() >= MAX_ORDERS_PER_REQUEST {
            return;
        }
        let quantity = self.unposted(request);
        let Some(limit) = charter.slot_limit(&self.me, wish.side) else { return };
        let book = self.book_in_force(wish.slot);
        let (staged, staged_energy) = self.own.staged(wish.slot, wish.side);
        let exposed = self.fold.exposure(&self.me, &book, wish.side) + staged_energy;
        let places = self.fold.places(&self.own.id(), &book, wish.side) + staged;
        if !quantity.is_positive() || exposed + quantity > limit || places >= MAX_PLACES_PER_SLOT {
            return;
        }
        let (slot, side, price) = (wish.slot, wish.side, wish.price);
        let order = Order { slot, side, quantity, price, expires_at, charter: charter_id };
        self.make_room();
        self.own.stage_place(order, request.id);
    }

    /// Closes the orders of requests that are over, and those that rest in a book which is not in force any more: nobody takes
    /// from it, and what they stand for is posted anew. What is in doubt stays reserved.
    pub(in crate::protocol) fn close_orders(&mut self) {
        let orders = self.requests.changed().flat_map(|request| request.orders.iter().map(move |id| (request, *id)));
        let orders = orders.filter(|(request, id)| request.state != RequestState::Live || self.rests_out_of_force(id));
        let orders: Vec<OrderId> = orders.map(|(_, id)| id).collect();
        for id in orders {
            let leaves = self.doubts.of_order(&id);
            let Some(order) = self.fold.order(&id) else { continue };
            let lower = match order.leaves() {
                Some(before) => leaves < before,
                None => order.may_yet_be_filled(self.now).is_positive(),
            };
            if !lower {
                continue;
            }
            self.make_room();
            if self.fold.cancel_own(self.own.next_place(self.now), id, leaves).is_ok() {
                self.own.stage_cancel(id, leaves);
            }
        }
    }

    pub(in crate::protocol) fn rests_out_of_force(&self, id: &OrderId) -> bool {
        self.fold.order(id).is_some_and(|order| order.book != self.book_in_force(order.book.slot))
    }

    /// A maker accepted. Nothing is done before the end of the turn, when it is known whether anything can be signed.
    pub(in crate::protocol) fn accepted(&mut self, from: MemberKey, acceptance: Verified<Acceptance>) {
        let _is_proved = self.contradicts_known(&acceptance);
        let Some(reservation) = self.doubts.get(&acceptance.proposal) else { return };
        let proposal = &reservation.proposal;
        let fits = acceptance.maker == from
            && !reservation.forgotten
            && self.acceptances.len() < MAX_PROPOSALS_PER_TURN
            && proposal.maker.author == from
            && proposal.maker.incarnation == acceptance.incarnation
            && acceptance.quantity.is_positive()
            && acceptance.quantity <= proposal.up_to
            && acceptance.at < reservation.closes_at;
        if fits {
            self.acceptances.push(acceptance);
        }
    }

    /// Completes the trades that were accepted in this turn. Without a signature nothing happens: the maker is asked again.
    pub(in crate::protocol) fn complete_accepted(&mut self) {
        for acceptance in std::mem::take(&mut self.acceptances) {
            let Some(reservation) = self.doubts.get(&acceptance.proposal).filter(|_| self.can_sign()) else { continue };
            let trade = Trade { proposal: reservation.proposal.clone(), acceptance };
            // One that does not fit, or makes no trade that counts, ends no doubt: the maker's log does.
            let _void = self.complete(trade);
        }
    }

    /// A maker refused: the one word that frees a reservation at once.
    pub(in crate::protocol) fn refused(&mut self, from: MemberKey, refusal: &Verified<Refusal>) {
        if self.is_accepted_all_the_same(refusal) {
            return;
        }
        let Some(reservation) = self.doubts.get(&refusal.proposal) else { return };
        let proposal = &reservation.proposal;
        let fits =
            refusal.maker == from && proposal.maker.author == from && proposal.maker.incarnation == refusal.incarnation;
        // Without room to remember it, it frees nothing: should the maker fill after all, nobody could prove the lie.
        if fits && !self.refused_us.is_full() {
            let (order, slot) = (proposal.order, proposal.slot);
            let charter = self.fold.charter(&proposal.charter);
            let over = charter.map_or(reservation.closes_at, |charter| charter.shape.over(slot));
            self.persist(Record::Refusal { refusal: refusal.clone(), closes_at: over });
            self.refused_us.refuse(refusal.clone(), over);
            self.release(&refusal.proposal);
            self.shun(order);
        }
    }

    /// Ends doubts that can be ended: by a trade that was learned, or because no fill can come any more.
    pub(in crate::protocol) fn resolve_doubts(&mut self) {
        let doubts: Vec<ProposalId> = self.doubts.iter().map(|(id, _)| *id).collect();
        for id in doubts {
            self.resolve(&id);
        }
        self.ask_again();
    }

    fn resolve(&mut self, id: &ProposalId) {
        let Some(doubt) = self.doubts.get(id) else { return };
        let (closes_at, is_forgotten) = (doubt.closes_at, doubt.forgotten);
        if let Some((trade, held)) = self.late_trade(id) {
            // By a clock that has jumped, which peers have yet to tell, it only seems so.
            let may_be_wrong = matches!(self.standing(), Standing::Alone | Standing::ClockAhead { .. });
            if !may_be_wrong && !self.may_lack_own_entries() {
                self.release_traded(trade, !held);
            }
        } else if let Some(bound) = self.fold.trade(id).filter(|bound| bound.binds() || !is_forgotten) {
            let (trade, binds) = (bound.trade.clone(), bound.binds());
            self.settle(trade, binds, is_forgotten);
        } else if let Some((trade, _)) = self.filled_unjudged(id) {
            // Nobody knows when the entry is judged: the words are signed, and a copy of them counts by itself.
            if self.can_sign() && !is_forgotten {
                let _void = self.complete(trade);
            }
        } else if self.can_never_be_filled(id) && !self.may_lack_own_entries() {
            self.rely_on_fence(id);
            self.let_go(id);
        } else if closes_at <= self.now {
            self.give_up_hope(id);
        }
    }

    /// A log holds, or once held, a trade that was in doubt. If the store has forgotten what became of it, nothing is signed for
    /// it any more: it may have been let go, because the maker's log had ended before it or its key was convicted, and the same
    /// have been traded elsewhere. It binds by what stands in logs already.
    fn settle(&mut self, trade: Trade, binds: bool, is_forgotten: bool) {
        if !self.can_sign() {
            if binds {
                // Should that last until the fold has forgotten the slot, it must not look as if nothing was filled.
                let holders = self.fold.holders(&trade.id());
                self.doubts.note_late(trade, holders);
            }
        } else if is_forgotten || (self.complete(trade.clone()) == Err(Void::CopyTooLate) && binds) {
            // It gets no copy in the log at hand, and binds by the maker's log, or by an older one of ours.
            let held = self.fold.trade(&trade.id()).is_some_and(Bound::held_by_taker);
            self.release_traded(trade, !held);
        }
    }

    /// The clock may step, and what waited be judged when its slot is forgotten: it binds all the same.
    pub(in crate::protocol) fn notice_unjudged_fills(&mut self) {
        if !self.fold.has_waiting() {
            return;
        }
        let doubts: Vec<ProposalId> = self.doubts.iter().map(|(id, _)| *id).collect();
        for (trade, holder) in doubts.iter().filter_map(|id| self.filled_unjudged(id)).collect::<Vec<_>>() {
            self.doubts.note_late(trade, [holder]);
        }
    }

    /// What logs hold of a take whose slot is over, so that no copy of it counts; and whether an own one does.
    fn late_trade(&self, id: &ProposalId) -> Option<(Trade, bool)> {
        let late = self.doubts.late(id)?;
        let proposal = &late.trade.proposal;
        let is_over = self.fold.has_forgotten(&proposal.charter, proposal.slot);
        let authors: BTreeSet<MemberKey> =
            late.holders.iter().filter(|holder| self.fold.counts(holder)).map(|holder| holder.log.author).collect();
        (is_over && !authors.is_empty()).then(|| (late.trade.clone(), authors.contains(&self.me)))
    }

    /// What an own older log, or else the maker's, says in an entry that can't be judged yet.
    fn filled_unjudged(&self, id: &ProposalId) -> Option<(Trade, EntryNo)> {
        let maker = self.doubts.get(id)?.proposal.maker.author;
        self.fold.unjudged_trade(id, &self.me).or_else(|| self.fold.unjudged_trade(id, &maker))
    }

    /// Whether the log that could answer is known up to the last instant at which it could have, without the fill.
    fn can_never_be_filled(&self, id: &ProposalId) -> bool {
        let Some(doubt) = self.doubts.get(id) else { return false };
        let log = doubt.proposal.maker;
        let fenced = self.logs.fenced_until(&log) >= doubt.closes_at;
        let ended = self.fold.sealed_at(&log).is_some_and(|last| self.logs.next_seq(&log) > last);
        fenced || ended || self.fold.is_convicted(&log.author)
    }

    /// If it is a beacon that says so, it must not be forgotten: the log might break it, which would have to be proved.
    fn rely_on_fence(&mut self, id: &ProposalId) {
        let Some(doubt) = self.doubts.get(id) else { return };
        let fence = self.logs.fence_at(&doubt.proposal.maker, doubt.closes_at).cloned();
        if let Some(beacon) = fence {
            self.logs.rely_on(&beacon);
            self.persist(Record::Fence(beacon));
        }
    }

    /// Nobody can accept it any more, though it is not yet certain that nobody has: the rest need not wait for it.
    fn give_up_hope(&mut self, id: &ProposalId) {
        if let Some(doubt) = self.doubts.get(id) {
            let (request, order) = (doubt.request, doubt.proposal.order);
            self.shun(order);
            self.to_serve.insert(request);
        }
    }

    /// It ended without a fill, and the next proposal would end so too: asked at once, two nodes would do nothing else.
    fn let_go(&mut self, id: &ProposalId) {
        let order = self.doubts.get(id).map(|doubt| doubt.proposal.order);
        self.release(id);
        if let Some(order) = order {
            self.shun(order);
        }
    }

    fn ask_again(&mut self) {
        for doubt in self.doubts.due(self.now, self.now.after(RESEND_INTERVAL)) {
            let maker = doubt.proposal.maker.author;
            if self.now < doubt.closes_at && !doubt.forgotten {
                self.send(maker, Message::Proposal(doubt.proposal.bytes().clone()));
            } else {
                self.send(maker, Message::GetBeacon);
            }
        }
    }

    /// An entry came in too late for the fold, which forgets its slot at the end of the turn at the latest: what it holds
    /// of ours still binds.
    pub(in crate::protocol) fn notice_late_trades(&mut self, entry: &Entry) {
        for fill in entry.fills() {
            if self.doubts.get(&fill.id()).is_some()
                && self.fold.is_late_trade(entry, fill, self.now)
                && let Ok(trade) = fill.verify()
            {
                self.doubts.note_late(trade, [EntryNo { log: entry.log, seq: entry.seq }]);
            }
        }
    }

    /// Copies an agreed trade into the own log, which is when it is done for us, and frees what was not taken. Nothing
    /// changes if the copy would not count.
    fn complete(&mut self, trade: Trade) -> Result<(), Void> {
        self.make_room();
        let fill = trade.to_fill();
        self.fold.fill_own(self.own.next_place(self.now), &fill)?;
        self.own.stage_fill(fill);
        self.release_traded(trade, false);
        Ok(())
    }

    fn release_traded(&mut self, trade: Trade, provisional: bool) {
        let request = self.release(&trade.id());
        if let Some(request) = request {
            self.requests.fill(&request, trade.acceptance.quantity);
        }
        self.record(trade, request, provisional);
    }

    /// Gives back what was reserved. Gives the request that it was for.
    fn release(&mut self, id: &ProposalId) -> Option<RequestId> {
        let request = self.doubts.remove(id)?.request;
        self.persist(Record::Released(*id));
        self.requests.set_in_doubt(&request, self.doubts.of_request(&request));
        self.to_serve.insert(request);
        Some(request)
    }

    /// Leaves an order alone for a while: whoever asked it again at once could do so for ever.
    fn shun(&mut self, order: OrderId) {
        let (_, charter) = self.chain.in_force();
        self.shunned.insert(order, self.now.after(charter.proposal_lifetime * SHUNNED_FOR));
    }

    /// Orders that were left alone for long enough may serve again.
    pub(in crate::protocol) fn ask_shunned_again(&mut self) {
        for order in self.shunned.advance(self.now) {
            if let Some(book) = self.fold.order(&order).map(|resting| resting.book) {
                self.serve_crossing(book);
            }
        }
    }
}

fn resting_author(household: &Household, resting: &Resting) -> MemberKey {
    household.fold.log_of(resting).author
}
