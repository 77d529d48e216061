//! Whole runs from seeds: the same seed is the same run, and seeds that once found something find nothing any more.

use std::collections::BTreeSet;

use wattswap_simulations::network::Options;
use wattswap_simulations::network::simulation::{Outcome, run};

/// Seeds that found something in the protocol or in the simulator, with what it was. They stay for good.
const REGRESSIONS: [(u64, &str); 8] = [
    (0, "a request that was served twice in a turn was posted twice, and both orders were filled"),
    (8, "the same; and a home whose log is dated ahead of its own clock"),
    (2, "a taker and a maker whose log had gone past its proposals did nothing but exchange them"),
    (1013, "a trade was reported, but not written down by a household that had just found its clock ahead"),
    (1018, "households that hold other entries, if nobody asks for heads that differ"),
    (14, "a take in doubt with a member that has left"),
    (4, "an order of a member that left before its entry reached anybody"),
    (1095, "orders outside floor and cap, after a charter that narrowed them"),
];

/// Faults that came after the first seeds that found something: without them those are the runs that they were.
const LATER: [&str; 2] = ["seal", "damage"];

fn assert_nothing_found(options: &Options) -> Outcome {
    let outcome = run(options, u64::MAX);
    assert_eq!(outcome.finding, None, "seed {}: replay it with ./dev network --seed {0}", options.seed);
    outcome
}

#[test]
fn seeds_that_found_something_find_nothing_any_more() {
    for (seed, reason) in REGRESSIONS {
        eprintln!("seed {seed}: {reason}");
        let mut options = Options::drawn(seed);
        LATER.into_iter().for_each(|name| options.leave_out(name).expect("it is one of the names"));
        assert_nothing_found(&options);
    }
}

/// Streets of more than a dozen homes, and disks that are damaged, are in these; and in the last one somebody whose clock
/// is behind hears of its log's end before it can judge what that took away.
#[test]
fn seeds_with_what_came_later_find_nothing() {
    for seed in [0, 11, 400000, 711026] {
        assert_nothing_found(&Options::drawn(seed));
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in [1, 10] {
        let options = Options::drawn(seed);
        let (one, other) = (run(&options, 300), run(&options, 300));
        assert_eq!(one, other, "seed {seed}");
        assert_ne!(one.trace_hash, run(&options, 200).trace_hash, "seed {seed}: what is cut off is missing");
        assert_ne!(one.trace_hash, run(&Options { seed: seed + 1, ..options }, 300).trace_hash);
    }
}

#[test]
fn a_calm_street_trades() {
    let mut options = Options::drawn(3);
    Options::fault_names().for_each(|name| options.leave_out(name).expect("it is one of the names"));
    let outcome = assert_nothing_found(&options);
    assert!(outcome.trades > 50, "only {} trades", outcome.trades);
}

/// Each fault alone, on a street that is calm otherwise: it changes what happens, and nothing is found.
#[test]
fn each_fault_alone_changes_what_happens() {
    // A seed that has a fault is looked for among so many.
    let seeds = 0..400;
    let mut tried = BTreeSet::new();
    for name in Options::fault_names() {
        let with_it = seeds.clone().map(Options::drawn).find(|options| {
            let mut without = options.clone();
            without.leave_out(name).expect("it is one of the names");
            // Where nobody may join, joining changes nothing.
            without != *options && (name != "join" || options.joining > 0)
        });
        let mut options = with_it.expect("some seed has it");
        for other in Options::fault_names().filter(|other| *other != name) {
            options.leave_out(other).expect("it is one of the names");
        }
        options.lasts /= 4;
        // Often enough to happen in a short run.
        options.troubles.values_mut().for_each(|every| *every = (*every / 100).max(options.slot_length / 20));
        let mut calm = options.clone();
        calm.leave_out(name).expect("it is one of the names");
        let (outcome, calm) = (assert_nothing_found(&options), assert_nothing_found(&calm));
        assert_ne!(outcome.trace_hash, calm.trace_hash, "{name} makes no difference");
        tried.insert(name);
    }
    assert!(tried.len() > 15);
}
