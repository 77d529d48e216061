//! What neighbours supplied each other, and what their trades missed.

use serde::Serialize;
use wattswap_matching::WattHours;

use super::value::{Figure, ratio};
use crate::run::record::HomeSlot;

/// Sums over slots, of one home or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    demand: WattHours,
    bought: WattHours,
    sold: WattHours,
    local: WattHours,
    in_error: WattHours,
    imbalance: WattHours,
}

/// What they come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NeighbourAnswers {
    /// Bought from neighbours, what was sold on included.
    pub bought_wh: i64,
    /// Sold to neighbours.
    pub sold_wh: i64,
    /// Bought on balance and drawn in the same slot: `min(bought - sold, net)`, where both are above zero.
    pub local_wh: i64,
    /// `local / demand`: how much of what was used neighbours supplied by contract. None without demand.
    pub local_share: Option<Figure>,
    /// Bought on balance and not drawn, or sold on balance and not fed in: the supplier makes up for it.
    pub traded_in_error_wh: i64,
    /// `|net - (bought - sold)|`: what the supplier settles, in both directions.
    pub imbalance_wh: i64,
}

impl Neighbours {
    /// Adds a home's slot.
    pub fn add(&mut self, home: &HomeSlot) {
        let zero = WattHours::ZERO;
        let (net, bought) = (home.flows.net(), home.bought - home.sold);
        let local = bought.min(net).max(zero);
        let given = (-bought).min(-net).max(zero);
        self.demand += home.flows.demand();
        self.bought += home.bought;
        self.sold += home.sold;
        self.local += local;
        self.in_error += bought.max(-bought) - local - given;
        self.imbalance += (net - bought).max(bought - net);
    }

    /// Adds what others did.
    pub fn include(&mut self, other: &Self) {
        self.demand += other.demand;
        self.bought += other.bought;
        self.sold += other.sold;
        self.local += other.local;
        self.in_error += other.in_error;
        self.imbalance += other.imbalance;
    }

    /// What neighbours supplied.
    #[must_use]
    pub fn local(&self) -> WattHours {
        self.local
    }

    /// What it comes to.
    #[must_use]
    pub fn answers(&self) -> NeighbourAnswers {
        NeighbourAnswers {
            bought_wh: self.bought.0,
            sold_wh: self.sold.0,
            local_wh: self.local.0,
            local_share: ratio(self.local.0, self.demand.0),
            traded_in_error_wh: self.in_error.0,
            imbalance_wh: self.imbalance.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::fixture::home_slot;

    #[test]
    fn by_hand() {
        // (net, bought, sold; local, in error, imbalance)
        let cases = [
            ("nobody trades", 100, 0, 0, [0, 0, 100]),
            ("buys a part", 100, 60, 0, [60, 0, 40]),
            ("buys too much", 100, 130, 0, [100, 30, 30]),
            ("sells some of it on", 100, 90, 40, [50, 0, 50]),
            ("sells what it has not", 100, 0, 20, [0, 20, 120]),
            ("sells a part", -100, 0, 40, [0, 0, 60]),
            ("sells too much", -100, 0, 130, [0, 30, 30]),
            ("buys though it has enough", -100, 10, 0, [0, 10, 110]),
        ];
        let mut all = Neighbours::default();
        for (name, net, bought, sold, expected) in cases {
            let mut one = Neighbours::default();
            one.add(&home_slot(net, bought, sold));
            all.include(&one);
            assert_eq!([one.local, one.in_error, one.imbalance], expected.map(WattHours), "{name}");
        }
        // 500 Wh are drawn by those who draw.
        assert_eq!(all.answers().local_share, ratio(210, 500));
        assert_eq!((all.answers().bought_wh, all.answers().sold_wh), (290, 230));
        assert_eq!(Neighbours::default().answers().local_share, None);
    }
}
