//! `./dev demo`: households as processes of their own that trade their solar power, live in the terminal.
//!
//! Everything goes the way that a user would go: `wattswap init`, `charter make`, `run`, `autopilot on` and
//! `meter replay`. The profiles are real ones (`simulations/data/simbench`); time is lapsed by the charter, whose short
//! slots each stand for a quarter of an hour. At the end the records of both parties to every trade are compared.

#![expect(clippy::print_stdout, reason = "the terminal is the stage of the demo")]

mod news;
mod profiles;
mod screen;
mod stage;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use clap::Parser;

use self::news::{News, Newsroom};
use self::screen::Screen;
use self::stage::{Stage, StageError};

/// The fewest households that make a neighbourhood worth looking at.
const MIN_HOUSEHOLDS: u64 = 6;
/// Between two drawings of the table.
const REDRAW: Duration = Duration::from_millis(500);

/// Households on this machine trade their solar power with each other, and you watch.
#[derive(Parser)]
#[command(name = "demo")]
struct Args {
    /// Stop after so many seconds; otherwise with Ctrl-C
    #[arg(long, value_name = "NUMBER")]
    seconds: Option<u64>,
    /// So many households
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u64).range(MIN_HOUSEHOLDS..=profiles::MOST))]
    households: u64,
    /// A quarter of an hour passes in so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(4..=900))]
    slot: u32,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match demo(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo(args: &Args) -> Result<(), StageError> {
    let newsroom = Newsroom::open()?;
    let mut stage = Stage::set(args.households, args.slot)?;
    let result = play(args, &mut stage, &newsroom);
    newsroom.close();
    match result {
        Ok(()) => Ok(()),
        Err(error) => Err(stage.keep_folder(error)),
    }
}

fn play(args: &Args, stage: &mut Stage, newsroom: &Newsroom) -> Result<(), StageError> {
    println!("Starting {} households, each with its own key, store and port...", args.households);
    stage.open(newsroom)?;
    let mut screen = Screen::new(stage.cast(), io::stdout().is_terminal());
    screen.introduce();
    let curtain = args.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    watch(curtain, stage, newsroom, &mut screen)?;
    println!("\nStopping: no new orders, then the records of both parties to every trade are compared...");
    let total = stage.close()?;
    println!(
        "{} trades, {} for {} {}: both parties hold each of them, word for word.",
        total.trades,
        total.energy,
        total.amount.0.normalize(),
        stage::CURRENCY,
    );
    if total.trades == 0 { Err(StageError::NobodyTraded) } else { Ok(()) }
}

/// Shows what happens until it is time to stop.
fn watch(
    curtain: Option<Instant>,
    stage: &mut Stage,
    newsroom: &Newsroom,
    screen: &mut Screen,
) -> Result<(), StageError> {
    loop {
        match newsroom.next(REDRAW) {
            Ok(News::Trade { household, trade }) => screen.trade(household, &trade),
            Ok(News::Stop) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        screen.draw();
        stage.check()?;
        if curtain.is_some_and(|curtain| Instant::now() >= curtain) {
            return Ok(());
        }
    }
}
