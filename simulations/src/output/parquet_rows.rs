//! Rows as Parquet: kept column by column until they make a row group.

use std::fs::File;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type};
use rust_decimal::Decimal;

use super::{Cell, Column, Kind, Trouble};

/// A row group has so many cells, whatever the number of columns: some ten megabytes while it is kept.
const GROUP_CELLS: usize = 1 << 20;
/// Digits of amounts, as many as an INT64 has, and how many of them are decimals: prices with six decimals are exact,
/// since a watt-hour costs a thousandth of a price.
const DIGITS: i32 = 18;
pub(super) const DECIMALS: i32 = 9;

/// A Parquet file that is being written.
pub(super) struct ParquetRows {
    writer: SerializedFileWriter<File>,
    columns: Vec<Buffer>,
    rows: usize,
}

/// The cells of a column that are not written yet.
struct Buffer {
    /// 1 where there is a value, 0 where there is none.
    there: Vec<i16>,
    values: Values,
}

enum Values {
    /// Whole numbers, milliseconds, and amounts in billionths.
    Whole(Vec<i64>),
    Text(Vec<ByteArray>),
    Real(Vec<f64>),
}

impl ParquetRows {
    pub fn create(file: File, name: &str, columns: &[Column]) -> Result<Self, Trouble> {
        let fields = columns.iter().map(|column| Ok(Arc::new(field(column)?)));
        let fields = fields.collect::<Result<Vec<_>, ParquetError>>()?;
        let schema = Type::group_type_builder(name).with_fields(fields).build()?;
        let mut properties =
            WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(false);
        // Names come again and again; numbers seldom.
        for text in columns.iter().filter(|column| column.kind == Kind::Text) {
            let path = ColumnPath::new(vec![text.name.clone()]);
            properties = properties.set_column_dictionary_enabled(path, true);
        }
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties.build()))?;
        Ok(Self { writer, columns: columns.iter().map(Buffer::new).collect(), rows: 0 })
    }

    pub fn add<'c>(&mut self, cells: impl IntoIterator<Item = Cell<'c>>) -> Result<(), Trouble> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell)?;
        }
        self.rows += 1;
        if self.rows * self.columns.len() >= GROUP_CELLS { self.flush() } else { Ok(()) }
    }

    pub fn finish(mut self) -> Result<(), Trouble> {
        self.flush()?;
        self.writer.close()?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Trouble> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            column.write(&mut group)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl Buffer {
    fn new(column: &Column) -> Self {
        let values = match column.kind {
            Kind::Whole | Kind::Instant | Kind::Amount => Values::Whole(Vec::new()),
            Kind::Text => Values::Text(Vec::new()),
            Kind::Real => Values::Real(Vec::new()),
        };
        Self { there: Vec::new(), values }
    }

    fn push(&mut self, cell: Cell<'_>) -> Result<(), Trouble> {
        match (&mut self.values, cell) {
            (_, Cell::Empty) => {}
            (Values::Whole(values), Cell::Whole(number)) => values.push(number),
            (Values::Whole(values), Cell::Instant(at)) => values.push(i64::try_from(at.0).unwrap_or(i64::MAX)),
            (Values::Whole(values), Cell::Amount(amount)) => {
                values.push(billionths(amount).ok_or(Trouble::Amount(amount))?);
            }
            (Values::Text(values), Cell::Text(text)) => values.push(ByteArray::from(text)),
            (Values::Real(values), Cell::Real(number)) => values.push(number),
            (_, other) => unreachable!("{other:?} is not of its column's kind"),
        }
        self.there.push(i16::from(cell != Cell::Empty));
        Ok(())
    }

    /// Writes what is kept as the next column of a row group, and forgets it.
    fn write(&mut self, group: &mut SerializedRowGroupWriter<'_, File>) -> Result<(), ParquetError> {
        match &mut self.values {
            Values::Whole(values) => write::<Int64Type>(group, values, &self.there)?,
            Values::Text(values) => write::<ByteArrayType>(group, values, &self.there)?,
            Values::Real(values) => write::<DoubleType>(group, values, &self.there)?,
        }
        self.there.clear();
        Ok(())
    }
}

fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    values: &mut Vec<T::T>,
    there: &[i16],
) -> Result<(), ParquetError> {
    let column = group.next_column()?;
    let mut column = column.ok_or_else(|| ParquetError::General("the schema has fewer columns".to_owned()))?;
    column.typed::<T>().write_batch(values, Some(there), None)?;
    values.clear();
    column.close()
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Whole => (Physical::INT64, None),
        Kind::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Amount => (Physical::INT64, Some(LogicalType::decimal(DECIMALS, DIGITS))),
        Kind::Real => (Physical::DOUBLE, None),
    };
    let field = Type::primitive_type_builder(&column.name, physical).with_repetition(Repetition::OPTIONAL);
    let field = match column.kind {
        Kind::Amount => field.with_precision(DIGITS).with_scale(DECIMALS),
        _ => field,
    };
    field.with_logical_type(logical).build()
}

/// An amount in billionths, rounded half to even; none if it has more than 18 digits then.
fn billionths(amount: Decimal) -> Option<i64> {
    let rounded = amount.round_dp(DECIMALS.unsigned_abs());
    let missing = DECIMALS.unsigned_abs() - rounded.scale();
    let whole = rounded.mantissa().checked_mul(10_i128.pow(missing))?;
    let most = 10_i128.pow(DIGITS.unsigned_abs());
    i64::try_from(whole).ok().filter(|_| whole.abs() < most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMOUNTS: [(&str, Option<i64>); 8] = [
        ("0", Some(0)),
        ("-0.0123", Some(-12_300_000)),
        ("1.000000001", Some(1_000_000_001)),
        // Halves go to the even neighbour.
        ("0.0000000025", Some(2)),
        ("0.0000000035", Some(4)),
        ("999999999.999999999", Some(999_999_999_999_999_999)),
        ("1000000000", None),
        ("79228162514264337593543950335", None),
    ];

    #[test]
    fn amounts_in_billionths() {
        for (amount, expected) in AMOUNTS {
            assert_eq!(billionths(amount.parse().unwrap()), expected, "{amount}");
        }
    }
}
