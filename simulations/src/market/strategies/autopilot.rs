//! The node's autopilot as a trader of one unit in one slot: what its own plan would quote.

use wattswap_matching::{Price, PriceBand, Side, Slot, UtcMillis, WattHours, Watts};
use wattswap_node::protocol::autopilot::{
    Action, Depth, Need, Needs, Position, PriceLimits, Settings, Situation, Watch,
};
use wattswap_node::protocol::charter::Shape;
use wattswap_node::protocol::metering::{Limits, MeterId, Metering, Row};

use super::{Strategy, Trader, View};
use crate::network::{Random, usual_shape};

/// The unit that it trades.
const UNIT: WattHours = WattHours(1_000);
/// A connection that carries the unit in a slot.
const CONNECTION: Watts = Watts(40_000);

/// Asks the autopilot of a home whose meter has counted one unit, and whose owner named only the limit of that side.
#[derive(Clone, Debug)]
pub struct Autopilot {
    shape: Shape,
    slot: Slot,
    settings: Settings,
    metering: Metering,
}

impl Autopilot {
    /// The autopilot of this trader.
    #[must_use]
    pub fn new(trader: &Trader, band: PriceBand) -> Self {
        let shape = Shape { floor: band.floor(), cap: band.cap(), ..usual_shape() };
        let settings = match trader.side {
            Side::Buy => Settings::between(trader.other, trader.limit),
            Side::Sell => Settings::between(trader.limit, trader.other),
        };
        let slot = Slot(UtcMillis(0).after(shape.slot_length * 96));
        let mut metering = Metering::new(Limits::new(CONNECTION, CONNECTION, &shape));
        let meter = MeterId::new("unit").expect("a good name");
        for (at, counted) in [(slot.start(), WattHours::ZERO), (shape.next(slot).start(), UNIT)] {
            let (import, export) = match trader.side {
                Side::Buy => (counted, WattHours::ZERO),
                Side::Sell => (WattHours::ZERO, counted),
            };
            metering.judge(at, &Row { meter: meter.clone(), at, import, export });
        }
        Self { shape, slot, settings: Settings { trade_ahead: 0, ..settings }, metering }
    }
}

impl Strategy for Autopilot {
    fn quote(&mut self, trader: &Trader, view: &View, _: &mut Random) -> Option<Price> {
        match trader.side {
            Side::Buy => self.settings.buy_at_most = trader.limit,
            Side::Sell => self.settings.sell_at_least = trader.limit,
        }
        let (from, until) = (self.shape.next(self.slot).start(), self.shape.gate(self.slot));
        let passed = u128::from(until.0 - from.0) * u128::from(view.elapsed) / u128::from(view.whole);
        let now = UtcMillis(from.0 + u64::try_from(passed).expect("a part of an hour").min(until.0 - from.0 - 1));
        let desk = Desk { trader: self, needs: Needs::new(now, &self.shape, &self.metering), depth: view.depth };
        let mut actions = Vec::new();
        Watch::new(self.slot, &self.shape, self.metering.limits(), &self.settings).look(now, &desk, &mut actions);
        actions.into_iter().find_map(|action| match action {
            Action::Place(quote) => Some(quote.price),
            Action::Cancel(_) => None,
        })
    }
}

/// What the autopilot sees: its unit, and nothing traded yet.
struct Desk<'a> {
    trader: &'a Autopilot,
    needs: Needs<'a, &'a Metering>,
    depth: Depth,
}

impl Situation for Desk<'_> {
    type Id = u32;

    fn position(&self, _: Slot) -> Position<'_, u32> {
        Position::default()
    }

    fn need(&self, slot: Slot) -> Option<Need> {
        self.needs.of(slot)
    }

    fn depth(&self, _: Slot) -> Depth {
        self.depth
    }

    fn limits(&self, _: Slot) -> PriceLimits {
        self.trader.settings.price_limits()
    }
}
