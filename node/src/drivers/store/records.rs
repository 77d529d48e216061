//! Values as bytes: deterministic CBOR maps, numbered fields, and signed things as the bytes that were signed.
//!
//! The same strict codec as on the wire ([`crate::protocol::wire`]), so that a record has one encoding and a damaged
//! one is noticed; but a contract of its own: `docs/on-disk.md` pins it with golden bytes. A new field gets a new
//! number and a new [`super::layout::FORMAT`]. Keys are not repeated in values.

use wattswap_matching::UtcMillis;

use crate::protocol::agreement::words::{Proposal, Refusal};
use crate::protocol::autopilot;
use crate::protocol::entry::{Beacon, Entry, Trade};
use crate::protocol::household::io::{Origin, OwnTrade, Request, RequestId, RequestState, Reservation, Wish};
use crate::protocol::ids::Incarnation;
use crate::protocol::message::Proof;
use crate::protocol::metering::{MeterId, Reading, Reason, Row, Verdict};
use crate::protocol::signed::{Signed, Statement, Verified};
use crate::protocol::wire::Malformed;
use crate::protocol::wire::cbor::{self, Reader, Wire, Writer};

/// An encoded incarnation is 21 bytes at most; the others are below this but for proofs, which grow.
const USUAL: usize = 128;

pub(super) fn write_incarnation(incarnation: &Incarnation) -> Vec<u8> {
    cbor::encode(incarnation, USUAL)
}

pub(super) fn read_incarnation(value: &[u8]) -> Result<Incarnation, Malformed> {
    cbor::decode(value)
}

pub(super) fn write_proof(proof: &Proof) -> Vec<u8> {
    cbor::encode(proof, USUAL)
}

pub(super) fn read_proof(value: &[u8]) -> Result<Proof, Malformed> {
    cbor::decode(value)
}

/// An entry: its id, 32 bytes, then the message. With the id a start needs no hashing.
pub(super) fn write_entry(entry: &Verified<Entry>) -> Vec<u8> {
    [entry.hash().as_slice(), entry.bytes()].concat()
}

pub(super) fn read_entry(value: &[u8]) -> Result<Verified<Entry>, Malformed> {
    let (id, bytes) = split_entry(value)?;
    Signed::recalled(bytes, *id).map(Signed::trusted)
}

/// The message of a stored entry.
pub(super) fn entry_bytes(value: &[u8]) -> Result<&[u8], Malformed> {
    split_entry(value).map(|(_, bytes)| bytes)
}

fn split_entry(value: &[u8]) -> Result<(&[u8; 32], &[u8]), Malformed> {
    value.split_first_chunk().ok_or(Malformed::Expected { at: 0, what: "32 bytes" })
}

pub(super) fn read_beacon(value: &[u8]) -> Result<Verified<Beacon>, Malformed> {
    read_signed(value)
}

/// Only what was verified gets into the store, so what comes out of it is.
fn read_signed<T: Statement>(bytes: &[u8]) -> Result<Verified<T>, Malformed> {
    Signed::parse(bytes).map(Signed::trusted)
}

pub(super) fn write_request(request: &Request) -> Vec<u8> {
    cbor::encode(&RequestValue(request.clone()), USUAL)
}

pub(super) fn read_request(id: RequestId, value: &[u8]) -> Result<Request, Malformed> {
    let RequestValue(request) = cbor::decode(value)?;
    Ok(Request { id, ..request })
}

/// A request without its id, which is its key.
struct RequestValue(Request);

impl Wire for RequestValue {
    fn write(&self, out: &mut Writer) {
        let Request { id: _, wish, origin, placed_at, batch, filled, in_doubt, orders, state } = &self.0;
        out.map(11 + u64::from(wish.expires_at.is_some()));
        out.field(1, &wish.slot).field(2, &wish.side).field(3, &wish.quantity).field(4, &wish.price);
        out.optional(5, wish.expires_at.as_ref());
        out.field(6, &origin_code(*origin)).field(7, placed_at).field(8, batch).field(9, filled).field(10, in_doubt);
        out.key(11).list(orders).field(12, &state_code(*state));
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let wish = Wish {
            slot: map.required(1)?,
            side: map.required(2)?,
            quantity: map.required(3)?,
            price: map.required(4)?,
            expires_at: map.optional(5)?,
        };
        let request = Request {
            id: RequestId([0; 16]),
            wish,
            origin: origin(map.required(6)?)?,
            placed_at: map.required(7)?,
            batch: map.required(8)?,
            filled: map.required(9)?,
            in_doubt: map.required(10)?,
            orders: map.field(11)?.list("number of orders", 0, usize::from(u16::MAX))?,
            state: state(map.required(12)?)?,
        };
        map.end().map(|()| Self(request))
    }
}

fn origin_code(origin: Origin) -> u64 {
    match origin {
        Origin::Owner => 0,
        Origin::Autopilot => 1,
    }
}

fn origin(code: u64) -> Result<Origin, Malformed> {
    [Origin::Owner, Origin::Autopilot].into_iter().nth(index(code)).ok_or(Malformed::Broken("an unknown origin"))
}

fn state_code(state: RequestState) -> u64 {
    match state {
        RequestState::Live => 0,
        RequestState::Filled => 1,
        RequestState::Cancelled => 2,
        RequestState::Expired => 3,
    }
}

fn state(code: u64) -> Result<RequestState, Malformed> {
    let states = [RequestState::Live, RequestState::Filled, RequestState::Cancelled, RequestState::Expired];
    states.into_iter().nth(index(code)).ok_or(Malformed::Broken("an unknown state of a request"))
}

pub(super) fn write_reservation(reservation: &Reservation) -> Vec<u8> {
    let value = ReservationValue {
        proposal: reservation.proposal.clone(),
        request: reservation.request,
        closes_at: reservation.closes_at,
        forgotten: reservation.forgotten,
    };
    cbor::encode(&value, USUAL + reservation.proposal.bytes().len())
}

pub(super) fn read_reservation(value: &[u8]) -> Result<Reservation, Malformed> {
    let ReservationValue { proposal, request, closes_at, forgotten } = cbor::decode(value)?;
    Ok(Reservation { proposal, request, closes_at, forgotten })
}

struct ReservationValue {
    proposal: Verified<Proposal>,
    request: RequestId,
    closes_at: UtcMillis,
    forgotten: bool,
}

impl Wire for ReservationValue {
    fn write(&self, out: &mut Writer) {
        out.map(3 + u64::from(self.forgotten)).key(1).bytes(self.proposal.bytes());
        out.field(2, &self.request).field(3, &self.closes_at).optional(4, self.forgotten.then_some(&1_u64));
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let proposal = read_signed(map.field(1)?.bytes()?)?;
        let (request, closes_at) = (map.required(2)?, map.required(3)?);
        let forgotten = flag(map.optional(4)?.unwrap_or(0))?;
        map.end().map(|()| Self { proposal, request, closes_at, forgotten })
    }
}

impl Wire for RequestId {
    fn write(&self, out: &mut Writer) {
        out.bytes(&self.0);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = cbor.position();
        cbor.bytes()?.try_into().map(Self).map_err(|_| Malformed::Expected { at, what: "16 bytes" })
    }
}

pub(super) fn write_refusal(refusal: &Verified<Refusal>, closes_at: UtcMillis) -> Vec<u8> {
    cbor::encode(&RefusalValue(refusal.clone(), closes_at), USUAL + refusal.bytes().len())
}

pub(super) fn read_refusal(value: &[u8]) -> Result<(Verified<Refusal>, UtcMillis), Malformed> {
    cbor::decode(value).map(|RefusalValue(refusal, closes_at)| (refusal, closes_at))
}

struct RefusalValue(Verified<Refusal>, UtcMillis);

impl Wire for RefusalValue {
    fn write(&self, out: &mut Writer) {
        out.map(2).key(1).bytes(self.0.bytes()).field(2, &self.1);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let refusal = Self(read_signed(map.field(1)?.bytes()?)?, map.required(2)?);
        map.end().map(|()| refusal)
    }
}

pub(super) fn write_trade(own: &OwnTrade) -> Vec<u8> {
    cbor::encode(&TradeValue(own.clone()), 1024)
}

pub(super) fn read_trade(value: &[u8]) -> Result<OwnTrade, Malformed> {
    cbor::decode(value).map(|TradeValue(own)| own)
}

struct TradeValue(OwnTrade);

impl Wire for TradeValue {
    fn write(&self, out: &mut Writer) {
        let OwnTrade { trade, request, provisional, recorded_at } = &self.0;
        out.map(4 + u64::from(request.is_some()));
        out.key(1).bytes(trade.proposal.bytes()).key(2).bytes(trade.acceptance.bytes());
        out.optional(3, request.as_ref()).field(4, &u64::from(*provisional)).field(5, recorded_at);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let proposal = read_signed(map.field(1)?.bytes()?)?;
        let acceptance = read_signed(map.field(2)?.bytes()?)?;
        let own = OwnTrade {
            trade: Trade { proposal, acceptance },
            request: map.optional(3)?,
            provisional: flag(map.required(4)?)?,
            recorded_at: map.required(5)?,
        };
        map.end().map(|()| Self(own))
    }
}

pub(super) fn write_reading(reading: &Reading) -> Vec<u8> {
    cbor::encode(&ReadingValue::from(reading), USUAL)
}

pub(super) fn read_reading(meter: MeterId, at: UtcMillis, value: &[u8]) -> Result<Reading, Malformed> {
    let ReadingValue { import, export, verdict } = cbor::decode(value)?;
    Ok(Reading { row: Row { meter, at, import, export }, verdict })
}

/// A reading without meter and time, which are its key.
struct ReadingValue {
    import: wattswap_matching::WattHours,
    export: wattswap_matching::WattHours,
    verdict: Verdict,
}

impl From<&Reading> for ReadingValue {
    fn from(Reading { row, verdict }: &Reading) -> Self {
        Self { import: row.import, export: row.export, verdict: *verdict }
    }
}

impl Wire for ReadingValue {
    fn write(&self, out: &mut Writer) {
        out.map(3).field(1, &self.import).field(2, &self.export).key(3);
        match self.verdict {
            Verdict::Accepted => out.array(1).unsigned(0),
            Verdict::Duplicate => out.array(1).unsigned(1),
            Verdict::Conflict { kept_import, kept_export } => {
                out.array(3).unsigned(2).put(&kept_import).put(&kept_export)
            }
            Verdict::Quarantined(reason) => out.array(2).unsigned(3).unsigned(reason_code(reason)),
        };
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let import = map.required(1)?;
        let export = map.required(2)?;
        let verdict = read_verdict(map.field(3)?)?;
        map.end().map(|()| Self { import, export, verdict })
    }
}

fn read_verdict(cbor: &mut Reader<'_>) -> Result<Verdict, Malformed> {
    let items = |kind: u64| [1, 1, 3, 2].get(index(kind)).copied();
    Ok(match cbor.kind(items)? {
        0 => Verdict::Accepted,
        1 => Verdict::Duplicate,
        2 => Verdict::Conflict { kept_import: Wire::read(cbor)?, kept_export: Wire::read(cbor)? },
        _ => Verdict::Quarantined(reason(cbor.unsigned()?)?),
    })
}

fn reason_code(reason: Reason) -> u64 {
    match reason {
        Reason::WentBack => 0,
        Reason::TooFast => 1,
        Reason::ClockAhead => 2,
        Reason::TooOld => 3,
        Reason::TooManyMeters => 4,
    }
}

fn reason(code: u64) -> Result<Reason, Malformed> {
    let reasons = [Reason::WentBack, Reason::TooFast, Reason::ClockAhead, Reason::TooOld, Reason::TooManyMeters];
    reasons.into_iter().nth(index(code)).ok_or(Malformed::Broken("an unknown reason of a quarantine"))
}

pub(super) fn write_autopilot(settings: &autopilot::Settings) -> Vec<u8> {
    cbor::encode(&SettingsValue(*settings), USUAL)
}

pub(super) fn read_autopilot(value: &[u8]) -> Result<autopilot::Settings, Malformed> {
    cbor::decode(value).map(|SettingsValue(settings)| settings)
}

struct SettingsValue(autopilot::Settings);

impl Wire for SettingsValue {
    fn write(&self, out: &mut Writer) {
        let autopilot::Settings { on, sell_at_least, buy_at_most, trade_ahead, slot_limit } = &self.0;
        out.map(4 + u64::from(slot_limit.is_some()));
        out.field(1, &u64::from(*on)).field(2, sell_at_least).field(3, buy_at_most).field(4, trade_ahead);
        out.optional(5, slot_limit.as_ref());
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let settings = autopilot::Settings {
            on: flag(map.required(1)?)?,
            sell_at_least: map.required(2)?,
            buy_at_most: map.required(3)?,
            trade_ahead: map.required(4)?,
            slot_limit: map.optional(5)?,
        };
        map.end().map(|()| Self(settings))
    }
}

fn flag(number: u64) -> Result<bool, Malformed> {
    match number {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed::Broken("a flag is 0 or 1")),
    }
}

fn index(code: u64) -> usize {
    usize::try_from(code).unwrap_or(usize::MAX)
}
