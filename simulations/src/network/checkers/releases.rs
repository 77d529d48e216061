//! 5: a taker frees what it reserved only when no fill can come any more. Otherwise it may sell it twice.

use std::collections::BTreeSet;

use wattswap_node::protocol::household::io::Record;
use wattswap_node::protocol::ids::ProposalId;

use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// Remembers proposals that were let go without a trade.
#[derive(Default)]
pub(super) struct Releases {
    let_go: BTreeSet<ProposalId>,
}

impl Checker for Releases {
    fn name(&self) -> &'static str {
        "releases"
    }

    fn after_turn(&mut self, seen: &Chronicle, _: &mut Street, turn: &Turn) -> Result<(), String> {
        for (id, _) in &seen.fresh {
            // Beyond a seal of which its maker has not heard, it binds nobody.
            let is_late = self.let_go.contains(id) && seen.binds(&seen.trades[id]);
            require(!is_late, || format!("trade {id} was agreed, but its taker had let go of it"))?;
        }
        for record in &turn.records {
            let Record::Released(id) = record else { continue };
            let knows = |record: &Record| matches!(record, Record::Trade(own) if own.trade.id() == *id);
            if turn.records.iter().any(knows) {
                continue;
            }
            let agreed = seen.trades.get(id).is_some_and(|agreed| seen.binds(agreed));
            require(!agreed, || format!("home {} let go of trade {id}, which its maker had agreed to", turn.home))?;
            self.let_go.insert(*id);
        }
        Ok(())
    }
}
