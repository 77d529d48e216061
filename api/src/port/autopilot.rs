//! The autopilot's settings: whether it trades for the household, and its limits.

use wattswap_matching::units::WattHours;

use super::{PricePerKwh, Unavailable};

/// Whether the autopilot trades for the household, and within which limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Autopilot {
    /// Whether it trades. Switched off, it cancels its own open orders.
    pub on: bool,
    /// It never sells below this price.
    pub sell_at_least: PricePerKwh,
    /// It never buys above this price.
    pub buy_at_most: PricePerKwh,
    /// For how many slots it trades on a forecast: 0 for none, 1 for the one that is being delivered, 2 for the next
    /// too.
    pub trade_ahead: u16,
    /// The most that it orders in one slot and direction; `None` for what the connection carries.
    pub slot_limit: Option<WattHours>,
}

/// Why the settings were not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AutopilotError {
    /// The market does not admit them.
    #[error("the settings can't be used: {0}")]
    Refused(AutopilotRefusal),
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why the market does not admit the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AutopilotRefusal {
    /// A limit is not on the community's tick.
    #[error("a limit is not a multiple of {} per kWh", tick.0)]
    PriceBetweenTicks {
        /// The tick.
        tick: PricePerKwh,
    },
    /// A limit lies outside the community's bounds.
    #[error("the limits must be between {} and {} per kWh", floor.0, cap.0)]
    PriceOutOfBounds {
        /// The lowest price.
        floor: PricePerKwh,
        /// The highest price.
        cap: PricePerKwh,
    },
}
