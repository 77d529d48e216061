//! A linear ramp from the far end of the price band to the own limit.

use wattswap_matching::{Price, Side};

use super::{Strategy, Trader, View};
use crate::network::Random;

/// Starts at the band's end that is best for it, and reaches its limit in equal steps of time and price.
#[derive(Clone, Copy, Debug)]
pub struct Ramp {
    /// Steps from the first price to the limit.
    pub steps: u32,
}

impl Default for Ramp {
    fn default() -> Self {
        Self { steps: 16 }
    }
}

impl Strategy for Ramp {
    fn quote(&mut self, trader: &Trader, view: &View, _: &mut Random) -> Option<Price> {
        let opening = match trader.side {
            Side::Buy => view.band.floor(),
            Side::Sell => view.band.cap(),
        };
        if !view.band.contains(trader.limit) {
            return None;
        }
        let steps = i128::from(self.steps.max(1));
        // The last step lasts as long as each before it.
        let step = (i128::from(view.elapsed) * (steps + 1) / i128::from(view.whole)).min(steps);
        let way = i128::from(trader.limit.0) - i128::from(opening.0);
        let price = i128::from(opening.0) + way * step / steps;
        Some(Price(i32::try_from(price).expect("between two prices")))
    }
}
