//! A household that lost what it had signed goes on in a new log: nothing is sold twice, and nobody is convicted.

use std::sync::Arc;
use std::time::Duration;

use wattswap_matching::{Side, WattHours};
use wattswap_node::protocol::charter::{Act, Charter};
use wattswap_node::protocol::entry::Op;
use wattswap_node::protocol::household::io::{Command, Halt, Input, RequestState, Standing, Ticket};
use wattswap_node::protocol::ids::{EntryId, Head};
use wattswap_node::protocol::limits::{FETCH_OWN_LOGS_FOR, MAX_INCARNATIONS, MAX_RANGE};
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_simulations::network::disk::Disk;
use wattswap_simulations::network::{Crash, Street};

mod restored;
use restored::*;

#[test]
fn a_restored_backup_goes_on_in_a_new_log() {
    let mut street = street(51);
    let backup = street.disk(HOME).clone();
    let ask = place(&mut street, HOME, Side::Sell, 500);
    street.run(SECOND);
    place(&mut street, NEIGHBOUR, Side::Buy, 200);
    street.run(10 * SECOND);
    let (old, head) = (log_of(&mut street, HOME), street.household(HOME).unwrap().status().own_head);
    restore(&mut street, &backup);
    street.run(SECOND);
    assert!(matches!(street.household(HOME).unwrap().standing(), Standing::Restoring { .. }));
    assert!(street.disk(HOME).requests().get(&ask).is_none(), "the backup knows nothing of it");
    street.run(QUIET);
    assert_well(&mut street);
    assert_ne!(log_of(&mut street, HOME), old);
    assert_eq!(seals(&street, HOME), [head.unwrap()], "the old log ends where the neighbours hold it to");
    assert_eq!(traded(&street, HOME), WattHours(200), "it learns what it had sold");
    assert_eq!(shown(&mut street, WITNESS), [WattHours(0); 2], "what it had offered is off the market");
    place(&mut street, HOME, Side::Sell, 300);
    street.run(SECOND);
    place(&mut street, NEIGHBOUR, Side::Buy, 300);
    street.run(10 * SECOND);
    assert_eq!(traded(&street, HOME), WattHours(500), "and it trades on");
    assert_well(&mut street);
}

#[test]
fn a_lost_store_is_like_a_restored_one() {
    let mut street = street(52);
    place(&mut street, HOME, Side::Sell, 500);
    street.run(SECOND);
    place(&mut street, NEIGHBOUR, Side::Buy, 200);
    street.run(10 * SECOND);
    let head = street.household(HOME).unwrap().status().own_head.unwrap();
    let empty = Disk::new(street.first_charter());
    restore(&mut street, &empty);
    street.run(SECOND);
    place(&mut street, HOME, Side::Sell, 500);
    street.run(5 * SECOND);
    assert_eq!(street.entries_of(HOME).filter(|entry| entry.log != head.log).count(), 0, "it keeps quiet at first");
    street.run(QUIET);
    assert_eq!(seals(&street, HOME), [head]);
    assert_eq!(traded(&street, HOME), WattHours(200));
    assert_well(&mut street);
}

/// The router comes up long after the machine, and the old log is longer than what comes of it at once. The only neighbour
/// says so before it sends anything of it.
#[test]
fn a_lost_store_ends_its_old_log_where_it_ends_also_if_peers_come_late() {
    let mut street = Street::new(2, 65);
    street.run(SECOND);
    for _ in 0..300 {
        place(&mut street, HOME, Side::Sell, 1);
    }
    street.run(SECOND);
    let head = street.household(HOME).unwrap().status().own_head.unwrap();
    assert!(head.seq > u64::from(MAX_RANGE), "{}", head.seq);
    let empty = Disk::new(street.first_charter());
    street.set_link(HOME, NEIGHBOUR, false);
    restore(&mut street, &empty);
    street.run(3 * QUIET);
    place(&mut street, HOME, Side::Sell, 500);
    street.set_link(HOME, NEIGHBOUR, true);
    street.run(2 * QUIET);
    assert_eq!(seals(&street, HOME), [head]);
    assert_eq!(street.household(HOME).unwrap().standing(), Standing::Trading);
}

/// What a household is told has to wait until it has begun its new log, and no longer.
#[test]
fn whoever_was_restored_is_told_of_its_trades_in_the_turn_in_which_it_goes_on() {
    let mut street = street(66);
    let backup = street.disk(HOME).clone();
    place(&mut street, HOME, Side::Sell, 500);
    street.run(SECOND);
    place(&mut street, NEIGHBOUR, Side::Buy, 200);
    street.run(10 * SECOND);
    restore(&mut street, &backup);
    while street.household(HOME).unwrap().standing() != Standing::Trading {
        assert_eq!(traded(&street, HOME), WattHours(0), "a newer log may have ended this one before");
        street.run(Duration::from_millis(1));
    }
    assert_eq!(traded(&street, HOME), WattHours(200));
}

/// The backup knows of the first charter alone, under which a proposal is over sooner.
#[test]
fn a_forgotten_charter_lets_nobody_go_on_before_what_was_proposed_under_it_is_over() {
    let mut street = street(67);
    let backup = street.disk(HOME).clone();
    let charter = Charter { proposal_lifetime: 4 * QUIET, ..street.charter() };
    street.sign_record(Act::Charter(Arc::new(charter)));
    street.run(SECOND);
    street.restore_disk_openly(HOME, backup);
    street.start(HOME);
    street.run(2 * QUIET);
    assert!(matches!(street.household(HOME).unwrap().standing(), Standing::Restoring { .. }));
    street.run(3 * QUIET);
    assert_well(&mut street);
}

#[test]
fn a_proposal_that_the_backup_has_forgotten_is_not_made_again() {
    let mut street = street(53);
    place(&mut street, NEIGHBOUR, Side::Sell, 500);
    place(&mut street, WITNESS, Side::Sell, 500);
    street.run(SECOND);
    // The wish is in the backup; that it was proposed, to somebody who has not answered yet, is not.
    street.set_link(HOME, NEIGHBOUR, false);
    street.set_link(HOME, WITNESS, false);
    street.run(SECOND);
    let bid = place(&mut street, HOME, Side::Buy, 300);
    assert!(street.disk(HOME).reservations().is_empty());
    let backup = street.disk(HOME).clone();
    street.set_link(HOME, NEIGHBOUR, true);
    while street.disk(HOME).reservations().is_empty() {
        street.run(Duration::from_millis(1));
    }
    street.run(Duration::from_millis(40));
    restore(&mut street, &backup);
    street.set_link(HOME, WITNESS, true);
    street.run(2 * QUIET);
    assert_eq!(traded(&street, HOME), WattHours(300), "the forgotten proposal was filled, and nothing else");
    assert_eq!(street.request(HOME, bid).state, RequestState::Cancelled, "the owner is told, and can ask again");
    assert_well(&mut street);
}

#[test]
fn a_disk_that_has_forgotten_a_take_and_no_entry_is_found_out_by_a_promise() {
    // Also if peers tell that they hold the same long before they hear that they are asked for more; and if nothing stands in
    // the log but that it has begun.
    for (hears_late, has_posted) in [(false, true), (true, true), (false, false)] {
        found_out_by_a_promise(hears_late, has_posted);
    }
}

fn found_out_by_a_promise(hears_late: bool, has_posted: bool) {
    let mut street = street(58);
    place(&mut street, NEIGHBOUR, Side::Sell, 300);
    if has_posted {
        let order = street.wish(Side::Buy, 100, 900);
        street.place(HOME, order).unwrap();
    }
    street.run(SECOND);
    let rolled_back = street.disk(HOME).clone();
    // A take comes into doubt, and then nothing but beacons is signed.
    street.crash_at(NEIGHBOUR, Crash::BeforePersist);
    place(&mut street, HOME, Side::Buy, 300);
    street.run(12 * SECOND);
    assert_eq!(street.disk(HOME).reservations().len(), 1);
    let own = |street: &Street, disk: &Disk| disk.entries_by(street.key(HOME)).count();
    assert_eq!(own(&street, &rolled_back), own(&street, street.disk(HOME)), "no entry is missing");
    let old = log_of(&mut street, HOME);
    if hears_late {
        let later = street.now.after(5 * SECOND);
        (0..HOMES).filter(|other| *other != HOME).for_each(|other| street.clog(HOME, other, later));
    }
    restore(&mut street, &rolled_back);
    street.run(6 * SECOND);
    assert!(matches!(street.household(HOME).unwrap().standing(), Standing::Restoring { .. }));
    street.start(NEIGHBOUR);
    street.run(2 * QUIET);
    assert_ne!(log_of(&mut street, HOME), old);
    assert_well(&mut street);
}

#[test]
fn entries_that_only_one_neighbour_holds_turn_up_later_without_a_fork() {
    let mut street = street(54);
    let backup = street.disk(HOME).clone();
    place(&mut street, HOME, Side::Sell, 100);
    street.run(SECOND);
    for other in (0..HOMES).filter(|home| ![HOME, WITNESS].contains(home)) {
        street.set_link(HOME, other, false);
        street.set_link(WITNESS, other, false);
    }
    street.run(SECOND);
    place(&mut street, HOME, Side::Sell, 500);
    street.run(SECOND);
    street.stop(WITNESS);
    for other in 0..HOMES {
        (0..other).for_each(|home| street.set_link(home, other, true));
    }
    let old = log_of(&mut street, HOME);
    restore(&mut street, &backup);
    street.run(QUIET);
    place(&mut street, HOME, Side::Sell, 400);
    street.run(SECOND);
    assert_eq!(seals(&street, HOME)[0].seq, 1, "what the others hold is not all there was");
    street.start(WITNESS);
    street.run(2 * QUIET);
    assert_well(&mut street);
    assert_eq!(shown(&mut street, WITNESS)[1], WattHours(400), "the old offer is closed");
    assert!(street.disk(HOME).entries().any(|entry| entry.log == old), "the owner's node has fetched what it forgot");
}

/// It has not compared its own logs either, which alone would keep the take: what the seal does by itself is shown by
/// `a_seal_frees_nothing_before_all_that_it_covers_is_held`.
#[test]
fn a_seal_frees_no_taker_that_lacks_what_comes_before_it() {
    let mut street = street(60);
    place(&mut street, HOME, Side::Sell, 500);
    street.run(SECOND);
    let backup = street.disk(HOME).clone();
    place(&mut street, NEIGHBOUR, Side::Buy, 200);
    street.crash_at(NEIGHBOUR, Crash::BeforePersist);
    street.run(SECOND);
    restore(&mut street, &backup);
    street.run(QUIET);
    let seal = street.entries_of(HOME).find(|entry| matches!(entry.ops[..], [Op::Seal(_)])).unwrap().clone();
    // The taker hears of the seal at once, and of the fill before it only later.
    for other in (0..HOMES).filter(|home| *home != NEIGHBOUR) {
        street.set_link(NEIGHBOUR, other, false);
    }
    street.start(NEIGHBOUR);
    let bytes = Gossip::Entry(seal.bytes().clone()).encode();
    let from = street.key(HOME);
    street.inject(NEIGHBOUR, Input::Gossip { ticket: Ticket(0), from, bytes });
    street.run(QUIET);
    assert!(street.disk(NEIGHBOUR).entries().any(|entry| entry.log == seal.log));
    assert_eq!(street.disk(NEIGHBOUR).reservations().len(), 1, "still reserved");
    for other in (0..HOMES).filter(|home| *home != NEIGHBOUR) {
        street.set_link(NEIGHBOUR, other, true);
    }
    street.run(QUIET);
    assert_eq!([HOME, NEIGHBOUR].map(|home| traded(&street, home)), [WattHours(200); 2]);
    assert_well(&mut street);
}

#[test]
fn a_copy_in_an_old_and_in_a_new_log_is_one_trade() {
    let mut street = street(56);
    place(&mut street, NEIGHBOUR, Side::Sell, 500);
    street.run(SECOND);
    let bought = place(&mut street, HOME, Side::Buy, 200);
    assert_eq!(street.disk(HOME).reservations().len(), 1);
    // In doubt by the backup; settled, and copied, by the store that is lost.
    let backup = street.disk(HOME).clone();
    street.run(10 * SECOND);
    assert_eq!(traded(&street, HOME), WattHours(200));
    restore(&mut street, &backup);
    street.run(2 * QUIET);
    assert_well(&mut street);
    assert_eq!(traded(&street, HOME), WattHours(200));
    assert_eq!(shown(&mut street, WITNESS)[1], WattHours(300));
    assert_eq!(street.request(HOME, bought).filled, WattHours(200), "what it has needs no second purchase");
}

/// Its proposal was accepted, and it has forgotten it; who could tell is away until after the gate.
#[test]
fn a_slot_in_which_a_take_may_be_forgotten_is_not_final_until_nothing_of_it_counts() {
    let mut street = street(59);
    place(&mut street, NEIGHBOUR, Side::Sell, 300);
    street.run(SECOND);
    let slot = street.next_slot();
    let backup = street.disk(HOME).clone();
    for other in (0..HOMES).filter(|home| ![HOME, NEIGHBOUR].contains(home)) {
        street.set_link(NEIGHBOUR, other, false);
    }
    place(&mut street, HOME, Side::Buy, 300);
    street.crash_at(HOME, Crash::BeforePersist);
    street.run(SECOND);
    assert_eq!([HOME, NEIGHBOUR].map(|home| traded(&street, home)), [WattHours(0), WattHours(300)]);
    street.stop(NEIGHBOUR);
    street.restore_disk_openly(HOME, backup);
    street.start(HOME);
    street.run(QUIET);
    place_if_open(&mut street, HOME);
    let gate = street.charter().shape.gate(slot);
    street.run(gate.after(QUIET).since(street.now));
    let is_final = |street: &mut Street| street.household(HOME).unwrap().is_final(slot);
    assert!(!is_final(&mut street), "somebody who is away may know of a trade");
    (0..HOMES).for_each(|other| street.set_link(NEIGHBOUR, other, other != NEIGHBOUR));
    street.start(NEIGHBOUR);
    street.run(QUIET);
    assert_eq!(traded(&street, HOME), WattHours(300), "and does");
    street.run(Duration::from_secs(24 * 3600));
    assert!(is_final(&mut street));
}

#[test]
fn an_old_disk_that_turns_up_again_forks_nothing() {
    let mut street = street(57);
    let backup = street.disk(HOME).clone();
    place(&mut street, HOME, Side::Sell, 500);
    street.run(SECOND);
    let old_disk = street.disk(HOME).clone();
    restore(&mut street, &backup);
    street.run(QUIET);
    place(&mut street, HOME, Side::Sell, 300);
    street.run(QUIET);
    assert_well(&mut street);
    restore(&mut street, &old_disk);
    street.run(2 * QUIET);
    assert_well(&mut street);
    assert_eq!(seals(&street, HOME).len(), 2, "the first log by the second, that by the third");
    assert_eq!(shown(&mut street, WITNESS)[1], WattHours(0), "nobody knows what has become of those offers");
}

#[test]
fn a_crash_while_it_keeps_quiet_changes_nothing() {
    for crash in [Crash::BeforePersist, Crash::AfterPersist, Crash::AfterOutputs(1)] {
        let mut street = street(58);
        let backup = street.disk(HOME).clone();
        place(&mut street, HOME, Side::Sell, 500);
        street.run(SECOND);
        street.restore_disk(HOME, backup);
        for at in [1, 500, 5_000, 15_000] {
            street.start(HOME);
            street.run(Duration::from_millis(at));
            street.crash_at(HOME, crash);
            street.run(2 * SECOND);
        }
        street.heal();
        street.run(2 * QUIET);
        assert_well(&mut street);
    }
}

#[test]
fn who_is_restored_again_and_again_needs_a_new_key() {
    let mut street = street(59);
    let mut backup = street.disk(HOME).clone();
    for _ in 0..2 * MAX_INCARNATIONS {
        let older = std::mem::replace(&mut backup, street.disk(HOME).clone());
        place(&mut street, HOME, Side::Sell, 10);
        street.run(QUIET);
        restore(&mut street, &older);
        street.run(QUIET);
        if street.halted(HOME).is_some() {
            break;
        }
    }
    assert_eq!(street.halted(HOME), Some(Halt::TooManyLogs));
    for home in 1..HOMES {
        assert!(street.household(home).unwrap().status().convicted.is_empty());
    }
}

#[test]
fn a_clock_that_jumps_ahead_and_back_costs_nothing_but_time() {
    for ahead in [Duration::from_secs(20), Duration::from_secs(3 * 3600), Duration::from_secs(400 * 24 * 3600)] {
        let mut street = street(64);
        place(&mut street, HOME, Side::Sell, 500);
        place(&mut street, NEIGHBOUR, Side::Sell, 300);
        street.run(SECOND);
        let millis = i64::try_from(ahead.as_millis()).unwrap();
        street.set_clock(HOME, |clock, now| clock.jump(now, millis));
        place_if_open(&mut street, HOME);
        street.run(20 * SECOND);
        assert_ne!(
            street.household(HOME).unwrap().standing(),
            Standing::Trading,
            "{ahead:?}: it does not trust itself"
        );
        let signed = street.entries_of(HOME).last().unwrap().at;
        assert!(signed <= street.now.after(5 * SECOND), "{ahead:?}: it has signed nothing by that clock");
        street.set_clock(HOME, |clock, now| clock.jump(now, -millis));
        street.run(QUIET);
        assert_well(&mut street);
        place(&mut street, HOME, Side::Buy, 100);
        street.run(10 * SECOND);
        assert_eq!(traded(&street, HOME), WattHours(100), "{ahead:?}: it trades on");
        assert_well(&mut street);
    }
}

/// The slot may be over by that home's clock.
fn place_if_open(street: &mut Street, home: usize) {
    let wish = street.wish(Side::Buy, 10, 900);
    let _refused = street.command(home, Command::Place { wishes: vec![wish], key: None });
}

/// A neighbour that answers nothing says again and again that it holds more of the own log than there is.
#[test]
fn one_that_lies_holds_a_restored_household_up_once() {
    const LIAR: usize = 4;
    let mut street = street(70);
    let backup = street.disk(HOME).clone();
    place(&mut street, HOME, Side::Sell, 500);
    street.run(SECOND);
    let (log, from) = (log_of(&mut street, HOME), street.key(LIAR));
    street.stop(LIAR);
    restore(&mut street, &backup);
    street.inject(HOME, Input::Connected(from));
    let lie = Message::Heads(vec![Head { log, seq: 1_000, id: EntryId([7; 32]) }]).encode();
    let mut waited = Duration::ZERO;
    while waited < 10 * FETCH_OWN_LOGS_FOR && street.household(HOME).unwrap().standing() != Standing::Trading {
        street.inject(HOME, Input::Message { from, bytes: lie.clone() });
        street.run(5 * SECOND);
        waited += 5 * SECOND;
    }
    assert!(waited > FETCH_OWN_LOGS_FOR, "it is waited for");
    assert!(waited < 3 * FETCH_OWN_LOGS_FOR, "{waited:?}");
}
