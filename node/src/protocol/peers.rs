//! Who is connected, who was heard from, and whether our clock agrees with theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wattswap_matching::UtcMillis;

use super::ids::MemberKey;
use super::limits::{MISSED_BEACONS, SILENT_AFTER, beacon_interval};

/// Clocks are compared anew after so long, and sooner if one in so many members was heard since: each time in a small
/// community.
const COMPARE_CLOCKS_EVERY: Duration = Duration::from_secs(1);
const WORDS_THAT_COUNT: usize = 8;

/// What is known of the other members as living nodes.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    connected: BTreeSet<MemberKey>,
    heard: BTreeMap<MemberKey, Heard>,
    clocks: Clocks,
    members: usize,
}

/// What was heard of a member.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    /// Time of its newest signed word, by its clock.
    at: Option<UtcMillis>,
    /// Its newest sign of life.
    live: Option<Live>,
    /// When a beacon of its was passed on last, by our clock: it may date them as it likes.
    passed_on: UtcMillis,
}

/// A word that came as soon as it was said.
#[derive(Clone, Copy, Debug)]
struct Live {
    /// When it came, by our clock.
    received: UtcMillis,
    /// How far our clock was ahead of it then, in milliseconds; negative: behind.
    ahead: i64,
}

/// How our clock compares with the others', as of the last look at them.
#[derive(Clone, Copy, Debug, Default)]
struct Clocks {
    /// How far ours is ahead of the middle one of all clocks, ours included, in milliseconds: the upper and the lower one if
    /// two are in the middle. None if nobody was heard.
    ahead: Option<(i64, i64)>,
    /// How many were compared.
    of: usize,
    at: UtcMillis,
    /// Words that came since.
    heard_since: usize,
}

impl Clocks {
    /// Whether another look would show much the same: a median over a thousand members is not worth a look a word.
    fn are_known(&self, now: UtcMillis) -> bool {
        let is_recent = self.at <= now && now < self.at.after(COMPARE_CLOCKS_EVERY);
        is_recent && self.heard_since * WORDS_THAT_COUNT <= self.of
    }
}

/// Milliseconds that `now` is ahead of what another clock shows.
fn ahead(now: UtcMillis, other: UtcMillis) -> i64 {
    i64::try_from(now.0).unwrap_or(i64::MAX).saturating_sub_unsigned(other.0)
}

impl Peers {
    /// So many members speak up from now on.
    pub fn expect(&mut self, members: usize) {
        self.members = members;
    }

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
            (heard.at, heard.live) = (Some(at), Some(Live { received: now, ahead }));
            self.clocks.heard_since += 1;
        }
        was_silent
    }

    /// A peer says over its own stream what its clock shows. True if it had been silent.
    pub fn hear_clock(&mut self, peer: MemberKey, at: UtcMillis, now: UtcMillis) -> bool {
        let was_silent = self.is_silent(&peer, now);
        self.heard.entry(peer).or_default().live = Some(Live { received: now, ahead: ahead(now, at) });
        self.clocks.heard_since += 1;
        was_silent
    }

    /// Whether a member's beacon is worth passing on, after the one before: they come at intervals.
    pub fn is_due_for_gossip(&mut self, member: MemberKey, now: UtcMillis) -> bool {
        let interval = beacon_interval(self.members);
        let heard = self.heard.entry(member).or_default();
        let is_due = heard.passed_on.after(interval / 2) <= now || now < heard.passed_on;
        if is_due {
            heard.passed_on = now;
        }
        is_due
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
        self.clocks = Clocks::default();
    }

    /// Whether a member has been silent for so long that its orders are better left alone.
    #[must_use]
    pub fn is_silent(&self, member: &MemberKey, now: UtcMillis) -> bool {
        let live = self.heard.get(member).and_then(|heard| heard.live);
        let most = match self.is_connected(member) {
            true => SILENT_AFTER,
            false => SILENT_AFTER.max(beacon_interval(self.members) * MISSED_BEACONS),
        };
        live.is_none_or(|live| now.since(live.received) > most)
    }

    /// Looks at how our clock compares with those of the members that were heard lately.
    pub fn compare_clocks(&mut self, now: UtcMillis) {
        if self.clocks.are_known(now) {
            return;
        }
        let live = self.heard.values().filter_map(|heard| heard.live);
        let lately = live.filter(|live| now.since(live.received) <= SILENT_AFTER);
        let mut ahead: Vec<i64> = lately.map(|live| live.ahead).collect();
        let of = ahead.len();
        // Ours among them: of two others one that is wrong alone decides nothing.
        ahead.push(0);
        ahead.sort_unstable();
        let middle = (of > 0).then(|| (ahead[ahead.len() / 2], ahead[(ahead.len() - 1) / 2]));
        self.clocks = Clocks { ahead: middle, of, at: now, heard_since: 0 };
    }

    /// How far our clock is ahead of the median of ours and those of the members that were heard lately; none if nobody was.
    /// As of the last [comparison](Self::compare_clocks).
    #[must_use]
    pub fn clock_ahead(&self) -> Option<Duration> {
        self.clocks.ahead.map(|(upper, _)| Duration::from_millis(u64::try_from(upper).unwrap_or(0)))
    }

    /// How far our clock is behind that median; nothing if it is not, or if nobody was heard.
    #[must_use]
    pub fn clock_behind(&self) -> Duration {
        let behind = self.clocks.ahead.and_then(|(_, lower)| u64::try_from(lower.saturating_neg()).ok());
        behind.map_or(Duration::ZERO, Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(number: u8) -> MemberKey {
        MemberKey([number; 32])
    }

    fn ahead(peers: &mut Peers, now: UtcMillis) -> Option<u128> {
        peers.compare_clocks(now);
        peers.clock_ahead().map(|ahead| ahead.as_millis())
    }

    #[test]
    fn in_a_small_community_each_word_counts_at_once() {
        let now = UtcMillis(1_000_000);
        let mut peers = Peers::default();
        assert_eq!(ahead(&mut peers, now), None, "nobody was heard");
        peers.hear_clock(member(1), UtcMillis(now.0 - 500), now);
        assert_eq!(ahead(&mut peers, now), Some(500));
        // What the other members say of our clock, and by how much it is ahead and behind then.
        let cases: [(&[i64], u128, u128); 9] = [
            (&[-500], 0, 500),
            (&[500, 900], 500, 0),
            (&[0, 900], 0, 0),
            (&[-900, 0], 0, 0),
            (&[-500, -900], 0, 500),
            (&[0, 0, 900], 0, 0),
            (&[0, 700, 900], 700, 0),
            (&[-700, -900, 0], 0, 700),
            (&[-900, 500, 900, 700], 500, 0),
        ];
        for (others, is_ahead, is_behind) in cases {
            let mut peers = Peers::default();
            for (number, by) in (1..).zip(others) {
                peers.hear_clock(member(number), UtcMillis(now.0.saturating_add_signed(-by)), now);
            }
            let found = (ahead(&mut peers, now), peers.clock_behind().as_millis());
            assert_eq!(found, (Some(is_ahead), is_behind), "{others:?}");
        }
        peers.forget_when();
        assert_eq!(ahead(&mut peers, now), None, "a clock that has stepped knows nothing");
        assert_eq!(peers.clock_behind(), Duration::ZERO);
    }

    #[test]
    fn in_a_large_community_who_is_not_connected_may_be_silent_for_longer() {
        let heard = UtcMillis(1_000_000);
        // (members, connected, silent after so many seconds)
        for (members, connected, seconds) in [(5, true, 35), (5, false, 35), (1_000, true, 35), (1_000, false, 300)] {
            let mut peers = Peers::default();
            peers.expect(members);
            if connected {
                peers.connect(member(1));
            }
            assert!(peers.is_silent(&member(1), heard), "nothing was heard yet");
            peers.hear_live(member(1), heard, heard);
            let last = heard.after(Duration::from_secs(seconds));
            assert!(!peers.is_silent(&member(1), last), "{members} members, connected: {connected}");
            assert!(peers.is_silent(&member(1), UtcMillis(last.0 + 1)), "{members} members, connected: {connected}");
        }
    }

    #[test]
    fn who_fell_silent_counts_no_more() {
        let now = UtcMillis(1_000_000);
        let mut peers = Peers::default();
        peers.hear_clock(member(1), now, now);
        assert_eq!(ahead(&mut peers, now), Some(0));
        assert_eq!(ahead(&mut peers, now.after(SILENT_AFTER)), Some(0));
        assert_eq!(ahead(&mut peers, now.after(SILENT_AFTER + COMPARE_CLOCKS_EVERY)), None);
    }

    #[test]
    fn in_a_large_community_some_words_or_some_time_make_a_difference() {
        let now = UtcMillis(1_000_000);
        let mut peers = Peers::default();
        for number in 0..80 {
            peers.hear_clock(member(number), now, now);
        }
        assert_eq!(ahead(&mut peers, now), Some(0));
        // All but one have it that our clock is ahead by now: 10 words are not worth a look, and time is.
        let hear = |peers: &mut Peers, numbers: std::ops::Range<u8>| {
            for number in numbers {
                peers.hear_clock(member(number), UtcMillis(now.0 - 700), now);
            }
        };
        hear(&mut peers, 0..10);
        assert_eq!(ahead(&mut peers, now), Some(0));
        hear(&mut peers, 10..79);
        assert_eq!(ahead(&mut peers, now), Some(700));
        hear(&mut peers, 0..1);
        peers.hear_clock(member(1), now, now);
        assert_eq!(ahead(&mut peers, now.after(COMPARE_CLOCKS_EVERY)), Some(700));
    }
}
