//! Writes tables as scenarios read them: `at`, then a column for each home, in whole watt-hours of each step.

use std::path::Path;

use wattswap_matching::{UtcMillis, WattHours};

use super::Community;
use super::register::Register;
use super::table::Columns;
use crate::output::{CantWrite, Cell, Column, Kind, Table};

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

/// A table with a column of energy for each name.
fn create<'n>(path: &Path, names: impl Iterator<Item = &'n str>) -> Result<Table, CantWrite> {
    let at = Column { name: "at".to_owned(), kind: Kind::Instant };
    let names = names.map(|name| Column { name: name.to_owned(), kind: Kind::Whole });
    Table::csv(path, &std::iter::once(at).chain(names).collect::<Vec<_>>())
}

fn row(at: UtcMillis, energies: impl Iterator<Item = WattHours>) -> impl Iterator<Item = Cell<'static>> {
    std::iter::once(Cell::Instant(at)).chain(energies.map(|energy| Cell::Whole(energy.0)))
}

/// Writes columns of a table that was read, step by step, each times 1 kW.
///
/// # Errors
/// [`CantWrite`].
pub fn columns(path: &Path, columns: &Columns) -> Result<usize, CantWrite> {
    let mut table = create(path, columns.keys().map(String::as_str))?;
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
        table.row(row(UtcMillis(at), registers.iter().map(energy)))?;
        count += 1;
    }
    table.finish()?;
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
    let mut table = create(path, wanted.iter().map(|home| community.homes[*home].name.as_str()))?;
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
            table.row(row(community.calendar.instant(day, slot), days.iter().map(|day| day[slot])))?;
        }
    }
    table.finish().map(drop)
}
