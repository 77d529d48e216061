//! A message from one household to another, as exact bytes.

use wattswap_node::protocol::entry::{Beacon, Entry, Op};
use wattswap_node::protocol::household::io::{Input, Ticket};
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_node::protocol::signed::Signed;

/// How soon a message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// It compares what two households hold: it comes at once.
    AtOnce,
    /// It comes at once while a connection is being opened, and whenever the search likes otherwise.
    AtOnceInGreeting,
    /// It comes whenever the search likes, or never.
    Whenever,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Letter {
    /// Who sent it.
    pub from: usize,
    /// Who gets it.
    pub to: usize,
    is_gossip: bool,
    bytes: Vec<u8>,
}

impl Letter {
    /// To one.
    pub fn direct(from: usize, to: usize, bytes: Vec<u8>) -> Self {
        Self { from, to, is_gossip: false, bytes }
    }

    /// A copy of what went to all.
    pub fn gossip(from: usize, to: usize, bytes: Vec<u8>) -> Self {
        Self { from, to, is_gossip: true, bytes }
    }

    /// What its receiver gets to know.
    pub fn input(&self, from: MemberKey) -> Input {
        let bytes = self.bytes.clone();
        if self.is_gossip { Input::Gossip { ticket: Ticket(0), from, bytes } } else { Input::Message { from, bytes } }
    }

    fn message(&self) -> Option<Message> {
        if self.is_gossip { None } else { Message::decode(&self.bytes).ok() }
    }

    /// How soon it comes.
    pub fn pace(&self) -> Pace {
        match self.message() {
            Some(Message::Summary(_) | Message::Clock(_) | Message::GetHeads | Message::Heads(_)) => Pace::AtOnce,
            Some(
                Message::GetBeacon
                | Message::Beacon(_)
                | Message::GetRange { .. }
                | Message::Range { .. }
                | Message::GetProofs
                | Message::Proofs(_)
                | Message::GetGovernance { .. }
                | Message::Governance(_),
            ) => Pace::AtOnceInGreeting,
            _ => Pace::Whenever,
        }
    }

    /// What it says, in words.
    pub fn words(&self) -> String {
        let what = match self.message() {
            Some(Message::Proposal(_)) => "proposal".to_owned(),
            Some(Message::Acceptance(_)) => "acceptance".to_owned(),
            Some(Message::Refusal(_)) => "refusal".to_owned(),
            Some(Message::TooLate { beacon, .. }) => format!("\"too late\" with a {}", beacon_words(&beacon)),
            Some(Message::Beacon(beacon)) => beacon_words(&beacon),
            Some(Message::GetBeacon) => "request for a beacon".to_owned(),
            Some(Message::GetRange { from, .. }) => format!("request for entries from {from} on"),
            Some(Message::Range { from, entries, .. }) => format!("{} entries from {from} on", entries.len()),
            Some(other) => format!("{other:?}"),
            None => match Gossip::decode(&self.bytes) {
                Ok(Gossip::Entry(bytes)) => entry_words(&bytes),
                Ok(Gossip::Beacon(bytes)) => format!("gossiped {}", beacon_words(&bytes)),
                other => format!("{other:?}"),
            },
        };
        format!("the {what} of home {}", self.from)
    }
}

fn beacon_words(bytes: &[u8]) -> String {
    Signed::<Beacon>::parse(bytes).map_or("beacon".to_owned(), |beacon| format!("beacon at {}", beacon.at.0))
}

fn entry_words(bytes: &[u8]) -> String {
    let Ok(entry) = Signed::<Entry>::parse(bytes) else { return "unreadable entry".to_owned() };
    let ops = entry.ops.iter().map(|op| match op {
        Op::Place(_) => "place",
        Op::Cancel { .. } => "cancel",
        Op::Fill(_) => "fill",
        Op::Seal(_) => "seal",
    });
    format!("entry {} ({})", entry.seq, ops.collect::<Vec<_>>().join(", "))
}
