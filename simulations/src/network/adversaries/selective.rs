//! Tells its news to one neighbour alone, and passes on nothing that others say.

use wattswap_node::protocol::household::io::Output;

use super::{Cheat, Hand, Saying};

pub struct Selective;

impl Cheat for Selective {
    fn acts(&mut self, hand: &mut Hand<'_>, outputs: &mut Vec<Output>) {
        for output in outputs.extract_if(.., |output| matches!(output, Output::Publish(_) | Output::Judge { .. })) {
            if let Output::Publish(bytes) = output {
                hand.says.push(Saying { to: hand.others[0], bytes, is_gossip: true });
            }
        }
        outputs.retain(|output| !matches!(output, Output::SendRange { to, .. } if *to != hand.others[0]));
    }
}
