//! The community's rules as data: who is a member, what a slot is, what an order may say.
//!
//! Charters and operators' seals form a chain of governance records. This file holds their shape and the questions
//! that the rest asks of them; who may sign which record is decided in `governance`.

use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use wattswap_matching::{Price, PriceScale, Side, Slot, UtcMillis, WattHours, Watts};

use super::ids::{CharterId, Head, MemberKey};
use super::limits::COPY_COUNTS_FOR;

/// Version of this protocol that a charter stands for.
pub const RULES: u16 = 1;

/// One link of the governance chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GovernanceRecord {
    /// 0 for the first charter, then one more each.
    pub height: u64,
    /// Id of the record before; none at height 0.
    pub prev: Option<CharterId>,
    /// When its operators made it.
    pub at: UtcMillis,
    /// What it says.
    pub act: Act,
}

/// What a governance record does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// These are the rules from now on.
    Charter(Arc<Charter>),
    /// These logs end there.
    Seals(Vec<Head>),
}

/// The rules of a community.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charter {
    /// Version of the protocol, see [`RULES`].
    pub rules: u16,
    /// What people call the community.
    pub name: String,
    /// What is traded, and how.
    pub shape: Shape,
    /// Who trades, ascending by key.
    pub members: Vec<Member>,
    /// Who may change the charter, ascending; a strict majority signs.
    pub operators: Vec<MemberKey>,
    /// For how long a proposal can be accepted.
    pub proposal_lifetime: Duration,
    /// How far clocks may be apart.
    pub clock_skew: Duration,
}

/// A member and what its grid connection carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its key.
    pub key: MemberKey,
    /// What people call it; may be empty.
    pub name: String,
    /// Connection limit for import.
    pub import: Watts,
    /// Connection limit for export.
    pub export: Watts,
}

/// What is traded: books belong to a slot *and* a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// ISO 4217 code.
    pub currency: String,
    /// Length of a slot on the clock.
    pub slot_length: Duration,
    /// The delivery time that a slot stands for: its length, but in a time-lapse.
    pub delivery_time: Duration,
    /// How long before delivery starts the book opens.
    pub opening: Duration,
    /// Gate closure in milliseconds after delivery ends; negative: before it ends.
    pub gate_millis: i64,
    /// What a price tick is worth per kWh.
    pub price_tick: Decimal,
    /// Orders and fills are multiples of this.
    pub quantity_tick: WattHours,
    /// A fill is at least this, or all that is left.
    pub smallest_fill: WattHours,
    /// Lowest price of an order.
    pub floor: Price,
    /// Highest price of an order.
    pub cap: Price,
    /// What is charged beside the price, by name.
    pub fees: Vec<Fee>,
}

/// A named fee per kWh, paid by one side of each trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// What it is for.
    pub name: String,
    /// Who pays it.
    pub payer: Side,
    /// Ticks per kWh.
    pub per_kwh: Price,
}

impl Charter {
    /// The member with this key.
    #[must_use]
    pub fn member(&self, key: &MemberKey) -> Option<&Member> {
        self.members.binary_search_by(|member| member.key.cmp(key)).ok().map(|at| &self.members[at])
    }

    /// The most that a member may have filled and open on one side of one slot.
    #[must_use]
    pub fn slot_limit(&self, key: &MemberKey, side: Side) -> Option<WattHours> {
        let member = self.member(key)?;
        let power = match side {
            Side::Buy => member.import,
            Side::Sell => member.export,
        };
        Some(power.over(self.shape.delivery_time))
    }
}

impl Shape {
    /// The bridge between ticks and decimal prices.
    #[must_use]
    pub fn price_scale(&self) -> PriceScale {
        PriceScale::new(self.price_tick).expect("a decoded or checked shape has a positive tick")
    }

    /// Whether the slot starts on a slot boundary.
    #[must_use]
    pub fn is_aligned(&self, slot: Slot) -> bool {
        slot.start().0.is_multiple_of(millis(self.slot_length))
    }

    /// A unit, in which orders, limits and records of before are counted, that another shape has changed.
    #[must_use]
    pub fn unit_that_differs(&self, other: &Self) -> Option<&'static str> {
        match () {
            () if self.currency != other.currency => Some("currency"),
            () if self.price_tick != other.price_tick => Some("price tick"),
            () if self.slot_length != other.slot_length => Some("slot length"),
            () if self.delivery_time != other.delivery_time => Some("delivery time"),
            () => None,
        }
    }

    /// The slot during which `at` lies.
    #[must_use]
    pub fn slot_at(&self, at: UtcMillis) -> Slot {
        Slot(UtcMillis(at.0 - at.0 % millis(self.slot_length)))
    }

    /// The slot that follows.
    #[must_use]
    pub fn next(&self, slot: Slot) -> Slot {
        Slot(slot.start().after(self.slot_length))
    }

    /// From this instant on orders are taken for the slot.
    #[must_use]
    pub fn opens(&self, slot: Slot) -> UtcMillis {
        slot.start().before(self.opening)
    }

    /// At this instant the book closes.
    #[must_use]
    pub fn gate(&self, slot: Slot) -> UtcMillis {
        UtcMillis(slot.start().after(self.slot_length).0.saturating_add_signed(self.gate_millis))
    }

    /// From then on nothing that anybody writes of the slot counts any more.
    #[must_use]
    pub fn over(&self, slot: Slot) -> UtcMillis {
        self.gate(slot).after(COPY_COUNTS_FOR)
    }

    /// From the start of a slot until it is over.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        let slot = Slot(UtcMillis(0).after(self.opening));
        self.over(slot).since(slot.start())
    }

    /// From when a slot opens until it is over.
    #[must_use]
    pub fn life(&self) -> Duration {
        let slot = Slot(UtcMillis(0).after(self.opening));
        self.over(slot).since(self.opens(slot))
    }

    /// Whether orders are taken for the slot at `at`.
    #[must_use]
    pub fn is_open(&self, slot: Slot, at: UtcMillis) -> bool {
        self.is_aligned(slot) && self.opens(slot) <= at && at < self.gate(slot)
    }

    /// Open slots at `at`, earliest first.
    pub fn open_slots(&self, at: UtcMillis) -> impl Iterator<Item = Slot> + '_ {
        // The start of a slot whose gate closes at `at`: that may lie ahead, and the walk must not start before it.
        let gate_after_start = i64::try_from(millis(self.slot_length)).unwrap_or(i64::MAX) + self.gate_millis;
        let first = self.slot_at(UtcMillis(at.0.saturating_add_signed(-gate_after_start)));
        std::iter::successors(Some(first), |slot| Some(self.next(*slot)))
            .skip_while(move |slot| self.gate(*slot) <= at)
            .take_while(move |slot| self.opens(*slot) <= at)
    }
}

/// In whole milliseconds, and at least one, so that it can divide.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_763_812_800_000;

    fn shape(slot: u64, opening: u64, gate_millis: i64) -> Shape {
        Shape {
            currency: "EUR".into(),
            slot_length: Duration::from_millis(slot),
            delivery_time: Duration::from_secs(900),
            opening: Duration::from_millis(opening),
            gate_millis,
            price_tick: Decimal::new(1, 4),
            quantity_tick: WattHours(1),
            smallest_fill: WattHours(1),
            floor: Price(0),
            cap: Price(0),
            fees: Vec::new(),
        }
    }

    #[test]
    fn open_slots_are_those_that_are_open() {
        let year = 366 * 24 * 3_600_000;
        let cases = [
            ("quarter-hours, the gate an hour after delivery", shape(900_000, 48 * 3_600_000, 3_600_000), 197),
            ("the gate at delivery", shape(900_000, 3_600_000, -900_000), 4),
            ("the gate before delivery", shape(900_000, 3_600_000, -1_800_000), 3),
            ("a time-lapse", shape(5_000, 20_000, 1_000), 6),
            ("open only after delivery", shape(900_000, 0, 3_600_000), 5),
            ("slots of a millisecond, a year ahead", shape(1, year, -(year as i64)), 1),
            ("open for a millisecond", shape(1_000, 1_000, -1_999), 1),
        ];
        for (name, shape, expected) in cases {
            assert_eq!(shape.check(), Ok(()), "{name}");
            let at = UtcMillis(NOON);
            let open: Vec<_> = shape.open_slots(at).collect();
            assert_eq!(open.len(), expected, "{name}");
            assert!(open.iter().all(|slot| shape.is_open(*slot, at)), "{name}");
            let (first, last) = (open[0], open[open.len() - 1]);
            let before = Slot(first.start().before(shape.slot_length));
            assert!(!shape.is_open(before, at) && !shape.is_open(shape.next(last), at), "{name}");
        }
    }
}
