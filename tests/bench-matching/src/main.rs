//! How fast the order book is: the same orders through this project's book and auction, through other engines, and
//! through a bare ladder that does nothing but match, in one run.
//!
//! All must make the same trades in the same order, or nothing is reported. Runs are interleaved and timed by the
//! processor time of this thread, so that a busy machine slows all alike; each figure is a median, and only the ratios
//! of one run mean anything. Usage: `bench-matching [--json]`.

mod engines;
mod flow;
mod ladder;
mod memory;
mod report;

use std::process::ExitCode;

use engines::{Bare, Count, Engine, Lobster, LongId, OrderId, OrderbookRs, Ours, Sequence, run};
use flow::{Event, Shape};
use report::Row;
use rustix::time::{ClockId, clock_gettime};
use wattswap_matching::{Book, Limit, Order, Price, PriceBand, Side, Trader, UtcMillis, WattHours};

#[global_allocator]
static HEAP: memory::Counting = memory::Counting;

/// How many times each engine runs through each flow.
const ROUNDS: usize = 21;

/// The other engines are 10 to 100 times slower, so they run in one round of so many.
const PEERS_EVERY: usize = 7;

/// What the project asks of itself: against the bare ladder, and against every other engine.
const OF_LADDER: f64 = 0.7;
const TIMES_PEER: f64 = 6.0;

/// "An idle book costs bytes, not kilobytes."
const KILOBYTE: f64 = 1024.0;

/// The bytes that say all about an order: an id of 34, two times of 8, and 4 each for trader, price and quantity.
const ORDER_FIELDS: f64 = 34.0 + 2.0 * 8.0 + 3.0 * 4.0;

/// Slots that are open at a time.
const OPEN_SLOTS: usize = 200;

const FLOWS: [Flow; 4] = [
    Flow { shape: Shape { name: "1 book", books: 1, spread: 200, band: 200 }, peers: true },
    Flow { shape: Shape { name: "96 books", books: 96, spread: 200, band: 200 }, peers: true },
    Flow { shape: Shape { name: "band of 20,000 ticks", books: 1, spread: 200, band: 20_000 }, peers: true },
    // Lobster walks over every price that was ever used: 20 seconds a run.
    Flow { shape: Shape { name: "prices over 20,000 ticks", books: 1, spread: 20_000, band: 20_000 }, peers: false },
];

/// A flow of orders, and whether the other engines take part.
struct Flow {
    shape: Shape,
    peers: bool,
}

/// The times of the runs of one engine, in nanoseconds an event.
struct Timed {
    name: &'static str,
    once: fn(Shape, &[Event]) -> (f64, Count),
    every: usize,
    times: Vec<f64>,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let json = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--json"] => true,
        _ => {
            eprintln!("usage: bench-matching [--json]");
            return ExitCode::from(2);
        }
    };
    let mut rows: Vec<_> = FLOWS.iter().flat_map(speed).collect();
    rows.extend(footprint());
    report::print(&rows, json);
    ExitCode::SUCCESS
}

/// Runs one flow through all engines.
fn speed(flow: &Flow) -> Vec<Row> {
    let shape = flow.shape;
    let events = flow::make(shape);
    agree(flow, &events);
    let mut engines = vec![
        Timed::new::<Ours<u32>>("ours", 1),
        Timed::new::<Bare>("bare ladder", 1),
        Timed::new::<Ours<LongId>>("ours with 34-byte ids", 1),
    ];
    if flow.peers {
        engines.push(Timed::new::<Lobster>("lobster 0.7.0", PEERS_EVERY));
        engines.push(Timed::new::<OrderbookRs>("orderbook-rs 0.15.3", PEERS_EVERY));
    }
    let count = run::<_, Count>(&mut Bare::new(shape), &events);
    for round in 0..ROUNDS {
        for engine in engines.iter_mut().filter(|engine| round % engine.every == 0) {
            let (time, counted) = (engine.once)(shape, &events);
            assert_eq!(counted, count, "{} trades differently from the bare ladder", engine.name);
            engine.times.push(time);
        }
    }
    let row = |ours: &Timed, other: &Timed, target| {
        let ids = if ours.name == "ours" { "" } else { ", 34-byte ids" };
        let name = format!("{}{ids}, against {}", shape.name, other.name);
        Row::rate(name, ours.rate(), other.rate(), "M events/s", Some(target))
    };
    let [ours, bare, long, peers @ ..] = &engines[..] else { unreachable!("three engines always run") };
    let ladder = [row(ours, bare, OF_LADDER), row(long, bare, OF_LADDER)];
    ladder.into_iter().chain(peers.iter().map(|peer| row(ours, peer, TIMES_PEER))).collect()
}

/// Makes sure that all engines make the same trades in the same order.
fn agree(flow: &Flow, events: &[Event]) {
    fn sequence<E: Engine>(shape: Shape, events: &[Event]) -> Sequence {
        run(&mut E::new(shape), events)
    }
    let shape = flow.shape;
    let bare = sequence::<Bare>(shape, events);
    assert_eq!(sequence::<Ours<u32>>(shape, events), bare, "ours and the bare ladder differ: {}", shape.name);
    assert_eq!(sequence::<Ours<LongId>>(shape, events), bare, "long ids make a difference: {}", shape.name);
    if flow.peers {
        assert_eq!(sequence::<Lobster>(shape, events), bare, "lobster differs: {}", shape.name);
        assert_eq!(sequence::<OrderbookRs>(shape, events), bare, "orderbook-rs differs: {}", shape.name);
    }
}

impl Timed {
    fn new<E: Engine>(name: &'static str, every: usize) -> Self {
        Self { name, once: once::<E>, every, times: Vec::new() }
    }

    /// The median, as million events a second.
    fn rate(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        1_000.0 / times[times.len() / 2]
    }
}

/// Nanoseconds an event, in a run right after another one of the same engine: so each finds the caches, the predictors
/// and the heap as it left them itself.
fn once<E: Engine>(shape: Shape, events: &[Event]) -> (f64, Count) {
    std::hint::black_box(run::<E, Count>(&mut E::new(shape), events));
    let mut engine = E::new(shape);
    let start = processor_nanoseconds();
    let count = run(&mut engine, events);
    ((processor_nanoseconds() - start) / events.len() as f64, count)
}

fn processor_nanoseconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// What books cost in a band of 20,000 ticks that have nothing to do, or little, or much.
fn footprint() -> [Row; 5] {
    let band = PriceBand::new(Price(-5_000), Price(14_999)).expect("it is a band");
    let (idle, _book) = memory::held_by(|| Box::new(Book::<LongId>::new(band)));
    let (all_idle, _books) = memory::held_by(|| vec![Book::<LongId>::new(band); OPEN_SLOTS]);
    let (few, _book) = memory::held_by(|| filled(band, 10));
    let an_order_of = |orders: u32| memory::held_by(|| filled(band, orders)).0 as f64 / f64::from(orders);
    let bytes = |name: &str, ours: f64, limit: f64, target| Row::cost(name.into(), ours, limit, "bytes", target);
    [
        bytes("an idle book", idle as f64, KILOBYTE, Some(1.0)),
        bytes("200 idle books", all_idle as f64, OPEN_SLOTS as f64 * KILOBYTE, Some(1.0)),
        bytes("a book with 10 orders, against 20 bytes a tick", few as f64, 20_000.0 * 20.0, None),
        bytes("an order of 1,000 in a book, against its fields", an_order_of(1_000), ORDER_FIELDS, None),
        bytes("an order of 1,100 in a book, against its fields", an_order_of(1_100), ORDER_FIELDS, None),
    ]
}

/// A book with so many orders, one tick after the other.
fn filled(band: PriceBand, orders: u32) -> Box<Book<LongId>> {
    let mut book = Box::new(Book::new(band));
    for number in 0..orders {
        let side = if number < orders / 2 { Side::Buy } else { Side::Sell };
        let limit = Limit { trader: Trader(number), side, price: Price(number as i32), quantity: WattHours(500) };
        let (at, id) = (UtcMillis(number.into()), LongId::from_number(number));
        book.rest(Order { limit, at, id, expires_at: UtcMillis(u64::MAX) }).expect("it is a good order");
    }
    book
}
