//! The autopilot's settings in JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::number::{Quantity, SlotsAhead};
use super::text::Text;
use super::values::Price;
use crate::port;

/// Whether the autopilot trades for the household, and within which limits.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Autopilot {
    /// Whether it trades. Switched off, it cancels its own open orders.
    pub on: bool,
    /// It never sells below this price.
    pub sell_at_least_per_kwh: Price,
    /// It never buys above this price.
    pub buy_at_most_per_kwh: Price,
    /// For how many slots it trades on a forecast.
    pub trade_ahead_slots: SlotsAhead,
    /// The most that it orders in one slot and direction. Left out or null: what the connection carries.
    pub slot_limit_wh: Option<Quantity>,
}

impl Autopilot {
    /// The settings in the port's words.
    #[must_use]
    pub fn into_port(self) -> port::Autopilot {
        port::Autopilot {
            on: self.on,
            sell_at_least: self.sell_at_least_per_kwh.0,
            buy_at_most: self.buy_at_most_per_kwh.0,
            trade_ahead: self.trade_ahead_slots.0,
            slot_limit: self.slot_limit_wh.map(|limit| limit.0),
        }
    }
}

impl From<port::Autopilot> for Autopilot {
    fn from(settings: port::Autopilot) -> Self {
        Self {
            on: settings.on,
            sell_at_least_per_kwh: Text(settings.sell_at_least),
            buy_at_most_per_kwh: Text(settings.buy_at_most),
            trade_ahead_slots: SlotsAhead(settings.trade_ahead),
            slot_limit_wh: settings.slot_limit.map(Quantity),
        }
    }
}
