//! Writes what a feeder came to, step by step: three tables in a folder, as CSV or Parquet.
//!
//! `voltages` (volts to earth, a column for each bus and phase), `currents` (amperes, for each line and phase) and
//! `infeed` (watts and var). A step that did not converge has empty cells, or nulls.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::feeder::Feeder;
use super::profiles::Profiles;
use super::series::{Block, infeed_columns, phase_names};

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
}

/// How tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text, with four decimals.
    Csv,
    /// Columns of doubles, compressed with Snappy.
    Parquet,
}

/// The tables.
pub struct Tables {
    voltages: Table,
    currents: Table,
    infeed: Table,
}

/// One of them.
struct Table {
    path: PathBuf,
    columns: usize,
    file: Open,
}

enum Open {
    Csv(BufWriter<File>),
    Parquet(Box<SerializedFileWriter<File>>),
}

impl Tables {
    /// Makes the folder and the files in it; files of these names are written over.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn create<const P: usize>(folder: &Path, format: Format, feeder: &Feeder) -> Result<Self, CantWrite> {
        fs::create_dir_all(folder).map_err(|source| CantWrite::Disk { path: folder.to_owned(), source })?;
        let per_phase = |name: &String| phase_names::<P>().map(|phase| format!("{name}{phase}"));
        let buses = feeder.buses.iter().flat_map(|bus| per_phase(&bus.name)).collect();
        let lines = feeder.lines.iter().flat_map(|line| per_phase(&line.name)).collect();
        Ok(Self {
            voltages: Table::create(folder, "voltages", format, buses)?,
            currents: Table::create(folder, "currents", format, lines)?,
            infeed: Table::create(folder, "infeed", format, infeed_columns::<P>())?,
        })
    }

    /// Adds steps.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn add(&mut self, blocks: &[Block], profiles: &Profiles) -> Result<(), CantWrite> {
        self.voltages.add(blocks, profiles, |block| &block.voltages)?;
        self.currents.add(blocks, profiles, |block| &block.currents)?;
        self.infeed.add(blocks, profiles, |block| &block.infeed)
    }

    /// Writes what is still to be written.
    ///
    /// # Errors
    /// [`CantWrite`].
    pub fn finish(self) -> Result<(), CantWrite> {
        for table in [self.voltages, self.currents, self.infeed] {
            let path = table.path;
            match table.file {
                Open::Csv(mut file) => file.flush().map_err(|source| CantWrite::Disk { path, source })?,
                Open::Parquet(file) => {
                    file.close().map_err(|source| CantWrite::Parquet { path, source })?;
                }
            }
        }
        Ok(())
    }
}

impl Table {
    fn create(folder: &Path, name: &str, format: Format, columns: Vec<String>) -> Result<Self, CantWrite> {
        let extension = match format {
            Format::Csv => "csv",
            Format::Parquet => "parquet",
        };
        let path = folder.join(name).with_extension(extension);
        let disk = |source| CantWrite::Disk { path: path.clone(), source };
        let file = File::create(&path).map_err(disk)?;
        let count = columns.len();
        let file = match format {
            Format::Csv => {
                let mut file = BufWriter::new(file);
                let names = ["step".to_owned(), "time".to_owned()].into_iter().chain(columns);
                let header: Vec<String> = names.map(|name| quoted(&name)).collect();
                writeln!(file, "{}", header.join(",")).map_err(disk)?;
                Open::Csv(file)
            }
            Format::Parquet => {
                let parquet = |source| CantWrite::Parquet { path: path.clone(), source };
                let properties = WriterProperties::builder()
                    .set_compression(Compression::SNAPPY)
                    .set_dictionary_enabled(false)
                    .build();
                let schema = Arc::new(schema(name, columns).map_err(parquet)?);
                let writer = SerializedFileWriter::new(file, schema, Arc::new(properties));
                Open::Parquet(Box::new(writer.map_err(parquet)?))
            }
        };
        Ok(Self { path, columns: count, file })
    }

    fn add(
        &mut self,
        blocks: &[Block],
        profiles: &Profiles,
        values: impl Fn(&Block) -> &Vec<f64>,
    ) -> Result<(), CantWrite> {
        let path = || self.path.clone();
        match &mut self.file {
            Open::Csv(file) => {
                for block in blocks {
                    write_csv(file, block, profiles, values(block), self.columns)
                        .map_err(|source| CantWrite::Disk { path: path(), source })?;
                }
                Ok(())
            }
            Open::Parquet(file) => write_parquet(file, blocks, profiles, values, self.columns)
                .map_err(|source| CantWrite::Parquet { path: path(), source }),
        }
    }
}

/// A name that commas and quotation marks don't break.
fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
}

fn write_csv(
    file: &mut BufWriter<File>,
    block: &Block,
    profiles: &Profiles,
    values: &[f64],
    columns: usize,
) -> io::Result<()> {
    for (step, (converged, row)) in block.steps.clone().zip(block.converged.iter().zip(values.chunks(columns))) {
        write!(file, "{step},{}", quoted(profiles.time(step)))?;
        for value in row {
            if *converged { write!(file, ",{value:.4}")? } else { file.write_all(b",")? }
        }
        writeln!(file)?;
    }
    Ok(())
}

fn schema(name: &str, columns: Vec<String>) -> Result<Type, ParquetError> {
    let step = Type::primitive_type_builder("step", Physical::INT64).with_repetition(Repetition::REQUIRED).build()?;
    let time = Type::primitive_type_builder("time", Physical::BYTE_ARRAY)
        .with_repetition(Repetition::REQUIRED)
        .with_converted_type(ConvertedType::UTF8)
        .build()?;
    let mut fields = vec![Arc::new(step), Arc::new(time)];
    for column in columns {
        let field = Type::primitive_type_builder(&column, Physical::DOUBLE);
        fields.push(Arc::new(field.with_repetition(Repetition::OPTIONAL).build()?));
    }
    Type::group_type_builder(name).with_fields(fields).build()
}

/// A row group, column by column.
fn write_parquet(
    file: &mut SerializedFileWriter<File>,
    blocks: &[Block],
    profiles: &Profiles,
    values: impl Fn(&Block) -> &Vec<f64>,
    columns: usize,
) -> Result<(), ParquetError> {
    let steps = || blocks.iter().flat_map(|block| block.steps.clone());
    // 1 where there is a value, 0 where there is none.
    let there: Vec<i16> =
        blocks.iter().flat_map(|block| &block.converged).map(|converged| i16::from(*converged)).collect();
    let mut group = file.next_row_group()?;
    let numbers: Vec<i64> = steps().map(|step| step as i64).collect();
    let times: Vec<ByteArray> = steps().map(|step| ByteArray::from(profiles.time(step))).collect();
    let missing = || ParquetError::General("the schema has fewer columns than the table".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<Int64Type>().write_batch(&numbers, None, None)?;
    column.close()?;
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<ByteArrayType>().write_batch(&times, None, None)?;
    column.close()?;
    for number in 0..columns {
        let cells =
            blocks.iter().flat_map(|block| values(block).iter().skip(number).step_by(columns).zip(&block.converged));
        let cells: Vec<f64> = cells.filter(|(_, converged)| **converged).map(|(value, _)| *value).collect();
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<DoubleType>().write_batch(&cells, Some(&there), None)?;
        column.close()?;
    }
    group.close()?;
    Ok(())
}
