//! How well the market worked: what trades were worth, beside the most that they could have been.

use rust_decimal::Decimal;
use serde::Serialize;
use wattswap_matching::{PriceScale, WattHours};

use super::value::{Amount, Figure, ratio};
use crate::market::mechanism::TickWattHours;
use crate::run::record::SettledSlot;

/// Sums over slots. A year of a thousand homes has some 10^14 tick-watt-hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surplus {
    optimum_volume: WattHours,
    optimum: TickWattHours,
    surplus: TickWattHours,
}

/// What they come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MarketAnswers {
    /// Energy that the optimum of each slot trades, by what the meters counted.
    pub optimum_wh: i64,
    /// The most that trades could have been worth: to their buyers, less what they cost their sellers.
    pub optimum_eur: Amount,
    /// What they were worth, errors at the supplier taken off.
    pub surplus_eur: Amount,
    /// `surplus / optimum`: the allocative efficiency of Gode and Sunder (1993). Below zero where
    /// errors cost more than trades brought. None where nothing could be gained.
    pub surplus_share: Option<Figure>,
    /// `local energy / optimum's energy`: what was traded and used, of what could have been. None of nothing.
    pub matched_share: Option<Figure>,
}

impl Surplus {
    /// Adds a slot.
    pub fn add(&mut self, slot: &SettledSlot<'_>) {
        self.optimum_volume += slot.optimum.volume;
        self.optimum = self.optimum.saturating_add(slot.optimum.surplus);
        self.surplus = self.surplus.saturating_add(slot.surplus);
    }

    /// What it comes to, with so much energy that neighbours supplied each other.
    #[must_use]
    pub fn answers(&self, local: WattHours, scale: PriceScale) -> MarketAnswers {
        // Ticks are per kWh.
        let worth =
            |ticks: TickWattHours| Amount((Decimal::from_i128_with_scale(ticks.into(), 3) * scale.tick()).normalize());
        MarketAnswers {
            optimum_wh: self.optimum_volume.0,
            optimum_eur: worth(self.optimum),
            surplus_eur: worth(self.surplus),
            surplus_share: ratio(self.surplus, self.optimum),
            matched_share: ratio(local.0, self.optimum_volume.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::fixture::{Traded, scale};

    #[test]
    fn by_hand() {
        let mut surplus = Surplus::default();
        surplus.add(&Traded::by_hand().slot());
        let amount = |text: &str| Amount(text.parse().unwrap());
        // 500 Wh could have gained 0.22 a kWh each; 300 did.
        let expected = MarketAnswers {
            optimum_wh: 500,
            optimum_eur: amount("0.11"),
            surplus_eur: amount("0.066"),
            surplus_share: ratio(6, 10),
            matched_share: ratio(6, 10),
        };
        assert_eq!(surplus.answers(WattHours(300), scale()), expected);
        let nothing = Surplus::default().answers(WattHours::ZERO, scale());
        assert_eq!((nothing.surplus_share, nothing.matched_share), (None, None));
    }
}
