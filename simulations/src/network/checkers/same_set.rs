//! 7.5: once the network is whole again, all members hold the same set within a bounded time, trade, and are in doubt
//! about nothing.

use std::collections::BTreeSet;

use wattswap_node::protocol::household::io::Standing;
use wattswap_node::protocol::ids::LogId;

use super::{Checker, Chronicle, require};
use crate::network::Street;
use crate::network::troubles::OPERATOR;

/// Compares members with each other.
pub(super) struct SameSet;

impl Checker for SameSet {
    fn name(&self) -> &'static str {
        "same_set"
    }

    fn at_rest(&mut self, _: &Chronicle, street: &mut Street) -> Result<(), String> {
        street.is_agreed()
    }

    fn when_all_is_over(&mut self, _: &Chronicle, street: &mut Street) -> Result<(), String> {
        street.is_agreed()
    }
}

impl Street {
    /// Takes of a household in doubt that should not be. With a maker that is no member any more they stay so until its
    /// log is sealed.
    #[must_use]
    pub fn doubts_among_members(&self, home: usize) -> usize {
        let sealed: BTreeSet<LogId> = self.disk(OPERATOR).seals().map(|end| end.log).collect();
        let ends = |maker: &LogId| {
            let author = self.number(&maker.author);
            author.is_some_and(|author| self.is_honest(author) && (self.is_member(author) || sealed.contains(maker)))
        };
        self.disk(home).reservations().values().filter(|kept| ends(&kept.proposal.maker)).count()
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
