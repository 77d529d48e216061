//! Meter readings in JSON, and the verdict on each row of a push.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, SchemaType};
use utoipa::openapi::{Ref, RefOr, Schema};

use super::many::{Many, Object, schema_of_many};
use super::number::Energy;
use super::page::Cursor;
use super::text::Text;
use super::values::{Instant, MeterName};
use crate::limits::MAX_READINGS_PER_BATCH;
use crate::port;

/// A batch of readings. Every row gets a verdict of its own, and no row costs another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReadings {
    /// The rows: each a `Reading`. Anything else gets the verdict `malformed`, and the other rows go on.
    #[schema(schema_with = rows)]
    pub readings: Many<Box<RawValue>, MAX_READINGS_PER_BATCH>,
}

/// What a meter showed at an instant: its two registers as they count up for ever, not the energy in between.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Which meter.
    pub meter: MeterName,
    /// When it showed this.
    pub at: Instant,
    /// Energy drawn from the grid since the meter began.
    pub import_wh: Energy,
    /// Energy fed into the grid since the meter began.
    pub export_wh: Energy,
}

/// What became of a batch of readings.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Verdicts {
    /// One a row, in the order of the rows.
    pub verdicts: Vec<Verdict>,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Stored and counted.
    Accepted,
    /// The very same reading is stored already.
    Duplicate,
    /// The meter has another reading at this instant; that first one is kept and this one counts for nothing.
    Conflict {
        /// The import register that is kept.
        kept_import_wh: Energy,
        /// The export register that is kept.
        kept_export_wh: Energy,
    },
    /// Not counted, and no baseline for later rows.
    Quarantined {
        /// For programs.
        reason: QuarantineCode,
        /// For people.
        detail: String,
    },
    /// The row is no reading.
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
}

/// Why a reading is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineCode {
    /// A register is lower than at an earlier instant.
    WentBack,
    /// A register grew faster than the connection can carry.
    TooFast,
    /// The instant lies ahead of the household's clock.
    ClockAhead,
    /// The instant lies before what the household still keeps.
    TooOld,
    /// The household has as many meters as it takes.
    TooManyMeters,
}

/// One page of readings.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ReadingPage {
    /// Newest first.
    pub readings: Vec<StoredReading>,
    /// Give it as `after` for the next page; null if this is the last.
    #[schema(required)]
    pub next: Option<Cursor>,
}

/// A reading as stored.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct StoredReading {
    /// Which meter.
    pub meter: MeterName,
    /// When it showed this.
    pub at: Instant,
    /// Energy drawn from the grid since the meter began.
    pub import_wh: Energy,
    /// Energy fed into the grid since the meter began.
    pub export_wh: Energy,
    /// Why it is not counted; null if it is.
    #[schema(required)]
    pub quarantined: Option<QuarantineCode>,
}

impl Reading {
    /// Reads one row of a batch.
    ///
    /// # Errors
    /// What a sender needs to mend the row.
    pub fn parse(row: &RawValue) -> Result<port::Reading, String> {
        let reading = serde_json::from_str::<Object<Self>>(row.get()).map_err(|error| error.to_string())?.0;
        Ok(port::Reading {
            meter: reading.meter.0,
            at: reading.at.0,
            import: reading.import_wh.0,
            export: reading.export_wh.0,
        })
    }
}

impl From<port::Verdict> for Verdict {
    fn from(verdict: port::Verdict) -> Self {
        match verdict {
            port::Verdict::Accepted => Self::Accepted,
            port::Verdict::Duplicate => Self::Duplicate,
            port::Verdict::Conflict { kept_import, kept_export } => {
                Self::Conflict { kept_import_wh: Energy(kept_import), kept_export_wh: Energy(kept_export) }
            }
            port::Verdict::Quarantined(reason) => {
                Self::Quarantined { reason: reason.into(), detail: reason.to_string() }
            }
        }
    }
}

impl From<port::QuarantineReason> for QuarantineCode {
    fn from(reason: port::QuarantineReason) -> Self {
        match reason {
            port::QuarantineReason::WentBack => Self::WentBack,
            port::QuarantineReason::TooFast => Self::TooFast,
            port::QuarantineReason::ClockAhead => Self::ClockAhead,
            port::QuarantineReason::TooOld => Self::TooOld,
            port::QuarantineReason::TooManyMeters => Self::TooManyMeters,
        }
    }
}

impl From<port::StoredReading> for StoredReading {
    fn from(stored: port::StoredReading) -> Self {
        Self {
            meter: Text(stored.reading.meter),
            at: Text(stored.reading.at),
            import_wh: Energy(stored.reading.import),
            export_wh: Energy(stored.reading.export),
            quarantined: stored.quarantined.map(QuarantineCode::from),
        }
    }
}

impl From<port::Listing<port::StoredReading>> for ReadingPage {
    fn from(listing: port::Listing<port::StoredReading>) -> Self {
        Self { readings: listing.items.into_iter().map(StoredReading::from).collect(), next: listing.next.map(Text) }
    }
}

/// A row should be a reading, but anything is taken, since a bad row is a verdict and not an error.
fn rows() -> RefOr<Schema> {
    let anything = ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some("Gets `malformed`."));
    let row = AnyOfBuilder::new().item(Ref::from_schema_name("Reading")).item(anything);
    schema_of_many(row, MAX_READINGS_PER_BATCH, "The rows: each a `Reading`. Anything else gets `malformed`.")
}
