//! The five answers, each as one sentence with its figure.

use rust_decimal::Decimal;
use wattswap_matching::WattHours;

use crate::answers::Findings;
use crate::answers::grid::FeederAnswers;
use crate::answers::summary::{Summary, mechanism_name};
use crate::answers::value::{Amount, kwh};
use crate::scenario::document::{Mechanism, Strategy};

/// A question and its answer.
pub type Answer = (&'static str, String);

/// All five, in the order in which people ask.
pub fn answers(findings: &Findings<'_>) -> [Answer; 5] {
    let summary = &findings.summary;
    [
        ("Who saves what?", savings(summary)),
        ("How much of our energy is from here?", energy(summary)),
        ("Does the grid hold?", grid(summary.feeder.as_ref())),
        ("Is it fair?", fairness(summary)),
        ("How well does the market work?", market(findings)),
    ]
}

fn savings(summary: &Summary) -> String {
    let (money, fairness) = (&summary.community.money, &summary.community.fairness);
    let homes = summary.run.homes;
    let (with, without) = (owed(money.cost_eur), owed(money.cost_without_market_eur));
    let saved = money.saved_by_market_eur;
    if summary.run.mechanism == mechanism_name(Mechanism::None) {
        return format!("There is no market in this scenario: {homes} homes {with}.");
    }
    if saved.0.is_zero() {
        return format!("The market makes no difference: {homes} homes {with} with it and without it.");
    }
    // More than all of it is no share that anybody could picture.
    let share = money.saved_by_market_share.filter(|share| share.0.abs() <= Decimal::ONE);
    let share = share.map_or(String::new(), |share| format!(" ({})", size(&share.percent())));
    let verb = if saved.0 > Decimal::ZERO { "saves" } else { "costs" };
    let worse = match homes - fairness.not_worse_off {
        0 => "none is worse off".to_owned(),
        1 => "one is worse off".to_owned(),
        worse => format!("{worse} are worse off"),
    };
    format!(
        "The market {verb} {homes} homes {}{share}: together they {with}, and without it they would {without}; {} are \
         better off, {worse}.",
        size(&saved.euros()),
        fairness.better_off,
    )
}

/// Costs below zero are income.
fn owed(cost: Amount) -> String {
    let verb = if cost.0 < Decimal::ZERO { "earn" } else { "pay" };
    format!("{verb} {}", size(&cost.euros()))
}

fn energy(summary: &Summary) -> String {
    let (energy, neighbours) = (&summary.community.energy, &summary.community.neighbours);
    let Some(sufficient) = energy.self_sufficiency else { return "No energy was used.".to_owned() };
    let local = neighbours.local_share.map_or(String::new(), |share| {
        format!("; {} of all that was used was bought from neighbours", share.percent())
    });
    format!(
        "{} of the {} that was used came from roofs and batteries of this street{local}.",
        sufficient.percent(),
        kwh(WattHours(energy.demand_wh))
    )
}

fn grid(feeder: Option<&FeederAnswers>) -> String {
    let Some(feeder) = feeder else {
        return "That was not asked: this scenario has no feeder.".to_owned();
    };
    let missing = match feeder.slots_not_converged {
        0 => String::new(),
        slots => format!(
            " For {slots} of {} slots there is no solution: the feeder can't carry what is drawn or fed in, first {}.",
            feeder.slots,
            feeder.first_not_converged.first().map_or("–", String::as_str)
        ),
    };
    let Some(week) = &feeder.en50160 else { return format!("That is not known.{missing}") };
    let low = feeder.phases.iter().map(|phase| phase.lowest_v).fold(f64::MAX, f64::min);
    let high = feeder.phases.iter().map(|phase| phase.highest_v).fold(f64::MIN, f64::max);
    let transformer = feeder.transformer.as_ref().and_then(|transformer| transformer.loading_max);
    let loads = [("the most loaded line", feeder.line_loading_max), ("the transformer", transformer)];
    let loads: Vec<(&str, f64)> = loads.into_iter().filter_map(|(name, load)| Some((name, load?))).collect();
    let overload = loads.iter().any(|(_, load)| *load > 1.0);
    let wrong = [
        (!week.holds, "voltages leave what EN 50160 allows"),
        (overload, "something carries more than it may"),
        (!missing.is_empty(), "some slots have no solution"),
    ];
    let wrong: Vec<&str> = wrong.into_iter().filter_map(|(is_wrong, what)| is_wrong.then_some(what)).collect();
    let verdict = if wrong.is_empty() { "Yes".to_owned() } else { format!("No, since {}", wrong.join(" and ")) };
    let loads: Vec<String> =
        loads.iter().map(|(name, load)| format!("{name} reaches {:.1} % of its rating", load * 100.0)).collect();
    let loads = if loads.is_empty() { String::new() } else { format!(", and {}", loads.join(" and ")) };
    let unknown = match feeder.lines_without_rating {
        0 => String::new(),
        lines => format!(" Of {lines} lines nobody knows what they may carry."),
    };
    format!(
        "{verdict}: voltages lie between {low:.1} V and {high:.1} V around {:.1} V{loads}.{missing}{unknown}",
        feeder.voltage_base_v
    )
}

fn fairness(summary: &Summary) -> String {
    let fairness = &summary.community.fairness;
    let (Some(least), Some(middle), Some(most), Some(gini)) =
        (fairness.least_saved_eur, fairness.middle_saved_eur, fairness.most_saved_eur, fairness.gini)
    else {
        return "Nobody saves or loses anything by the market.".to_owned();
    };
    let better = fairness.better_off_share.map_or(String::new(), |share| share.percent());
    format!(
        "{better} of the homes are better off: who saves least comes to {}, the home in the middle to {}, who saves most \
         to {}; Gini's coefficient of savings is {gini} (0: all save alike, 1: one home has it all).",
        least.euros(),
        middle.euros(),
        most.euros()
    )
}

fn market(findings: &Findings<'_>) -> String {
    let summary = &findings.summary;
    let (market, prices) = (&summary.community.market, &summary.community.prices);
    if summary.run.mechanism == mechanism_name(Mechanism::None) {
        return format!("There is none. Trade could be worth {} at the most.", market.optimum_eur.euros());
    }
    let Some(surplus) = market.surplus_share else {
        return "There was nothing to gain by trade in any slot.".to_owned();
    };
    let price = prices
        .mean_price_eur_per_kwh
        .map_or("; nobody traded".to_owned(), |price| format!(", at {price} EUR a kWh on average"));
    format!(
        "Trades were worth {} of the most that they could have been ({} of {}){price}.{}",
        surplus.percent(),
        market.surplus_eur.euros(),
        market.optimum_eur.euros(),
        passive(findings)
    )
}

/// Homes that leave everything to their supplier lower what trades come to.
fn passive(findings: &Findings<'_>) -> String {
    let homes = &findings.community.homes;
    let passive = homes.iter().filter(|home| home.strategy == Strategy::Passive).count();
    match passive {
        0 => String::new(),
        1 => " One home never trades; what it could have gained counts in that.".to_owned(),
        _ => format!(" {passive} of {} homes never trade; what they could have gained counts in that.", homes.len()),
    }
}

/// Without its sign, which a word says.
fn size(text: &str) -> &str {
    text.trim_start_matches('-')
}
