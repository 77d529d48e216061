//! What is left over: nothing. Energy and money that are owed on one side are owed to another, in every slot.

use rust_decimal::Decimal;
use serde::Serialize;
use wattswap_matching::{Money, PriceScale, WattHours};

use super::value::Amount;
use crate::run::record::SettledSlot;

/// Sums of what did not add up, without signs, so that no two errors hide each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    energy: WattHours,
    traded: WattHours,
    money: Decimal,
    traded_money: Decimal,
    supplier: Decimal,
}

/// What they come to: zero, all of them, or there is a defect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Residuals {
    /// What all homes bought less what all sold.
    pub energy_wh: i64,
    /// What all homes bought less the quantity of all trades.
    pub energy_of_trades_wh: i64,
    /// What all homes owe for what they bought less what all are owed for what they sold.
    pub money_eur: Amount,
    /// What all homes owe for what they bought less the worth of all trades.
    pub money_of_trades_eur: Amount,
    /// What each home owes its supplier less its tariff's price of what it did not trade.
    pub supplier_eur: Amount,
}

impl Leftovers {
    /// Adds a slot, whose trades have prices of this scale.
    pub fn add(&mut self, slot: &SettledSlot<'_>, scale: PriceScale) {
        let (mut bought, mut sold) = (WattHours::ZERO, WattHours::ZERO);
        let (mut paid, mut earned) = (Money::default(), Money::default());
        for home in slot.homes {
            bought += home.bought;
            sold += home.sold;
            paid = paid + home.paid;
            earned = earned + home.earned;
            let rest = home.flows.net() - home.bought + home.sold;
            self.supplier += (home.supplier - home.tariff.cost(rest)).0.abs();
        }
        let traded: WattHours = slot.trades.iter().map(|trade| trade.quantity).sum();
        let worth: Decimal = slot.trades.iter().map(|trade| scale.cost(trade.price, trade.quantity).0).sum();
        self.energy += size(bought - sold);
        self.traded += size(bought - traded);
        self.money += (paid - earned).0.abs();
        self.traded_money += (paid.0 - worth).abs();
    }

    /// What it comes to.
    #[must_use]
    pub fn answers(&self) -> Residuals {
        let amount = |left: Decimal| Amount(left.normalize());
        Residuals {
            energy_wh: self.energy.0,
            energy_of_trades_wh: self.traded.0,
            money_eur: amount(self.money),
            money_of_trades_eur: amount(self.traded_money),
            supplier_eur: amount(self.supplier),
        }
    }
}

impl Residuals {
    /// Whether there are none.
    #[must_use]
    pub fn are_zero(&self) -> bool {
        let money = [self.money_eur, self.money_of_trades_eur, self.supplier_eur];
        self.energy_wh == 0 && self.energy_of_trades_wh == 0 && money.iter().all(|left| left.0.is_zero())
    }
}

fn size(energy: WattHours) -> WattHours {
    energy.max(-energy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::fixture::{Traded, euros, scale};

    fn residuals(of: &Traded) -> Residuals {
        let mut left = Leftovers::default();
        left.add(&of.slot(), scale());
        left.answers()
    }

    #[test]
    fn a_trade_adds_up() {
        assert!(residuals(&Traded::by_hand()).are_zero());
    }

    #[test]
    fn whatever_is_wrong_shows() {
        let euros = |text| Amount::from(euros(text));
        let zero = residuals(&Traded::by_hand());
        let wrong: [(fn(&mut Traded), Residuals); 4] = [
            (
                |traded| traded.homes[0].bought += WattHours(1),
                // The home also owes its supplier too much then: 1 Wh at 0.30.
                Residuals { energy_wh: 1, energy_of_trades_wh: 1, supplier_eur: euros("0.0003"), ..zero.clone() },
            ),
            (
                |traded| traded.homes[0].paid.0 += Decimal::ONE,
                Residuals { money_eur: euros("1"), money_of_trades_eur: euros("1"), ..zero.clone() },
            ),
            (|traded| traded.homes[1].earned.0 -= Decimal::ONE, Residuals { money_eur: euros("1"), ..zero.clone() }),
            (
                |traded| {
                    traded.homes[0].supplier.0 += Decimal::ONE;
                    traded.homes[1].supplier.0 -= Decimal::ONE;
                },
                Residuals { supplier_eur: euros("2"), ..zero.clone() },
            ),
        ];
        for (spoil, expected) in wrong {
            let mut traded = Traded::by_hand();
            spoil(&mut traded);
            assert_eq!(residuals(&traded), expected);
        }
    }
}
