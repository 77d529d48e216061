//! From a run that fails to a shorter one with fewer faults that fails in the same way.

use super::options::Options;
use super::simulation::{Finding, Outcome, run};

/// Runs that are tried: a passing one costs as much as any seed.
const MAX_RUNS: u32 = 60;

/// The smallest failing run that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// Faults that it does without.
    pub without: Vec<String>,
    /// Steps after which people and troubles do nothing more.
    pub steps: u64,
    /// What goes wrong in it.
    pub finding: Finding,
    /// Runs that it took to find it.
    pub runs: u32,
}

/// Looks for a smaller run that the same checker objects to. `without` was left out of `options` already.
#[must_use]
pub fn shrink(options: &Options, without: &[String], finding: &Finding) -> Shrunk {
    let smallest = Shrunk { without: without.to_vec(), steps: finding.step, finding: finding.clone(), runs: 0 };
    let mut search = Search { options: options.clone(), smallest };
    search.fewer_steps();
    search.fewer_faults();
    search.fewer_steps();
    search.smallest
}

struct Search {
    options: Options,
    smallest: Shrunk,
}

impl Search {
    /// Bisects. A shorter run may fail where a longer one does not, so this finds a short one, not the shortest.
    fn fewer_steps(&mut self) {
        let (mut passes, mut fails) = (0, self.smallest.steps);
        while passes + 1 < fails {
            let middle = passes + (fails - passes) / 2;
            let options = self.options.clone();
            match self.fails(&options, middle) {
                Some(finding) => {
                    fails = middle.min(finding.step);
                    (self.smallest.steps, self.smallest.finding) = (fails, finding);
                }
                None => passes = middle,
            }
        }
    }

    fn fewer_faults(&mut self) {
        for name in Options::fault_names() {
            let mut options = self.options.clone();
            let known = options.leave_out(name).is_ok();
            if !known || options == self.options {
                continue;
            }
            if let Some(finding) = self.fails(&options, self.smallest.steps) {
                self.options = options;
                self.smallest.without.push(name.to_owned());
                self.smallest.finding = finding;
            }
        }
    }

    fn fails(&mut self, options: &Options, steps: u64) -> Option<Finding> {
        if self.smallest.runs >= MAX_RUNS {
            return None;
        }
        self.smallest.runs += 1;
        let Outcome { finding, .. } = run(options, steps);
        finding.filter(|found| found.violation.checker == self.smallest.finding.violation.checker)
    }
}
