//! 2: a household writes one history. No number of its log is used twice, its time never runs back, and what it appends
//! is later than every beacon that left the house.

use std::collections::BTreeMap;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::entry::{Beacon, Entry};
use wattswap_node::protocol::household::io::Record;
use wattswap_node::protocol::ids::{EntryId, LogId, MemberKey};
use wattswap_node::protocol::signed::Verified;

use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// What a log's author has written and promised.
#[derive(Clone, Debug, Default)]
struct History {
    ids: Vec<EntryId>,
    written_at: UtcMillis,
    promised: Option<UtcMillis>,
}

/// Remembers the end of each log.
#[derive(Clone, Debug, Default)]
pub(crate) struct OneHistory(BTreeMap<LogId, History>);

impl OneHistory {
    /// Notes what the household with this key made durable.
    ///
    /// # Errors
    /// What does not go on with what it wrote before, in words.
    pub(crate) fn note(&mut self, key: MemberKey, records: &[Record]) -> Result<(), String> {
        for record in records {
            match record {
                Record::Entry(entry) if entry.log.author == key => self.entry(entry)?,
                Record::Beacon(beacon) => self.beacon(beacon)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Verified<Entry>) -> Result<(), String> {
        let history = self.0.entry(entry.log).or_default();
        let (id, next) = (EntryId(entry.hash()), history.ids.len() as u64);
        let name = || format!("entry {} of {} in log {}", entry.seq, entry.log.author, entry.log.incarnation);
        // What a restored household fetches back is its own old word.
        if let Some(written) = usize::try_from(entry.seq).ok().and_then(|seq| history.ids.get(seq)) {
            return require(*written == id, || format!("{} was written before, and otherwise: two histories", name()));
        }
        require(entry.seq == next, || format!("{} comes where number {next} should", name()))?;
        require(entry.prev == history.ids.last().copied(), || format!("{} does not follow the one before", name()))?;
        require(entry.at >= history.written_at, || format!("{} is dated before the one before", name()))?;
        let keeps_word = history.promised.is_none_or(|promised| entry.at > promised);
        require(keeps_word, || format!("{} breaks the promise of a beacon", name()))?;
        history.ids.push(id);
        history.written_at = entry.at;
        Ok(())
    }

    fn beacon(&mut self, beacon: &Beacon) -> Result<(), String> {
        let end = self.0.entry(beacon.log).or_default();
        let author = beacon.log.author;
        let last = end.ids.last().map(|id| (end.ids.len() as u64 - 1, *id));
        require(beacon.last == last, || format!("a beacon of {author} says that its log ends elsewhere"))?;
        require(beacon.at >= end.written_at, || format!("a beacon of {author} is dated before its last entry"))?;
        end.promised = end.promised.max(Some(beacon.at));
        Ok(())
    }
}

impl Checker for OneHistory {
    fn name(&self) -> &'static str {
        "one_history"
    }

    fn after_turn(&mut self, _: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        self.note(street.key(turn.home), &turn.records)
    }
}
