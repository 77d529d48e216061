//! Two that plan together: one sells to a neighbour, and much later gives the same part to the other as well, dated
//! back to the first sale. Its own log never holds that: only the accomplice's copy shows it.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
use wattswap_node::protocol::entry::{Entry, Fill, Op};
use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::ids::ProposalId;
use wattswap_node::protocol::message::{Bytes, Gossip, Message};
use wattswap_node::protocol::signed::{Signed, Verified};

use super::{Cheat, Hand};

/// From the sale until the accomplice asks: the neighbour has long counted on it.
const WAITS_FOR: Duration = Duration::from_secs(40);
/// The words between the two get lost as any others do.
const ASKS_EVERY: Duration = Duration::from_secs(5);

/// Honest to everybody but for what it gives its accomplice.
#[derive(Default)]
pub struct Colluder {
    next: UtcMillis,
}

impl Cheat for Colluder {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        if Some(proposal.taker.author) == hand.accomplice {
            give_again(hand, proposal);
        } else if hand.pen.may_accept(proposal, hand.now) {
            let total = hand.pen.count(proposal);
            hand.fill(proposal, total, hand.now);
        }
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
    }
}

/// The same words as to the neighbour who wanted the same.
fn give_again(hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
    let is_same = |fill: &&Fill| (fill.proposal.order, fill.proposal.up_to) == (proposal.order, proposal.up_to);
    let Some(sold) = hand.pen.fills().find(is_same) else { return };
    let again = hand.pen.sign(Acceptance { proposal: ProposalId(proposal.hash()), ..*sold.acceptance });
    hand.send(proposal.taker.author, &Message::Acceptance(again.bytes().clone()));
}

/// Takes what the colluder has sold already.
#[derive(Default)]
pub struct Accomplice {
    /// When it asks next, and for what.
    plan: Option<(UtcMillis, Verified<Proposal>)>,
}

impl Cheat for Accomplice {
    fn hears(&mut self, hand: &mut Hand<'_>, input: &mut Input) -> bool {
        match input {
            Input::Gossip { bytes, .. } => {
                if let Ok(Gossip::Entry(bytes)) = Gossip::decode(bytes)
                    && let Ok(entry) = Signed::<Entry>::parse(bytes)
                {
                    self.look_at(hand, &entry);
                }
                true
            }
            Input::Message { bytes, .. } => match Message::decode(bytes) {
                Ok(Message::Acceptance(bytes)) => !self.is_given(hand, bytes),
                _ => true,
            },
            _ => true,
        }
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if let Some((next, wanted)) = &mut self.plan
            && hand.is_due(next, ASKS_EVERY)
        {
            hand.send(wanted.maker.author, &Message::Proposal(wanted.bytes().clone()));
        }
    }
}

impl Accomplice {
    /// Wants the next sale of the colluder's for itself.
    fn look_at(&mut self, hand: &Hand<'_>, entry: &Signed<Entry>) {
        let sale = entry.fills().find(|fill| fill.proposal.maker == entry.log).map(|fill| *fill.proposal);
        if self.plan.is_none()
            && Some(entry.log.author) == hand.accomplice
            && let Some(sold) = sale
        {
            let wanted = hand.pen.sign(Proposal { taker: hand.pen.log, own_order: None, ..sold });
            self.plan = Some((hand.now.after(WAITS_FOR), wanted));
        }
    }

    /// Whether this accepts what it wants: then everybody gets to see its copy.
    fn is_given(&mut self, hand: &mut Hand<'_>, bytes: Bytes) -> bool {
        let Ok(acceptance) = Signed::<Acceptance>::parse(bytes) else { return false };
        let is_wanted = |wanted: &Verified<Proposal>| ProposalId(wanted.hash()) == acceptance.proposal;
        let Some((_, wanted)) = self.plan.take_if(|(_, wanted)| is_wanted(wanted)) else { return false };
        let fill = Fill { proposal: Signed::clone(&wanted), acceptance };
        let entry = hand.pen.write(hand.now, vec![Op::Fill(Box::new(fill))]);
        hand.show(&entry);
        true
    }
}
