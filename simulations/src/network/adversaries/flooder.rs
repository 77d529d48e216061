//! Sends orders, beacons, questions, evidence that proves nothing, and proposals that make no sense, without end.

use std::collections::BTreeMap;
use std::time::Duration;

use wattswap_matching::{Price, Side, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::entry::Entry;
use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::ids::{CommunityId, EntryId, LogId, MemberKey, OrderId};
use wattswap_node::protocol::limits::MAX_RANGE;
use wattswap_node::protocol::message::{Gossip, Message, Proof};
use wattswap_node::protocol::signed::Signed;

use super::{Cheat, Hand};

/// Of each, every second.
const AT_ONCE: u64 = 20;
/// Entries every second: far below what a log may grow by in an hour, so that all of them are looked at.
const ENTRIES_AT_ONCE: u64 = 5;

#[derive(Default)]
pub struct Flooder {
    next: UtcMillis,
    /// Where others write.
    logs: BTreeMap<MemberKey, (CommunityId, LogId)>,
}

impl Cheat for Flooder {
    fn hears(&mut self, _: &mut Hand<'_>, input: &mut Input) -> bool {
        if let Input::Gossip { bytes, .. } = input
            && let Ok(Gossip::Entry(bytes)) = Gossip::decode(bytes)
            && let Ok(entry) = Signed::<Entry>::parse(bytes)
        {
            self.logs.insert(entry.log.author, (entry.community, entry.log));
        }
        true
    }

    fn acts(&mut self, hand: &mut Hand<'_>, _: &mut Vec<Output>) {
        if !hand.is_due(&mut self.next, Duration::from_secs(1)) {
            return;
        }
        (0..ENTRIES_AT_ONCE).for_each(|_| hand.offer());
        for number in 0..AT_ONCE {
            let at = UtcMillis(hand.now.0 + number);
            hand.show_beacon(at.max(hand.pen.entries.last().map_or(at, |last| last.at)));
            let (to, log) = (hand.somebody(), hand.pen.log);
            for message in [
                Message::GetHeads,
                Message::GetBeacon,
                Message::GetProofs,
                Message::GetGovernance { from: 0 },
                Message::GetRange { log, from: number, count: MAX_RANGE },
                Message::Clock(UtcMillis(hand.random.below(hand.now.0 * 2))),
            ] {
                hand.send(to, &message);
            }
            self.propose(hand, to);
            prove_nothing(hand, to);
        }
    }
}

impl Flooder {
    /// Wants something of an order that there never was: each refusal has to be remembered.
    fn propose(&self, hand: &mut Hand<'_>, to: MemberKey) {
        let Some((community, maker)) = self.logs.get(&to).copied() else { return };
        let (charter, slot) = (hand.charter.0, hand.charter.1.shape.open_slots(hand.now).last());
        let Some(slot) = slot else { return };
        let nonce = hand.random.number();
        let mut entry = [0; 32];
        entry[..8].copy_from_slice(&nonce.to_be_bytes());
        let proposal = Proposal {
            community,
            charter,
            slot,
            side: Side::Buy,
            taker: hand.pen.log,
            maker,
            order: OrderId { entry: EntryId(entry), index: 0 },
            own_order: None,
            up_to: WattHours(100),
            price: Price(1_000),
            nonce,
            expires_at: hand.now.after(hand.charter.1.proposal_lifetime),
        };
        let proposal = hand.pen.sign(proposal);
        hand.send(to, &Message::Proposal(proposal.bytes().clone()));
    }
}

/// Evidence against itself that is none: one entry is no two versions of itself. Each time it has to be looked at.
fn prove_nothing(hand: &mut Hand<'_>, to: MemberKey) {
    let Some(entry) = hand.pen.entries.last() else { return };
    let chain = vec![entry.bytes().clone()];
    hand.gossip_to(to, &Gossip::Proof(Proof::Fork { one: chain.clone(), other: chain }));
}
