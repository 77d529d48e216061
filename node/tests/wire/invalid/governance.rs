//! Governance records that are refused.

use std::time::Duration;

use rust_decimal::Decimal;
use wattswap_matching::{Price, UtcMillis, WattHours};
use wattswap_node::protocol::charter::{Act, Charter, Fee, GovernanceRecord, Shape};
use wattswap_node::protocol::governance::DOMAIN;
use wattswap_node::protocol::ids::{CharterId, MemberKey};
use wattswap_node::protocol::limits::{MAX_GOVERNANCE_BYTES, MAX_SEQ, MAX_TIME};
use wattswap_node::protocol::signed::Signer as _;
use wattswap_node::protocol::wire::cosign;

use super::edit;
use crate::explain::Kind;
use crate::golden::Case;
use crate::sample::*;

/// Tag, array, both headers of the body.
const START: &str = "d8628440a0";
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

pub fn cases() -> Vec<Case> {
    [framing(), payloads(), records(), charters(), shapes()].concat()
}

fn refused(name: &str, class: &str, about: &str, bytes: Vec<u8>) -> Case {
    Case::refused(Kind::Governance, name, class, about, bytes)
}

/// A record with any payload, signed by Alice.
fn sealed(payload: &[u8]) -> Vec<u8> {
    cosign::seal(payload, &[signature(&alice(), payload)])
}

fn signature(operator: &Household, payload: &[u8]) -> cosign::CoSignature {
    (operator.key(), operator.sign(&cosign::to_be_signed(DOMAIN, &operator.key(), payload)))
}

fn framing() -> Vec<Case> {
    let good = founding().bytes.to_vec();
    let payload = founding().record.encode();
    let len = good.len();
    let key = hex::encode(alice().key().0);
    let signer = format!("81835826a20127045820{key}a0");
    let start = |to: &str| edit(&good, START, to);
    let signer = |to: &str| edit(&good, &signer, to);
    let mut both = vec![signature(&alice(), &payload), signature(&carol(), &payload)];
    both.sort();
    both.reverse();
    let sixteen: Vec<_> = {
        let mut all: Vec<_> = (1..=16).map(|seed| signature(&Household::with_seed(seed), &payload)).collect();
        all.sort();
        all
    };
    vec![
        refused("empty", "unexpected", "no bytes at all", vec![]),
        refused("deep", "unexpected", "a thousand arrays in each other", vec![0x81; 1_000]),
        refused("untagged", "unexpected", "without the tag", start("8440a0")),
        refused("one-signer-tag", "framing", "tag 18, COSE_Sign1", start("d28440a0")),
        refused("body-header", "framing", "a protected header of the body", start("d8628443a10127a0")),
        refused("body-header-map", "framing", "an empty protected header as a map in bytes", start("d8628441a0a0")),
        refused("body-unprotected", "not the end", "an unprotected header of the body", start("d8628440a1044101")),
        refused("no-signatures", "out of range", "nobody has signed", cosign::seal(&payload, &[])),
        refused("sixteen", "out of range", "sixteen signatures", cosign::seal(&payload, &sixteen)),
        refused("unordered", "broken rule", "signers not ascending", cosign::seal(&payload, &both)),
        refused("twice", "broken rule", "a signer twice", cosign::seal(&payload, &[both[0], both[0]])),
        refused("signer-unprotected", "not the end", "an unprotected header of a signer", {
            signer(&format!("81835826a20127045820{key}a1044101"))
        }),
        refused("signer-no-key", "framing", "a signer without its key", signer("818343a10127a0")),
        refused("signer-no-algorithm", "framing", "a signer without algorithm", {
            signer(&format!("81835824a1045820{key}a0"))
        }),
        refused("signer-31-bytes", "framing", "a signer's key of 31 bytes", {
            signer(&format!("81835825a2012704581f{}a0", &key[2..]))
        }),
        refused("signer-33-bytes", "framing", "a signer's key of 33 bytes", {
            signer(&format!("81835827a201270458210 0{key}a0").replace(' ', ""))
        }),
        refused("signature-63", "framing", "a signature of 63 bytes", {
            [&good[..len - 66], &[0x58, 0x3f], &good[len - 63..]].concat()
        }),
        refused("trailing-byte", "not the end", "a byte after the end", [&good[..], &[0]].concat()),
        refused("cut-short", "unexpected", "the last byte is missing", good[..len - 1].to_vec()),
        refused("too-long", "too long", "one byte more than it can have", good)
            .followed_by_zeros(MAX_GOVERNANCE_BYTES + 1 - len),
    ]
}

fn payloads() -> Vec<Case> {
    let of = |name, class, about, from: &str, to: &str| {
        refused(name, class, about, sealed(&edit(&founding().record.encode(), from, to)))
    };
    let tick = "05c4822301";
    let bob = hex::encode(bob().key().0);
    vec![
        refused("payload-empty", "unexpected", "a payload of no bytes", sealed(&[])),
        of("height-wide", "not shortest", "height 0 in two bytes", "a3000002", "a300180002"),
        of("act-unknown", "unexpected", "an act of kind 2", "038200a7", "038202a7"),
        of("members-1001", "out of range", "1001 members, or so it says", "038384", "039903e984"),
        of("tick-not-normal", "not shortest", "0.00010 instead of 0.0001", tick, "05c482240a"),
        of("tick-positive-exponent", "unexpected", "1e1", tick, "05c4820101"),
        of("tick-tiny-exponent", "unexpected", "1e-29", tick, "05c482381c01"),
        of("tick-bigfloat", "unexpected", "tag 5, to the base of 2", tick, "05c5822301"),
        of("tick-integer", "unexpected", "a plain number", tick, "0501"),
        of("tick-bignum", "unexpected", "a bignum as mantissa", tick, "05c48223c24101"),
        of("tick-float", "unexpected", "0.5 as a float", tick, "05f93800"),
        of(
            "power-beyond",
            "unexpected",
            "more watts than 32 bits",
            &format!("{bob}600000"),
            &format!("{bob}601b000000010000000000"),
        ),
    ]
}

fn records() -> Vec<Case> {
    let of = |name, class, about, record: GovernanceRecord| refused(name, class, about, sealed(&record.encode()));
    let prev = Some(CharterId([1; 32]));
    let beyond = UtcMillis(MAX_TIME.0 + 1);
    let seals = |seals| GovernanceRecord { act: Act::Seals(seals), ..seals_record() };
    let (low, high) = (head(&bob().log(60), 1), head(&bob().log(5), 1));
    vec![
        of(
            "prev-of-first",
            "broken rule",
            "height 0 has no predecessor",
            GovernanceRecord { prev, ..founding().record },
        ),
        of("prev-missing", "broken rule", "height 2 has one", GovernanceRecord { prev: None, ..seals_record() }),
        of("height-beyond", "out of range", "height 2^53", GovernanceRecord { height: MAX_SEQ + 1, ..seals_record() }),
        of("at-beyond", "out of range", "after the year 9999", GovernanceRecord { at: beyond, ..founding().record }),
        of("seals-none", "out of range", "no seals", seals(vec![])),
        of("seals-unordered", "broken rule", "not ascending by log", seals(vec![high, low])),
        of("seals-twice", "broken rule", "a log twice", seals(vec![low, head(&bob().log(60), 2)])),
        of("seals-beyond", "out of range", "entry number 2^53", seals(vec![head(&bob().log(60), MAX_SEQ + 1)])),
    ]
}

fn seals_record() -> GovernanceRecord {
    seals().record
}

fn charters() -> Vec<Case> {
    let of = |name, class, about, change: &dyn Fn(&mut Charter)| {
        let mut charter = charter();
        change(&mut charter);
        let record = GovernanceRecord { act: act(charter), ..founding().record };
        refused(name, class, about, sealed(&record.encode()))
    };
    let rule = |name, about, change: &dyn Fn(&mut Charter)| of(name, "broken rule", about, change);
    let range = |name, about, change: &dyn Fn(&mut Charter)| of(name, "out of range", about, change);
    let mut neutral = [0; 32];
    neutral[0] = 1;
    vec![
        range("rules-0", "rules of version 0", &|charter| charter.rules = 0),
        range("name-empty", "a community without a name", &|charter| charter.name.clear()),
        range("name-65", "a name of 65 bytes", &|charter| charter.name = "x".repeat(65)),
        rule("name-control", "a name that would steer a terminal", &|charter| charter.name = "\u{1b}[2J".into()),
        rule("member-name-control", "a C1 control character", &|charter| charter.members[0].name = "\u{9b}".into()),
        range("member-name-65", "65 bytes in 33 characters", &|charter| {
            charter.members[0].name = format!("x{}", "é".repeat(32));
        }),
        range("members-none", "no members", &|charter| charter.members.clear()),
        rule("members-unordered", "members not ascending", &|charter| charter.members.reverse()),
        rule("members-twice", "a member twice", &|charter| charter.members[1].key = charter.members[0].key),
        rule("member-weak", "a member's key of order 4", &|charter| charter.members[0].key = MemberKey([0; 32])),
        rule("member-neutral", "a member's key of order 1", &|charter| charter.members[0].key = MemberKey(neutral)),
        rule("member-off-curve", "a member's key that is no point", &|charter| {
            let last = charter.members.len() - 1;
            charter.members[last].key = MemberKey(off_curve());
        }),
        range("operators-none", "no operators", &|charter| charter.operators.clear()),
        range("operators-16", "sixteen operators", &|charter| {
            charter.operators = (1..=16).map(|seed| Household::with_seed(seed).key()).collect();
            charter.operators.sort();
        }),
        rule("operators-twice", "an operator twice", &|charter| charter.operators = vec![alice().key(); 2]),
        rule("operator-weak", "an operator's key of order 4", &|charter| {
            charter.operators = vec![MemberKey([0; 32])];
        }),
        rule("lifetime-short", "a lifetime below twice the skew", &|charter| {
            charter.proposal_lifetime = Duration::from_millis(9_999);
        }),
        range("lifetime-zero", "a lifetime of nothing", &|charter| {
            (charter.proposal_lifetime, charter.clock_skew) = Default::default();
        }),
        range("lifetime-long", "more than a year", &|charter| {
            charter.proposal_lifetime = YEAR + Duration::from_millis(1);
        }),
    ]
}

/// No point of the curve, and above every member's key.
fn off_curve() -> [u8; 32] {
    let points = (0..=255).rev().map(|byte| [byte; 32]);
    let is_none = |point: &[u8; 32]| ed25519_dalek::VerifyingKey::from_bytes(point).is_err();
    points.into_iter().find(is_none).expect("half of them are none")
}

fn shapes() -> Vec<Case> {
    let of = |name, class, about, change: &dyn Fn(&mut Shape)| {
        let mut charter = charter();
        change(&mut charter.shape);
        let record = GovernanceRecord { act: act(charter), ..founding().record };
        refused(name, class, about, sealed(&record.encode()))
    };
    let rule = |name, about, change: &dyn Fn(&mut Shape)| of(name, "broken rule", about, change);
    let range = |name, about, change: &dyn Fn(&mut Shape)| of(name, "out of range", about, change);
    let fee = |name: &str, ticks| Fee { name: name.into(), payer: wattswap_matching::Side::Buy, per_kwh: Price(ticks) };
    vec![
        rule("currency-lower", "a currency in small letters", &|shape| shape.currency = "eur".into()),
        rule("currency-long", "a currency of four letters", &|shape| shape.currency = "EURO".into()),
        range("slot-zero", "slots of no length", &|shape| shape.slot_length = Duration::ZERO),
        range("delivery-zero", "no delivery time", &|shape| shape.delivery_time = Duration::ZERO),
        range("opening-long", "more than a year", &|shape| shape.opening = YEAR + Duration::from_millis(1)),
        range("gate-long", "more than a year", &|shape| shape.gate_millis = 366 * 24 * 3_600_000 + 1),
        rule("gate-before-opening", "the gate closes when the book opens", &|shape| {
            shape.gate_millis = -((48 * 3600 + 900) * 1_000);
        }),
        range("slots-many", "4097 slots open at a time", &|shape| {
            (shape.slot_length, shape.gate_millis) = (Duration::from_secs(1), 0);
            shape.opening = Duration::from_secs(4_096);
        }),
        range("tick-zero", "a price tick of nothing", &|shape| shape.price_tick = Decimal::ZERO),
        range("tick-negative", "a negative price tick", &|shape| shape.price_tick = Decimal::new(-1, 4)),
        range("tick-fine", "ten decimals", &|shape| shape.price_tick = Decimal::new(1, 10)),
        range("tick-long", "seven digits", &|shape| shape.price_tick = Decimal::new(1_000_001, 4)),
        range("quantity-tick-zero", "a quantity tick of nothing", &|shape| shape.quantity_tick = WattHours(0)),
        range("smallest-fill-zero", "a smallest fill of nothing", &|shape| shape.smallest_fill = WattHours(0)),
        rule("smallest-fill-between", "a smallest fill between two ticks", &|shape| {
            (shape.quantity_tick, shape.smallest_fill) = (WattHours(4), WattHours(10));
        }),
        rule("floor-above-cap", "no price is possible", &|shape| shape.floor = Price(15_001)),
        range("cap-beyond", "a cap beyond the bound", &|shape| shape.cap = Price(1_000_001)),
        range("fee-unnamed", "a fee without a name", &|shape| shape.fees = vec![fee("", 1)]),
        range("fee-beyond", "a fee beyond the bound", &|shape| shape.fees = vec![fee("x", -1_000_001)]),
        range("fees-9", "nine fees", &|shape| shape.fees = vec![fee("x", 1); 9]),
    ]
}
