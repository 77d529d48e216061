//! The household's memory: RocksDB, written one synced batch a turn.
//!
//! `layout` says which column families there are, `records` how values look, `open` what is refused at the door,
//! `commit` how a turn becomes durable, `recall` what a start reads back, `listing` and `tokens` what the HTTP face
//! asks for. `docs/on-disk.md` describes the same for people. Nothing in here decides anything about the market.

mod commit;
pub mod layout;
mod listing;
mod open;
mod recall;
mod records;
#[cfg(test)]
mod tests;
mod tokens;
mod wal;

pub use commit::CommitError;
pub use listing::{ListError, Listing, Page, Requests};
pub use open::OpenError;
pub use recall::Recall;
pub use tokens::{MAX_TOKENS, Token, TokenError, TokenRole};

use std::path::{Path, PathBuf};

use rocksdb::{ColumnFamily, DB, DBRawIterator, ReadOptions};

use self::layout::Family;
use crate::protocol::ids::{LogId, MemberKey};
use crate::protocol::message::Bytes;
use crate::protocol::wire::Malformed;

/// An open store. Any thread may read; one writes turns.
pub struct Store {
    db: DB,
    path: PathBuf,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A checksum, a missing file, or a record that makes no sense.
    #[error(
        "the store is damaged: {0}. Stop the node and keep the folder as it is; bring back the newest copy of the store, \
         or move the store away and begin an empty one with `wattswap init`; then start with `run --restored`. What \
         neither the copy nor the neighbours hold is lost; as long as nobody who holds this household's log can be \
         reached, ask the operators to seal it"
    )]
    Damaged(String),
    /// The disk or the file system failed.
    #[error("the store can't be read: {0}; check the disk")]
    Failed(String),
}

impl Store {
    /// Opens the store in the folder `path` for this household; makes one if there is none.
    ///
    /// # Errors
    /// [`OpenError`] says what stands in the way and what to do about it. Nothing is lost by trying.
    pub fn open(path: &Path, household: MemberKey) -> Result<Self, OpenError> {
        open::open(path, household)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Entries of a log as they were signed, from number `from` on: at most `count`, at most `max_bytes` together, but
    /// one at least if there is one. Ends where the store does.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn range(&self, log: &LogId, from: u64, count: u16, max_bytes: usize) -> Result<Vec<Bytes>, ReadError> {
        let mut scan = self.scan(Family::Entries, &layout::log(log), ReadOptions::default());
        scan.seek(layout::entry(log, from));
        let mut entries = Vec::new();
        let mut bytes = 0;
        for seq in (from..=u64::MAX).take(usize::from(count)) {
            if scan.key() != Some(layout::entry(log, seq).as_slice()) {
                break;
            }
            let Some(entry) = read(&mut scan, |_, value| records::entry_bytes(value).map(Bytes::from))? else { break };
            bytes += entry.len();
            if bytes > max_bytes && !entries.is_empty() {
                break;
            }
            entries.push(entry);
            scan.next();
        }
        scan.status()?;
        Ok(entries)
    }

    fn family(&self, family: Family) -> &ColumnFamily {
        self.db.cf_handle(family.name()).expect("all families were opened")
    }

    fn get<T>(
        &self,
        family: Family,
        key: &[u8],
        parse: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>, ReadError> {
        let value = self.db.get_pinned_cf(self.family(family), key).map_err(ReadError::from)?;
        value.map(|value| parse(&value).map_err(|malformed| senseless(key, malformed))).transpose()
    }

    /// An iterator over the keys that start with `prefix`; it stands nowhere yet.
    fn scan(&self, family: Family, prefix: &[u8], mut options: ReadOptions) -> DBRawIterator<'_> {
        options.set_iterate_lower_bound(prefix);
        if let Some(behind) = layout::behind(prefix) {
            options.set_iterate_upper_bound(behind);
        }
        self.db.raw_iterator_cf_opt(self.family(family), options)
    }
}

/// What `parse` makes of the record at which `scan` stands; none at its end.
fn read<T>(
    scan: &mut DBRawIterator<'_>,
    parse: impl FnOnce(&[u8], &[u8]) -> Result<T, Malformed>,
) -> Result<Option<T>, ReadError> {
    match scan.item() {
        Some((key, value)) => parse(key, value).map(Some).map_err(|malformed| senseless(key, malformed)),
        None => scan.status().map(|()| None).map_err(ReadError::from),
    }
}

fn senseless(key: &[u8], malformed: Malformed) -> ReadError {
    ReadError::Damaged(format!("the record under {} makes no sense ({malformed})", hex::encode(key)))
}

impl From<rocksdb::Error> for ReadError {
    fn from(error: rocksdb::Error) -> Self {
        match error.kind() {
            rocksdb::ErrorKind::Corruption => Self::Damaged(error.into_string()),
            _ => Self::Failed(error.into_string()),
        }
    }
}
