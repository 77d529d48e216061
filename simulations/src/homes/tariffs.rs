//! What suppliers charge and pay in each slot: flat, by the hour of the day, or following the exchange.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use wattswap_matching::UtcMillis;
use wattswap_node::protocol::settlement::Tariff;

use super::calendar::{Calendar, Day};
use super::stamps::{EXPECTED, Stamps};
use super::table::decimal;
use crate::grid::table::{BadTable, Table};
use crate::scenario::document::{self, Dynamic, PriceUnit};

/// Why a tariff has no prices.
#[derive(Debug, thiserror::Error)]
pub enum BadPrices {
    /// The table can't be read.
    #[error(transparent)]
    Table(#[from] BadTable),
    /// There is no price for some of the period.
    #[error("{path}: it has no price for {at}: write a data_first_day from which on there are prices for all days")]
    Missing {
        /// In which file.
        path: PathBuf,
        /// An instant.
        at: String,
    },
}

/// A tariff's prices.
#[derive(Clone, Debug)]
pub(super) enum Prices {
    /// By the hour of the day; all alike, if it is flat.
    Hours { retail: Box<[Decimal; 24]>, feed_in: Decimal },
    /// Since when which price holds, in the time of the period.
    Dynamic { retail: BTreeMap<u64, Decimal>, feed_in: Decimal },
}

impl Prices {
    /// Reads what a tariff says. `earlier_ms` is by how much its table's time is earlier than the period's.
    pub fn new(
        tariff: &document::Tariff,
        path: Option<&Path>,
        zone: &TimeZone,
        earlier_ms: i64,
        calendar: &Calendar,
    ) -> Result<Self, BadPrices> {
        let feed_in = tariff.feed_in_eur_per_kwh.0;
        let (Some(dynamic), Some(path)) = (&tariff.dynamic, path) else {
            let mut retail = Box::new([tariff.retail_eur_per_kwh.map_or(Decimal::ZERO, |price| price.0); 24]);
            for hours in &tariff.hours {
                hours.all().for_each(|hour| retail[hour] = hours.retail_eur_per_kwh.0);
            }
            return Ok(Self::Hours { retail, feed_in });
        };
        let retail = read(dynamic, path, zone, earlier_ms, calendar)?;
        Ok(Self::Dynamic { retail, feed_in })
    }

    /// The tariff in each slot of a day.
    pub fn day(&self, calendar: &Calendar, day: &Day) -> Vec<Tariff> {
        let slot = |slot| match self {
            Self::Hours { retail, feed_in } => Tariff { retail: retail[day.hour(slot)], feed_in: *feed_in },
            Self::Dynamic { retail, feed_in } => {
                let since = retail.range(..=calendar.instant(day, slot).0).next_back();
                Tariff { retail: *since.expect("all slots were looked for when it was read").1, feed_in: *feed_in }
            }
        };
        (0..day.slots).map(slot).collect()
    }
}

/// Retail prices by the instant since when they hold.
fn read(
    dynamic: &Dynamic,
    path: &Path,
    zone: &TimeZone,
    earlier_ms: i64,
    calendar: &Calendar,
) -> Result<BTreeMap<u64, Decimal>, BadPrices> {
    let table = Table::open(path)?;
    let first = table.headers().next().unwrap_or_default().to_owned();
    let [time, column] = [table.column(&first)?, table.column(&dynamic.column)?];
    let (scale, expected) = match dynamic.unit {
        PriceUnit::EurPerMwh => (3, "a price in EUR per MWh, such as 85.17"),
        PriceUnit::EurPerKwh => (0, "a price in EUR per kWh, such as 0.08517"),
    };
    let factor = Decimal::from(dynamic.factor_percent);
    let mut stamps = Stamps::new(zone.clone());
    let (mut prices, mut ends, mut step) = (BTreeMap::new(), 0, 0);
    for row in table.rows() {
        let row = row?;
        let instant = stamps.read(row.text(&time)).ok_or_else(|| row.bad(&time, EXPECTED))?;
        let price = decimal(row.text(&column)).and_then(|price| {
            let per_kwh = price.checked_mul(factor)?.checked_mul(Decimal::new(1, scale + 2))?;
            per_kwh.checked_add(dynamic.markup_eur_per_kwh.0)
        });
        let price = price.ok_or_else(|| row.bad(&column, expected))?.normalize();
        let at = u64::try_from(instant.as_millisecond().saturating_add(earlier_ms)).unwrap_or(0);
        step = at.saturating_sub(ends);
        ends = at;
        prices.insert(at, price);
    }
    // The last price holds as long as the one before it.
    let covered = |at: UtcMillis| prices.range(..=at.0).next_back().is_some() && at.0 < ends.saturating_add(step);
    let last = UtcMillis(calendar.end().0.saturating_sub(1));
    for at in [calendar.start(), last] {
        if !covered(at) {
            let there = i64::try_from(at.0).unwrap_or(0).saturating_sub(earlier_ms);
            let at = jiff::Timestamp::from_millisecond(there).map_or_else(|_| there.to_string(), |at| at.to_string());
            return Err(BadPrices::Missing { path: path.to_owned(), at });
        }
    }
    Ok(prices)
}
