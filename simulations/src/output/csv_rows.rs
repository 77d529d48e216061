//! Rows as CSV.

use std::fmt::Write as _;
use std::fs::File;

use jiff::Timestamp;
use wattswap_matching::UtcMillis;

use super::{Cell, Column, Trouble};

/// A CSV file that is being written.
pub(super) struct CsvRows {
    writer: csv::Writer<File>,
    /// A cell as text.
    cell: String,
    /// The last instant and its text: all homes of a slot have the same one.
    instant: (UtcMillis, String),
}

impl CsvRows {
    pub fn create(file: File, columns: &[Column]) -> Result<Self, Trouble> {
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(columns.iter().map(|column| &column.name)).map_err(std::io::Error::from)?;
        let first = UtcMillis(0);
        Ok(Self { writer, cell: String::new(), instant: (first, written(first)) })
    }

    pub fn add<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) -> Result<(), Trouble> {
        for cell in cells {
            let text = self.text(cell);
            text.map_err(std::io::Error::from)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(std::io::Error::from)?;
        Ok(())
    }

    pub fn finish(mut self) -> Result<(), Trouble> {
        Ok(self.writer.flush()?)
    }

    fn text(&mut self, cell: Cell<'_>) -> Result<(), csv::Error> {
        self.cell.clear();
        let formatted = match cell {
            Cell::Empty => Ok(()),
            Cell::Whole(number) => write!(self.cell, "{number}"),
            Cell::Amount(amount) => write!(self.cell, "{}", amount.normalize()),
            Cell::Real(number) => write!(self.cell, "{number:.4}"),
            Cell::Text(text) => return self.writer.write_field(text),
            Cell::Instant(at) => {
                if at != self.instant.0 {
                    self.instant = (at, written(at));
                }
                return self.writer.write_field(&self.instant.1);
            }
        };
        formatted.expect("a String takes whatever is written to it");
        self.writer.write_field(&self.cell)
    }
}

/// An instant in RFC 3339; one beyond all calendars as its number.
fn written(at: UtcMillis) -> String {
    let instant = i64::try_from(at.0).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    instant.map_or_else(|| at.0.to_string(), |instant| instant.to_string())
}
