//! `sell`, `buy`, `orders` and `cancel`.

use clap::ArgGroup;
use serde::Serialize;
use wattswap_api::dto::number::Quantity;
use wattswap_api::dto::order::{NewOrder, Order, OrderPage, OrderState, PlacedOrder, PlacedOrders};
use wattswap_api::dto::text::{Text, TextValue as _};
use wattswap_api::port::PricePerKwh;
use wattswap_matching::{Side, Slot, WattHours};

use super::Outcome;
use super::amounts;
use super::context::Context;
use super::output::{self, Column};
use super::slots;
use crate::client::{Client, RequestError};
use crate::drivers::keys;

/// Open orders that `cancel` looks through; a household can't have more.
const MAX_OPEN: usize = crate::protocol::limits::MAX_LIVE_REQUESTS;

/// What to trade, at which price, when.
#[derive(clap::Args)]
pub(super) struct PlaceArgs {
    /// How much, in each of the slots, for example 500Wh or 1.5kWh
    #[arg(value_name = "ENERGY", value_parser = amounts::energy)]
    energy: WattHours,
    /// The worst price per kWh that will do, in the community's currency, for example 0.12
    #[arg(value_name = "PRICE", value_parser = price, allow_hyphen_values = true)]
    price: PricePerKwh,
    /// The delivery slots: 14:15, tomorrow 13:00-15:00, sunday, 2026-06-01 09:00-12:00, now, next
    #[arg(value_name = "SLOTS", required = true)]
    slots: Vec<String>,
}

/// Which orders to list.
#[derive(clap::Args)]
pub(super) struct ListArgs {
    /// Also those that have ended
    #[arg(long)]
    all: bool,
    /// Only those in this slot
    #[arg(long, value_name = "SLOT")]
    slot: Option<String>,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
}

/// Which orders to cancel.
#[derive(clap::Args)]
#[command(group(ArgGroup::new("which").required(true).args(["orders", "all"])))]
pub(super) struct CancelArgs {
    /// Their ids, or as much of each as says which one is meant
    #[arg(value_name = "ORDER")]
    orders: Vec<String>,
    /// All that are open
    #[arg(long)]
    all: bool,
}

/// Why an id names no order.
#[derive(Debug, thiserror::Error)]
enum WhichOrder {
    /// None of the open ones.
    #[error("no open order's id starts with {0:?}; `wattswap orders` lists them")]
    None(String),
    /// More than one.
    #[error("{count} open orders' ids start with {id:?}; write more of it")]
    Several {
        /// What was written.
        id: String,
        /// How many fit.
        count: usize,
    },
}

/// The body of a placement. The API's own type only reads it.
#[derive(Serialize)]
struct NewOrders<'a> {
    orders: &'a [NewOrder],
}

pub(super) fn place(side: Side, args: PlaceArgs, context: &Context) -> Outcome {
    let client = context.client()?;
    let charter = client.charter()?;
    let slots = slots::parse(&args.slots.join(" "), &context.calendar(&charter, true))?;
    let order = |slot: &Slot| NewOrder {
        slot: Text(*slot),
        side: Text(side),
        quantity_wh: Quantity(args.energy),
        price_per_kwh: Text(args.price),
        expires_at: None,
    };
    let orders: Vec<NewOrder> = slots.iter().map(order).collect();
    // A key of our own, so that nothing between us and the node can place the orders twice.
    let key = hex::encode(keys::random::<16>()?);
    let placed: PlacedOrders = client.post("/orders", &[("Idempotency-Key", &key)], &NewOrders { orders: &orders })?;
    if context.json() {
        return Ok(output::json(&placed)?);
    }
    show_placed(&placed.orders, context)?;
    output::text("`wattswap orders` shows what becomes of them, `wattswap trades` what they bring.")?;
    Ok(())
}

fn show_placed(orders: &[PlacedOrder], context: &Context) -> Outcome {
    use Column::{Number, Words};
    let zone = context.zone();
    let rows = orders.iter().map(|order| {
        [
            output::short(&order.id.to_string()).to_owned(),
            output::clock(order.slot.0.start(), &zone),
            order.side.to_string(),
            order.quantity_wh.0.to_string(),
            order.price_per_kwh.to_string(),
        ]
    });
    let columns = [Words("order"), Words("slot"), Words("side"), Number("energy"), Number("price per kWh")];
    Ok(output::table(columns, rows, "no order was placed")?)
}

pub(super) fn list(args: ListArgs, context: &Context) -> Outcome {
    let client = context.client()?;
    let mut query = if args.all { "/orders?".to_owned() } else { "/orders?open=true&".to_owned() };
    if let Some(slot) = &args.slot {
        let slot = context.one_slot(slot, &client)?;
        query.push_str(&format!("slot={slot}&"));
    }
    let orders = fetch(&client, query.trim_end_matches(['&', '?']), args.limit)?;
    if context.json() {
        return Ok(orders.iter().try_for_each(output::json)?);
    }
    show(&orders, context)
}

fn fetch(client: &Client, path: &str, limit: usize) -> Result<Vec<Order>, RequestError> {
    client.list(path, limit, |page: OrderPage| (page.orders, page.next))
}

fn show(orders: &[Order], context: &Context) -> Outcome {
    use Column::{Number, Words};
    let zone = context.zone();
    let columns = [
        Words("order"),
        Words("slot"),
        Words("side"),
        Number("energy"),
        Number("price per kWh"),
        Number("traded"),
        Number("in doubt"),
        Words("state"),
    ];
    let rows = orders.iter().map(|order| {
        [
            output::short(&order.id.to_string()).to_owned(),
            output::clock(order.slot.0.start(), &zone),
            order.side.to_string(),
            order.quantity_wh.0.to_string(),
            order.price_per_kwh.to_string(),
            order.filled_wh.0.to_string(),
            order.in_doubt_wh.0.to_string(),
            state(order),
        ]
    });
    Ok(output::table(columns, rows, "no orders; `wattswap sell` and `wattswap buy` place some")?)
}

fn state(order: &Order) -> String {
    let state = match order.state {
        OrderState::Taking => "waits to trade",
        OrderState::Posted => "in the book",
        OrderState::Filled => "filled",
        OrderState::Cancelled => "cancelled",
        OrderState::Expired => "expired",
        OrderState::Rejected => "rejected",
    };
    match &order.rejection {
        Some(rejection) => format!("{state}: {}", rejection.detail),
        None => state.to_owned(),
    }
}

pub(super) fn cancel(args: CancelArgs, context: &Context) -> Outcome {
    let client = context.client()?;
    let open = fetch(&client, "/orders?open=true", MAX_OPEN)?;
    let ids: Vec<String> = open.iter().map(|order| order.id.to_string()).collect();
    let ids = if args.all { ids } else { args.orders.iter().map(|id| which(id, &ids)).collect::<Result<_, _>>()? };
    let mut cancelled = Vec::with_capacity(ids.len());
    for id in ids {
        cancelled.push(client.delete::<Order>(&format!("/orders/{id}"))?);
    }
    if context.json() {
        return Ok(cancelled.iter().try_for_each(output::json)?);
    }
    if cancelled.is_empty() { Ok(output::text("no order is open")?) } else { show(&cancelled, context) }
}

/// The one open order whose id starts like this.
fn which(start: &str, open: &[String]) -> Result<String, WhichOrder> {
    let lower = start.to_ascii_lowercase();
    let mut fitting = open.iter().filter(|id| id.starts_with(&lower));
    match (fitting.next(), fitting.count()) {
        (Some(id), 0) => Ok(id.clone()),
        (None, _) => Err(WhichOrder::None(start.to_owned())),
        (Some(_), others) => Err(WhichOrder::Several { id: start.to_owned(), count: others + 1 }),
    }
}

/// A price as the API reads it.
pub(super) fn price(text: &str) -> Result<PricePerKwh, String> {
    PricePerKwh::parse(text).map_err(|malformed| malformed.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_an_id_is_enough_where_it_says_which() {
        let open = ["aa11".to_owned(), "aa22".to_owned(), "bb33".to_owned()];
        for (start, expected) in [
            ("bb", Ok("bb33")),
            ("AA1", Ok("aa11")),
            ("aa22", Ok("aa22")),
            ("aa", Err("2 open orders")),
            ("", Err("3 open orders")),
            ("cc", Err("no open order")),
            ("bb333", Err("no open order")),
        ] {
            match (which(start, &open), expected) {
                (Ok(id), Ok(expected)) => assert_eq!(id, expected),
                (Err(error), Err(expected)) => assert!(error.to_string().starts_with(expected), "{error}"),
                (found, _) => panic!("{start:?} gave {found:?}"),
            }
        }
    }
}
