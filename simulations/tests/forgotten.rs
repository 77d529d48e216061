//! What a disk that was put back has forgotten: trades, takes that were let go of, and where its log ended.

use std::time::Duration;

use wattswap_matching::{Price, Side, Slot, UtcMillis, WattHours};
use wattswap_node::protocol::autopilot;
use wattswap_node::protocol::charter::Act;
use wattswap_node::protocol::entry::{Entry, Op};
use wattswap_node::protocol::household::io::{BadWish, Command, CommandError, Input, Standing, Wish};
use wattswap_node::protocol::ids::{EntryId, Head, Incarnation, LogId};
use wattswap_node::protocol::limits::{FETCH_OWN_LOGS_FOR, MAX_WAITING_ENTRIES};
use wattswap_node::protocol::message::Message;
use wattswap_node::protocol::metering::{MeterId, Row};
use wattswap_node::protocol::signed::Verified;
use wattswap_simulations::network::disk::Disk;
use wattswap_simulations::network::{Crash, Street};

mod restored;
use restored::*;

/// Of a slot, in milliseconds.
const SLOT: u64 = 900_000;

/// The home has filled 200 Wh in an entry that reached the witness alone, which is away. Then it was restored from a copy of
/// before that, and has sealed its log where the copy ends: the taker has let go. With the taker's disk of when it was in doubt.
fn filled_beyond_the_seal(seed: u64) -> (Street, Disk) {
    let mut street = street(seed);
    place(&mut street, HOME, Side::Sell, 500);
    street.run(SECOND);
    let backup = street.disk(HOME).clone();
    place(&mut street, HOME, Side::Buy, 100);
    street.run(SECOND);
    // The fill is durable and reaches the witness alone: the taker crashes over the answer.
    for other in (0..HOMES).filter(|home| ![HOME, NEIGHBOUR, WITNESS].contains(home)) {
        street.set_link(HOME, other, false);
    }
    for other in (0..HOMES).filter(|home| ![HOME, WITNESS].contains(home)) {
        street.set_link(WITNESS, other, false);
    }
    place(&mut street, NEIGHBOUR, Side::Buy, 200);
    street.crash_at(NEIGHBOUR, Crash::BeforePersist);
    street.run(SECOND);
    assert_eq!(traded(&street, HOME), WattHours(200));
    assert_eq!(street.disk(NEIGHBOUR).reservations().len(), 1, "the answer was lost on the way");
    let in_doubt = street.disk(NEIGHBOUR).clone();
    let log = street.log(HOME).unwrap();
    let seen = |street: &Street, home| street.disk(home).entries().filter(|entry| entry.log == log).count();
    assert!(seen(&street, WITNESS) > seen(&street, NEIGHBOUR));
    street.stop(WITNESS);
    for other in 0..HOMES {
        (0..other).for_each(|home| street.set_link(home, other, true));
    }
    restore(&mut street, &backup);
    street.start(NEIGHBOUR);
    street.run(2 * QUIET);
    assert!(
        street.disk(NEIGHBOUR).reservations().is_empty(),
        "sealed, and held up to the seal: it can't bind any more"
    );
    (street, in_doubt)
}

#[test]
fn a_fill_beyond_the_seal_binds_nobody_if_the_taker_never_got_it() {
    let (mut street, _) = filled_beyond_the_seal(55);
    street.start(WITNESS);
    street.run(2 * QUIET);
    assert_eq!([HOME, NEIGHBOUR].map(|home| traded(&street, home)), [WattHours(0); 2]);
    let statuses: Vec<_> = (0..HOMES).map(|home| street.household(home).unwrap().status()).collect();
    assert!(statuses.iter().all(|status| status.convicted.is_empty() && status.heads == statuses[0].heads));
    assert!(statuses.iter().all(|status| status.book == statuses[0].book));
}

/// Its clock is set back to between the fill and the seal. What it has sealed away it does not report as done, though by
/// that clock it can judge the one and not the other.
#[test]
fn who_sealed_its_log_by_a_clock_that_was_set_back_keeps_to_the_seal() {
    let (mut street, _) = filled_beyond_the_seal(56);
    street.stop(HOME);
    street.set_clock(HOME, |clock, now| clock.jump(now, -50_000));
    street.start(WITNESS);
    street.start(HOME);
    street.run(2 * SECOND);
    let fetched =
        street.disk(HOME).entries().filter(|entry| entry.ops.iter().any(|op| matches!(op, Op::Fill(_)))).count();
    assert_eq!(fetched, 1, "the witness has shown the fill");
    assert_eq!(traded(&street, HOME), WattHours(0), "and nobody was told that it is done");
    street.run(4 * QUIET);
    assert_eq!([HOME, NEIGHBOUR].map(|home| traded(&street, home)), [WattHours(0); 2]);
}

/// It had bought the same elsewhere, which an old disk does not know: a copy of the fill would bind it twice.
#[test]
fn what_a_forgotten_log_may_have_let_go_of_is_not_copied() {
    let (mut street, in_doubt) = filled_beyond_the_seal(59);
    place(&mut street, 3, Side::Sell, 200);
    street.run(QUIET);
    assert_eq!([3, NEIGHBOUR].map(|home| traded(&street, home)), [WattHours(200); 2], "it was free to take this");
    street.start(WITNESS);
    street.restore_disk(NEIGHBOUR, in_doubt);
    street.start(NEIGHBOUR);
    street.run(QUIET / 2);
    // That it has forgotten things is not forgotten.
    street.stop(NEIGHBOUR);
    street.start(NEIGHBOUR);
    street.run(3 * QUIET);
    let filled = street.disk(NEIGHBOUR).entries().filter(|entry| entry.fills().next().is_some()).count();
    assert_eq!(filled, 3, "it holds the fill beyond the seal, and both copies of the other trade");
    assert_eq!([HOME, 3, NEIGHBOUR].map(|home| traded(&street, home)), [0, 200, 200].map(WattHours));
    assert_well(&mut street);
}

const OTHERS: [usize; 2] = [3, 4];

fn link(street: &mut Street, one: usize, others: &[usize], up: bool) {
    others.iter().for_each(|other| street.set_link(one, *other, up));
}

/// It has sold something of which only a witness knows, who is away, and its disk was put back to before that.
fn forgotten_sale(seed: u64) -> (Street, Disk) {
    let mut street = street(seed);
    place(&mut street, HOME, Side::Sell, 500);
    street.run(SECOND);
    let backup = street.disk(HOME).clone();
    link(&mut street, HOME, &OTHERS, false);
    link(&mut street, WITNESS, &OTHERS, false);
    place(&mut street, NEIGHBOUR, Side::Buy, 200);
    street.crash_at(NEIGHBOUR, Crash::BeforePersist);
    street.run(SECOND);
    let fills = |street: &Street| {
        let ops = street.disk(WITNESS).entries_by(street.key(HOME)).flat_map(|entry| entry.ops.clone());
        ops.filter(|op| matches!(op, Op::Fill(_))).count()
    };
    assert_eq!(fills(&street), 1);
    street.stop(WITNESS);
    link(&mut street, HOME, &OTHERS, true);
    street.start(NEIGHBOUR);
    restore(&mut street, &backup);
    street.household(HOME).unwrap().was_restored();
    (street, backup)
}

/// It sold something, and has sealed that away since, as it has forgotten twice over: only a witness of the sale is there.
#[test]
fn what_is_fetched_is_reported_once_it_is_compared() {
    let (mut street, backup) = forgotten_sale(71);
    street.run(2 * QUIET);
    assert_eq!(seals(&street, HOME).len(), 1, "its older log ends before the sale");
    link(&mut street, HOME, &[NEIGHBOUR, 3, 4], false);
    link(&mut street, WITNESS, &[NEIGHBOUR], false);
    street.start(WITNESS);
    restore(&mut street, &backup);
    street.run(QUIET);
    assert!(street.disk(HOME).trades().is_empty(), "others may know better");
    street.heal();
    street.run(2 * QUIET);
    assert!(street.disk(HOME).trades().values().all(|own| own.provisional), "it binds nobody");
    assert_eq!(street.household(HOME).unwrap().standing(), Standing::Trading);
}

/// As before, but the entry that ends the older log was on its way when the disk was put back: it comes to the neighbours
/// after they have shown what they hold.
#[test]
fn what_comes_to_the_neighbours_later_is_asked_for_before_a_log_is_begun() {
    let (mut street, backup) = forgotten_sale(72);
    street.heal();
    let (home, now) = (street.key(HOME), street.now);
    let charter = street.charter();
    street.run(charter.proposal_lifetime + charter.clock_skew - 2 * SECOND);
    let sales = street.disk(HOME).entries_by(home).map(|entry| entry.fills().count()).sum::<usize>();
    assert_eq!(
        (sales, street.household(HOME).unwrap().status().own_head),
        (1, None),
        "it has fetched the sale, and waits"
    );
    // Signed before the disk was put back, in a log of which it has forgotten everything.
    let last = backup.entries_by(home).last().unwrap();
    let seal = Op::Seal(Head { log: last.log, seq: last.seq, id: EntryId(last.hash()) });
    let log = LogId { author: home, incarnation: Incarnation { opened: now.before(SECOND), nonce: 1 } };
    let end = Entry { community: street.community(), log, seq: 0, prev: None, at: now, ops: vec![seal] };
    let end = Verified::sign(end, &*street.signer(HOME));
    let range = Message::Range { log, from: 0, entries: vec![end.bytes().clone()] }.encode();
    for neighbour in (0..HOMES).filter(|neighbour| *neighbour != HOME) {
        street.inject(neighbour, Input::Message { from: home, bytes: range.clone() });
    }
    for _ in 0..60 {
        street.run(SECOND);
        assert!(street.disk(HOME).trades().values().all(|own| own.provisional), "its log ends before the sale");
    }
    assert_eq!(street.household(HOME).unwrap().standing(), Standing::Trading);
    assert!(street.disk(HOME).entries_by(home).any(|entry| entry.log == log), "it knows of the log between");
}

/// It can sell this much of the next slot, and not a lot more.
fn can_sell(street: &mut Street, quantity: i64) {
    let too_much = street.wish(Side::Sell, quantity + 100, 1_000);
    let refused = street.command(HOME, Command::Place { wishes: vec![too_much], key: None }).unwrap();
    let by = WattHours(100);
    assert_eq!(refused.err(), Some(CommandError::BadWish { index: 0, reason: BadWish::OverConnectionLimit { by } }));
    let the_rest = street.wish(Side::Sell, quantity, 1_000);
    street.place(HOME, the_rest).unwrap();
}

fn connection(street: &Street) -> i64 {
    street.charter().slot_limit(&street.key(HOME), Side::Sell).unwrap().0
}

/// Nobody knows of the order that was filled, which stood in the forgotten part of the log; by a clock that is behind now, that
/// can't be judged yet.
#[test]
fn what_it_has_forgotten_to_have_sold_takes_up_its_connection() {
    for behind in [0, 620_000] {
        let mut street = street(73);
        let backup = street.disk(HOME).clone();
        place(&mut street, HOME, Side::Sell, 500);
        street.run(SECOND);
        place(&mut street, NEIGHBOUR, Side::Buy, 200);
        street.run(10 * SECOND);
        street.stop(HOME);
        street.set_clock(HOME, |clock, now| clock.jump(now, -behind));
        restore(&mut street, &backup);
        street.run(2 * QUIET);
        assert_eq!(street.household(HOME).unwrap().standing(), Standing::Trading);
        assert_eq!(
            traded(&street, HOME),
            WattHours(if behind == 0 { 200 } else { 0 }),
            "it has learned of it, or will"
        );
        let most = connection(&street);
        can_sell(&mut street, most - 200);
    }
}

/// Operators end its log before the sale, of which it does not know whether anybody else holds it: it may bind all the same.
#[test]
fn what_a_seal_has_taken_away_is_not_sold_again() {
    let mut street = street(76);
    place(&mut street, HOME, Side::Sell, 500);
    street.run(SECOND);
    let end = street.household(HOME).unwrap().status().own_head.unwrap();
    place(&mut street, NEIGHBOUR, Side::Buy, 200);
    street.crash_at(NEIGHBOUR, Crash::BeforePersist);
    street.run(SECOND);
    assert_eq!(traded(&street, HOME), WattHours(200));
    street.sign_record(Act::Seals(vec![end]));
    street.run(QUIET);
    assert!(street.disk(HOME).trades().values().all(|own| own.provisional), "its log ends before it");
    assert_ne!(log_of(&mut street, HOME), end.log);
    // The request is live, and stands for all that is left.
    let most = connection(&street);
    can_sell(&mut street, most - 500);
    street.start(NEIGHBOUR);
    street.run(2 * QUIET);
    assert_eq!(traded(&street, NEIGHBOUR), WattHours(200), "it has copied it from what others hold");
    assert!(street.disk(HOME).trades().values().all(|own| own.trade.acceptance.quantity == WattHours(200)));
}

/// Its clock is eleven minutes behind now, and more of its entries lie ahead of it than are kept of anybody else's log.
#[test]
fn who_is_behind_the_time_ends_its_log_where_it_ends_all_the_same() {
    let mut street = street(75);
    let backup = street.disk(HOME).clone();
    for _ in 0..MAX_WAITING_ENTRIES + 10 {
        place(&mut street, HOME, Side::Sell, 1);
        street.run(SECOND / 5);
    }
    street.run(SECOND);
    let head = street.household(HOME).unwrap().status().own_head.unwrap();
    assert!(head.seq > MAX_WAITING_ENTRIES as u64);
    street.set_clock(HOME, |clock, now| clock.jump(now, -660_000));
    restore(&mut street, &backup);
    street.run(FETCH_OWN_LOGS_FOR + QUIET);
    assert_eq!(street.household(HOME).unwrap().standing(), Standing::Trading);
    assert_eq!(seals(&street, HOME), [head]);
}

/// A surplus of 500 Wh was counted, of which the autopilot has sold 200. It has forgotten the sale, and finds a neighbour that
/// wants all that there is.
#[test]
fn what_it_has_forgotten_to_have_sold_is_not_sold_again() {
    let mut street = street(74);
    let start = UtcMillis(street.now.0 - street.now.0 % SLOT);
    let on = autopilot::Settings::between(Price(1_000), Price(1_040));
    street.ask(HOME, Command::SetAutopilot(on));
    street.run(Duration::from_millis(SLOT));
    let backup = street.disk(HOME).clone();
    let count = |street: &mut Street| {
        let meter = MeterId::new("grid").unwrap();
        let row = |at: u64, export| Row {
            meter: meter.clone(),
            at: UtcMillis(start.0 + at),
            import: WattHours(0),
            export: WattHours(export),
        };
        street.ask(HOME, Command::Readings(vec![row(0, 0), row(SLOT, 500)]));
    };
    let buy = |street: &mut Street, quantity: i64| {
        let wish = street.wish(Side::Buy, quantity, 1_040);
        street.place(NEIGHBOUR, Wish { slot: Slot(start), ..wish }).unwrap();
    };
    count(&mut street);
    buy(&mut street, 200);
    street.run(10 * 60 * SECOND);
    assert_eq!(traded(&street, HOME), WattHours(200));
    street.stop(HOME);
    buy(&mut street, 1_000);
    restore(&mut street, &backup);
    count(&mut street);
    street.run(10 * 60 * SECOND);
    assert_eq!(traded(&street, HOME), WattHours(500), "all of it, once");
    assert_well(&mut street);
}
