//! The community's charters in a file that people can mail to each other.
//!
//! Plain text: lines that start with `#` are for people, every other line is one record of the governance chain, as
//! it is signed, in hexadecimal. The first is the charter that founded the community. The last may still lack
//! signatures; all before it are in force, or have been.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::protocol::chain::Chain;
use crate::protocol::charter::Act;
use crate::protocol::governance::{NotASuccessor, SignedRecord};
use crate::protocol::ids::MemberKey;
use crate::protocol::wire::Malformed;

/// A longer file is not read: over a hundred charters of the largest community.
pub const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

const HEADING: &str =
    "# A wattswap community's charters, one signed record a line. `wattswap charter show` prints them.";

/// A community's governance chain as far as a file holds it, and what may become its next record.
#[derive(Default)]
pub struct CharterFile {
    chain: Option<Chain>,
    draft: Option<SignedRecord>,
}

/// Why a file holds no community's charters.
#[derive(Debug, thiserror::Error)]
pub enum CharterFileError {
    /// It can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Not made by `wattswap charter make`.
    #[error("{} is not a charter file: line {line} is not hexadecimal. `wattswap charter make` makes one", path.display())]
    NotHex {
        /// The file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
    },
    /// A record is damaged.
    #[error("{}: the record on line {line} can't be read ({source}); ask an operator for the file again", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: Malformed,
    },
    /// The records are no chain.
    #[error("{}: record {height}: {source}", path.display())]
    NotAChain {
        /// The file.
        path: PathBuf,
        /// Its place in the file, counted from 0.
        height: usize,
        /// Why it can't stand there.
        source: NotASuccessor,
    },
    /// Too few operators have signed the first charter.
    #[error(
        "the charter in {} awaits signatures: have its operators run `wattswap charter sign` on it first",
        path.display()
    )]
    NotInForce {
        /// The file.
        path: PathBuf,
    },
    /// Nothing in it.
    #[error("{} holds no charter; ask an operator of the community for the file", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl CharterFile {
    /// Adds the next record; the first founds the community. A record that too few operators have signed becomes the
    /// draft, and nothing can follow it before it is signed.
    ///
    /// # Errors
    /// [`NotASuccessor`] unless it follows what is there.
    pub fn push(&mut self, next: SignedRecord) -> Result<(), NotASuccessor> {
        if self.draft.is_some() {
            return Err(NotASuccessor::AnotherPredecessor);
        }
        let pushed = match &mut self.chain {
            Some(chain) => chain.extend(next.clone()),
            None => Chain::found(next.clone()).map(|chain| self.chain = Some(chain)),
        };
        match pushed {
            Err(NotASuccessor::NoMajority { .. }) => {
                self.draft = Some(next);
                Ok(())
            }
            pushed => pushed,
        }
    }

    /// The records that a majority has signed; none if not even the first charter is.
    #[must_use]
    pub fn chain(&self) -> Option<&Chain> {
        self.chain.as_ref()
    }

    /// The record at the end that too few have signed yet.
    #[must_use]
    pub fn draft(&self) -> Option<&SignedRecord> {
        self.draft.as_ref()
    }

    /// Takes the draft out, so that it can be signed and pushed again.
    pub fn take_draft(&mut self) -> Option<SignedRecord> {
        self.draft.take()
    }

    /// Every record, the draft last.
    pub fn records(&self) -> impl Iterator<Item = &SignedRecord> {
        self.chain.iter().flat_map(|chain| chain.from_height(0)).chain(&self.draft)
    }

    /// How many signatures the draft lacks, and the operators who have not signed it; none without a draft.
    #[must_use]
    pub fn missing_signatures(&self) -> Option<(usize, Vec<MemberKey>)> {
        let draft = self.draft.as_ref()?;
        let operators = match (&self.chain, &draft.record.act) {
            (Some(chain), _) => &chain.in_force().1.operators,
            (None, Act::Charter(charter)) => &charter.operators,
            (None, Act::Seals(_)) => return None,
        };
        let signers = draft.good_signers();
        let open: Vec<MemberKey> = operators.iter().filter(|key| !signers.contains(key)).copied().collect();
        let signed = operators.len() - open.len();
        Some(((operators.len() / 2 + 1).saturating_sub(signed), open))
    }

    /// Whether this file holds all that is in force in `older`, and so can take its place.
    #[must_use]
    pub fn continues(&self, older: &Self) -> bool {
        let ids =
            |file: &Self| file.chain.iter().flat_map(|chain| chain.from_height(0)).map(|r| r.id).collect::<Vec<_>>();
        ids(self).starts_with(&ids(older))
    }

    /// Reads a charter file.
    ///
    /// # Errors
    /// [`CharterFileError`].
    pub fn read(path: &Path) -> Result<Self, CharterFileError> {
        let io = |source| CharterFileError::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        std::fs::File::open(path).map_err(io)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(io)?;
        // What is no text is no hexadecimal either, and is refused as that.
        Self::parse(&String::from_utf8_lossy(&bytes), path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, CharterFileError> {
        let mut file = Self::default();
        let lines = text.lines().map(str::trim).enumerate();
        for (height, (line, hexadecimal)) in lines.filter(|(_, line)| is_record(line)).enumerate() {
            let (path, line) = (|| path.to_owned(), line + 1);
            let bytes = hex::decode(hexadecimal).map_err(|_| CharterFileError::NotHex { path: path(), line })?;
            let record = SignedRecord::parse(bytes);
            let record = record.map_err(|source| CharterFileError::Malformed { path: path(), line, source })?;
            file.push(record).map_err(|source| CharterFileError::NotAChain { path: path(), height, source })?;
        }
        if file.records().next().is_none() { Err(CharterFileError::Empty { path: path.to_owned() }) } else { Ok(file) }
    }

    fn text(&self) -> String {
        let mut text = format!("{HEADING}\n");
        for record in self.records() {
            writeln!(text, "{}", hex::encode(&record.bytes)).expect("writing to a string does not fail");
        }
        text
    }

    /// Writes a charter file, whole or not at all.
    ///
    /// # Errors
    /// [`CharterFileError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), CharterFileError> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".new");
        let write = || {
            let mut file = std::fs::File::create(&unfinished)?;
            file.write_all(self.text().as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&unfinished, path)
        };
        write().map_err(|source| CharterFileError::Io { path: path.to_owned(), source })
    }
}

fn is_record(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use ed25519_dalek::{Signer as _, SigningKey};
    use rust_decimal::Decimal;
    use wattswap_matching::{Price, UtcMillis, WattHours, Watts};

    use super::*;
    use crate::protocol::charter::{Charter, GovernanceRecord, Member, RULES, Shape};
    use crate::protocol::ids::CharterId;
    use crate::protocol::signed::Signer;

    struct Key(SigningKey);

    impl Key {
        fn number(number: u8) -> Self {
            Self(SigningKey::from_bytes(&[number; 32]))
        }
    }

    impl Signer for Key {
        fn key(&self) -> MemberKey {
            MemberKey(self.0.verifying_key().to_bytes())
        }

        fn sign(&self, message: &[u8]) -> [u8; 64] {
            self.0.sign(message).to_bytes()
        }
    }

    fn record(height: u64, prev: Option<CharterId>, name: &str, operators: &[Key], signers: &[&Key]) -> SignedRecord {
        let quarter_hour = Duration::from_secs(900);
        let mut keys: Vec<MemberKey> = operators.iter().map(Key::key).collect();
        keys.sort_unstable();
        let member = |key: &MemberKey| Member { key: *key, name: String::new(), import: Watts(1), export: Watts(1) };
        let charter = Charter {
            rules: RULES,
            name: name.to_owned(),
            shape: Shape {
                currency: "EUR".to_owned(),
                slot_length: quarter_hour,
                delivery_time: quarter_hour,
                opening: quarter_hour,
                gate_millis: 0,
                price_tick: Decimal::new(1, 4),
                quantity_tick: WattHours(1),
                smallest_fill: WattHours(1),
                floor: Price(0),
                cap: Price(1),
                fees: Vec::new(),
            },
            members: keys.iter().map(member).collect(),
            operators: keys,
            proposal_lifetime: Duration::from_secs(15),
            clock_skew: Duration::from_secs(5),
        };
        let act = Act::Charter(Arc::new(charter));
        let mut record = SignedRecord::unsigned(GovernanceRecord { height, prev, at: UtcMillis(1), act }).unwrap();
        signers.iter().for_each(|key| record.co_sign(*key).unwrap());
        record
    }

    fn operators() -> [Key; 3] {
        [Key::number(1), Key::number(2), Key::number(3)]
    }

    #[test]
    fn a_file_brings_back_chain_and_draft() {
        let all = operators();
        let first = record(0, None, "A", &all, &[&all[0], &all[1]]);
        let second = record(1, Some(first.id), "B", &all, &[&all[2]]);
        let mut file = CharterFile::default();
        file.push(first.clone()).unwrap();
        file.push(second.clone()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("charter");
        file.write(&path).unwrap();
        let mut read = CharterFile::read(&path).unwrap();
        assert_eq!(read.chain().unwrap().newest(), &first);
        assert_eq!(read.draft(), Some(&second), "one of three is no majority");
        let (missing, open) = read.missing_signatures().unwrap();
        assert_eq!((missing, open.len()), (1, 2));
        let mut draft = read.take_draft().unwrap();
        draft.co_sign(&all[0]).unwrap();
        read.push(draft).unwrap();
        assert_eq!(read.chain().unwrap().newest().id, second.id);
        assert!(read.draft().is_none() && read.missing_signatures().is_none());
        assert!(read.continues(&file));
        assert!(!file.continues(&read));
    }

    #[test]
    fn nothing_follows_a_draft() {
        let all = operators();
        let first = record(0, None, "A", &all, &[&all[0]]);
        let mut file = CharterFile::default();
        file.push(first.clone()).unwrap();
        assert!(file.chain().is_none());
        file.push(record(1, Some(first.id), "B", &all, &[&all[0], &all[1]])).unwrap_err();
    }

    #[test]
    fn what_is_no_charter_file_says_why() {
        let all = operators();
        let good = record(0, None, "A", &all, &[&all[0], &all[1]]);
        let line = hex::encode(&good.bytes);
        let other = hex::encode(&record(0, None, "B", &all, &[&all[0], &all[1]]).bytes);
        for (text, expected) in [
            (String::new(), "holds no charter"),
            ("# only a comment\n\n".to_owned(), "holds no charter"),
            ("name = \"Sunny Lane\"\n".to_owned(), "line 1 is not hexadecimal"),
            (format!("# heading\n{line}\nzz"), "line 3 is not hexadecimal"),
            (line[..line.len() - 2].to_owned(), "record on line 1 can't be read"),
            (format!("{line}\n{other}"), "record 1"),
        ] {
            let error = CharterFile::parse(&text, Path::new("f")).err().expect(&text).to_string();
            assert!(error.contains(expected), "{text}\ngave: {error}");
        }
        CharterFile::parse(&format!("  {line}  \n\n# end"), Path::new("f")).unwrap();
    }
}
