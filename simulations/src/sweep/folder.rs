//! Where a sweep's runs stand on the disk.
//!
//! ```text
//! FOLDER/sweep.json            which sweep this is, so that another one is not mixed in
//! FOLDER/runs/000012/          a finished run: runs.parquet (one row), members.parquet, and what else was asked for
//! FOLDER/runs/000013.part-x2/  one that is under way, or was when somebody pulled the plug
//! ```
//!
//! A run's folder gets its name when all that is in it is on the disk; until then each try has a folder of its own. So a
//! shard that dies leaves finished runs and nothing that looks like one, machines that share a folder need no other
//! agreement than who does which runs, and where two do the same one all the same, one of both stays: they are equal.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{Shard, Sweep};
use crate::answers::SUMMARY;

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
    /// Whether every run writes its report.
    reports: bool,
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
        "{0} was begun by another sweep, with other tables or reports, or by another version: name another folder, or \
         remove this one"
    )]
    Other(PathBuf),
    /// It holds a run.
    #[error("{0} holds a run that was no sweep's: name another folder")]
    Run(PathBuf),
    /// What says whose runs these are can't be read.
    #[error("{0} is damaged: name another folder, or remove this one")]
    Damaged(PathBuf),
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
    /// Opens a folder for a shard of a sweep whose runs write these tables, and reports or not; makes it if there is none.
    ///
    /// # Errors
    /// [`BadFolder`]: among others if runs of the shard are finished, and nobody said that it is to go on.
    pub fn of(
        path: &Path,
        sweep: &Sweep,
        tables: &[String],
        reports: bool,
        (shard, resume): (Shard, bool),
    ) -> Result<Self, BadFolder> {
        let (name, runs, tables) = (sweep.document.name.clone(), sweep.document.runs(), tables.to_vec());
        let marker = Marker { format: FORMAT, name, fingerprint: sweep.fingerprint(), runs, tables, reports };
        let folder = Self { path: path.to_owned(), marker };
        if path.join(SUMMARY).exists() {
            return Err(BadFolder::Run(path.to_owned()));
        }
        let place = folder.runs();
        fs::create_dir_all(&place).map_err(BadFolder::disk(&place))?;
        match Self::open(path) {
            Ok(there) => folder.check(&there)?,
            Err(BadFolder::None(_)) if folder.has_runs()? => match Self::open(path) {
                // Another shard has just begun it.
                Ok(there) => folder.check(&there)?,
                Err(BadFolder::None(_)) => return Err(BadFolder::Other(path.to_owned())),
                Err(error) => return Err(error),
            },
            Err(BadFolder::None(_)) => folder.mark()?,
            Err(error) => return Err(error),
        }
        if !resume && shard.runs(0..runs).any(|run| folder.is_finished(run)) {
            return Err(BadFolder::Begun(path.to_owned()));
        }
        Ok(folder)
    }

    fn check(&self, there: &Self) -> Result<(), BadFolder> {
        if there.marker == self.marker { Ok(()) } else { Err(BadFolder::Other(self.path.clone())) }
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
        let marker = serde_json::from_slice(&text).map_err(|_| BadFolder::Damaged(file))?;
        Ok(Self { path: path.to_owned(), marker })
    }

    /// Whose runs these are.
    #[must_use]
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// Shards begin at the same time, and write the same.
    fn mark(&self) -> Result<(), BadFolder> {
        let file = self.path.join(MARKER);
        let text = serde_json::to_string_pretty(&self.marker).expect("a marker is JSON") + "\n";
        let write = || {
            let mut own =
                tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(&self.path)?;
            own.write_all(text.as_bytes())?;
            own.as_file().sync_all()?;
            own.persist(&file)?;
            Ok(())
        };
        write().map_err(BadFolder::disk(&file))
    }

    fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    fn has_runs(&self) -> Result<bool, BadFolder> {
        let runs = self.runs();
        let mut entries = fs::read_dir(&runs).map_err(BadFolder::disk(&runs))?;
        Ok(entries.next().is_some())
    }

    /// Where a finished run stands.
    #[must_use]
    pub fn run(&self, number: usize) -> PathBuf {
        self.runs().join(format!("{number:0DIGITS$}"))
    }

    /// Whether a run is finished.
    #[must_use]
    pub fn is_finished(&self, number: usize) -> bool {
        self.run(number).is_dir()
    }

    /// An empty folder for a run that begins; it goes with the value, unless the run is finished.
    ///
    /// # Errors
    /// [`BadFolder::Disk`].
    pub fn begin(&self, number: usize) -> Result<TempDir, BadFolder> {
        let prefix = format!("{number:0DIGITS$}.part-");
        let part = tempfile::Builder::new().prefix(&prefix).permissions(Permissions::from_mode(0o777)).to_owned();
        let runs = self.runs();
        part.tempdir_in(&runs).map_err(BadFolder::disk(&runs))
    }

    /// Gives a run its name. What is in it is on the disk first. If somebody else has finished it meanwhile, theirs
    /// stays: it is the same.
    ///
    /// # Errors
    /// [`BadFolder::Disk`].
    pub fn finish(&self, number: usize, part: TempDir) -> Result<(), BadFolder> {
        let run = self.run(number);
        let synced = || {
            for entry in fs::read_dir(part.path())? {
                File::open(entry?.path())?.sync_all()?;
            }
            File::open(part.path())?.sync_all()?;
            match fs::rename(part.path(), &run) {
                Err(_) if run.is_dir() => Ok(()),
                renamed => renamed.and_then(|()| File::open(self.runs())?.sync_all()),
            }
        };
        synced().map_err(BadFolder::disk(&run))
    }
}
