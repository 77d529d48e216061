//! Which governance record may follow which, and how several operators sign one.

use std::sync::Arc;

use rust_decimal::Decimal;
use wattswap_matching::UtcMillis;
use wattswap_node::protocol::chain::Chain;
use wattswap_node::protocol::charter::{Act, Charter, GovernanceRecord, Shape};
use wattswap_node::protocol::governance::{NotASuccessor, SignedRecord, TooManySignatures, check_successor};
use wattswap_node::protocol::ids::{CharterId, MemberKey};
use wattswap_node::protocol::signed::Signer as _;

use crate::sample::*;

/// `next` where the newest record is `prev`, under a charter with these operators.
fn check(prev: &SignedRecord, operators: &[MemberKey], next: &SignedRecord) -> Result<(), NotASuccessor> {
    check_successor(Some((prev, operators)), next)
}

fn operators(households: &[Household]) -> Vec<MemberKey> {
    households.iter().map(Household::key).collect()
}

/// A sample record with something changed, signed anew.
fn changed(record: SignedRecord, signers: &[Household], change: impl Fn(&mut GovernanceRecord)) -> SignedRecord {
    let mut record = record.record;
    change(&mut record);
    co_signed(record, signers)
}

fn with_charter(change: impl Fn(&mut Charter)) -> impl Fn(&mut GovernanceRecord) {
    move |record| {
        if let Act::Charter(charter) = &mut record.act {
            change(Arc::make_mut(charter));
        }
    }
}

#[test]
fn a_community_starts_with_a_charter_that_most_of_its_operators_signed() {
    let three = with_charter(|charter| charter.operators = amended_operators());
    let cases = [
        ("the first charter", founding(), Ok(())),
        ("a later charter", amendment(), Err(NotASuccessor::NotAFirst)),
        (
            "seals at height 0",
            changed(seals(), &[alice()], |record| (record.height, record.prev) = (0, None)),
            Err(NotASuccessor::NotAFirst),
        ),
        (
            "signed by a stranger",
            changed(founding(), &[bob()], |_| ()),
            Err(NotASuccessor::NoMajority { good: 0, needed: 1 }),
        ),
        (
            "signed by one of three",
            changed(founding(), &[carol()], &three),
            Err(NotASuccessor::NoMajority { good: 1, needed: 2 }),
        ),
        ("signed by two of three", changed(founding(), &[carol(), bob()], &three), Ok(())),
        (
            "rules of another version",
            changed(founding(), &[alice()], with_charter(|charter| charter.rules = 2)),
            Err(NotASuccessor::UnknownRules(2)),
        ),
    ];
    for (name, record, expected) in cases {
        assert_eq!(check_successor(None, &record), expected, "{name}");
    }
}

fn amended_operators() -> Vec<MemberKey> {
    let Act::Charter(charter) = amendment().record.act else { panic!("a charter") };
    charter.operators.clone()
}

#[test]
fn a_record_follows_the_newest_one_if_most_operators_in_force_signed() {
    let alone = operators(&[alice()]);
    let next = |change: &dyn Fn(&mut GovernanceRecord)| changed(amendment(), &[alice()], change);
    let cases = [
        ("the second charter", amendment(), Ok(())),
        ("dated at the same time", next(&|record| record.at = founding().record.at), Ok(())),
        (
            "dated earlier",
            next(&|record| record.at = UtcMillis(founding().record.at.0 - 1)),
            Err(NotASuccessor::Earlier),
        ),
        ("a gap", next(&|record| record.height = 2), Err(NotASuccessor::AnotherPredecessor)),
        (
            "another predecessor",
            next(&|record| record.prev = Some(CharterId([1; 32]))),
            Err(NotASuccessor::AnotherPredecessor),
        ),
        ("the first again", founding(), Err(NotASuccessor::AnotherPredecessor)),
        (
            "signed by its own new operators only",
            changed(amendment(), &[bob(), carol()], |_| ()),
            Err(NotASuccessor::NoMajority { good: 0, needed: 1 }),
        ),
    ];
    for (name, record, expected) in cases {
        assert_eq!(check(&founding(), &alone, &record), expected, "{name}");
    }
}

#[test]
fn half_of_the_operators_are_no_majority() {
    let household = Household::with_seed;
    let cases: [(u8, u8, Result<(), usize>); 7] = [
        (1, 1, Ok(())),
        (2, 1, Err(2)),
        (2, 2, Ok(())),
        (3, 2, Ok(())),
        (4, 2, Err(3)),
        (4, 3, Ok(())),
        (15, 7, Err(8)),
    ];
    for (all, signed, expected) in cases {
        let in_force = operators(&(1..=all).map(household).collect::<Vec<_>>());
        let signers: Vec<_> = (1..=signed).map(household).collect();
        let record = changed(seals(), &signers, |_| ());
        let expected = expected.map_err(|needed| NotASuccessor::NoMajority { good: signed.into(), needed });
        assert_eq!(check(&amendment(), &in_force, &record), expected, "{signed} of {all}");
    }
}

#[test]
fn a_signature_that_is_not_its_signers_does_not_count_and_does_no_harm() {
    let in_force = operators(&[alice(), bob(), carol()]);
    let mut record = changed(seals(), &[alice(), bob(), carol()], |_| ());
    record.signatures[0].1 = record.signatures[1].1;
    assert_eq!(check(&amendment(), &in_force, &record), Ok(()));
    record.signatures[1].1 = [0; 64];
    let missing = NotASuccessor::NoMajority { good: 1, needed: 2 };
    assert_eq!(check(&amendment(), &in_force, &record), Err(missing));
}

#[test]
fn operators_sign_one_after_the_other_in_any_order() {
    let mut one = SignedRecord::unsigned(seals().record).expect("sound");
    assert!(SignedRecord::parse(one.bytes.clone()).is_err(), "nobody reads what nobody signed");
    one.co_sign(&alice()).expect("room");
    let mut other = SignedRecord::parse(one.bytes.clone()).expect("one has signed");
    other.co_sign(&carol()).expect("room");
    other.co_sign(&alice()).expect("signing twice changes nothing");
    assert_eq!(other, changed(seals(), &[carol(), alice()], |_| ()));
    assert_eq!(one.id, other.id, "the same record");
    assert_eq!(other.good_signers(), [alice().key(), carol().key()].into());
}

#[test]
fn a_record_holds_as_many_signatures_as_there_can_be_operators() {
    let mut record = changed(seals(), &(1..=15).map(Household::with_seed).collect::<Vec<_>>(), |_| ());
    let full = record.clone();
    assert_eq!(record.co_sign(&Household::with_seed(16)), Err(TooManySignatures));
    assert_eq!(record.co_sign(&Household::with_seed(15)), Ok(()));
    assert_eq!(record, full);
}

#[test]
fn a_record_that_breaks_a_rule_is_not_even_made() {
    let floor_above_cap = with_charter(|charter| std::mem::swap(&mut charter.shape.floor, &mut charter.shape.cap));
    let mut record = founding().record;
    floor_above_cap(&mut record);
    let refused = SignedRecord::unsigned(record).map(|_| ()).map_err(|malformed| malformed.to_string());
    assert_eq!(refused, Err("the floor price must not be above the cap price".into()));
}

/// Orders, limits of autopilots and records are numbers without a unit of their own.
#[test]
fn a_later_charter_counts_in_the_same_units() {
    let cases: [(&str, fn(&mut Shape)); 5] = [
        ("", |shape| shape.cap.0 += 1),
        ("currency", |shape| shape.currency = "CHF".into()),
        ("price tick", |shape| shape.price_tick /= Decimal::TEN),
        ("slot length", |shape| shape.slot_length *= 2),
        ("delivery time", |shape| shape.delivery_time *= 2),
    ];
    for (unit, change) in cases {
        let mut chain = Chain::found(founding()).unwrap();
        let Act::Charter(first) = &founding().record.act else { unreachable!("a community starts with a charter") };
        let mut charter = Charter::clone(first);
        change(&mut charter.shape);
        let (prev, at) = (Some(chain.newest().id), chain.newest().record.at);
        let record = GovernanceRecord { height: 1, prev, at, act: Act::Charter(Arc::new(charter)) };
        let expected = if unit.is_empty() { Ok(()) } else { Err(NotASuccessor::OtherUnits(unit)) };
        assert_eq!(chain.extend(co_signed(record, &[alice()])), expected, "{unit}");
    }
}
