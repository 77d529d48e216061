//! A household that lost what it had signed goes on in a new log: nothing is sold twice, and nobody is convicted.

use std::sync::Arc;
use std::time::Duration;

use wattswap_matching::{Side, WattHours};
use wattswap_node::protocol::charter::{Act, Charter};
use wattswap_node::protocol::entry::{Entry, Op};
use wattswap_node::protocol::household::io::{Command, Halt, Input, RequestId, RequestState, Standing, Ticket};
use wattswap_node::protocol::ids::{EntryId, Head, Incarnation, LogId};
use wattswap_node::protocol::limits::{FETCH_OWN_LOGS_FOR, MAX_INCARNATIONS, MAX_RANGE};
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_node::protocol::signed::Verified;
use wattswap_simulations::network::disk::Disk;
use wattswap_simulations::network::{Crash, Street};

/// The one that is restored.
const HOME: usize = 0;
const NEIGHBOUR: usize = 1;
const WITNESS: usize = 2;
const HOMES: usize = 5;
const SECOND: Duration = Duration::from_secs(1);
/// Longer than a proposal lives, with the clocks' difference.
const QUIET: Duration = Duration::from_secs(30);

fn street(seed: u64) -> Street {
    let mut street = Street::new(HOMES, seed);
    street.run(SECOND);
    street
}

fn place(street: &mut Street, home: usize, side: Side, quantity: i64) -> RequestId {
    let wish = street.wish(side, quantity, 1_000);
    street.place(home, wish).unwrap()
}

fn restore(street: &mut Street, disk: &Disk) {
    street.restore_disk(HOME, disk.clone());
    street.start(HOME);
}

fn log_of(street: &mut Street, home: usize) -> LogId {
    street.household(home).unwrap().status().log
}

/// The seals that a household has signed.
fn seals(street: &Street, home: usize) -> Vec<Head> {
    let ops = street.entries_of(home).flat_map(|entry| entry.ops.iter());
    ops.filter_map(|op| if let Op::Seal(end) = op { Some(*end) } else { None }).collect()
}

/// Bids and asks of the next slot, as a household shows them.
fn shown(street: &mut Street, home: usize) -> [WattHours; 2] {
    let slot = street.next_slot();
    let (bids, asks) = street.household(home).unwrap().depth(slot, 10);
    [bids, asks].map(|levels| levels.iter().map(|level| level.quantity).sum())
}

/// All run, trade, hold and show the same, and nobody is convicted.
fn assert_well(street: &mut Street) {
    let statuses: Vec<_> = (0..HOMES).map(|home| street.household(home).unwrap().status()).collect();
    for status in &statuses {
        assert_eq!(status.standing, Standing::Trading);
        assert!(status.convicted.is_empty(), "nobody has cheated");
        assert_eq!(status.in_doubt, 0);
    }
    assert!(statuses.windows(2).all(|pair| pair[0].heads == pair[1].heads), "all hold the same entries");
    assert!(statuses.windows(2).all(|pair| pair[0].book == pair[1].book), "all show the same book");
    for home in 0..HOMES {
        for (id, own) in street.disk(home).trades() {
            let proposal = &own.trade.proposal;
            for party in [proposal.taker.author, proposal.maker.author] {
                let party = (0..HOMES).find(|home| street.key(*home) == party).unwrap();
                let other = street.disk(party).trades().get(id).map(|other| &other.trade);
                assert_eq!(other, Some(&own.trade), "both know of the trade");
            }
        }
    }
}

fn traded(street: &Street, home: usize) -> WattHours {
    street.disk(home).trades().values().map(|own| own.trade.acceptance.quantity).sum()
}

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
    // Also if peers tell that they hold the same long before they hear that they are asked for more.
    for hears_late in [false, true] {
        found_out_by_a_promise(hears_late);
    }
}

fn found_out_by_a_promise(hears_late: bool) {
    let mut street = street(58);
    place(&mut street, NEIGHBOUR, Side::Sell, 300);
    let late = street.wish(Side::Buy, 100, 900);
    street.place(HOME, late).unwrap();
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
    assert_eq!(seals(&street, HOME)[0].seq, 0, "what the others hold is not all there was");
    street.start(WITNESS);
    street.run(2 * QUIET);
    assert_well(&mut street);
    assert_eq!(shown(&mut street, WITNESS)[1], WattHours(400), "the old offer is closed");
    assert!(street.disk(HOME).entries().any(|entry| entry.log == old), "the owner's node has fetched what it forgot");
}

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
    street.run(3 * QUIET);
    let filled = street.disk(NEIGHBOUR).entries().filter(|entry| entry.fills().next().is_some()).count();
    assert_eq!(filled, 3, "it holds the fill beyond the seal, and both copies of the other trade");
    assert_eq!([HOME, 3, NEIGHBOUR].map(|home| traded(&street, home)), [0, 200, 200].map(WattHours));
    assert_well(&mut street);
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
