//! Gives the first part of an order to everybody who asks.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::signed::Signed;

use super::{Cheat, Hand};

#[derive(Default)]
pub struct DoubleFiller {
    next: UtcMillis,
}

impl Cheat for DoubleFiller {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        hand.fill(proposal, proposal.up_to.0, hand.now);
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
    }
}
