//! Writes entries, answers and refusals in others' names, with a signature that is not theirs.

use std::time::Duration;

use wattswap_matching::UtcMillis;
use wattswap_node::protocol::agreement::words::Refusal;
use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::ids::{MemberKey, ProposalId};
use wattswap_node::protocol::message::{Bytes, Gossip, Message};
use wattswap_node::protocol::signed::{Signer, Verified};

use super::{Cheat, Hand};

#[derive(Default)]
pub struct Impersonator {
    next: UtcMillis,
    /// An entry of somebody else.
    heard: Option<Bytes>,
}

/// Says that it is somebody else, and can't sign for it.
struct Mask(MemberKey);

impl Signer for Mask {
    fn key(&self) -> MemberKey {
        self.0
    }

    fn sign(&self, _: &[u8]) -> [u8; 64] {
        [0; 64]
    }
}

impl Cheat for Impersonator {
    fn hears(&mut self, _: &mut Hand<'_>, input: &mut Input) -> bool {
        if let Input::Gossip { bytes, .. } = input
            && let Ok(Gossip::Entry(entry) | Gossip::Beacon(entry)) = Gossip::decode(bytes)
        {
            self.heard = Some(entry);
        }
        true
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if !hand.is_due(&mut self.next, Duration::from_secs(1)) {
            return;
        }
        let (victim, to) = (hand.somebody(), hand.somebody());
        if let Some(entry) = &self.heard {
            // Other words under the old signature.
            let mut forged = entry.to_vec();
            let place = hand.random.index(forged.len());
            forged[place] ^= 1;
            let forged: Bytes = forged.into();
            hand.gossip_to(to, &Gossip::Entry(forged.clone()));
            hand.gossip_to(to, &Gossip::Beacon(forged));
        }
        let incarnation = hand.pen.log.incarnation;
        let proposal = ProposalId(hand.random.bytes());
        let refusal = Refusal { proposal, maker: victim, incarnation, at: hand.now };
        let refusal = Verified::sign(refusal, &Mask(victim));
        // One byte of the signature is wrong for whoever remembers what was signed.
        let mut bytes = refusal.bytes().to_vec();
        bytes.iter_mut().last().into_iter().for_each(|byte| *byte ^= 1);
        hand.send(to, &Message::Refusal(bytes.into()));
    }
}
