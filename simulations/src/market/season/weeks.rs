//! Weeks of real homes, from the project's data folder (`WATTSWAP_DATA`).
//!
//! Energies are read as exact decimals and rounded to whole watt-hours, slot by slot. Tariffs are drawn from a seed, so
//! that limits differ between homes as they do on a street.

use std::path::{Path, PathBuf};

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use wattswap_matching::{Price, Slot, UtcMillis, WattHours};

use super::account::SLOTS_A_DAY;
use super::input::{HomeInput, Neighbourhood};
use crate::network::Random;

/// Days before the week in which meters count already.
pub const WARM_UP_DAYS: usize = 4;
/// Days that are traded.
pub const DAYS: usize = 7;
/// Retail prices, feed-in tariffs and premiums for local power, in ticks of 0.0001 EUR per kWh.
const RETAIL: (u64, u64) = (2_600, 3_800);
const FEED_IN: (u64, u64) = (600, 1_300);
const PREMIUM: (u64, u64) = (0, 300);

/// Where the profiles come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// SimBench's low-voltage household profiles, 60 homes, half of them with a roof.
    SimBench,
    /// The reference profiles of VDI 4657, 40 homes, half of them with a roof.
    HiSim,
    /// CityLearn's 8 homes in California, hourly, all with a roof.
    CityLearn,
}

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Season {
    /// From 13 June.
    Summer,
    /// From 18 January.
    Winter,
    /// From 4 April.
    Spring,
}

/// Why there is no week.
#[derive(Debug, thiserror::Error)]
pub enum BadWeek {
    /// The folder is not known.
    #[error("set WATTSWAP_DATA to the folder with the profiles")]
    NoFolder,
    /// The file can't be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// A column or a number is missing.
    #[error("{path}: no number in column {column}, row {row}")]
    NotANumber {
        /// Which file.
        path: PathBuf,
        /// Which column.
        column: String,
        /// Which row, from 0.
        row: usize,
    },
}

impl Season {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Summer, Self::Winter, Self::Spring];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Summer => "summer",
            Self::Winter => "winter",
            Self::Spring => "spring",
        }
    }

    /// Days of a year without a leap day before the first that is traded.
    fn day(self) -> usize {
        match self {
            Self::Summer => 163,
            Self::Winter => 17,
            Self::Spring => 93,
        }
    }
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::SimBench, Self::HiSim, Self::CityLearn];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SimBench => "simbench",
            Self::HiSim => "hisim",
            Self::CityLearn => "citylearn",
        }
    }

    /// Its homes in a week, with the days before it.
    ///
    /// # Errors
    /// [`BadWeek`].
    pub fn week(self, season: Season, seed: u64) -> Result<Neighbourhood, BadWeek> {
        let folder = std::env::var_os("WATTSWAP_DATA").map(PathBuf::from).ok_or(BadWeek::NoFolder)?;
        let mut random = Random::new(seed);
        let homes = match self {
            Self::SimBench => simbench(&folder, season, &mut random)?,
            Self::HiSim => hisim(&folder, season, &mut random)?,
            Self::CityLearn => citylearn(&folder, season, &mut random)?,
        };
        Ok(Neighbourhood { first: Slot(UtcMillis(16_801 * 24 * 3_600_000)), homes })
    }
}

/// A table of numbers, read when asked for.
struct Table {
    path: PathBuf,
    headers: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    fn read(path: PathBuf) -> Result<Self, BadWeek> {
        let unreadable = |source| BadWeek::Unreadable { path: path.clone(), source };
        let file = std::fs::File::open(&path).map_err(|error| unreadable(error.into()))?;
        let mut file = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
        let headers = file.headers().map_err(unreadable)?.clone();
        let rows = file.records().collect::<Result<_, _>>().map_err(unreadable)?;
        Ok(Self { path, headers, rows })
    }

    fn names(&self, holds: &str) -> Vec<String> {
        self.headers.iter().filter(|name| name.contains(holds)).map(str::to_owned).collect()
    }

    /// A column from a row on, each number times `factor`.
    fn column(&self, name: &str, from: usize, rows: usize, factor: Decimal) -> Result<Vec<Decimal>, BadWeek> {
        let bad = |row| BadWeek::NotANumber { path: self.path.clone(), column: name.to_owned(), row };
        let column = self.headers.iter().position(|header| header == name).ok_or_else(|| bad(0))?;
        let number = |row: usize| {
            let text = self.rows.get(row % self.rows.len())?.get(column)?;
            let number = text.parse().or_else(|_| Decimal::from_scientific(text)).ok()?;
            Some(number * factor)
        };
        (from..from + rows).map(|row| number(row).ok_or_else(|| bad(row))).collect()
    }
}

fn watt_hours(values: &[Decimal]) -> Vec<WattHours> {
    values.iter().map(|value| WattHours(value.round().to_i64().expect("a home's energy"))).collect()
}

fn home(need: &[Decimal], pv: &[Decimal], random: &mut Random) -> HomeInput {
    let mut tick = |(low, high)| Price(i32::try_from(random.between(low, high)).expect("thousands"));
    let (retail, feed_in, local_premium) = (tick(RETAIL), tick(FEED_IN), tick(PREMIUM));
    HomeInput { need: watt_hours(need), pv: watt_hours(pv), retail, feed_in, local_premium }
}

const SLOTS: usize = (WARM_UP_DAYS + DAYS) * SLOTS_A_DAY;

fn pick<'n>(names: &'n [String], random: &mut Random) -> &'n str {
    &names[random.index(names.len())]
}

fn kilo(random: &mut Random, low: u64, high: u64) -> Decimal {
    Decimal::new(i64::try_from(random.between(low, high)).expect("small"), 0)
}

/// H0 profiles are per unit of a rating; each home has one of 2 to 5 kW, some weeks away; a roof of 3 to 12 kW.
fn simbench(folder: &Path, season: Season, random: &mut Random) -> Result<Vec<HomeInput>, BadWeek> {
    let loads = Table::read(folder.join("simbench_lv/load_profiles_15min_2016.csv.gz"))?;
    let roofs = Table::read(folder.join("simbench_lv/pv_profiles_15min_2016.csv.gz"))?;
    let mut names = loads.names("H0-");
    names.retain(|name| name.ends_with("_pload"));
    let pv_names = roofs.names("PV");
    // 2016 has a leap day.
    let leap = usize::from(season != Season::Winter);
    let from = (season.day() + leap - WARM_UP_DAYS) * SLOTS_A_DAY;
    let mut homes = Vec::new();
    for number in 0..60 {
        let weeks = usize::try_from(random.below(3)).expect("two at the most");
        let quarter_watts = kilo(random, 2_000, 5_000) / Decimal::from(4);
        let need = loads.column(pick(&names, random), from + weeks * 7 * SLOTS_A_DAY, SLOTS, quarter_watts)?;
        let peak = if number % 2 == 0 { kilo(random, 3_000, 12_000) / Decimal::from(4) } else { Decimal::ZERO };
        let pv = roofs.column(pick(&pv_names, random), from, SLOTS, peak)?;
        homes.push(home(&need, &pv, random));
    }
    Ok(homes)
}

/// Loads are W per MWh a year; each home has 2 to 8 MWh; roofs are W per kWp, of 3 to 12 kWp.
fn hisim(folder: &Path, season: Season, random: &mut Random) -> Result<Vec<HomeInput>, BadWeek> {
    let loads = Table::read(folder.join("hisim_vdi4657/load_profiles_15min.csv.gz"))?;
    let roofs = Table::read(folder.join("hisim_vdi4657/pv_profiles_15min_W_per_kWp.csv.gz"))?;
    let mut names = loads.names("LP_W_");
    names.truncate(3);
    let pv_names = roofs.names("try4_a");
    let from = (season.day() - WARM_UP_DAYS) * SLOTS_A_DAY;
    let mut homes = Vec::new();
    for number in 0..40 {
        let weeks = usize::try_from(random.below(4)).expect("three at the most");
        let megawatt_hours = kilo(random, 2, 8) / Decimal::from(4);
        let need = loads.column(pick(&names, random), from + weeks * 7 * SLOTS_A_DAY, SLOTS, megawatt_hours)?;
        let peak = if number % 2 == 0 { kilo(random, 3, 12) / Decimal::from(4) } else { Decimal::ZERO };
        let pv = roofs.column(pick(&pv_names, random), from, SLOTS, peak)?;
        homes.push(home(&need, &pv, random));
    }
    Ok(homes)
}

/// Hours from August on; each is split into four quarters. Roofs of 4 or 5 kW, as in the data's own `assets.csv`.
fn citylearn(folder: &Path, season: Season, random: &mut Random) -> Result<Vec<HomeInput>, BadWeek> {
    let table = Table::read(folder.join("citylearn2022/buildings_hourly.csv.gz"))?;
    // Row 1 is the first hour of 1 August, the day 212 of the year.
    let from = 1 + (season.day() + 365 - WARM_UP_DAYS - 212) % 365 * 24;
    let quarters = |hours: Vec<Decimal>| -> Vec<Decimal> { hours.into_iter().flat_map(|hour| [hour; 4]).collect() };
    let mut homes = Vec::new();
    for number in 1..=8 {
        let hours = SLOTS / 4;
        let need = table.column(&format!("load_kwh_{number}"), from, hours, Decimal::from(250))?;
        let peak = Decimal::from(if number == 4 { 5 } else { 4 }) / Decimal::from(4);
        let pv = table.column(&format!("pv_w_per_kw_{number}"), from, hours, peak)?;
        homes.push(home(&quarters(need), &quarters(pv), random));
    }
    Ok(homes)
}
