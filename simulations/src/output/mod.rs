//! Tables on disk, row by row, as CSV or Parquet, larger than memory: the one way in which simulations write them.
//!
//! A [`Table`] has columns of a [`Kind`], and takes rows of [`Cell`]s, any of which can be empty. What a table is about
//! is not known here. One thread writes; the same rows give the same bytes.

mod csv_rows;
mod parquet_rows;
pub mod reading;

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use rust_decimal::Decimal;
use tempfile::TempPath;
use wattswap_matching::UtcMillis;

use self::csv_rows::CsvRows;
use self::parquet_rows::ParquetRows;

/// Why nothing more can be written.
#[derive(Debug, thiserror::Error)]
pub enum CantWrite {
    /// The disk says no.
    #[error("{path}: {source}")]
    Disk {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The Parquet writer says no.
    #[error("{path}: {source}")]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// An amount has too many digits for Parquet.
    #[error("{path}: the amount {amount} does not fit into 18 digits of which 9 are decimals: write CSV instead")]
    Amount {
        /// Which file.
        path: PathBuf,
        /// The amount.
        amount: Decimal,
    },
}

/// How tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text.
    Csv,
    /// Compressed columns.
    Parquet,
}

impl Format {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Parquet];

    /// The file of a table that is called so.
    #[must_use]
    pub fn file(self, folder: &Path, name: &str) -> PathBuf {
        let extension = match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        };
        // Not `with_extension`: a name may have a dot of its own.
        folder.join(format!("{name}.{extension}"))
    }
}

/// What is in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers. Parquet: INT64.
    Whole,
    /// Instants. CSV: RFC 3339 in UTC; Parquet: a timestamp in milliseconds, adjusted to UTC.
    Instant,
    /// Text. Parquet: UTF-8.
    Text,
    /// Exact amounts. CSV: as they are; Parquet: DECIMAL(18, 9), to which finer ones are rounded, half to even.
    Amount,
    /// Measured numbers. CSV: with four decimals; Parquet: DOUBLE.
    Real,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands at its head.
    pub name: String,
    /// What is in it.
    pub kind: Kind,
}

/// A value; its variant is that of its column's kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'c> {
    /// Nothing is known. CSV: nothing between two commas; Parquet: null.
    Empty,
    /// Of a column of whole numbers.
    Whole(i64),
    /// Of a column of instants.
    Instant(UtcMillis),
    /// Of a column of text.
    Text(&'c str),
    /// Of a column of amounts.
    Amount(Decimal),
    /// Of a column of measured numbers.
    Real(f64),
}

/// A table that is being written.
///
/// It gets its name when it is finished. Until then a file that has this name stays as it is, and what an interrupted run
/// leaves does not look like a table.
pub struct Table {
    path: PathBuf,
    rows: Open,
    /// Where it is written meanwhile; none if the name is no file's, but a terminal's or a pipe's.
    aside: Option<TempPath>,
}

enum Open {
    Csv(Box<CsvRows>),
    Parquet(Box<ParquetRows>),
}

/// What can go wrong below, before it is said in which file.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    #[error("too many digits")]
    Amount(Decimal),
}

impl Trouble {
    fn at(self, path: &Path) -> CantWrite {
        let path = path.to_owned();
        match self {
            Self::Disk(source) => CantWrite::Disk { path, source },
            Self::Parquet(source) => CantWrite::Parquet { path, source },
            Self::Amount(amount) => CantWrite::Amount { path, amount },
        }
    }
}

impl Table {
    /// Makes a folder, if there is none, and a file in it that is called so; a file of this name is replaced.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn create(folder: &Path, name: &str, format: Format, columns: &[Column]) -> Result<Self, CantWrite> {
        fs::create_dir_all(folder).map_err(|source| CantWrite::Disk { path: folder.to_owned(), source })?;
        Self::open(&format.file(folder, name), |file| {
            Ok(match format {
                Format::Csv => Open::Csv(Box::new(CsvRows::create(file, columns)?)),
                Format::Parquet => Open::Parquet(Box::new(ParquetRows::create(file, name, columns)?)),
            })
        })
    }

    /// Makes a CSV file of this name, whatever that is; if there is one, it is replaced.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn csv(path: &Path, columns: &[Column]) -> Result<Self, CantWrite> {
        Self::open(path, |file| Ok(Open::Csv(Box::new(CsvRows::create(file, columns)?))))
    }

    fn open(path: &Path, rows: impl FnOnce(File) -> Result<Open, Trouble>) -> Result<Self, CantWrite> {
        let opened = create(path).map_err(Trouble::from).and_then(|(file, aside)| Ok((rows(file)?, aside)));
        let (rows, aside) = opened.map_err(|trouble| trouble.at(path))?;
        Ok(Self { path: path.to_owned(), rows, aside })
    }

    /// Adds a row: a cell for each column.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn row<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) -> Result<(), CantWrite> {
        let added = match &mut self.rows {
            Open::Csv(rows) => rows.add(cells),
            Open::Parquet(rows) => rows.add(cells),
        };
        added.map_err(|trouble| trouble.at(&self.path))
    }

    /// Writes what is still to be written, and gives the table its name; returns its file.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn finish(self) -> Result<PathBuf, CantWrite> {
        let Self { path, rows, aside } = self;
        let finished = match rows {
            Open::Csv(rows) => rows.finish(),
            Open::Parquet(rows) => rows.finish(),
        };
        let named = finished.and_then(|()| match aside {
            Some(aside) => aside.persist(&path).map_err(|error| error.error.into()),
            None => Ok(()),
        });
        match named {
            Ok(()) => Ok(path),
            Err(trouble) => Err(trouble.at(&path)),
        }
    }
}

/// A file beside `path` that takes its name in the end; what is there already and is no file is written to as it is.
fn create(path: &Path) -> io::Result<(File, Option<TempPath>)> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return Ok((File::create(path)?, None));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".part-");
    let permissions = Permissions::from_mode(0o666);
    let (file, aside) =
        tempfile::Builder::new().prefix(&prefix).permissions(permissions).tempfile_in(folder)?.into_parts();
    Ok((file, Some(aside)))
}
