//! The economists' setting: buyers with values, sellers with costs, who meet in one book and trade unit by unit.
//!
//! The kind of market of Gode and Sunder, "Allocative Efficiency of Markets with Zero-Intelligence Traders", Journal of
//! Political Economy 101 (1993); their own value tables are not used. Stated in full:
//!
//! - All have the same number of units. Values of the buyers and costs of the sellers, one for each unit, are drawn
//!   once per session, uniformly and independently, from [`LIMITS`]; the band of prices goes from 1 to 200. A trader
//!   deals in its units one by one, the most valuable or the cheapest first.
//! - A period begins with all units and an empty book. One quote after the other: a trader is drawn, each as likely as
//!   the other, from those who have a unit left; its strategy names a price for the next one; its earlier quote is
//!   withdrawn; what crosses trades at the price of the quote that rested.
//! - After a trade the book is cleared (as in that paper), unless the setting says otherwise.
//! - A period ends after a number of quotes per trader, or when nobody who is left could trade with a gain.
//! - Strategies keep what they have learned from period to period; nothing else goes over.

use wattswap_matching::{Book, Handle, Limit, Order, Price, PriceBand, Side, UtcMillis, WattHours, auction};
use wattswap_node::protocol::autopilot::Depth;

use super::mechanism::optimum::{MeritOrder, Optimum};
use super::mechanism::{gain, share};
use super::strategies::{Heard, Kind, Strategy, Trader, View};
use crate::network::Random;

/// Least and greatest value and cost, in ticks.
pub const LIMITS: (u64, u64) = (10, 190);
/// What is dealt in: with one watt-hour, a price is what it is worth.
const UNIT: WattHours = WattHours(1);
const NEVER: UtcMillis = UtcMillis(u64::MAX);

/// A session: the same traders for some periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// How all traders quote.
    pub strategy: Kind,
    /// Those who buy.
    pub buyers: u32,
    /// Those who sell.
    pub sellers: u32,
    /// Units that each has in a period.
    pub units: u32,
    /// Periods, each with new units.
    pub periods: u32,
    /// Quotes in a period, per trader, at the most.
    pub quotes: u64,
    /// Whether a trade clears the book.
    pub clears: bool,
    /// Decides values, costs, who quotes when, and what strategies draw.
    pub seed: u64,
}

impl Setting {
    /// As Gode and Sunder had it: twelve traders with a few units each.
    #[must_use]
    pub fn usual(strategy: Kind, seed: u64) -> Self {
        Self { strategy, buyers: 6, sellers: 6, units: 4, periods: 6, quotes: 200, clears: true, seed }
    }
}

/// What a period came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The most that it could.
    pub optimum: Optimum,
    /// Surplus of the trades.
    pub surplus: i64,
    /// Units traded.
    pub volume: i64,
    /// Smith's alpha in hundredths of a per cent: root of the mean square difference of the prices from the equilibrium
    /// price, as a share of that. None if nobody traded or could.
    pub alpha: Option<i64>,
    /// Quotes that were made.
    pub quotes: u64,
}

impl Period {
    /// Surplus in hundredths of a per cent of the optimum; none where there is nothing to gain.
    #[must_use]
    pub fn surplus_share(&self) -> Option<i64> {
        share(self.surplus, self.optimum.surplus)
    }
}

/// Runs a session; one result for each period.
#[must_use]
pub fn run(setting: &Setting) -> Vec<Period> {
    let mut session = Session::new(*setting);
    (0..setting.periods).map(|period| session.period(period)).collect()
}

struct Person {
    /// With the limit of the next unit.
    trader: Trader,
    strategy: Box<dyn Strategy>,
    /// Of all its units, the best first.
    limits: Vec<Price>,
    /// Units that it has dealt in.
    dealt: usize,
    quote: Option<Handle>,
}

struct Session {
    setting: Setting,
    band: PriceBand,
    people: Vec<Person>,
    random: Random,
    merit: MeritOrder,
}

/// Sums of a period.
#[derive(Default)]
struct Tally {
    surplus: i64,
    volume: i64,
    squares: i128,
}

impl Person {
    fn begin(&mut self) {
        (self.dealt, self.quote, self.trader.limit) = (0, None, self.limits[0]);
    }

    fn has_unit(&self) -> bool {
        self.dealt < self.limits.len()
    }

    /// It has dealt in a unit; the next one has a limit of its own.
    fn deal(&mut self) {
        (self.dealt, self.quote) = (self.dealt + 1, None);
        self.trader.limit = self.limits.get(self.dealt).copied().unwrap_or(self.trader.limit);
    }
}

/// What a trader's units are worth to it, or cost it, the best first.
fn endowment(side: Side, units: u32, random: &mut Random) -> Vec<Price> {
    let mut draw = || Price(i32::try_from(random.between(LIMITS.0, LIMITS.1)).expect("hundreds"));
    let mut limits: Vec<Price> = (0..units).map(|_| draw()).collect();
    limits.sort_unstable();
    if side == Side::Buy {
        limits.reverse();
    }
    limits
}

impl Session {
    fn new(setting: Setting) -> Self {
        let band = PriceBand::new(Price(1), Price(200)).expect("200 prices");
        let mut random = Random::new(setting.seed);
        let sides = (0..setting.buyers).map(|_| Side::Buy).chain((0..setting.sellers).map(|_| Side::Sell));
        let units = setting.units.max(1);
        let endowed: Vec<(Side, Vec<Price>)> = sides.map(|side| (side, endowment(side, units, &mut random))).collect();
        let person = |(side, limits): (Side, Vec<Price>)| {
            let other = if side == Side::Buy { band.floor() } else { band.cap() };
            let trader = Trader { side, limit: limits[0], other };
            let strategy = setting.strategy.made(&trader, band, &mut random);
            Person { trader, strategy, limits, dealt: 0, quote: None }
        };
        let people = endowed.into_iter().map(person).collect();
        Self { setting, band, people, random, merit: MeritOrder::default() }
    }

    fn period(&mut self, round: u32) -> Period {
        for person in &mut self.people {
            person.begin();
        }
        let optimum = self.merit.optimum(limits(&self.people));
        let (mut book, mut tally) = (Book::new(self.band), Tally::default());
        let whole = self.setting.quotes * self.people.len() as u64;
        let mut quotes = 0;
        while quotes < whole && self.can_gain() {
            let view = self.view(&book, quotes, whole, round);
            self.quote(&mut book, &view, quotes, optimum, &mut tally);
            quotes += 1;
        }
        Period { optimum, surplus: tally.surplus, volume: tally.volume, alpha: tally.alpha(&optimum), quotes }
    }

    /// Whether any two who are left could trade with a gain.
    fn can_gain(&self) -> bool {
        let left =
            |side| self.people.iter().filter(move |p| p.has_unit() && p.trader.side == side).map(|p| p.trader.limit);
        left(Side::Buy).max().zip(left(Side::Sell).min()).is_some_and(|(value, cost)| value > cost)
    }

    fn view(&self, book: &Book<u64>, elapsed: u64, whole: u64, round: u32) -> View {
        let open = |side| book.orders(side).map(|(_, order)| order.limit.quantity).sum();
        let depth = Depth { bids: open(Side::Buy), asks: open(Side::Sell) };
        let (best_bid, best_ask) = (book.best(Side::Buy), book.best(Side::Sell));
        View { band: self.band, best_bid, best_ask, depth, elapsed, whole, round: round.into() }
    }

    /// One of those who still have their unit quotes.
    fn quote(&mut self, book: &mut Book<u64>, view: &View, id: u64, optimum: Optimum, tally: &mut Tally) {
        let active: Vec<usize> = (0..self.people.len()).filter(|at| self.people[*at].has_unit()).collect();
        let number = active[self.random.index(active.len())];
        let person = &mut self.people[number];
        let side = person.trader.side;
        let Some(price) = person.strategy.quote(&person.trader, view, &mut self.random) else { return };
        assert!(side.accepts(person.trader.limit, price), "a strategy quotes beyond its limit");
        if let Some(handle) = person.quote.take() {
            book.cancel(handle).expect("a quote that is kept rests");
        }
        let limit = Limit { trader: trader_of(number), side, price, quantity: UNIT };
        let order = Order { limit, at: UtcMillis(id), id, expires_at: NEVER };
        let mut made = None;
        let rests = auction::submit(book, order, UtcMillis(id), |trade| made = Some((trade.counterparty, trade.price)));
        self.people[number].quote = rests.expect("prices of the band, one unit");
        if let Some((counterparty, paid)) = made {
            for party in [number, counterparty.0 as usize] {
                let person = &mut self.people[party];
                tally.surplus += gain(person.trader.side, person.trader.limit, UNIT);
                person.deal();
            }
            tally.volume += 1;
            let off = optimum.price().map_or(0, |price| i128::from(paid.0 - price.0));
            tally.squares += off * off;
            if self.setting.clears {
                *book = Book::new(self.band);
                self.people.iter_mut().for_each(|person| person.quote = None);
            }
        }
        let heard = Heard { side, price: made.map_or(price, |(_, paid)| paid), traded: made.is_some() };
        for person in self.people.iter_mut().filter(|person| person.strategy.listens()) {
            person.strategy.hear(&person.trader, person.has_unit(), &heard, &mut self.random);
        }
    }
}

impl Tally {
    fn alpha(&self, optimum: &Optimum) -> Option<i64> {
        let equilibrium = u128::try_from(optimum.price()?.0).ok().filter(|price| *price > 0)?;
        let volume = u128::try_from(self.volume).ok().filter(|volume| *volume > 0)?;
        // The root in hundredths of a tick.
        let spread = (u128::try_from(self.squares).ok()? * 10_000 / volume).isqrt();
        i64::try_from(spread * 100 / equilibrium).ok()
    }
}

fn trader_of(number: usize) -> wattswap_matching::Trader {
    wattswap_matching::Trader(u32::try_from(number).expect("traders are counted by u32"))
}

fn limits(people: &[Person]) -> impl Iterator<Item = Limit> {
    people.iter().enumerate().flat_map(|(number, person)| {
        let (trader, side) = (trader_of(number), person.trader.side);
        person.limits.iter().map(move |price| Limit { trader, side, price: *price, quantity: UNIT })
    })
}
