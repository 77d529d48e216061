//! Tables in CSV files, gzipped or not, or in Parquet files, with errors that say where and what to write instead.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use flate2::read::MultiGzDecoder;
use parquet::errors::ParquetError;

use super::parquet_rows;

/// Why a table can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadTable {
    /// It can't be opened or read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not CSV.
    #[error("{path}: {source}")]
    NotCsv {
        /// Which.
        path: PathBuf,
        /// Why, and in which line.
        source: csv::Error,
    },
    /// There is nothing in it.
    #[error("{0} is empty: a table begins with a line of its columns' names")]
    Empty(PathBuf),
    /// Another character than was expected separates cells.
    #[error("{path}, line {line}: its cells are separated by {found:?}: write commas, and points in numbers")]
    Separator {
        /// In which file.
        path: PathBuf,
        /// Of the header.
        line: u64,
        /// By what.
        found: char,
    },
    /// It is not Parquet.
    #[error("{path}: {source}")]
    NotParquet {
        /// Which.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// A column is missing.
    #[error("{path}, line {line}: there is no column {column}; there are {there}")]
    NoColumn {
        /// In which file.
        path: PathBuf,
        /// Of the header.
        line: u64,
        /// Which.
        column: String,
        /// The columns that there are.
        there: String,
    },
    /// A cell holds what can't be used.
    #[error("{path}, line {line}, column {column}: {found:?} is not {expected}")]
    BadCell {
        /// In which file.
        path: PathBuf,
        /// In which line, counted from 1.
        line: u64,
        /// In which column.
        column: String,
        /// What it holds.
        found: String,
        /// What to write instead.
        expected: String,
    },
}

/// A file that is read row by row; in CSV, lines that begin with `#` are comments.
pub struct Table {
    path: PathBuf,
    header_line: u64,
    headers: StringRecord,
    rows: Rows,
}

/// What rows come from.
enum Rows {
    Csv(Reader<Box<dyn Read>>),
    Parquet(Box<dyn Iterator<Item = Result<StringRecord, ParquetError>>>),
}

/// A column that was found in the header.
#[derive(Clone, Debug)]
pub struct Column {
    name: String,
    index: usize,
}

/// A row of a table.
pub struct Row {
    path: PathBuf,
    line: u64,
    cells: StringRecord,
}

impl Table {
    /// Opens a file and reads its header. A name that ends in `.gz` is unpacked on the way; one that ends in `.parquet`
    /// is read as Parquet, its values as text.
    ///
    /// # Errors
    /// [`BadTable`].
    pub fn open(path: &Path) -> Result<Self, BadTable> {
        Self::open_separated(path, b',')
    }

    /// The same where another character than a comma separates the cells of CSV.
    ///
    /// # Errors
    /// [`BadTable`].
    pub fn open_separated(path: &Path, separator: u8) -> Result<Self, BadTable> {
        let unreadable = |source| BadTable::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        if path.is_dir() {
            return Err(unreadable(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder: name the file in it")));
        }
        if path.extension().is_some_and(|extension| extension == "parquet") {
            let (headers, rows) =
                parquet_rows::open(file).map_err(|source| BadTable::NotParquet { path: path.to_owned(), source })?;
            return Ok(Self { path: path.to_owned(), header_line: 0, headers, rows: Rows::Parquet(rows) });
        }
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let bytes: Box<dyn Read> =
            if packed { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(BufReader::new(file)) };
        let mut reader =
            ReaderBuilder::new().delimiter(separator).comment(Some(b'#')).trim(Trim::All).from_reader(bytes);
        let headers = reader.headers().cloned();
        let headers = headers.map_err(|source| BadTable::NotCsv { path: path.to_owned(), source })?;
        // The line before the one that is read next: comments may come before the header.
        let header_line = reader.position().line().saturating_sub(1);
        if headers.is_empty() {
            return Err(BadTable::Empty(path.to_owned()));
        }
        let other = headers.iter().next().filter(|_| headers.len() == 1).and_then(|only| only.find([';', '\t']));
        if let (Some(at), b',') = (other, separator) {
            let found = char::from(headers[0].as_bytes()[at]);
            return Err(BadTable::Separator { path: path.to_owned(), line: header_line, found });
        }
        Ok(Self { path: path.to_owned(), header_line, headers, rows: Rows::Csv(reader) })
    }

    /// The names of all columns.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter()
    }

    /// Finds a column by its name.
    ///
    /// # Errors
    /// [`BadTable::NoColumn`].
    pub fn column(&self, name: &str) -> Result<Column, BadTable> {
        self.optional(name).ok_or_else(|| BadTable::NoColumn {
            path: self.path.clone(),
            line: self.header_line,
            column: name.to_owned(),
            there: self.headers.iter().collect::<Vec<_>>().join(", "),
        })
    }

    /// Finds a column by its name, if it is there.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<Column> {
        let index = self.headers.iter().position(|header| header == name)?;
        Some(Column { name: name.to_owned(), index })
    }

    /// Reads the rows, one after the other.
    pub fn rows(self) -> Box<dyn Iterator<Item = Result<Row, BadTable>>> {
        let path = self.path;
        match self.rows {
            Rows::Csv(reader) => Box::new(reader.into_records().map(move |record| match record {
                Ok(cells) => {
                    let line = cells.position().map_or(0, csv::Position::line);
                    Ok(Row { path: path.clone(), line, cells })
                }
                Err(source) => Err(BadTable::NotCsv { path: path.clone(), source }),
            })),
            Rows::Parquet(rows) => Box::new((1..).zip(rows).map(move |(line, row)| match row {
                Ok(cells) => Ok(Row { path: path.clone(), line, cells }),
                Err(source) => Err(BadTable::NotParquet { path: path.clone(), source }),
            })),
        }
    }
}

impl Column {
    /// What the header calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Row {
    /// In which line it stands, counted from 1; of a Parquet file, the number of the row.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// What a cell holds.
    #[must_use]
    pub fn text(&self, column: &Column) -> &str {
        &self.cells[column.index]
    }

    /// A cell as a number or another type.
    ///
    /// # Errors
    /// [`BadTable::BadCell`], which says what was expected.
    pub fn parse<T: FromStr>(&self, column: &Column, expected: &str) -> Result<T, BadTable> {
        self.text(column).parse().map_err(|_unclear| self.bad(column, expected))
    }

    /// A cell as a finite number.
    ///
    /// # Errors
    /// [`BadTable::BadCell`].
    pub fn number(&self, column: &Column, expected: &str) -> Result<f64, BadTable> {
        let number: f64 = self.parse(column, expected)?;
        if number.is_finite() { Ok(number) } else { Err(self.bad(column, expected)) }
    }

    /// A cell as a finite number that is not below 0.
    ///
    /// # Errors
    /// [`BadTable::BadCell`].
    pub fn amount(&self, column: &Column, expected: &str) -> Result<f64, BadTable> {
        let number = self.number(column, expected)?;
        if number >= 0.0 { Ok(number) } else { Err(self.bad(column, expected)) }
    }

    /// A cell as a finite number above 0.
    ///
    /// # Errors
    /// [`BadTable::BadCell`].
    pub fn positive(&self, column: &Column, expected: &str) -> Result<f64, BadTable> {
        let number = self.number(column, expected)?;
        if number > 0.0 { Ok(number) } else { Err(self.bad(column, expected)) }
    }

    /// The error for a cell that holds what can't be used.
    #[must_use]
    pub fn bad(&self, column: &Column, expected: &str) -> BadTable {
        BadTable::BadCell {
            path: self.path.clone(),
            line: self.line,
            column: column.name.clone(),
            found: self.text(column).to_owned(),
            expected: expected.to_owned(),
        }
    }
}
