//! Logs that members have written, signed like any other and put into a node's store as its own loop would have.

use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};
use wattswap_node::drivers::store::Store;
use wattswap_node::protocol::charter::Charter;
use wattswap_node::protocol::entry::{Entry, Op, Order};
use wattswap_node::protocol::household::io::Record;
use wattswap_node::protocol::ids::{CharterId, CommunityId, EntryId, Incarnation, LogId, MemberKey};
use wattswap_node::protocol::signed::{Signer, Verified};

use crate::Outcome;

/// Entries that are written at a time.
const BATCH: usize = 1_024;
/// Energy of each order.
const QUANTITY: WattHours = WattHours(100);

/// A member that has a key and a log, and no node.
pub struct Author(SigningKey);

/// What entries of a community have in common.
pub struct Lane {
    /// The community.
    pub community: CommunityId,
    /// The charter that orders name.
    pub charter_id: CharterId,
    /// The same.
    pub charter: Charter,
}

impl Author {
    /// So many, always the same ones.
    pub fn several(count: usize) -> Vec<Self> {
        let key = |number: u64| {
            let mut secret = [1; 32];
            secret[..8].copy_from_slice(&number.to_be_bytes());
            Self(SigningKey::from_bytes(&secret))
        };
        (0..count as u64).map(key).collect()
    }

    /// Signs a log of entries that place one order each, at the times and for the slots that are given.
    pub fn log(&self, lane: &Lane, orders: impl IntoIterator<Item = (UtcMillis, Slot)>) -> Vec<Verified<Entry>> {
        let mut orders = orders.into_iter().peekable();
        let opened = orders.peek().map_or(UtcMillis(0), |(at, _)| *at);
        let log = LogId { author: self.key(), incarnation: Incarnation { opened, nonce: 1 } };
        let mut prev = None;
        let sign = |(seq, (at, slot)): (usize, (UtcMillis, Slot))| {
            let ops = vec![Op::Place(self.order(lane, slot, seq))];
            let entry = Entry { community: lane.community, log, seq: seq as u64, prev, at, ops };
            let entry = Verified::sign(entry, self);
            prev = Some(EntryId(entry.hash()));
            entry
        };
        orders.enumerate().map(sign).collect()
    }

    /// Bids lie below the middle of the band and asks above it, on a hundred prices each.
    fn order(&self, lane: &Lane, slot: Slot, seq: usize) -> Order {
        let shape = &lane.charter.shape;
        let middle = shape.floor.0.midpoint(shape.cap.0);
        let away = 1 + (seq as i32 * 7 + i32::from(self.key().0[1])) % 100;
        let (side, price) = match self.key().0[0] % 2 {
            0 => (Side::Buy, middle - away),
            _ => (Side::Sell, middle + away),
        };
        let expires_at = shape.gate(slot);
        Order { slot, side, quantity: QUANTITY, price: Price(price), expires_at, charter: lane.charter_id }
    }
}

impl Signer for Author {
    fn key(&self) -> MemberKey {
        MemberKey(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl Lane {
    /// Slots that were open at `at` and stay so for a while.
    pub fn slots(&self, at: UtcMillis, for_a_while: Duration) -> Vec<Slot> {
        let shape = &self.charter.shape;
        shape.open_slots(at).filter(|slot| shape.gate(*slot) > at.after(for_a_while)).collect()
    }
}

/// Makes entries durable in a store.
pub fn write(store: &Store, entries: &[Verified<Entry>]) -> Outcome<()> {
    for entries in entries.chunks(BATCH) {
        let records: Vec<Record> = entries.iter().cloned().map(Record::Entry).collect();
        store.commit(&records)?;
    }
    Ok(())
}
