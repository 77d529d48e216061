//! What is going to happen, in the order in which it does: by time, then by who asked first.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

use wattswap_matching::UtcMillis;

/// The one event queue of a simulation.
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<Item<T>>>,
    /// What may be taken back. Households put off nearly all of their alarms: in the heap they would be the most of it.
    alarms: BTreeMap<Place, T>,
    pushed: u64,
}

/// Where something stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it happens.
    pub at: UtcMillis,
    number: u64,
}

struct Item<T> {
    place: Place,
    what: T,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), alarms: BTreeMap::new(), pushed: 0 }
    }
}

impl<T> Queue<T> {
    /// Lets something happen at `at`, after all that is already asked for at that instant.
    pub fn push(&mut self, at: UtcMillis, what: T) {
        let place = self.next_place(at);
        self.heap.push(Reverse(Item { place, what }));
    }

    /// The same, of what may be taken back until then.
    pub fn set_alarm(&mut self, at: UtcMillis, what: T) -> Place {
        let place = self.next_place(at);
        self.alarms.insert(place, what);
        place
    }

    /// Lets an alarm not go off.
    pub fn take_back(&mut self, alarm: Place) {
        self.alarms.remove(&alarm);
    }

    fn next_place(&mut self, at: UtcMillis) -> Place {
        self.pushed += 1;
        Place { at, number: self.pushed }
    }

    /// What happens next, and when.
    pub fn pop(&mut self) -> Option<(UtcMillis, T)> {
        let alarm = self.alarms.first_entry().filter(|alarm| {
            let pushed = self.heap.peek().map(|Reverse(item)| item.place);
            pushed.is_none_or(|pushed| *alarm.key() < pushed)
        });
        match alarm {
            Some(alarm) => Some((alarm.key().at, alarm.remove())),
            None => self.pop_pushed(),
        }
    }

    fn pop_pushed(&mut self) -> Option<(UtcMillis, T)> {
        let Reverse(item) = self.heap.pop()?;
        // All of a street may speak at once, as at its founding: the room for that is not kept.
        if self.heap.len() < self.heap.capacity() / 8 {
            self.heap.shrink_to(self.heap.capacity() / 2);
        }
        Some((item.place.at, item.what))
    }

    /// When something happens next.
    #[must_use]
    pub fn next_at(&self) -> Option<UtcMillis> {
        let pushed = self.heap.peek().map(|Reverse(item)| item.place);
        let alarm = self.alarms.first_key_value().map(|(place, _)| *place);
        pushed.into_iter().chain(alarm).min().map(|place| place.at)
    }

    /// How much is yet to happen.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len() + self.alarms.len()
    }

    /// Whether nothing is going to happen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Ord for Item<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place.cmp(&other.place)
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

    #[test]
    fn alarms_go_off_in_their_turn_unless_they_are_taken_back() {
        let mut queue = Queue::default();
        queue.push(UtcMillis(5), 'a');
        let taken_back = queue.set_alarm(UtcMillis(1), 'x');
        queue.set_alarm(UtcMillis(5), 'b');
        queue.push(UtcMillis(5), 'c');
        queue.set_alarm(UtcMillis(9), 'd');
        assert_eq!((queue.len(), queue.next_at()), (5, Some(UtcMillis(1))));
        queue.take_back(taken_back);
        assert_eq!((queue.len(), queue.next_at()), (4, Some(UtcMillis(5))));
        let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!((order.as_str(), queue.is_empty()), ("abcd", true));
    }
}
