//! The households' load and solar profiles: files that belong to the project, with their licence beside them.

use std::path::{Path, PathBuf};

/// So many profiles there are.
pub(crate) const MOST: u64 = 10;
/// The instant of the recording at which the demo begins: Saturday morning, with clouds, so that some roofs have more
/// than their house needs and some less.
pub(crate) const FROM: &str = "2016-06-11T06:00:00Z";
/// Where the recording was made.
pub(crate) const ZONE: &str = "Europe/Berlin";

/// The profile of a household, counted from 0.
pub(crate) fn path(household: usize) -> PathBuf {
    let simulations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../simulations/data/simbench");
    simulations.join(format!("household-{}.csv", household + 1))
}
