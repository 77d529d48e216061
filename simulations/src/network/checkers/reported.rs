//! 7.2: a trade that was reported to a user as done binds, and survives any crash.

use std::collections::BTreeSet;

use wattswap_node::protocol::household::io::Event;
use wattswap_node::protocol::ids::ProposalId;

use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// Remembers what was reported to whom.
#[derive(Default)]
pub(super) struct Reported {
    done: BTreeSet<(usize, ProposalId)>,
}

impl Reported {
    fn survive(&self, seen: &Chronicle, street: &Street) -> Result<(), String> {
        for (home, id) in &self.done {
            let kept = street.disk(*home).trades().get(id);
            // The loss of a disk is another matter: then what the counterparty holds stands.
            if street.was_restored(*home) && kept.is_none_or(|kept| kept.provisional) {
                continue;
            }
            let kept = kept.ok_or_else(|| format!("trade {id} was reported to home {home}, which has lost it"))?;
            let same = **kept.trade.acceptance == seen.trades[id].acceptance && !kept.provisional;
            require(same, || format!("trade {id} was reported to home {home} and is another one now"))?;
        }
        Ok(())
    }
}

impl Checker for Reported {
    fn name(&self) -> &'static str {
        "reported"
    }

    fn after_turn(&mut self, seen: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        for (id, by_maker) in &seen.fresh {
            let agreed = &seen.trades[id];
            let counts = if *by_maker { seen.makers_counts(agreed) } else { seen.takers_counts(agreed) };
            require(counts, || format!("home {} wrote a copy of trade {id} that does not count", turn.home))?;
        }
        for news in turn.news() {
            let Event::Trade(own) = news else { continue };
            if own.provisional {
                continue;
            }
            let id = own.trade.id();
            let agreed = seen.trades.get(&id).ok_or_else(|| format!("trade {id} was reported and stands in no log"))?;
            let is_maker = own.trade.acceptance.maker == street.key(turn.home);
            let held = if is_maker { seen.makers_counts(agreed) } else { seen.takers_counts(agreed) };
            require(held, || format!("trade {id} was reported to home {}, whose log does not hold it", turn.home))?;
            self.done.insert((turn.home, id));
        }
        Ok(())
    }

    fn at_rest(&mut self, seen: &Chronicle, street: &mut Street) -> Result<(), String> {
        self.survive(seen, street)
    }

    fn when_all_is_over(&mut self, seen: &Chronicle, street: &mut Street) -> Result<(), String> {
        self.survive(seen, street)
    }
}
