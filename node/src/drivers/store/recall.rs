//! What a start reads back: the records that a turn once made durable, in an order in which each finds what it needs.
//!
//! The governance chain by height, the own incarnation, reservations, where logs start, entries by log and number, the
//! own beacon, fences, requests, refusals, trades, proofs, readings, the autopilot's settings. Of what only grows, the recent
//! part.

use std::time::Duration;

use rocksdb::ReadOptions;
use wattswap_matching::{Slot, UtcMillis};

use super::layout::{self, Family, meta};
use super::{ReadError, Store, listing, read, records};
use crate::protocol::charter::Act;
use crate::protocol::governance::SignedRecord;
use crate::protocol::household::io::{OwnTrade, Record, Request, RequestId};
use crate::protocol::ids::{MemberKey, ProposalId};
use crate::protocol::logs::LogStart;
use crate::protocol::metering::{MAX_ROWS, MeterId, Reading, Verdict};
use crate::protocol::wire::Malformed;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Readings of a meter that are read back: a household thins out the older ones, and so its memory reaches further back than
/// the newest ones alone. A week of one every ten seconds.
const MAX_RECALLED: usize = 8 * MAX_ROWS;
/// Readings of a meter that are looked at for those that count: a device that was set wrongly may have written more than those
/// for weeks.
const MAX_LOOKED_AT: usize = 64 * MAX_ROWS;
/// Entries come out of the database in pieces of this size.
const READ_AHEAD: usize = 2 << 20;

/// The records of a store, in the order in which a household takes them back. Ends early at the first one that can't
/// be read: ask [`Recall::finish`].
pub struct Recall<'s> {
    records: Box<dyn Iterator<Item = Result<Record, ReadError>> + 's>,
    outcome: Result<u64, ReadError>,
}

impl Recall<'_> {
    /// How many records there were.
    ///
    /// # Errors
    /// [`ReadError`] if one of them could not be read; a household that was made of the others must not be used.
    pub fn finish(self) -> Result<u64, ReadError> {
        self.outcome
    }
}

impl Iterator for Recall<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let Ok(count) = &mut self.outcome else { return None };
        match self.records.next()? {
            Ok(record) => {
                *count += 1;
                Some(record)
            }
            Err(error) => {
                self.outcome = Err(error);
                None
            }
        }
    }
}

impl Store {
    /// Reads back what a household needs to go on at `now`.
    #[must_use]
    pub fn load(&self, now: UtcMillis) -> Recall<'_> {
        let since = now.before(self.longest_life() + DAY);
        let incarnation =
            self.one(meta::INCARNATION, |value| records::read_incarnation(value).map(Record::Incarnation));
        let beacon = self.one(meta::BEACON, |value| records::read_beacon(value).map(Record::Beacon));
        let autopilot = self.one(meta::AUTOPILOT, |value| records::read_autopilot(value).map(Record::Autopilot));
        let reservations =
            self.all(Family::Reservations, |_, value| records::read_reservation(value).map(Record::Reservation));
        let records = self
            .governance()
            .map(|record| record.map(Record::Governance))
            .chain(incarnation)
            .chain(reservations)
            .chain(self.log_starts())
            .chain(self.entries())
            .chain(beacon)
            .chain(self.all(Family::Fences, |_, value| records::read_beacon(value).map(Record::Fence)))
            .chain(self.requests_to_recall(since))
            .chain(self.all(Family::Refusals, |_, value| {
                let (refusal, closes_at) = records::read_refusal(value)?;
                Ok(Record::Refusal { refusal, closes_at })
            }))
            .chain(self.trades_to_recall(Slot(since)))
            .chain(self.all(Family::Proofs, |key, value| {
                let key = listing::array(key).map(MemberKey)?;
                Ok(Record::Proof { key, proof: records::read_proof(value)? })
            }))
            .chain(self.readings_to_recall())
            .chain(autopilot);
        Recall { records: Box::new(records), outcome: Ok(0) }
    }

    /// The governance chain, by height.
    pub fn governance(&self) -> impl Iterator<Item = Result<SignedRecord, ReadError>> + '_ {
        self.all(Family::Governance, |_, value| SignedRecord::parse(value))
    }

    /// From a slot's opening until nothing that anybody writes of it counts any more, by the charter by which that is longest.
    /// Requests that were placed and trades that were made in that time, and a day more, are read back: a command that comes
    /// again must be recognised, and what is sold must not be sold again.
    fn longest_life(&self) -> Duration {
        // A record that can't be read is met again where the chain itself is.
        let lives = self.governance().map_while(Result::ok).filter_map(|record| match &record.record.act {
            Act::Charter(charter) => Some(charter.shape.life()),
            Act::Seals(_) => None,
        });
        lives.max().unwrap_or_default()
    }

    fn log_starts(&self) -> impl Iterator<Item = Result<Record, ReadError>> + '_ {
        self.all(Family::LogStarts, |key, value| {
            let log = layout::parse_log(key).ok_or(Malformed::Broken("the key names no log"))?;
            let seq = u64::from_be_bytes(listing::array(value)?);
            Ok(Record::LogStart(LogStart { log, seq }))
        })
    }

    fn entries(&self) -> impl Iterator<Item = Result<Record, ReadError>> + '_ {
        self.all(Family::Entries, |key, value| {
            let entry = records::read_entry(value)?;
            if layout::parse_entry(key) == Some((entry.log, entry.seq)) {
                Ok(Record::Entry(entry))
            } else {
                Err(Malformed::Broken("an entry lies under another entry's key"))
            }
        })
    }

    fn requests_to_recall(&self, since: UtcMillis) -> impl Iterator<Item = Result<Record, ReadError>> + '_ {
        let id = |key: &[u8], _: &[u8]| listing::tail(key, 8).and_then(listing::array).map(RequestId);
        let is_older = move |key: &[u8]| *key < since.0.to_be_bytes()[..];
        let older_but_open = self
            .all(Family::RequestsOpen, move |key, value| Ok(is_older(key).then_some(id(key, value)?)))
            .map_while(Result::transpose);
        let recent = self.since(Family::RequestsByTime, since, id);
        older_but_open.chain(recent).map(|id| self.indexed_request(id?).map(Record::Request))
    }

    fn trades_to_recall(&self, since: Slot) -> impl Iterator<Item = Result<Record, ReadError>> + '_ {
        self.since(Family::TradesBySlot, since.start(), |key, _| listing::tail(key, 16).and_then(listing::array))
            .map(|id| self.indexed_trade(ProposalId(id?)).map(Record::Trade))
    }

    /// The newest readings of each meter that count, oldest first.
    fn readings_to_recall(&self) -> impl Iterator<Item = Result<Record, ReadError>> + '_ {
        let (meters, error) = match self.meters() {
            Ok(meters) => (meters, None),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        meters.into_iter().flat_map(|meter| self.newest_readings_of(meter)).chain(error)
    }

    fn newest_readings_of(&self, meter: MeterId) -> impl Iterator<Item = Result<Record, ReadError>> + '_ {
        let mut scan = self.scan(Family::Readings, &layout::meter(&meter), ReadOptions::default());
        scan.seek_to_last();
        let newest_first = std::iter::from_fn(|| {
            let reading = read(&mut scan, |key, value| {
                let at = listing::tail(key, key.len().saturating_sub(8)).and_then(listing::time)?;
                records::read_reading(meter.clone(), at, value)
            });
            scan.prev();
            reading.transpose()
        });
        let counts = |reading: &Result<Reading, ReadError>| {
            reading.as_ref().map_or(true, |reading| reading.verdict == Verdict::Accepted)
        };
        let mut readings: Vec<_> = newest_first.take(MAX_LOOKED_AT).filter(counts).take(MAX_RECALLED).collect();
        readings.reverse();
        readings.into_iter().map(|reading| reading.map(Record::Reading))
    }

    fn meters(&self) -> Result<Vec<MeterId>, ReadError> {
        let mut scan = self.scan(Family::Readings, &[], ReadOptions::default());
        scan.seek_to_first();
        let mut meters = Vec::new();
        while let Some(meter) = read(&mut scan, |key, _| listing::meter(key))? {
            // The next meter's first reading is the first key behind all keys of this one.
            let behind = layout::behind(&layout::meter(&meter)).expect("a meter's prefix ends with a zero byte");
            scan.seek(behind);
            meters.push(meter);
        }
        Ok(meters)
    }

    fn one(
        &self,
        key: &[u8],
        parse: impl FnOnce(&[u8]) -> Result<Record, Malformed>,
    ) -> Option<Result<Record, ReadError>> {
        self.get(Family::Meta, key, parse).transpose()
    }

    /// Every record of a family, in the order of keys.
    fn all<T>(
        &self,
        family: Family,
        parse: impl FnMut(&[u8], &[u8]) -> Result<T, Malformed>,
    ) -> impl Iterator<Item = Result<T, ReadError>> {
        self.starting_at(family, Vec::new(), parse)
    }

    /// Every record of a family whose keys start with a time, from `since` on.
    fn since<T>(
        &self,
        family: Family,
        since: UtcMillis,
        parse: impl FnMut(&[u8], &[u8]) -> Result<T, Malformed>,
    ) -> impl Iterator<Item = Result<T, ReadError>> {
        self.starting_at(family, since.0.to_be_bytes().to_vec(), parse)
    }

    fn starting_at<T>(
        &self,
        family: Family,
        first: Vec<u8>,
        mut parse: impl FnMut(&[u8], &[u8]) -> Result<T, Malformed>,
    ) -> impl Iterator<Item = Result<T, ReadError>> {
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        options.set_readahead_size(READ_AHEAD);
        let mut scan = self.scan(family, &[], options);
        scan.seek(first);
        std::iter::from_fn(move || {
            let record = read(&mut scan, &mut parse);
            scan.next();
            record.transpose()
        })
    }

    pub(super) fn indexed_request(&self, id: RequestId) -> Result<Request, ReadError> {
        self.request(id)?.ok_or_else(|| ReadError::Damaged(format!("request {} is missing", hex::encode(id.0))))
    }

    pub(super) fn indexed_trade(&self, id: ProposalId) -> Result<OwnTrade, ReadError> {
        self.trade(id)?.ok_or_else(|| ReadError::Damaged(format!("trade {id} is missing")))
    }
}
