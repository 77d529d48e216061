//! One record of each kind, and random ones.

use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use rust_decimal::Decimal;
use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours, Watts};

use crate::drivers::keys::HouseholdKey;
use crate::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use crate::protocol::autopilot::Settings;
use crate::protocol::charter::{Act, Charter, GovernanceRecord, Member, RULES, Shape};
use crate::protocol::entry::{Beacon, Entry, Op, Order, Trade};
use crate::protocol::governance::SignedRecord;
use crate::protocol::household::io::{Origin, OwnTrade, Record, Request, RequestId, RequestState, Reservation, Wish};
use crate::protocol::ids::{CharterId, CommunityId, EntryId, Incarnation, LogId, OrderId, ProposalId};
use crate::protocol::logs::LogStart;
use crate::protocol::message::Proof;
use crate::protocol::metering::{MeterId, Reading, Reason, Row, Verdict};
use crate::protocol::signed::Verified;

/// 2026-06-01T12:00:00Z.
pub const NOW: UtcMillis = UtcMillis(1_780_315_200_000);
pub const SLOT: Slot = Slot(NOW);
pub const COMMUNITY: CommunityId = CommunityId([0xc0; 32]);

pub fn key(seed: u8) -> HouseholdKey {
    HouseholdKey::from_secret(SigningKey::from_bytes(&[seed; 32]))
}

pub fn log(seed: u8) -> LogId {
    LogId { author: key(seed).member(), incarnation: incarnation() }
}

pub fn incarnation() -> Incarnation {
    Incarnation { opened: UtcMillis(NOW.0 - 1_000), nonce: 7 }
}

pub fn charter(height: u64) -> SignedRecord {
    let shape = Shape {
        currency: "EUR".to_owned(),
        slot_length: Duration::from_secs(900),
        delivery_time: Duration::from_secs(900),
        opening: Duration::from_secs(48 * 3600),
        gate_millis: 3_600_000,
        price_tick: Decimal::new(1, 4),
        quantity_tick: WattHours(1),
        smallest_fill: WattHours(1),
        floor: Price(-5_000),
        cap: Price(10_000),
        fees: Vec::new(),
    };
    let mut members: Vec<Member> = [1, 2]
        .map(|seed| Member { key: key(seed).member(), name: String::new(), import: Watts(10), export: Watts(20) })
        .into();
    members.sort_by_key(|member| member.key);
    let charter = Charter {
        rules: RULES,
        name: "Samples".to_owned(),
        shape,
        members,
        operators: vec![key(1).member()],
        proposal_lifetime: Duration::from_secs(15),
        clock_skew: Duration::from_secs(5),
    };
    let prev = (height > 0).then_some(CharterId([9; 32]));
    let record = GovernanceRecord { height, prev, at: NOW, act: Act::Charter(Arc::new(charter)) };
    let mut signed = SignedRecord::unsigned(record).unwrap();
    signed.co_sign(&key(1)).unwrap();
    signed
}

pub fn entry(seed: u8, seq: u64) -> Verified<Entry> {
    let order = Order {
        slot: SLOT,
        side: Side::Sell,
        quantity: WattHours(500),
        price: Price(1_234),
        expires_at: UtcMillis(NOW.0 + 900_000),
        charter: CharterId([0xcc; 32]),
    };
    let prev = (seq > 0).then_some(EntryId([8; 32]));
    let ops = vec![Op::Place(order)];
    Verified::sign(Entry { community: COMMUNITY, log: log(seed), seq, prev, at: NOW, ops }, &key(seed))
}

pub fn beacon() -> Verified<Beacon> {
    let last = Some((3, EntryId([5; 32])));
    Verified::sign(Beacon { community: COMMUNITY, log: log(1), last, at: NOW }, &key(1))
}

pub fn request(id: u8) -> Request {
    Request {
        id: RequestId([id; 16]),
        wish: Wish {
            slot: SLOT,
            side: Side::Buy,
            quantity: WattHours(800),
            price: Price(-3),
            expires_at: Some(UtcMillis(NOW.0 + 4_500_000)),
        },
        origin: Origin::Autopilot,
        placed_at: UtcMillis(NOW.0 - 60_000),
        batch: 2,
        filled: WattHours(300),
        in_doubt: WattHours(100),
        orders: vec![OrderId { entry: EntryId([1; 32]), index: 4 }],
        state: RequestState::Live,
    }
}

pub fn proposal(nonce: u64, slot: Slot) -> Verified<Proposal> {
    let proposal = Proposal {
        community: COMMUNITY,
        charter: CharterId([0xcc; 32]),
        slot,
        side: Side::Buy,
        taker: log(1),
        maker: log(2),
        order: OrderId { entry: EntryId([2; 32]), index: 0 },
        own_order: None,
        up_to: WattHours(400),
        price: Price(1_234),
        nonce,
        expires_at: UtcMillis(NOW.0 + 15_000),
    };
    Verified::sign(proposal, &key(1))
}

pub fn reservation(nonce: u64) -> Reservation {
    let closes_at = UtcMillis(NOW.0 + 15_000);
    Reservation { proposal: proposal(nonce, SLOT), request: RequestId([1; 16]), closes_at, forgotten: nonce == 4 }
}

pub fn refusal(nonce: u64) -> Verified<Refusal> {
    let proposal = ProposalId(proposal(nonce, SLOT).hash());
    let refusal = Refusal { proposal, maker: key(2).member(), incarnation: incarnation(), at: NOW };
    Verified::sign(refusal, &key(2))
}

pub fn trade(nonce: u64, slot: Slot, recorded_at: UtcMillis) -> OwnTrade {
    let proposal = proposal(nonce, slot);
    let acceptance = Acceptance {
        proposal: ProposalId(proposal.hash()),
        maker: key(2).member(),
        quantity: WattHours(400),
        filled_total: WattHours(400),
        incarnation: incarnation(),
        seq: 1,
        at: UtcMillis(NOW.0 + 20),
    };
    let trade = Trade { proposal, acceptance: Verified::sign(acceptance, &key(2)) };
    OwnTrade { trade, request: Some(RequestId([1; 16])), provisional: true, recorded_at }
}

pub fn proof() -> Record {
    let side = |bytes: &[u8]| vec![Arc::from(bytes)];
    let one = entry(3, 1);
    Record::Proof { key: key(3).member(), proof: Proof::Fork { one: side(one.bytes()), other: side(one.bytes()) } }
}

pub fn reading(meter: &str, at: UtcMillis) -> Reading {
    let row = Row { meter: MeterId::new(meter).unwrap(), at, import: WattHours(1_000), export: WattHours(0) };
    Reading { row, verdict: Verdict::Accepted }
}

pub fn settings() -> Settings {
    Settings {
        on: true,
        sell_at_least: Price(-20),
        buy_at_most: Price(3_000),
        trade_ahead: 2,
        slot_limit: Some(WattHours(2_000)),
    }
}

/// One of each kind, in the order in which a start reads them back.
pub fn one_of_each() -> Vec<(&'static str, Record)> {
    vec![
        ("the first charter", Record::Governance(charter(0))),
        ("the own current log", Record::Incarnation(incarnation())),
        ("a take in doubt that the store may have forgotten the end of", Record::Reservation(reservation(4))),
        ("a take in doubt", Record::Reservation(reservation(1))),
        ("where a log starts", Record::LogStart(LogStart { log: log(3), seq: 258 })),
        ("an entry", Record::Entry(entry(1, 0))),
        ("the newest beacon", Record::Beacon(beacon())),
        ("a beacon that was relied on", Record::Fence(beacon())),
        ("a live request", Record::Request(request(1))),
        ("a refusal", Record::Refusal { refusal: refusal(2), closes_at: UtcMillis(NOW.0 + 15_000) }),
        ("a trade", Record::Trade(trade(3, SLOT, NOW))),
        ("a proof of a fork", proof()),
        ("a reading", Record::Reading(reading("main", NOW))),
        ("the autopilot's settings", Record::Autopilot(settings())),
    ]
}

pub fn any_request() -> impl Strategy<Value = Request> {
    let state = prop_oneof![
        Just(RequestState::Live),
        Just(RequestState::Filled),
        Just(RequestState::Cancelled),
        Just(RequestState::Expired)
    ];
    let wish = (any::<u64>(), any::<bool>(), any::<i64>(), any::<i32>(), any::<Option<u64>>());
    let order = (any::<[u8; 32]>(), any::<u16>());
    let orders = prop::collection::vec(order.prop_map(|(entry, index)| OrderId { entry: EntryId(entry), index }), 0..4);
    let rest = (any::<bool>(), any::<u64>(), any::<u16>(), any::<i64>(), any::<i64>(), orders, state);
    (any::<[u8; 16]>(), wish, rest).prop_map(|(id, wish, rest)| {
        let (slot, buys, quantity, price, expires_at) = wish;
        let (by_owner, placed_at, batch, filled, in_doubt, orders, state) = rest;
        let wish = Wish {
            slot: Slot(UtcMillis(slot)),
            side: if buys { Side::Buy } else { Side::Sell },
            quantity: WattHours(quantity),
            price: Price(price),
            expires_at: expires_at.map(UtcMillis),
        };
        Request {
            id: RequestId(id),
            wish,
            origin: if by_owner { Origin::Owner } else { Origin::Autopilot },
            placed_at: UtcMillis(placed_at),
            batch,
            filled: WattHours(filled),
            in_doubt: WattHours(in_doubt),
            orders,
            state,
        }
    })
}

pub fn any_reading() -> impl Strategy<Value = Reading> {
    let reason = prop_oneof![
        Just(Reason::WentBack),
        Just(Reason::TooFast),
        Just(Reason::ClockAhead),
        Just(Reason::TooOld),
        Just(Reason::TooManyMeters)
    ];
    let conflict = any::<(i64, i64)>().prop_map(|(import, export)| Verdict::Conflict {
        kept_import: WattHours(import),
        kept_export: WattHours(export),
    });
    let verdict =
        prop_oneof![Just(Verdict::Accepted), Just(Verdict::Duplicate), conflict, reason.prop_map(Verdict::Quarantined)];
    ("[A-Za-z0-9._:-]{1,64}", any::<(u64, i64, i64)>(), verdict).prop_map(|(meter, (at, import, export), verdict)| {
        let meter = MeterId::new(&meter).unwrap();
        Reading { row: Row { meter, at: UtcMillis(at), import: WattHours(import), export: WattHours(export) }, verdict }
    })
}

pub fn any_settings() -> impl Strategy<Value = Settings> {
    any::<(bool, i32, i32, u16, Option<i64>)>().prop_map(|(on, sell, buy, trade_ahead, limit)| Settings {
        on,
        sell_at_least: Price(sell),
        buy_at_most: Price(buy),
        trade_ahead,
        slot_limit: limit.map(WattHours),
    })
}
