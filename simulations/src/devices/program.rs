//! The cheapest day of a home as a linear program: what battery and car should do in each step, given what is expected.
//!
//! Floats are allowed in this file alone: whole watt-hours come in, whole watt-hours leave as set-points, and what they
//! really come to is worked out in whole numbers by those who follow them. The solver looks at no clock and draws
//! nothing: with the same version of it, on machines of the same kind, a seed gives the same bytes.
//!
//! Energies are in kWh, prices in hundredths of the currency (cents) per kWh. With the net of a step,
//! `net = drawn - yielded + car + charged - discharged = import - export - curtailed`, the program minimises
//!
//! ```text
//! sum(retail * import - min(feed_in, retail) * export + WEAR * (charged + car) + missed at PUBLIC)
//!     - what is stored at the end, at its worth
//! ```
//!
//! `min(feed_in, retail)` keeps a step from drawing and feeding in at once for the difference. A battery may give no
//! more than the home would draw (it never feeds the grid). All variables are bounded, and a trip for which the car is
//! not full enough is `missed` rather than impossible: a program always has a solution, but for rounding. It does not
//! know that a battery can't charge and discharge at once; with prices below zero that may pay, and then the difference
//! of both is the set-point.

use good_lp::{Constraint, Expression, ProblemVariables, ResolutionError, Solution as _, SolverModel as _, variable};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use wattswap_matching::WattHours;
use wattswap_node::protocol::settlement::Tariff;

use super::car::Presence;
use super::intent::{Grid, Intent};

/// What charging costs beside the energy, in cents per kWh, so that nothing is cycled for nothing.
const WEAR: f64 = 0.1;
/// By how much the first step's exchange with the grid is dearer than the last one's, in cents per kWh: where it makes
/// no difference in money, a battery charges and gives early, which is the better choice for whatever was not foreseen.
/// Twice that, once for each way, is less than `WEAR`, so it never pays to cycle for it.
const EARLY: f64 = 0.04;
/// A missed kWh is so many times dearer than the dearest hour and a whole unit of the currency.
const PUBLIC: f64 = 10.0;
/// Less than half a watt-hour is rounding.
const NOTHING: f64 = 0.000_5;

/// What a program is about.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub steps: Vec<Step>,
    pub battery: Option<Vessel>,
    pub car: Option<Vessel>,
    /// The most that may be fed in during a step.
    pub feed_in: Option<WattHours>,
}

/// What is expected of a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub drawn: WattHours,
    pub yielded: WattHours,
    pub tariff: Tariff,
    pub car: Presence,
}

/// A battery, or a car's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vessel {
    pub capacity: WattHours,
    pub per_slot: WattHours,
    pub stored: WattHours,
    /// Of 100 Wh that go in, so many are stored.
    pub percent: i64,
}

/// What is chosen in a step.
struct Choice {
    /// What is drawn from the grid; negative: what is over.
    net: Expression,
    /// What goes into the battery, and what comes out.
    battery: [Expression; 2],
    /// What the battery holds when the step is over.
    held: Expression,
    /// What the car gets.
    car: Expression,
}

/// A program while it is written down.
struct Draft {
    variables: ProblemVariables,
    objective: Expression,
    constraints: Vec<Constraint>,
}

impl Program {
    /// What is meant for each step.
    ///
    /// # Errors
    /// If the solver finds nothing.
    pub fn solve(&self) -> Result<Vec<Intent>, ResolutionError> {
        let mut draft =
            Draft { variables: ProblemVariables::new(), objective: Expression::default(), constraints: Vec::new() };
        let choices = self.write(&mut draft);
        let mut model = draft.variables.minimise(draft.objective).using(good_lp::microlp);
        for constraint in draft.constraints {
            model.add_constraint(constraint);
        }
        let solution = model.solve()?;
        let intent = |choice: &Choice| {
            let [charged, discharged] = &choice.battery;
            let [car, net, held] = [&choice.car, &choice.net, &choice.held].map(|part| solution.eval(part));
            let battery = watt_hours(solution.eval(charged) - solution.eval(discharged));
            Intent {
                battery: self.battery.map(|_| battery),
                car: self.car.map(|_| watt_hours(car)),
                grid: self.side(net, held, car),
            }
        };
        Ok(choices.iter().map(intent).collect())
    }

    /// On which side of the meter a step is meant to be, in which the battery holds so much and the car gets so much.
    ///
    /// A battery that feeds in because it is full, or draws because it is empty, means neither: should it turn out to
    /// have room or energy after all, it is to use them. What it has, it does not give to a car that was to be charged
    /// from the grid.
    fn side(&self, net: f64, held: f64, car: f64) -> Grid {
        let full = self.battery.is_some_and(|battery| held > kwh(battery.capacity) - NOTHING);
        let empty = self.battery.is_some_and(|_| held < NOTHING);
        match net {
            net if net > NOTHING && (!empty || car > NOTHING) => Grid::Import,
            net if net < -NOTHING && !full => Grid::Export,
            _ => Grid::Neither,
        }
    }

    fn write(&self, draft: &mut Draft) -> Vec<Choice> {
        let prices: Vec<[f64; 2]> = self.steps.iter().map(|step| prices(&step.tariff)).collect();
        let cheapest = prices.iter().map(|[retail, _]| *retail).fold(f64::INFINITY, f64::min);
        let dearest = prices.iter().map(|[retail, _]| *retail).fold(0.0, f64::max);
        let mut stored = [self.battery, self.car].map(|vessel| Expression::from(vessel.map_or(0.0, Vessel::holds)));
        let mut choices = Vec::with_capacity(self.steps.len());
        for (number, (step, [retail, feed_in])) in self.steps.iter().zip(&prices).enumerate() {
            let early = EARLY * (self.steps.len() - number) as f64 / self.steps.len() as f64;
            let mut choice = self.choice(draft, step, [retail + early, feed_in - early]);
            let [in_battery, in_car] = &mut stored;
            if let Some(battery) = &self.battery {
                let [charged, discharged] = choice.battery.clone();
                let after = in_battery.clone() + charged * (battery.percent as f64 / 100.0) - discharged;
                *in_battery = draft.hold(battery, after);
                choice.held = in_battery.clone();
            }
            if let (Some(car), Presence::Home) = (&self.car, step.car) {
                *in_car = draft.hold(car, in_car.clone() + choice.car.clone());
            }
            if let (Some(car), Presence::Back { used }) = (&self.car, step.car) {
                let missed = draft.variable(kwh(used), PUBLIC * (dearest + 100.0));
                *in_car = draft.hold(car, in_car.clone() + missed - kwh(used));
            }
            choices.push(choice);
        }
        // What is left in the car saves the cheapest hour's price. What is left in the battery is worth less than that,
        // so that nothing is drawn for it, and more than feeding in, so that what was not foreseen finds something.
        let feed_in = prices.iter().map(|[_, feed_in]| *feed_in).fold(f64::INFINITY, f64::min);
        for (stored, worth) in stored.into_iter().zip([f64::midpoint(feed_in, cheapest), cheapest]) {
            draft.objective.add_mul(-worth, stored);
        }
        choices
    }

    /// A step's variables, what they cost, and that nothing is lost at the meter.
    fn choice(&self, draft: &mut Draft, step: &Step, [retail, feed_in]: [f64; 2]) -> Choice {
        let (drawn, yielded) = (kwh(step.drawn), kwh(step.yielded));
        let deficit = (drawn - yielded).max(0.0);
        let car_power = self.car.filter(|_| step.car == Presence::Home).map_or(0.0, |car| kwh(car.per_slot));
        let battery_power = self.battery.map_or(0.0, |battery| kwh(battery.per_slot));
        let limit = self.feed_in.map_or(yielded, kwh).min(yielded);
        let import = draft.variable(drawn + car_power + battery_power, retail);
        let fed_in = draft.variable(limit, -feed_in);
        let curtailed = draft.variable(yielded - limit, 0.0);
        let gives = battery_power.min(deficit + car_power);
        let [charged, discharged] = [draft.variable(battery_power, WEAR), draft.variable(gives, 0.0)];
        let car = draft.variable(car_power, WEAR);
        let net = import - fed_in - curtailed;
        let behind = car.clone() + charged.clone() - discharged.clone() + (drawn - yielded);
        draft.constraints.push(net.clone().eq(behind));
        if car_power > 0.0 {
            draft.constraints.push((discharged.clone() - car.clone()).leq(deficit));
        }
        Choice { net, battery: [charged, discharged], held: Expression::default(), car }
    }
}

impl Draft {
    /// Something from 0 to `most` that costs so much for each kWh.
    fn variable(&mut self, most: f64, cost: f64) -> Expression {
        // What can't be but nothing needs no variable: at night, and while the car is away.
        if most == 0.0 {
            return Expression::default();
        }
        let variable = self.variables.add(variable().clamp(0.0, most));
        self.objective.add_mul(cost, variable);
        variable.into()
    }

    /// What a vessel holds after a step, within its bounds.
    fn hold(&mut self, vessel: &Vessel, after: Expression) -> Expression {
        let held = self.variable(kwh(vessel.capacity), 0.0);
        self.constraints.push(after.eq(held.clone()));
        held
    }
}

impl Vessel {
    /// What it holds, in kWh.
    fn holds(self) -> f64 {
        kwh(self.stored)
    }
}

/// Retail price and feed-in tariff, in cents per kWh.
fn prices(tariff: &Tariff) -> [f64; 2] {
    let cents = |price: Decimal| price.to_f64().unwrap_or(0.0) * 100.0;
    let retail = cents(tariff.retail);
    [retail, cents(tariff.feed_in).min(retail)]
}

fn kwh(energy: WattHours) -> f64 {
    energy.0 as f64 / 1_000.0
}

fn watt_hours(kwh: f64) -> WattHours {
    WattHours((kwh * 1_000.0).round() as i64)
}
