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
    answered: Vec<Signed<Proposal>>,
}

impl Cheat for Withholder {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        let is_full =
            hand.pen.given.get(&proposal.order).copied().unwrap_or_default() + proposal.up_to.0 > super::pen::OFFERED.0;
        if is_full || self.answered.contains(proposal) || proposal.expires_at <= hand.now {
            return;
        }
        self.answered.push(proposal.clone());
        let total = hand.pen.count(proposal);
        let (entry, _) = hand.pen.fill(proposal, total, hand.now);
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
