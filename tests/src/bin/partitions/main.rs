//! Real nodes on a street whose cables are cut and mended: `partitions halves`, and so on.
//!
//! A program and not only tests, since it goes to live in networks of its own (`wattswap_tests::street`), which a thread
//! of a test can't. `tests/tests/partitions.rs` calls it.

mod flapping;
mod halves;
mod one_way;

use std::error::Error;
use std::process::{Command, ExitCode};

use clap::{Parser, ValueEnum as _};
use wattswap_matching::WattHours;
use wattswap_node::client::Client;
use wattswap_tests::market::{Market as _, SOON};
use wattswap_tests::neighbourhood::{Neighbourhood, Rules};
use wattswap_tests::node::Node;
use wattswap_tests::partitions::{NOT_ALLOWED, Scenario};
use wattswap_tests::street::{self, Street};
use wattswap_tests::wait;

/// Milliseconds that a proposal lives at most, by the rules of these neighbourhoods: three seconds, and once more the
/// second by which clocks may differ; and one for good measure.
const LIFETIME: u64 = 5_000;

/// What comes of a scenario.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Cut the cables between real nodes, and check that they agree once these are mended.
#[derive(Parser)]
#[command(name = "partitions")]
struct Args {
    /// What happens to the cables
    scenario: Scenario,
    /// This process has entered a street
    #[arg(long, hide = true)]
    inside: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if !args.inside {
        return enter(args.scenario);
    }
    let outcome = match args.scenario {
        Scenario::Halves => halves::run(),
        Scenario::OneWay => one_way::run(),
        Scenario::Flapping => flapping::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Goes on in a street. Comes back only if that can't be done.
fn enter(scenario: Scenario) -> ExitCode {
    if let Err(error) = street::is_allowed() {
        eprintln!("this system lets us have no networks of our own: {error}");
        return ExitCode::from(NOT_ALLOWED);
    }
    let name = scenario.to_possible_value().expect("no scenario is hidden");
    let mut command = Command::new(std::env::current_exe().unwrap_or_default());
    let error = street::enter(command.arg(name.get_name()).arg("--inside"));
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

/// A neighbourhood whose nodes run and are connected, with their cables.
fn found(names: &[&str]) -> Outcome<(Neighbourhood, Street)> {
    let mut lane = Neighbourhood::found(&Rules::usual(), names)?;
    let street = Street::lay(&mut lane)?;
    lane.start()?;
    lane.until_connected()?;
    Ok((lane, street))
}

/// Waits until so much of an order is reserved for proposals without an answer.
fn until_in_doubt(client: &Client, order: &str, quantity: WattHours) -> Outcome {
    wait::until(&format!("{} Wh of order {order} are in doubt", quantity.0), SOON, || match client.order(order) {
        Ok(order) if order.in_doubt_wh.0 == quantity => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    Ok(())
}

/// Waits until all proposals that a node has made by now have expired.
fn until_expired(node: &Node) -> Outcome {
    let end = node.status()?.now.0.0 + LIFETIME;
    wait::until("time passes", SOON, || match node.status() {
        Ok(status) if status.now.0.0 > end => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    Ok(())
}

/// Proposals without an answer, of a node.
fn in_doubt(node: &Node) -> Outcome<u32> {
    Ok(node.status()?.proposals_in_doubt)
}
