//! Ideas for the autopilot: one side first shows its quotes, in the order of its limits, and the other then comes
//! to it step by step. See `docs/market-simulation.md` for what each gets.

use std::fmt;

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

impl First {
    const NAMES: [(Self, &str); 4] = [
        (Self::Sellers, "sellers"),
        (Self::Buyers, "buyers"),
        (Self::Alternating, "alternating"),
        (Self::Nobody, "nobody"),
    ];
}

impl Turns {
    /// From `turns:sellers:8:80`: who is first, steps (2 or more), and how far at once.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let [first, steps, shown] = text.strip_prefix("turns:")?.split(':').collect::<Vec<_>>().try_into().ok()?;
        let (first, _) = First::NAMES.into_iter().find(|(_, name)| *name == first)?;
        let (steps, shown) = (steps.parse().ok()?, shown.parse().ok()?);
        ((2..=1_000).contains(&steps) && (0..=100).contains(&shown)).then_some(Self { first, steps, shown })
    }
}

impl fmt::Display for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = First::NAMES.into_iter().find(|(first, _)| *first == self.first).map_or("", |(_, name)| name);
        write!(f, "turns:{name}:{}:{}", self.steps, self.shown)
    }
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
