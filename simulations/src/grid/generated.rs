//! Makes a feeder to measure: a transformer, cables from it, and homes one after the other along each cable.
//!
//! The cable and the transformers are common ones in Germany, with the values of their data sheets as SimBench and
//! pandapower have them: NAYY 4x150 SE, and 20/0.4 kV transformers from 160 kVA up.

use std::f64::consts::TAU;

use num_complex::Complex64;

use super::feeder::{Bus, Connection, Feeder, Kind, Line, Phases, Source, Transformer, VectorGroup, Winding};
use crate::network::random::Random;
use crate::scenario::document::GeneratedFeeder;

/// NAYY 4x150 SE 0.6/1 kV: ohms and microfarads a kilometre, and what it may carry.
const OHMS_PER_KM: Complex64 = Complex64::new(0.2067, 0.080_424_8);
const FARADS_PER_KM: f64 = 830e-9;
const CABLE_A: f64 = 270.0;
/// A cable with four equal cores: its zero sequence returns through the neutral alone.
const Z0_OVER_Z1: f64 = 4.0;
/// Ratings that are made, in VA, the largest for want of a larger one.
const RATINGS_VA: [f64; 6] = [160e3, 250e3, 400e3, 630e3, 1000e3, 2500e3];
/// What a home needs of a transformer when all need the most, in VA.
const VA_PER_HOME: f64 = 4_000.0;

/// A feeder with a place for each home, in their order: connection 0 is the first home's.
#[must_use]
pub fn feeder(homes: usize, measure: GeneratedFeeder, seed: u64) -> Feeder {
    let mut random = Random::new(seed ^ 0xfeed << 48);
    let needed = homes as f64 * VA_PER_HOME;
    let rated_va = RATINGS_VA.into_iter().find(|rating| *rating >= needed).unwrap_or(RATINGS_VA[5].max(needed));
    let mut buses = vec![
        Bus { name: "medium voltage".to_owned(), nominal_v: 20_000.0, place: None },
        Bus { name: "busbar".to_owned(), nominal_v: 400.0, place: None },
    ];
    let (mut lines, mut connections) = (Vec::new(), Vec::new());
    for home in 0..homes {
        let first = home % measure.homes_per_branch as usize == 0;
        let from = if first { 1 } else { buses.len() - 1 };
        buses.push(Bus { name: format!("house {}", home + 1), nominal_v: 400.0, place: None });
        let metres = random.between(measure.spacing_m.least.into(), measure.spacing_m.most.into());
        lines.push(cable(format!("cable {}", home + 1), from, buses.len() - 1, metres as f64));
        connections.push(Connection {
            name: format!("home {}", home + 1),
            bus: buses.len() - 1,
            phases: Phases::All,
            kind: Kind::Load,
            watts: 0.0,
            vars: 0.0,
            profile: None,
        });
    }
    Feeder {
        name: format!("{homes} homes"),
        buses,
        source: Source { bus: 0, voltage_pu: 1.0, angle_degrees: 0.0, z1: Complex64::ZERO, z0: Complex64::ZERO },
        transformer: Some(transformer(rated_va)),
        lines,
        connections,
        notes: vec!["a made-up feeder: z0 = 4 z1 is assumed where phases differ".to_owned()],
    }
}

fn transformer(rated_va: f64) -> Transformer {
    Transformer {
        name: format!("{:.0} kVA", rated_va / 1e3),
        high: 0,
        low: 1,
        rated_va,
        high_v: 20_000.0,
        low_v: 400.0,
        short_circuit_pu: Complex64::new(0.014_6, 0.037_2),
        iron_loss_w: 0.002 * rated_va,
        no_load_current_pu: 0.003,
        group: VectorGroup { high: Winding::Delta, clock: 5 },
    }
}

fn cable(name: String, from: usize, to: usize, metres: f64) -> Line {
    let kilometres = metres / 1_000.0;
    let z1 = OHMS_PER_KM * kilometres;
    let b1 = TAU * 50.0 * FARADS_PER_KM * kilometres;
    let length_m = Some(metres);
    Line { name, from, to, length_m, z1, z0: z1 * Z0_OVER_Z1, b1, b0: b1, max_current_a: Some(CABLE_A) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::solver::{Settings, Solver, Start};
    use crate::scenario::Between;

    #[test]
    fn every_home_has_a_place_and_power_flows() {
        let measure = GeneratedFeeder { homes_per_branch: 25, spacing_m: Between { least: 15, most: 40 } };
        for homes in [1, 25, 26, 300] {
            let feeder = feeder(homes, measure, 7);
            assert_eq!((feeder.connections.len(), feeder.buses.len()), (homes, homes + 2));
            let branches = feeder.lines.iter().filter(|line| line.from == 1).count();
            assert_eq!(branches, homes.div_ceil(25));
            let solver = Solver::<1>::new(&feeder, Settings::default()).unwrap();
            let mut batch = solver.batch();
            (0..homes).for_each(|home| batch.draw(home, 0, 1_000.0, 0.0));
            let solution = solver.solve(&mut batch, Start::Flat);
            assert!(solution.converged(0), "{homes} homes");
        }
    }
}
