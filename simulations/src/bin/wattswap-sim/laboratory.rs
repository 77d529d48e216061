//! Sessions of traders with a few units each, for each strategy and many seeds: a line for each.

use clap::Args;
use wattswap_simulations::market::laboratory::{self, Period, Setting};
use wattswap_simulations::market::strategies::Kind;

use super::report::say;
use super::season::{hundredths, kind};

/// What is not given is as in `docs/market-simulation.md`.
#[derive(Args)]
pub struct LaboratoryArgs {
    /// Strategies; all of them if nothing is said.
    #[arg(long, value_delimiter = ',', value_parser = kind)]
    strategy: Vec<Kind>,
    /// Sessions, each with values and costs of its own.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first of their seeds.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Buyers.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1000))]
    buyers: u32,
    /// Sellers.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1000))]
    sellers: u32,
    /// Units that each has in a period.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    units: u32,
    /// Periods of a session.
    #[arg(long, default_value_t = 6)]
    periods: u32,
    /// Quotes of a period and trader, at the most.
    #[arg(long, default_value_t = 200)]
    quotes: u64,
    /// Quotes stay in the book when others trade.
    #[arg(long)]
    keep_book: bool,
}

/// Runs all sessions and prints.
pub fn run(args: &LaboratoryArgs) {
    say(format_args!(
        "| strategy | surplus, % of the optimum: mean | lowest period | 5% of periods are below | alpha, %: mean | \
         volume, % of the optimum's | quotes a unit |"
    ));
    say(format_args!("| --- |{}", " ---: |".repeat(6)));
    let all = if args.strategy.is_empty() { Kind::ALL.to_vec() } else { args.strategy.clone() };
    for strategy in all {
        let sessions = (args.from..args.from.saturating_add(args.seeds)).map(|seed| Setting {
            buyers: args.buyers,
            sellers: args.sellers,
            units: args.units,
            periods: args.periods,
            quotes: args.quotes,
            clears: !args.keep_book,
            ..Setting::usual(strategy, seed)
        });
        let periods: Vec<Period> = sessions.flat_map(|setting| laboratory::run(&setting)).collect();
        line(strategy, &periods, (args.buyers + args.sellers) * args.units);
    }
}

fn line(strategy: Kind, periods: &[Period], traders: u32) {
    let mut shares: Vec<i64> = periods.iter().filter_map(Period::surplus_share).collect();
    shares.sort_unstable();
    let alphas: Vec<i64> = periods.iter().filter_map(|period| period.alpha).collect();
    let volume: i64 = periods.iter().map(|period| period.volume).sum();
    let most: i64 = periods.iter().map(|period| period.optimum.volume.0).sum();
    let quotes: u64 = periods.iter().map(|period| period.quotes).sum();
    let text = |number: Option<i64>| number.map_or("-".to_owned(), hundredths);
    let per_trader = quotes * 100 / (u64::from(traders) * periods.len() as u64).max(1);
    say(format_args!(
        "| {} | {} | {} | {} | {} | {} | {} |",
        strategy.name(),
        text(mean(&shares)),
        text(shares.first().copied()),
        text(shares.get(shares.len() / 20).copied()),
        text(mean(&alphas)),
        text((most > 0).then(|| volume * 10_000 / most)),
        hundredths(i64::try_from(per_trader).unwrap_or(i64::MAX)),
    ));
}

fn mean(numbers: &[i64]) -> Option<i64> {
    let count = i64::try_from(numbers.len()).ok().filter(|count| *count > 0)?;
    Some(numbers.iter().sum::<i64>() / count)
}
