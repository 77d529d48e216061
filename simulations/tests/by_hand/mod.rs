//! A household whose own software does not run: a test signs what it likes in its name.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::time::Duration;

use wattswap_matching::{Price, Side, UtcMillis, WattHours};
use wattswap_node::protocol::agreement::words::{Acceptance, Proposal};
use wattswap_node::protocol::entry::{Beacon, Entry, Fill, Op, Order};
use wattswap_node::protocol::household::io::{Input, RequestId, Ticket};
use wattswap_node::protocol::ids::{EntryId, Incarnation, LogId, MemberKey, OrderId, ProposalId};
use wattswap_node::protocol::message::{Bytes, Gossip, Message};
use wattswap_node::protocol::signed::{Signed, Statement, Verified};
use wattswap_simulations::network::Street;

pub const BUYER: usize = 0;
pub const OTHER_BUYER: usize = 1;
pub const WITNESS: usize = 2;
/// Plans with the cheat.
pub const COLLUDER: usize = 3;
/// Its own software does not run: it signs what it likes.
pub const CHEAT: usize = 4;
pub const SECOND: Duration = Duration::from_secs(1);

pub struct Cheat {
    pub street: Street,
    pub log: LogId,
    /// What it has signed so far.
    pub entries: Vec<Verified<Entry>>,
}

impl Cheat {
    /// Connected to everybody, with a first entry that offers 500 Wh.
    pub fn new(seed: u64) -> Self {
        let mut street = Street::new(5, seed);
        street.run(SECOND);
        street.stop(CHEAT);
        street.run(SECOND);
        let incarnation = Incarnation { opened: street.now, nonce: 7 };
        let log = LogId { author: street.key(CHEAT), incarnation };
        let mut cheat = Self { street, log, entries: Vec::new() };
        for home in 0..CHEAT {
            cheat.street.inject(home, Input::Connected(log.author));
        }
        cheat.say_that_it_lives();
        let order = cheat.offer();
        let first = cheat.write(vec![Op::Place(order)], 0);
        cheat.show(&first, &[BUYER, OTHER_BUYER, WITNESS, 3]);
        cheat.street.run(SECOND);
        cheat
    }

    pub fn say_that_it_lives(&mut self) {
        for home in 0..CHEAT {
            let clock = Message::Clock(self.street.now).encode();
            self.street.inject(home, Input::Message { from: self.log.author, bytes: clock });
        }
    }

    pub fn offer(&self) -> Order {
        let slot = self.street.next_slot();
        let (quantity, price) = (WattHours(500), Price(1_000));
        let (expires_at, charter) = (self.street.charter().shape.gate(slot), self.street.charter_id());
        Order { slot, side: Side::Sell, quantity, price, expires_at, charter }
    }

    pub fn order(&self) -> OrderId {
        OrderId { entry: EntryId(self.entries[0].hash()), index: 0 }
    }

    /// What a home holds of this log, by number; not of the one that it wrote before it cheated.
    pub fn held_by(&self, home: usize) -> Vec<u64> {
        let of_log = self.street.disk(home).entries_by(self.log.author).filter(|entry| entry.log == self.log);
        of_log.map(|entry| entry.seq).collect()
    }

    /// Its next entry, dated this many milliseconds ago.
    pub fn write(&mut self, ops: Vec<Op>, millis_ago: u64) -> Verified<Entry> {
        let prev = self.entries.last().map(|last| EntryId(last.hash()));
        let (log, seq) = (self.log, self.entries.len() as u64);
        let at = UtcMillis(self.street.now.0 - millis_ago);
        let entry = Entry { community: self.street.community(), log, seq, prev, at, ops };
        let entry = Verified::sign(entry, &*self.street.signer(CHEAT));
        self.entries.push(entry.clone());
        entry
    }

    pub fn show(&mut self, entry: &Verified<Entry>, homes: &[usize]) {
        self.gossip(&Gossip::Entry(entry.bytes().clone()), homes);
    }

    pub fn gossip(&mut self, gossip: &Gossip, homes: &[usize]) {
        for home in homes {
            let (ticket, from, bytes) = (Ticket(0), self.log.author, gossip.encode());
            self.street.inject(*home, Input::Gossip { ticket, from, bytes });
        }
    }

    pub fn send(&mut self, message: &Message, home: usize) {
        self.street.inject(home, Input::Message { from: self.log.author, bytes: message.encode() });
    }

    /// A buyer wants 300 Wh, and proposes to take them of the cheat.
    pub fn is_asked_by(&mut self, home: usize) -> (Verified<Proposal>, RequestId) {
        let bid = self.street.wish(Side::Buy, 300, 1_000);
        let bid = self.street.place(home, bid).unwrap();
        let reservation = self.street.disk(home).reservations().values().next().expect("it proposes").clone();
        assert_eq!(reservation.proposal.maker, self.log);
        (reservation.proposal, bid)
    }

    /// The cheat has not been heard of for a while: a buyer posts its order, and takes with it when the cheat is back.
    pub fn is_asked_for_an_order(&mut self, home: usize, quantity: i64) -> (Verified<Proposal>, RequestId) {
        self.street.run(60 * SECOND);
        let bid = self.street.wish(Side::Buy, quantity, 1_000);
        let bid = self.street.place(home, bid).unwrap();
        self.street.run(SECOND);
        self.say_that_it_lives();
        self.street.run(SECOND / 10);
        let proposal = self.street.disk(home).reservations().values().next().unwrap().proposal.clone();
        assert!(proposal.own_order.is_some(), "the buyer has posted its order");
        (proposal, bid)
    }

    /// So much of a request is filled, and nothing of it in doubt.
    pub fn assert_filled(&self, home: usize, request: RequestId, quantity: i64) {
        let request = self.street.request(home, request);
        assert_eq!((request.filled, request.in_doubt), (WattHours(quantity), WattHours::ZERO));
    }

    /// An acceptance that stands in the next entry.
    pub fn accept(&self, proposal: &Verified<Proposal>, quantity: i64, filled_total: i64) -> Verified<Acceptance> {
        let acceptance = Acceptance {
            proposal: ProposalId(proposal.hash()),
            maker: self.log.author,
            quantity: WattHours(quantity),
            filled_total: WattHours(filled_total),
            incarnation: self.log.incarnation,
            seq: self.entries.len() as u64,
            at: self.street.now,
        };
        Verified::sign(acceptance, &*self.street.signer(CHEAT))
    }

    /// Fills 300 Wh of an order of which nothing is filled, as it says, for all these to see.
    pub fn fills(&mut self, proposal: &Verified<Proposal>, homes: &[usize]) {
        let acceptance = self.accept(proposal, 300, 300);
        let entry = self.write(vec![fill(proposal, &acceptance)], 0);
        self.show(&entry, homes);
        self.street.run(SECOND);
    }

    pub fn beacon(&mut self, at: UtcMillis, homes: &[usize]) {
        let last = self.entries.last().map(|last| (last.seq, EntryId(last.hash())));
        let beacon = Beacon { community: self.street.community(), log: self.log, last, at };
        let beacon = Verified::sign(beacon, &*self.street.signer(CHEAT));
        self.gossip(&Gossip::Beacon(beacon.bytes().clone()), homes);
    }

    /// A household waits for its disk: what comes from now on it takes in one turn.
    pub fn keep_busy(&mut self, home: usize) {
        self.street.set_pace(home, 1_000, 100);
        let wish = self.street.wish(Side::Buy, 10, 900);
        self.street.place(home, wish);
    }

    pub fn is_free_again(&mut self, home: usize) {
        self.street.run(5 * SECOND);
        self.street.set_pace(home, 0, 100);
    }

    /// Everybody has convicted the cheat and nobody else, shows the same, and nothing of the cheat.
    pub fn assert_convicted(&mut self) {
        self.street.run(60 * SECOND);
        let slot = self.street.next_slot();
        let mut books = Vec::new();
        for home in 0..CHEAT {
            let household = self.street.household(home).expect("an honest household runs on");
            let status = household.status();
            let convicted: Vec<MemberKey> = status.convicted.into_iter().collect();
            assert_eq!(convicted, [self.log.author], "by home {home}");
            assert!(household.depth(slot, 10).1.is_empty(), "home {home} shows nothing of the cheat");
            books.push((status.book, status.heads));
        }
        assert!(books.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

pub fn fill(proposal: &Verified<Proposal>, acceptance: &Verified<Acceptance>) -> Op {
    Op::Fill(Box::new(Fill { proposal: Signed::clone(proposal), acceptance: Signed::clone(acceptance) }))
}

/// With a last byte that makes the signature a bad one.
pub fn badly_signed<T: Statement>(word: &Verified<T>) -> Bytes {
    let mut bytes = word.bytes().to_vec();
    bytes.iter_mut().last().into_iter().for_each(|byte| *byte ^= 1);
    Bytes::from(bytes)
}
