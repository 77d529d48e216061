//! A home that quotes by a strategy for each side, and only after delivery.

use wattswap_matching::{PriceBand, Side, UtcMillis, WattHours};
use wattswap_node::protocol::autopilot::{Live, Need, PriceLimits, Quote};
use wattswap_node::protocol::charter::Shape;

use super::floor::{Floor, Place, Wrote};
use crate::market::strategies::{Heard, Kind, Strategy, Trader, View};
use crate::network::Random;

/// Of one home.
pub(super) struct Learner {
    home: usize,
    kind: Kind,
    /// Made when the home first knows its limits.
    both: Option<Sides>,
    random: Random,
    /// Whether its strategies want to hear what others do.
    listens: bool,
    /// What it wants in each of the slots that it looks at.
    wanted: Vec<Option<Quote>>,
}

/// A home's two strategies, and its limits when it looked last.
struct Sides {
    buys: Box<dyn Strategy>,
    sells: Box<dyn Strategy>,
    buyer: Trader,
    seller: Trader,
}

impl Sides {
    fn new(kind: Kind, limits: PriceLimits, band: PriceBand, random: &mut Random) -> Self {
        let [buyer, seller] = traders(limits);
        Self { buys: kind.made(&buyer, band, random), sells: kind.made(&seller, band, random), buyer, seller }
    }
}

/// A home's limits as its two sides see them.
fn traders(limits: PriceLimits) -> [Trader; 2] {
    let (buy, sell) = (limits.buy_at_most, limits.sell_at_least);
    [Trader { side: Side::Buy, limit: buy, other: sell }, Trader { side: Side::Sell, limit: sell, other: buy }]
}

impl Learner {
    pub(super) fn new(home: usize, kind: Kind, band: PriceBand, random: Random) -> Self {
        let limits = PriceLimits { sell_at_least: band.floor(), buy_at_most: band.cap() };
        let listens = Sides::new(kind, limits, band, &mut random.clone()).buys.listens();
        Self { home, kind, both: None, random, listens, wanted: Vec::new() }
    }

    /// Looks at the market: first at all slots, then it does what it wants to. Whatever happens then, `all` hear of.
    pub(super) fn look(all: &mut [Self], number: usize, now: UtcMillis, shape: &Shape, floors: &mut [Floor]) -> Wrote {
        let is_quoted = |floor: &Floor| shape.next(floor.slot).start() <= now && now < floor.gate;
        let learner = &mut all[number];
        let home = learner.home;
        let mut wanted = std::mem::take(&mut learner.wanted);
        wanted.extend(floors.iter().filter(|floor| is_quoted(floor)).map(|floor| learner.quote(floor, now, shape)));
        let mut wrote = Wrote::default();
        for (floor, quote) in floors.iter_mut().filter(|floor| is_quoted(floor)).zip(wanted.drain(..)) {
            let place = &floor.places[home];
            if has_need(place) && !is_met(place, quote.as_ref()) {
                wrote = wrote.and(floor.requote(home, now, quote));
                Self::tell(all, floor);
            }
        }
        all[number].wanted = wanted;
        wrote
    }

    /// Tells all who listen what happened.
    pub(super) fn tell(all: &mut [Self], floor: &mut Floor) {
        if floor.heard.is_empty() {
            return;
        }
        for heard in floor.heard.drain(..) {
            let listeners = all.iter_mut().filter(|learner| learner.listens);
            listeners.for_each(|learner| learner.hear(&floor.places[learner.home], &heard));
        }
    }

    fn quote(&mut self, floor: &Floor, now: UtcMillis, shape: &Shape) -> Option<Quote> {
        let place = &floor.places[self.home];
        let Some(Need { net, is_counted: true }) = place.need else { return None };
        let (limits, random, band) = (place.limits(), &mut self.random, floor.book.band());
        let sides = self.both.get_or_insert_with(|| Sides::new(self.kind, limits, band, random));
        [sides.buyer, sides.seller] = traders(limits);
        let missing = net - (place.bought - place.sold);
        let (strategy, trader) = match missing.is_positive() {
            true => (&mut sides.buys, &sides.buyer),
            false => (&mut sides.sells, &sides.seller),
        };
        let price = strategy.quote(trader, &view(floor, now, shape), random);
        let quantity = WattHours(missing.0.abs());
        let (slot, side, expires_at) = (floor.slot, trader.side, floor.gate);
        price.filter(|_| quantity >= shape.smallest_fill).map(|price| Quote { slot, side, quantity, price, expires_at })
    }

    /// Something happened in a slot in which its home has this place.
    fn hear(&mut self, place: &Place, heard: &Heard) {
        let Some(Sides { buys, sells, buyer, seller }) = &mut self.both else { return };
        for (strategy, trader) in [(buys, &*buyer), (sells, &*seller)] {
            let active = place.live.is_some_and(|live| live.side == trader.side);
            strategy.hear(trader, active, heard, &mut self.random);
        }
    }
}

fn has_need(place: &Place) -> bool {
    place.need.is_some_and(|need| need.is_counted)
}

/// Whether what is quoted is what is wanted.
fn is_met(place: &Place, wanted: Option<&Quote>) -> bool {
    let same = |live: &Live<_>, quote: &Quote| {
        live.side == quote.side && live.price == quote.price && live.open == quote.quantity
    };
    match (&place.live, wanted) {
        (None, None) => true,
        (Some(live), Some(quote)) => same(live, quote),
        _ => false,
    }
}

fn view(floor: &Floor, now: UtcMillis, shape: &Shape) -> View {
    let (slot, delivered) = (floor.slot, shape.next(floor.slot).start());
    View {
        band: floor.book.band(),
        best_bid: floor.book.best(Side::Buy),
        best_ask: floor.book.best(Side::Sell),
        depth: floor.depth,
        elapsed: now.0 - delivered.0,
        whole: floor.gate.0 - delivered.0,
        round: u64::try_from(u128::from(slot.start().0) / shape.slot_length.as_millis()).expect("a slot's number"),
    }
}
