//! What nodes say to each other: to all by gossip, and to one peer over the stream between them.
//!
//! Signed things travel as the bytes that were signed; whoever receives them parses and verifies for itself.

use std::sync::Arc;

use wattswap_matching::UtcMillis;

use super::ids::{CharterId, CommunityId, Digest, Head, LogId, ProposalId};

/// A signed statement's bytes, as they travel and are stored.
pub type Bytes = Arc<[u8]>;

/// Published to the whole community.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gossip {
    /// A new entry of a log.
    Entry(Bytes),
    /// A log is alive and ends there.
    Beacon(Bytes),
    /// Somebody cheated.
    Proof(Proof),
    /// A new charter or seals.
    Governance(Bytes),
}

/// Sent to one peer. There are no sessions: every message can be understood on its own, lost, repeated or reordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// "This is what I hold." Sent on connecting and now and then.
    Summary(Summary),
    /// "Tell me where your logs end."
    GetHeads,
    /// Where the logs end that the sender holds, ascending.
    Heads(Vec<Head>),
    /// "Send me this log from `from` on, at most `count` entries."
    GetRange {
        /// The log.
        log: LogId,
        /// The first entry wanted.
        from: u64,
        /// At most this many.
        count: u16,
    },
    /// Consecutive entries of a log.
    Range {
        /// The log.
        log: LogId,
        /// Number of the first.
        from: u64,
        /// The entries, each a COSE_Sign1 message.
        entries: Vec<Bytes>,
    },
    /// "Send me the governance chain from this height on."
    GetGovernance {
        /// The first height wanted.
        from: u64,
    },
    /// Consecutive links of the governance chain.
    Governance(Vec<Bytes>),
    /// "Send me your proofs of cheating."
    GetProofs,
    /// Proofs of cheating.
    Proofs(Vec<Proof>),
    /// A signed proposal to trade.
    Proposal(Bytes),
    /// Its signed acceptance.
    Acceptance(Bytes),
    /// Its signed refusal.
    Refusal(Bytes),
    /// The proposal can't be answered any more; the beacon says where the log stands instead.
    TooLate {
        /// The proposal.
        proposal: ProposalId,
        /// The maker's signed beacon.
        beacon: Bytes,
    },
    /// "Where does your own log end?" Answered by a beacon.
    GetBeacon,
    /// The sender's signed beacon.
    Beacon(Bytes),
    /// What the sender's clock says. It binds nobody, so it can be said before the clock is known to be right.
    Clock(UtcMillis),
}

/// What a node holds, in short: two nodes whose summaries agree have nothing to tell each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The community.
    pub community: CommunityId,
    /// Height and id of the newest governance record.
    pub governance: (u64, CharterId),
    /// Over all heads.
    pub heads: Digest,
    /// Over all convicted keys.
    pub convicted: Digest,
}

/// Evidence that anyone can check, and that convicts a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Two entries of one log with one number. Each side is the entry, followed by its successors up to the first
    /// one whose signature is good: usually the entry alone.
    Fork {
        /// One version of history.
        one: Vec<Bytes>,
        /// The other.
        other: Vec<Bytes>,
    },
    /// An entry where a beacon had said that there would be none.
    BrokenBeacon {
        /// The beacon.
        beacon: Bytes,
        /// The entry, with successors as in a fork.
        entry: Vec<Bytes>,
    },
    /// Two different acceptances of one proposal, from one log.
    TwoAcceptances {
        /// One acceptance.
        one: Bytes,
        /// The other.
        other: Bytes,
    },
    /// An acceptance and a refusal of one proposal, from one log.
    AcceptedAndRefused {
        /// The acceptance.
        acceptance: Bytes,
        /// The refusal.
        refusal: Bytes,
    },
    /// By its owner's own count, more was filled of an order than there was.
    Overfilled {
        /// The entry that placed the order, with successors as in a fork.
        placed: Vec<Bytes>,
        /// What was accepted.
        answered: Answered,
    },
    /// The same part of an order was given to two takers.
    GivenTwice {
        /// One of them.
        one: Answered,
        /// The other.
        other: Answered,
    },
    /// An order was accepted for after it had been cancelled.
    AcceptedAfterCancel {
        /// The entry that cancelled the order, with successors as in a fork.
        cancelled: Vec<Bytes>,
        /// What was accepted.
        answered: Answered,
    },
    /// More logs than an author may have: an entry of each.
    TooManyLogs(Vec<Bytes>),
}

/// What a proof proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contradiction {
    /// Two versions of one entry.
    Fork,
    /// An entry where its own beacon says that there is none.
    BrokenBeacon,
    /// Two different acceptances of one proposal.
    TwoAcceptances,
    /// A proposal was accepted and refused.
    AcceptedAndRefused,
    /// More was given of an order than there was.
    Overfilled,
    /// The same part of an order was given to two takers.
    GivenTwice,
    /// An order was given away after its cancel.
    AcceptedAfterCancel,
    /// More logs than an author may have.
    TooManyLogs,
}

impl Proof {
    /// What it proves.
    #[must_use]
    pub fn contradiction(&self) -> Contradiction {
        match self {
            Self::Fork { .. } => Contradiction::Fork,
            Self::BrokenBeacon { .. } => Contradiction::BrokenBeacon,
            Self::TwoAcceptances { .. } => Contradiction::TwoAcceptances,
            Self::AcceptedAndRefused { .. } => Contradiction::AcceptedAndRefused,
            Self::Overfilled { .. } => Contradiction::Overfilled,
            Self::GivenTwice { .. } => Contradiction::GivenTwice,
            Self::AcceptedAfterCancel { .. } => Contradiction::AcceptedAfterCancel,
            Self::TooManyLogs(_) => Contradiction::TooManyLogs,
        }
    }
}

/// A proposal and its acceptance, as evidence against who accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The proposal. The acceptance names its hash, so it needs no signature of its own.
    pub proposal: Bytes,
    /// The signed acceptance.
    pub acceptance: Bytes,
}
