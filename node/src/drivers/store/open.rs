//! Opening the store: what is refused at the door, and the advice that goes with it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rocksdb::{DB, DBRecoveryMode, Options, WriteBatch};

use super::layout::{self, FORMAT, Family, meta};
use super::{CommitError, ReadError, Store, commit, wal};
use crate::protocol::ids::MemberKey;

/// Why a store was not opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be made or entered.
    #[error("can't use {} as a folder: {source}; check its owner and its permissions", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder or a file in it can't be written.
    #[error("the store can't be written ({0}); check who owns its folder, and that its disk is not read-only")]
    NotWritable(String),
    /// Another process has it.
    #[error(
        "the store at {} is in use: this household runs already, and must never run twice. Stop the other one first",
        .0.display()
    )]
    InUse(PathBuf),
    /// No room.
    #[error("the disk is full ({0}); free some space and start the node again")]
    Full(String),
    /// A checksum, a missing file, a record that makes no sense.
    #[error(transparent)]
    Damaged(#[from] ReadError),
    /// A newer program wrote it.
    #[error(
        "the store has format {found} and this program knows up to {known}: a newer version of wattswap wrote it. \
         Install that version or a newer one"
    )]
    Newer {
        /// Format of the store.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// Another key's store.
    #[error(
        "the store belongs to the household {store}, but the key is {key}'s: check that the key and the store come \
         from the same folder"
    )]
    OtherHousehold {
        /// To whom it belongs.
        store: MemberKey,
        /// Who asks.
        key: MemberKey,
    },
}

pub(super) fn open(path: &Path, household: MemberKey) -> Result<Store, OpenError> {
    std::fs::create_dir_all(path).map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
    refuse_unknown_families(path)?;
    let store = Store { db: open_database(path)?, path: path.to_owned() };
    match store.format()? {
        Some(FORMAT) => {}
        Some(found) if found > FORMAT => return Err(OpenError::Newer { found, known: FORMAT }),
        Some(found) => return Err(damaged(format!("format {found} has never existed"))),
        None if store.is_empty()? => store.found(household).map_err(OpenError::from)?,
        None => return Err(damaged("it holds records, but does not say in which format".to_owned())),
    }
    match store.household()? {
        Some(owner) if owner == household => Ok(store),
        Some(owner) => Err(OpenError::OtherHousehold { store: owner, key: household }),
        None => Err(damaged("it does not say whose it is".to_owned())),
    }
}

/// A version that added column families is newer than this one: say so, rather than what RocksDB says. And RocksDB
/// would make a new database over one that has lost its `CURRENT`.
fn refuse_unknown_families(path: &Path) -> Result<(), OpenError> {
    if !path.join("CURRENT").exists() {
        let has_data =
            |file: &OsStr| file.to_str().is_some_and(|name| name.ends_with(".sst") || name.ends_with(".log"));
        let files = std::fs::read_dir(path).map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
        let is_headless = files.flatten().any(|file| has_data(&file.file_name()));
        return if is_headless { Err(damaged("its file CURRENT is missing".to_owned())) } else { Ok(()) };
    }
    let found = DB::list_cf(&Options::default(), path).map_err(|error| refusal(path, error))?;
    let is_known = |name: &String| Family::ALL.iter().any(|family| family.name() == name);
    if found.iter().all(is_known) {
        return Ok(());
    }
    let db = DB::open_cf_for_read_only(&Options::default(), path, [Family::Meta.name()], false)
        .map_err(|error| refusal(path, error))?;
    match db.get(meta::FORMAT).map(|value| value.and_then(|value| parse_format(&value))) {
        Ok(Some(found)) if found > FORMAT => Err(OpenError::Newer { found, known: FORMAT }),
        _ => Err(damaged(format!("it has unknown column families: {}", found.join(", ")))),
    }
}

/// Opens the database strictly first: damage in the middle of the write-ahead log must not pass for its end. If only
/// the last batch is torn, as after a power cut, that batch was never acknowledged and may go.
fn open_database(path: &Path) -> Result<DB, OpenError> {
    if wal::is_damaged_inside(path) {
        return Err(damaged("a batch of its write-ahead log is broken, and whole ones follow it".to_owned()));
    }
    let strict = DBRecoveryMode::TolerateCorruptedTailRecords;
    let open = |mode| DB::open_cf_descriptors(&layout::database(mode), path, layout::families());
    open(strict)
        .or_else(|error| {
            let is_torn = error.kind() == rocksdb::ErrorKind::Corruption && wal::only_the_end_is_torn(path);
            if is_torn { open(DBRecoveryMode::PointInTime) } else { Err(error) }
        })
        .map_err(|error| refusal(path, error))
}

/// What RocksDB's text means. Its C interface gives the kind and the text, nothing else.
fn refusal(path: &Path, error: rocksdb::Error) -> OpenError {
    refusal_of(path, error.as_ref())
}

fn refusal_of(path: &Path, text: &str) -> OpenError {
    if text.contains("LOCK: ") && (text.contains("While lock file") || text.contains("lock hold by")) {
        return OpenError::InUse(path.to_owned());
    }
    if commit::is_full(text) {
        return OpenError::Full(text.to_owned());
    }
    if ["Permission denied", "Read-only file system", "Operation not permitted"].iter().any(|no| text.contains(no)) {
        return OpenError::NotWritable(text.to_owned());
    }
    // Whatever else keeps a database from opening is a file that is missing or is not what it should be.
    damaged(text.to_owned())
}

fn damaged(what: String) -> OpenError {
    OpenError::Damaged(ReadError::Damaged(what))
}

fn parse_format(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

impl Store {
    fn format(&self) -> Result<Option<u32>, OpenError> {
        let value = self.db.get(meta::FORMAT).map_err(ReadError::from)?;
        let unreadable = || damaged("its format is no number".to_owned());
        value.map(|value| parse_format(&value).ok_or_else(unreadable)).transpose()
    }

    fn household(&self) -> Result<Option<MemberKey>, OpenError> {
        let value = self.db.get(meta::HOUSEHOLD).map_err(ReadError::from)?;
        Ok(value.and_then(|value| value.try_into().ok()).map(MemberKey))
    }

    /// Whether nothing was ever written to it: it is new, or the first start ended early.
    fn is_empty(&self) -> Result<bool, OpenError> {
        for family in Family::ALL {
            let mut scan = self.db.raw_iterator_cf(self.family(family));
            scan.seek_to_first();
            if scan.valid() {
                return Ok(false);
            }
            scan.status().map_err(ReadError::from)?;
        }
        Ok(true)
    }

    fn found(&self, household: MemberKey) -> Result<(), CommitError> {
        let mut batch = WriteBatch::default();
        batch.put(meta::FORMAT, FORMAT.to_be_bytes());
        batch.put(meta::HOUSEHOLD, household.0);
        self.write(batch)
    }
}

impl From<CommitError> for OpenError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Full(text) => Self::Full(text),
            CommitError::Failed(text) => Self::NotWritable(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of RocksDB 11.8 that the other tests can't provoke everywhere: as root nothing is forbidden.
    #[test]
    fn a_store_that_may_not_be_written_is_told_from_a_damaged_one() {
        for text in [
            "IO error: While open a file for lock: /home/store/LOCK: Permission denied",
            "IO error: while open a file for lock: /home/store/LOCK: Read-only file system",
        ] {
            assert!(matches!(refusal_of(Path::new("/home/store"), text), OpenError::NotWritable(_)), "{text}");
        }
        let text = "IO error: No such file or directory: While open a file: /home/store/MANIFEST-000005: gone";
        assert!(matches!(refusal_of(Path::new("/home/store"), text), OpenError::Damaged(_)), "{text}");
    }
}
