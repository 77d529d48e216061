//! What goes over the links of a street, by what it is for.

use wattswap_node::protocol::message::{Gossip, Message};

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cargo {
    /// An entry, as gossip.
    Entry,
    /// Entries that somebody asked for.
    Range,
    /// A log's sign of life, as gossip.
    Beacon,
    /// What a peer holds, and what its clock shows.
    Summary,
    /// Proposals and their answers.
    Agreement,
    /// Everything else: heads, charters, proofs, and asking for them.
    Other,
}

impl Cargo {
    /// Each once.
    pub const ALL: [Self; 6] = [Self::Entry, Self::Range, Self::Beacon, Self::Summary, Self::Agreement, Self::Other];

    pub(super) fn of_gossip(bytes: &[u8]) -> Self {
        match Gossip::decode(bytes) {
            Ok(Gossip::Entry(_)) => Self::Entry,
            Ok(Gossip::Beacon(_)) => Self::Beacon,
            _ => Self::Other,
        }
    }

    pub(super) fn of(message: &Message) -> Self {
        match message {
            Message::Range { .. } => Self::Range,
            Message::Summary(_) | Message::Clock(_) => Self::Summary,
            Message::Proposal(_) | Message::Acceptance(_) | Message::Refusal(_) | Message::TooLate { .. } => {
                Self::Agreement
            }
            _ => Self::Other,
        }
    }
}

/// How much was delivered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    counts: [Count; Cargo::ALL.len()],
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    messages: u64,
    bytes: u64,
}

impl Traffic {
    pub(super) fn count(&mut self, cargo: Cargo, bytes: usize) {
        let count = &mut self.counts[cargo as usize];
        count.messages += 1;
        count.bytes += bytes as u64;
    }

    /// Messages for this.
    #[must_use]
    pub fn messages(&self, cargo: Cargo) -> u64 {
        self.counts[cargo as usize].messages
    }

    /// Their bytes, without what transports add.
    #[must_use]
    pub fn bytes(&self, cargo: Cargo) -> u64 {
        self.counts[cargo as usize].bytes
    }
}
