//! Scenarios from a terminal: an example, what is wrong with one and what it comes to, and its schema.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use wattswap_simulations::answers::Answers;
use wattswap_simulations::homes::{Community, Summary};
use wattswap_simulations::scenario::{self, Scenario};

use super::report::say;
use super::sweep;

/// Where to write the example.
#[derive(Args)]
pub struct Init {
    /// A file that is not there yet; scenario.toml, or sweep.toml, if nothing is said.
    file: Option<PathBuf>,
    /// An example of a sweep instead, with its scenario beside it.
    #[arg(long)]
    sweep: bool,
}

/// What to look at.
#[derive(Args)]
pub struct Check {
    /// The scenario.
    file: PathBuf,
}

/// Writes a commented example.
pub fn init(args: &Init) -> Result<(), Box<dyn Error>> {
    let usual = if args.sweep { "sweep.toml" } else { "scenario.toml" };
    let file = args.file.clone().unwrap_or_else(|| usual.into());
    if args.sweep {
        return sweep::example(&file);
    }
    write_new(&file, scenario::EXAMPLE)?;
    say(format_args!("wrote {0}; `wattswap-sim check {0}` says what it comes to", file.display()));
    Ok(())
}

/// Writes a file that is not there yet.
pub fn write_new(path: &Path, text: &str) -> Result<(), Box<dyn Error>> {
    let cant = |source: std::io::Error| {
        let instead = match source.kind() {
            ErrorKind::NotFound => "make its folder first",
            _ => "name a file that is not there yet",
        };
        format!("{}: {source}; {instead}", path.display())
    };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(cant)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

/// Says what is wrong with a scenario, or what it comes to.
pub fn check(args: &Check) -> Result<(), Box<dyn Error>> {
    let scenario = Scenario::read(&args.file)?;
    let community = Community::new(&scenario)?;
    // What a run finds before its first slot: a feeder that is not radial, say.
    Answers::new(&scenario, &community)?;
    say(format_args!("scenario   {}", scenario.document.name));
    say(format_args!("{}", Summary::of(&community)));
    if let Some(feeder) = &community.feeder {
        say(format_args!("feeder     {}: {} buses, {} lines", feeder.name, feeder.buses.len(), feeder.lines.len()));
    }
    for note in &community.notes {
        say(format_args!("assumed    {note}"));
    }
    for (number, name) in community.tariffs.iter().enumerate() {
        let homes = community.homes.iter().filter(|home| home.tariff == number).count();
        let prices = community.prices(number, 0);
        let retail = prices.iter().map(|tariff| tariff.retail);
        let (least, most) = (retail.clone().min().unwrap_or_default(), retail.max().unwrap_or_default());
        say(format_args!("tariff     {name}: {homes} homes, {least} to {most} EUR/kWh on the first day"));
    }
    Ok(())
}

/// Prints the JSON schema.
pub fn schema() {
    say(format_args!("{}", scenario::schema()));
}
