//! Fills what is proposed, and tells nobody for a long time: the taker's energy stays blocked.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::entry::Entry;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::signed::{Signed, Verified};

use super::{Cheat, Hand};

/// How long it keeps a fill to itself.
const KEEPS_FOR: Duration = Duration::from_secs(30);

#[derive(Default)]
pub struct Withholder {
    next: UtcMillis,
    kept: Vec<(UtcMillis, Verified<Entry>)>,
}

impl Cheat for Withholder {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        if !hand.pen.may_accept(proposal, hand.now) {
            return;
        }
        let total = hand.pen.count(proposal);
        let acceptance = hand.pen.accept(proposal, total, hand.now);
        let entry = hand.pen.fill(proposal, &acceptance);
        self.kept.push((hand.now.after(KEEPS_FOR), entry));
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if self.kept.is_empty() && hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
        let now = hand.now;
        for (_, entry) in self.kept.extract_if(.., |(due, _)| *due <= now) {
            hand.show(&entry);
        }
    }
}
