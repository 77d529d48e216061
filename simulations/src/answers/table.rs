//! The main answers as rows of a table, for the terminal and the report.

use comfy_table::{Cell, CellAlignment, Table, TableStyle};
use wattswap_matching::WattHours;

use super::grid::FeederAnswers;
use super::summary::Summary;
use super::value::{Amount, Figure, kwh};

/// What there is instead of a figure that is undefined.
const UNDEFINED: &str = "–";

/// A question's rows: what it is, and how much.
pub type Rows = Vec<(&'static str, String)>;

/// The rows, by question.
#[must_use]
pub fn sections(summary: &Summary) -> Vec<(&'static str, Rows)> {
    let mut sections = vec![
        ("Money", money(summary)),
        ("Energy", energy(summary)),
        ("Fairness", fairness(summary)),
        ("Market", market(summary)),
        ("Climate", climate(summary)),
    ];
    if let Some(feeder) = &summary.feeder {
        sections.insert(2, ("Grid", grid(feeder)));
    }
    sections.push(("Residuals", residuals(summary)));
    sections
}

/// As text with lines.
#[must_use]
pub fn text(summary: &Summary) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    let run = &summary.run;
    table.set_header([run.scenario.clone(), format!("{} homes, {} slots", run.homes, run.slots)]);
    for (_, rows) in sections(summary) {
        for (name, value) in rows {
            table.add_row([Cell::new(name), Cell::new(value).set_alignment(CellAlignment::Right)]);
        }
    }
    table.trim_fmt()
}

fn money(summary: &Summary) -> Rows {
    let money = &summary.community.money;
    vec![
        ("cost of all homes", money.cost_eur.euros()),
        ("cost without the market", money.cost_without_market_eur.euros()),
        ("cost with the supplier only", money.cost_of_supplier_only_eur.euros()),
        ("saved by the market", money.saved_by_market_eur.euros()),
        ("saved by the market, of the cost without it", percent(money.saved_by_market_share)),
        ("fees", money.fees_eur.euros()),
    ]
}

fn energy(summary: &Summary) -> Rows {
    let (energy, neighbours) = (&summary.community.energy, &summary.community.neighbours);
    let wh = |energy| kwh(WattHours(energy));
    vec![
        ("demand", wh(energy.demand_wh)),
        ("generation", wh(energy.generation_wh)),
        ("import of the community", wh(energy.import_wh)),
        ("export of the community", wh(energy.export_wh)),
        ("self-sufficiency", percent(energy.self_sufficiency)),
        ("self-consumption", percent(energy.self_consumption)),
        ("bought from neighbours and used", wh(neighbours.local_wh)),
        ("the same, of the demand", percent(neighbours.local_share)),
        ("peak import", watts(energy.peak_import_w)),
        ("peak export", watts(energy.peak_export_w)),
        ("curtailed", wh(energy.curtailed_wh)),
    ]
}

fn grid(feeder: &FeederAnswers) -> Rows {
    let mut rows = vec![("slots that did not converge", format!("{} of {}", feeder.slots_not_converged, feeder.slots))];
    let lowest = feeder.phases.iter().min_by(|one, other| one.lowest_pu.total_cmp(&other.lowest_pu));
    let highest = feeder.phases.iter().max_by(|one, other| one.highest_pu.total_cmp(&other.highest_pu));
    let volts = |volts: f64, pu: f64| format!("{volts:.1} V, {:.1} % of {:.1} V", pu * 100.0, feeder.voltage_base_v);
    if let (Some(low), Some(high)) = (lowest, highest) {
        rows.push(("lowest voltage", volts(low.lowest_v, low.lowest_pu)));
        rows.push(("highest voltage", volts(high.highest_v, high.highest_pu)));
    }
    let outside = feeder.phases.iter().map(|phase| phase.minutes_outside_10_percent).max();
    rows.push((
        "outside of 10 %, worst phase",
        outside.map_or(UNDEFINED.to_owned(), |minutes| format!("{minutes} min")),
    ));
    rows.push((
        "EN 50160, 10-minute means",
        match &feeder.en50160 {
            Some(week) if week.holds => "holds".to_owned(),
            Some(_) => "does not hold".to_owned(),
            None => UNDEFINED.to_owned(),
        },
    ));
    if !feeder.balanced {
        rows.push(("voltage unbalance, highest", share(feeder.voltage_unbalance_max)));
    }
    rows.push(("highest loading of a line", share(feeder.line_loading_max)));
    if let Some(transformer) = &feeder.transformer {
        rows.push(("highest loading of the transformer", share(transformer.loading_max)));
    }
    rows.push(("losses", format!("{:.1} kWh", feeder.losses_wh / 1_000.0)));
    rows.push(("losses, of the energy that came in", share(feeder.losses_share)));
    rows
}

fn fairness(summary: &Summary) -> Rows {
    let fairness = &summary.community.fairness;
    let amount = |amount: Option<Amount>| amount.map_or(UNDEFINED.to_owned(), Amount::euros);
    vec![
        ("homes better off", percent(fairness.better_off_share)),
        ("homes not worse off", percent(fairness.not_worse_off_share)),
        ("the home that saves least", amount(fairness.least_saved_eur)),
        ("the home in the middle", amount(fairness.middle_saved_eur)),
        ("the home that saves most", amount(fairness.most_saved_eur)),
        ("Gini of savings", plain(fairness.gini)),
        ("Jain of savings", plain(fairness.jain)),
    ]
}

fn market(summary: &Summary) -> Rows {
    let (market, prices) = (&summary.community.market, &summary.community.prices);
    vec![
        ("surplus, of the optimum", percent(market.surplus_share)),
        ("energy matched, of the optimum", percent(market.matched_share)),
        ("mean price, EUR/kWh", plain(prices.mean_price_eur_per_kwh)),
        ("price deviation (Smith's alpha)", percent(market.price_deviation)),
        ("traded in error", kwh(WattHours(summary.community.neighbours.traded_in_error_wh))),
        ("forecast error (nMAE)", percent(summary.community.forecast_nmae)),
        ("trips' energy that was there at departure", percent(summary.community.car_service)),
    ]
}

fn climate(summary: &Summary) -> Rows {
    let emissions = &summary.community.emissions;
    vec![
        ("CO2 of the import", format!("{} kg", emissions.co2_kg)),
        ("CO2 with the supplier only", format!("{} kg", emissions.co2_of_supplier_only_kg)),
    ]
}

fn residuals(summary: &Summary) -> Rows {
    let left = &summary.community.residuals;
    let energy = format!("{} and {} Wh", left.energy_wh, left.energy_of_trades_wh);
    let money = format!("{}, {} and {} EUR", left.money_eur, left.money_of_trades_eur, left.supplier_eur);
    vec![("energy left over", energy), ("money left over", money)]
}

fn percent(figure: Option<Figure>) -> String {
    figure.map_or(UNDEFINED.to_owned(), Figure::percent)
}

fn plain(figure: Option<Figure>) -> String {
    figure.map_or(UNDEFINED.to_owned(), |figure| figure.to_string())
}

fn share(share: Option<f64>) -> String {
    share.map_or(UNDEFINED.to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn watts(watts: i64) -> String {
    kwh(WattHours(watts)).replace("kWh", "kW")
}
