//! The report: one HTML file that opens anywhere, loads nothing, runs no script, and that a mayor can read.
//!
//! What was asked, five answers, then plots, each with its data; at the end all main figures and all homes. Plots take
//! slots together, so that the file of a year of a thousand homes is no larger than a few megabytes.

mod asked;
mod buckets;
mod chart;
mod feeder_map;
mod flow;
mod home;
mod html;
mod loading;
mod map;
mod off;
mod picture;
mod plot;
mod prices;
mod profile;
mod savings;
mod sentences;
mod slot;
mod voltage;

use self::html::Html;
use self::plot::{Plot, table, texts};
use super::Findings;
use super::summary::HomeAnswers;
use super::table::sections;
use super::value::Figure;

const STYLE: &str = include_str!("style.css");
/// So many homes have a row of their own; `summary.json` has all.
const MOST_HOMES: usize = 1_000;

/// The whole file.
#[must_use]
pub fn html(findings: &Findings<'_>) -> String {
    let name = &findings.summary.run.scenario;
    Html::page(name, STYLE, |body| {
        body.element("main", &[], |main| {
            main.words("h1", &[], name);
            what_was_asked(main, findings);
            five_answers(main, findings);
            main.words("h2", &[], "Pictures");
            plots(findings).iter().for_each(|plot| plot.draw(main));
            all_figures(main, findings);
            homes(main, &findings.summary.homes);
            notes(main, findings);
        });
    })
}

fn what_was_asked(main: &mut Html, findings: &Findings<'_>) {
    main.words("h2", &[], "What was asked");
    main.element("ul", &[], |list| {
        asked::sentences(findings).iter().for_each(|sentence| list.words("li", &[], sentence));
    });
}

fn five_answers(main: &mut Html, findings: &Findings<'_>) {
    main.words("h2", &[], "The answers");
    main.element("dl", &[("class", "answers")], |list| {
        for (question, answer) in sentences::answers(findings) {
            list.element("div", &[], |pair| {
                pair.words("dt", &[], question);
                pair.words("dd", &[], &answer);
            });
        }
    });
}

fn plots(findings: &Findings<'_>) -> Vec<Plot> {
    let mut plots: Vec<Plot> = Vec::new();
    plots.extend(flow::plot(findings));
    plots.extend(prices::by_hour(findings));
    plots.extend(prices::duration(findings));
    plots.extend(slot::plot(findings));
    plots.extend(home::plots(findings).into_iter().flatten());
    plots.extend(savings::plots(findings).into_iter().flatten());
    plots.extend(voltage::plot(findings));
    plots.extend(loading::plot(findings));
    plots.extend(feeder_map::plot(findings));
    plots.extend(profile::plot(findings));
    plots
}

fn all_figures(main: &mut Html, findings: &Findings<'_>) {
    main.words("h2", &[], "The main figures");
    for (name, rows) in sections(&findings.summary) {
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(what, value)| vec![what.to_owned(), value]).collect();
        table(main, &texts([name, ""]), &rows);
    }
}

fn homes(main: &mut Html, homes: &[HomeAnswers]) {
    main.words("h2", &[], "The homes");
    let columns = [
        "home",
        "tariff",
        "quotes like",
        "demand, kWh",
        "generation, kWh",
        "self-sufficiency",
        "from neighbours",
        "cost, EUR",
        "without the market, EUR",
        "saved, EUR",
    ];
    let rows: Vec<Vec<String>> = homes.iter().take(MOST_HOMES).map(home_row).collect();
    main.element("details", &[], |details| {
        details.words("summary", &[], &format!("{} of {} homes", rows.len(), homes.len()));
        table(details, &texts(columns), &rows);
    });
}

fn home_row(home: &HomeAnswers) -> Vec<String> {
    let kwh = |energy: i64| format!("{:.1}", rust_decimal::Decimal::new(energy, 3).round_dp(1));
    let share = |share: Option<Figure>| share.map_or("–".to_owned(), Figure::percent);
    let euros = |amount: super::value::Amount| format!("{:.2}", amount.0.round_dp(2));
    vec![
        home.name.clone(),
        home.tariff.clone().unwrap_or_default(),
        home.strategy.to_owned(),
        kwh(home.energy.demand_wh),
        kwh(home.energy.generation_wh),
        share(home.energy.self_sufficiency),
        share(home.neighbours.local_share),
        euros(home.money.cost_eur),
        euros(home.money.cost_without_market_eur),
        euros(home.money.saved_by_market_eur),
    ]
}

fn notes(main: &mut Html, findings: &Findings<'_>) {
    let run = &findings.summary.run;
    main.words("h2", &[], "Notes");
    main.element("ul", &[], |list| {
        findings.summary.notes.iter().for_each(|note| list.words("li", &[], note));
        let made = format!(
            "Made by wattswap-sim {} with seed {}. All figures, with units in their names, are in summary.json; what each \
             of them means is in docs/simulations.md.",
            run.version, run.seed
        );
        list.words("li", &[], &made);
    });
}
