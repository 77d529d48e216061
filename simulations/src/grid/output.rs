//! Writes what a feeder came to, step by step: three tables in a folder, as CSV or Parquet.
//!
//! `voltages` (volts to earth, a column for each bus and phase), `currents` (amperes, for each line and phase) and
//! `infeed` (watts and var). A step that did not converge has empty cells, or nulls.

use std::path::Path;

use super::feeder::Feeder;
use super::profiles::Profiles;
use super::series::{Block, infeed_columns, phase_names};
use crate::output::{CantWrite, Cell, Column, Format, Kind, Table};

/// The tables.
pub struct Tables {
    voltages: Wide,
    currents: Wide,
    infeed: Wide,
}

/// One of them: a step, its time, and a column for each value.
struct Wide {
    table: Table,
    values: usize,
}

impl Tables {
    /// Makes the folder and the files in it; files of these names are replaced.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn create<const P: usize>(folder: &Path, format: Format, feeder: &Feeder) -> Result<Self, CantWrite> {
        let per_phase = |name: &String| phase_names::<P>().map(|phase| format!("{name}{phase}"));
        let buses = feeder.buses.iter().flat_map(|bus| per_phase(&bus.name)).collect();
        let lines = feeder.lines.iter().flat_map(|line| per_phase(&line.name)).collect();
        Ok(Self {
            voltages: Wide::create(folder, "voltages", format, buses)?,
            currents: Wide::create(folder, "currents", format, lines)?,
            infeed: Wide::create(folder, "infeed", format, infeed_columns::<P>())?,
        })
    }

    /// Adds steps.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn add(&mut self, blocks: &[Block], profiles: &Profiles) -> Result<(), CantWrite> {
        for block in blocks {
            self.voltages.add(block, profiles, &block.voltages)?;
            self.currents.add(block, profiles, &block.currents)?;
            self.infeed.add(block, profiles, &block.infeed)?;
        }
        Ok(())
    }

    /// Writes what is still to be written.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn finish(self) -> Result<(), CantWrite> {
        [self.voltages, self.currents, self.infeed].into_iter().try_for_each(|wide| wide.table.finish().map(drop))
    }
}

impl Wide {
    fn create(folder: &Path, name: &str, format: Format, values: Vec<String>) -> Result<Self, CantWrite> {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        let mut columns = vec![column("step", Kind::Whole), column("time", Kind::Text)];
        columns.extend(values.iter().map(|name| column(name, Kind::Real)));
        Ok(Self { table: Table::create(folder, name, format, &columns)?, values: values.len() })
    }

    /// Adds the rows of a block.
    fn add(&mut self, block: &Block, profiles: &Profiles, values: &[f64]) -> Result<(), CantWrite> {
        for (number, step) in block.steps.clone().enumerate() {
            let head = [Cell::Whole(step as i64), Cell::Text(profiles.time(step))];
            let values = &values[number * self.values..][..self.values];
            let converged = block.converged[number];
            let cell = |value: &f64| if converged { Cell::Real(*value) } else { Cell::Empty };
            self.table.row(head.into_iter().chain(values.iter().map(cell)))?;
        }
        Ok(())
    }
}
