//! Sends orders, beacons, questions and logs without end.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::limits::MAX_RANGE;
use wattswap_node::protocol::message::Message;

use super::{Cheat, Hand};

/// Of each, every second.
const AT_ONCE: u64 = 20;

#[derive(Default)]
pub struct Flooder {
    next: UtcMillis,
}

impl Cheat for Flooder {
    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if !hand.is_due(&mut self.next, Duration::from_secs(1)) {
            return;
        }
        hand.offer();
        for number in 0..AT_ONCE {
            let at = UtcMillis(hand.now.0 + number);
            hand.show_beacon(at.max(hand.pen.entries.last().map_or(at, |last| last.at)));
            let (to, log) = (hand.somebody(), hand.pen.log);
            for message in [
                Message::GetHeads,
                Message::GetBeacon,
                Message::GetProofs,
                Message::GetGovernance { from: 0 },
                Message::GetRange { log, from: number, count: MAX_RANGE },
                Message::Clock(UtcMillis(hand.random.below(hand.now.0 * 2))),
            ] {
                hand.send(to, &message);
            }
        }
    }
}
