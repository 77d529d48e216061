//! What the household's meters counted: which readings count, and how much energy that is per delivery interval.
//!
//! A reading is a pair of **cumulative registers** at an instant. [`Metering::judge`] decides about each row by itself,
//! so one bad row never costs a batch, and [`Metering::energy`] is a difference of registers that were accepted, never
//! anything else. A register that runs backwards is set aside and never becomes a new starting point: a meter that
//! reads zero for a moment would otherwise have its whole life counted as the energy of one slot.
//!
//! Consequences for owners: a **replaced or reset meter needs a new name**, since its registers start anew; the meters
//! of a household are those at its grid connection (their energies are added up), not submeters behind it.
//!
//! Not in here: where readings are stored (the driver keeps each [`Reading`] that is worth it and feeds it back to
//! [`Metering::restore`]), what the energy costs, and who may push readings.

mod series;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use wattswap_matching::{UtcMillis, WattHours, Watts};

use self::series::Series;
use super::charter::Shape;

/// Meters of one household: the grid connection, its replacements over the years, perhaps a second connection.
pub const MAX_METERS: usize = 16;
/// Rows that are kept in memory of one meter: 85 days of quarter-hourly readings, or 22 hours of one every 10 seconds
/// and, before that, those next to slot boundaries. With [`MAX_METERS`] it bounds the memory to about 8 MB.
pub const MAX_ROWS: usize = 8_192;
/// A reading may be this far ahead of the household's clock: meters' clocks are set over slow links.
pub const MAX_CLOCK_AHEAD: Duration = Duration::from_secs(5 * 60);
/// A meter that fell silent when another one began is taken for replaced once the other has counted for this long.
pub const REPLACED_AFTER: Duration = Duration::from_secs(3600);

/// What the household calls a meter: 1 to [`MeterId::MAX_BYTES`] ASCII letters, digits, `.`, `_`, `:` or `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterId(String);

/// The text can't be a meter's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a meter's name has 1 to {most} ASCII letters, digits, full stops, underscores, colons or hyphens",
    most = MeterId::MAX_BYTES
)]
pub struct BadMeterId;

impl MeterId {
    /// Long enough for the 33 characters of a German or Austrian metering point with a prefix.
    pub const MAX_BYTES: usize = 64;

    /// A meter's name.
    ///
    /// # Errors
    /// [`BadMeterId`] if it is empty, too long or holds another character.
    pub fn new(name: &str) -> Result<Self, BadMeterId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let fits = (1..=Self::MAX_BYTES).contains(&name.len()) && name.bytes().all(allowed);
        if fits { Ok(Self(name.to_owned())) } else { Err(BadMeterId) }
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

/// What a meter showed at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which meter.
    pub meter: MeterId,
    /// When.
    pub at: UtcMillis,
    /// Energy drawn from the grid since the meter began.
    pub import: WattHours,
    /// Energy fed into the grid since the meter began.
    pub export: WattHours,
}

/// What the household made of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Accepted,
    /// The very same row is known: devices send again what they got no answer to.
    Duplicate,
    /// The meter has shown something else at that very instant. The first word stands.
    Conflict {
        /// The import register that stands.
        kept_import: WattHours,
        /// The export register that stands.
        kept_export: WattHours,
    },
    /// It does not count, and nothing is measured from it.
    Quarantined(Reason),
}

/// Why a row does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Reason {
    /// A spurious zero, a reset, or another meter.
    #[error("a register is lower than at an earlier instant; a replaced or reset meter needs a new name")]
    WentBack,
    /// More than the connection can carry in the time, by a quarter.
    #[error("a register grew faster than the grid connection can carry; check the unit (Wh) and the connection limit")]
    TooFast,
    /// Ahead of the household's clock.
    #[error("the instant lies more than 5 minutes ahead of the household's clock; check the meter's clock")]
    ClockAhead,
    /// Before the rows that are still kept.
    #[error("the instant lies before what the household still keeps")]
    TooOld,
    /// See [`MAX_METERS`].
    #[error("the household has as many meters as it takes; check the meter's name")]
    TooManyMeters,
}

/// A row and what was made of it, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What came.
    pub row: Row,
    /// What was made of it.
    pub verdict: Verdict,
}

/// What the household made of a row, and of rows before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Of the row.
    pub verdict: Verdict,
    /// Rows that counted until now, and don't any more: the meter's first words, which turned out to be wrong.
    pub withdrawn: Vec<Reading>,
}

impl Verdict {
    /// Whether a reading with this verdict is worth storing: one that counts, or one that the owner may want to look
    /// into. At one instant of one meter the last stored one stands: nothing is stored over one that counts, until it is
    /// [withdrawn](Judgement::withdrawn).
    #[must_use]
    pub fn is_worth_storing(self) -> bool {
        matches!(self, Self::Accepted | Self::Quarantined(Reason::WentBack | Reason::TooFast))
    }
}

/// What rows are judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most that the grid connection can import.
    pub import: Watts,
    /// The most that the grid connection can export.
    pub export: Watts,
    /// Length of a slot on the clock.
    pub slot_length: Duration,
    /// The delivery time that a slot stands for: a time-lapse lets registers run faster than the clock.
    pub delivery_time: Duration,
}

impl Limits {
    /// The limits of a household with this connection.
    #[must_use]
    pub fn new(import: Watts, export: Watts, shape: &Shape) -> Self {
        Self { import, export, slot_length: shape.slot_length, delivery_time: shape.delivery_time }
    }
}

/// Net energy of a delivery interval, from the registers of all meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Drawn from the grid.
    pub import: WattHours,
    /// Fed into the grid.
    pub export: WattHours,
    /// How well it is known.
    pub quality: Quality,
}

/// How well a measured energy is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Readings lie dense enough around the interval and in it.
    Exact,
    /// Part of it was read across a gap longer than a slot, or while a meter was replaced.
    Estimated,
}

impl Measured {
    /// What the household needed; negative if it had energy over.
    #[must_use]
    pub fn net(self) -> WattHours {
        self.import - self.export
    }
}

/// The metered net energy less the net energy bought: what the household settles with its supplier. Positive is drawn
/// from it, negative is fed in.
#[must_use]
pub fn imbalance(measured: Measured, net_bought: WattHours) -> WattHours {
    measured.net() - net_bought
}

/// The accepted readings of a household's meters, as far back as they are kept.
#[derive(Clone, Debug)]
pub struct Metering {
    limits: Limits,
    meters: BTreeMap<MeterId, Series>,
}

impl Metering {
    /// No meters yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, meters: BTreeMap::new() }
    }

    /// What rows are judged by.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Judges the rows to come by other limits, after a new charter. What was accepted stays accepted.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Decides whether a row counts, and counts it if so. Late rows are welcome wherever they fit between their
    /// neighbours.
    pub fn judge(&mut self, now: UtcMillis, row: &Row) -> Judgement {
        let quarantined = |reason| Judgement { verdict: Verdict::Quarantined(reason), withdrawn: Vec::new() };
        if row.at > now.after(MAX_CLOCK_AHEAD) {
            return quarantined(Reason::ClockAhead);
        }
        if let Some(series) = self.meters.get_mut(&row.meter) {
            return series.admit(row, &self.limits);
        }
        if self.meters.len() >= MAX_METERS {
            return quarantined(Reason::TooManyMeters);
        }
        let mut series = Series::default();
        let judgement = series.admit(row, &self.limits);
        if judgement.verdict == Verdict::Accepted {
            self.meters.insert(row.meter.clone(), series);
        }
        judgement
    }

    /// Takes back a stored reading at start, whatever the limits are by now: what counted still does. The readings of a
    /// meter come in the order of their instants.
    pub fn restore(&mut self, reading: &Reading) {
        if reading.verdict == Verdict::Accepted {
            self.meters.entry(reading.row.meter.clone()).or_default().put(&reading.row, &self.limits);
        }
    }

    /// The energy between two instants, if the readings of every meter reach that far.
    ///
    /// Registers between two readings are interpolated and rounded down, so the energies of intervals that follow one
    /// another always add up to what the registers counted. A meter that began later counts nothing before, and one
    /// that was replaced nothing afterwards.
    #[must_use]
    pub fn energy(&self, start: UtcMillis, end: UtcMillis) -> Option<Measured> {
        let mut total = Measured { import: WattHours::ZERO, export: WattHours::ZERO, quality: Quality::Exact };
        let mut covers_start = false;
        for series in self.meters.values() {
            let Some((first, last)) = series.reach() else { continue };
            if first >= end || (last <= start && self.is_replaced(series)) {
                continue;
            }
            if last < end && !self.is_replaced(series) {
                return None;
            }
            covers_start |= first <= start;
            let part = series.energy(start.max(first), end.min(last), &self.limits);
            total.import += part.import;
            total.export += part.export;
            let is_whole = first <= start && end <= last;
            total.quality = total.quality.max(if is_whole { part.quality } else { Quality::Estimated });
        }
        (covers_start && start < end).then_some(total)
    }

    fn is_replaced(&self, series: &Series) -> bool {
        let Some((_, silent_since)) = series.reach() else { return false };
        self.meters
            .values()
            .filter_map(Series::reach)
            .any(|(began, counted_until)| began >= silent_since && counted_until.since(silent_since) >= REPLACED_AFTER)
    }
}
