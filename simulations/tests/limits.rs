//! What a member has filled and open on one side of a slot stays within its connection, whoever signs more: section 3.

use std::time::Duration;

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::Acceptance;
use wattswap_node::protocol::entry::{Entry, Fill, Op, Order};
use wattswap_node::protocol::household::io::{Input, Ticket};
use wattswap_node::protocol::ids::{EntryId, Incarnation, LogId, OrderId, ProposalId};
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_node::protocol::signed::{Signed, Verified};
use wattswap_simulations::network::Street;

const BUYER: usize = 0;
const WITNESS: usize = 2;
/// Its own software does not run: it signs what it likes. It can feed in 10 kW, 2,500 Wh in a slot.
const CHEAT: usize = 4;
const SECOND: Duration = Duration::from_secs(1);

/// What the cheat signs next, each in an entry of its own.
#[derive(Clone, Copy)]
enum Step {
    Sell(i64),
    SellUntil(i64, Duration),
    SellLater(i64),
    Buy(i64),
    /// Of the order of this step, with what it leaves to takes in doubt.
    Cancel(usize, i64),
}
use Step::{Buy, Cancel, Sell, SellLater, SellUntil};

struct Cheat {
    street: Street,
    slot: Slot,
    log: LogId,
    entries: Vec<Verified<Entry>>,
}

impl Cheat {
    fn new(seed: u64) -> Self {
        let mut street = Street::new(5, seed);
        street.run(SECOND);
        street.stop(CHEAT);
        street.run(SECOND);
        let log = LogId { author: street.key(CHEAT), incarnation: Incarnation { opened: street.now, nonce: 7 } };
        for home in 0..CHEAT {
            street.inject(home, Input::Connected(log.author));
            let clock = Message::Clock(street.now).encode();
            street.inject(home, Input::Message { from: log.author, bytes: clock });
        }
        Self { slot: street.next_slot(), street, log, entries: Vec::new() }
    }

    fn order(&self, side: Side, quantity: i64) -> Order {
        let (slot, price) = (self.slot, Price(1_000));
        let (expires_at, charter) = (self.street.charter().shape.gate(slot), self.street.charter_id());
        Order { slot, side, quantity: WattHours(quantity), price, expires_at, charter }
    }

    fn name(&self, step: usize) -> OrderId {
        OrderId { entry: EntryId(self.entries[step].hash()), index: 0 }
    }

    fn take(&mut self, step: Step) {
        let op = match step {
            Sell(quantity) => Op::Place(self.order(Side::Sell, quantity)),
            Buy(quantity) => Op::Place(self.order(Side::Buy, quantity)),
            SellUntil(quantity, time) => {
                Op::Place(Order { expires_at: self.street.now.after(time), ..self.order(Side::Sell, quantity) })
            }
            SellLater(quantity) => {
                let slot = Slot(UtcMillis(self.slot.0.0 + 900_000));
                let expires_at = self.street.charter().shape.gate(slot);
                Op::Place(Order { slot, expires_at, ..self.order(Side::Sell, quantity) })
            }
            Cancel(step, leaves) => Op::Cancel { order: self.name(step), leaves: WattHours(leaves) },
        };
        self.write(op);
    }

    fn write(&mut self, op: Op) {
        let prev = self.entries.last().map(|last| EntryId(last.hash()));
        let (log, seq, at) = (self.log, self.entries.len() as u64, self.street.now);
        let entry = Entry { community: self.street.community(), log, seq, prev, at, ops: vec![op] };
        let entry = Verified::sign(entry, &*self.street.signer(CHEAT));
        for home in 0..CHEAT {
            let bytes = Gossip::Entry(entry.bytes().clone()).encode();
            self.street.inject(home, Input::Gossip { ticket: Ticket(0), from: self.log.author, bytes });
        }
        self.entries.push(entry);
        self.street.run(SECOND);
    }

    /// What a neighbour shows in the slot and the next one: bids and asks.
    fn shown(&mut self) -> [i64; 3] {
        let household = self.street.household(WITNESS).unwrap();
        let (bids, asks) = household.depth(self.slot, 100);
        let (_, later) = household.depth(Slot(UtcMillis(self.slot.0.0 + 900_000)), 100);
        [bids, asks, later].map(|levels| levels.iter().map(|level| level.quantity.0).sum())
    }
}

#[test]
fn what_goes_beyond_the_connection_counts_nowhere() {
    let cases: [(&str, &[Step], [i64; 3]); 10] = [
        ("all that the connection carries", &[Sell(2_500)], [0, 2_500, 0]),
        ("more than that", &[Sell(2_501)], [0, 0, 0]),
        ("two that are too much together", &[Sell(1_500), Sell(1_001)], [0, 1_500, 0]),
        ("one that would have fitted after one that did not", &[Sell(1_500), Sell(1_001), Sell(1_000)], [0, 2_500, 0]),
        ("each side by itself", &[Sell(2_500), Buy(4_250), Buy(1)], [4_250, 2_500, 0]),
        ("each slot by itself", &[Sell(2_500), SellLater(2_500), SellLater(1)], [0, 2_500, 2_500]),
        ("a cancel makes room", &[Sell(2_500), Cancel(0, 0), Sell(2_400)], [0, 2_400, 0]),
        ("but not for what it leaves", &[Sell(2_500), Cancel(0, 200), Sell(2_301)], [0, 0, 0]),
        ("and for the rest", &[Sell(2_500), Cancel(0, 200), Sell(2_300)], [0, 2_300, 0]),
        ("an expiry makes room", &[SellUntil(2_500, SECOND / 2), Sell(2_500)], [0, 2_500, 0]),
    ];
    for (name, steps, shown) in cases {
        let mut cheat = Cheat::new(131);
        steps.iter().for_each(|step| cheat.take(*step));
        assert_eq!(cheat.shown(), shown, "{name}");
        cheat.street.stop(WITNESS);
        cheat.street.start(WITNESS);
        cheat.street.run(20 * SECOND);
        assert_eq!(cheat.shown(), shown, "{name}: after a start too");
    }
}

#[test]
fn what_is_filled_counts_against_the_connection() {
    for (next, shown) in [(2_200, 2_200), (2_201, 0)] {
        let mut cheat = Cheat::new(132);
        cheat.take(Sell(500));
        let bid = cheat.street.wish(Side::Buy, 300, 1_000);
        let bid = cheat.street.place(BUYER, bid).unwrap();
        let proposal = cheat.street.disk(BUYER).reservations().values().next().expect("it proposes").proposal.clone();
        let acceptance = Acceptance {
            proposal: ProposalId(proposal.hash()),
            maker: cheat.log.author,
            quantity: WattHours(300),
            filled_total: WattHours(300),
            incarnation: cheat.log.incarnation,
            seq: cheat.entries.len() as u64,
            at: cheat.street.now,
        };
        let acceptance = Verified::sign(acceptance, &*cheat.street.signer(CHEAT));
        let fill = Fill { proposal: Signed::clone(&proposal), acceptance: Signed::clone(&acceptance) };
        cheat.write(Op::Fill(Box::new(fill)));
        assert_eq!(cheat.street.request(BUYER, bid).filled, WattHours(300));
        cheat.take(Cancel(0, 0));
        cheat.take(Sell(next));
        assert_eq!(cheat.shown(), [0, shown, 0], "{next} Wh more");
    }
}

/// Nobody asks for what does not count.
#[test]
fn nobody_takes_of_an_order_beyond_the_connection() {
    let mut cheat = Cheat::new(133);
    cheat.take(Sell(2_501));
    let bid = cheat.street.wish(Side::Buy, 300, 1_000);
    let bid = cheat.street.place(BUYER, bid).unwrap();
    cheat.street.run(SECOND);
    assert!(cheat.street.disk(BUYER).reservations().is_empty());
    assert_eq!(cheat.street.request(BUYER, bid).orders.len(), 1, "it is posted instead");
}
