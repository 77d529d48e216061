//! 7.6: energy bought equals energy sold in every slot, and money sums to zero but for the named fees.
//!
//! Added up from what each member's own records say, so that the two sides of a trade have to agree.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use wattswap_matching::{Price, PriceScale, Side, Slot, WattHours};
use wattswap_node::protocol::household::io::OwnTrade;

use super::{Checker, Chronicle, require};
use crate::network::Street;

/// Adds up everybody's own records.
pub(super) struct Sums;

/// What the members' records come to in one slot.
#[derive(Default)]
struct Sum {
    bought: WattHours,
    sold: WattHours,
    /// What all members together have paid, less what they got.
    paid: Decimal,
    fees: Decimal,
}

impl Checker for Sums {
    fn name(&self) -> &'static str {
        "sums"
    }

    fn at_rest(&mut self, seen: &Chronicle, street: &mut Street) -> Result<(), String> {
        let mut sums: BTreeMap<Slot, Sum> = BTreeMap::new();
        for home in (0..street.homes()).filter(|home| street.is_honest_member(*home)) {
            let trades = street.disk(home).trades().iter();
            // What lies beyond a seal may stand in one party's records alone.
            for (_, own) in trades.filter(|(id, _)| seen.trades.get(id).is_none_or(|agreed| seen.binds(agreed))) {
                let proposal = &own.trade.proposal;
                let key = street.key(home);
                let other = if proposal.taker.author == key { proposal.maker.author } else { proposal.taker.author };
                if street.number(&other).is_some_and(|other| street.is_honest_member(other)) {
                    let side = if proposal.taker.author == key { proposal.side } else { proposal.side.opposite() };
                    add(sums.entry(proposal.slot).or_default(), seen, own, side)?;
                }
            }
        }
        for (slot, sum) in sums {
            let (slot, Sum { bought, sold, paid, fees }) = (slot.0.0, sum);
            require(bought == sold, || format!("slot {slot}: {bought} were bought and {sold} sold"))?;
            require(paid == fees, || {
                format!("slot {slot}: members paid {paid} more than they got, and {fees} of fees")
            })?;
        }
        Ok(())
    }
}

fn add(sum: &mut Sum, seen: &Chronicle, own: &OwnTrade, side: Side) -> Result<(), String> {
    let (proposal, quantity) = (&own.trade.proposal, own.trade.acceptance.quantity);
    let charter = seen.charters.get(&proposal.charter).ok_or("a trade names a charter that nobody made")?;
    let scale: PriceScale = charter.shape.price_scale();
    let cost = |price: Price| scale.cost(price, quantity).0;
    let fees: Decimal = charter.shape.fees.iter().filter(|fee| fee.payer == side).map(|fee| cost(fee.per_kwh)).sum();
    match side {
        Side::Buy => {
            sum.bought += quantity;
            sum.paid += cost(proposal.price) + fees;
        }
        Side::Sell => {
            sum.sold += quantity;
            sum.paid += fees - cost(proposal.price);
        }
    }
    sum.fees += fees;
    Ok(())
}
