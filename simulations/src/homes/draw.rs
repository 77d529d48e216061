//! Randomness by purpose, home and day: what is drawn for one never depends on what was drawn for another.

use crate::network::random::Random;

/// What something is drawn for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Weather = 1,
    Household,
    Habits,
    Roof,
    Battery,
    Car,
    Trips,
    HeatPump,
    Tariff,
    Strategy,
    Premium,
}

/// The stream for a purpose, a home and a day.
pub(super) fn draw(seed: u64, purpose: Purpose, home: u64, day: u64) -> Random {
    let mut mixed = Random::new(seed ^ ((purpose as u64) << 56)).number();
    for part in [home, day] {
        mixed = Random::new(mixed ^ part.wrapping_mul(0x9e6c_63d0_876a_9a47)).number();
    }
    Random::new(mixed)
}

/// A number that decides the order in which homes are dealt something: whoever has it keeps it when the share grows.
pub(super) fn rank(seed: u64, purpose: Purpose, home: usize) -> u64 {
    draw(seed, purpose, home as u64, u64::MAX).number()
}
