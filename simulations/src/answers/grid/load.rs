//! What lines and the transformer carry and lose.

use crate::grid::feeder::Feeder;
use crate::grid::series::Extreme;
use crate::grid::solution::{Magnitudes, Solution};

/// What is known of all lines and the transformer. Powers are those of all phases.
#[derive(Debug)]
pub struct Load {
    /// Of each of the feeder's lines; none if it has no rating.
    pub lines: Vec<Option<LineLoad>>,
    /// The highest apparent power through the transformer, as a share of its rating.
    pub transformer: Option<Extreme>,
    /// Slots in which the transformer carried more than its rating.
    pub transformer_above: u32,
    /// Slots in which some line carried more than its rating.
    pub some_line_above: u32,
    /// Sums over slots, in W: losses, and power from and to the grid above.
    pub lost: f64,
    /// Drawn from the grid above.
    pub import: f64,
    /// Given to the grid above.
    pub export: f64,
    /// The highest power from the grid above, and when.
    pub most_import: Option<(f64, usize)>,
    /// The highest power to the grid above, and when.
    pub most_export: Option<(f64, usize)>,
}

/// A line.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineLoad {
    /// The highest current of a phase as a share of the rating.
    pub highest: Option<Extreme>,
    /// Slots in which it was above the rating.
    pub above: u32,
}

impl Load {
    pub fn new(feeder: &Feeder) -> Self {
        let line = |rating: Option<f64>| rating.filter(|amperes| *amperes > 0.0).map(|_| LineLoad::default());
        Self {
            lines: feeder.lines.iter().map(|each| line(each.max_current_a)).collect(),
            transformer: None,
            transformer_above: 0,
            some_line_above: 0,
            lost: 0.0,
            import: 0.0,
            export: 0.0,
            most_import: None,
            most_export: None,
        }
    }

    /// Looks at a slot; returns the highest loading, if anything has a rating.
    pub fn look<const P: usize>(
        &mut self,
        number: usize,
        lane: usize,
        feeder: &Feeder,
        currents: &Magnitudes<P>,
        solution: &Solution<'_, P>,
        losses: f64,
    ) -> Option<f64> {
        let lines = self.look_at_lines(number, lane, feeder, currents);
        let high = solution.infeed(lane).high;
        let transformer = feeder.transformer.as_ref().map(|transformer| high.norm() / transformer.rated_va);
        if let Some(share) = transformer {
            include(&mut self.transformer, Extreme { pu: share, place: 0, phase: 0, step: number });
            self.transformer_above += u32::from(share > 1.0);
        }
        self.lost += losses;
        self.import += high.re.max(0.0);
        self.export += (-high.re).max(0.0);
        for (most, power) in [(&mut self.most_import, high.re), (&mut self.most_export, -high.re)] {
            if power > most.map_or(0.0, |(most, _)| most) {
                *most = Some((power, number));
            }
        }
        match (lines, transformer) {
            (Some(line), Some(transformer)) => Some(line.max(transformer)),
            (line, transformer) => line.or(transformer),
        }
    }

    fn look_at_lines<const P: usize>(
        &mut self,
        number: usize,
        lane: usize,
        feeder: &Feeder,
        currents: &Magnitudes<P>,
    ) -> Option<f64> {
        let mut heaviest: Option<f64> = None;
        for (place, (load, line)) in self.lines.iter_mut().zip(&feeder.lines).enumerate() {
            let (Some(load), Some(rating)) = (load, line.max_current_a) else { continue };
            let mut found = Extreme { pu: 0.0, place, phase: 0, step: number };
            for (phase, lanes) in currents[place].iter().enumerate() {
                let pu = lanes[lane] / rating;
                if pu > found.pu {
                    found = Extreme { pu, phase, ..found };
                }
            }
            include(&mut load.highest, found);
            load.above += u32::from(found.pu > 1.0);
            heaviest = Some(heaviest.map_or(found.pu, |heaviest| heaviest.max(found.pu)));
        }
        self.some_line_above += u32::from(heaviest.is_some_and(|pu| pu > 1.0));
        heaviest
    }
}

fn include(highest: &mut Option<Extreme>, found: Extreme) {
    if highest.is_none_or(|highest| found.pu > highest.pu) {
        *highest = Some(found);
    }
}
