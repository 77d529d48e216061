//! Writes tables as scenarios read them: `at`, then a column for each home, in whole watt-hours of each step.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use wattswap_matching::{UtcMillis, WattHours};

use super::Community;
use super::register::Register;
use super::table::Columns;

/// A table can't be written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct CantWrite {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Which of a home's energies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its need; without battery, car and heat pump.
    Need,
    /// What its heat pump draws.
    HeatPump,
    /// What its roof yields.
    Pv,
}

/// A table that is being written.
struct Rows {
    path: PathBuf,
    writer: csv::Writer<File>,
}

impl Rows {
    fn create<'n>(path: &Path, names: impl Iterator<Item = &'n str>) -> Result<Self, CantWrite> {
        let cant = |source: csv::Error| CantWrite { path: path.to_owned(), source: source.into() };
        let mut writer = csv::Writer::from_path(path).map_err(cant)?;
        writer.write_record(std::iter::once("at").chain(names)).map_err(cant)?;
        Ok(Self { path: path.to_owned(), writer })
    }

    fn add(&mut self, at: UtcMillis, energies: impl Iterator<Item = WattHours>) -> Result<(), CantWrite> {
        let at = i64::try_from(at.0).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        let at = at.expect("tables have instants of our time").to_string();
        let row = std::iter::once(at).chain(energies.map(|energy| energy.0.to_string()));
        self.writer.write_record(row).map_err(|source| CantWrite { path: self.path.clone(), source: source.into() })
    }

    fn finish(mut self) -> Result<(), CantWrite> {
        self.writer.flush().map_err(|source| CantWrite { path: self.path.clone(), source })
    }
}

/// Writes columns of a table that was read, step by step, each times 1 kW.
///
/// # Errors
/// [`CantWrite`].
pub fn columns(path: &Path, columns: &Columns) -> Result<usize, CantWrite> {
    let mut rows = Rows::create(path, columns.keys().map(String::as_str))?;
    let registers: Vec<Register> = (columns.values())
        .map(|column| {
            let mut register = Register::new(0);
            register.add(column.clone(), 1_000);
            register
        })
        .collect();
    // A table's columns have the same steps.
    let Some(column) = columns.values().next() else { return Ok(0) };
    let ((start, end), step) = (column.reach(), column.step_minutes() * 60_000);
    let mut count = 0;
    for at in (start.0..end.0).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        let energy = |register: &Register| register.until(UtcMillis(at + step)) - register.until(UtcMillis(at));
        rows.add(UtcMillis(at), registers.iter().map(energy))?;
        count += 1;
    }
    rows.finish()?;
    Ok(count)
}

/// Writes the homes of a community, slot by slot; a day of all homes is held at once.
///
/// # Errors
/// [`CantWrite`].
pub fn homes(path: &Path, community: &Community, what: What) -> Result<(), CantWrite> {
    let wanted: Vec<usize> = (0..community.homes.len())
        .filter(|home| match what {
            What::Need => true,
            What::HeatPump => community.homes[*home].has_heat_pump(),
            What::Pv => community.homes[*home].has_pv(),
        })
        .collect();
    let mut rows = Rows::create(path, wanted.iter().map(|home| community.homes[*home].name.as_str()))?;
    for (number, day) in community.calendar.days.iter().enumerate() {
        let energies = |home: &usize| {
            let day = community.day(*home, number);
            match what {
                What::Need => day.need,
                What::HeatPump => day.heat_pump,
                What::Pv => day.pv,
            }
        };
        let days: Vec<Vec<WattHours>> = wanted.iter().map(energies).collect();
        for slot in 0..day.slots {
            rows.add(community.calendar.instant(day, slot), days.iter().map(|day| day[slot]))?;
        }
    }
    rows.finish()
}
