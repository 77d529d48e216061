//! Scenarios: which homes, on which feeder, with which prices, trade how, and when. See `docs/simulations.md`.
//!
//! One TOML file describes a run. [`document`] is its shape, key by key; [`Scenario::read`] reads and checks a file, and
//! says of what is wrong where it stands and what to write instead. What the homes of a scenario need and yield is not
//! worked out here: [`homes`](crate::homes) does that.

mod changes;
pub mod document;
mod errors;
mod rules;
mod values;

use std::fs;
use std::path::{Path, PathBuf};

pub use document::Document;
pub use errors::{BadScenario, Place, parse};
pub use values::{Between, Day, Eur, Percent, Zone};

/// A commented example, which needs no data from elsewhere: what `wattswap-sim init` writes.
pub const EXAMPLE: &str = include_str!("example.toml");

/// A scenario whose file was read and found in order.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the file says.
    pub document: Document,
    path: PathBuf,
    text: String,
}

impl Scenario {
    /// Reads and checks a file. The files that it names are not opened.
    ///
    /// # Errors
    /// [`BadScenario`].
    pub fn read(path: &Path) -> Result<Self, BadScenario> {
        let text =
            fs::read_to_string(path).map_err(|source| BadScenario::Unreadable { path: path.to_owned(), source })?;
        Self::parse(path, text)
    }

    /// Checks a text as if it stood in this file.
    ///
    /// # Errors
    /// [`BadScenario`].
    pub fn parse(path: &Path, text: String) -> Result<Self, BadScenario> {
        let document = errors::parse(path, &text)?;
        Self { document, path: path.to_owned(), text }.checked()
    }

    /// The same with other values of some keys, such as `pv.share_percent` or `tariffs[0]`; places are still those of the
    /// file.
    ///
    /// # Errors
    /// [`BadScenario`].
    pub fn with(&self, changes: &[(&str, &toml::Value)]) -> Result<Self, BadScenario> {
        let mut table: toml::Table = errors::parse(&self.path, &self.text)?;
        for (key, value) in changes {
            changes::set(&mut table, key, (*value).clone())
                .map_err(|what| BadScenario::Value { at: self.place(key), what })?;
        }
        let document = errors::from_table(&self.path, &self.text, table)?;
        Self { document, path: self.path.clone(), text: self.text.clone() }.checked()
    }

    fn checked(self) -> Result<Self, BadScenario> {
        match rules::check(&self.document) {
            Ok(()) => Ok(self),
            Err(broken) => Err(BadScenario::Value { at: self.place(&broken.key), what: broken.what }),
        }
    }

    /// What stands in the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where a key stands, such as `tariffs[0].name`, or what it would stand in.
    #[must_use]
    pub fn place(&self, key: &str) -> Place {
        Place::of(&self.path, &self.text, key)
    }

    /// A file that the scenario names: relative to the scenario's own folder.
    #[must_use]
    pub fn file(&self, named: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(named)
    }
}

/// The JSON schema of a scenario, for editors.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Document);
    serde_json::to_string_pretty(&schema).expect("a schema is JSON")
}
