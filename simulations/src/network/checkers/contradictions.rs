//! 6 and 7.8: whose contradiction lies in what all members hold, is convicted by them.

use std::collections::BTreeMap;

use wattswap_matching::WattHours;
use wattswap_node::protocol::agreement::words::Acceptance;
use wattswap_node::protocol::entry::{Fill, Op};
use wattswap_node::protocol::ids::{EntryId, LogId, MemberKey, OrderId, ProposalId};
use wattswap_node::protocol::limits::MAX_INCARNATIONS;

use super::{Checker, Chronicle, require};
use crate::network::Street;

/// Reads what an honest member holds of each cheat that goes free.
pub(super) struct Contradictions;

impl Checker for Contradictions {
    fn name(&self) -> &'static str {
        "contradictions"
    }

    fn at_rest(&mut self, _: &Chronicle, street: &mut Street) -> Result<(), String> {
        let Some(home) = street.an_honest_member() else { return Ok(()) };
        let cheats: Vec<MemberKey> = street.cheats().map(|(cheat, _)| cheat).map(|cheat| street.key(cheat)).collect();
        let convicted = street.household(home).map(|household| household.status().convicted).unwrap_or_default();
        for cheat in cheats.into_iter().filter(|cheat| !convicted.contains(cheat)) {
            let free = |what: String| {
                format!("home {:?} {what}, as home {home} holds, and is not convicted", street.number(&cheat))
            };
            let logs = street.disk(home).logs_by(cheat);
            require(logs <= MAX_INCARNATIONS, || free(format!("has begun {logs} logs")))?;
            Words::of(street, home, cheat).contradiction().map_or(Ok(()), |what| Err(free(what)))?;
        }
        Ok(())
    }
}

/// An acceptance that was signed well, and the order that it is of.
type Given = (OrderId, Acceptance);

/// What somebody signed of its orders.
#[derive(Default)]
struct Words {
    /// Orders by their logs.
    placed: BTreeMap<OrderId, (LogId, WattHours)>,
    /// Numbers of the entries that cancel them.
    cancelled: BTreeMap<OrderId, u64>,
    given: BTreeMap<LogId, Vec<Given>>,
}

impl Words {
    fn of(street: &Street, home: usize, author: MemberKey) -> Self {
        let mut words = Self::default();
        for entry in street.disk(home).entries_by(author) {
            for (index, op) in (0..).zip(&entry.ops) {
                match op {
                    Op::Place(order) => {
                        let id = OrderId { entry: EntryId(entry.hash()), index };
                        words.placed.insert(id, (entry.log, order.quantity));
                    }
                    Op::Cancel { order, .. } => drop(words.cancelled.entry(*order).or_insert(entry.seq)),
                    Op::Fill(_) | Op::Seal(_) => {}
                }
            }
        }
        for fill in street.disk(home).entries().flat_map(|entry| entry.fills()) {
            let (proposal, acceptance) = (*fill.proposal, *fill.acceptance);
            if proposal.maker.author == author && is_agreed(fill) {
                words.given.entry(proposal.maker).or_default().push((proposal.order, acceptance));
            }
        }
        words
    }

    fn contradiction(&self) -> Option<String> {
        self.given.iter().find_map(|(log, given)| {
            given.iter().enumerate().find_map(|(at, one)| {
                let twice = given[..at].iter().find_map(|other| contradict(one, other));
                twice.or_else(|| self.breaks_its_order(log, one))
            })
        })
    }

    fn breaks_its_order(&self, log: &LogId, (order, acceptance): &Given) -> Option<String> {
        let (_, quantity) = self.placed.get(order).filter(|(placed_in, _)| placed_in == log)?;
        let total = acceptance.filled_total;
        let overfills = total > *quantity;
        let cancelled = self.cancelled.get(order).is_some_and(|seq| *seq < acceptance.seq);
        match () {
            () if overfills => Some(format!("gave away {total} of order {order} over {quantity}")),
            () if cancelled => Some(format!("gave of order {order} after its cancel")),
            () => None,
        }
    }
}

/// Whether the two words belong together, and are signed well.
fn is_agreed(fill: &Fill) -> bool {
    let (proposal, acceptance) = (&fill.proposal, &fill.acceptance);
    let maker = LogId { author: acceptance.maker, incarnation: acceptance.incarnation };
    acceptance.proposal == ProposalId(proposal.hash()) && proposal.maker == maker && fill.verify().is_ok()
}

fn contradict((order, one): &Given, (other_order, other): &Given) -> Option<String> {
    if one.proposal == other.proposal {
        return (one != other).then(|| format!("has accepted proposal {} in two ways", one.proposal));
    }
    let begins = |given: &Acceptance| given.filled_total - given.quantity;
    let overlap = begins(one) < other.filled_total && begins(other) < one.filled_total;
    (order == other_order && overlap).then(|| format!("gave the same part of order {order} away twice"))
}
