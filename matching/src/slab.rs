//! Where a book keeps its orders: dense nodes that are reused and linked into queues by index, and handles that can't
//! name the wrong order.
//!
//! What matching touches is a node of 24 bytes. What it does not, the arrival and the expiry, lies in a record of the
//! same index. Records are the larger part, so they lie in blocks that never move: a book that grows copies none of
//! them, and holds room for less than a block of them more than it needs.

use std::num::NonZeroU32;

use crate::ladder::Queue;
use crate::order::{Order, Trader};
use crate::priority::{Arrival, Rank};
use crate::rejection::Rejection;
use crate::units::{Side, UtcMillis};

/// The index of a node, or [`NONE`].
pub(crate) type Link = u32;

/// The link to nothing.
pub(crate) const NONE: Link = u32::MAX;

/// The bits of a handle that are the index of its node. The 12 above them count the orders that the node has held.
const INDEX_BITS: u32 = 20;

/// What one more order in a node adds to its handle.
const ONE_ORDER: NonZeroU32 = NonZeroU32::new(1 << INDEX_BITS).expect("one, shifted by less than 32, is not zero");

/// The most nodes of a slab: as many as a handle tells apart.
pub(crate) const MOST_NODES: u32 = 1 << INDEX_BITS;

/// The records of a block. Room is made for so many orders at once: few, so that a book with few orders stays small and
/// the room is still in the cache when it is used.
const BLOCK: u32 = 16;

const _: () = assert!(MOST_NODES.is_multiple_of(BLOCK), "room is made up to the last node");

/// Names a resting order of one book, until it is filled, cancelled or expired; refused from then on.
///
/// Four bytes, also as an `Option`: good as a key, or to be kept beside the caller's own record of the order. It means
/// nothing in another book, and nothing after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(NonZeroU32);

/// The part of an order that matching touches, or room for one.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The order's handle; of a free node, that of the order to come.
    pub(crate) handle: Handle,
    /// The next order of the queue; of a free node, the next free one.
    pub(crate) next: Link,
    /// The order before it in the queue; means nothing in the first one, so that filling that touches no other.
    previous: Link,
    /// Watt-hours still open; zero only while the node is free.
    pub(crate) open: u32,
    pub(crate) trader: Trader,
    pub(crate) place: Place,
}

/// The part of an order that matching does not touch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<Id> {
    pub(crate) arrival: Arrival<Id>,
    pub(crate) expires_at: UtcMillis,
}

/// Side and rank of an order in one word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u32);

/// All orders of a book.
#[derive(Clone, Debug)]
pub(crate) struct Slab<Id> {
    nodes: Vec<Node>,
    /// The record of a node is number `index % BLOCK` of block `index / BLOCK`.
    blocks: Vec<Box<[Record<Id>; BLOCK as usize]>>,
    first_free: Link,
    len: u32,
}

impl Handle {
    /// The handle of the first order that a node holds.
    fn first(index: Link) -> Self {
        Self(ONE_ORDER | index)
    }

    #[inline]
    pub(crate) fn index(self) -> Link {
        self.0.get() & (ONE_ORDER.get() - 1)
    }

    /// The handle of the next order in the same node; none if the node can tell no more orders apart.
    #[inline]
    fn next(self) -> Option<Self> {
        self.0.checked_add(ONE_ORDER.get()).map(Self)
    }
}

impl Place {
    #[inline]
    pub(crate) fn new(side: Side, rank: Rank) -> Self {
        Self(rank.0 << 1 | side as u32)
    }

    #[inline]
    pub(crate) fn side(self) -> Side {
        if self.0 & 1 == Side::Buy as u32 { Side::Buy } else { Side::Sell }
    }

    #[inline]
    pub(crate) fn rank(self) -> Rank {
        Rank(self.0 >> 1)
    }
}

impl<Id: Ord + Copy> Slab<Id> {
    pub(crate) const EMPTY: Self = Self { nodes: Vec::new(), blocks: Vec::new(), first_free: NONE, len: 0 };

    /// The number of orders.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Whether there is no room for another order.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.first_free == NONE && self.nodes.len() >= MOST_NODES as usize
    }

    #[inline]
    pub(crate) fn node(&self, index: Link) -> &Node {
        &self.nodes[index as usize]
    }

    #[inline]
    pub(crate) fn node_mut(&mut self, index: Link) -> &mut Node {
        &mut self.nodes[index as usize]
    }

    #[inline]
    pub(crate) fn record(&self, index: Link) -> &Record<Id> {
        &self.blocks[(index / BLOCK) as usize][(index % BLOCK) as usize]
    }

    /// The index of the order that `handle` names.
    #[inline]
    pub(crate) fn find(&self, handle: Handle) -> Result<Link, Rejection> {
        match self.nodes.get(handle.index() as usize) {
            Some(node) if node.handle == handle && node.open > 0 => Ok(handle.index()),
            _ => Err(Rejection::NotResting),
        }
    }

    /// All orders, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Node, &Record<Id>)> {
        self.nodes.iter().zip(self.blocks.iter().flat_map(|block| block.iter())).filter(|(node, _)| node.open > 0)
    }

    /// Stores an order behind the last one of `queue`. There must be room.
    #[inline]
    pub(crate) fn push(&mut self, queue: &mut Queue, order: &Order<Id>, place: Place, open: u32) -> Handle {
        if self.first_free == NONE {
            self.make_room(order);
        }
        self.len += 1;
        let (index, previous) = (self.first_free, queue.last);
        self.blocks[(index / BLOCK) as usize][(index % BLOCK) as usize] =
            Record { arrival: order.arrival(), expires_at: order.expires_at };
        let nodes = self.nodes.as_mut_slice();
        if queue.first == NONE {
            queue.first = index;
        } else {
            nodes[previous as usize].next = index;
        }
        queue.last = index;
        let node = &mut nodes[index as usize];
        self.first_free = node.next;
        let handle = node.handle;
        *node = Node { handle, next: NONE, previous, open, trader: order.limit.trader, place };
        handle
    }

    /// Moves the last order of `queue` before all that came later than it. Walks from the back, for what is late is
    /// seldom very late.
    #[cold]
    pub(crate) fn move_forward(&mut self, queue: &mut Queue) {
        let index = queue.last;
        let mut next = index;
        while next != queue.first && self.record(self.node(next).previous).arrival > self.record(index).arrival {
            next = self.node(next).previous;
        }
        if next == index {
            return;
        }
        queue.last = self.node(index).previous;
        self.node_mut(queue.last).next = NONE;
        let previous = self.node(next).previous;
        if next == queue.first {
            queue.first = index;
        } else {
            self.node_mut(previous).next = index;
        }
        let node = self.node_mut(index);
        (node.previous, node.next) = (previous, next);
        self.node_mut(next).previous = index;
    }

    /// Takes an order out of `queue` and frees its node; its handle is refused from now on.
    #[inline]
    pub(crate) fn remove(&mut self, queue: &mut Queue, index: Link) {
        self.len -= 1;
        let nodes = self.nodes.as_mut_slice();
        let node = &mut nodes[index as usize];
        let (previous, next) = (node.previous, node.next);
        node.open = 0;
        // A node that can tell no more orders apart is not used again: better 80 bytes lost in 4,095 orders than one
        // order hit by mistake.
        if let Some(handle) = node.handle.next() {
            node.handle = handle;
            node.next = self.first_free;
            self.first_free = index;
        }
        if queue.first == index {
            queue.first = next;
        } else {
            nodes[previous as usize].next = next;
            if queue.last == index {
                queue.last = previous;
            } else {
                nodes[next as usize].previous = previous;
            }
        }
    }

    /// Adds free nodes. What they hold does not matter: `order` only fills them.
    #[cold]
    fn make_room(&mut self, order: &Order<Id>) {
        let first = self.nodes.len() as Link;
        let last = first + BLOCK - 1;
        self.nodes.extend((first..=last).map(|index| Node {
            handle: Handle::first(index),
            next: if index == last { NONE } else { index + 1 },
            previous: NONE,
            open: 0,
            trader: order.limit.trader,
            place: Place(0),
        }));
        let record = Record { arrival: order.arrival(), expires_at: order.expires_at };
        self.blocks.push(Box::new([record; BLOCK as usize]));
        self.first_free = first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Limit;
    use crate::units::{Price, WattHours};

    #[test]
    fn each_order_has_a_record_of_its_own() {
        let limit = Limit { trader: Trader(0), side: Side::Buy, price: Price(0), quantity: WattHours(1) };
        let (mut slab, mut queue) = (Slab::EMPTY, Queue::EMPTY);
        let numbers = 0..BLOCK * 3 + 1;
        let orders = numbers.map(|id| Order { limit, at: UtcMillis(7), id, expires_at: UtcMillis(u64::from(id) + 9) });
        let mut rest = |order| (slab.push(&mut queue, &order, Place(0), 1), order);
        let resting: Vec<_> = orders.map(&mut rest).collect();
        for (handle, order) in &resting {
            let record = slab.record(handle.index());
            assert_eq!((record.arrival, record.expires_at), (order.arrival(), order.expires_at));
        }
        let listed: Vec<_> = slab.iter().map(|(node, record)| (node.handle, record.arrival.id)).collect();
        assert_eq!(listed, resting.iter().map(|(handle, order)| (*handle, order.id)).collect::<Vec<_>>());
    }

    #[test]
    fn a_node_that_can_tell_no_more_orders_apart_is_not_used_again() {
        let limit = Limit { trader: Trader(0), side: Side::Buy, price: Price(0), quantity: WattHours(1) };
        let order = Order { limit, at: UtcMillis(0), id: 0_u32, expires_at: UtcMillis(1) };
        let mut slab = Slab::EMPTY;
        let mut handles = Vec::new();
        for _ in 0..5_000 {
            let mut queue = Queue::EMPTY;
            let handle = slab.push(&mut queue, &order, Place(0), 1);
            assert_eq!(slab.find(handle), Ok(handle.index()));
            slab.remove(&mut queue, handle.index());
            handles.push(handle);
        }
        assert!(handles.iter().all(|&handle| slab.find(handle) == Err(Rejection::NotResting)));
        let in_first_node = handles.iter().filter(|handle| handle.index() == 0).count();
        assert_eq!(in_first_node, (1 << (32 - INDEX_BITS)) - 1);
        handles.sort_unstable();
        handles.dedup();
        assert_eq!(handles.len(), 5_000, "no handle ever named two orders");
    }
}
