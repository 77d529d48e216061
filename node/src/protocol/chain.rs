//! The governance chain that this node holds, and the charter that is in force by it.

use std::sync::Arc;

use wattswap_matching::UtcMillis;

use super::charter::{Act, Charter};
use super::governance::{NotASuccessor, SignedRecord, check_successor};
use super::ids::{CharterId, CommunityId, Head};

/// All governance records from the first charter on; never empty.
#[derive(Clone, Debug)]
pub struct Chain {
    records: Vec<SignedRecord>,
    community: CommunityId,
    in_force: (CharterId, Arc<Charter>),
}

impl Chain {
    /// Starts a community.
    ///
    /// # Errors
    /// [`NotASuccessor`] if it is not a first charter that its operators signed.
    pub fn found(first: SignedRecord) -> Result<Self, NotASuccessor> {
        check_successor(None, &first)?;
        let (Some(community), Act::Charter(charter)) = (first.founds(), &first.record.act) else {
            return Err(NotASuccessor::NotAFirst);
        };
        let in_force = (first.id, Arc::clone(charter));
        Ok(Self { records: vec![first], community, in_force })
    }

    /// Adds the next record.
    ///
    /// # Errors
    /// [`NotASuccessor`] if it does not follow the newest one.
    pub fn extend(&mut self, next: SignedRecord) -> Result<(), NotASuccessor> {
        if let Act::Charter(charter) = &next.record.act
            && let Some(unit) = self.in_force.1.shape.unit_that_differs(&charter.shape)
        {
            return Err(NotASuccessor::OtherUnits(unit));
        }
        check_successor(Some((self.newest(), &self.in_force.1.operators)), &next)?;
        if let Act::Charter(charter) = &next.record.act {
            self.in_force = (next.id, Arc::clone(charter));
        }
        self.records.push(next);
        Ok(())
    }

    /// The community that this is the chain of.
    #[must_use]
    pub fn community(&self) -> CommunityId {
        self.community
    }

    /// The newest record.
    #[must_use]
    pub fn newest(&self) -> &SignedRecord {
        self.records.last().expect("a chain starts with a record and only grows")
    }

    /// The charter in force and its name.
    #[must_use]
    pub fn in_force(&self) -> (CharterId, &Arc<Charter>) {
        (self.in_force.0, &self.in_force.1)
    }

    /// The records from this height on.
    #[must_use]
    pub fn from_height(&self, height: u64) -> &[SignedRecord] {
        usize::try_from(height).ok().and_then(|height| self.records.get(height..)).unwrap_or_default()
    }

    /// What was written before this instant only concerns slots that are over at `now`.
    #[must_use]
    pub fn horizon(&self, now: UtcMillis) -> UtcMillis {
        let longest_life = self.charters().map(|(_, charter)| charter.shape.life()).max();
        now.before(longest_life.unwrap_or_default())
    }

    /// Where the operators say that logs end.
    pub fn seals(&self) -> impl Iterator<Item = &Head> {
        self.records.iter().flat_map(|record| match &record.record.act {
            Act::Charter(_) => [].iter(),
            Act::Seals(ends) => ends.iter(),
        })
    }

    /// Every charter of the chain, oldest first.
    pub fn charters(&self) -> impl Iterator<Item = (CharterId, &Arc<Charter>)> {
        self.records.iter().filter_map(|record| match &record.record.act {
            Act::Charter(charter) => Some((record.id, charter)),
            Act::Seals(_) => None,
        })
    }
}
