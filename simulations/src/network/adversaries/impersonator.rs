//! Writes entries, beacons, proposals, acceptances and refusals in others' names, and evidence of them, with signatures
//! that are not theirs.

use std::collections::BTreeMap;
use std::time::Duration;

use wattswap_matching::{UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::entry::{Entry, Fill, Op};
use wattswap_node::protocol::household::io::{Input, Output};
use wattswap_node::protocol::ids::{EntryId, LogId, MemberKey, OrderId, ProposalId};
use wattswap_node::protocol::message::{Bytes, Gossip, Message, Proof};
use wattswap_node::protocol::signed::{Signed, Signer, Statement, Verified};

use super::pen::badly_signed;
use super::{Cheat, Hand};

#[derive(Default)]
pub struct Impersonator {
    next: UtcMillis,
    /// An entry or a beacon of somebody else.
    heard: Option<Bytes>,
    /// Where others write.
    logs: BTreeMap<MemberKey, LogId>,
    /// What others have agreed on.
    fill: Option<Fill>,
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

/// A statement in somebody's name.
fn forged<T: Statement>(statement: T, victim: MemberKey) -> Bytes {
    let signed = Verified::sign(statement, &Mask(victim));
    // One byte is wrong, since whoever remembers what was signed would take the rest for good.
    badly_signed(signed.bytes())
}

impl Cheat for Impersonator {
    fn hears(&mut self, _: &mut Hand<'_>, input: &mut Input) -> bool {
        if let Input::Gossip { bytes, .. } = input
            && let Ok(Gossip::Entry(bytes) | Gossip::Beacon(bytes)) = Gossip::decode(bytes)
        {
            if let Ok(entry) = Signed::<Entry>::parse(bytes.clone()) {
                self.note(&entry);
            }
            self.heard = Some(bytes);
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
            let mut changed = entry.to_vec();
            let place = hand.random.index(changed.len());
            changed[place] ^= 1;
            let changed: Bytes = changed.into();
            hand.gossip_to(to, &Gossip::Entry(changed.clone()));
            hand.gossip_to(to, &Gossip::Beacon(changed));
        }
        self.sell(hand, victim);
        self.answer(hand);
    }
}

impl Impersonator {
    fn note(&mut self, entry: &Signed<Entry>) {
        self.logs.insert(entry.log.author, entry.log);
        if let Some(fill) = entry.fills().last() {
            self.fill = Some(fill.clone());
        }
    }

    /// A victim seems to have taken what is offered here.
    fn sell(&self, hand: &mut Hand<'_>, victim: MemberKey) {
        let Some(taker) = self.logs.get(&victim).copied() else { return };
        hand.offer();
        let Some(offer) = hand.pen.entries.last().cloned() else { return };
        let Some(Op::Place(order)) = offer.ops.first() else { return };
        let proposal = Proposal {
            community: offer.community,
            charter: order.charter,
            slot: order.slot,
            side: order.side.opposite(),
            taker,
            maker: offer.log,
            order: OrderId { entry: EntryId(offer.hash()), index: 0 },
            own_order: None,
            up_to: order.quantity,
            price: order.price,
            nonce: hand.random.number(),
            expires_at: hand.now.after(hand.charter.1.proposal_lifetime),
        };
        let proposal = Signed::parse(forged(proposal, victim)).expect("only its signature is wrong");
        let total = hand.pen.count(&proposal);
        hand.fill(&proposal, total, hand.now);
    }

    /// The maker of a trade seems to have accepted something else, and to have refused: to its taker as if by itself,
    /// and to all as evidence against it.
    fn answer(&self, hand: &mut Hand<'_>) {
        let Some(Fill { proposal, acceptance: real }) = &self.fill else { return };
        let (taker, victim) = (proposal.taker.author, real.maker);
        let (quantity, filled_total) = (real.quantity + WattHours(10), real.filled_total + WattHours(10));
        let acceptance = forged(Acceptance { quantity, filled_total, ..**real }, victim);
        let (proposal, incarnation) = (ProposalId(proposal.hash()), real.incarnation);
        let refusal = forged(Refusal { proposal, maker: victim, incarnation, at: hand.now }, victim);
        hand.send(taker, &Message::Acceptance(acceptance.clone()));
        hand.send(taker, &Message::Refusal(refusal.clone()));
        let real = real.bytes().clone();
        hand.gossip(&Gossip::Proof(Proof::TwoAcceptances { one: real.clone(), other: acceptance }));
        hand.gossip(&Gossip::Proof(Proof::AcceptedAndRefused { acceptance: real, refusal }));
    }
}
