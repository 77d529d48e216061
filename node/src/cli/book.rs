//! `book`: the open slots in a line each, or what is bid and asked in one.

use wattswap_api::dto::market::{Depth, Level, Slots};

use super::Outcome;
use super::context::Context;
use super::output::{self, Column};

/// Which book.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The slot, for example 14:15 or tomorrow 9:00; without it, every open slot that has orders
    #[arg(value_name = "SLOT")]
    slot: Vec<String>,
    /// Also slots without orders
    #[arg(long)]
    all: bool,
    /// So many prices a side
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    levels: usize,
}

pub(super) fn carry_out(args: Args, context: &Context) -> Outcome {
    if args.slot.is_empty() { slots(args.all, context) } else { depth(&args, context) }
}

fn slots(all: bool, context: &Context) -> Outcome {
    use Column::{Number, Words};
    let Slots { slots } = context.client()?.get("/slots")?;
    let shown = slots.iter().filter(|slot| all || slot.best_bid.is_some() || slot.best_ask.is_some());
    if context.json() {
        return Ok(shown.into_iter().try_for_each(output::json)?);
    }
    let zone = context.zone();
    let rows = shown.map(|slot| {
        [
            output::clock(slot.slot.0.start(), &zone),
            slot.bid_total_wh.0.to_string(),
            price(slot.best_bid.as_ref()),
            price(slot.best_ask.as_ref()),
            slot.ask_total_wh.0.to_string(),
            output::clock(slot.closes_at.0, &zone),
        ]
    });
    let columns = [
        Words("slot"),
        Number("wanted"),
        Number("best bid"),
        Number("best ask"),
        Number("offered"),
        Words("gate closes"),
    ];
    let nothing = format!("no orders in any of the {} open slots; --all lists them", slots.len());
    Ok(output::table(columns, rows, &nothing)?)
}

fn depth(args: &Args, context: &Context) -> Outcome {
    use Column::{Number, Words};
    let client = context.client()?;
    let slot = context.one_slot(&args.slot.join(" "), &client)?;
    let depth: Depth = client.get(&format!("/slots/{slot}/depth?levels={}", args.levels))?;
    if context.json() {
        return Ok(output::json(&depth)?);
    }
    output::text(&output::clock(depth.slot.0.start(), &context.zone()))?;
    // Asks from the dearest down, then bids from the best down: the spread is in the middle.
    let asks = depth.asks.iter().rev().map(|level| row("ask", level));
    let bids = depth.bids.iter().map(|level| row("bid", level));
    let columns = [Words("side"), Number("price per kWh"), Number("energy"), Number("orders")];
    Ok(output::table(columns, asks.chain(bids), "no orders in this slot")?)
}

fn row(side: &str, level: &Level) -> [String; 4] {
    [side.to_owned(), level.price_per_kwh.to_string(), level.quantity_wh.0.to_string(), level.orders.to_string()]
}

fn price(level: Option<&Level>) -> String {
    level.map(|level| level.price_per_kwh.to_string()).unwrap_or_default()
}
