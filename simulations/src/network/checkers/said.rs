//! Nothing that commits a household leaves the house before it is durable: entries, beacons, proposals and answers.

use wattswap_node::protocol::agreement::words::{Acceptance, Refusal};
use wattswap_node::protocol::household::io::{Output, Record};
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_node::protocol::signed::Signed;

use super::{Checker, Chronicle, require};
use crate::network::{Street, Turn};

/// Looks each word up on the disk of whoever said it.
pub(super) struct Said;

impl Checker for Said {
    fn name(&self) -> &'static str {
        "said"
    }

    fn after_turn(&mut self, seen: &Chronicle, street: &mut Street, turn: &Turn) -> Result<(), String> {
        for output in &turn.outputs {
            let durable = match output {
                Output::Publish(bytes) => published(bytes, turn),
                Output::Send { message, .. } => is_durable(message, seen, street, turn),
                _ => true,
            };
            require(durable, || format!("home {} said what is not on its disk: {output:?}", turn.home))?;
        }
        Ok(())
    }
}

fn published(bytes: &[u8], turn: &Turn) -> bool {
    match Gossip::decode(bytes) {
        // Own entries and beacons become durable in the turn that publishes them; others' words are passed on by the
        // driver.
        Ok(Gossip::Entry(entry)) => {
            turn.records.iter().any(|record| matches!(record, Record::Entry(kept) if *kept.bytes() == entry))
        }
        Ok(Gossip::Beacon(beacon)) => {
            turn.records.iter().any(|record| matches!(record, Record::Beacon(kept) if *kept.bytes() == beacon))
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

fn is_durable(message: &Message, seen: &Chronicle, street: &Street, turn: &Turn) -> bool {
    let disk = street.disk(turn.home);
    match message {
        // Settled in the same turn, or reserved still.
        Message::Proposal(bytes) => {
            let made = |record: &Record| matches!(record, Record::Reservation(made) if made.proposal.bytes() == bytes);
            turn.records.iter().any(made) || disk.reservations().values().any(|kept| kept.proposal.bytes() == bytes)
        }
        Message::Acceptance(bytes) => Signed::<Acceptance>::parse(bytes.clone()).is_ok_and(|acceptance| {
            seen.trades
                .get(&acceptance.proposal)
                .is_some_and(|agreed| agreed.by_maker.is_some() && agreed.acceptance == *acceptance)
        }),
        Message::Refusal(bytes) => Signed::<Refusal>::parse(bytes.clone())
            .is_ok_and(|refusal| disk.refusals().any(|kept| kept.proposal == refusal.proposal)),
        Message::Beacon(bytes) | Message::TooLate { beacon: bytes, .. } => {
            turn.records.iter().any(|record| matches!(record, Record::Beacon(kept) if kept.bytes() == bytes))
        }
        _ => true,
    }
}
