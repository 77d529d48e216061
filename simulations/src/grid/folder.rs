//! Reads a feeder from a folder, of whichever kind it is.

use std::path::{Path, PathBuf};

use super::feeder::Feeder;
use super::{ieee, simbench};

/// Why there is no feeder.
#[derive(Debug, thiserror::Error)]
pub enum NoFeeder {
    /// A folder like the IEEE feeder's.
    #[error(transparent)]
    Ieee(#[from] ieee::BadFolder),
    /// A folder like SimBench's.
    #[error(transparent)]
    SimBench(#[from] simbench::BadFolder),
    /// Neither.
    #[error("{0}: this is no feeder's folder: one with LineCodes.csv (the IEEE feeder) or ext_grid.csv (SimBench) is")]
    Unknown(PathBuf),
}

/// Reads the IEEE European feeder's folder, or a SimBench grid's.
///
/// # Errors
/// [`NoFeeder`].
pub fn read(folder: &Path) -> Result<Feeder, NoFeeder> {
    if folder.join("LineCodes.csv").exists() {
        Ok(ieee::read(folder)?)
    } else if folder.join("ext_grid.csv").exists() {
        Ok(simbench::read(folder)?)
    } else {
        Err(NoFeeder::Unknown(folder.to_owned()))
    }
}
