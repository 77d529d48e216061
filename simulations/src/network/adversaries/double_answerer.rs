//! Tells the taker another quantity than it logs, or refuses what it logs.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::message::Message;
use wattswap_node::protocol::signed::Signed;

use super::{Cheat, Hand};

#[derive(Default)]
pub struct DoubleAnswerer {
    next: UtcMillis,
}

impl Cheat for DoubleAnswerer {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        let total = hand.pen.count(proposal);
        let taker = proposal.taker.author;
        let other = if hand.random.chance(500) {
            Message::Refusal(hand.pen.refuse(proposal, hand.now).bytes().clone())
        } else {
            Message::Acceptance(hand.pen.accept(proposal, total + 1, hand.now).bytes().clone())
        };
        hand.send(taker, &other);
        hand.fill(proposal, total, hand.now);
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
    }
}
