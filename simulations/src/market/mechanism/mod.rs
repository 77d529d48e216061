//! What makes trades of wishes: the ways to clear one slot, and the most that any of them could reach.
//!
//! The continuous double auction is the production one, [`wattswap_matching::auction`]. No market at all is the empty
//! list of trades: everybody deals with the supplier.

pub mod call;
pub mod efficiency;
pub mod optimum;

use wattswap_matching::{Price, Side, WattHours};

/// How buyers find sellers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Not at all: the supplier settles everything.
    None,
    /// The continuous double auction.
    Continuous,
    /// A call auction of each slot when its gate closes, in which everybody quotes its limit.
    Call,
}

/// Money without a currency: price ticks (per kWh) times watt-hours. A thousand of them are a tick.
pub type TickWattHours = i64;

/// Energy that changed hands between two traders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Who bought, as the caller numbers traders.
    pub buyer: u32,
    /// Who sold.
    pub seller: u32,
    /// Per kWh, in ticks.
    pub price: Price,
    /// How much.
    pub quantity: WattHours,
}

/// `quantity` at `price`.
#[must_use]
pub fn worth(price: Price, quantity: WattHours) -> TickWattHours {
    i64::from(price.0) * quantity.0
}

/// What a side's limit adds to the surplus: a buyer's value, less a seller's cost.
#[must_use]
pub fn gain(side: Side, limit: Price, quantity: WattHours) -> TickWattHours {
    match side {
        Side::Buy => worth(limit, quantity),
        Side::Sell => -worth(limit, quantity),
    }
}

/// A share in hundredths of a per cent, rounded down; none of nothing.
#[must_use]
pub fn share(part: i64, whole: i64) -> Option<i64> {
    let share = i128::from(part) * 10_000;
    (whole != 0).then(|| i64::try_from(share.div_euclid(i128::from(whole))).expect("a share of a season's worth"))
}
