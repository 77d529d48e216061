//! Zero-intelligence traders with a constraint (ZI-C): Gode and Sunder, "Allocative Efficiency of Markets with
//! Zero-Intelligence Traders", Journal of Political Economy 101 (1993).

use wattswap_matching::{Price, Side};

use super::{Strategy, Trader, View};
use crate::network::Random;

/// Quotes any price that brings no loss, each as likely: a buyer from the floor to its value, a seller from
/// its cost to the cap.
#[derive(Clone, Copy, Debug)]
pub struct ZiC;

impl Strategy for ZiC {
    fn quote(&mut self, trader: &Trader, view: &View, random: &mut Random) -> Option<Price> {
        let (low, high) = match trader.side {
            Side::Buy => (view.band.floor(), trader.limit.min(view.band.cap())),
            Side::Sell => (trader.limit.max(view.band.floor()), view.band.cap()),
        };
        let prices = u64::try_from(i64::from(high.0) - i64::from(low.0) + 1).ok().filter(|prices| *prices > 0)?;
        let step = i32::try_from(random.below(prices)).expect("a band has fewer prices");
        Some(Price(low.0 + step))
    }
}
