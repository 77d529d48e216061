//! Local days and their delivery slots: 92 quarters of an hour when clocks go forward, 100 when they go back.

use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use wattswap_matching::{Slot, UtcMillis};

const MINUTE_MS: u64 = 60_000;
const DAY_MINUTES: usize = 24 * 60;

/// The days of a period.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// One after the other.
    pub days: Vec<Day>,
    /// Length of a slot in minutes.
    pub slot_minutes: u32,
}

/// A local day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub date: Date,
    /// When it starts.
    pub start: UtcMillis,
    /// How many slots it has.
    pub slots: usize,
    slot_minutes: usize,
    /// For each slot the minute of the day that clocks on the wall show when it starts.
    wall: Vec<u16>,
}

/// A day can't be divided into slots.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} does not begin and end with a slot in this time zone, or there is no such day: write a smaller slot_minutes, \
     such as 15, or other days"
)]
pub struct BadDay(pub Date);

impl Calendar {
    /// The days of a time zone from this one on.
    ///
    /// # Errors
    /// [`BadDay`]: clocks that go back by half an hour, and slots of an hour.
    pub fn new(first: Date, days: u32, slot_minutes: u32, zone: &TimeZone) -> Result<Self, BadDay> {
        let days = (0..i64::from(days)).map(|number| {
            let date = first.checked_add(number.days()).map_err(|_beyond| BadDay(first))?;
            Day::new(date, slot_minutes, zone)
        });
        Ok(Self { days: days.collect::<Result<_, _>>()?, slot_minutes })
    }

    /// When the period starts.
    #[must_use]
    pub fn start(&self) -> UtcMillis {
        self.days.first().map_or(UtcMillis(0), |day| day.start)
    }

    /// When the period ends.
    #[must_use]
    pub fn end(&self) -> UtcMillis {
        self.days.last().map_or(UtcMillis(0), |day| self.instant(day, day.slots))
    }

    /// How many slots there are.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.days.iter().map(|day| day.slots).sum()
    }

    /// When a slot of a day starts, counted from 0; its number of slots gives the day's end.
    #[must_use]
    pub fn instant(&self, day: &Day, slot: usize) -> UtcMillis {
        UtcMillis(day.start.0 + slot as u64 * u64::from(self.slot_minutes) * MINUTE_MS)
    }

    /// A slot of a day, counted from 0, as the protocol names it.
    #[must_use]
    pub fn slot(&self, day: &Day, slot: usize) -> Slot {
        Slot(self.instant(day, slot))
    }
}

impl Day {
    fn new(date: Date, slot_minutes: u32, zone: &TimeZone) -> Result<Self, BadDay> {
        let start = midnight(date, zone).ok_or(BadDay(date))?;
        let end = date.tomorrow().ok().and_then(|next| midnight(next, zone)).ok_or(BadDay(date))?;
        let slot_ms = u64::from(slot_minutes) * MINUTE_MS;
        let length = end.0 - start.0;
        // Slots are named by UTC: who is half an hour off has no slots of an hour.
        if length == 0 || !length.is_multiple_of(slot_ms) || !start.0.is_multiple_of(slot_ms) {
            return Err(BadDay(date));
        }
        let slots = usize::try_from(length / slot_ms).expect("a day has few slots");
        let wall = (0..slots as u64).map(|slot| wall_minute(start.0 + slot * slot_ms, zone)).collect();
        let slot_minutes = usize::try_from(slot_minutes).expect("an hour at the most");
        Ok(Self { date, start, slots, slot_minutes, wall })
    }

    /// The hour that clocks on the wall show when a slot starts.
    #[must_use]
    pub fn hour(&self, slot: usize) -> usize {
        usize::from(self.wall[slot] / 60)
    }

    /// What clocks on the wall show when a slot starts, in minutes since midnight.
    #[must_use]
    pub fn wall_minute(&self, slot: usize) -> u32 {
        u32::from(self.wall[slot])
    }

    /// Minutes from the day's start until clocks on the wall first show this minute of the day.
    #[must_use]
    pub fn elapsed(&self, minute: usize) -> usize {
        let minutes = self.minutes();
        if minutes == DAY_MINUTES {
            return minute.min(minutes);
        }
        let slot_minutes = self.slot_minutes;
        let Some(after) = self.wall.iter().position(|wall| usize::from(*wall) > minute) else {
            // After the last slot has begun.
            let last = self.wall.last().map_or(0, |wall| usize::from(*wall));
            return (minutes - slot_minutes + minute.saturating_sub(last)).min(minutes);
        };
        let before = after.saturating_sub(1);
        let within = minute.saturating_sub(usize::from(self.wall[before])).min(slot_minutes);
        before * slot_minutes + within
    }

    /// How long it is.
    #[must_use]
    pub fn minutes(&self) -> usize {
        self.slots * self.slot_minutes
    }
}

/// When a local day starts.
pub(super) fn midnight(date: Date, zone: &TimeZone) -> Option<UtcMillis> {
    let start = date.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
    u64::try_from(start.timestamp().as_millisecond()).ok().map(UtcMillis)
}

fn wall_minute(millis: u64, zone: &TimeZone) -> u16 {
    let timestamp = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let wall = timestamp.expect("the rules keep periods near our time").to_zoned(zone.clone());
    let minutes = i32::from(wall.hour()) * 60 + i32::from(wall.minute());
    u16::try_from(minutes).expect("a day has 1440 minutes")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Zone, day, slot length, slots, hours of the wall at which slots 8 and 12 start, elapsed minutes at 3:30.
    const DAYS: [(&str, &str, u32, usize, [usize; 2], usize); 6] = [
        ("Europe/Berlin", "2016-03-27", 15, 92, [3, 4], 150),
        ("Europe/Berlin", "2016-10-30", 15, 100, [2, 2], 270),
        ("Europe/Berlin", "2016-06-08", 15, 96, [2, 3], 210),
        ("Europe/Berlin", "2016-03-27", 60, 23, [9, 13], 150),
        ("UTC", "2016-03-27", 15, 96, [2, 3], 210),
        ("Australia/Lord_Howe", "2016-04-03", 30, 49, [3, 5], 240),
    ];

    #[test]
    fn days_have_the_slots_that_clocks_leave_them() {
        for (zone, date, minutes, slots, hours, elapsed) in DAYS {
            let zone = TimeZone::get(zone).unwrap();
            let calendar = Calendar::new(date.parse().unwrap(), 1, minutes, &zone).unwrap();
            let day = &calendar.days[0];
            assert_eq!((day.slots, calendar.slots()), (slots, slots), "{date}");
            assert_eq!([day.hour(8), day.hour(12)], hours, "{date}");
            assert_eq!(day.elapsed(210), elapsed, "{date} {minutes}");
        }
    }

    #[test]
    fn days_follow_each_other_without_gaps() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let calendar = Calendar::new("2016-01-01".parse().unwrap(), 366, 15, &zone).unwrap();
        assert_eq!(calendar.slots(), 35_136);
        assert_eq!(calendar.end().since(calendar.start()).as_secs(), 366 * 86_400);
        for pair in calendar.days.windows(2) {
            assert_eq!(calendar.instant(&pair[0], pair[0].slots), pair[1].start);
        }
    }

    #[test]
    fn half_an_hour_is_no_slot_of_an_hour() {
        let zone = TimeZone::get("Australia/Lord_Howe").unwrap();
        let date = "2016-04-03".parse().unwrap();
        assert_eq!(Calendar::new(date, 1, 60, &zone).unwrap_err(), BadDay(date));
    }
}
