//! Accepts whatever is proposed, and counts on beyond what it ordered.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::signed::Signed;

use super::{Cheat, Hand};

#[derive(Default)]
pub struct Overfiller {
    next: UtcMillis,
}

impl Cheat for Overfiller {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        // It has a consent for each that it proposes to fill, and gives away the order once more.
        let total = hand.pen.count(proposal) + super::pen::OFFERED.0;
        hand.fill(proposal, total, hand.now);
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
    }
}
