//! Numbers, times, keys and names as bytes: what all the others are made of.

use std::time::Duration;

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours, Watts};

use super::Malformed;
use super::cbor::{Reader, Wire, Writer};
use crate::protocol::ids::{
    CharterId, CommunityId, Digest, EntryId, Head, Incarnation, LogId, MemberKey, OrderId, ProposalId,
};

macro_rules! wire_bytes32 {
    ($($name:ident),*) => {$(
        impl Wire for $name {
            fn write(&self, out: &mut Writer) {
                out.bytes(&self.0);
            }
            fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
                let at = cbor.position();
                let bytes = cbor.bytes()?;
                bytes.try_into().map(Self).map_err(|_| Malformed::Expected { at, what: "32 bytes" })
            }
        }
    )*};
}

wire_bytes32!(MemberKey, EntryId, ProposalId, CharterId, CommunityId, Digest);

macro_rules! wire_number {
    ($($name:ty: $method:ident $what:literal, $to:expr, $from:expr;)*) => {$(
        impl Wire for $name {
            fn write(&self, out: &mut Writer) {
                out.$method($to(*self));
            }
            fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
                let at = cbor.position();
                let number = cbor.$method()?;
                number.try_into().map($from).map_err(|_| Malformed::Expected { at, what: $what })
            }
        }
    )*};
}

wire_number! {
    u64: unsigned "a number", |n| n, |n| n;
    u16: unsigned "a number below 65536", u64::from, |n| n;
    i64: signed "a number", |n| n, |n| n;
    UtcMillis: unsigned "milliseconds", |at: Self| at.0, UtcMillis;
    Slot: unsigned "milliseconds", |slot: Self| slot.0.0, |at| Slot(UtcMillis(at));
    Watts: unsigned "watts", |power: Self| u64::from(power.0), Watts;
    WattHours: signed "watt-hours", |energy: Self| energy.0, WattHours;
    Price: signed "a price in ticks", |price: Self| i64::from(price.0), Price;
    Duration: unsigned "milliseconds", |time: Self| u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        Duration::from_millis;
}

impl Wire for Side {
    fn write(&self, out: &mut Writer) {
        out.unsigned(match self {
            Self::Buy => 0,
            Self::Sell => 1,
        });
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let at = cbor.position();
        match cbor.unsigned()? {
            0 => Ok(Self::Buy),
            1 => Ok(Self::Sell),
            _ => Err(Malformed::Expected { at, what: "a side: 0 to buy, 1 to sell" }),
        }
    }
}

impl Wire for String {
    fn write(&self, out: &mut Writer) {
        out.text(self);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        cbor.text().map(Self::from)
    }
}

impl Wire for Incarnation {
    fn write(&self, out: &mut Writer) {
        out.array(2).put(&self.opened).put(&self.nonce);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        cbor.array(2)?;
        Ok(Self { opened: Wire::read(cbor)?, nonce: Wire::read(cbor)? })
    }
}

impl Wire for LogId {
    fn write(&self, out: &mut Writer) {
        out.array(2).put(&self.author).put(&self.incarnation);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        cbor.array(2)?;
        Ok(Self { author: Wire::read(cbor)?, incarnation: Wire::read(cbor)? })
    }
}

impl Wire for Head {
    fn write(&self, out: &mut Writer) {
        out.array(3).put(&self.log).put(&self.seq).put(&self.id);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        cbor.array(3)?;
        Ok(Self { log: Wire::read(cbor)?, seq: Wire::read(cbor)?, id: Wire::read(cbor)? })
    }
}

impl Wire for OrderId {
    fn write(&self, out: &mut Writer) {
        out.array(2).put(&self.entry).put(&self.index);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        cbor.array(2)?;
        Ok(Self { entry: Wire::read(cbor)?, index: Wire::read(cbor)? })
    }
}
