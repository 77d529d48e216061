//! The market of one slot: its book, and what each home has to trade, has traded and has quoted in it.
//!
//! Slots know nothing of each other, so they can be traded side by side. What a look at the market touches lies together:
//! a home's [`Place`] is a line of the processor's cache, and the places of a slot are a list.

use wattswap_matching::{Book, Handle, Limit, Order, Side, Slot, Trader, UtcMillis, WattHours, auction};
use wattswap_node::protocol::autopilot::{
    Action, Depth, Live, Need, Needs, Position, PriceLimits, Quote, Situation, Watch,
};

use super::counts::HomeCounts;
use crate::market::mechanism::Trade;
use crate::market::strategies::Heard;

/// One slot's market.
#[derive(Debug)]
pub(super) struct Floor {
    /// Its name.
    pub(super) slot: Slot,
    /// When it closes.
    pub(super) gate: UtcMillis,
    /// Whether anybody may trade in it.
    pub(super) is_traded: bool,
    /// The production book; orders are named by their count.
    pub(super) book: Book<u64>,
    next: u64,
    /// What is open in the book.
    pub(super) depth: Depth,
    /// Of each home.
    pub(super) places: Vec<Place>,
    /// What each home's forecast for the slot owes to the days before.
    habits: Vec<Option<WattHours>>,
    /// All trades.
    pub(super) trades: Vec<Trade>,
    /// So many of them have been asked for.
    counted: usize,
    /// What nobody has been told of yet.
    pub(super) heard: Vec<Heard>,
}

/// What a home has in a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its price limits.
    limits: PriceLimits,
    /// What it has to trade, since its meter was read last.
    pub(super) need: Option<Need>,
    pub(super) bought: WattHours,
    pub(super) sold: WattHours,
    /// Its order in the book: everybody has one at a time.
    pub(super) live: Option<Live<Handle>>,
}

/// What a home's autopilot sees.
struct Desk<'f> {
    place: &'f Place,
    depth: Depth,
}

impl Situation for Desk<'_> {
    type Id = Handle;

    fn position(&self, _: Slot) -> Position<'_, Handle> {
        let Place { bought, sold, live, .. } = self.place;
        Position { bought: *bought, sold: *sold, live: live.as_slice(), ..Position::default() }
    }

    fn need(&self, _: Slot) -> Option<Need> {
        self.place.need
    }

    fn depth(&self, _: Slot) -> Depth {
        self.depth
    }

    fn limits(&self, _: Slot) -> PriceLimits {
        self.place.limits
    }
}

impl Place {
    pub(super) fn new(limits: PriceLimits) -> Self {
        Self { limits, need: None, bought: WattHours::ZERO, sold: WattHours::ZERO, live: None }
    }

    pub(super) fn limits(&self) -> PriceLimits {
        self.limits
    }

    /// The net energy that it relies on before delivery.
    pub(super) fn forecast(&self) -> Option<WattHours> {
        self.need.filter(|need| !need.is_counted).map(|need| need.net)
    }

    /// A trade of its own.
    fn filled(&mut self, side: Side, quantity: WattHours) {
        match side {
            Side::Buy => self.bought += quantity,
            Side::Sell => self.sold += quantity,
        }
    }

    /// What of its resting order was taken.
    fn order_filled(&mut self, quantity: WattHours) {
        self.live.iter_mut().for_each(|live| live.open -= quantity);
        self.live = self.live.filter(|live| live.open.is_positive());
    }
}

impl Floor {
    pub(super) fn new(slot: Slot, gate: UtcMillis, is_traded: bool, book: Book<u64>, places: Vec<Place>) -> Self {
        let (depth, habits, trades, heard) = (Depth::default(), Vec::new(), Vec::new(), Vec::new());
        Self { slot, gate, is_traded, book, next: 0, depth, places, habits, trades, counted: 0, heard }
    }

    /// The trades since it was asked for them last.
    pub(super) fn new_trades(&mut self) -> &[Trade] {
        let new = std::mem::replace(&mut self.counted, self.trades.len());
        &self.trades[new..]
    }

    /// All homes work out what they have to trade, by what their meters say: until those are read again nothing of that
    /// changes. What was counted stays, since readings come in their order, and so do habits.
    pub(super) fn look_at_meters(&mut self, needs: &[Needs<'_, HomeCounts<'_>>]) {
        let slot = self.slot;
        if self.habits.is_empty() {
            self.habits.extend(needs.iter().map(|needs| needs.habit(slot)));
        }
        for ((place, needs), habit) in self.places.iter_mut().zip(needs).zip(&self.habits) {
            if !place.need.is_some_and(|need| need.is_counted) {
                place.need = needs.with_habit(slot, || *habit);
            }
        }
    }

    /// A home's autopilot looks at the market, and does what it wants to.
    #[inline]
    pub(super) fn look(
        &mut self,
        home: usize,
        now: UtcMillis,
        watch: &Watch<'_>,
        actions: &mut Vec<Action<Handle>>,
    ) -> Wrote {
        if self.gate <= now {
            return Wrote::default();
        }
        let desk = Desk { place: &self.places[home], depth: self.depth };
        watch.look(now, &desk, actions);
        if actions.is_empty() {
            return Wrote::default();
        }
        actions.drain(..).fold(Wrote::default(), |wrote, action| match action {
            Action::Cancel(order) => wrote.and(self.cancel(home, order)),
            Action::Place(quote) => wrote.and(self.place(home, now, &quote)),
        })
    }

    /// Withdraws a home's order, if it has one, and puts this quote in its place.
    pub(super) fn requote(&mut self, home: usize, now: UtcMillis, quote: Option<Quote>) -> Wrote {
        let live = self.places[home].live;
        let cancelled = live.map_or(Wrote::default(), |live| self.cancel(home, live.id));
        quote.map_or(cancelled, |quote| cancelled.and(self.place(home, now, &quote)))
    }

    fn cancel(&mut self, home: usize, order: Handle) -> Wrote {
        self.places[home].live = None;
        let Some(resting) = self.book.resting(order) else { return Wrote::default() };
        let left = self.book.cancel(order).expect("it rests");
        *side_of(&mut self.depth, resting.limit.side) -= left;
        Wrote { anything: true, quotes: 0 }
    }

    /// Lets a home's quote take what it crosses, and the rest of it rest, which the home writes down.
    fn place(&mut self, home: usize, now: UtcMillis, quote: &Quote) -> Wrote {
        if !self.is_traded {
            return Wrote::default();
        }
        let trader = Trader(u32::try_from(home).expect("homes are counted by u32"));
        let Quote { side, price, quantity, expires_at, .. } = *quote;
        self.next += 1;
        let limit = Limit { trader, side, price, quantity };
        let order = Order { limit, at: now, id: self.next, expires_at };
        let mut left = quantity;
        let (trades, heard, places) = (&mut self.trades, &mut self.heard, &mut self.places);
        let rests = auction::submit(&mut self.book, order, now, |made| {
            let (buyer, seller) = match side {
                Side::Buy => (trader.0, made.counterparty.0),
                Side::Sell => (made.counterparty.0, trader.0),
            };
            left -= made.quantity;
            let maker = &mut places[made.counterparty.0 as usize];
            maker.filled(side.opposite(), made.quantity);
            maker.order_filled(made.quantity);
            trades.push(Trade { buyer, seller, price: made.price, quantity: made.quantity });
            heard.push(Heard { side, price: made.price, traded: true });
        });
        let rests = rests.expect("quotes keep the market's rules");
        *side_of(&mut self.depth, side.opposite()) -= quantity - left;
        let place = &mut self.places[home];
        place.filled(side, quantity - left);
        if let Some(id) = rests {
            *side_of(&mut self.depth, side) += left;
            self.heard.push(Heard { side, price, traded: false });
            place.live = Some(Live { id, side, price, open: left });
        }
        Wrote { anything: rests.is_some(), quotes: 1 }
    }
}

/// What a home did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wrote {
    /// Whether it wrote anything down.
    pub(super) anything: bool,
    /// Its quotes.
    pub(super) quotes: u64,
}

impl Wrote {
    pub(super) fn and(self, other: Self) -> Self {
        Self { anything: self.anything | other.anything, quotes: self.quotes + other.quotes }
    }
}

fn side_of(depth: &mut Depth, side: Side) -> &mut WattHours {
    match side {
        Side::Buy => &mut depth.bids,
        Side::Sell => &mut depth.asks,
    }
}
