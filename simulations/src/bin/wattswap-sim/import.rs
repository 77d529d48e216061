//! Turns what others have into what a scenario names: profiles into tables of watt-hours, feeders into scenarios.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use wattswap_matching::UtcMillis;
use wattswap_simulations::grid::feeder::Feeder;
use wattswap_simulations::grid::folder;
use wattswap_simulations::grid::profiles::find;
use wattswap_simulations::grid::table::Table;
use wattswap_simulations::homes::table::{self, Reading, Stamp, Unit};
use wattswap_simulations::homes::{Community, export};
use wattswap_simulations::scenario::Scenario;

use super::report::say;
use super::scenario::write_new;

/// What to import.
#[derive(Subcommand)]
pub enum Import {
    /// Tables with a column of time stamps and columns of power or energy: CSV, CSV with gzip, or Parquet.
    Profiles(Profiles),
    /// A feeder with its profiles: a SimBench grid, or the IEEE European LV feeder.
    Feeder(FeederFolder),
}

/// Tables, and how to read them.
#[derive(Args)]
pub struct Profiles {
    /// The table.
    file: PathBuf,
    /// The table to write: `at`, then watt-hours.
    #[arg(long)]
    out: PathBuf,
    /// What values are in.
    #[arg(long, value_enum)]
    unit: UnitName,
    /// Whose local times are those stamps that name no zone.
    #[arg(long, default_value = "UTC", value_parser = zone)]
    time_zone: TimeZone,
    /// What a stamp stands for: when its row's step starts, or when it ends.
    #[arg(long, value_enum, default_value_t = StampName::Start)]
    stamps: StampName,
    /// The column of time stamps; the first one if nothing is said.
    #[arg(long)]
    time: Option<String>,
    /// The columns to take; all of them if nothing is said.
    #[arg(long, value_delimiter = ',')]
    columns: Vec<String>,
}

/// A feeder, and where its profiles are.
#[derive(Args)]
pub struct FeederFolder {
    /// The feeder's folder.
    folder: PathBuf,
    /// The scenario to write. Its folders and files are named as they are here.
    #[arg(long)]
    out: PathBuf,
    /// Tables with the profiles that the elements follow; those in the feeder's folder or beside it if nothing is said.
    #[arg(long, num_args = 1..)]
    profiles: Vec<PathBuf>,
    /// Whose local times the stamps are.
    #[arg(long, default_value = "Europe/Berlin", value_parser = zone)]
    time_zone: TimeZone,
    /// The first day of the period; for profiles that number their minutes, the day that they are taken for.
    #[arg(long)]
    first_day: Date,
    /// How many days.
    #[arg(long, default_value_t = 1)]
    days: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum UnitName {
    /// Power in kW.
    Kw,
    /// Power in W.
    W,
    /// Energy of the step in kWh.
    Kwh,
    /// Energy of the step in Wh.
    Wh,
}

#[derive(Clone, Copy, ValueEnum)]
enum StampName {
    /// When its row's step starts.
    Start,
    /// When its row's step ends.
    End,
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_unknown| "write a time zone such as Europe/Berlin".to_owned())
}

/// Reads, and writes what a scenario can name.
pub fn run(args: &Import) -> Result<(), Box<dyn Error>> {
    match args {
        Import::Profiles(args) => profiles(args),
        Import::Feeder(args) => feeder(args),
    }
}

fn profiles(args: &Profiles) -> Result<(), Box<dyn Error>> {
    let unit = match args.unit {
        UnitName::Kw => Unit::Kilowatts,
        UnitName::W => Unit::Watts,
        UnitName::Kwh => Unit::KilowattHours,
        UnitName::Wh => Unit::WattHours,
    };
    let stamp = match args.stamps {
        StampName::Start => Stamp::Start,
        StampName::End => Stamp::End,
    };
    let reading = Reading { unit, zone: args.time_zone.clone(), stamp, time: args.time.clone() };
    // All that are asked for must be there.
    let table = Table::open(&args.file)?;
    args.columns.iter().try_for_each(|name| table.column(name).map(drop))?;
    let wanted = |table: &Table| {
        let all = table::all(table, args.time.as_deref()).into_iter();
        all.filter(|(name, _)| args.columns.is_empty() || args.columns.contains(name)).collect()
    };
    let columns = table::read(&args.file, &reading, wanted)?;
    let rows = export::columns(&args.out, &columns)?;
    for (name, column) in &columns {
        let (start, end) = column.reach();
        let energy = column.total(1_000);
        say(format_args!("{name}: {energy} from {} to {}", written(start), written(end)));
    }
    say(format_args!("wrote {}: {rows} rows of {} columns", args.out.display(), columns.len()));
    Ok(())
}

fn written(at: UtcMillis) -> String {
    let instant = i64::try_from(at.0).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    instant.map_or_else(|| at.0.to_string(), |instant| instant.to_string())
}

fn feeder(args: &FeederFolder) -> Result<(), Box<dyn Error>> {
    let feeder = folder::read(&args.folder)?;
    if args.out.exists() {
        return Err(format!("{} is there already: name a file that is not there yet", args.out.display()).into());
    }
    let found = if args.profiles.is_empty() { find(&args.folder)? } else { args.profiles.clone() };
    let mut profiles = Vec::new();
    for path in found {
        profiles.push(if counts_minutes(&path)? { stamped(&path, args)? } else { path });
    }
    let text = scenario(args, &feeder, &profiles);
    write_new(&args.out, &text)?;
    let out = args.out.display();
    // Profiles may not reach over the days that were asked for.
    Scenario::read(&args.out)
        .map_err(Box::<dyn Error>::from)
        .and_then(|scenario| Community::new(&scenario).map(drop).map_err(Into::into))
        .map_err(|error| format!("wrote {out}, which can't be run as it is: {error}"))?;
    say(format_args!("wrote {out}; change it as you like, and `wattswap-sim check {out}` says what it comes to"));
    Ok(())
}

/// Whether a table's first column counts minutes from 1 on, as the IEEE feeder's does, and says no time.
fn counts_minutes(path: &Path) -> Result<bool, Box<dyn Error>> {
    let table = Table::open(path)?;
    let Some(first) = table.headers().next().map(str::to_owned) else { return Ok(false) };
    let column = table.column(&first)?;
    let mut rows = table.rows().take(2);
    let mut next = || rows.next().transpose().map(|row| row.map(|row| row.text(&column).to_owned()));
    Ok(next()?.as_deref() == Some("1") && next()?.as_deref() == Some("2"))
}

/// Writes such a table again with local times of the first day, beside the scenario.
fn stamped(path: &Path, args: &FeederFolder) -> Result<PathBuf, Box<dyn Error>> {
    let table = Table::open(path)?;
    let names: Vec<String> = table.headers().map(str::to_owned).collect();
    let columns = names.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?;
    let out = args.out.with_extension("profiles.csv");
    let mut writer = csv::Writer::from_writer(File::create(&out)?);
    writer.write_record(std::iter::once("time").chain(names.iter().skip(1).map(String::as_str)))?;
    let midnight = args.first_day.to_zoned(args.time_zone.clone())?;
    for (minute, row) in (0_i64..).zip(table.rows()) {
        let row = row?;
        let at = midnight.checked_add(minute.minutes())?.timestamp().to_string();
        let values = columns.iter().skip(1).map(|column| row.text(column));
        writer.write_record(std::iter::once(at.as_str()).chain(values))?;
    }
    writer.flush()?;
    Ok(out)
}

fn scenario(args: &FeederFolder, feeder: &Feeder, profiles: &[PathBuf]) -> String {
    let quoted = |path: &Path| format!("{:?}", from_scenario(&args.out, path).display().to_string());
    let tables: Vec<String> = profiles.iter().map(|path| quoted(path)).collect();
    let zone = args.time_zone.iana_name().unwrap_or("UTC");
    format!(
        "# Made by `wattswap-sim import feeder`. All keys are in docs/simulations.md.\n\
         name = {:?}\nseed = 1\n\n\
         [period]\nfirst_day = \"{}\"\ndays = {}\ntime_zone = {zone:?}\n\n\
         [feeder]\nfolder = {}\n\n\
         [homes.feeder]\nprofiles = [{}]\ntime_zone = {zone:?}\n\n\
         [[tariffs]]\nname = \"flat\"\nretail_eur_per_kwh = \"0.32\"\nfeed_in_eur_per_kwh = \"0.08\"\n\n\
         [market]\nmechanism = \"continuous\"\n\n\
         [[strategies]]\nname = \"autopilot\"\n",
        feeder.name,
        args.first_day,
        args.days,
        quoted(&args.folder),
        tables.join(", "),
    )
}

/// How a scenario names a file: from its own folder, if that is known to lead there, or else from the root.
fn from_scenario(out: &Path, file: &Path) -> PathBuf {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Ok(folder), Ok(file)) = (folder.canonicalize(), file.canonicalize()) else { return file.to_owned() };
    file.strip_prefix(&folder).map_or_else(|_elsewhere| file.clone(), Path::to_owned)
}
