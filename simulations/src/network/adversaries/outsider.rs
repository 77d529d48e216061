//! Brings orders of a key that is no member into the community.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use wattswap_matching::UtcMillis;
use wattswap_node::protocol::entry::{Entry, Op};
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::ids::LogId;
use wattswap_node::protocol::message::Gossip;
use wattswap_node::protocol::signed::{Signer, Verified};

use super::{Cheat, Hand};
use crate::network::founding::Key;

#[derive(Default)]
pub struct Outsider {
    next: UtcMillis,
}

impl Cheat for Outsider {
    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if !hand.is_due(&mut self.next, Duration::from_secs(1)) {
            return;
        }
        let Some(order) = hand.pen.order(hand.now, &hand.charter, hand.random) else { return };
        let stranger = Key(SigningKey::from_bytes(&hand.random.bytes()));
        let log = LogId { author: stranger.key(), incarnation: hand.pen.log.incarnation };
        let (seq, prev, ops) = (0, None, vec![Op::Place(order)]);
        let community = hand.pen.beacon(hand.now).community;
        let entry = Verified::sign(Entry { community, log, seq, prev, at: hand.now, ops }, &stranger);
        let to = hand.somebody();
        hand.gossip_to(to, &Gossip::Entry(entry.bytes().clone()));
    }
}
