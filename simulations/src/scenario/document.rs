//! The shape of a scenario's file. What is written here at each key is also what an editor shows: the JSON schema is made
//! of it. Nothing is checked here but types; `rules` knows what goes with what.

use std::path::PathBuf;

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use super::values::{Between, Day, Eur, Percent, Zone};

/// A scenario of wattswap-sim: which homes, on which feeder, with which prices, trade how, and when.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What to call it in reports.
    pub name: String,
    /// Decides all that is drawn: the same seed gives the same bytes.
    pub seed: u64,
    /// When.
    pub period: Period,
    /// Where: what sun and weather are made for. Kassel, in the middle of Germany, if nothing is said.
    #[serde(default)]
    pub place: Location,
    /// The electric grid; without it, no voltages and currents.
    pub feeder: Option<FeederSource>,
    /// Who.
    pub homes: Homes,
    /// Roofs, beside those that the data brings.
    pub pv: Option<Pv>,
    /// Batteries, beside those that the data brings.
    pub battery: Option<Battery>,
    /// Electric cars.
    pub car: Option<Car>,
    /// Heat pumps, beside those that the data brings.
    pub heat_pump: Option<HeatPump>,
    /// What suppliers charge and pay; each home has one of them.
    pub tariffs: Vec<Tariff>,
    /// How homes trade with each other.
    pub market: Market,
    /// How homes quote; each home has one of them.
    pub strategies: Vec<StrategyShare>,
}

/// When.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// The first local day, such as "2016-06-08".
    pub first_day: Day,
    /// How many local days.
    pub days: u32,
    /// Length of a delivery slot in minutes: 5, 10, 15, 20, 30 or 60. 15 if nothing is said.
    #[serde(default = "quarter")]
    pub slot_minutes: u32,
    /// Whose days these are, such as "Europe/Berlin". Days of 23 and 25 hours come out as they are.
    pub time_zone: Zone,
}

fn quarter() -> u32 {
    15
}

/// Where: what sun and weather are made for.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees north, from -65 to 65.
    pub latitude_degrees: f64,
    /// Degrees east, from -180 to 180.
    pub longitude_degrees: f64,
}

impl Default for Location {
    fn default() -> Self {
        Self { latitude_degrees: 51.3, longitude_degrees: 9.5 }
    }
}

/// The electric grid: one of both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeederSource {
    /// The folder of a SimBench grid, or of the IEEE European LV feeder, seen from the scenario's own folder.
    pub folder: Option<PathBuf>,
    /// A feeder that is made to measure: a place for each home.
    pub generated: Option<GeneratedFeeder>,
}

/// A feeder that is made to measure: a place for each home.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneratedFeeder {
    /// Homes along one cable from the transformer. 25 if nothing is said.
    #[serde(default = "twenty_five")]
    pub homes_per_branch: u32,
    /// Metres between neighbours along the street, the least and the most. [15, 40] if nothing is said.
    #[serde(default = "spacing")]
    pub spacing_m: Between,
}

fn twenty_five() -> u32 {
    25
}

fn spacing() -> Between {
    Between { least: 15, most: 40 }
}

/// Who. Homes of all sources that are given live in one community.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Homes {
    /// Those that the feeder's folder describes.
    pub feeder: Option<FeederHomes>,
    /// Those of files with a column for each home.
    pub files: Option<FileHomes>,
    /// Homes that are made up from the seed.
    pub generated: Option<GeneratedHomes>,
}

/// A home for each consumer in the feeder's folder; PV, storage, heat pumps and charging points at its bus are its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeederHomes {
    /// Tables with the profiles that the elements follow, per unit of their power: CSV, CSV with gzip, or Parquet.
    pub profiles: Vec<PathBuf>,
    /// The time zone of stamps that name none; the period's if nothing is said.
    pub time_zone: Option<Zone>,
    /// The day of the tables that is taken for the period's first; the same day if nothing is said.
    pub data_first_day: Option<Day>,
}

/// A home for each column of a table as `wattswap-sim import profiles` makes it: `at`, then energy in Wh.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileHomes {
    /// What each home needs, in Wh in each step.
    pub need: PathBuf,
    /// What the roofs of some of them yield, in Wh in each step: columns of the same names.
    pub pv: Option<PathBuf>,
    /// The day of the tables that is taken for the period's first; the same day if nothing is said.
    pub data_first_day: Option<Day>,
}

/// Homes that are made up from the seed, with people, appliances and habits.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneratedHomes {
    /// How many.
    pub count: u32,
}

/// Roofs.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pv {
    /// Of all homes, so many have one. Those that the data brings count first, and stay.
    pub share_percent: Percent,
    /// Power under full sun, the least and the most.
    pub peak_w: Between,
    /// Of its roofs' peak power, a home feeds in at most so much: in several countries 60 or 70 for small roofs. Holds
    /// for all roofs, those that the data brings included. No limit if nothing is said.
    pub feed_in_limit_percent: Option<Percent>,
}

/// Batteries.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    /// Of all homes, so many have one, those with PV before others. Those that the data brings count first, and stay.
    pub share_percent: Percent,
    /// What it holds, the least and the most.
    pub capacity_wh: Between,
    /// What it charges or discharges with, the least and the most.
    pub power_w: Between,
    /// Of 100 Wh that go in, so many come out. 90 if nothing is said.
    #[serde(default = "ninety")]
    pub round_trip_percent: Percent,
    /// What all batteries follow, those that the data brings included. `self-consumption` if nothing is said.
    #[serde(default)]
    pub control: BatteryControl,
}

/// What a battery follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BatteryControl {
    /// It takes what the home has over, and gives what it draws.
    #[default]
    SelfConsumption,
    /// A rolling plan of the cheapest next day.
    Plan,
}

fn ninety() -> Percent {
    Percent(90)
}

/// Electric cars. The data's charging points are no cars here: what they drew is part of the need.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Car {
    /// Of all homes, so many have one.
    pub share_percent: Percent,
    /// What its battery holds, the least and the most.
    pub capacity_wh: Between,
    /// What it charges with at home, the least and the most.
    pub charge_w: Between,
    /// What it uses on a day with a trip, the least and the most. [2000, 14000] if nothing is said.
    #[serde(default = "trip")]
    pub trip_wh: Between,
    /// What all cars follow. `surplus-first` if nothing is said.
    #[serde(default)]
    pub control: CarControl,
}

/// What a car at its charger follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CarControl {
    /// It charges with full power until it is full.
    AtOnce,
    /// It takes what the home has over; what the next trip still needs comes from the grid, as late as possible.
    #[default]
    SurplusFirst,
    /// A rolling plan of the cheapest next day.
    Plan,
}

fn trip() -> Between {
    Between { least: 2_000, most: 14_000 }
}

/// Heat pumps.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeatPump {
    /// Of all homes, so many have one. Those that the data brings count first, and stay.
    pub share_percent: Percent,
    /// Electric energy in an ordinary year, the least and the most.
    pub annual_kwh: Between,
}

/// What a supplier charges and pays. One of `retail_eur_per_kwh` and `dynamic`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// What to call it in reports.
    pub name: String,
    /// Of all homes, so many have it; all tariffs together make 100. 100 if nothing is said.
    #[serde(default = "all")]
    pub share_percent: Percent,
    /// What energy from the supplier costs.
    pub retail_eur_per_kwh: Option<Eur>,
    /// What the supplier pays for energy that is fed in.
    pub feed_in_eur_per_kwh: Eur,
    /// Hours with another price (time of use).
    #[serde(default)]
    pub hours: Vec<Hours>,
    /// A price that follows the exchange.
    pub dynamic: Option<Dynamic>,
}

fn all() -> Percent {
    Percent(100)
}

/// Hours of the local day with a price of their own.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The first hour of the local day: 0 to 23.
    pub from_hour: u8,
    /// The hour at which it ends: 1 to 24; if it is before `from_hour`, then on the next day.
    pub to_hour: u8,
    /// What energy from the supplier costs then.
    pub retail_eur_per_kwh: Eur,
}

impl Hours {
    /// The hours of the day.
    pub fn all(&self) -> impl Iterator<Item = usize> {
        let (from, to) = (usize::from(self.from_hour), usize::from(self.to_hour));
        (from..if to > from { to } else { to + 24 }).map(|hour| hour % 24)
    }
}

/// A price that follows the exchange: `price * factor_percent / 100 + markup_eur_per_kwh`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dynamic {
    /// A table whose first column says when.
    pub prices: PathBuf,
    /// The column with the prices.
    pub column: String,
    /// What they are in. `eur_per_mwh` if nothing is said.
    #[serde(default)]
    pub unit: PriceUnit,
    /// The time zone of stamps that name none; the period's if nothing is said.
    pub time_zone: Option<Zone>,
    /// The day of the table that is taken for the period's first; the same day if nothing is said.
    pub data_first_day: Option<Day>,
    /// Taxes on the price: 119 adds 19 in a hundred. 100 if nothing is said.
    #[serde(default = "hundred")]
    pub factor_percent: u32,
    /// Grid fees, levies and the supplier's share.
    pub markup_eur_per_kwh: Eur,
}

fn hundred() -> u32 {
    100
}

/// What prices are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriceUnit {
    /// As exchanges publish them.
    #[default]
    EurPerMwh,
    /// A thousandth of it.
    EurPerKwh,
}

/// How homes trade with each other.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// How buyers find sellers.
    pub mechanism: Mechanism,
    /// When homes trade a slot. `both` if nothing is said.
    #[serde(default)]
    pub trade: TradingTime,
    /// Less than this is left to the supplier. 10 if nothing is said; from 1 to 1000.
    #[serde(default = "ten")]
    pub smallest_fill_wh: u32,
    /// All prices are multiples of it. "0.0001" if nothing is said.
    #[serde(default = "tick")]
    pub tick_eur_per_kwh: Eur,
    /// What the buyer pays the grid operator for energy from a neighbour, beside its price. "0" if nothing is said.
    #[serde(default = "nothing")]
    pub local_grid_fee_eur_per_kwh: Eur,
    /// What homes would pay at most for energy from a neighbour rather than from the supplier: each draws its own, from
    /// nought to this. "0" if nothing is said.
    #[serde(default = "nothing")]
    pub local_premium_eur_per_kwh: Eur,
}

/// When homes trade a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TradingTime {
    /// Only before its delivery, on forecasts: the gate closes when delivery starts. Strategies other than the autopilot
    /// have no forecasts, and so trade nothing.
    Ahead,
    /// Only after its delivery, what the meters counted, until the gate an hour later.
    After,
    /// On forecasts first, and the rest afterwards.
    #[default]
    Both,
}

fn ten() -> u32 {
    10
}

fn tick() -> Eur {
    Eur(Decimal::new(1, 4))
}

fn nothing() -> Eur {
    Eur(Decimal::ZERO)
}

/// How buyers find sellers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// Not at all: the supplier settles everything.
    None,
    /// The continuous double auction.
    Continuous,
    /// A call auction for each slot, with one price for all.
    Call,
}

/// A strategy, and how many follow it.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StrategyShare {
    /// Which.
    pub name: Strategy,
    /// Of all homes, so many follow it; all strategies together make 100. 100 if nothing is said.
    #[serde(default = "all")]
    pub share_percent: Percent,
}

/// How a home quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The node's own.
    Autopilot,
    /// Random prices within its limit (Gode and Sunder 1993).
    ZiC,
    /// A profit margin that learns from what others quote (Cliff and Bruten 1997).
    Zip,
    /// From a favourable price to its limit as time goes by.
    Ramp,
    /// Its limit at once.
    Truthful,
    /// No orders: supplier only.
    Passive,
}
