//! What a household writes into its log, and the statements beside it that say where the log ends.

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};

use super::agreement::words::{Acceptance, Proposal};
use super::ids::{CharterId, CommunityId, EntryId, Head, LogId, OrderId, ProposalId};
use super::signed::{BadSignature, Signed, Verified};

/// One entry of a log: a batch of ops under one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The community that it belongs to.
    pub community: CommunityId,
    /// The log that it extends.
    pub log: LogId,
    /// Its number in the log, from 0 without gaps.
    pub seq: u64,
    /// Id of the entry before; none for number 0.
    pub prev: Option<EntryId>,
    /// When its author wrote it; never decreases along a log.
    pub at: UtcMillis,
    /// What it says, in order.
    pub ops: Vec<Op>,
}

/// One thing that an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// This order rests in the book from now on.
    Place(Order),
    /// This order is closed to others.
    Cancel {
        /// The order, placed earlier in the same log.
        order: OrderId,
        /// What own takes still have in doubt; a later cancel may only lower it.
        leaves: WattHours,
    },
    /// This trade is agreed.
    Fill(Box<Fill>),
    /// An older log of the same author ends there.
    Seal(Head),
}

/// A limit order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The delivery interval.
    pub slot: Slot,
    /// Bid or ask.
    pub side: Side,
    /// How much.
    pub quantity: WattHours,
    /// The limit, per kWh.
    pub price: Price,
    /// It rests until then at the latest.
    pub expires_at: UtcMillis,
    /// The charter under which it is to be judged.
    pub charter: CharterId,
}

/// A proposal with its acceptance, as an entry holds them: their signatures are yet to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The taker's word.
    pub proposal: Signed<Proposal>,
    /// The word of the resting order's owner.
    pub acceptance: Signed<Acceptance>,
}

/// A proposal with its acceptance: the pair proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Signed by the taker.
    pub proposal: Verified<Proposal>,
    /// Signed by the owner of the resting order.
    pub acceptance: Verified<Acceptance>,
}

/// "My log ends here, and what I append to it later has a larger `at`."
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// The community that it belongs to.
    pub community: CommunityId,
    /// The log.
    pub log: LogId,
    /// Its last entry; none while it is empty.
    pub last: Option<(u64, EntryId)>,
    /// The instant before which nothing will be appended any more.
    pub at: UtcMillis,
}

impl Entry {
    /// The trades that it holds, signatures unchecked.
    pub fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.ops.iter().filter_map(|op| if let Op::Fill(fill) = op { Some(&**fill) } else { None })
    }
}

impl Beacon {
    /// The first instant at which its log may go on.
    #[must_use]
    pub fn goes_on_at(&self) -> UtcMillis {
        UtcMillis(self.at.0 + 1)
    }
}

impl Fill {
    /// The name of the trade: its proposal's.
    #[must_use]
    pub fn id(&self) -> ProposalId {
        ProposalId(self.proposal.hash())
    }

    /// Checks both signatures.
    ///
    /// # Errors
    /// [`BadSignature`] if either is not its signer's.
    pub fn verify(&self) -> Result<Trade, BadSignature> {
        Ok(Trade { proposal: self.proposal.clone().verify()?, acceptance: self.acceptance.clone().verify()? })
    }
}

impl Trade {
    /// The trade's name: its proposal's.
    #[must_use]
    pub fn id(&self) -> ProposalId {
        ProposalId(self.proposal.hash())
    }

    /// The pair as an entry holds it.
    #[must_use]
    pub fn to_fill(&self) -> Fill {
        Fill { proposal: Signed::clone(&self.proposal), acceptance: Signed::clone(&self.acceptance) }
    }
}
