//! Figures by which profiles are compared: made-up homes beside real ones. See `docs/simulations.md`.
//!
//! All of them are ratios of sums of whole watt-hours, in thousandths, so that a bound in a test means the same everywhere.

use wattswap_matching::WattHours;

const QUARTERS_PER_DAY: usize = 4;
const DAYS_PER_YEAR: i64 = 365;

/// What is looked at. Each is a whole number in the unit that its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Mean energy of a day, times 365.
    pub annual_kwh: i64,
    /// Highest mean power of a slot.
    pub peak_w: i64,
    /// Load factor: mean power over highest power, in thousandths.
    pub load_factor: i64,
    /// What is drawn at night, in the morning, in the afternoon and in the evening: six hours each from midnight on, in
    /// thousandths of all.
    pub shape: [i64; QUARTERS_PER_DAY],
    /// How wrong it is to take yesterday for a forecast: normalised mean absolute error
    /// `sum |x(d, t) - x(d - 1, t)| / sum x(d, t)`, in thousandths.
    pub persistence: i64,
    /// How it changes from slot to slot: `sum |x(t) - x(t - 1)| / sum x(t)`, in thousandths.
    pub ramp: i64,
}

/// The names of what is looked at, in the order of [`Statistics::values`].
pub const NAMES: [&str; 9] = [
    "annual_kwh",
    "peak_w",
    "load_factor_permille",
    "night_permille",
    "morning_permille",
    "afternoon_permille",
    "evening_permille",
    "persistence_permille",
    "ramp_permille",
];

impl Statistics {
    /// Of a profile's days; slots have so many minutes. None if there is no energy in it, or no second day.
    #[must_use]
    pub fn of(days: &[Vec<WattHours>], slot_minutes: i64) -> Option<Self> {
        let all: Vec<i64> = days.iter().flatten().map(|energy| energy.0).collect();
        let sum: i64 = all.iter().sum();
        let later: i64 = days.iter().skip(1).flatten().map(|energy| energy.0).sum();
        let peak = all.iter().copied().max().filter(|peak| *peak > 0)?;
        let slots = i64::try_from(all.len()).ok()?;
        if later == 0 {
            return None;
        }
        let mut shape = [0; QUARTERS_PER_DAY];
        for day in days {
            for (slot, energy) in day.iter().enumerate() {
                shape[slot * QUARTERS_PER_DAY / day.len()] += energy.0;
            }
        }
        let from_day_to_day = days.windows(2).flat_map(|pair| pair[0].iter().zip(&pair[1]));
        let error: i64 = from_day_to_day.map(|(before, after)| (after.0 - before.0).abs()).sum();
        let change: i64 = all.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
        Some(Self {
            annual_kwh: sum * DAYS_PER_YEAR / i64::try_from(days.len()).ok()? / 1_000,
            peak_w: peak * 60 / slot_minutes,
            load_factor: sum * 1_000 / (slots * peak),
            shape: shape.map(|energy| energy * 1_000 / sum),
            persistence: error * 1_000 / later,
            ramp: change * 1_000 / sum,
        })
    }

    /// Its values, as [`NAMES`] names them.
    #[must_use]
    pub fn values(&self) -> [i64; 9] {
        let [night, morning, afternoon, evening] = self.shape;
        let Self { annual_kwh, peak_w, load_factor, persistence, ramp, .. } = *self;
        [annual_kwh, peak_w, load_factor, night, morning, afternoon, evening, persistence, ramp]
    }
}

/// The least, the middle and the most of each value, over many profiles; none without any.
#[must_use]
pub fn spread(of: &[Statistics]) -> Option<[[i64; 3]; 9]> {
    if of.is_empty() {
        return None;
    }
    let mut spread = [[0; 3]; 9];
    for (number, spread) in spread.iter_mut().enumerate() {
        let mut values: Vec<i64> = of.iter().map(|statistics| statistics.values()[number]).collect();
        values.sort_unstable();
        *spread = [values[0], values[values.len() / 2], values[values.len() - 1]];
    }
    Some(spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_agree_with_those_computed_by_hand() {
        let day = |slots: [i64; 4]| slots.map(WattHours).to_vec();
        // Two days of four slots of six hours: 1 + 2 + 3 + 4 and 3 + 2 + 1 + 4 kWh.
        let days = [day([1_000, 2_000, 3_000, 4_000]), day([3_000, 2_000, 1_000, 4_000])];
        let statistics = Statistics::of(&days, 360).unwrap();
        // The error is 2 + 0 + 2 + 0 of 10; from slot to slot it is 1 + 1 + 1, 1, and 1 + 1 + 3, of 20.
        assert_eq!(statistics.values(), [3_650, 666, 625, 200, 200, 200, 400, 400, 450]);
        assert_eq!(Statistics::of(&days[..1], 360), None);
        assert_eq!(spread(&[statistics]).unwrap()[0], [3_650; 3]);
    }
}
