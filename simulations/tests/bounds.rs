//! Bounds: what a household is told when it runs into one of the market, and what others get of it at the most.

mod by_hand;

use std::time::Duration;

use wattswap_matching::{Side, UtcMillis, WattHours};
use wattswap_node::protocol::entry::{Beacon, Entry, Op};
use wattswap_node::protocol::household::io::{BadWish, Command, CommandError, Input, Output, Ticket, Verdict};
use wattswap_node::protocol::ids::EntryId;
use wattswap_node::protocol::limits::{BEACON_INTERVAL, MAX_PASSED_ON, MAX_PLACES_PER_SLOT, MAX_RANGES_PER_TURN};
use wattswap_node::protocol::message::{Gossip, Message};
use wattswap_node::protocol::signed::Verified;
use wattswap_simulations::network::Street;
use wattswap_simulations::network::traffic::Cargo;

use self::by_hand::{BUYER, CHEAT, Cheat};

#[test]
fn no_more_orders_are_taken_in_a_slot_than_count() {
    let mut street = Street::new(2, 41);
    street.run(Duration::from_secs(1));
    let place = |wishes| Command::Place { wishes, key: None };
    let wish = street.wish(Side::Sell, 1, 1_000);
    let refused = street.command(0, place(vec![wish; MAX_PLACES_PER_SLOT + 1]));
    let reason = BadWish::TooManyInSlot { limit: MAX_PLACES_PER_SLOT };
    assert!(matches!(&refused, Some(Err(CommandError::BadWish { index, reason: why }))
        if *index == MAX_PLACES_PER_SLOT && *why == reason));

    street.command(0, place(vec![wish; MAX_PLACES_PER_SLOT])).unwrap().unwrap();
    // Those that ended count too, since every node has to remember them.
    let first = *street.disk(0).requests().keys().next().unwrap();
    street.command(0, Command::Cancel(first)).unwrap().unwrap();
    let refused = street.command(0, place(vec![wish]));
    assert!(matches!(&refused, Some(Err(CommandError::BadWish { index: 0, reason: why })) if *why == reason));
    let mut elsewhere = wish;
    elsewhere.slot.0 = UtcMillis(wish.slot.0.0 + 900_000);
    for other in [elsewhere, street.wish(Side::Buy, 1, 900)] {
        street.command(0, place(vec![other])).unwrap().unwrap();
    }

    street.run(Duration::from_secs(5));
    let (_, asks) = street.household(1).unwrap().depth(wish.slot, 1);
    let shown = WattHours(i64::try_from(MAX_PLACES_PER_SLOT).unwrap() - 1);
    assert_eq!(asks[0].quantity, shown, "a neighbour counts all of them");
}

/// Each may be a megabyte: so many are read from the disk for one peer in a turn, whatever others ask for.
#[test]
fn so_many_ranges_are_sent_to_one_peer_in_a_turn() {
    let mut street = Street::new(3, 43);
    street.run(Duration::from_secs(1));
    let wish = street.wish(Side::Sell, 10, 1_000);
    street.place(0, wish).unwrap();
    street.run(Duration::from_secs(5));
    // Its disk is busy: what comes meanwhile is one turn.
    street.set_pace(0, 1_000, 1_000);
    street.place(0, wish);
    street.forget_traffic();
    let log = street.log(0).unwrap();
    let asks = Message::GetRange { log, from: 0, count: 1 }.encode();
    let peers = [vec![1; 2 * MAX_RANGES_PER_TURN], vec![2]].concat();
    for peer in peers {
        let from = street.key(peer);
        street.inject(0, Input::Message { from, bytes: asks.clone() });
    }
    street.run(Duration::from_secs(5));
    let sent = usize::try_from(street.traffic().messages(Cargo::Range)).unwrap();
    assert_eq!(sent, MAX_RANGES_PER_TURN + 1);
}

/// The answers are as long as the list of members, and are made once for one peer in a turn.
#[test]
fn a_question_is_answered_once_to_one_peer_in_a_turn() {
    let asked = |times: usize| {
        let mut street = Street::new(3, 44);
        street.run(Duration::from_secs(1));
        let wish = street.wish(Side::Sell, 10, 1_000);
        street.set_pace(0, 1_000, 1_000);
        street.place(0, wish);
        street.forget_traffic();
        let from = street.key(1);
        for question in [Message::GetHeads, Message::GetProofs, Message::GetGovernance { from: 0 }] {
            (0..times).for_each(|_| street.inject(0, Input::Message { from, bytes: question.encode() }));
        }
        street.run(Duration::from_secs(5));
        street.traffic().messages(Cargo::Other)
    };
    assert_eq!(asked(100), asked(1));
}

/// How many of these a household passes on.
fn passed_on(cheat: &mut Cheat, gossip: impl Iterator<Item = Gossip>) -> usize {
    let (now, from) = (cheat.street.now, cheat.log.author);
    let household = cheat.street.household(BUYER).unwrap();
    for gossip in gossip {
        household.handle(now, Input::Gossip { ticket: Ticket(0), from, bytes: gossip.encode() });
    }
    let outputs = std::iter::from_fn(|| household.poll());
    outputs.filter(|output| matches!(output, Output::Judge { verdict: Verdict::Accept, .. })).count()
}

/// The cheat's log has a gap for everybody: what lies behind it nobody stores, and so nobody can tell how fast it comes.
#[test]
fn of_what_is_not_stored_so_much_is_passed_on() {
    let mut cheat = Cheat::new(45);
    let (first, order) = (cheat.entries.len() as u64, cheat.order());
    let (community, log, at) = (cheat.street.community(), cheat.log, cheat.street.now);
    let signer = cheat.street.signer(CHEAT);
    let behind = |gap: u64| {
        let ops = vec![Op::Cancel { order, leaves: WattHours(0) }];
        let entry = Entry { community, log, seq: first + gap, prev: Some(EntryId([1; 32])), at, ops };
        Gossip::Entry(Verified::sign(entry, &*signer).bytes().clone())
    };
    assert_eq!(passed_on(&mut cheat, (1..100).map(behind)), usize::from(MAX_PASSED_ON));
}

/// It lives, as all hear, and goes on saying so.
#[test]
fn of_beacons_so_many_are_passed_on() {
    let mut cheat = Cheat::new(46);
    let last = cheat.entries.last().map(|last| (last.seq, EntryId(last.hash())));
    let (community, log, now) = (cheat.street.community(), cheat.log, cheat.street.now);
    let signer = cheat.street.signer(CHEAT);
    let interval = u64::try_from(BEACON_INTERVAL.as_millis()).unwrap();
    let after = |millis: u64| {
        let beacon = Beacon { community, log, last, at: UtcMillis(now.0 + interval + millis) };
        Gossip::Beacon(Verified::sign(beacon, &*signer).bytes().clone())
    };
    cheat.street.run(BEACON_INTERVAL);
    assert_eq!(passed_on(&mut cheat, (0..100).map(after)), 1);
    assert_eq!(passed_on(&mut cheat, (1..100).map(|times| after(times * interval))), 0, "however they are dated");
    cheat.street.run(BEACON_INTERVAL);
    assert_eq!(passed_on(&mut cheat, (100..200).map(|times| after(times * interval))), 1);
}
