//! Signs an entry badly and its successor well: who hears them live must come to the same end as who syncs.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::entry::Op;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::message::Gossip;

use super::{Cheat, Hand};

#[derive(Default)]
pub struct GarbageSigner {
    next: UtcMillis,
}

impl Cheat for GarbageSigner {
    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if !hand.is_due(&mut self.next, Duration::from_secs(10)) {
            return;
        }
        let Some(order) = hand.pen.order(hand.now, &hand.charter, hand.random) else { return };
        let bad = hand.pen.write_badly(hand.now, vec![Op::Place(order)]);
        for to in hand.others {
            if hand.random.chance(500) {
                hand.gossip_to(*to, &Gossip::Entry(bad.clone()));
            }
        }
        hand.offer();
    }
}
