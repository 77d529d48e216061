//! 7.4: the resting order's price, within both limits and the charter's floor and cap.

use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// Compares each trade with what both sides wanted.
pub(super) struct Prices;

impl Checker for Prices {
    fn name(&self) -> &'static str {
        "price"
    }

    fn after_turn(&mut self, seen: &Chronicle, street: &mut Street, _: &Turn) -> Result<(), String> {
        for (id, _) in &seen.fresh {
            let agreed = &seen.trades[id];
            let price = agreed.proposal.price;
            if let Some(placed) = seen.orders.get(&agreed.proposal.order) {
                let resting = placed.order.price;
                require(resting == price, || format!("trade {id} is at {price:?}, the order rested at {resting:?}"))?;
            }
            for whose in seen.wishes_of(id, agreed).into_iter().flatten() {
                if !street.is_honest(whose.0) {
                    continue;
                }
                let wish = &seen.wishes[&whose];
                require(wish.side.accepts(wish.price, price), || {
                    format!(
                        "trade {id} is at {price:?}, but home {} wanted {:?} at {:?}",
                        whose.0, wish.side, wish.price
                    )
                })?;
                require(wish.slot == agreed.proposal.slot, || {
                    format!("trade {id} is for another slot than was wished")
                })?;
            }
            if let Some(charter) = seen.charters.get(&agreed.proposal.charter) {
                let (floor, cap) = (charter.shape.floor, charter.shape.cap);
                require(floor <= price && price <= cap, || {
                    format!("trade {id} at {price:?} is outside floor and cap")
                })?;
            }
        }
        Ok(())
    }
}
