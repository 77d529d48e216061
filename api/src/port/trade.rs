//! Trades: a proposal signed by the taker with an acceptance signed by the resting side.

use std::fmt;

use wattswap_matching::units::{Money, Side, Slot, UtcMillis, WattHours};

use super::{OrderId, PricePerKwh, RequestId};

/// A trade's name: SHA-256 of the proposal's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TradeId(pub [u8; 32]);

/// A member's Ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberKey(pub [u8; 32]);

/// A trade of this household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Its name.
    pub id: TradeId,
    /// When the energy is delivered.
    pub slot: Slot,
    /// What this household did.
    pub side: Side,
    /// With whom.
    pub counterparty: MemberKey,
    /// The resting order's price.
    pub price: PricePerKwh,
    /// How much energy; above zero.
    pub quantity: WattHours,
    /// Price times quantity, exact: what the buyer pays the seller; below zero at a negative price.
    pub amount: Money,
    /// When the resting side accepted.
    pub at: UtcMillis,
    /// Whether the counterparty may still show that it does not bind, or how much of it does.
    pub provisional: bool,
    /// The request of this household that it came from; `None` once that is no longer kept.
    pub request: Option<RequestId>,
    /// The order that rested.
    pub resting_order: OrderId,
    /// The taker's proposal: the exact bytes of the signed COSE_Sign1 message.
    pub proposal: Vec<u8>,
    /// The resting side's acceptance: the exact bytes of the signed COSE_Sign1 message.
    pub acceptance: Vec<u8>,
}

impl fmt::Display for TradeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for MemberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
