//! Reads back the Parquet tables that [`super`] writes, row group by row group, to join several into one.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::LogicalType;
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use rust_decimal::Decimal;
use wattswap_matching::UtcMillis;

use super::parquet_rows::DECIMALS;
use super::{CantWrite, Cell, Column, Kind, Table};

/// Why a table can't be read back.
#[derive(Debug, thiserror::Error)]
pub enum CantRead {
    /// The disk says no, or it is no Parquet file.
    #[error("{path}: {source}")]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// Somebody else has written it.
    #[error("{path}: the column {column} is of no kind that wattswap-sim writes")]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Which column.
        column: String,
    },
    /// What was read can't be written.
    #[error(transparent)]
    Write(#[from] CantWrite),
}

/// A table that was written before.
pub struct Written {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    columns: Vec<Column>,
}

/// The values of a column in a row group, in the order of rows; the rows without one are left out.
enum Values {
    Whole(Vec<i64>),
    Text(Vec<ByteArray>),
    Real(Vec<f64>),
}

/// A column of a row group, and how far it is read.
struct Chunk {
    kind: Kind,
    values: Values,
    there: Vec<i16>,
    next: usize,
}

impl Written {
    /// Opens a Parquet file.
    ///
    /// # Errors
    /// [`CantRead`].
    pub fn open(path: &Path) -> Result<Self, CantRead> {
        let bad = |source| CantRead::Parquet { path: path.to_owned(), source };
        let file = File::open(path).map_err(|error| bad(error.into()))?;
        let reader = SerializedFileReader::new(file).map_err(bad)?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let columns = schema.columns().iter().map(|column| {
            let name = column.name().to_owned();
            let foreign = || CantRead::Foreign { path: path.to_owned(), column: name.clone() };
            Ok(Column { kind: kind(column).ok_or_else(foreign)?, name })
        });
        let columns = columns.collect::<Result<_, CantRead>>()?;
        Ok(Self { path: path.to_owned(), reader, columns })
    }

    /// Its columns.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Adds all its rows to another table with the same columns. A row group at a time is in memory.
    ///
    /// # Errors
    /// [`CantRead`].
    pub fn copy_into(&self, table: &mut Table) -> Result<(), CantRead> {
        let bad = |source| CantRead::Parquet { path: self.path.clone(), source };
        for number in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(number).map_err(bad)?;
            let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            let chunks = self.columns.iter().enumerate();
            let chunks = chunks.map(|(number, column)| Chunk::read(&*group, number, column.kind, rows));
            let mut chunks = chunks.collect::<Result<Vec<_>, _>>().map_err(bad)?;
            for row in 0..rows {
                table.row(chunks.iter_mut().map(|chunk| chunk.cell(row)))?;
            }
        }
        Ok(())
    }
}

/// What a column holds, as [`super::parquet_rows`] writes it: any cell may be empty.
fn kind(column: &ColumnDescriptor) -> Option<Kind> {
    use parquet::basic::Type as Physical;
    if column.max_def_level() != 1 || column.max_rep_level() != 0 {
        return None;
    }
    match (column.physical_type(), column.logical_type_ref()) {
        (Physical::INT64, None) => Some(Kind::Whole),
        (Physical::INT64, Some(LogicalType::Timestamp(_))) => Some(Kind::Instant),
        (Physical::INT64, Some(LogicalType::Decimal(_))) if column.type_scale() == DECIMALS => Some(Kind::Amount),
        (Physical::BYTE_ARRAY, Some(LogicalType::String)) => Some(Kind::Text),
        (Physical::DOUBLE, None) => Some(Kind::Real),
        _ => None,
    }
}

impl Chunk {
    fn read(group: &dyn RowGroupReader, number: usize, kind: Kind, rows: usize) -> Result<Self, ParquetError> {
        let reader = group.get_column_reader(number)?;
        let mut there = Vec::with_capacity(rows);
        let values = match kind {
            Kind::Whole | Kind::Instant | Kind::Amount => Values::Whole(read::<Int64Type>(reader, rows, &mut there)?),
            Kind::Text => Values::Text(read::<ByteArrayType>(reader, rows, &mut there)?),
            Kind::Real => Values::Real(read::<DoubleType>(reader, rows, &mut there)?),
        };
        Ok(Self { kind, values, there, next: 0 })
    }

    /// The cell of a row; rows are asked for in their order.
    fn cell(&mut self, row: usize) -> Cell<'_> {
        if self.there[row] == 0 {
            return Cell::Empty;
        }
        let number = self.next;
        self.next += 1;
        match (&self.values, self.kind) {
            (Values::Whole(values), Kind::Instant) => Cell::Instant(UtcMillis(values[number].unsigned_abs())),
            (Values::Whole(values), Kind::Amount) => {
                Cell::Amount(Decimal::new(values[number], DECIMALS.unsigned_abs()))
            }
            (Values::Whole(values), _) => Cell::Whole(values[number]),
            // Files are only ever written from text.
            (Values::Text(values), _) => values[number].as_utf8().map_or(Cell::Empty, Cell::Text),
            (Values::Real(values), _) => Cell::Real(values[number]),
        }
    }
}

fn read<T: DataType>(reader: ColumnReader, rows: usize, there: &mut Vec<i16>) -> Result<Vec<T::T>, ParquetError> {
    let mut reader = get_typed_column_reader::<T>(reader);
    let mut values = Vec::with_capacity(rows);
    while there.len() < rows {
        let (records, ..) = reader.read_records(rows - there.len(), Some(there), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::General("the file ends before its last row".to_owned()));
        }
    }
    Ok(values)
}
