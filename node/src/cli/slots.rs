//! Slots as people say them: `14:15`, `tomorrow 13:00-15:00`, `sunday`, in their own time zone.
//!
//! A pure parser: the clock, the time zone and the community's slots come in. It guesses nothing about a clock change:
//! a time that does not exist or exists twice is refused with what to write instead.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, Zoned};
use wattswap_matching::{Slot, UtcMillis};

/// Slots that one phrase may name: two days of quarter-hours, and a little more. Without it, a day of a time-lapse
/// with ten-second slots would be thousands of orders.
pub const MAX_SLOTS: usize = 200;

/// What is said when a phrase makes no sense.
pub const HELP: &str = "say for example: 14:15, tomorrow 13:00-15:00, sunday, 2026-06-01 09:00-12:00, now, next, \
                        2026-06-01T09:00Z";

/// What a phrase is read against.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The time now, in the time zone of whoever speaks.
    pub now: Zoned,
    /// The community's slot length.
    pub slot_length: Duration,
    /// Gate closure in milliseconds after a slot ends. Slots whose gate has closed are left out; with `None` they are
    /// named like any other.
    pub gate_millis: Option<i64>,
}

/// Why a phrase names no slots.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhraseError {
    /// Not a phrase at all.
    #[error("`{0}` is not a slot: {HELP}")]
    NotUnderstood(String),
    /// The clock is put forward over this time.
    #[error("{time} does not exist on {date} in {zone}: the clock is put forward then")]
    DoesNotExist {
        /// What was said.
        time: Time,
        /// On which day.
        date: Date,
        /// Where.
        zone: String,
    },
    /// The clock is put back over this time.
    #[error("{zone} puts the clock back, so this time comes twice: write {first} or {second}")]
    ComesTwice {
        /// Where.
        zone: String,
        /// The earlier one.
        first: String,
        /// The later one.
        second: String,
    },
    /// Between two slots.
    #[error("no slot starts or ends at {at}: a slot is {} long, the nearest start at {before} and {after}", humane(*.length))]
    BetweenSlots {
        /// What was said.
        at: String,
        /// The community's slot length.
        length: Duration,
        /// The slot before.
        before: String,
        /// The slot after.
        after: String,
    },
    /// The end is not after the start.
    #[error("`{0}` ends before it starts")]
    Backwards(String),
    /// More than a command should do.
    #[error("`{phrase}` is {slots} slots, a command takes {MAX_SLOTS} at most: name a shorter time")]
    TooMany {
        /// What was said.
        phrase: String,
        /// How many slots that is.
        slots: u64,
    },
    /// All of them are closed.
    #[error("`{0}` can't be traded any more: the gate of its last slot has closed")]
    Closed(String),
    /// Outside of the calendar.
    #[error("`{0}` is too far away")]
    TooFar(String),
}

/// The slots that `phrase` names, earliest first; at least one.
///
/// Without a day it is the first day on which any of it can still be traded.
///
/// # Errors
/// [`PhraseError`].
pub fn parse(phrase: &str, calendar: &Calendar) -> Result<Vec<Slot>, PhraseError> {
    let words: Vec<String> = phrase.split_whitespace().map(str::to_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = Said { phrase, calendar };
    match words[..] {
        ["now"] => said.slot_from_now(0),
        ["next"] => said.slot_from_now(1),
        [instant] if instant.contains('t') && instant.starts_with(|first: char| first.is_ascii_digit()) => {
            said.instants(instant)
        }
        [word] => match said.day(word) {
            Some(date) => said.whole_day(date),
            None => said.on_the_first_open_day(word),
        },
        [day, times] => {
            let date = said.day(day).ok_or_else(|| said.not_understood())?;
            said.open(said.on(date, times)?)
        }
        _ => Err(said.not_understood()),
    }
}

/// An interval in UTC: a slot boundary each, the end left out.
type Interval = (UtcMillis, UtcMillis);

/// A phrase in its context.
struct Said<'a> {
    phrase: &'a str,
    calendar: &'a Calendar,
}

impl Said<'_> {
    fn slot_from_now(&self, ahead: u64) -> Result<Vec<Slot>, PhraseError> {
        let now = self.millis(self.calendar.now.timestamp())?.0;
        let length = self.slot_millis();
        let start = UtcMillis(now - now % length + ahead * length);
        self.open((start, start.after(self.calendar.slot_length)))
    }

    /// `2026-06-01T09:00Z`, or two of them with a `/` between.
    fn instants(&self, text: &str) -> Result<Vec<Slot>, PhraseError> {
        let instant = |text: &str| {
            let at: Timestamp = text.to_uppercase().parse().map_err(|_| self.not_understood())?;
            self.boundary(&at.to_zoned(self.zone().clone()))
        };
        match text.split_once('/') {
            Some((start, end)) => self.open((instant(start)?, instant(end)?)),
            None => {
                let start = instant(text)?;
                self.open((start, start.after(self.calendar.slot_length)))
            }
        }
    }

    fn whole_day(&self, date: Date) -> Result<Vec<Slot>, PhraseError> {
        let midnight = |date: Date| {
            let start = date.to_zoned(self.zone().clone()).map_err(|_| self.too_far())?;
            self.boundary(&start)
        };
        self.open((midnight(date)?, midnight(self.following(date)?)?))
    }

    fn on_the_first_open_day(&self, times: &str) -> Result<Vec<Slot>, PhraseError> {
        let today = self.calendar.now.date();
        let first = if self.calendar.gate_millis.is_some() { self.before(today)? } else { today };
        let mut date = first;
        loop {
            match self.on(date, times).and_then(|interval| self.open(interval)) {
                // On a day that is only a guess, an hour that the clock skips or repeats is no reason to complain.
                Err(PhraseError::Closed(_) | PhraseError::DoesNotExist { .. } | PhraseError::ComesTwice { .. })
                    if date < today =>
                {
                    date = self.following(date)?;
                }
                Err(PhraseError::Closed(_)) if date == today => date = self.following(date)?,
                result => return result,
            }
        }
    }

    /// `times` on a certain day.
    fn on(&self, date: Date, times: &str) -> Result<Interval, PhraseError> {
        let Some((from, to)) = times.split_once(['-', '–']) else {
            let start = self.boundary(&self.local(date, self.time(times)?)?)?;
            return Ok((start, start.after(self.calendar.slot_length)));
        };
        let from = self.time(from)?;
        let (end_date, to) = match to {
            "24:00" => (self.following(date)?, Time::midnight()),
            to => {
                let to = self.time(to)?;
                (if to <= from { self.following(date)? } else { date }, to)
            }
        };
        Ok((self.boundary(&self.local(date, from)?)?, self.boundary(&self.local(end_date, to)?)?))
    }

    /// The day that a word names, if it names one.
    fn day(&self, word: &str) -> Option<Date> {
        let today = self.calendar.now.date();
        match word {
            "today" => Some(today),
            "tomorrow" => today.tomorrow().ok(),
            "yesterday" => today.yesterday().ok(),
            _ => match weekday(word) {
                Some(weekday) if weekday == today.weekday() => Some(today),
                Some(weekday) => today.nth_weekday(1, weekday).ok(),
                None => word.parse().ok(),
            },
        }
    }

    fn time(&self, text: &str) -> Result<Time, PhraseError> {
        let looks_like_one = text.contains(':') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        let padded = if text.find(':') == Some(1) { format!("0{text}") } else { text.to_owned() };
        padded.parse().ok().filter(|_| looks_like_one).ok_or_else(|| self.not_understood())
    }

    fn local(&self, date: Date, time: Time) -> Result<Zoned, PhraseError> {
        let said = date.to_datetime(time);
        let ambiguous = self.zone().to_ambiguous_zoned(said);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => ambiguous.unambiguous().map_err(|_| self.too_far()),
            AmbiguousOffset::Gap { .. } => Err(PhraseError::DoesNotExist { time, date, zone: self.zone_name() }),
            AmbiguousOffset::Fold { before, after } => Err(PhraseError::ComesTwice {
                zone: self.zone_name(),
                first: format!("{}{before}", to_the_minute(said)),
                second: format!("{}{after}", to_the_minute(said)),
            }),
        }
    }

    fn boundary(&self, at: &Zoned) -> Result<UtcMillis, PhraseError> {
        let millis = self.millis(at.timestamp())?;
        let length = self.slot_millis();
        let since_start = millis.0 % length;
        if since_start == 0 {
            return Ok(millis);
        }
        let clock = |at: UtcMillis| {
            let millis = i64::try_from(at.0).map_err(|_| self.too_far())?;
            let at = Timestamp::from_millisecond(millis).map_err(|_| self.too_far())?;
            Ok(at.to_zoned(self.zone().clone()).time().to_string())
        };
        let before = UtcMillis(millis.0 - since_start);
        Err(PhraseError::BetweenSlots {
            at: clock(millis)?,
            length: self.calendar.slot_length,
            before: clock(before)?,
            after: clock(before.after(self.calendar.slot_length))?,
        })
    }

    /// The slots of an interval that can still be traded.
    fn open(&self, (start, end): Interval) -> Result<Vec<Slot>, PhraseError> {
        if end <= start {
            return Err(PhraseError::Backwards(self.phrase.to_owned()));
        }
        let length = self.slot_millis();
        let now = self.millis(self.calendar.now.timestamp())?;
        let first = match self.calendar.gate_millis {
            None => start,
            // The gate of a slot closes at its start + length + gate: the first open one starts after `closed`.
            Some(gate) => {
                let closed = i128::from(now.0) - i128::from(length) - i128::from(gate);
                let slots = (closed - i128::from(start.0)).div_euclid(i128::from(length)) + 1;
                UtcMillis(
                    start.0.saturating_add(u64::try_from(slots.max(0)).unwrap_or(u64::MAX).saturating_mul(length)),
                )
            }
        };
        if first >= end {
            return Err(PhraseError::Closed(self.phrase.to_owned()));
        }
        let slots = (end.0 - first.0) / length;
        if slots > MAX_SLOTS as u64 {
            return Err(PhraseError::TooMany { phrase: self.phrase.to_owned(), slots });
        }
        Ok((0..slots).map(|index| Slot(UtcMillis(first.0 + index * length))).collect())
    }

    fn millis(&self, at: Timestamp) -> Result<UtcMillis, PhraseError> {
        u64::try_from(at.as_millisecond()).map(UtcMillis).map_err(|_| self.too_far())
    }

    fn slot_millis(&self) -> u64 {
        u64::try_from(self.calendar.slot_length.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    fn following(&self, date: Date) -> Result<Date, PhraseError> {
        date.tomorrow().map_err(|_| self.too_far())
    }

    fn before(&self, date: Date) -> Result<Date, PhraseError> {
        date.yesterday().map_err(|_| self.too_far())
    }

    fn zone(&self) -> &TimeZone {
        self.calendar.now.time_zone()
    }

    fn zone_name(&self) -> String {
        self.zone().iana_name().unwrap_or("this time zone").to_owned()
    }

    fn not_understood(&self) -> PhraseError {
        PhraseError::NotUnderstood(self.phrase.to_owned())
    }

    fn too_far(&self) -> PhraseError {
        PhraseError::TooFar(self.phrase.to_owned())
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let index = names.iter().position(|name| *name == word || &name[..3] == word)?;
    Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()
}

fn to_the_minute(at: DateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

/// A length of time as people write it.
fn humane(length: Duration) -> String {
    match (length.as_secs(), length.subsec_millis()) {
        (seconds, 0) if seconds % 60 == 0 => format!("{} min", seconds / 60),
        (seconds, 0) => format!("{seconds} s"),
        _ => format!("{} ms", length.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER_HOUR: Duration = Duration::from_secs(15 * 60);
    const HOUR_MILLIS: i64 = 60 * 60 * 1000;

    fn calendar(now: &str, slot_length: Duration, gate_millis: Option<i64>) -> Calendar {
        Calendar { now: now.parse().expect("a zoned time in a test"), slot_length, gate_millis }
    }

    fn utc(slot: Slot) -> String {
        Timestamp::from_millisecond(i64::try_from(slot.start().0).unwrap()).unwrap().to_string()
    }

    /// A Wednesday in June, 14:40 in Berlin, the gate an hour after delivery.
    const WEDNESDAY: &str = "2026-06-10T14:40:00+02:00[Europe/Berlin]";
    /// The days before the clock is put forward and back.
    const BEFORE_SPRING: &str = "2026-03-28T12:00:00+01:00[Europe/Berlin]";
    const BEFORE_AUTUMN: &str = "2026-10-24T12:00:00+02:00[Europe/Berlin]";

    #[test]
    fn phrases_name_slots() {
        let cases = [
            // What is said, the first slot in UTC, how many.
            (WEDNESDAY, "14:45", "2026-06-10T12:45:00Z", 1),
            (WEDNESDAY, "today 14:45", "2026-06-10T12:45:00Z", 1),
            (WEDNESDAY, "  Tomorrow   9:00 ", "2026-06-11T07:00:00Z", 1),
            (WEDNESDAY, "tomorrow 13:00-15:00", "2026-06-11T11:00:00Z", 8),
            (WEDNESDAY, "tomorrow 13:00–15:00", "2026-06-11T11:00:00Z", 8),
            (WEDNESDAY, "now", "2026-06-10T12:30:00Z", 1),
            (WEDNESDAY, "next", "2026-06-10T12:45:00Z", 1),
            // The gate closes an hour after delivery: 13:30 closes at 14:45, 13:15 did at 14:30.
            (WEDNESDAY, "13:30", "2026-06-10T11:30:00Z", 1),
            (WEDNESDAY, "13:15", "2026-06-11T11:15:00Z", 1),
            // What is closed of a range is left out, and a range that is closed is tomorrow's.
            (WEDNESDAY, "13:00-15:00", "2026-06-10T11:30:00Z", 6),
            (WEDNESDAY, "today 13:00-15:00", "2026-06-10T11:30:00Z", 6),
            (WEDNESDAY, "09:00-10:00", "2026-06-11T07:00:00Z", 4),
            (WEDNESDAY, "today", "2026-06-10T11:30:00Z", 42),
            (WEDNESDAY, "tomorrow", "2026-06-10T22:00:00Z", 96),
            (WEDNESDAY, "23:00-01:00", "2026-06-10T21:00:00Z", 8),
            (WEDNESDAY, "20:00-24:00", "2026-06-10T18:00:00Z", 16),
            (WEDNESDAY, "fri 10:00", "2026-06-12T08:00:00Z", 1),
            (WEDNESDAY, "wednesday 18:00", "2026-06-10T16:00:00Z", 1),
            (WEDNESDAY, "tuesday 18:00", "2026-06-16T16:00:00Z", 1),
            (WEDNESDAY, "2026-06-12 10:00-10:30", "2026-06-12T08:00:00Z", 2),
            (WEDNESDAY, "2026-06-12", "2026-06-11T22:00:00Z", 96),
            (WEDNESDAY, "2026-06-12T10:00Z", "2026-06-12T10:00:00Z", 1),
            (WEDNESDAY, "2026-06-12T10:00:00+02:00", "2026-06-12T08:00:00Z", 1),
            (WEDNESDAY, "2026-06-12T10:00Z/2026-06-12T12:00Z", "2026-06-12T10:00:00Z", 8),
            // Just after midnight, what was said about the evening before can still be traded.
            ("2026-06-11T00:10:00+02:00[Europe/Berlin]", "23:30", "2026-06-10T21:30:00Z", 1),
            ("2026-06-11T00:10:00+02:00[Europe/Berlin]", "22:30", "2026-06-11T20:30:00Z", 1),
            // Days on which the clock changes have 92 and 100 quarter-hours.
            (BEFORE_SPRING, "tomorrow", "2026-03-28T23:00:00Z", 92),
            (BEFORE_SPRING, "tomorrow 01:00-04:00", "2026-03-29T00:00:00Z", 8),
            (BEFORE_SPRING, "sun 03:00", "2026-03-29T01:00:00Z", 1),
            (BEFORE_AUTUMN, "tomorrow", "2026-10-24T22:00:00Z", 100),
            (BEFORE_AUTUMN, "tomorrow 01:00-04:00", "2026-10-24T23:00:00Z", 16),
            (BEFORE_AUTUMN, "2026-10-25T02:30+02:00", "2026-10-25T00:30:00Z", 1),
            (BEFORE_AUTUMN, "2026-10-25T02:30+01", "2026-10-25T01:30:00Z", 1),
            // Half-hour and three-quarter-hour zones still meet quarter-hours in UTC.
            ("2026-06-10T12:00:00+05:45[Asia/Kathmandu]", "12:15", "2026-06-10T06:30:00Z", 1),
        ];
        for (now, phrase, first, count) in cases {
            let slots = parse(phrase, &calendar(now, QUARTER_HOUR, Some(HOUR_MILLIS)));
            let slots = slots.unwrap_or_else(|error| panic!("{phrase:?} at {now}: {error}"));
            assert_eq!((utc(slots[0]).as_str(), slots.len()), (first, count), "{phrase:?} at {now}");
            assert!(slots.windows(2).all(|pair| pair[1].start() == pair[0].start().after(QUARTER_HOUR)));
        }
    }

    #[test]
    fn where_gates_do_not_matter_the_past_is_named_like_the_future() {
        for (phrase, first, count) in [
            ("09:00", "2026-06-10T07:00:00Z", 1),
            ("yesterday", "2026-06-08T22:00:00Z", 96),
            ("today 13:00-15:00", "2026-06-10T11:00:00Z", 8),
        ] {
            let slots = parse(phrase, &calendar(WEDNESDAY, QUARTER_HOUR, None)).unwrap();
            assert_eq!((utc(slots[0]).as_str(), slots.len()), (first, count), "{phrase:?}");
        }
    }

    #[test]
    fn a_gate_may_close_before_delivery() {
        let calendar = calendar(WEDNESDAY, QUARTER_HOUR, Some(-HOUR_MILLIS));
        // 15:30 closes at 14:45, 15:15 did at 14:30.
        assert_eq!(utc(parse("15:30", &calendar).unwrap()[0]), "2026-06-10T13:30:00Z");
        assert_eq!(utc(parse("15:15", &calendar).unwrap()[0]), "2026-06-11T13:15:00Z");
    }

    #[test]
    fn a_time_lapse_has_slots_of_seconds() {
        let calendar = calendar(WEDNESDAY, Duration::from_secs(10), Some(0));
        assert_eq!(utc(parse("14:40:20", &calendar).unwrap()[0]), "2026-06-10T12:40:20Z");
        assert_eq!(parse("14:41-14:42", &calendar).unwrap().len(), 6);
        assert!(matches!(parse("14:40:25", &calendar), Err(PhraseError::BetweenSlots { .. })));
        assert!(matches!(parse("tomorrow", &calendar), Err(PhraseError::TooMany { slots: 8640, .. })));
    }

    #[test]
    fn what_names_no_slot_says_why() {
        let cases = [
            (WEDNESDAY, "", "is not a slot"),
            (WEDNESDAY, "soon", "is not a slot"),
            (WEDNESDAY, "25:00", "is not a slot"),
            (WEDNESDAY, "14", "is not a slot"),
            (WEDNESDAY, "1415", "is not a slot"),
            (WEDNESDAY, "14:15-", "is not a slot"),
            (WEDNESDAY, "tomorrow 14:15 please", "is not a slot"),
            (WEDNESDAY, "never 14:15", "is not a slot"),
            (WEDNESDAY, "2026-13-01", "is not a slot"),
            (WEDNESDAY, "2026-06-12T25:00Z", "is not a slot"),
            (WEDNESDAY, "14:10", "the nearest start at 14:00:00 and 14:15:00"),
            (WEDNESDAY, "14:00-14:20", "the nearest start at 14:15:00 and 14:30:00"),
            (WEDNESDAY, "today 09:00", "gate of its last slot has closed"),
            (WEDNESDAY, "yesterday", "gate of its last slot has closed"),
            (WEDNESDAY, "2026-06-12T10:00Z/2026-06-12T09:00Z", "ends before it starts"),
            (WEDNESDAY, "2026-06-12T10:00Z/2026-06-15T10:00Z", "288 slots"),
            (BEFORE_SPRING, "tomorrow 02:30", "02:30:00 does not exist on 2026-03-29 in Europe/Berlin"),
            (BEFORE_AUTUMN, "tomorrow 02:30", "write 2026-10-25T02:30+02 or 2026-10-25T02:30+01"),
            (BEFORE_AUTUMN, "tomorrow 02:00-04:00", "comes twice"),
            (WEDNESDAY, "1960-01-01", "too far away"),
        ];
        for (now, phrase, expected) in cases {
            let error = parse(phrase, &calendar(now, QUARTER_HOUR, Some(HOUR_MILLIS))).unwrap_err().to_string();
            assert!(error.contains(expected), "{phrase:?} at {now}: {error}");
        }
    }
}
