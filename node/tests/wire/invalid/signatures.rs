//! Well-formed messages whose signature is worth nothing.

use ed25519_dalek::VerifyingKey;
use wattswap_node::protocol::entry::{Beacon, Entry};
use wattswap_node::protocol::ids::{LogId, MemberKey};
use wattswap_node::protocol::signed::{Signer as _, Statement};
use wattswap_node::protocol::wire::cose;

use super::sealed;
use crate::explain::Kind;
use crate::golden::Case;
use crate::sample::*;

/// The order of Ed25519's base point, little-endian.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
/// What Bob would sign `offer` with if he chose the neutral element as R, and S to fit: other libraries take it.
const SMALL_ORDER_R: &str = concat!(
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ff850bfe0263d4fc91d0b3b5b18e78d1914367f8969aa6892b7e44d7c270f50a",
);

pub fn cases() -> Vec<Case> {
    let payload = offer().encode();
    let good = signed(offer(), &bob()).bytes().to_vec();
    let bad = |name, about, bytes| Case::refused(Kind::Entry, name, "bad signature", about, bytes);
    let with = |signature: &[u8]| [&good[..good.len() - 64], signature].concat();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let over = |message: &[u8]| with(&bob().sign(message));
    let forged = |key: [u8; 32]| {
        let entry = Entry { log: LogId { author: MemberKey(key), ..bob().log(60) }, ..offer() };
        cose::seal(&entry.encode(), &neutral_signature())
    };
    vec![
        bad("signature-flipped-r", "one bit of R is wrong", flipped(good.len() - 64)),
        bad("signature-flipped-s", "one bit of S is wrong", flipped(good.len() - 32)),
        bad("signature-zero", "64 zeros", with(&[0; 64])),
        bad("signature-of-another", "signed by Alice in Bob's name", sealed::<Entry>(&payload, &alice())),
        bad("signature-wrong-domain", "signed as a beacon", sealed::<Beacon>(&payload, &bob())),
        bad("signature-no-domain", "signed with empty external AAD", over(&cose::to_be_signed("", &payload))),
        bad("signature-bare", "a signature over the payload alone", over(&payload)),
        bad("signature-other-payload", "Bob's signature of another entry", with(&last(&signed(reprice(), &bob())))),
        bad("signature-malleated", "S is not reduced: S + L", with(&malleated(&last(&signed(offer(), &bob()))))),
        bad("signature-small-r", "R of small order: strict verification", with(&unhex(SMALL_ORDER_R))),
        bad("key-neutral", "a key of order 1, for which this signature fits everything", forged(neutral())),
        bad("key-zero", "a key of 32 zeros, of order 4", forged([0; 32])),
        bad("key-off-curve", "a key that is no point of the curve", forged(off_curve())),
    ]
}

fn last<T>(signed: &wattswap_node::protocol::signed::Signed<T>) -> [u8; 64] {
    *signed.bytes().last_chunk().expect("a signature")
}

/// The neutral element's encoding.
pub fn neutral() -> [u8; 32] {
    let mut point = [0; 32];
    point[0] = 1;
    point
}

/// R neutral, S zero.
pub fn neutral_signature() -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&neutral());
    signature
}

fn off_curve() -> [u8; 32] {
    let points = (0..=255).map(|byte| [byte; 32]);
    points.into_iter().find(|point| VerifyingKey::from_bytes(point).is_err()).expect("half of them are none")
}

fn malleated(signature: &[u8; 64]) -> Vec<u8> {
    let mut sum = signature.to_vec();
    let mut carry = 0;
    for (byte, order) in sum[32..].iter_mut().zip(unhex(ORDER)) {
        let total = u16::from(*byte) + u16::from(order) + carry;
        *byte = (total & 0xff) as u8;
        carry = total >> 8;
    }
    sum
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

/// The forged and malleated ones would pass a laxer check, or they would prove nothing.
#[test]
fn a_lax_verifier_takes_what_the_strict_one_refuses() {
    use ed25519_dalek::{Signature, Verifier as _};
    for (name, key) in [("key-neutral", neutral()), ("signature-small-r", bob().key().0)] {
        let case = cases().into_iter().find(|case| case.name == name).expect("a case");
        let (payload, signature) = cose::open(&case.bytes, usize::MAX).expect("framed");
        let message = cose::to_be_signed(Entry::DOMAIN, payload);
        let key = VerifyingKey::from_bytes(&key).expect("a point");
        let signature = Signature::from_bytes(signature);
        assert!(key.verify(&message, &signature).is_ok(), "{name}");
        assert!(key.verify_strict(&message, &signature).is_err(), "{name}");
    }
}
