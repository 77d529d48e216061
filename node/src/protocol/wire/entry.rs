//! Entries and beacons as bytes, and the bounds that hold for them in any community.

use wattswap_matching::{Price, UtcMillis, WattHours};

use super::cbor::{Map, Reader, Wire, Writer};
use super::{Malformed, require, within};
use crate::protocol::agreement::words::{Acceptance, Proposal};
use crate::protocol::entry::{Beacon, Entry, Fill, Op, Order};
use crate::protocol::ids::{Head, LogId, MemberKey};
use crate::protocol::limits::{
    MAX_ENERGY, MAX_ENTRY_BYTES, MAX_OPS, MAX_PRICE_TICKS, MAX_SEQ, MAX_TIME, MAX_WORD_BYTES,
};
use crate::protocol::signed::{Signed, Statement};

impl Statement for Entry {
    const DOMAIN: &'static str = "wattswap/1/entry";
    const MAX_BYTES: usize = MAX_ENTRY_BYTES;

    fn signer(&self) -> MemberKey {
        self.log.author
    }

    fn check(&self) -> Result<(), Malformed> {
        check_seq(self.seq)?;
        require(self.prev.is_some() == (self.seq > 0), "an entry must name the one before it, unless its number is 0")?;
        check_log(&self.log)?;
        check_time(self.at)?;
        // The first one says that there is a log from now on, and may say nothing else.
        within("number of ops", self.ops.len(), i64::from(self.seq > 0)..=MAX_OPS as i64)?;
        self.ops.iter().try_for_each(|op| check_op(self, op))
    }
}

impl Statement for Beacon {
    const DOMAIN: &'static str = "wattswap/1/beacon";
    const MAX_BYTES: usize = MAX_WORD_BYTES;

    fn signer(&self) -> MemberKey {
        self.log.author
    }

    fn check(&self) -> Result<(), Malformed> {
        check_seq(self.last.map_or(0, |(seq, _)| seq))?;
        check_log(&self.log)?;
        check_time(self.at)
    }
}

fn check_op(entry: &Entry, op: &Op) -> Result<(), Malformed> {
    match op {
        Op::Place(order) => order.check(),
        Op::Cancel { leaves, .. } => within("energy that a cancel leaves", leaves.0, 0..=MAX_ENERGY.0),
        Op::Fill(fill) => check_fill(entry, fill),
        Op::Seal(head) => {
            check_seq(head.seq)?;
            check_log(&head.log)?;
            let is_older = head.log.author == entry.log.author && head.log.incarnation < entry.log.incarnation;
            require(is_older, "a seal must be of an older log of the same household")
        }
    }
}

fn check_fill(entry: &Entry, fill: &Fill) -> Result<(), Malformed> {
    let (proposal, acceptance) = (&fill.proposal, &fill.acceptance);
    require(proposal.community == entry.community, "a fill must belong to the community of the entry that holds it")?;
    let is_party = [proposal.taker.author, proposal.maker.author].contains(&entry.log.author);
    require(is_party, "a fill must be in the log of one of the two who traded")?;
    require(acceptance.proposal.0 == proposal.hash(), "a fill's acceptance must name the fill's proposal")?;
    let answers = (acceptance.maker, acceptance.incarnation) == (proposal.maker.author, proposal.maker.incarnation);
    require(answers, "a fill's acceptance must come from the log that the proposal asked")?;
    require(acceptance.quantity <= proposal.up_to, "a fill must not be for more than was proposed")
}

impl Order {
    /// Whether the order is within the bounds that hold in any community.
    ///
    /// # Errors
    /// [`Malformed`] says which bound is broken.
    pub fn check(&self) -> Result<(), Malformed> {
        check_time(self.slot.start())?;
        check_time(self.expires_at)?;
        check_energy(self.quantity)?;
        check_price(self.price)
    }
}

pub(super) fn check_log(log: &LogId) -> Result<(), Malformed> {
    check_time(log.incarnation.opened)
}

pub(super) fn check_seq(seq: u64) -> Result<(), Malformed> {
    within("number of an entry", seq, 0..=MAX_SEQ as i64)
}

pub(super) fn check_time(at: UtcMillis) -> Result<(), Malformed> {
    within("time in milliseconds since 1970", at.0, 0..=MAX_TIME.0 as i64)
}

/// Energy that is ordered, proposed or traded: there is some.
pub(super) fn check_energy(energy: WattHours) -> Result<(), Malformed> {
    within("energy in watt-hours", energy.0, 1..=MAX_ENERGY.0)
}

pub(super) fn check_price(price: Price) -> Result<(), Malformed> {
    within("price in ticks", price.0, -MAX_PRICE_TICKS..=MAX_PRICE_TICKS)
}

impl Wire for Entry {
    fn write(&self, out: &mut Writer) {
        out.map(6 + u64::from(self.prev.is_some()))
            .field(0, &self.community)
            .field(1, &self.log.author)
            .field(2, &self.log.incarnation)
            .field(3, &self.seq)
            .optional(4, self.prev.as_ref())
            .field(5, &self.at)
            .key(6)
            .list(&self.ops);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let entry = Self {
            community: map.required(0)?,
            log: read_log(&mut map)?,
            seq: map.required(3)?,
            prev: map.optional(4)?,
            at: map.required(5)?,
            ops: map.field(6)?.list("number of ops", 0, MAX_OPS)?,
        };
        map.end().map(|()| entry)
    }
}

impl Wire for Beacon {
    fn write(&self, out: &mut Writer) {
        let (seq, id) = self.last.unzip();
        out.map(4 + 2 * u64::from(self.last.is_some()))
            .field(0, &self.community)
            .field(1, &self.log.author)
            .field(2, &self.log.incarnation)
            .optional(3, seq.as_ref())
            .optional(4, id.as_ref())
            .field(5, &self.at);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let (community, log) = (map.required(0)?, read_log(&mut map)?);
        let last = match map.optional(3)? {
            Some(seq) => Some((seq, map.required(4)?)),
            None => None,
        };
        let at = map.required(5)?;
        map.end().map(|()| Self { community, log, last, at })
    }
}

fn read_log(map: &mut Map<'_, '_>) -> Result<LogId, Malformed> {
    Ok(LogId { author: map.required(1)?, incarnation: map.required(2)? })
}

impl Wire for Op {
    fn write(&self, out: &mut Writer) {
        match self {
            Self::Place(order) => {
                out.array(7).unsigned(0).put(&order.slot).put(&order.side).put(&order.quantity);
                out.put(&order.price).put(&order.expires_at).put(&order.charter);
            }
            Self::Cancel { order, leaves } => {
                out.array(3).unsigned(1).put(order).put(leaves);
            }
            Self::Fill(fill) => {
                out.array(3).unsigned(2).bytes(fill.proposal.bytes()).bytes(fill.acceptance.bytes());
            }
            Self::Seal(head) => {
                out.array(2).unsigned(3).put(head);
            }
        }
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = cbor.kind(|kind| [7, 3, 3, 2].get(usize::try_from(kind).ok()?).copied())?;
        Ok(match kind {
            0 => Self::Place(Order {
                slot: Wire::read(cbor)?,
                side: Wire::read(cbor)?,
                quantity: Wire::read(cbor)?,
                price: Wire::read(cbor)?,
                expires_at: Wire::read(cbor)?,
                charter: Wire::read(cbor)?,
            }),
            1 => Self::Cancel { order: Wire::read(cbor)?, leaves: Wire::read(cbor)? },
            2 => Self::Fill(Box::new(Fill {
                proposal: Signed::<Proposal>::parse(cbor.bytes()?)?,
                acceptance: Signed::<Acceptance>::parse(cbor.bytes()?)?,
            })),
            _ => Self::Seal(Head::read(cbor)?),
        })
    }
}
