//! The engines, each behind the same two verbs.

use std::sync::Arc;

use crate::flow::{Event, Limit, ORDERS, Shape};
use crate::ladder::{self, Ladder};
use wattswap_matching as ours;

/// What the trades of a flow are told to.
pub trait Tally: Default {
    /// The order numbers of both sides, the price in ticks, the units.
    fn trade(&mut self, resting: u32, aggressor: u32, price: i32, quantity: u64);
}

/// How many trades, how much, and with whom: what is counted while the clock runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub trades: u64,
    pub volume: u64,
    /// The sum of the resting orders' numbers: to name the order that was hit is part of the work.
    pub resting: u64,
}

/// A hash of everything about every trade, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequence(u64);

/// One engine with the books of a flow.
pub trait Engine {
    /// Empty books.
    fn new(shape: Shape) -> Self;
    /// Trades a new order, number `order`.
    fn limit(&mut self, order: u32, limit: &Limit, tally: &mut impl Tally);
    /// Cancels an order, if it still rests.
    fn cancel(&mut self, book: u32, order: u32);
}

/// Runs a flow through an engine.
pub fn run<E: Engine, T: Tally>(engine: &mut E, events: &[Event]) -> T {
    let mut tally = T::default();
    let mut order = 0;
    for event in events {
        match event {
            Event::Limit(limit) => {
                engine.limit(order, limit, &mut tally);
                order += 1;
            }
            &Event::Cancel { book, order } => engine.cancel(book, order),
        }
    }
    tally
}

impl Tally for Count {
    #[inline]
    fn trade(&mut self, resting: u32, _: u32, _: i32, quantity: u64) {
        self.trades += 1;
        self.resting += u64::from(resting);
        self.volume += quantity;
    }
}

impl Tally for Sequence {
    fn trade(&mut self, resting: u32, aggressor: u32, price: i32, quantity: u64) {
        for word in [resting.into(), aggressor.into(), i64::from(price) as u64, quantity] {
            self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95);
        }
    }
}

/// This project's book and auction, as a node or a simulation uses them. `Id` is the caller's order id.
pub struct Ours<Id> {
    books: Vec<ours::Book<Id>>,
    handles: Vec<Option<ours::Handle>>,
}

/// An order id made from an order's number, and the other way round.
pub trait OrderId: Ord + Copy {
    /// The id of an order.
    fn from_number(order: u32) -> Self;
    /// The number of the order with this id.
    fn number(self) -> u32;
}

/// As long as the ids of a node, which are 32 bytes of hash and an index.
pub type LongId = [u8; 34];

impl OrderId for u32 {
    fn from_number(order: u32) -> Self {
        order
    }
    fn number(self) -> u32 {
        self
    }
}

impl OrderId for LongId {
    fn from_number(order: u32) -> Self {
        let mut id = [0xA5; 34];
        id[..4].copy_from_slice(&order.to_be_bytes());
        id
    }
    fn number(self) -> u32 {
        u32::from_be_bytes([self[0], self[1], self[2], self[3]])
    }
}

impl<Id: OrderId> Engine for Ours<Id> {
    fn new(shape: Shape) -> Self {
        let (floor, cap) = (ours::Price(-shape.band / 2), ours::Price(shape.band / 2 - 1));
        let band = ours::PriceBand::new(floor, cap).expect("the shapes of the benchmark are bands");
        Self {
            books: (0..shape.books).map(|_| ours::Book::new(band)).collect(),
            handles: Vec::with_capacity(ORDERS as usize),
        }
    }

    #[inline]
    fn limit(&mut self, order: u32, limit: &Limit, tally: &mut impl Tally) {
        // An order a millisecond.
        let at = ours::UtcMillis(order.into());
        let submitted = ours::Order {
            limit: ours::Limit {
                trader: ours::Trader(limit.trader),
                side: limit.side,
                price: ours::Price(limit.price),
                quantity: ours::WattHours(limit.quantity.into()),
            },
            at,
            id: Id::from_number(order),
            expires_at: ours::UtcMillis(u64::MAX),
        };
        let handle = ours::auction::submit(&mut self.books[limit.book as usize], submitted, at, |trade| {
            tally.trade(trade.resting.number(), trade.aggressor.number(), trade.price.0, trade.quantity.0 as u64);
        });
        self.handles.push(handle.expect("the flow has only good orders"));
    }

    #[inline]
    fn cancel(&mut self, book: u32, order: u32) {
        if let Some(handle) = self.handles[order as usize] {
            // Refused if it was filled in the meantime.
            let _ = self.books[book as usize].cancel(handle);
        }
    }
}

/// The bare ladder.
pub struct Bare {
    books: Vec<Ladder>,
    handles: Vec<ladder::Handle>,
}

impl Engine for Bare {
    fn new(shape: Shape) -> Self {
        Self {
            books: (0..shape.books).map(|_| Ladder::new(shape.band)).collect(),
            handles: Vec::with_capacity(ORDERS as usize),
        }
    }

    #[inline]
    fn limit(&mut self, order: u32, limit: &Limit, tally: &mut impl Tally) {
        let book = &mut self.books[limit.book as usize];
        let handle = book.submit(order, limit.side, limit.price, limit.quantity, |resting, price, quantity| {
            tally.trade(resting, order, price, quantity.into());
        });
        self.handles.push(handle);
    }

    #[inline]
    fn cancel(&mut self, book: u32, order: u32) {
        self.books[book as usize].cancel(self.handles[order as usize], order);
    }
}

/// What is added to prices for engines that know none below zero.
const ABOVE_ZERO: i32 = 1 << 20;

/// The crate `lobster`.
pub struct Lobster {
    books: Vec<lobster::OrderBook>,
}

impl Engine for Lobster {
    fn new(shape: Shape) -> Self {
        let room = (ORDERS / shape.books) as usize;
        Self { books: (0..shape.books).map(|_| lobster::OrderBook::new(room, 10, false)).collect() }
    }

    fn limit(&mut self, order: u32, limit: &Limit, tally: &mut impl Tally) {
        let event = self.books[limit.book as usize].execute(lobster::OrderType::Limit {
            id: order.into(),
            side: match limit.side {
                ours::Side::Buy => lobster::Side::Bid,
                ours::Side::Sell => lobster::Side::Ask,
            },
            qty: limit.quantity.into(),
            price: (limit.price + ABOVE_ZERO) as u64,
        });
        let (lobster::OrderEvent::Filled { fills, .. } | lobster::OrderEvent::PartiallyFilled { fills, .. }) = event
        else {
            return;
        };
        for fill in fills {
            tally.trade(fill.order_2 as u32, fill.order_1 as u32, fill.price as i32 - ABOVE_ZERO, fill.qty);
        }
    }

    fn cancel(&mut self, book: u32, order: u32) {
        self.books[book as usize].execute(lobster::OrderType::Cancel { id: order.into() });
    }
}

/// The crate `orderbook-rs`, spared the reading of a clock.
pub struct OrderbookRs {
    books: Vec<orderbook_rs::OrderBook<()>>,
}

impl Engine for OrderbookRs {
    fn new(shape: Shape) -> Self {
        let book = || orderbook_rs::OrderBook::with_clock("slot", Arc::new(orderbook_rs::StubClock::new()));
        Self { books: (0..shape.books).map(|_| book()).collect() }
    }

    fn limit(&mut self, order: u32, limit: &Limit, tally: &mut impl Tally) {
        let side = match limit.side {
            ours::Side::Buy => orderbook_rs::Side::Buy,
            ours::Side::Sell => orderbook_rs::Side::Sell,
        };
        let (_, result) = self.books[limit.book as usize]
            .add_limit_order_with_result(
                orderbook_rs::Id::sequential(order.into()),
                (limit.price + ABOVE_ZERO) as u128,
                limit.quantity.into(),
                side,
                orderbook_rs::TimeInForce::Gtc,
                None,
            )
            .expect("the flow has only good orders");
        for trade in result.iter().flat_map(|result| result.match_result.trades().as_vec()) {
            let number = |id| match id {
                orderbook_rs::Id::Sequential(number) => number as u32,
                _ => unreachable!("all ids are numbers"),
            };
            let (resting, aggressor) = (number(trade.maker_order_id()), number(trade.taker_order_id()));
            let price = trade.price().as_u128() as i32 - ABOVE_ZERO;
            tally.trade(resting, aggressor, price, trade.quantity().as_u64());
        }
    }

    fn cancel(&mut self, book: u32, order: u32) {
        self.books[book as usize]
            .cancel_order(orderbook_rs::Id::sequential(order.into()))
            .expect("cancelling what no longer rests is no error");
    }
}
