//! What the people of a street ask for, and the names of what they write: short forms for those who drive a street.

use wattswap_matching::{Price, Side, Slot, WattHours};
use wattswap_node::protocol::entry::Entry;
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::household::io::{Command, Reply, Request, RequestId, Wish};
use wattswap_node::protocol::ids::{CharterId, CommunityId, LogId};
use wattswap_node::protocol::signed::Verified;

use super::Street;

impl Street {
    /// The name of the first charter.
    #[must_use]
    pub fn charter_id(&self) -> CharterId {
        self.charter.id
    }

    /// The first charter, as it was signed.
    #[must_use]
    pub fn first_charter(&self) -> SignedRecord {
        self.charter.clone()
    }

    /// The community's name.
    #[must_use]
    pub fn community(&self) -> CommunityId {
        CommunityId(self.charter.id.0)
    }

    /// The log that a household writes; none if it never ran.
    #[must_use]
    pub fn log(&self, home: usize) -> Option<LogId> {
        let incarnation = self.disk(home).incarnation()?;
        Some(LogId { author: self.key(home), incarnation })
    }

    /// What a household has written so far.
    pub fn entries_of(&self, home: usize) -> impl DoubleEndedIterator<Item = &Verified<Entry>> {
        let author = self.key(home);
        self.disk(home).entries_by(author)
    }

    /// The slot of the next delivery.
    #[must_use]
    pub fn next_slot(&self) -> Slot {
        let shape = self.charter().shape;
        shape.next(shape.slot_at(self.now))
    }

    /// An order for the next slot that stands until its gate.
    #[must_use]
    pub fn wish(&self, side: Side, quantity: i64, price: i32) -> Wish {
        Wish { slot: self.next_slot(), side, quantity: WattHours(quantity), price: Price(price), expires_at: None }
    }

    /// Places an order; none if the household does not run, or crashes over it.
    ///
    /// # Panics
    /// If the household refuses it.
    pub fn place(&mut self, home: usize, wish: Wish) -> Option<RequestId> {
        match self.command(home, Command::Place { wishes: vec![wish], key: None })? {
            Ok(Reply::Placed(requests)) => Some(requests[0].id),
            other => panic!("the order should be accepted, not {other:?}"),
        }
    }

    /// What has become of a request by what is durable.
    ///
    /// # Panics
    /// If the household never made it durable.
    #[must_use]
    pub fn request(&self, home: usize, id: RequestId) -> &Request {
        &self.disk(home).requests()[&id]
    }
}
