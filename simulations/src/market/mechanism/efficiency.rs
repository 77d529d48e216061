//! How well a market worked over many slots: what trades were worth beside the optimum, and how far their prices lay from
//! those at which supply meets demand.

use wattswap_matching::WattHours;

use super::optimum::Optimum;
use super::{TickWattHours, Trade};

/// Sums over slots. A year of a thousand homes has some 10^14 tick-watt-hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Efficiency {
    /// Energy that the optimum of each slot trades.
    pub optimum_volume: WattHours,
    /// What that would have been worth.
    pub optimum: TickWattHours,
    /// What trades were worth, errors at the supplier taken off.
    pub surplus: TickWattHours,
    /// Energy with an equilibrium price, that price times it, and the squares of the differences from it.
    priced: i128,
    equilibrium: i128,
    squares: i128,
}

impl Efficiency {
    /// Adds a slot.
    pub fn add(&mut self, optimum: &Optimum, surplus: TickWattHours, trades: &[Trade]) {
        self.optimum_volume += optimum.volume;
        self.optimum = self.optimum.saturating_add(optimum.surplus);
        self.surplus = self.surplus.saturating_add(surplus);
        let Some(equilibrium) = optimum.price() else { return };
        for trade in trades {
            let (energy, off) = (i128::from(trade.quantity.0), i128::from(trade.price.0 - equilibrium.0));
            self.priced += energy;
            self.equilibrium += i128::from(equilibrium.0) * energy;
            self.squares += off * off * energy;
        }
    }

    /// Smith (1962): the root of the mean square difference of prices from the equilibrium price, as a share of that, in
    /// hundredths of a per cent; here each weighted by its energy, over slots with equilibrium prices of their own. None
    /// if nothing was traded at a price above zero.
    #[must_use]
    pub fn alpha(&self) -> Option<i64> {
        let spread = u128::try_from(self.squares * self.priced).ok()?.isqrt();
        let equilibrium = u128::try_from(self.equilibrium).ok().filter(|price| *price > 0)?;
        i64::try_from(spread * 10_000 / equilibrium).ok()
    }
}

#[cfg(test)]
mod tests {
    use wattswap_matching::Price;

    use super::*;

    fn trade(price: i32, energy: i64) -> Trade {
        Trade { buyer: 0, seller: 1, price: Price(price), quantity: WattHours(energy) }
    }

    #[test]
    fn two_slots_by_hand() {
        let slot = |low, high, volume, surplus| Optimum {
            volume: WattHours(volume),
            surplus,
            prices: Some((Price(low), Price(high))),
        };
        let mut efficiency = Efficiency::default();
        // 100 Wh at 12 and 300 at 9, where 10 is the price of balance: squares 4 * 100 + 1 * 300.
        efficiency.add(&slot(9, 11, 400, 8_000), 6_000, &[trade(12, 100), trade(9, 300)]);
        // 100 Wh at the price of balance, 20. Nothing crosses in the last slot, so its trade has nothing to lie off.
        efficiency.add(&slot(20, 20, 100, 500), 500, &[trade(20, 100)]);
        efficiency.add(&Optimum::default(), -300, &[trade(7, 50)]);
        assert_eq!((efficiency.optimum_volume, efficiency.optimum, efficiency.surplus), (WattHours(500), 8_500, 6_200));
        // sqrt(700 / 500) over a mean of (10 * 400 + 20 * 100) / 500 = 12: 1.1832 / 12 = 9.86 %.
        assert_eq!(efficiency.alpha(), Some(985));
        assert_eq!(Efficiency::default().alpha(), None);
    }
}
