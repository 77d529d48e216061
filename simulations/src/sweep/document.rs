//! The shape of a sweep's file, and what must hold in it.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::results;
use crate::output::{Cell, Kind};
use crate::scenario::{self, BadScenario, Place};

/// More than that nobody waits for.
const MOST_RUNS: usize = 100_000;
/// What can still be told apart.
const MOST_AXES: usize = 8;

/// A sweep of wattswap-sim: a scenario, and which of its keys take which values.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What to call it.
    pub name: String,
    /// The scenario's file, seen from the sweep's own folder.
    pub scenario: PathBuf,
    /// What changes: there is a run for each combination of one value of each axis.
    pub axes: Vec<Axis>,
}

/// A key of the scenario, and the values that it takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Which key, such as "pv.share_percent", "seed", "tariffs" or "tariffs[0].feed_in_eur_per_kwh".
    pub key: String,
    /// What to call it: a column of the results. The key, with underscores, if nothing is said.
    pub name: Option<String>,
    /// What it takes: numbers, texts, or whole tables, as they would stand in the scenario.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub values: Vec<toml::Value>,
    /// What to call the values, one after the other. Must be there where they are tables.
    pub labels: Option<Vec<String>>,
}

impl Axis {
    /// What to call it: a column that no query has to quote.
    #[must_use]
    pub fn name(&self) -> String {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        self.name.clone().unwrap_or_else(|| self.key.chars().map(plain).collect())
    }

    /// What its column holds: numbers where all values are numbers and have no labels, else texts.
    pub(super) fn kind(&self) -> Kind {
        let all = |is: fn(&toml::Value) -> bool| self.labels.is_none() && self.values.iter().all(is);
        if all(toml::Value::is_integer) {
            Kind::Whole
        } else if all(|value| value.is_integer() || value.is_float()) {
            Kind::Real
        } else {
            Kind::Text
        }
    }

    /// One of its values in that column.
    pub(super) fn cell<'l>(&self, value: usize, label: &'l str) -> Cell<'l> {
        match (self.kind(), &self.values[value]) {
            (Kind::Whole, toml::Value::Integer(number)) => Cell::Whole(*number),
            (Kind::Real, toml::Value::Integer(number)) => Cell::Real(*number as f64),
            (Kind::Real, toml::Value::Float(number)) => Cell::Real(*number),
            _ => Cell::Text(label),
        }
    }

    /// What to call one of its values.
    #[must_use]
    pub fn label(&self, value: usize) -> String {
        match (&self.labels, &self.values[value]) {
            (Some(labels), _) => labels[value].clone(),
            (None, toml::Value::String(text)) => text.clone(),
            (None, other) => other.to_string(),
        }
    }
}

impl Document {
    /// How many runs there are.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.axes.iter().map(|axis| axis.values.len()).product()
    }
}

/// Reads a file and checks what must hold in it alone.
pub(super) fn read(path: &Path) -> Result<(Document, String), BadScenario> {
    let text = fs::read_to_string(path).map_err(|source| BadScenario::Unreadable { path: path.to_owned(), source })?;
    let document: Document = scenario::parse(path, &text)?;
    match check(&document) {
        Ok(()) => Ok((document, text)),
        Err((key, what)) => Err(BadScenario::Value { at: Place::of(path, &text, &key), what }),
    }
}

type Verdict = Result<(), (String, String)>;

fn rule(holds: bool, key: impl Into<String>, what: impl Into<String>) -> Verdict {
    if holds { Ok(()) } else { Err((key.into(), what.into())) }
}

fn check(document: &Document) -> Verdict {
    let axes = &document.axes;
    rule((1..=MOST_AXES).contains(&axes.len()), "axes", format!("{}: write 1 to {MOST_AXES} [[axes]]", axes.len()))?;
    let runs = axes.iter().try_fold(1_usize, |runs, axis| runs.checked_mul(axis.values.len()));
    let few = runs.is_some_and(|runs| runs <= MOST_RUNS);
    rule(few, "axes", format!("they make more than {MOST_RUNS} runs: write fewer values, or several sweeps"))?;
    for (number, axis) in axes.iter().enumerate() {
        let key = format!("axes[{number}].key");
        check_axis(axis, &format!("axes[{number}]"))?;
        let before = &axes[..number];
        let over = before.iter().find(|other| is_within(&other.key, &axis.key) || is_within(&axis.key, &other.key));
        let what =
            format!("it changes what the axis {} changes: write one for both", over.map_or("", |other| &other.key));
        rule(over.is_none(), &key, what)?;
        let same = before.iter().any(|other| other.name().eq_ignore_ascii_case(&axis.name()));
        rule(!same, &key, format!("there is an axis {} already: give it a name of its own", axis.name()))?;
    }
    Ok(())
}

/// Whether a key is the other one, or one in what the other one stands for.
fn is_within(key: &str, other: &str) -> bool {
    key.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn check_axis(axis: &Axis, at: &str) -> Verdict {
    let name = axis.name();
    let taken = results::is_column(&name);
    rule(!taken, at, format!("the results have a column {name} already: give the axis another name"))?;
    let plain = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let key = if axis.name.is_some() { "name" } else { "key" };
    let what =
        format!("{name:?} can't be the name of a column: give it a name of letters, digits and _, a letter first");
    rule(plain, format!("{at}.{key}"), what)?;
    rule(!axis.values.is_empty(), format!("{at}.values"), "there is none: write at least one")?;
    let (key, count) = (format!("{at}.labels"), axis.values.len());
    match &axis.labels {
        Some(labels) => rule(labels.len() == count, key, format!("write one for each of the {count} values"))?,
        None => {
            let told = |value: &toml::Value| !value.is_table() && !value.is_array();
            rule(axis.values.iter().all(told), key, "values that are tables or lists need labels: write one for each")?;
        }
    }
    let mut labels = HashSet::new();
    let twice = (0..count).map(|value| axis.label(value)).find(|label| !labels.insert(label.clone()));
    rule(twice.is_none(), format!("{at}.values"), format!("{:?} comes twice", twice.unwrap_or_default()))
}
