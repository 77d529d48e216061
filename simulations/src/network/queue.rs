//! What is going to happen, in the order in which it does: by time, then by who asked first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use wattswap_matching::UtcMillis;

/// The one event heap of a simulation.
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<Item<T>>>,
    pushed: u64,
}

struct Item<T> {
    at: UtcMillis,
    number: u64,
    what: T,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), pushed: 0 }
    }
}

impl<T> Queue<T> {
    /// Lets something happen at `at`, after all that is already asked for at that instant.
    pub fn push(&mut self, at: UtcMillis, what: T) {
        self.pushed += 1;
        self.heap.push(Reverse(Item { at, number: self.pushed, what }));
    }

    /// What happens next, and when.
    pub fn pop(&mut self) -> Option<(UtcMillis, T)> {
        self.heap.pop().map(|Reverse(item)| (item.at, item.what))
    }

    /// When something happens next.
    #[must_use]
    pub fn next_at(&self) -> Option<UtcMillis> {
        self.heap.peek().map(|Reverse(item)| item.at)
    }

    /// How much is yet to happen.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is going to happen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl<T> Ord for Item<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<T> PartialOrd for Item<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Item<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Item<T> {}

#[cfg(test)]
mod tests {
    use super::{Queue, UtcMillis};

    #[test]
    fn what_was_asked_for_first_happens_first() {
        let mut queue = Queue::default();
        for (at, what) in [(7, 'c'), (5, 'a'), (7, 'd'), (5, 'b')] {
            queue.push(UtcMillis(at), what);
        }
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, "abcd");
    }
}
