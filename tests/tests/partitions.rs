//! Cables that are cut and mended between real nodes, each in a network of its own: nothing is sold twice, and all
//! agree in the end. What happens is in `src/bin/partitions`.

use std::error::Error;
use std::process::Command;

use clap::ValueEnum as _;
use wattswap_tests::command;
use wattswap_tests::partitions::{NOT_ALLOWED, Scenario};

type Outcome = Result<(), Box<dyn Error>>;

#[test]
fn two_halves_that_hear_nothing_of_each_other_agree_once_they_do() -> Outcome {
    run(Scenario::Halves)
}

#[test]
fn what_gets_through_in_one_direction_only_sells_nothing_twice() -> Outcome {
    run(Scenario::OneWay)
}

#[test]
fn cables_that_are_cut_in_the_middle_of_agreements_leave_each_trade_whole() -> Outcome {
    run(Scenario::Flapping)
}

fn run(scenario: Scenario) -> Outcome {
    let name = scenario.to_possible_value().ok_or("a scenario has a name")?;
    let output = Command::new(command::beside("partitions")?).arg(name.get_name()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    eprint!("{said}");
    if output.status.code() == Some(NOT_ALLOWED.into()) {
        eprintln!("skipped: nothing was cut");
        return Ok(());
    }
    assert!(output.status.success(), "{}", output.status);
    Ok(())
}
