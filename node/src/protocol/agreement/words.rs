//! The three things that two households say to each other when they trade: proposal, acceptance, refusal.

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};

use crate::protocol::ids::{CharterId, CommunityId, Incarnation, LogId, MemberKey, OrderId, ProposalId};

/// "I take up to this much of your resting order, at its price." Signed by the taker.
///
/// It names everything that it depends on, so that it means nothing anywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The community.
    pub community: CommunityId,
    /// The charter under which the taker trades.
    pub charter: CharterId,
    /// The delivery interval.
    pub slot: Slot,
    /// The taker's side.
    pub side: Side,
    /// The taker, with its own current log.
    pub taker: LogId,
    /// Owner of the resting order, with the log in which the order lives: only that log can answer.
    pub maker: LogId,
    /// The resting order.
    pub order: OrderId,
    /// The taker's own posted order that this is a part of, if it has posted one.
    pub own_order: Option<OrderId>,
    /// At most this much.
    pub up_to: WattHours,
    /// The resting order's price.
    pub price: Price,
    /// Random, so that equal wishes are different proposals.
    pub nonce: u64,
    /// From then on it can't be accepted.
    pub expires_at: UtcMillis,
}

/// "Agreed, for this much." Signed by the owner of the resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The proposal that is accepted.
    pub proposal: ProposalId,
    /// Who accepts.
    pub maker: MemberKey,
    /// How much is traded.
    pub quantity: WattHours,
    /// How much of the resting order is filled now, its owner's own takes included.
    pub filled_total: WattHours,
    /// The log that holds the fill.
    pub incarnation: Incarnation,
    /// The number of the entry that holds the fill.
    pub seq: u64,
    /// That entry's time.
    pub at: UtcMillis,
}

/// "No, and I shall not accept this one later either." Signed by the owner of the resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The proposal that is refused.
    pub proposal: ProposalId,
    /// Who refuses.
    pub maker: MemberKey,
    /// The log that the proposal asked.
    pub incarnation: Incarnation,
    /// When.
    pub at: UtcMillis,
}
