//! Every interleaving of small scenarios, and what was seen on the way.

use std::process::ExitCode;
use std::time::Instant;

use wattswap_simulations::exhaustive::properties::MARKS;
use wattswap_simulations::exhaustive::scenario::{Bounds, Scenario};
use wattswap_simulations::exhaustive::scenarios;
use wattswap_simulations::exhaustive::search::{Outcome, search};

use super::{Exhaustive, report};

/// Looks at the scenarios that are asked for.
pub fn run(args: &Exhaustive) -> ExitCode {
    let all = scenarios::all();
    let chosen = |scenario: &&Scenario| args.scenario.as_ref().is_none_or(|name| scenario.name == name);
    let chosen: Vec<&Scenario> = all.iter().filter(chosen).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = all.iter().map(|scenario| scenario.name).collect();
        eprintln!("error: there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    let found = chosen.into_iter().filter(|scenario| !is_fine(scenario, args)).count();
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether nothing is found within any of the bounds that are asked for.
fn is_fine(scenario: &Scenario, args: &Exhaustive) -> bool {
    let own = if args.long { scenario.long.as_slice() } else { std::slice::from_ref(&scenario.bounds) };
    // Looks within all of them, whatever the first one shows.
    let fine: Vec<bool> = own.iter().map(|own| is_fine_within(scenario, args.bounds(own), args)).collect();
    !fine.contains(&false)
}

fn is_fine_within(scenario: &Scenario, bounds: Bounds, args: &Exhaustive) -> bool {
    report::say(format_args!("scenario        {}: {}", scenario.name, scenario.about));
    let Bounds { repeats, pairs, crashes, restores, clock_steps, instants, depth: most } = bounds;
    let most = most.map(|most| format!(", {most} actions")).unwrap_or_default();
    report::say(format_args!(
        "bounds          {repeats} repeats, {pairs} pairs, {crashes} crashes, {restores} restores, {clock_steps} clock steps, \
         {instants} instants{most}"
    ));
    let started = Instant::now();
    let outcome = search(scenario, bounds, args.states);
    let took = started.elapsed();
    let Outcome { visited, unique, depth, households, turns, .. } = outcome;
    report::say(format_args!("states          {visited} visited, {unique} different, up to {depth} actions deep"));
    report::say(format_args!("households      {households} different, {turns} turns"));
    let reached = MARKS.iter().filter(|(mark, _)| outcome.reached.contains(mark)).map(|(_, name)| *name);
    report::say(format_args!("reached         {}", reached.collect::<Vec<_>>().join("; ")));
    let complete = if outcome.is_complete { "all within the bounds" } else { "not all within the bounds" };
    report::say(format_args!("time            {:.1} s, {complete}", took.as_secs_f64()));
    let Some(found) = outcome.found else { return true };
    report::say(format_args!("FOUND by `{}` after {} states", found.violation.property, found.violation.states));
    report::say(format_args!("  {}", found.violation.what));
    for (number, step) in found.path.iter().enumerate() {
        report::say(format_args!("  {:2}. {step}", number + 1));
    }
    false
}

impl Exhaustive {
    /// These, but for what was said otherwise.
    fn bounds(&self, own: &Bounds) -> Bounds {
        Bounds {
            repeats: self.repeats.unwrap_or(own.repeats),
            pairs: self.pairs.unwrap_or(own.pairs),
            crashes: self.crashes.unwrap_or(own.crashes),
            restores: self.restores.unwrap_or(own.restores),
            clock_steps: self.clock_steps.unwrap_or(own.clock_steps),
            instants: self.instants.unwrap_or(own.instants),
            depth: self.depth.or(own.depth),
        }
    }
}
