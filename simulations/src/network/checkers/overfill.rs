//! 7.1: no honest member's order is filled beyond its quantity, by all logs together.

use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// Adds up what logs say of each order.
pub(super) struct Overfill;

impl Checker for Overfill {
    fn name(&self) -> &'static str {
        "overfill"
    }

    fn after_turn(&mut self, seen: &Chronicle, street: &mut Street, _: &Turn) -> Result<(), String> {
        for (id, _) in &seen.fresh {
            let proposal = &seen.trades[id].proposal;
            let filled = [(proposal.maker, Some(proposal.order)), (proposal.taker, proposal.own_order)];
            for (log, order) in filled {
                let Some(order) = order.filter(|_| street.is_honest_key(&log.author)) else { continue };
                let placed =
                    seen.orders.get(&order).ok_or_else(|| format!("trade {id} fills {order}, which nobody placed"))?;
                require(placed.filled <= placed.order.quantity, || {
                    format!(
                        "{} are filled of order {order} over {}, with trade {id}",
                        placed.filled, placed.order.quantity
                    )
                })?;
            }
        }
        Ok(())
    }
}
