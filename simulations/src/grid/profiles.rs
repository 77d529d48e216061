//! What connections draw from step to step: tables with a row for each step and a column for each profile.
//!
//! A profile NAME is a column `NAME`, which multiplies active and reactive power alike, or two columns `NAME_pload` and
//! `NAME_qload` (SimBench). The IEEE feeder's `Load_profile_7` may also be a column `p7`, or a file `Load_profile_7.csv`
//! of its own with the columns `time` and `mult`, as the feeder is published. The first column of a table says when.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::feeder::Feeder;
use super::solver::Batch;
use super::table::{BadTable, Column, Table};

/// Why profiles can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadProfiles {
    /// One of the tables.
    #[error(transparent)]
    Table(#[from] BadTable),
    /// A folder can't be looked through.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing to read.
    #[error(
        "there are no files with `profile` in their names and .csv or .csv.gz at the end in {0} or beside it: name \
             them with --profiles"
    )]
    NoneFound(PathBuf),
    /// A connection follows a profile that is nowhere.
    #[error(
        "{connection} follows the profile {profile}, which is a column of none of the tables: add its table to --profiles"
    )]
    Missing {
        /// Which connection.
        connection: String,
        /// Which profile.
        profile: String,
    },
    /// Tables that don't go together.
    #[error("{path} has {rows} rows, but the tables before it have {others}: all need a row for each step")]
    Lengths {
        /// Which table.
        path: PathBuf,
        /// Its rows.
        rows: usize,
        /// The others' rows.
        others: usize,
    },
    /// Steps that the tables don't have.
    #[error("steps {from}..{to} were asked for, but the profiles have the steps 0..{rows}")]
    Steps {
        /// The first that was asked for.
        from: usize,
        /// The one after the last.
        to: usize,
        /// How many there are.
        rows: usize,
    },
}

/// The profiles that a feeder's connections follow.
#[derive(Clone, Debug)]
pub struct Profiles {
    times: Vec<String>,
    columns: Vec<Vec<f64>>,
    /// For each connection.
    rules: Vec<Rule>,
}

/// What a connection draws.
#[derive(Clone, Copy, Debug)]
struct Rule {
    watts: f64,
    vars: f64,
    /// The columns that multiply them; without, it draws the same always.
    columns: Option<[usize; 2]>,
}

impl Profiles {
    /// Reads from the tables what the feeder's connections follow.
    ///
    /// # Errors
    /// [`BadProfiles`].
    pub fn read(files: &[PathBuf], feeder: &Feeder) -> Result<Self, BadProfiles> {
        let mut wanted: BTreeMap<&str, Option<[usize; 2]>> = BTreeMap::new();
        for profile in feeder.connections.iter().filter_map(|connection| connection.profile.as_deref()) {
            wanted.insert(profile, None);
        }
        let mut profiles = Self { times: Vec::new(), columns: Vec::new(), rules: Vec::new() };
        for file in files {
            profiles.add(file, &mut wanted)?;
        }
        for connection in &feeder.connections {
            let columns = connection.profile.as_ref().map(|profile| {
                let missing = || BadProfiles::Missing { connection: connection.name.clone(), profile: profile.clone() };
                wanted[profile.as_str()].ok_or_else(missing)
            });
            let columns = columns.transpose()?;
            profiles.rules.push(Rule { watts: connection.watts, vars: connection.vars, columns });
        }
        Ok(profiles)
    }

    /// Adds those columns of a table that are wanted and not there yet.
    fn add(&mut self, path: &Path, wanted: &mut BTreeMap<&str, Option<[usize; 2]>>) -> Result<(), BadProfiles> {
        let table = Table::open(path)?;
        let Some(first) = table.headers().next().map(str::to_owned) else { return Ok(()) };
        let time = table.column(&first)?;
        let mut columns: Vec<Column> = Vec::new();
        let before = self.columns.len();
        for (profile, found) in wanted.iter_mut().filter(|(_, found)| found.is_none()) {
            if let Some(pair) = columns_of(&table, path, profile) {
                *found = Some(pair.map(|column| {
                    columns.push(column);
                    before + columns.len() - 1
                }));
            }
        }
        self.columns.resize(before + columns.len(), Vec::new());
        let mut times = Vec::new();
        for row in table.rows() {
            let row = row?;
            times.push(row.text(&time).to_owned());
            for (values, column) in self.columns[before..].iter_mut().zip(&columns) {
                values.push(row.number(column, "a number that multiplies a power, such as 0.5")?);
            }
        }
        if columns.is_empty() {
            return Ok(());
        }
        if self.times.is_empty() {
            self.times = times;
        } else if self.times.len() != times.len() {
            return Err(BadProfiles::Lengths { path: path.to_owned(), rows: times.len(), others: self.times.len() });
        }
        Ok(())
    }

    /// How many steps there are.
    #[must_use]
    pub fn steps(&self) -> usize {
        // Where nothing follows a profile, every step is like the first.
        self.times.len().max(1)
    }

    /// Those steps, if they are there.
    ///
    /// # Errors
    /// [`BadProfiles::Steps`].
    pub fn checked(&self, steps: Range<usize>) -> Result<Range<usize>, BadProfiles> {
        if steps.is_empty() || steps.end > self.steps() {
            return Err(BadProfiles::Steps { from: steps.start, to: steps.end, rows: self.steps() });
        }
        Ok(steps)
    }

    /// What the tables call a step.
    #[must_use]
    pub fn time(&self, step: usize) -> &str {
        self.times.get(step).map_or("", String::as_str)
    }

    /// Lets all connections draw in a lane what they draw in a step.
    ///
    /// # Panics
    /// If there is no such step or lane, or if the batch is of another feeder.
    pub fn draw<const P: usize>(&self, step: usize, lane: usize, batch: &mut Batch<P>) {
        for (connection, rule) in self.rules.iter().enumerate() {
            let [active, reactive] =
                rule.columns.map_or([1.0; 2], |pair| pair.map(|column| self.columns[column][step]));
            batch.draw(connection, lane, rule.watts * active, rule.vars * reactive);
        }
    }
}

/// The columns of a profile's active and reactive power in a table.
pub(crate) fn columns_of(table: &Table, path: &Path, profile: &str) -> Option<[Column; 2]> {
    if let (Some(active), Some(reactive)) =
        (table.optional(&format!("{profile}_pload")), table.optional(&format!("{profile}_qload")))
    {
        return Some([active, reactive]);
    }
    let numbered = profile.strip_prefix("Load_profile_").map(|number| format!("p{number}"));
    let own_file = || path.file_name().is_some_and(|name| name.to_string_lossy() == format!("{profile}.csv"));
    let column = table
        .optional(profile)
        .or_else(|| table.optional(&numbered?))
        .or_else(|| table.optional("mult").filter(|_| own_file()))?;
    Some([column.clone(), column])
}

/// The tables that lie in a feeder's folder, in a folder `Load Profiles` in it, or beside it.
///
/// # Errors
/// [`BadProfiles::NoneFound`], or if a folder can't be looked through.
pub fn find(folder: &Path) -> Result<Vec<PathBuf>, BadProfiles> {
    let above = folder.canonicalize().ok().and_then(|folder| folder.parent().map(Path::to_owned));
    for folder in [Some(folder.to_owned()), Some(folder.join("Load Profiles")), above].into_iter().flatten() {
        if !folder.is_dir() {
            continue;
        }
        let unreadable = |source| BadProfiles::Unreadable { path: folder.clone(), source };
        let entries: Vec<PathBuf> = fs::read_dir(&folder)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
            .map_err(unreadable)?;
        let mut found: Vec<PathBuf> = entries.into_iter().filter(|path| is_profile(path)).collect();
        if !found.is_empty() {
            found.sort();
            return Ok(found);
        }
    }
    Err(BadProfiles::NoneFound(folder.to_owned()))
}

fn is_profile(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.contains("profile") && (name.ends_with(".csv") || name.ends_with(".csv.gz"))
}
