//! The household's folder: which file in it is what. `docs/on-disk.md` describes what they hold.

use std::path::{Path, PathBuf};

/// A household's folder. Nothing that a node keeps lies outside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at this path, whether it is there yet or not.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The household's secret key. Mode 0600.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.0.join("key")
    }

    /// The owner's access token, so that the command on this machine needs no other. Mode 0600.
    #[must_use]
    pub fn owner_token(&self) -> PathBuf {
        self.0.join("owner-token")
    }

    /// The community's charters as far as this household has been given them, see `cli::charter::file`.
    #[must_use]
    pub fn charter(&self) -> PathBuf {
        self.0.join("charter")
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// The owner's settings; may be missing.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.0.join("wattswap.toml")
    }

    /// The URL at which the running node answers; written at every start, since a port may be the system's choice.
    #[must_use]
    pub fn url(&self) -> PathBuf {
        self.0.join("url")
    }
}
