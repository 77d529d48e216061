//! Nothing that commits a household leaves the house before it is durable: entries, beacons, proposals and answers.

use wattswap_node::protocol::agreement::words::{Acceptance, Refusal};
use wattswap_node::protocol::entry::Beacon;
use wattswap_node::protocol::household::io::{Output, Record};
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_node::protocol::signed::Signed;

use super::{Checker, Chronicle, require};
use crate::network::disk::Disk;
use crate::network::{Street, Turn};

/// Looks each word up on the disk of whoever said it.
pub(super) struct Said;

impl Checker for Said {
    fn name(&self) -> &'static str {
        "said"
    }

    fn after_turn(&mut self, seen: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        let agreed = |acceptance: &Acceptance| {
            let agreed = seen.trades.get(&acceptance.proposal);
            agreed.is_some_and(|agreed| agreed.by_maker.is_some() && agreed.acceptance == *acceptance)
        };
        for output in &turn.outputs {
            let durable = is_durable(output, &turn.records, street.disk(turn.home), agreed);
            require(durable, || format!("home {} said what is not on its disk: {output:?}", turn.home))?;
        }
        Ok(())
    }
}

/// Whether what a household says is on its disk, or is no word that commits it. `records` became durable in the same
/// turn; `agreed` tells whether its own log holds what it accepts.
pub(crate) fn is_durable(
    output: &Output,
    records: &[Record],
    disk: &Disk,
    agreed: impl Fn(&Acceptance) -> bool,
) -> bool {
    match output {
        Output::Publish(bytes) => published(bytes, records),
        Output::Send { to, message } => is_shown_back(to, message) || sent(message, records, disk, agreed),
        _ => true,
    }
}

fn published(bytes: &[u8], records: &[Record]) -> bool {
    match Gossip::decode(bytes) {
        // Own entries and beacons become durable in the turn that publishes them; others' words are passed on by the
        // driver.
        Ok(Gossip::Entry(entry)) => {
            records.iter().any(|record| matches!(record, Record::Entry(kept) if *kept.bytes() == entry))
        }
        Ok(Gossip::Beacon(beacon)) => {
            records.iter().any(|record| matches!(record, Record::Beacon(kept) if *kept.bytes() == beacon))
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

/// A member's own promise, which whoever compares itself is shown: it commits its author, who said it before.
fn is_shown_back(to: &MemberKey, message: &Message) -> bool {
    let Message::Beacon(bytes) = message else { return false };
    Signed::<Beacon>::parse(bytes.clone()).is_ok_and(|beacon| beacon.log.author == *to)
}

fn sent(message: &Message, records: &[Record], disk: &Disk, agreed: impl Fn(&Acceptance) -> bool) -> bool {
    match message {
        // Settled in the same turn, or reserved still.
        Message::Proposal(bytes) => {
            let made = |record: &Record| matches!(record, Record::Reservation(made) if made.proposal.bytes() == bytes);
            records.iter().any(made) || disk.reservations().values().any(|kept| kept.proposal.bytes() == bytes)
        }
        Message::Acceptance(bytes) => {
            Signed::<Acceptance>::parse(bytes.clone()).is_ok_and(|acceptance| agreed(&acceptance))
        }
        // Said once more in the turn in which it is forgotten, since its log is past it now, it was durable before.
        Message::Refusal(bytes) => Signed::<Refusal>::parse(bytes.clone()).is_ok_and(|refusal| {
            let forgets = |record: &Record| matches!(record, Record::Forgotten(id) if *id == refusal.proposal);
            disk.refusals().any(|kept| kept.proposal == refusal.proposal) || records.iter().any(forgets)
        }),
        Message::Beacon(bytes) | Message::TooLate { beacon: bytes, .. } => {
            records.iter().any(|record| matches!(record, Record::Beacon(kept) if kept.bytes() == bytes))
        }
        _ => true,
    }
}
