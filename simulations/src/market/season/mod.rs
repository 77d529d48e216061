//! Homes trade day after day: they look at the market on the beat, quote, trade, and pay.
//!
//! A slot goes through the same stations as in a community of real nodes: it is quoted, from the autopilot's forecasts
//! before delivery and from what the meters counted afterwards; its gate closes; each home settles it with
//! [`node::protocol::settlement`](wattswap_node::protocol::settlement) and books it into its ledger. Left out is
//! the network: a quote is seen by all at once.
//!
//! A [`Season`] is given one slot after the other, holds those that are not settled yet, and tells what each came to.

pub mod account;
mod home;
pub mod input;
mod open;
mod settle;
pub mod weeks;
pub mod worth;

use std::collections::VecDeque;
use std::time::Duration;

use rayon::prelude::*;
use wattswap_matching::{Book, PriceBand, Side, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::autopilot::{self, Action, DEFAULT_TRADE_AHEAD, Quote};
use wattswap_node::protocol::charter::Shape;

use self::account::{Account, Report};
pub use self::home::CONNECTION;
use self::home::{Home, OrderId};
use self::input::{Neighbourhood, SlotInput, Terms};
use self::open::Open;
pub use self::settle::{HomeOutcome, Outcome};
use self::settle::{Settler, Station};
use super::mechanism::Mechanism;
use super::strategies::Kind;
use crate::network::usual_shape;

/// When homes trade a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Only before delivery, on forecasts; the gate closes when delivery starts.
    Ahead,
    /// Only after delivery, what the meters counted, until the gate an hour later.
    After,
    /// On forecasts first, and the rest afterwards.
    Both,
}

/// How a season is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The market's rules.
    pub shape: Shape,
    /// How buyers find sellers.
    pub mechanism: Mechanism,
    /// For how many slots the autopilot trades on forecasts. All others trade after delivery.
    pub trade_ahead: u16,
    /// How often a home looks at the market in the time of a slot.
    pub beats: u32,
    /// Slots at the beginning in which homes only count: the forecasts' yesterdays.
    pub warm_up: usize,
    /// Decides at which moment of the beat each home looks, and what strategies draw.
    pub seed: u64,
}

impl Setting {
    /// How homes usually trade.
    #[must_use]
    pub fn usual(when: When) -> Self {
        Self::with(usual_shape(), when)
    }

    /// How homes usually trade under such rules; the gate closes as `when` needs it.
    #[must_use]
    pub fn with(shape: Shape, when: When) -> Self {
        let slot = i64::try_from(shape.slot_length.as_millis()).expect("an hour at the most");
        let gate_millis = if when == When::Ahead { -slot } else { shape.gate_millis };
        let shape = Shape { gate_millis, ..shape };
        let beats = shape.slot_length.as_millis() / autopilot::beat(&shape).as_millis();
        let beats = u32::try_from(beats).expect("a few in a slot");
        let trade_ahead = if when == When::After { 0 } else { DEFAULT_TRADE_AHEAD };
        Self { shape, mechanism: Mechanism::Continuous, trade_ahead, beats, warm_up: 0, seed: 1 }
    }

    fn band(&self) -> PriceBand {
        PriceBand::new(self.shape.floor, self.shape.cap).expect("a charter's band")
    }
}

/// Runs a season that is known beforehand, in which all homes quote alike.
#[must_use]
pub fn run(input: &Neighbourhood, strategy: Kind, setting: &Setting) -> Report {
    let mut season = Season::new(setting, input.first, &vec![strategy; input.homes.len()]);
    for slot in 0..input.slots() {
        season.push(input.slot(slot, &setting.shape), &mut |_| {});
    }
    season.finish(&mut |_| {})
}

/// Homes that trade. See the module's text.
pub struct Season {
    setting: Setting,
    first: Slot,
    beat: Duration,
    homes: Vec<Home>,
    /// The homes that look at the market, in the order in which they do so in each beat.
    order: Vec<usize>,
    /// The homes whose strategies learn from what others do.
    listeners: Vec<usize>,
    /// Slots that are not settled yet and slots to come, without a gap.
    known: VecDeque<Known>,
    /// Books of those of them that are traded, from the first one on.
    open: VecDeque<Open>,
    /// The number of the first of them.
    first_known: usize,
    /// The number of the next slot that passes.
    next: usize,
    settler: Settler,
    account: Account,
    actions: Vec<Action<OrderId>>,
}

/// A slot that is not settled yet.
struct Known {
    terms: Vec<Terms>,
    /// What each home relied on when its delivery began.
    forecasts: Vec<Option<WattHours>>,
}

/// Is told what a slot came to.
pub type Told<'t> = dyn FnMut(&Outcome<'_>) + 't;

impl Season {
    /// Homes with these strategies before their first slot.
    #[must_use]
    pub fn new(setting: &Setting, first: Slot, strategies: &[Kind]) -> Self {
        let beat = setting.shape.slot_length / setting.beats.max(1);
        let home = |(number, strategy): (usize, &Kind)| Home::new(number, *strategy, setting, beat);
        let homes: Vec<Home> = strategies.iter().enumerate().map(home).collect();
        let mut order: Vec<usize> = match setting.mechanism {
            Mechanism::Continuous => (0..homes.len()).filter(|home| homes[*home].trades).collect(),
            Mechanism::None | Mechanism::Call => Vec::new(),
        };
        order.sort_by_key(|home| (homes[*home].offset, *home));
        let listeners = (0..homes.len()).filter(|home| homes[*home].listens(setting.band())).collect();
        let account = Account::new(homes.len(), setting);
        let (settler, setting) = (Settler::new(homes.len()), setting.clone());
        let (known, open, actions) = (VecDeque::new(), VecDeque::new(), Vec::new());
        Self {
            setting,
            first,
            beat,
            homes,
            order,
            listeners,
            known,
            open,
            first_known: 0,
            next: 0,
            settler,
            account,
            actions,
        }
    }

    /// Makes the next slot known, with as many homes as there are, and lets the time pass for which enough is known by
    /// now. Slots are told when they are settled, in their order.
    pub fn push(&mut self, input: SlotInput, told: &mut Told<'_>) {
        assert_eq!(input.homes.len(), self.homes.len(), "all homes have a part in every slot");
        self.homes.iter_mut().zip(&input.homes).for_each(|(home, terms)| home.limits.push_back(terms.limits));
        self.known.push_back(Known { terms: input.homes, forecasts: Vec::new() });
        // Who trades ahead knows its tariffs that far.
        if self.end() > self.next + usize::from(self.setting.trade_ahead) + 1 {
            self.pass(told);
        }
    }

    /// Lets the rest of the time pass, until the last gate has closed. Nothing is delivered after the last slot.
    #[must_use]
    pub fn finish(mut self, told: &mut Told<'_>) -> Report {
        let traded = self.end().saturating_sub(self.setting.warm_up);
        while !self.known.is_empty() {
            self.pass(told);
        }
        self.account.report(&mut self.homes, traded)
    }

    /// The number of the first slot that is not known.
    fn end(&self) -> usize {
        self.first_known + self.known.len()
    }

    fn slot(&self, number: usize) -> Slot {
        Slot(self.first.start().after(self.setting.shape.slot_length * u32::try_from(number).expect("a season")))
    }

    fn number(&self, slot: Slot) -> usize {
        let since = slot.start().since(self.first.start()).as_millis();
        usize::try_from(since / self.setting.shape.slot_length.as_millis()).expect("a season")
    }

    /// Lets the time of one slot pass.
    fn pass(&mut self, told: &mut Told<'_>) {
        let (number, from) = (self.next, self.slot(self.next).start());
        self.next += 1;
        self.read_meters(number, from);
        self.close_gates(from, told);
        if number < self.setting.warm_up {
            return;
        }
        self.look_at_meters(number, from);
        for beat in 0..self.setting.beats {
            let begins = from.after(self.beat * beat);
            for turn in 0..self.order.len() {
                let home = self.order[turn];
                self.look(home, begins.after(self.homes[home].offset), number);
            }
        }
    }

    /// What all homes' meters show at the start of a slot.
    fn read_meters(&mut self, number: usize, at: UtcMillis) {
        let last = number.checked_sub(self.first_known + 1).and_then(|last| self.known.get(last));
        for (number, home) in self.homes.iter_mut().enumerate() {
            home.read(last.map(|known| known.terms[number].net), at);
        }
    }

    /// All homes work out what they have to trade, and those who trade on forecasts what they rely on in the slot that
    /// begins. What a home finds is its own, so they do it side by side.
    fn look_at_meters(&mut self, number: usize, now: UtcMillis) {
        let (first, shape) = (self.slot(self.first_known), &self.setting.shape);
        let current = number - self.first_known;
        let slots = self.known.len().min(current + usize::from(self.setting.trade_ahead) + 1);
        self.homes.par_iter_mut().for_each(|home| home.look_at_meters(now, shape, first, slots));
        let forecasts = self.homes.iter().map(|home| home.forecast(current)).collect();
        if let Some(known) = self.known.get_mut(current) {
            known.forecasts = forecasts;
        }
    }

    /// A home looks at the market, and does what it wants to.
    fn look(&mut self, number: usize, now: UtcMillis, today: usize) {
        let mut actions = std::mem::take(&mut self.actions);
        let first = self.slot(self.first_known);
        self.homes[number].plan(now, &self.setting.shape, first, &self.open, &mut actions);
        self.account.looks += 1;
        let mut writes = false;
        for action in actions.drain(..) {
            match action {
                Action::Cancel(order) => writes |= self.cancel(number, order),
                Action::Place(quote) => writes |= self.place(number, now, &quote),
            }
        }
        if writes {
            self.account.wrote(number, today);
        }
        self.actions = actions;
    }

    fn cancel(&mut self, number: usize, order: OrderId) -> bool {
        let Some(at) = order.slot.checked_sub(self.first_known) else { return false };
        self.homes[number].drop_order(at, order);
        self.open.get_mut(at).is_some_and(|open| open.cancel(order))
    }

    /// Puts a quote into its book. Returns whether something of it rests, which the home writes down.
    fn place(&mut self, number: usize, now: UtcMillis, quote: &Quote) -> bool {
        let slot = self.number(quote.slot);
        if slot < self.first_known.max(self.setting.warm_up) || slot >= self.end() {
            return false;
        }
        self.open_until(slot);
        self.account.quotes += 1;
        let today = self.next - 1;
        let at = slot - self.first_known;
        let open = &mut self.open[at];
        let first = open.trades.len();
        let rests = open.submit(number, now, quote);
        let mut left = quote.quantity;
        for (trade, resting) in &open.trades[first..] {
            left -= trade.quantity;
            let maker = if quote.side == Side::Buy { trade.seller } else { trade.buyer } as usize;
            self.homes[number].filled(at, quote.side, trade.quantity);
            self.homes[maker].filled(at, quote.side.opposite(), trade.quantity);
            self.homes[maker].order_filled(at, *resting, trade.quantity);
            self.account.traded(number, maker, today);
        }
        if let Some(order) = rests {
            self.homes[number].keep(at, quote, order, left);
        }
        for heard in open.heard.drain(..) {
            self.listeners.iter().for_each(|home| self.homes[*home].hear(at, &heard));
        }
        rests.is_some()
    }

    /// Opens the books up to this slot.
    fn open_until(&mut self, slot: usize) {
        while self.first_known + self.open.len() <= slot {
            let next = self.first_known + self.open.len();
            self.open.push_back(Open::new(next, self.slot(next), Book::new(self.setting.band())));
        }
    }

    /// Settles the slots whose gate has closed and whose delivery was counted.
    fn close_gates(&mut self, now: UtcMillis, told: &mut Told<'_>) {
        while !self.known.is_empty() {
            let (number, slot, shape) = (self.first_known, self.slot(self.first_known), &self.setting.shape);
            if shape.gate(slot).max(shape.next(slot).start()) > now {
                break;
            }
            let (known, open) = (self.known.pop_front().expect("there is one"), self.open.pop_front());
            self.first_known += 1;
            self.homes.iter_mut().for_each(Home::let_go);
            if number < self.setting.warm_up {
                continue;
            }
            let trades = open.iter().flat_map(|open| &open.trades).map(|(trade, _)| *trade);
            let station = Station { number, slot, known: &known, setting: &self.setting };
            self.settler.settle(&station, trades, &mut self.homes, &mut self.account, told);
        }
    }
}
