//! How far something is, how fast it goes, and how long it will take.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

/// A line on a terminal is written anew this often.
const SHOW_EVERY: Duration = Duration::from_millis(500);

/// Shows on a terminal how far it is; elsewhere it shows nothing.
pub struct Progress {
    started: Instant,
    shown: Option<Instant>,
    what: &'static str,
    all: usize,
    is_terminal: bool,
}

impl Progress {
    /// Of so many things, such as `slots`.
    pub fn new(all: usize, what: &'static str) -> Self {
        Self { started: Instant::now(), shown: None, what, all, is_terminal: stderr().is_terminal() }
    }

    /// So many are done.
    pub fn show(&mut self, done: usize) {
        if !self.is_terminal || self.shown.is_some_and(|shown| shown.elapsed() < SHOW_EVERY) {
            return;
        }
        self.shown = Some(Instant::now());
        let _closed = write!(stderr(), "\r\x1b[K{done} of {} {}{}", self.all, self.what, self.pace(done));
    }

    /// How fast it goes, and how long it will take: in words that follow a number.
    pub fn pace(&self, done: usize) -> String {
        let took = self.started.elapsed().as_secs_f64();
        if done == 0 || took == 0.0 {
            return String::new();
        }
        let (rate, left) = (done as f64 / took, self.all.saturating_sub(done) as f64);
        let rate = if rate >= 1.0 { format!("{rate:.0} a second") } else { format!("{:.1} a minute", rate * 60.0) };
        format!(", {rate}, {} left", span(Duration::from_secs_f64(left * took / done as f64)))
    }

    /// Takes the line away, and says how long it took.
    pub fn finish(self) -> Duration {
        if self.shown.is_some() {
            let _closed = write!(stderr(), "\r\x1b[K");
        }
        self.started.elapsed()
    }
}

/// A time for people.
pub fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_for_people() {
        for (seconds, expected) in [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (9000, "2 h 30 min")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
    }
}
