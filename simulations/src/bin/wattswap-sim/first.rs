//! The first seed that finds something, in one line for programs: which checker, with which seed, after how many events.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{available_parallelism, scope};

use wattswap_simulations::network::options::UnknownFault;
use wattswap_simulations::network::simulation::{self, Finding};

use super::{First, report};

/// Runs the seeds on all cores until one finds something; gives the number of findings. Seeds are begun in their order
/// and those that were begun are ended, so it is the same seed every time.
///
/// # Errors
/// [`UnknownFault`].
pub fn run(args: &First) -> Result<usize, UnknownFault> {
    args.change.options(args.from)?;
    let last = args.from.saturating_add(args.seeds);
    let next = AtomicU64::new(args.from);
    let is_found = AtomicBool::new(false);
    let first: Mutex<Option<(u64, Finding)>> = Mutex::new(None);
    let threads = available_parallelism().map_or(1, usize::from);
    scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !is_found.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last {
                        break;
                    }
                    let options = args.change.options(seed).expect("the same names were known a moment ago");
                    let Some(finding) = simulation::run(&options, u64::MAX).finding else { continue };
                    is_found.store(true, Ordering::Relaxed);
                    let mut first = first.lock().expect("nobody panics with it");
                    if first.as_ref().is_none_or(|(known, _)| seed < *known) {
                        *first = Some((seed, finding));
                    }
                }
            });
        }
    });
    let Some((seed, finding)) = first.into_inner().expect("nobody panicked with it") else { return Ok(0) };
    report::say(format_args!("{} {seed} {}", finding.violation.checker, finding.event));
    Ok(1)
}
