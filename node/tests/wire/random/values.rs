//! Random values of everything that travels, within the bounds that hold in any community.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use rust_decimal::Decimal;
use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours, Watts};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use wattswap_node::protocol::charter::{Act, Charter, Fee, GovernanceRecord, Member, Shape};
use wattswap_node::protocol::entry::{Beacon, Entry, Fill, Op, Order};
use wattswap_node::protocol::ids::{
    CharterId, CommunityId, Digest, EntryId, Head, Incarnation, LogId, MemberKey, OrderId, ProposalId,
};
use wattswap_node::protocol::limits::{MAX_ENERGY, MAX_INCARNATIONS, MAX_PRICE_TICKS, MAX_SEQ, MAX_TIME};
use wattswap_node::protocol::message::{Answered, Bytes, Gossip, Message, Proof, Summary};
use wattswap_node::protocol::signed::Signer as _;

use crate::sample::{Household, signed};

fn id() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

/// The key of one of the three who can sign.
fn key() -> impl Strategy<Value = MemberKey> {
    (1..=3_u8).prop_map(|seed| Household::with_seed(seed).key())
}

/// Small ones too: each length of a number is a case of its own.
fn number(max: u64) -> impl Strategy<Value = u64> {
    (0..=max, 0..64_u32).prop_map(|(number, shift)| number >> shift)
}

fn time() -> impl Strategy<Value = UtcMillis> {
    number(MAX_TIME.0).prop_map(UtcMillis)
}

fn slot() -> impl Strategy<Value = Slot> {
    time().prop_map(Slot)
}

fn energy() -> impl Strategy<Value = WattHours> {
    number(MAX_ENERGY.0 as u64 - 1).prop_map(|energy| WattHours(energy as i64 + 1))
}

fn price() -> impl Strategy<Value = Price> {
    prop_oneof![-300..300_i32, -MAX_PRICE_TICKS as i32..=MAX_PRICE_TICKS as i32].prop_map(Price)
}

fn side() -> impl Strategy<Value = Side> {
    any::<bool>().prop_map(|buys| if buys { Side::Buy } else { Side::Sell })
}

fn incarnation() -> impl Strategy<Value = Incarnation> {
    (time(), number(u64::MAX)).prop_map(|(opened, nonce)| Incarnation { opened, nonce })
}

fn log() -> impl Strategy<Value = LogId> {
    (key(), incarnation()).prop_map(|(author, incarnation)| LogId { author, incarnation })
}

fn order_id() -> impl Strategy<Value = OrderId> {
    (id(), any::<u16>()).prop_map(|(entry, index)| OrderId { entry: EntryId(entry), index })
}

fn order() -> impl Strategy<Value = Order> {
    (slot(), side(), energy(), price(), time(), id()).prop_map(|(slot, side, quantity, price, expires_at, charter)| {
        Order { slot, side, quantity, price, expires_at, charter: CharterId(charter) }
    })
}

/// An op of an entry with this community and log, if the log can say it.
fn op(community: CommunityId, log: LogId) -> impl Strategy<Value = Op> {
    let seal = (0..log.incarnation.opened.0.max(1), number(u64::MAX), number(MAX_SEQ), id());
    prop_oneof![
        4 => order().prop_map(Op::Place),
        2 => (order_id(), 0..=MAX_ENERGY.0).prop_map(|(order, leaves)| Op::Cancel { order, leaves: WattHours(leaves) }),
        1 => fill(community, log),
        1 => (order(), seal).prop_map(move |(order, (opened, nonce, seq, id))| {
            let sealed = LogId { incarnation: Incarnation { opened: UtcMillis(opened), nonce }, ..log };
            let is_older = sealed.incarnation < log.incarnation;
            if is_older { Op::Seal(Head { log: sealed, seq, id: EntryId(id) }) } else { Op::Place(order) }
        }),
    ]
}

fn fill(community: CommunityId, log: LogId) -> impl Strategy<Value = Op> {
    (proposal(), acceptance(), any::<bool>()).prop_map(move |(proposal, acceptance, is_maker)| {
        let other = if proposal.taker.author == log.author { proposal.maker } else { proposal.taker };
        let (taker, maker) = if is_maker { (other, log) } else { (log, other) };
        let proposal = Proposal { community, taker, maker, ..proposal };
        let (taker, maker) = (owner(&taker), owner(&maker));
        let quantity = acceptance.quantity.min(proposal.up_to);
        let proposal = signed(proposal, &taker);
        let incarnation = proposal.maker.incarnation;
        let id = ProposalId(proposal.hash());
        let acceptance = Acceptance { proposal: id, maker: maker.key(), incarnation, quantity, ..acceptance };
        Op::Fill(Box::new(Fill { proposal, acceptance: signed(acceptance, &maker) }))
    })
}

fn owner(log: &LogId) -> Household {
    (1..=3).map(Household::with_seed).find(|one| one.key() == log.author).expect("one of the three")
}

pub fn entry() -> impl Strategy<Value = Entry> {
    (id().prop_map(CommunityId), log(), number(MAX_SEQ), id(), time()).prop_flat_map(
        |(community, log, seq, prev, at)| {
            let prev = (seq > 0).then_some(EntryId(prev));
            vec(op(community, log), 1..30).prop_map(move |ops| Entry { community, log, seq, prev, at, ops })
        },
    )
}

pub fn beacon() -> impl Strategy<Value = Beacon> {
    let last = option::of((number(MAX_SEQ), id().prop_map(EntryId)));
    (id(), log(), last, time()).prop_map(|(community, log, last, at)| Beacon {
        community: CommunityId(community),
        log,
        last,
        at,
    })
}

pub fn proposal() -> impl Strategy<Value = Proposal> {
    let names = (id(), id(), slot(), side(), log(), log());
    let terms = (order_id(), option::of(order_id()), energy(), price(), number(u64::MAX), time());
    (names, terms).prop_filter("nobody trades with itself", |(names, _)| names.4.author != names.5.author).prop_map(
        |((community, charter, slot, side, taker, maker), (order, own_order, up_to, price, nonce, expires_at))| {
            Proposal {
                community: CommunityId(community),
                charter: CharterId(charter),
                slot,
                side,
                taker,
                maker,
                order,
                own_order,
                up_to,
                price,
                nonce,
                expires_at,
            }
        },
    )
}

pub fn acceptance() -> impl Strategy<Value = Acceptance> {
    (id(), key(), energy(), energy(), incarnation(), number(MAX_SEQ), time()).prop_map(
        |(proposal, maker, one, other, incarnation, seq, at)| Acceptance {
            proposal: ProposalId(proposal),
            maker,
            quantity: one.min(other),
            filled_total: one.max(other),
            incarnation,
            seq,
            at,
        },
    )
}

pub fn refusal() -> impl Strategy<Value = Refusal> {
    (id(), key(), incarnation(), time()).prop_map(|(proposal, maker, incarnation, at)| Refusal {
        proposal: ProposalId(proposal),
        maker,
        incarnation,
        at,
    })
}

/// Up to 64 bytes, of any letters.
fn name(min: usize) -> impl Strategy<Value = String> {
    vec(any::<char>().prop_filter("no control characters", |char| !char.is_control()), min..=16)
        .prop_map(|chars| chars.into_iter().collect())
}

fn keys() -> impl Strategy<Value = BTreeSet<MemberKey>> {
    btree_set(any::<u8>().prop_map(|seed| Household::with_seed(seed).key()), 1..6)
}

fn duration(min: u64) -> impl Strategy<Value = Duration> {
    number(366 * 24 * 3_600_000 - min).prop_map(move |millis| Duration::from_millis(millis + min))
}

fn shape() -> impl Strategy<Value = Shape> {
    let length = 1..=86_400_000_u64;
    let times = (length, duration(1), 0..2_000_u64, -1_000..2_000_i64);
    let tick = (1..=1_000_000_i64, 0..=9_u32).prop_map(|(digits, scale)| Decimal::new(digits, scale));
    let terms = (tick, 1..1_000_i64, 1..1_000_i64, price(), price());
    let fee = (name(1), side(), price()).prop_map(|(name, payer, per_kwh)| Fee { name, payer, per_kwh });
    ("[A-Z]{3}", times, terms, vec(fee, 0..=8)).prop_filter_map("within bounds", |(currency, times, terms, fees)| {
        let (length, delivery_time, before, gate) = times;
        let (price_tick, quantity, fill, one, other) = terms;
        let shape = Shape {
            currency,
            slot_length: Duration::from_millis(length),
            delivery_time,
            opening: Duration::from_millis(before * length),
            gate_millis: gate * length as i64,
            price_tick,
            quantity_tick: WattHours(quantity),
            smallest_fill: WattHours(quantity * fill),
            floor: one.min(other),
            cap: one.max(other),
            fees,
        };
        shape.check().is_ok().then_some(shape)
    })
}

fn charter() -> impl Strategy<Value = Charter> {
    let members = btree_map(any::<u8>(), (name(0), any::<u32>(), any::<u32>()), 1..6).prop_map(members);
    let rest = (duration(1), duration(0));
    (1..=u16::MAX, name(1), shape(), members, keys(), rest).prop_map(
        |(rules, name, shape, members, operators, (lifetime, skew))| Charter {
            rules,
            name,
            shape,
            members,
            operators: operators.into_iter().collect(),
            proposal_lifetime: lifetime,
            clock_skew: Duration::from_millis(skew.min(lifetime / 2).as_millis() as u64),
        },
    )
}

fn members(by_seed: BTreeMap<u8, (String, u32, u32)>) -> Vec<Member> {
    let mut members: Vec<_> = by_seed
        .into_iter()
        .map(|(seed, (name, import, export))| Member {
            key: Household::with_seed(seed).key(),
            name,
            import: Watts(import),
            export: Watts(export),
        })
        .collect();
    members.sort_by_key(|member| member.key);
    members
}

fn heads(min: usize, max: usize) -> impl Strategy<Value = Vec<Head>> {
    btree_map(log(), (number(MAX_SEQ), id()), min..=max)
        .prop_map(|heads| heads.into_iter().map(|(log, (seq, id))| Head { log, seq, id: EntryId(id) }).collect())
}

pub fn record() -> impl Strategy<Value = GovernanceRecord> {
    let act =
        prop_oneof![charter().prop_map(|charter| Act::Charter(Arc::new(charter))), heads(1, 20).prop_map(Act::Seals),];
    (number(MAX_SEQ), id(), time(), act).prop_map(|(height, prev, at, act)| {
        let prev = (height > 0).then_some(CharterId(prev));
        GovernanceRecord { height, prev, at, act }
    })
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn proof() -> impl Strategy<Value = Proof> {
    let chain = || vec(bytes(), 1..4);
    let answered = || (bytes(), bytes()).prop_map(|(proposal, acceptance)| Answered { proposal, acceptance });
    prop_oneof![
        (chain(), chain()).prop_map(|(one, other)| Proof::Fork { one, other }),
        (bytes(), chain()).prop_map(|(beacon, entry)| Proof::BrokenBeacon { beacon, entry }),
        (bytes(), bytes()).prop_map(|(one, other)| Proof::TwoAcceptances { one, other }),
        (bytes(), bytes()).prop_map(|(acceptance, refusal)| Proof::AcceptedAndRefused { acceptance, refusal }),
        (chain(), answered()).prop_map(|(placed, answered)| Proof::Overfilled { placed, answered }),
        (answered(), answered()).prop_map(|(one, other)| Proof::GivenTwice { one, other }),
        (chain(), answered()).prop_map(|(cancelled, answered)| Proof::AcceptedAfterCancel { cancelled, answered }),
        vec(bytes(), MAX_INCARNATIONS + 1).prop_map(Proof::TooManyLogs),
    ]
}

pub fn gossip() -> impl Strategy<Value = Gossip> {
    prop_oneof![
        bytes().prop_map(Gossip::Entry),
        bytes().prop_map(Gossip::Beacon),
        proof().prop_map(Gossip::Proof),
        bytes().prop_map(Gossip::Governance),
    ]
}

pub fn message() -> impl Strategy<Value = Message> {
    let summary =
        (id(), number(MAX_SEQ), id(), id(), id()).prop_map(|(community, height, record, heads, convicted)| {
            let governance = (height, CharterId(record));
            let (heads, convicted) = (Digest(heads), Digest(convicted));
            Message::Summary(Summary { community: CommunityId(community), governance, heads, convicted })
        });
    let seq = || number(MAX_SEQ);
    prop_oneof![
        summary,
        Just(Message::GetHeads),
        heads(0, 40).prop_map(Message::Heads),
        (log(), seq(), 1..=256_u16).prop_map(|(log, from, count)| Message::GetRange { log, from, count }),
        (log(), seq(), vec(bytes(), 0..40)).prop_map(|(log, from, entries)| Message::Range { log, from, entries }),
        seq().prop_map(|from| Message::GetGovernance { from }),
        vec(bytes(), 0..=4).prop_map(Message::Governance),
        Just(Message::GetProofs),
        vec(proof(), 0..4).prop_map(Message::Proofs),
        bytes().prop_map(Message::Proposal),
        bytes().prop_map(Message::Acceptance),
        bytes().prop_map(Message::Refusal),
        (id(), bytes()).prop_map(|(id, beacon)| Message::TooLate { proposal: ProposalId(id), beacon }),
        Just(Message::GetBeacon),
        bytes().prop_map(Message::Beacon),
        time().prop_map(Message::Clock),
    ]
}
