//! The book and the auction against a matcher that is too simple to be wrong: a list, sorted before every question.
//!
//! Any sequence of operations must give the same trades in the same order, the same refusals, plans and depth, and
//! leave the same orders.

use std::cmp::Reverse;

use proptest::prelude::*;
use proptest::sample::Index;
use wattswap_matching::{
    Arrival, Book, Handle, Level, Limit, Order, Price, PriceBand, Rejection, Side, Take, Trader, UtcMillis, WattHours,
    auction,
};

/// As long as the ids that a node uses.
type Id = [u8; 34];

/// What can happen to a book. Orders are picked from all that ever rested, so handles may be stale.
#[derive(Clone, Debug)]
enum Operation {
    Submit(Draft),
    Rest(Draft),
    Plan(Draft),
    PlanOfResting(Index),
    PlanWithout(Draft, Index),
    Cancel(Index),
    Fill(Index, i64),
    SetOpen(Index, i64),
    Expire(u64),
}

/// An order to be, with times relative to the test's clock.
#[derive(Clone, Debug)]
struct Draft {
    trader: u32,
    side: Side,
    price: i32,
    quantity: i64,
    /// How many milliseconds passed before it was made.
    passed: u64,
    /// How many milliseconds ago it was made, when it arrives late.
    late: u64,
    lifetime: u64,
    /// Comes first in the id, so that ids don't sort by time.
    salt: u8,
}

/// The simple matcher.
struct Naive {
    band: PriceBand,
    orders: Vec<(Handle, Order<Id>)>,
}

/// Both matchers, and all orders that ever rested.
struct Pair {
    book: Book<Id>,
    naive: Naive,
    ever: Vec<(Handle, Order<Id>)>,
    now: u64,
    made: u32,
}

impl Naive {
    /// The orders of a side, first served first.
    fn sorted(&self, side: Side) -> Vec<(Handle, Order<Id>)> {
        let mut orders: Vec<_> = self.orders.iter().filter(|(_, order)| order.limit.side == side).copied().collect();
        match side {
            Side::Sell => orders.sort_by_key(|(_, order)| (order.limit.price, order.at, order.id)),
            Side::Buy => orders.sort_by_key(|(_, order)| (Reverse(order.limit.price), order.at, order.id)),
        }
        orders
    }

    fn plan(&self, taker: &Limit, before: Option<(UtcMillis, Id)>, without: Option<Handle>) -> Vec<Take<Id>> {
        let mut wanted = taker.quantity;
        let mut takes = Vec::new();
        for (handle, order) in self.sorted(taker.side.opposite()) {
            let Limit { trader, price, quantity, .. } = order.limit;
            let crosses = if taker.side == Side::Buy { price <= taker.price } else { price >= taker.price };
            let earlier = before.is_none_or(|(at, id)| order.at < at || (order.at == at && order.id < id));
            if crosses && earlier && trader != taker.trader && without != Some(handle) && wanted > WattHours::ZERO {
                let quantity = quantity.min(wanted);
                wanted -= quantity;
                takes.push(Take { handle, id: order.id, trader, price, quantity });
            }
        }
        takes
    }

    fn refusal(&self, limit: &Limit) -> Option<Rejection> {
        let Limit { price, quantity, .. } = *limit;
        let (floor, cap) = (self.band.floor(), self.band.cap());
        if quantity <= WattHours::ZERO {
            Some(Rejection::NotPositive(quantity))
        } else if quantity > WattHours(4_294_967_295) {
            Some(Rejection::TooLarge { quantity, most: WattHours(4_294_967_295) })
        } else if price < floor || price > cap {
            Some(Rejection::OutsideBand { price, floor, cap })
        } else {
            None
        }
    }

    fn find(&mut self, handle: Handle) -> Option<&mut Order<Id>> {
        self.orders.iter_mut().find(|(other, _)| *other == handle).map(|(_, order)| order)
    }

    fn take(&mut self, handle: Handle, quantity: WattHours) {
        self.find(handle).expect("it was in the plan").limit.quantity -= quantity;
        self.orders.retain(|(_, order)| order.limit.quantity > WattHours::ZERO);
    }

    fn levels(&self, side: Side) -> Vec<Level> {
        let mut levels: Vec<Level> = Vec::new();
        for (_, order) in self.sorted(side) {
            let Limit { price, quantity, .. } = order.limit;
            match levels.last_mut() {
                Some(level) if level.price == price => {
                    level.quantity += quantity;
                    level.orders += 1;
                }
                _ => levels.push(Level { price, quantity, orders: 1 }),
            }
        }
        levels
    }
}

impl Pair {
    fn new(floor: i32, cap: i32) -> Self {
        let band = PriceBand::new(Price(floor), Price(cap)).unwrap();
        let naive = Naive { band, orders: Vec::new() };
        Self { book: Book::new(band), naive, ever: Vec::new(), now: 1_000, made: 0 }
    }

    /// Does it to both and compares.
    fn perform(&mut self, operation: &Operation) {
        match operation {
            Operation::Submit(draft) => self.submit(draft),
            Operation::Rest(draft) => self.rest(draft),
            Operation::Plan(draft) => {
                let limit = draft.limit();
                let takes: Vec<_> = self.book.plan(&limit, |_| false).collect();
                assert_eq!(takes, self.naive.plan(&limit, None, None));
            }
            Operation::PlanOfResting(pick) => {
                if let Some((_, order)) = self.pick(pick) {
                    let arrival = Arrival { at: order.at, id: order.id };
                    let takes: Vec<_> = self.book.plan_before(&order.limit, arrival, |_| false).collect();
                    assert_eq!(takes, self.naive.plan(&order.limit, Some((order.at, order.id)), None));
                }
            }
            Operation::PlanWithout(draft, pick) => {
                if let Some((skipped, _)) = self.pick(pick) {
                    let limit = draft.limit();
                    let takes: Vec<_> = self.book.plan(&limit, |handle| handle == skipped).collect();
                    assert_eq!(takes, self.naive.plan(&limit, None, Some(skipped)));
                }
            }
            Operation::Cancel(pick) => {
                if let Some((handle, _)) = self.pick(pick) {
                    let open = self.naive.find(handle).map(|order| order.limit.quantity);
                    assert_eq!(self.book.cancel(handle), open.ok_or(Rejection::NotResting));
                    self.naive.orders.retain(|(other, _)| *other != handle);
                }
            }
            Operation::Fill(pick, quantity) => self.fill(pick, WattHours(*quantity)),
            Operation::SetOpen(pick, quantity) => self.set_open(pick, WattHours(*quantity)),
            Operation::Expire(passed) => {
                self.now += passed;
                self.expire();
            }
        }
        self.compare();
    }

    fn submit(&mut self, draft: &Draft) {
        let mut order = self.order(draft);
        let mut trades = Vec::new();
        let now = UtcMillis(self.now);
        let result = auction::submit(&mut self.book, order, now, |trade| {
            assert_eq!(trade.aggressor, order.id);
            let (handle, id, trader) = (trade.handle, trade.resting, trade.counterparty);
            trades.push(Take { handle, id, trader, price: trade.price, quantity: trade.quantity });
        });
        if order.expires_at <= now {
            assert_eq!(result, Err(Rejection::Expired { expires_at: order.expires_at, now }));
            return;
        }
        self.naive.orders.retain(|(_, order)| order.expires_at > now);
        if let Some(rejection) = self.naive.refusal(&order.limit) {
            assert_eq!(result, Err(rejection));
            return;
        }
        let expected = self.naive.plan(&order.limit, None, None);
        for take in &expected {
            self.naive.take(take.handle, take.quantity);
            order.limit.quantity -= take.quantity;
        }
        assert_eq!(trades, expected);
        let handle = result.unwrap();
        assert_eq!(handle.is_some(), order.limit.quantity > WattHours::ZERO);
        handle.into_iter().for_each(|handle| self.rests(handle, order));
    }

    fn rest(&mut self, draft: &Draft) {
        let order = self.order(draft);
        match self.naive.refusal(&order.limit) {
            Some(rejection) => assert_eq!(self.book.rest(order), Err(rejection)),
            None => {
                let handle = self.book.rest(order).unwrap();
                self.rests(handle, order);
            }
        }
    }

    fn fill(&mut self, pick: &Index, quantity: WattHours) {
        let Some((handle, _)) = self.pick(pick) else { return };
        let expected = match self.naive.find(handle).map(|order| order.limit.quantity) {
            None => Err(Rejection::NotResting),
            Some(_) if quantity <= WattHours::ZERO => Err(Rejection::NotPositive(quantity)),
            Some(open) if quantity > open => Err(Rejection::MoreThanOpen { quantity, open }),
            Some(open) => Ok(open - quantity),
        };
        if expected.is_ok() {
            self.naive.take(handle, quantity);
        }
        assert_eq!(self.book.fill(handle, quantity), expected);
    }

    fn set_open(&mut self, pick: &Index, quantity: WattHours) {
        let Some((handle, _)) = self.pick(pick) else { return };
        let expected = match self.naive.find(handle) {
            None => Err(Rejection::NotResting),
            Some(_) if quantity <= WattHours::ZERO => Err(Rejection::NotPositive(quantity)),
            Some(order) => {
                order.limit.quantity = quantity;
                Ok(())
            }
        };
        assert_eq!(self.book.set_open(handle, quantity), expected);
    }

    fn expire(&mut self) {
        let now = UtcMillis(self.now);
        let (mut due, standing): (Vec<_>, Vec<_>) =
            self.naive.orders.iter().partition(|(_, order)| order.expires_at <= now);
        self.naive.orders = standing;
        due.sort_by_key(|(_, order)| (order.expires_at, order.at, order.id));
        if let Some(first) = due.first() {
            assert!(self.book.next_expiry().is_some_and(|next| next <= first.1.expires_at));
        }
        assert_eq!(self.book.expire(now), due);
    }

    fn compare(&self) {
        assert_eq!(self.book.len(), self.naive.orders.len());
        assert_eq!(self.book.is_empty(), self.naive.orders.is_empty());
        for side in [Side::Buy, Side::Sell] {
            let sorted = self.naive.sorted(side);
            assert_eq!(self.book.orders(side).collect::<Vec<_>>(), sorted);
            assert_eq!(self.book.best(side), sorted.first().map(|(_, order)| order.limit.price));
            let levels = self.naive.levels(side);
            assert_eq!(self.book.depth(side, 2), levels.iter().take(2).copied().collect::<Vec<_>>());
            assert_eq!(self.book.depth(side, usize::MAX), levels);
        }
        for (handle, _) in &self.ever {
            let resting = self.naive.orders.iter().find(|(other, _)| other == handle);
            assert_eq!(self.book.resting(*handle), resting.map(|(_, order)| *order));
        }
    }

    fn rests(&mut self, handle: Handle, order: Order<Id>) {
        assert!(self.ever.iter().all(|(other, _)| *other != handle), "a handle names one order, ever");
        self.ever.push((handle, order));
        self.naive.orders.push((handle, order));
    }

    fn pick(&self, pick: &Index) -> Option<(Handle, Order<Id>)> {
        (!self.ever.is_empty()).then(|| self.ever[pick.index(self.ever.len())])
    }

    fn order(&mut self, draft: &Draft) -> Order<Id> {
        self.now += draft.passed;
        self.made += 1;
        let mut id = [draft.salt; 34];
        id[30..].copy_from_slice(&self.made.to_be_bytes());
        let (at, expires_at) = (UtcMillis(self.now - draft.late), UtcMillis(self.now + draft.lifetime));
        Order { limit: draft.limit(), at, id, expires_at }
    }
}

impl Draft {
    fn limit(&self) -> Limit {
        let (trader, quantity) = (Trader(self.trader), WattHours(self.quantity));
        Limit { trader, side: self.side, price: Price(self.price), quantity }
    }
}

/// Bands and the prices that are tried on them: narrow ones, where most orders share a price, and wide ones with
/// prices that lie at the edges of the ladder's chunks.
fn markets() -> impl Strategy<Value = (i32, i32, Vec<i32>)> {
    prop_oneof![
        Just((0, 0, vec![0, 1])),
        Just((-3, 3, vec![-4, -3, -2, -1, 0, 1, 2, 3, 4])),
        Just((-100, 27, vec![-100, -37, -36, 0, 26, 27])),
        Just((-5_000, 15_000, vec![-5_001, -5_000, -4_937, -4_936, -905, -904, 0, 4_999, 14_999, 15_000])),
        Just((i32::MIN, i32::MIN + 100, vec![i32::MIN, i32::MIN + 1, i32::MIN + 64, i32::MAX])),
        Just((i32::MAX - 100, i32::MAX, vec![i32::MAX, i32::MAX - 1, i32::MAX - 64, i32::MIN])),
    ]
}

fn drafts(prices: Vec<i32>) -> impl Strategy<Value = Draft> {
    let quantities = prop_oneof![20 => 1..20_i64, 1 => -1..1_i64, 1 => 4_294_967_290..4_294_967_300_i64];
    let times = (0..4_u64, prop_oneof![3 => Just(0), 2 => 0..40_u64], prop_oneof![3 => 200..900_u64, 1 => 0..60_u64]);
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    (0..4_u32, side, prop::sample::select(prices), quantities, times, any::<u8>()).prop_map(
        |(trader, side, price, quantity, (passed, late, lifetime), salt)| Draft {
            trader,
            side,
            price,
            quantity,
            passed,
            late,
            lifetime,
            salt,
        },
    )
}

fn operations(prices: Vec<i32>) -> impl Strategy<Value = Vec<Operation>> {
    let draft = || drafts(prices.clone());
    let operation = prop_oneof![
        8 => draft().prop_map(Operation::Submit),
        8 => draft().prop_map(Operation::Rest),
        2 => draft().prop_map(Operation::Plan),
        2 => any::<Index>().prop_map(Operation::PlanOfResting),
        1 => (draft(), any::<Index>()).prop_map(|(draft, pick)| Operation::PlanWithout(draft, pick)),
        3 => any::<Index>().prop_map(Operation::Cancel),
        3 => (any::<Index>(), -1..25_i64).prop_map(|(pick, quantity)| Operation::Fill(pick, quantity)),
        1 => (any::<Index>(), -1..25_i64).prop_map(|(pick, quantity)| Operation::SetOpen(pick, quantity)),
        1 => (0..80_u64).prop_map(Operation::Expire),
    ];
    prop::collection::vec(operation, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_operations_gives_what_the_simple_matcher_gives(
        ((floor, cap), operations) in markets().prop_flat_map(|(floor, cap, prices)| {
            (Just((floor, cap)), operations(prices))
        })
    ) {
        let mut pair = Pair::new(floor, cap);
        operations.iter().for_each(|operation| pair.perform(operation));
    }
}
