//! Proposes one order of its own to many makers at once, asks each for all of it, and shows its copies late or never. As
//! `borrower` it names an order of somebody else's instead.

use std::collections::VecDeque;
use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
use wattswap_node::protocol::entry::{Entry, Fill, Op, Order};
use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::ids::{CommunityId, EntryId, LogId, MemberKey, OrderId, ProposalId};
use wattswap_node::protocol::message::{Bytes, Gossip, Message};
use wattswap_node::protocol::signed::{Signed, Verified};

use super::{Cheat, Hand};

/// Orders of others that it remembers.
const SEEN: usize = 64;
/// Makers that it asks at once.
const ASKED: usize = 3;
/// How long it keeps a copy to itself.
const KEEPS_FOR: Duration = Duration::from_secs(40);

/// An order that somebody has placed.
#[derive(Clone)]
struct Seen {
    community: CommunityId,
    log: LogId,
    id: OrderId,
    order: Order,
}

#[derive(Default)]
pub struct OverTaker {
    /// Names a neighbour's order as the one for which it takes.
    borrows: bool,
    next: UtcMillis,
    seen: VecDeque<Seen>,
    proposed: VecDeque<Verified<Proposal>>,
    kept: Vec<(UtcMillis, Fill)>,
}

impl Cheat for OverTaker {
    fn hears(&mut self, hand: &mut Hand<'_>, input: &mut Input) -> bool {
        match input {
            Input::Gossip { bytes, .. } => {
                if let Ok(Gossip::Entry(bytes)) = Gossip::decode(bytes)
                    && let Ok(entry) = Signed::<Entry>::parse(bytes)
                {
                    self.look_at(&entry);
                }
                true
            }
            Input::Message { bytes, .. } => match Message::decode(bytes) {
                Ok(Message::Acceptance(bytes)) => !self.is_accepted(hand, bytes),
                _ => true,
            },
            _ => true,
        }
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(5)) {
            self.propose_to_many(hand);
        }
        let now = hand.now;
        let due: Vec<Fill> = self.kept.extract_if(.., |(due, _)| *due <= now).map(|(_, fill)| fill).collect();
        for fill in due {
            // Every other copy never comes to light.
            if hand.random.chance(500) {
                let entry = hand.pen.write(now, vec![Op::Fill(Box::new(fill))]);
                hand.show(&entry);
            }
        }
    }
}

impl OverTaker {
    /// One that takes for its neighbours' orders.
    pub fn borrower() -> Self {
        Self { borrows: true, ..Self::default() }
    }

    fn look_at(&mut self, entry: &Signed<Entry>) {
        let entry_id = EntryId(entry.hash());
        for (index, op) in (0u16..).zip(&entry.ops) {
            if let Op::Place(order) = op {
                let id = OrderId { entry: entry_id, index };
                self.seen.push_front(Seen { community: entry.community, log: entry.log, id, order: *order });
            }
        }
        self.seen.truncate(SEEN);
    }

    /// Posts an order, and takes from several makers for it: from each as much as the order holds.
    fn propose_to_many(&mut self, hand: &mut Hand<'_>) {
        let Some(wanted) = hand.pen.order(hand.now, &hand.charter, hand.random) else { return };
        let entry = hand.pen.write(hand.now, vec![Op::Place(wanted)]);
        hand.show(&entry);
        let own_order = match self.borrows {
            true => self.neighbours(&wanted, hand.pen.log.author),
            false => Some(OrderId { entry: EntryId(entry.hash()), index: 0 }),
        };
        for seen in self.makers(&wanted, hand.pen.log.author) {
            let proposal = Proposal {
                community: seen.community,
                charter: seen.order.charter,
                slot: wanted.slot,
                side: wanted.side,
                taker: hand.pen.log,
                maker: seen.log,
                order: seen.id,
                own_order,
                up_to: wanted.quantity,
                price: seen.order.price,
                nonce: hand.random.number(),
                expires_at: hand.now.after(hand.charter.1.proposal_lifetime),
            };
            let proposal = hand.pen.sign(proposal);
            hand.send(seen.log.author, &Message::Proposal(proposal.bytes().clone()));
            self.proposed.push_front(proposal);
        }
        self.proposed.truncate(SEEN);
    }

    /// An order of somebody else who wants the same.
    fn neighbours(&self, wanted: &Order, me: MemberKey) -> Option<OrderId> {
        let is_alike = |seen: &&Seen| (seen.order.slot, seen.order.side) == (wanted.slot, wanted.side);
        self.seen.iter().filter(|seen| seen.log.author != me).find(is_alike).map(|seen| seen.id)
    }

    /// The newest orders that suit, one a maker.
    fn makers(&self, wanted: &Order, me: MemberKey) -> Vec<Seen> {
        let mut makers: Vec<Seen> = Vec::new();
        for seen in self.seen.iter().filter(|seen| seen.log.author != me && crosses(wanted, &seen.order)) {
            if makers.len() < ASKED && makers.iter().all(|known| known.log.author != seen.log.author) {
                makers.push(seen.clone());
            }
        }
        makers
    }

    /// Whether this accepts one of its proposals, of which its own software knows nothing.
    fn is_accepted(&mut self, hand: &Hand<'_>, bytes: Bytes) -> bool {
        let Ok(acceptance) = Signed::<Acceptance>::parse(bytes) else { return false };
        let of_it = |proposal: &&Verified<Proposal>| ProposalId(proposal.hash()) == acceptance.proposal;
        let Some(proposal) = self.proposed.iter().find(of_it) else { return false };
        let fill = Fill { proposal: Signed::clone(proposal), acceptance };
        self.kept.push((hand.now.after(KEEPS_FOR), fill));
        true
    }
}

fn crosses(wanted: &Order, order: &Order) -> bool {
    wanted.slot == order.slot && wanted.side == order.side.opposite() && wanted.side.accepts(wanted.price, order.price)
}
