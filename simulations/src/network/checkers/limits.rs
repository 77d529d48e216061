//! 3: with each order that an honest household places, what its log has filled and open on that side of the slot stays
//! within its connection, by the charter that the order names.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::{Side, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::charter::Charter;
use wattswap_node::protocol::entry::{Entry, Fill, Op, Order};
use wattswap_node::protocol::household::io::Record;
use wattswap_node::protocol::ids::{EntryId, LogId, MemberKey, OrderId, ProposalId, ShapeId};
use wattswap_node::protocol::signed::Verified;

use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// One side of a slot under one shape, in one log.
type Account = (LogId, Slot, ShapeId, Side);

/// Adds up what logs say of their own orders.
#[derive(Default)]
pub(super) struct Limits {
    orders: BTreeMap<OrderId, Placed>,
    /// Which of them stand in which account.
    of_account: BTreeMap<Account, Vec<OrderId>>,
    /// Taken without an order of one's own.
    taken: BTreeMap<Account, WattHours>,
    fills: BTreeSet<(LogId, ProposalId)>,
    /// What was lost with a disk is fetched back.
    noted: BTreeSet<EntryId>,
}

/// An order, by its own log alone.
struct Placed {
    account: Account,
    order: Order,
    filled: WattHours,
    /// What its newest cancel leaves.
    leaves: Option<WattHours>,
}

impl Checker for Limits {
    fn name(&self) -> &'static str {
        "limits"
    }

    fn after_turn(&mut self, seen: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        let me = street.key(turn.home);
        for record in &turn.records {
            let Record::Entry(entry) = record else { continue };
            if entry.log.author == me && self.noted.insert(EntryId(entry.hash())) {
                self.entry(seen, entry).map_err(|what| format!("home {} {what}", turn.home))?;
            }
        }
        Ok(())
    }
}

impl Limits {
    fn entry(&mut self, seen: &Chronicle, entry: &Verified<Entry>) -> Result<(), String> {
        for (index, op) in (0_u16..).zip(&entry.ops) {
            match op {
                Op::Place(order) => {
                    let id = OrderId { entry: EntryId(entry.hash()), index };
                    self.place(seen, entry, id, order)?;
                }
                Op::Cancel { order, leaves } => {
                    if let Some(placed) = self.orders.get_mut(order) {
                        placed.leaves = Some(*leaves);
                    }
                }
                Op::Fill(fill) => self.fill(seen, entry.log, fill),
                Op::Seal(_) => {}
            }
        }
        Ok(())
    }

    fn place(&mut self, seen: &Chronicle, entry: &Entry, id: OrderId, order: &Order) -> Result<(), String> {
        let charter = seen.charters.get(&order.charter).ok_or("names a charter that nobody made")?;
        let account = (entry.log, order.slot, charter.shape.id(), order.side);
        let others = self.of_account.entry(account).or_default();
        let before: WattHours = others.iter().map(|other| self.orders[other].exposure(entry.at)).sum();
        others.push(id);
        let total = before + self.taken.get(&account).copied().unwrap_or_default() + order.quantity;
        let limit = connection(charter, &entry.log.author, order.side);
        require(total <= limit, || {
            format!("has {total} filled and open with order {id}, over a connection of {limit}")
        })?;
        self.orders.insert(id, Placed { account, order: *order, filled: WattHours::ZERO, leaves: None });
        Ok(())
    }

    fn fill(&mut self, seen: &Chronicle, log: LogId, fill: &Fill) {
        let (proposal, quantity) = (&fill.proposal, fill.acceptance.quantity);
        if !self.fills.insert((log, ProposalId(proposal.hash()))) {
            return;
        }
        let own = if proposal.maker == log { Some(proposal.order) } else { proposal.own_order };
        let own = own.and_then(|order| self.orders.get_mut(&order)).filter(|placed| placed.account.0 == log);
        if let Some(placed) = own {
            placed.filled += quantity;
            placed.leaves = placed.leaves.map(|leaves| leaves.less_at_least_zero(quantity));
        } else if let Some(charter) = seen.charters.get(&proposal.charter) {
            *self.taken.entry((log, proposal.slot, charter.shape.id(), proposal.side)).or_default() += quantity;
        }
    }
}

impl Placed {
    /// What is filled, and what still can be.
    fn exposure(&self, at: UtcMillis) -> WattHours {
        let open = match self.leaves {
            Some(leaves) => leaves,
            None if self.order.expires_at <= at => WattHours::ZERO,
            None => self.order.quantity - self.filled,
        };
        self.filled + open
    }
}

/// What a member's connection carries in one slot's delivery time; nothing for who is no member.
fn connection(charter: &Charter, key: &MemberKey, side: Side) -> WattHours {
    let member = charter.members.iter().find(|member| member.key == *key);
    let watts = member.map_or(0, |member| if side == Side::Buy { member.import.0 } else { member.export.0 });
    let millis = charter.shape.delivery_time.as_millis();
    WattHours(i64::try_from(u128::from(watts) * millis / 3_600_000).expect("a connection carries kilowatts"))
}
