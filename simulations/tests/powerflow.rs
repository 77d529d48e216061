//! Power flow against published solutions of other programs.
//!
//! They lie in the folder that `WATTSWAP_DATA` names, with the feeders that they are of.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use num_complex::Complex64;
use wattswap_simulations::grid::feeder::Feeder;
use wattswap_simulations::grid::profiles::{self, Profiles};
use wattswap_simulations::grid::solution::{Magnitudes, Solution};
use wattswap_simulations::grid::solver::{Settings, Solver, Start};
use wattswap_simulations::grid::table::Table;
use wattswap_simulations::grid::{LANES, folder};

/// A file or folder of the data. Named but missing is a failure.
fn data(path: &str) -> PathBuf {
    let root = std::env::var_os("WATTSWAP_DATA").expect("without it these tests are ignored when they are built");
    let path = Path::new(&root).join(path);
    assert!(path.exists(), "WATTSWAP_DATA has no {}", path.display());
    path
}

/// A feeder and its profiles, found as the command finds them.
fn feeder(path: &str) -> (Feeder, Profiles) {
    let folder = data(path);
    let feeder = folder::read(&folder).unwrap();
    let profiles = Profiles::read(&profiles::find(&folder).unwrap(), &feeder).unwrap();
    (feeder, profiles)
}

/// Solves some steps, as many as there are lanes at the most.
fn solved<const P: usize>(
    (feeder, profiles): &(Feeder, Profiles),
    steps: &[usize],
    settings: Settings,
    look: impl FnOnce(Solution<'_, P>),
) {
    let solver = Solver::<P>::new(feeder, settings).unwrap();
    let mut batch = solver.batch();
    for (lane, step) in steps.iter().enumerate() {
        profiles.draw(*step, lane, &mut batch);
    }
    let solution = solver.solve(&mut batch, Start::Flat);
    assert!((0..LANES).all(|lane| solution.converged(lane)), "not converged");
    look(solution);
}

/// The rows of a table: the cell that names the row, and some columns as numbers.
fn rows<const N: usize>(path: &Path, key: &str, columns: [&str; N]) -> Vec<(String, [f64; N])> {
    let table = Table::open(path).unwrap();
    let key = table.column(key).unwrap();
    let columns = columns.map(|column| table.column(column).unwrap());
    let rows = table.rows().map(|row| {
        let row = row.unwrap();
        (row.text(&key).to_owned(), columns.each_ref().map(|column| row.number(column, "a number").unwrap()))
    });
    rows.collect()
}

/// The largest difference to a value of the reference.
#[derive(Default)]
struct Worst {
    difference: f64,
    compared: usize,
}

impl Worst {
    fn see(&mut self, ours: f64, theirs: f64) {
        assert!(ours.is_finite());
        self.difference = self.difference.max((ours - theirs).abs());
        self.compared += 1;
    }
}

/// The published minutes, counted from 1, and how the files name them.
const MINUTES: [(usize, &str); 2] = [(1, "t0001"), (566, "t0566")];
const PHASES: [usize; 3] = [0, 1, 2];

fn published_minutes(look: impl Fn(&Feeder, Solution<'_, 3>, usize, &dyn Fn(&str) -> PathBuf)) {
    for reduced in [true, false] {
        let feeder = feeder("ieee_european_lv");
        let steps = MINUTES.map(|(minute, _)| minute - 1);
        solved::<3>(&feeder, &steps, Settings { reduced, ..Settings::default() }, |solution| {
            for (lane, (_, minute)) in MINUTES.iter().enumerate() {
                let file = |name: &str| data(&format!("ieee_european_lv/{}", name.replace("MINUTE", minute)));
                look(&feeder.0, solution, lane, &file);
            }
        });
    }
}

fn numbers<'a>(names: impl Iterator<Item = &'a String>) -> BTreeMap<String, usize> {
    names.enumerate().map(|(number, name)| (name.clone(), number)).collect()
}

#[test]
#[cfg_attr(not(has_data), ignore = "WATTSWAP_DATA is not set")]
fn voltages_of_the_ieee_feeder_are_the_published_ones() {
    // Program, file, its column of names, what it puts before a bus's number, its columns, and how near we have to be.
    let references = [
        ("reference/gridlabd_MINUTE_voltages.csv", "node_name", "Bus", ["voltA_mag", "voltB_mag", "voltC_mag"], 1e-4),
        ("reference/opendss_MINUTE_voltages.csv", "Bus", "", ["Magnitude1", "Magnitude2", "Magnitude3"], 2.5e-3),
        ("reference_own/pgm_MINUTE_voltages.csv", "bus", "", ["va_v", "vb_v", "vc_v"], 1e-4),
    ];
    published_minutes(|feeder, solution, lane, file| {
        let buses = numbers(feeder.buses.iter().map(|bus| &bus.name));
        for (name, key, before, columns, bound) in references {
            let mut worst = Worst::default();
            for (node, theirs) in rows(&file(name), key, columns) {
                let Some(bus) = node.strip_prefix(before).and_then(|number| buses.get(number)) else { continue };
                PHASES.iter().for_each(|phase| worst.see(solution.voltage(*bus, *phase, lane).norm(), theirs[*phase]));
            }
            eprintln!("{}: {:.2e} V", file(name).display(), worst.difference);
            assert_eq!(worst.compared, 906 * 3);
            assert!(worst.difference <= bound, "{name}: {} V", worst.difference);
        }
    });
}

#[test]
#[cfg_attr(not(has_data), ignore = "WATTSWAP_DATA is not set")]
fn currents_and_powers_of_the_ieee_feeder_are_the_published_ones() {
    published_minutes(|feeder, solution, lane, file| {
        let lines = numbers(feeder.lines.iter().map(|line| &line.name));
        let columns = ["currA_mag", "currA_angle", "currB_mag", "currB_angle", "currC_mag", "currC_angle"];
        let currents = rows(&file("reference/gridlabd_MINUTE_currents.csv"), "link_name", columns);
        let phasors = |[am, aa, bm, ba, cm, ca]: [f64; 6]| {
            [(am, aa), (bm, ba), (cm, ca)].map(|(magnitude, angle)| Complex64::from_polar(magnitude, angle))
        };
        let mut worst = Worst::default();
        for (name, theirs) in &currents {
            for (phase, theirs) in phasors(*theirs).into_iter().enumerate() {
                let ours = match lines.get(name) {
                    Some(line) => solution.line_current(*line, phase, lane)[0].norm(),
                    // The source's impedance and the transformer's high-voltage side.
                    None => solution.source_current(phase, lane).norm(),
                };
                worst.see(ours, theirs.norm());
            }
        }
        eprintln!("GridLAB-D: {:.2e} A", worst.difference);
        assert_eq!(worst.compared, 907 * 3);
        assert!(worst.difference <= 1e-4, "{} A", worst.difference);

        // What the transformer gives is the voltage of bus 1 with the current of the first line.
        let columns = ["voltA_mag", "voltA_angle", "voltB_mag", "voltB_angle", "voltC_mag", "voltC_angle"];
        let voltages = rows(&file("reference/gridlabd_MINUTE_voltages.csv"), "node_name", columns);
        let of = |rows: &[(String, [f64; 6])], name: &str| {
            phasors(rows.iter().find(|(row, _)| row == name).expect("the reference has it").1)
        };
        let (voltage, current) = (of(&voltages, "Bus1"), of(&currents, "LINE1"));
        let ours = solution.infeed(lane);
        for phase in PHASES {
            let difference = (ours.low[phase] - voltage[phase] * current[phase].conj()).norm();
            eprintln!("transformer: {difference:.2e} VA");
            assert!(difference <= 0.1, "{difference} VA in phase {phase}");
        }

        let source =
            rows(&file("reference/opendss_MINUTE_voltages.csv"), "Bus", ["Magnitude1", "Magnitude2", "Magnitude3"]);
        let source = source.iter().find(|(bus, _)| bus == "SOURCEBUS").expect("the reference has it").1;
        for phase in PHASES {
            let bus = feeder.transformer.as_ref().unwrap().high;
            let difference = (solution.voltage(bus, phase, lane).norm() - source[phase]).abs();
            // They print six digits.
            assert!(difference <= 2e-2, "{difference} V at the source in phase {phase}");
        }
    });
}

#[test]
#[cfg_attr(not(has_data), ignore = "WATTSWAP_DATA is not set")]
fn simbench_grids_come_out_as_pandapower_has_them() {
    for grid in ["rural1", "rural2", "semiurb4"] {
        let folder = format!("simbench_lv/{grid}");
        let feeder = feeder(&folder);
        let file = |name: &str| data(&format!("{folder}/ref_pandapower_{name}.csv"));
        let buses = rows(&file("bus"), "bus", ["t", "vm_pu", "va_degree"]);
        let mut steps: Vec<usize> = buses.iter().map(|(_, [step, ..])| *step as usize).collect();
        steps.dedup();
        assert_eq!(steps.len(), LANES);
        let lane_of =
            |step: f64| steps.iter().position(|each| *each == step as usize).expect("all tables have the same steps");
        solved::<1>(&feeder, &steps, Settings::default(), |solution| {
            let (mut volts, mut amperes, mut watts) = (Worst::default(), Worst::default(), Worst::default());
            for (bus, [step, pu, degrees]) in &buses {
                let bus: usize = bus.parse().unwrap();
                let theirs = Complex64::from_polar(*pu, degrees.to_radians());
                let ours = solution.voltage(bus, 0, lane_of(*step)) / feeder.0.buses[bus].base_v();
                volts.see((ours - theirs).norm(), 0.0);
            }
            let mut currents = Magnitudes::new();
            solution.line_currents(&mut currents);
            for (line, [step, kiloamperes]) in rows(&file("line"), "line", ["t", "i_ka"]) {
                amperes.see(currents[line.parse::<usize>().unwrap()][0][lane_of(step)], kiloamperes * 1e3);
            }
            let columns = ["t", "p_hv_mw", "q_hv_mvar", "i_hv_ka", "i_lv_ka", "pl_mw"];
            for (_, [step, p, q, high, low, loss]) in rows(&file("trafo"), "trafo", columns) {
                let lane = lane_of(step);
                let infeed = solution.infeed(lane);
                watts.see((infeed.high - Complex64::new(p, q) * 1e6).norm(), 0.0);
                watts.see(infeed.high.re - infeed.low[0].re * 3.0, loss * 1e6);
                amperes.see(solution.source_current(0, lane).norm(), high * 1e3);
                amperes.see(solution.low_current(0, lane).norm(), low * 1e3);
            }
            eprintln!("{grid}: {:.2e} pu, {:.2e} A, {:.2e} VA", volts.difference, amperes.difference, watts.difference);
            assert!(volts.difference <= 2e-6 && amperes.difference <= 1e-3 && watts.difference <= 1.0, "{grid}");
        });
    }
}

#[test]
#[cfg_attr(not(has_data), ignore = "WATTSWAP_DATA is not set")]
fn reduction_and_start_change_nothing() {
    let feeder = feeder("ieee_european_lv");
    let base = feeder.0.buses[1].base_v();
    let solve = |reduced, start| {
        let solver = Solver::<3>::new(&feeder.0, Settings { reduced, ..Settings::default() }).unwrap();
        let (mut batch, mut voltages, mut all) = (solver.batch(), Magnitudes::new(), Vec::new());
        for first in (0..1440).step_by(LANES) {
            batch.clear();
            (0..LANES).for_each(|lane| feeder.1.draw(first + lane, lane, &mut batch));
            let solution = solver.solve(&mut batch, start);
            assert!((0..LANES).all(|lane| solution.converged(lane)));
            solution.voltages(&mut voltages);
            all.extend(voltages.iter().flatten().flatten().copied());
        }
        (solver.nodes(), all)
    };
    let (nodes, all) = solve(false, Start::Flat);
    let (fewer, reduced) = solve(true, Start::Flat);
    let (_, warm) = solve(true, Start::Warm);
    assert!(nodes == 909 && fewer < 120, "{nodes}, {fewer}");
    let worst =
        |other: &[f64]| all.iter().zip(other).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max) / base;
    eprintln!("reduced {:.2e} pu, warm {:.2e} pu", worst(&reduced), worst(&warm));
    assert!(worst(&reduced) <= 1e-9, "{}", worst(&reduced));
    assert!(worst(&warm) <= 1e-8, "{}", worst(&warm));
}
