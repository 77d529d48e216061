//! What batteries, cars and the feed-in limit make of what a home needs and yields: the step from a
//! [`HomeDay`] to [`Flows`], slot by slot. See `docs/simulations.md`.
//!
//! A home's [`Devices`] hold a few numbers, and a slot costs a few operations on whole numbers; only under the control
//! `plan` is a linear program solved every few hours. Nothing here knows of the market: the supplier's tariff is all
//! that a plan looks at.

mod battery;
mod car;
mod counted;
mod flows;
mod intent;
mod planner;
mod program;
#[cfg(test)]
mod tests;

use std::time::Duration;

use wattswap_matching::{WattHours, Watts};
use wattswap_node::protocol::settlement::Tariff;

use self::battery::Store;
use self::car::Charger;
pub use self::flows::Flows;
use self::intent::Intent;
use self::planner::Planner;
use crate::homes::{Day, Home, HomeDay};
use crate::scenario::Document;
use crate::scenario::document::{BatteryControl, CarControl};

/// How the devices of a scenario's homes are controlled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Length of a slot in minutes.
    pub slot_minutes: u32,
    /// What batteries follow.
    pub battery: BatteryControl,
    /// What cars follow.
    pub car: CarControl,
    /// Of its roof's peak power, a home feeds in at most so many per cent.
    pub feed_in_limit_percent: Option<u8>,
    /// What plans take for what is to come.
    pub forecast: Forecast,
}

/// What plans take for what is to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forecast {
    /// What was counted on the last days at the same time.
    #[default]
    Persistence,
    /// What will be: nobody has it; to see what better forecasts would be worth.
    Perfect,
}

/// A local day of a home: what it comes to, and what the supplier charges and pays.
#[derive(Clone, Copy, Debug)]
pub struct DayOf<'d> {
    /// Which.
    pub day: &'d Day,
    /// What the home needs and yields, and when its car is away.
    pub home: &'d HomeDay,
    /// The supplier's prices, slot by slot.
    pub tariffs: &'d [Tariff],
}

/// What there is to know about a home on a day. Rules look at tomorrow's trips alone, plans at its tariffs as well.
#[derive(Clone, Copy, Debug)]
pub struct Outlook<'d> {
    /// The day that is being gone through.
    pub today: DayOf<'d>,
    /// The one after; none on the last.
    pub tomorrow: Option<DayOf<'d>>,
}

/// A home's battery and car, from slot to slot.
#[derive(Clone, Debug)]
pub struct Devices {
    battery: Option<Store>,
    car: Option<Charger>,
    /// The most that may be fed in during a slot.
    feed_in: Option<WattHours>,
    /// Of controls that need it.
    planner: Option<Box<Planner>>,
}

impl Rules {
    /// What a scenario says.
    #[must_use]
    pub fn of(document: &Document) -> Self {
        let limit = document.pv.and_then(|pv| pv.feed_in_limit_percent);
        Self {
            slot_minutes: document.period.slot_minutes,
            battery: document.battery.map(|battery| battery.control).unwrap_or_default(),
            car: document.car.map(|car| car.control).unwrap_or_default(),
            feed_in_limit_percent: limit.map(|percent| percent.0),
            forecast: Forecast::Persistence,
        }
    }

    fn slot(&self) -> Duration {
        Duration::from_secs(u64::from(self.slot_minutes) * 60)
    }

    /// The most that a roof may feed in during a slot, rounded down.
    fn feed_in(&self, peak: Watts) -> Option<WattHours> {
        let percent = self.feed_in_limit_percent?;
        // Watts times minutes, of which 60 are a watt-hour, and per cent.
        let energy = u64::from(peak.0) * u64::from(self.slot_minutes) * u64::from(percent) / 6_000;
        Some(WattHours(i64::try_from(energy).expect("a u32 of watts for an hour is a small energy")))
    }
}

impl Devices {
    /// A home's devices before the first slot: the battery is empty, and the car holds what its control would have left
    /// in it at midnight, which is all under `at-once`, and nothing otherwise.
    #[must_use]
    pub fn new(home: &Home, rules: &Rules) -> Self {
        let battery = home.battery.map(|battery| Store::new(&battery, rules.slot()));
        let car = home.car.map(|car| Charger::new(&car, rules.car, rules.slot()));
        let plans_battery = battery.is_some() && rules.battery == BatteryControl::Plan;
        let plans_car = car.is_some() && rules.car == CarControl::Plan;
        let planner = (plans_battery || plans_car).then(|| Box::new(Planner::new(rules, plans_battery, plans_car)));
        Self { battery, car, feed_in: rules.feed_in(home.pv_peak), planner }
    }

    /// What a slot comes to. Must be called once for each slot, in the order of delivery.
    ///
    /// # Panics
    /// If today has no such slot.
    pub fn slot(&mut self, outlook: &Outlook<'_>, of_day: usize) -> Flows {
        let home = outlook.today.home;
        let (need, heat_pump, pv) = (home.need[of_day], home.heat_pump[of_day], home.pv[of_day]);
        let mut flows = Flows { need, heat_pump, pv, ..Flows::default() };
        let intent = self.intent(outlook, of_day);
        if let Some(car) = &mut self.car {
            flows.car = car.charge(outlook, of_day, surplus(&flows), intent.as_ref());
        }
        if let Some(battery) = &mut self.battery {
            let intent = intent.as_ref().and_then(|intent| intent.battery.map(|battery| (battery, intent.grid)));
            let wanted = intent::wanted(flows.net(), intent, self.feed_in);
            [flows.charged, flows.discharged] = battery.follow(wanted);
            flows.stored = battery.stored();
        }
        if let Some(car) = &mut self.car {
            let spare = intent::spare(surplus(&flows), intent.as_ref(), self.feed_in);
            flows.car += car.take(spare);
            [flows.driven, flows.missed] = car.drive(outlook, of_day);
        }
        if let Some(feed_in) = self.feed_in {
            flows.curtailed = surplus(&flows).less_at_least_zero(feed_in);
        }
        if let Some(planner) = &mut self.planner {
            planner.count(outlook.today.day, of_day, &flows);
        }
        flows
    }

    /// How many plans could not be made since the solver found none; the rules held instead.
    #[must_use]
    pub fn failed_plans(&self) -> u64 {
        self.planner.as_ref().map_or(0, |planner| planner.failed())
    }

    /// What the car's battery holds; none without a car.
    #[must_use]
    pub fn in_car(&self) -> Option<WattHours> {
        self.car.as_ref().map(Charger::stored)
    }

    fn intent(&mut self, outlook: &Outlook<'_>, of_day: usize) -> Option<Intent> {
        let planner = self.planner.as_mut()?;
        planner.intent(outlook, of_day, self.battery.as_ref(), self.car.as_ref(), self.feed_in)
    }
}

/// What would be fed in as things stand.
fn surplus(flows: &Flows) -> WattHours {
    WattHours::ZERO.less_at_least_zero(flows.net())
}
