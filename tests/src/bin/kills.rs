//! `./dev kills`: the long form of the test that kills real nodes under load. What it does is in
//! `wattswap_tests::kills`.

#![expect(clippy::print_stdout, reason = "the terminal is where the result goes")]

use std::process::ExitCode;

use clap::Parser;
use wattswap_tests::kills::{self, MAX_KILLS};

/// A line after so many kills.
const SHOW_EVERY: usize = 25;

/// Kill real nodes at random moments under load, and check that nothing acknowledged or reported is lost.
#[derive(Parser)]
#[command(name = "kills")]
struct Args {
    /// So many processes are killed
    #[arg(long, value_name = "NUMBER", default_value_t = 500, value_parser = at_most())]
    kills: u64,
    /// Whom it hits, after how many orders, and what is ordered; not the moment itself [default: a fresh one]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

fn at_most() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=MAX_KILLS as u64)
}

fn main() -> ExitCode {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}: killing {} times", args.kills);
    let mut next = SHOW_EVERY;
    let shown = kills::run(seed, args.kills as usize, |tally| {
        if tally.kills >= next {
            next = tally.kills + SHOW_EVERY;
            println!("{} kills, {} orders acknowledged, nothing lost", tally.kills, tally.orders);
        }
    });
    match shown {
        Ok(tally) => {
            println!("{tally}\n0 findings: each order and trade is there, and all records agree");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("FOUND: {error}\nagain: ./dev kills --kills {} --seed {seed}", args.kills);
            ExitCode::FAILURE
        }
    }
}
