//! Live events in JSON: the payload of each kind.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::community::{Peer, Status};
use super::market::Slot;
use super::order::Order;
use super::text::Text;
use super::trade::Trade;
use super::values::{Instant, MeterName};
use crate::port;

/// The payload of an event, in its `data`; the kind is in its `event`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Event {
    /// `order`: it was placed or changed.
    Order(Order),
    /// `trade`: it was made, or is no longer provisional.
    Trade(Trade),
    /// `readings`: a meter's readings came in.
    Readings(ReadingsPushed),
    /// `slot`: it opened, closed, or its book changed.
    Slot(Slot),
    /// `peer`: it came, went or was convicted.
    Peer(Peer),
    /// `status`: the node's phase changed.
    Status(Status),
    /// `gap` and `end`: about the stream itself.
    Notice(Notice),
}

/// Something about the stream itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Notice {
    /// `gap`: events before this one are no longer kept; `too_slow`, `token_revoked`, `stopping`: the stream ends.
    pub reason: NoticeReason,
    /// What to do.
    pub detail: String,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeReason {
    /// Events between the last one that the reader had and the next one are no longer kept.
    Gap,
    /// The reader did not keep up.
    TooSlow,
    /// The reader's token was revoked.
    TokenRevoked,
    /// The node shuts down.
    Stopping,
}

/// What one push brought for one meter.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct ReadingsPushed {
    /// Which meter.
    pub meter: MeterName,
    /// The newest instant among the accepted rows; null if none was.
    #[schema(required)]
    pub newest: Option<Instant>,
    /// How many rows were stored and counted.
    #[schema(minimum = 0)]
    pub accepted: u32,
    /// How many were there already.
    #[schema(minimum = 0)]
    pub duplicates: u32,
    /// How many contradict what is stored.
    #[schema(minimum = 0)]
    pub conflicts: u32,
    /// How many are suspect.
    #[schema(minimum = 0)]
    pub quarantined: u32,
}

impl Event {
    /// The kind, as the stream names it in `event`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Order(_) => "order",
            Self::Trade(_) => "trade",
            Self::Readings(_) => "readings",
            Self::Slot(_) => "slot",
            Self::Peer(_) => "peer",
            Self::Status(_) => "status",
            Self::Notice(Notice { reason: NoticeReason::Gap, .. }) => "gap",
            Self::Notice(_) => "end",
        }
    }
}

impl From<port::Event> for Event {
    fn from(event: port::Event) -> Self {
        match event {
            port::Event::Order(order) => Self::Order(order.into()),
            port::Event::Trade(trade) => Self::Trade(trade.into()),
            port::Event::Readings(pushed) => Self::Readings(pushed.into()),
            port::Event::Slot(slot) => Self::Slot(slot.into()),
            port::Event::Peer(peer) => Self::Peer(peer.into()),
            port::Event::Status(status) => Self::Status(status.into()),
        }
    }
}

impl From<port::ReadingsPushed> for ReadingsPushed {
    fn from(pushed: port::ReadingsPushed) -> Self {
        Self {
            meter: Text(pushed.meter),
            newest: pushed.newest.map(Text),
            accepted: pushed.accepted,
            duplicates: pushed.duplicates,
            conflicts: pushed.conflicts,
            quarantined: pushed.quarantined,
        }
    }
}

impl From<NoticeReason> for Notice {
    fn from(reason: NoticeReason) -> Self {
        let detail = match reason {
            NoticeReason::Gap => "some events are no longer kept; read the lists again, then go on with this stream",
            NoticeReason::TooSlow => "the reader did not keep up; connect again with Last-Event-ID",
            NoticeReason::TokenRevoked => "the token was revoked; connect again with another one",
            NoticeReason::Stopping => "the node is stopping; connect again with Last-Event-ID once it runs",
        };
        Self { reason, detail: detail.to_owned() }
    }
}
