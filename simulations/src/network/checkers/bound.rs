//! 7.1: no honest member is bound to more than it ordered or proposed.
//!
//! Counted by what people wished: what binds them, whoever's log holds it, never exceeds it. That is the watt-hour sold
//! twice.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::WattHours;
use wattswap_node::protocol::ids::ProposalId;

use super::chronicle::Whose;
use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// Adds up what each wish is bound to.
#[derive(Default)]
pub(super) struct Bound {
    counted: BTreeSet<ProposalId>,
    bound: BTreeMap<Whose, WattHours>,
    /// Seals that were known when it was added up.
    seals: usize,
}

impl Checker for Bound {
    fn name(&self) -> &'static str {
        "bound"
    }

    fn after_turn(&mut self, seen: &Chronicle, street: &mut Street, _: &Turn) -> Result<(), String> {
        // What lies beyond a seal binds no more.
        if self.seals != seen.seals.len() {
            *self = Self { seals: seen.seals.len(), ..Self::default() };
            return seen.trades.keys().try_for_each(|id| self.count(id, seen, street));
        }
        seen.fresh.iter().try_for_each(|(id, _)| self.count(id, seen, street))
    }
}

impl Bound {
    fn count(&mut self, id: &ProposalId, seen: &Chronicle, street: &Street) -> Result<(), String> {
        let agreed = &seen.trades[id];
        if !seen.binds(agreed) || !self.counted.insert(*id) {
            return Ok(());
        }
        let quantity = agreed.acceptance.quantity;
        require(quantity <= agreed.proposal.up_to, || format!("trade {id} is over more than was proposed"))?;
        let parties = [agreed.proposal.maker.author, agreed.proposal.taker.author];
        for (whose, party) in seen.wishes_of(id, agreed).into_iter().zip(parties) {
            if !street.is_honest_key(&party) {
                continue;
            }
            let whose = whose.ok_or_else(|| format!("trade {id} serves nobody's wish"))?;
            let bound = self.bound.entry(whose).or_default();
            *bound += quantity;
            let wished = seen.wishes[&whose].quantity;
            let (home, request) = (whose.0, hex(&whose.1.0));
            require(*bound <= wished, || {
                format!("home {home} is bound to {bound}, but wished {wished} with request {request}; last trade {id}")
            })?;
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
