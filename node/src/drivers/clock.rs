//! The node's only look at a clock.
//!
//! Everything that the protocol or the store calls "now" is read here, once a turn, and handed on as a value. The
//! pauses of the drivers themselves (redials, timeouts) use tokio's timers, which a step of the wall clock does not
//! touch.

use std::time::{SystemTime, UNIX_EPOCH};

use wattswap_matching::UtcMillis;

/// The wall clock: milliseconds since 1970 in UTC. May step either way; the protocol expects that.
#[must_use]
pub fn now() -> UtcMillis {
    // A clock set before 1970 reads as 1970: peers then see a clock that is far behind, which is what it is.
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UtcMillis(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX))
}
