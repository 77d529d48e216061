//! Many measurements of one thing: the middle of them, and their slow end.

use std::time::{Duration, Instant};

/// Measurements of one thing.
pub struct Samples(Vec<f64>);

impl Samples {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds one.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a time, in microseconds.
    pub fn add_micros(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1e6);
    }

    /// Adds the time that this takes, in microseconds.
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        self.add_micros(started.elapsed());
        done
    }

    /// The middle one; nothing if there are none.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The one that so large a share of the others stays below.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((share * last as f64).round() as usize).copied().unwrap_or(f64::NAN)
    }
}
