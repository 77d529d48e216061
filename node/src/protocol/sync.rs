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
    wanted: BTreeMap<LogId, Wanted>,
    /// How many logs each peer offers.
    offers: BTreeMap<MemberKey, usize>,
    /// Ranges that were asked for so far.
    asks: u64,
    /// Peers that hold something else than we do, in the order in which they will be asked what.
    differing: VecDeque<MemberKey>,
    /// When all questions asked so far will have taken their time.
    asked_until: UtcMillis,
}

/// A log of which somebody has more.
#[derive(Clone, Debug, Default)]
struct Wanted {
    offers: BTreeMap<MemberKey, Offer>,
    under_way: Option<UnderWay>,
}

#[derive(Clone, Copy, Debug)]
struct Offer {
    /// The last entry that the peer has.
    seq: u64,
    /// How often in a row it gave nothing, or less than there is: whoever let us down least is asked next...
    let_downs: u32,
    /// ...and of several whoever was asked longest ago.
    asked: u64,
    /// Not asked before it offers the log anew.
    is_over: bool,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    peer: MemberKey,
    /// The first entry that was asked for.
    from: u64,
    given_up_at: UtcMillis,
}

/// What a range that came was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// There was nothing new in it.
    Nothing,
    /// All is held up to this entry now, and there was room for more.
    Little(u64),
    /// As much as a range holds.
    Full,
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
        let count = self.offers.entry(peer).or_default();
        let wanted = self.wanted.entry(head.log).or_default();
        if let Some(offer) = wanted.offers.get_mut(&peer) {
            (offer.seq, offer.is_over) = (head.seq.max(offer.seq), false);
        } else if *count < MAX_HEADS {
            *count += 1;
            wanted.offers.insert(peer, Offer { seq: head.seq, let_downs: 0, asked: 0, is_over: false });
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
        for wanted in self.wanted.values_mut() {
            wanted.offers.remove(peer);
            wanted.under_way.take_if(|under_way| under_way.peer == *peer);
        }
    }

    /// A range of this log came from this peer, beginning with the entry `first`. Without anything new in it, it is not asked
    /// for this log again. What was not asked for answers nothing.
    pub fn came(&mut self, peer: &MemberKey, log: &LogId, first: u64, worth: Worth) {
        let Some(wanted) = self.wanted.get_mut(log) else { return };
        let is_answer = |under_way: &mut UnderWay| under_way.peer == *peer && first >= under_way.from;
        if wanted.under_way.take_if(is_answer).is_none() {
            return;
        }
        let live = wanted.offers.values().filter(|offer| !offer.is_over);
        let most = live.map(|offer| offer.seq).max();
        let Some(offer) = wanted.offers.get_mut(peer) else { return };
        match worth {
            Worth::Nothing => (offer.is_over, offer.let_downs) = (true, offer.let_downs.saturating_add(1)),
            Worth::Little(last) if most.is_some_and(|most| last < most) => {
                offer.let_downs = offer.let_downs.saturating_add(1);
            }
            Worth::Little(_) | Worth::Full => offer.let_downs = 0,
        }
    }

    /// What to ask for now, given the first missing entry of each log. Of those who offer a log the one is asked that let us
    /// down least: others can't keep us from who has it.
    pub fn plan(&mut self, now: UtcMillis, missing_from: impl Fn(&LogId) -> u64) -> Vec<Ask> {
        self.give_up(now);
        self.forget_what_came(&missing_from);
        let mut busy: BTreeMap<MemberKey, usize> = BTreeMap::new();
        self.under_way().for_each(|under_way| *busy.entry(under_way.peer).or_default() += 1);
        let mut asks = Vec::new();
        for (log, wanted) in self.wanted.iter_mut().filter(|(_, wanted)| wanted.under_way.is_none()) {
            let live = wanted.offers.iter_mut().filter(|(_, offer)| !offer.is_over);
            let free = live.filter(|(peer, _)| busy.get(peer).is_none_or(|busy| *busy < MAX_RANGES_IN_FLIGHT));
            let Some((peer, offer)) = free.min_by_key(|(_, offer)| (offer.let_downs, offer.asked)) else { continue };
            self.asks += 1;
            offer.asked = self.asks;
            *busy.entry(*peer).or_default() += 1;
            let from = missing_from(log);
            wanted.under_way = Some(UnderWay { peer: *peer, from, given_up_at: now.after(RANGE_TIMEOUT) });
            asks.push(Ask { peer: *peer, log: *log, from });
        }
        asks
    }

    /// Whether peers have more of this author's logs than we had when they said so.
    #[must_use]
    pub fn is_fetching(&self, author: &MemberKey) -> bool {
        let logs = self.wanted.range(LogId::first_of(*author)..).take_while(|(log, _)| log.author == *author);
        logs.into_iter().any(|(_, wanted)| wanted.is_offered())
    }

    /// Ranges that are under way from one peer, and logs that one offers, of whom most are.
    #[must_use]
    pub fn most(&self) -> (usize, usize) {
        let mut under_way: BTreeMap<MemberKey, usize> = BTreeMap::new();
        self.under_way().for_each(|range| *under_way.entry(range.peer).or_default() += 1);
        let offers = self.offers.values().max().copied();
        (under_way.into_values().max().unwrap_or(0), offers.unwrap_or(0))
    }

    /// When a range that is under way is given up.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UtcMillis> {
        self.under_way().map(|under_way| under_way.given_up_at).min()
    }

    fn under_way(&self) -> impl Iterator<Item = &UnderWay> {
        self.wanted.values().filter_map(|wanted| wanted.under_way.as_ref())
    }

    /// A peer that let a range wait is not asked for that log again before it offers it anew.
    fn give_up(&mut self, now: UtcMillis) {
        for wanted in self.wanted.values_mut() {
            let late = wanted.under_way.take_if(|under_way| under_way.given_up_at <= now);
            if let Some(offer) = late.and_then(|late| wanted.offers.get_mut(&late.peer)) {
                (offer.is_over, offer.let_downs) = (true, offer.let_downs.saturating_add(1));
            }
        }
    }

    /// Lets go of offers of what is held by now, and of logs that nobody offers any more.
    fn forget_what_came(&mut self, missing_from: impl Fn(&LogId) -> u64) {
        let Self { wanted, offers: counts, .. } = self;
        wanted.retain(|log, wanted| {
            let missing = missing_from(log);
            wanted.offers.values_mut().for_each(|offer| offer.is_over |= offer.seq < missing);
            let is_wanted = wanted.under_way.is_some() || wanted.is_offered();
            for peer in wanted.offers.keys().filter(|_| !is_wanted) {
                let count = counts.get_mut(peer).filter(|count| **count > 1);
                match count {
                    Some(count) => *count -= 1,
                    None => drop(counts.remove(peer)),
                }
            }
            is_wanted
        });
    }
}

impl Wanted {
    fn is_offered(&self) -> bool {
        self.offers.values().any(|offer| !offer.is_over)
    }
}

/// As long as the answer takes, which names the logs of all members.
fn time_of_a_question(members: usize) -> Duration {
    HEADS_PACE * u32::try_from(members).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ids::{EntryId, Incarnation};

    fn peer(number: u8) -> MemberKey {
        MemberKey([number; 32])
    }

    fn log(number: u8) -> LogId {
        LogId { author: peer(number), incarnation: Incarnation { opened: UtcMillis(0), nonce: 0 } }
    }

    /// What somebody does who is asked for 256 entries from one on.
    #[derive(Clone, Copy, Debug)]
    enum Lie {
        Nothing,
        /// One entry, and that in the nick of time.
        One,
        /// One new entry at the end of 255 that are held.
        OldOnes,
        /// One new entry in each of two ranges.
        Two,
        /// It offers one entry more than there is, and gives it.
        OneOfOne,
    }

    /// They have small keys, and offer again at once; whoever has the log is asked all the same.
    #[test]
    fn who_gives_little_keeps_nobody_from_whoever_gives_more() {
        for lie in [Lie::Nothing, Lie::One, Lie::OldOnes, Lie::Two, Lie::OneOfOne] {
            let (liars, honest) = ([peer(1), peer(2)], peer(9));
            let mut sync = Sync::default();
            let (mut now, mut held) = (UtcMillis(1_000_000), 1_000);
            let head = |seq| Head { log: log(7), seq, id: EntryId([0; 32]) };
            let mut asked_honest = 0;
            for _ in 0..20 {
                let offers = if matches!(lie, Lie::OneOfOne) { held } else { 1_000_000 };
                liars.iter().for_each(|liar| sync.offer(*liar, &head(offers)));
                sync.offer(honest, &head(100_000));
                for ask in sync.plan(now, |_| held) {
                    let mut gives = |first: u64, new: u64, is_full: bool| {
                        held += new;
                        let worth = if is_full { Worth::Full } else { Worth::Little(held - 1) };
                        sync.came(&ask.peer, &ask.log, first, worth);
                    };
                    match lie {
                        _ if ask.peer == honest => {
                            asked_honest += 1;
                            gives(ask.from, 256, true);
                        }
                        Lie::Nothing => {}
                        Lie::One | Lie::OneOfOne => gives(ask.from, 1, false),
                        Lie::OldOnes => gives(ask.from - 255, 1, true),
                        Lie::Two => (0..2).for_each(|more| gives(ask.from + more, 1, false)),
                    }
                }
                now = now.after(RANGE_TIMEOUT);
            }
            assert!(asked_honest >= 20 - 4, "{lie:?}: {asked_honest} times of 20");
        }
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
