//! What energy cost: by the hour of the day beside the suppliers' prices, and sorted.

use rust_decimal::Decimal;

use super::chart::{Axis, Chart, stairs};
use super::plot::{Plot, drawn, spread, texts};
use crate::answers::value::{Figure, ratio};
use crate::answers::{Findings, HOURS};

/// A duration curve has at most so many points.
const MOST_POINTS: usize = 400;

/// Prices by the hour of the day; none without trades and without tariffs.
pub fn by_hour(findings: &Findings<'_>) -> Option<Plot> {
    let tariffs = tariffs(findings);
    let shown: Vec<[Option<Figure>; 5]> = findings
        .hours
        .iter()
        .zip(&tariffs)
        .map(|(trades, [retail, feed_in])| {
            let prices = trades.answers(findings.scale);
            let (low, high) = (prices.lowest_price_eur_per_kwh, prices.highest_price_eur_per_kwh);
            [prices.mean_price_eur_per_kwh, low, high, *retail, *feed_in]
        })
        .collect();
    let values = shown.iter().flatten().flatten().map(|price| drawn(price.0));
    shown.iter().flatten().flatten().next()?;
    let ticks = (0..=HOURS).step_by(3).map(|hour| (hour as f64, format!("{hour}:00"))).collect();
    let mut chart = Chart::new(Axis::with("", 0.0, HOURS as f64, ticks), Axis::of("EUR/kWh", values.chain([0.0])))
        .legend("f1", "supplier's price")
        .legend("f3", "between neighbours")
        .legend("f2", "feed-in tariff");
    for (class, column) in [("s1", 3), ("s2", 4)] {
        let steps = shown
            .iter()
            .enumerate()
            .filter_map(|(hour, prices)| Some((hour as f64, hour as f64 + 1.0, drawn(prices[column]?.0))));
        chart.line(class, &stairs(steps));
    }
    for (hour, prices) in shown.iter().enumerate() {
        let (from, to) = (hour as f64, hour as f64 + 1.0);
        let [mean, low, high, ..] = prices.map(|price| price.map(|price| drawn(price.0)));
        if let (Some(mean), Some(low), Some(high)) = (mean, low, high) {
            chart.cell("f3", (from, low), (to, high), 0.25);
            chart.line("s3", &[(from, mean), (to, mean)]);
        }
    }
    let rows = shown.iter().enumerate().map(|(hour, prices)| {
        std::iter::once(format!("{hour}:00")).chain(prices.iter().map(|price| written(*price))).collect()
    });
    Some(Plot {
        id: "prices",
        title: "Prices by the hour of the day".to_owned(),
        caption: "The line is the mean price of all trades of the hour, weighted by energy; the band around it goes \
                  from the lowest to the highest. Suppliers' prices are means over homes and days. Fees are not in it."
            .to_owned(),
        picture: chart.into(),
        columns: texts(["hour", "mean, EUR/kWh", "lowest", "highest", "supplier's price", "feed-in tariff"]),
        rows: rows.collect(),
    })
}

/// The slots' mean prices, the dearest first; none without trades.
pub fn duration(findings: &Findings<'_>) -> Option<Plot> {
    let mut prices: Vec<Figure> = findings.rows.iter().filter_map(|row| row.trades.mean(findings.scale)).collect();
    prices.sort_unstable_by(|one, other| other.cmp(one));
    if prices.is_empty() {
        return None;
    }
    let hours = |slot: usize| slot as f64 * f64::from(findings.community.calendar.slot_minutes) / 60.0;
    let chosen = spread(prices.len(), MOST_POINTS);
    let points: Vec<(f64, f64)> = chosen.iter().map(|slot| (hours(*slot + 1), drawn(prices[*slot].0))).collect();
    let first = (0.0, points[0].1);
    let values = points.iter().map(|(_, price)| *price).chain([0.0]);
    let mut chart = Chart::new(Axis::of("hours", [0.0, hours(prices.len())]), Axis::of("EUR/kWh", values));
    chart.line("s3", &std::iter::once(first).chain(points.iter().copied()).collect::<Vec<_>>());
    let rows = chosen.iter().map(|slot| vec![format!("{:.2}", hours(*slot + 1)), prices[*slot].to_string()]);
    Some(Plot {
        id: "duration",
        title: "For how long a price was reached".to_owned(),
        caption: format!(
            "The mean prices of the {} slots with trades, the dearest first: in so many hours it was at least so much.{}",
            prices.len(),
            if chosen.len() < prices.len() { format!(" {} of them are drawn.", chosen.len()) } else { String::new() }
        ),
        picture: chart.into(),
        columns: texts(["hours", "at least, EUR/kWh"]),
        rows: rows.collect(),
    })
}

/// Of each hour of the day, the mean retail price and feed-in tariff over the run's days and all homes.
fn tariffs(findings: &Findings<'_>) -> [[Option<Figure>; 2]; HOURS] {
    let community = findings.community;
    let mut homes = vec![0_u64; community.tariffs.len()];
    community.homes.iter().for_each(|home| homes[home.tariff] += 1);
    let mut sums = [[Decimal::ZERO; 3]; HOURS];
    let days = findings.rows.last().map_or(0, |row| row.at.day + 1);
    for (tariff, count) in homes.iter().enumerate().filter(|(_, count)| **count > 0) {
        let count = Decimal::from(*count);
        for (number, day) in community.calendar.days.iter().enumerate().take(days) {
            for (slot, price) in community.prices(tariff, number).into_iter().enumerate() {
                let [weight, retail, feed_in] = &mut sums[day.hour(slot)];
                *weight += count;
                *retail += price.retail * count;
                *feed_in += price.feed_in * count;
            }
        }
    }
    sums.map(|[weight, retail, feed_in]| [ratio(retail, weight), ratio(feed_in, weight)])
}

fn written(price: Option<Figure>) -> String {
    price.map_or("–".to_owned(), |price| price.to_string())
}
