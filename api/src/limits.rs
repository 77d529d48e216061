//! Bounds on what a caller may send, each with its reason, and those that a node may set otherwise.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use crate::port::Role;

/// The largest body: 10,000 readings of some 100 bytes each.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The most orders in a batch: five orders for each of the 200 slots that are open at a time.
pub const MAX_ORDERS_PER_BATCH: usize = 1_000;

/// The most readings in a batch: a week at one a minute.
pub const MAX_READINGS_PER_BATCH: usize = 10_000;

/// The most governance records in a request: three of the longest that there can be, in base64, fit into a body.
pub const MAX_RECORDS_PER_REQUEST: usize = 3;

/// The longest token text that is looked at; ours have 48 characters.
pub const MAX_TOKEN_BYTES: usize = 128;

/// The longest `Idempotency-Key`: room for any UUID with a prefix.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

/// Events kept for replay: some minutes of a busy market, a few megabytes.
pub const MAX_REPLAYED_EVENTS: usize = 4_096;

/// Events that may wait for one reader of the live stream before it is cut.
pub const MAX_WAITING_EVENTS: usize = 1_024;

/// Readers of the live stream at a time: a household's screens, with room to spare.
pub const MAX_EVENT_READERS: u32 = 64;

/// What a node may set otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many requests a token may make.
    pub rates: Rates,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How often a silent live stream says that it is still there.
    pub heartbeat: Duration,
}

/// How many requests a token may make: so many at once, and then so many a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: NonZeroU32,
    /// A second, in the long run.
    pub per_second: NonZeroU32,
}

/// The rate for tokens of each role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// For owners.
    pub owner: Rate,
    /// For meters.
    pub meter: Rate,
    /// For viewers.
    pub viewer: Rate,
}

impl Rate {
    /// A rate of `per_second` in the long run and `burst` at once; `None` if either is zero.
    #[must_use]
    pub const fn new(burst: u32, per_second: u32) -> Option<Self> {
        match (NonZeroU32::new(burst), NonZeroU32::new(per_second)) {
            (Some(burst), Some(per_second)) => Some(Self { burst, per_second }),
            _ => None,
        }
    }

    pub(crate) fn quota(self) -> Quota {
        Quota::per_second(self.per_second).allow_burst(self.burst)
    }
}

impl Rates {
    /// The rate for tokens of this role.
    #[must_use]
    pub fn of(&self, role: Role) -> Rate {
        match role {
            Role::Owner => self.owner,
            Role::Meter => self.meter,
            Role::Viewer => self.viewer,
        }
    }
}

impl Default for Settings {
    /// Half a minute for a body: a megabyte over a poor home uplink, but no connection held for ever. A heartbeat
    /// well within the minute after which proxies give a silent connection up.
    fn default() -> Self {
        let (body_timeout, heartbeat) = (Duration::from_secs(30), Duration::from_secs(15));
        Self { rates: Rates::default(), body_timeout, heartbeat }
    }
}

impl Default for Rates {
    /// An owner's scripts may be busy; a meter sends every few seconds and now and then what it has queued; a
    /// viewer's screens reload in bursts.
    fn default() -> Self {
        let rate = |burst, per_second| Rate::new(burst, per_second).expect("the numbers below are above zero");
        Self { owner: rate(2_000, 500), meter: rate(60, 10), viewer: rate(200, 50) }
    }
}
