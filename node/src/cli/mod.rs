//! The command `wattswap`: what its owner types, and nothing that decides anything.
//!
//! `init`, `run` and `charter` work on the household's folder. Everything else talks HTTP to the running node, like any
//! other program could. One file for each group of commands; [`context`] knows which household and node is meant,
//! [`output`] writes to the terminal, [`slots`] and [`amounts`] read what people write.

mod amounts;
mod autopilot;
mod book;
mod charter;
mod context;
mod environment;
mod init;
mod meter;
mod orders;
mod output;
mod run;
mod slots;
mod status;
mod token;
mod trades;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use self::context::{Common, Context};
use crate::drivers::run::Steps;

/// What a command comes to: nothing, or an error whose text says what to do.
type Outcome = Result<(), Box<dyn Error>>;

/// Trade energy with your neighbours.
#[derive(Parser)]
#[command(name = "wattswap", version, arg_required_else_help = true, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a household: its key, its owner's token, and a community or the charter of one
    Init(init::Args),
    /// Run the household's node until it is stopped
    Run(run::Args),
    /// Make, show, change and co-sign a community's charter
    #[command(subcommand)]
    Charter(charter::Command),
    /// Offer energy to the neighbours
    Sell(orders::PlaceArgs),
    /// Ask the neighbours for energy
    Buy(orders::PlaceArgs),
    /// List orders, the newest first
    Orders(orders::ListArgs),
    /// Cancel orders
    Cancel(orders::CancelArgs),
    /// Show the open slots, or what is bid and asked in one
    Book(book::Args),
    /// List trades, the newest first
    Trades(trades::Args),
    /// Let the node trade by itself, within limits
    #[command(subcommand)]
    Autopilot(autopilot::Command),
    /// Push meter readings, or list them
    #[command(subcommand)]
    Meter(meter::Command),
    /// Show how the node is, and its neighbours
    Status(status::Args),
    /// Make, list and revoke access tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Print a completion script for a shell
    Completions {
        /// For example: wattswap completions bash > /etc/bash_completion.d/wattswap
        shell: clap_complete::Shell,
    },
}

/// Does what the command line says. Errors go to standard error, with exit code 1; a command line that makes no sense
/// has exit code 2. `steps` watches the loop of a node that is run: [`NoSteps`](crate::drivers::run::NoSteps) but in
/// tests.
#[must_use]
pub fn main(steps: Box<dyn Steps>) -> ExitCode {
    if let Err(unknown) = environment::refuse_unknown(&Cli::command()) {
        eprintln!("error: {unknown}");
        return ExitCode::from(2);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            if let Some(variable) = environment::origin(&error, &Cli::command()) {
                eprintln!("the environment variable {variable} has a value that can't be used:");
            }
            error.exit()
        }
    };
    match cli.command.carry_out(&Context::new(cli.common), steps) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Command {
    fn carry_out(self, context: &Context, steps: Box<dyn Steps>) -> Outcome {
        match self {
            Self::Init(args) => init::carry_out(args, context),
            Self::Run(args) => run::carry_out(args, context, steps),
            Self::Charter(command) => command.carry_out(context),
            Self::Sell(args) => orders::place(wattswap_matching::Side::Sell, args, context),
            Self::Buy(args) => orders::place(wattswap_matching::Side::Buy, args, context),
            Self::Orders(args) => orders::list(args, context),
            Self::Cancel(args) => orders::cancel(args, context),
            Self::Book(args) => book::carry_out(args, context),
            Self::Trades(args) => trades::carry_out(args, context),
            Self::Autopilot(command) => command.carry_out(context),
            Self::Meter(command) => command.carry_out(context),
            Self::Status(args) => status::carry_out(args, context),
            Self::Token(command) => command.carry_out(context),
            Self::Completions { shell } => completions(shell),
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "wattswap", &mut script);
    Ok(output::text(String::from_utf8_lossy(&script).trim_end())?)
}

/// Whoever read our output has seen enough (`wattswap trades | head`): no error.
fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn commands_are_understood_as_people_write_them() {
        for line in [
            "wattswap sell 500Wh 0.12 14:15",
            "wattswap buy 1.5kWh 0.2 tomorrow 13:00-15:00",
            "wattswap buy 500Wh -0.05 sunday",
            "wattswap --json trades --csv",
            "wattswap trades --slot 14:15",
            "wattswap cancel --all",
            "wattswap autopilot on --sell-at-least 0.08 --buy-at-most 0.3",
            "wattswap token create --role meter --label roof",
            "wattswap meter replay a.csv --time-lapse --from 2016-06-01T00:00Z",
            "wattswap --folder here run --http-listen 127.0.0.1:0 --network-mdns false",
        ] {
            if let Err(error) = Cli::try_parse_from(line.split(' ')) {
                // `--json` and `--csv` contradict each other; everything else is fine.
                assert!(line.contains("--json") && error.kind() == clap::error::ErrorKind::ArgumentConflict, "{error}");
            }
        }
    }
}
