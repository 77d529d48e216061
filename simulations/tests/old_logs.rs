//! Logs are let go when all that they say is over, and nobody misses anything: not who restarts, nor who was away, nor
//! who joins.

use std::collections::BTreeMap;
use std::time::Duration;

use wattswap_matching::{Side, WattHours};
use wattswap_node::protocol::household::io::{Input, Output, Record, Standing};
use wattswap_node::protocol::ids::{EntryId, Head, LogId};
use wattswap_node::protocol::message::Message;
use wattswap_simulations::network::{Crash, Street};

const SELLER: usize = 0;
const BUYER: usize = 1;
/// Holds the first days and is away for the rest.
const AWAY: usize = 2;
/// Has never run before the end.
const NEW: usize = 3;
/// Two more do nothing but hold what they hear: who starts compares its store with three others.
const HOMES: usize = 6;
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// One trade between the seller and a buyer.
fn trade(street: &mut Street, buyer: usize) {
    let (ask, bid) = (street.wish(Side::Sell, 500, 1_000), street.wish(Side::Buy, 300, 1_000));
    street.place(SELLER, ask).unwrap();
    street.run(SECOND);
    let bid = street.place(buyer, bid).unwrap();
    street.run(10 * SECOND);
    assert_eq!(street.request(buyer, bid).filled, WattHours(300));
}

/// Nobody does anything for a while, and then all wake up at once.
fn sleep(street: &mut Street, time: Duration) {
    street.now = street.now.after(time);
    // Until each has heard that the others are there.
    street.run(30 * SECOND);
}

/// A trade every three days for two months, which one home saw the first six days of and another nothing.
fn two_months() -> Street {
    let mut street = Street::new(HOMES, 41);
    street.stop(NEW);
    street.run(SECOND);
    for day in (0..60).step_by(3) {
        if day == 6 {
            street.stop(AWAY);
        }
        trade(&mut street, BUYER);
        sleep(&mut street, 3 * DAY);
    }
    trade(&mut street, BUYER);
    street
}

/// Number of the first entry that a disk holds of each log.
fn starts(street: &Street, home: usize) -> BTreeMap<LogId, u64> {
    let mut starts = BTreeMap::new();
    for entry in street.disk(home).entries() {
        let start = starts.entry(entry.log).or_insert(entry.seq);
        *start = entry.seq.min(*start);
    }
    starts
}

fn assert_agreed(street: &mut Street) {
    let statuses: Vec<_> = (0..HOMES).filter_map(|home| Some(street.household(home)?.status())).collect();
    assert_eq!(statuses.len(), HOMES);
    assert!(statuses.iter().all(|status| status.standing == Standing::Trading));
    assert!(statuses.windows(2).all(|pair| pair[0].heads == pair[1].heads), "all logs end alike");
    assert!(statuses.windows(2).all(|pair| pair[0].book == pair[1].book), "all show the same book");
}

#[test]
fn what_is_over_goes_and_the_rest_stays() {
    let street = two_months();
    let oldest = street.now.before(30 * DAY + 7 * DAY);
    for home in [SELLER, BUYER] {
        let starts = starts(&street, home);
        for log in [SELLER, BUYER].map(|home| street.log(home).unwrap()) {
            assert!(starts[&log] > 0, "home {home} lets go of what is over");
        }
        // Of who never said anything the entry stays with which its log began: it is the newest.
        let of_who_trades = |log: &LogId| starts[log] > 0;
        let kept = street.disk(home).entries().filter(|entry| of_who_trades(&entry.log));
        assert!(kept.into_iter().all(|entry| entry.at > oldest), "of all that is over");
        let kept = street.disk(home).entries().filter(|entry| entry.at > street.now.before(30 * DAY)).count();
        assert!(kept >= 2 * 10, "ten trades in the last month make at least two entries each");
        assert_eq!(street.disk(home).trades().len(), 21, "own trades are kept for good");
    }
}

#[test]
fn who_restarts_who_was_away_and_who_joins_show_the_same_book() {
    let mut street = two_months();
    for home in [SELLER, BUYER] {
        street.stop(home);
        street.start(home);
    }
    street.start(AWAY);
    street.start(NEW);
    street.run(60 * SECOND);
    assert_agreed(&mut street);
    let log = street.log(SELLER).unwrap();
    for home in [AWAY, NEW] {
        assert!(starts(&street, home)[&log] > 0, "home {home} takes the log up where it is kept from");
        street.stop(home);
        street.start(home);
    }
    street.run(60 * SECOND);
    assert_agreed(&mut street);
    trade(&mut street, NEW);
}

#[test]
fn an_old_head_of_ours_is_no_sign_of_a_lost_store() {
    let mut street = two_months();
    let log = street.log(SELLER).unwrap();
    let old = street.disk(AWAY).entries().filter(|entry| entry.log == log).last().unwrap().clone();
    assert!(old.seq < starts(&street, SELLER)[&log]);
    let head = Head { log, seq: old.seq, id: EntryId(old.hash()) };
    let from = street.key(AWAY);
    for message in
        [Message::Heads(vec![head]), Message::Range { log, from: old.seq, entries: vec![old.bytes().clone()] }]
    {
        street.inject(SELLER, Input::Message { from, bytes: message.encode() });
    }
    street.run(60 * SECOND);
    assert_eq!(street.halted(SELLER), None);
    assert_eq!(street.log(SELLER), Some(log), "it goes on in its log");
}

#[test]
fn a_gap_in_what_still_matters_is_not_skipped() {
    let mut street = two_months();
    let log = street.log(SELLER).unwrap();
    // Slots open 48 hours before delivery, close an hour after it, and copies count for another day.
    let (oldest, newest) = (street.now.before(Duration::from_secs(73 * 3600)), street.now.before(2 * DAY));
    let matters = |at| oldest < at && at < newest;
    let entry = street.disk(BUYER).entries().find(|entry| entry.log == log && matters(entry.at)).unwrap().clone();
    street.start(NEW);
    // Before anybody else answers, a neighbour leaves out all before it.
    let range = Message::Range { log, from: entry.seq, entries: vec![entry.bytes().clone()] };
    let from = street.key(BUYER);
    street.inject(NEW, Input::Message { from, bytes: range.encode() });
    assert!(!starts(&street, NEW).contains_key(&log), "it would miss orders that are open");
    street.run(60 * SECOND);
    assert_eq!(starts(&street, NEW)[&log], starts(&street, BUYER)[&log], "the rest comes from who has it");
}

/// While the buyer was away the seller's log went on. By the buyer's clock, which has run ahead, that is over long ago.
#[test]
fn a_gap_is_not_skipped_by_a_clock_that_nobody_has_confirmed() {
    let mut street = two_months();
    let log = street.log(SELLER).unwrap();
    let start = starts(&street, BUYER)[&log];
    street.stop(BUYER);
    [4, 5].into_iter().for_each(|buyer| trade(&mut street, buyer));
    street.set_clock(BUYER, |clock, now| clock.jump(now, 9 * 24 * 3_600_000));
    street.start(BUYER);
    let newest = street.entries_of(SELLER).next_back().unwrap().clone();
    let range = Message::Range { log, from: newest.seq, entries: vec![newest.bytes().clone()] };
    let from = street.key(4);
    street.inject(BUYER, Input::Message { from, bytes: range.encode() });
    assert_eq!(starts(&street, BUYER)[&log], start, "what it holds may still matter");
}

#[test]
fn a_clock_that_is_wrong_lets_go_of_nothing() {
    let mut street = two_months();
    // Peers' words keep the household from trusting a clock that has run ahead by a year.
    let ahead = street.now.after(365 * DAY);
    let household = street.household(SELLER).unwrap();
    household.handle(ahead, Input::Wake);
    let mut outputs = std::iter::from_fn(|| household.poll());
    assert!(!outputs.any(|output| matches!(output, Output::Persist(Record::LogStart(_)))));
}

#[test]
fn a_take_in_doubt_with_a_log_that_is_gone_ends() {
    let mut street = Street::new(HOMES, 42);
    street.run(SECOND);
    let (ask, bid) = (street.wish(Side::Sell, 500, 1_000), street.wish(Side::Buy, 300, 1_000));
    street.place(SELLER, ask).unwrap();
    street.run(SECOND);
    street.place(AWAY, bid).unwrap();
    street.crash_at(AWAY, Crash::BeforePersist);
    street.run(SECOND);
    assert_eq!(street.disk(AWAY).reservations().len(), 1, "it never learned of the answer");
    for _ in 0..20 {
        sleep(&mut street, 3 * DAY);
        trade(&mut street, BUYER);
    }
    street.start(AWAY);
    street.run(60 * SECOND);
    assert!(street.disk(AWAY).reservations().is_empty(), "nobody can fill it any more");
}
