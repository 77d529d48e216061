//! Fills in an entry that is dated ahead of all clocks, so that nobody can judge it yet, and meanwhile refuses.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::message::Message;
use wattswap_node::protocol::signed::Signed;

use super::{Cheat, Hand};

#[derive(Default)]
pub struct Postdater {
    next: UtcMillis,
}

impl Cheat for Postdater {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        if !hand.pen.may_accept(proposal, hand.now) {
            return;
        }
        let total = hand.pen.count(proposal);
        // The last moment at which the taker would still be bound.
        let at = UtcMillis(proposal.expires_at.0 - 1);
        let acceptance = hand.pen.accept(proposal, total, at);
        let entry = hand.pen.fill(proposal, &acceptance);
        hand.show(&entry);
        let refusal = hand.pen.refuse(proposal, hand.now);
        hand.send(proposal.taker.author, &Message::Refusal(refusal.bytes().clone()));
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
    }
}
