//! The end of a turn: what many inputs asked for becomes one signed entry, in a fixed order.

use std::collections::BTreeSet;

use super::Household;
use super::io::{Event, Record};
use crate::protocol::fold::BookId;
use crate::protocol::ids::MemberKey;
use crate::protocol::limits::{BEACON_INTERVAL, CUT_LOGS_EVERY, MAX_RANGE, SUMMARY_INTERVAL, beacon_interval};
use crate::protocol::message::{Gossip, Message, Summary};

impl Household {
    /// Does what the inputs of this turn, and the time, ask for.
    pub(super) fn close_turn(&mut self) {
        self.ask_for_the_time();
        self.let_time_pass();
        self.examine_released();
        self.prove_contradictions();
        self.update_standing();
        self.end_expired_requests();
        if self.can_sign() {
            self.begin_log();
        }
        self.complete_accepted();
        self.serve_changed_books();
        self.resolve_doubts();
        self.learn_trades();
        self.ask_shunned_again();
        if self.can_sign() {
            self.cut_logs();
            self.close_orders();
            self.answer_proposals();
            self.run_autopilot();
            // Those that this turn's own answers and decisions have ended.
            self.close_orders();
            self.serve();
            self.close_entry();
            self.send_beacons();
            self.forget_answers();
        } else {
            // Whoever proposed will ask again.
            self.proposals.clear();
        }
        self.served.clear();
        self.ask_for_heads();
        self.ask_for_ranges();
        self.send_summaries();
        self.report_requests();
        let changed = self.fold.take_changed();
        self.changed_books.extend(changed);
    }

    /// Closes the staged entry if it has no room for another op.
    pub(in crate::protocol) fn make_room(&mut self) {
        if !self.own.has_room() {
            self.close_entry();
        }
    }

    /// Signs what is staged, keeps it, and publishes it.
    pub(super) fn close_entry(&mut self) {
        let Some(closed) = self.own.close(self.now, &*self.signer) else { return };
        self.logs.append(&closed.entry);
        self.fold.place_own(&closed.entry);
        for (request, order) in closed.placed {
            self.requests.add_order(&request, order);
        }
        self.publish(&Gossip::Entry(closed.entry.bytes().clone()));
        self.persist(Record::Entry(closed.entry));
    }

    fn let_time_pass(&mut self) {
        self.notice_unjudged_fills();
        self.fold.advance(self.now);
    }

    /// Requests end by a clock that can be believed: what they were ended by stands, and their owner was told.
    fn end_expired_requests(&mut self) {
        if self.is_clock_confirmed() {
            self.requests.advance(self.now);
        }
    }

    /// Forgets answers that nobody can ask for again. By the own log's promises, not by the clock: that may step back, and
    /// who answers a proposal anew contradicts itself.
    fn forget_answers(&mut self) {
        let promised = self.own.not_before();
        let over = self.answers.advance(promised).into_iter().chain(self.refused_us.advance(promised));
        for id in over.collect::<Vec<_>>() {
            self.persist(Record::Forgotten(id));
        }
    }

    /// Tells the owner of trades that this turn has brought up, unless that has to wait: what own logs hold may lie beyond an
    /// end that a newer one has given, of which only peers know yet, or that this one has yet to give.
    fn learn_trades(&mut self) {
        if self.may_lack_own_entries() {
            return;
        }
        let news = self.fold.take_new_trades();
        if news.is_empty() {
            return;
        }
        for id in news {
            self.learn(id);
        }
        // What a store had forgotten leaves less of the connection than requests were accepted for.
        let (_, charter) = self.chain.in_force();
        let charter = charter.clone();
        self.end_what_is_too_much(&charter);
    }

    fn serve_changed_books(&mut self) {
        let changed: BTreeSet<BookId> = self.fold.take_changed();
        for book in &changed {
            self.serve_crossing(*book);
        }
        self.changed_books.extend(changed);
    }

    /// A beacon now and then, and for whoever asked.
    fn send_beacons(&mut self) {
        let wanted_by = std::mem::take(&mut self.beacon_wanted_by);
        let is_due = self.next_beacon <= self.now;
        if !is_due && wanted_by.is_empty() {
            return;
        }
        let beacon = self.own.beacon(self.now, &*self.signer);
        let bytes = beacon.bytes().clone();
        self.persist(Record::Beacon(beacon));
        for (peer, proposal) in wanted_by {
            let beacon = bytes.clone();
            self.send(
                peer,
                match proposal {
                    Some(proposal) => Message::TooLate { proposal, beacon },
                    None => Message::Beacon(beacon),
                },
            );
        }
        if is_due {
            self.next_beacon = self.now.after(beacon_interval(self.chain.in_force().1.members.len()));
            self.publish(&Gossip::Beacon(bytes));
        }
    }

    /// Lets go of what concerns nobody any more.
    fn cut_logs(&mut self) {
        if self.next_cut > self.now {
            return;
        }
        // What is gone is gone: not by a clock that may have jumped, as far as anybody heard lately can tell.
        if self.peers.clock_ahead().is_none() {
            self.next_cut = self.now.after(BEACON_INTERVAL);
            return;
        }
        self.next_cut = self.now.after(CUT_LOGS_EVERY);
        let longest = self.chain.charters().map(|(_, charter)| charter.shape.lasts()).max();
        self.recorded.forget_before(self.now.before(longest.unwrap_or_default()));
        let horizon = self.chain.horizon(self.now).before(self.keep_logs);
        for start in self.logs.cut(horizon) {
            self.persist(Record::LogStart(start));
        }
    }

    fn ask_for_heads(&mut self) {
        let members = self.chain.in_force().1.members.len();
        for peer in self.sync.plan_heads(self.now, members) {
            self.send(peer, Message::GetHeads);
        }
    }

    fn ask_for_ranges(&mut self) {
        let logs = &self.logs;
        for ask in self.sync.plan(self.now, |log| logs.next_seq(log)) {
            self.send(ask.peer, Message::GetRange { log: ask.log, from: ask.from, count: MAX_RANGE });
        }
    }

    fn send_summaries(&mut self) {
        if self.next_summary <= self.now {
            self.next_summary = self.now.after(SUMMARY_INTERVAL);
            let peers: Vec<MemberKey> = self.peers.connected().copied().collect();
            for peer in peers {
                self.send_summary(peer);
            }
        }
    }

    /// "This is what I hold, and what my clock says."
    pub(super) fn send_summary(&mut self, peer: MemberKey) {
        let newest = self.chain.newest();
        let summary = Summary {
            community: self.chain.community(),
            governance: (newest.record.height, newest.id),
            heads: self.logs.digest(),
            convicted: self.convicted_digest(),
        };
        self.send(peer, Message::Summary(summary));
        self.send(peer, Message::Clock(self.now));
    }

    fn report_requests(&mut self) {
        for id in self.requests.take_changed() {
            if let Some(request) = self.requests.get(&id).cloned() {
                self.persist(Record::Request(request.clone()));
                self.tell(Event::Request(request));
            }
        }
    }
}
