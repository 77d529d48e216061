//! What runs come to, as rows: a table `runs` with a row for each run, and a table `members` with a row for each of its
//! homes. Both begin with the run's number; in `runs` the axes follow, then what [`Summary`] says.

use super::{Point, Sweep};
use crate::answers::grid::FeederAnswers;
use crate::answers::summary::{HomeAnswers, Summary};
use crate::answers::value::{Amount, Figure};
use crate::output::{Cell, Column, Kind};
use crate::run::Ran;
use crate::run::tables::RUN;

/// A run that is over.
pub struct Finished<'r> {
    /// Which.
    pub point: &'r Point,
    /// What it came to.
    pub summary: &'r Summary,
    /// How its market went.
    pub ran: &'r Ran,
}

type OfRun = fn(&Finished<'_>) -> Cell<'static>;
type OfMember = for<'r> fn(&'r HomeAnswers) -> Cell<'r>;
type Named<F> = (&'static str, Kind, F);

/// Cells of figures that may be undefined.
fn share(figure: Option<Figure>) -> Cell<'static> {
    figure.map_or(Cell::Empty, |Figure(exact)| Cell::Amount(exact))
}

fn amount(amount: Option<Amount>) -> Cell<'static> {
    amount.map_or(Cell::Empty, |Amount(exact)| Cell::Amount(exact))
}

fn real(number: Option<f64>) -> Cell<'static> {
    number.map_or(Cell::Empty, Cell::Real)
}

fn count(number: impl TryInto<i64>) -> Cell<'static> {
    number.try_into().map_or(Cell::Empty, Cell::Whole)
}

/// A column that is a field of the community's answers.
macro_rules! ours {
    ($name:literal, Whole, $($path:tt)+) => {
        ($name, Kind::Whole, |run| count(run.summary.community.$($path)+))
    };
    ($name:literal, Share, $($path:tt)+) => {
        ($name, Kind::Amount, |run| share(run.summary.community.$($path)+))
    };
    ($name:literal, Money, $($path:tt)+) => {
        ($name, Kind::Amount, |run| amount(Some(run.summary.community.$($path)+)))
    };
}

/// A column of what the feeder came to, where there is one.
macro_rules! feeder {
    ($name:literal, $kind:ident, $cell:expr) => {
        ($name, Kind::$kind, |run| run.summary.feeder.as_ref().map_or(Cell::Empty, $cell))
    };
}

static RUNS: [Named<OfRun>; 43] = [
    ("homes", Kind::Whole, |run| count(run.summary.run.homes)),
    ("slots", Kind::Whole, |run| count(run.summary.run.slots)),
    ours!("demand_wh", Whole, energy.demand_wh),
    ours!("generation_wh", Whole, energy.generation_wh),
    ours!("import_wh", Whole, energy.import_wh),
    ours!("export_wh", Whole, energy.export_wh),
    ours!("curtailed_wh", Whole, energy.curtailed_wh),
    ours!("peak_import_w", Whole, energy.peak_import_w),
    ours!("peak_export_w", Whole, energy.peak_export_w),
    ours!("self_sufficiency", Share, energy.self_sufficiency),
    ours!("self_consumption", Share, energy.self_consumption),
    ours!("local_wh", Whole, neighbours.local_wh),
    ours!("local_share", Share, neighbours.local_share),
    ours!("traded_in_error_wh", Whole, neighbours.traded_in_error_wh),
    ours!("cost_eur", Money, money.cost_eur),
    ours!("cost_without_market_eur", Money, money.cost_without_market_eur),
    ours!("cost_of_supplier_only_eur", Money, money.cost_of_supplier_only_eur),
    ours!("saved_by_market_eur", Money, money.saved_by_market_eur),
    ours!("saved_by_market_share", Share, money.saved_by_market_share),
    ours!("fees_eur", Money, money.fees_eur),
    ours!("better_off_share", Share, fairness.better_off_share),
    ours!("not_worse_off_share", Share, fairness.not_worse_off_share),
    ours!("gini", Share, fairness.gini),
    ours!("jain", Share, fairness.jain),
    ours!("mean_price_eur_per_kwh", Share, prices.mean_price_eur_per_kwh),
    ours!("optimum_eur", Money, market.optimum_eur),
    ours!("surplus_share", Share, market.surplus_share),
    ours!("matched_share", Share, market.matched_share),
    ours!("price_deviation", Share, market.price_deviation),
    ours!("forecast_nmae", Share, forecast_nmae),
    ours!("battery_cycles", Share, battery_cycles),
    ours!("car_service", Share, car_service),
    ("co2_kg", Kind::Amount, |run| share(Some(run.summary.community.emissions.co2_kg))),
    ("quotes", Kind::Whole, |run| count(run.ran.market.quotes)),
    ("trades", Kind::Whole, |run| count(run.ran.market.trades)),
    feeder!("lowest_voltage_pu", Real, |feeder| real(lowest(feeder))),
    feeder!("highest_voltage_pu", Real, |feeder| real(highest(feeder))),
    feeder!("minutes_outside_10_percent", Whole, |feeder| {
        feeder.phases.iter().map(|phase| phase.minutes_outside_10_percent).max().map_or(Cell::Empty, count)
    }),
    feeder!("line_loading_max", Real, |feeder| real(feeder.line_loading_max)),
    feeder!("transformer_loading_max", Real, |feeder| {
        real(feeder.transformer.as_ref().and_then(|transformer| transformer.loading_max))
    }),
    feeder!("losses_wh", Real, |feeder| Cell::Real(feeder.losses_wh)),
    ("energy_residual_wh", Kind::Whole, |run| count(run.summary.community.residuals.energy_wh)),
    ("money_residual_eur", Kind::Amount, |run| amount(Some(run.summary.community.residuals.money_eur))),
];

static MEMBERS: [Named<OfMember>; 19] = [
    ("home", Kind::Text, |home| Cell::Text(&home.name)),
    ("pv_peak_w", Kind::Whole, |home| count(home.pv_peak_w)),
    ("battery_wh", Kind::Whole, |home| home.battery_wh.map_or(Cell::Empty, Cell::Whole)),
    ("tariff", Kind::Text, |home| home.tariff.as_deref().map_or(Cell::Empty, Cell::Text)),
    ("strategy", Kind::Text, |home| Cell::Text(home.strategy)),
    ("local_premium_eur_per_kwh", Kind::Amount, |home| amount(Some(home.local_premium_eur_per_kwh))),
    ("demand_wh", Kind::Whole, |home| count(home.energy.demand_wh)),
    ("generation_wh", Kind::Whole, |home| count(home.energy.generation_wh)),
    ("import_wh", Kind::Whole, |home| count(home.energy.import_wh)),
    ("export_wh", Kind::Whole, |home| count(home.energy.export_wh)),
    ("self_sufficiency", Kind::Amount, |home| share(home.energy.self_sufficiency)),
    ("bought_wh", Kind::Whole, |home| count(home.neighbours.bought_wh)),
    ("sold_wh", Kind::Whole, |home| count(home.neighbours.sold_wh)),
    ("local_wh", Kind::Whole, |home| count(home.neighbours.local_wh)),
    ("cost_eur", Kind::Amount, |home| amount(Some(home.money.cost_eur))),
    ("cost_without_market_eur", Kind::Amount, |home| amount(Some(home.money.cost_without_market_eur))),
    ("saved_by_market_eur", Kind::Amount, |home| amount(Some(home.money.saved_by_market_eur))),
    ("battery_cycles", Kind::Amount, |home| share(home.battery_cycles)),
    ("car_service", Kind::Amount, |home| share(home.car_service)),
];

fn lowest(feeder: &FeederAnswers) -> Option<f64> {
    feeder.phases.iter().map(|phase| phase.lowest_pu).min_by(f64::total_cmp)
}

fn highest(feeder: &FeederAnswers) -> Option<f64> {
    feeder.phases.iter().map(|phase| phase.highest_pu).max_by(f64::total_cmp)
}

/// Whether a table of runs has a column of this name whatever the axes are. Queries don't tell `A` from `a`.
#[must_use]
pub fn is_column(name: &str) -> bool {
    name.eq_ignore_ascii_case(RUN) || RUNS.iter().any(|(known, ..)| known.eq_ignore_ascii_case(name))
}

fn column(name: impl Into<String>, kind: Kind) -> Column {
    Column { name: name.into(), kind }
}

/// The columns of `runs`.
#[must_use]
pub fn run_columns(sweep: &Sweep) -> Vec<Column> {
    let axes = sweep.document.axes.iter().map(|axis| column(axis.name(), axis.kind()));
    let answers = RUNS.iter().map(|(name, kind, _)| column(*name, *kind));
    [column(RUN, Kind::Whole)].into_iter().chain(axes).chain(answers).collect()
}

/// The row of a run.
pub fn run_row<'r>(sweep: &'r Sweep, run: &'r Finished<'r>) -> impl Iterator<Item = Cell<'r>> {
    let axes = sweep.document.axes.iter().zip(&run.point.choices).zip(&run.point.labels);
    let axes = axes.map(|((axis, choice), (_, label))| axis.cell(*choice, label));
    let answers = RUNS.iter().map(|(.., cell)| cell(run));
    [count(run.point.number)].into_iter().chain(axes).chain(answers)
}

/// The columns of `members`.
#[must_use]
pub fn member_columns() -> Vec<Column> {
    let answers = MEMBERS.iter().map(|(name, kind, _)| column(*name, *kind));
    [column(RUN, Kind::Whole)].into_iter().chain(answers).collect()
}

/// The rows of a run's members.
pub fn member_rows<'r>(run: &'r Finished<'r>) -> impl Iterator<Item = impl Iterator<Item = Cell<'r>>> {
    let number = run.point.number;
    run.summary.homes.iter().map(move |home| {
        let answers = MEMBERS.iter().map(|(.., cell)| cell(home));
        [count(number)].into_iter().chain(answers)
    })
}
