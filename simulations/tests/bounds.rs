//! Bounds: what a household is told when it runs into one of the market, and what others get of it at the most.

use std::time::Duration;

use wattswap_matching::{Side, UtcMillis, WattHours};
use wattswap_node::protocol::household::io::{BadWish, Command, CommandError, Input};
use wattswap_node::protocol::limits::{MAX_PLACES_PER_SLOT, MAX_RANGES_PER_TURN};
use wattswap_node::protocol::message::Message;
use wattswap_simulations::network::Street;
use wattswap_simulations::network::traffic::Cargo;

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
