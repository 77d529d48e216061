//! Refuses, waits until the taker has sold elsewhere, and then fills after all.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::household::io::Output;
use wattswap_node::protocol::message::Message;
use wattswap_node::protocol::signed::Signed;

use super::{Cheat, Hand};

/// Long enough for the taker to go elsewhere, within the life of a proposal.
const REGRET_AFTER: Duration = Duration::from_millis(800);
/// Proposals that it remembers.
const MOST: usize = 64;

#[derive(Default)]
pub struct Refuser {
    next: UtcMillis,
    refused: Vec<(UtcMillis, Signed<Proposal>)>,
}

impl Cheat for Refuser {
    fn is_asked(&mut self, hand: &mut Hand<'_>, proposal: &Signed<Proposal>) {
        let refusal = hand.pen.refuse(proposal, hand.now);
        hand.send(proposal.taker.author, &Message::Refusal(refusal.bytes().clone()));
        let known = self.refused.iter().any(|(_, known)| known == proposal);
        if !known && self.refused.len() < MOST {
            self.refused.push((hand.now.after(REGRET_AFTER), proposal.clone()));
        }
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if hand.is_due(&mut self.next, Duration::from_secs(5)) {
            hand.offer();
        }
        let now = hand.now;
        for (_, proposal) in self.refused.extract_if(.., |(due, _)| *due <= now) {
            let total = hand.pen.count(&proposal);
            hand.fill(&proposal, total, now);
        }
    }
}
