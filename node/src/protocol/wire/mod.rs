//! How things look as bytes: deterministic CBOR, and COSE around what is signed.
//!
//! Decoders are strict and typed: each reads one grammar, so nesting is as deep as the type and no deeper, every
//! count is checked before anything is allocated for it, and there is exactly one encoding of each value. What parses
//! is also within the bounds that hold in any state of any community; whether it *counts* is judged elsewhere.
//! `docs/wire-format.md` says the same for other languages, `tests/vectors` pins it byte by byte.

mod basic;
pub(crate) mod cbor;
mod charter;
pub mod cose;
pub mod cosign;
mod entry;
mod message;
mod words;

use std::ops::RangeInclusive;

pub use cbor::Wire;
pub(super) use cbor::{decode, encode};

/// Bytes that are not what they claim to be, or a statement that no node would read.
///
/// Of a peer's bytes: drop them, and hold it against the peer. Of a statement of our own: mend what the text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than any such message; nothing of it was read.
    #[error("{bytes} bytes are more than the {max} that such a message can have")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// Not in the one allowed COSE framing, whatever it holds.
    #[error("not in the one allowed COSE framing: tag, protected header, empty unprotected header, payload, signature")]
    Framing,
    /// The bytes end early or hold something else here.
    #[error("byte {at}: expected {what}")]
    Expected {
        /// Where.
        at: usize,
        /// What should be there.
        what: &'static str,
    },
    /// A map lacks this key here, or has its keys in another order.
    #[error("byte {at}: expected the key {key}")]
    Key {
        /// Where.
        at: usize,
        /// The key.
        key: u8,
    },
    /// A length or number in more bytes than it takes: it would have a second encoding.
    #[error("byte {at}: a number or length that is not in its shortest form")]
    NotShortest {
        /// Where.
        at: usize,
    },
    /// Something follows the end: a map's unknown key, or bytes after the whole.
    #[error("byte {at}: something follows where the end was expected")]
    NotTheEnd {
        /// Where.
        at: usize,
    },
    /// A number, or a number of things, that is too small or too large.
    #[error("the {what} must be between {min} and {max}")]
    OutOfRange {
        /// What it is.
        what: &'static str,
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// A rule that ties several values together does not hold.
    #[error("{0}")]
    Broken(&'static str),
}

/// Refuses a number outside of `range`.
pub(super) fn within(
    what: &'static str,
    value: impl TryInto<i64>,
    range: RangeInclusive<i64>,
) -> Result<(), Malformed> {
    match value.try_into() {
        Ok(value) if range.contains(&value) => Ok(()),
        _ => Err(Malformed::OutOfRange { what, min: *range.start(), max: *range.end() }),
    }
}

/// Refuses what breaks `rule`, a whole sentence.
pub(super) fn require(holds: bool, rule: &'static str) -> Result<(), Malformed> {
    if holds { Ok(()) } else { Err(Malformed::Broken(rule)) }
}
