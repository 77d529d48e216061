//! Sweeps: one scenario, run with every combination of the values of some of its keys.
//!
//! A [`Sweep`] says which keys and values; its runs are numbered, and the last axis changes first. [`folder`] is where
//! runs stand on the disk: each in a folder of its own, which is there once the run is finished, so that whoever goes on
//! knows what is left. A [`Shard`] is the part of the runs that one machine does. [`results`] are the columns of what runs
//! come to, and [`merge`] joins the runs' tables, whoever made them. [`jobs`] writes what Slurm and Kubernetes need to
//! run shards. Nothing of a run is decided here: [`run`](crate::run) does that, with the changed scenario.

mod document;
pub mod folder;
pub mod jobs;
pub mod merge;
mod points;
pub mod results;
mod shard;
pub mod work;

use std::path::{Path, PathBuf};

pub use document::{Axis, Document};
pub use points::Point;
pub use shard::{BadShard, Shard};

use crate::scenario::{BadScenario, Place, Scenario};

/// A commented example, whose scenario is that of [`scenario::EXAMPLE`](crate::scenario::EXAMPLE).
pub const EXAMPLE: &str = include_str!("example.toml");

/// A sweep whose file, and whose scenario's, were read and found in order.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What the file says.
    pub document: Document,
    /// The scenario, as it stands in its file.
    pub scenario: Scenario,
    path: PathBuf,
    text: String,
}

/// Why a sweep can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadSweep {
    /// Its file, or its scenario's, is not in order.
    #[error(transparent)]
    File(#[from] BadScenario),
    /// Its scenario can't be read.
    #[error("{at}: {what}; write the scenario's file, seen from the sweep's own folder")]
    Scenario {
        /// Where it is named.
        at: Place,
        /// What is wrong.
        what: String,
    },
    /// One of the values can't be used.
    #[error("{at}: with {point}, {what}")]
    Value {
        /// Where the axis stands.
        at: Place,
        /// Which values.
        point: String,
        /// What is wrong, and what to write instead.
        what: String,
    },
}

impl Sweep {
    /// Reads and checks a file, its scenario, and the scenario with each single value. What the scenario names is not
    /// opened.
    ///
    /// # Errors
    /// [`BadSweep`].
    pub fn read(path: &Path) -> Result<Self, BadSweep> {
        let (document, text) = document::read(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let scenario = Scenario::read(&folder.join(&document.scenario)).map_err(|error| match error {
            BadScenario::Unreadable { path: missing, source } => BadSweep::Scenario {
                at: Place::of(path, &text, "scenario"),
                what: format!("{}: {source}", missing.display()),
            },
            other => BadSweep::File(other),
        })?;
        let sweep = Self { document, scenario, path: path.to_owned(), text };
        sweep.check_values()?;
        Ok(sweep)
    }

    /// Each value for itself, beside the first ones of the others, so that whose fault it is can be said.
    fn check_values(&self) -> Result<(), BadSweep> {
        let firsts = vec![0; self.document.axes.len()];
        for (axis, values) in self.document.axes.iter().enumerate().map(|(number, axis)| (number, &axis.values)) {
            for value in 0..values.len() {
                let mut choices = firsts.clone();
                choices[axis] = value;
                let point = self.point_of(0, choices);
                self.scenario_of(&point).map_err(|error| self.blame(axis, value, &point, &error))?;
            }
        }
        Ok(())
    }

    fn blame(&self, axis: usize, value: usize, point: &Point, error: &BadScenario) -> BadSweep {
        let key = format!("axes[{axis}].values[{value}]");
        BadSweep::Value { at: self.place(&key), point: point.to_string(), what: words(error) }
    }

    fn place(&self, key: &str) -> Place {
        Place::of(&self.path, &self.text, key)
    }

    /// The scenario with the values of a point.
    ///
    /// # Errors
    /// [`BadScenario`]: values that don't go together.
    pub fn scenario_of(&self, point: &Point) -> Result<Scenario, BadScenario> {
        let axes = self.document.axes.iter().zip(&point.choices);
        let changes: Vec<_> = axes.map(|(axis, choice)| (axis.key.as_str(), &axis.values[*choice])).collect();
        self.scenario.with(&changes)
    }

    /// What tells this sweep from another: its text, its scenario's, and the program's version. What the scenario names is
    /// not looked at.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        use sha2::{Digest as _, Sha256};
        let mut hash = Sha256::new();
        for part in [self.text.as_str(), self.scenario.text(), env!("CARGO_PKG_VERSION")] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What is wrong with a scenario, without the place: its lines are not those of the sweep.
fn words(error: &BadScenario) -> String {
    match error {
        BadScenario::Value { at, what } => format!("{}: {what}", at.key),
        other => other.to_string(),
    }
}
