//! Trading over HTTP, in the few words that a test needs.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::json;
use wattswap_api::dto::market::{Depth, Level, Slots};
use wattswap_api::dto::order::{Order, PlacedOrders};
use wattswap_api::dto::trade::Trade;
use wattswap_matching::{Side, WattHours};
use wattswap_node::client::{Client, RequestError};

use crate::live::LiveEvents;
use crate::node::Node;
use crate::wait::{self, InVain};

/// Neighbours agree in milliseconds and doubts end in seconds; a busy machine gets its time.
pub const SOON: Duration = Duration::from_secs(90);

/// What a household wants to trade.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The slot, as the API writes it.
    pub slot: String,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub quantity: WattHours,
    /// The limit per kWh.
    pub price: &'static str,
}

impl Wish {
    /// An offer.
    #[must_use]
    pub fn sell(slot: &str, wh: i64, price: &'static str) -> Self {
        Self { slot: slot.to_owned(), side: Side::Sell, quantity: WattHours(wh), price }
    }

    /// A bid.
    #[must_use]
    pub fn buy(slot: &str, wh: i64, price: &'static str) -> Self {
        Self { side: Side::Buy, ..Self::sell(slot, wh, price) }
    }
}

/// What [`Client`]s are asked for in tests. A client outlives the node's process: its address and token stay the same.
pub trait Market {
    /// The open slots, the earliest first.
    ///
    /// # Errors
    /// [`RequestError`].
    fn slots(&self) -> Result<Vec<String>, RequestError>;

    /// Places an order and gives its id. The same key again places nothing more.
    ///
    /// # Errors
    /// [`RequestError`].
    fn place(&self, key: &str, wish: &Wish) -> Result<String, RequestError>;

    /// An order as it stands now.
    ///
    /// # Errors
    /// [`RequestError`].
    fn order(&self, id: &str) -> Result<Order, RequestError>;

    /// What rests in a slot: all that is bid, and all that is asked.
    ///
    /// # Errors
    /// [`RequestError`].
    fn depth(&self, slot: &str) -> Result<(WattHours, WattHours), RequestError>;

    /// Waits until so much is asked in a slot.
    ///
    /// # Errors
    /// [`InVain`].
    fn until_asked(&self, slot: &str, quantity: WattHours) -> Result<(), InVain> {
        wait::until(&format!("{} Wh are asked in {slot}", quantity.0), SOON, || match self.depth(slot) {
            Ok((_, asked)) if asked == quantity => Ok(()),
            other => Err(format!("{other:?}")),
        })
    }

    /// Waits until so much of an order has become trades, and nothing of it is in doubt.
    ///
    /// # Errors
    /// [`InVain`].
    fn until_filled(&self, id: &str, quantity: WattHours) -> Result<(), InVain> {
        wait::until(&format!("{} Wh of order {id} are filled", quantity.0), SOON, || match self.order(id) {
            Ok(order) if order.filled_wh.0 == quantity && order.in_doubt_wh.0 == WattHours::ZERO => Ok(()),
            other => Err(format!("{other:?}")),
        })
    }
}

impl Market for Client {
    fn slots(&self) -> Result<Vec<String>, RequestError> {
        let slots: Slots = self.get("/slots")?;
        Ok(slots.slots.iter().map(|slot| slot.slot.to_string()).collect())
    }

    fn place(&self, key: &str, wish: &Wish) -> Result<String, RequestError> {
        let side = if wish.side == Side::Sell { "sell" } else { "buy" };
        let order = json!({
            "slot": wish.slot, "side": side, "quantity_wh": wish.quantity.0, "price_per_kwh": wish.price,
        });
        let headers = [("Idempotency-Key", key)];
        let placed: PlacedOrders = self.post("/orders", &headers, &json!({ "orders": [order] }))?;
        Ok(placed.orders.iter().map(|order| order.id.to_string()).collect())
    }

    fn order(&self, id: &str) -> Result<Order, RequestError> {
        self.get(&format!("/orders/{id}"))
    }

    fn depth(&self, slot: &str) -> Result<(WattHours, WattHours), RequestError> {
        let depth: Depth = self.get(&format!("/slots/{slot}/depth"))?;
        let total = |levels: &[Level]| levels.iter().map(|level| level.quantity_wh.0).sum();
        Ok((total(&depth.bids), total(&depth.asks)))
    }
}

/// Notes the trades that a node reports on its live stream as done, until the stream ends.
pub struct Reports(JoinHandle<Vec<Trade>>);

impl Reports {
    /// Starts to listen.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn of(node: &Node) -> Result<Self, RequestError> {
        let events = LiveEvents::new(node.client().events(None)?);
        Ok(Self(thread::spawn(move || {
            // The stream of a node that was killed ends with an error.
            let trades = events.map_while(Result::ok).filter(|event| event.kind == "trade");
            let trades =
                trades.map(|event| serde_json::from_value(event.data).expect("a trade is told as the API says"));
            trades.filter(|trade: &Trade| !trade.provisional).collect()
        })))
    }

    /// All that was reported. The node must have ended.
    #[must_use]
    pub fn all(self) -> Vec<Trade> {
        self.0.join().expect("the listener does not panic")
    }
}
