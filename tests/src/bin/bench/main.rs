//! Measures the node against its limits, each limit in the same run as what is held against it.
//!
//! `./dev bench [NAME] [--json]` calls this with the name of one benchmark, or with none for all. Every benchmark runs
//! the real command as processes on loopback, takes turns between the node and its limits, and compares medians: on a
//! machine with other things to do, what slows one down slows the other down as well. What the figures mean is written
//! in `docs/benchmarks.md`. The matching engine has a package of its own, `tests/bench-matching`.

mod community;
mod disk;
mod figure;
mod history;
mod http;
mod orders;
mod relay;
mod sample;
mod start;
mod stream;
mod sync;
mod trade;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use self::figure::Figure;

/// What a benchmark gives.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Measure the node against its limits.
#[derive(Parser)]
struct Args {
    /// The benchmark to run [default: all of them]
    name: Option<Name>,
    /// Print one object a line instead of a table
    #[arg(long)]
    json: bool,
}

/// The benchmarks.
#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// From an order to a trade that both sides signed, between two nodes
    Trade,
    /// A fresh node fetches the logs of two hundred members
    Sync,
    /// Orders that one node takes from many clients
    Orders,
    /// Start-up, memory, and what an idle node costs
    Start,
}

impl Name {
    fn run(self) -> Outcome<Vec<Figure>> {
        match self {
            Self::Trade => trade::run(),
            Self::Sync => sync::run(),
            Self::Orders => orders::run(),
            Self::Start => start::run(),
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let names = args.name.map_or(Name::value_variants().to_vec(), |name| vec![name]);
    match measure(&names, args.json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(names: &[Name], json: bool) -> Outcome<()> {
    let mut all = Vec::new();
    for name in names {
        let figures = name.run()?;
        if json {
            figure::print_lines(&figures)?;
        }
        all.extend(figures);
    }
    if !json {
        figure::print_table(&all)?;
    }
    Ok(())
}
