//! Members whose orders suit us and to whom no connection is open: whom to call, and whom a request may wait for.
//!
//! In a large community nobody is connected to everybody, but everybody shows its orders to all. Whoever took only from
//! those that it happens to be connected to would pass the best orders by.

use std::collections::BTreeMap;

use wattswap_matching::UtcMillis;

use crate::protocol::ids::MemberKey;
use crate::protocol::limits::{CALL_AGAIN_AFTER, PATIENCE};

/// Who was called, and when.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    made: BTreeMap<MemberKey, UtcMillis>,
}

impl Calls {
    /// Whether a request may wait for this member: it has just been called, or it is time to call it.
    #[must_use]
    pub fn may_succeed(&self, member: &MemberKey, now: UtcMillis) -> bool {
        self.made.get(member).is_none_or(|at| now < at.after(PATIENCE) || at.after(CALL_AGAIN_AFTER) <= now)
    }

    /// Notes that this member is wanted. True if it is to be called: somebody who can't be reached is not called all the
    /// time.
    pub fn make(&mut self, member: MemberKey, now: UtcMillis) -> bool {
        self.made.retain(|_, at| now < at.after(CALL_AGAIN_AFTER));
        let is_due = !self.made.contains_key(&member);
        if is_due {
            self.made.insert(member, now);
        }
        is_due
    }

    /// A connection to this member is open.
    pub fn came(&mut self, member: &MemberKey) {
        self.made.remove(member);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_come_is_neither_waited_for_nor_called_for_a_while() {
        let (member, other) = (MemberKey([1; 32]), MemberKey([2; 32]));
        let start = UtcMillis(1_000);
        let (patience_ends, again) = (start.after(PATIENCE), start.after(CALL_AGAIN_AFTER));
        let mut calls = Calls::default();
        // (at, may be waited for, is called)
        let cases = [
            (start, true, true),
            (UtcMillis(start.0 + 1), true, false),
            (UtcMillis(patience_ends.0 - 1), true, false),
            (patience_ends, false, false),
            (UtcMillis(again.0 - 1), false, false),
            (again, true, true),
            (UtcMillis(again.0 + 1), true, false),
        ];
        for (at, may_be_waited_for, is_called) in cases {
            assert_eq!(calls.may_succeed(&member, at), may_be_waited_for, "waited for at {at:?}");
            assert!(calls.may_succeed(&other, at), "others are not concerned");
            assert_eq!(calls.make(member, at), is_called, "called at {at:?}");
        }
        calls.came(&member);
        assert!(calls.may_succeed(&member, again.after(PATIENCE)), "who came can be called again when it has gone");
        assert!(calls.make(member, again));
    }
}
