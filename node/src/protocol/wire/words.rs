//! Proposals, acceptances and refusals as bytes, and the bounds that hold for them in any community.

use super::cbor::{Reader, Wire, Writer};
use super::entry::{check_energy, check_log, check_price, check_seq, check_time};
use super::{Malformed, require};
use crate::protocol::agreement::words::{Acceptance, Proposal, Refusal};
use crate::protocol::ids::{LogId, MemberKey};
use crate::protocol::limits::MAX_WORD_BYTES;
use crate::protocol::signed::Statement;

impl Statement for Proposal {
    const DOMAIN: &'static str = "wattswap/1/proposal";
    const MAX_BYTES: usize = MAX_WORD_BYTES;

    fn signer(&self) -> MemberKey {
        self.taker.author
    }

    fn check(&self) -> Result<(), Malformed> {
        check_time(self.slot.start())?;
        check_log(&self.taker)?;
        check_log(&self.maker)?;
        require(self.taker.author != self.maker.author, "taker and maker must be two households")?;
        check_energy(self.up_to)?;
        check_price(self.price)?;
        check_time(self.expires_at)
    }
}

impl Statement for Acceptance {
    const DOMAIN: &'static str = "wattswap/1/acceptance";
    const MAX_BYTES: usize = MAX_WORD_BYTES;

    fn signer(&self) -> MemberKey {
        self.maker
    }

    fn check(&self) -> Result<(), Malformed> {
        check_energy(self.quantity)?;
        check_energy(self.filled_total)?;
        require(self.quantity <= self.filled_total, "an order's filled total must include the fill that states it")?;
        check_time(self.incarnation.opened)?;
        check_seq(self.seq)?;
        check_time(self.at)
    }
}

impl Statement for Refusal {
    const DOMAIN: &'static str = "wattswap/1/refusal";
    const MAX_BYTES: usize = MAX_WORD_BYTES;

    fn signer(&self) -> MemberKey {
        self.maker
    }

    fn check(&self) -> Result<(), Malformed> {
        check_time(self.incarnation.opened)?;
        check_time(self.at)
    }
}

impl Wire for Proposal {
    fn write(&self, out: &mut Writer) {
        out.map(13 + u64::from(self.own_order.is_some()))
            .field(0, &self.community)
            .field(1, &self.charter)
            .field(2, &self.slot)
            .field(3, &self.side)
            .field(4, &self.taker.author)
            .field(5, &self.taker.incarnation)
            .field(6, &self.maker.author)
            .field(7, &self.maker.incarnation)
            .field(8, &self.order)
            .optional(9, self.own_order.as_ref())
            .field(10, &self.up_to)
            .field(11, &self.price)
            .field(12, &self.nonce)
            .field(13, &self.expires_at);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let proposal = Self {
            community: map.required(0)?,
            charter: map.required(1)?,
            slot: map.required(2)?,
            side: map.required(3)?,
            taker: LogId { author: map.required(4)?, incarnation: map.required(5)? },
            maker: LogId { author: map.required(6)?, incarnation: map.required(7)? },
            order: map.required(8)?,
            own_order: map.optional(9)?,
            up_to: map.required(10)?,
            price: map.required(11)?,
            nonce: map.required(12)?,
            expires_at: map.required(13)?,
        };
        map.end().map(|()| proposal)
    }
}

impl Wire for Acceptance {
    fn write(&self, out: &mut Writer) {
        out.map(7)
            .field(0, &self.proposal)
            .field(1, &self.maker)
            .field(2, &self.quantity)
            .field(3, &self.filled_total)
            .field(4, &self.incarnation)
            .field(5, &self.seq)
            .field(6, &self.at);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let acceptance = Self {
            proposal: map.required(0)?,
            maker: map.required(1)?,
            quantity: map.required(2)?,
            filled_total: map.required(3)?,
            incarnation: map.required(4)?,
            seq: map.required(5)?,
            at: map.required(6)?,
        };
        map.end().map(|()| acceptance)
    }
}

impl Wire for Refusal {
    fn write(&self, out: &mut Writer) {
        out.map(4).field(0, &self.proposal).field(1, &self.maker).field(2, &self.incarnation).field(3, &self.at);
    }

    fn read(cbor: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut map = cbor.map()?;
        let refusal = Self {
            proposal: map.required(0)?,
            maker: map.required(1)?,
            incarnation: map.required(2)?,
            at: map.required(3)?,
        };
        map.end().map(|()| refusal)
    }
}
