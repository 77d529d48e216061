//! Joins the tables of a sweep's runs, whoever made them, in the order of the runs: one file of each name. The same runs
//! give the same bytes, whatever the shards were.

use std::fs;
use std::path::{Path, PathBuf};

use super::folder::{BadFolder, Folder};
use crate::output::reading::{CantRead, Written};
use crate::output::{CantWrite, Format, Table};

/// Missing runs are named up to this number.
const NAMED: usize = 10;

/// Why runs can't be joined.
#[derive(Debug, thiserror::Error)]
pub enum CantMerge {
    /// A folder can't be used.
    #[error(transparent)]
    Folder(#[from] BadFolder),
    /// There is nothing to join.
    #[error("name the folder of a sweep, or of each of its shards")]
    Nothing,
    /// Two folders are of two sweeps.
    #[error("{0} and {1} hold runs of two sweeps, with other tables, or of two versions: merge each for itself")]
    Different(PathBuf, PathBuf),
    /// Not all runs are there.
    #[error("{count} of {of} runs are missing, such as {}: run their shards again with --resume", list(.some))]
    Missing {
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
        /// Some of them.
        some: Vec<usize>,
    },
    /// A run's table is not like the others.
    #[error("{0} has other columns than the runs before it: remove its folder, and run its shard again with --resume")]
    Columns(PathBuf),
    /// A run's table can't be read.
    #[error("{0}; remove the run's folder, and run its shard again with --resume")]
    Read(#[from] CantRead),
    /// The joined table can't be written.
    #[error(transparent)]
    Write(#[from] CantWrite),
}

fn list(runs: &[usize]) -> String {
    runs.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// What was joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Runs.
    pub runs: usize,
    /// The tables, by name.
    pub tables: Vec<String>,
}

/// Joins the runs of these folders into tables in `out`.
///
/// # Errors
/// [`CantMerge`].
pub fn merge(folders: &[PathBuf], out: &Path, format: Format) -> Result<Merged, CantMerge> {
    let opened = folders.iter().map(|path| Folder::open(path)).collect::<Result<Vec<_>, _>>()?;
    let first = opened.first().ok_or(CantMerge::Nothing)?;
    if let Some(other) = opened.iter().position(|folder| folder.marker() != first.marker()) {
        return Err(CantMerge::Different(folders[0].clone(), folders[other].clone()));
    }
    let runs = places(&opened, first.marker().runs)?;
    let asked = first.marker().tables.iter().filter_map(|words| words.split(':').next()).map(str::to_owned);
    let tables: Vec<String> = ["runs", "members"].map(str::to_owned).into_iter().chain(asked).collect();
    // Tables that were joined before stay until all of the new ones are there.
    let disk = |source| BadFolder::Disk { path: out.to_owned(), source };
    fs::create_dir_all(out).map_err(disk)?;
    let part = tempfile::Builder::new().prefix("merge.part-").tempdir_in(out).map_err(disk)?;
    for table in &tables {
        join(&runs, table, part.path(), format)?;
    }
    for entry in fs::read_dir(part.path()).map_err(disk)? {
        let entry = entry.map_err(disk)?;
        fs::rename(entry.path(), out.join(entry.file_name())).map_err(disk)?;
    }
    Ok(Merged { runs: runs.len(), tables })
}

/// Where each run stands.
fn places(folders: &[Folder], runs: usize) -> Result<Vec<PathBuf>, CantMerge> {
    let place = |run| folders.iter().find(|folder| folder.is_finished(run)).map(|folder| folder.run(run));
    let found: Vec<Option<PathBuf>> = (0..runs).map(place).collect();
    let missing: Vec<usize> = (0..runs).filter(|run| found[*run].is_none()).collect();
    if missing.is_empty() {
        return Ok(found.into_iter().flatten().collect());
    }
    Err(CantMerge::Missing { count: missing.len(), of: runs, some: missing.into_iter().take(NAMED).collect() })
}

fn join(runs: &[PathBuf], name: &str, out: &Path, format: Format) -> Result<(), CantMerge> {
    let file = format!("{name}.parquet");
    let mut joined: Option<(Table, Vec<_>)> = None;
    for run in runs {
        let path = run.join(&file);
        let written = Written::open(&path)?;
        let (table, columns) = match &mut joined {
            Some(joined) => joined,
            None => {
                let columns = written.columns().to_vec();
                joined.insert((Table::create(out, name, format, &columns)?, columns))
            }
        };
        if written.columns() != columns.as_slice() {
            return Err(CantMerge::Columns(path));
        }
        written.copy_into(table)?;
    }
    joined.map(|(table, _)| table.finish()).transpose()?;
    Ok(())
}
