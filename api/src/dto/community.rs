//! The node, its neighbours and the charter in JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{Ref, RefOr, Schema};

use super::ids::{Digest, Hash, MemberName, Signed, SignedBytes};
use super::many::{Many, schema_of_many};
use super::number::Energy;
use super::text::Text;
use super::values::{Instant, Price};
use crate::limits::MAX_RECORDS_PER_REQUEST;
use crate::port;

/// How the node is.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// This household's key.
    pub member: MemberName,
    /// The same key as libp2p writes it.
    pub peer_id: String,
    /// Where neighbours can reach this node, as multiaddresses.
    pub addresses: Vec<String>,
    /// The community: hash of its first charter.
    pub community: Hash,
    /// Hash of the charter in force.
    pub charter: Hash,
    /// What the node does.
    pub phase: Phase,
    /// The node's clock.
    pub now: Instant,
    /// When this run began.
    pub started_at: Instant,
    /// Where its own log ends; null before its first entry.
    #[schema(required)]
    pub log: Option<LogHead>,
    /// How many members the charter names, this one included.
    #[schema(minimum = 0)]
    pub members: u32,
    /// How many of the others are connected.
    #[schema(minimum = 0)]
    pub peers_connected: u32,
    /// Digest of the book: nodes that hold the same entries show the same.
    pub book_digest: Hash,
    /// Own orders that may still trade.
    #[schema(minimum = 0)]
    pub open_orders: u32,
    /// Own proposals without an answer that settles them.
    #[schema(minimum = 0)]
    pub proposals_in_doubt: u32,
}

/// What a node does. `comparing`: it compares its log with its peers' copies, orders are taken on and wait;
/// `restoring`: its store lacks what it once signed; it cancelled its open orders, finds out what it was, and trades on in
/// a new log soon; `alone`: it hears no other member, orders are taken on and wait; `trading`: it trades; `clock_ahead`:
/// its clock is ahead of its peers', and it signs nothing until that is mended; `log_ahead`: its clock was ahead when it
/// signed last, or is behind now, and it signs nothing that is dated earlier than that; `not_a_member`: the charter in force
/// does not name it; `convicted`: it was convicted of contradicting itself; `stopping`: it shuts down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It compares its log with its peers' copies.
    Comparing,
    /// Its store lacks what it once signed.
    Restoring,
    /// It hears no other member.
    Alone,
    /// It trades.
    Trading,
    /// Its clock is ahead of its peers'.
    ClockAhead,
    /// It signed something that is dated later than its clock shows.
    LogAhead,
    /// The charter in force does not name it.
    NotAMember,
    /// It was convicted of contradicting itself.
    Convicted,
    /// It shuts down.
    Stopping,
}

/// The end of a member's log.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct LogHead {
    /// Which log of that member.
    pub incarnation: String,
    /// The last entry's number, counted from 0.
    #[schema(minimum = 0)]
    pub seq: u64,
    /// The last entry's id.
    pub id: Hash,
}

/// The other members of the community.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Peers {
    /// By key.
    pub peers: Vec<Peer>,
}

/// Another member as this node sees it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Peer {
    /// Its key.
    pub member: MemberName,
    /// Whether the charter in force lists it; if not, it was a member and left a log.
    pub is_member: bool,
    /// The same key as libp2p writes it.
    pub peer_id: String,
    /// Its name in the charter; empty if it has none.
    pub name: String,
    /// Where it is connected, as multiaddresses; empty if it is not.
    pub addresses: Vec<String>,
    /// Since when it is connected; null if it is not.
    #[schema(required)]
    pub connected_since: Option<Instant>,
    /// The newest instant that it signed and this node holds; null if there is none.
    #[schema(required)]
    pub last_heard: Option<Instant>,
    /// Where its logs end as far as this node holds them, oldest first: one, and one more each time that it lost what it
    /// had signed. Empty if this node holds nothing of it.
    pub logs: Vec<LogHead>,
    /// What it is convicted of; null if of nothing. From then on it trades with nobody.
    #[schema(required)]
    pub convicted_of: Option<Contradiction>,
}

/// What a member was convicted of: its own signed words contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
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

/// Signed governance records, which continue the chain of charters.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecords {
    /// The records, oldest first: the lines of a charter file, in base64 instead of hexadecimal.
    #[schema(schema_with = records)]
    pub records: Many<SignedBytes, MAX_RECORDS_PER_REQUEST>,
}

/// The community's signed rules.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Charter {
    /// Its hash.
    pub hash: Hash,
    /// How many charters came before it.
    #[schema(minimum = 0)]
    pub height: u64,
    /// The community: hash of its first charter.
    pub community: Hash,
    /// The version of the protocol.
    #[schema(minimum = 0)]
    pub rules: u32,
    /// ISO 4217 code of the currency.
    #[schema(pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// How long a slot lasts.
    #[schema(minimum = 0)]
    pub slot_length_ms: u64,
    /// The delivery time that a slot stands for; the same, but in a time-lapse.
    #[schema(minimum = 0)]
    pub delivery_ms: u64,
    /// How long before delivery starts a slot opens.
    #[schema(minimum = 0)]
    pub opens_before_ms: u64,
    /// When the gate closes after delivery ends; below zero if it closes before that.
    pub gate_after_ms: i64,
    /// The smallest step between two prices.
    pub price_tick_per_kwh: Price,
    /// The smallest step between two quantities.
    pub quantity_tick_wh: Energy,
    /// The least that a trade may fill of an order, unless it is all that is left.
    pub smallest_fill_wh: Energy,
    /// The lowest price.
    pub floor_per_kwh: Price,
    /// The highest price.
    pub cap_per_kwh: Price,
    /// What is charged on traded energy.
    pub fees: Vec<Fee>,
    /// Who may trade, by key.
    pub members: Vec<Member>,
    /// Who may sign the next charter, by key.
    pub operators: Vec<MemberName>,
    /// How long a proposal lives.
    #[schema(minimum = 0)]
    pub proposal_lifetime_ms: u64,
    /// How far two clocks may differ.
    #[schema(minimum = 0)]
    pub clock_skew_ms: u64,
}

/// A charge per kWh with a name.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Fee {
    /// What it is for.
    pub name: String,
    /// How much.
    pub per_kwh: Price,
}

/// A household that may trade.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Member {
    /// Its key.
    pub key: MemberName,
    /// What people call it; empty if the charter gives no name.
    pub name: String,
    /// What its connection can draw, in watts.
    #[schema(minimum = 0)]
    pub import_limit_w: u32,
    /// What its connection can feed in, in watts.
    #[schema(minimum = 0)]
    pub export_limit_w: u32,
}

/// Whether the node can serve.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether every check passed.
    pub ready: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

/// One check of the readiness.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct Check {
    /// `store`: it is open and takes writes; `compared`: the log was compared with the peers' copies; `clock`: it
    /// agrees with the peers'.
    #[schema(pattern = "^(store|compared|clock)$")]
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// Why it did not, and what to do; null if it passed.
    #[schema(required)]
    pub detail: Option<String>,
}

impl From<port::Status> for Status {
    fn from(status: port::Status) -> Self {
        Self {
            version: status.version,
            member: Text(status.member),
            peer_id: status.peer_id,
            addresses: status.addresses,
            community: Text(Digest(status.community)),
            charter: Text(Digest(status.charter)),
            phase: status.phase.into(),
            now: Text(status.now),
            started_at: Text(status.started_at),
            log: status.log.map(LogHead::from),
            members: status.members,
            peers_connected: status.peers_connected,
            book_digest: Text(Digest(status.book_digest)),
            open_orders: status.open_requests,
            proposals_in_doubt: status.proposals_in_doubt,
        }
    }
}

impl From<port::Phase> for Phase {
    fn from(phase: port::Phase) -> Self {
        match phase {
            port::Phase::Comparing => Self::Comparing,
            port::Phase::Trading => Self::Trading,
            port::Phase::Restoring => Self::Restoring,
            port::Phase::Alone => Self::Alone,
            port::Phase::ClockAhead => Self::ClockAhead,
            port::Phase::LogAhead => Self::LogAhead,
            port::Phase::NotAMember => Self::NotAMember,
            port::Phase::Convicted => Self::Convicted,
            port::Phase::Stopping => Self::Stopping,
        }
    }
}

impl From<port::Contradiction> for Contradiction {
    fn from(of: port::Contradiction) -> Self {
        match of {
            port::Contradiction::Fork => Self::Fork,
            port::Contradiction::BrokenBeacon => Self::BrokenBeacon,
            port::Contradiction::TwoAcceptances => Self::TwoAcceptances,
            port::Contradiction::AcceptedAndRefused => Self::AcceptedAndRefused,
            port::Contradiction::Overfilled => Self::Overfilled,
            port::Contradiction::GivenTwice => Self::GivenTwice,
            port::Contradiction::AcceptedAfterCancel => Self::AcceptedAfterCancel,
            port::Contradiction::TooManyLogs => Self::TooManyLogs,
        }
    }
}

impl From<port::LogHead> for LogHead {
    fn from(head: port::LogHead) -> Self {
        Self { incarnation: head.incarnation, seq: head.seq, id: Text(Digest(head.id)) }
    }
}

impl From<port::Peer> for Peer {
    fn from(peer: port::Peer) -> Self {
        Self {
            is_member: peer.is_member,
            member: Text(peer.member),
            peer_id: peer.peer_id,
            name: peer.name,
            addresses: peer.addresses,
            connected_since: peer.connected_since.map(Text),
            last_heard: peer.last_heard.map(Text),
            logs: peer.logs.into_iter().map(LogHead::from).collect(),
            convicted_of: peer.convicted_of.map(Contradiction::from),
        }
    }
}

fn records() -> RefOr<Schema> {
    let about = "The records, oldest first: the lines of a charter file, in base64 instead of hexadecimal.";
    schema_of_many(Ref::from_schema_name(SignedBytes::name()), MAX_RECORDS_PER_REQUEST, about)
}

impl NewRecords {
    /// The records in the port's words.
    #[must_use]
    pub fn into_port(self) -> Vec<Vec<u8>> {
        self.records.0.into_iter().map(|Text(Signed(record))| record).collect()
    }
}

impl From<port::Charter> for Charter {
    fn from(charter: port::Charter) -> Self {
        Self {
            hash: Text(Digest(charter.hash)),
            height: charter.height,
            community: Text(Digest(charter.community)),
            rules: charter.rules,
            currency: charter.currency,
            slot_length_ms: millis(charter.slot_length),
            delivery_ms: millis(charter.delivery),
            opens_before_ms: millis(charter.opens_before),
            gate_after_ms: charter.gate_after_ms,
            price_tick_per_kwh: Text(charter.price_tick),
            quantity_tick_wh: Energy(charter.quantity_tick),
            smallest_fill_wh: Energy(charter.smallest_fill),
            floor_per_kwh: Text(charter.floor),
            cap_per_kwh: Text(charter.cap),
            fees: charter.fees.into_iter().map(Fee::from).collect(),
            members: charter.members.into_iter().map(Member::from).collect(),
            operators: charter.operators.into_iter().map(Text).collect(),
            proposal_lifetime_ms: millis(charter.proposal_lifetime),
            clock_skew_ms: millis(charter.clock_skew),
        }
    }
}

impl From<port::Fee> for Fee {
    fn from(fee: port::Fee) -> Self {
        Self { name: fee.name, per_kwh: Text(fee.per_kwh) }
    }
}

impl From<port::Member> for Member {
    fn from(member: port::Member) -> Self {
        Self {
            key: Text(member.key),
            name: member.name,
            import_limit_w: member.import_limit.0,
            export_limit_w: member.export_limit.0,
        }
    }
}

impl From<port::Readiness> for Readiness {
    fn from(readiness: port::Readiness) -> Self {
        let named = [("store", readiness.store), ("compared", readiness.compared), ("clock", readiness.clock)];
        let checks = named.map(|(name, check)| Check::new(name, check)).to_vec();
        Self { ready: checks.iter().all(|check| check.passed), checks }
    }
}

impl Check {
    fn new(name: &str, check: port::Check) -> Self {
        let detail = match check {
            port::Check::Passed => None,
            port::Check::Failed(why) => Some(why),
        };
        Self { name: name.to_owned(), passed: detail.is_none(), detail }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
