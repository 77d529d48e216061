//! Whole runs with households that cheat: what must hold for the honest ones holds, and cheats are found out.

use std::time::Duration;

use wattswap_simulations::network::Options;
use wattswap_simulations::network::adversaries::{KINDS, Kind};
use wattswap_simulations::network::simulation::{Outcome, run};

/// Calm, so that every word arrives.
fn calm(seed: u64, cheats: &[Kind]) -> Outcome {
    let mut options = Options::drawn(seed);
    Options::fault_names().for_each(|name| options.leave_out(name).expect("it is one of the names"));
    // Long enough for some slots, and a cheat acts every few seconds.
    options.lasts = Duration::from_secs(200);
    options.cheats = cheats.to_vec();
    run(&options, u64::MAX)
}

#[test]
fn on_a_calm_street_whoever_contradicts_itself_is_convicted_and_nobody_else_is() {
    for (name, kind) in KINDS {
        let outcome = calm(3, &[kind]);
        assert_eq!(outcome.finding, None, "{name}");
        assert_eq!(outcome.convicted, usize::from(kind.contradicts_itself()), "{name}");
        assert!(outcome.trades > 10, "{name}: the others go on, with {} trades", outcome.trades);
    }
}

/// One gives the same part of an order to an honest neighbour and to the other, who shows its copy much later.
#[test]
fn a_pair_that_plans_together_takes_no_trade_from_an_honest_neighbour() {
    for seed in 3..6 {
        let outcome = calm(seed, &[Kind::DoubleFiller, Kind::OverTaker]);
        assert_eq!((outcome.finding, outcome.convicted), (None, 1), "seed {seed}");
    }
}

#[test]
fn cheats_among_faults_cost_the_honest_nothing() {
    for seed in 1_000..1_004 {
        let outcome = run(&Options::drawn_with_cheats(seed), u64::MAX);
        assert_eq!(outcome.finding, None, "seed {seed}: replay it with ./dev sim --seed {seed} --cheats");
    }
}

#[test]
fn a_cheat_is_the_same_run_again() {
    let mut options = Options::drawn_with_cheats(7);
    options.lasts /= 4;
    assert_eq!(run(&options, 300), run(&options, 300));
    let honest = Options { cheats: Vec::new(), ..options.clone() };
    assert_ne!(run(&options, 300).trace_hash, run(&honest, 300).trace_hash);
}
