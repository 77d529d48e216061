//! One seed, its fingerprint and its speed.

use std::hint::black_box;
use std::time::Instant;

use wattswap_simulations::network::options::UnknownFault;
use wattswap_simulations::network::{bare, simulation};

use super::{One, report};

/// Runs it; gives the number of findings.
pub fn run(args: &One) -> Result<usize, UnknownFault> {
    let options = args.change.options(args.seed)?;
    let started = Instant::now();
    let outcome = simulation::run(&options, args.steps.unwrap_or(u64::MAX));
    let took = started.elapsed();
    let started = Instant::now();
    black_box(bare::run(outcome.events, args.seed));
    let bare = started.elapsed();
    report::say(format_args!("seed            {}", args.seed));
    report::say(format_args!("trace hash      {:016x}", outcome.trace_hash));
    report::say(format_args!("households      {}", options.homes));
    report::say(format_args!("simulated       {} household-seconds", outcome.household_time.as_secs()));
    report::say(format_args!("steps           {}", outcome.steps));
    report::say(format_args!("entries, trades {}, {}", outcome.entries, outcome.trades));
    report::say(format_args!("slots settled   {}", outcome.settled));
    if !options.cheats.is_empty() {
        report::say(format_args!(
            "cheats          {:?}, of which {} were convicted",
            options.cheats, outcome.convicted
        ));
    }
    report::say(format_args!("events          {}", outcome.events));
    let speed = |time: std::time::Duration| u128::from(outcome.events) * 1_000_000 / time.as_micros().max(1);
    let (ours, heap) = (speed(took), speed(bare));
    report::say(format_args!(
        "events/s        {ours}; a bare heap {heap}: {} thousandths of it",
        ours * 1000 / heap.max(1)
    ));
    let Some(finding) = outcome.finding else { return Ok(0) };
    report::finding(&args.change, &options, &finding);
    Ok(1)
}
