//! The voltage profile: how far each bus is from the transformer, and which voltages it had.

use super::chart::{Axis, Chart};
use super::feeder_map::by_bus;
use super::off::{STEPS, step};
use super::plot::{Plot, spread, texts};
use crate::answers::Findings;
use crate::answers::grid::BusAnswers;

/// So many lines and buses are drawn at most, and written down.
const MOST: usize = 800;

/// The plot; none without a feeder that could be solved.
pub fn plot(findings: &Findings<'_>) -> Option<Plot> {
    let answers = findings.summary.feeder.as_ref()?;
    let feeder = findings.community.feeder.as_ref()?;
    let base = answers.voltage_base_v;
    let buses = by_bus(feeder, &answers.buses);
    let places = |bus: &BusAnswers| Some((bus.distance_ohm * 1_000.0, bus.lowest_pu?, bus.highest_pu?));
    let known: Vec<&BusAnswers> = answers.buses.iter().filter(|bus| places(bus).is_some()).collect();
    let corners: Vec<(f64, f64, f64)> = known.iter().filter_map(|bus| places(bus)).collect();
    if corners.is_empty() {
        return None;
    }
    let volts = corners.iter().flat_map(|(_, low, high)| [low * base, high * base]).chain([base]);
    let x = Axis::of("mΩ from the transformer", corners.iter().map(|(distance, ..)| *distance).chain([0.0]));
    let mut chart = Chart::new(x, Axis::of("V to earth", volts));
    for step in STEPS {
        chart = chart.legend(step.class, step.name);
    }
    chart.across("mesh", base);
    for line in spread(feeder.lines.len(), MOST).into_iter().map(|line| &feeder.lines[line]) {
        let ends = [line.from, line.to].map(|bus| buses[bus].and_then(places));
        if let [Some(from), Some(to)] = ends {
            chart.line("mesh", &[(from.0, from.1 * base), (to.0, to.1 * base)]);
            chart.line("mesh", &[(from.0, from.2 * base), (to.0, to.2 * base)]);
        }
    }
    for place in spread(corners.len(), MOST) {
        let (distance, low, high) = corners[place];
        for pu in [low, high] {
            chart.dot(STEPS[step(pu)].class, (distance, pu * base));
        }
    }
    let rows = spread(known.len(), MOST).into_iter().map(|bus| {
        let bus = known[bus];
        let volts = |pu: Option<f64>| pu.map_or("–".to_owned(), |pu| format!("{:.2}", pu * base));
        let minutes = bus.minutes_outside_10_percent.to_string();
        vec![
            bus.name.clone(),
            format!("{:.1}", bus.distance_ohm * 1_000.0),
            volts(bus.lowest_pu),
            volts(bus.highest_pu),
            minutes,
        ]
    });
    let some = if known.len() > MOST { format!(" {MOST} of {} buses are shown.", known.len()) } else { String::new() };
    Some(Plot {
        id: "profile",
        title: "Voltage profile".to_owned(),
        caption: format!(
            "Each bus twice, with its lowest and its highest voltage of the whole run, coloured by how far that is from \
             {base:.1} V; lines join neighbours. Distance is electrical: the impedance of the lines between.{some}"
        ),
        picture: chart.into(),
        columns: texts(["bus", "distance, mΩ", "lowest, V", "highest, V", "minutes 10 % off"]),
        rows: rows.collect(),
    })
}
