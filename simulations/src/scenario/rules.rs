//! What must hold between a scenario's values, beyond their types. The files that it names are not looked at.

use rust_decimal::Decimal;

use super::document::{Document, Mechanism, Tariff, TradingTime};
use super::values::Percent;

/// Ten years.
const MOST_DAYS: u32 = 3_660;
/// Slots whose borders are also those of hours.
const SLOT_MINUTES: [u32; 6] = [5, 10, 15, 20, 30, 60];
/// Homes that are made up in one scenario.
const MOST_GENERATED: u32 = 100_000;
/// Homes on one cable. More of them would be no feeder but a town.
const MOST_ON_A_BRANCH: u32 = 1_000;
/// More is left to nobody: many homes need less in a slot.
const MOST_SMALLEST_FILL_WH: u32 = 1_000;
/// Tenfold taxes are a slip of the pen.
const MOST_FACTOR_PERCENT: u32 = 1_000;

/// A rule that is broken: at which key, and what to write instead.
#[derive(Debug)]
pub(super) struct Broken {
    pub key: String,
    pub what: String,
}

type Verdict = Result<(), Broken>;

/// Checks all rules, and gives the first that is broken.
pub(super) fn check(document: &Document) -> Verdict {
    period(document)?;
    place(document)?;
    feeder(document)?;
    homes(document)?;
    equipment(document)?;
    tariffs(&document.tariffs)?;
    hundred("strategies", document.strategies.iter().map(|strategy| strategy.share_percent))?;
    market(document)
}

fn rule(holds: bool, key: &str, what: impl Into<String>) -> Verdict {
    if holds { Ok(()) } else { Err(Broken { key: key.to_owned(), what: what.into() }) }
}

fn period(document: &Document) -> Verdict {
    let period = &document.period;
    let (days, minutes, year) = (period.days, period.slot_minutes, period.first_day.0.year());
    rule((1..=MOST_DAYS).contains(&days), "period.days", format!("{days} days: write 1 to {MOST_DAYS}"))?;
    let known = SLOT_MINUTES.contains(&minutes);
    rule(known, "period.slot_minutes", format!("{minutes} minutes: write 5, 10, 15, 20, 30 or 60"))?;
    rule((1971..=2200).contains(&year), "period.first_day", format!("the year {year}: write one from 1971 to 2200"))
}

fn place(document: &Document) -> Verdict {
    let place = &document.place;
    let within = |value: f64, limit: f64| (-limit..=limit).contains(&value);
    rule(within(place.latitude_degrees, 65.0), "place.latitude_degrees", "write degrees north from -65 to 65")?;
    rule(within(place.longitude_degrees, 180.0), "place.longitude_degrees", "write degrees east from -180 to 180")
}

fn feeder(document: &Document) -> Verdict {
    let Some(feeder) = &document.feeder else { return Ok(()) };
    let one = feeder.folder.is_some() != feeder.generated.is_some();
    rule(one, "feeder", "write either folder or [feeder.generated]")?;
    let Some(generated) = &feeder.generated else { return Ok(()) };
    let homes = generated.homes_per_branch;
    let possible = (1..=MOST_ON_A_BRANCH).contains(&homes);
    rule(possible, "feeder.generated.homes_per_branch", format!("{homes} homes: write 1 to {MOST_ON_A_BRANCH}"))
}

fn homes(document: &Document) -> Verdict {
    let homes = &document.homes;
    let some = homes.feeder.is_some() || homes.files.is_some() || homes.generated.is_some();
    rule(some, "homes", "no homes: write [homes.feeder], [homes.files] or [homes.generated]")?;
    if let Some(generated) = homes.generated {
        let count = generated.count;
        let possible = (1..=MOST_GENERATED).contains(&count);
        rule(possible, "homes.generated.count", format!("{count} homes: write 1 to {MOST_GENERATED}"))?;
    }
    let has_folder = document.feeder.as_ref().is_some_and(|feeder| feeder.folder.is_some());
    let possible = homes.feeder.is_none() || has_folder;
    rule(possible, "homes.feeder", "there is no folder to take homes from: write folder under [feeder]")
}

fn equipment(document: &Document) -> Verdict {
    if let Some(battery) = &document.battery {
        let some = battery.round_trip_percent.0 > 0;
        rule(some, "battery.round_trip_percent", "nothing would come out: write 1 to 100")?;
    }
    if let Some(car) = &document.car {
        let (trip, capacity) = (car.trip_wh.most, car.capacity_wh.least);
        let what = format!("a trip of {trip} Wh is more than the smallest car holds: write up to {capacity}");
        rule(trip <= capacity, "car.trip_wh", what)?;
    }
    Ok(())
}

fn tariffs(tariffs: &[Tariff]) -> Verdict {
    hundred("tariffs", tariffs.iter().map(|tariff| tariff.share_percent))?;
    for (number, tariff) in tariffs.iter().enumerate() {
        let key = format!("tariffs[{number}]");
        let is_taken = tariffs[..number].iter().any(|other| other.name == tariff.name);
        let what = format!("there is a tariff {} already: give each a name of its own", tariff.name);
        rule(!is_taken, &format!("{key}.name"), what)?;
        let one = tariff.retail_eur_per_kwh.is_some() != tariff.dynamic.is_some();
        rule(one, &key, "write either retail_eur_per_kwh or [tariffs.dynamic]")?;
        if let Some(dynamic) = &tariff.dynamic {
            rule(tariff.hours.is_empty(), &format!("{key}.hours"), "a dynamic price has no hours: leave them out")?;
            let (factor, key) = (dynamic.factor_percent, format!("{key}.dynamic.factor_percent"));
            rule(factor <= MOST_FACTOR_PERCENT, &key, format!("{factor}: write 0 to {MOST_FACTOR_PERCENT}"))?;
        }
        hours(tariff, &key)?;
    }
    Ok(())
}

/// Each hour has one price.
fn hours(tariff: &Tariff, key: &str) -> Verdict {
    let mut taken = [false; 24];
    for (number, hours) in tariff.hours.iter().enumerate() {
        let key = format!("{key}.hours[{number}]");
        let (from, to) = (hours.from_hour, hours.to_hour);
        rule(from < 24, &format!("{key}.from_hour"), format!("{from}: write an hour from 0 to 23"))?;
        let possible = (1..=24).contains(&to) && from != to;
        rule(possible, &format!("{key}.to_hour"), format!("{to}: write an hour from 1 to 24, other than from_hour"))?;
        for hour in hours.all() {
            let what = format!("the hour {hour} has a price already: let the hours of a tariff not overlap");
            rule(!taken[hour], &key, what)?;
            taken[hour] = true;
        }
    }
    Ok(())
}

/// Shares of all homes: something is said of each.
fn hundred(key: &str, shares: impl ExactSizeIterator<Item = Percent>) -> Verdict {
    rule(shares.len() > 0, key, format!("there is none: write at least one [[{key}]]"))?;
    let sum: u32 = shares.map(|share| u32::from(share.0)).sum();
    rule(sum == 100, key, format!("their share_percent make {sum}: let them make 100"))
}

fn market(document: &Document) -> Verdict {
    let market = &document.market;
    let smallest = market.smallest_fill_wh;
    let possible = (1..=MOST_SMALLEST_FILL_WH).contains(&smallest);
    rule(possible, "market.smallest_fill_wh", format!("{smallest} Wh: write 1 to {MOST_SMALLEST_FILL_WH}"))?;
    let ahead = market.trade == TradingTime::Ahead && market.mechanism == Mechanism::Call;
    rule(!ahead, "market.trade", "the call clears what the meters counted: write after or both, or another mechanism")?;
    let tick = market.tick_eur_per_kwh.0;
    rule(tick > Decimal::ZERO, "market.tick_eur_per_kwh", "write a number above 0, such as \"0.0001\"")?;
    for (key, amount) in [
        ("market.local_grid_fee_eur_per_kwh", market.local_grid_fee_eur_per_kwh.0),
        ("market.local_premium_eur_per_kwh", market.local_premium_eur_per_kwh.0),
    ] {
        rule(amount >= Decimal::ZERO, key, format!("{amount}: write a number of 0 or more"))?;
        rule((amount % tick).is_zero(), key, format!("{amount} is no multiple of the tick {tick}: write one"))?;
    }
    Ok(())
}
