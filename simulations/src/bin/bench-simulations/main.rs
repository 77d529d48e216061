//! How fast simulations are, beside others or a limit: `./dev bench grid` and `./dev bench sim` call this.

mod grid;
mod report;
mod sim;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::report::Row;

/// Measure simulations.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
    /// Print one object a line instead of a table
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum What {
    /// The power flow, beside power-grid-model and OpenDSS.
    Grid(grid::GridArgs),
    /// Communities that trade, beside a Python peer's run that was measured elsewhere.
    Sim(sim::SimArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let rows: Result<Vec<Row>, Box<dyn Error>> = match &cli.what {
        What::Grid(args) => grid::measure(args),
        What::Sim(args) => sim::measure(args),
    };
    match rows {
        Ok(rows) => {
            report::print(&rows, cli.json);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
