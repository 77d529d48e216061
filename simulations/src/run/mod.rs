//! A scenario, from its first slot to its last.
//!
//! The homes' devices make flows of what they need and yield; the market trades them; each slot is settled. What a slot
//! came to is a [`record::SettledSlot`], which is told to observers, in the order of delivery: those that add it up,
//! write it down, or look at what it does to the wires. An observer changes nothing.

pub mod record;
mod rules;

use std::collections::VecDeque;
use std::thread;

use jiff::civil::Date;
use rayon::prelude::*;
use wattswap_matching::Slot;
use wattswap_node::protocol::settlement::Tariff;

use self::record::{Flows, HomeSlot, Observer, SettledSlot};
use self::rules::Rules;
use crate::homes::{Community, HomeDay};
use crate::market::mechanism;
use crate::market::season::account::Report;
use crate::market::season::input::{SlotInput, Terms};
use crate::market::season::{CONNECTION, Outcome, Season, Setting, When};
use crate::market::strategies::Kind;
use crate::scenario::document::{Mechanism, Strategy};

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
    /// Prices are counted in ticks, by 31 bits.
    #[error("there is a price of more than two thousand million ticks: write a larger market.tick_eur_per_kwh")]
    TooManyTicks,
}

/// Runs a community's whole period, and tells the observers of each slot.
///
/// # Errors
/// [`CantRun`].
pub fn run(community: &Community, seed: u64, observers: &mut [&mut dyn Observer]) -> Result<Report, CantRun> {
    let rules = Rules::new(community)?;
    let setting = setting(community, &rules, seed);
    let strategies: Vec<Kind> = community.homes.iter().map(|home| kind(home.strategy)).collect();
    let first = Slot(community.calendar.start());
    let mut season = Season::new(&setting, first, &strategies);
    let mut records = Records { waiting: VecDeque::new(), homes: Vec::new(), observers };
    let days = community.calendar.days.len();
    let mut ready = make(community, 0);
    for day in 0..days {
        // The next day is made while this one is traded.
        ready = thread::scope(|scope| {
            let next = scope.spawn(|| if day + 1 < days { make(community, day + 1) } else { Vec::new() });
            trade(community, &rules, day, &ready, &mut season, &mut records)?;
            Ok(next.join().expect("it does not panic"))
        })?;
    }
    Ok(season.finish(&mut |outcome| records.tell(outcome)))
}

fn setting(community: &Community, rules: &Rules, seed: u64) -> Setting {
    let mechanism = match community.market.mechanism {
        Mechanism::None => mechanism::Mechanism::None,
        Mechanism::Continuous => mechanism::Mechanism::Continuous,
        Mechanism::Call => mechanism::Mechanism::Call,
    };
    Setting { mechanism, seed, ..Setting::with(rules.shape.clone(), When::Both) }
}

fn kind(strategy: Strategy) -> Kind {
    match strategy {
        Strategy::Autopilot => Kind::Autopilot,
        Strategy::ZiC => Kind::ZiC,
        Strategy::Zip => Kind::Zip,
        Strategy::Ramp => Kind::Linear,
        Strategy::Truthful => Kind::Truthful,
        Strategy::Passive => Kind::Passive,
    }
}

/// What a day comes to behind all homes' meters.
fn make(community: &Community, day: usize) -> Vec<Vec<Flows>> {
    let flows = |home| {
        let HomeDay { need, heat_pump, pv, .. } = community.day(home, day);
        let slots = need.into_iter().zip(heat_pump).zip(pv);
        slots.map(|((need, heat_pump), pv)| Flows { need, heat_pump, pv, ..Flows::default() }).collect()
    };
    (0..community.homes.len()).into_par_iter().map(flows).collect()
}

/// Lets a day be traded.
fn trade(
    community: &Community,
    rules: &Rules,
    number: usize,
    flows: &[Vec<Flows>],
    season: &mut Season,
    records: &mut Records<'_, '_>,
) -> Result<(), CantRun> {
    let day = &community.calendar.days[number];
    let prices: Vec<Vec<Tariff>> =
        (0..community.tariffs.len()).map(|tariff| community.prices(tariff, number)).collect();
    for of_day in 0..day.slots {
        let mut waiting = Waiting { day: number, of_day, flows: Vec::new(), tariffs: Vec::new() };
        let mut terms: Vec<Terms> = Vec::with_capacity(community.homes.len());
        for (home, flows) in community.homes.iter().zip(flows) {
            let (flows, tariff) = (flows[of_day], prices[home.tariff][of_day]);
            if flows.net().0.abs() > CONNECTION.over(rules.shape.slot_length).0 {
                return Err(CantRun::TooMuch { home: home.name.clone(), date: day.date, of_day });
            }
            terms.push(rules.terms(flows.net(), tariff, home.premium)?);
            waiting.flows.push(flows);
            waiting.tariffs.push(tariff);
        }
        records.waiting.push_back(waiting);
        season.push(SlotInput { homes: terms }, &mut |outcome| records.tell(outcome));
    }
    Ok(())
}

/// Makes records of what is known of a slot beforehand, and of what it came to.
struct Records<'r, 'o> {
    /// Slots that are not settled yet.
    waiting: VecDeque<Waiting>,
    homes: Vec<HomeSlot>,
    observers: &'r mut [&'o mut dyn Observer],
}

/// What is known of a slot that is not settled yet.
struct Waiting {
    day: usize,
    of_day: usize,
    flows: Vec<Flows>,
    tariffs: Vec<Tariff>,
}

impl Records<'_, '_> {
    fn tell(&mut self, outcome: &Outcome<'_>) {
        let Waiting { day, of_day, flows, tariffs } = self.waiting.pop_front().expect("slots are settled in order");
        self.homes.clear();
        self.homes.extend(outcome.homes.iter().zip(flows).zip(tariffs).map(|((home, flows), tariff)| HomeSlot {
            flows,
            forecast: home.forecast,
            bought: home.bought,
            sold: home.sold,
            paid: home.paid,
            earned: home.earned,
            fees: home.fees,
            supplier: home.supplier,
            tariff,
        }));
        let Outcome { number, slot, trades, optimum, surplus, .. } = *outcome;
        let settled = SettledSlot { number, slot, day, of_day, homes: &self.homes, trades, optimum, surplus };
        self.observers.iter_mut().for_each(|observer| observer.settled(&settled));
    }
}
