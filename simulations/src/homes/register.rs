//! Energy as a meter counts it up: exact, so that cutting it into slots of any length loses nothing.
//!
//! A table's column becomes a register that says how much there was until any instant. What a slot gets is the whole
//! watt-hours until its end less those until its start: rounded once, and never adding up to an error, however slots are
//! cut. Nothing here is a float.

use std::sync::Arc;

use wattswap_matching::{UtcMillis, WattHours};

const MINUTE_MS: u64 = 60_000;
/// A column's values are kept in billionths of its unit.
pub(super) const NANO: i64 = 1_000_000_000;
const MINUTES_PER_HOUR: i128 = 60;

/// A column that counts up: billionths of its unit (a kW, or a share of a rated power) times minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    start: UtcMillis,
    step_minutes: u64,
    /// Before each step and after the last.
    counted: Vec<i64>,
}

/// Columns that count for one home, each times a number of watts.
#[derive(Clone, Debug, Default)]
pub struct Register {
    parts: Vec<(Arc<Column>, i64)>,
    /// How much earlier the columns' time is than the period's, in milliseconds.
    earlier_ms: i64,
}

impl Column {
    /// A column whose steps came to this, in billionths of its unit times minutes; none if that is too much to count.
    pub(super) fn new(start: UtcMillis, step_minutes: u64, steps: impl IntoIterator<Item = i64>) -> Option<Self> {
        let mut counted = vec![0_i64];
        let mut sum = 0_i64;
        for step in steps {
            sum = sum.checked_add(step)?;
            counted.push(sum);
        }
        Some(Self { start, step_minutes, counted })
    }

    /// When it begins and ends.
    #[must_use]
    pub fn reach(&self) -> (UtcMillis, UtcMillis) {
        let minutes = (self.counted.len() as u64 - 1) * self.step_minutes;
        (self.start, UtcMillis(self.start.0 + minutes * MINUTE_MS))
    }

    /// Length of a step in minutes.
    #[must_use]
    pub fn step_minutes(&self) -> u64 {
        self.step_minutes
    }

    /// The energy of all steps if its unit is so many watts, rounded down.
    #[must_use]
    pub fn total(&self, watts: i64) -> WattHours {
        whole(i128::from(*self.counted.last().expect("it begins with 0")) * i128::from(watts))
    }

    /// What was counted until an instant; within a step, in proportion.
    fn until(&self, at: UtcMillis) -> i128 {
        let (step_ms, since) = (self.step_minutes * MINUTE_MS, at.0.saturating_sub(self.start.0));
        let last = self.counted.len() - 1;
        let step = usize::try_from(since / step_ms).unwrap_or(last).min(last);
        let before = i128::from(self.counted[step]);
        let Some(after) = self.counted.get(step + 1) else { return before };
        before + (i128::from(*after) - before) * i128::from(since % step_ms) / i128::from(step_ms)
    }

    /// The largest step, in billionths of its unit.
    fn largest(&self) -> i64 {
        let steps = self.counted.windows(2).map(|pair| pair[1] - pair[0]);
        steps.max().unwrap_or(0) / i64::try_from(self.step_minutes).unwrap_or(i64::MAX)
    }
}

impl Register {
    /// Nothing yet, of columns whose time is so much earlier than the period's.
    #[must_use]
    pub fn new(earlier_ms: i64) -> Self {
        Self { parts: Vec::new(), earlier_ms }
    }

    /// Counts a column too, whose unit is so many watts.
    pub fn add(&mut self, column: Arc<Column>, watts: i64) {
        self.parts.push((column, watts));
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whole watt-hours until an instant.
    #[must_use]
    pub fn until(&self, at: UtcMillis) -> WattHours {
        let at = UtcMillis(at.0.saturating_add_signed(-self.earlier_ms));
        whole(self.parts.iter().map(|(column, watts)| column.until(at) * i128::from(*watts)).sum())
    }

    /// The energy of each slot between these instants.
    pub fn slots(&self, borders: impl IntoIterator<Item = UtcMillis>) -> Vec<WattHours> {
        let mut borders = borders.into_iter().map(|at| self.until(at));
        let Some(mut before) = borders.next() else { return Vec::new() };
        let slot = |after| {
            let energy = after - before;
            before = after;
            energy
        };
        borders.map(slot).collect()
    }

    /// The highest power of any step, in watts, rounded up; of several columns their sum.
    #[must_use]
    pub fn peak_watts(&self) -> i64 {
        let nano = |(column, watts): &(Arc<Column>, i64)| i128::from(column.largest()) * i128::from(*watts);
        let sum: i128 = self.parts.iter().map(nano).sum();
        i64::try_from((sum + i128::from(NANO) - 1).div_euclid(i128::from(NANO))).unwrap_or(i64::MAX)
    }
}

/// Billionths of a watt times minutes as whole watt-hours, rounded down.
fn whole(nano_watt_minutes: i128) -> WattHours {
    let per_watt_hour = i128::from(NANO) * MINUTES_PER_HOUR;
    WattHours(i64::try_from(nano_watt_minutes.div_euclid(per_watt_hour)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: UtcMillis = UtcMillis(1_465_336_800_000);

    fn register(step_minutes: u64, watts: &[i64]) -> Register {
        let minutes = i64::try_from(step_minutes).unwrap();
        let steps = watts.iter().map(|watts| watts * NANO * minutes);
        let column = Column::new(START, step_minutes, steps).unwrap();
        let mut register = Register::new(0);
        register.add(Arc::new(column), 1);
        register
    }

    fn borders(count: u64, minutes: u64) -> impl Iterator<Item = UtcMillis> {
        (0..=count).map(move |slot| UtcMillis(START.0 + slot * minutes * MINUTE_MS))
    }

    #[test]
    fn slots_are_cut_without_losing_anything() {
        // Step, watts, slot length, Wh in each slot.
        let cases: [(u64, &[i64], u64, &[i64]); 5] = [
            (15, &[400, 800], 15, &[100, 200]),
            (15, &[1, 1, 1, 1], 15, &[0, 0, 0, 1]),
            (60, &[10], 15, &[2, 3, 2, 3]),
            (1, &[60, 120, 180], 1, &[1, 2, 3]),
            (15, &[401, 401, 401, 401], 60, &[401]),
        ];
        for (step, watts, slot, expected) in cases {
            let slots = register(step, watts).slots(borders(expected.len() as u64, slot));
            assert_eq!(slots.iter().map(|energy| energy.0).collect::<Vec<_>>(), expected, "{watts:?} at {step}");
        }
    }

    #[test]
    fn columns_of_one_home_are_rounded_together() {
        let half = Arc::new(Column::new(START, 60, [NANO / 2 * 60]).unwrap());
        let mut both = Register::new(0);
        both.add(Arc::clone(&half), 1);
        both.add(half, 1);
        assert_eq!((both.slots(borders(1, 60)), both.peak_watts()), (vec![WattHours(1)], 1));
    }

    #[test]
    fn another_year_is_read_as_if_it_were_now() {
        let mut shifted = register(60, &[5, 7]);
        shifted.earlier_ms = 3_600_000;
        let later = borders(2, 60).map(|at| UtcMillis(at.0 + 3_600_000));
        assert_eq!(shifted.slots(later), [WattHours(5), WattHours(7)]);
    }

    proptest! {
        #[test]
        fn sums_are_kept(watts in prop::collection::vec(0_i64..30_000, 1..50), step in prop::sample::select(vec![1_u64, 5, 15, 60]), slot in prop::sample::select(vec![5_u64, 15, 30, 60])) {
            let minutes = watts.len() as u64 * step;
            let sum: i64 = register(step, &watts).slots(borders(minutes.div_ceil(slot), slot)).iter().map(|energy| energy.0).sum();
            let exact = watts.iter().sum::<i64>() * i64::try_from(step).unwrap();
            prop_assert_eq!(sum, exact / 60);
        }
    }
}
