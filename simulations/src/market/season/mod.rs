//! Homes trade day after day: they look at the market on the beat, quote, trade, and pay.
//!
//! A slot goes through the same stations as in a community of real nodes: it is quoted, from the autopilot's forecasts
//! before delivery and from what the meters counted afterwards; its gate closes; each home settles it with
//! [`node::protocol::settlement`](wattswap_node::protocol::settlement) and books it into its ledger. Left out is
//! the network: a quote is seen by all at once.

pub mod account;
mod home;
pub mod input;
mod open;
pub mod weeks;
pub mod worth;

use std::collections::VecDeque;
use std::time::Duration;

use wattswap_matching::{Book, PriceBand, Side, Slot, UtcMillis};
use wattswap_node::protocol::autopilot::{self, Action, Quote};
use wattswap_node::protocol::charter::Shape;

use self::account::{Account, Report};
use self::home::{Home, OrderId};
use self::input::Neighbourhood;
use self::open::Open;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// How all homes quote. Only the autopilot has forecasts; all others trade after delivery.
    pub strategy: Kind,
    /// When they trade.
    pub when: When,
    /// For how many slots the autopilot trades on forecasts; its own default if nothing is said.
    pub trade_ahead: Option<u16>,
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
    pub fn usual(strategy: Kind, when: When) -> Self {
        let shape = usual_shape();
        let beats = shape.slot_length.as_millis() / autopilot::beat(&shape).as_millis();
        let beats = u32::try_from(beats).expect("a few in a slot");
        Self { strategy, when, trade_ahead: None, beats, warm_up: 0, seed: 1 }
    }

    /// The market's rules.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let usual = usual_shape();
        let slot = i64::try_from(usual.slot_length.as_millis()).expect("a quarter of an hour");
        match self.when {
            When::Ahead => Shape { gate_millis: -slot, ..usual },
            When::After | When::Both => usual,
        }
    }
}

/// Runs a season to its end.
#[must_use]
pub fn run(input: &Neighbourhood, setting: &Setting) -> Report {
    let mut season = Season::new(input, setting);
    for slot in 0..input.slots() {
        season.pass(slot);
    }
    season.finish()
}

struct Season<'i> {
    input: &'i Neighbourhood,
    warm_up: usize,
    shape: Shape,
    beat: Duration,
    beats: u32,
    homes: Vec<Home>,
    /// The homes in the order in which they look at the market in each beat.
    order: Vec<usize>,
    /// Books of the slots that are traded, without a gap.
    open: VecDeque<Open>,
    /// The number of the first of them.
    first_open: usize,
    account: Account,
    actions: Vec<Action<OrderId>>,
}

impl<'i> Season<'i> {
    fn new(input: &'i Neighbourhood, setting: &Setting) -> Self {
        let shape = setting.shape();
        let (warm_up, beats) = (setting.warm_up, setting.beats.max(1));
        let beat = shape.slot_length / beats;
        let home = |(number, home)| Home::new(number, home, setting, &shape, beat);
        let homes: Vec<Home> = input.homes.iter().enumerate().map(home).collect();
        let mut order: Vec<usize> = (0..homes.len()).collect();
        order.sort_by_key(|home| (homes[*home].offset, *home));
        let account = Account::new(homes.len(), input.slots().div_ceil(account::SLOTS_A_DAY) + 1);
        let (open, actions) = (VecDeque::new(), Vec::new());
        Self { input, warm_up, shape, beat, beats, homes, order, open, first_open: warm_up, account, actions }
    }

    fn slot(&self, number: usize) -> Slot {
        Slot(self.input.first.start().after(self.shape.slot_length * u32::try_from(number).expect("a season")))
    }

    fn number(&self, slot: Slot) -> usize {
        let millis = slot.start().since(self.input.first.start()).as_millis() / self.shape.slot_length.as_millis();
        usize::try_from(millis).expect("a season")
    }

    /// Lets the time of one slot pass.
    fn pass(&mut self, number: usize) {
        let from = self.slot(number).start();
        self.read_meters(number, from);
        self.close_gates(from);
        if number < self.warm_up {
            return;
        }
        for beat in 0..self.beats {
            let begins = from.after(self.beat * beat);
            for turn in 0..self.order.len() {
                let home = self.order[turn];
                self.look(home, begins.after(self.homes[home].offset), number);
            }
        }
    }

    /// What all homes' meters show at the start of a slot.
    fn read_meters(&mut self, number: usize, at: UtcMillis) {
        for (home, input) in self.homes.iter_mut().zip(&self.input.homes) {
            home.read(number.checked_sub(1).map(|last| input.net(last)), at);
            home.let_go(at, &self.shape);
        }
    }

    /// A home looks at the market, and does what it wants to.
    fn look(&mut self, number: usize, now: UtcMillis, today: usize) {
        let mut actions = std::mem::take(&mut self.actions);
        self.homes[number].plan(now, &self.shape, &self.open, &mut actions);
        self.account.looks += 1;
        let mut writes = false;
        for action in actions.drain(..) {
            match action {
                Action::Cancel(order) => writes |= self.cancel(number, order),
                Action::Place(quote) => writes |= self.place(number, now, &quote, today),
            }
        }
        if writes {
            self.account.wrote(number, today);
        }
        self.actions = actions;
    }

    fn cancel(&mut self, number: usize, order: OrderId) -> bool {
        self.homes[number].drop_order(order);
        let open = order.slot.checked_sub(self.first_open).and_then(|at| self.open.get_mut(at));
        open.is_some_and(|open| open.cancel(order))
    }

    /// Puts a quote into its book. Returns whether something of it rests, which the home writes down.
    fn place(&mut self, number: usize, now: UtcMillis, quote: &Quote, today: usize) -> bool {
        let slot = self.number(quote.slot);
        if slot < self.first_open || slot >= self.input.slots() {
            return false;
        }
        self.open_until(slot);
        self.account.quotes += 1;
        let open = &mut self.open[slot - self.first_open];
        let first = open.trades.len();
        let rests = open.submit(number, now, quote);
        let mut left = quote.quantity;
        for (trade, resting) in &open.trades[first..] {
            left -= trade.quantity;
            let maker = if quote.side == Side::Buy { trade.seller } else { trade.buyer } as usize;
            self.homes[number].filled(quote.slot, quote.side, trade.quantity);
            self.homes[maker].filled(quote.slot, quote.side.opposite(), trade.quantity);
            self.homes[maker].order_filled(quote.slot, *resting, trade.quantity);
            self.account.traded(number, maker, today);
        }
        if let Some(order) = rests {
            self.homes[number].keep(quote, order, left);
        }
        for heard in open.heard.drain(..) {
            self.homes.iter_mut().for_each(|home| home.hear(quote.slot, &heard));
        }
        rests.is_some()
    }

    /// Opens the books up to this slot.
    fn open_until(&mut self, slot: usize) {
        while self.first_open + self.open.len() <= slot {
            let next = self.first_open + self.open.len();
            let band = PriceBand::new(self.shape.floor, self.shape.cap).expect("a charter's band");
            self.open.push_back(Open::new(next, self.slot(next), Book::new(band)));
        }
    }

    /// Settles the slots whose gate has closed and whose delivery was counted.
    fn close_gates(&mut self, now: UtcMillis) {
        while self.first_open < self.input.slots() {
            let slot = self.slot(self.first_open);
            if self.shape.gate(slot).max(self.shape.next(slot).start()) > now {
                break;
            }
            let open = self.open.pop_front();
            let trades = open.iter().flat_map(|open| &open.trades).map(|(trade, _)| trade);
            self.account.settle(self.first_open, slot, trades, &mut self.homes, self.input, &self.shape);
            self.first_open += 1;
        }
    }

    fn finish(mut self) -> Report {
        let slots = self.input.slots();
        self.read_meters(slots, self.slot(slots).start());
        self.close_gates(UtcMillis(u64::MAX));
        self.account.report(&self.homes, slots.saturating_sub(self.warm_up))
    }
}
