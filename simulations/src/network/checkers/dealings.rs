//! 7.1 and 7.2 of whoever dealt with a cheat: what binds an honest member by a cheat's log it knows of, has not let go of,
//! and it is no more than was wished.
//!
//! The chronicle believes no cheat. But at rest all members hold the same, and what counts of it is as the protocol says:
//! here alone that is judged by the protocol's own fold.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::WattHours;
use wattswap_node::protocol::charter::Act;
use wattswap_node::protocol::entry::Trade;
use wattswap_node::protocol::fold::Fold;
use wattswap_node::protocol::household::io::Record;
use wattswap_node::protocol::ids::ProposalId;

use super::chronicle::Whose;
use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// Remembers what was let go without a trade.
#[derive(Default)]
pub(super) struct Dealings {
    let_go: BTreeSet<(usize, ProposalId)>,
}

impl Checker for Dealings {
    fn name(&self) -> &'static str {
        "dealings"
    }

    fn after_turn(&mut self, _: &Chronicle, _: &mut Street, turn: &Turn) -> Result<(), String> {
        let released = turn.records.iter().filter_map(|record| match record {
            Record::Released(id) => Some(*id),
            _ => None,
        });
        let known: BTreeSet<ProposalId> = turn.records.iter().filter_map(traded).collect();
        self.let_go.extend(released.filter(|id| !known.contains(id)).map(|id| (turn.home, id)));
        Ok(())
    }

    fn at_rest(&mut self, seen: &Chronicle, street: &mut Street) -> Result<(), String> {
        if street.cheats().next().is_none() {
            return Ok(());
        }
        let Some(home) = street.an_honest_member() else { return Ok(()) };
        let (fold, trades) = street.binding_trades(home);
        each_order_is_filled_by_its_own_trades(seen, street, &fold, &trades)?;
        let mut bound: BTreeMap<Whose, WattHours> = BTreeMap::new();
        for trade in trades {
            let (id, quantity) = (trade.id(), trade.acceptance.quantity);
            let (maker, taker) = (trade.acceptance.maker, trade.proposal.taker.author);
            let wishes = [seen.order_of.get(&trade.proposal.order), seen.proposal_of.get(&id)];
            for (party, whose) in [maker, taker].into_iter().zip(wishes) {
                let Some(home) = street.number(&party).filter(|home| street.is_honest_member(*home)) else { continue };
                let (home, request) = *whose.ok_or_else(|| format!("trade {id} serves no wish of home {home}"))?;
                let bound = bound.entry((home, request)).or_default();
                *bound += quantity;
                let wished = seen.wishes[&(home, request)].quantity;
                require(*bound <= wished, || {
                    format!("home {home} wished {wished}, and is bound to {bound} by what all hold; last trade {id}")
                })?;
                self.is_known(&id, home, street)?;
            }
        }
        Ok(())
    }
}

impl Dealings {
    fn is_known(&self, id: &ProposalId, home: usize, street: &Street) -> Result<(), String> {
        let let_go = self.let_go.contains(&(home, *id)) && !street.was_lost_with_disk(home, id);
        require(!let_go, || format!("home {home} let go of trade {id}, which binds"))?;
        let disk = street.disk(home);
        let knows = disk.trades().contains_key(id) || disk.reservations().contains_key(id);
        require(knows, || format!("home {home} knows nothing of trade {id}, which binds"))
    }
}

/// Whatever orders a proposal names: an honest household's order is filled by those trades that its owner made with it.
fn each_order_is_filled_by_its_own_trades(
    seen: &Chronicle,
    street: &Street,
    fold: &Fold,
    trades: &[Trade],
) -> Result<(), String> {
    let honest = seen.orders.iter().filter(|(_, placed)| street.is_honest_key(&placed.log.author));
    for (id, placed) in honest {
        let Some(resting) = fold.order(id) else { continue };
        let own = trades.iter().filter(|trade| placed.is_taken_by(id, &trade.proposal));
        let filled: WattHours = own.map(|trade| trade.acceptance.quantity).sum();
        require(resting.filled() == filled, || {
            format!("{} seem to be filled of order {id}, whose owner has sold or bought {filled}", resting.filled())
        })?;
    }
    Ok(())
}

fn traded(record: &Record) -> Option<ProposalId> {
    if let Record::Trade(own) = record { Some(own.trade.id()) } else { None }
}

impl Street {
    /// One of those who should hold what all others hold.
    pub(super) fn an_honest_member(&self) -> Option<usize> {
        (0..self.homes()).find(|home| self.is_honest_member(*home) && self.is_running(*home))
    }

    /// What a household holds comes to, and the trades that bind by it.
    fn binding_trades(&self, home: usize) -> (Fold, Vec<Trade>) {
        let mut fold = Fold::new(self.community());
        fold.advance(self.now);
        for record in self.disk(home).records() {
            match record {
                Record::Governance(record) => match record.record.act {
                    Act::Charter(charter) => fold.know(record.id, charter),
                    Act::Seals(ends) => ends.iter().for_each(|end| fold.seal(end)),
                },
                Record::Entry(entry) => fold.add(&entry),
                Record::Proof { key, .. } => fold.convict(key),
                _ => {}
            }
        }
        let ids: BTreeSet<ProposalId> =
            self.disk(home).entries().flat_map(|entry| entry.fills()).map(|fill| fill.id()).collect();
        let bound = ids.iter().filter_map(|id| fold.trade(id)).filter(|bound| bound.binds());
        let trades = bound.map(|bound| bound.trade.clone()).collect();
        (fold, trades)
    }
}
