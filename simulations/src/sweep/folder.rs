//! Where a sweep's runs stand on the disk.
//!
//! ```text
//! FOLDER/sweep.json            which sweep this is, so that another one is not mixed in
//! FOLDER/runs/000012/          a finished run: runs.parquet (one row), members.parquet, and what else was asked for
//! FOLDER/runs/000013.part/     one that is under way, or was when somebody pulled the plug
//! ```
//!
//! A run's folder gets its name when all that is in it is on the disk. So a shard that dies leaves finished runs and
//! nothing that looks like one, and machines that share a folder need no other agreement than who does which runs.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Sweep;

const FORMAT: u32 = 1;
const MARKER: &str = "sweep.json";
/// A hundred thousand runs have numbers of so many digits at the most.
const DIGITS: usize = 6;

/// A folder with runs of one sweep.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    marker: Marker,
}

/// What tells whose runs these are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    format: u32,
    /// What the sweep is called.
    pub name: String,
    /// Its texts and the program's version.
    fingerprint: String,
    /// How many runs it has.
    pub runs: usize,
    /// The tables that every run writes, by name.
    pub tables: Vec<String>,
}

/// Why a folder can't be used for a sweep.
#[derive(Debug, thiserror::Error)]
pub enum BadFolder {
    /// The disk says no.
    #[error("{path}: {source}")]
    Disk {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds runs, and nobody said that they are to be kept.
    #[error("{0} holds runs of this sweep already: add --resume to go on with it, or name another folder")]
    Begun(PathBuf),
    /// It holds something else.
    #[error(
        "{0} was begun by another sweep, with other tables, or by another version: name another folder, or remove this one"
    )]
    Other(PathBuf),
    /// It is no folder of a sweep.
    #[error("{0} is no folder of a sweep: there is no {MARKER} in it")]
    None(PathBuf),
}

impl BadFolder {
    fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Disk { path, source }
    }
}

impl Folder {
    /// Opens a folder for the runs of a sweep, each with these tables; makes it if there is none.
    ///
    /// # Errors
    /// [`BadFolder`].
    pub fn of(path: &Path, sweep: &Sweep, tables: &[String], resume: bool) -> Result<Self, BadFolder> {
        let (name, runs, tables) = (sweep.document.name.clone(), sweep.document.runs(), tables.to_vec());
        let marker = Marker { format: FORMAT, name, fingerprint: sweep.fingerprint(), runs, tables };
        let runs = path.join("runs");
        fs::create_dir_all(&runs).map_err(BadFolder::disk(&runs))?;
        let there = match Self::open(path) {
            Ok(there) => Some(there),
            Err(BadFolder::None(_)) => None,
            Err(other) => return Err(other),
        };
        let folder = Self { path: path.to_owned(), marker };
        match there {
            Some(there) if there.marker != folder.marker => Err(BadFolder::Other(path.to_owned())),
            Some(_) if !resume && folder.has_runs()? => Err(BadFolder::Begun(path.to_owned())),
            Some(_) => Ok(folder),
            None => folder.mark(),
        }
    }

    /// Opens a folder that a sweep has begun.
    ///
    /// # Errors
    /// [`BadFolder`].
    pub fn open(path: &Path) -> Result<Self, BadFolder> {
        let file = path.join(MARKER);
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BadFolder::None(path.to_owned())),
            Err(source) => return Err(BadFolder::Disk { path: file, source }),
        };
        let marker = serde_json::from_slice(&text).map_err(|_| BadFolder::Other(path.to_owned()))?;
        Ok(Self { path: path.to_owned(), marker })
    }

    /// Whose runs these are.
    #[must_use]
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Shards begin at the same time, and write the same.
    fn mark(self) -> Result<Self, BadFolder> {
        let file = self.path.join(MARKER);
        let text = serde_json::to_string_pretty(&self.marker).expect("a marker is JSON") + "\n";
        let own = self.path.join(format!("{MARKER}.{}", std::process::id()));
        fs::write(&own, text).and_then(|()| fs::rename(&own, &file)).map_err(BadFolder::disk(&file))?;
        Ok(self)
    }

    fn has_runs(&self) -> Result<bool, BadFolder> {
        let runs = self.path.join("runs");
        let mut entries = fs::read_dir(&runs).map_err(BadFolder::disk(&runs))?;
        Ok(entries.next().is_some())
    }

    /// Where a finished run stands.
    #[must_use]
    pub fn run(&self, number: usize) -> PathBuf {
        self.path.join("runs").join(format!("{number:0DIGITS$}"))
    }

    /// Whether a run is finished.
    #[must_use]
    pub fn is_finished(&self, number: usize) -> bool {
        self.run(number).is_dir()
    }

    /// An empty folder for a run that begins; what an earlier try left of it is removed.
    ///
    /// # Errors
    /// [`BadFolder::Disk`].
    pub fn begin(&self, number: usize) -> Result<PathBuf, BadFolder> {
        let part = self.run(number).with_extension("part");
        self.abandon(number)?;
        fs::create_dir(&part).map_err(BadFolder::disk(&part))?;
        Ok(part)
    }

    /// Gives a run its name. What is in it is on the disk first. If somebody else has finished it meanwhile, theirs
    /// stays: it is the same.
    ///
    /// # Errors
    /// [`BadFolder::Disk`].
    pub fn finish(&self, number: usize) -> Result<(), BadFolder> {
        if self.is_finished(number) {
            return self.abandon(number);
        }
        let (run, part) = (self.run(number), self.run(number).with_extension("part"));
        let synced = || {
            for entry in fs::read_dir(&part)? {
                File::open(entry?.path())?.sync_all()?;
            }
            fs::rename(&part, &run)
        };
        synced().map_err(BadFolder::disk(&part))
    }

    /// Removes what is there of a run that is not finished.
    ///
    /// # Errors
    /// [`BadFolder::Disk`].
    pub fn abandon(&self, number: usize) -> Result<(), BadFolder> {
        let part = self.run(number).with_extension("part");
        match fs::remove_dir_all(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BadFolder::disk(&part)(error)),
            _ => Ok(()),
        }
    }
}
