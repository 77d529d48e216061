//! Three households with known keys, and a sample of everything that they can say.

use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use rust_decimal::Decimal;
use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours, Watts};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::charter::{Act, Charter, Fee, GovernanceRecord, Member, RULES, Shape};
use wattswap_node::protocol::entry::{Beacon, Entry, Fill, Op, Order};
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::ids::{CharterId, CommunityId, EntryId, Head, Incarnation, LogId, MemberKey, OrderId};
use wattswap_node::protocol::limits::{MAX_ENERGY, MAX_PRICE_TICKS, MAX_SEQ, MAX_TIME};
use wattswap_node::protocol::signed::{Signed, Signer, Statement, Verified};

/// 2025-11-22T12:00:00Z, the start of a quarter-hour.
pub const NOON: u64 = 1_763_812_800_000;
const QUARTER: u64 = 900_000;

/// A household whose secret key is one byte, 32 times over.
pub struct Household(SigningKey);

pub fn alice() -> Household {
    Household::with_seed(1)
}

pub fn bob() -> Household {
    Household::with_seed(2)
}

pub fn carol() -> Household {
    Household::with_seed(3)
}

impl Household {
    pub fn with_seed(byte: u8) -> Self {
        Self(SigningKey::from_bytes(&[byte; 32]))
    }

    /// Its log that was opened `minutes` before noon.
    pub fn log(&self, minutes: u64) -> LogId {
        LogId { author: self.key(), incarnation: incarnation(NOON - minutes * 60_000) }
    }
}

impl Signer for Household {
    fn key(&self) -> MemberKey {
        MemberKey(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// The message that `signer` makes of a statement.
pub fn signed<T: Statement + Clone>(statement: T, signer: &Household) -> Signed<T> {
    Signed::clone(&Verified::sign(statement, signer))
}

pub fn incarnation(opened: u64) -> Incarnation {
    Incarnation { opened: UtcMillis(opened), nonce: 0x0123_4567_89ab_cdef }
}

pub fn community() -> CommunityId {
    founding().founds().expect("height 0")
}

pub fn charter_id() -> CharterId {
    founding().id
}

/// The first charter, signed by its only operator.
pub fn founding() -> SignedRecord {
    co_signed(GovernanceRecord { height: 0, prev: None, at: UtcMillis(NOON), act: act(charter()) }, &[alice()])
}

/// The second one, which has three operators; the operator of the first signs it.
pub fn amendment() -> SignedRecord {
    let mut charter = charter();
    charter.operators = charter.members.iter().map(|member| member.key).collect();
    charter.shape = odd_shape();
    let founding = founding();
    let record = GovernanceRecord { height: 1, prev: Some(founding.id), at: UtcMillis(NOON + 1), act: act(charter) };
    co_signed(record, &[alice()])
}

/// Two logs end, say two of three operators.
pub fn seals() -> SignedRecord {
    let mut seals = vec![head(&bob().log(60), 7), head(&carol().log(30), 0)];
    seals.sort_by_key(|head| head.log);
    let act = Act::Seals(seals);
    let record = GovernanceRecord { height: 2, prev: Some(amendment().id), at: UtcMillis(NOON + 1), act };
    co_signed(record, &[alice(), carol()])
}

pub fn act(charter: Charter) -> Act {
    Act::Charter(Arc::new(charter))
}

pub fn co_signed(record: GovernanceRecord, operators: &[Household]) -> SignedRecord {
    let mut record = SignedRecord::unsigned(record).expect("a sound sample");
    for operator in operators {
        record.co_sign(operator).expect("few operators");
    }
    record
}

pub fn charter() -> Charter {
    let member = |household: Household, name: &str, import, export| Member {
        key: household.key(),
        name: name.into(),
        import: Watts(import),
        export: Watts(export),
    };
    let mut members = vec![
        member(alice(), "Alice", 13_800, 10_000),
        member(bob(), "", 0, 0),
        member(carol(), "Zoë, 2nd floor", 4_294_967_295, 600),
    ];
    members.sort_by_key(|member| member.key);
    Charter {
        rules: RULES,
        name: "Lindenstraße".into(),
        shape: shape(),
        members,
        operators: vec![alice().key()],
        proposal_lifetime: Duration::from_secs(15),
        clock_skew: Duration::from_secs(5),
    }
}

pub fn shape() -> Shape {
    Shape {
        currency: "EUR".into(),
        slot_length: Duration::from_millis(QUARTER),
        delivery_time: Duration::from_millis(QUARTER),
        opening: Duration::from_secs(48 * 3600),
        gate_millis: 3_600_000,
        price_tick: Decimal::new(1, 4),
        quantity_tick: WattHours(1),
        smallest_fill: WattHours(10),
        floor: Price(-5_000),
        cap: Price(15_000),
        fees: Vec::new(),
    }
}

/// A time-lapse whose gate closes before delivery, with a whole tick and fees.
pub fn odd_shape() -> Shape {
    Shape {
        currency: "CHF".into(),
        slot_length: Duration::from_secs(5),
        opening: Duration::from_secs(960),
        gate_millis: -1_000,
        price_tick: Decimal::new(2_500, 3),
        quantity_tick: WattHours(5),
        floor: Price(0),
        cap: Price(0),
        fees: vec![
            Fee { name: "grid".into(), payer: Side::Buy, per_kwh: Price(3) },
            Fee { name: "club".into(), payer: Side::Sell, per_kwh: Price(-1) },
        ],
        ..shape()
    }
}

pub fn head(log: &LogId, seq: u64) -> Head {
    Head { log: *log, seq, id: EntryId([seq as u8; 32]) }
}

pub fn order(side: Side, quantity: i64, price: i32) -> Order {
    Order {
        slot: Slot(UtcMillis(NOON + 4 * QUARTER)),
        side,
        quantity: WattHours(quantity),
        price: Price(price),
        expires_at: UtcMillis(NOON + 3 * QUARTER),
        charter: charter_id(),
    }
}

/// Bob's first entry: he offers 750 Wh at 1800 ticks.
pub fn offer() -> Entry {
    entry(&bob(), 0, None, vec![Op::Place(order(Side::Sell, 750, 1_800))])
}

pub fn entry(author: &Household, seq: u64, prev: Option<EntryId>, ops: Vec<Op>) -> Entry {
    Entry { community: community(), log: author.log(60), seq, prev, at: UtcMillis(NOON + 1_000 * (seq + 1)), ops }
}

/// The id of Bob's offer.
pub fn offered() -> OrderId {
    OrderId { entry: EntryId(signed(offer(), &bob()).hash()), index: 0 }
}

/// Bob's second entry: he closes the offer, of which 100 Wh may still be taken, and posts two others.
pub fn reprice() -> Entry {
    let ops = vec![
        Op::Cancel { order: offered(), leaves: WattHours(100) },
        Op::Place(order(Side::Sell, 1, 0)),
        Op::Place(order(Side::Buy, 65_536, -24)),
    ];
    entry(&bob(), 1, Some(offered().entry), ops)
}

/// Alice takes up to 500 Wh of Bob's offer.
pub fn proposal() -> Proposal {
    Proposal {
        community: community(),
        charter: charter_id(),
        slot: Slot(UtcMillis(NOON + 4 * QUARTER)),
        side: Side::Buy,
        taker: alice().log(60),
        maker: bob().log(60),
        order: offered(),
        own_order: None,
        up_to: WattHours(500),
        price: Price(1_800),
        nonce: 42,
        expires_at: UtcMillis(NOON + 17_000),
    }
}

/// Bob agrees to 450 Wh.
pub fn acceptance() -> Acceptance {
    Acceptance {
        proposal: wattswap_node::protocol::ids::ProposalId(signed(proposal(), &alice()).hash()),
        maker: bob().key(),
        quantity: WattHours(450),
        filled_total: WattHours(550),
        incarnation: bob().log(60).incarnation,
        seq: 2,
        at: UtcMillis(NOON + 3_000),
    }
}

pub fn refusal() -> Refusal {
    Refusal {
        proposal: acceptance().proposal,
        maker: bob().key(),
        incarnation: bob().log(60).incarnation,
        at: UtcMillis(NOON + 3_000),
    }
}

pub fn fill() -> Op {
    Op::Fill(Box::new(Fill { proposal: signed(proposal(), &alice()), acceptance: signed(acceptance(), &bob()) }))
}

/// Bob's third entry holds the trade...
pub fn maker_fill() -> Entry {
    entry(&bob(), 2, Some(EntryId(signed(reprice(), &bob()).hash())), vec![fill()])
}

/// ...and Alice's first entry holds the same.
pub fn taker_fill() -> Entry {
    entry(&alice(), 0, None, vec![fill()])
}

/// Bob has restored a backup: his new log starts by ending the old one.
pub fn seal() -> Entry {
    Entry { log: bob().log(5), ..entry(&bob(), 0, None, vec![Op::Seal(head(&bob().log(60), 3))]) }
}

/// Every number as large as it can be.
pub fn largest() -> Entry {
    let mut largest = order(Side::Sell, MAX_ENERGY.0, MAX_PRICE_TICKS as i32);
    (largest.slot, largest.expires_at) = (Slot(MAX_TIME), MAX_TIME);
    let smallest = Order { price: Price(-largest.price.0), ..largest };
    let cancel = Op::Cancel { order: OrderId { entry: EntryId([0xff; 32]), index: u16::MAX }, leaves: MAX_ENERGY };
    let incarnation = Incarnation { opened: MAX_TIME, nonce: u64::MAX };
    Entry {
        log: LogId { author: bob().key(), incarnation },
        at: MAX_TIME,
        ..entry(&bob(), MAX_SEQ, Some(EntryId([0xff; 32])), vec![Op::Place(largest), Op::Place(smallest), cancel])
    }
}

pub fn beacon() -> Beacon {
    let last = Some((1, EntryId(signed(reprice(), &bob()).hash())));
    Beacon { community: community(), log: bob().log(60), last, at: UtcMillis(NOON + 2_500) }
}
