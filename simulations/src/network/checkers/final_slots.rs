//! 6: a slot that is final for a household stays as it is: no trade of it comes up any more.

use std::collections::BTreeSet;

use wattswap_matching::{Slot, UtcMillis};
use wattswap_node::protocol::household::io::Record;
use wattswap_node::protocol::ids::ProposalId;

use super::{Checker, Chronicle, Restores, require};
use crate::network::{Street, Turn};

/// Remembers what was final when.
#[derive(Default)]
pub(super) struct FinalSlots {
    /// Slots of a household in which it did something, and that are not final yet.
    pending: BTreeSet<(usize, Slot)>,
    are_final: BTreeSet<(usize, Slot)>,
    trades: BTreeSet<(usize, ProposalId)>,
    restores: Restores,
}

impl Checker for FinalSlots {
    fn name(&self) -> &'static str {
        "final_slots"
    }

    fn after_turn(&mut self, _: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        let home = turn.home;
        // The loss of a disk is another matter: what its household knew comes back from others, bit by bit.
        if self.restores.is_new(street, home) {
            let (own, others): (BTreeSet<_>, _) = self.are_final.iter().partition(|(whose, _)| *whose == home);
            self.pending.extend(own);
            self.are_final = others;
            self.trades.retain(|(whose, _)| *whose != home);
        }
        for record in &turn.records {
            match record {
                Record::Reservation(take) => drop(self.pending.insert((home, take.proposal.slot))),
                Record::Trade(own) => {
                    let (id, slot) = (own.trade.id(), own.trade.proposal.slot);
                    let is_new = self.trades.insert((home, id));
                    require(!is_new || !self.are_final.contains(&(home, slot)), || {
                        format!("slot {} was final for home {home}, and then it recorded trade {id}", slot.0.0)
                    })?;
                    self.pending.insert((home, slot));
                }
                _ => {}
            }
        }
        let Some(household) = street.household(home) else { return Ok(()) };
        let of_home = self.pending.range((home, Slot(UtcMillis(0)))..).take_while(|(whose, _)| *whose == home);
        let done: Vec<_> = of_home.filter(|(_, slot)| household.is_final(*slot)).copied().collect();
        for slot in done {
            self.pending.remove(&slot);
            self.are_final.insert(slot);
        }
        Ok(())
    }

    fn when_all_is_over(&mut self, _: &Chronicle, street: &mut Street) -> Result<(), String> {
        for (home, slot) in &self.pending {
            let stands_by = street.is_honest_member(*home) && street.is_running(*home);
            require(!stands_by || is_held_up(street, *home, *slot), || {
                format!("slot {} never became final for home {home}", slot.0.0)
            })?;
        }
        Ok(())
    }
}

/// Whether a take is in doubt with somebody who has left: nobody but the operators can end that, by a seal.
fn is_held_up(street: &Street, home: usize, slot: Slot) -> bool {
    let takes = street.disk(home).reservations().values().map(|take| &take.proposal);
    let mut makers = takes.filter(|take| take.slot == slot).filter_map(|take| street.number(&take.maker.author));
    makers.any(|maker| !street.is_honest_member(maker))
}
