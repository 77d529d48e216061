//! How a turn of the loop becomes durable: all of its records in one synced batch, or none of them.

use rocksdb::{WriteBatch, WriteOptions};

use super::layout::{self, Family, meta};
use super::{Store, records};
use crate::protocol::household::io::{OwnTrade, Record, Request, RequestState};
use crate::protocol::logs::LogStart;
use crate::protocol::metering::Reading;

/// Why a turn did not become durable. Whoever gets this must not let anything of the turn out of the house, and stop:
/// whether the store holds the turn is only known after the next start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// No space, or beyond a quota or a limit on file sizes.
    #[error("the disk is full ({0}); free some space and start the node again")]
    Full(String),
    /// The disk or the file system failed in another way.
    #[error("the store can't be written ({0}); check the disk and start the node again")]
    Failed(String),
}

impl Store {
    /// Makes all of `records` durable, in their order, or none of them.
    ///
    /// # Errors
    /// [`CommitError`]; the store takes no further writes after that.
    pub fn commit(&self, records: &[Record]) -> Result<(), CommitError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut batch = Batch { store: self, batch: WriteBatch::default() };
        for record in records {
            batch.add(record);
        }
        self.write(batch.batch)
    }

    /// Writes a batch and waits until it is on the disk.
    pub(super) fn write(&self, batch: WriteBatch) -> Result<(), CommitError> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        // Entries of a log come in the order of their keys.
        options.set_memtable_insert_hint_per_batch(true);
        self.db.write_opt(batch, &options).map_err(CommitError::from)
    }
}

struct Batch<'s> {
    store: &'s Store,
    batch: WriteBatch,
}

impl Batch<'_> {
    fn add(&mut self, record: &Record) {
        match record {
            Record::Incarnation(own) => {
                self.put(Family::Meta, meta::INCARNATION, &records::write_incarnation(own));
            }
            Record::Entry(entry) => {
                self.put(Family::Entries, &layout::entry(&entry.log, entry.seq), &records::write_entry(entry));
            }
            Record::LogStart(start) => self.log_start(start),
            Record::Governance(record) => {
                self.put(Family::Governance, &record.record.height.to_be_bytes(), &record.bytes);
            }
            Record::Beacon(beacon) => self.put(Family::Meta, meta::BEACON, beacon.bytes()),
            Record::Fence(beacon) => self.put(Family::Fences, &layout::log(&beacon.log), beacon.bytes()),
            Record::Request(request) => self.request(request),
            Record::Reservation(reservation) => {
                let id = reservation.proposal.hash();
                self.put(Family::Reservations, &id, &records::write_reservation(reservation));
            }
            Record::Released(proposal) => self.delete(Family::Reservations, &proposal.0),
            Record::Refusal { refusal, closes_at } => {
                self.put(Family::Refusals, &refusal.proposal.0, &records::write_refusal(refusal, *closes_at));
            }
            Record::Forgotten(proposal) => self.delete(Family::Refusals, &proposal.0),
            Record::Trade(trade) => self.trade(trade),
            Record::Proof { key, proof } => self.put(Family::Proofs, &key.0, &records::write_proof(proof)),
            Record::Reading(reading) => self.reading(reading),
            Record::Autopilot(settings) => {
                self.put(Family::Meta, meta::AUTOPILOT, &records::write_autopilot(settings));
            }
        }
    }

    fn log_start(&mut self, LogStart { log, seq }: &LogStart) {
        let (first, kept) = (layout::entry(log, 0), layout::entry(log, *seq));
        self.batch.delete_range_cf(self.store.family(Family::Entries), first, kept);
        self.put(Family::LogStarts, &layout::log(log), &seq.to_be_bytes());
    }

    fn request(&mut self, request: &Request) {
        let by_time = layout::request_by_time(request.placed_at, request.id);
        self.put(Family::Requests, &request.id.0, &records::write_request(request));
        self.put(Family::RequestsByTime, &by_time, &[]);
        self.put(
            Family::RequestsBySlot,
            &layout::request_by_slot(request.wish.slot, request.placed_at, request.id),
            &[],
        );
        if request.state == RequestState::Live || request.in_doubt.is_positive() {
            self.put(Family::RequestsOpen, &by_time, &[]);
        } else {
            self.delete(Family::RequestsOpen, &by_time);
        }
    }

    fn trade(&mut self, own: &OwnTrade) {
        let (id, slot) = (own.trade.id(), own.trade.proposal.slot);
        self.put(Family::Trades, &id.0, &records::write_trade(own));
        self.put(Family::TradesByTime, &layout::trade_by_time(own.recorded_at, id), &[]);
        self.put(Family::TradesBySlot, &layout::trade_by_slot(slot, own.recorded_at, id), &[]);
    }

    fn reading(&mut self, reading: &Reading) {
        let row = &reading.row;
        self.put(Family::Readings, &layout::reading(&row.meter, row.at), &records::write_reading(reading));
        self.put(Family::ReadingsByTime, &layout::reading_by_time(row.at, &row.meter), &[]);
    }

    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        self.batch.put_cf(self.store.family(family), key, value);
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.batch.delete_cf(self.store.family(family), key);
    }
}

impl From<rocksdb::Error> for CommitError {
    fn from(error: rocksdb::Error) -> Self {
        let text = error.into_string();
        if is_full(&text) { Self::Full(text) } else { Self::Failed(text) }
    }
}

/// Whether RocksDB's text says that there is no more room. The C interface gives nothing but the text; these are
/// `strerror` of ENOSPC, EDQUOT and EFBIG.
pub(super) fn is_full(text: &str) -> bool {
    ["No space left on device", "Disk quota exceeded", "File too large"].iter().any(|full| text.contains(full))
}
