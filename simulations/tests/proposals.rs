//! What a maker makes of proposals that no honest taker sends, or sends twice.

use std::time::Duration;

use wattswap_matching::{Price, Side, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::entry::Op;
use wattswap_node::protocol::household::io::{Command, Input, Record, Reply, RequestId, Wish};
use wattswap_node::protocol::ids::{CommunityId, OrderId};
use wattswap_node::protocol::message::Message;
use wattswap_node::protocol::signed::Verified;
use wattswap_simulations::network::Street;

const MAKER: usize = 0;
const TAKER: usize = 1;

/// A street on which the maker offers 500 Wh at 1000 ticks.
struct Offered {
    street: Street,
    order: OrderId,
    request: RequestId,
}

impl Offered {
    fn new() -> Self {
        let mut street = Street::new(3, 21);
        street.run(Duration::from_secs(1));
        let shape = street.charter().shape;
        let slot = shape.next(shape.slot_at(street.now));
        let wish = Wish { slot, side: Side::Sell, quantity: WattHours(500), price: Price(1_000), expires_at: None };
        let placed = street.command(MAKER, Command::Place { wishes: vec![wish], key: None });
        let Some(Ok(Reply::Placed(requests))) = placed else { panic!("the order is good") };
        street.run(Duration::from_secs(1));
        // The taker's own software keeps quiet from now on.
        street.stop(TAKER);
        let request = requests[0].id;
        let order = street.disk(MAKER).requests()[&request].orders[0];
        Self { street, order, request }
    }

    fn proposal(&self) -> Proposal {
        let Some(Record::Governance(charter)) = self.street.disk(MAKER).records().next() else { panic!("no charter") };
        let (own, other) = (self.street.key(MAKER), self.street.key(TAKER));
        let incarnation = |home: usize| {
            let found = self.street.disk(home).records().find_map(|record| match record {
                Record::Incarnation(incarnation) => Some(incarnation),
                _ => None,
            });
            found.expect("every household has one")
        };
        let log = |author, home| wattswap_node::protocol::ids::LogId { author, incarnation: incarnation(home) };
        let slot = self.street.disk(MAKER).requests()[&self.request].wish.slot;
        Proposal {
            community: CommunityId(charter.id.0),
            charter: charter.id,
            slot,
            side: Side::Buy,
            taker: log(other, TAKER),
            maker: log(own, MAKER),
            order: self.order,
            own_order: None,
            up_to: WattHours(100),
            price: Price(1_000),
            nonce: 1,
            expires_at: self.street.now.after(Duration::from_secs(15)),
        }
    }

    fn propose(&mut self, proposal: Proposal) {
        let proposal = Verified::sign(proposal, &*self.street.signer(TAKER));
        let bytes = Message::Proposal(proposal.bytes().clone()).encode();
        let from = self.street.key(TAKER);
        self.street.inject(MAKER, Input::Message { from, bytes });
    }

    fn filled(&self) -> WattHours {
        self.street.disk(MAKER).requests()[&self.request].filled
    }

    fn fills_in_log(&self) -> usize {
        let own = self.street.key(MAKER);
        let entries = self.street.disk(MAKER).entries().filter(|entry| entry.log.author == own);
        entries.flat_map(|entry| &entry.ops).filter(|op| matches!(op, Op::Fill(_))).count()
    }
}

#[test]
fn a_good_proposal_is_filled_once_however_often_it_comes() {
    let mut offered = Offered::new();
    let proposal = offered.proposal();
    for _ in 0..3 {
        offered.propose(proposal);
    }
    offered.street.stop(MAKER);
    offered.street.start(MAKER);
    offered.street.run(Duration::from_secs(2));
    offered.propose(proposal);
    assert_eq!((offered.filled(), offered.fills_in_log()), (WattHours(100), 1));
    assert_eq!(offered.street.disk(MAKER).refusals().count(), 0);
}

#[test]
fn what_does_not_fit_the_order_is_refused_durably_and_never_filled_later() {
    let changes: [(&str, fn(&mut Proposal)); 6] = [
        ("another price", |proposal| proposal.price = Price(900)),
        ("the order's own side", |proposal| proposal.side = Side::Sell),
        ("another slot", |proposal| proposal.slot.0 = UtcMillis(proposal.slot.0.0 + 900_000)),
        ("another charter", |proposal| proposal.charter.0 = [7; 32]),
        ("no such order", |proposal| proposal.order.index += 1),
        ("less than the smallest fill", |proposal| proposal.up_to = WattHours(9)),
    ];
    for (name, change) in changes {
        let mut offered = Offered::new();
        let mut proposal = offered.proposal();
        change(&mut proposal);
        offered.propose(proposal);
        assert_eq!(offered.street.disk(MAKER).refusals().count(), 1, "{name}: refused");
        offered.street.stop(MAKER);
        offered.street.start(MAKER);
        offered.street.run(Duration::from_secs(2));
        offered.propose(proposal);
        assert_eq!(offered.fills_in_log(), 0, "{name}: never filled");
        offered.street.run(Duration::from_secs(3_600));
        assert_eq!(offered.street.disk(MAKER).refusals().count(), 0, "{name}: forgotten once it is over");
    }
}

#[test]
fn what_comes_too_late_or_is_dated_too_far_ahead_gets_no_answer() {
    let cases: [(&str, fn(&Offered) -> UtcMillis); 3] = [
        ("expired", |offered| offered.street.now.before(Duration::from_secs(1))),
        ("expires now", |offered| offered.street.now),
        ("lives for an hour", |offered| offered.street.now.after(Duration::from_secs(3_600))),
    ];
    for (name, expires_at) in cases {
        let mut offered = Offered::new();
        let mut proposal = offered.proposal();
        proposal.expires_at = expires_at(&offered);
        offered.propose(proposal);
        assert_eq!(offered.fills_in_log(), 0, "{name}");
        assert_eq!(offered.street.disk(MAKER).refusals().count(), 0, "{name}: nothing to remember");
    }
}

#[test]
fn an_order_is_filled_to_its_quantity_and_not_beyond() {
    let mut offered = Offered::new();
    for nonce in 0..10 {
        let proposal = Proposal { nonce, up_to: WattHours(120), ..offered.proposal() };
        offered.propose(proposal);
    }
    assert_eq!((offered.filled(), offered.fills_in_log()), (WattHours(500), 5));
    assert_eq!(offered.street.disk(MAKER).refusals().count(), 5, "the others are refused");
}
