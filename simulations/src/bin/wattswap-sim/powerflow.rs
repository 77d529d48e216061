//! A feeder alone: power flow over the steps of its profiles, with a summary and, if asked for, tables in files.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use wattswap_simulations::grid::feeder::{Feeder, Phases};
use wattswap_simulations::grid::folder::{self, NoFeeder};
use wattswap_simulations::grid::output::Tables;
use wattswap_simulations::grid::profiles::{self, BadProfiles, Profiles};
use wattswap_simulations::grid::series::{self, Block, Extreme, HandOn, Summary, phase_names};
use wattswap_simulations::grid::solver::{Settings, Solver};
use wattswap_simulations::grid::{BadFeeder, LANES};
use wattswap_simulations::output::{CantWrite, Format};

use super::report::say;

/// What to solve, and what to write.
#[derive(Args)]
pub struct PowerFlow {
    /// The feeder's folder: the IEEE European LV feeder's CSV files, or those of a SimBench grid.
    feeder: PathBuf,
    /// Tables (.csv or .csv.gz) with the profiles that connections follow; those in the feeder's folder or beside it if
    /// nothing is said.
    #[arg(long, num_args = 1..)]
    profiles: Vec<PathBuf>,
    /// Rows of the profiles, from 0, the last one not included: 0..1440. All of them if nothing is said.
    #[arg(long, value_name = "FROM..TO", value_parser = steps)]
    steps: Option<Range<usize>>,
    /// A folder for the tables `voltages`, `currents` and `infeed`; without it, there is only the summary.
    #[arg(long)]
    out: Option<PathBuf>,
    /// How the tables are written.
    #[arg(long, value_enum, default_value_t = TableFormat::Csv)]
    format: TableFormat,
    /// Whether phases may differ.
    #[arg(long, value_enum, default_value_t = Mode::Auto)]
    mode: Mode,
    /// The source's voltage, in pu, instead of the feeder's own.
    #[arg(long, value_name = "PU")]
    source_pu: Option<f64>,
    /// So many threads; as many as there are cores if nothing is said.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    /// Visit all nodes in each iteration, also those that could be left out: for comparison.
    #[arg(long)]
    unreduced: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum TableFormat {
    /// Text.
    Csv,
    /// Columns, compressed.
    Parquet,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Unbalanced if anything is connected to one phase alone.
    Auto,
    /// One phase stands for three equal ones.
    Balanced,
    /// Three phases.
    Unbalanced,
}

/// Why there is no summary.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The feeder can't be read.
    #[error(transparent)]
    Feeder(#[from] NoFeeder),
    /// The feeder can't be solved.
    #[error(transparent)]
    Unsolvable(#[from] BadFeeder),
    /// The profiles can't be used.
    #[error(transparent)]
    Profiles(#[from] BadProfiles),
    /// The tables can't be written.
    #[error(transparent)]
    Output(#[from] CantWrite),
    /// The threads can't be started.
    #[error("{0}: give another number of --threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

fn steps(text: &str) -> Result<Range<usize>, String> {
    let range = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    range
        .filter(|range| !range.is_empty())
        .ok_or_else(|| "write the first step and the one after the last: 0..1440".to_owned())
}

/// Solves, writes and prints; gives the number of steps that did not converge.
pub fn run(args: &PowerFlow) -> Result<usize, Failed> {
    let mut feeder = folder::read(&args.feeder)?;
    feeder.source.voltage_pu = args.source_pu.unwrap_or(feeder.source.voltage_pu);
    let tables = if args.profiles.is_empty() { profiles::find(&args.feeder)? } else { args.profiles.clone() };
    let profiles = Profiles::read(&tables, &feeder)?;
    if let Some(threads) = args.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads as usize).build_global()?;
    }
    let one_phase = feeder.connections.iter().any(|connection| connection.phases != Phases::All);
    match args.mode {
        Mode::Balanced => solve::<1>(args, &feeder, &profiles),
        Mode::Auto if !one_phase => solve::<1>(args, &feeder, &profiles),
        Mode::Auto | Mode::Unbalanced => solve::<3>(args, &feeder, &profiles),
    }
}

fn solve<const P: usize>(args: &PowerFlow, feeder: &Feeder, profiles: &Profiles) -> Result<usize, Failed> {
    let steps = profiles.checked(args.steps.clone().unwrap_or(0..profiles.steps()))?;
    let settings = Settings { reduced: !args.unreduced, ..Settings::default() };
    let solver = Solver::<P>::new(feeder, settings)?;
    let format = match args.format {
        TableFormat::Csv => Format::Csv,
        TableFormat::Parquet => Format::Parquet,
    };
    let mut tables = args.out.as_ref().map(|folder| Tables::create::<P>(folder, format, feeder)).transpose()?;
    let started = Instant::now();
    let mut write = tables.as_mut().map(|tables| |blocks: &[Block]| tables.add(blocks, profiles));
    let hand_on = write.as_mut().map(|write| -> HandOn<'_, CantWrite> { write });
    let summary = series::run(feeder, &solver, profiles, steps, hand_on)?;
    if let Some(tables) = tables {
        tables.finish()?;
    }
    let took = started.elapsed().as_secs_f64();
    say(format_args!(
        "feeder          {}: {} buses, {} lines, {} connections; {} nodes after reduction",
        feeder.name,
        feeder.buses.len(),
        feeder.lines.len(),
        feeder.connections.len(),
        solver.nodes() - 1,
    ));
    say(format_args!(
        "mode            {}",
        if P == 1 { "balanced: one phase stands for three" } else { "unbalanced: three phases" }
    ));
    for note in &feeder.notes {
        say(format_args!("assumed         {note}"));
    }
    print(feeder, profiles, &summary, took, P);
    if let Some(folder) = &args.out {
        say(format_args!("tables          {}", folder.display()));
    }
    Ok(summary.not_converged)
}

fn print(feeder: &Feeder, profiles: &Profiles, summary: &Summary, took: f64, phases: usize) {
    let (iterations, batches) = summary.iterations;
    say(format_args!(
        "steps           {} in {took:.3} s: {:.0} a second, {:.1} iterations for each {LANES}",
        summary.steps,
        summary.steps as f64 / took,
        iterations as f64 / batches.max(1) as f64,
    ));
    let when = |step: usize| format!("step {step} ({})", profiles.time(step));
    if summary.not_converged == 0 {
        say(format_args!("converged       all, to 1e-8 pu"));
    } else {
        let of = |(step, bus): &(usize, usize)| format!("{} at bus {}", when(*step), feeder.buses[*bus].name);
        let named: Vec<String> = summary.first_not_converged.iter().map(of).collect();
        say(format_args!("NOT CONVERGED   {} steps, first {}", summary.not_converged, named.join(", ")));
        say(format_args!("                what is drawn there, or fed in, is more than the feeder can carry"));
    }
    let phase = |extreme: &Extreme| {
        let name = if phases == 1 { "" } else { phase_names::<3>()[extreme.phase] };
        if name.is_empty() { String::new() } else { format!(" phase {}", name.trim_start_matches('.')) }
    };
    for (name, extreme) in [("lowest voltage ", &summary.lowest), ("highest voltage", &summary.highest)] {
        if let Some(found) = extreme {
            let bus = &feeder.buses[found.place];
            say(format_args!(
                "{name} {:.3} V = {:.5} pu of {:.2} V to earth, bus {}{}, {}",
                found.pu * bus.base_v(),
                found.pu,
                bus.base_v(),
                bus.name,
                phase(found),
                when(found.step),
            ));
        }
    }
    if let Some(found) = &summary.heaviest {
        let line = &feeder.lines[found.place];
        say(format_args!(
            "heaviest line   {:.1} % of its rating, {}{}, {}",
            found.pu * 100.0,
            line.name,
            phase(found),
            when(found.step)
        ));
    }
    if let (Some(source), Some(losses)) = (summary.mean_source_w, summary.mean_losses_w) {
        say(format_args!(
            "mean power      {source:.0} W from the source, of which {losses:.1} W are lost in lines and transformer"
        ));
    }
}
