//! What a household is told when it runs into a bound of the market.

use std::time::Duration;

use wattswap_matching::{Side, UtcMillis, WattHours};
use wattswap_node::protocol::household::io::{BadWish, Command, CommandError};
use wattswap_node::protocol::limits::MAX_PLACES_PER_SLOT;
use wattswap_simulations::network::Street;

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
