//! The households' load and solar profiles: files that belong to the project, with their licence beside them.

use std::path::{Path, PathBuf};

/// So many profiles there are.
pub(crate) const MOST: u64 = 8;
/// The instant of the recording at which the demo begins: a morning on which the sun is about to win.
pub(crate) const FROM: &str = "2016-06-01T08:00:00Z";

/// The profile of a household, counted from 0.
pub(crate) fn path(household: usize) -> PathBuf {
    let simulations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../simulations/data/simbench");
    simulations.join(format!("household-{}.csv", household + 1))
}
