//! Six homes that leave everything to the autopilot, with the real book and auction between them.
//!
//! The first day only fills the meters, so that there is a yesterday; on the second they trade. Profiles are integers
//! out of a formula: a base load, peaks in the morning and in the evening, a parabola for the sun, clouds and kettles
//! out of a linear congruence.

use wattswap_matching::{Book, Handle, Order, PriceBand, Trader, auction};

use super::*;

/// Peak watts of photovoltaics, and watt-hours that a day of load has more or less.
const HOMES: [(i64, i64); 6] = [(0, 9_000), (4_000, 10_000), (9_500, 12_000), (0, 14_000), (6_000, 7_000), (0, 8_000)];
const DAYS: u64 = 2;
/// Readings of a slot.
const READINGS: u64 = 3;

/// Net energy of one home in one third of a slot.
fn net_of(home: usize, third: u64) -> i64 {
    let (peak, daily) = HOMES[home];
    let slot = (third / READINGS % 96).cast_signed();
    let noise = |salt: u64, range: i64| {
        let mixed = (third / READINGS * 31 + home as u64 * 7 + salt).wrapping_mul(6_364_136_223_846_793_005) >> 33;
        mixed.cast_signed() % range
    };
    let is_peak = (26..34).contains(&slot) || (70..86).contains(&slot);
    let load = daily / 96 * if is_peak { 2 } else { 1 } / 3 + noise(1, daily / 300);
    // Sun from 6 h to 20 h, at its highest at 13 h.
    let height = (28 * 28 - (slot - 52).pow(2)).max(0);
    let sun = peak * height / (28 * 28) / 12 * (60 + noise(2, 41)) / 100;
    load - sun
}

struct Home {
    metering: Metering,
    positions: BTreeMap<Slot, Held<u64>>,
    wakes_at: UtcMillis,
    places: BTreeMap<Slot, usize>,
}

struct Neighbourhood {
    shape: Shape,
    settings: Settings,
    homes: Vec<Home>,
    books: BTreeMap<Slot, Book<u64>>,
    handles: BTreeMap<u64, (Slot, Handle)>,
    next_id: u64,
    cost: i64,
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// What could have been traded: in each slot the smaller of all surplus and all need, Wh.
    possible: i64,
    /// What of the metered need neighbours met in the end, Wh.
    met: i64,
    /// All trades, those that took earlier ones back included, Wh.
    traded: i64,
    /// What homes have traded in the end beyond what they metered, on one side only, Wh.
    excess: i64,
    /// Mean price of a trade, in ticks.
    mean_price: i32,
    /// The most quotes of one home for one slot.
    places: usize,
}

impl Neighbourhood {
    fn new(settings: Settings) -> Self {
        Self::in_market(shape(), settings)
    }

    fn in_market(shape: Shape, settings: Settings) -> Self {
        let home = |n: usize| Home {
            metering: Metering::new(limits()),
            positions: BTreeMap::new(),
            wakes_at: next_wake(UtcMillis(T0), &shape, n as u64 * 7_919),
            places: BTreeMap::new(),
        };
        let homes = (0..HOMES.len()).map(home).collect();
        let (books, handles) = (BTreeMap::new(), BTreeMap::new());
        Self { shape, settings, homes, books, handles, next_id: 0, cost: 0 }
    }

    fn run(mut self) -> Outcome {
        let reads_every = SLOT / READINGS;
        let thirds = DAYS * 96 * READINGS;
        // Two hours more, so that the last gates close.
        for third in 0..=thirds + 8 * READINGS {
            let now = T0 + third * reads_every;
            if third <= thirds {
                (0..HOMES.len()).for_each(|home| self.read(home, third, UtcMillis(now)));
            }
            if now >= T0 + DAY {
                self.trade_until(UtcMillis(now + reads_every));
            }
        }
        self.outcome()
    }

    fn read(&mut self, home: usize, third: u64, now: UtcMillis) {
        let nets = (0..third).map(|third| net_of(home, third));
        let (import, export) = nets.fold((0, 0), |(i, e), net| (i + net.max(0), e - net.min(0)));
        let meter = MeterId::new("house").expect("a good name");
        let row = Row { meter, at: now, import: WattHours(import), export: WattHours(export) };
        assert_eq!(self.homes[home].metering.judge(now, &row).verdict, Verdict::Accepted);
    }

    /// Lets every home that wakes before `end` plan, in the order of time.
    fn trade_until(&mut self, end: UtcMillis) {
        while let Some((now, home)) = self.homes.iter().enumerate().map(|(n, home)| (home.wakes_at, n)).min() {
            if now >= end {
                return;
            }
            if now.0 >= T0 + DAY {
                let Home { metering, positions, .. } = &self.homes[home];
                let depth = |slot| self.depth(slot);
                for action in planned(now, &self.shape, metering, positions, depth, &self.settings) {
                    match action {
                        Action::Cancel(id) => self.cancel(home, now, id),
                        Action::Place(quote) => self.place(home, now, quote),
                    }
                }
            }
            self.homes[home].wakes_at = next_wake(now, &self.shape, home as u64 * 7_919);
        }
    }

    fn depth(&self, slot: Slot) -> Depth {
        let side = |side| {
            let open = self.books.get(&slot).into_iter().flat_map(|book| book.orders(side));
            open.map(|(_, order)| order.limit.quantity).sum()
        };
        Depth { bids: side(Side::Buy), asks: side(Side::Sell) }
    }

    fn cancel(&mut self, home: usize, now: UtcMillis, id: u64) {
        let (slot, handle) = self.handles.remove(&id).expect("it is live");
        self.homes[home].positions.get_mut(&slot).expect("it is live").live.retain(|live| live.id != id);
        let rested = self.books.get_mut(&slot).expect("it is live").cancel(handle).is_ok();
        assert!(rested || self.shape.gate(slot) <= now);
    }

    fn place(&mut self, home: usize, now: UtcMillis, quote: Quote) {
        let Quote { slot, side, quantity, price, expires_at } = quote;
        let band = PriceBand::new(self.shape.floor, self.shape.cap).expect("a good band");
        let book = self.books.entry(slot).or_insert_with(|| Book::new(band));
        let id = self.next_id;
        self.next_id += 1;
        let trader = |home: usize| Trader(u32::try_from(home).expect("there are few homes"));
        let limit = wattswap_matching::Limit { trader: trader(home), side, price, quantity };
        let mut trades = Vec::new();
        let order = Order { limit, at: now, id, expires_at };
        let handle =
            auction::submit(book, order, now, |trade| trades.push(trade)).expect("the autopilot keeps the rules");
        let mut open = quantity;
        for trade in trades {
            open -= trade.quantity;
            self.cost += i64::from(trade.price.0) * trade.quantity.0;
            self.homes[home].settle(slot, side, trade.quantity);
            let other = &mut self.homes[trade.counterparty.0 as usize];
            other.settle(slot, side.opposite(), trade.quantity);
            other.fill(slot, trade.resting, trade.quantity);
        }
        *self.homes[home].places.entry(slot).or_default() += 1;
        if let Some(handle) = handle {
            self.handles.insert(id, (slot, handle));
            self.homes[home].positions.entry(slot).or_default().live.push(Live { id, side, price, open });
        }
    }

    fn outcome(&self) -> Outcome {
        let mut outcome = Outcome { possible: 0, met: 0, traded: 0, excess: 0, mean_price: 0, places: 0 };
        for number in 96..96 * DAYS {
            let slot = slot(number);
            let net = |home: &Home| {
                let measured = home.metering.energy(slot.start(), self.shape.next(slot).start()).expect("all is read");
                measured.net().0
            };
            let need: i64 = self.homes.iter().map(net).map(|net| net.max(0)).sum();
            let surplus: i64 = self.homes.iter().map(net).map(|net| -net.min(0)).sum();
            outcome.possible += need.min(surplus);
            for home in &self.homes {
                let Some(position) = home.positions.get(&slot) else { continue };
                let bought = position.bought.0 - position.sold.0;
                outcome.traded += position.bought.0;
                outcome.met += bought.max(0).min(net(home).max(0));
                outcome.excess += (bought.max(0) - net(home).max(0)).max(0);
            }
        }
        outcome.mean_price = i32::try_from(self.cost / outcome.traded.max(1)).expect("a mean of prices is one");
        outcome.places = self.homes.iter().flat_map(|home| home.places.values()).copied().max().unwrap_or(0);
        outcome
    }
}

impl Home {
    fn settle(&mut self, slot: Slot, side: Side, quantity: WattHours) {
        let position = self.positions.entry(slot).or_default();
        match side {
            Side::Buy => position.bought += quantity,
            Side::Sell => position.sold += quantity,
        }
    }

    fn fill(&mut self, slot: Slot, id: u64, quantity: WattHours) {
        let live = &mut self.positions.entry(slot).or_default().live;
        live.iter_mut().filter(|live| live.id == id).for_each(|live| live.open -= quantity);
        live.retain(|live| live.open.is_positive());
    }
}

#[test]
fn homes_trade_nearly_all_they_can_by_themselves_and_nothing_they_have_not() {
    let outcome = Neighbourhood::new(Settings { trade_ahead: 0, ..settings() }).run();
    assert!(outcome.possible > 20_000, "the profiles overlap: {outcome:?}");
    assert!(outcome.met * 100 >= outcome.possible * 95, "{outcome:?}");
    assert_eq!((outcome.excess, outcome.traded), (0, outcome.met));
    assert!((FEED_IN.0 + 50..RETAIL.0 - 50).contains(&outcome.mean_price), "both gain: {outcome:?}");
    assert!(outcome.places <= STEPS as usize, "a quote for each price and no more: {outcome:?}");
}

#[test]
fn forecast_errors_cost_little_where_the_rest_is_traded_once_it_is_counted() {
    let outcome = Neighbourhood::new(settings()).run();
    assert!(outcome.met * 100 >= outcome.possible * 90, "{outcome:?}");
    assert!(outcome.excess * 50 <= outcome.traded, "{outcome:?}");
    let forecasts = usize::from(DEFAULT_TRADE_AHEAD);
    assert!(outcome.places <= 2 * STEPS as usize + forecasts, "{outcome:?}");
}

#[test]
fn neighbours_meet_before_delivery_too_where_the_gate_closes_then() {
    let shape = Shape { gate_millis: -3_600_000, ..shape() };
    let outcome = Neighbourhood::in_market(shape, settings()).run();
    assert!(outcome.met * 100 >= outcome.possible * 50, "{outcome:?}");
    // Nothing can be corrected, so what the forecasts miss is the suppliers'.
    assert!(outcome.excess * 20 <= outcome.traded, "{outcome:?}");
}
