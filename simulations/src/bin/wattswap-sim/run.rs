//! A scenario from its first slot to its last: what it came to, a report, and tables.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::{Args, ValueEnum};
use wattswap_matching::PriceScale;
use wattswap_simulations::answers::{Answers, SUMMARY};
use wattswap_simulations::homes::Community;
use wattswap_simulations::output::Format;
use wattswap_simulations::run::record::{Observer, SettledSlot};
use wattswap_simulations::run::tables::{self, Columns, Tables};
use wattswap_simulations::run::{self, Ran};
use wattswap_simulations::scenario::Scenario;
use wattswap_simulations::sweep::folder::{BadFolder, Folder};

use super::progress::Progress;
use super::report::say;
use super::season::hundredths;
use super::stop;

/// What to run, and what to write.
#[derive(Args)]
pub struct Run {
    /// The scenario.
    scenario: PathBuf,
    /// A folder for `report.html`, `summary.json` and the tables; without it, only the main answers are printed. What an
    /// earlier run has left there is replaced when this one is over.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    tables: WantedTables,
    /// How tables are written.
    #[arg(long, value_enum, default_value_t = TableFormat::Parquet)]
    format: TableFormat,
}

/// Tables of a run.
#[derive(Args)]
pub struct WantedTables {
    /// Tables to write as well: of each home and slot, and of each trade. They may be large.
    #[arg(long, value_delimiter = ',', value_enum, requires = "out")]
    table: Vec<Which>,
    /// Columns of the table of homes; all of them if nothing is said.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',', requires = "table")]
    homes_columns: Vec<String>,
    /// Columns of the table of trades; all of them if nothing is said.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',', requires = "table")]
    trades_columns: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// A row for each home and slot.
    Homes,
    /// A row for each trade.
    Trades,
}

/// How tables are written.
#[derive(Clone, Copy, ValueEnum)]
pub enum TableFormat {
    /// Text.
    Csv,
    /// Columns, compressed.
    Parquet,
}

impl TableFormat {
    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

impl From<TableFormat> for Format {
    fn from(format: TableFormat) -> Self {
        match format {
            TableFormat::Csv => Self::Csv,
            TableFormat::Parquet => Self::Parquet,
        }
    }
}

/// Runs a scenario.
pub fn run(args: &Run) -> Result<ExitCode, Box<dyn Error>> {
    let wish = stop::wish()?;
    let scenario = Scenario::read(&args.scenario)?;
    let community = Community::new(&scenario)?;
    let earlier = args.out.as_deref().map_or(Ok(Vec::new()), prepare)?;
    let mut answers = Answers::new(&scenario, &community)?;
    let mut tables = wanted(args, &community)?;
    let mut progress = Watched(Progress::new(community.calendar.slots(), "slots"));
    let ran = {
        let mut observers: Vec<&mut dyn Observer> = vec![&mut answers, &mut progress];
        observers.extend(tables.as_mut().map(|tables| -> &mut dyn Observer { tables }));
        run::run_until(&community, &scenario.document, &mut observers, &|| wish.load(Ordering::Relaxed))?
    };
    let took = progress.0.finish();
    let written = tables.map(Tables::finish).transpose()?.unwrap_or_default();
    // Tables of another run than the summary's would tell lies.
    earlier.iter().filter(|table| !written.contains(table)).try_for_each(std::fs::remove_file)?;
    let findings = answers.finish();
    say(format_args!("{}", findings.table().trim_end()));
    print(&ran, took);
    if let Some(folder) = &args.out {
        findings.write(folder)?;
        say(format_args!("report      {}", folder.join("report.html").display()));
    }
    if !ran.is_stopped {
        return Ok(ExitCode::SUCCESS);
    }
    let run = &findings.summary.run;
    say(format_args!(
        "stopped     after {} of {} slots, which are all that is said here",
        run.slots, run.slots_of_period
    ));
    Ok(stop::code())
}

/// Makes the folder of a run; gives the tables that an earlier one has left in it.
fn prepare(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if matches!(Folder::open(folder), Ok(_) | Err(BadFolder::Damaged(_))) {
        return Err(format!("{} holds a sweep: name another folder", folder.display()));
    }
    std::fs::create_dir_all(folder)
        .map_err(|source| format!("the folder {} can't be made: {source}", folder.display()))?;
    let ran = folder.join(SUMMARY).exists();
    Ok(tables::files(folder).filter(|table| ran && table.exists()).collect())
}

fn wanted(args: &Run, community: &Community) -> Result<Option<Tables>, Box<dyn Error>> {
    let (Some(folder), Some(columns)) = (&args.out, args.tables.columns()?) else { return Ok(None) };
    let names = community.homes.iter().map(|home| home.name.clone()).collect();
    let scale = PriceScale::new(community.market.tick_eur_per_kwh.0)?;
    Ok(Some(Tables::create(folder, args.format.into(), columns, names, scale, None)?))
}

impl WantedTables {
    /// The columns that are wanted, if any table is.
    pub fn columns(&self) -> Result<Option<Columns>, Box<dyn Error>> {
        let asked = [(Which::Homes, "homes", &self.homes_columns), (Which::Trades, "trades", &self.trades_columns)];
        for (which, name, columns) in asked {
            if !columns.is_empty() && !self.table.contains(&which) {
                return Err(format!("--{name}-columns are of a table that is not asked for: add --table {name}").into());
            }
        }
        if self.table.is_empty() {
            return Ok(None);
        }
        let [homes, trades] = asked.map(|(which, _, names)| match self.table.contains(&which) {
            false => Some(Vec::new()),
            true => (!names.is_empty()).then(|| names.clone()),
        });
        Ok(Some(Columns::some(homes.as_deref(), trades.as_deref())?))
    }
}

/// How the market went, how long it took, and what should not have been.
fn print(ran: &Ran, took: Duration) {
    let market = &ran.market;
    let home_slots = (market.homes * market.slots).max(1) as u128;
    say(format_args!(
        "market      {} quotes, {} trades; {} log entries with quotes a home and day, {} at the most",
        market.quotes,
        market.trades,
        hundredths(market.quote_entries.0),
        market.quote_entries.1,
    ));
    say(format_args!(
        "time        {:.1} s for {} slots of {} homes: {} us a home and slot, {} quotes",
        took.as_secs_f64(),
        market.slots,
        market.homes,
        hundredths(i64::try_from(took.as_nanos() / 10 / home_slots).unwrap_or(i64::MAX)),
        hundredths(i64::try_from(u128::from(market.quotes) * 100 / home_slots).unwrap_or(i64::MAX)),
    ));
    if market.energy_residual.0 != 0 || !market.money_residual.0.is_zero() {
        say(format_args!("WRONG       {} and {} are left over", market.energy_residual, market.money_residual));
    }
    if ran.failed_plans > 0 {
        say(format_args!("plans       {} could not be made; the rules held instead", ran.failed_plans));
    }
}

/// Shows how far a run is.
struct Watched(Progress);

impl Observer for Watched {
    fn settled(&mut self, slot: &SettledSlot<'_>) {
        self.0.show(slot.number + 1);
    }
}
