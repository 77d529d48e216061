//! Reads tables of profiles: a column of time stamps at equal distances, and columns of power, energy or shares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use wattswap_matching::UtcMillis;

use super::register::{Column, NANO};
use super::stamps::{EXPECTED, Stamps};
use crate::grid::table::{self, BadTable, Row, Table};

/// Values of nothing but noise: profiles are measured.
const NOISE: i64 = NANO / 1_000;
const MINUTE_S: i64 = 60;
const DAY_MINUTES: i64 = 24 * 60;

/// Why a table of profiles can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadProfile {
    /// It is no table, or a cell is wrong.
    #[error(transparent)]
    Table(#[from] BadTable),
    /// Rows that are not at equal distances.
    #[error(
        "{path}, line {line}: {minutes} minutes after the row before it, but others are {step} apart: rows must follow each \
         other at equal distances of 1 minute to 1 day"
    )]
    Distance {
        /// In which file.
        path: PathBuf,
        /// Which row.
        line: u64,
        /// How far it is.
        minutes: i64,
        /// How far it should be.
        step: i64,
    },
    /// There is no distance between less than two rows.
    #[error("{0}: it has less than two rows, so that nobody knows how long a step is")]
    Short(PathBuf),
    /// The sum does not fit.
    #[error("{path}, column {column}: it comes to more than can be counted; is the unit right?")]
    TooMuch {
        /// In which file.
        path: PathBuf,
        /// Which column.
        column: String,
    },
}

/// What a table's values are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Power as a share of a rated one. The unit of its columns is that power.
    Share,
    /// Power in kW.
    Kilowatts,
    /// Power in W.
    Watts,
    /// Energy of the step in kWh.
    KilowattHours,
    /// Energy of the step in Wh.
    WattHours,
}

/// What a stamp stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// When its row's step starts.
    Start,
    /// When its row's step ends.
    End,
}

/// How to read a table.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What its values are in.
    pub unit: Unit,
    /// Whose local times are those stamps that name no zone.
    pub zone: TimeZone,
    /// What a stamp stands for.
    pub stamp: Stamp,
    /// The column of time stamps; the first one if nothing is said.
    pub time: Option<String>,
}

/// A table's columns by name. The unit of all but shares is a kW.
pub type Columns = BTreeMap<String, Arc<Column>>;

impl Unit {
    /// A value in billionths of a kW (or of a share); for energy, times minutes.
    fn nano(self, value: Decimal) -> Option<i64> {
        let factor = match self {
            Self::Share | Self::Kilowatts => NANO,
            Self::Watts => NANO / 1_000,
            Self::KilowattHours => NANO * 60,
            Self::WattHours => NANO / 1_000 * 60,
        };
        value.checked_mul(factor.into())?.round().to_i64()
    }

    fn is_energy(self) -> bool {
        matches!(self, Self::KilowattHours | Self::WattHours)
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Share => "a share of the rated power, 0 or more, such as 0.25",
            Self::Kilowatts => "a power in kW, 0 or more, such as 0.25",
            Self::Watts => "a power in W, 0 or more, such as 250",
            Self::KilowattHours => "an energy in kWh, 0 or more, such as 0.0625",
            Self::WattHours => "an energy in Wh, 0 or more, such as 62",
        }
    }
}

/// Reads those columns that `wanted` names by the column's name, under the names that it gives.
///
/// # Errors
/// [`BadProfile`].
pub fn read(
    path: &Path,
    reading: &Reading,
    mut wanted: impl FnMut(&Table) -> Vec<(String, table::Column)>,
) -> Result<Columns, BadProfile> {
    let table = Table::open(path)?;
    let first = table.headers().next().unwrap_or_default().to_owned();
    let time = table.column(reading.time.as_deref().unwrap_or(&first))?;
    let columns = wanted(&table);
    let mut values: Vec<Vec<i64>> = vec![Vec::new(); columns.len()];
    let mut steps = Steps::new(reading.zone.clone());
    for row in table.rows() {
        let row = row?;
        steps.add(path, &row, &time)?;
        for (values, (_, column)) in values.iter_mut().zip(&columns) {
            values.push(value(&row, column, reading.unit)?);
        }
    }
    let (start, step) = steps.finish(path, reading.stamp)?;
    let minutes = if reading.unit.is_energy() { 1 } else { step };
    let step = u64::try_from(step).expect("steps are above 0");
    let column = |((name, column), values): ((String, table::Column), Vec<i64>)| {
        let too_much = || BadProfile::TooMuch { path: path.to_owned(), column: column.name().to_owned() };
        let energies: Option<Vec<i64>> = values.into_iter().map(|value| value.checked_mul(minutes)).collect();
        let column = Column::new(start, step, energies.ok_or_else(too_much)?).ok_or_else(too_much)?;
        Ok((name, Arc::new(column)))
    };
    columns.into_iter().zip(values).map(column).collect()
}

/// All columns but that of the time, in the table's order.
pub fn all(table: &Table, time: Option<&str>) -> Vec<(String, table::Column)> {
    let mut names: Vec<String> = table.headers().map(str::to_owned).collect();
    match time {
        Some(time) => names.retain(|name| name != time),
        None => drop(names.drain(..names.len().min(1))),
    }
    names.into_iter().filter_map(|name| table.optional(&name).map(|column| (name, column))).collect()
}

fn value(row: &Row, column: &table::Column, unit: Unit) -> Result<i64, BadTable> {
    let bad = || row.bad(column, unit.expected());
    let nano = decimal(row.text(column)).and_then(|value| unit.nano(value)).ok_or_else(bad)?;
    // What a measured share may have below nought is noise, and counts as nought.
    match nano {
        0.. => Ok(nano),
        nano if unit == Unit::Share && nano >= -NOISE => Ok(0),
        _ => Err(bad()),
    }
}

/// A decimal number, with an exponent if it likes.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// The stamps of a table, row by row.
struct Steps {
    stamps: Stamps,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    step: Option<i64>,
}

impl Steps {
    fn new(zone: TimeZone) -> Self {
        Self { stamps: Stamps::new(zone), first: None, last: None, step: None }
    }

    fn add(&mut self, path: &Path, row: &Row, time: &table::Column) -> Result<(), BadProfile> {
        let instant = self.stamps.read(row.text(time)).ok_or_else(|| row.bad(time, EXPECTED))?;
        if let Some(last) = self.last {
            let seconds = instant.as_second() - last.as_second();
            let minutes = seconds / MINUTE_S;
            let step = *self.step.get_or_insert(minutes);
            if minutes != step || seconds % MINUTE_S != 0 || !(1..=DAY_MINUTES).contains(&minutes) {
                return Err(BadProfile::Distance { path: path.to_owned(), line: row.line(), minutes, step });
            }
        }
        self.first = self.first.or(Some(instant));
        self.last = Some(instant);
        Ok(())
    }

    /// When the first step starts, and how many minutes each has.
    fn finish(self, path: &Path, stamp: Stamp) -> Result<(UtcMillis, i64), BadProfile> {
        let (Some(first), Some(step)) = (self.first, self.step) else { return Err(BadProfile::Short(path.to_owned())) };
        let earlier = if stamp == Stamp::End { step * MINUTE_S * 1_000 } else { 0 };
        let start = u64::try_from(first.as_millisecond() - earlier).unwrap_or(0);
        Ok((UtcMillis(start), step))
    }
}
