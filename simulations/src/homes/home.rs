//! A home of a community: what it has, and what a day comes to.

use std::ops::Range;

use rust_decimal::Decimal;
use wattswap_matching::{WattHours, Watts};

use super::calendar::Day;
use super::draw::{Purpose, draw};
use super::people::Household;
use super::register::Register;
use super::weather::{Panels, Sky, normal_milli_celsius};
use crate::scenario::Between;
use crate::scenario::document::Strategy;

/// A home.
#[derive(Clone, Debug)]
pub struct Home {
    /// What the data calls it, or `home-7`.
    pub name: String,
    /// The number of its connection in the feeder, if there is a feeder.
    pub connection: Option<usize>,
    /// Its roof's power under full sun; without a roof, 0. Of data, the highest power that it has.
    pub pv_peak: Watts,
    /// Its battery.
    pub battery: Option<Battery>,
    /// Its car.
    pub car: Option<Car>,
    /// Which of the community's tariffs it has.
    pub tariff: usize,
    /// How it quotes.
    pub strategy: Strategy,
    /// What it would pay, per kWh, for energy from a neighbour rather than from its supplier.
    pub premium: Decimal,
    pub(super) need: Need,
    pub(super) roof: Roof,
    pub(super) heat_pump: Heat,
}

/// A battery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Battery {
    /// What it holds.
    pub capacity: WattHours,
    /// What it charges or discharges with.
    pub power: Watts,
    /// Of 100 Wh that go in, so many come out.
    pub round_trip_percent: u8,
}

/// An electric car.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Car {
    /// What its battery holds.
    pub capacity: WattHours,
    /// What it charges with at home.
    pub power: Watts,
    /// What it uses on a day with a trip.
    trip: Between,
    /// When it usually leaves and comes back, in minutes of the day.
    usual: [u64; 2],
}

/// A car's way out and back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    /// The slots of the day in which it is away.
    pub away: Range<usize>,
    /// What it used when it is back.
    pub used: WattHours,
}

/// What a day comes to for a home, slot by slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeDay {
    /// What is drawn whatever happens; without battery, car and heat pump.
    pub need: Vec<WattHours>,
    /// What the heat pump draws.
    pub heat_pump: Vec<WattHours>,
    /// What the roof yields.
    pub pv: Vec<WattHours>,
    /// When the car is away; without a car, never.
    pub trips: Vec<Trip>,
}

/// Where a home's need comes from.
#[derive(Clone, Debug)]
pub(super) enum Need {
    Recorded(Register),
    Generated(Household),
}

/// Where its yield comes from.
#[derive(Clone, Debug)]
pub(super) enum Roof {
    None,
    Recorded(Register),
    Generated(Panels),
}

/// Where its heat pump's draw comes from.
#[derive(Clone, Debug)]
pub(super) enum Heat {
    None,
    Recorded(Register),
    Generated(HeatPump),
}

/// A heat pump that is made up: it follows the temperature outdoors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HeatPump {
    /// In an ordinary year.
    pub annual_wh: i64,
    /// Degrees and minutes of an ordinary year, in thousandths: what the energy is shared out by.
    normal: i64,
}

/// Warmer than this outdoors nobody heats, in thousandths of a degree.
const HEATING_LIMIT: i64 = 15_000;
/// Hot water is wanted in all seasons: as much as so many degrees less outdoors, in thousandths.
const HOT_WATER: i64 = 1_000;
const MINUTES_PER_DAY: i64 = 24 * 60;

impl Battery {
    /// Two that stand side by side.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            capacity: self.capacity + other.capacity,
            power: Watts(self.power.0.saturating_add(other.power.0)),
            round_trip_percent: self.round_trip_percent.min(other.round_trip_percent),
        }
    }
}

impl HeatPump {
    pub(super) fn new(annual_wh: i64) -> Self {
        let normal = (1..=365).map(|day| weight(normal_milli_celsius(f64::from(day))) * MINUTES_PER_DAY).sum();
        Self { annual_wh, normal }
    }

    /// What it draws in each slot of a day: what is counted until the slot's end less what was until its start.
    fn draws(&self, slot_minutes: i64, sky: &[Sky]) -> Vec<WattHours> {
        let mut counted = 0;
        let counts = sky.iter().map(|sky| {
            counted += weight(sky.milli_celsius) * slot_minutes;
            let energy = i128::from(counted) * i128::from(self.annual_wh) / i128::from(self.normal);
            i64::try_from(energy).expect("a day has less energy than a year")
        });
        differences(counts)
    }
}

/// By what a heat pump's energy is shared out: the degrees that are missing outdoors, and hot water.
fn weight(milli_celsius: i64) -> i64 {
    (HEATING_LIMIT - milli_celsius).max(0) + HOT_WATER
}

/// What each count adds to the one before it.
fn differences(counts: impl Iterator<Item = i64>) -> Vec<WattHours> {
    let mut before = 0;
    let added = |count| {
        let added = count - before;
        before = count;
        WattHours(added)
    };
    counts.map(added).collect()
}

/// Watt-minutes of each slot as whole watt-hours; what is left of one counts for the next.
pub(super) fn watt_hours(watt_minutes: impl IntoIterator<Item = i64>) -> Vec<WattHours> {
    let mut sum = 0;
    differences(watt_minutes.into_iter().map(move |minutes| {
        sum += minutes;
        sum / 60
    }))
}

impl Car {
    pub(super) fn new(capacity: u32, power: u32, trip: Between, usual: [u64; 2]) -> Self {
        Self { capacity: WattHours(capacity.into()), power: Watts(power), trip, usual }
    }

    /// Its trips on a day: one at most, that ends before midnight.
    pub(super) fn trips(&self, seed: u64, home: usize, number: usize, day: &Day) -> Vec<Trip> {
        let mut random = draw(seed, Purpose::Trips, home as u64, number as u64);
        let weekend = day.date.weekday().to_monday_one_offset() > 5;
        let goes = random.chance(if weekend { 550 } else { 820 });
        let [leaves, returns] = if weekend {
            let leaves = random.between(540, 900);
            [leaves, leaves + random.between(60, 360)]
        } else {
            self.usual.map(|minute| minute + random.below(60))
        };
        let used = random.between(self.trip.least.into(), self.trip.most.into());
        let slot_minutes = day.minutes() / day.slots;
        let slot = |minute: u64| day.elapsed(usize::try_from(minute).unwrap_or(usize::MAX)) / slot_minutes;
        let away = slot(leaves)..(slot(returns) + 1).min(day.slots);
        if !goes || away.is_empty() {
            return Vec::new();
        }
        vec![Trip { away, used: WattHours(i64::try_from(used).expect("it comes from a u32")) }]
    }
}

impl Home {
    /// Whether it has a roof with PV.
    #[must_use]
    pub fn has_pv(&self) -> bool {
        !matches!(self.roof, Roof::None)
    }

    /// Whether it has a heat pump.
    #[must_use]
    pub fn has_heat_pump(&self) -> bool {
        !matches!(self.heat_pump, Heat::None)
    }

    /// What a day comes to. `number` is the day's in the period, and `borders` are the starts of its slots and its end.
    pub(super) fn day(&self, seed: u64, home: usize, number: usize, day: &Day, borders: &Borders<'_>) -> HomeDay {
        let slot_minutes = i64::try_from(day.minutes() / day.slots).expect("a day has 1440 minutes");
        let none = || vec![WattHours::ZERO; day.slots];
        HomeDay {
            need: match &self.need {
                Need::Recorded(register) => register.slots(borders.instants.iter().copied()),
                Need::Generated(household) => watt_hours(household.draws(number, day, borders.sky)),
            },
            heat_pump: match &self.heat_pump {
                Heat::None => none(),
                Heat::Recorded(register) => register.slots(borders.instants.iter().copied()),
                Heat::Generated(pump) => pump.draws(slot_minutes, borders.sky),
            },
            pv: match &self.roof {
                Roof::None => none(),
                Roof::Recorded(register) => register.slots(borders.instants.iter().copied()),
                Roof::Generated(panels) => watt_hours(borders.sky.iter().map(|sky| panels.watts(sky) * slot_minutes)),
            },
            trips: self.car.map_or_else(Vec::new, |car| car.trips(seed, home, number, day)),
        }
    }
}

/// What all homes share on a day.
pub(super) struct Borders<'c> {
    /// The starts of its slots, and its end.
    pub instants: Vec<wattswap_matching::UtcMillis>,
    /// The weather of its slots.
    pub sky: &'c [Sky],
}
