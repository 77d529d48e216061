//! A battery as a store of energy: how much goes in and out of it in a slot, and what it holds then.
//!
//! All of a round trip's loss is taken when it is charged: of 100 Wh that go in, `round_trip_percent` are stored, and
//! what is stored comes out whole. It is held in hundredths of a watt-hour, so nothing is rounded, and nothing drifts.
//! What it should do is not decided here.

use std::time::Duration;

use wattswap_matching::WattHours;

use crate::homes::Battery;

/// A watt-hour, in what is held.
const WHOLE: i64 = 100;

/// A battery, from slot to slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Store {
    /// In hundredths of a watt-hour.
    capacity: i64,
    /// What it can charge or discharge in a slot.
    per_slot: WattHours,
    percent: i64,
    /// In hundredths of a watt-hour.
    stored: i64,
}

impl Store {
    /// An empty one.
    pub fn new(battery: &Battery, slot: Duration) -> Self {
        Self {
            capacity: battery.capacity.0.saturating_mul(WHOLE),
            per_slot: battery.power.over(slot),
            // What gives nothing back is no battery; with 1 at least, what it takes is bounded.
            percent: i64::from(battery.round_trip_percent.clamp(1, 100)),
            stored: 0,
        }
    }

    /// What it holds, rounded down: what it could give, were its power no limit.
    pub fn stored(&self) -> WattHours {
        WattHours(self.stored / WHOLE)
    }

    /// What it holds at most.
    pub fn capacity(&self) -> WattHours {
        WattHours(self.capacity / WHOLE)
    }

    /// What it can charge or discharge in a slot.
    pub fn per_slot(&self) -> WattHours {
        self.per_slot
    }

    /// Of 100 Wh that go in, so many come out.
    pub fn percent(&self) -> i64 {
        self.percent
    }

    /// Takes what is wanted, or gives it if it is negative, as far as power and what it holds allow; gives what went in
    /// and what came out.
    pub fn follow(&mut self, wanted: WattHours) -> [WattHours; 2] {
        let takes = WattHours((self.capacity - self.stored) / self.percent).min(self.per_slot);
        let gives = self.stored().min(self.per_slot);
        let charged = wanted.clamp(WattHours::ZERO, takes);
        let discharged = (-wanted).clamp(WattHours::ZERO, gives);
        self.stored += charged.0 * self.percent - discharged.0 * WHOLE;
        [charged, discharged]
    }
}

#[cfg(test)]
mod tests {
    use wattswap_matching::Watts;

    use super::*;

    const QUARTER: Duration = Duration::from_secs(15 * 60);

    /// 1 kWh, 500 Wh a slot, 90 %: what is wanted, what goes in, what comes out, what it holds.
    const SLOTS: [(i64, i64, i64, i64); 9] = [
        (-10, 0, 0, 0),
        (101, 101, 0, 90),
        // The 0.9 Wh of the slot before, and 0.9 more.
        (1, 1, 0, 91),
        (9_999, 500, 0, 541),
        // 458.2 Wh are free: 509 would go in.
        (9_999, 500, 0, 991),
        (9_999, 9, 0, 999),
        (0, 0, 0, 999),
        (-9_999, 0, 500, 499),
        (-9_999, 0, 499, 0),
    ];

    #[test]
    fn slots_by_hand() {
        let battery = Battery { capacity: WattHours(1_000), power: Watts(2_000), round_trip_percent: 90 };
        let mut store = Store::new(&battery, QUARTER);
        for (number, (wanted, charged, discharged, stored)) in SLOTS.into_iter().enumerate() {
            assert_eq!(store.follow(WattHours(wanted)), [WattHours(charged), WattHours(discharged)], "slot {number}");
            assert_eq!(store.stored(), WattHours(stored), "slot {number}");
        }
    }
}
