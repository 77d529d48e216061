//! Weeks of real homes that trade: a table with a line for each week and way to trade.

use std::time::Instant;

use clap::{Args, ValueEnum};
use wattswap_simulations::market::mechanism::Mechanism;
use wattswap_simulations::market::season::account::{Report, SLOTS_A_DAY};
use wattswap_simulations::market::season::weeks::{BadWeek, Season, Source, WARM_UP_DAYS};
use wattswap_simulations::market::season::{self, Setting, When};
use wattswap_simulations::market::strategies::{Kind, Turns};

use super::report::say;

/// Everything that is not given is run in all its ways.
#[derive(Args)]
pub struct SeasonArgs {
    /// Strategies: zi-c, zip, ramp, truthful, passive, autopilot, or an idea such as turns:sellers:8:80 (who quotes
    /// first, steps, how far at once in hundredths).
    #[arg(long, value_delimiter = ',', value_parser = kind, default_value = "autopilot")]
    strategy: Vec<Kind>,
    /// When and how homes trade.
    #[arg(long, value_delimiter = ',', value_enum)]
    when: Vec<Way>,
    /// Whose profiles: simbench, hisim, citylearn.
    #[arg(long, value_delimiter = ',', value_parser = source)]
    source: Vec<Source>,
    /// Slots that the autopilot trades on forecasts; the node's own number if nothing is said.
    #[arg(long)]
    trade_ahead: Option<u16>,
    /// Looks at the market in the time of a slot; the node's own number if nothing is said.
    #[arg(long)]
    beats: Option<u32>,
    /// Decides tariffs, who has which profile, and who looks when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Way {
    /// On forecasts, until delivery.
    Ahead,
    /// What the meters counted.
    After,
    /// Both.
    Both,
    /// What the meters counted, in a call auction at the gate: all quote their limits, and one price is for all.
    Call,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::After => "after",
            Self::Both => "both",
            Self::Call => "call",
        }
    }

    fn setting(self, args: &SeasonArgs) -> Setting {
        let (when, mechanism) = match self {
            Self::Ahead => (When::Ahead, Mechanism::Continuous),
            Self::After => (When::After, Mechanism::Continuous),
            Self::Both => (When::Both, Mechanism::Continuous),
            Self::Call => (When::After, Mechanism::Call),
        };
        let usual = Setting::usual(when);
        let trade_ahead = if when == When::After { 0 } else { args.trade_ahead.unwrap_or(usual.trade_ahead) };
        let beats = args.beats.unwrap_or(usual.beats);
        Setting { mechanism, trade_ahead, beats, warm_up: WARM_UP_DAYS * SLOTS_A_DAY, seed: args.seed, ..usual }
    }
}

pub fn kind(text: &str) -> Result<Kind, String> {
    Turns::parse(text).map(Kind::Turns).map_or_else(|| named(&Kind::ALL, Kind::name, text), Ok)
}

fn source(text: &str) -> Result<Source, String> {
    named(&Source::ALL, Source::name, text)
}

/// The one of that name.
pub fn named<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Result<T, String> {
    let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    all.iter().copied().find(|one| name(*one) == text).ok_or_else(|| format!("write one of {}", names.join(", ")))
}

/// Runs and prints.
pub fn run(args: &SeasonArgs) -> Result<(), BadWeek> {
    let sources = if args.source.is_empty() { Source::ALL.to_vec() } else { args.source.clone() };
    let ways = if args.when.is_empty() { Way::value_variants().to_vec() } else { args.when.clone() };
    say(format_args!(
        "| homes | week | strategy | trades | surplus, % of the optimum | volume, % | traded, kWh | in error, kWh | \
         alpha, % | entries a home and day: quotes (most) | with fills (most) | beyond 300, % | quotes a home and slot | \
         us a home and slot |"
    ));
    say(format_args!("| --- | --- | --- | --- |{}", " ---: |".repeat(10)));
    for source in sources {
        for week in Season::ALL {
            let homes = source.week(week, args.seed)?;
            for strategy in &args.strategy {
                for way in &ways {
                    let started = Instant::now();
                    let report = season::run(&homes, *strategy, &way.setting(args));
                    line([source.name(), week.name()], *strategy, *way, &report, started.elapsed().as_nanos());
                }
            }
        }
    }
    Ok(())
}

fn line([source, week]: [&str; 2], strategy: Kind, way: Way, report: &Report, nanos: u128) {
    let percent = |share: Option<i64>| share.map_or("-".to_owned(), hundredths);
    let home_slots = (report.homes * report.slots).max(1);
    say(format_args!(
        "| {} {} | {} | {} | {} | {} | {} | {} | {} | {} | {} ({}) | {} ({}) | {} | {} | {} |",
        source,
        report.homes,
        week,
        strategy,
        way.name(),
        percent(report.surplus_share()),
        percent(report.volume_share()),
        report.traded.0 / 1_000,
        report.errors.0 / 1_000,
        percent(report.alpha),
        hundredths(report.quote_entries.0),
        report.quote_entries.1,
        hundredths(report.entries.0),
        report.entries.1,
        hundredths(report.beyond_target),
        hundredths(i64::try_from(report.quotes).unwrap_or(i64::MAX) * 100 / home_slots as i64),
        hundredths(i64::try_from(nanos / 10 / home_slots as u128).unwrap_or(i64::MAX)),
    ));
    if report.energy_residual.0 != 0 || !report.money_residual.0.is_zero() {
        say(format_args!("RESIDUAL: {} and {}", report.energy_residual, report.money_residual));
    }
}

/// With two decimals.
pub fn hundredths(number: i64) -> String {
    format!("{}{}.{:02}", if number < 0 { "-" } else { "" }, number.abs() / 100, number.abs() % 100)
}
