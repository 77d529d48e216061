//! Who writes two versions of one entry is convicted by everybody, and nothing it wrote counts any more.

use std::time::Duration;

use wattswap_matching::{Price, Side, WattHours};
use wattswap_node::protocol::entry::{Entry, Op, Order};
use wattswap_node::protocol::household::io::{Input, Standing, Ticket};
use wattswap_node::protocol::ids::{EntryId, LogId};
use wattswap_node::protocol::message::Gossip;
use wattswap_node::protocol::signed::Verified;
use wattswap_simulations::network::Street;

const CHEAT: usize = 3;

struct Forger {
    street: Street,
    log: LogId,
}

impl Forger {
    fn new() -> Self {
        let mut street = Street::new(4, 11);
        street.run(Duration::from_secs(5));
        let log = street.household(CHEAT).unwrap().status().log;
        Self { street, log }
    }

    /// An entry of the cheat's own log that offers this much.
    fn entry(&self, seq: u64, prev: Option<EntryId>, quantity: i64) -> Verified<Entry> {
        let slot = self.street.next_slot();
        let expires_at = self.street.charter().shape.gate(slot);
        let (side, quantity, price) = (Side::Sell, WattHours(quantity), Price(100));
        let order = Order { slot, side, quantity, price, expires_at, charter: self.street.charter_id() };
        let at = self.street.now;
        let (community, ops) = (self.street.community(), vec![Op::Place(order)]);
        Verified::sign(Entry { community, log: self.log, seq, prev, at, ops }, &*self.street.signer(CHEAT))
    }

    fn show(&mut self, entry: &Verified<Entry>, home: usize) {
        let bytes = Gossip::Entry(entry.bytes().clone()).encode();
        let from = self.log.author;
        self.street.inject(home, Input::Gossip { ticket: Ticket(0), from, bytes });
    }

    /// Two versions of the cheat's first entry, each shown to one home, and a minute to find out.
    fn fork(&mut self, [one, other]: [usize; 2]) {
        let versions = [self.entry(0, None, 100), self.entry(0, None, 200)];
        self.show(&versions[0], one);
        self.show(&versions[1], other);
        self.street.run(Duration::from_secs(60));
    }

    fn assert_all_have_convicted(&mut self) {
        for home in 0..CHEAT {
            let status = self.street.household(home).unwrap().status();
            assert!(status.convicted.contains(&self.log.author), "home {home} has convicted the cheat");
            assert_eq!(status.convicted.len(), 1, "and nobody else");
            let slot = self.street.next_slot();
            let (_, asks) = self.street.household(home).unwrap().depth(slot, 10);
            assert!(asks.is_empty(), "home {home} shows nothing of the cheat");
        }
    }
}

#[test]
fn two_versions_shown_to_two_neighbours() {
    let mut forger = Forger::new();
    // The cheat's own node is out of the way; its key signs two first entries.
    forger.street.stop(CHEAT);
    forger.fork([0, 1]);
    forger.assert_all_have_convicted();
}

#[test]
fn two_versions_shown_to_one_neighbour() {
    let mut forger = Forger::new();
    forger.street.stop(CHEAT);
    forger.fork([0, 0]);
    forger.assert_all_have_convicted();
}

#[test]
fn a_second_version_deep_in_the_past() {
    let mut forger = Forger::new();
    forger.street.stop(CHEAT);
    let first = forger.entry(0, None, 100);
    let second = forger.entry(1, Some(EntryId(first.hash())), 100);
    forger.show(&first, 0);
    forger.show(&second, 0);
    // Only the successor of another first entry is shown, to somebody who can't see the contradiction at once.
    let other = forger.entry(0, None, 300);
    let other_second = forger.entry(1, Some(EntryId(other.hash())), 100);
    forger.show(&other, 1);
    forger.show(&other_second, 1);
    forger.street.run(Duration::from_secs(60));
    forger.assert_all_have_convicted();
}

#[test]
fn the_convicted_household_is_told() {
    let mut forger = Forger::new();
    forger.fork([0, 1]);
    forger.assert_all_have_convicted();
    // Its own node either learned of the conviction, or met its own forged entry and refused to go on.
    let standing = forger.street.household(CHEAT).map(|household| household.standing());
    assert!(standing.is_none_or(|standing| standing == Standing::Convicted), "{standing:?}");
    assert!(standing.is_some() || forger.street.halted(CHEAT).is_some());
}

#[test]
fn a_conviction_survives_a_restart() {
    let mut forger = Forger::new();
    forger.street.stop(CHEAT);
    forger.fork([0, 1]);
    for home in 0..CHEAT {
        forger.street.stop(home);
    }
    for home in 0..CHEAT {
        forger.street.start(home);
    }
    forger.street.run(Duration::from_secs(5));
    forger.assert_all_have_convicted();
}
