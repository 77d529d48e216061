//! What happens in the household, as it happens.

use wattswap_matching::units::UtcMillis;

use super::{MeterId, Peer, Request, SlotSummary, Status, Trade};

/// Something that a watcher wants to know at once. The node publishes it to `Events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request was placed or changed.
    Order(Request),
    /// A trade was made, or is no longer provisional.
    Trade(Trade),
    /// A meter's readings came in.
    Readings(ReadingsPushed),
    /// A slot opened, closed, or its book changed.
    Slot(SlotSummary),
    /// A neighbour came, went or was convicted.
    Peer(Peer),
    /// The node's phase changed.
    Status(Status),
}

/// What one push brought for one meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingsPushed {
    /// Which meter.
    pub meter: MeterId,
    /// The newest instant among the accepted rows; `None` if none was.
    pub newest: Option<UtcMillis>,
    /// How many rows were stored and counted.
    pub accepted: u32,
    /// How many were there already.
    pub duplicates: u32,
    /// How many contradict what is stored.
    pub conflicts: u32,
    /// How many are suspect.
    pub quarantined: u32,
}
