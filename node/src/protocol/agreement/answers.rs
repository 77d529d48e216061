//! Refusals that were signed: the same proposal always gets the same answer.

use std::collections::{BTreeMap, BTreeSet};

use wattswap_matching::UtcMillis;

use super::words::Refusal;
use crate::protocol::ids::ProposalId;
use crate::protocol::limits::MAX_REFUSALS;
use crate::protocol::signed::Verified;

/// Refusals, each kept until its proposal can't be answered any more. Acceptances are in the log.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    refused: BTreeMap<ProposalId, Verified<Refusal>>,
    forget_at: BTreeSet<(UtcMillis, ProposalId)>,
}

impl Answers {
    /// Remembers a refusal until `closes_at`.
    pub fn refuse(&mut self, refusal: Verified<Refusal>, closes_at: UtcMillis) {
        self.forget_at.insert((closes_at, refusal.proposal));
        self.refused.insert(refusal.proposal, refusal);
    }

    /// Whether no more refusals can be remembered: then proposals get a beacon instead, which ends a doubt too.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count() >= MAX_REFUSALS
    }

    /// How many are remembered.
    #[must_use]
    pub fn count(&self) -> usize {
        self.refused.len()
    }

    /// The refusal of this proposal.
    #[must_use]
    pub fn refusal(&self, proposal: &ProposalId) -> Option<&Verified<Refusal>> {
        self.refused.get(proposal)
    }

    /// Forgets what nobody can ask for any more; gives the names.
    pub fn advance(&mut self, now: UtcMillis) -> Vec<ProposalId> {
        let mut forgotten = Vec::new();
        while let Some((at, id)) = self.forget_at.first().copied().filter(|(at, _)| *at <= now) {
            self.forget_at.remove(&(at, id));
            self.refused.remove(&id);
            forgotten.push(id);
        }
        forgotten
    }
}
