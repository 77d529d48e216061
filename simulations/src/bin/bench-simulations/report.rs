//! What was measured, as a table for people or as one JSON object a line for scripts.

use std::io::{Write as _, stdout};

/// Our time against another one; the ratio is the larger the better.
pub struct Row {
    name: String,
    ours: f64,
    limit: f64,
    unit: &'static str,
    target: Option<f64>,
}

impl Row {
    /// Times or sizes in this unit; the limit over ours has to reach the target, if there is one.
    pub fn new(name: impl Into<String>, ours: f64, limit: f64, unit: &'static str, target: Option<f64>) -> Self {
        Self { name: name.into(), ours, limit, unit, target }
    }
}

/// Prints the rows. A reader who has gone stops nothing.
pub fn print(rows: &[Row], json: bool) {
    let mut out = stdout().lock();
    if !json {
        let _gone =
            writeln!(out, "{:<60} {:>9} {:>10}  {:<12} {:>9} {:>7}", "", "ours", "limit", "unit", "ratio", "target");
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
            writeln!(out, "{name:<60} {ours:>9.2} {limit:>10.1}  {unit:<12} {ratio:>9.2} {target:>7}  {verdict}")
        };
    }
}
