//! Names of things that travel: keys, hashes, logs. Each is a type of its own, so that none stands in for another.

use std::cmp::Ordering;
use std::fmt;
use std::ops::RangeInclusive;

use wattswap_matching::UtcMillis;

macro_rules! bytes32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub [u8; 32]);

        impl Ord for $name {
            #[inline]
            fn cmp(&self, other: &Self) -> Ordering {
                compare(&self.0, &other.0)
            }
        }

        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({}..)", stringify!($name), hex::encode(&self.0[..4]))
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotHex32;
            fn from_str(text: &str) -> Result<Self, NotHex32> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| NotHex32)?;
                Ok(Self(bytes))
            }
        }
    };
}

/// The order of the bytes, eight at a time: names are keys and hashes, so that the first eight nearly always decide, and
/// maps compare little else.
#[inline]
fn compare(one: &[u8; 32], other: &[u8; 32]) -> Ordering {
    let words = |bytes: &[u8; 32]| -> [u64; 4] {
        std::array::from_fn(|word| u64::from_be_bytes(std::array::from_fn(|byte| bytes[8 * word + byte])))
    };
    words(one).cmp(&words(other))
}

/// The text is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct NotHex32;

bytes32!(
    /// A household's Ed25519 public key: its name in the community and on the network.
    MemberKey
);
bytes32!(
    /// SHA-256 of an entry's payload.
    EntryId
);
bytes32!(
    /// SHA-256 of a proposal's payload; also the id of the trade that comes of it.
    ProposalId
);
bytes32!(
    /// SHA-256 of a governance record's payload that holds a charter.
    CharterId
);
bytes32!(
    /// [`CharterId`] of a community's first charter.
    CommunityId
);
bytes32!(
    /// SHA-256 of a shape's encoding: books belong to a slot and a shape.
    ShapeId
);
bytes32!(
    /// SHA-256 over everything that a node compares with its peers before it asks for details.
    Digest
);

/// An order's name: the entry that placed it, and its place among that entry's ops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId {
    /// The entry that placed the order.
    pub entry: EntryId,
    /// The index of the `Place` op in it.
    pub index: u16,
}

impl OrderId {
    /// None comes before it.
    pub(super) const LEAST: Self = Self { entry: EntryId([0; 32]), index: 0 };
    /// None comes after it.
    pub(super) const MOST: Self = Self { entry: EntryId([0xff; 32]), index: u16::MAX };
}

/// The first eight bytes of a name that is a hash. Two names may begin alike: who finds one by this compares the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Beginning(u64);

impl Beginning {
    pub(super) const LEAST: Self = Self(0);
    pub(super) const MOST: Self = Self(u64::MAX);

    pub(super) fn of(name: &[u8; 32]) -> Self {
        Self(u64::from_be_bytes(std::array::from_fn(|byte| name[byte])))
    }

    /// Of an order, its place in its entry included: many may stand in one.
    pub(super) fn of_order(order: &OrderId) -> Self {
        Self(Self::of(&order.entry.0).0 & !u64::from(u16::MAX) | u64::from(order.index))
    }

    /// The name that begins so, and then has the same byte to its end.
    fn then(self, rest: u8) -> [u8; 32] {
        let mut name = [rest; 32];
        name[..8].copy_from_slice(&self.0.to_be_bytes());
        name
    }
}

impl ProposalId {
    /// All names that begin so.
    pub(super) fn beginning_with(beginning: Beginning) -> RangeInclusive<Self> {
        Self(beginning.then(0))..=Self(beginning.then(0xff))
    }
}

/// Names one log of an author. Opened anew when a store may have lost entries; the newest is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation {
    /// When it was opened, by its author's clock.
    pub opened: UtcMillis,
    /// Random, so that two that were opened in the same millisecond differ.
    pub nonce: u64,
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.opened.0, self.nonce)
    }
}

/// The text names no log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a log's name: milliseconds since 1970, a minus sign, and 16 hexadecimal digits")]
pub struct NotAnIncarnation;

impl std::str::FromStr for Incarnation {
    type Err = NotAnIncarnation;
    fn from_str(text: &str) -> Result<Self, NotAnIncarnation> {
        let (opened, nonce) = text.split_once('-').ok_or(NotAnIncarnation)?;
        let opened = UtcMillis(opened.parse().map_err(|_| NotAnIncarnation)?);
        let this = Self { opened, nonce: u64::from_str_radix(nonce, 16).map_err(|_| NotAnIncarnation)? };
        if this.to_string() == text { Ok(this) } else { Err(NotAnIncarnation) }
    }
}

/// One append-only log: its author and incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    /// The household that writes it.
    pub author: MemberKey,
    /// Which of its logs.
    pub incarnation: Incarnation,
}

impl LogId {
    /// Comes before every log of this author, in the order of names.
    #[must_use]
    pub fn first_of(author: MemberKey) -> Self {
        Self { author, incarnation: Incarnation { opened: UtcMillis(0), nonce: 0 } }
    }
}

/// A point in a log: "entry number `seq` has this id".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Head {
    /// The log.
    pub log: LogId,
    /// Sequence number of the entry.
    pub seq: u64,
    /// Id of the entry.
    pub id: EntryId,
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entry, self.index)
    }
}

/// The text is not an order's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an order's id: 64 hexadecimal digits, a colon, and a number below 65536")]
pub struct NotAnOrderId;

impl std::str::FromStr for OrderId {
    type Err = NotAnOrderId;
    fn from_str(text: &str) -> Result<Self, NotAnOrderId> {
        let (entry, index) = text.split_once(':').ok_or(NotAnOrderId)?;
        let is_plain = index == "0" || (index.starts_with(|c: char| ('1'..='9').contains(&c)));
        let index = index.parse().ok().filter(|_| is_plain).ok_or(NotAnOrderId)?;
        Ok(Self { entry: entry.parse().map_err(|_| NotAnOrderId)?, index })
    }
}

#[cfg(test)]
mod tests {
    use super::{Beginning, EntryId, OrderId, ProposalId};

    #[test]
    fn names_are_in_the_order_of_their_bytes() {
        let mut ids = vec![[0; 32], [0xff; 32]];
        ids.extend((0..32).flat_map(|place| {
            [1, 0x80, 0xff].map(|byte| {
                let mut id = [7; 32];
                id[place] = byte;
                id
            })
        }));
        for one in &ids {
            for other in &ids {
                assert_eq!(EntryId(*one).cmp(&EntryId(*other)), one.cmp(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn names_that_begin_alike_lie_side_by_side() {
        let name = |first: u8, eighth: u8, rest: u8| {
            let mut name = [rest; 32];
            (name[0], name[7]) = (first, eighth);
            name
        };
        for (first, eighth) in [(0, 0), (7, 9), (0xff, 0xff)] {
            let these = ProposalId::beginning_with(Beginning::of(&name(first, eighth, first)));
            // What comes after the first eight bytes makes no difference.
            for last in [0, 1, 0xff] {
                let mut like = name(first, eighth, first);
                like[8..].fill(last);
                assert!(these.contains(&ProposalId(like)), "{first} {eighth} {last}");
            }
            for other in [name(first ^ 1, eighth, first), name(first, eighth ^ 1, first)] {
                assert!(!these.contains(&ProposalId(other)), "{first} {eighth}");
            }
        }
        assert!(Beginning::of(&[3; 32]) < Beginning::of(&name(3, 4, 3)), "as whole names are");
    }

    #[test]
    fn an_order_id_is_read_from_its_text_and_from_no_other() {
        let hex = "0f".repeat(32);
        let order = |index| OrderId { entry: EntryId([0x0f; 32]), index };
        let cases = [
            (format!("{hex}:0"), Some(order(0))),
            (format!("{hex}:65535"), Some(order(65_535))),
            (format!("{hex}:65536"), None),
            (format!("{hex}:"), None),
            (format!("{hex}:00"), None),
            (format!("{hex}:01"), None),
            (format!("{hex}:+1"), None),
            (format!("{hex}:-1"), None),
            (format!("{hex}: 1"), None),
            (format!("{hex}:1:1"), None),
            (hex.clone(), None),
            (format!("{}:0", &hex[2..]), None),
            (format!("{}:0", "é".repeat(32)), None),
            (String::new(), None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse().ok(), expected, "{text}");
            assert!(expected.is_none_or(|order| order.to_string() == text), "{text}");
        }
    }
}
