//! A scenario from its first slot to its last: what it came to, a report, and tables.

use std::error::Error;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use wattswap_matching::PriceScale;
use wattswap_simulations::answers::Answers;
use wattswap_simulations::homes::Community;
use wattswap_simulations::output::Format;
use wattswap_simulations::run::record::{Observer, SettledSlot};
use wattswap_simulations::run::tables::{Columns, Tables};
use wattswap_simulations::run::{self, Ran};
use wattswap_simulations::scenario::Scenario;

use super::report::say;
use super::season::hundredths;

/// What to run, and what to write.
#[derive(Args)]
pub struct Run {
    /// The scenario.
    scenario: PathBuf,
    /// A folder for `report.html`, `summary.json` and the tables; without it, only the main answers are printed.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Tables to write as well: of each home and slot, and of each trade. They may be large.
    #[arg(long, value_delimiter = ',', value_enum, requires = "out")]
    table: Vec<Which>,
    /// Columns of the table of homes; all of them if nothing is said.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',', requires = "table")]
    homes_columns: Vec<String>,
    /// Columns of the table of trades; all of them if nothing is said.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',', requires = "table")]
    trades_columns: Vec<String>,
    /// How tables are written.
    #[arg(long, value_enum, default_value_t = TableFormat::Parquet)]
    format: TableFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// A row for each home and slot.
    Homes,
    /// A row for each trade.
    Trades,
}

#[derive(Clone, Copy, ValueEnum)]
enum TableFormat {
    /// Text.
    Csv,
    /// Columns, compressed.
    Parquet,
}

/// Runs a scenario.
pub fn run(args: &Run) -> Result<(), Box<dyn Error>> {
    let scenario = Scenario::read(&args.scenario)?;
    let community = Community::new(&scenario)?;
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder)
            .map_err(|source| format!("the folder {} can't be made: {source}", folder.display()))?;
    }
    let mut answers = Answers::new(&scenario, &community)?;
    let mut tables = tables(args, &community)?;
    let mut progress = Progress::new(&community);
    let ran = {
        let mut observers: Vec<&mut dyn Observer> = vec![&mut answers, &mut progress];
        observers.extend(tables.as_mut().map(|tables| -> &mut dyn Observer { tables }));
        run::run(&community, &scenario.document, &mut observers)?
    };
    let took = progress.finish();
    tables.map(Tables::finish).transpose()?;
    let findings = answers.finish();
    say(format_args!("{}", findings.table().trim_end()));
    print(&ran, took);
    if let Some(folder) = &args.out {
        findings.write(folder)?;
        say(format_args!("report      {}", folder.join("report.html").display()));
    }
    Ok(())
}

fn tables(args: &Run, community: &Community) -> Result<Option<Tables>, Box<dyn Error>> {
    let Some(folder) = args.out.as_ref().filter(|_| !args.table.is_empty()) else { return Ok(None) };
    for (which, name, columns) in
        [(Which::Homes, "homes", &args.homes_columns), (Which::Trades, "trades", &args.trades_columns)]
    {
        if !columns.is_empty() && !args.table.contains(&which) {
            return Err(format!("--{name}-columns are of a table that is not asked for: add --table {name}").into());
        }
    }
    let chosen = |which, names: &[String]| match args.table.contains(&which) {
        false => Some(Vec::new()),
        true => (!names.is_empty()).then(|| names.to_vec()),
    };
    let columns = Columns::some(
        chosen(Which::Homes, &args.homes_columns).as_deref(),
        chosen(Which::Trades, &args.trades_columns).as_deref(),
    )?;
    let format = match args.format {
        TableFormat::Csv => Format::Csv,
        TableFormat::Parquet => Format::Parquet,
    };
    let names = community.homes.iter().map(|home| home.name.clone()).collect();
    let scale = PriceScale::new(community.market.tick_eur_per_kwh.0)?;
    Ok(Some(Tables::create(folder, format, columns, names, scale)?))
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
    if let Some(alpha) = market.alpha {
        say(format_args!("            Smith's alpha {} %", hundredths(alpha)));
    }
    if market.energy_residual.0 != 0 || !market.money_residual.0.is_zero() {
        say(format_args!("WRONG       {} and {} are left over", market.energy_residual, market.money_residual));
    }
    if ran.failed_plans > 0 {
        say(format_args!("plans       {} could not be made; the rules held instead", ran.failed_plans));
    }
}

/// Shows on a terminal how far it is.
struct Progress {
    started: Instant,
    shown: Instant,
    slots: usize,
    is_shown: bool,
}

const SHOW_EVERY: Duration = Duration::from_millis(500);

impl Progress {
    fn new(community: &Community) -> Self {
        let (started, is_shown) = (Instant::now(), stderr().is_terminal());
        Self { started, shown: started, slots: community.calendar.slots(), is_shown }
    }

    fn finish(self) -> Duration {
        if self.is_shown {
            let _closed = write!(stderr(), "\r\x1b[K");
        }
        self.started.elapsed()
    }
}

impl Observer for Progress {
    fn settled(&mut self, slot: &SettledSlot<'_>) {
        if !self.is_shown || self.shown.elapsed() < SHOW_EVERY {
            return;
        }
        self.shown = Instant::now();
        let (done, took) = (slot.number + 1, self.started.elapsed().as_secs_f64());
        let (rate, left) = (done as f64 / took, self.slots.saturating_sub(done));
        let _closed = write!(
            stderr(),
            "\r\x1b[K{done} of {} slots, {rate:.0} a second, {:.0} s left",
            self.slots,
            left as f64 / rate
        );
    }
}
