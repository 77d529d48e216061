//! What the driver may read of a household between turns, to show it.

use std::collections::BTreeSet;
use std::sync::Arc;

use wattswap_matching::{Level, Slot, UtcMillis};

use super::Household;
use super::io::{Request, RequestId, Standing};
use crate::protocol::autopilot;
use crate::protocol::chain::Chain;
use crate::protocol::charter::Charter;
use crate::protocol::fold::BookId;
use crate::protocol::ids::{CharterId, Digest, Head, LogId, MemberKey};
use crate::protocol::limits::{KINDS_OF_HUNTS, MAX_HEADS, MAX_RANGES_IN_FLIGHT, MAX_REFUSALS, MAX_SHUNNED};
use crate::protocol::message::{Contradiction, Proof};
use crate::protocol::metering::Metering;

/// How the household is.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its key.
    pub me: MemberKey,
    /// Whether it trades.
    pub standing: Standing,
    /// The log that it writes.
    pub log: LogId,
    /// Entries held, of all logs.
    pub entries: u64,
    /// Over the heads of all logs: equal on nodes that hold the same entries.
    pub heads: Digest,
    /// Over all open books: equal on nodes that hold the same entries, at the same time.
    pub book: Digest,
    /// Where that log ends; none while it is empty.
    pub own_head: Option<Head>,
    /// Requests that may still trade.
    pub live_requests: usize,
    /// Takes whose outcome is not known.
    pub in_doubt: usize,
    /// Keys convicted of cheating.
    pub convicted: BTreeSet<MemberKey>,
}

impl Household {
    /// How it is. Costs a walk over all open books.
    pub fn status(&mut self) -> Status {
        Status {
            me: self.me,
            standing: self.standing,
            log: self.own.id(),
            entries: self.logs.entries(),
            heads: self.logs.digest(),
            book: self.fold.digest(),
            own_head: self.logs.head(&self.own.id()),
            live_requests: self.requests.live_count(),
            in_doubt: self.doubts.iter().count(),
            convicted: self.fold.convicted().clone(),
        }
    }

    /// What others can make the household remember: what it is, how many of it there are, and how many there may be.
    #[must_use]
    pub fn remembered(&self) -> [(&'static str, usize, usize); 7] {
        let members = self.chain.charters().map(|(_, charter)| charter.members.len()).sum();
        let (under_way, offers) = self.sync.most();
        [
            ("hunts for evidence", self.hunts.len(), KINDS_OF_HUNTS * members),
            ("orders that are left alone", self.shunned.count(), MAX_SHUNNED),
            ("refusals", self.answers.count().max(self.refused_us.count()), MAX_REFUSALS),
            ("ranges under way from one peer", under_way, MAX_RANGES_IN_FLIGHT),
            ("logs that one peer offers", offers, MAX_HEADS),
            ("takes in doubt", self.doubts.iter().count(), members),
            ("convicted keys", self.proofs.len(), members),
        ]
    }

    /// Entries held, of all logs.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.logs.entries()
    }

    /// Whether it trades.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The charter in force.
    #[must_use]
    pub fn charter(&self) -> (CharterId, &Arc<Charter>) {
        self.chain.in_force()
    }

    /// The governance chain.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Whether nothing more can come of a slot for this household, so that its statement can be drawn up: its own log is
    /// past the gate, none of its takes is in doubt, and none can have been forgotten.
    #[must_use]
    pub fn is_final(&self, slot: Slot) -> bool {
        let gate = self.chain.charters().map(|(_, charter)| charter.shape.gate(slot)).max();
        let is_past = gate.is_some_and(|gate| gate <= self.own.not_before());
        is_past && self.doubts.iter().all(|(_, take)| take.proposal.slot != slot) && !self.may_have_forgotten(slot)
    }

    /// Whether a take of before the own log began may still come up. Nothing in a store tells for sure that it is the
    /// household's first one, and the maker of a take that is forgotten may be away until nothing that is said of the slot
    /// counts any more.
    fn may_have_forgotten(&self, slot: Slot) -> bool {
        let began_at = self.logs.first_at(&self.own.id());
        self.chain.charters().any(|(_, charter)| {
            let Charter { shape, clock_skew, .. } = &**charter;
            let was_open = began_at.is_none_or(|began_at| shape.opens(slot) <= began_at.after(*clock_skew));
            was_open && shape.over(slot) > self.now.min(self.own.not_before())
        })
    }

    /// What somebody was convicted of.
    #[must_use]
    pub fn convicted_of(&self, key: &MemberKey) -> Option<Contradiction> {
        self.proofs.get(key).map(Proof::contradiction)
    }

    /// What the household's meters counted.
    #[must_use]
    pub fn metering(&self) -> &Metering {
        &self.metering
    }

    /// What the owner allows the autopilot.
    #[must_use]
    pub fn autopilot(&self) -> &autopilot::Settings {
        &self.autopilot
    }

    /// A request that is live or was so lately.
    #[must_use]
    pub fn request(&self, id: &RequestId) -> Option<&Request> {
        self.requests.get(id)
    }

    /// The newest time that a member's words were dated; none if it was never heard.
    #[must_use]
    pub fn last_word(&self, member: &MemberKey) -> Option<UtcMillis> {
        self.peers.newest_word(member)
    }

    /// Members to which a stream is open.
    pub fn connected_peers(&self) -> impl Iterator<Item = MemberKey> + '_ {
        self.peers.connected().copied()
    }

    /// Whether a stream to this member is open.
    #[must_use]
    pub fn is_connected(&self, member: &MemberKey) -> bool {
        self.peers.is_connected(member)
    }

    /// Where the logs of all members end.
    pub fn heads(&self) -> impl Iterator<Item = Head> + '_ {
        self.logs.heads()
    }

    /// The book of a slot under the charter in force.
    #[must_use]
    pub fn book_in_force(&self, slot: Slot) -> BookId {
        BookId { slot, shape: self.shape }
    }

    /// Bids and asks of a slot under the charter in force, best price first.
    #[must_use]
    pub fn depth(&self, slot: Slot, most: usize) -> (Vec<Level>, Vec<Level>) {
        self.fold.depth(&self.book_in_force(slot), most)
    }

    /// Slots of the shape in force whose book changed since the last call.
    pub fn take_changed_slots(&mut self) -> Vec<Slot> {
        let changed = std::mem::take(&mut self.changed_books);
        changed.into_iter().filter(|book| book.shape == self.shape).map(|book| book.slot).collect()
    }
}
