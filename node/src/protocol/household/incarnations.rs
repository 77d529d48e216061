//! When the own log can't be gone on with: the household opens a new one, which seals those before.
//!
//! A store that was restored from a backup, or lost, has forgotten what the household promised. So nothing is appended
//! to a log that the store does not hold whole: what the peers hold of it is fetched, what was proposed may still be
//! accepted, and only when all that is over the household goes on, in a log of its own. A log is also given up if its
//! time has run ahead of everybody's clock, or if it was sealed by the operators.

use std::time::Duration;

use wattswap_matching::UtcMillis;

use super::Household;
use super::io::{Halt, Output, Record, RequestState, Standing};
use crate::protocol::ids::{Head, Incarnation, LogId};
use crate::protocol::limits::{FETCH_OWN_LOGS_FOR, MAX_OWN_LOGS, WAIT_FOR_LOG};
use crate::protocol::message::Message;
use crate::protocol::own_log::OwnLog;

/// Whether an earlier log may have proposed something that can still be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quiet {
    /// Nothing was forgotten.
    Never,
    /// Nothing is signed before.
    Until(UtcMillis),
    /// That is past, and peers were asked anew which entries of ours they hold.
    Over,
}

impl Quiet {
    fn until(self) -> Option<UtcMillis> {
        if let Self::Until(until) = self { Some(until) } else { None }
    }

    fn until_mut(&mut self) -> Option<&mut UtcMillis> {
        if let Self::Until(until) = self { Some(until) } else { None }
    }
}

impl Household {
    /// The owner says that the store is not the newest. Call it right after [`Household::recover`]: peers notice it too,
    /// but not if those who hold what is missing here are away.
    pub fn was_restored(&mut self) {
        self.restore(self.own.id());
    }

    /// Goes on in a new log. What the store knows of the old one is all there is: orders can be posted anew.
    pub(super) fn open_new_log(&mut self, after: LogId) {
        let newest = self.logs.of(&self.me).last().copied().max(Some(after)).unwrap_or(after);
        if self.has_enough_logs() {
            self.out.push_back(Output::Halt(Halt::TooManyLogs));
            return;
        }
        let after_newest = UtcMillis(newest.incarnation.opened.0 + 1);
        let incarnation = Incarnation { opened: self.now.max(after_newest), nonce: self.nonces.number() };
        self.persist(Record::Incarnation(incarnation));
        let promised = self.own.not_before();
        self.own = OwnLog::new(self.chain.community(), LogId { author: self.me, incarnation });
        self.keep_older_promise(promised);
        self.to_serve.extend(self.requests.live().map(|request| request.id));
    }

    /// What an older log has promised holds for the one at hand, if that is not begun: a slot that was called final by a clock
    /// that was ahead does not open again. From further ahead it would be closed for good.
    pub(super) fn keep_older_promise(&mut self, promised: UtcMillis) {
        if !self.has_begun() && promised <= self.now.after(WAIT_FOR_LOG) {
            self.own.begin_no_earlier(promised);
        }
    }

    /// Goes on in a new log, since the store has forgotten things. What the open requests have come to nobody knows, so
    /// they end: to trade them again might sell the same energy twice.
    pub(super) fn restore(&mut self, lost: LogId) {
        self.open_new_log(lost);
        let live: Vec<_> = self.requests.live().map(|request| request.id).collect();
        for id in live {
            self.requests.end(&id, RequestState::Cancelled);
        }
        for reservation in self.doubts.note_forgotten() {
            self.persist(Record::Reservation(reservation));
        }
        self.keep_quiet();
        self.ask_what_peers_hold();
    }

    fn ask_what_peers_hold(&mut self) {
        let peers: Vec<_> = self.peers.connected().copied().collect();
        for peer in peers {
            self.send(peer, Message::GetHeads);
        }
    }

    /// What was on its way to the peers when the store was put back, an entry of a log that it has forgotten, say, has come
    /// to them while nothing was signed: they are asked for it before a new log is begun.
    pub(super) fn compare_again(&mut self) {
        if matches!(self.quiet, Quiet::Until(until) if until <= self.now) {
            self.quiet = Quiet::Over;
            self.compared_with.clear();
            self.ask_what_peers_hold();
        }
    }

    /// Signs nothing until what an earlier log proposed can't be accepted any more, and was fetched if it was.
    pub(super) fn keep_quiet(&mut self) {
        self.quiet = Quiet::Until(self.now.after(self.longest_proposal()));
        self.fetch_until = Some(self.now.after(FETCH_OWN_LOGS_FOR));
    }

    fn longest_proposal(&self) -> Duration {
        let lives = self.chain.charters().map(|(_, charter)| charter.proposal_lifetime + charter.clock_skew);
        lives.max().unwrap_or_default()
    }

    /// A charter came of which the store had not known: what was proposed under it may live longer.
    pub(super) fn stay_quiet_for_longer(&mut self) {
        let longest = self.now.after(self.longest_proposal());
        if let Quiet::Until(until) = &mut self.quiet {
            *until = longest.max(*until);
        }
    }

    /// The clock has stepped ahead, and what was left to wait is still to be waited.
    pub(super) fn wait_on(&mut self, before: UtcMillis) {
        let now = self.now;
        for until in [self.quiet.until_mut(), self.fetch_until.as_mut()].into_iter().flatten() {
            if *until > before {
                *until = now.after(until.since(before));
            }
        }
    }

    /// Until when the household waits for what it may have forgotten.
    pub(super) fn restoring_until(&self) -> Option<UtcMillis> {
        // Who trades already does not stop for what a peer says that it holds.
        let fetched = self.fetching_until().filter(|_| self.standing != Standing::Trading || !self.has_begun());
        self.quiet.until().max(fetched).filter(|until| *until > self.now)
    }

    /// While peers hold more of own logs than is known here, and until when that is waited for.
    fn fetching_until(&self) -> Option<UtcMillis> {
        self.fetch_until.filter(|until| *until > self.now && self.sync.is_fetching(&self.me))
    }

    pub(super) fn has_enough_logs(&self) -> bool {
        self.logs.of(&self.me).count() >= MAX_OWN_LOGS
    }

    /// Whether the log at hand has an entry.
    pub(super) fn has_begun(&self) -> bool {
        self.logs.head(&self.own.id()).is_some()
    }

    /// The log at hand is one too many: more of its predecessors than were known turned up before it was begun.
    pub(super) fn must_not_begin(&self) -> bool {
        !self.has_begun() && self.has_enough_logs()
    }

    /// Own logs before the one at hand that are not sealed yet at what is held of them. Until that one is begun, those count
    /// that operators have sealed further on: what nobody could show meanwhile may be what was forgotten.
    fn unsealed(&self) -> Vec<Head> {
        let has_begun = self.has_begun();
        let is_open = |head: &Head| self.fold.sealed_at(&head.log).is_none_or(|last| !has_begun && last > head.seq);
        let older = self.logs.of(&self.me).filter(|log| **log < self.own.id());
        older.filter_map(|log| self.logs.head(log)).filter(is_open).collect()
    }

    /// The log at hand is not begun, and those before it are not sealed.
    pub(super) fn has_yet_to_seal(&self) -> bool {
        !self.has_begun() && !self.unsealed().is_empty()
    }

    /// An own log that was not known turned up before the one at hand was begun: as if the store had been restored.
    pub(super) fn notice_older_logs(&mut self) {
        if self.quiet == Quiet::Never && self.has_yet_to_seal() {
            self.keep_quiet();
        }
    }

    /// The operators hold more of the log at hand than the store does, which so is not the newest.
    pub(super) fn is_sealed_further_on(&self) -> bool {
        let own = self.own.id();
        self.fold.sealed_at(&own).is_some_and(|last| self.logs.next_seq(&own) <= last)
    }

    /// Whether the log at hand can't be used, although the store holds it whole. One that is ahead of a clock which is behind
    /// the peers' can be, once the clock is set right: a machine that starts without the time must not begin a log each time.
    pub(super) fn must_leave_log(&self) -> bool {
        let (_, charter) = self.chain.in_force();
        let is_far_ahead = self.own.entry_time(self.now) > self.now.after(WAIT_FOR_LOG);
        let is_by_a_slow_clock = self.peers.clock_behind() > charter.clock_skew;
        self.fold.sealed_at(&self.own.id()).is_some() || (is_far_ahead && !is_by_a_slow_clock)
    }

    /// When the log at hand can be gone on with, if a clock that was ahead has dated its last word, or if it has grown as much
    /// as it may for now.
    pub(super) fn log_is_due(&self) -> Option<UtcMillis> {
        let (_, charter) = self.chain.in_force();
        let due = self.own.entry_time(self.now).before(charter.clock_skew);
        self.own.waits_until(self.now).max(Some(due)).filter(|due| *due > self.now)
    }

    /// The first entry of a log says where those before it end, if there are any, and comes before anything else that the
    /// household signs: a log that has none nobody knows of, and a store that was put back then would not be told from the
    /// newest one.
    pub(super) fn begin_log(&mut self) {
        if !self.has_begun() {
            self.seal_older_logs();
            self.close_entry();
        } else if self.fetching_until().is_none() {
            // One that has turned up since, and come whole.
            self.seal_older_logs();
        }
    }

    fn seal_older_logs(&mut self) {
        for end in self.unsealed() {
            self.make_room();
            self.fold.seal_own(self.own.id(), &end);
            self.own.stage_seal(end);
        }
    }
}
