//! A CSV file of meter readings, or of power over time, as two registers that count up.

use std::io;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use wattswap_matching::{UtcMillis, WattHours};

/// Rows of a file: over three years at one a minute.
const MAX_ROWS: usize = 2_000_000;
/// Milliwatt-milliseconds would be exact too; watt-milliseconds are what an hour divides evenly.
const MILLIS_PER_HOUR: Decimal = Decimal::from_parts(3_600_000, 0, 0, false, 0);

/// What a meter showed at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// When.
    pub(super) at: UtcMillis,
    /// Drawn from the grid since the meter began.
    pub(super) import: WattHours,
    /// Fed into the grid since the meter began.
    pub(super) export: WattHours,
}

/// Why a file holds no readings.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProfileError {
    /// It can't be read, or it is no CSV.
    #[error("can't read {}: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// The heading is none of the two.
    #[error(
        "{} starts with `{heading}`; its heading must be `at,import_wh,export_wh` (registers) or `at,load_w,pv_w` \
         (power)",
        path.display()
    )]
    Heading {
        /// The file.
        path: PathBuf,
        /// What stands there.
        heading: String,
    },
    /// A row makes no sense.
    #[error("{}, line {line}: {why}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: u64,
        /// What is wrong with it.
        why: RowError,
    },
    /// Too few rows to say how much energy flowed when.
    #[error("{} has {rows} rows; it takes two", path.display())]
    TooShort {
        /// The file.
        path: PathBuf,
        /// How many it has.
        rows: usize,
    },
    /// Too many.
    #[error("{} has more than {MAX_ROWS} rows; split it", .0.display())]
    TooLong(PathBuf),
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RowError {
    #[error("`{0}` is no instant with its offset, for example 2026-06-01T12:00:00Z")]
    Instant(String),
    #[error("`{0}` is not after the instant of the row before; sort the rows")]
    Order(String),
    #[error("`{0}` is not a whole number of watt-hours of zero or more")]
    Register(String),
    #[error("`{0}` is not a number of watts of zero or more")]
    Power(String),
    #[error("the registers would overflow")]
    Overflow,
}

/// Reads a file of either shape.
///
/// # Errors
/// [`ProfileError`] names the line.
pub(super) fn read(path: &Path) -> Result<Vec<Row>, ProfileError> {
    let fail = |source| ProfileError::Csv { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(|error| fail(error.into()))?;
    parse(io::BufReader::new(file), path)
}

fn parse(text: impl io::Read, path: &Path) -> Result<Vec<Row>, ProfileError> {
    let fail = |source| ProfileError::Csv { path: path.to_owned(), source };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(text);
    let heading: Vec<String> = reader.headers().map_err(fail)?.iter().map(str::to_ascii_lowercase).collect();
    let heading: Vec<&str> = heading.iter().map(String::as_str).collect();
    let mut rows = match heading[..] {
        ["at", "import_wh", "export_wh"] => Rows::Registers(Vec::new()),
        ["at", "load_w", "pv_w"] => Rows::Power(Vec::new()),
        _ => return Err(ProfileError::Heading { path: path.to_owned(), heading: heading.join(",") }),
    };
    for record in reader.records() {
        let record = record.map_err(fail)?;
        let line = record.position().map_or(0, csv::Position::line);
        rows.push(&record).map_err(|why| ProfileError::Row { path: path.to_owned(), line, why })?;
        if rows.len() > MAX_ROWS {
            return Err(ProfileError::TooLong(path.to_owned()));
        }
    }
    if rows.len() < 2 {
        return Err(ProfileError::TooShort { path: path.to_owned(), rows: rows.len() });
    }
    let line = reader.position().line();
    rows.registers().map_err(|why| ProfileError::Row { path: path.to_owned(), line, why })
}

/// Mean power from an instant to that of the next row.
#[derive(Clone, Copy)]
struct Power {
    at: UtcMillis,
    load: Decimal,
    pv: Decimal,
}

enum Rows {
    Registers(Vec<Row>),
    Power(Vec<Power>),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Self::Registers(rows) => rows.len(),
            Self::Power(rows) => rows.len(),
        }
    }

    fn push(&mut self, record: &StringRecord) -> Result<(), RowError> {
        let field = |index| record.get(index).unwrap_or_default();
        let at = instant(field(0))?;
        let last = match self {
            Self::Registers(rows) => rows.last().map(|row| row.at),
            Self::Power(rows) => rows.last().map(|row| row.at),
        };
        if last.is_some_and(|last| at <= last) {
            return Err(RowError::Order(field(0).to_owned()));
        }
        match self {
            Self::Registers(rows) => {
                rows.push(Row { at, import: register(field(1))?, export: register(field(2))? });
            }
            Self::Power(rows) => rows.push(Power { at, load: power(field(1))?, pv: power(field(2))? }),
        }
        Ok(())
    }

    fn registers(self) -> Result<Vec<Row>, RowError> {
        match self {
            Self::Registers(rows) => Ok(rows),
            Self::Power(rows) => integrate(&rows),
        }
    }
}

/// Counts power up. The last row lasts as long as the one before it.
fn integrate(rows: &[Power]) -> Result<Vec<Row>, RowError> {
    let (mut import, mut export) = (Decimal::ZERO, Decimal::ZERO);
    let mut registers = Vec::with_capacity(rows.len() + 1);
    let show = |at, import: Decimal, export: Decimal| {
        let watt_hours = |watt_millis: Decimal| (watt_millis / MILLIS_PER_HOUR).floor().to_i64().map(WattHours);
        let (import, export) = (watt_hours(import), watt_hours(export));
        import.zip(export).map(|(import, export)| Row { at, import, export }).ok_or(RowError::Overflow)
    };
    for (index, row) in rows.iter().enumerate() {
        registers.push(show(row.at, import, export)?);
        let length = match rows.get(index + 1) {
            Some(next) => next.at.since(row.at),
            None => row.at.since(rows[index.saturating_sub(1)].at),
        };
        let energy = row.load.checked_sub(row.pv).and_then(|net| net.checked_mul(Decimal::from(length.as_millis())));
        let energy = energy.ok_or(RowError::Overflow)?;
        let register = if energy.is_sign_positive() { &mut import } else { &mut export };
        *register = register.checked_add(energy.abs()).ok_or(RowError::Overflow)?;
        if index + 1 == rows.len() {
            registers.push(show(row.at.after(length), import, export)?);
        }
    }
    Ok(registers)
}

fn instant(text: &str) -> Result<UtcMillis, RowError> {
    let at: Option<Timestamp> = text.parse().ok();
    let millis = at.and_then(|at| u64::try_from(at.as_millisecond()).ok());
    millis.map(UtcMillis).ok_or_else(|| RowError::Instant(text.to_owned()))
}

fn register(text: &str) -> Result<WattHours, RowError> {
    let number = text.parse().ok().filter(|number| *number >= 0);
    number.map(WattHours).ok_or_else(|| RowError::Register(text.to_owned()))
}

fn power(text: &str) -> Result<Decimal, RowError> {
    let number = Decimal::from_str_exact(text).ok().filter(|number| !number.is_sign_negative());
    number.ok_or_else(|| RowError::Power(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<(u64, i64, i64)>, String> {
        let parsed = parse(text.as_bytes(), Path::new("f.csv")).map_err(|error| error.to_string())?;
        Ok(parsed.iter().map(|row| (row.at.0, row.import.0, row.export.0)).collect())
    }

    #[test]
    fn registers_are_taken_as_they_are() {
        let text = "at,import_wh,export_wh\n1970-01-01T00:00:00Z,5,0\n# a remark\n1970-01-01T02:00:00+01:00, 7 ,3\n";
        assert_eq!(rows(text).unwrap(), [(0, 5, 0), (3_600_000, 7, 3)]);
    }

    #[test]
    fn power_is_counted_up_without_losing_what_is_less_than_a_watt_hour() {
        // Three quarter-hours of 2 W are 1.5 Wh, one of 4 W makes it 2.5 Wh; then 10 W of surplus.
        let text = "at,load_w,pv_w\n1970-01-01T00:00:00Z,2,0\n1970-01-01T00:15:00Z,2.0,0\n1970-01-01T00:30:00Z,3,1\n\
                    1970-01-01T00:45:00Z,4,0\n1970-01-01T01:00:00Z,0.5,10.5\n";
        let quarter = 900_000;
        let expected = [
            (0, 0, 0),
            (quarter, 0, 0),
            (2 * quarter, 1, 0),
            (3 * quarter, 1, 0),
            (4 * quarter, 2, 0),
            (5 * quarter, 2, 2),
        ];
        assert_eq!(rows(text).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_names_its_line() {
        let registers = "at,import_wh,export_wh\n1970-01-01T00:00:00Z,0,0\n";
        let power = "at,load_w,pv_w\n1970-01-01T00:00:00Z,0,0\n";
        for (text, expected) in [
            (String::new(), "its heading must be"),
            ("time,a,b\n".to_owned(), "starts with `time,a,b`"),
            (registers.to_owned(), "has 1 rows"),
            (format!("{registers}1970-01-01T00:00:00Z,1,0\n"), "line 3: `1970-01-01T00:00:00Z` is not after"),
            (format!("{registers}1970-01-01 00:15,1,0\n"), "line 3: `1970-01-01 00:15` is no instant"),
            (format!("{registers}1970-01-01T00:15:00Z,-1,0\n"), "line 3: `-1` is not a whole number"),
            (format!("{registers}1970-01-01T00:15:00Z,1.5,0\n"), "line 3: `1.5` is not a whole number"),
            (format!("{registers}1970-01-01T00:15:00Z,1\n"), "found record with 2 fields"),
            (format!("{power}1970-01-01T00:15:00Z,NaN,0\n"), "line 3: `NaN` is not a number of watts"),
            (format!("{power}1970-01-01T00:15:00Z,1,-2\n"), "line 3: `-2` is not a number of watts"),
            (format!("{power}1970-01-01T00:15:00Z,{},0\n", "9".repeat(28)), "overflow"),
        ] {
            let error = rows(&text).unwrap_err();
            assert!(error.contains(expected), "{text}\ngave: {error}");
        }
    }
}
