//! The household's secrets, and the only place that asks the operating system for randomness.
//!
//! One Ed25519 key is the household: it signs what the protocol says, and it is the identity on the network. It lies
//! in a file of its own that only its owner may read, as 64 hexadecimal digits and a line feed; `docs/on-disk.md`
//! says the same. The secret never leaves this module but for libp2p's copy of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use crate::protocol::ids::MemberKey;
use crate::protocol::signed::Signer;

/// Mode of the key's file: its owner reads and writes, nobody else anything.
const MODE: u32 = 0o600;
/// The permission bits of group and others; none may be set.
const OTHERS: u32 = 0o077;
/// Digits of the secret in the file.
const DIGITS: usize = 64;

/// The household's secret key. Wiped from memory when dropped.
pub struct HouseholdKey(SigningKey);

/// Why there is no key to work with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A new key must never replace an old one.
    #[error("{} is there already; a household keeps its key for life, so it is not overwritten", .0.display())]
    Exists(PathBuf),
    /// No such file.
    #[error("there is no key at {}; make one with `wattswap init`", .0.display())]
    Missing(PathBuf),
    /// Somebody else could read or change it.
    #[error(
        "{} can be read by others (mode {mode:03o}). If nobody has, run `chmod 600` on it and start again; if somebody \
         may have, make a new key and have the operators replace this one",
        path.display()
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not 64 hexadecimal digits and a line feed.
    #[error("{} is not a key: expected 64 hexadecimal digits; bring back a copy of it", .0.display())]
    NotAKey(PathBuf),
    /// The file system said no.
    #[error("can't use the key file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No new key without randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// The operating system gave no randomness.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the operating system gives no randomness: {0}")]
pub struct NoRandomness(String);

/// Fresh bytes from the operating system's randomness.
///
/// # Errors
/// [`NoRandomness`] if it gives none, as early in the start of a machine.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| NoRandomness(error.to_string()))?;
    Ok(bytes)
}

impl HouseholdKey {
    /// Makes a new key and writes it to a new file with mode 0600, durably.
    ///
    /// # Errors
    /// [`KeyError::Exists`] if there is anything at `path`; [`KeyError::Io`], [`KeyError::NoRandomness`].
    pub fn create(path: &Path) -> Result<Self, KeyError> {
        let secret = Zeroizing::new(random::<32>()?);
        let mut digits = Zeroizing::new([0; DIGITS]);
        hex::encode_to_slice(*secret, &mut *digits).expect("32 bytes have 64 digits");
        write_new(path, &*digits).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists(path.to_owned()),
            _ => KeyError::Io { path: path.to_owned(), source },
        })?;
        Ok(Self(SigningKey::from_bytes(&secret)))
    }

    /// Reads the key from its file.
    ///
    /// # Errors
    /// [`KeyError::TooOpen`] if others have any right to it, and the other variants but [`KeyError::Exists`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => KeyError::Missing(path.to_owned()),
            _ => KeyError::Io { path: path.to_owned(), source },
        };
        let file = File::open(path).map_err(io)?;
        let mode = file.metadata().map_err(io)?.mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(KeyError::TooOpen { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(Vec::with_capacity(DIGITS + 2));
        // One byte more than a key and its line feed: enough to see that a file is too long, without reading it all.
        file.take(DIGITS as u64 + 2).read_to_end(&mut text).map_err(io)?;
        let mut secret = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.strip_suffix(b"\n").unwrap_or(&text), &mut *secret)
            .map_err(|_| KeyError::NotAKey(path.to_owned()))?;
        Ok(Self(SigningKey::from_bytes(&secret)))
    }

    /// A key for tests.
    #[cfg(test)]
    pub(crate) fn from_secret(secret: SigningKey) -> Self {
        Self(secret)
    }

    /// The household's name in the community and on the network.
    #[must_use]
    pub fn member(&self) -> MemberKey {
        MemberKey(self.0.verifying_key().to_bytes())
    }

    /// The same key as libp2p wants it.
    #[must_use]
    pub fn identity(&self) -> libp2p::identity::Keypair {
        let mut secret = Zeroizing::new(self.0.to_bytes());
        libp2p::identity::Keypair::ed25519_from_bytes(&mut *secret).expect("any 32 bytes are an Ed25519 secret")
    }
}

impl Signer for HouseholdKey {
    fn key(&self) -> MemberKey {
        self.member()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl std::fmt::Debug for HouseholdKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HouseholdKey({:?})", self.member())
    }
}

/// Writes a file that must not be there yet, and makes it and its name durable.
fn write_new(path: &Path, digits: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.write_all(digits)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_comes_back_from_its_file_and_signs_as_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = HouseholdKey::create(&path).unwrap();
        let loaded = HouseholdKey::load(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, MODE);
        assert_eq!(loaded.member(), made.member());
        assert_eq!(loaded.sign(b"a word"), made.sign(b"a word"));
        let public = loaded.identity().public().try_into_ed25519().unwrap();
        assert_eq!(public.to_bytes(), made.member().0);
        assert!(matches!(HouseholdKey::create(&path), Err(KeyError::Exists(_))), "a key was overwritten");
        assert_eq!(HouseholdKey::load(&path).unwrap().member(), made.member());
    }

    #[test]
    fn a_known_secret_gives_the_known_public_key() {
        // RFC 8032, 7.1, test 1.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_new(&path, b"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(HouseholdKey::load(&path).unwrap().member().to_string(), public);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        HouseholdKey::create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601, 0o777] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = HouseholdKey::load(&path).unwrap_err();
            assert!(matches!(error, KeyError::TooOpen { mode: seen, .. } if seen == mode), "{mode:o}: {error}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        HouseholdKey::load(&path).unwrap();
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(HouseholdKey::load(&folder.path().join("none")), Err(KeyError::Missing(_))));
        let digits = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        for (case, text) in [String::new(), digits[1..].to_owned(), format!("{digits}0"), digits.replace('9', "g")]
            .into_iter()
            .enumerate()
        {
            let path = folder.path().join(case.to_string());
            write_new(&path, text.as_bytes()).unwrap();
            assert!(matches!(HouseholdKey::load(&path), Err(KeyError::NotAKey(_))), "{text:?} was taken for a key");
        }
    }
}
