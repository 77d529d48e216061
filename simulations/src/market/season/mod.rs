//! Homes trade day after day: they look at the market on the beat, quote, trade, and pay.
//!
//! A slot goes through the same stations as in a community of real nodes: it is quoted, from the autopilot's forecasts
//! before delivery and from what the meters counted afterwards; its gate closes; each home settles it with
//! [`node::protocol::settlement`](wattswap_node::protocol::settlement) and books it into its ledger. Left out is
//! the network: a quote is seen by all at once.
//!
//! A [`Season`] is given one slot after the other, holds those that are not settled yet, and tells what each came to.

pub mod account;
mod counts;
mod floor;
mod home;
pub mod input;
mod learner;
mod settle;
mod shift;
pub mod weeks;
pub mod worth;

use std::collections::VecDeque;
use std::time::Duration;

use rayon::prelude::*;
use wattswap_matching::{Book, PriceBand, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::autopilot::{self, DEFAULT_TRADE_AHEAD, Needs, Settings};
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::ids::MemberKey;

use self::account::{Account, Report};
use self::counts::{Counts, HomeCounts};
use self::floor::{Floor, Place};
pub use self::home::CONNECTION;
use self::home::{Home, connection};
use self::input::{Neighbourhood, SlotInput, Terms};
use self::learner::Learner;
pub use self::settle::{HomeOutcome, Outcome};
use self::settle::{Settler, Station};
use self::shift::{Done, Pilot, Shift, Watcher, looks};
use super::mechanism::Mechanism;
use super::strategies::Kind;
use crate::network::{Random, usual_shape};

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
    /// Decides at which moments of the beats each home looks, and what strategies draw.
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
    /// Every autopilot's; its prices are those of the slots.
    settings: Settings,
    first: Slot,
    beat: Duration,
    homes: Vec<Home>,
    counts: Counts,
    /// The homes that look at the market.
    watchers: Vec<Watcher>,
    learners: Vec<Learner>,
    /// Slots that are not settled yet and slots to come, without a gap.
    known: VecDeque<Known>,
    /// Their markets.
    floors: VecDeque<Floor>,
    /// The number of the first of them.
    first_known: usize,
    /// The number of the next slot that passes.
    next: usize,
    settler: Settler,
    account: Account,
}

/// Less is not worth a thread of its own.
const HOMES_AT_ONCE: usize = 64;

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
        let settings = Settings { on: true, trade_ahead: setting.trade_ahead, ..Settings::off(&setting.shape) };
        let mut season = Self {
            setting: setting.clone(),
            settings,
            first,
            beat,
            homes: Vec::with_capacity(strategies.len()),
            counts: Counts::new(first, account::slots_a_day(setting)),
            watchers: Vec::new(),
            learners: Vec::new(),
            known: VecDeque::new(),
            floors: VecDeque::new(),
            first_known: 0,
            next: 0,
            settler: Settler::new(strategies.len()),
            account: Account::new(strategies.len(), setting),
        };
        strategies.iter().for_each(|strategy| season.move_in(*strategy));
        season
    }

    /// One home more.
    fn move_in(&mut self, strategy: Kind) {
        let home = self.homes.len();
        let mut random = Random::new(self.setting.seed ^ (home as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let key = MemberKey(random.bytes());
        let trades = strategy != Kind::Passive;
        let relies = strategy == Kind::Autopilot && self.setting.trade_ahead > 0;
        self.homes.push(Home::new(trades, relies, key, &self.setting.shape));
        let own = autopilot::own_number(&key);
        if !trades || self.setting.mechanism != Mechanism::Continuous {
            return;
        }
        let pilot = match strategy {
            Kind::Autopilot => Pilot::Node,
            kind => {
                self.learners.push(Learner::new(home, kind, self.setting.band(), random));
                Pilot::Learner(self.learners.len() - 1)
            }
        };
        self.watchers.push(Watcher { home, own, pilot });
    }

    /// Makes the next slot known, with as many homes as there are, and lets the time pass for which enough is known by
    /// now. Slots are told when they are settled, in their order.
    pub fn push(&mut self, input: SlotInput, told: &mut Told<'_>) {
        assert_eq!(input.homes.len(), self.homes.len(), "all homes have a part in every slot");
        let number = self.end();
        let places = input.homes.iter().map(|terms| Place::new(terms.limits)).collect();
        let (is_traded, book) = (number >= self.setting.warm_up, Book::new(self.setting.band()));
        let (slot, gate) = (self.slot(number), self.setting.shape.gate(self.slot(number)));
        self.floors.push_back(Floor::new(slot, gate, is_traded, book, places));
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
        self.trade(number, from);
    }

    /// What all homes' meters show at the start of a slot, and so have counted in the one before.
    fn read_meters(&mut self, number: usize, at: UtcMillis) {
        let Some(last) = number.checked_sub(1) else {
            self.homes.iter_mut().for_each(|home| home.read(None, at));
            return;
        };
        let slot = self.slot(last);
        let Self { setting: Setting { shape, .. }, known, homes, .. } = self;
        let known = last.checked_sub(self.first_known).and_then(|last| known.get(last));
        let counted = homes.par_iter_mut().with_min_len(HOMES_AT_ONCE).enumerate().map(|(number, home)| {
            home.read(known.map(|known| known.terms[number].net), at);
            home.measured(slot, shape)
        });
        self.counts.add(counted.collect(), shape);
    }

    /// How many of the slots that are known are traded while this one is delivered.
    fn quoted(&self, number: usize) -> usize {
        let quoted = number - self.first_known + usize::from(self.setting.trade_ahead).max(1);
        quoted.min(self.floors.len())
    }

    /// All homes work out what they have to trade, and those who trade on forecasts what they rely on in the slot that
    /// begins.
    fn look_at_meters(&mut self, number: usize, now: UtcMillis) {
        let (quoted, current) = (self.quoted(number), number - self.first_known);
        let Self { homes, counts, floors, known, setting, .. } = self;
        let needs = |home| Needs::new(now, &setting.shape, counts.of(home));
        let needs: Vec<Needs<'_, HomeCounts<'_>>> = (0..homes.len()).map(needs).collect();
        let floors = &mut floors.make_contiguous()[..quoted];
        floors.par_iter_mut().for_each(|floor| floor.look_at_meters(&needs));
        if let (Some(known), Some(floor)) = (known.get_mut(current), floors.get(current)) {
            let forecasts =
                homes.iter().zip(&floor.places).map(|(home, place)| place.forecast().filter(|_| home.relies));
            known.forecasts = forecasts.collect();
        }
    }

    /// All homes trade for the time of one slot.
    fn trade(&mut self, number: usize, from: UtcMillis) {
        let quoted = self.quoted(number);
        let Self { setting: Setting { shape, beats, .. }, settings, beat, watchers, learners, account, .. } = self;
        let (looks, connection) = (looks(watchers, from, *beat, *beats), connection(shape));
        let shift = Shift { looks: &looks, shape, settings, connection };
        let floors = &mut self.floors.make_contiguous()[..quoted];
        let Done { wrote, quotes } = shift.pass(floors, learners);
        account.looks += wrote.len() as u64;
        account.quotes += quotes;
        for (look, _) in looks.iter().zip(wrote).filter(|(_, wrote)| *wrote) {
            account.wrote(look.home, number);
        }
        for trade in floors.iter_mut().flat_map(Floor::new_trades) {
            account.traded(trade.buyer as usize, trade.seller as usize, number);
        }
    }

    /// Settles the slots whose gate has closed and whose delivery was counted.
    fn close_gates(&mut self, now: UtcMillis, told: &mut Told<'_>) {
        while !self.known.is_empty() {
            let (number, slot, shape) = (self.first_known, self.slot(self.first_known), &self.setting.shape);
            if shape.gate(slot).max(shape.next(slot).start()) > now {
                break;
            }
            let known = self.known.pop_front().expect("there is one");
            let floor = self.floors.pop_front().expect("each has one");
            self.first_known += 1;
            if number < self.setting.warm_up {
                continue;
            }
            let counted = self.counts.of_slot(slot, shape).expect("its delivery is over");
            let station = Station { number, slot, known: &known, counted, setting: &self.setting };
            self.settler.settle(&station, floor.trades, &mut self.homes, &mut self.account, told);
        }
    }
}
