//! Ideas for the autopilot: one side first shows its quotes, in the order of its limits, and the other then climbs down
//! to them step by step. See `docs/market-simulation.md` for what each gets.

use wattswap_matching::{Price, Side};

use super::{Strategy, Trader, View};
use crate::network::Random;

/// Who quotes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// Those who sell.
    Sellers,
    /// Those who buy.
    Buyers,
    /// The one in every other slot, the other in those between.
    Alternating,
    /// Nobody: both come towards each other.
    Nobody,
}

/// Quotes in turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    /// Who is first.
    pub first: First,
    /// Steps of the time to trade.
    pub steps: u64,
    /// How far towards its limit who is first goes at once, in hundredths of the way from its other limit.
    pub shown: i64,
}

impl Strategy for Turns {
    fn quote(&mut self, trader: &Trader, view: &View, _: &mut Random) -> Option<Price> {
        let step = (view.elapsed * self.steps / view.whole).min(self.steps - 1);
        let last = self.steps - 1;
        let is_first = match self.first {
            First::Sellers => trader.side == Side::Sell,
            First::Buyers => trader.side == Side::Buy,
            First::Alternating => (trader.side == Side::Sell) == view.round.is_multiple_of(2),
            First::Nobody => false,
        };
        let share = |step: u64| i64::try_from(step * 100 / last.max(1)).expect("a hundred at the most");
        let share = match (is_first, self.first) {
            // At the end everybody is at its limit, whoever began.
            (true, _) if step < last => self.shown,
            (true, _) => 100,
            (false, First::Nobody) => share(step),
            (false, _) if step == 0 => return None,
            (false, _) => share(step),
        };
        let (opening, limit) = (i64::from(trader.other.0), i64::from(trader.limit.0));
        let price = Price(i32::try_from(opening + (limit - opening) * share / 100).expect("between two prices"));
        view.band.contains(price).then_some(price)
    }
}
