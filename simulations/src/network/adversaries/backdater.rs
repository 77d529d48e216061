//! Lets proposals expire, says by a beacon that nothing came, and then fills them, dated back.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::signed::Signed;

use super::{Cheat, Hand};

/// Proposals that it remembers.
const MOST: usize = 64;
/// From the beacon to the fill: the taker has sold elsewhere by then.
const FILLS_AFTER: Duration = Duration::from_secs(2);

#[derive(Default)]
pub struct Backdater {
    next: UtcMillis,
    /// When each came, what it is, and whether the beacon was sent.
    kept: Vec<(UtcMillis, Signed<Proposal>, bool)>,
}

impl Cheat for Backdater {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        let known = self.kept.iter().any(|(_, known, _)| known == proposal);
        if !known && self.kept.len() < MOST {
            self.kept.push((hand.now, proposal.clone(), false));
        }
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if self.kept.is_empty() && hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
        let now = hand.now;
        let over = |proposal: &Proposal| proposal.expires_at.after(Duration::from_millis(1));
        for (_, proposal, is_denied) in &mut self.kept {
            if !*is_denied && over(proposal) <= now {
                *is_denied = true;
                hand.show_beacon(now);
            }
        }
        let is_ripe = |proposal: &Proposal| over(proposal).after(FILLS_AFTER) <= now;
        for (came, proposal, _) in self.kept.extract_if(.., |(_, proposal, denied)| *denied && is_ripe(proposal)) {
            let total = hand.pen.count(&proposal);
            hand.fill(&proposal, total, came);
        }
    }
}
