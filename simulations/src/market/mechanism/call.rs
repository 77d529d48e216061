//! The uniform-price call auction: all quotes are collected, and cleared at once at one price.

use wattswap_matching::{Limit, Price, WattHours};

use super::Trade;
use super::optimum::MeritOrder;

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called {
    /// Everybody's price; none if nothing crossed.
    pub price: Option<Price>,
    /// Energy that changed hands.
    pub volume: WattHours,
}

/// Clears these quotes at the middle of their equilibrium prices, and adds the trades to `trades`. Of quotes at the
/// marginal price, those that come first in `quotes` are served first. Where all quotes are true limits, it realises
/// the optimum.
pub fn clear(merit: &mut MeritOrder, quotes: impl IntoIterator<Item = Limit>, trades: &mut Vec<Trade>) -> Called {
    let cleared = merit.clear(quotes, trades);
    Called { price: cleared.price(), volume: cleared.volume }
}
