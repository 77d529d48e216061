//! Orders in JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{Ref, RefOr, Schema};

use super::ids::{BookOrderName, RequestName};
use super::many::{Many, Object, schema_of_many};
use super::number::{Energy, Quantity};
use super::page::Cursor;
use super::text::Text;
use super::values::{Direction, Instant, Price, SlotStart};
use crate::limits::MAX_ORDERS_PER_BATCH;
use crate::port;

/// A batch of orders that is accepted or refused as one.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrders {
    /// The orders; one is a batch too.
    #[schema(schema_with = orders)]
    pub orders: Many<Object<NewOrder>, MAX_ORDERS_PER_BATCH>,
}

/// A limit order.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// When the energy is delivered.
    pub slot: SlotStart,
    /// Whether energy is wanted or offered.
    pub side: Direction,
    /// How much.
    pub quantity_wh: Quantity,
    /// The worst price that will do; it has to be on the community's tick and within its bounds.
    pub price_per_kwh: Price,
    /// When what is left of it ends. Left out or null: at the slot's gate closure.
    pub expires_at: Option<Instant>,
}

/// The orders of a batch, each durable with an id of its own.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct PlacedOrders {
    /// In the order of the batch.
    pub orders: Vec<PlacedOrder>,
}

/// An order that this household has taken on. Only what never changes, so that a retry gets the same answer.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct PlacedOrder {
    /// Its id.
    pub id: RequestName,
    /// When the energy is delivered.
    pub slot: SlotStart,
    /// Whether energy is wanted or offered.
    pub side: Direction,
    /// How much.
    pub quantity_wh: Quantity,
    /// The worst price that will do.
    pub price_per_kwh: Price,
    /// When what is left of it ends; null for the slot's gate closure.
    #[schema(required)]
    pub expires_at: Option<Instant>,
    /// When the household took it on.
    pub placed_at: Instant,
}

/// One page of orders.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct OrderPage {
    /// Newest first.
    pub orders: Vec<Order>,
    /// Give it as `after` for the next page; null if this is the last.
    #[schema(required)]
    pub next: Option<Cursor>,
}

/// An order as it stands now.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Order {
    /// Its id.
    pub id: RequestName,
    /// When the energy is delivered.
    pub slot: SlotStart,
    /// Whether energy is wanted or offered.
    pub side: Direction,
    /// How much was ordered.
    pub quantity_wh: Quantity,
    /// The worst price that will do.
    pub price_per_kwh: Price,
    /// When what is left of it ends; null for the slot's gate closure.
    #[schema(required)]
    pub expires_at: Option<Instant>,
    /// When the household took it on.
    pub placed_at: Instant,
    /// How far it has come.
    pub state: OrderState,
    /// Why it was rejected; null unless it was.
    #[schema(required)]
    pub rejection: Option<Rejection>,
    /// What became trades.
    pub filled_wh: Energy,
    /// What own proposals still hold reserved: it may become trades or come back.
    pub in_doubt_wh: Energy,
    /// What may still trade.
    pub open_wh: Energy,
    /// Its entries in the signed book, oldest first; empty until something is posted.
    pub book_orders: Vec<BookOrderName>,
}

/// How far an order has come. `taking`: it takes what rests at its price, nothing is posted yet; `posted`: what it
/// could not take rests in the book; `filled`: all of it became trades; `cancelled`: the household ended it;
/// `expired`: its time or the slot's gate ended it; `rejected`: what had changed by then kept it out of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// It takes what rests at its price, nothing is posted yet.
    Taking,
    /// What it could not take rests in the book.
    Posted,
    /// All of it became trades.
    Filled,
    /// The household ended it.
    Cancelled,
    /// Its time or the slot's gate ended it.
    Expired,
    /// What had changed by then kept it out of the book.
    Rejected,
}

/// Why the market does not admit an order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Rejection {
    /// For programs.
    pub code: RejectionCode,
    /// For people.
    pub detail: String,
}

/// Why the market does not admit an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    /// No slot starts at that instant.
    NoSuchSlot,
    /// Trading in the slot has not begun.
    SlotNotOpen,
    /// The gate is closed.
    SlotClosed,
    /// The price is not on the community's tick.
    PriceBetweenTicks,
    /// The price lies outside the community's bounds.
    PriceOutOfBounds,
    /// The quantity is not on the community's lot.
    QuantityBetweenTicks,
    /// The quantity is below the smallest fill.
    QuantityTooSmall,
    /// It would end before it began.
    AlreadyExpired,
    /// More than the household's connection carries.
    BeyondConnection,
    /// This household has placed too many orders in this slot and direction.
    TooManyInSlot,
    /// Too many orders of this household are open.
    TooManyOpen,
    /// The charter in force does not name this household.
    NotAMember,
}

fn orders() -> RefOr<Schema> {
    schema_of_many(Ref::from_schema_name("NewOrder"), MAX_ORDERS_PER_BATCH, "The orders; one is a batch too.")
}

impl NewOrder {
    /// The order in the port's words.
    #[must_use]
    pub fn into_port(self) -> port::NewOrder {
        port::NewOrder {
            slot: self.slot.0,
            side: self.side.0,
            quantity: self.quantity_wh.0,
            price: self.price_per_kwh.0,
            expires_at: self.expires_at.map(|at| at.0),
        }
    }
}

impl From<port::PlacedOrder> for PlacedOrder {
    fn from(placed: port::PlacedOrder) -> Self {
        let port::PlacedOrder { id, order, placed_at } = placed;
        Self {
            id: Text(id),
            slot: Text(order.slot),
            side: Text(order.side),
            quantity_wh: Quantity(order.quantity),
            price_per_kwh: Text(order.price),
            expires_at: order.expires_at.map(Text),
            placed_at: Text(placed_at),
        }
    }
}

impl From<port::Request> for Order {
    fn from(request: port::Request) -> Self {
        let PlacedOrder { id, slot, side, quantity_wh, price_per_kwh, expires_at, placed_at } = request.placed.into();
        let (state, rejection) = state(request.state);
        Self {
            id,
            slot,
            side,
            quantity_wh,
            price_per_kwh,
            expires_at,
            placed_at,
            state,
            rejection,
            filled_wh: Energy(request.filled),
            in_doubt_wh: Energy(request.in_doubt),
            open_wh: Energy(request.open),
            book_orders: request.book_orders.into_iter().map(Text).collect(),
        }
    }
}

impl From<port::Listing<port::Request>> for OrderPage {
    fn from(listing: port::Listing<port::Request>) -> Self {
        Self { orders: listing.items.into_iter().map(Order::from).collect(), next: listing.next.map(Text) }
    }
}

fn state(state: port::RequestState) -> (OrderState, Option<Rejection>) {
    match state {
        port::RequestState::Taking => (OrderState::Taking, None),
        port::RequestState::Posted => (OrderState::Posted, None),
        port::RequestState::Filled => (OrderState::Filled, None),
        port::RequestState::Cancelled => (OrderState::Cancelled, None),
        port::RequestState::Expired => (OrderState::Expired, None),
        port::RequestState::Rejected(reason) => (OrderState::Rejected, Some(reason.into())),
    }
}

impl From<port::RefusalReason> for Rejection {
    fn from(reason: port::RefusalReason) -> Self {
        Self { code: reason.into(), detail: reason.to_string() }
    }
}

impl From<port::RefusalReason> for RejectionCode {
    fn from(reason: port::RefusalReason) -> Self {
        use port::RefusalReason as Reason;
        match reason {
            Reason::NoSuchSlot { .. } => Self::NoSuchSlot,
            Reason::SlotNotOpen { .. } => Self::SlotNotOpen,
            Reason::SlotClosed { .. } => Self::SlotClosed,
            Reason::PriceBetweenTicks { .. } => Self::PriceBetweenTicks,
            Reason::PriceOutOfBounds { .. } => Self::PriceOutOfBounds,
            Reason::QuantityBetweenTicks { .. } => Self::QuantityBetweenTicks,
            Reason::QuantityTooSmall { .. } => Self::QuantityTooSmall,
            Reason::AlreadyExpired => Self::AlreadyExpired,
            Reason::BeyondConnection { .. } => Self::BeyondConnection,
            Reason::TooManyInSlot { .. } => Self::TooManyInSlot,
            Reason::TooManyOpen { .. } => Self::TooManyOpen,
            Reason::NotAMember => Self::NotAMember,
        }
    }
}
