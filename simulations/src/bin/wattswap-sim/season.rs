//! Weeks of real homes that trade: a table with a line for each week and way to trade.

use std::time::Instant;

use clap::{Args, ValueEnum};
use wattswap_simulations::market::season::account::{Report, SLOTS_A_DAY};
use wattswap_simulations::market::season::weeks::{BadWeek, Season, Source, WARM_UP_DAYS};
use wattswap_simulations::market::season::{self, Setting, When};
use wattswap_simulations::market::strategies::{Kind, Turns};

use super::report::say;

/// Everything that is not given is run in all its ways.
#[derive(Args)]
pub struct SeasonArgs {
    /// Strategies: zi-c, zip, linear, truthful, passive, autopilot, or an idea such as turns:sellers:8:80 (who quotes
    /// first, steps, how far at once in hundredths).
    #[arg(long, value_delimiter = ',', value_parser = kind, default_value = "autopilot")]
    strategy: Vec<Kind>,
    /// When homes trade.
    #[arg(long, value_delimiter = ',', value_enum)]
    when: Vec<WhenArg>,
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
enum WhenArg {
    /// On forecasts, until delivery.
    Ahead,
    /// What the meters counted.
    After,
    /// Both.
    Both,
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
    let whens =
        if args.when.is_empty() { vec![WhenArg::Ahead, WhenArg::After, WhenArg::Both] } else { args.when.clone() };
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
                for when in &whens {
                    let when = match when {
                        WhenArg::Ahead => When::Ahead,
                        WhenArg::After => When::After,
                        WhenArg::Both => When::Both,
                    };
                    let mut setting = Setting::usual(when);
                    setting.warm_up = WARM_UP_DAYS * SLOTS_A_DAY;
                    setting.seed = args.seed;
                    if when != When::After {
                        setting.trade_ahead = args.trade_ahead.unwrap_or(setting.trade_ahead);
                    }
                    setting.beats = args.beats.unwrap_or(setting.beats);
                    let started = Instant::now();
                    let report = season::run(&homes, *strategy, &setting);
                    line([source.name(), week.name()], *strategy, when, &report, started.elapsed().as_nanos());
                }
            }
        }
    }
    Ok(())
}

fn line([source, week]: [&str; 2], strategy: Kind, when: When, report: &Report, nanos: u128) {
    let percent = |share: Option<i64>| share.map_or("-".to_owned(), hundredths);
    let home_slots = (report.homes * report.slots).max(1);
    let when = match when {
        When::Ahead => "ahead",
        When::After => "after",
        When::Both => "both",
    };
    say(format_args!(
        "| {} {} | {} | {} | {when} | {} | {} | {} | {} | {} | {} ({}) | {} ({}) | {} | {} | {} |",
        source,
        report.homes,
        week,
        strategy,
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
