//! What a member can sign and send that breaks the protocol: words that are well-formed, and make no sense.

use std::error::Error;
use std::sync::Arc;

use jiff::Timestamp;
use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};
use wattswap_node::charter_file::CharterFile;
use wattswap_node::drivers::keys::HouseholdKey;
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
use wattswap_node::protocol::charter::{Act, Charter, GovernanceRecord};
use wattswap_node::protocol::entry::{Beacon, Entry, Op, Order};
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::ids::{
    CharterId, CommunityId, EntryId, Incarnation, LogId, MemberKey, OrderId, ProposalId,
};
use wattswap_node::protocol::message::{Bytes, Message};
use wattswap_node::protocol::signed::{Signer, Statement, Verified};

use crate::node::Node;

/// What a bad member knows, and what it can sign.
pub struct BadMember {
    /// Its key.
    pub key: HouseholdKey,
    /// The community.
    pub community: CommunityId,
    /// The charter in force.
    pub charter: CharterId,
    /// Whom it attacks.
    pub victim: MemberKey,
    /// Somebody else, whose words it forges.
    pub other: MemberKey,
    /// A slot that is open.
    pub slot: Slot,
    newest: SignedRecord,
}

/// Says that it is somebody else, and signs with its own key.
struct Impostor<'a>(&'a HouseholdKey, MemberKey);

impl Signer for Impostor<'_> {
    fn key(&self) -> MemberKey {
        self.1
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}

impl BadMember {
    /// The household of `node`, which does not run itself, about to attack `victim`.
    ///
    /// # Errors
    /// If one of the nodes can't be asked, or the text is no slot.
    pub fn of(node: &Node, victim: &Node, other: &Node, slot: &str) -> Result<Self, Box<dyn Error>> {
        let slot: Timestamp = slot.parse()?;
        let file = CharterFile::read(&victim.folder().charter())?;
        let chain = file.chain().ok_or("no charter is in force")?;
        Ok(Self {
            key: HouseholdKey::load(&node.folder().key())?,
            community: chain.community(),
            charter: chain.in_force().0,
            victim: victim.member().parse()?,
            other: other.member().parse()?,
            slot: Slot(UtcMillis(u64::try_from(slot.as_millisecond())?)),
            newest: chain.newest().clone(),
        })
    }

    /// The statement with its own signature.
    #[must_use]
    pub fn signed<T: Statement>(&self, statement: T) -> Bytes {
        Verified::sign(statement, &self.key).bytes().clone()
    }

    /// The statement of somebody else with its own signature.
    #[must_use]
    pub fn signed_as<T: Statement>(&self, other: MemberKey, statement: T) -> Bytes {
        Verified::sign(statement, &Impostor(&self.key, other)).bytes().clone()
    }

    /// The charter in force, but that it is the only operator now.
    #[must_use]
    pub fn coup(&self) -> Bytes {
        let Act::Charter(charter) = &self.newest.record.act else { return self.newest.bytes.clone() };
        let charter = Charter { operators: vec![self.key.member()], ..Charter::clone(charter) };
        let (height, at) = (self.newest.record.height + 1, self.newest.record.at);
        let act = Act::Charter(Arc::new(charter));
        let record = GovernanceRecord { height, prev: Some(self.newest.id), at, act };
        let mut record = SignedRecord::unsigned(record).expect("the same charter with another operator is one");
        record.co_sign(&self.key).expect("nobody has signed before");
        record.bytes
    }

    /// To take 100 Wh of an order of the victim that never was.
    #[must_use]
    pub fn proposal(&self) -> Proposal {
        Proposal {
            community: self.community,
            charter: self.charter,
            slot: self.slot,
            side: Side::Buy,
            taker: log(self.key.member()),
            maker: log(self.victim),
            order: OrderId { entry: EntryId([4; 32]), index: 0 },
            own_order: None,
            up_to: WattHours(100),
            price: Price(1),
            nonce: 1,
            expires_at: UtcMillis(self.slot.start().0 + 1),
        }
    }

    /// Of a proposal that nobody made.
    #[must_use]
    pub fn acceptance(&self) -> Acceptance {
        Acceptance {
            proposal: ProposalId([3; 32]),
            maker: self.key.member(),
            quantity: WattHours(100),
            filled_total: WattHours(100),
            incarnation: incarnation(),
            seq: 0,
            at: UtcMillis(1),
        }
    }

    /// Its log holds nothing until then.
    #[must_use]
    pub fn beacon(&self, at: u64) -> Beacon {
        Beacon { community: self.community, log: log(self.key.member()), last: None, at: UtcMillis(at) }
    }

    /// The first entry of a log of `author`'s, with an order.
    #[must_use]
    pub fn entry(&self, author: MemberKey) -> Entry {
        let order = Order {
            slot: self.slot,
            side: Side::Buy,
            quantity: WattHours(100),
            price: Price(1),
            expires_at: self.slot.start(),
            charter: self.charter,
        };
        let log = log(author);
        Entry { community: self.community, log, seq: 0, prev: None, at: UtcMillis(1), ops: vec![Op::Place(order)] }
    }
}

/// An incarnation that nobody has.
#[must_use]
pub fn incarnation() -> Incarnation {
    Incarnation { opened: UtcMillis(1), nonce: 1 }
}

/// A log of an author, of that incarnation.
#[must_use]
pub fn log(author: MemberKey) -> LogId {
    LogId { author, incarnation: incarnation() }
}

/// The same with another signature.
#[must_use]
pub fn forged(bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes.into()
}

/// A message as it goes over the stream.
#[must_use]
pub fn message(message: Message) -> Vec<u8> {
    framed(&message.encode())
}

/// Bytes with their length in front.
#[must_use]
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a test's messages are short");
    [&length.to_be_bytes(), message].concat()
}
