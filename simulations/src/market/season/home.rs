//! One home of a season: its meter and its books.

use wattswap_matching::{Slot, UtcMillis, WattHours, Watts};
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::ledger::Ledger;
use wattswap_node::protocol::metering::{Limits, Measured, MeterId, Metering, Row, Verdict};

/// No home draws or feeds in more: a season's maker sees to that.
pub const CONNECTION: Watts = Watts(1_000_000);

/// A home and all that it knows.
pub(super) struct Home {
    /// Whether it trades at all.
    pub(super) trades: bool,
    /// Whether it trades on forecasts.
    pub(super) relies: bool,
    pub(super) key: MemberKey,
    pub(super) ledger: Ledger,
    metering: Metering,
    /// What its meter shows.
    shown: Row,
}

impl Home {
    pub(super) fn new(trades: bool, relies: bool, key: MemberKey, shape: &Shape) -> Self {
        let meter = MeterId::new("grid").expect("a good name");
        let shown = Row { meter, at: UtcMillis(0), import: WattHours::ZERO, export: WattHours::ZERO };
        let (ledger, metering) = (Ledger::default(), Metering::new(connection(shape)));
        Self { trades, relies, key, ledger, metering, shown }
    }

    /// The meter shows its registers, after it has counted `net` in the slot before.
    pub(super) fn read(&mut self, net: Option<WattHours>, at: UtcMillis) {
        let net = net.unwrap_or(WattHours::ZERO);
        self.shown.at = at;
        self.shown.import += net.max(WattHours::ZERO);
        self.shown.export += (-net).max(WattHours::ZERO);
        let verdict = self.metering.judge(at, &self.shown).verdict;
        assert_eq!(verdict, Verdict::Accepted, "a profile draws more than {} W", CONNECTION.0);
    }

    /// What its meter counted in a slot that is over.
    pub(super) fn measured(&self, slot: Slot, shape: &Shape) -> Measured {
        self.metering.energy(slot.start(), shape.next(slot).start()).expect("its delivery is over")
    }
}

/// What every home's connection carries.
pub(super) fn connection(shape: &Shape) -> Limits {
    Limits::new(CONNECTION, CONNECTION, shape)
}
