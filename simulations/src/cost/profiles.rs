//! What the meters of real homes counted: the files in `simulations/data/simbench`.

use std::path::{Path, PathBuf};

use wattswap_matching::WattHours;

/// Files that there are.
const HOMES: usize = 10;

/// What each home drew from the grid, slot by slot, a week long; negative: what it fed in.
pub struct Profiles {
    homes: Vec<Vec<WattHours>>,
}

/// Why the profiles can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadProfiles {
    /// The file can't be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// The file has too few rows.
    #[error("{path}: it holds less than a day")]
    TooShort {
        /// Which.
        path: PathBuf,
    },
}

/// A row of a file: registers, at the end of a slot.
type Row = (String, i64, i64);

impl Profiles {
    /// Reads those that come with the project.
    ///
    /// # Errors
    /// [`BadProfiles`].
    pub fn read() -> Result<Self, BadProfiles> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/simbench");
        let homes = (1..=HOMES).map(|home| read(folder.join(format!("household-{home}.csv"))));
        Ok(Self { homes: homes.collect::<Result<_, _>>()? })
    }

    /// What a home draws in a slot of the week; homes beyond the last file begin anew, some days later.
    #[must_use]
    pub fn drawn(&self, home: usize, slot: usize) -> WattHours {
        let profile = &self.homes[home % self.homes.len()];
        let days_later = (home / self.homes.len()) * SLOTS_A_DAY;
        profile[(slot + days_later) % profile.len()]
    }
}

/// Quarters of an hour.
pub const SLOTS_A_DAY: usize = 96;

fn read(path: PathBuf) -> Result<Vec<WattHours>, BadProfiles> {
    let rows: Result<Vec<Row>, csv::Error> =
        csv::Reader::from_path(&path).and_then(|mut file| file.deserialize().collect());
    let rows = rows.map_err(|source| BadProfiles::Unreadable { path: path.clone(), source })?;
    let drawn = |pair: &[Row]| WattHours((pair[1].1 - pair[0].1) - (pair[1].2 - pair[0].2));
    let drawn: Vec<WattHours> = rows.windows(2).map(drawn).collect();
    if drawn.len() < SLOTS_A_DAY { Err(BadProfiles::TooShort { path }) } else { Ok(drawn) }
}
