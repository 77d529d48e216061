//! Time stamps of tables as instants: with a zone, or in the local time of a named one.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// What to write where a stamp can't be read.
pub(super) const EXPECTED: &str = "a time such as 2016-06-08T00:15:00Z, 2016-06-08 00:15, 08.06.2016 00:15, or seconds \
                                   since 1970; local times must exist in the time zone";
/// How local times are written: besides ISO 8601, as in Germany.
const GERMAN: [&str; 2] = ["%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S"];

/// Reads stamps that go forward.
pub(super) struct Stamps {
    zone: TimeZone,
    last: Option<Timestamp>,
}

impl Stamps {
    /// Those without a zone are times of this one.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, last: None }
    }

    /// The instant of the next stamp; none if it can't be read. Where clocks go back, local times come twice: the first
    /// time is the earlier, and one that would not come after its predecessor the later.
    pub fn read(&mut self, text: &str) -> Option<Timestamp> {
        let instant = with_zone(text).or_else(|| self.local(local(text)?));
        self.last = instant.or(self.last);
        instant
    }

    fn local(&self, time: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(time);
        // An hour that clocks leave out is a mistake of the table, or of the zone that was named.
        if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
            return None;
        }
        let [earlier, later] = [ambiguous.earlier().ok()?, ambiguous.later().ok()?];
        Some(if self.last.is_some_and(|last| earlier <= last) { later } else { earlier })
    }
}

fn with_zone(text: &str) -> Option<Timestamp> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    text.parse().ok()
}

fn local(text: &str) -> Option<DateTime> {
    let german = || GERMAN.iter().find_map(|format| DateTime::strptime(format, text).ok());
    text.parse().ok().or_else(german)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_read_in_each_way_that_tables_write_them() {
        let cases = [
            ("2016-06-08T00:15:00Z", Some("2016-06-08T00:15:00Z")),
            ("2016-06-08 00:15:00+02:00", Some("2016-06-07T22:15:00Z")),
            ("2016-06-08 00:15", Some("2016-06-07T22:15:00Z")),
            ("08.06.2016 00:15", Some("2016-06-07T22:15:00Z")),
            ("1465337700", Some("2016-06-07T22:15:00Z")),
            ("27.03.2016 02:15", None),
            ("06/08/2016 00:15", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let read = Stamps::new(TimeZone::get("Europe/Berlin").unwrap()).read(text);
            assert_eq!(read.map(|instant| instant.to_string()), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_doubled_hour_is_read_as_two() {
        // Length of a step in seconds, and the clock's times. In steps of an hour, the same time comes twice in a row.
        let cases: [(i64, &[&str]); 2] = [
            (900, &["01:45", "02:00", "02:15", "02:30", "02:45", "02:00", "02:15", "02:30", "02:45", "03:00"]),
            (3_600, &["01:00", "02:00", "02:00", "03:00"]),
        ];
        for (step, times) in cases {
            let mut stamps = Stamps::new(TimeZone::get("Europe/Berlin").unwrap());
            let mut last = None;
            for time in times {
                let instant = stamps.read(&format!("30.10.2016 {time}")).unwrap().as_second();
                assert!(last.is_none_or(|last| instant == last + step), "{time}");
                last = Some(instant);
            }
        }
    }
}
