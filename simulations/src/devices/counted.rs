//! A forecast by persistence: at the same time of the day it will be as it was on the last days.
//!
//! For each slot of the clock on the wall, the mean of what was counted in it, in which a day weighs three quarters of
//! the day after it. Whole numbers; no weather forecast, no weekdays.

use wattswap_matching::WattHours;

use crate::homes::Day;

/// Parts of a watt-hour in which means are held, so that they do not stick to where they began.
const PARTS: i64 = 1 << 10;
/// The newest day's weight is one of so many.
const WEIGHT: i64 = 4;
const DAY_MINUTES: u32 = 24 * 60;

/// What was counted, by the time of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    slot_minutes: u32,
    /// Means of what is drawn and of what the roof yields.
    slots: Vec<Option<[i64; 2]>>,
}

impl Counted {
    /// Of nothing.
    pub fn new(slot_minutes: u32) -> Self {
        Self { slot_minutes, slots: vec![None; (DAY_MINUTES / slot_minutes) as usize] }
    }

    /// Counts a slot: what was drawn, and what the roof could yield.
    pub fn add(&mut self, day: &Day, of_day: usize, counted: [WattHours; 2]) {
        let slot = self.slot(day, of_day);
        let counted = counted.map(|energy| energy.0 * PARTS);
        self.slots[slot] = Some(match self.slots[slot] {
            None => counted,
            Some([drawn, yielded]) => {
                [drawn + (counted[0] - drawn) / WEIGHT, yielded + (counted[1] - yielded) / WEIGHT]
            }
        });
    }

    /// What is expected of a slot; none if nothing was ever counted at that time of the day.
    pub fn expected(&self, day: &Day, of_day: usize) -> Option<[WattHours; 2]> {
        self.slots[self.slot(day, of_day)].map(|means| means.map(|mean| WattHours(mean / PARTS)))
    }

    fn slot(&self, day: &Day, of_day: usize) -> usize {
        (day.wall_minute(of_day) / self.slot_minutes) as usize
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::homes::Calendar;

    #[test]
    fn means_by_hand() {
        let calendar = Calendar::new("2026-06-08".parse().unwrap(), 1, 15, &TimeZone::UTC).unwrap();
        let (day, mut counted) = (&calendar.days[0], Counted::new(15));
        assert_eq!(counted.expected(day, 5), None);
        // 100; then 100 - 40/4 = 90; then 90 - 50/4 = 77.5; the roof's 0, 0 and 8/4.
        for (drawn, yielded, expected) in [(100, 0, [100, 0]), (60, 0, [90, 0]), (40, 8, [77, 2])] {
            counted.add(day, 5, [WattHours(drawn), WattHours(yielded)]);
            assert_eq!(counted.expected(day, 5), Some(expected.map(WattHours)));
        }
        assert_eq!(counted.expected(day, 6), None);
    }

    #[test]
    fn clocks_that_change_leave_habits_at_their_hours() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (first, lengths) in [("2026-03-28", [96, 92]), ("2026-10-24", [96, 100])] {
            let calendar = Calendar::new(first.parse().unwrap(), 2, 15, &zone).unwrap();
            assert_eq!([calendar.days[0].slots, calendar.days[1].slots], lengths);
            let mut counted = Counted::new(15);
            let habit = |day: &Day, of_day| [WattHours(day.wall_minute(of_day).into()), WattHours::ZERO];
            let [before, changed] = [&calendar.days[0], &calendar.days[1]];
            (0..before.slots).for_each(|of_day| counted.add(before, of_day, habit(before, of_day)));
            for of_day in 0..changed.slots {
                assert_eq!(counted.expected(changed, of_day), Some(habit(changed, of_day)), "{first} {of_day}");
            }
        }
    }
}
