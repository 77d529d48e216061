//! Resting orders that are left alone for a while: a take of them was refused for no reason that the book shows, or came
//! to nothing because nobody answered. The reason may be none, but most often it passes: the order's owner was about to
//! take something for it, or started anew.

use std::collections::BTreeMap;

use wattswap_matching::UtcMillis;

use crate::protocol::ids::OrderId;
use crate::protocol::limits::MAX_SHUNNED;

/// The orders, and until when each is left alone.
#[derive(Clone, Debug, Default)]
pub struct Shunned {
    until: BTreeMap<OrderId, UtcMillis>,
}

impl Shunned {
    /// Leaves an order alone until then. With [`MAX_SHUNNED`] of them no more are.
    pub fn insert(&mut self, order: OrderId, until: UtcMillis) {
        if self.until.len() < MAX_SHUNNED || self.until.contains_key(&order) {
            self.until.insert(order, until);
        }
    }

    /// How many are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.until.len()
    }

    /// Whether an order is left alone.
    #[must_use]
    pub fn contains(&self, order: &OrderId) -> bool {
        self.until.contains_key(order)
    }

    /// Time has passed. Gives the orders that may be asked again.
    pub fn advance(&mut self, now: UtcMillis) -> Vec<OrderId> {
        let over = self.until.iter().filter(|(_, until)| **until <= now);
        let over: Vec<OrderId> = over.map(|(order, _)| *order).collect();
        self.until.retain(|_, until| now < *until);
        over
    }

    /// When the next order may be asked again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<UtcMillis> {
        self.until.values().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ids::EntryId;

    fn order(number: usize) -> OrderId {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        OrderId { entry: EntryId(id), index: 0 }
    }

    #[test]
    fn an_order_is_left_alone_for_a_while_and_no_longer() {
        let mut shunned = Shunned::default();
        assert_eq!(shunned.next_deadline(), None);
        shunned.insert(order(1), UtcMillis(20));
        shunned.insert(order(2), UtcMillis(10));
        shunned.insert(order(2), UtcMillis(15));
        assert_eq!(shunned.next_deadline(), Some(UtcMillis(15)));
        assert_eq!(shunned.advance(UtcMillis(14)), []);
        assert_eq!(shunned.advance(UtcMillis(15)), [order(2)]);
        assert!(shunned.contains(&order(1)) && !shunned.contains(&order(2)));
        assert_eq!(shunned.advance(UtcMillis(99)), [order(1)]);
        assert_eq!(shunned.next_deadline(), None);
    }

    #[test]
    fn there_are_never_more_than_the_bound() {
        let mut shunned = Shunned::default();
        (0..=MAX_SHUNNED).for_each(|number| shunned.insert(order(number), UtcMillis(1)));
        assert!(!shunned.contains(&order(MAX_SHUNNED)));
        shunned.insert(order(0), UtcMillis(2));
        assert_eq!(shunned.advance(UtcMillis(1)).len(), MAX_SHUNNED - 1);
        assert!(shunned.contains(&order(0)));
    }
}
