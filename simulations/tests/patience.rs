//! Who wants more of a neighbour than one order waits a moment for it, rather than pay another one more; and no longer.

use std::time::Duration;

use wattswap_matching::{Price, Side, WattHours};
use wattswap_node::protocol::household::io::RequestId;
use wattswap_simulations::network::Street;

const SECOND: Duration = Duration::from_secs(1);
const CHEAP: usize = 0;
const BUYER: usize = 1;
const DEAR: usize = 2;

/// One neighbour offers twice 100 Wh at 1000 and 1001 ticks, another 200 Wh at 1500.
fn offered() -> Street {
    let mut street = Street::new(4, 31);
    street.run(SECOND);
    for (home, quantity, price) in [(CHEAP, 100, 1_000), (CHEAP, 100, 1_001), (DEAR, 200, 1_500)] {
        let ask = street.wish(Side::Sell, quantity, price);
        street.place(home, ask).unwrap();
        street.run(SECOND);
    }
    street
}

/// The buyer wants 200 Wh at 1600 ticks or less.
fn wants(street: &mut Street) -> RequestId {
    let bid = street.wish(Side::Buy, 200, 1_600);
    street.place(BUYER, bid).unwrap()
}

/// What the cheap neighbour says from now on comes much later.
fn silence(street: &mut Street) {
    let until = street.now.after(10 * SECOND);
    [BUYER, DEAR, 3].into_iter().for_each(|other| street.clog(CHEAP, other, until));
}

/// What the buyer pays for how much, cheapest first.
fn paid(street: &Street) -> Vec<(Price, WattHours)> {
    let trades = street.disk(BUYER).trades().values().map(|own| &own.trade);
    let mut paid: Vec<_> = trades.map(|trade| (trade.proposal.price, trade.acceptance.quantity)).collect();
    paid.sort_unstable();
    paid
}

#[test]
fn a_second_order_of_the_same_neighbour_is_taken_before_a_dearer_one() {
    let mut street = offered();
    let bid = wants(&mut street);
    assert_eq!(street.request(BUYER, bid).in_doubt, WattHours(100), "one take in doubt with a neighbour");
    street.run(SECOND);
    assert_eq!(paid(&street), [(Price(1_000), WattHours(100)), (Price(1_001), WattHours(100))]);
    assert_eq!(street.request(BUYER, bid).orders, [], "its limit was never on show");
}

#[test]
fn another_request_waits_for_the_same_neighbour_too() {
    let mut street = offered();
    for _ in 0..2 {
        let bid = street.wish(Side::Buy, 100, 1_600);
        street.place(BUYER, bid).unwrap();
    }
    street.run(SECOND);
    assert_eq!(paid(&street), [(Price(1_000), WattHours(100)), (Price(1_001), WattHours(100))]);
}

#[test]
fn a_neighbour_that_does_not_answer_holds_nobody_up_for_long() {
    let mut street = offered();
    silence(&mut street);
    let bid = wants(&mut street);
    street.run(SECOND);
    assert_eq!(paid(&street), [], "it waits");
    street.run(SECOND + SECOND / 5);
    assert_eq!(paid(&street), [(Price(1_500), WattHours(100))], "what is not in doubt is bought elsewhere");
    assert_eq!(street.request(BUYER, bid).in_doubt, WattHours(100));
}

#[test]
fn what_nobody_else_offers_is_posted_after_the_wait() {
    let mut street = offered();
    silence(&mut street);
    let taken = wants(&mut street);
    // This one waits only for the neighbour that is busy with the first.
    let bid = street.wish(Side::Buy, 50, 1_100);
    let bid = street.place(BUYER, bid).unwrap();
    street.run(SECOND);
    assert_eq!(street.request(BUYER, bid).orders, [], "it waits");
    street.run(SECOND + SECOND / 5);
    assert_eq!(street.request(BUYER, bid).orders.len(), 1, "it is in the book");
    assert_eq!(street.request(BUYER, taken).in_doubt, WattHours(100));
}
