//! Makes a community of a scenario: opens its files, and deals out what is shared among the homes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use wattswap_matching::{UtcMillis, WattHours, Watts};

use super::Community;
use super::calendar::{BadDay, Calendar, midnight};
use super::draw::{Purpose, draw, rank};
use super::elements::{self, Element};
use super::home::{Battery, Car, Heat, HeatPump, Home, Need, Roof};
use super::people::Household;
use super::register::{Column, Register};
use super::table::{self, BadProfile, Columns, Reading, Stamp, Unit};
use super::tariffs::{BadPrices, Prices};
use super::weather::{Panels, Weather};
use crate::grid::feeder::{Feeder, Kind};
use crate::grid::folder::{self, NoFeeder};
use crate::grid::generated;
use crate::grid::profiles::columns_of;
use crate::grid::table::{BadTable, Table};
use crate::network::random::Random;
use crate::scenario::document::{FeederHomes, FileHomes, Strategy};
use crate::scenario::{Between, Day, Percent, Place, Scenario, Zone};

/// A scenario comes to no community: what a key names can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {why}")]
pub struct NoCommunity {
    /// Which key.
    pub at: Place,
    /// Why.
    pub why: Box<Unusable>,
}

/// Why what a key names can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A day that can't be cut into slots.
    #[error(transparent)]
    Day(#[from] BadDay),
    /// A folder that is no feeder's.
    #[error(transparent)]
    Feeder(#[from] NoFeeder),
    /// A table that can't be read.
    #[error(transparent)]
    Table(#[from] BadTable),
    /// A table of profiles that can't be used.
    #[error(transparent)]
    Profile(#[from] BadProfile),
    /// A table of prices that can't be used.
    #[error(transparent)]
    Prices(#[from] BadPrices),
    /// Something else, in words that say what to write.
    #[error("{0}")]
    Otherwise(String),
}

/// What is known while a community is made.
struct Builder<'s> {
    scenario: &'s Scenario,
    calendar: Calendar,
    zone: TimeZone,
    feeder: Option<Feeder>,
    homes: Vec<Home>,
}

pub(super) fn community(scenario: &Scenario) -> Result<Community, NoCommunity> {
    let document = &scenario.document;
    let period = &document.period;
    let zone = period.time_zone.0.clone();
    let calendar = Calendar::new(period.first_day.0, period.days, period.slot_minutes, &zone);
    let calendar = calendar.map_err(at(scenario, "period.slot_minutes"))?;
    let mut builder = Builder { scenario, calendar, zone, feeder: None, homes: Vec::new() };
    builder.read_feeder()?;
    if let Some(homes) = &document.homes.feeder {
        builder.feeder_homes(homes)?;
    }
    if let Some(homes) = &document.homes.files {
        builder.file_homes(homes)?;
    }
    builder.generated_homes();
    builder.place_homes()?;
    builder.deal_equipment();
    let prices = builder.deal_prices()?;
    builder.deal_strategies();
    let weather = Weather::new(&builder.calendar, document.place, document.seed);
    Ok(Community {
        notes: builder.feeder.as_ref().map_or_else(Vec::new, |feeder| feeder.notes.clone()),
        tariffs: document.tariffs.iter().map(|tariff| tariff.name.clone()).collect(),
        market: document.market,
        seed: document.seed,
        calendar: builder.calendar,
        homes: builder.homes,
        feeder: builder.feeder,
        weather,
        prices,
    })
}

/// Says at which key something is wrong.
fn at<E: Into<Unusable>>(scenario: &Scenario, key: &str) -> impl Fn(E) -> NoCommunity {
    move |why| NoCommunity { at: scenario.place(key), why: Box::new(why.into()) }
}

impl Builder<'_> {
    fn read_feeder(&mut self) -> Result<(), NoCommunity> {
        let folder = self.scenario.document.feeder.as_ref().and_then(|feeder| feeder.folder.as_deref());
        let Some(folder) = folder else { return Ok(()) };
        let feeder = folder::read(&self.scenario.file(folder)).map_err(at(self.scenario, "feeder.folder"))?;
        self.feeder = Some(feeder);
        Ok(())
    }

    fn home(&mut self, name: String, need: Need, roof: Roof) -> &mut Home {
        let pv_peak = match &roof {
            Roof::Recorded(register) => Watts(u32::try_from(register.peak_watts()).unwrap_or(u32::MAX)),
            Roof::None | Roof::Generated(_) => Watts(0),
        };
        self.homes.push(Home {
            name,
            connection: None,
            pv_peak,
            battery: None,
            car: None,
            tariff: 0,
            strategy: Strategy::Passive,
            premium: Decimal::ZERO,
            need,
            roof,
            heat_pump: Heat::None,
        });
        self.homes.last_mut().expect("one was just pushed")
    }

    fn feeder_homes(&mut self, homes: &FeederHomes) -> Result<(), NoCommunity> {
        let key = "homes.feeder.profiles";
        let (Some(feeder), Some(source)) = (&self.feeder, &self.scenario.document.feeder) else { return Ok(()) };
        let folder = self.scenario.file(source.folder.as_deref().unwrap_or(Path::new("")));
        let elements = elements::homes(feeder, &folder).map_err(at(self.scenario, "feeder.folder"))?;
        let names: Vec<String> = feeder.connections.iter().map(|connection| connection.name.clone()).collect();
        let followed = elements.iter().flat_map(|home| [&home.need, &home.heat_pump, &home.pv]).flatten();
        let mut wanted: BTreeMap<String, Option<Arc<Column>>> =
            followed.map(|element| (element.profile.clone(), None)).collect();
        let reading = self.reading(Unit::Share, homes.time_zone.as_ref());
        for file in &homes.profiles {
            let path = self.scenario.file(file);
            let found = |table: &Table| {
                let open = wanted.iter().filter(|(_, column)| column.is_none());
                open.filter_map(|(name, _)| Some((name.clone(), columns_of(table, &path, name)?[0].clone()))).collect()
            };
            for (name, column) in table::read(&path, &reading, found).map_err(at(self.scenario, key))? {
                self.reaches(&path, &column, homes.data_first_day, key)?;
                wanted.insert(name, Some(column));
            }
        }
        let earlier = self.earlier(homes.data_first_day);
        for home in elements {
            let register = |elements: &[Element]| -> Result<Register, NoCommunity> {
                let mut register = Register::new(earlier);
                for element in elements {
                    let column = wanted.get(&element.profile).cloned().flatten().ok_or_else(|| {
                        let what =
                            format!("{} is a column of none of these tables: add the one that has it", element.profile);
                        at(self.scenario, key)(Unusable::Otherwise(what))
                    })?;
                    register.add(column, element.watts);
                }
                Ok(register)
            };
            let (need, pv, pump) = (register(&home.need)?, register(&home.pv)?, register(&home.heat_pump)?);
            let roof = if pv.is_empty() { Roof::None } else { Roof::Recorded(pv) };
            let rated = home.pv.iter().map(|element| element.watts).sum::<i64>();
            let made = self.home(names[home.connection].clone(), Need::Recorded(need), roof);
            made.connection = Some(home.connection);
            made.pv_peak = Watts(u32::try_from(rated).unwrap_or(u32::MAX));
            made.battery = home.battery;
            made.heat_pump = if pump.is_empty() { Heat::None } else { Heat::Recorded(pump) };
        }
        Ok(())
    }

    fn file_homes(&mut self, homes: &FileHomes) -> Result<(), NoCommunity> {
        let earlier = self.earlier(homes.data_first_day);
        let register = |column: Arc<Column>| {
            let mut register = Register::new(earlier);
            register.add(column, 1_000);
            register
        };
        let need = self.file(&homes.need, homes.data_first_day, "homes.files.need")?;
        let mut pv = match &homes.pv {
            Some(pv) => self.file(pv, homes.data_first_day, "homes.files.pv")?,
            None => Columns::new(),
        };
        for (name, column) in need {
            let roof = pv.remove(&name).map_or(Roof::None, |column| Roof::Recorded(register(column)));
            self.home(name, Need::Recorded(register(column)), roof);
        }
        if let Some(name) = pv.keys().next() {
            let what = format!("the column {name} is no home's: the table of homes.files.need has none of this name");
            return Err(at(self.scenario, "homes.files.pv")(Unusable::Otherwise(what)));
        }
        Ok(())
    }

    fn file(&self, file: &Path, first: Option<Day>, key: &str) -> Result<Columns, NoCommunity> {
        let path = self.scenario.file(file);
        let reading = self.reading(Unit::WattHours, None);
        let columns = table::read(&path, &reading, |table| table::all(table, None)).map_err(at(self.scenario, key))?;
        for column in columns.values() {
            self.reaches(&path, column, first, key)?;
        }
        Ok(columns)
    }

    fn generated_homes(&mut self) {
        let count = self.scenario.document.homes.generated.map_or(0, |homes| homes.count);
        let before = self.homes.len();
        for number in 0..count as usize {
            let home = before + number;
            let household = Household::new(self.scenario.document.seed, home);
            self.home(format!("home-{}", home + 1), Need::Generated(household), Roof::None);
        }
    }

    /// Homes that are nowhere yet get the feeder's loads, in turn.
    fn place_homes(&mut self) -> Result<(), NoCommunity> {
        let Some(source) = &self.scenario.document.feeder else { return Ok(()) };
        if let Some(made) = source.generated {
            let seed = self.scenario.document.seed;
            self.feeder = Some(generated::feeder(self.homes.len(), made, seed));
        }
        let Some(feeder) = &self.feeder else { return Ok(()) };
        let loads = feeder.connections.iter().enumerate().filter(|(_, connection)| connection.kind == Kind::Load);
        let loads: Vec<usize> = loads.map(|(number, _)| number).collect();
        if loads.is_empty() {
            let what = "this feeder has no loads to which homes could belong: write another folder".to_owned();
            return Err(at(self.scenario, "feeder.folder")(Unusable::Otherwise(what)));
        }
        let nowhere = self.homes.iter_mut().filter(|home| home.connection.is_none());
        for (home, load) in nowhere.zip(loads.iter().cycle()) {
            home.connection = Some(*load);
        }
        Ok(())
    }

    /// Deals out roofs, batteries, cars and heat pumps until their shares are reached.
    fn deal_equipment(&mut self) {
        let (document, seed) = (&self.scenario.document, self.scenario.document.seed);
        if let Some(pv) = document.pv {
            for home in self.chosen(Purpose::Roof, pv.share_percent, Home::has_pv, |_| 0) {
                let mut random = draw(seed, Purpose::Roof, home as u64, 0);
                let peak = between(&mut random, pv.peak_w);
                // Most roofs face somewhere between east and west by south.
                let azimuth = u32::try_from(random.between(90, 270)).expect("it is small");
                let tilt = u32::try_from(random.between(20, 45)).expect("it is small");
                self.homes[home].roof = Roof::Generated(Panels::new(peak, azimuth, tilt));
                self.homes[home].pv_peak = Watts(peak);
            }
        }
        if let Some(battery) = document.battery {
            let without_roof = |home: &Home| u8::from(!home.has_pv());
            for home in
                self.chosen(Purpose::Battery, battery.share_percent, |home| home.battery.is_some(), without_roof)
            {
                let mut random = draw(seed, Purpose::Battery, home as u64, 0);
                self.homes[home].battery = Some(Battery {
                    capacity: WattHours(between(&mut random, battery.capacity_wh).into()),
                    power: Watts(between(&mut random, battery.power_w)),
                    round_trip_percent: battery.round_trip_percent.0,
                });
            }
        }
        if let Some(car) = document.car {
            for home in self.chosen(Purpose::Car, car.share_percent, |home| home.car.is_some(), |_| 0) {
                let mut random = draw(seed, Purpose::Car, home as u64, 0);
                let [capacity, power] = [car.capacity_wh, car.charge_w].map(|range| between(&mut random, range));
                let usual = [random.between(390, 540), random.between(900, 1_110)];
                self.homes[home].car = Some(Car::new(capacity, power, car.trip_wh, usual));
            }
        }
        if let Some(pump) = document.heat_pump {
            for home in self.chosen(Purpose::HeatPump, pump.share_percent, Home::has_heat_pump, |_| 0) {
                let mut random = draw(seed, Purpose::HeatPump, home as u64, 0);
                let annual = i64::from(between(&mut random, pump.annual_kwh)) * 1_000;
                self.homes[home].heat_pump = Heat::Generated(HeatPump::new(annual));
            }
        }
    }

    /// Which homes get something, so that with those that have it already the share is reached; those of lower class
    /// first, and of one class in an order that only the seed decides.
    fn chosen(
        &self,
        purpose: Purpose,
        share: Percent,
        has: fn(&Home) -> bool,
        class: impl Fn(&Home) -> u8,
    ) -> Vec<usize> {
        let already = self.homes.iter().filter(|home| has(home)).count();
        let missing = part(self.homes.len(), share.0.into()).saturating_sub(already);
        let without = self.homes.iter().enumerate().filter(|(_, home)| !has(home));
        let seed = self.scenario.document.seed;
        let mut homes: Vec<(u8, u64, usize)> =
            without.map(|(number, home)| (class(home), rank(seed, purpose, number), number)).collect();
        homes.sort_unstable();
        homes.into_iter().take(missing).map(|(.., number)| number).collect()
    }

    /// Numbers of 0 to `shares.len()`, one for each home, as often as their shares say.
    fn dealt(&self, purpose: Purpose, shares: impl Iterator<Item = Percent>) -> Vec<(usize, usize)> {
        let seed = self.scenario.document.seed;
        let mut homes: Vec<(u64, usize)> =
            (0..self.homes.len()).map(|home| (rank(seed, purpose, home), home)).collect();
        homes.sort_unstable();
        let mut dealt = Vec::new();
        let mut percent = 0_u32;
        for (number, share) in shares.enumerate() {
            percent += u32::from(share.0);
            let until = part(homes.len(), percent);
            dealt.extend(homes[dealt.len()..until].iter().map(|(_, home)| (*home, number)));
        }
        dealt
    }

    fn deal_prices(&mut self) -> Result<Vec<Prices>, NoCommunity> {
        let document = &self.scenario.document;
        let prices = document.tariffs.iter().enumerate().map(|(number, tariff)| {
            let dynamic = tariff.dynamic.as_ref();
            let path = dynamic.map(|dynamic| self.scenario.file(&dynamic.prices));
            let zone = dynamic.and_then(|dynamic| dynamic.time_zone.as_ref()).map_or(&self.zone, |zone| &zone.0);
            let earlier = self.earlier(dynamic.and_then(|dynamic| dynamic.data_first_day));
            Prices::new(tariff, path.as_deref(), zone, earlier, &self.calendar)
                .map_err(at(self.scenario, &format!("tariffs[{number}].dynamic.prices")))
        });
        let prices = prices.collect::<Result<_, _>>()?;
        for (home, tariff) in self.dealt(Purpose::Tariff, document.tariffs.iter().map(|tariff| tariff.share_percent)) {
            self.homes[home].tariff = tariff;
        }
        Ok(prices)
    }

    fn deal_strategies(&mut self) {
        let document = &self.scenario.document;
        let shares = document.strategies.iter().map(|strategy| strategy.share_percent);
        for (home, number) in self.dealt(Purpose::Strategy, shares) {
            self.homes[home].strategy = document.strategies[number].name;
        }
        let (tick, most) = (document.market.tick_eur_per_kwh.0, document.market.local_premium_eur_per_kwh.0);
        let ticks = (most / tick).trunc().to_u64().unwrap_or(0);
        for (number, home) in self.homes.iter_mut().enumerate() {
            let drawn = draw(document.seed, Purpose::Premium, number as u64, 0).between(0, ticks);
            home.premium = tick * Decimal::from(drawn);
        }
    }

    fn reading(&self, unit: Unit, zone: Option<&Zone>) -> Reading {
        let zone = zone.map_or(&self.zone, |zone| &zone.0).clone();
        Reading { unit, zone, stamp: Stamp::Start, time: None }
    }

    /// By how much the data's time is earlier than the period's, in milliseconds.
    fn earlier(&self, first: Option<Day>) -> i64 {
        let first = first.and_then(|first| midnight(first.0, &self.zone)).unwrap_or(self.calendar.start());
        signed(self.calendar.start()) - signed(first)
    }

    /// Whether a column has the whole period.
    fn reaches(&self, path: &Path, column: &Column, first: Option<Day>, key: &str) -> Result<(), NoCommunity> {
        let earlier = self.earlier(first);
        let (starts, ends) = column.reach();
        let (from, to) = (signed(self.calendar.start()) - earlier, signed(self.calendar.end()) - earlier);
        if signed(starts) <= from && to <= signed(ends) {
            return Ok(());
        }
        let [starts, ends, from, to] = [signed(starts), signed(ends), from, to].map(written);
        let what = format!(
            "{}: it reaches from {starts} to {ends}, but {from} to {to} is asked for: change the period, or write the \
             data_first_day that is taken for its first day",
            path.display()
        );
        Err(at(self.scenario, key)(Unusable::Otherwise(what)))
    }
}

fn signed(at: UtcMillis) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}

fn written(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(|_beyond| millis.to_string(), |at| at.to_string())
}

fn between(random: &mut Random, range: Between) -> u32 {
    u32::try_from(random.between(range.least.into(), range.most.into())).expect("it lies between two u32")
}

/// So many in a hundred, to the nearest.
fn part(count: usize, percent: u32) -> usize {
    (count * percent as usize + 50) / 100
}
