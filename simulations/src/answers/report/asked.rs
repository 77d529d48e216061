//! What was asked: the scenario in words.

use wattswap_matching::WattHours;

use crate::answers::Findings;
use crate::answers::summary::{mechanism_name, strategy_name};
use crate::answers::value::kwh;
use crate::scenario::document::Mechanism;

/// A sentence each.
pub fn sentences(findings: &Findings<'_>) -> Vec<String> {
    let (document, community) = (&findings.scenario.document, findings.community);
    let run = &findings.summary.run;
    let mut said = vec![homes(findings)];
    said.push(format!(
        "{} from {} on, by the clocks of {}, in slots of {} minutes.{}",
        if run.days == 1 { "One day".to_owned() } else { format!("{} days", run.days) },
        run.first_day.as_deref().unwrap_or("–"),
        document.period.time_zone.0.iana_name().unwrap_or("UTC"),
        run.slot_minutes,
        if run.slots < run.slots_of_period {
            format!(" Only {} of {} slots were run.", run.slots, run.slots_of_period)
        } else {
            String::new()
        }
    ));
    said.push(market(findings));
    let shares = document.strategies.iter();
    let strategies: Vec<String> =
        shares.map(|share| format!("{} % {}", share.share_percent.0, strategy_name(share.name))).collect();
    if community.market.mechanism != Mechanism::None {
        said.push(format!("Homes quote like this: {}.", strategies.join(", ")));
    }
    let tariffs: Vec<String> = document.tariffs.iter().map(tariff).collect();
    said.push(format!("Suppliers' tariffs: {}.", tariffs.join("; ")));
    said.push(match &community.feeder {
        Some(feeder) => {
            format!(
                "The feeder is called {} and has {} buses and {} lines.",
                feeder.name,
                feeder.buses.len(),
                feeder.lines.len()
            )
        }
        None => "There is no feeder: voltages and currents were not asked for.".to_owned(),
    });
    said
}

fn homes(findings: &Findings<'_>) -> String {
    let homes = &findings.community.homes;
    let count = |has: &dyn Fn(&crate::homes::Home) -> bool| homes.iter().filter(|home| has(home)).count();
    let batteries: WattHours = homes.iter().filter_map(|home| home.battery).map(|battery| battery.capacity).sum();
    let peak: i64 = homes.iter().map(|home| i64::from(home.pv_peak.0)).sum();
    format!(
        "{} homes: {} with PV ({} peak), {} with a battery ({}), {} with an electric car, {} with a heat pump.",
        homes.len(),
        count(&crate::homes::Home::has_pv),
        kwh(WattHours(peak)).replace("kWh", "kW"),
        count(&|home| home.battery.is_some()),
        kwh(batteries),
        count(&|home| home.car.is_some()),
        count(&crate::homes::Home::has_heat_pump)
    )
}

fn market(findings: &Findings<'_>) -> String {
    let market = &findings.community.market;
    let how = match market.mechanism {
        Mechanism::None => return "Nobody trades with neighbours: the supplier settles everything.".to_owned(),
        Mechanism::Continuous | Mechanism::Call => mechanism_name(market.mechanism),
    };
    format!(
        "Neighbours trade in a {how} auction. A buyer pays a fee of {} EUR a kWh beside the price; homes would pay up to {} \
         EUR a kWh more for energy from a neighbour than from the supplier.",
        market.local_grid_fee_eur_per_kwh.0, market.local_premium_eur_per_kwh.0
    )
}

fn tariff(tariff: &crate::scenario::document::Tariff) -> String {
    let retail = match (&tariff.dynamic, tariff.retail_eur_per_kwh) {
        (Some(_), _) => "follows the exchange".to_owned(),
        (None, Some(price)) if tariff.hours.is_empty() => format!("{} EUR a kWh", price.0),
        (None, Some(price)) => format!("{} EUR a kWh, and other prices at some hours", price.0),
        (None, None) => "prices by the hour of the day".to_owned(),
    };
    format!(
        "{} ({} %): {retail}, {} for what is fed in",
        tariff.name, tariff.share_percent.0, tariff.feed_in_eur_per_kwh.0
    )
}
