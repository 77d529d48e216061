//! Who is connected, who was heard from, and whether our clock agrees with theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wattswap_matching::UtcMillis;

use super::ids::MemberKey;
use super::limits::SILENT_AFTER;

/// What is known of the other members as living nodes.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    connected: BTreeSet<MemberKey>,
    heard: BTreeMap<MemberKey, Heard>,
}

/// What was heard of a member.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    /// Time of its newest signed word, by its clock.
    at: Option<UtcMillis>,
    /// Its newest sign of life.
    live: Option<Live>,
}

/// A word that came as soon as it was said.
#[derive(Clone, Copy, Debug)]
struct Live {
    /// When it came, by our clock.
    received: UtcMillis,
    /// How far our clock was ahead of it then, in milliseconds; negative: behind.
    ahead: i64,
}

/// Milliseconds that `now` is ahead of what another clock shows.
fn ahead(now: UtcMillis, other: UtcMillis) -> i64 {
    i64::try_from(now.0).unwrap_or(i64::MAX).saturating_sub_unsigned(other.0)
}

impl Peers {
    /// A stream is open.
    pub fn connect(&mut self, peer: MemberKey) {
        self.connected.insert(peer);
    }

    /// The last stream is gone.
    pub fn disconnect(&mut self, peer: &MemberKey) {
        self.connected.remove(peer);
    }

    /// Members with an open stream.
    pub fn connected(&self) -> impl Iterator<Item = &MemberKey> {
        self.connected.iter()
    }

    /// Whether messages can be sent to it.
    #[must_use]
    pub fn is_connected(&self, peer: &MemberKey) -> bool {
        self.connected.contains(peer)
    }

    /// A member once said something that is dated `at`, and it is known to be its own word.
    pub fn hear(&mut self, member: MemberKey, at: UtcMillis) {
        let heard = self.heard.entry(member).or_default();
        heard.at = heard.at.max(Some(at));
    }

    /// A member has just said something that is dated `at`. True if it had been silent.
    pub fn hear_live(&mut self, member: MemberKey, at: UtcMillis, now: UtcMillis) -> bool {
        let was_silent = self.is_silent(&member, now);
        let ahead = ahead(now, at);
        let heard = self.heard.entry(member).or_default();
        // What is older than a word that is known may be a replay.
        if Some(at) >= heard.at {
            *heard = Heard { at: Some(at), live: Some(Live { received: now, ahead }) };
        }
        was_silent
    }

    /// A peer says over its own stream what its clock shows. True if it had been silent.
    pub fn hear_clock(&mut self, peer: MemberKey, at: UtcMillis, now: UtcMillis) -> bool {
        let was_silent = self.is_silent(&peer, now);
        self.heard.entry(peer).or_default().live = Some(Live { received: now, ahead: ahead(now, at) });
        was_silent
    }

    /// The newest time that a member's words were dated.
    #[must_use]
    pub fn newest_word(&self, member: &MemberKey) -> Option<UtcMillis> {
        self.heard.get(member).and_then(|heard| heard.at)
    }

    /// The clock has stepped: when each was heard by the old time says nothing any more.
    pub fn forget_when(&mut self) {
        for heard in self.heard.values_mut() {
            heard.live = None;
        }
    }

    /// Whether a member has been silent for so long that its orders are better left alone.
    #[must_use]
    pub fn is_silent(&self, member: &MemberKey, now: UtcMillis) -> bool {
        let live = self.heard.get(member).and_then(|heard| heard.live);
        live.is_none_or(|live| now.since(live.received) > SILENT_AFTER)
    }

    /// How far our clock is ahead of the median of the members that were heard lately; none if nobody was.
    #[must_use]
    pub fn clock_ahead(&self, now: UtcMillis) -> Option<Duration> {
        let live = self.heard.values().filter_map(|heard| heard.live);
        let lately = live.filter(|live| now.since(live.received) <= SILENT_AFTER);
        let mut ahead: Vec<i64> = lately.map(|live| live.ahead).collect();
        ahead.sort_unstable();
        let median = *ahead.get(ahead.len() / 2)?;
        Some(Duration::from_millis(u64::try_from(median).unwrap_or(0)))
    }
}
