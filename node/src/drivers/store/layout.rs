//! What the database looks like: its column families, their keys, and how each is tuned.
//!
//! All numbers in keys are big-endian, so that RocksDB's order of bytes is the order of time and of logs. Values are
//! in `records`. `docs/on-disk.md` is the same for people; change both, and [`FORMAT`], together.

use rocksdb::{BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, LogLevel, Options};
use wattswap_matching::{Slot, UtcMillis};

use crate::protocol::household::io::RequestId;
use crate::protocol::ids::{Incarnation, LogId, MemberKey, ProposalId};
use crate::protocol::metering::MeterId;

/// Version of all that this file and `records` describe. A store of another version is not opened.
pub const FORMAT: u32 = 1;

const MIB: usize = 1 << 20;
/// Memory for blocks that were read: a few pages of listings. Entries are scanned once, at start, around it.
const BLOCK_CACHE: usize = 8 * MIB;
/// Entries gather here before they become a file: large enough that catching up with a community writes few files.
const ENTRIES_BUFFER: usize = 16 * MIB;
/// The same for everything else, which is small and comes one at a time.
const OTHER_BUFFER: usize = 2 * MIB;
/// All those buffers together, at the worst.
const ALL_BUFFERS: usize = 32 * MIB;
/// A buffer grows in steps of this: eighteen families that hold a record each must not cost a megabyte each.
const ARENA_BLOCK: usize = 64 << 10;
/// What may have to be replayed at start.
const MAX_WAL: u64 = 64 << 20;
/// Files kept open.
const MAX_OPEN_FILES: i32 = 256;
/// RocksDB's own diary, `LOG`: warnings only, two short files.
const DIARY_BYTES: usize = MIB;

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// What there is one of, see [`meta`]: name -> its value.
    Meta,
    /// The governance chain: height -> signed record.
    Governance,
    /// Every member's logs: author, incarnation, seq -> the entry's id and the signed entry.
    Entries,
    /// Logs that are not kept from their first entry on: author, incarnation -> number of the first entry kept.
    LogStarts,
    /// This household's requests: id -> request.
    Requests,
    /// Index: when it was placed, id -> nothing.
    RequestsByTime,
    /// Index: slot, when it was placed, id -> nothing.
    RequestsBySlot,
    /// Index of those that may still trade: when it was placed, id -> nothing.
    RequestsOpen,
    /// Takes in doubt: proposal -> reservation.
    Reservations,
    /// Beacons because of which takes were given up, should a log break them: author, incarnation -> beacon.
    Fences,
    /// What this household refused and may be asked for again, and what it was refused: proposal -> refusal.
    Refusals,
    /// This household's trades: proposal -> trade.
    Trades,
    /// Index: when it was recorded, proposal -> nothing.
    TradesByTime,
    /// Index: slot, when it was recorded, proposal -> nothing.
    TradesBySlot,
    /// Proofs of cheating: the cheat's key -> proof.
    Proofs,
    /// Meter readings: meter, a zero byte, time -> reading.
    Readings,
    /// Index: time, meter -> nothing.
    ReadingsByTime,
    /// Access tokens: the first 8 bytes of the hash -> token.
    Tokens,
}

/// Keys of [`Family::Meta`].
pub mod meta {
    /// [`super::FORMAT`], 4 bytes, big-endian.
    pub const FORMAT: &[u8] = b"format";
    /// Public key of the household that the store belongs to, 32 bytes.
    pub const HOUSEHOLD: &[u8] = b"household";
    /// The household's own current log.
    pub const INCARNATION: &[u8] = b"incarnation";
    /// The newest signed beacon of the own log.
    pub const BEACON: &[u8] = b"beacon";
    /// What the owner allows the autopilot.
    pub const AUTOPILOT: &[u8] = b"autopilot";
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Meta,
        Self::Governance,
        Self::Entries,
        Self::LogStarts,
        Self::Requests,
        Self::RequestsByTime,
        Self::RequestsBySlot,
        Self::RequestsOpen,
        Self::Reservations,
        Self::Fences,
        Self::Refusals,
        Self::Trades,
        Self::TradesByTime,
        Self::TradesBySlot,
        Self::Proofs,
        Self::Readings,
        Self::ReadingsByTime,
        Self::Tokens,
    ];

    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            // RocksDB wants a family of this name; it holds what every version must be able to read.
            Self::Meta => "default",
            Self::Governance => "governance",
            Self::Entries => "entries",
            Self::LogStarts => "log-starts",
            Self::Requests => "requests",
            Self::RequestsByTime => "requests-by-time",
            Self::RequestsBySlot => "requests-by-slot",
            Self::RequestsOpen => "requests-open",
            Self::Reservations => "reservations",
            Self::Fences => "fences",
            Self::Refusals => "refusals",
            Self::Trades => "trades",
            Self::TradesByTime => "trades-by-time",
            Self::TradesBySlot => "trades-by-slot",
            Self::Proofs => "proofs",
            Self::Readings => "readings",
            Self::ReadingsByTime => "readings-by-time",
            Self::Tokens => "tokens",
        }
    }
}

/// Key of an entry.
#[must_use]
pub fn entry(log: &LogId, seq: u64) -> [u8; 56] {
    let mut key = [0; 56];
    key[..48].copy_from_slice(&self::log(log));
    key[48..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// How the keys of a log's entries start.
#[must_use]
pub fn log(log: &LogId) -> [u8; 48] {
    let mut key = [0; 48];
    key[..32].copy_from_slice(&log.author.0);
    key[32..40].copy_from_slice(&log.incarnation.opened.0.to_be_bytes());
    key[40..].copy_from_slice(&log.incarnation.nonce.to_be_bytes());
    key
}

/// The log and number that an entry's key names.
#[must_use]
pub fn parse_entry(key: &[u8]) -> Option<(LogId, u64)> {
    let (log, seq) = key.split_first_chunk::<48>()?;
    Some((parse_log(log)?, u64::from_be_bytes(seq.try_into().ok()?)))
}

/// The log that a key names.
#[must_use]
pub fn parse_log(key: &[u8]) -> Option<LogId> {
    let (author, rest) = key.split_first_chunk::<32>()?;
    let (opened, nonce) = rest.split_first_chunk::<8>()?;
    let nonce = u64::from_be_bytes(nonce.try_into().ok()?);
    Some(LogId { author: MemberKey(*author), incarnation: Incarnation { opened: time(*opened), nonce } })
}

/// Key of a request in an index by time.
#[must_use]
pub fn request_by_time(placed_at: UtcMillis, id: RequestId) -> Vec<u8> {
    [placed_at.0.to_be_bytes().as_slice(), &id.0].concat()
}

/// Key of a request in the index by slot.
#[must_use]
pub fn request_by_slot(slot: Slot, placed_at: UtcMillis, id: RequestId) -> Vec<u8> {
    [self::slot(slot).as_slice(), &placed_at.0.to_be_bytes(), &id.0].concat()
}

/// Key of a trade in the index by time.
#[must_use]
pub fn trade_by_time(recorded_at: UtcMillis, id: ProposalId) -> Vec<u8> {
    [recorded_at.0.to_be_bytes().as_slice(), &id.0].concat()
}

/// Key of a trade in the index by slot.
#[must_use]
pub fn trade_by_slot(slot: Slot, recorded_at: UtcMillis, id: ProposalId) -> Vec<u8> {
    [self::slot(slot).as_slice(), &recorded_at.0.to_be_bytes(), &id.0].concat()
}

/// How the keys of a slot start in an index by slot.
#[must_use]
pub fn slot(slot: Slot) -> [u8; 8] {
    slot.start().0.to_be_bytes()
}

/// Key of a reading.
#[must_use]
pub fn reading(meter: &MeterId, at: UtcMillis) -> Vec<u8> {
    [&self::meter(meter), at.0.to_be_bytes().as_slice()].concat()
}

/// How the keys of a meter's readings start. A name holds no zero byte, so none is the start of another.
#[must_use]
pub fn meter(meter: &MeterId) -> Vec<u8> {
    [meter.as_str().as_bytes(), &[0]].concat()
}

/// Key of a reading in the index by time.
#[must_use]
pub fn reading_by_time(at: UtcMillis, meter: &MeterId) -> Vec<u8> {
    [at.0.to_be_bytes().as_slice(), meter.as_str().as_bytes()].concat()
}

/// The first key behind all that start with `prefix`; none if there can't be one.
#[must_use]
pub fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut key = prefix[..=last].to_vec();
    key[last] += 1;
    Some(key)
}

fn time(bytes: [u8; 8]) -> UtcMillis {
    UtcMillis(u64::from_be_bytes(bytes))
}

/// How the database as a whole is run.
#[must_use]
pub fn database(recovery: DBRecoveryMode) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_wal_recovery_mode(recovery);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_max_total_wal_size(MAX_WAL);
    options.set_db_write_buffer_size(ALL_BUFFERS);
    options.set_max_open_files(MAX_OPEN_FILES);
    options.set_max_background_jobs(2);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(DIARY_BYTES);
    options.set_keep_log_file_num(2);
    // An idle home shall not wake up for statistics that nobody reads.
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

/// All families with their tuning.
#[must_use]
pub fn families() -> Vec<ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(BLOCK_CACHE);
    Family::ALL.iter().map(|family| ColumnFamilyDescriptor::new(family.name(), tuning(*family, &cache))).collect()
}

fn tuning(family: Family, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(16 << 10);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_arena_block_size(ARENA_BLOCK);
    if family == Family::Entries {
        options.set_write_buffer_size(ENTRIES_BUFFER);
        options.set_max_write_buffer_number(3);
    } else {
        options.set_write_buffer_size(OTHER_BUFFER);
    }
    options
}
