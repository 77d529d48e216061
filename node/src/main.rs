//! The `wattswap` command. All of it is in the library, so that tests can build binaries of their own around it.

use std::process::ExitCode;

use wattswap_node::cli;
use wattswap_node::drivers::run::NoSteps;

fn main() -> ExitCode {
    cli::main(Box::new(NoSteps))
}
