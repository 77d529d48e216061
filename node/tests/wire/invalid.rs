//! Bytes that every node refuses, and why. Each is a sound message with one thing wrong.

mod entries;
mod governance;
mod messages;
pub mod signatures;
mod words;

use wattswap_node::protocol::signed::{Signer as _, Statement};
use wattswap_node::protocol::wire::cose;

use crate::golden::Case;
use crate::sample::Household;

pub fn cases() -> Vec<Case> {
    [entries::cases(), signatures::cases(), words::cases(), governance::cases(), messages::cases()].concat()
}

/// Replaces bytes that occur exactly once, both in hexadecimal.
fn edit(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (from, to) = (hex::decode(from).expect("hex"), hex::decode(to).expect("hex"));
    let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&from)).collect();
    let [at] = places[..] else {
        panic!("{} occurs {} times in {}", hex::encode(from), places.len(), hex::encode(bytes))
    };
    [&bytes[..at], &to, &bytes[at + from.len()..]].concat()
}

/// A well-signed message whose payload may be anything.
fn sealed<T: Statement>(payload: &[u8], signer: &Household) -> Vec<u8> {
    cose::seal(payload, &signer.sign(&cose::to_be_signed(T::DOMAIN, payload)))
}
