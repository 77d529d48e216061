//! Opens one log after the other, more than anybody needs.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::household::io::Output;

use super::{Cheat, Hand};

#[derive(Default)]
pub struct Opener {
    next: UtcMillis,
    opened: u64,
}

impl Cheat for Opener {
    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(2)) {
            self.opened += 1;
            let entry = hand.pen.open(self.opened, hand.now);
            hand.show(&entry);
        }
    }
}
