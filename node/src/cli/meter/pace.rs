//! From recorded time to the time at which a row is pushed: an instant that falls on another, and a ratio.

use std::time::Duration;

use wattswap_matching::UtcMillis;

/// `from` falls on `start`, and `recorded` of recorded time then takes `takes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// An instant of the recording.
    pub(super) from: UtcMillis,
    /// When it is pushed.
    pub(super) start: UtcMillis,
    /// A length of the recording; above zero.
    pub(super) recorded: Duration,
    /// How long that takes now.
    pub(super) takes: Duration,
}

impl Pace {
    /// When a row that was recorded at `at` is pushed, to the millisecond, towards `start` if it lies between two.
    /// None before 1970.
    pub(super) fn push_at(&self, at: UtcMillis) -> Option<UtcMillis> {
        let (recorded, takes) = (self.recorded.as_millis().max(1), self.takes.as_millis());
        let later = i128::from(at.0) - i128::from(self.from.0);
        let moved = later * i128::try_from(takes).ok()? / i128::try_from(recorded).ok()?;
        u64::try_from(i128::from(self.start.0) + moved).ok().map(UtcMillis)
    }
}

/// The first multiple of `length` that is not before `at`: where a slot of this length starts.
pub(super) fn boundary(at: UtcMillis, length: Duration) -> UtcMillis {
    let length = u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1);
    UtcMillis(at.0.div_ceil(length).saturating_mul(length))
}

/// The last multiple of `length` that is not after `at`.
pub(super) fn aligned(at: UtcMillis, length: Duration) -> UtcMillis {
    let length = u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1);
    UtcMillis(at.0 - at.0 % length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER_HOUR: Duration = Duration::from_secs(900);
    const SHORT: Duration = Duration::from_secs(10);

    #[test]
    fn a_quarter_hour_of_the_recording_is_a_short_slot_now() {
        let pace = Pace { from: UtcMillis(900_000), start: UtcMillis(5_000_000), recorded: QUARTER_HOUR, takes: SHORT };
        for (recorded, expected) in [
            (900_000, Some(5_000_000)),
            (1_800_000, Some(5_010_000)),
            (1_350_000, Some(5_005_000)),
            (900_089, Some(5_000_000)),
            (900_090, Some(5_000_001)),
            (0, Some(4_990_000)),
        ] {
            assert_eq!(pace.push_at(UtcMillis(recorded)), expected.map(UtcMillis), "{recorded}");
        }
        let early = Pace { start: UtcMillis(1), ..pace };
        assert_eq!(early.push_at(UtcMillis(0)), None, "before 1970");
    }

    #[test]
    fn boundaries_lie_ahead_and_alignment_behind() {
        for (at, ahead, behind) in [(0, 0, 0), (1, 10_000, 0), (9_999, 10_000, 0), (10_000, 10_000, 10_000)] {
            assert_eq!(boundary(UtcMillis(at), SHORT), UtcMillis(ahead));
            assert_eq!(aligned(UtcMillis(at), SHORT), UtcMillis(behind));
        }
    }
}
