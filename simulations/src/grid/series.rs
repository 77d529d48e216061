//! A feeder alone over many time steps: on all cores, in bounded memory, step by step in order.
//!
//! Steps are solved in batches, batches in blocks on one thread each, and blocks in rounds that are handed on before the
//! next one begins. Every batch begins flat, so no result depends on how steps were shared out.

use std::ops::Range;

use rayon::prelude::*;

use super::feeder::Feeder;
use super::field::LANES;
use super::profiles::Profiles;
use super::solution::{Magnitudes, Solution};
use super::solver::{Batch, Solver, Start};

/// Steps that one thread solves at a time.
const STEPS_A_BLOCK: usize = 4 * LANES;
/// Blocks of a round: enough for as many cores; 1024 steps of 906 buses and their lines take 45 MB.
const BLOCKS_A_ROUND: usize = 32;
/// So many steps that did not converge are named.
const NAMED: usize = 10;

/// The steps of a round, or a part of them: for each step a row of each table.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Which steps.
    pub steps: Range<usize>,
    /// Which of them converged; the rows of the others mean nothing.
    pub converged: Vec<bool>,
    /// Voltages to earth, in volts: for each step and bus, each phase.
    pub voltages: Vec<f64>,
    /// Currents, in amperes: for each step and line, each phase.
    pub currents: Vec<f64>,
    /// What [`infeed_columns`] says, for each step.
    pub infeed: Vec<f64>,
}

/// Where and when a voltage or a loading was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extreme {
    /// In pu of the bus's nominal voltage to earth, or of the line's rating.
    pub pu: f64,
    /// Bus or line.
    pub place: usize,
    /// From 0.
    pub phase: usize,
    /// From 0.
    pub step: usize,
}

/// What is known after all steps.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Steps that were solved, or tried.
    pub steps: usize,
    /// Steps that did not converge: they count nowhere else.
    pub not_converged: usize,
    /// The first of them, each with the bus whose voltage gives way first: see [`Solver::most_strained`].
    pub first_not_converged: Vec<(usize, usize)>,
    /// Iterations that the batches took, all together, and how many batches that were.
    pub iterations: (u64, u64),
    /// The lowest voltage on the low-voltage side.
    pub lowest: Option<Extreme>,
    /// The highest voltage on the low-voltage side.
    pub highest: Option<Extreme>,
    /// The highest current of a line that has a rating.
    pub heaviest: Option<Extreme>,
    /// What came out of the source on average, in watts.
    pub mean_source_w: Option<f64>,
    /// What lines and transformer lost on average, in watts.
    pub mean_losses_w: Option<f64>,
}

/// The names of a phase's columns: none in balanced mode.
#[must_use]
pub fn phase_names<const P: usize>() -> [&'static str; P] {
    std::array::from_fn(|phase| if P == 1 { "" } else { [".a", ".b", ".c"][phase] })
}

/// The columns of the infeed table.
#[must_use]
pub fn infeed_columns<const P: usize>() -> Vec<String> {
    let mut columns = vec!["source_w".to_owned(), "source_var".to_owned(), "losses_w".to_owned()];
    for phase in phase_names::<P>() {
        columns.extend(["transformer_w", "transformer_var"].map(|name| format!("{name}{phase}")));
    }
    columns
}

/// Who takes the steps of a round.
pub type HandOn<'a, E> = &'a mut dyn FnMut(&[Block]) -> Result<(), E>;

/// Solves the steps and hands them on, round by round and in order; without anybody to take them, there is only the
/// summary.
///
/// # Errors
/// What `hand_on` says; then no further round is solved.
///
/// # Panics
/// If the profiles don't have the steps, or are not the feeder's.
pub fn run<const P: usize, E>(
    feeder: &Feeder,
    solver: &Solver<P>,
    profiles: &Profiles,
    steps: Range<usize>,
    mut hand_on: Option<HandOn<'_, E>>,
) -> Result<Summary, E> {
    let mut summary = Summary::default();
    let keep = hand_on.is_some();
    let desk = || Desk::new(feeder, solver, profiles);
    let starts: Vec<usize> = steps.clone().step_by(STEPS_A_BLOCK).collect();
    for round in starts.chunks(BLOCKS_A_ROUND) {
        let solved: Vec<(Block, Summary)> = round
            .par_iter()
            .map_init(desk, |desk, start| desk.block(*start..(start + STEPS_A_BLOCK).min(steps.end), keep))
            .collect();
        let (blocks, summaries): (Vec<_>, Vec<_>) = solved.into_iter().unzip();
        summaries.into_iter().for_each(|each| summary.add(each));
        if let Some(hand_on) = &mut hand_on {
            hand_on(&blocks)?;
        }
    }
    let counted = (summary.steps - summary.not_converged) as f64;
    for sum in [&mut summary.mean_source_w, &mut summary.mean_losses_w] {
        *sum = sum.map(|sum| sum / counted);
    }
    Ok(summary)
}

/// What a thread has in hand.
struct Desk<'a, const P: usize> {
    feeder: &'a Feeder,
    solver: &'a Solver<P>,
    profiles: &'a Profiles,
    batch: Batch<P>,
    voltages: Magnitudes<P>,
    currents: Magnitudes<P>,
}

impl<'a, const P: usize> Desk<'a, P> {
    fn new(feeder: &'a Feeder, solver: &'a Solver<P>, profiles: &'a Profiles) -> Self {
        Self { feeder, solver, profiles, batch: solver.batch(), voltages: Vec::new(), currents: Vec::new() }
    }

    /// Solves steps; keeps their rows only if somebody takes them.
    fn block(&mut self, steps: Range<usize>, keep: bool) -> (Block, Summary) {
        let mut block = Block { steps: steps.clone(), ..Block::default() };
        if keep {
            block.voltages.reserve_exact(steps.len() * self.feeder.buses.len() * P);
            block.currents.reserve_exact(steps.len() * self.feeder.lines.len() * P);
        }
        let mut summary = Summary::default();
        for first in steps.clone().step_by(LANES) {
            let steps = first..(first + LANES).min(steps.end);
            self.batch.clear();
            for (lane, step) in steps.clone().enumerate() {
                self.profiles.draw(step, lane, &mut self.batch);
            }
            let solution = self.solver.solve(&mut self.batch, Start::Flat);
            solution.voltages(&mut self.voltages);
            solution.line_currents(&mut self.currents);
            summary.iterations.0 += u64::from(solution.iterations());
            summary.iterations.1 += 1;
            summary.look(self.feeder, &steps, &solution, &self.voltages, &self.currents);
            if keep {
                block.add(steps.len(), &solution, &self.voltages, &self.currents);
            }
            let lanes = 0..steps.len();
            let lost: Vec<usize> = lanes.filter(|lane| !solution.converged(*lane)).collect();
            if !lost.is_empty() {
                let strained = self.solver.most_strained(&mut self.batch);
                summary.lose(lost.into_iter().map(|lane| {
                    let connection = strained[lane].expect("nothing is drawn without connections");
                    (first + lane, self.feeder.connections[connection].bus)
                }));
            }
        }
        (block, summary)
    }
}

impl Block {
    /// Adds the first steps of a batch.
    fn add<const P: usize>(
        &mut self,
        steps: usize,
        solution: &Solution<'_, P>,
        voltages: &Magnitudes<P>,
        currents: &Magnitudes<P>,
    ) {
        for (lane, losses) in solution.losses().into_iter().enumerate().take(steps) {
            self.converged.push(solution.converged(lane));
            self.voltages.extend(voltages.iter().flatten().map(|lanes| lanes[lane]));
            self.currents.extend(currents.iter().flatten().map(|lanes| lanes[lane]));
            let infeed = solution.infeed(lane);
            self.infeed.extend([infeed.high.re, infeed.high.im, losses]);
            self.infeed.extend(infeed.low.iter().flat_map(|power| [power.re, power.im]));
        }
    }
}

impl Summary {
    /// Looks at the steps of a batch.
    fn look<const P: usize>(
        &mut self,
        feeder: &Feeder,
        steps: &Range<usize>,
        solution: &Solution<'_, P>,
        voltages: &Magnitudes<P>,
        currents: &Magnitudes<P>,
    ) {
        self.steps += steps.len();
        let good: Vec<usize> = (0..steps.len()).filter(|lane| solution.converged(*lane)).collect();
        let found = |place, phase, lane, pu| Extreme { pu, place, phase, step: steps.start + lane };
        let high = feeder.transformer.as_ref().map(|transformer| transformer.high);
        for (place, bus) in feeder.buses.iter().enumerate().filter(|(place, _)| Some(*place) != high) {
            let per_volt = 1.0 / bus.base_v();
            for (phase, lanes) in voltages[place].iter().enumerate() {
                for lane in &good {
                    let pu = lanes[*lane] * per_volt;
                    if self.lowest.is_none_or(|old| pu < old.pu) {
                        self.lowest = Some(found(place, phase, *lane, pu));
                    }
                    if self.highest.is_none_or(|old| pu > old.pu) {
                        self.highest = Some(found(place, phase, *lane, pu));
                    }
                }
            }
        }
        for (place, line) in feeder.lines.iter().enumerate() {
            let Some(rating) = line.max_current_a else { continue };
            for (phase, lanes) in currents[place].iter().enumerate() {
                for lane in &good {
                    let pu = lanes[*lane] / rating;
                    if self.heaviest.is_none_or(|old| pu > old.pu) {
                        self.heaviest = Some(found(place, phase, *lane, pu));
                    }
                }
            }
        }
        let losses = solution.losses();
        for lane in good {
            *self.mean_source_w.get_or_insert(0.0) += solution.infeed(lane).high.re;
            *self.mean_losses_w.get_or_insert(0.0) += losses[lane];
        }
    }

    /// Counts steps that did not converge.
    fn lose(&mut self, steps: impl Iterator<Item = (usize, usize)>) {
        for step in steps {
            self.not_converged += 1;
            self.first_not_converged.push(step);
        }
        self.first_not_converged.truncate(NAMED);
    }

    /// Adds what is known of later steps.
    fn add(&mut self, later: Self) {
        self.steps += later.steps;
        self.not_converged += later.not_converged;
        self.first_not_converged.extend(later.first_not_converged);
        self.first_not_converged.truncate(NAMED);
        self.iterations.0 += later.iterations.0;
        self.iterations.1 += later.iterations.1;
        self.lowest = further(self.lowest, later.lowest, f64::lt);
        self.highest = further(self.highest, later.highest, f64::gt);
        self.heaviest = further(self.heaviest, later.heaviest, f64::gt);
        let sums = [(&mut self.mean_source_w, later.mean_source_w), (&mut self.mean_losses_w, later.mean_losses_w)];
        for (sum, later) in sums {
            *sum = match (*sum, later) {
                (Some(sum), Some(later)) => Some(sum + later),
                (sum, later) => sum.or(later),
            };
        }
    }
}

/// Whichever goes further; the older one of equals.
fn further(old: Option<Extreme>, new: Option<Extreme>, goes: fn(&f64, &f64) -> bool) -> Option<Extreme> {
    match (old, new) {
        (Some(before), Some(found)) if !goes(&found.pu, &before.pu) => Some(before),
        (old, new) => new.or(old),
    }
}
