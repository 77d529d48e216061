//! When the feeder carries how much: days across, the time of day upwards.

use super::chart::{Axis, Chart};
use super::plot::Plot;
use crate::answers::Findings;
use crate::answers::clock::wall;

/// So many columns and rows at most.
const MOST_COLUMNS: usize = 92;
const MOST_ROWS: usize = 24;
/// Fewer days than this are shown slot by slot.
const FEW_DAYS: usize = 31;
const MOST_TICKS: usize = 8;
/// Of a day, as clocks on the wall show it: where they go forward an hour is empty, where they go back one counts twice.
const MINUTES: usize = 24 * 60;

/// The plot; none without a feeder with ratings that could be solved.
pub fn plot(findings: &Findings<'_>) -> Option<Plot> {
    let calendar = &findings.community.calendar;
    let loaded: Vec<_> = findings.envelopes.iter().filter_map(|slot| Some((slot.at, slot.loading?))).collect();
    let days = loaded.last()?.0.day + 1;
    let of_day = MINUTES / calendar.slot_minutes as usize;
    let (together, rows) = (days.div_ceil(MOST_COLUMNS), if days <= FEW_DAYS { of_day } else { MOST_ROWS });
    let mut cells: Vec<Vec<Option<f64>>> = vec![vec![None; rows]; days.div_ceil(together)];
    for (at, loading) in &loaded {
        let minute = calendar.days.get(at.day)?.wall_minute(at.of_day) as usize;
        let cell = &mut cells[at.day / together][minute * rows / MINUTES];
        *cell = Some(cell.map_or(*loading, |most| most.max(*loading)));
    }
    let most = loaded.iter().map(|(_, loading)| *loading).fold(0.0, f64::max);
    let date = |column: usize| calendar.days[column * together].date;
    let columns = cells.len();
    let stride = columns.div_ceil(MOST_TICKS).max(1);
    let dates = (0..columns).step_by(stride).map(|at| (at as f64 + 0.5, date(at).strftime("%-d %b").to_string()));
    let hours = (0..=24).step_by(6).map(|hour| (f64::from(hour) * rows as f64 / 24.0, format!("{hour}:00")));
    let mut chart = Chart::new(
        Axis::with("", 0.0, columns as f64, dates.collect()),
        Axis::with("time of day", 0.0, rows as f64, hours.collect()),
    )
    .legend("f1", &format!("up to {:.1} % of what it may carry, the darker the more", most.min(1.0) * 100.0))
    .legend("f2", "more than it may");
    for (column, of) in cells.iter().enumerate() {
        for (row, loading) in of.iter().enumerate() {
            let Some(loading) = loading else { continue };
            let (from, to) = ((column as f64, row as f64), (column as f64 + 1.0, row as f64 + 1.0));
            // Half of the ink says that it is too much at all, the other half how much.
            let (class, strength) = if *loading > 1.0 {
                ("f2", 0.5 + 0.5 * (loading - 1.0))
            } else {
                ("f1", loading / most.clamp(0.01, 1.0))
            };
            chart.cell(class, from, to, strength);
        }
    }
    let time = |row: usize| wall(u32::try_from(row * MINUTES / rows).unwrap_or(0));
    let written = |loading: &Option<f64>| loading.map_or("–".to_owned(), |loading| format!("{:.1}", loading * 100.0));
    let names = (0..columns).map(|column| format!("{}, %", date(column)));
    let table =
        (0..rows).map(|row| std::iter::once(time(row)).chain(cells.iter().map(|of| written(&of[row]))).collect());
    let coarse = if together > 1 || rows < of_day {
        format!(" A field stands for {together} days and {} minutes, with the highest of it.", MINUTES / rows)
    } else {
        String::new()
    };
    Some(Plot {
        id: "loading",
        title: "How much the feeder carries, and when".to_owned(),
        caption: format!(
            "The highest loading of any line or the transformer, as a share of what it may carry. The darkest field is \
             {:.1} %.{coarse}",
            most * 100.0
        ),
        picture: chart.into(),
        columns: std::iter::once("from".to_owned()).chain(names).collect(),
        rows: table.collect(),
    })
}
