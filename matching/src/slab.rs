//! Where a book keeps its orders: dense nodes that are reused, linked into queues by index, and handles that can't name
//! the wrong one.

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

/// Names a resting order of one book, until it is filled, cancelled or expired; refused from then on.
///
/// Small and dense: good as a key, or to be kept beside the caller's own record of the order. It means nothing in
/// another book, and nothing after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle {
    pub(crate) index: Link,
    generation: NonZeroU32,
}

/// A resting order, or room for one.
#[derive(Clone, Debug)]
pub(crate) struct Node<Id> {
    pub(crate) at: UtcMillis,
    pub(crate) expires_at: UtcMillis,
    /// The next order of the queue; of a free node, the next free one.
    pub(crate) next: Link,
    pub(crate) previous: Link,
    /// Watt-hours still open; zero only while the node is free.
    pub(crate) open: u32,
    pub(crate) trader: Trader,
    pub(crate) place: Place,
    /// Counts the orders that this node has held, so that a handle of an earlier one is refused.
    generation: NonZeroU32,
    pub(crate) id: Id,
}

/// Side and rank of an order in one word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u32);

/// All orders of a book.
#[derive(Clone, Debug)]
pub(crate) struct Slab<Id> {
    nodes: Vec<Node<Id>>,
    first_free: Link,
    len: u32,
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

impl<Id: Ord + Copy> Node<Id> {
    /// Whether it came before `arrival`.
    #[inline]
    pub(crate) fn came_before(&self, arrival: &Arrival<Id>) -> bool {
        Arrival { at: self.at, id: self.id } < *arrival
    }
}

impl<Id: Ord + Copy> Slab<Id> {
    pub(crate) const EMPTY: Self = Self { nodes: Vec::new(), first_free: NONE, len: 0 };

    /// Room is made for so many orders at once: few, so that a book with few orders stays small, and the room is still
    /// in the cache when it is used.
    const ROOM: usize = 8;

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub(crate) fn node(&self, index: Link) -> &Node<Id> {
        &self.nodes[index as usize]
    }

    #[inline]
    pub(crate) fn node_mut(&mut self, index: Link) -> &mut Node<Id> {
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

    /// All orders, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Link, &Node<Id>)> {
        (0..).zip(&self.nodes).filter(|(_, node)| node.open > 0)
    }

    /// Stores an order that no queue links yet.
    #[inline]
    pub(crate) fn insert(&mut self, order: &Order<Id>, place: Place, open: u32) -> Link {
        if self.first_free == NONE {
            self.make_room(order);
        }
        let index = self.first_free;
        let node = &mut self.nodes[index as usize];
        self.first_free = node.next;
        self.len += 1;
        *node = Node {
            at: order.at,
            expires_at: order.expires_at,
            next: NONE,
            previous: NONE,
            open,
            trader: order.limit.trader,
            place,
            generation: node.generation,
            id: order.id,
        };
        index
    }

    /// Links the order at `index` into `queue` before all that came later. Walks from the back, for what is late is
    /// seldom very late.
    #[cold]
    pub(crate) fn insert_late(&mut self, queue: &mut Queue, index: Link) {
        let late = Arrival { at: self.node(index).at, id: self.node(index).id };
        let (mut previous, mut next) = (queue.last, NONE);
        while previous != NONE && !self.node(previous).came_before(&late) {
            (previous, next) = (self.node(previous).previous, previous);
        }
        (self.node_mut(index).previous, self.node_mut(index).next) = (previous, next);
        match previous {
            NONE => queue.first = index,
            _ => self.node_mut(previous).next = index,
        }
        match next {
            NONE => queue.last = index,
            _ => self.node_mut(next).previous = index,
        }
    }

    /// Frees the node of an order that no queue links any more; its handles are refused from now on.
    #[inline]
    pub(crate) fn remove(&mut self, index: Link) {
        let node = &mut self.nodes[index as usize];
        node.open = 0;
        self.len -= 1;
        // A node whose generations are used up is never used again: better a node lost than an order hit by mistake.
        if let Some(generation) = node.generation.checked_add(1) {
            node.generation = generation;
            node.next = self.first_free;
            self.first_free = index;
        }
    }

    /// Adds free nodes. What they hold does not matter: `order` only fills them.
    #[cold]
    fn make_room(&mut self, order: &Order<Id>) {
        let first = self.nodes.len() as Link;
        let last = first + Self::ROOM as Link - 1;
        self.nodes.extend((first..=last).map(|index| Node {
            at: order.at,
            expires_at: order.expires_at,
            next: if index == last { NONE } else { index + 1 },
            previous: NONE,
            open: 0,
            trader: order.limit.trader,
            place: Place(0),
            generation: NonZeroU32::MIN,
            id: order.id,
        }));
        self.first_free = first;
    }
}
