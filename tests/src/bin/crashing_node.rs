//! The command, but that its node dies where the environment says: see `wattswap_tests::crash`.

use std::process::ExitCode;

use wattswap_node::cli;
use wattswap_node::drivers::run::{NoSteps, Steps};
use wattswap_tests::crash::{CRASH_BEFORE, Crash, CrashPoint};

fn main() -> ExitCode {
    let steps: Box<dyn Steps> = match std::env::var(CRASH_BEFORE).ok().map(|text| text.parse::<CrashPoint>()) {
        None => Box::new(NoSteps),
        Some(Ok(point)) => Box::new(Crash::from(point)),
        Some(Err(error)) => {
            eprintln!("error: {CRASH_BEFORE}: {error}");
            return ExitCode::from(2);
        }
    };
    cli::main(steps)
}
