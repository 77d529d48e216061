//! May this household sign anything now?

use wattswap_matching::UtcMillis;

use super::Household;
use super::io::{Event, Halt, Output, Request, Standing};
use crate::protocol::entry::{Beacon, Entry};
use crate::protocol::ids::{EntryId, Head, MemberKey};
use crate::protocol::limits::{PEERS_TO_COMPARE, RANGE_TIMEOUT};
use crate::protocol::message::Message;
use crate::protocol::signed::Verified;

impl Household {
    /// Whether anything may be signed. Until then commands wait, durably.
    pub(crate) fn can_sign(&self) -> bool {
        self.standing == Standing::Trading
    }

    /// Whether own logs may hold more that counts than is known here: a copy of a trade, say, or a seal. Once they are sealed
    /// at what is known, nothing beyond it counts.
    pub(in crate::protocol) fn may_lack_own_entries(&self) -> bool {
        self.peers_to_compare() > 0 || self.restoring_until().is_some() || self.has_yet_to_seal()
    }

    /// How many more peers' heads are to be compared with ours.
    fn peers_to_compare(&self) -> usize {
        let (_, charter) = self.chain.in_force();
        let needed = PEERS_TO_COMPARE.min(charter.members.len() - 1);
        let claimed = self.claims_end().is_some() && matches!(self.standing, Standing::Comparing { .. });
        needed.saturating_sub(self.compared_with.len()).max(usize::from(claimed))
    }

    /// A peer says which entries of ours it holds. If the store lacks one of them, then it is not the newest, and to go
    /// on would fork our own log. But anybody can say so: it has to show the entry, with our own signature.
    pub(super) fn compare_own(&mut self, peer: MemberKey, heads: &[Head]) {
        // An older log of ours is fetched like anybody's: this one is not written from it.
        let mut own = heads.iter().filter(|head| head.log.author == self.me && head.log >= self.own.id());
        let Some(unknown) = own.find(|head| self.logs.lacks(&head.log, head.seq, head.id)) else {
            return self.agrees_with_us(peer);
        };
        // Each peer holds us up once at the most.
        self.claims.entry(peer).or_insert(self.now.after(RANGE_TIMEOUT));
        self.send(peer, Message::GetRange { log: unknown.log, from: unknown.seq, count: 1 });
    }

    /// A peer holds nothing of the log at hand that is missing here.
    pub(super) fn agrees_with_us(&mut self, peer: MemberKey) {
        self.compared_with.insert(peer);
        self.settle_claim(&peer);
    }

    /// A peer shows entries of our own. If one of the log at hand, or of a newer one, is missing here, the store was
    /// restored from a backup, or lost its newest writes.
    pub(super) fn shown_own(&mut self, peer: MemberKey, entries: &[Verified<Entry>]) {
        let own = self.own.id();
        let is_lost =
            |entry: &Verified<Entry>| entry.log >= own && self.logs.lacks(&entry.log, entry.seq, EntryId(entry.hash()));
        if let Some(lost) = entries.iter().find(|entry| is_lost(entry)) {
            self.restore(lost.log);
        }
        self.settle_claim(&peer);
    }

    /// A peer shows a promise of our own. If the store does not know it, it has forgotten what we did meanwhile, though no
    /// entry may be missing: a take that is in doubt, say.
    pub(super) fn shown_own_promise(&mut self, beacon: &Beacon) {
        let own = self.own.id();
        let is_known = self.has_begun() && beacon.at < self.own.not_before();
        if beacon.log > own || (beacon.log == own && !is_known) {
            self.restore(beacon.log);
        }
    }

    fn settle_claim(&mut self, peer: &MemberKey) {
        if let Some(until) = self.claims.get_mut(peer) {
            *until = self.now;
        }
    }

    /// Until when a peer may still show an entry of ours that we lack. Nothing is signed for the first time before.
    pub(super) fn claims_end(&self) -> Option<UtcMillis> {
        self.claims.values().filter(|until| **until > self.now).max().copied()
    }

    /// Finds out where the household stands, and tells the owner when that changed.
    pub(super) fn update_standing(&mut self) {
        self.notice_older_logs();
        self.compare_again();
        self.peers.compare_clocks(self.now);
        let mut standing = self.find_standing();
        if matches!(standing, Standing::Trading | Standing::LogAhead { .. }) && self.must_leave_log() {
            if self.has_enough_logs() {
                self.out.push_back(Output::Halt(Halt::TooManyLogs));
                return;
            }
            if self.is_sealed_further_on() {
                self.restore(self.own.id());
            } else {
                self.open_new_log(self.own.id());
            }
            standing = self.find_standing();
        }
        if standing == Standing::Trading && self.must_not_begin() {
            self.out.push_back(Output::Halt(Halt::TooManyLogs));
            return;
        }
        if standing != self.standing {
            self.standing = standing;
            self.tell(Event::Standing(standing));
            self.serve_everything_again();
        }
    }

    fn find_standing(&self) -> Standing {
        let (_, charter) = self.chain.in_force();
        if charter.member(&self.me).is_none() {
            return Standing::NotAMember;
        }
        if self.fold.is_convicted(&self.me) {
            return Standing::Convicted;
        }
        let missing = self.peers_to_compare();
        if missing > 0 {
            return Standing::Comparing { missing };
        }
        if let Some(until) = self.restoring_until() {
            return Standing::Restoring { until };
        }
        match self.peers.clock_ahead() {
            // A clock that has jumped can't be told from a right one, and what it dates stands for ever.
            None if charter.members.len() > 1 => Standing::Alone,
            Some(ahead) if ahead > charter.clock_skew => {
                Standing::ClockAhead { millis: u64::try_from(ahead.as_millis()).unwrap_or(u64::MAX) }
            }
            _ => self.log_is_due().map_or(Standing::Trading, |until| Standing::LogAhead { until }),
        }
    }

    /// Whether the clock is not ahead, as far as anybody who was heard lately can tell.
    pub(super) fn is_clock_confirmed(&self) -> bool {
        let (_, charter) = self.chain.in_force();
        self.peers.clock_ahead().map_or(charter.members.len() == 1, |ahead| ahead <= charter.clock_skew)
    }

    /// Commands that waited are carried out: orders to post, and orders to close, those included that rest in a book which is
    /// not in force any more.
    pub(super) fn serve_everything_again(&mut self) {
        self.to_serve.extend(self.requests.live().map(|request| request.id));
        let is_open = |id| self.fold.order(id).is_some_and(|order| order.may_yet_be_filled(self.now).is_positive());
        let ended = self.requests.ended_with_orders().filter(|request| request.orders.iter().any(is_open));
        let out_of_force = |request: &&Request| request.orders.iter().any(|id| self.rests_out_of_force(id));
        let to_close = ended.chain(self.requests.live().filter(out_of_force));
        let to_close: Vec<_> = to_close.map(|request| request.id).collect();
        to_close.into_iter().for_each(|id| self.requests.touch(id));
    }
}
