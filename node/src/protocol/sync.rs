//! Who is asked for which piece of which log.
//!
//! A plan and nothing else: it sends no message and judges no entry. Each log is asked of one peer at a time, different
//! logs of different peers side by side, with few ranges under way per peer so that no stream is clogged. Where a peer's
//! logs end is asked for at a measured pace: in a large community something is always on its way, so that hardly two
//! nodes hold the same, and the answer is as long as the list of members.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use wattswap_matching::UtcMillis;

use super::ids::{Head, LogId, MemberKey};
use super::limits::{HEADS_AT_ONCE, HEADS_PACE, MAX_HEADS, MAX_RANGES_IN_FLIGHT, RANGE_TIMEOUT};

/// Which peers have more of which logs, and what is under way.
#[derive(Clone, Debug, Default)]
pub struct Sync {
    /// For each peer, where logs end that it has more of than we had when it said so.
    offers: BTreeMap<MemberKey, BTreeMap<LogId, u64>>,
    under_way: BTreeMap<LogId, UnderWay>,
    /// Peers that hold something else than we do, in the order in which they will be asked what.
    differing: VecDeque<MemberKey>,
    /// When all questions asked so far will have taken their time.
    asked_until: UtcMillis,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    peer: MemberKey,
    given_up_at: UtcMillis,
}

/// "Ask this peer for this log from this entry on."
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whom.
    pub peer: MemberKey,
    /// The log.
    pub log: LogId,
    /// The first entry.
    pub from: u64,
}

impl Sync {
    /// A peer holds this log up to this entry.
    pub fn offer(&mut self, peer: MemberKey, head: &Head) {
        let offers = self.offers.entry(peer).or_default();
        if offers.len() < MAX_HEADS {
            let seq = offers.entry(head.log).or_insert(head.seq);
            *seq = head.seq.max(*seq);
        }
    }

    /// A peer's summary is another than ours.
    pub fn differs(&mut self, peer: MemberKey) {
        if !self.differing.contains(&peer) {
            self.differing.push_back(peer);
        }
    }

    /// A peer's summary is the same as ours.
    pub fn agrees(&mut self, peer: &MemberKey) {
        self.differing.retain(|known| known != peer);
    }

    /// Who is asked now where its logs end, in a community of so many members: [`HEADS_AT_ONCE`] at the most at once, and
    /// then one after the other.
    pub fn plan_heads(&mut self, now: UtcMillis, members: usize) -> Vec<MemberKey> {
        let takes = time_of_a_question(members);
        let mut asks = Vec::new();
        while self.heads_free_at(takes) <= now
            && let Some(peer) = self.differing.pop_front()
        {
            self.asked_until = self.asked_until.max(now).after(takes);
            asks.push(peer);
        }
        asks
    }

    /// When somebody can be asked where its logs end; none if nobody needs to be.
    #[must_use]
    pub fn next_heads(&self, members: usize) -> Option<UtcMillis> {
        let takes = time_of_a_question(members);
        (!self.differing.is_empty()).then(|| self.heads_free_at(takes))
    }

    fn heads_free_at(&self, takes: Duration) -> UtcMillis {
        self.asked_until.before(takes * (HEADS_AT_ONCE - 1))
    }

    /// A peer is gone: what it was asked for is asked of others.
    pub fn lose(&mut self, peer: &MemberKey) {
        self.agrees(peer);
        self.offers.remove(peer);
        self.under_way.retain(|_, under_way| under_way.peer != *peer);
    }

    /// A range of this log came from this peer. Without anything new in it, it is not asked for this log again.
    pub fn came(&mut self, peer: &MemberKey, log: &LogId, useful: bool) {
        if self.under_way.get(log).is_some_and(|under_way| under_way.peer == *peer) {
            self.under_way.remove(log);
        }
        if let Some(offers) = self.offers.get_mut(peer).filter(|_| !useful) {
            offers.remove(log);
        }
    }

    /// What to ask for now, given the first missing entry of each log.
    pub fn plan(&mut self, now: UtcMillis, missing_from: impl Fn(&LogId) -> u64) -> Vec<Ask> {
        self.give_up(now);
        let mut asks = Vec::new();
        for (peer, offers) in &mut self.offers {
            offers.retain(|log, seq| missing_from(log) <= *seq);
            let busy = self.under_way.values().filter(|under_way| under_way.peer == *peer).count();
            let free = offers.keys().filter(|log| !self.under_way.contains_key(*log));
            let chosen: Vec<LogId> = free.take(MAX_RANGES_IN_FLIGHT.saturating_sub(busy)).copied().collect();
            for log in chosen {
                self.under_way.insert(log, UnderWay { peer: *peer, given_up_at: now.after(RANGE_TIMEOUT) });
                asks.push(Ask { peer: *peer, log, from: missing_from(&log) });
            }
        }
        self.offers.retain(|_, offers| !offers.is_empty());
        asks
    }

    /// Whether peers have more of this author's logs than we had when they said so.
    #[must_use]
    pub fn is_fetching(&self, author: &MemberKey) -> bool {
        self.offers.values().any(|offers| offers.keys().any(|log| log.author == *author))
    }

    /// Ranges that are under way from one peer, and logs that one offers, of whom most are.
    #[must_use]
    pub fn most(&self) -> (usize, usize) {
        let mut under_way: BTreeMap<MemberKey, usize> = BTreeMap::new();
        self.under_way.values().for_each(|range| *under_way.entry(range.peer).or_default() += 1);
        let offers = self.offers.values().map(BTreeMap::len).max();
        (under_way.into_values().max().unwrap_or(0), offers.unwrap_or(0))
    }

    /// When a range that is under way is given up.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UtcMillis> {
        self.under_way.values().map(|under_way| under_way.given_up_at).min()
    }

    /// A peer that let a range wait is not asked for that log again before it offers it anew.
    fn give_up(&mut self, now: UtcMillis) {
        let late = |under_way: &UnderWay| under_way.given_up_at <= now;
        for (log, under_way) in self.under_way.iter().filter(|(_, under_way)| late(under_way)) {
            if let Some(offers) = self.offers.get_mut(&under_way.peer) {
                offers.remove(log);
            }
        }
        self.under_way.retain(|_, under_way| !late(under_way));
    }
}

/// As long as the answer takes, which names the logs of all members.
fn time_of_a_question(members: usize) -> Duration {
    HEADS_PACE * u32::try_from(members).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u8) -> MemberKey {
        MemberKey([number; 32])
    }

    #[test]
    fn heads_are_asked_for_at_a_pace_that_members_set_and_of_everybody_in_turn() {
        // 100 members: one question a second, after the first four.
        let (members, start) = (100, UtcMillis(1_000_000));
        let at = |seconds: u64| start.after(Duration::from_secs(seconds));
        let mut sync = Sync::default();
        assert_eq!(sync.next_heads(members), None);
        (0..7).for_each(|number| sync.differs(peer(number)));
        sync.differs(peer(3));
        sync.agrees(&peer(1));
        sync.lose(&peer(2));
        assert_eq!(sync.plan_heads(start, members), [peer(0), peer(3), peer(4), peer(5)]);
        assert_eq!((sync.plan_heads(start, members), sync.next_heads(members)), (vec![], Some(at(1))));
        sync.differs(peer(0));
        assert_eq!(sync.plan_heads(at(1), members), [peer(6)], "it has waited longer");
        assert_eq!(sync.plan_heads(at(2), members), [peer(0)]);
        assert_eq!(sync.next_heads(members), None);
        // In a small community nobody waits to speak of.
        (0..7).for_each(|number| sync.differs(peer(number)));
        assert_eq!(sync.plan_heads(at(100), 8).len(), 4);
        assert_eq!(sync.next_heads(8), Some(at(100).after(Duration::from_millis(80))));
    }
}
