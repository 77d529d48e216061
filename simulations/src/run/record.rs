//! What a slot came to for each home, once it is settled.
//!
//! Energy is whole watt-hours and never below zero where it is not said; money is exact, in the scenario's currency.

use wattswap_matching::{Money, Slot, WattHours};
use wattswap_node::protocol::settlement::Tariff;

use crate::devices::Flows;
use crate::market::mechanism::optimum::Optimum;
use crate::market::mechanism::{TickWattHours, Trade};

/// What a home came to in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HomeSlot {
    /// Behind its meter.
    pub flows: Flows,
    /// The net energy that it relied on when delivery began, if it had a forecast; negative is surplus.
    pub forecast: Option<WattHours>,
    /// Bought from neighbours, what was sold on included.
    pub bought: WattHours,
    /// Sold to neighbours.
    pub sold: WattHours,
    /// What it owes neighbours for what it bought.
    pub paid: Money,
    /// What neighbours owe it for what it sold.
    pub earned: Money,
    /// What it owes for the grid between neighbours and for other fees of the market.
    pub fees: Money,
    /// What it owes its supplier for the rest; negative: the supplier owes it.
    pub supplier: Money,
    /// The supplier's prices.
    pub tariff: Tariff,
}

/// A slot whose gate has closed and that all homes have settled.
#[derive(Clone, Copy, Debug)]
pub struct SettledSlot<'r> {
    /// Counted from the run's first.
    pub number: usize,
    /// Which.
    pub slot: Slot,
    /// Its local day, counted from the run's first.
    pub day: usize,
    /// Its place in the local day, from 0.
    pub of_day: usize,
    /// The homes, as the community numbers them.
    pub homes: &'r [HomeSlot],
    /// Who traded what with whom.
    pub trades: &'r [Trade],
    /// The most that trades could have been worth, by what the meters counted.
    pub optimum: Optimum,
    /// What they were worth, errors taken off.
    pub surplus: TickWattHours,
}

/// Is told of each slot, in the order of delivery. It looks on from a thread of its own, a few slots behind.
pub trait Observer: Send {
    /// A slot is settled.
    fn settled(&mut self, slot: &SettledSlot<'_>);
}

impl HomeSlot {
    /// What the slot cost; negative: what it brought in.
    #[must_use]
    pub fn cost(&self) -> Money {
        self.paid - self.earned + self.fees + self.supplier
    }

    /// What the same flows would have cost with nobody but the supplier to deal with.
    #[must_use]
    pub fn cost_without_market(&self) -> Money {
        self.tariff.cost(self.flows.net())
    }

    /// What the same demand would have cost without roof and battery as well.
    #[must_use]
    pub fn cost_of_supplier_only(&self) -> Money {
        self.tariff.cost(self.flows.demand())
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn a_slot_by_hand() {
        let flows = Flows {
            need: WattHours(300),
            heat_pump: WattHours(200),
            car: WattHours(100),
            driven: WattHours(0),
            missed: WattHours(0),
            pv: WattHours(1_500),
            curtailed: WattHours(50),
            charged: WattHours(400),
            discharged: WattHours(0),
            stored: WattHours(900),
        };
        assert_eq!(
            (flows.demand(), flows.generation(), flows.net()),
            (WattHours(600), WattHours(1_450), WattHours(-450))
        );
        let euros = |thousandths| Money(Decimal::new(thousandths, 3));
        let home = HomeSlot {
            flows,
            forecast: None,
            bought: WattHours(50),
            sold: WattHours(450),
            paid: euros(10),
            earned: euros(90),
            fees: euros(2),
            // It fed in 50 Wh more than it had sold on balance.
            supplier: euros(-4),
            tariff: Tariff { retail: Decimal::new(30, 2), feed_in: Decimal::new(8, 2) },
        };
        assert_eq!(home.cost(), euros(-82));
        assert_eq!(home.cost_without_market(), euros(-36));
        assert_eq!(home.cost_of_supplier_only(), euros(180));
    }
}
