//! One measured figure beside its limit, and how figures are printed.

use std::io::{self, Write as _};

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde_json::json;

/// A figure. Its ratio is the larger the better, whatever the unit: 1 means that the limit is reached.
pub struct Figure {
    /// What was measured.
    pub name: &'static str,
    /// What the node does.
    pub ours: f64,
    /// What is held against it, in the same unit.
    pub limit: f64,
    /// Of both.
    pub unit: &'static str,
    /// Which of two values is the better one.
    pub better: Better,
    /// The ratio that is wanted; none where the figure only tells more about another one.
    pub target: Option<f64>,
}

/// Which of two values is the better one.
#[derive(Clone, Copy)]
pub enum Better {
    /// Rates.
    Higher,
    /// Times and sizes.
    Lower,
}

impl Figure {
    fn ratio(&self) -> f64 {
        match self.better {
            Better::Higher => self.ours / self.limit,
            Better::Lower => self.limit / self.ours,
        }
    }

    fn is_met(&self) -> Option<bool> {
        self.target.map(|target| self.ratio() >= target)
    }
}

/// One object a line.
pub fn print_lines(figures: &[Figure]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for figure in figures {
        let line = json!({
            "name": figure.name, "ours": figure.ours, "limit": figure.limit, "unit": figure.unit,
            "ratio": figure.ratio(), "target": figure.target, "met": figure.is_met(),
        });
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// One table.
pub fn print_table(figures: &[Figure]) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["figure", "ours", "limit", "unit", "ratio", "target", "met"]);
    for figure in figures {
        table.add_row([
            figure.name.to_owned(),
            short(figure.ours),
            short(figure.limit),
            figure.unit.to_owned(),
            format!("{:.2}", figure.ratio()),
            figure.target.map_or_else(String::new, |target| format!("{target:.2}")),
            match figure.is_met() {
                Some(true) => "yes",
                Some(false) => "no",
                None => "",
            }
            .to_owned(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{table}")?;
    out.flush()
}

/// Three digits or more, and no more than that after the point.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}
