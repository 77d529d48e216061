//! A household's wall clock: it is off by a constant, runs too fast or too slowly, and is set now and then.

use wattswap_matching::UtcMillis;

/// What a wall clock shows, as a function of the true time. All integers, so that it shows the same on every machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// True time at which it was last set.
    set_at: UtcMillis,
    /// What it showed then.
    showed: UtcMillis,
    /// How many milliseconds it gains in a million; negative: loses.
    drift_ppm: i64,
}

impl Clock {
    /// A clock that is right.
    #[must_use]
    pub fn right() -> Self {
        Self::default()
    }

    /// What it shows.
    #[must_use]
    pub fn shows(&self, now: UtcMillis) -> UtcMillis {
        let passed = i64::try_from(now.0.saturating_sub(self.set_at.0)).unwrap_or(i64::MAX / 2);
        UtcMillis(self.showed.0.saturating_add_signed(passed).saturating_add_signed(self.gained(passed)))
    }

    fn gained(&self, passed: i64) -> i64 {
        // Clocks are asked all the time, and all but never for so far ahead that it takes the slow division.
        match passed.checked_mul(self.drift_ppm) {
            Some(millionths) => millionths / 1_000_000,
            None => i64::try_from(i128::from(passed) * i128::from(self.drift_ppm) / 1_000_000).unwrap_or_default(),
        }
    }

    /// The first instant, from `now` on, at which it shows this or later.
    #[must_use]
    pub fn when(&self, shown: UtcMillis, now: UtcMillis) -> UtcMillis {
        let mut at = now;
        // Each round leaves at most the drift of what was missing: two or three are enough, and more do no harm.
        for _ in 0..8 {
            let missing = shown.0.saturating_sub(self.shows(at).0);
            if missing == 0 {
                break;
            }
            at = UtcMillis(at.0.saturating_add(missing));
        }
        // From below with a slow clock; a fast one may have been overshot by the drift of the whole distance.
        while at > now && self.shows(UtcMillis(at.0 - 1)) >= shown && self.drift_ppm > 0 {
            at = UtcMillis(at.0 - 1);
        }
        at
    }

    /// Sets it: from now on it is off by this many milliseconds more than it was.
    pub fn jump(&mut self, now: UtcMillis, millis: i64) {
        self.showed = UtcMillis(self.shows(now).0.saturating_add_signed(millis));
        self.set_at = now;
    }

    /// Lets it run this much too fast from now on.
    pub fn drift(&mut self, now: UtcMillis, ppm: i64) {
        self.jump(now, 0);
        self.drift_ppm = ppm;
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, UtcMillis};

    #[test]
    fn a_deadline_comes_when_the_clock_shows_it() {
        let now = UtcMillis(1_800_000_000_000);
        for (jump, ppm) in [(0, 0), (5_000, 0), (-5_000, 0), (0, 200), (0, -200), (300, 5_000), (-300, -5_000)] {
            let mut clock = Clock::right();
            clock.jump(now, jump);
            clock.drift(now, ppm);
            for wait in [1, 10, 1_000, 15_000, 600_000] {
                let shown = UtcMillis(clock.shows(now).0 + wait);
                let at = clock.when(shown, now);
                assert!(clock.shows(at) >= shown, "jump {jump}, drift {ppm}, wait {wait}");
                assert!(clock.shows(UtcMillis(at.0 - 1)) < shown, "jump {jump}, drift {ppm}, wait {wait}: no later");
            }
            assert_eq!(clock.when(clock.shows(now), now), now);
        }
    }
}
