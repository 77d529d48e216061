//! Where a book keeps its orders: dense nodes that are reused, and handles that can't name the wrong one.
//!
//! A node is what matching touches, 32 bytes, two to a cache line. What it does not touch, the caller's id and the
//! expiry, lies in a second array at the same index.

use std::num::NonZeroU32;

use crate::ladder::Queue;
use crate::order::Trader;
use crate::priority::{Arrival, Rank};
use crate::rejection::Rejection;
use crate::units::{Side, UtcMillis};

/// The index of a node, or [`NONE`].
pub(crate) type Link = u32;

/// The link to nothing.
pub(crate) const NONE: Link = u32::MAX;

/// Names a resting order of one book, until it is filled, cancelled or expired; refused from then on.
///
/// Small and dense: good as a key, or to be kept beside the caller's own record of the order. It means nothing in
/// another book, and nothing after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle {
    index: u32,
    generation: NonZeroU32,
}

/// The part of an order that matching touches.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: UtcMillis,
    /// The next order of the queue; of a free node, the next free one.
    pub(crate) next: Link,
    pub(crate) previous: Link,
    /// Watt-hours still open; zero only while the node is free.
    pub(crate) open: u32,
    pub(crate) trader: Trader,
    place: Place,
    /// Counts the orders that this node has held, so that a handle of an earlier one is refused.
    generation: NonZeroU32,
}

/// Side and rank of an order in one word.
#[derive(Clone, Copy, Debug)]
struct Place(u32);

/// The part of an order that matching does not touch, but for breaking ties.
#[derive(Clone, Debug)]
struct Record<Id> {
    id: Id,
    expires_at: UtcMillis,
}

/// All orders of a book.
#[derive(Clone, Debug)]
pub(crate) struct Slab<Id> {
    nodes: Vec<Node>,
    records: Vec<Record<Id>>,
    first_free: Link,
    len: u32,
}

/// An order on its way into the slab.
pub(crate) struct Entry<Id> {
    pub(crate) side: Side,
    pub(crate) rank: Rank,
    pub(crate) open: u32,
    pub(crate) trader: Trader,
    pub(crate) arrival: Arrival<Id>,
    pub(crate) expires_at: UtcMillis,
    pub(crate) previous: Link,
    pub(crate) next: Link,
}

impl Place {
    fn new(side: Side, rank: Rank) -> Self {
        Self(rank.0 << 1 | u32::from(side == Side::Sell))
    }

    fn side(self) -> Side {
        if self.0 & 1 == 0 { Side::Buy } else { Side::Sell }
    }

    fn rank(self) -> Rank {
        Rank(self.0 >> 1)
    }
}

impl Node {
    pub(crate) fn side(&self) -> Side {
        self.place.side()
    }

    pub(crate) fn rank(&self) -> Rank {
        self.place.rank()
    }
}

impl<Id: Ord + Copy> Slab<Id> {
    pub(crate) const fn new() -> Self {
        Self { nodes: Vec::new(), records: Vec::new(), first_free: NONE, len: 0 }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub(crate) fn node(&self, index: Link) -> &Node {
        &self.nodes[index as usize]
    }

    #[inline]
    pub(crate) fn node_mut(&mut self, index: Link) -> &mut Node {
        &mut self.nodes[index as usize]
    }

    /// The index of the order that `handle` names.
    #[inline]
    pub(crate) fn find(&self, handle: Handle) -> Result<Link, Rejection> {
        match self.nodes.get(handle.index as usize) {
            Some(node) if node.generation == handle.generation && node.open > 0 => Ok(handle.index),
            _ => Err(Rejection::NotResting),
        }
    }

    #[inline]
    pub(crate) fn handle(&self, index: Link) -> Handle {
        Handle { index, generation: self.node(index).generation }
    }

    #[inline]
    pub(crate) fn id(&self, index: Link) -> Id {
        self.records[index as usize].id
    }

    pub(crate) fn expires_at(&self, index: Link) -> UtcMillis {
        self.records[index as usize].expires_at
    }

    /// Whether the order at `index` came before `arrival`.
    #[inline]
    pub(crate) fn came_before(&self, index: Link, arrival: &Arrival<Id>) -> bool {
        let at = self.node(index).at;
        at < arrival.at || (at == arrival.at && Arrival { at, id: self.id(index) } < *arrival)
    }

    /// The indices of all orders, in no order that means anything.
    pub(crate) fn indices(&self) -> impl Iterator<Item = Link> {
        (0..).zip(&self.nodes).filter(|(_, node)| node.open > 0).map(|(index, _)| index)
    }

    /// Makes `after` follow `previous` and `before` precede `next`, where the ends of the queue stand for none.
    #[inline]
    pub(crate) fn link(&mut self, queue: &mut Queue, previous: Link, next: Link, after: Link, before: Link) {
        if previous == NONE {
            queue.first = after;
        } else {
            self.node_mut(previous).next = after;
        }
        if next == NONE {
            queue.last = before;
        } else {
            self.node_mut(next).previous = before;
        }
    }

    /// Stores an order that no queue links yet.
    #[inline]
    pub(crate) fn insert(&mut self, entry: Entry<Id>) -> Link {
        self.len += 1;
        let record = Record { id: entry.arrival.id, expires_at: entry.expires_at };
        let mut node = Node {
            at: entry.arrival.at,
            next: entry.next,
            previous: entry.previous,
            open: entry.open,
            trader: entry.trader,
            place: Place::new(entry.side, entry.rank),
            generation: NonZeroU32::MIN,
        };
        let index = self.first_free;
        if index == NONE {
            self.nodes.push(node);
            self.records.push(record);
            return (self.nodes.len() - 1) as Link;
        }
        let free = &mut self.nodes[index as usize];
        self.first_free = free.next;
        node.generation = free.generation;
        *free = node;
        self.records[index as usize] = record;
        index
    }

    /// Frees the node of an order that no queue links any more; its handles are refused from now on.
    #[inline]
    pub(crate) fn remove(&mut self, index: Link) {
        self.len -= 1;
        let first_free = self.first_free;
        let node = self.node_mut(index);
        node.open = 0;
        // A node whose generations are used up is never used again: better 80 bytes lost than an order hit by mistake.
        if let Some(generation) = node.generation.checked_add(1) {
            node.generation = generation;
            node.next = first_free;
            self.first_free = index;
        }
    }
}
