//! Puts what others have signed into another framing: the signature stays good, the bytes differ.

use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::message::{Bytes, Gossip};

use super::{Cheat, Hand};

/// Bytes of tag, array and protected header, before the unprotected one.
const BEFORE_UNPROTECTED: usize = 6;

pub struct Reframer;

impl Cheat for Reframer {
    fn hears(&mut self, hand: &mut Hand<'_>, input: &mut Input) -> bool {
        if let Input::Gossip { bytes, .. } = input
            && let Ok(Gossip::Entry(entry)) = Gossip::decode(bytes)
        {
            let to = hand.somebody();
            hand.gossip_to(to, &Gossip::Entry(reframed(&entry)));
        }
        true
    }

    fn acts(&mut self, _: &mut Hand<'_>, _: &mut Vec<Output>) {}
}

/// With `{0: 0}` as unprotected header instead of `{}`.
fn reframed(entry: &[u8]) -> Bytes {
    let (head, rest) = entry.split_at(BEFORE_UNPROTECTED);
    [head, &[0xa1, 0, 0], &rest[1..]].concat().into()
}
