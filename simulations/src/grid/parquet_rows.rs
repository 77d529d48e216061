//! Rows of a Parquet file as text, so that whoever reads tables need not know which kind of file one is.

use std::fs::File;

use csv::StringRecord;
use jiff::Timestamp;
use parquet::basic::LogicalType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;

/// Rows as text.
pub(super) type Rows = Box<dyn Iterator<Item = Result<StringRecord, ParquetError>>>;

/// The names of a file's columns, and its rows.
pub(super) fn open(file: File) -> Result<(StringRecord, Rows), ParquetError> {
    let reader = SerializedFileReader::new(file)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: StringRecord = schema.columns().iter().map(|column| column.name()).collect();
    // Times that are marked so are local ones.
    let local: Vec<bool> = (schema.columns().iter())
        .map(|column| match column.logical_type_ref() {
            Some(LogicalType::Timestamp(time)) => !time.is_adjusted_to_u_t_c,
            _ => false,
        })
        .collect();
    let rows = RowIter::from_file_into(Box::new(reader)).map(move |row| {
        let row = row?;
        Ok(row.get_column_iter().zip(&local).map(|((_, field), local)| text(field, *local)).collect())
    });
    Ok((names, Box::new(rows)))
}

fn text(field: &Field, local: bool) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        // With an exponent, it is the shortest decimal that is this number and no other.
        Field::Double(number) => format!("{number:e}"),
        Field::Float(number) => format!("{number:e}"),
        Field::TimestampMillis(millis) => time(Timestamp::from_millisecond(*millis), local),
        Field::TimestampMicros(micros) => time(Timestamp::from_microsecond(*micros), local),
        other => other.to_string(),
    }
}

/// An instant as text; a local one without a zone.
fn time(instant: Result<Timestamp, jiff::Error>, local: bool) -> String {
    let text = instant.map_or_else(|_beyond| String::new(), |instant| instant.to_string());
    if local { text.trim_end_matches('Z').to_owned() } else { text }
}
