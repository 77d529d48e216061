//! One seed after the other, on all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{available_parallelism, scope};
use std::time::{Duration, Instant};

use wattswap_simulations::network::options::UnknownFault;
use wattswap_simulations::network::simulation::{self, Outcome};

use super::{Soak, report};

/// A line of the tally this often: whoever stops the run has it.
const TALLY_EVERY: Duration = Duration::from_secs(60);

/// What came of all seeds so far.
struct Tally {
    seeds: u64,
    household_time: Duration,
    events: u64,
    trades: usize,
    settled: usize,
    /// Seeds whose network was so bad that no slot was traded and settled: they don't count towards a goal.
    without: u64,
    findings: usize,
    started: Instant,
    said_at: Instant,
}

/// Runs until the time is over; gives the number of findings.
pub fn run(args: &Soak) -> Result<usize, UnknownFault> {
    args.change.options(args.from)?;
    let started = Instant::now();
    let lasts = args.seconds.or(args.minutes.map(|minutes| minutes * 60)).map(Duration::from_secs);
    let is_over = || lasts.is_some_and(|lasts| started.elapsed() >= lasts);
    let last = args.seeds.map_or(u64::MAX, |seeds| args.from.saturating_add(seeds));
    let next = AtomicU64::new(args.from);
    let tally = Mutex::new(Tally::new(started));
    let threads = args.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    report::say(format_args!("seeds from {} on, {threads} at a time", args.from));
    scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !is_over() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last {
                        break;
                    }
                    let options = args.change.options(seed).expect("the same names were known a moment ago");
                    let outcome = simulation::run(&options, u64::MAX);
                    tally.lock().expect("nobody panics with it").add(&outcome);
                    if let Some(finding) = &outcome.finding {
                        report::finding(&args.change, &options, finding);
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().expect("nobody panicked with it");
    tally.say();
    Ok(tally.findings)
}

impl Tally {
    fn new(started: Instant) -> Self {
        let household_time = Duration::ZERO;
        Self {
            seeds: 0,
            household_time,
            events: 0,
            trades: 0,
            settled: 0,
            without: 0,
            findings: 0,
            started,
            said_at: started,
        }
    }

    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.household_time += outcome.household_time;
        self.events += outcome.events;
        self.trades += outcome.trades;
        self.settled += outcome.settled;
        self.without += u64::from(outcome.settled == 0);
        self.findings += usize::from(outcome.finding.is_some());
        if self.said_at.elapsed() >= TALLY_EVERY {
            self.said_at = Instant::now();
            self.say();
        }
    }

    fn say(&self) {
        let Self { seeds, events, trades, settled, without, findings, .. } = self;
        let (time, took) = (self.household_time.as_secs(), self.started.elapsed().as_secs());
        report::say(format_args!(
            "{seeds} seeds, {time} household-seconds, {events} events, {trades} trades, {settled} slots settled \
             (none in {without} seeds), {findings} findings in {took} s"
        ));
    }
}
