//! What is wrong with a scenario, and where it stands: file, line, key, and what to write instead.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

/// Why a scenario can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadScenario {
    /// Its file can't be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no TOML, or lacks a table that must be there.
    #[error("{path}, line {line}: {what}")]
    NotToml {
        /// Which file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A key or its value can't be used.
    #[error("{at}: {what}")]
    Value {
        /// Where.
        at: Place,
        /// What is wrong, and what to write instead.
        what: String,
    },
}

/// A key of a scenario's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which file.
    pub path: PathBuf,
    /// Which line, counted from 1: of the table in which the key is missing, if it is.
    pub line: usize,
    /// Which key.
    pub key: String,
}

impl Place {
    /// Where a key such as `tariffs[0].name` stands in a file with this text, or what it would stand in.
    #[must_use]
    pub fn of(path: &Path, text: &str, key: &str) -> Self {
        Self { path: path.to_owned(), line: line_of_key(text, key), key: key.to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, {}", self.path.display(), self.line, self.key)
    }
}

/// Reads a document of any shape; types and names are checked, and nothing else.
///
/// # Errors
/// [`BadScenario`], with lines of this text.
pub fn parse<D: DeserializeOwned>(path: &Path, text: &str) -> Result<D, BadScenario> {
    let broken = |error: &toml::de::Error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        BadScenario::NotToml { path: path.to_owned(), line, what: words(error) }
    };
    let deserializer = toml::Deserializer::parse(text).map_err(|error| broken(&error))?;
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let key = error.path().to_string();
        // A path of nothing is written as a dot.
        if key == "." {
            return broken(error.inner());
        }
        let line = error.inner().span().map_or_else(|| line_of_key(text, &key), |span| line_at(text, span.start));
        let what = words(error.inner());
        BadScenario::Value { at: Place { path: path.to_owned(), line, key }, what }
    })
}

/// Reads a document from a table that was made from this text; keys that don't stand in it have the line of what they
/// would stand in.
pub(super) fn from_table<D: DeserializeOwned>(path: &Path, text: &str, table: toml::Table) -> Result<D, BadScenario> {
    serde_path_to_error::deserialize(table).map_err(|error: serde_path_to_error::Error<toml::de::Error>| {
        BadScenario::Value { at: Place::of(path, text, &error.path().to_string()), what: words(error.inner()) }
    })
}

/// What is wrong, for people who don't know Rust's types.
fn words(error: &toml::de::Error) -> String {
    let whole = error.message().trim_end().replace('\n', ", ");
    if let Some(name) = whole.strip_prefix("missing field ") {
        return format!("{name} is missing: write it; `wattswap-sim init` writes an example with all keys");
    }
    let types = [
        ("expected i64", "expected a whole number"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u8", "expected a whole number from 0 to 255"),
        ("expected an array of length 2", "expected a pair, the least first, such as [15, 40]"),
    ];
    types.iter().fold(whole, |text, (name, people)| text.replace(name, people))
}

fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}

/// The line of a key such as `tariffs[0].name`, or of the innermost thing around it that is there.
fn line_of_key(text: &str, key: &str) -> usize {
    let Ok(table) = DeTable::parse(text) else { return 1 };
    let mut span: Range<usize> = 0..0;
    let mut here: Option<&DeTable<'_>> = Some(table.get_ref());
    for part in key.split('.') {
        let (name, index) = match part.trim_end_matches(']').split_once('[') {
            Some((name, index)) => (name, index.parse::<usize>().ok()),
            None => (part, None),
        };
        let Some((name, value)) = here.and_then(|table| table.get_key_value(name)) else { break };
        span = name.span();
        let value = match (value.get_ref(), index) {
            (DeValue::Array(values), Some(index)) => {
                let Some(value) = values.get(index) else { break };
                span = value.span();
                value
            }
            _ => value,
        };
        here = value.get_ref().as_table();
    }
    line_at(text, span.start)
}
