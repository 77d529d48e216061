//! Power flow against what can be computed by hand, and against Kirchhoff's laws on random feeders.

use num_complex::Complex64;
use proptest::prelude::*;
use wattswap_simulations::grid::feeder::{
    Bus, Connection, Feeder, Kind, Line, Phases, Source, Transformer, VectorGroup, Winding,
};
use wattswap_simulations::grid::solution::Solution;
use wattswap_simulations::grid::solver::{Settings, Solver, Start};
use wattswap_simulations::grid::{BadFeeder, LANES};

const PHASES: [usize; 3] = [0, 1, 2];

fn ohms(re: f64, im: f64) -> Complex64 {
    Complex64::new(re, im)
}

/// A source of 230 V to earth without impedance, and buses in a row behind it.
fn row_of(buses: usize, z1: Complex64, z0: Complex64) -> Feeder {
    let line = |from: usize| Line {
        name: format!("line {from}"),
        from,
        to: from + 1,
        length_m: None,
        z1,
        z0,
        b1: 0.0,
        b0: 0.0,
        max_current_a: None,
    };
    Feeder {
        name: "row".into(),
        buses: (0..buses)
            .map(|bus| Bus { name: format!("bus {bus}"), nominal_v: 230.0 * 3_f64.sqrt(), place: None })
            .collect(),
        source: Source { bus: 0, voltage_pu: 1.0, angle_degrees: 0.0, z1: ohms(0.0, 0.0), z0: ohms(0.0, 0.0) },
        transformer: None,
        lines: (0..buses - 1).map(line).collect(),
        connections: Vec::new(),
        notes: Vec::new(),
    }
}

fn load(bus: usize, phases: Phases, watts: f64, vars: f64) -> Connection {
    Connection { name: format!("load at {bus}"), bus, phases, kind: Kind::Load, watts, vars, profile: None }
}

/// 10 kV to 400 V, without losses of its own.
fn transformer(high: usize, low: usize, group: VectorGroup) -> Transformer {
    Transformer {
        name: "T".into(),
        high,
        low,
        rated_va: 400e3,
        high_v: 10e3,
        low_v: 400.0,
        short_circuit_pu: ohms(0.0, 0.0),
        iron_loss_w: 0.0,
        no_load_current_pu: 0.0,
        group,
    }
}

/// Solves a time step in which all connections draw what they are rated for.
fn solved<const P: usize, T>(feeder: &Feeder, settings: Settings, look: impl FnOnce(Solution<'_, P>) -> T) -> T {
    let solver = Solver::<P>::new(feeder, settings).unwrap();
    let mut batch = solver.batch();
    for (number, connection) in feeder.connections.iter().enumerate() {
        batch.draw(number, 0, connection.watts, connection.vars);
    }
    let solution = solver.solve(&mut batch, Start::Flat);
    assert!(solution.converged(0));
    look(solution)
}

fn near(ours: f64, expected: f64) {
    assert!((ours - expected).abs() < 1e-7 * expected.abs().max(100.0), "{ours} is not {expected}");
}

/// One phase draws 8800 W over 0.25 ohms: V = (230 + sqrt(230² - 4 x 0.25 x 8800)) / 2 = (230 + 210) / 2 = 220 V, so
/// 40 A, and 400 W are lost. With z1 = 0.125 and z0 = 0.5 the diagonal is (0.5 + 0.25) / 3 = 0.25 ohms and the rest
/// (0.5 - 0.125) / 3 = 0.125 ohms, which moves the other phases by 5 V along phase A.
#[test]
fn two_buses_by_hand() {
    for z in [[ohms(0.25, 0.0), ohms(0.25, 0.0)], [ohms(0.125, 0.0), ohms(0.5, 0.0)]] {
        let mut feeder = row_of(2, z[0], z[1]);
        feeder.connections = vec![load(1, Phases::A, 8800.0, 0.0)];
        solved::<3, _>(&feeder, Settings::default(), |solution| {
            near(solution.voltage(1, 0, 0).re, 220.0);
            near(solution.voltage(1, 0, 0).im, 0.0);
            near(solution.line_current(0, 0, 0)[0].re, 40.0);
            near(solution.losses()[0], 400.0);
            near(solution.infeed(0).high.re, 9200.0);
            let mutual = (z[1] - z[0]).re / 3.0;
            for phase in [1, 2] {
                let angle = -std::f64::consts::TAU / 3.0 * phase as f64;
                let expected = Complex64::from_polar(230.0, angle) - mutual * 40.0;
                near((solution.voltage(1, phase, 0) - expected).norm(), 0.0);
            }
        });
    }
}

/// Three times the power on all three phases is the same for each phase, and no current returns.
#[test]
fn two_buses_balanced_by_hand() {
    let mut feeder = row_of(2, ohms(0.25, 0.0), ohms(1.0, 0.0));
    feeder.connections = vec![load(1, Phases::All, 26_400.0, 0.0)];
    solved::<1, _>(&feeder, Settings::default(), |solution| {
        near(solution.voltage(1, 0, 0).norm(), 220.0);
        near(solution.losses()[0], 1200.0);
        near(solution.infeed(0).high.re, 27_600.0);
    });
    solved::<3, _>(&feeder, Settings::default(), |solution| {
        PHASES.iter().for_each(|phase| near(solution.voltage(1, *phase, 0).norm(), 220.0));
        near(solution.losses()[0], 1200.0);
    });
}

/// A load of one phase behind a delta-star transformer draws the same current from two of the three lines before it:
/// 40 A x 400 / (sqrt(3) x 10,000). Behind a star-star transformer it draws it from one line: 40 A x 400 / 10,000.
#[test]
fn vector_groups_by_hand() {
    let delta = 40.0 * 400.0 / (3_f64.sqrt() * 10e3);
    let (none, star) = (0.0, 40.0 * 400.0 / 10e3);
    let cases = [
        // The winding beside the low voltage's phase A lies between A and C, or turned around between A and B.
        (Winding::Delta, 1, [delta, none, delta]),
        (Winding::Delta, 5, [delta, delta, none]),
        (Winding::Delta, 11, [delta, delta, none]),
        (Winding::Star, 0, [star, none, none]),
        (Winding::Star, 6, [star, none, none]),
    ];
    for (high, clock, expected) in cases {
        let mut feeder = row_of(2, ohms(0.0, 0.0), ohms(0.0, 0.0));
        feeder.buses[0].nominal_v = 10e3;
        feeder.buses[1].nominal_v = 400.0;
        feeder.lines.clear();
        feeder.transformer = Some(transformer(0, 1, VectorGroup { high, clock }));
        feeder.connections = vec![load(1, Phases::A, 40.0 * 400.0 / 3_f64.sqrt(), 0.0)];
        solved::<3, _>(&feeder, Settings::default(), |solution| {
            let currents = PHASES.map(|phase| solution.source_current(phase, 0).norm());
            for phase in PHASES {
                assert!((currents[phase] - expected[phase]).abs() < 1e-9, "{high:?}{clock}: {currents:?}");
            }
            let lag = solution.voltage(0, 0, 0).arg() - solution.voltage(1, 0, 0).arg();
            near((lag.to_degrees() - f64::from(clock) * 30.0 + 180.0).rem_euclid(360.0), 180.0);
            near(solution.voltage(0, 1, 0).norm(), 10e3 / 3_f64.sqrt());
        });
    }
}

/// Over 0.25 ohms at 230 V no more than 230² / (4 x 0.25) = 52,900 W can be drawn.
#[test]
fn what_cannot_be_supplied_does_not_converge_and_harms_nobody_else() {
    let mut feeder = row_of(2, ohms(0.25, 0.0), ohms(0.25, 0.0));
    feeder.connections = vec![load(1, Phases::A, 1.0, 0.0)];
    let solver = Solver::<3>::new(&feeder, Settings::default()).unwrap();
    let mut batch = solver.batch();
    for start in [Start::Flat, Start::Warm] {
        batch.clear();
        let watts = [8800.0, 53_000.0, 0.0, 1e9, f64::NAN, -8800.0, 52_000.0, 1.0];
        watts.iter().enumerate().for_each(|(lane, watts)| batch.draw(0, lane, *watts, 0.0));
        let solution = solver.solve(&mut batch, start);
        let converged: Vec<bool> = (0..LANES).map(|lane| solution.converged(lane)).collect();
        assert_eq!(converged, [true, false, true, false, false, true, true, true]);
        near(solution.voltage(1, 0, 0).re, 220.0);
    }
    batch.clear();
    batch.draw(0, 0, 8800.0, 0.0);
    let solution = solver.solve(&mut batch, Start::Warm);
    assert!((0..LANES).all(|lane| solution.converged(lane)), "what went wrong before is forgotten");
}

#[test]
fn what_cannot_be_solved_is_named() {
    let z = ohms(0.1, 0.1);
    type Change = fn(&mut Feeder);
    let cases: [(&str, Change); 13] = [
        ("line back closes a loop at bus bus 0", |feeder| {
            let back = Line { name: "back".into(), from: 2, to: 0, ..feeder.lines[0].clone() };
            feeder.lines.push(back);
        }),
        ("line twice closes a loop at bus bus 1", |feeder| {
            let twice = Line { name: "twice".into(), ..feeder.lines[1].clone() };
            feeder.lines.push(twice);
        }),
        ("line around closes a loop at bus bus 1", |feeder| {
            let around = Line { name: "around".into(), from: 1, to: 1, ..feeder.lines[1].clone() };
            feeder.lines.push(around);
        }),
        ("bus bus 2 is not connected", |feeder| drop(feeder.lines.pop())),
        ("line 1 names bus number 9, but there are 3", |feeder| feeder.lines[1].to = 9),
        ("the source names bus number 3", |feeder| feeder.source.bus = 3),
        ("load at 7 names bus number 7", |feeder| feeder.connections = vec![load(7, Phases::A, 1.0, 0.0)]),
        ("line 1 joins two nominal voltages at bus bus 2", |feeder| feeder.buses[2].nominal_v = 10e3),
        ("line 1 at bus bus 1 has a value", |feeder| feeder.lines[1].z1.re = -1.0),
        ("line 0 at bus bus 0 has a value", |feeder| feeder.lines[0].b1 = f64::NAN),
        ("load at 1 at bus bus 1 has a value", |feeder| {
            feeder.connections = vec![load(1, Phases::A, f64::INFINITY, 0.0)];
        }),
        ("the source feeds bus bus 0, but", |feeder| {
            feeder.transformer = Some(transformer(1, 2, VectorGroup { high: Winding::Delta, clock: 5 }));
        }),
        ("line 0 is at bus bus 0, before the transformer", |feeder| {
            feeder.transformer = Some(transformer(0, 1, VectorGroup { high: Winding::Delta, clock: 5 }));
        }),
    ];
    for (expected, change) in cases {
        let mut feeder = row_of(3, z, z);
        change(&mut feeder);
        let error: BadFeeder = Solver::<3>::new(&feeder, Settings::default()).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}, not {expected}");
    }
}

/// Where a bus hangs, its line, and what is drawn there.
type Limb = (prop::sample::Index, [f64; 4], f64, u8, [f64; 2]);

fn limb() -> impl Strategy<Value = Limb> {
    let impedance = [0.001..0.05_f64, 0.0..0.03, 0.001..0.1, 0.0..0.1];
    (any::<prop::sample::Index>(), impedance, 0.0..1e-4_f64, 0..8_u8, [-3000.0..3000.0_f64, -800.0..800.0])
}

/// A random tree behind a transformer, or behind the source itself.
fn tree(limbs: &[Limb], with_transformer: bool, shunts: bool) -> Feeder {
    let mut feeder = row_of(1, ohms(0.0, 0.0), ohms(0.0, 0.0));
    feeder.source.z1 = ohms(0.01, 0.02);
    feeder.source.z0 = ohms(0.02, 0.05);
    let mut first = 0;
    if with_transformer {
        let low = feeder.buses[0].clone();
        feeder.buses.insert(0, Bus { name: "high".into(), nominal_v: 10e3, place: None });
        feeder.transformer = Some(Transformer {
            low_v: low.nominal_v,
            short_circuit_pu: ohms(0.01, 0.04),
            iron_loss_w: 500.0,
            no_load_current_pu: 0.003,
            ..transformer(0, 1, VectorGroup { high: Winding::Delta, clock: 5 })
        });
        feeder.source.z1 = ohms(0.5, 2.0);
        first = 1;
    }
    for (number, (hangs_on, [r1, x1, r0, x0], b, what, [watts, vars])) in limbs.iter().enumerate() {
        let (near, far) = (first + hangs_on.index(number + 1), feeder.buses.len());
        feeder.buses.push(Bus { name: format!("limb {number}"), ..feeder.buses[first].clone() });
        let b = if shunts { *b } else { 0.0 };
        let (from, to) = if what % 2 == 0 { (near, far) } else { (far, near) };
        let (z1, z0) = (ohms(*r1, *x1), ohms(*r0, *x0));
        let name = format!("line {number}");
        feeder.lines.push(Line { name, from, to, length_m: None, z1, z0, b1: b, b0: b / 2.0, max_current_a: None });
        let phases = [Phases::A, Phases::B, Phases::C, Phases::All];
        // The other half of the buses has no load.
        if let Some(phases) = phases.get(usize::from(*what)) {
            feeder.connections.push(load(far, *phases, *watts, *vars));
        }
    }
    feeder
}

/// Kirchhoff's laws, written with the matrices of the feeder's own data.
fn check_laws(feeder: &Feeder, solution: &Solution<'_, 3>) -> Result<(), TestCaseError> {
    let volts = |bus: usize| PHASES.map(|phase| solution.voltage(bus, phase, 0));
    let times = |row: [Complex64; 3], one: Complex64, zero: Complex64| {
        PHASES.map(|this| {
            let entry = |other| if this == other { (zero + one * 2.0) / 3.0 } else { (zero - one) / 3.0 };
            PHASES.map(|other| entry(other) * row[other]).into_iter().sum::<Complex64>()
        })
    };
    let mut into_bus = vec![[Complex64::ZERO; 3]; feeder.buses.len()];
    for (number, line) in feeder.lines.iter().enumerate() {
        let ends = PHASES.map(|phase| solution.line_current(number, phase, 0));
        let half = |value: f64| Complex64::new(0.0, value / 2.0);
        let charging = times(volts(line.from), half(line.b1), half(line.b0));
        let series = PHASES.map(|phase| ends[phase][0] - charging[phase]);
        let drop = times(series, line.z1, line.z0);
        for phase in PHASES {
            let open = volts(line.from)[phase] - volts(line.to)[phase] - drop[phase];
            prop_assert!(open.norm() < 1e-6, "{} has {open} V too many", line.name);
            into_bus[line.from][phase] -= ends[phase][0];
            into_bus[line.to][phase] -= ends[phase][1];
        }
    }
    let mut drawn = 0.0;
    for connection in &feeder.connections {
        let phases: &[usize] = match connection.phases {
            Phases::A => &[0],
            Phases::B => &[1],
            Phases::C => &[2],
            Phases::All => &PHASES,
        };
        for phase in phases {
            let power = Complex64::new(connection.watts, connection.vars) / phases.len() as f64;
            into_bus[connection.bus][*phase] -= (power / volts(connection.bus)[*phase]).conj();
        }
        drawn += connection.watts;
    }
    let first = feeder.transformer.as_ref().map_or(feeder.source.bus, |transformer| transformer.low);
    for phase in PHASES {
        into_bus[first][phase] += solution.low_current(phase, 0);
        if feeder.transformer.is_none() {
            // Nothing lies before it.
            prop_assert!((solution.low_current(phase, 0) - solution.source_current(phase, 0)).norm() < 1e-9);
        }
    }
    for (bus, left) in into_bus.iter().enumerate() {
        for current in left {
            prop_assert!(current.norm() < 1e-5, "{current} A stay at {}", feeder.buses[bus].name);
        }
    }
    let missing = solution.infeed(0).high.re - drawn - solution.losses()[0];
    prop_assert!(missing.abs() < 1e-2, "{missing} W went nowhere");
    Ok(())
}

proptest! {
    #[test]
    fn laws_hold(limbs in prop::collection::vec(limb(), 1..40), with_transformer: bool, shunts: bool) {
        let feeder = tree(&limbs, with_transformer, shunts);
        let all = Settings { reduced: false, ..Settings::default() };
        let voltages = |solution: Solution<'_, 3>| -> Vec<Complex64> {
            (0..feeder.buses.len()).flat_map(|bus| PHASES.map(|phase| solution.voltage(bus, phase, 0))).collect()
        };
        let reduced = solved::<3, _>(&feeder, Settings::default(), |solution| {
            check_laws(&feeder, &solution)?;
            Ok::<_, TestCaseError>(voltages(solution))
        })?;
        let whole = solved::<3, _>(&feeder, all, |solution| {
            check_laws(&feeder, &solution)?;
            Ok::<_, TestCaseError>(voltages(solution))
        })?;
        for (one, other) in reduced.iter().zip(whole) {
            prop_assert!((one - other).norm() <= 1e-9 * other.norm());
        }
    }

    #[test]
    fn one_phase_stands_for_three_equal_ones(limbs in prop::collection::vec(limb(), 1..20), with_transformer: bool) {
        let mut feeder = tree(&limbs, with_transformer, true);
        feeder.connections.iter_mut().for_each(|connection| connection.phases = Phases::All);
        let three = solved::<3, _>(&feeder, Settings::default(), |solution| {
            let voltages: Vec<Complex64> = (0..feeder.buses.len()).map(|bus| solution.voltage(bus, 0, 0)).collect();
            (voltages, solution.losses()[0], solution.infeed(0).high)
        });
        let one = solved::<1, _>(&feeder, Settings::default(), |solution| {
            let voltages: Vec<Complex64> = (0..feeder.buses.len()).map(|bus| solution.voltage(bus, 0, 0)).collect();
            (voltages, solution.losses()[0], solution.infeed(0).high)
        });
        for (one, three) in one.0.iter().zip(three.0) {
            prop_assert!((one - three).norm() <= 1e-7 * three.norm(), "{one} and {three}");
        }
        prop_assert!((one.1 - three.1).abs() < 1e-2 && (one.2 - three.2).norm() < 1e-1);
    }
}
