//! What a slot's net energy will probably be, from nothing but what the meters counted.
//!
//! Let *typical* of a slot be the mean of the net energies at the same time of the last seven days, of those that are
//! known exactly. Let *last* be the newest slot that is known exactly and ended at most eight slots ago; *surprise* is
//! how far it was from its own typical. Then the forecast of a slot that lies `n` slots after *last* is
//! - its typical, plus the surprise fading evenly to nothing at `n` = 8, if both typicals are known;
//! - its typical alone, if that of *last* is not known;
//! - the net energy of *last*, if its own typical is not known;
//! - nothing at all without a *last*: a household whose meter is silent does not trade on a guess.
//!
//! In a time-lapse a day is the time on the clock in which a day is delivered.

use std::time::Duration;

use wattswap_matching::{Slot, UtcMillis, WattHours};

use super::super::charter::Shape;
use super::super::metering::{Metering, Quality};

/// Days that a typical slot is averaged over: every day of the week once.
const DAYS: u32 = 7;
/// Slots over which a surprise fades, and after which an old reading says nothing any more: two hours.
const MEMORY: u32 = 8;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What the household can expect at one instant.
pub(super) struct Forecast<'a> {
    shape: &'a Shape,
    metering: &'a Metering,
    last: Option<Last>,
}

struct Last {
    slot: Slot,
    net: WattHours,
    surprise: WattHours,
}

/// What the meters say of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
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

impl<'a> Forecast<'a> {
    pub(super) fn new(now: UtcMillis, shape: &'a Shape, metering: &'a Metering) -> Self {
        let mut forecast = Self { shape, metering, last: None };
        let current = shape.slot_at(now);
        forecast.last = (1..=MEMORY).find_map(|back| {
            let slot = forecast.earlier(current, shape.slot_length * back)?;
            let net = forecast.counted(slot).exact()?;
            let surprise = forecast.typical(slot).map_or(WattHours::ZERO, |typical| net - typical);
            Some(Last { slot, net, surprise })
        });
        forecast
    }

    /// The expected net energy; negative is surplus. What the meters have passed over is not guessed.
    pub(super) fn net(&self, slot: Slot) -> Option<WattHours> {
        let last = self.last.as_ref().filter(|last| last.slot < slot)?;
        let Some(typical) = self.typical(slot) else { return Some(last.net) };
        let ahead = slot.start().since(last.slot.start()).as_millis() / self.shape.slot_length.as_millis().max(1);
        let left = i64::from(MEMORY).saturating_sub(i64::try_from(ahead).unwrap_or(i64::MAX)).max(0);
        Some(typical + WattHours(last.surprise.0.saturating_mul(left) / i64::from(MEMORY)))
    }

    /// What the meters counted in a slot.
    pub(super) fn counted(&self, slot: Slot) -> Count {
        match self.metering.energy(slot.start(), self.shape.next(slot).start()) {
            Some(measured) if measured.quality == Quality::Exact => Count::Exact(measured.net()),
            Some(_) => Count::Estimated,
            None => Count::NotYet,
        }
    }

    fn typical(&self, slot: Slot) -> Option<WattHours> {
        let slots_a_day = (DAY.as_millis() / self.shape.delivery_time.as_millis().max(1)).max(1);
        let day = self.shape.slot_length * u32::try_from(slots_a_day).unwrap_or(u32::MAX);
        let known = (1..=DAYS).filter_map(|days| self.counted(self.earlier(slot, day * days)?).exact());
        let (sum, count) = known.fold((WattHours::ZERO, 0), |(sum, count), net| (sum + net, count + 1));
        (count > 0).then(|| WattHours(sum.0 / count))
    }

    fn earlier(&self, slot: Slot, by: Duration) -> Option<Slot> {
        let by = u64::try_from(by.as_millis()).ok()?;
        slot.start().0.checked_sub(by).map(|start| Slot(UtcMillis(start)))
    }
}
