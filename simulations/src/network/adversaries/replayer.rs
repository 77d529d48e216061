//! Keeps whatever it hears, and says it again: to anybody, as what it was or as something else, at any time.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::message::{Gossip, Message};

use super::{Cheat, Hand, Saying};

/// What it keeps; the rest is kept in place of it at random.
const MOST: usize = 500;

#[derive(Default)]
pub struct Replayer {
    next: UtcMillis,
    heard: Vec<(bool, Vec<u8>)>,
}

impl Cheat for Replayer {
    fn hears(&mut self, hand: &mut Hand<'_>, input: &mut Input) -> bool {
        let heard = match input {
            Input::Gossip { bytes, .. } if Gossip::decode(bytes).is_ok() => (true, bytes.clone()),
            Input::Message { bytes, .. } if Message::decode(bytes).is_ok() => (false, bytes.clone()),
            _ => return true,
        };
        if self.heard.len() < MOST {
            self.heard.push(heard);
        } else {
            let place = hand.random.index(MOST);
            self.heard[place] = heard;
        }
        true
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if self.heard.is_empty() || !hand.is_due(&mut self.next, Duration::from_millis(200)) {
            return;
        }
        let (is_gossip, bytes) = hand.random.pick(&self.heard).clone();
        let to = hand.somebody();
        hand.says.push(Saying { to, bytes, is_gossip });
    }
}
