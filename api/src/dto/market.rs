//! Slots and their books in JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::number::{Energy, Quantity};
use super::text::Text;
use super::values::{Instant, Price, SlotStart};
use crate::port;

/// The slots that are open now.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Slots {
    /// Earliest first.
    pub slots: Vec<Slot>,
}

/// An open slot in one line.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Slot {
    /// When delivery starts.
    pub slot: SlotStart,
    /// When trading in it began.
    pub opens_at: Instant,
    /// When its gate closes.
    pub closes_at: Instant,
    /// The highest price that someone pays; null if nobody wants energy.
    #[schema(required)]
    pub best_bid: Option<Level>,
    /// The lowest price that someone asks; null if nobody offers energy.
    #[schema(required)]
    pub best_ask: Option<Level>,
    /// All energy wanted.
    pub bid_total_wh: Energy,
    /// All energy offered.
    pub ask_total_wh: Energy,
}

/// Both sides of a slot's book.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Depth {
    /// The slot.
    pub slot: SlotStart,
    /// Highest price first.
    pub bids: Vec<Level>,
    /// Lowest price first.
    pub asks: Vec<Level>,
}

/// All orders of one side at one price.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Level {
    /// Their price.
    pub price_per_kwh: Price,
    /// What is left of them together.
    pub quantity_wh: Quantity,
    /// How many.
    #[schema(minimum = 1)]
    pub orders: u32,
}

impl From<port::SlotSummary> for Slot {
    fn from(slot: port::SlotSummary) -> Self {
        Self {
            slot: Text(slot.slot),
            opens_at: Text(slot.opens_at),
            closes_at: Text(slot.closes_at),
            best_bid: slot.best_bid.map(Level::from),
            best_ask: slot.best_ask.map(Level::from),
            bid_total_wh: Energy(slot.bid_total),
            ask_total_wh: Energy(slot.ask_total),
        }
    }
}

impl From<port::Depth> for Depth {
    fn from(depth: port::Depth) -> Self {
        let levels = |side: Vec<port::Level>| side.into_iter().map(Level::from).collect();
        Self { slot: Text(depth.slot), bids: levels(depth.bids), asks: levels(depth.asks) }
    }
}

impl From<port::Level> for Level {
    fn from(level: port::Level) -> Self {
        Self { price_per_kwh: Text(level.price), quantity_wh: Quantity(level.quantity), orders: level.orders }
    }
}
