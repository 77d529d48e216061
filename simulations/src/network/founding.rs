//! The community of a street: keys, the first charter and those that follow it.

use std::time::Duration;

use ed25519_dalek::{Signer as _, SigningKey};
use rust_decimal::Decimal;
use wattswap_matching::{Price, Side, UtcMillis, WattHours, Watts};
use wattswap_node::protocol::charter::{Act, Charter, Fee, GovernanceRecord, Member, RULES, Shape};
use wattswap_node::protocol::governance::SignedRecord;
use wattswap_node::protocol::ids::MemberKey;
use wattswap_node::protocol::signed::Signer;

/// A household's secret key, in memory.
#[derive(Clone)]
pub(crate) struct Key(pub SigningKey);

impl Signer for Key {
    fn key(&self) -> MemberKey {
        MemberKey(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// 15-minute slots that open two days ahead and close an hour after delivery; 1 Wh and 0.0001 EUR ticks.
#[must_use]
pub fn usual_shape() -> Shape {
    let hour = Duration::from_secs(3600);
    Shape {
        currency: "EUR".into(),
        slot_length: hour / 4,
        delivery_time: hour / 4,
        opening: hour * 48,
        gate_millis: 3_600_000,
        price_tick: Decimal::new(1, 4),
        quantity_tick: WattHours(1),
        smallest_fill: WattHours(10),
        floor: Price(-5_000),
        cap: Price(10_000),
        fees: Vec::new(),
    }
}

/// What buyers pay for the use of the street's wires, in charters with fees.
#[must_use]
pub fn grid_fee() -> Fee {
    Fee { name: "grid".into(), payer: Side::Buy, per_kwh: Price(300) }
}

/// A usual charter for these members, whose first one is the operator.
pub(crate) fn charter(keys: &[Key], shape: Shape) -> Charter {
    Charter {
        rules: RULES,
        name: "Street".into(),
        shape,
        members: members(keys.iter().map(Signer::key)),
        operators: vec![keys[0].key()],
        proposal_lifetime: Duration::from_secs(15),
        clock_skew: Duration::from_secs(5),
    }
}

/// What a usual connection carries in.
pub(crate) const IMPORT: Watts = Watts(17_000);
/// What a usual connection carries out.
pub(crate) const EXPORT: Watts = Watts(10_000);

/// Members with usual connections, in the order of charters.
pub(crate) fn members(keys: impl Iterator<Item = MemberKey>) -> Vec<Member> {
    let member = |key| Member { key, name: String::new(), import: IMPORT, export: EXPORT };
    let mut members: Vec<Member> = keys.map(member).collect();
    members.sort_by_key(|member| member.key);
    members
}

/// The record that founds a community, or that follows `prev`.
pub(crate) fn sign(prev: Option<&SignedRecord>, act: Act, at: UtcMillis, operator: &Key) -> SignedRecord {
    let height = prev.map_or(0, |prev| prev.record.height + 1);
    let at = prev.map_or(at, |prev| at.max(prev.record.at));
    let record = GovernanceRecord { height, prev: prev.map(|prev| prev.id), at, act };
    let mut record = SignedRecord::unsigned(record).expect("a street's charters are within bounds");
    record.co_sign(operator).expect("nobody has signed before");
    record
}
