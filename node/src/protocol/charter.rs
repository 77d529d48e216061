//! The community's rules as data: who is a member, what a slot is, what an order may say.
//!
//! Charters and operators' seals form a chain of governance records. This file holds their shape and the questions
//! that the rest asks of them; who may sign which record is decided in `governance`.

use std::time::Duration;

use rust_decimal::Decimal;
use wattswap_matching::{Price, PriceScale, Side, Slot, UtcMillis, WattHours, Watts};

use super::ids::{CharterId, Head, MemberKey};

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
    Charter(Box<Charter>),
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

    /// Whether orders are taken for the slot at `at`.
    #[must_use]
    pub fn is_open(&self, slot: Slot, at: UtcMillis) -> bool {
        self.is_aligned(slot) && self.opens(slot) <= at && at < self.gate(slot)
    }

    /// Open slots at `at`, earliest first.
    pub fn open_slots(&self, at: UtcMillis) -> impl Iterator<Item = Slot> + '_ {
        let reach = self.slot_length.as_millis().saturating_add(u128::from(self.gate_millis.max(0).unsigned_abs()));
        let first = self.slot_at(UtcMillis(at.0.saturating_sub(u64::try_from(reach).unwrap_or(u64::MAX))));
        std::iter::successors(Some(first), |slot| Some(self.next(*slot)))
            .skip_while(move |slot| self.gate(*slot) <= at)
            .take_while(move |slot| self.opens(*slot) <= at)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}
