//! Cancels an order as soon as somebody wants it, and gives it away all the same.

use std::time::Duration;

use wattswap_matching::{UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::entry::Op;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::signed::Signed;

use super::{Cheat, Hand};

#[derive(Default)]
pub struct AfterCanceller {
    next: UtcMillis,
}

impl Cheat for AfterCanceller {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        let cancel = Op::Cancel { order: proposal.order, leaves: WattHours::ZERO };
        let entry = hand.pen.write(hand.now, vec![cancel]);
        hand.show(&entry);
        let total = hand.pen.count(proposal);
        hand.fill(proposal, total, hand.now);
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
    }
}
