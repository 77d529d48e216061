//! The node, its neighbours and the rules they share.

use std::time::Duration;

use wattswap_matching::units::{UtcMillis, WattHours, Watts};

use super::{MemberKey, PricePerKwh, Unavailable};

/// How the node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// This household's key.
    pub member: MemberKey,
    /// The same key as libp2p writes it.
    pub peer_id: String,
    /// Where neighbours can reach this node, as multiaddresses.
    pub addresses: Vec<String>,
    /// The community: hash of its first charter.
    pub community: [u8; 32],
    /// Hash of the charter in force.
    pub charter: [u8; 32],
    /// What the node does.
    pub phase: Phase,
    /// The node's clock.
    pub now: UtcMillis,
    /// When this run began.
    pub started_at: UtcMillis,
    /// Where its own log ends; `None` before its first entry.
    pub log: Option<LogHead>,
    /// How many members the charter names, this one included.
    pub members: u32,
    /// How many of the others are connected.
    pub peers_connected: u32,
    /// Digest of the book: nodes that hold the same set show the same.
    pub book_digest: [u8; 32],
    /// Own requests that may still trade.
    pub open_requests: u32,
    /// Own proposals without an answer that settles them.
    pub proposals_in_doubt: u32,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It compares its log with its peers' copies; requests are taken on and wait.
    Comparing,
    /// Its store lacks what it once signed; it finds out what that was, and trades on in a new log.
    Restoring,
    /// It hears no other member; requests are taken on and wait.
    Alone,
    /// It trades.
    Trading,
    /// Its clock is ahead of its peers'; it signs nothing until that is mended.
    ClockAhead,
    /// It signed something that is dated later than its clock shows; it signs nothing before that.
    LogAhead,
    /// The charter in force does not name it.
    NotAMember,
    /// It was convicted of contradicting itself.
    Convicted,
    /// It is shutting down.
    Stopping,
}

/// The end of a member's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// Which log: the incarnation, as the protocol writes it.
    pub incarnation: String,
    /// The last entry's number, counted from 0.
    pub seq: u64,
    /// The last entry's id.
    pub id: [u8; 32],
}

/// Another member as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its key.
    pub member: MemberKey,
    /// Whether the charter in force lists it; if not, it was a member and left a log.
    pub is_member: bool,
    /// The same key as libp2p writes it.
    pub peer_id: String,
    /// Its name in the charter; empty if it has none.
    pub name: String,
    /// Where it is connected, as multiaddresses; empty if it is not.
    pub addresses: Vec<String>,
    /// Since when it is connected; `None` if it is not.
    pub connected_since: Option<UtcMillis>,
    /// The newest instant that it signed and this node holds; `None` if it has signed nothing yet.
    pub last_heard: Option<UtcMillis>,
    /// Where its logs end as far as this node holds them, oldest first: one, and one more each time that it lost what it
    /// had signed.
    pub logs: Vec<LogHead>,
    /// What it is convicted of; `None` if of nothing.
    pub convicted_of: Option<Contradiction>,
}

/// What a member was convicted of: its own signed words contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// Two versions of an entry in its log.
    Fork,
    /// An entry where it had said that there is none.
    BrokenBeacon,
    /// Two different acceptances of one proposal.
    TwoAcceptances,
    /// It accepted a proposal and refused it.
    AcceptedAndRefused,
    /// It gave more of an order than there was.
    Overfilled,
    /// It gave the same part of an order to two takers.
    GivenTwice,
    /// It gave of an order that it had cancelled.
    AcceptedAfterCancel,
    /// It began more logs than anybody needs.
    TooManyLogs,
}

/// The community's signed rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charter {
    /// Its hash.
    pub hash: [u8; 32],
    /// How many charters came before it.
    pub height: u64,
    /// Hash of the first one.
    pub community: [u8; 32],
    /// The version of the protocol.
    pub rules: u32,
    /// ISO 4217 code of the currency.
    pub currency: String,
    /// How long a slot lasts.
    pub slot_length: Duration,
    /// The delivery time that a slot stands for; the same, but in a time-lapse.
    pub delivery: Duration,
    /// How long before delivery starts a slot opens.
    pub opens_before: Duration,
    /// When the gate closes, in milliseconds after delivery ends; below zero if it closes before that.
    pub gate_after_ms: i64,
    /// The smallest step between two prices.
    pub price_tick: PricePerKwh,
    /// The smallest step between two quantities.
    pub quantity_tick: WattHours,
    /// The least that a trade may fill of an order, unless it is all that is left.
    pub smallest_fill: WattHours,
    /// The lowest price.
    pub floor: PricePerKwh,
    /// The highest price.
    pub cap: PricePerKwh,
    /// What is charged on traded energy.
    pub fees: Vec<Fee>,
    /// Who may trade, by key.
    pub members: Vec<Member>,
    /// Who may sign the next charter, by key.
    pub operators: Vec<MemberKey>,
    /// How long a proposal lives.
    pub proposal_lifetime: Duration,
    /// How far two clocks may differ.
    pub clock_skew: Duration,
}

/// A charge per kWh with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// What it is for.
    pub name: String,
    /// How much.
    pub per_kwh: PricePerKwh,
}

/// A household that may trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its key.
    pub key: MemberKey,
    /// What people call it; empty if the charter gives no name.
    pub name: String,
    /// What its connection can draw.
    pub import_limit: Watts,
    /// What its connection can feed in.
    pub export_limit: Watts,
}

/// Why not all records came into force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The community's rules do not admit a record. Those before it are in force, none after it was looked at.
    #[error("a record was refused, and none after it was taken; those before it stay in force")]
    Refused {
        /// Which, counted from 0.
        index: usize,
        /// Why.
        reason: RecordRefusal,
    },
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a governance record did not come into force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordRefusal {
    /// The bytes are no governance record.
    #[error("this is no governance record ({0}); send it byte for byte as its operators signed it")]
    Unreadable(String),
    /// It founds another community than this household's.
    #[error("this founds another community; a household is in one, so for that one make another household")]
    OtherCommunity,
    /// It does not follow what is in force.
    #[error("{0}")]
    NotNext(String),
    /// Too few operators have signed it.
    #[error("{good} operators have signed, and it takes {needed}; have more of them run `wattswap charter sign`")]
    NotSigned {
        /// Operators of the charter in force whose signature is good.
        good: usize,
        /// More than half of them.
        needed: usize,
    },
    /// It is meant for a newer version of the program.
    #[error("{0}")]
    NotSupported(String),
}

/// Whether a node can serve, and what keeps it from that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The store is open and takes writes.
    pub store: Check,
    /// The node has compared its log with its peers'.
    pub compared: Check,
    /// The clock agrees with the peers'.
    pub clock: Check,
}

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// As it should be.
    Passed,
    /// Not so; the text says why and what to do.
    Failed(String),
}
