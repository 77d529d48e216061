//! 7.2: a trade that was reported to a user as done binds, and survives any crash.

use std::collections::BTreeMap;

use wattswap_node::protocol::household::io::Event;
use wattswap_node::protocol::ids::ProposalId;

use super::chronicle::Agreed;
use super::{Checker, Chronicle, require};
use crate::network::disk::Disk;
use crate::network::{Street, Turn};

/// Remembers what was reported to whom.
#[derive(Default)]
pub(super) struct Reported {
    /// With how often its disk had been replaced until then.
    done: BTreeMap<(usize, ProposalId), u32>,
}

impl Reported {
    fn survive(&self, seen: &Chronicle, street: &Street) -> Result<(), String> {
        for ((home, id), restores) in &self.done {
            let kept = street.disk(*home).trades().get(id);
            // The loss of a disk is another matter: then what the counterparty holds stands.
            if street.restores(*home) > *restores && kept.is_none_or(|kept| kept.provisional) {
                continue;
            }
            let kept = kept.ok_or_else(|| format!("trade {id} was reported to home {home}, which has lost it"))?;
            let agreed = &seen.trades[id];
            let same = **kept.trade.acceptance == agreed.acceptance;
            require(same, || format!("trade {id} was reported to home {home} and is another one now"))?;
            // What a seal takes away is taken back; nothing else is.
            let is_held = match agreed.acceptance.maker == street.key(*home) {
                true => seen.makers_counts(agreed),
                false => seen.takers_counts(agreed),
            };
            require(!kept.provisional || !is_held, || {
                format!("home {home} took back trade {id}, which its log holds")
            })?;
            // A cheat's log may hold it, which the chronicle does not believe.
            let parties = [&agreed.acceptance.maker, &agreed.proposal.taker.author];
            let is_known = parties.into_iter().all(|party| street.is_honest_key(party));
            let is_told = kept.provisional || seen.binds(agreed) || !street.is_honest_member(*home) || !is_known;
            require(is_told, || format!("trade {id} binds no more, and home {home} was not told"))?;
        }
        Ok(())
    }
}

/// Whether the maker's copy counts, or one of the taker's, as far as who has this disk can know: somebody whose log was
/// sealed by the operators goes on with it until it hears of that.
fn counts(seen: &Chronicle, disk: &Disk, agreed: &Agreed, by_maker: bool) -> bool {
    let (counts, copy) = match by_maker {
        true => (seen.makers_counts(agreed), agreed.by_maker.as_ref()),
        false => (seen.takers_counts(agreed), agreed.by_taker.last()),
    };
    counts || copy.is_some_and(|copy| seen.is_beyond_seal_unheard(copy, disk))
}

impl Checker for Reported {
    fn name(&self) -> &'static str {
        "reported"
    }

    fn after_turn(&mut self, seen: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        for (id, by_maker) in &seen.fresh {
            let agreed = &seen.trades[id];
            let counts = counts(seen, street.disk(turn.home), agreed, *by_maker);
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
            let held = counts(seen, street.disk(turn.home), agreed, is_maker);
            require(held, || format!("trade {id} was reported to home {}, whose log does not hold it", turn.home))?;
            self.done.insert((turn.home, id), street.restores(turn.home));
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
