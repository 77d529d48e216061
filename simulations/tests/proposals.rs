//! What a maker makes of proposals that no honest taker sends, or sends twice.

use std::time::Duration;

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::Proposal;
use wattswap_node::protocol::entry::Op;
use wattswap_node::protocol::household::io::{Command, Input, RequestId, RequestState, Wish};
use wattswap_node::protocol::ids::OrderId;
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
        let wish = street.wish(Side::Sell, 500, 1_000);
        let request = street.place(MAKER, wish).unwrap();
        street.run(Duration::from_secs(1));
        // The taker's own software keeps quiet from now on.
        street.stop(TAKER);
        let order = street.request(MAKER, request).orders[0];
        Self { street, order, request }
    }

    fn proposal(&self) -> Proposal {
        Proposal {
            community: self.street.community(),
            charter: self.street.charter_id(),
            slot: self.street.request(MAKER, self.request).wish.slot,
            side: Side::Buy,
            taker: self.street.log(TAKER).unwrap(),
            maker: self.street.log(MAKER).unwrap(),
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
        self.street.request(MAKER, self.request).filled
    }

    fn fills_in_log(&self) -> usize {
        let ops = self.street.entries_of(MAKER).flat_map(|entry| &entry.ops);
        ops.filter(|op| matches!(op, Op::Fill(_))).count()
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
        // By what it promises, which it can only once it has compared its store with both neighbours.
        offered.street.start(TAKER);
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

/// The taker names a neighbour's order as its own: that is not filled by it, whoever holds the trade.
#[test]
fn nobody_takes_for_an_order_of_somebody_elses() {
    const OWNER: usize = 2;
    let mut offered = Offered::new();
    let bid = offered.street.wish(Side::Buy, 100, 900);
    let bid = offered.street.place(OWNER, bid).unwrap();
    offered.street.run(Duration::from_secs(1));
    let order = offered.street.request(OWNER, bid).orders[0];
    offered.propose(Proposal { own_order: Some(order), ..offered.proposal() });
    offered.street.run(Duration::from_secs(5));
    assert_eq!(offered.filled(), WattHours(100), "the maker can't tell whose order it is");
    let slot = offered.street.request(OWNER, bid).wish.slot;
    for home in [MAKER, OWNER] {
        let bids = offered.street.household(home).unwrap().depth(slot, 10).0;
        assert_eq!(bids.iter().map(|level| level.quantity).sum::<WattHours>(), WattHours(100), "home {home}");
    }
}

/// Nor for one of its own in another slot: what it has open there makes no room on its connection here.
#[test]
fn an_order_in_another_slot_makes_no_room_in_this_one() {
    let mut offered = Offered::new();
    offered.street.start(TAKER);
    offered.street.run(Duration::from_secs(1));
    let here = offered.street.wish(Side::Buy, 1, 900);
    let elsewhere = Wish { slot: Slot(UtcMillis(here.slot.0.0 + 900_000)), ..here };
    let most = offered.street.charter().slot_limit(&offered.street.key(TAKER), Side::Buy).unwrap();
    // All but 100 Wh of what its connection carries.
    let wishes = [(here, most - WattHours(100)), (elsewhere, WattHours(500))];
    let placed = wishes.map(|(wish, quantity)| offered.street.place(TAKER, Wish { quantity, ..wish }).unwrap());
    offered.street.run(Duration::from_secs(1));
    let own_order = Some(offered.street.request(TAKER, placed[1]).orders[0]);
    offered.street.stop(TAKER);
    let proposal = Proposal { own_order, up_to: WattHours(500), nonce: 7, ..offered.proposal() };
    offered.propose(proposal);
    offered.street.run(Duration::from_secs(1));
    assert_eq!(offered.filled(), WattHours(100), "as much as its connection still carries");
}

/// The operator moves the gate to before now, and back, while the taker waits for an answer that was lost.
#[test]
fn a_refusal_is_remembered_until_its_proposal_has_expired_whatever_charter_comes() {
    let mut offered = Offered::new();
    let slot = offered.street.request(MAKER, offered.request).wish.slot;
    let soon = offered.street.now.after(Duration::from_secs(3));
    let gate = offered.street.charter().shape.gate(slot);
    let earlier = i64::try_from(gate.since(soon).as_millis()).unwrap();
    offered.street.amend(|charter| charter.shape.gate_millis -= earlier);
    offered.street.run(Duration::from_millis(10));
    let proposal = offered.proposal();
    offered.propose(proposal);
    assert_eq!(offered.street.disk(MAKER).refusals().count(), 1, "under a charter that is in force no more");
    offered.street.run(Duration::from_secs(12));
    assert_eq!(offered.street.disk(MAKER).refusals().count(), 1);
    offered.street.run(Duration::from_secs(20));
    assert_eq!(offered.street.disk(MAKER).refusals().count(), 0);
}

/// The owner is told that it is over, so nobody gets it: not in the same turn, nor if the cancel can't be signed yet.
#[test]
fn what_is_cancelled_is_not_sold_in_the_same_turn() {
    let mut offered = Offered::new();
    // The disk is busy: what comes meanwhile is one turn.
    offered.street.set_pace(MAKER, 1_000, 100);
    let other = offered.street.wish(Side::Sell, 10, 2_000);
    offered.street.place(MAKER, other);
    let proposal = offered.proposal();
    offered.propose(proposal);
    offered.street.ask(MAKER, Command::Cancel(offered.request));
    offered.street.run(Duration::from_secs(2));
    assert_eq!((offered.filled(), offered.fills_in_log()), (WattHours(0), 0));
    assert_eq!(offered.street.request(MAKER, offered.request).state, RequestState::Cancelled);
}

/// Its clock was ahead for a moment, by as little as clocks may be: what it has told its owner is over stays so.
#[test]
fn what_has_expired_by_a_clock_that_was_ahead_is_not_sold() {
    let mut offered = Offered::new();
    let expires_at = Some(offered.street.now.after(Duration::from_secs(5)));
    let wish = Wish { expires_at, ..offered.street.wish(Side::Sell, 200, 900) };
    let request = offered.street.place(MAKER, wish).unwrap();
    let order = offered.street.request(MAKER, request).orders[0];
    offered.street.run(Duration::from_secs(2));
    offered.street.set_clock(MAKER, |clock, now| clock.jump(now, 3_500));
    offered.street.inject(MAKER, Input::Wake);
    assert_eq!(offered.street.request(MAKER, request).state, RequestState::Expired);
    offered.street.set_clock(MAKER, |clock, now| clock.jump(now, -3_500));
    let proposal = Proposal { order, price: Price(900), ..offered.proposal() };
    offered.propose(proposal);
    assert_eq!(offered.fills_in_log(), 0);
}
