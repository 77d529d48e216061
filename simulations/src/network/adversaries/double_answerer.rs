//! Tells the taker half of the quantity that it logs, or refuses what it logs.

use std::time::Duration;

use wattswap_matching::{UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
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
        let logged = hand.pen.accept(proposal, total, hand.now);
        let other = if hand.random.chance(500) {
            Message::Refusal(hand.pen.refuse(proposal, hand.now).bytes().clone())
        } else {
            // The taker sells the other half elsewhere.
            let half = proposal.up_to - WattHours(proposal.up_to.0 / 2);
            let told = hand.pen.sign(Acceptance { quantity: half, ..**logged });
            Message::Acceptance(told.bytes().clone())
        };
        hand.send(proposal.taker.author, &other);
        hand.fill_with(proposal, &logged);
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
    }
}
