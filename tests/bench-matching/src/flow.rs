//! The orders that every engine gets: the same ones, in the same order, on every run and machine.

use wattswap_matching::Side;

/// What kind of orders, and over how many books and prices.
#[derive(Clone, Copy)]
pub struct Shape {
    /// The name of the flow in the results.
    pub name: &'static str,
    /// Over how many books the orders are spread, uniformly.
    pub books: u32,
    /// Over how many ticks around zero the prices are spread, uniformly.
    pub spread: i32,
    /// How many ticks lie between floor and cap, around zero as well.
    pub band: i32,
}

/// Limit orders in each flow.
pub const ORDERS: u32 = 1_000_000;

/// One order in so many is cancelled later, if it still rests then.
const CANCELLED: u64 = 10;

/// Members of the community; half of them only buy, half only sell, so that no engine meets a self-trade.
const TRADERS: u64 = 1_000;

/// One thing that happens to a book.
#[derive(Clone, Copy)]
pub enum Event {
    /// A new order; orders count from 0 as they appear in the flow.
    Limit(Limit),
    /// An earlier order is cancelled, if it still rests.
    Cancel {
        /// The book of that order.
        book: u32,
        /// The number of that order.
        order: u32,
    },
}

/// A limit order in the words of no engine.
#[derive(Clone, Copy)]
pub struct Limit {
    /// Which book it goes to.
    pub book: u32,
    /// Who makes it.
    pub trader: u32,
    /// Buy or sell.
    pub side: Side,
    /// Ticks; negative ones too.
    pub price: i32,
    /// 1 to 100 units.
    pub quantity: u32,
}

/// Makes the flow of a shape.
pub fn make(shape: Shape) -> Vec<Event> {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut limits: Vec<Limit> = Vec::with_capacity(ORDERS as usize);
    let mut events = Vec::with_capacity((ORDERS + ORDERS / CANCELLED as u32 * 2) as usize);
    for _ in 0..ORDERS {
        let limit = random.limit(shape);
        limits.push(limit);
        events.push(Event::Limit(limit));
        if random.below(CANCELLED) == 0 {
            let order = random.below(limits.len() as u64) as u32;
            events.push(Event::Cancel { book: limits[order as usize].book, order });
        }
    }
    events
}

/// xorshift64*: small, seeded, good enough to spread orders.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        (bits >> 32) * bound >> 32
    }

    fn limit(&mut self, shape: Shape) -> Limit {
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let trader = self.below(TRADERS / 2) as u32 * 2 + u32::from(side == Side::Sell);
        let price = self.below(shape.spread as u64) as i32 - shape.spread / 2;
        let (book, quantity) = (self.below(u64::from(shape.books)) as u32, self.below(100) as u32 + 1);
        Limit { book, trader, side, price, quantity }
    }
}
