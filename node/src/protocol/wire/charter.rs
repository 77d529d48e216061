//! Charters and seals as bytes, and the bounds that any charter must keep.

use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::VerifyingKey;
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};

use super::cbor::{self, Reader, Wire, Writer};
use super::entry::{check_log, check_price, check_seq, check_time};
use super::{Malformed, require, within};
use crate::protocol::charter::{Act, Charter, Fee, GovernanceRecord, Member, Shape};
use crate::protocol::ids::{Head, MemberKey, ShapeId};
use crate::protocol::limits::{
    MAX_DURATION, MAX_ENERGY, MAX_FEES, MAX_MEMBERS, MAX_NAME_BYTES, MAX_OPEN_SLOTS, MAX_OPERATORS, MAX_SEALS, MAX_SEQ,
    MAX_TICK_DECIMALS, MAX_TICK_MANTISSA,
};

/// CBOR's tag for `[exponent, mantissa]`.
const DECIMAL_FRACTION: u64 = 4;
/// A guess at the bytes of a charter without its members.
const SMALL_CHARTER: usize = 256;
/// About the bytes of a member with a short name.
const MEMBER: usize = 64;

impl GovernanceRecord {
    /// The payload, deterministic CBOR.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let members = if let Act::Charter(charter) = &self.act { charter.members.len() } else { 0 };
        cbor::encode(self, SMALL_CHARTER + members * MEMBER)
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`Malformed`] unless `payload` is exactly what [`GovernanceRecord::encode`] makes of the result.
    pub fn decode(payload: &[u8]) -> Result<Self, Malformed> {
        let record: Self = cbor::decode(payload)?;
        record.check().map(|()| record)
    }

    /// Whether the record is within the bounds that hold in any community.
    ///
    /// # Errors
    /// [`Malformed`] says which bound is broken.
    pub fn check(&self) -> Result<(), Malformed> {
        within("height of a governance record", self.height, 0..=MAX_SEQ as i64)?;
        let has_its_prev = self.prev.is_some() == (self.height > 0);
        require(has_its_prev, "a governance record must name the one before it, unless its height is 0")?;
        check_time(self.at)?;
        match &self.act {
            Act::Charter(charter) => charter.check(),
            Act::Seals(seals) => check_seals(seals),
        }
    }
}

fn check_seals(seals: &[Head]) -> Result<(), Malformed> {
    within("number of seals", seals.len(), 1..=MAX_SEALS as i64)?;
    require(seals.is_sorted_by(|a, b| a.log < b.log), "seals must be ascending by log, one each")?;
    seals.iter().try_for_each(|head| {
        check_log(&head.log)?;
        check_seq(head.seq)
    })
}

impl Charter {
    /// Whether the charter is one that a community can live under.
    ///
    /// # Errors
    /// [`Malformed`] says which rule is broken, in words that its author can act on.
    pub fn check(&self) -> Result<(), Malformed> {
        within("version of the rules", self.rules, 1..=i64::from(u16::MAX))?;
        check_name("length of the community's name in bytes", &self.name, 1)?;
        self.shape.check()?;
        within("number of members", self.members.len(), 1..=MAX_MEMBERS as i64)?;
        require(self.members.is_sorted_by(|a, b| a.key < b.key), "members must be ascending by key, each once")?;
        for member in &self.members {
            check_key(&member.key)?;
            check_name("length of a member's name in bytes", &member.name, 0)?;
        }
        within("number of operators", self.operators.len(), 1..=MAX_OPERATORS as i64)?;
        require(self.operators.is_sorted_by(|a, b| a < b), "operators must be ascending by key, each once")?;
        self.operators.iter().try_for_each(check_key)?;
        check_duration("proposal lifetime in milliseconds", self.proposal_lifetime, 1)?;
        check_duration("clock skew in milliseconds", self.clock_skew, 0)?;
        let outlives_skew = self.proposal_lifetime >= self.clock_skew * 2;
        require(outlives_skew, "the proposal lifetime must be at least twice the clock skew")
    }
}

impl Shape {
    /// The name of the books that belong to this shape: the SHA-256 of its encoding.
    #[must_use]
    pub fn id(&self) -> ShapeId {
        ShapeId(Sha256::digest(cbor::encode(self, SMALL_CHARTER)).into())
    }

    /// Whether slots and orders of this shape can exist.
    ///
    /// # Errors
    /// [`Malformed`] says which rule is broken.
    pub fn check(&self) -> Result<(), Malformed> {
        let is_code = self.currency.len() == 3 && self.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        require(is_code, "the currency must be an ISO 4217 code: three capital letters")?;
        self.check_times()?;
        check_tick(self.price_tick)?;
        within("quantity tick in watt-hours", self.quantity_tick.0, 1..=MAX_ENERGY.0)?;
        within("smallest fill in watt-hours", self.smallest_fill.0, 1..=MAX_ENERGY.0)?;
        let is_multiple = self.smallest_fill.0 % self.quantity_tick.0 == 0;
        require(is_multiple, "the smallest fill must be a multiple of the quantity tick")?;
        check_price(self.floor)?;
        check_price(self.cap)?;
        require(self.floor <= self.cap, "the floor price must not be above the cap price")?;
        within("number of fees", self.fees.len(), 0..=MAX_FEES as i64)?;
        self.fees.iter().try_for_each(|fee| {
            check_name("length of a fee's name in bytes", &fee.name, 1)?;
            check_price(fee.per_kwh)
        })
    }

    fn check_times(&self) -> Result<(), Malformed> {
        check_duration("slot length in milliseconds", self.slot_length, 1)?;
        check_duration("delivery time in milliseconds", self.delivery_time, 1)?;
        check_duration("opening before delivery in milliseconds", self.opening, 0)?;
        let year = MAX_DURATION.as_millis() as i64;
        within("gate closure in milliseconds after delivery", self.gate_millis, -year..=year)?;
        let length = self.slot_length.as_millis() as i64;
        let open_for = self.opening.as_millis() as i64 + length + self.gate_millis;
        require(open_for > 0, "the gate must close after the book opens")?;
        within("number of slots that are open at a time", open_for / length, 0..=MAX_OPEN_SLOTS)
    }
}

/// A key that can sign: a point on the curve, and none of the few for which anybody can forge.
fn check_key(key: &MemberKey) -> Result<(), Malformed> {
    let is_usable = VerifyingKey::from_bytes(&key.0).is_ok_and(|key| !key.is_weak());
    require(is_usable, "members and operators must have valid Ed25519 keys that are not of small order")
}

fn check_name(what: &'static str, name: &str, min: i64) -> Result<(), Malformed> {
    within(what, name.len(), min..=MAX_NAME_BYTES as i64)?;
    require(!name.chars().any(char::is_control), "names must not have control characters")
}

fn check_duration(what: &'static str, time: Duration, min: i64) -> Result<(), Malformed> {
    within(what, time.as_millis(), min..=MAX_DURATION.as_millis() as i64)?;
    require(time.subsec_nanos().is_multiple_of(1_000_000), "durations must be whole milliseconds")
}

fn check_tick(tick: Decimal) -> Result<(), Malformed> {
    let tick = tick.normalize();
    within("price tick, without its decimal point", tick.mantissa(), 1..=MAX_TICK_MANTISSA)?;
    within("number of decimals of the price tick", tick.scale(), 0..=MAX_TICK_DECIMALS)
}

impl Wire for GovernanceRecord {
    fn write(&self, out: &mut Writer) {
        out.map(3 + u64::from(self.prev.is_some())).field(0, &self.height).optional(1, self.prev.as_ref());
        out.field(2, &self.at).field(3, &self.act);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let record =
            Self { height: map.required(0)?, prev: map.optional(1)?, at: map.required(2)?, act: map.required(3)? };
        map.end().map(|()| record)
    }
}

impl Wire for Act {
    fn write(&self, out: &mut Writer) {
        out.array(2);
        match self {
            Self::Charter(charter) => out.unsigned(0).put(&**charter),
            Self::Seals(seals) => out.unsigned(1).list(seals),
        };
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        match cbor.kind(|kind| (kind <= 1).then_some(2))? {
            0 => Ok(Self::Charter(Arc::new(Charter::read(cbor)?))),
            _ => Ok(Self::Seals(cbor.list("number of seals", 1, MAX_SEALS)?)),
        }
    }
}

impl Wire for Charter {
    fn write(&self, out: &mut Writer) {
        out.map(7)
            .field(0, &self.rules)
            .field(1, &self.name)
            .field(2, &self.shape)
            .key(3)
            .list(&self.members)
            .key(4)
            .list(&self.operators)
            .field(5, &self.proposal_lifetime)
            .field(6, &self.clock_skew);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let charter = Self {
            rules: map.required(0)?,
            name: map.required(1)?,
            shape: map.required(2)?,
            members: map.field(3)?.list("number of members", 1, MAX_MEMBERS)?,
            operators: map.field(4)?.list("number of operators", 1, MAX_OPERATORS)?,
            proposal_lifetime: map.required(5)?,
            clock_skew: map.required(6)?,
        };
        map.end().map(|()| charter)
    }
}

impl Wire for Member {
    fn write(&self, out: &mut Writer) {
        out.array(4).put(&self.key).put(&self.name).put(&self.import).put(&self.export);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        cbor.array(4)?;
        Ok(Self {
            key: Wire::read(cbor)?,
            name: Wire::read(cbor)?,
            import: Wire::read(cbor)?,
            export: Wire::read(cbor)?,
        })
    }
}

impl Wire for Shape {
    fn write(&self, out: &mut Writer) {
        out.map(11)
            .field(0, &self.currency)
            .field(1, &self.slot_length)
            .field(2, &self.delivery_time)
            .field(3, &self.opening)
            .field(4, &self.gate_millis)
            .field(5, &self.price_tick)
            .field(6, &self.quantity_tick)
            .field(7, &self.smallest_fill)
            .field(8, &self.floor)
            .field(9, &self.cap)
            .key(10)
            .list(&self.fees);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let shape = Self {
            currency: map.required(0)?,
            slot_length: map.required(1)?,
            delivery_time: map.required(2)?,
            opening: map.required(3)?,
            gate_millis: map.required(4)?,
            price_tick: map.required(5)?,
            quantity_tick: map.required(6)?,
            smallest_fill: map.required(7)?,
            floor: map.required(8)?,
            cap: map.required(9)?,
            fees: map.field(10)?.list("number of fees", 0, MAX_FEES)?,
        };
        map.end().map(|()| shape)
    }
}

impl Wire for Fee {
    fn write(&self, out: &mut Writer) {
        out.array(3).put(&self.name).put(&self.payer).put(&self.per_kwh);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        cbor.array(3)?;
        Ok(Self { name: Wire::read(cbor)?, payer: Wire::read(cbor)?, per_kwh: Wire::read(cbor)? })
    }
}

/// `mantissa * 10 ^ exponent`. Normalised: the exponent is not above zero, and the mantissa ends in a zero only if
/// the exponent is zero.
impl Wire for Decimal {
    fn write(&self, out: &mut Writer) {
        let normal = self.normalize();
        let mantissa = i64::try_from(normal.mantissa()).expect("checked: few digits, see MAX_TICK_MANTISSA");
        out.tag(DECIMAL_FRACTION).array(2).signed(-i64::from(normal.scale())).signed(mantissa);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = cbor.position();
        if cbor.tag()? != DECIMAL_FRACTION {
            return Err(Malformed::Expected { at, what: "a decimal fraction, tag 4" });
        }
        cbor.array(2)?;
        let (exponent, mantissa) = (cbor.signed()?, cbor.signed()?);
        let scale = u32::try_from(exponent.checked_neg().unwrap_or(i64::MAX)).unwrap_or(u32::MAX);
        let value = Self::try_from_i128_with_scale(i128::from(mantissa), scale)
            .map_err(|_| Malformed::Expected { at, what: "a decimal fraction with an exponent from -28 to 0" })?;
        let is_normal = value.normalize().scale() == scale;
        if is_normal { Ok(value) } else { Err(Malformed::NotShortest { at }) }
    }
}
