//! 7.3: once connected again, the logs of both hold every trade that binds, unless one of them is sealed, or the take was
//! lost with its disk.

use super::{Checker, Chronicle, require};
use crate::network::Street;

/// Looks for copies that are missing.
pub(super) struct BothHold;

impl Checker for BothHold {
    fn name(&self) -> &'static str {
        "both_hold"
    }

    fn at_rest(&mut self, seen: &Chronicle, street: &mut Street) -> Result<(), String> {
        for (id, agreed) in seen.trades.iter().filter(|(_, agreed)| seen.binds(agreed)) {
            let parties = [agreed.proposal.maker.author, agreed.proposal.taker.author];
            let numbers = parties.map(|party| street.number(&party));
            // What a log holds beyond its end does not count, and what was reserved on a lost disk nobody can copy.
            let sealed = [agreed.proposal.maker, agreed.proposal.taker].iter().any(|log| seen.is_sealed(log));
            if sealed || numbers[1].is_some_and(|taker| street.was_lost_with_disk(taker, id)) {
                continue;
            }
            // Who is no member any more is not connected again.
            if !numbers.into_iter().all(|number| number.is_some_and(|number| street.is_honest_member(number))) {
                continue;
            }
            let both = agreed.by_maker.is_some() && !agreed.by_taker.is_empty();
            require(both, || {
                let (maker, taker) = (agreed.by_maker.is_some(), !agreed.by_taker.is_empty());
                format!("trade {id} between {numbers:?} binds; maker's log holds it: {maker}, taker's: {taker}")
            })?;
        }
        Ok(())
    }
}
