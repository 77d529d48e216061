//! The feeder's voltages over time: the lowest, the middle and the highest of all buses and phases.

use super::buckets::Buckets;
use super::chart::{Axis, Chart, stairs};
use super::plot::{Plot, texts};
use crate::answers::Findings;

/// The plot; none without a feeder that could be solved.
pub fn plot(findings: &Findings<'_>) -> Option<Plot> {
    let base = findings.summary.feeder.as_ref()?.voltage_base_v;
    let buckets = Buckets::new(findings.envelopes.iter().map(|envelope| envelope.at), &findings.community.calendar);
    let volts: Vec<[f64; 3]> = buckets
        .ranges()
        .map(|range| {
            let of =
                |place: usize| findings.envelopes[range.clone()].iter().map(move |slot| slot.voltages[place] * base);
            let mut middles: Vec<f64> = of(1).collect();
            middles.sort_unstable_by(f64::total_cmp);
            [of(0).fold(f64::MAX, f64::min), middles[middles.len() / 2], of(2).fold(f64::MIN, f64::max)]
        })
        .collect();
    if volts.is_empty() {
        return None;
    }
    let limits = [base * 0.9, base * 1.1];
    let values = volts.iter().flatten().copied().chain(limits);
    let mut chart = Chart::new(buckets.axis(), Axis::of("V to earth", values))
        .legend("f1", "lowest to highest")
        .legend("f6", "middle")
        .legend("f2", "10 % off");
    let line = |place: usize| {
        stairs(volts.iter().enumerate().map(|(number, of)| (number as f64, number as f64 + 1.0, of[place])))
    };
    chart.area("f1", &line(0), &line(2));
    chart.line("s6", &line(1));
    limits.into_iter().for_each(|limit| chart.across("s2", limit));
    let rows = buckets
        .names()
        .zip(&volts)
        .map(|(name, volts)| std::iter::once(name).chain(volts.iter().map(|volts| format!("{volts:.2}"))).collect());
    Some(Plot {
        id: "voltage",
        title: "Voltages on the feeder".to_owned(),
        caption: format!(
            "Of all low-voltage buses and phases, each mark over {}: the lowest and the highest mean of a slot, and the \
             middle one. The lines are 10 % below and above {base:.1} V.",
            buckets.words()
        ),
        picture: chart.into(),
        columns: texts(["from", "lowest, V", "middle, V", "highest, V"]),
        rows: rows.collect(),
    })
}
