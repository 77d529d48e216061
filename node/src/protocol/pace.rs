//! How fast a log may grow. By its own times, so that all nodes agree on which entry is one too many: who lives next door
//! to somebody that writes without end holds no more of it than this, and no less than its neighbours.

use wattswap_matching::UtcMillis;

use super::limits::{LEAVE_BYTES_PER_HOUR, LEAVE_ENTRIES_PER_HOUR, MAX_BYTES_PER_HOUR, MAX_ENTRIES_PER_HOUR};

const HOUR_MILLIS: u64 = 3_600_000;

/// What a log has grown by in the hour of its last entry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Since 1970.
    hour: u64,
    entries: usize,
    bytes: usize,
}

impl Pace {
    /// Whether one more entry of this length is within what a log may grow by in its hour.
    #[must_use]
    pub fn has_room(&self, at: UtcMillis, bytes: usize) -> bool {
        let Self { entries, bytes: before, .. } = self.in_hour_of(at);
        entries < MAX_ENTRIES_PER_HOUR && before + bytes <= MAX_BYTES_PER_HOUR
    }

    /// The log has grown by an entry.
    pub fn grow(&mut self, at: UtcMillis, bytes: usize) {
        *self = self.in_hour_of(at);
        self.entries += 1;
        self.bytes += bytes;
    }

    /// When whoever writes the log can go on, if another turn might be one too many.
    #[must_use]
    pub fn waits_until(&self, at: UtcMillis) -> Option<UtcMillis> {
        let Self { hour, entries, bytes } = self.in_hour_of(at);
        let is_used_up = entries + LEAVE_ENTRIES_PER_HOUR > MAX_ENTRIES_PER_HOUR
            || bytes + LEAVE_BYTES_PER_HOUR > MAX_BYTES_PER_HOUR;
        is_used_up.then_some(UtcMillis((hour + 1) * HOUR_MILLIS))
    }

    fn in_hour_of(&self, at: UtcMillis) -> Self {
        let hour = at.0 / HOUR_MILLIS;
        if hour == self.hour { *self } else { Self { hour, ..Self::default() } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UtcMillis = UtcMillis(500_000 * HOUR_MILLIS);

    #[test]
    fn a_log_grows_by_so_much_an_hour_and_its_author_stops_before() {
        let next_hour = UtcMillis(START.0 + HOUR_MILLIS);
        let last_moment = UtcMillis(next_hour.0 - 1);
        // (bytes of an entry, entries until its author waits, entries that others take)
        let cases = [
            (100, MAX_ENTRIES_PER_HOUR - LEAVE_ENTRIES_PER_HOUR + 1, MAX_ENTRIES_PER_HOUR),
            (65_536, (MAX_BYTES_PER_HOUR - LEAVE_BYTES_PER_HOUR) / 65_536 + 1, MAX_BYTES_PER_HOUR / 65_536),
        ];
        for (bytes, own, others) in cases {
            let mut pace = Pace::default();
            let (mut written, mut taken) = (0, 0);
            while pace.has_room(last_moment, bytes) {
                written += usize::from(pace.waits_until(last_moment).is_none());
                taken += 1;
                pace.grow(START, bytes);
            }
            assert_eq!((written, taken), (own, others), "{bytes} bytes each");
            assert_eq!(pace.waits_until(START), Some(next_hour));
            assert!(pace.has_room(next_hour, bytes) && pace.waits_until(next_hour).is_none());
        }
    }
}
