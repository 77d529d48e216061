//! How well the market worked: what trades were worth, beside the most that they could have been.

use rust_decimal::Decimal;
use serde::Serialize;
use wattswap_matching::{PriceScale, WattHours};

use super::value::{Amount, Figure, ratio};
use crate::market::mechanism::TickWattHours;
use crate::market::mechanism::efficiency::Efficiency;

/// What [`Efficiency`] comes to.
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
    /// Smith's alpha (1962): the root of the mean square difference of the prices from each slot's equilibrium price, by
    /// energy, over the mean equilibrium price. None if nothing was traded at a price above zero.
    pub price_deviation: Option<Figure>,
}

impl MarketAnswers {
    /// With so much energy that neighbours supplied each other.
    #[must_use]
    pub fn of(sums: &Efficiency, local: WattHours, scale: PriceScale) -> Self {
        // Ticks are per kWh.
        let worth =
            |ticks: TickWattHours| Amount((Decimal::from_i128_with_scale(ticks.into(), 3) * scale.tick()).normalize());
        Self {
            optimum_wh: sums.optimum_volume.0,
            optimum_eur: worth(sums.optimum),
            surplus_eur: worth(sums.surplus),
            surplus_share: ratio(sums.surplus, sums.optimum),
            matched_share: ratio(local.0, sums.optimum_volume.0),
            price_deviation: sums.alpha().and_then(|alpha| ratio(alpha, 10_000)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::fixture::{Traded, scale};

    #[test]
    fn by_hand() {
        let (mut sums, traded) = (Efficiency::default(), Traded::by_hand());
        let slot = traded.slot();
        sums.add(&slot.optimum, slot.surplus, slot.trades);
        let amount = |text: &str| Amount(text.parse().unwrap());
        // 500 Wh could have gained 0.22 a kWh each; 300 did.
        let expected = MarketAnswers {
            optimum_wh: 500,
            optimum_eur: amount("0.11"),
            surplus_eur: amount("0.066"),
            surplus_share: ratio(6, 10),
            matched_share: ratio(6, 10),
            price_deviation: None,
        };
        assert_eq!(MarketAnswers::of(&sums, WattHours(300), scale()), expected);
        let nothing = MarketAnswers::of(&Efficiency::default(), WattHours::ZERO, scale());
        assert_eq!((nothing.surplus_share, nothing.matched_share), (None, None));
    }
}
