//! Who is not connected to the neighbour with the best order calls it, and waits a moment for it; and no longer.

use std::time::Duration;

use wattswap_matching::{Price, Side};
use wattswap_node::protocol::household::io::{Output, RequestId};
use wattswap_simulations::network::{Step, Street};

const SECOND: Duration = Duration::from_secs(1);
const CHEAP: usize = 0;
const BUYER: usize = 1;
const DEAR: usize = 2;

/// One neighbour offers 300 Wh at 1000 ticks, another as much at 1500. The buyer hears of both, and is not connected to
/// the first one.
fn offered() -> Street {
    let mut street = Street::new(4, 37);
    street.run(SECOND);
    street.part(CHEAP, BUYER);
    for (home, price) in [(CHEAP, 1_000), (DEAR, 1_500)] {
        let ask = street.wish(Side::Sell, 300, price);
        street.place(home, ask).unwrap();
    }
    street.run(SECOND);
    street
}

/// The buyer wants 100 Wh at 1600 ticks or less.
fn wants(street: &mut Street) -> RequestId {
    let bid = street.wish(Side::Buy, 100, 1_600);
    street.place(BUYER, bid).unwrap()
}

fn paid(street: &Street) -> Vec<Price> {
    let mut paid: Vec<_> = street.disk(BUYER).trades().values().map(|own| own.trade.proposal.price).collect();
    paid.sort_unstable();
    paid
}

/// Lets time pass, and counts the buyer's calls.
fn calls_in(street: &mut Street, time: Duration) -> usize {
    let end = street.now.after(time);
    let mut calls = 0;
    while let Some(step) = street.step(end) {
        if let Step::Turn(turn) = step
            && turn.home == BUYER
        {
            calls += turn.outputs.iter().filter(|output| matches!(output, Output::Call(_))).count();
        }
    }
    calls
}

#[test]
fn the_best_order_is_taken_whoever_is_connected() {
    let mut street = offered();
    let bid = wants(&mut street);
    street.run(SECOND);
    assert_eq!(paid(&street), [Price(1_000)]);
    assert_eq!(street.request(BUYER, bid).orders, [], "its limit was never on show");
}

#[test]
fn somebody_who_cannot_be_reached_holds_nobody_up_for_long_and_is_not_called_all_the_time() {
    let mut street = offered();
    street.set_link(CHEAP, BUYER, false);
    wants(&mut street);
    street.run(SECOND);
    assert_eq!(paid(&street), [], "it waits");
    street.run(SECOND + SECOND / 5);
    assert_eq!(paid(&street), [Price(1_500)], "what is not to be had is bought elsewhere");
    wants(&mut street);
    street.run(SECOND / 2);
    assert_eq!(paid(&street), [Price(1_500), Price(1_500)], "for this one nobody was waited for");
    assert_eq!(calls_in(&mut street, 50 * SECOND), 0);
    street.set_link(CHEAP, BUYER, true);
    street.part(CHEAP, BUYER);
    assert_eq!(calls_in(&mut street, 10 * SECOND), 0, "nothing is wanted");
    wants(&mut street);
    street.run(SECOND);
    assert_eq!(paid(&street), [Price(1_000), Price(1_500), Price(1_500)], "a minute later it is called again");
}
