//! Runs simulations from a terminal: one seed, or as many as there is time for; and says what scenarios come to.

mod cost;
mod exhaustive;
mod first;
mod generate;
mod import;
mod laboratory;
mod one;
mod powerflow;
mod progress;
mod report;
mod run;
mod scenario;
mod season;
mod soak;
mod stop;
mod sweep;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use wattswap_simulations::network::Options;
use wattswap_simulations::network::adversaries::{KINDS, Kind};
use wattswap_simulations::network::options::UnknownFault;

/// Simulates neighbourhoods: the production protocol, where everything goes wrong, from one seed; homes and their feeder.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Run one seed, and say how fast that was compared with a bare event heap.
    Network(One),
    /// Run one seed after the other on all cores, until a time is over or until stopped.
    Soak(Soak),
    /// Put the same orders through one book and through a neighbourhood, and compare: a line for each setting.
    Cost(CostArgs),
    /// Run seeds until one finds something, and print its checker, seed and events in one line.
    First(First),
    /// Run an electric feeder alone, with its profiles: voltages, currents, losses.
    #[command(name = "powerflow")]
    PowerFlow(powerflow::PowerFlow),
    /// Let traders with a few units each trade, as Gode and Sunder did, and compare with the most they could gain.
    Laboratory(laboratory::LaboratoryArgs),
    /// Let real homes trade for a week, and compare with the most that trading could be worth.
    Season(season::SeasonArgs),
    /// Look at every interleaving of small scenarios of the agreement, within bounds.
    Exhaustive(Exhaustive),
    /// Run a scenario: who saves what, how much energy is from here, and does the grid hold.
    Run(run::Run),
    /// Run a scenario with every combination of the values of some of its keys, on all cores or as one of many shards.
    Sweep(sweep::SweepArgs),
    /// Join what the shards of a sweep have written.
    Merge(sweep::MergeArgs),
    /// Write what Slurm or Kubernetes needs to run the shards of a sweep.
    #[command(subcommand)]
    Jobs(sweep::Jobs),
    /// Write a commented example of a scenario.
    Init(scenario::Init),
    /// Say what is wrong with a scenario and where, or what it comes to.
    Check(scenario::Check),
    /// Print the JSON schema of scenarios, for editors.
    Schema,
    /// Turn profiles and feeders of others into what a scenario names.
    #[command(subcommand)]
    Import(import::Import),
    /// Make up homes from a seed, and compare them with real ones.
    Generate(generate::Generate),
}

/// Bounds that are not given are the scenario's own.
#[derive(Args)]
struct Exhaustive {
    /// This one; all of them without it.
    #[arg(long)]
    scenario: Option<String>,
    /// Begin with the bounds of the longer runs, not with those of the tests.
    #[arg(long)]
    long: bool,
    /// Messages that come once more. Any may be lost, late, or overtaken.
    #[arg(long)]
    repeats: Option<u8>,
    /// Turns for two things that came while the disk was busy.
    #[arg(long)]
    pairs: Option<u8>,
    /// Crashes, each at any place of any turn.
    #[arg(long)]
    crashes: Option<u8>,
    /// Old copies of a disk that are put back.
    #[arg(long)]
    restores: Option<u8>,
    /// Steps of a household's clock.
    #[arg(long)]
    clock_steps: Option<u8>,
    /// How many of the scenario's instants are reached.
    #[arg(long)]
    instants: Option<usize>,
    /// Look no further than so many actions.
    #[arg(long)]
    depth: Option<usize>,
    /// Stop after so many states.
    #[arg(long)]
    states: Option<usize>,
}

#[derive(Args)]
struct One {
    /// Decides everything that happens.
    #[arg(long)]
    seed: u64,
    /// People and troubles do nothing more after so many steps.
    #[arg(long)]
    steps: Option<u64>,
    #[command(flatten)]
    change: Change,
}

#[derive(Args)]
struct Soak {
    /// For how long; without it, until stopped.
    #[arg(long)]
    minutes: Option<u64>,
    /// For how many seconds, instead.
    #[arg(long, conflicts_with = "minutes")]
    seconds: Option<u64>,
    /// The first seed; the others follow it.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Stop after so many seeds.
    #[arg(long)]
    seeds: Option<u64>,
    /// Simulations at the same time; as many as there are cores if nothing is said.
    #[arg(long)]
    threads: Option<usize>,
    #[command(flatten)]
    change: Change,
}

#[derive(Args)]
struct CostArgs {
    /// Households.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 50, 200], value_parser = clap::value_parser!(u64).range(5..=1000))]
    homes: Vec<u64>,
    /// Mean times on the way, in milliseconds.
    #[arg(long, value_delimiter = ',', default_values_t = [5, 50, 500])]
    delay: Vec<u64>,
    /// Messages that are lost, in a hundred.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1, 10], value_parser = clap::value_parser!(u64).range(0..=100))]
    loss: Vec<u64>,
    /// Quarters of an hour for which orders are placed, all of them from the start.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=96))]
    slots: u64,
    /// Decides the orders and the network.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs at the same time; as many as there are cores if nothing is said.
    #[arg(long)]
    threads: Option<usize>,
    /// Draw a plot into this SVG file.
    #[arg(long)]
    plot: Option<PathBuf>,
}

#[derive(Args)]
struct First {
    /// The first seed; the others follow it.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Stop after so many seeds.
    #[arg(long)]
    seeds: u64,
    #[command(flatten)]
    change: Change,
}

/// What is different from what the seed decides.
#[derive(Args, Clone)]
struct Change {
    /// So many households that are members from the start, five or more.
    #[arg(long, value_parser = clap::value_parser!(u64).range(5..=1000))]
    homes: Option<u64>,
    /// Leave these faults out.
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
    /// Let a member cheat like this; given twice, two members.
    #[arg(long, value_parser = cheat)]
    cheat: Vec<Kind>,
    /// Let each seed decide who cheats, and how.
    #[arg(long, conflicts_with = "cheat")]
    cheats: bool,
}

fn cheat(name: &str) -> Result<Kind, String> {
    let found = KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    found.ok_or_else(|| format!("there are {}", KINDS.map(|(known, _)| known).join(", ")))
}

impl Change {
    /// A seed's options, changed.
    fn options(&self, seed: u64) -> Result<Options, UnknownFault> {
        let mut options = if self.cheats { Options::drawn_with_cheats(seed) } else { Options::drawn(seed) };
        options.cheats.extend(&self.cheat);
        if let Some(homes) = self.homes {
            options.homes = usize::try_from(homes).expect("a thousand at the most") + options.joining;
        }
        self.without.iter().try_for_each(|name| options.leave_out(name))?;
        Ok(options)
    }

    /// The command that runs a seed with this change and other faults left out.
    fn command(&self, seed: u64, without: &[String], steps: u64) -> String {
        let homes = self.homes.map_or(String::new(), |homes| format!(" --homes {homes}"));
        let without = if without.is_empty() { String::new() } else { format!(" --without {}", without.join(",")) };
        let named = |kind: &Kind| KINDS.iter().find(|(_, known)| known == kind).map_or("", |(name, _)| name);
        let mut cheats: String = self.cheat.iter().map(|kind| format!(" --cheat {}", named(kind))).collect();
        if self.cheats {
            cheats.push_str(" --cheats");
        }
        format!("./dev network --seed {seed}{homes}{cheats}{without} --steps {steps}")
    }
}

fn main() -> ExitCode {
    let outcome: Result<usize, Box<dyn Error>> = match Cli::parse().what {
        What::Network(args) => one::run(&args).map_err(Into::into),
        What::Soak(args) => soak::run(&args).map_err(Into::into),
        What::Cost(args) => cost::run(&args).map(|()| 0).map_err(Into::into),
        What::First(args) => first::run(&args).map_err(Into::into),
        What::PowerFlow(args) => powerflow::run(&args).map_err(Into::into),
        What::Laboratory(args) => {
            laboratory::run(&args);
            Ok(0)
        }
        What::Season(args) => season::run(&args).map(|()| 0).map_err(Into::into),
        What::Run(args) => return ended(run::run(&args)),
        What::Sweep(args) => return ended(sweep::run(&args)),
        What::Merge(args) => return ended(sweep::merge(&args)),
        What::Jobs(what) => sweep::jobs(&what).map(|()| 0),
        What::Init(args) => scenario::init(&args).map(|()| 0),
        What::Check(args) => scenario::check(&args).map(|()| 0),
        What::Schema => {
            scenario::schema();
            Ok(0)
        }
        What::Import(args) => import::run(&args).map(|()| 0),
        What::Generate(args) => generate::run(&args),
        What::Exhaustive(args) => return exhaustive::run(&args),
    };
    ended(outcome.map(|findings| if findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }))
}

fn ended(outcome: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}
