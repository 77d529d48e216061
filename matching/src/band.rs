//! The prices at which a community trades: every tick from its floor to its cap, both included.

use crate::units::Price;

/// Floor and cap of a book. Either may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PriceBand {
    floor: Price,
    cap: Price,
}

/// A pair of prices that can't be a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BandError {
    /// The floor lies above the cap.
    #[error("the floor of {floor} ticks lies above the cap of {cap} ticks: swap them")]
    UpsideDown {
        /// The floor, in ticks.
        floor: i32,
        /// The cap, in ticks.
        cap: i32,
    },
    /// More prices than a book keeps apart.
    #[error("{ticks} prices between floor and cap are more than {most}: use a larger tick", most = PriceBand::MOST_TICKS)]
    TooWide {
        /// The number of prices asked for.
        ticks: u64,
    },
}

impl PriceBand {
    /// The most prices a band may have. At 0.01 cent a tick that is 26 euros per kWh, far beyond any tariff; it keeps
    /// the directory of a book's price levels (8 bytes for 64 prices) below 33 kB a side.
    pub const MOST_TICKS: u32 = 1 << 18;

    /// The band from `floor` to `cap`, both included.
    ///
    /// # Errors
    /// [`BandError`] if the floor is above the cap or there are more than [`Self::MOST_TICKS`] prices between them.
    pub fn new(floor: Price, cap: Price) -> Result<Self, BandError> {
        if floor > cap {
            return Err(BandError::UpsideDown { floor: floor.0, cap: cap.0 });
        }
        let ticks = u64::from(floor.0.abs_diff(cap.0)) + 1;
        if ticks > u64::from(Self::MOST_TICKS) {
            return Err(BandError::TooWide { ticks });
        }
        Ok(Self { floor, cap })
    }

    /// The lowest price.
    #[must_use]
    pub fn floor(self) -> Price {
        self.floor
    }

    /// The highest price.
    #[must_use]
    pub fn cap(self) -> Price {
        self.cap
    }

    /// Whether orders may have this price.
    #[must_use]
    pub fn contains(self, price: Price) -> bool {
        self.floor <= price && price <= self.cap
    }

    /// How many prices there are.
    #[must_use]
    pub fn ticks(self) -> u32 {
        self.floor.0.abs_diff(self.cap.0) + 1
    }
}
