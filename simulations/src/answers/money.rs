//! Money: what homes paid, and what the same energy would have cost otherwise.

use rust_decimal::Decimal;
use serde::Serialize;
use wattswap_matching::Money;

use super::value::{Amount, Figure, ratio};
use crate::run::record::HomeSlot;

/// Sums over slots, of one home or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payments {
    paid: Money,
    earned: Money,
    fees: Money,
    supplier: Money,
    without_market: Money,
    supplier_only: Money,
}

/// What they come to. Costs below zero are income.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MoneyAnswers {
    /// `paid - earned + fees + supplier`.
    pub cost_eur: Amount,
    /// Owed to neighbours for what was bought.
    pub paid_eur: Amount,
    /// Owed by neighbours for what was sold.
    pub earned_eur: Amount,
    /// Owed for the grid between neighbours and for other fees of the market.
    pub fees_eur: Amount,
    /// Owed to the supplier for the rest.
    pub supplier_eur: Amount,
    /// What the same flows would have cost with nobody but the supplier to deal with.
    pub cost_without_market_eur: Amount,
    /// What the same demand would have cost without roofs and batteries as well.
    pub cost_of_supplier_only_eur: Amount,
    /// `cost without market - cost`.
    pub saved_by_market_eur: Amount,
    /// `saved by market / cost without market`. None unless that cost is above zero.
    pub saved_by_market_share: Option<Figure>,
    /// `cost of supplier only - cost`: what roofs and batteries save, together with the market.
    pub saved_on_supplier_only_eur: Amount,
}

impl Payments {
    /// Adds a home's slot.
    pub fn add(&mut self, home: &HomeSlot) {
        self.paid = self.paid + home.paid;
        self.earned = self.earned + home.earned;
        self.fees = self.fees + home.fees;
        self.supplier = self.supplier + home.supplier;
        self.without_market = self.without_market + home.cost_without_market();
        self.supplier_only = self.supplier_only + home.cost_of_supplier_only();
    }

    /// Adds what others paid.
    pub fn include(&mut self, other: &Self) {
        self.paid = self.paid + other.paid;
        self.earned = self.earned + other.earned;
        self.fees = self.fees + other.fees;
        self.supplier = self.supplier + other.supplier;
        self.without_market = self.without_market + other.without_market;
        self.supplier_only = self.supplier_only + other.supplier_only;
    }

    /// What all of it cost.
    #[must_use]
    pub fn cost(&self) -> Money {
        self.paid - self.earned + self.fees + self.supplier
    }

    /// What the market saved, against the same flows without it.
    #[must_use]
    pub fn saved(&self) -> Money {
        self.without_market - self.cost()
    }

    /// What it comes to.
    #[must_use]
    pub fn answers(&self) -> MoneyAnswers {
        let without_market = self.without_market.0;
        MoneyAnswers {
            cost_eur: self.cost().into(),
            paid_eur: self.paid.into(),
            earned_eur: self.earned.into(),
            fees_eur: self.fees.into(),
            supplier_eur: self.supplier.into(),
            cost_without_market_eur: self.without_market.into(),
            cost_of_supplier_only_eur: self.supplier_only.into(),
            saved_by_market_eur: self.saved().into(),
            saved_by_market_share: (without_market > Decimal::ZERO)
                .then(|| ratio(self.saved().0, without_market))
                .flatten(),
            saved_on_supplier_only_eur: (self.supplier_only - self.cost()).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use wattswap_matching::WattHours;

    use super::*;
    use crate::answers::fixture::{euros, home_slot, tariff};

    #[test]
    fn two_slots_by_hand() {
        // It draws 1000 Wh, of which a neighbour gives 600 at 0.20 and 0.02 of fees: 0.12 + 0.012 + 0.4 * 0.30.
        let buys =
            HomeSlot { paid: euros("0.12"), fees: euros("0.012"), supplier: euros("0.12"), ..home_slot(1_000, 600, 0) };
        // It feeds in 500 Wh, of which a neighbour takes 300 at 0.20.
        let sells = HomeSlot { earned: euros("0.06"), supplier: euros("-0.016"), ..home_slot(-500, 0, 300) };
        assert_eq!(buys.tariff, tariff());
        let mut payments = Payments::default();
        payments.add(&buys);
        payments.add(&sells);
        let amount = |text| Amount::from(euros(text));
        let expected = MoneyAnswers {
            cost_eur: amount("0.176"),
            paid_eur: amount("0.12"),
            earned_eur: amount("0.06"),
            fees_eur: amount("0.012"),
            supplier_eur: amount("0.104"),
            // 1000 Wh at 0.30, less 500 at 0.08.
            cost_without_market_eur: amount("0.26"),
            cost_of_supplier_only_eur: amount("0.3"),
            saved_by_market_eur: amount("0.084"),
            saved_by_market_share: ratio(84, 260),
            saved_on_supplier_only_eur: amount("0.124"),
        };
        assert_eq!(payments.answers(), expected);
        let mut twice = payments;
        twice.include(&payments);
        assert_eq!((twice.cost(), twice.saved()), (euros("0.352"), euros("0.168")));
    }

    #[test]
    fn a_home_that_earns_anyway_has_no_share_of_savings() {
        let mut payments = Payments::default();
        payments.add(&HomeSlot { supplier: euros("-0.04"), ..home_slot(-500, 0, 0) });
        assert_eq!(payments.answers().saved_by_market_share, None);
        assert_eq!(payments.answers().saved_by_market_eur, Amount::default());
        assert_eq!(home_slot(-500, 0, 0).flows.net(), WattHours(-500));
    }
}
