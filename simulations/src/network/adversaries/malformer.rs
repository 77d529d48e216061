//! Sends noise, halves of good messages, good messages with a wrong bit, and what is too long to be read.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::limits::{MAX_GOSSIP_BYTES, MAX_MESSAGE_BYTES};

use super::{Cheat, Hand, Saying};

#[derive(Default)]
pub struct Malformer {
    next: UtcMillis,
    heard: Vec<u8>,
}

impl Cheat for Malformer {
    fn hears(&mut self, _: &mut Hand<'_>, input: &mut Input) -> bool {
        if let Input::Gossip { bytes, .. } | Input::Message { bytes, .. } = input {
            self.heard.clone_from(bytes);
        }
        true
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if !hand.is_due(&mut self.next, Duration::from_secs(1)) {
            return;
        }
        let mut bytes = self.heard.clone();
        match hand.random.below(5) {
            0 => bytes.truncate(bytes.len() / 2),
            1 => bytes.push(0),
            2 => bytes = hand.random.bytes().to_vec(),
            3 => bytes = vec![0x9f; MAX_MESSAGE_BYTES.max(MAX_GOSSIP_BYTES) + 1],
            _ => {
                let place = hand.random.index(bytes.len().max(1));
                bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 0x10);
            }
        }
        let (to, is_gossip) = (hand.somebody(), hand.random.chance(500));
        hand.says.push(Saying { to, bytes, is_gossip });
    }
}
