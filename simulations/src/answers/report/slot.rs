//! One slot's supply and demand: who would have paid how much, and who would have given for how little.

use wattswap_matching::{Price, Side, WattHours};

use super::chart::{Axis, Chart, stairs};
use super::plot::{Plot, drawn, spread};
use crate::answers::Findings;
use crate::answers::clock::named;
use crate::answers::moments::BusySlot;
use crate::answers::value::kwh;

/// A curve has at most so many steps.
const MOST_STEPS: usize = 200;

/// The plot; none if no slot had anything to trade.
pub fn plot(findings: &Findings<'_>) -> Option<Plot> {
    let slot = findings.busy_slot.as_ref().filter(|slot| slot.optimum.volume.is_positive())?;
    let price = |price: Price| drawn(findings.scale.decimal(price));
    let (bids, asks) = (steps(slot, Side::Buy), steps(slot, Side::Sell));
    let line = |steps: &[(i64, i64, Price)]| {
        stairs(steps.iter().map(|(from, to, limit)| (*from as f64 / 1_000.0, *to as f64 / 1_000.0, price(*limit))))
    };
    let (mut demand, mut supply) = (line(&bids), line(&asks));
    // Beyond what there is, nobody buys at any price, and nobody sells.
    let dearest = demand.iter().chain(&supply).map(|(_, price)| *price).fold(0.0, f64::max);
    let cheapest = demand.iter().chain(&supply).map(|(_, price)| *price).fold(0.0, f64::min);
    demand.extend(demand.last().map(|(energy, _)| (*energy, cheapest)));
    supply.extend(supply.last().map(|(energy, _)| (*energy, dearest)));
    let all = || demand.iter().chain(&supply);
    let mut chart = Chart::new(
        Axis::of("kWh", all().map(|(energy, _)| *energy).chain([0.0])),
        Axis::of("EUR/kWh", all().map(|(_, price)| *price).chain([0.0])),
    )
    .legend("f1", "demand")
    .legend("f2", "supply")
    .legend("f4", "traded");
    chart.line("s1", &demand);
    chart.line("s2", &supply);
    let traded = slot.traded.answers(findings.scale);
    if let Some(mean) = traded.mean_price_eur_per_kwh {
        chart.dot("f4", (traded.traded_wh as f64 / 1_000.0, drawn(mean.0)));
    }
    let rows = [("demand", &bids), ("supply", &asks)].into_iter().flat_map(|(name, steps)| {
        steps.iter().map(move |(from, to, limit)| {
            vec![
                name.to_owned(),
                from.to_string(),
                to.to_string(),
                findings.scale.decimal(*limit).normalize().to_string(),
            ]
        })
    });
    Some(Plot {
        id: "slot",
        title: "Supply and demand of one slot".to_owned(),
        caption: format!(
            "{}, the slot in which most could be traded. Each step is a limit: what homes with a need would have paid \
             at most (supplier's price and premium, less the fee), and for what those with a surplus would have sold at \
             least (the feed-in tariff), by what their meters counted. Where the lines cross, {} change hands; in the \
             market {} did, at the mean price that the dot shows.",
            named(&findings.community.calendar, slot.at),
            kwh(slot.optimum.volume),
            kwh(WattHours(traded.traded_wh))
        ),
        picture: chart.into(),
        columns: ["side", "from, Wh", "to, Wh", "limit, EUR/kWh"].map(str::to_owned).into(),
        rows: rows.collect(),
    })
}

/// A side's limits, the best first, each with the energy up to it; those of one price together.
fn steps(slot: &BusySlot, side: Side) -> Vec<(i64, i64, Price)> {
    let mut limits: Vec<(Price, i64)> =
        slot.wishes.iter().filter(|wish| wish.side == side).map(|wish| (wish.limit, wish.quantity.0)).collect();
    limits.sort_unstable();
    if side == Side::Buy {
        limits.reverse();
    }
    let mut steps: Vec<(i64, i64, Price)> = Vec::new();
    for (limit, quantity) in limits {
        match steps.last_mut() {
            Some((_, to, last)) if *last == limit => *to += quantity,
            last => {
                let from = last.map_or(0, |(_, to, _)| *to);
                steps.push((from, from + quantity, limit));
            }
        }
    }
    // Of too many steps some stand for those before them too.
    let mut from = 0;
    let chosen = spread(steps.len(), MOST_STEPS).into_iter().map(|number| steps[number]);
    chosen.map(|(_, to, limit)| (std::mem::replace(&mut from, to), to, limit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::moments::Wish;
    use crate::answers::prices::Trades;
    use crate::answers::series::At;
    use crate::market::mechanism::optimum::Optimum;

    #[test]
    fn steps_are_sorted_and_bounded() {
        let wish = |side, limit, quantity| Wish { side, quantity: WattHours(quantity), limit: Price(limit) };
        let few = [(30, 5), (32, 7), (30, 1)].map(|(limit, quantity)| wish(Side::Buy, limit, quantity));
        let slot = |wishes: Vec<Wish>| BusySlot {
            at: At { day: 0, of_day: 0 },
            wishes,
            optimum: Optimum::default(),
            traded: Trades::default(),
        };
        assert_eq!(steps(&slot(few.to_vec()), Side::Buy), [(0, 7, Price(32)), (7, 13, Price(30))]);
        assert_eq!(steps(&slot(few.to_vec()), Side::Sell), []);
        let many = steps(&slot((0..9_999).map(|limit| wish(Side::Sell, limit, 1)).collect()), Side::Sell);
        assert_eq!((many.len(), many[0], many[MOST_STEPS - 1].1), (MOST_STEPS, (0, 1, Price(0)), 9_999));
    }
}
