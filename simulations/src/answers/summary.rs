//! `summary.json`: all figures of a run in one document, with units in the keys' names.
//!
//! Energy is whole Wh, money a text in EUR, shares are numbers of 1, what is undefined is `null`. `docs/simulations.md`
//! lists the keys. What runs slot by slot is no figure, and not in it.

use serde::Serialize;

use super::Answers;
use super::devices::{BatteryUse, CarUse, Forecasts};
use super::emissions::Emissions;
use super::energy::EnergyAnswers;
use super::fairness::Fairness;
use super::grid::FeederAnswers;
use super::market::MarketAnswers;
use super::money::{MoneyAnswers, Payments};
use super::neighbours::{NeighbourAnswers, Neighbours};
use super::prices::{PriceAnswers, PriceCurve, Trades};
use super::residuals::Residuals;
use super::value::{Amount, Figure};
use crate::scenario::document::{Mechanism, Strategy};

/// Grows when a key changes its meaning or goes away.
pub const FORMAT: u32 = 1;
/// So many homes are named in a note.
const NAMED: usize = 10;

/// All figures of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// [`FORMAT`].
    pub format: u32,
    /// What was run.
    pub run: RunFacts,
    /// All homes together.
    pub community: CommunityAnswers,
    /// The feeder, if there is one.
    pub feeder: Option<FeederAnswers>,
    /// Each home, in the community's order.
    pub homes: Vec<HomeAnswers>,
    /// What had to be assumed, in words.
    pub notes: Vec<String>,
}

/// What was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunFacts {
    /// The scenario's name.
    pub scenario: String,
    /// Its seed.
    pub seed: u64,
    /// The version of wattswap.
    pub version: &'static str,
    /// The first local day.
    pub first_day: Option<String>,
    /// Local days of the period.
    pub days: usize,
    /// Slots that were run.
    pub slots: usize,
    /// Slots of the period.
    pub slots_of_period: usize,
    /// Length of a slot.
    pub slot_minutes: u32,
    /// Homes.
    pub homes: usize,
    /// How buyers find sellers.
    pub mechanism: &'static str,
}

/// All homes together. Energy nets what members drew and fed in in the same slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommunityAnswers {
    /// What was drawn, yielded, taken from the grid and given to it.
    pub energy: EnergyAnswers,
    /// What neighbours supplied each other.
    pub neighbours: NeighbourAnswers,
    /// What all homes paid.
    pub money: MoneyAnswers,
    /// How evenly savings are spread.
    pub fairness: Fairness,
    /// What trades cost.
    pub prices: PriceAnswers,
    /// How prices are spread over the day and over slots.
    pub price_curve: PriceCurve,
    /// How well the market worked.
    pub market: MarketAnswers,
    /// CO2 of what was drawn from the grid.
    pub emissions: Emissions,
    /// Error of all homes' forecasts, as a share of all homes' net energy.
    pub forecast_nmae: Option<Figure>,
    /// How often all batteries together went through a full cycle, by energy.
    pub battery_cycles: Option<Figure>,
    /// Of the energy of all cars' trips, what was in them when they left.
    pub car_service: Option<Figure>,
    /// What is left over: nothing.
    pub residuals: Residuals,
}

/// A home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HomeAnswers {
    /// Its name.
    pub name: String,
    /// Its roof's power under full sun; without a roof, 0.
    pub pv_peak_w: u32,
    /// What its battery holds.
    pub battery_wh: Option<i64>,
    /// Its tariff's name.
    pub tariff: Option<String>,
    /// How it quotes.
    pub strategy: &'static str,
    /// What it would pay at most for energy from a neighbour, beside its supplier's price.
    pub local_premium_eur_per_kwh: Amount,
    /// By its own meter.
    pub energy: EnergyAnswers,
    /// What neighbours supplied it.
    pub neighbours: NeighbourAnswers,
    /// What it paid.
    pub money: MoneyAnswers,
    /// CO2 of what it drew and no neighbour supplied.
    pub emissions: Emissions,
    /// Error of its forecasts, as a share of its net energy.
    pub forecast_nmae: Option<Figure>,
    /// How often its battery went through a full cycle, by energy.
    pub battery_cycles: Option<Figure>,
    /// Of the energy of its car's trips, what was in the car when it left.
    pub car_service: Option<Figure>,
}

impl Summary {
    /// Of all slots that were told.
    pub(super) fn new(answers: &Answers<'_>, feeder: Option<FeederAnswers>) -> Self {
        let community = answers.community;
        let mut notes = community.notes.clone();
        notes.extend(feeder.as_ref().and_then(unplaced));
        Self {
            format: FORMAT,
            run: run(answers),
            community: together(answers),
            feeder,
            homes: (0..community.homes.len()).map(|home| of_home(answers, home)).collect(),
            notes,
        }
    }

    /// As JSON for people and programs.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("figures and texts are JSON") + "\n"
    }
}

fn run(answers: &Answers<'_>) -> RunFacts {
    let (document, calendar) = (&answers.scenario.document, &answers.community.calendar);
    RunFacts {
        scenario: document.name.clone(),
        seed: document.seed,
        version: env!("CARGO_PKG_VERSION"),
        first_day: calendar.days.first().map(|day| day.date.to_string()),
        days: calendar.days.len(),
        slots: answers.rows.len(),
        slots_of_period: calendar.slots(),
        slot_minutes: calendar.slot_minutes,
        homes: answers.homes.len(),
        mechanism: mechanism_name(answers.community.market.mechanism),
    }
}

fn together(answers: &Answers<'_>) -> CommunityAnswers {
    let (mut payments, mut neighbours) = (Payments::default(), Neighbours::default());
    let (mut forecasts, mut battery, mut car) = (Forecasts::default(), BatteryUse::default(), CarUse::default());
    for home in &answers.homes {
        payments.include(&home.payments);
        neighbours.include(&home.neighbours);
        forecasts.include(&home.forecasts);
        battery.include(&home.battery);
        car.include(&home.car);
    }
    let batteries = answers.community.homes.iter().filter_map(|home| home.battery);
    let capacity = batteries.map(|battery| battery.capacity).reduce(|sum, capacity| sum + capacity);
    let means = answers.rows.iter().filter_map(|row| row.trades.mean(answers.scale));
    let mut trades = Trades::default();
    answers.rows.iter().for_each(|row| trades.include(&row.trades));
    CommunityAnswers {
        energy: answers.together.answers(answers.community.calendar.slot_minutes),
        neighbours: neighbours.answers(),
        money: payments.answers(),
        fairness: Fairness::of(answers.homes.iter().map(|home| home.payments.saved())),
        prices: trades.answers(answers.scale),
        price_curve: PriceCurve::of(&answers.hours, means, answers.scale),
        market: MarketAnswers::of(&answers.efficiency, neighbours.local(), answers.scale),
        emissions: Emissions::of(answers.together.import(), answers.together.demand()),
        forecast_nmae: forecasts.nmae(),
        battery_cycles: battery.cycles(capacity),
        car_service: car.service(),
        residuals: answers.leftovers.answers(),
    }
}

fn of_home(answers: &Answers<'_>, number: usize) -> HomeAnswers {
    let (community, sums) = (answers.community, &answers.homes[number]);
    let home = &community.homes[number];
    let capacity = home.battery.map(|battery| battery.capacity);
    HomeAnswers {
        name: home.name.clone(),
        pv_peak_w: home.pv_peak.0,
        battery_wh: capacity.map(|capacity| capacity.0),
        tariff: community.tariffs.get(home.tariff).cloned(),
        strategy: strategy_name(home.strategy),
        local_premium_eur_per_kwh: Amount(home.premium.normalize()),
        energy: sums.energy.answers(community.calendar.slot_minutes),
        neighbours: sums.neighbours.answers(),
        money: sums.payments.answers(),
        emissions: Emissions::of(sums.energy.import() - sums.neighbours.local(), sums.energy.demand()),
        forecast_nmae: sums.forecasts.nmae(),
        battery_cycles: sums.battery.cycles(capacity),
        car_service: sums.car.service(),
    }
}

/// Says which homes draw nothing from the feeder.
fn unplaced(feeder: &FeederAnswers) -> Option<String> {
    let without = &feeder.homes_without_connection;
    let names: Vec<&str> = without.iter().take(NAMED).map(String::as_str).collect();
    let more = if without.len() > NAMED { ", .." } else { "" };
    (!without.is_empty()).then(|| {
        let count = without.len();
        format!("{count} homes have no connection and draw nothing from the feeder: {}{more}", names.join(", "))
    })
}

/// As a scenario names it.
#[must_use]
pub fn mechanism_name(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::None => "none",
        Mechanism::Continuous => "continuous",
        Mechanism::Call => "call",
    }
}

/// As a scenario names it.
#[must_use]
pub fn strategy_name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Autopilot => "autopilot",
        Strategy::ZiC => "zi-c",
        Strategy::Zip => "zip",
        Strategy::Ramp => "ramp",
        Strategy::Truthful => "truthful",
        Strategy::Passive => "passive",
    }
}
