//! What it costs to have no centre: a table, and a plot if asked for.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{available_parallelism, scope};
use std::time::Duration;

use wattswap_simulations::cost::profiles::{BadProfiles, Profiles};
use wattswap_simulations::cost::{self, Cost, Setting, plot};

use super::{CostArgs, report};

/// Why there is no table, or no plot.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// There are no orders to place.
    #[error(transparent)]
    Profiles(#[from] BadProfiles),
    /// The table was printed.
    #[error(transparent)]
    Plot(#[from] plot::CantPlot),
}

/// Runs all settings, prints a line for each, and draws the plot.
pub fn run(args: &CostArgs) -> Result<(), Failed> {
    let profiles = Profiles::read()?;
    let settings: Vec<Setting> = settings(args);
    head();
    let (next, costs) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = args.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(setting) = settings.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let cost = cost::run(*setting, &profiles);
                    line(&cost);
                    costs.lock().expect("nobody panics with it").push(cost);
                }
            });
        }
    });
    let mut costs = costs.into_inner().expect("nobody panicked with it");
    costs.sort_by_key(|cost| (cost.setting.homes, cost.setting.loss, cost.setting.delay));
    if let Some(file) = &args.plot {
        plot::write(&costs, file)?;
    }
    Ok(())
}

/// Every number of homes with every delay and loss.
fn settings(args: &CostArgs) -> Vec<Setting> {
    let mut settings = Vec::new();
    for homes in &args.homes {
        for delay in &args.delay {
            for loss in &args.loss {
                let homes = usize::try_from(*homes).expect("a thousand at the most");
                let slots = usize::try_from(args.slots).expect("a day at the most");
                let delay = Duration::from_millis(*delay);
                settings.push(Setting { homes, delay, loss: loss * 10, slots, seed: args.seed });
            }
        }
    }
    settings
}

fn head() {
    report::say(format_args!(
        "| members | delay, ms | loss, % | trades (one book) | volume, % | surplus, % of one book's | of the optimum | \
         price off by, ticks | time to trade, ms: median, 95% | messages: a member and s | a trade | kB: a trade | \
         a member and s | idle | entries | received a byte of entries |"
    ));
    report::say(format_args!("|{}", " ---: |".repeat(16)));
}

fn line(cost: &Cost) {
    let (setting, nodes, received) = (&cost.setting, &cost.nodes, &cost.nodes.received);
    let seconds = received.lasted.as_secs().max(1);
    let homes = setting.homes as u64;
    let trades = (nodes.trades as u64).max(1);
    let kilo = |bytes: u64| hundredths(i64::try_from(bytes / seconds / 10).expect("it fits a wire"));
    report::say(format_args!(
        "| {} | {} | {} | {} ({}) | {} | {} | {} | {} | {}, {} | {} | {} | {} | {} | {} | {} | {} |",
        setting.homes,
        setting.delay.as_millis(),
        setting.loss / 10,
        nodes.trades,
        cost.central.trades,
        hundredths(cost.volume_share()),
        hundredths(cost.surplus_share()),
        hundredths(cost.optimum_share()),
        hundredths(nodes.price_difference),
        nodes.time_to_trade.0.as_millis(),
        nodes.time_to_trade.1.as_millis(),
        received.messages / seconds,
        received.messages * homes / trades,
        received.bytes * homes / trades / 1_000,
        kilo(received.bytes),
        kilo(received.idle_bytes),
        kilo(received.entry_bytes),
        hundredths(i64::try_from(nodes.entry_redundancy()).expect("tens")),
    ));
}

/// With two decimals.
fn hundredths(number: i64) -> String {
    format!("{}.{:02}", number / 100, number % 100)
}
