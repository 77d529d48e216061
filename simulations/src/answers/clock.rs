//! When a slot is, in words, as local clocks show it.

use super::series::At;
use crate::homes::Calendar;

/// A slot of the run, counted from its first: `2026-06-08 13:45`. Where clocks go back, two slots have one name.
#[must_use]
pub fn moment(calendar: &Calendar, number: usize) -> String {
    let mut left = number;
    for (day, of) in calendar.days.iter().enumerate() {
        if left < of.slots {
            return named(calendar, At { day, of_day: left });
        }
        left -= of.slots;
    }
    format!("slot {number}")
}

/// The same of a slot of a day.
#[must_use]
pub fn named(calendar: &Calendar, at: At) -> String {
    let Some(day) = calendar.days.get(at.day).filter(|day| at.of_day < day.slots) else {
        return format!("day {}, slot {}", at.day + 1, at.of_day + 1);
    };
    format!("{} {}", day.date, wall(day.wall_minute(at.of_day)))
}

/// A minute of the day as clocks show it: `13:45`.
#[must_use]
pub fn wall(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::fixture::community;

    #[test]
    fn slots_have_names() {
        let calendar = community("").calendar;
        for (number, expected) in [(0, "2026-06-08 00:00"), (95, "2026-06-08 23:45"), (96 + 55, "2026-06-09 13:45")] {
            assert_eq!(moment(&calendar, number), expected);
        }
        assert_eq!(moment(&calendar, 3 * 96), "slot 288");
    }
}
