//! Accepts more than was proposed: all of an order of which somebody wants a part. It says so to the taker alone: an entry
//! with such a fill nobody can read.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::message::Message;
use wattswap_node::protocol::signed::Signed;

use super::pen::OFFERED;
use super::{Cheat, Hand};

#[derive(Default)]
pub struct OverAccepter {
    next: UtcMillis,
}

impl Cheat for OverAccepter {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        // To give somebody more than all of it is the overfiller's way.
        if proposal.up_to >= OFFERED || !hand.pen.may_accept(proposal, hand.now) {
            return;
        }
        hand.pen.given.insert(proposal.order, OFFERED.0);
        let all = Acceptance { quantity: OFFERED, ..**hand.pen.accept(proposal, OFFERED.0, hand.now) };
        let acceptance = hand.pen.sign(all);
        hand.send(proposal.taker.author, &Message::Acceptance(acceptance.bytes().clone()));
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
    }
}
