//! Which logs this node holds and where each of them ends.
//!
//! Only ids are kept in memory; the entries themselves are in the store. Whether an entry *counts* is the fold's
//! business: in here it is only asked whether it is authentic and continues what is held.
//!
//! A log need not be held from its first entry on. What only concerns slots that are over may go, and whoever joins
//! never gets it; but what is held has no gaps.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wattswap_matching::UtcMillis;

use super::entry::{Beacon, Entry};
use super::evidence;
use super::ids::{Digest, EntryId, Head, LogId, MemberKey};
use super::limits::{MAX_INCARNATIONS, MAX_PASSED_ON};
use super::pace::Pace;
use super::signed::{Signed, Verified};

/// Entries of each log whose times are remembered: a beacon that comes later than so many entries is a replay.
const MAX_RECENT: usize = 32;
/// A log is cut no finer than this, so that it needs to remember the time of one entry a day only.
const CUT_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// All logs that this node holds.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    logs: BTreeMap<LogId, Log>,
    digest: Option<Digest>,
}

/// One log.
#[derive(Clone, Debug, Default)]
struct Log {
    /// Number of the first entry held.
    start: u64,
    ids: Vec<EntryId>,
    /// Where it may be cut: number and time of entries that are a day apart, oldest first.
    cuts: Vec<(u64, UtcMillis)>,
    last_at: UtcMillis,
    pace: Pace,
    /// Times of the newest entries, the newest last.
    recent: VecDeque<UtcMillis>,
    /// Entries further on that were passed on to others without being held, less those by which it has grown since.
    passed_on: u8,
    beacon: Option<Verified<Beacon>>,
    /// The newest beacon by which a take was given up: should the log break it, that must be proved.
    fence: Option<Verified<Beacon>>,
}

/// A log that is held from this entry on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogStart {
    /// The log.
    pub log: LogId,
    /// Number of its first entry that is held.
    pub seq: u64,
}

/// How an entry relates to what is held of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is the next one.
    Next,
    /// It is held already, or lies before what is held.
    Held,
    /// Entries before it are missing, from this number on.
    Gap {
        /// The first missing number.
        from: u64,
    },
    /// Another payload is held under its number.
    Fork,
    /// It is the next one by number, but builds on another predecessor than the one held: its author has two
    /// versions of the entry before.
    OtherPast,
    /// It comes after what is held and is dated before it: no log can hold both.
    TimeRunsBack,
    /// Its author has opened too many logs.
    TooManyLogs,
    /// The log has grown as much as it may in that hour.
    TooFast,
}

/// Why a range is not what was asked for. The sender is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRange {
    /// Entries of another log, or not consecutive, or not linked by hashes.
    #[error("the entries are not one unbroken piece of the log")]
    NotAChain,
    /// None of them is signed well. What anybody holds came as ranges no longer than these, each up to a good signature: so
    /// there is one in any piece of it.
    #[error("none of the entries is signed well")]
    Unsigned,
}

impl Logs {
    /// How `entry` relates to what is held. Says nothing about its signature.
    #[must_use]
    pub fn fit(&self, entry: &Signed<Entry>) -> Fit {
        let Some(log) = self.logs.get(&entry.log) else {
            return match entry.seq {
                _ if self.incarnations(&entry.log.author) >= MAX_INCARNATIONS => Fit::TooManyLogs,
                0 => Fit::Next,
                _ => Fit::Gap { from: 0 },
            };
        };
        if entry.seq > log.next() {
            return if entry.at < log.last_at { Fit::TimeRunsBack } else { Fit::Gap { from: log.next() } };
        }
        if entry.seq < log.start {
            return Fit::Held;
        }
        if let Some(held) = log.id(entry.seq) {
            return if held.0 == entry.hash() { Fit::Held } else { Fit::Fork };
        }
        match log.ids.last() {
            Some(last) if Some(*last) != entry.prev => Fit::OtherPast,
            _ if entry.at < log.last_at => Fit::TimeRunsBack,
            _ if !log.pace.has_room(entry.at, entry.bytes().len()) => Fit::TooFast,
            _ => Fit::Next,
        }
    }

    /// Adds the next entry of its log.
    ///
    /// # Panics
    /// If it is not the next one: the caller must have asked [`Logs::fit`].
    pub fn append(&mut self, entry: &Verified<Entry>) {
        let log = self.logs.entry(entry.log).or_default();
        assert_eq!(log.next(), entry.seq, "entries are appended in order");
        if log.cuts.last().is_none_or(|(_, at)| at.after(CUT_INTERVAL) <= entry.at) {
            log.cuts.reserve_exact(1);
            log.cuts.push((entry.seq, entry.at));
        }
        log.make_room();
        log.ids.push(EntryId(entry.hash()));
        log.last_at = entry.at;
        log.passed_on = log.passed_on.saturating_sub(1);
        log.pace.grow(entry.at, entry.bytes().len());
        log.recent.push_back(entry.at);
        if log.recent.len() > MAX_RECENT {
            log.recent.pop_front();
        }
        self.digest = None;
    }

    /// Whether to pass on an entry that does not follow on what is held, so that the pace of its log can't be told.
    pub fn may_pass_on(&mut self, log: &LogId) -> bool {
        let Some(log) = self.logs.get_mut(log).filter(|log| log.passed_on < MAX_PASSED_ON) else { return false };
        log.passed_on += 1;
        true
    }

    /// Lets go of what is held of a log: it is held from this entry on, which has yet to come.
    pub fn start_at(&mut self, start: LogStart) {
        let (beacon, fence) = self.logs.remove(&start.log).map_or((None, None), |log| (log.beacon, log.fence));
        self.logs.insert(start.log, Log { start: start.seq, beacon, fence, ..Log::default() });
        self.digest = None;
    }

    /// Lets go of what lies before each log's newest entry, of those that it may be cut at, from before `horizon`. Gives
    /// the logs that became shorter.
    pub fn cut(&mut self, horizon: UtcMillis) -> Vec<LogStart> {
        let cut = |(id, log): (&LogId, &mut Log)| log.cut(horizon).then_some(LogStart { log: *id, seq: log.start });
        self.logs.iter_mut().filter_map(cut).collect()
    }

    /// Time of the first entry held of a log.
    #[must_use]
    pub fn first_at(&self, log: &LogId) -> Option<UtcMillis> {
        self.logs.get(log)?.cuts.first().map(|(_, at)| *at)
    }

    /// Number of the first entry held of a log.
    #[must_use]
    pub fn start(&self, log: &LogId) -> u64 {
        self.logs.get(log).map_or(0, |log| log.start)
    }

    /// Forgets all logs of a convicted author: from now on nodes need not agree on them.
    pub fn forget(&mut self, author: &MemberKey) {
        self.logs.retain(|log, _| log.author != *author);
        self.digest = None;
    }

    /// Notes where the author says that its log ends; the newest word stands.
    pub fn hear(&mut self, beacon: &Verified<Beacon>) {
        // A log that nobody has an entry of needs no fence: nothing can have been filled in it.
        let Some(log) = self.logs.get_mut(&beacon.log) else { return };
        if log.beacon.as_ref().is_none_or(|known| known.at < beacon.at) {
            log.beacon = Some(beacon.clone());
        }
    }

    /// The newest promise of a log that is known.
    #[must_use]
    pub fn beacon(&self, id: &LogId) -> Option<&Verified<Beacon>> {
        self.logs.get(id)?.beacon.as_ref()
    }

    /// The beacon because of which the log is fenced at this instant, if it is not so by its entries alone.
    #[must_use]
    pub fn fence_at(&self, id: &LogId, instant: UtcMillis) -> Option<&Verified<Beacon>> {
        let log = self.logs.get(id).filter(|log| log.last_at < instant)?;
        log.beacon.as_ref().filter(|beacon| log.holds(beacon) && beacon.at >= instant)
    }

    /// A take was given up because of this beacon.
    pub fn rely_on(&mut self, beacon: &Verified<Beacon>) {
        if let Some(log) = self.logs.get_mut(&beacon.log) {
            log.fence = Some(beacon.clone());
        }
    }

    /// A beacon that says that `entry` does not exist.
    #[must_use]
    pub fn broken_by(&self, entry: &Verified<Entry>) -> Option<&Verified<Beacon>> {
        let log = self.logs.get(&entry.log)?;
        [&log.fence, &log.beacon].into_iter().flatten().find(|beacon| evidence::breaks(entry, beacon))
    }

    /// Number of an entry held that `beacon` says does not exist; only the newest entries are looked at.
    #[must_use]
    pub fn breaks(&self, beacon: &Beacon) -> Option<u64> {
        let log = self.logs.get(&beacon.log)?;
        let after = match beacon.last {
            Some((last, id)) if log.id(last).is_some_and(|held| held != id) => return Some(last),
            Some((last, _)) => last + 1,
            None => 0,
        };
        let from_end = usize::try_from(log.next().checked_sub(after)?).ok()?;
        let at = log.recent.get(log.recent.len().checked_sub(from_end)?)?;
        (*at <= beacon.at).then_some(after)
    }

    /// What a log has grown by lately.
    #[must_use]
    pub fn pace(&self, id: &LogId) -> Pace {
        self.logs.get(id).map_or_else(Pace::default, |log| log.pace)
    }

    /// The number under which an entry of this log is held.
    #[must_use]
    pub fn seq_of(&self, log: &LogId, id: EntryId) -> Option<u64> {
        let log = self.logs.get(log)?;
        Some(log.start + log.ids.iter().rposition(|held| *held == id)? as u64)
    }

    /// Up to when the log is fenced: everything in it before this instant is held.
    #[must_use]
    pub fn fenced_until(&self, id: &LogId) -> UtcMillis {
        let Some(log) = self.logs.get(id) else { return UtcMillis(0) };
        match &log.beacon {
            Some(beacon) if log.holds(beacon) => beacon.at.max(log.last_at),
            _ => log.last_at,
        }
    }

    /// The first number of this log that is missing.
    #[must_use]
    pub fn next_seq(&self, log: &LogId) -> u64 {
        self.logs.get(log).map_or(0, Log::next)
    }

    /// The last entry held of a log.
    #[must_use]
    pub fn head(&self, id: &LogId) -> Option<Head> {
        let log = self.logs.get(id)?;
        let last = *log.ids.last()?;
        Some(Head { log: *id, seq: log.next() - 1, id: last })
    }

    /// Whether this contradicts what is held, or goes beyond it. Nothing is known of what lies before what is held.
    #[must_use]
    pub fn lacks(&self, log: &LogId, seq: u64, id: EntryId) -> bool {
        seq >= self.start(log) && self.id(log, seq) != Some(id)
    }

    /// The id held under this number.
    #[must_use]
    pub fn id(&self, log: &LogId, seq: u64) -> Option<EntryId> {
        self.logs.get(log)?.id(seq)
    }

    /// Where every log ends, in order.
    pub fn heads(&self) -> impl Iterator<Item = Head> + '_ {
        self.logs.keys().filter_map(|id| self.head(id))
    }

    /// Names of an author's logs, oldest first.
    pub fn of(&self, author: &MemberKey) -> impl Iterator<Item = &LogId> {
        let author = *author;
        self.logs.range(LogId::first_of(author)..).map(|(id, _)| id).take_while(move |id| id.author == author)
    }

    /// Entries held, all logs together.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.logs.values().map(|log| log.ids.len() as u64).sum()
    }

    /// Over all heads: equal digests mean equal sets of entries.
    pub fn digest(&mut self) -> Digest {
        if let Some(digest) = self.digest {
            return digest;
        }
        let mut hasher = Sha256::new();
        for head in self.heads() {
            hasher.update(head.log.author.0);
            hasher.update(head.log.incarnation.opened.0.to_be_bytes());
            hasher.update(head.log.incarnation.nonce.to_be_bytes());
            hasher.update(head.seq.to_be_bytes());
            hasher.update(head.id.0);
        }
        let digest = Digest(hasher.finalize().into());
        self.digest = Some(digest);
        digest
    }

    fn incarnations(&self, author: &MemberKey) -> usize {
        self.of(author).count()
    }
}

impl Log {
    /// The first number that is missing.
    fn next(&self) -> u64 {
        self.start + self.ids.len() as u64
    }

    /// Room for the next id, and not for as many again: these are the larger part of what is remembered of logs.
    fn make_room(&mut self) {
        if self.ids.len() == self.ids.capacity() {
            self.ids.reserve_exact(self.ids.len() / 8 + 4);
        }
    }

    fn id(&self, seq: u64) -> Option<EntryId> {
        self.ids.get(usize::try_from(seq.checked_sub(self.start)?).ok()?).copied()
    }

    fn cut(&mut self, horizon: UtcMillis) -> bool {
        let older = self.cuts.partition_point(|(_, at)| *at < horizon);
        let Some(last_older) = older.checked_sub(1) else { return false };
        self.cuts.drain(..last_older);
        let (seq, _) = self.cuts[0];
        let gone = usize::try_from(seq - self.start).expect("it is held, so its place in memory has a number");
        self.ids.drain(..gone);
        self.ids.shrink_to_fit();
        self.start = seq;
        gone > 0
    }

    fn holds(&self, beacon: &Beacon) -> bool {
        beacon.last.is_none_or(|(seq, id)| self.id(seq) == Some(id))
    }
}

/// Believes consecutive entries by one good signature at their end: each names the hash of the one before.
///
/// Gives the entries up to the last good signature; those behind it may still be proved by a later range.
///
/// # Errors
/// [`BadRange`] if they are not a chain of one log with times that never decrease, or if nothing vouches for them.
pub fn verify_range(mut entries: Vec<Signed<Entry>>) -> Result<Vec<Verified<Entry>>, BadRange> {
    let linked = |pair: &[Signed<Entry>]| {
        let (one, next) = (&pair[0], &pair[1]);
        next.community == one.community
            && next.log == one.log
            && next.seq == one.seq + 1
            && next.prev == Some(EntryId(one.hash()))
            && next.at >= one.at
    };
    if !entries.windows(2).all(linked) {
        return Err(BadRange::NotAChain);
    }
    let good = entries.iter().rposition(Signed::has_good_signature);
    if good.is_none() && !entries.is_empty() {
        return Err(BadRange::Unsigned);
    }
    entries.truncate(good.map_or(0, |last| last + 1));
    Ok(entries.into_iter().map(Signed::trusted).collect())
}
