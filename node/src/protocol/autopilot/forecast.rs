//! What net energy a home can rely on in a slot to come, from nothing but what its meters counted.
//!
//! The evidence for a slot is the net energy at the same time of each of the last three days and, if the slot starts
//! within two hours of the newest counted one, of the newest four slots up to that; of all these, what is known
//! exactly. If all of it points the same way, the home relies on **the least of it**; if it does not, on zero: neither
//! a kettle that boils nor a gap in the clouds will go on, and what is sold but not there must be bought back. There is
//! no forecast without evidence, nor without a slot counted in the last two hours: a home whose meter is silent does
//! not trade on a guess. A forecast of the mean would trade more, and lose more than that on its errors.
//!
//! In a time-lapse a day is the time on the clock in which a day is delivered, and two hours are eight slots.

use std::time::Duration;

use wattswap_matching::{Slot, UtcMillis, WattHours};

use super::super::charter::Shape;
use super::super::metering::{Measured, Metering, Quality};

/// Days whose same slot is evidence: one odd day is found out, and a change of the weather soon forgotten. What was
/// counted before them is not asked for.
pub const FORECAST_DAYS: u32 = 3;
/// Newest slots that are evidence: longer than a kettle, a washing machine or a cloud.
const RECENT: u32 = 4;
/// Slots for which the newest ones are evidence, and after which they are too old to trade on: two hours.
const MEMORY: u32 = 8;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Whoever knows what a household's meters counted: the meters themselves, or a simulation that has asked them before.
pub trait Counts {
    /// What they say of a slot.
    fn counted(&self, slot: Slot, shape: &Shape) -> Count;
}

/// What the meters say of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Its net energy.
    Exact(WattHours),
    /// Readings are missing around it; the net energy is not to be relied on.
    Estimated,
    /// The readings don't reach that far.
    NotYet,
}

impl Count {
    fn exact(self) -> Option<WattHours> {
        if let Self::Exact(net) = self { Some(net) } else { None }
    }
}

impl Counts for &Metering {
    fn counted(&self, slot: Slot, shape: &Shape) -> Count {
        self.energy(slot.start(), shape.next(slot).start()).into()
    }
}

impl From<Option<Measured>> for Count {
    fn from(measured: Option<Measured>) -> Self {
        match measured {
            Some(measured) if measured.quality == Quality::Exact => Self::Exact(measured.net()),
            Some(_) => Self::Estimated,
            None => Self::NotYet,
        }
    }
}

/// What a household can rely on at one instant.
pub(super) struct Forecast<'a, C> {
    shape: &'a Shape,
    counts: C,
    /// The newest slot that was counted exactly.
    newest: Option<Slot>,
    /// What it and those before it have in common.
    recent: Option<WattHours>,
}

impl<'a, C: Counts> Forecast<'a, C> {
    pub(super) fn new(now: UtcMillis, shape: &'a Shape, counts: C) -> Self {
        let mut forecast = Self { shape, counts, newest: None, recent: None };
        let current = shape.slot_at(now);
        let earlier = (1..=MEMORY).filter_map(|back| forecast.earlier(current, shape.slot_length * back));
        let newest = earlier.filter_map(|slot| Some((slot, forecast.counted(slot).exact()?))).next();
        if let Some((newest, net)) = newest {
            let before = (1..RECENT).map(|back| (newest, shape.slot_length * back));
            let recent = forecast.evidence(before).fold(net, agreed);
            (forecast.newest, forecast.recent) = (Some(newest), Some(recent));
        }
        forecast
    }

    /// The net energy to rely on; negative is surplus. What the meters have passed over is not guessed.
    pub(super) fn net(&self, slot: Slot, habit: impl FnOnce() -> Option<WattHours>) -> Option<WattHours> {
        let newest = self.newest.filter(|newest| *newest < slot)?;
        let is_soon = slot.start().since(newest.start()) <= self.shape.slot_length * MEMORY;
        let recent = self.recent.filter(|_| is_soon);
        recent.into_iter().chain(habit()).reduce(agreed)
    }

    /// What the same slot of each of the last days has in common.
    pub(super) fn habit(&self, slot: Slot) -> Option<WattHours> {
        let days = (1..=FORECAST_DAYS).map(|days| (slot, self.day() * days));
        self.evidence(days).reduce(agreed)
    }

    /// What was counted exactly of slots that lie so long before these.
    fn evidence(&self, of: impl Iterator<Item = (Slot, Duration)>) -> impl Iterator<Item = WattHours> {
        of.filter_map(|(from, back)| self.counted(self.earlier(from, back)?).exact())
    }

    /// What the meters counted in a slot.
    pub(super) fn counted(&self, slot: Slot) -> Count {
        self.counts.counted(slot, self.shape)
    }

    /// The time on the clock in which a day is delivered.
    fn day(&self) -> Duration {
        let slots = (DAY.as_millis() / self.shape.delivery_time.as_millis().max(1)).max(1);
        self.shape.slot_length * u32::try_from(slots).unwrap_or(u32::MAX)
    }

    fn earlier(&self, slot: Slot, by: Duration) -> Option<Slot> {
        let by = u64::try_from(by.as_millis()).ok()?;
        slot.start().0.checked_sub(by).map(|start| Slot(UtcMillis(start)))
    }
}

/// What two nets have in common. In which order more of them are compared does not matter.
fn agreed(one: WattHours, other: WattHours) -> WattHours {
    let zero = WattHours::ZERO;
    if one > zero { one.min(other).max(zero) } else { one.max(other).min(zero) }
}
