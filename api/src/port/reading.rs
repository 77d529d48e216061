//! Meter readings: cumulative registers at an instant, and what the household makes of each.

use std::fmt;

use wattswap_matching::units::{UtcMillis, WattHours};

/// What the household calls a meter: 1 to [`MeterId::MAX_LENGTH`] ASCII letters, digits, `.`, `_`, `:` or `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterId(String);

impl MeterId {
    /// Long enough for the 33 characters of a German or Austrian metering point with a prefix.
    pub const MAX_LENGTH: usize = 64;

    /// A meter's name, or `None` if it is empty, too long or holds another character.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let fits = (1..=Self::MAX_LENGTH).contains(&name.len());
        (fits && name.bytes().all(allowed)).then(|| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MeterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a meter showed at an instant. Both registers only ever grow on a real meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which meter.
    pub meter: MeterId,
    /// When it showed this.
    pub at: UtcMillis,
    /// Energy drawn from the grid since the meter began; not negative.
    pub import: WattHours,
    /// Energy fed into the grid since the meter began; not negative.
    pub export: WattHours,
}

/// What the household made of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Stored and counted.
    Accepted,
    /// The very same reading is stored already.
    Duplicate,
    /// The meter has another reading at this instant; that first one is kept and this one counts for nothing.
    Conflict {
        /// The import register that is kept.
        kept_import: WattHours,
        /// The export register that is kept.
        kept_export: WattHours,
    },
    /// Not counted and not a baseline for later rows; stored as suspect where the reason allows.
    Quarantined(QuarantineReason),
}

/// Why a reading is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuarantineReason {
    /// A register is lower than before: a spurious zero, or a new meter, which needs a name of its own.
    #[error("a register is lower than at an earlier instant; a replaced meter needs a new meter name")]
    WentBack,
    /// More energy than the connection can carry in the time.
    #[error("a register grew faster than the connection can carry")]
    TooFast,
    /// Its instant lies too far ahead of the household's clock.
    #[error("the instant lies ahead of the household's clock; check the meter's clock")]
    ClockAhead,
    /// Its instant lies before what the household still keeps.
    #[error("the instant lies before what the household still keeps")]
    TooOld,
    /// The household has as many meters as it takes.
    #[error("the household has as many meters as it takes; check the meter's name")]
    TooManyMeters,
}

/// A reading as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReading {
    /// What the meter showed.
    pub reading: Reading,
    /// Why it is not counted; `None` if it is.
    pub quarantined: Option<QuarantineReason>,
}
