//! What a scenario comes to: for each home and slot, what it needs and yields, and at which prices. See
//! `docs/simulations.md`.
//!
//! A [`Community`] is built from a [`Scenario`] once. [`Community::day`] then gives any day of any home, so that ten
//! thousand homes for a year need not be held at once. Energy is whole watt-hours; what is left of rounding in a slot
//! counts for the next one. The same scenario gives the same numbers on every machine. Nobody trades here.

mod build;
mod calendar;
pub mod compare;
mod draw;
mod elements;
pub mod export;
mod home;
mod people;
mod register;
mod stamps;
pub mod statistics;
mod summary;
pub mod table;
mod tariffs;
mod weather;

pub use build::{NoCommunity, Unusable};
pub use calendar::{BadDay, Calendar, Day};
pub use home::{Battery, Car, Home, HomeDay, Trip};
pub use register::{Column, Register};
pub use summary::Summary;
pub use tariffs::BadPrices;
use wattswap_node::protocol::settlement::Tariff;
pub use weather::{Panels, Weather};

use self::home::Borders;
use self::tariffs::Prices;
use crate::grid::feeder::Feeder;
use crate::scenario::Scenario;
use crate::scenario::document::Market;

/// The homes of a scenario.
#[derive(Clone, Debug)]
pub struct Community {
    /// When.
    pub calendar: Calendar,
    /// Who.
    pub homes: Vec<Home>,
    /// Where, if the scenario has a feeder.
    pub feeder: Option<Feeder>,
    /// The tariffs' names.
    pub tariffs: Vec<String>,
    /// How they trade.
    pub market: Market,
    /// What had to be assumed, in words for people.
    pub notes: Vec<String>,
    seed: u64,
    weather: Weather,
    prices: Vec<Prices>,
}

impl Community {
    /// Reads the files that a scenario names, and deals out what it shares among the homes.
    ///
    /// # Errors
    /// [`NoCommunity`].
    pub fn new(scenario: &Scenario) -> Result<Self, NoCommunity> {
        build::community(scenario)
    }

    /// What a day of the period comes to for a home; both are counted from 0.
    ///
    /// # Panics
    /// If there is no such home or day.
    #[must_use]
    pub fn day(&self, home: usize, day: usize) -> HomeDay {
        let number = day;
        let day = &self.calendar.days[number];
        let instants = (0..=day.slots).map(|slot| self.calendar.instant(day, slot)).collect();
        let borders = Borders { instants, sky: self.weather.day(number) };
        self.homes[home].day(self.seed, home, number, day, &borders)
    }

    /// The prices of a tariff in each slot of a day; both are counted from 0.
    ///
    /// # Panics
    /// If there is no such tariff or day.
    #[must_use]
    pub fn prices(&self, tariff: usize, day: usize) -> Vec<Tariff> {
        self.prices[tariff].day(&self.calendar, &self.calendar.days[day])
    }
}
