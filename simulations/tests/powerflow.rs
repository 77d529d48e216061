//! Power flow against published solutions of other programs, and against itself.
//!
//! The published solutions lie in the folder that `WATTSWAP_DATA` names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use num_complex::Complex64;
use wattswap_simulations::grid::feeder::Feeder;
use wattswap_simulations::grid::profiles::{self, Profiles};
use wattswap_simulations::grid::solution::Solution;
use wattswap_simulations::grid::solver::{Settings, Solver, Start};
use wattswap_simulations::grid::table::Table;
use wattswap_simulations::grid::{LANES, ieee, simbench};

/// A file or folder of the data. Named but missing is a failure.
fn data(path: &str) -> PathBuf {
    let root =
        std::env::var_os("WATTSWAP_DATA").expect("these tests are ignored where it was not set when they were built");
    let path = Path::new(&root).join(path);
    assert!(path.exists(), "WATTSWAP_DATA has no {}", path.display());
    path
}

fn ieee() -> (Feeder, Profiles) {
    let folder = data("ieee_european_lv");
    let feeder = ieee::read(&folder).unwrap();
    let profiles = Profiles::read(&profiles::find(&folder).unwrap(), &feeder).unwrap();
    (feeder, profiles)
}

fn simbench(grid: &str) -> (Feeder, Profiles) {
    let folder = data(&format!("simbench_lv/{grid}"));
    let feeder = simbench::read(&folder).unwrap();
    let profiles = Profiles::read(&profiles::find(&folder).unwrap(), &feeder).unwrap();
    (feeder, profiles)
}

/// Solves some steps, which are as many as there are lanes at the most.
fn solved<const P: usize>(
    feeder: &Feeder,
    profiles: &Profiles,
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

/// The rows of a table: the first cells, and some columns as numbers.
fn rows<const N: usize>(path: &Path, key: &str, columns: [&str; N]) -> Vec<(String, [f64; N])> {
    let table = Table::open(path).unwrap();
    let key = table.column(key).unwrap();
    let columns = columns.map(|column| table.column(column).unwrap());
    let row = |row: wattswap_simulations::grid::table::Row| {
        (row.text(&key).to_owned(), columns.each_ref().map(|column| row.number(column, "a number").unwrap()))
    };
    table.rows().map(|each| row(each.unwrap())).collect()
}

fn numbers<'a>(names: impl Iterator<Item = &'a String>) -> BTreeMap<String, usize> {
    names.enumerate().map(|(number, name)| (name.clone(), number)).collect()
}

/// The published minutes, counted from 1, and how the files name them.
const MINUTES: [(usize, &str); 2] = [(1, "t0001"), (566, "t0566")];

#[test]
#[cfg_attr(not(has_data), ignore = "WATTSWAP_DATA is not set")]
fn the_ieee_feeder_agrees_with_gridlab_d_and_opendss() {
    let (feeder, profiles) = ieee();
    let buses = numbers(feeder.buses.iter().map(|bus| &bus.name));
    let steps = MINUTES.map(|(minute, _)| minute - 1);
    solved::<3>(&feeder, &profiles, &steps, Settings::default(), |solution| {
        for (lane, (_, name)) in MINUTES.iter().enumerate() {
            let folder = data("ieee_european_lv/reference");
            let volts = |bus: usize| [0, 1, 2].map(|phase| solution.voltage(bus, phase, lane).norm());
            let mut worst: f64 = 0.0;
            let mut seen = 0;
            for (node, expected) in rows(
                &folder.join(format!("gridlabd_{name}_voltages.csv")),
                "node_name",
                ["voltA_mag", "voltB_mag", "voltC_mag"],
            ) {
                let Some(bus) = node.strip_prefix("Bus").and_then(|number| buses.get(number)) else { continue };
                for (ours, theirs) in volts(*bus).into_iter().zip(expected) {
                    worst = worst.max((ours - theirs).abs());
                }
                seen += 1;
            }
            println!("{name}: GridLAB-D {worst:.2e} V, {seen} buses");
            assert_eq!(seen, 906);
            assert!(worst <= 1e-4, "{worst} V from GridLAB-D at {name}");
            let mut worst: f64 = 0.0;
            for (bus, expected) in rows(
                &folder.join(format!("opendss_{name}_voltages.csv")),
                "Bus",
                ["Magnitude1", "Magnitude2", "Magnitude3"],
            ) {
                let Some(bus) = buses.get(&bus) else { continue };
                for (ours, theirs) in volts(*bus).into_iter().zip(expected) {
                    worst = worst.max((ours - theirs).abs());
                }
            }
            println!("{name}: OpenDSS {worst:.2e} V; {} iterations", solution.iterations());
            assert!(worst <= 2.5e-3, "{worst} V from OpenDSS at {name}");
        }
    });
}

#[test]
#[cfg_attr(not(has_data), ignore = "WATTSWAP_DATA is not set")]
fn simbench_grids_agree_with_pandapower() {
    for grid in ["rural1", "rural2", "semiurb4"] {
        let (feeder, profiles) = simbench(grid);
        let folder = data(&format!("simbench_lv/{grid}"));
        let reference = rows(&folder.join("ref_pandapower_bus.csv"), "bus", ["t", "vm_pu", "va_degree"]);
        let mut steps: Vec<usize> = reference.iter().map(|(_, [step, ..])| *step as usize).collect();
        steps.dedup();
        assert_eq!(steps.len(), LANES);
        let lane_of = |step: f64| steps.iter().position(|each| *each as f64 == step).unwrap();
        solved::<1>(&feeder, &profiles, &steps, Settings::default(), |solution| {
            let mut worst: f64 = 0.0;
            for (bus, [step, pu, degrees]) in &reference {
                let bus: usize = bus.parse().unwrap();
                let expected = Complex64::from_polar(*pu, degrees.to_radians());
                let ours = solution.voltage(bus, 0, lane_of(*step)) / feeder.buses[bus].base_v();
                worst = worst.max((ours - expected).norm());
            }
            let mut amperes: f64 = 0.0;
            for (line, [step, kiloamperes]) in rows(&folder.join("ref_pandapower_line.csv"), "line", ["t", "i_ka"]) {
                let ours = solution.line_current(line.parse().unwrap(), 0, lane_of(step));
                amperes = amperes.max((ours - kiloamperes * 1e3).abs());
            }
            let mut watts: f64 = 0.0;
            for (_, [step, p, q, i_hv, i_lv, loss]) in rows(
                &folder.join("ref_pandapower_trafo.csv"),
                "trafo",
                ["t", "p_hv_mw", "q_hv_mvar", "i_hv_ka", "i_lv_ka", "pl_mw"],
            ) {
                let lane = lane_of(step);
                let infeed = solution.infeed(lane);
                watts = watts.max((infeed.high - Complex64::new(p, q) * 1e6).norm());
                amperes = amperes.max((solution.source_current(0, lane).norm() - i_hv * 1e3).abs());
                amperes = amperes.max((solution.low_current(0, lane).norm() - i_lv * 1e3).abs());
                let lost = infeed.high.re - infeed.low[0].re * 3.0;
                watts = watts.max((lost - loss * 1e6).abs());
            }
            println!("{grid}: {worst:.2e} pu, {amperes:.2e} A, {watts:.2e} VA; {} iterations", solution.iterations());
            assert!(worst <= 2e-6 && amperes <= 1e-3 && watts <= 1.0, "{grid}");
        });
    }
}
