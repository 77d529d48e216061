//! Says that its log ends, and appends before that.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::entry::Op;
use wattswap_node::protocol::household::io::Output;

use super::{Cheat, Hand};

#[derive(Default)]
pub struct BeaconBreaker {
    next: UtcMillis,
}

impl Cheat for BeaconBreaker {
    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if !hand.is_due(&mut self.next, Duration::from_secs(20)) {
            return;
        }
        hand.offer();
        hand.show_beacon(hand.now.after(Duration::from_millis(1)));
        if let Some(order) = hand.pen.order(hand.now, &hand.charter, hand.random) {
            let entry = hand.pen.write(hand.now, vec![Op::Place(order)]);
            hand.show(&entry);
        }
    }
}
