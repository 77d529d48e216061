//! The rolling plan: every few hours, what battery and car should do over the next day, by what is expected.
//!
//! It gathers what a [`program`] needs, and keeps what comes of it until the next plan. Until a whole day was counted,
//! and where the solver finds nothing, there is no plan, and the rules hold.

use wattswap_matching::WattHours;

use super::battery::Store;
use super::car::{Charger, Presence};
use super::counted::Counted;
use super::intent::Intent;
use super::program::{Program, Step, Vessel};
use super::{DayOf, Forecast, Outlook, Rules};
use crate::devices::Flows;
use crate::homes::Day;

/// How far a plan looks: to the same hour of the next day, so that each has a night and a noon before it.
const HORIZON_MINUTES: u32 = 24 * 60;
/// How long it holds. A plan costs milliseconds, and what is expected of an hour changes once a day; it is made anew
/// for what batteries hold by then, and for what comes into sight at the horizon's end.
const REPLAN_MINUTES: u32 = 4 * 60;

/// A home's plans, from slot to slot.
#[derive(Clone, Debug)]
pub(super) struct Planner {
    forecast: Forecast,
    counted: Counted,
    plans_battery: bool,
    plans_car: bool,
    horizon: usize,
    holds: usize,
    /// What is meant for the slots from the last plan on; empty if there is no plan.
    intents: Vec<Intent>,
    /// How many slots ago that was.
    age: usize,
    failed: u64,
}

impl Planner {
    pub fn new(rules: &Rules, plans_battery: bool, plans_car: bool) -> Self {
        Self {
            forecast: rules.forecast,
            counted: Counted::new(rules.slot_minutes),
            plans_battery,
            plans_car,
            horizon: (HORIZON_MINUTES / rules.slot_minutes) as usize,
            holds: (REPLAN_MINUTES / rules.slot_minutes) as usize,
            intents: Vec::new(),
            age: 0,
            failed: 0,
        }
    }

    /// What is meant for a slot, if there is a plan. Must be asked once for each slot.
    pub fn intent(
        &mut self,
        outlook: &Outlook<'_>,
        of_day: usize,
        battery: Option<&Store>,
        car: Option<&Charger>,
        feed_in: Option<WattHours>,
    ) -> Option<Intent> {
        if self.age == 0 {
            self.intents = self.plan(outlook, of_day, battery, car, feed_in);
        }
        let intent = self.intents.get(self.age).copied();
        self.age = (self.age + 1) % self.holds;
        intent
    }

    /// Remembers a slot. What a car drew that follows a rule of its own is part of what is expected to be drawn.
    pub fn count(&mut self, day: &Day, of_day: usize, flows: &Flows) {
        let car = if self.plans_car { WattHours::ZERO } else { flows.car };
        self.counted.add(day, of_day, [flows.need + flows.heat_pump + car, flows.pv]);
    }

    /// How many programs had no solution.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    fn plan(
        &mut self,
        outlook: &Outlook<'_>,
        of_day: usize,
        battery: Option<&Store>,
        car: Option<&Charger>,
        feed_in: Option<WattHours>,
    ) -> Vec<Intent> {
        let today = (of_day..outlook.today.day.slots).map(|slot| (outlook.today, slot));
        let tomorrow = outlook.tomorrow.into_iter().flat_map(|day| (0..day.day.slots).map(move |slot| (day, slot)));
        let slots = today.chain(tomorrow).take(self.horizon);
        let Some(steps) = slots.map(|(day, slot)| self.step(day, slot)).collect() else { return Vec::new() };
        let battery = battery.filter(|_| self.plans_battery).map(|store| Vessel {
            capacity: store.capacity(),
            per_slot: store.per_slot(),
            stored: store.stored(),
            percent: store.percent(),
        });
        let car = car.filter(|_| self.plans_car).map(|car| Vessel {
            capacity: car.capacity(),
            per_slot: car.per_slot(),
            stored: car.stored(),
            percent: 100,
        });
        match (Program { steps, battery, car, feed_in }).solve() {
            Ok(mut intents) => {
                intents.truncate(self.holds);
                intents
            }
            Err(_no_plan) => {
                self.failed += 1;
                Vec::new()
            }
        }
    }

    /// What is expected of a slot; none if nothing is.
    fn step(&self, day: DayOf<'_>, slot: usize) -> Option<Step> {
        let home = day.home;
        let [drawn, yielded] = match self.forecast {
            Forecast::Perfect => [home.need[slot] + home.heat_pump[slot], home.pv[slot]],
            Forecast::Persistence => self.counted.expected(day.day, slot)?,
        };
        Some(Step { drawn, yielded, tariff: day.tariffs[slot], car: Presence::of(&home.trips, slot) })
    }
}
