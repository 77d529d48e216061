//! The street's energy over time: shared between neighbours, drawn from the grid, given to it.

use super::buckets::Buckets;
use super::chart::{Axis, Chart, stairs};
use super::plot::{Plot, kilowatts, texts};
use crate::answers::Findings;

/// The plot; none without slots.
pub fn plot(findings: &Findings<'_>) -> Option<Plot> {
    let calendar = &findings.community.calendar;
    let buckets = Buckets::new(findings.rows.iter().map(|row| row.at), calendar);
    // Shared, import, export, traded: mean kW of a bucket.
    let means: Vec<[f64; 4]> = buckets
        .ranges()
        .map(|range| {
            let rows = &findings.rows[range];
            let mean = |of: &dyn Fn(&crate::answers::series::Row) -> wattswap_matching::WattHours| {
                kilowatts(rows.iter().map(of).sum(), rows.len(), calendar.slot_minutes)
            };
            [
                mean(&|row| row.shared),
                mean(&|row| row.import),
                mean(&|row| row.export),
                mean(&|row| row.trades.quantity()),
            ]
        })
        .collect();
    if means.is_empty() {
        return None;
    }
    let values = means.iter().flat_map(|[shared, import, export, traded]| [shared + import, -export, *traded, 0.0]);
    let mut chart = Chart::new(buckets.axis(), Axis::of("kW", values))
        .legend("f3", "shared")
        .legend("f1", "from the grid")
        .legend("f2", "to the grid")
        .legend("f4", "traded");
    let line = |of: &dyn Fn(&[f64; 4]) -> f64| {
        stairs(means.iter().enumerate().map(|(number, mean)| (number as f64, number as f64 + 1.0, of(mean))))
    };
    let (nought, shared) = (line(&|_| 0.0), line(&|[shared, ..]| *shared));
    chart.area("f3", &nought, &shared);
    chart.area("f1", &shared, &line(&|[shared, import, ..]| shared + import));
    chart.area("f2", &nought, &line(&|[_, _, export, _]| -export));
    chart.line("s4", &line(&|[.., traded]| *traded));
    let rows = buckets.names().zip(&means).map(|(name, mean)| {
        std::iter::once(name).chain(mean.iter().map(|kilowatts| format!("{kilowatts:.3}"))).collect()
    });
    Some(Plot {
        id: "flow",
        title: "The street over time".to_owned(),
        caption: format!(
            "Mean power of {} each. Above the line what homes draw from the street: shared is what neighbours feed in \
             at the same time, the rest comes from the grid. Below it, what leaves the street. The line is what was \
             traded between neighbours.",
            buckets.words()
        ),
        picture: chart.into(),
        columns: texts(["from", "shared, kW", "from the grid, kW", "to the grid, kW", "traded, kW"]),
        rows: rows.collect(),
    })
}
