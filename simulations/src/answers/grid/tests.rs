//! The observer of the feeder against the solver asked directly, and against sums by hand.

use num_complex::Complex64;
use wattswap_matching::WattHours;

use super::voltage::unbalance;
use super::*;
use crate::answers::fixture::{Traded, community, home_slot};
use crate::grid::feeder::{Bus, Connection, Line, Source};
use crate::run::record::HomeSlot;

/// 100 mΩ between an infinite 400 V bus and a house, with a cable for 20 A.
fn feeder(phases: Phases, vars: f64) -> Feeder {
    let bus = |name: &str| Bus { name: name.to_owned(), nominal_v: 400.0, place: None };
    let z1 = Complex64::new(0.1, 0.0);
    let connection = |name: &str| Connection {
        name: name.to_owned(),
        bus: 1,
        phases,
        kind: Kind::Load,
        watts: 1_000.0,
        vars,
        profile: None,
    };
    Feeder {
        name: "by hand".to_owned(),
        buses: vec![bus("source"), bus("house")],
        source: Source { bus: 0, voltage_pu: 1.0, angle_degrees: 0.0, z1: Complex64::ZERO, z0: Complex64::ZERO },
        transformer: None,
        lines: vec![Line {
            name: "cable".to_owned(),
            from: 0,
            to: 1,
            length_m: None,
            z1,
            z0: z1,
            b1: 0.0,
            b0: 0.0,
            max_current_a: Some(20.0),
        }],
        connections: vec![connection("one"), connection("other")],
        notes: Vec::new(),
    }
}

fn with(feeder: Feeder, connections: [Option<usize>; 2]) -> Community {
    let mut community = community("");
    community.feeder = Some(feeder);
    for (home, connection) in community.homes.iter_mut().zip(connections) {
        home.connection = connection;
    }
    community
}

/// What slots with these two homes come to.
fn watched(community: &Community, slots: impl IntoIterator<Item = [HomeSlot; 2]>) -> (FeederAnswers, Vec<Envelope>) {
    let mut grid = Grid::new(community).unwrap().unwrap();
    for (number, homes) in slots.into_iter().enumerate() {
        let (day, of_day) = (number / 96, number % 96);
        grid.settled(&SettledSlot { number, day, of_day, homes: &homes, ..Traded::by_hand().slot() });
    }
    grid.finish(&community.calendar)
}

/// Homes that draw so many watts each.
fn draw(watts: [i64; 2]) -> [HomeSlot; 2] {
    watts.map(|watts| home_slot(watts / 4, 0, 0))
}

/// The source's voltage as a share of the 230 V that answers compare with.
const SOURCE: f64 = 230.940_107_675_850_3 / 230.0;

/// Voltage in pu of 230 V at the end of 100 mΩ in each phase, if each of them carries this power: `u = (1 + sqrt(1 - 4 r
/// p)) / 2` with `r p` and `u` in pu of the source's.
fn by_hand(watts_per_phase: f64) -> f64 {
    let base = SOURCE * 230.0;
    f64::midpoint(1.0, (1.0 - 4.0 * 0.1 * watts_per_phase / (base * base)).sqrt()) * SOURCE
}

fn near(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "{found} is not {expected}");
}

#[test]
fn homes_that_share_a_connection_draw_together() {
    let community = with(feeder(Phases::All, 0.0), [Some(0), Some(0)]);
    let (answers, envelopes) = watched(&community, [draw([4_000, 2_000]), draw([-8_000, -1_000]), draw([0, 0])]);
    assert!(answers.balanced);
    assert_eq!((answers.slots, answers.slots_not_converged, envelopes.len()), (3, 0, 3));
    let [all] = &answers.phases[..] else { panic!("one phase stands for three") };
    near(all.lowest_pu, by_hand(2_000.0), 1e-5);
    near(all.highest_pu, by_hand(-3_000.0), 1e-5);
    assert_eq!((all.lowest_bus.as_str(), all.lowest_at.as_str()), ("house", "2026-06-08 00:00"));
    assert_eq!((all.highest_bus.as_str(), all.highest_at.as_str()), ("house", "2026-06-08 00:15"));
    near(answers.voltage_base_v, 230.0, 0.001);
    // 2000 W a phase at by_hand() of 230 V, over 20 A; the export is more.
    let amperes = 3_000.0 / (230.0 * by_hand(-3_000.0));
    near(answers.line_loading_max.unwrap(), amperes / 20.0, 1e-4);
    near(answers.line_overload_hours, 0.0, 0.0);
    assert_eq!(answers.voltage_unbalance_max, None);
    // Losses of a quarter of an hour: 3 phases, 100 mΩ.
    let squares = amperes.powi(2) + (2_000.0 / (230.0 * by_hand(2_000.0))).powi(2);
    near(answers.losses_wh, 3.0 * 0.1 * squares / 4.0, 1.0);
    near(answers.import_wh, (6_000.0 + 0.1 * 3.0 * (2_000.0 / (230.0 * by_hand(2_000.0))).powi(2)) / 4.0, 1.0);
    // 2.25 kWh were fed in by homes.
    assert_eq!(answers.fed_in_by_homes_wh, 2_250);
    near(answers.losses_share.unwrap(), answers.losses_wh / (answers.import_wh + 2_250.0), 1e-3);
    let lost = 0.1 * 3.0 * amperes.powi(2);
    near(answers.peak_export_w.unwrap(), 9_000.0 - lost, 1.0);
    near(answers.export_wh, (9_000.0 - lost) / 4.0, 1.0);
    near(answers.buses[1].distance_ohm, 0.1, 1e-9);
}

#[test]
fn a_phase_that_draws_alone_is_unbalanced_and_outside() {
    let community = with(feeder(Phases::B, 0.0), [Some(0), Some(1)]);
    // 52 kW in one phase: more than 10 % less; in 11 slots, so that a batch is full and another is not.
    let slots = (0..11).map(|slot| draw(if slot % 2 == 0 { [40_000, 12_000] } else { [0, 100] }));
    let (answers, _) = watched(&community, slots);
    assert!(!answers.balanced);
    let names: Vec<&str> = answers.phases.iter().map(|phase| phase.phase).collect();
    assert_eq!(names, ["A", "B", "C"]);
    let low = by_hand(52_000.0);
    near(answers.phases[1].lowest_pu, low, 1e-5);
    let minutes: Vec<u64> = answers.phases.iter().map(|phase| phase.minutes_outside_10_percent).collect();
    assert_eq!(minutes, [0, 6 * 15, 0]);
    // Of phasors 1, u and 1, a third of the difference is negative sequence.
    near(answers.voltage_unbalance_max.unwrap(), (SOURCE - low) / (2.0 * SOURCE + low), 1e-5);
    let week = answers.en50160.unwrap();
    assert_eq!((week.holds, week.worst_phase, week.worst_week), (false, Some("B"), Some(1)));
    near(week.worst_share_outside, 6.0 / 11.0, 1e-4);
    assert_eq!(week.worst_bus.as_deref(), Some("house"));
    near(answers.line_overload_hours, 1.5, 0.0);
    let minutes: Vec<u64> = answers.buses.iter().map(|bus| bus.minutes_outside_10_percent).collect();
    assert_eq!(minutes, [0, 90]);
    near(answers.lines[0].overload_hours.unwrap(), 1.5, 0.0);
}

#[test]
fn one_single_phase_makes_a_feeder_unbalanced() {
    let mut mixed = feeder(Phases::All, 0.0);
    mixed.connections[1].phases = Phases::C;
    let (answers, _) = watched(&with(mixed, [Some(0), Some(1)]), [draw([3_000, 1_000])]);
    let low: Vec<f64> = answers.phases.iter().map(|phase| phase.lowest_pu).collect();
    near(low[0], by_hand(1_000.0), 1e-5);
    near(low[2], by_hand(2_000.0), 1e-5);
}

#[test]
fn five_in_a_hundred_may_be_outside_but_not_too_far() {
    let community = with(feeder(Phases::B, 0.0), [Some(0), Some(1)]);
    let hold = |of: [i64; 2], times: usize| {
        let slots = (0..100).map(|slot| draw(if slot < times { of } else { [0, 0] }));
        watched(&community, slots).0.en50160.unwrap().holds
    };
    assert!(hold([40_000, 12_000], 5), "5 % are allowed");
    assert!(!hold([40_000, 12_000], 6), "6 % are not");
    // 70 kW: 0.848 pu. And 60 kW fed in: 1.106 pu.
    assert!(!hold([70_000, 0], 1), "more than 15 % below");
    assert!(!hold([-60_000, 0], 1), "more than 10 % above");
}

#[test]
fn a_home_without_connection_is_counted_and_named() {
    let community = with(feeder(Phases::All, 0.0), [None, Some(1)]);
    let (answers, _) = watched(&community, [draw([9_000, 3_000])]);
    assert_eq!(answers.homes_without_connection, [community.homes[0].name.clone()]);
    near(answers.phases[0].lowest_pu, by_hand(1_000.0), 1e-5);
}

#[test]
fn a_slot_without_solution_is_counted_and_nothing_else() {
    let community = with(feeder(Phases::All, 0.0), [Some(0), Some(1)]);
    // Beyond 400 kW, 100 mΩ carry nothing any more.
    let (answers, envelopes) = watched(&community, [draw([900_000, -4_000]), draw([3_000, 0])]);
    assert_eq!((answers.slots, answers.slots_not_converged, envelopes.len()), (2, 1, 1));
    assert_eq!(answers.fed_in_by_homes_wh, 0);
    assert_eq!(answers.first_not_converged, ["2026-06-08 00:00, bus house"]);
    near(answers.phases[0].lowest_pu, by_hand(1_000.0), 1e-5);
    let (nothing, _) = watched(&community, [draw([900_000, 0])]);
    assert_eq!((nothing.phases.len(), nothing.en50160, nothing.line_loading_max), (0, None, None));
}

#[test]
fn needs_draw_reactive_power_and_roofs_do_not() {
    let of = |vars| {
        let community = with(feeder(Phases::All, vars), [Some(0), Some(1)]);
        let mut homes = draw([6_000, 0]);
        homes[0].flows.pv = WattHours(1_000);
        watched(&community, [homes]).0.line_loading_max.unwrap()
    };
    // 6 kW of need and 4 kW of roof: 2 kW, and with a tangent of 0.5 also 3 kvar.
    near(of(500.0) / of(0.0), 13_f64.sqrt() / 2.0, 0.01);
}

#[test]
fn unbalance_by_hand() {
    let turn = |degrees: f64| Complex64::from_polar(1.0, degrees.to_radians());
    near(unbalance([turn(0.0), turn(-120.0), turn(120.0)]), 0.0, 1e-12);
    // A voltage that all phases have beside their own is no unbalance of this kind: it is zero sequence.
    near(unbalance([0.0, -120.0, 120.0].map(|degrees| turn(degrees) + 0.1)), 0.0, 1e-12);
    near(unbalance([turn(0.0) * 0.97, turn(-120.0), turn(120.0)]), 0.03 / 2.97, 1e-12);
}
