//! 7.5: once the network is whole again, all members hold the same set within a bounded time, trade, and are in doubt
//! about nothing.

use wattswap_node::protocol::household::io::Standing;

use super::{Checker, Chronicle, require};
use crate::network::Street;

/// Compares members with each other.
pub(super) struct SameSet;

impl Checker for SameSet {
    fn name(&self) -> &'static str {
        "same_set"
    }

    fn at_rest(&mut self, _: &Chronicle, street: &mut Street) -> Result<(), String> {
        street.is_agreed()
    }
}

impl Street {
    /// Takes of a household in doubt. With a maker that is no member any more they stay so until its log is sealed.
    #[must_use]
    pub fn doubts_among_members(&self, home: usize) -> usize {
        let makers = self.disk(home).reservations().values().map(|kept| kept.proposal.maker.author);
        makers.filter_map(|maker| self.number(&maker)).filter(|maker| self.is_honest_member(*maker)).count()
    }

    /// Whether a household is a member and does not cheat.
    #[must_use]
    pub fn is_honest_member(&self, home: usize) -> bool {
        self.is_honest(home) && self.is_member(home)
    }

    /// Whether all honest members run, trade, hold the same entries and charters, show the same book, and doubt nothing.
    ///
    /// # Errors
    /// Who differs.
    pub fn is_agreed(&mut self) -> Result<(), String> {
        let mut first = None;
        for home in (0..self.homes()).filter(|home| self.is_honest_member(*home)).collect::<Vec<_>>() {
            let halted = self.halted(home);
            let Some(household) = self.household(home) else {
                return Err(format!("home {home} does not run: {halted:?}"));
            };
            let newest = household.chain().newest().id;
            let status = household.status();
            let standing = status.standing;
            require(standing == Standing::Trading, || format!("home {home} does not trade: {standing:?}"))?;
            let doubts = self.doubts_among_members(home);
            require(doubts == 0, || format!("home {home} is in doubt about {doubts} takes"))?;
            let convicted = status.convicted.clone();
            let holds = (newest, status.heads, status.book, convicted);
            let (of, other) = first.get_or_insert((home, holds.clone()));
            require(other.0 == holds.0, || format!("homes {of} and {home} have another charter in force"))?;
            require(other.3 == holds.3, || format!("homes {of} and {home} have convicted others"))?;
            require(other.1 == holds.1, || format!("homes {of} and {home} hold other entries"))?;
            require(other.2 == holds.2, || {
                format!("homes {of} and {home} hold the same entries and show other books")
            })?;
        }
        Ok(())
    }
}
