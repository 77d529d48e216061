//! The `wattswap` command. All of it is in the library, so that tests can build binaries of their own around it.

use std::process::ExitCode;

fn main() -> ExitCode {
    wattswap_node::cli::main()
}
