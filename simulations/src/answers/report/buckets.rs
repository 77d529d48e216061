//! Slots taken together, so that a plot of a year has no more points than one of a week.

use std::ops::Range;

use super::chart::Axis;
use crate::answers::clock::{named, wall};
use crate::answers::series::At;
use crate::homes::Calendar;

/// A plot has at most so many points along its time.
pub const MOST_POINTS: usize = 400;
/// And at most so many dates below it.
const MOST_TICKS: usize = 8;

/// Slots of a run, one bucket after the other.
#[derive(Clone, Debug)]
pub struct Buckets<'c> {
    calendar: &'c Calendar,
    width: Width,
    /// Of each bucket: when it starts, and which slots it holds.
    of: Vec<(At, Range<usize>)>,
}

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// A slot.
    Slot,
    /// An hour.
    Hour,
    /// A quarter of a day.
    QuarterDay,
    /// A local day.
    Day,
    /// Seven days.
    Week,
    /// Thirty days.
    ThirtyDays,
}

const WIDTHS: [Width; 6] = [Width::Slot, Width::Hour, Width::QuarterDay, Width::Day, Width::Week, Width::ThirtyDays];

impl<'c> Buckets<'c> {
    /// The narrowest that are few enough.
    pub fn new(slots: impl Iterator<Item = At> + Clone, calendar: &'c Calendar) -> Self {
        let a_hour = (60 / calendar.slot_minutes.max(1)).max(1) as usize;
        let of = |width: Width| {
            let mut of: Vec<(At, Range<usize>)> = Vec::new();
            let mut last = None;
            for (number, at) in slots.clone().enumerate() {
                let key = width.key(at, a_hour);
                match of.last_mut() {
                    Some((_, range)) if last == Some(key) => range.end = number + 1,
                    _ => of.push((at, number..number + 1)),
                }
                last = Some(key);
            }
            of
        };
        let width = WIDTHS.into_iter().find(|width| of(*width).len() <= MOST_POINTS).unwrap_or(Width::ThirtyDays);
        Self { calendar, width, of: of(width) }
    }

    /// Each bucket's slots.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.of.iter().map(|(_, range)| range.clone())
    }

    /// How long they are, in words: `an hour`.
    #[must_use]
    pub fn words(&self) -> String {
        match self.width {
            Width::Slot => format!("{} minutes", self.calendar.slot_minutes),
            Width::Hour => "an hour".to_owned(),
            Width::QuarterDay => "six hours".to_owned(),
            Width::Day => "a day".to_owned(),
            Width::Week => "a week".to_owned(),
            Width::ThirtyDays => "thirty days".to_owned(),
        }
    }

    /// When each begins.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.of.iter().map(|(at, _)| named(self.calendar, *at))
    }

    /// Time as an axis on which bucket number n lies from n to n + 1.
    #[must_use]
    pub fn axis(&self) -> Axis {
        let begins = self.of.iter().enumerate();
        let mut ticks: Vec<(f64, String)> = Vec::new();
        let mut day = None;
        for (number, (at, _)) in begins {
            if day != Some(at.day) {
                let date = self.calendar.days.get(at.day).map(|day| day.date.strftime("%-d %b").to_string());
                ticks.push((number as f64, date.unwrap_or_default()));
            }
            day = Some(at.day);
        }
        if ticks.len() == 1 {
            ticks = self.of.iter().enumerate().map(|(number, (at, _))| (number as f64, self.clock(*at))).collect();
        }
        let stride = ticks.len().div_ceil(MOST_TICKS).max(1);
        let ticks = ticks.into_iter().step_by(stride).collect();
        Axis::with("", 0.0, self.of.len() as f64, ticks)
    }

    fn clock(&self, at: At) -> String {
        let day = self.calendar.days.get(at.day).filter(|day| at.of_day < day.slots);
        day.map_or(String::new(), |day| wall(day.wall_minute(at.of_day)))
    }
}

impl Width {
    /// What all slots of a bucket have in common.
    fn key(self, at: At, slots_a_hour: usize) -> (usize, usize) {
        match self {
            Self::Slot => (at.day, at.of_day),
            Self::Hour => (at.day, at.of_day / slots_a_hour),
            Self::QuarterDay => (at.day, at.of_day / (6 * slots_a_hour)),
            Self::Day => (at.day, 0),
            Self::Week => (at.day / 7, 0),
            Self::ThirtyDays => (at.day / 30, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::fixture::community;

    #[test]
    fn the_longer_the_run_the_wider_the_buckets() {
        let calendar = community("").calendar;
        // (days; how long, how many)
        for (days, width, count) in [
            (1, Width::Slot, 96),
            (4, Width::Slot, 384),
            (5, Width::Hour, 120),
            (16, Width::Hour, 384),
            (17, Width::QuarterDay, 68),
            (365, Width::Day, 365),
            (366 * 2, Width::Week, 105),
            (3_660, Width::ThirtyDays, 122),
        ] {
            let slots = (0..days * 96).map(|number| At { day: number / 96, of_day: number % 96 });
            let buckets = Buckets::new(slots, &calendar);
            assert_eq!((buckets.width, buckets.of.len()), (width, count), "{days} days");
            assert_eq!(buckets.ranges().map(|range| range.len()).sum::<usize>(), days * 96);
            assert!(buckets.axis() != Axis::with("", 0.0, 1.0, vec![]));
        }
    }
}
