//! Trades in JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::{BookOrderName, MemberName, RequestName, Signed, SignedBytes, TradeName};
use super::number::Quantity;
use super::page::Cursor;
use super::text::Text;
use super::values::{Amount, Direction, Instant, Price, SlotStart};
use crate::port;

/// One page of trades.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct TradePage {
    /// Newest first.
    pub trades: Vec<Trade>,
    /// Give it as `after` for the next page; null if this is the last.
    #[schema(required)]
    pub next: Option<Cursor>,
}

/// A trade of this household, with both signatures: the pair proves it to anybody.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Trade {
    /// Its id.
    pub id: TradeName,
    /// When the energy is delivered.
    pub slot: SlotStart,
    /// What this household did.
    pub side: Direction,
    /// With whom.
    pub counterparty: MemberName,
    /// The resting order's price.
    pub price_per_kwh: Price,
    /// How much energy.
    pub quantity_wh: Quantity,
    /// Price times quantity: what the buyer pays the seller; below zero at a negative price.
    pub amount: Amount,
    /// When the resting side accepted.
    pub at: Instant,
    /// Whether the counterparty may still show that it does not bind, or how much of it does.
    pub provisional: bool,
    /// The order of this household that it came from; null once that is no longer kept.
    #[schema(required)]
    pub order: Option<RequestName>,
    /// The order that rested in the book.
    pub resting_order: BookOrderName,
    /// The taker's signed proposal.
    pub proposal: SignedBytes,
    /// The resting side's signed acceptance.
    pub acceptance: SignedBytes,
}

impl From<port::Trade> for Trade {
    fn from(trade: port::Trade) -> Self {
        Self {
            id: Text(trade.id),
            slot: Text(trade.slot),
            side: Text(trade.side),
            counterparty: Text(trade.counterparty),
            price_per_kwh: Text(trade.price),
            quantity_wh: Quantity(trade.quantity),
            amount: Text(trade.amount),
            at: Text(trade.at),
            provisional: trade.provisional,
            order: trade.request.map(Text),
            resting_order: Text(trade.resting_order),
            proposal: Text(Signed(trade.proposal)),
            acceptance: Text(Signed(trade.acceptance)),
        }
    }
}

impl From<port::Listing<port::Trade>> for TradePage {
    fn from(listing: port::Listing<port::Trade>) -> Self {
        Self { trades: listing.items.into_iter().map(Trade::from).collect(), next: listing.next.map(Text) }
    }
}
