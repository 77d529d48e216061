//! Who is asked for which piece of which log.
//!
//! A plan and nothing else: it sends no message and judges no entry. Each log is asked of one peer at a time, different
//! logs of different peers side by side, with few ranges under way per peer so that no stream is clogged.

use std::collections::BTreeMap;

use wattswap_matching::UtcMillis;

use super::ids::{Head, LogId, MemberKey};
use super::limits::{MAX_HEADS, MAX_RANGES_IN_FLIGHT, RANGE_TIMEOUT};

/// Which peers have more of which logs, and what is under way.
#[derive(Clone, Debug, Default)]
pub struct Sync {
    /// For each peer, where logs end that it has more of than we had when it said so.
    offers: BTreeMap<MemberKey, BTreeMap<LogId, u64>>,
    under_way: BTreeMap<LogId, UnderWay>,
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

    /// A peer is gone: what it was asked for is asked of others.
    pub fn lose(&mut self, peer: &MemberKey) {
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
