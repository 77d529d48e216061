//! The bounds agree with each other: what may be said fits into what may be sent. Too long for vectors.

use wattswap_matching::{Side, UtcMillis, Watts};
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::charter::{Act, Fee, GovernanceRecord, Member};
use wattswap_node::protocol::entry::{Entry, Op};
use wattswap_node::protocol::ids::{EntryId, Head, Incarnation, LogId, MemberKey};
use wattswap_node::protocol::limits::*;
use wattswap_node::protocol::message::{Bytes, Gossip, Message, Proof};
use wattswap_node::protocol::signed::{Signed, Statement as _};
use wattswap_node::protocol::wire::Malformed;

use crate::sample::*;

/// A signed entry of Bob's with so many of the longest orders.
fn orders(count: usize) -> Entry {
    let Some(Op::Place(longest)) = largest().ops.into_iter().next() else { panic!("an order") };
    Entry { ops: vec![Op::Place(longest); count], ..largest() }
}

#[test]
fn the_longest_batch_of_orders_fits_into_an_entry_and_one_more_is_refused() {
    let entry = signed(orders(MAX_OPS), &bob());
    assert!(entry.bytes().len() < MAX_ENTRY_BYTES / 2, "there is room for some dozens of fills");
    assert_eq!(Signed::<Entry>::parse(entry.bytes().clone()), Ok(entry));
    let refused = |min| Err(Malformed::OutOfRange { what: "number of ops", min, max: MAX_OPS as i64 });
    assert_eq!(orders(MAX_OPS + 1).check(), refused(1));
    assert_eq!(Entry::decode(&orders(MAX_OPS + 1).encode()).map(|_| ()), refused(0));
}

#[test]
fn the_longest_word_fits() {
    let at = MAX_TIME;
    let log = |household: Household| LogId { incarnation: largest().log.incarnation, ..household.log(0) };
    let (taker, maker) = (log(alice()), log(bob()));
    let proposal = Proposal {
        taker,
        maker,
        own_order: Some(offered()),
        up_to: MAX_ENERGY,
        price: wattswap_matching::Price(-MAX_PRICE_TICKS as i32),
        nonce: u64::MAX,
        expires_at: at,
        ..proposal()
    };
    let proposal = signed(proposal, &alice());
    assert!(proposal.bytes().len() < MAX_WORD_BYTES / 2);
    assert_eq!(Signed::<Proposal>::parse(proposal.bytes().clone()), Ok(proposal));
}

/// A record with everything as long as it can be, and so many members.
fn largest_record(members: usize) -> GovernanceRecord {
    let mut charter = charter();
    let name = "x".repeat(MAX_NAME_BYTES);
    let member = |key| Member { key, name: name.clone(), import: Watts(u32::MAX), export: Watts(u32::MAX) };
    charter.members = keys(members).into_iter().map(member).collect();
    charter.operators = keys(MAX_OPERATORS);
    charter.name = name.clone();
    let fee = Fee { name: name.clone(), payer: Side::Buy, per_kwh: wattswap_matching::Price(-MAX_PRICE_TICKS as i32) };
    charter.shape.fees = vec![fee; MAX_FEES];
    GovernanceRecord { height: MAX_SEQ, prev: Some(charter_id()), at: MAX_TIME, act: act(charter) }
}

/// So many keys, ascending.
fn keys(count: usize) -> Vec<MemberKey> {
    use ed25519_dalek::SigningKey;
    let key = |number: usize| {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
        MemberKey(SigningKey::from_bytes(&seed).verifying_key().to_bytes())
    };
    let mut keys: Vec<_> = (0..count).map(key).collect();
    keys.sort();
    keys
}

#[test]
fn the_largest_charter_fits_and_one_more_member_is_refused() {
    let operators: Vec<_> = (1..=MAX_OPERATORS as u8).map(Household::with_seed).collect();
    let record = co_signed(largest_record(MAX_MEMBERS), &operators);
    assert!(record.bytes.len() <= MAX_GOVERNANCE_BYTES, "{} bytes", record.bytes.len());
    let read = wattswap_node::protocol::governance::SignedRecord::parse(record.bytes.clone());
    assert_eq!(read, Ok(record.clone()));
    let answer = Message::Governance(vec![record.bytes.clone(); MAX_GOVERNANCE_RECORDS]);
    assert_eq!(Message::decode(&answer.encode()), Ok(answer));
    let gossip = Gossip::Governance(record.bytes);
    assert_eq!(Gossip::decode(&gossip.encode()), Ok(gossip));
    let refused = Malformed::OutOfRange { what: "number of members", min: 1, max: MAX_MEMBERS as i64 };
    assert_eq!(largest_record(MAX_MEMBERS + 1).check(), Err(refused));
    assert_eq!(GovernanceRecord::decode(&largest_record(MAX_MEMBERS + 1).encode()), Err(refused));
}

/// So many heads, each as long as it can be, ascending.
fn heads(count: usize) -> Vec<Head> {
    let head = |number| {
        let opened = UtcMillis(MAX_TIME.0 - count as u64 + number as u64);
        let log = LogId { author: bob().log(0).author, incarnation: Incarnation { opened, nonce: u64::MAX } };
        Head { log, seq: MAX_SEQ, id: EntryId([0xff; 32]) }
    };
    (0..count).map(head).collect()
}

#[test]
fn the_longest_lists_of_heads_fit() {
    let message = Message::Heads(heads(MAX_HEADS));
    assert_eq!(Message::decode(&message.encode()), Ok(message));
    let refused = Err(Malformed::OutOfRange { what: "number of heads", min: 0, max: MAX_HEADS as i64 });
    assert_eq!(Message::decode(&Message::Heads(heads(MAX_HEADS + 1)).encode()), refused);
    let seals = |count| GovernanceRecord { act: Act::Seals(heads(count)), ..seals().record };
    assert_eq!(GovernanceRecord::decode(&seals(MAX_SEALS).encode()), Ok(seals(MAX_SEALS)));
    let refused = Err(Malformed::OutOfRange { what: "number of seals", min: 1, max: MAX_SEALS as i64 });
    assert_eq!(GovernanceRecord::decode(&seals(MAX_SEALS + 1).encode()), refused);
}

#[test]
fn a_range_is_bounded_by_the_sum_of_its_entries() {
    let range = |bytes: &[usize]| Message::Range {
        log: bob().log(0),
        from: 0,
        entries: bytes.iter().map(|bytes| vec![0; *bytes].into()).collect(),
    };
    let full = range(&[MAX_ENTRY_BYTES; MAX_RANGE_BYTES / MAX_ENTRY_BYTES]);
    assert_eq!(Message::decode(&full.encode()), Ok(full));
    let mut over = vec![MAX_ENTRY_BYTES; MAX_RANGE_BYTES / MAX_ENTRY_BYTES];
    over.push(1);
    let refused = Malformed::OutOfRange { what: "bytes of a range's entries", min: 0, max: MAX_RANGE_BYTES as i64 };
    assert_eq!(Message::decode(&range(&over).encode()), Err(refused));
}

#[test]
fn a_range_costs_at_most_two_percent_more_than_its_entries() {
    let entry: Bytes = signed(offer(), &bob()).bytes().clone();
    let carried = entry.len() * usize::from(MAX_RANGE);
    let entries = vec![entry; MAX_RANGE.into()];
    let bytes = Message::Range { log: bob().log(60), from: 0, entries }.encode();
    assert!(bytes.len() * 100 <= carried * 102, "{} bytes for {carried}", bytes.len());
}

#[test]
fn a_fork_of_the_two_longest_entries_can_be_gossiped() {
    let longest: Bytes = vec![0; MAX_ENTRY_BYTES].into();
    let gossip = Gossip::Proof(Proof::Fork { one: vec![longest.clone()], other: vec![longest] });
    assert_eq!(Gossip::decode(&gossip.encode()), Ok(gossip));
}
