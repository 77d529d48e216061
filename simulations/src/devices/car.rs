//! A car at its charger: when it is at home, what it draws, and what it can drive with.
//!
//! What the charger draws is what the battery gets: losses are part of what a trip uses. A car that has less than its
//! trip needs fetches the rest at public chargers, and comes home empty. It never gives anything back to the home.

use std::time::Duration;

use wattswap_matching::WattHours;

use super::Outlook;
use super::intent::{Grid, Intent};
use crate::homes::{Car, Trip};
use crate::scenario::document::CarControl;

/// A car, from slot to slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charger {
    control: CarControl,
    capacity: WattHours,
    /// What it can charge in a slot.
    per_slot: WattHours,
    stored: WattHours,
    /// What it can still charge in the slot that is being gone through.
    left: WattHours,
}

/// Where a car is in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// At its charger.
    Home,
    /// On its way.
    Away,
    /// On its way, and back when the slot is over.
    Back {
        /// What the trip used.
        used: WattHours,
    },
}

impl Presence {
    /// In a slot of a day with these trips.
    pub fn of(trips: &[Trip], of_day: usize) -> Self {
        match trips.iter().find(|trip| trip.away.contains(&of_day)) {
            None => Self::Home,
            Some(trip) if of_day + 1 == trip.away.end => Self::Back { used: trip.used },
            Some(_) => Self::Away,
        }
    }
}

/// What the next trip uses, and how many slots there are until then, this one included; if one is known.
fn next_trip(outlook: &Outlook<'_>, of_day: usize) -> Option<(WattHours, usize)> {
    let later = outlook.today.home.trips.iter().find(|trip| of_day < trip.away.start);
    let later = later.map(|trip| (trip.used, trip.away.start - of_day));
    later.or_else(|| {
        let trip = outlook.tomorrow?.home.trips.first()?;
        Some((trip.used, outlook.today.day.slots - of_day + trip.away.start))
    })
}

impl Charger {
    /// A car as its control would have left it at midnight.
    pub fn new(car: &Car, control: CarControl, slot: Duration) -> Self {
        let stored = if control == CarControl::AtOnce { car.capacity } else { WattHours::ZERO };
        Self { control, capacity: car.capacity, per_slot: car.power.over(slot), stored, left: WattHours::ZERO }
    }

    /// What its battery holds.
    pub fn stored(&self) -> WattHours {
        self.stored
    }

    /// What its battery holds at most.
    pub fn capacity(&self) -> WattHours {
        self.capacity
    }

    /// What it can charge in a slot.
    pub fn per_slot(&self) -> WattHours {
        self.per_slot
    }

    /// Starts a slot: charges what its control says, and gives how much that is.
    pub fn charge(
        &mut self,
        outlook: &Outlook<'_>,
        of_day: usize,
        surplus: WattHours,
        intent: Option<&Intent>,
    ) -> WattHours {
        if Presence::of(&outlook.today.home.trips, of_day) != Presence::Home {
            self.left = WattHours::ZERO;
            return WattHours::ZERO;
        }
        self.left = self.per_slot;
        let wanted = match (self.control, intent.and_then(|intent| Some((intent.car?, intent)))) {
            (CarControl::AtOnce, _) => self.per_slot,
            // What the plan would not have drawn from the grid is not drawn from it.
            (CarControl::Plan, Some((car, intent))) if intent.grid != Grid::Import => {
                car.min(surplus + intent.discharge())
            }
            (CarControl::Plan, Some((car, _))) => car,
            (CarControl::SurplusFirst | CarControl::Plan, _) => surplus,
        };
        let urgent = next_trip(outlook, of_day).map_or(WattHours::ZERO, |trip| self.urgent(trip));
        self.take(wanted.max(urgent))
    }

    /// Charges as much of this as there is room and power for, and gives how much that is.
    pub fn take(&mut self, wanted: WattHours) -> WattHours {
        let taken = wanted.min(self.left).min(self.capacity - self.stored);
        self.left -= taken;
        self.stored += taken;
        taken
    }

    /// Ends a slot: if a trip ends with it, what that used, and what of it was not there at departure.
    pub fn drive(&mut self, outlook: &Outlook<'_>, of_day: usize) -> [WattHours; 2] {
        let Presence::Back { used } = Presence::of(&outlook.today.home.trips, of_day) else {
            return [WattHours::ZERO; 2];
        };
        let missed = used.less_at_least_zero(self.stored);
        self.stored -= used - missed;
        [used, missed]
    }

    /// What must be charged in this slot, since those that are left until departure are too few for it.
    fn urgent(&self, (used, slots): (WattHours, usize)) -> WattHours {
        let later = i64::try_from(slots - 1).expect("a period has few slots");
        (used - self.stored).less_at_least_zero(WattHours(self.per_slot.0.saturating_mul(later)))
    }
}
