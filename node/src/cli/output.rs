//! Words and tables for people, JSON for scripts.

use std::io::{self, Write as _};

use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;
use wattswap_matching::UtcMillis;

/// A line under the heading, and no others.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Writes a line, or several.
pub(super) fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes one JSON value on a line of its own.
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    text(&serde_json::to_string(value)?)
}

/// A table's column: its heading, and whether it holds numbers.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// Aligned to the left.
    Words(&'static str),
    /// Aligned to the right.
    Number(&'static str),
}

/// Writes a table, or `nothing` if it would have no rows.
pub(super) fn table<const N: usize>(
    columns: [Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
    nothing: &str,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(columns.map(|column| match column {
        Column::Words(name) => Cell::new(name),
        Column::Number(name) => Cell::new(name).set_alignment(CellAlignment::Right),
    }));
    for row in rows {
        table.add_row(columns.iter().zip(row).map(|(column, value)| match column {
            Column::Words(_) => Cell::new(value),
            Column::Number(_) => Cell::new(value).set_alignment(CellAlignment::Right),
        }));
    }
    if table.is_empty() { text(nothing) } else { text(&table.trim_fmt()) }
}

/// A time as it is on the wall in this time zone: `Wed 10 Jun 14:15`, with seconds where there are any.
pub(super) fn clock(at: UtcMillis, zone: &TimeZone) -> String {
    match zoned(at, zone) {
        Some(at) if at.second() == 0 => at.strftime("%a %d %b %H:%M").to_string(),
        Some(at) => at.strftime("%a %d %b %H:%M:%S").to_string(),
        None => "out of range".to_owned(),
    }
}

/// The instant in a time zone; none beyond the calendar.
pub(super) fn zoned(at: UtcMillis, zone: &TimeZone) -> Option<Zoned> {
    let at = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
    Some(at.to_zoned(zone.clone()))
}

/// The start of a hash or a key, enough to recognise it by.
pub(super) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_on_the_wall() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (at, expected) in [
            ("2026-06-10T12:15:00Z", "Wed 10 Jun 14:15"),
            ("2026-06-10T12:15:10Z", "Wed 10 Jun 14:15:10"),
            ("2026-01-10T23:30:00Z", "Sun 11 Jan 00:30"),
        ] {
            let at = at.parse::<Timestamp>().unwrap().as_millisecond();
            assert_eq!(clock(UtcMillis(u64::try_from(at).unwrap()), &zone), expected);
        }
        assert_eq!(clock(UtcMillis(u64::MAX), &zone), "out of range");
    }
}
