//! What was measured, as a table for people or as one JSON object a line for scripts.

use std::io::{Write as _, stdout};

/// Our time against another one; the ratio is the larger the better.
pub struct Row {
    name: &'static str,
    ours: f64,
    limit: f64,
    unit: &'static str,
    target: Option<f64>,
}

impl Row {
    /// Times in microseconds a step.
    pub fn new(name: &'static str, ours: f64, limit: f64, target: Option<f64>) -> Self {
        Self { name, ours, limit, unit: "us/step", target }
    }

    /// Times in milliseconds, that only tell more about another row.
    pub fn yardstick(name: &'static str, ours: f64, limit: f64) -> Self {
        Self { name, ours, limit, unit: "ms", target: None }
    }
}

/// Prints the rows. A reader who has gone stops nothing.
pub fn print(rows: &[Row], json: bool) {
    let mut out = stdout().lock();
    if !json {
        let _gone =
            writeln!(out, "{:<56} {:>8} {:>8}  {:<8} {:>7} {:>7}", "", "ours", "limit", "unit", "ratio", "target");
    }
    for Row { name, ours, limit, unit, target } in rows {
        let ratio = limit / ours;
        let met = target.map(|target| ratio >= target);
        let null = || "null".to_owned();
        let (target_json, met_json) =
            (target.map_or_else(null, |target| target.to_string()), met.map_or_else(null, |met| met.to_string()));
        let _gone = if json {
            writeln!(
                out,
                r#"{{"name":{name:?},"ours":{ours},"limit":{limit},"unit":"{unit}","ratio":{ratio},"target":{target_json},"met":{met_json}}}"#
            )
        } else {
            let target = target.map_or_else(String::new, |target| format!("{target:.1}"));
            let verdict = met.map_or("", |met| if met { "met" } else { "missed" });
            writeln!(out, "{name:<56} {ours:>8.2} {limit:>8.1}  {:<8} {ratio:>7.1} {target:>7}  {verdict}", unit)
        };
    }
}
