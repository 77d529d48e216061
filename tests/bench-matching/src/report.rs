//! What was measured, as a table for people or as one JSON object a line for scripts.

use serde::Serialize;

/// One figure of ours against its limit.
#[derive(Serialize)]
pub struct Row {
    pub name: String,
    pub ours: f64,
    pub limit: f64,
    pub unit: &'static str,
    /// How many times better ours is than the limit.
    pub ratio: f64,
    /// The least that the ratio should be, if anything was asked.
    pub target: Option<f64>,
    pub met: Option<bool>,
}

impl Row {
    /// A figure of which more is better.
    pub fn rate(name: String, ours: f64, limit: f64, unit: &'static str, target: Option<f64>) -> Self {
        Self::new(name, ours, limit, unit, ours / limit, target)
    }

    /// A figure of which less is better.
    pub fn cost(name: String, ours: f64, limit: f64, unit: &'static str, target: Option<f64>) -> Self {
        Self::new(name, ours, limit, unit, limit / ours, target)
    }

    fn new(name: String, ours: f64, limit: f64, unit: &'static str, ratio: f64, target: Option<f64>) -> Self {
        let met = target.map(|target| ratio >= target);
        Self { name, ours: round(ours), limit: round(limit), unit, ratio: round(ratio), target, met }
    }
}

/// Prints the rows.
pub fn print(rows: &[Row], json: bool) {
    if json {
        for row in rows {
            println!("{}", serde_json::to_string(row).expect("a row is plain data"));
        }
        return;
    }
    println!("{:<52} {:>9} {:>9}  {:<10} {:>6} {:>6}", "", "ours", "limit", "unit", "ratio", "target");
    for Row { name, ours, limit, unit, ratio, target, met } in rows {
        let target = target.map(|target| format!("{target:>6}")).unwrap_or_default();
        let verdict = met.map(|met| if met { "  met" } else { "  missed" }).unwrap_or_default();
        println!("{name:<52} {ours:>9} {limit:>9}  {unit:<10} {ratio:>6} {target}{verdict}");
    }
}

/// To two decimals: more would be noise.
fn round(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}
