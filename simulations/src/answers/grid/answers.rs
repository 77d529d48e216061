//! What was seen on the feeder, as it is written down.

use std::collections::VecDeque;

use serde::Serialize;

use super::Seen;
use super::voltage::TOLERANCE;
use crate::answers::clock::moment;
use crate::grid::feeder::Feeder;
use crate::grid::series::Extreme;
use crate::homes::Calendar;

/// So much of a week may be outside (EN 50160).
const ALLOWED_SHARE: f64 = 0.05;
/// The lowest voltage that EN 50160 allows at all, in pu.
const FLOOR_PU: f64 = 0.85;

/// What the feeder came to. Voltages in pu are shares of `voltage_base_v`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeederAnswers {
    /// What the data calls it.
    pub name: String,
    /// Whether one phase stands for three.
    pub balanced: bool,
    /// Slots that were solved, or tried.
    pub slots: usize,
    /// Slots that have no solution: they count nowhere else.
    pub slots_not_converged: usize,
    /// The first of them, each with the bus whose voltage gives way first: `2026-06-08 18:15, bus 34`.
    pub first_not_converged: Vec<String>,
    /// Homes that have no connection, and so draw nothing here.
    pub homes_without_connection: Vec<String>,
    /// The nominal voltage to earth on the low-voltage side: what pu are of.
    pub voltage_base_v: f64,
    /// Of each phase; of all three together where one stands for three.
    pub phases: Vec<PhaseAnswers>,
    /// EN 50160's 10-minute means.
    pub en50160: Option<WeekAnswers>,
    /// The largest negative over positive sequence voltage. None where one phase stands for three.
    pub voltage_unbalance_max: Option<f64>,
    /// The highest current of a line over what it may carry. None if no line has a rating.
    pub line_loading_max: Option<f64>,
    /// The line with it.
    pub line_loading_max_line: Option<String>,
    /// When it was.
    pub line_loading_max_at: Option<String>,
    /// Time in which some line carried more than it may.
    pub line_overload_hours: f64,
    /// Lines whose rating is not known.
    pub lines_without_rating: usize,
    /// The transformer, if there is one.
    pub transformer: Option<TransformerAnswers>,
    /// What lines and transformer lost.
    pub losses_wh: f64,
    /// `losses / (import + fed in by homes)`: of the energy that came into the feeder. None without any.
    pub losses_share: Option<f64>,
    /// What homes fed in, each for itself.
    pub fed_in_by_homes_wh: i64,
    /// What came from the grid above.
    pub import_wh: f64,
    /// What went to the grid above.
    pub export_wh: f64,
    /// The highest power from the grid above; none if there was never any.
    pub peak_import_w: Option<f64>,
    /// When it was.
    pub peak_import_at: Option<String>,
    /// The highest power to the grid above; none if there was never any.
    pub peak_export_w: Option<f64>,
    /// When it was.
    pub peak_export_at: Option<String>,
    /// The low-voltage buses.
    pub buses: Vec<BusAnswers>,
    /// The lines.
    pub lines: Vec<LineAnswers>,
}

/// A phase over all low-voltage buses and slots.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhaseAnswers {
    /// A, B, C, or ABC.
    pub phase: &'static str,
    /// The lowest voltage, where and when.
    pub lowest_pu: f64,
    /// In volts to earth.
    pub lowest_v: f64,
    /// Where.
    pub lowest_bus: String,
    /// When.
    pub lowest_at: String,
    /// The highest voltage, where and when.
    pub highest_pu: f64,
    /// In volts to earth.
    pub highest_v: f64,
    /// Where.
    pub highest_bus: String,
    /// When.
    pub highest_at: String,
    /// Time in which some bus was more than 10 % above or below the base.
    pub minutes_outside_10_percent: u64,
}

/// EN 50160: in each week 95 % of the 10-minute means lie within 10 % of the nominal voltage, and all between 15 % below
/// and 10 % above it. A slot's mean stands for those.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeekAnswers {
    /// Whether both hold at every bus, in every week.
    pub holds: bool,
    /// Weeks of seven days from the run's first on; the last may be shorter.
    pub weeks: usize,
    /// The largest share of a week's slots outside of 10 %, at any bus and phase.
    pub worst_share_outside: f64,
    /// Where; none if nothing was outside anywhere.
    pub worst_bus: Option<String>,
    /// In which phase.
    pub worst_phase: Option<&'static str>,
    /// In which week, from 1.
    pub worst_week: Option<usize>,
}

/// The transformer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TransformerAnswers {
    /// What the data calls it.
    pub name: String,
    /// Its rating, of all phases.
    pub rated_va: f64,
    /// The highest apparent power of all phases, high-voltage side, over the rating. None if no slot was solved.
    pub loading_max: Option<f64>,
    /// When it was.
    pub loading_max_at: Option<String>,
    /// Time above the rating.
    pub overload_hours: f64,
}

/// A low-voltage bus.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BusAnswers {
    /// What the data calls it.
    pub name: String,
    /// Impedance `|z1|` of all lines between it and the transformer, or the source, added up.
    pub distance_ohm: f64,
    /// The lowest voltage of all phases. None if no slot was solved.
    pub lowest_pu: Option<f64>,
    /// The highest voltage of all phases.
    pub highest_pu: Option<f64>,
    /// Time more than 10 % off, of the phase with most of it.
    pub minutes_outside_10_percent: u64,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineAnswers {
    /// What the data calls it.
    pub name: String,
    /// Its ends.
    pub from: String,
    /// Its ends.
    pub to: String,
    /// What it may carry.
    pub rating_a: Option<f64>,
    /// The highest current of a phase over that. None without a rating.
    pub loading_max: Option<f64>,
    /// When it was.
    pub loading_max_at: Option<String>,
    /// Time above the rating. None without one.
    pub overload_hours: Option<f64>,
}

/// What was seen, in words and rounded.
pub(super) fn answers<const P: usize>(feeder: &Feeder, seen: &mut Seen<P>, calendar: &Calendar) -> FeederAnswers {
    seen.voltage.end_week();
    let (voltage, load) = (&seen.voltage, &seen.load);
    let hours = f64::from(seen.slot_minutes) / 60.0;
    let when = |slot: usize| moment(calendar, slot);
    let heaviest = load.lines.iter().flatten().filter_map(|line| line.highest);
    let heaviest = heaviest.max_by(|one, other| one.pu.total_cmp(&other.pu).then(other.step.cmp(&one.step)));
    let came_in = load.import * hours + seen.fed_in.0 as f64;
    let sum = |watts: f64| round(watts * hours, 0);
    FeederAnswers {
        name: feeder.name.clone(),
        balanced: P == 1,
        slots: seen.slots,
        slots_not_converged: seen.not_converged,
        first_not_converged: seen
            .first_not_converged
            .iter()
            .map(|(slot, bus)| format!("{}, bus {}", when(*slot), feeder.buses[*bus].name))
            .collect(),
        homes_without_connection: seen.homes_without.clone(),
        voltage_base_v: round(voltage.base_v, 2),
        phases: phases(feeder, seen, calendar),
        en50160: week(feeder, seen),
        voltage_unbalance_max: voltage.unbalance.map(|most| round(most.pu, 5)),
        line_loading_max: heaviest.map(|found| round(found.pu, 4)),
        line_loading_max_line: heaviest.map(|found| feeder.lines[found.place].name.clone()),
        line_loading_max_at: heaviest.map(|found| when(found.step)),
        line_overload_hours: f64::from(load.some_line_above) * hours,
        lines_without_rating: load.lines.iter().filter(|line| line.is_none()).count(),
        transformer: feeder.transformer.as_ref().map(|transformer| TransformerAnswers {
            name: transformer.name.clone(),
            rated_va: transformer.rated_va,
            loading_max: load.transformer.map(|most| round(most.pu, 4)),
            loading_max_at: load.transformer.map(|most| when(most.step)),
            overload_hours: f64::from(load.transformer_above) * hours,
        }),
        losses_wh: sum(load.lost),
        losses_share: (came_in > 0.0).then(|| round(load.lost * hours / came_in, 5)),
        fed_in_by_homes_wh: seen.fed_in.0,
        import_wh: sum(load.import),
        export_wh: sum(load.export),
        peak_import_w: load.most_import.map(|(watts, _)| round(watts, 0)),
        peak_import_at: load.most_import.map(|(_, slot)| when(slot)),
        peak_export_w: load.most_export.map(|(watts, _)| round(watts, 0)),
        peak_export_at: load.most_export.map(|(_, slot)| when(slot)),
        buses: buses(feeder, seen),
        lines: lines(feeder, seen, calendar),
    }
}

fn phases<const P: usize>(feeder: &Feeder, seen: &Seen<P>, calendar: &Calendar) -> Vec<PhaseAnswers> {
    let volts = |found: Extreme| round(found.pu * seen.voltage.base_v, 2);
    let bus = |found: Extreme| feeder.buses[found.place].name.clone();
    let when = |found: Extreme| moment(calendar, found.step);
    let of = |(number, phase): (usize, &super::voltage::PhaseVoltage)| {
        let (low, high) = (phase.lowest?, phase.highest?);
        Some(PhaseAnswers {
            phase: phase_name::<P>(number),
            lowest_pu: round(low.pu, 5),
            lowest_v: volts(low),
            lowest_bus: bus(low),
            lowest_at: when(low),
            highest_pu: round(high.pu, 5),
            highest_v: volts(high),
            highest_bus: bus(high),
            highest_at: when(high),
            minutes_outside_10_percent: minutes(phase.outside, seen.slot_minutes),
        })
    };
    seen.voltage.phases.iter().enumerate().filter_map(of).collect()
}

fn week<const P: usize>(feeder: &Feeder, seen: &Seen<P>) -> Option<WeekAnswers> {
    let worst = seen.voltage.worst?;
    let extremes = seen.voltage.buses.iter().flatten().filter_map(|bus| bus.extremes);
    let within = extremes.fold(true, |within, (low, high)| within && low >= FLOOR_PU && high <= 1.0 + TOLERANCE);
    let found = (worst.outside > 0).then_some(worst);
    Some(WeekAnswers {
        holds: within && worst.share() <= ALLOWED_SHARE,
        weeks: seen.voltage.weeks,
        worst_share_outside: round(worst.share(), 4),
        worst_bus: found.map(|worst| feeder.buses[worst.bus].name.clone()),
        worst_phase: found.map(|worst| phase_name::<P>(worst.phase)),
        worst_week: found.map(|worst| worst.week + 1),
    })
}

fn buses<const P: usize>(feeder: &Feeder, seen: &Seen<P>) -> Vec<BusAnswers> {
    let distances = distances(feeder);
    let of =
        |((bus, voltage), distance): ((&crate::grid::feeder::Bus, &Option<super::voltage::BusVoltage<P>>), f64)| {
            let voltage = voltage.as_ref()?;
            Some(BusAnswers {
                name: bus.name.clone(),
                distance_ohm: round(distance, 6),
                lowest_pu: voltage.extremes.map(|(low, _)| round(low, 5)),
                highest_pu: voltage.extremes.map(|(_, high)| round(high, 5)),
                minutes_outside_10_percent: minutes(voltage.outside.into_iter().max().unwrap_or(0), seen.slot_minutes),
            })
        };
    feeder.buses.iter().zip(&seen.voltage.buses).zip(distances).filter_map(of).collect()
}

fn lines<const P: usize>(feeder: &Feeder, seen: &Seen<P>, calendar: &Calendar) -> Vec<LineAnswers> {
    let hours = f64::from(seen.slot_minutes) / 60.0;
    let of = |(line, load): (&crate::grid::feeder::Line, &Option<super::load::LineLoad>)| {
        let highest = load.and_then(|load| load.highest);
        LineAnswers {
            name: line.name.clone(),
            from: feeder.buses[line.from].name.clone(),
            to: feeder.buses[line.to].name.clone(),
            rating_a: line.max_current_a,
            loading_max: highest.map(|found| round(found.pu, 4)),
            loading_max_at: highest.map(|found| moment(calendar, found.step)),
            overload_hours: load.map(|load| f64::from(load.above) * hours),
        }
    };
    feeder.lines.iter().zip(&seen.load.lines).map(of).collect()
}

/// Of each bus, the impedances between it and the transformer, or the source, added up. A feeder has one way to a bus.
fn distances(feeder: &Feeder) -> Vec<f64> {
    let mut ways: Vec<Vec<(usize, f64)>> = vec![Vec::new(); feeder.buses.len()];
    for line in &feeder.lines {
        ways[line.from].push((line.to, line.z1.norm()));
        ways[line.to].push((line.from, line.z1.norm()));
    }
    let first = feeder.first_bus();
    let mut distances: Vec<Option<f64>> = vec![None; feeder.buses.len()];
    distances[first] = Some(0.0);
    let mut next = VecDeque::from([(first, 0.0)]);
    while let Some((bus, distance)) = next.pop_front() {
        for (other, impedance) in &ways[bus] {
            if distances[*other].is_none() {
                distances[*other] = Some(distance + impedance);
                next.push_back((*other, distance + impedance));
            }
        }
    }
    distances.into_iter().map(|distance| distance.unwrap_or(0.0)).collect()
}

fn phase_name<const P: usize>(phase: usize) -> &'static str {
    if P == 1 { "ABC" } else { ["A", "B", "C"][phase] }
}

fn minutes(slots: u32, slot_minutes: u32) -> u64 {
    u64::from(slots) * u64::from(slot_minutes)
}

/// With so many places: digits beyond are noise of the solver's tolerance.
fn round(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (value * scale).round() / scale
}
