//! Shows one version of an entry to some and another one to the others.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::entry::Op;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::message::Gossip;

use super::{Cheat, Hand};

#[derive(Default)]
pub struct Forker {
    next: UtcMillis,
}

impl Cheat for Forker {
    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if !hand.is_due(&mut self.next, Duration::from_secs(20)) {
            return;
        }
        let orders = [(); 2].map(|()| hand.pen.order(hand.now, &hand.charter, hand.random));
        let [Some(one), Some(mut other)] = orders else { return };
        other.quantity.0 += 1;
        let other = hand.pen.draft(hand.now, vec![Op::Place(other)]);
        let one = hand.pen.write(hand.now, vec![Op::Place(one)]);
        for to in hand.others {
            let shown = if hand.random.chance(500) { &one } else { &other };
            hand.gossip_to(*to, &Gossip::Entry(shown.bytes().clone()));
        }
    }
}
