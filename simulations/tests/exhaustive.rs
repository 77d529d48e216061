//! Every interleaving of small scenarios of the agreement, within bounds of a few seconds each. The bounds of longer runs
//! are in `wattswap-sim exhaustive --long`; what is explored, and what is not, in `docs/simulator.md`.

use wattswap_simulations::exhaustive::scenario::{Bounds, Scenario};
use wattswap_simulations::exhaustive::scenarios;
use wattswap_simulations::exhaustive::search::{Outcome, search};

fn scenario(name: &str) -> Scenario {
    scenarios::all().into_iter().find(|scenario| scenario.name == name).expect("a scenario with this name")
}

/// Everything holds in every state, all of them were seen, and among them those that the scenario is about.
fn check(name: &str) -> Outcome {
    let scenario = scenario(name);
    let outcome = search(&scenario, scenario.bounds, None);
    eprintln!("{name}: {} states visited, {} different", outcome.visited, outcome.unique);
    assert!(outcome.found.is_none(), "{name}: {:#?}", outcome.found);
    assert!(outcome.is_complete, "{name}");
    for mark in &scenario.must_reach {
        assert!(outcome.reached.contains(mark), "{name} never came to {mark:?}");
    }
    outcome
}

#[test]
fn a_bid_that_crosses_an_ask() {
    check("crossing");
}

#[test]
fn two_buyers_race_for_the_same_energy() {
    check("race");
}

#[test]
fn a_cancel_races_with_a_proposal() {
    check("cancel");
}

#[test]
fn a_proposal_expires_in_the_middle_of_anything() {
    check("expiry");
}

#[test]
fn an_order_expires_and_the_gate_closes_in_the_middle_of_anything() {
    check("gate");
}

#[test]
fn a_clock_steps_in_the_middle_of_anything() {
    check("clocks");
}

#[test]
fn an_old_disk_is_put_back_in_the_middle_of_anything() {
    check("restore");
}

#[test]
fn an_order_is_filled_while_a_take_for_it_is_in_doubt() {
    check("chain");
}

#[test]
fn the_same_search_sees_the_same_states() {
    let numbers = |outcome: Outcome| {
        (outcome.visited, outcome.unique, outcome.depth, outcome.households, outcome.turns, outcome.reached)
    };
    assert_eq!(numbers(check("gate")), numbers(check("gate")));
}

#[test]
fn a_limit_is_not_taken_for_the_whole() {
    let scenario = scenario("crossing");
    let outcome = search(&scenario, scenario.bounds, Some(100));
    assert!(outcome.found.is_none() && !outcome.is_complete, "{outcome:?}");
}

#[test]
fn no_path_is_longer_than_the_bounds_say() {
    let scenario = scenario("crossing");
    let within = |depth| search(&scenario, Bounds { depth: Some(depth), ..scenario.bounds }, None);
    let (shorter, longer) = (within(3), within(4));
    assert!(shorter.is_complete && longer.is_complete, "{shorter:?}, {longer:?}");
    assert_eq!((shorter.depth, longer.depth), (3, 4));
    assert!(shorter.unique < longer.unique, "{shorter:?}, {longer:?}");
    let whole = search(&scenario, scenario.bounds, None);
    assert_eq!(within(whole.depth).unique, whole.unique);
}
