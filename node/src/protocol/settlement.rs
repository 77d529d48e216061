//! What a delivery slot comes to for one household: what it traded, what its meters counted, and the rest, which its
//! supplier settles. `docs/protocol.md`, section 8.
//!
//! Pure arithmetic on words that both parties hold, so both arrive at the same amounts. It decides about no order, and
//! keeps nothing: [`ledger`](super::ledger) does.

use rust_decimal::Decimal;
use wattswap_matching::{Money, Price, Side, Slot, WattHours};

use super::charter::Shape;
use super::entry::Trade;
use super::ids::MemberKey;
use super::metering::{Measured, imbalance};

/// A trade as one of its parties sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deal {
    /// When the energy is delivered.
    pub slot: Slot,
    /// Whether this party bought or sold.
    pub side: Side,
    /// The other party.
    pub counterparty: MemberKey,
    /// How much.
    pub energy: WattHours,
    /// Per kWh, in ticks of the charter that the trade names.
    pub price: Price,
}

/// What a supplier charges and pays in a slot, per kWh in the community's currency. Zero and below are ordinary prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// The retail price of energy that is drawn.
    pub retail: Decimal,
    /// The feed-in tariff of energy that is fed in.
    pub feed_in: Decimal,
}

/// What a slot came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Which slot.
    pub slot: Slot,
    /// Net energy bought in the community; negative: sold.
    pub traded: WattHours,
    /// What the supplier settles; positive: drawn from it.
    pub imbalance: WattHours,
    /// What is owed to the supplier for that; negative: it owes.
    pub supplier: Money,
}

impl Deal {
    /// The trade as `me` sees it; none if it is not a party to it.
    #[must_use]
    pub fn of(me: &MemberKey, trade: &Trade) -> Option<Self> {
        let (proposal, maker) = (&trade.proposal, trade.acceptance.maker);
        let taker = proposal.taker.author;
        let (side, counterparty) = match *me {
            me if me == taker => (proposal.side, maker),
            me if me == maker => (proposal.side.opposite(), taker),
            _ => return None,
        };
        let (slot, energy, price) = (proposal.slot, trade.acceptance.quantity, proposal.price);
        Some(Self { slot, side, counterparty, energy, price })
    }

    /// Net energy bought: below zero if it was sold.
    #[must_use]
    pub fn net_bought(&self) -> WattHours {
        match self.side {
            Side::Buy => self.energy,
            Side::Sell => -self.energy,
        }
    }

    /// What the buyer owes the seller, exactly.
    #[must_use]
    pub fn cost(&self, shape: &Shape) -> Money {
        shape.price_scale().cost(self.price, self.energy)
    }

    /// What this party owes beside the price, by the names of the fees.
    pub fn fees<'s>(&self, shape: &'s Shape) -> impl Iterator<Item = (&'s str, Money)> {
        let (side, energy, scale) = (self.side, self.energy, shape.price_scale());
        let own = shape.fees.iter().filter(move |fee| fee.payer == side);
        own.map(move |fee| (fee.name.as_str(), scale.cost(fee.per_kwh, energy)))
    }
}

impl Tariff {
    /// What is owed to the supplier for energy that is drawn from it, exactly; negative energy is fed in.
    #[must_use]
    pub fn cost(&self, energy: WattHours) -> Money {
        let per_kwh = if energy.is_positive() { self.retail } else { self.feed_in };
        Money((Decimal::from_i128_with_scale(i128::from(energy.0), 3) * per_kwh).normalize())
    }
}

/// What a slot comes to, in which a household made these `deals` and its meters counted that.
#[must_use]
pub fn settle<'d>(
    slot: Slot,
    deals: impl IntoIterator<Item = &'d Deal>,
    measured: Measured,
    tariff: &Tariff,
) -> Settlement {
    let traded = deals.into_iter().filter(|deal| deal.slot == slot).map(Deal::net_bought).sum();
    let imbalance = imbalance(measured, traded);
    Settlement { slot, traded, imbalance, supplier: tariff.cost(imbalance) }
}

#[cfg(test)]
mod tests {
    use wattswap_matching::UtcMillis;

    use super::*;
    use crate::protocol::metering::Quality;

    const SLOT: Slot = Slot(UtcMillis(1_763_812_800_000));

    fn deal(side: Side, energy: i64, price: i32) -> Deal {
        Deal { slot: SLOT, side, counterparty: MemberKey([7; 32]), energy: WattHours(energy), price: Price(price) }
    }

    #[test]
    fn the_supplier_settles_what_was_counted_and_not_traded() {
        let tariff = Tariff { retail: Decimal::new(3_217, 4), feed_in: Decimal::new(-12, 3) };
        let (buy, sell) = (|energy| deal(Side::Buy, energy, 0), |energy| deal(Side::Sell, energy, 0));
        // (deals, import, export, traded, imbalance, owed to the supplier)
        let cases = [
            (vec![], 500, 0, 0, 500, "0.16085"),
            (vec![buy(400)], 500, 0, 400, 100, "0.03217"),
            (vec![buy(400), buy(200)], 500, 0, 600, -100, "0.0012"),
            (vec![sell(300)], 0, 300, -300, 0, "0"),
            (vec![sell(500)], 20, 320, -500, 200, "0.06434"),
            (vec![sell(100), buy(100)], 0, 300, 0, -300, "0.0036"),
        ];
        for (deals, import, export, traded, imbalance, supplier) in cases {
            let (import, export) = (WattHours(import), WattHours(export));
            let measured = Measured { import, export, quality: Quality::Exact };
            let other_slot = Deal { slot: Slot(UtcMillis(0)), ..buy(9) };
            let settled = settle(SLOT, deals.iter().chain([&other_slot]), measured, &tariff);
            let (traded, imbalance) = (WattHours(traded), WattHours(imbalance));
            let supplier = Money(supplier.parse().unwrap());
            assert_eq!(settled, Settlement { slot: SLOT, traded, imbalance, supplier }, "{deals:?}");
        }
    }
}
