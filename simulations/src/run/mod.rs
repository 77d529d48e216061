//! A scenario, from its first slot to its last.
//!
//! The homes' devices make flows of what they need and yield; the market trades them; each slot is settled. What a slot
//! came to is a [`record::SettledSlot`], which is told to observers, in the order of delivery: those that add it up,
//! write it down, or look at what it does to the wires. An observer changes nothing.

mod homes;
mod local;
pub mod record;
mod rules;
pub mod tables;

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use jiff::civil::Date;
use wattswap_matching::{PriceBand, Slot};
use wattswap_node::protocol::settlement::Tariff;

use self::homes::{Homes, Made};
use self::local::Local;
use self::record::{HomeSlot, Observer, SettledSlot};
use self::rules::Rules;
use crate::devices::Flows;
use crate::homes::Community;
use crate::market::mechanism::optimum::Optimum;
use crate::market::mechanism::{self, TickWattHours, Trade};
use crate::market::season::account::Report;
use crate::market::season::input::{SlotInput, Terms};
use crate::market::season::{CONNECTION, Outcome, Season, Setting, When};
use crate::market::strategies::Kind;
use crate::scenario::Document;
use crate::scenario::document::{Mechanism, Strategy, TradingTime};

/// Why a scenario can't be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CantRun {
    /// A home would need a cable of its own.
    #[error(
        "{home} draws or feeds in more than {} kW on {date}, in slot {of_day} of the day: check the unit of its data",
        CONNECTION.0 / 1_000
    )]
    TooMuch {
        /// Which.
        home: String,
        /// On which local day.
        date: Date,
        /// In which of its slots, from 0.
        of_day: usize,
    },
    /// Prices are counted in ticks.
    #[error(
        "between the lowest and the highest price there are more than {} ticks: write a larger market.tick_eur_per_kwh",
        PriceBand::MOST_TICKS
    )]
    TooManyTicks,
}

/// What a run came to as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The market.
    pub market: Report,
    /// Plans of batteries and cars that could not be made, so that the rules held instead.
    pub failed_plans: u64,
    /// Whether it was stopped before its last day: then it is a run of the days until then.
    pub is_stopped: bool,
}

/// Runs a community's whole period, and tells the observers of each slot. The same document gives the same records,
/// whatever the number of threads.
///
/// # Errors
/// [`CantRun`].
pub fn run(community: &Community, document: &Document, observers: &mut [&mut dyn Observer]) -> Result<Ran, CantRun> {
    run_until(community, document, observers, &|| false)
}

/// The same, until somebody wants it to stop; that is asked before each day.
///
/// # Errors
/// [`CantRun`].
pub fn run_until(
    community: &Community,
    document: &Document,
    observers: &mut [&mut dyn Observer],
    stop: &dyn Fn() -> bool,
) -> Result<Ran, CantRun> {
    let rules = Rules::new(community)?;
    let strategies: Vec<Kind> = community.homes.iter().map(|home| kind(home.strategy)).collect();
    let season = Season::new(&setting(community, document, &rules), Slot(community.calendar.start()), &strategies);
    let mut homes = Homes::new(community, document);
    let days = community.calendar.days.len();
    thread::scope(|scope| {
        let (to_observers, records) = sync_channel(SLOTS_BEHIND);
        scope.spawn(move || observe(records, observers));
        let local = Local::new(rules.scale, community.market.local_grid_fee_eur_per_kwh.0);
        let records = Records { community, waiting: VecDeque::new(), local, to_observers };
        let mut market = Market { community, rules, season, records, terms: vec![None; community.homes.len()] };
        let mut made = homes.make(&market.records.local);
        let mut is_stopped = false;
        for day in 0..days {
            is_stopped = stop();
            if is_stopped {
                break;
            }
            // The next day is made while this one is traded, by what is known before.
            market.records.local.close_day();
            let local = market.records.local.clone();
            made = thread::scope(|scope| {
                let next = scope.spawn(|| if day + 1 < days { homes.make(&local) } else { Made::default() });
                market.trade(day, &made)?;
                Ok(next.join().expect("it does not panic"))
            })?;
        }
        Ok(Ran { market: market.finish(), failed_plans: homes.failed_plans(), is_stopped })
    })
}

fn setting(community: &Community, document: &Document, rules: &Rules) -> Setting {
    let mechanism = match community.market.mechanism {
        Mechanism::None => mechanism::Mechanism::None,
        Mechanism::Continuous => mechanism::Mechanism::Continuous,
        Mechanism::Call => mechanism::Mechanism::Call,
    };
    let when = match community.market.trade {
        TradingTime::Ahead => When::Ahead,
        TradingTime::After => When::After,
        TradingTime::Both => When::Both,
    };
    Setting { mechanism, seed: document.seed, ..Setting::with(rules.shape.clone(), when) }
}

fn kind(strategy: Strategy) -> Kind {
    match strategy {
        Strategy::Autopilot => Kind::Autopilot,
        Strategy::ZiC => Kind::ZiC,
        Strategy::Zip => Kind::Zip,
        Strategy::Ramp => Kind::Ramp,
        Strategy::Truthful => Kind::Truthful,
        Strategy::Passive => Kind::Passive,
    }
}

/// A community that trades.
struct Market<'c> {
    community: &'c Community,
    rules: Rules,
    season: Season,
    records: Records<'c>,
    /// What the slot before was about for each home: mostly prices are still the same.
    terms: Vec<Option<Terms>>,
}

impl Market<'_> {
    /// Lets a day be traded.
    fn trade(&mut self, number: usize, made: &Made) -> Result<(), CantRun> {
        let slots = self.community.calendar.days[number].slots;
        for of_day in 0..slots {
            let waiting = self.waiting(number, of_day, made);
            let input = SlotInput { homes: self.terms(&waiting)? };
            self.records.waiting.push_back(waiting);
            self.season.push(input, &mut |outcome| self.records.tell(outcome));
        }
        Ok(())
    }

    fn waiting(&self, day: usize, of_day: usize, made: &Made) -> Waiting {
        let homes = self.community.homes.iter().zip(&made.flows);
        let homes = homes.map(|(home, flows)| (flows[of_day], made.prices[home.tariff][of_day])).collect();
        Waiting { day, of_day, homes }
    }

    fn terms(&mut self, slot: &Waiting) -> Result<Vec<Terms>, CantRun> {
        let most = CONNECTION.over(self.rules.shape.slot_length);
        let homes = self.community.homes.iter().zip(&slot.homes).zip(&mut self.terms);
        let terms = homes.map(|((home, (flows, tariff)), last)| {
            let net = flows.net();
            if net.0.abs() > most.0 {
                let date = self.community.calendar.days[slot.day].date;
                return Err(CantRun::TooMuch { home: home.name.clone(), date, of_day: slot.of_day });
            }
            let terms = match last.filter(|last| last.tariff == *tariff) {
                Some(same) => Terms { tariff: *tariff, ..same },
                None => self.rules.terms(*tariff, home.premium)?,
            };
            *last = Some(terms);
            Ok(Terms { net, ..terms })
        });
        terms.collect()
    }

    fn finish(mut self) -> Report {
        self.season.finish(&mut |outcome| self.records.tell(outcome))
    }
}

/// Observers are this many slots behind at the most, so that records don't pile up.
const SLOTS_BEHIND: usize = 32;

/// Makes records of what is known of a slot beforehand, and of what it came to.
struct Records<'c> {
    community: &'c Community,
    /// Slots that are not settled yet.
    waiting: VecDeque<Waiting>,
    local: Local,
    to_observers: SyncSender<Record>,
}

/// What is known of a slot that is not settled yet.
struct Waiting {
    day: usize,
    of_day: usize,
    /// Each home's flows and tariff.
    homes: Vec<(Flows, Tariff)>,
}

/// A [`SettledSlot`] on its way to the observers.
struct Record {
    day: usize,
    of_day: usize,
    homes: Vec<HomeSlot>,
    trades: Vec<Trade>,
    number: usize,
    slot: Slot,
    optimum: Optimum,
    surplus: TickWattHours,
}

impl Records<'_> {
    fn tell(&mut self, outcome: &Outcome<'_>) {
        let Waiting { day, of_day, homes } = self.waiting.pop_front().expect("slots are settled in order");
        let nets = homes.iter().map(|(flows, _)| flows.net());
        self.local.add(self.community.calendar.days[day].hour(of_day), nets, outcome.trades);
        let homes = outcome.homes.iter().zip(homes).map(|(home, (flows, tariff))| HomeSlot {
            flows,
            forecast: home.forecast,
            bought: home.bought,
            sold: home.sold,
            paid: home.paid,
            earned: home.earned,
            fees: home.fees,
            supplier: home.supplier,
            tariff,
        });
        let (homes, trades) = (homes.collect(), outcome.trades.to_vec());
        let Outcome { number, slot, optimum, surplus, .. } = *outcome;
        let record = Record { day, of_day, homes, trades, number, slot, optimum, surplus };
        self.to_observers.send(record).expect("observers stay until the end");
    }
}

/// Tells the observers of all slots.
fn observe(records: Receiver<Record>, observers: &mut [&mut dyn Observer]) {
    for Record { day, of_day, homes, trades, number, slot, optimum, surplus } in records {
        let (homes, trades) = (&homes[..], &trades[..]);
        let settled = SettledSlot { number, slot, day, of_day, homes, trades, optimum, surplus };
        observers.iter_mut().for_each(|observer| observer.settled(&settled));
    }
}
